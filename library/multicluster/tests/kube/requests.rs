//! What is asked of the server.

use multicluster::member::{ApplyOptions, Deletion, Member, MemberError, Propagation, ResourceType};
use rstest::rstest;
use serde_json::{Value, json};

use crate::answers::{self, Log, status};

fn config_map() -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web", "namespace": "shop" }, "data": { "a": "b" } })
}

fn echoing() -> (Member, Log) {
    answers::member(|asked| answers::json(200, &asked.body))
}

#[rstest]
#[case::plain(false, false, "fieldManager=multicluster.world&fieldValidation=Strict")]
#[case::by_force(true, false, "fieldManager=multicluster.world&fieldValidation=Strict&force=true")]
#[case::dry(false, true, "fieldManager=multicluster.world&fieldValidation=Strict&dryRun=All")]
#[tokio::test]
async fn apply_is_a_strict_server_side_apply(
    #[case] force: bool,
    #[case] dry_run: bool,
    #[case] query: &str,
) {
    let (member, log) = echoing();
    let options =
        ApplyOptions { field_manager: "multicluster.world".into(), force, dry_run, confidential: false };
    let made = member.apply(&ResourceType::config_map(), &config_map(), options).await;
    assert_eq!(made, Ok(config_map()));
    let asked = log.only();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("PATCH", "/api/v1/namespaces/shop/configmaps/web")
    );
    assert_eq!(asked.content_type, "application/apply-patch+yaml");
    assert_eq!(asked.query, query);
    assert_eq!(asked.body, config_map());
}

#[tokio::test]
async fn a_field_manager_is_encoded() {
    let (member, log) = echoing();
    let options = ApplyOptions {
        field_manager: "a&force=true".into(),
        force: false,
        dry_run: false,
        confidential: false,
    };
    member.apply(&ResourceType::config_map(), &config_map(), options).await.unwrap();
    assert_eq!(log.only().query, "fieldManager=a%26force%3Dtrue&fieldValidation=Strict");
}

#[rstest]
#[case::another_kind(ResourceType::secret(), config_map())]
#[case::no_namespace(
    ResourceType::config_map(),
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web" } })
)]
#[case::no_name(
    ResourceType::config_map(),
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": "shop" } })
)]
#[tokio::test]
async fn what_cannot_be_addressed_is_not_sent(#[case] ty: ResourceType, #[case] body: Value) {
    let (member, log) = echoing();
    let options =
        ApplyOptions { field_manager: "m".into(), force: false, dry_run: false, confidential: false };
    member.apply(&ty, &body, options).await.unwrap_err();
    member.create(&ty, &body, "m").await.unwrap_err();
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn create_posts_to_the_collection() {
    let (member, log) = echoing();
    member.create(&ResourceType::config_map(), &config_map(), "m").await.unwrap();
    let asked = log.only();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/v1/namespaces/shop/configmaps"));
    assert_eq!(asked.content_type, "application/json");
}

#[tokio::test]
async fn replace_needs_the_version_it_replaces() {
    let (member, log) = echoing();
    let without = member.replace(&ResourceType::config_map(), &config_map(), "m").await;
    assert!(matches!(without, Err(MemberError::Invalid { .. })));
    assert!(log.all().is_empty());
    let mut body = config_map();
    body["metadata"]["resourceVersion"] = "7".into();
    member.replace(&ResourceType::config_map(), &body, "m").await.unwrap();
    let asked = log.only();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("PUT", "/api/v1/namespaces/shop/configmaps/web")
    );
    assert_eq!(asked.body, body);
}

#[tokio::test]
async fn delete_names_the_uid() {
    let (member, log) =
        answers::member(|_| answers::json(200, &json!({ "kind": "Status", "status": "Success" })));
    let deletion =
        member.delete(&ResourceType::config_map(), Some("shop"), "web", "u-1", Propagation::Foreground).await;
    assert_eq!(deletion, Ok(Deletion::Gone));
    let asked = log.only();
    assert_eq!(asked.method, "DELETE");
    assert_eq!(
        asked.body,
        json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": "u-1" }, "propagationPolicy": "Foreground" })
    );
}

#[tokio::test]
async fn delete_without_a_uid_is_refused() {
    let (member, log) = echoing();
    let ty = ResourceType::config_map();
    member.delete(&ty, Some("shop"), "web", "", Propagation::Background).await.unwrap_err();
    assert!(log.all().is_empty());
}

/// The answer to a DELETE and, where it is asked, to the GET after it.
#[rstest]
#[case::accepted(config_map(), 200, None, Ok(Deletion::Started))]
#[case::not_there(json!("NotFound"), 404, None, Ok(Deletion::Gone))]
#[case::another_one_of_its_name(json!("Conflict"), 409, Some(("u-2", false)), Ok(Deletion::Gone))]
#[case::already_on_its_way(json!("Conflict"), 409, Some(("u-1", true)), Ok(Deletion::Started))]
#[case::changed_under_our_hands(json!("Conflict"), 409, Some(("u-1", false)), Err(MemberError::Changed))]
#[tokio::test]
async fn how_far_a_deletion_came(
    #[case] answer: Value,
    #[case] code: u16,
    #[case] live: Option<(&'static str, bool)>,
    #[case] expected: Result<Deletion, MemberError>,
) {
    let (member, _) = answers::member(move |asked| match (asked.method.as_str(), &answer, live) {
        ("DELETE", Value::String(reason), _) => {
            status(code, reason, "no", json!({ "name": "web", "kind": "configmaps" }))
        }
        ("DELETE", object, _) => answers::json(code, object),
        (_, _, Some((uid, terminating))) => {
            let mut object = config_map();
            object["metadata"]["uid"] = uid.into();
            if terminating {
                object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            }
            answers::json(200, &object)
        }
        (method, _, None) => panic!("{method} was not expected"),
    });
    let ty = ResourceType::config_map();
    assert_eq!(member.delete(&ty, Some("shop"), "web", "u-1", Propagation::Background).await, expected);
}

#[tokio::test]
async fn a_list_is_read_in_pages_and_its_items_say_what_they_are() {
    let (member, log) = answers::member(|asked| {
        let (item, next) = if asked.query.contains("continue=") { ("b", "") } else { ("a", "x/y=") };
        answers::json(
            200,
            &json!({
                "kind": "ConfigMapList", "metadata": { "continue": next },
                "items": [{ "metadata": { "name": item } }],
            }),
        )
    });
    let items = member.list(&ResourceType::config_map(), "app in (a,b)").await.unwrap();
    let item = |name| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
    assert_eq!(items, [item("a"), item("b")]);
    let queries: Vec<_> = log.all().into_iter().map(|asked| asked.path + "?" + &asked.query).collect();
    assert_eq!(
        queries,
        [
            "/api/v1/configmaps?labelSelector=app%20in%20%28a%2Cb%29&limit=500",
            "/api/v1/configmaps?labelSelector=app%20in%20%28a%2Cb%29&limit=500&continue=x%2Fy%3D",
        ]
    );
}

#[tokio::test]
async fn a_list_whose_pages_are_forgotten_starts_again_once() {
    let (member, log) = answers::member(|asked| {
        if asked.query.contains("continue=") {
            return status(410, "Expired", "too old", json!({}));
        }
        answers::json(200, &json!({ "metadata": { "continue": "next" }, "items": [{ "metadata": {} }] }))
    });
    assert_eq!(member.list(&ResourceType::config_map(), "a=b").await, Err(MemberError::Expired));
    assert_eq!(log.all().len(), 4);
}

#[tokio::test]
async fn a_list_without_a_selector_is_refused() {
    let (member, log) = echoing();
    member.list(&ResourceType::config_map(), " ").await.unwrap_err();
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn the_uid_of_a_cluster_is_that_of_kube_system() {
    let (member, log) = answers::member(|_| answers::json(200, &json!({ "metadata": { "uid": "u-1" } })));
    assert_eq!(member.uid().await.unwrap().0, "u-1");
    assert_eq!(log.only().path, "/api/v1/namespaces/kube-system");
}
