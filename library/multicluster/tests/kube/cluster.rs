//! What a cluster tells of itself, and what is made of servers that tell less.

use http::{HeaderValue, header::DATE};
use jiff::{SignedDuration, Timestamp};
use multicluster::{
    clock::Clock,
    cluster::{ClusterInfo, Detail, Part, describe},
    member::{MemberError, ResourceType},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::answers::{self, Asked, Log, Reply, status};

/// 2026-01-01T00:00:00Z, what the servers here think it is.
const THERE: i64 = 1_767_225_600;

pub(crate) fn clock(seconds_behind: i64) -> Clock {
    Clock::new(move || Timestamp::from_second(THERE - seconds_behind).unwrap())
}

/// What a cluster of today answers.
pub(crate) fn today(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/version" => {
            let version =
                json!({ "major": "1", "minor": "36", "gitVersion": "v1.36.3", "platform": "linux/amd64" });
            let mut reply = answers::json(200, &version);
            reply.headers_mut().insert(DATE, HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"));
            reply
        }
        "/api/v1/namespaces/kube-system" => answers::json(200, &json!({ "metadata": { "uid": "u-1" } })),
        "/api/v1/nodes" => answers::json(200, &json!({ "items": [node("a", true), node("b", false)] })),
        "/apis/networking.k8s.io/v1/servicecidrs" => answers::json(
            200,
            &json!({ "items": [{ "metadata": { "name": "kubernetes" }, "spec": { "cidrs": ["10.96.0.0/12"] } }] }),
        ),
        "/api" => answers::json(200, &aggregated("", "v1", &[("nodes", "Node", "Cluster")], "Current")),
        "/apis" => answers::json(
            200,
            &aggregated("apps", "v1", &[("deployments", "Deployment", "Namespaced")], "Stale"),
        ),
        path => panic!("{path} was not expected"),
    }
}

fn node(name: &str, ready: bool) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": { "topology.kubernetes.io/region": "sa-east-1", "topology.kubernetes.io/zone": format!("sa-east-1{name}") },
            "managedFields": [{}],
        },
        "spec": { "providerID": format!("aws:///sa-east-1{name}/i-{name}"), "podCIDRs": [format!("10.{}.0.0/24", name.len())] },
        "status": {
            "allocatable": { "cpu": "3920m", "memory": "16Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }],
            "images": [{}],
        },
    })
}

fn aggregated(group: &str, version: &str, kinds: &[(&str, &str, &str)], freshness: &str) -> Value {
    let resource = |(plural, kind, scope): &(&str, &str, &str)| {
        json!({
            "resource": plural, "responseKind": { "group": group, "version": version, "kind": kind }, "scope": scope,
            "subresources": [{ "subresource": "status", "responseKind": { "kind": kind } }],
        })
    };
    let resources: Vec<Value> = kinds.iter().map(resource).collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "items": [{
            "metadata": { "name": group },
            "versions": [{ "version": version, "resources": resources, "freshness": freshness }],
        }],
    })
}

pub(crate) fn forbidden() -> Reply {
    status(403, "Forbidden", "User \"me\" cannot", json!({}))
}

async fn described(
    kinds: bool,
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Result<ClusterInfo, MemberError>, Log) {
    let (member, log) = answers::member(answer);
    (describe(&member, &Detail { clock: clock(0), kinds }).await, log)
}

#[tokio::test]
async fn a_cluster_of_today_tells_everything_in_few_reads() {
    let (info, log) = described(true, today).await;
    let info = info.unwrap();
    assert_eq!((info.version.text.as_str(), info.version.platform.as_str()), ("v1.36.3", "linux/amd64"));
    assert_eq!(info.uid.unwrap().0, "u-1");
    assert_eq!(info.skew, Some(SignedDuration::ZERO));
    let nodes = info.nodes.unwrap();
    assert_eq!((nodes.count, nodes.ready), (2, 1));
    assert_eq!(nodes.topology.cloud.as_deref(), Some("aws"));
    assert_eq!(Vec::from_iter(nodes.topology.regions), ["sa-east-1"]);
    let kinds = info.kinds.unwrap();
    let names = kinds.kinds.iter().map(|ty| format!("{}/{} {}", ty.api_version(), ty.kind, ty.namespaced));
    assert_eq!(names.collect::<Vec<_>>(), ["v1/Node false", "apps/v1/Deployment true"]);
    assert_eq!(Vec::from_iter(kinds.stale), ["apps/v1"]);
    assert_eq!(info.gaps, []);

    let mut asked: Vec<_> =
        log.all().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /api",
            "GET /api/v1/namespaces/kube-system",
            "GET /api/v1/nodes",
            "GET /apis",
            "GET /apis/networking.k8s.io/v1/servicecidrs",
            "GET /version",
        ]
    );
}

#[tokio::test]
async fn kinds_are_asked_for_only_by_wish() {
    let (info, log) = described(false, today).await;
    assert_eq!(info.unwrap().kinds, None);
    assert!(log.all().iter().all(|asked| asked.path != "/apis"));
}

#[rstest]
#[case::ahead(120, Some(120))]
#[case::behind(-121, Some(-120))]
#[case::the_same(0, Some(0))]
#[tokio::test]
async fn clocks_are_compared(#[case] ahead: i64, #[case] expected: Option<i64>) {
    let (member, _) = answers::member(today);
    let info = describe(&member, &Detail { clock: clock(ahead), kinds: false }).await.unwrap();
    assert_eq!(info.skew, expected.map(SignedDuration::from_secs));
}

/// Each part that may not be read is a gap, and the rest is there.
#[rstest]
#[case::uid("/api/v1/namespaces/kube-system", Part::Uid)]
#[case::nodes("/api/v1/nodes", Part::Nodes)]
#[case::service_cidrs("/apis/networking.k8s.io/v1/servicecidrs", Part::ServiceCidrs)]
#[case::kinds("/apis", Part::Kinds)]
#[tokio::test]
async fn what_may_not_be_read_is_absent(#[case] path: &'static str, #[case] part: Part) {
    let (info, _) =
        described(true, move |asked| if asked.path == path { forbidden() } else { today(asked) }).await;
    let info = info.unwrap();
    assert_eq!(info.gaps.iter().map(|gap| gap.part).collect::<Vec<_>>(), [part]);
    let said = info.gaps[0].to_string();
    assert!(said.ends_with("cannot be read: not allowed: User \"me\" cannot"), "{said}");
    assert_eq!(info.uid.is_none(), part == Part::Uid);
    assert_eq!(info.nodes.is_none(), part == Part::Nodes);
    assert_eq!(info.networks.pods.is_empty(), part == Part::Nodes);
    assert_eq!(info.networks.services.is_empty(), part == Part::ServiceCidrs);
    assert_eq!(info.kinds.is_none(), part == Part::Kinds);
}

/// A cluster from before ServiceCIDR objects: the kind is absent, or, for those with few permissions, forbidden.
#[rstest]
#[case::absent(|| status(404, "NotFound", "the server could not find the requested resource", json!({})))]
#[case::forbidden(forbidden)]
#[tokio::test]
async fn an_old_cluster_publishes_no_service_cidrs(#[case] refusal: fn() -> Reply) {
    let (info, _) = described(false, move |asked| match asked.path.as_str() {
        "/apis/networking.k8s.io/v1/servicecidrs" => refusal(),
        "/version" => answers::json(200, &json!({ "gitVersion": "v1.30.1" })),
        _ => today(asked),
    })
    .await;
    let info = info.unwrap();
    assert!(info.networks.services.is_empty());
    assert_eq!(info.gaps, []);
    assert_eq!(info.skew, None, "there was no date");
}

/// Servers before Kubernetes 1.26 list the groups only.
#[tokio::test]
async fn kinds_of_an_old_cluster_are_read_group_by_group() {
    let (member, log) = answers::member(|asked| match asked.path.as_str() {
        "/api" => answers::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => {
            let group = |name: &str| json!({ "versions": [{ "groupVersion": name }] });
            let groups = ["apps/v1", "gone.example.com/v1", "down.example.com/v1"].map(group);
            answers::json(200, &json!({ "kind": "APIGroupList", "groups": groups }))
        }
        "/api/v1" => answers::json(
            200,
            &json!({ "resources": [{ "name": "pods", "kind": "Pod", "namespaced": true }] }),
        ),
        "/apis/apps/v1" => answers::json(
            200,
            &json!({ "resources": [
                { "name": "deployments", "kind": "Deployment", "namespaced": true },
                { "name": "deployments/scale", "kind": "Scale", "namespaced": true },
            ] }),
        ),
        "/apis/gone.example.com/v1" => answers::text(404, "404 page not found"),
        _ => answers::text(503, "service unavailable"),
    });
    let served = member.served_kinds().await.unwrap();
    let kinds: Vec<_> = served.kinds.iter().map(|ty| ty.kind.as_str()).collect();
    assert_eq!(kinds, ["Pod", "Deployment"]);
    assert_eq!(Vec::from_iter(served.stale), ["down.example.com/v1"]);
    assert_eq!(log.all().len(), 6);
}

#[rstest]
#[case::no_capacity("/api/v1/nodes", || answers::text(503, "starting"))]
#[case::credentials("/version", || status(401, "Unauthorized", "Unauthorized", json!({})))]
#[case::another_server("/version", || answers::json(200, &json!({ "hello": "world" })))]
#[case::no_json("/version", || answers::text(200, "<html>log in</html>"))]
#[case::not_a_cluster("/api/v1/namespaces/kube-system", || answers::json(200, &json!([])))]
#[tokio::test]
async fn what_cannot_be_asked_is_an_error(#[case] path: &'static str, #[case] refusal: fn() -> Reply) {
    let (info, _) =
        described(true, move |asked| if asked.path == path { refusal() } else { today(asked) }).await;
    let error = info.unwrap_err();
    assert!(!matches!(error, MemberError::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn nodes_are_kept_without_their_bulk() {
    let (member, _) = answers::member(today);
    let nodes = member.nodes().await.unwrap();
    assert_eq!(nodes[0]["kind"], "Node");
    assert!(
        nodes
            .iter()
            .all(|node| node["status"]["images"].is_null() && node["metadata"]["managedFields"].is_null())
    );
    assert_eq!(ResourceType::node().api_version(), "v1");
}
