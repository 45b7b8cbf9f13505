//! Adopted objects become ours alone.

use std::sync::Mutex;

use multicluster::federation::{FederationError, TakeOver, take_over};
use multicluster::member::{MemberError, ResourceType};
use multicluster_core::managed_fields::{Owners, Rest};
use multicluster_core::object::{GroupKind, ObjectKey};
use rstest::rstest;
use serde_json::{Value, json};

use crate::answers::{self, Log, Reply, status};
use crate::probes::world;

fn live(version: u32) -> Value {
    let record = |manager: &str, operation: &str, fields: Value| {
        let mut record = json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1" });
        record["time"] = "2026-01-01T00:00:00Z".into();
        record["fieldsV1"] = fields;
        record
    };
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": version.to_string(), "managedFields": [
            record("kubectl-client-side-apply", "Update", json!({ "f:data": { "f:a": {}, "f:b": {} } })),
            record("multicluster-world", "Apply", json!({ "f:data": { "f:a": {} } })),
        ] },
        "data": { "a": "1", "b": "2" },
    })
}

async fn run(
    uid: &str,
    rest: Rest,
    reply: impl Fn(&answers::Asked) -> Reply + Send + Sync + 'static,
) -> (Result<Option<Value>, FederationError>, Log) {
    let (member, log) = answers::member(reply);
    let key = ObjectKey {
        kind: GroupKind { group: String::new(), kind: "ConfigMap".into() },
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    let (ty, from) = (ResourceType::config_map(), Owners::tools());
    let what = TakeOver { key: &key, uid, ty: &ty, from: &from, rest };
    (take_over(&member, &world(), what).await, log)
}

fn methods(log: &Log) -> Vec<String> {
    log.all().into_iter().map(|asked| asked.method).collect()
}

#[tokio::test]
async fn the_records_are_patched_in_the_version_that_was_read() {
    let (taken, log) = run("u", Rest::Nobodys, |asked| match asked.method.as_str() {
        "GET" => answers::json(200, &live(7)),
        _ => answers::json(200, &json!({ "patched": true })),
    })
    .await;
    assert_eq!(taken.unwrap(), Some(json!({ "patched": true })));
    assert_eq!(methods(&log), ["GET", "PATCH"]);
    let asked = log.all().pop().unwrap();
    assert_eq!(asked.path, "/api/v1/namespaces/shop/configmaps/web");
    assert_eq!(
        (asked.query.as_str(), asked.content_type.as_str()),
        ("fieldManager=multicluster-world", "application/json-patch+json")
    );
    let mut ours = live(7)["metadata"]["managedFields"].clone();
    ours.as_array_mut().unwrap().remove(0);
    assert_eq!(
        asked.body,
        json!([
            { "op": "replace", "path": "/metadata/resourceVersion", "value": "7" },
            { "op": "replace", "path": "/metadata/managedFields", "value": ours },
        ])
    );
}

#[tokio::test]
async fn what_changed_meanwhile_is_read_again() {
    let versions = Mutex::new(7..);
    let (taken, log) = run("u", Rest::Ours, move |asked| {
        if asked.method == "GET" {
            return answers::json(200, &live(versions.lock().unwrap().next().unwrap()));
        }
        match asked.body[0]["value"].as_str() {
            Some("9") => answers::json(200, &json!({ "patched": true })),
            _ => status(409, "Conflict", "Operation cannot be fulfilled on configmaps \"web\": the object has been modified; please apply your changes to the latest version and try again", json!({ "name": "web" })),
        }
    })
    .await;
    assert_eq!(taken.unwrap(), Some(json!({ "patched": true })));
    assert_eq!(methods(&log), ["GET", "PATCH", "GET", "PATCH", "GET", "PATCH"]);
}

#[tokio::test]
async fn one_that_changes_for_ever_is_an_error() {
    let (taken, log) = run("u", Rest::Ours, |asked| match asked.method.as_str() {
        "GET" => answers::json(200, &live(7)),
        _ => status(409, "Conflict", "the object has been modified", json!({ "name": "web" })),
    })
    .await;
    let said = taken.unwrap_err().to_string();
    assert_eq!(
        said,
        "cannot take over the fields of ConfigMap shop/web: it was changed by someone else in the meantime"
    );
    assert_eq!(log.all().len(), 10);
}

#[rstest]
#[case::another_one("v", live(7), 200, 1)]
#[case::gone("u", json!({ "name": "web", "kind": "configmaps" }), 404, 1)]
#[tokio::test]
async fn what_is_not_there_any_more_is_left(
    #[case] uid: &str,
    #[case] answer: Value,
    #[case] code: u16,
    #[case] requests: usize,
) {
    let (taken, log) = run(uid, Rest::Ours, move |_| match code {
        404 => status(404, "NotFound", "configmaps \"web\" not found", answer.clone()),
        code => answers::json(code, &answer),
    })
    .await;
    assert_eq!(taken.unwrap(), None);
    assert_eq!(log.all().len(), requests);
}

#[tokio::test]
async fn gone_between_read_and_patch_is_gone() {
    let (taken, _) = run("u", Rest::Ours, |asked| match asked.method.as_str() {
        "GET" => answers::json(200, &live(7)),
        _ => status(
            404,
            "NotFound",
            "configmaps \"web\" not found",
            json!({ "name": "web", "kind": "configmaps" }),
        ),
    })
    .await;
    assert_eq!(taken.unwrap(), None);
}

#[tokio::test]
async fn where_nothing_is_theirs_nothing_is_written() {
    let mut ours = live(7);
    ours["metadata"]["managedFields"].as_array_mut().unwrap().remove(0);
    let expected = ours.clone();
    let (taken, log) = run("u", Rest::Ours, move |_| answers::json(200, &ours)).await;
    assert_eq!(taken.unwrap(), Some(expected));
    assert_eq!(methods(&log), ["GET"]);
}

#[tokio::test]
async fn a_refusal_says_what_was_done() {
    let (taken, _) = run("u", Rest::Ours, |asked| match asked.method.as_str() {
        "GET" => answers::json(200, &live(7)),
        _ => status(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
            json!({}),
        ),
    })
    .await;
    let error = taken.unwrap_err();
    assert!(
        matches!(&error.reason, multicluster::federation::Reason::Member(MemberError::Invalid { .. })),
        "{error}"
    );
}
