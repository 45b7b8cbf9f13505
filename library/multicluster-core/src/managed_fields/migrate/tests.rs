use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::managed_fields::{left_over, owned};

const US: &str = "multicluster-world";

fn record(manager: &str, operation: &str, fields: Value) -> Value {
    let mut record = json!({
        "manager": manager, "operation": operation, "apiVersion": "apps/v1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
    });
    record["fieldsV1"] = fields;
    record
}

fn with(records: &[Value]) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {
            "name": "web", "resourceVersion": "7", "managedFields": records,
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "deployment.kubernetes.io/revision": "1" },
        },
        "spec": {
            "replicas": 2, "progressDeadlineSeconds": 600, "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } },
            "template": { "spec": { "containers": [{ "name": "c", "image": "a", "args": ["x"] }, { "name": "side", "image": "b" }] } },
        },
    })
}

/// What `kubectl apply` leaves behind.
fn kubectl() -> Value {
    record(
        "kubectl-client-side-apply",
        "Update",
        json!({
            "f:metadata": { "f:annotations": { ".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {} } },
            "f:spec": {
                "f:replicas": {}, "f:progressDeadlineSeconds": {},
                "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {} }, "f:type": {} },
                "f:template": { "f:spec": { "f:containers": {
                    "k:{\"name\":\"c\"}": { ".": {}, "f:name": {}, "f:image": {}, "f:args": {} },
                    "k:{\"name\":\"side\"}": { ".": {}, "f:name": {}, "f:image": {} },
                } } },
            },
        }),
    )
}

fn ours() -> Value {
    record(
        US,
        "Apply",
        json!({ "f:spec": { "f:replicas": {}, "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"c\"}": { ".": {}, "f:name": {}, "f:image": {} },
        } } } } }),
    )
}

fn controller() -> Value {
    let mut record = record(
        "kube-controller-manager",
        "Update",
        json!({ "f:metadata": { "f:annotations": { "f:deployment.kubernetes.io/revision": {} } }, "f:status": { "f:replicas": {} } }),
    );
    record["subresource"] = "status".into();
    record
}

/// The object after the patch, as a server takes it.
fn migrated(live: &Value, rest: Rest) -> Option<Value> {
    let patch = migration(live, US, &Owners::tools(), rest)?;
    let mut after = live.clone();
    json_patch::patch(&mut after, &patch).unwrap();
    Some(after)
}

fn managers(object: &Value) -> Vec<&str> {
    let records = object["metadata"]["managedFields"].as_array().unwrap();
    records.iter().map(|record| record["manager"].as_str().unwrap()).collect()
}

#[test]
fn theirs_joins_ours() {
    let live = with(&[kubectl(), ours(), controller()]);
    let after = migrated(&live, Rest::Ours).unwrap();
    assert_eq!(managers(&after), [US, "kube-controller-manager"]);
    assert_eq!(after["metadata"]["managedFields"][1], controller());
    let expected = json!({
        "metadata": { "annotations": {} },
        "spec": {
            "replicas": 2, "progressDeadlineSeconds": 600,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } },
            "template": { "spec": { "containers": [{ "name": "c", "image": "a", "args": ["x"] }, { "name": "side", "image": "b" }] } },
        },
    });
    assert_eq!(owned(&after, US), Some(expected));
    assert_eq!(after["metadata"]["annotations"], json!({ "deployment.kubernetes.io/revision": "1" }));
    assert_eq!(after["spec"], live["spec"]);
}

#[test]
fn what_is_not_applied_can_belong_to_nobody() {
    let live = with(&[kubectl(), ours(), controller()]);
    let after = migrated(&live, Rest::Nobodys).unwrap();
    assert_eq!(managers(&after), [US, "kube-controller-manager"]);
    assert_eq!(after["metadata"]["managedFields"][0], ours());
    assert_eq!(
        (&after["spec"], &after["metadata"]["annotations"]),
        (&live["spec"], &live["metadata"]["annotations"])
    );
}

#[test]
fn without_a_record_of_ours_the_newest_of_theirs_is_the_first() {
    let mut newer = record("helm", "Update", json!({ "f:spec": { "f:minReadySeconds": {} } }));
    (newer["time"], newer["apiVersion"]) = ("2026-02-01T00:00:00Z".into(), "apps/v1beta1".into());
    let live = with(&[kubectl(), newer, controller()]);
    let after = migrated(&live, Rest::Ours).unwrap();
    let expected = json!({
        "manager": US, "operation": "Apply", "apiVersion": "apps/v1beta1", "time": "2026-02-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:minReadySeconds": {} } },
    });
    assert_eq!(after["metadata"]["managedFields"], json!([expected, controller()]));
    assert_eq!(migrated(&live, Rest::Nobodys), None, "nothing of ours would be left");
}

#[rstest]
#[case::only_ours(vec![ours()])]
#[case::a_controller(vec![ours(), controller()])]
#[case::a_stranger(vec![ours(), record("our-operator", "Update", json!({ "f:spec": { "f:replicas": {} } }))])]
#[case::a_subresource(vec![ours(), { let mut scale = kubectl(); scale["subresource"] = "scale".into(); scale }])]
#[case::none(vec![])]
fn nothing_is_taken_from(#[case] records: Vec<Value>) {
    let live = with(&records);
    assert_eq!((migrated(&live, Rest::Ours), migrated(&live, Rest::Nobodys)), (None, None));
}

#[test]
fn applies_of_tools_are_taken_as_well() {
    let terraform = record("Terraform", "Apply", json!({ "f:spec": { "f:replicas": {} } }));
    let after = migrated(&with(&[terraform, ours()]), Rest::Nobodys).unwrap();
    assert_eq!(after["metadata"]["managedFields"], json!([ours()]));
}

#[rstest]
#[case::kubectl("kubectl-edit", true)]
#[case::terraform_by_version("terraform-provider-helm_v2.12.1_x5", true)]
#[case::before_all("before-first-apply", true)]
#[case::open_cluster_management("work-agent-cluster1", true)]
#[case::the_cluster("kube-controller-manager", false)]
#[case::another_federation("multicluster-other", false)]
#[case::an_operator("manager", false)]
#[case::one_of_many("controller-manager", false)]
fn who_is_a_tool(#[case] manager: &str, #[case] expected: bool) {
    let mut live = with(&[record(manager, "Update", json!({ "f:spec": { "f:replicas": {} } })), ours()]);
    assert_eq!(migrated(&live, Rest::Nobodys).is_some(), expected);
    live["metadata"]["labels"] = json!({ "kubefed.io/managed": "true" });
    assert_eq!(migrated(&live, Rest::Nobodys).is_some(), expected || manager == "controller-manager");
}

#[test]
fn a_patch_names_the_version_that_it_was_made_for() {
    let mut live = with(&[kubectl(), ours()]);
    let patch = serde_json::to_value(migration(&live, US, &Owners::tools(), Rest::Ours).unwrap()).unwrap();
    assert_eq!(patch[0], json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": "7" }));
    assert_eq!(patch[2]["path"], "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration");
    live["metadata"]["resourceVersion"].take();
    assert_eq!(migration(&live, US, &Owners::tools(), Rest::Ours), None);
}

#[rstest]
#[case::alone(json!({ "f:annotations": { "f:kubectl.kubernetes.io/last-applied-configuration": {} } }), json!({}))]
#[case::with_the_mapping(json!({ "f:annotations": { ".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {} } }), json!({ "f:metadata": { "f:annotations": { ".": {} } } }))]
#[case::beside_others(json!({ "f:annotations": { "f:kubectl.kubernetes.io/last-applied-configuration": {}, "f:a": {} } }), json!({ "f:metadata": { "f:annotations": { "f:a": {} } } }))]
#[case::all_annotations(json!({ "f:annotations": {} }), json!({ "f:metadata": { "f:annotations": {} } }))]
fn the_note_of_kubectl_is_nobodys(#[case] metadata: Value, #[case] expected: Value) {
    let live = with(&[record("kubectl-client-side-apply", "Update", json!({ "f:metadata": metadata }))]);
    let after = migrated(&live, Rest::Ours).unwrap();
    assert_eq!(after["metadata"]["managedFields"][0]["fieldsV1"], expected);
}

fn left(live: &Value, from: &Owners) -> Vec<String> {
    left_over(live, US, from).iter().map(ToString::to_string).collect()
}

#[test]
fn what_they_leave_over_is_named() {
    let mut live = with(&[kubectl(), ours(), controller()]);
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].take();
    assert_eq!(
        left(&live, &Owners::tools()),
        [
            "spec.progressDeadlineSeconds",
            "spec.strategy.rollingUpdate",
            "spec.strategy.type",
            "spec.template.spec.containers[name=c].args",
            "spec.template.spec.containers[name=side]",
        ]
    );
    assert!(left(&live, &Owners::default()).is_empty());
}

#[test]
fn what_kubectl_notes_tells_what_was_defaulted() {
    let helm =
        record("helm", "Update", json!({ "f:spec": { "f:progressDeadlineSeconds": {}, "f:paused": {} } }));
    let mut live = with(&[kubectl(), ours(), helm]);
    let applied = json!({
        "metadata": { "annotations": {} },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [{ "name": "c", "args": ["x"] }] } } },
    });
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        applied.to_string().into();
    // What somebody else set too was asked for by them, and what is gone already cannot go.
    assert_eq!(
        left(&live, &Owners::tools()),
        ["spec.progressDeadlineSeconds", "spec.template.spec.containers[name=c].args"]
    );
}

#[test]
fn each_annotation_that_they_leave_is_named() {
    let mut theirs = kubectl();
    theirs["fieldsV1"] = json!({ "f:metadata": { "f:annotations": {
        ".": {}, "f:a": {}, "f:b": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {},
    } } });
    let mut live = with(&[theirs, ours()]);
    live["metadata"]["annotations"] = json!({
        "a": "1", "b": "2",
        "kubectl.kubernetes.io/last-applied-configuration": r#"{"metadata":{"annotations":{"a":"1"}}}"#,
    });
    assert_eq!(left(&live, &Owners::tools()), ["metadata.annotations.a"]);
}

/// The members of a set as text: the slow and obvious form.
fn members(fields: &Value, prefix: &str) -> BTreeSet<String> {
    let Some(fields) = fields.as_object() else { return BTreeSet::new() };
    let mut all = BTreeSet::new();
    if fields.is_empty() && !prefix.is_empty() {
        all.insert(prefix.to_owned());
    }
    for (step, below) in fields {
        if step == "." {
            all.insert(prefix.to_owned());
        } else {
            all.extend(members(below, &format!("{prefix}/{step}")));
        }
    }
    all
}

fn set() -> impl Strategy<Value = Value> {
    let leaf = Just(json!({}));
    let below = leaf.prop_recursive(3, 24, 3, |inner| {
        let step =
            prop_oneof![Just("."), Just("f:a"), Just("f:b"), Just("v:\"x\""), Just("k:{\"name\":\"c\"}")];
        prop::collection::btree_map(step, inner, 0..4).prop_map(|steps| {
            let step =
                |(step, below): (&str, Value)| (step.to_owned(), if step == "." { json!({}) } else { below });
            Value::Object(steps.into_iter().map(step).collect())
        })
    });
    // The root is no field.
    below.prop_map(|mut set| {
        set.as_object_mut().unwrap().remove(".");
        set
    })
}

proptest! {
    #[test]
    fn ours_is_the_union(mine in set(), theirs in set(), more in set()) {
        let live = with(&[record("helm", "Update", theirs.clone()), record(US, "Apply", mine.clone()), record("kubectl-edit", "Update", more.clone())]);
        let after = migrated(&live, Rest::Ours).unwrap();
        let mut expected = members(&mine, "");
        expected.extend(members(&theirs, ""));
        expected.extend(members(&more, ""));
        prop_assert_eq!(members(&after["metadata"]["managedFields"][0]["fieldsV1"], ""), expected);
        prop_assert_eq!(migrated(&after, Rest::Ours), None, "once is enough");
    }

    #[test]
    fn foreign_records_never_panic(manager in "helm|multicluster-world", fields in "\\PC{0,20}", operation in "Apply|Update|x") {
        let records = [json!({ "manager": manager, "operation": operation, "fieldsV1": fields }), json!(7), json!({ "manager": "helm", "fieldsV1": { "f:metadata": 3, ".": 1 } })];
        let live = with(&records);
        let _ = (migration(&live, US, &Owners::tools(), Rest::Ours), migration(&live, US, &Owners::tools(), Rest::Nobodys));
        prop_assert!(left_over(&live, US, &Owners::default()).is_empty());
    }
}

#[test]
fn what_is_let_go_of_keeps_everything_but_our_marks() {
    let record = |manager: &str, operation: &str| json!({ "manager": manager, "operation": operation, "fieldsV1": {} });
    let mut live = json!({ "metadata": { "resourceVersion": "7", "labels": { "x.dev/ours": "a", "tier": "web" },
        "managedFields": [record("us", "Apply"), record("us", "Update"), record("helm", "Update")] } });
    let released = release(&live, "us", &["x.dev/ours", "x.dev/absent"]).unwrap();
    json_patch::patch(&mut live, &released).unwrap();
    let expected = json!({ "metadata": { "resourceVersion": "7", "labels": { "tier": "web" },
        "managedFields": [record("helm", "Update")] } });
    assert_eq!(live, expected);
    assert_eq!(release(&live, "us", &["x.dev/ours"]), None);
}

#[test]
fn without_other_records_the_server_is_told_that_there_are_none() {
    let live = json!({ "metadata": { "resourceVersion": "7", "managedFields": [{ "manager": "us" }] } });
    let released = serde_json::to_value(release(&live, "us", &[]).unwrap()).unwrap();
    assert_eq!(released[1]["value"], json!([{}]));
}
