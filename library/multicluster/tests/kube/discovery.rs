//! How kinds are found.

use multicluster::member::{MemberError, ResourceType};
use serde_json::json;

use crate::answers::{self, Asked, Reply};

fn apps(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/apis/apps/v1" => answers::json(
            200,
            &json!({ "kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
            { "name": "deployments/scale", "kind": "Scale", "namespaced": true },
            { "name": "deployments", "kind": "Deployment", "namespaced": true },
            { "name": "deployments/status", "kind": "Deployment", "namespaced": true },
            { "kind": "Nameless" }, 7,
        ] }),
        ),
        "/api/v1" => answers::json(
            200,
            &json!({ "resources": [{ "name": "nodes", "kind": "Node", "namespaced": false }] }),
        ),
        _ => answers::text(404, "404 page not found"),
    }
}

#[tokio::test]
async fn a_kind_is_found_in_its_group_version_only() {
    let (member, log) = answers::member(apps);
    let found = member.resource_type("apps/v1", "Deployment").await.unwrap().unwrap();
    assert_eq!(
        found,
        ResourceType {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            plural: "deployments".into(),
            namespaced: true
        }
    );
    let node = member.resource_type("v1", "Node").await.unwrap().unwrap();
    assert_eq!((node.api_version().as_str(), node.namespaced), ("v1", false));
    let paths: Vec<_> = log.all().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/apis/apps/v1", "/api/v1"]);
}

#[tokio::test]
async fn what_was_found_is_kept_until_forgotten() {
    let (member, log) = answers::member(apps);
    let clone = member.clone();
    let (one, two) = tokio::join!(
        member.resource_type("apps/v1", "Deployment"),
        clone.resource_type("apps/v1", "Deployment")
    );
    assert_eq!(one, two);
    assert_eq!(log.all().len(), 1);
    member.forget_discovery();
    clone.resource_type("apps/v1", "Deployment").await.unwrap();
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn what_is_absent_is_asked_for_again() {
    let (member, log) = answers::member(apps);
    for _ in 0..2 {
        assert_eq!(member.resource_type("example.com/v1", "Thing").await, Ok(None));
        assert_eq!(member.resource_type("apps/v1", "Scale").await, Ok(None));
    }
    assert_eq!(log.all().len(), 4);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_a_missing_kind() {
    let (member, _) = answers::member(|_| answers::text(503, "starting"));
    let error = member.resource_type("apps/v1", "Deployment").await.unwrap_err();
    assert!(matches!(error, MemberError::Unreachable { .. }));
}
