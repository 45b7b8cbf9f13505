//! What is asked of a member before it is written to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use multicluster::{
    core::{names::ClusterName, rbac::AccessCheck},
    member::{Access, MemberError},
    preflight::{CidrPolicy, Preflight, PreflightOptions, Severity, judge, preflight},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    answers::{self, Asked, Log, Reply, status},
    cluster::{clock, forbidden, today},
};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

fn check(
    group: &str,
    resource: &str,
    verb: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> AccessCheck {
    AccessCheck {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb: verb.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    }
}

/// A cluster of today on which `may` decides.
async fn asked(
    checks: &[AccessCheck],
    may: impl Fn(&Value) -> Reply + Send + Sync + 'static,
) -> (Result<Preflight, MemberError>, Log) {
    let (member, log) = answers::member(move |asked| match asked.path.as_str() {
        REVIEWS => may(&asked.body["spec"]["resourceAttributes"]),
        _ => today(asked),
    });
    (preflight(&member, checks, &PreflightOptions::new(clock(0))).await, log)
}

fn verdict(allowed: bool) -> Reply {
    answers::json(201, &json!({ "status": { "allowed": allowed } }))
}

fn reviews(log: &Log) -> Vec<Asked> {
    log.all().into_iter().filter(|asked| asked.path == REVIEWS).collect()
}

#[tokio::test]
async fn each_permission_is_asked_for_once_and_nothing_is_written() {
    let deployments = check("apps", "deployments", "create", Some("shop"), None);
    let nodes = check("", "nodes", "list", None, None);
    let checks = [deployments.clone(), nodes.clone(), deployments.clone()];
    let (found, log) = asked(&checks, |asked| verdict(asked["resource"] != "deployments")).await;
    let found = found.unwrap();
    assert_eq!(found.denied, [deployments]);
    assert_eq!(found.unknown, []);
    assert_eq!(found.uid.unwrap().0, "u-1");
    assert_eq!(found.version.release, Some((1, 36)));
    assert_eq!(found.skew, Some(SignedDuration::ZERO));
    // One of the two nodes is not ready.
    assert_eq!((found.nodes.len(), found.warnings.len()), (1, 0));
    assert_eq!(reviews(&log).len(), 2);
    let writes = log.all().into_iter().filter(|asked| asked.method != "GET" && asked.path != REVIEWS);
    assert_eq!(writes.count(), 0);
}

/// Of many permissions, only those are asked for one by one that do not follow from what the identity may do everywhere.
#[rstest]
#[case::listed(json!({ "incomplete": false, "resourceRules": [
    { "verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"] },
    { "verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["other"] }
] }), 1)]
#[case::not_all_listed(json!({ "incomplete": true, "resourceRules": [
    { "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }
] }), 5)]
#[case::says_nothing(json!({}), 5)]
#[tokio::test]
async fn what_is_allowed_everywhere_is_asked_for_at_once(#[case] rules: Value, #[case] reviewed: usize) {
    let deployments =
        ["get", "list", "create", "patch"].map(|verb| check("apps", "deployments", verb, None, None));
    let secrets = check("", "secrets", "get", Some("shop"), Some("key"));
    let checks: Vec<AccessCheck> = deployments.into_iter().chain([secrets.clone()]).collect();
    let (member, log) = answers::member(move |asked| match asked.path.as_str() {
        REVIEWS => verdict(asked.body["spec"]["resourceAttributes"]["resource"] != "secrets"),
        RULES => answers::json(201, &json!({ "status": rules })),
        _ => today(asked),
    });
    let found = preflight(&member, &checks, &PreflightOptions::new(clock(0))).await.unwrap();
    assert_eq!((found.denied, found.unknown), (vec![secrets], vec![]));
    assert_eq!(reviews(&log).len(), reviewed);
    let asked = log.all().into_iter().filter(|asked| asked.path == RULES);
    let namespaces: Vec<Value> = asked.map(|asked| asked.body["spec"]["namespace"].clone()).collect();
    assert_eq!(namespaces, ["-"]);
}

#[rstest]
#[case::everywhere(
    check("", "nodes", "list", None, None),
    json!({ "group": "", "resource": "nodes", "verb": "list" })
)]
#[case::one_object(
    check("", "configmaps", "get", Some("shop"), Some("web")),
    json!({ "group": "", "resource": "configmaps", "verb": "get", "namespace": "shop", "name": "web" })
)]
#[case::subresource(
    check("apps", "deployments/scale", "patch", Some("shop"), None),
    json!({ "group": "apps", "resource": "deployments", "subresource": "scale", "verb": "patch", "namespace": "shop" })
)]
#[tokio::test]
async fn a_review_says_what_is_meant(#[case] check: AccessCheck, #[case] expected: Value) {
    let (found, log) = asked(&[check], |_| verdict(true)).await;
    assert_eq!(found.unwrap().denied, []);
    let review = reviews(&log).remove(0).body;
    assert_eq!(review["kind"], "SelfSubjectAccessReview");
    assert_eq!(review["apiVersion"], "authorization.k8s.io/v1");
    assert_eq!(review["spec"], json!({ "resourceAttributes": expected }));
}

#[rstest]
#[case::yes(|| verdict(true), Some(Access::Allowed))]
#[case::no(|| verdict(false), Some(Access::Denied))]
#[case::explicitly_not(|| answers::json(201, &json!({ "status": { "allowed": false, "denied": true } })), Some(Access::Denied))]
#[case::an_authorizer_failed(|| answers::json(201, &json!({ "status": { "allowed": false, "evaluationError": "webhook timed out" } })), Some(Access::Unknown))]
#[case::one_failed_another_allowed(|| answers::json(201, &json!({ "status": { "allowed": true, "evaluationError": "x" } })), Some(Access::Allowed))]
#[case::may_not_ask(forbidden, Some(Access::Unknown))]
#[case::says_nothing(|| answers::json(201, &json!({})), Some(Access::Unknown))]
#[case::is_not_served(|| answers::text(404, "404 page not found"), Some(Access::Unknown))]
#[case::is_away(|| answers::text(503, "starting"), None)]
#[case::knows_nobody(|| status(401, "Unauthorized", "Unauthorized", json!({})), None)]
#[tokio::test]
async fn unknown_is_not_denied(#[case] reply: fn() -> Reply, #[case] expected: Option<Access>) {
    let (member, _) = answers::member(move |_| reply());
    let may = member.may(&check("", "nodes", "list", None, None)).await;
    assert_eq!(may.ok(), expected);
}

#[tokio::test]
async fn what_may_not_be_read_is_a_warning() {
    let (member, _) = answers::member(|asked| match asked.path.as_str() {
        "/api/v1/nodes" => forbidden(),
        _ => today(asked),
    });
    let found = preflight(&member, &[], &PreflightOptions::new(clock(0))).await.unwrap();
    assert_eq!(found.nodes, []);
    assert_eq!(found.warnings, ["its nodes cannot be read: not allowed: User \"me\" cannot"]);
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_an_error() {
    let (found, _) =
        asked(&[check("", "nodes", "list", None, None)], |_| answers::text(503, "starting")).await;
    assert!(found.unwrap_err().is_unreachable());
}

/// From what two servers answer to what the user reads.
#[tokio::test]
async fn two_servers_are_judged_together() {
    let (one, _) = asked(&[], |_| verdict(true)).await;
    let create = check("apps", "deployments", "create", Some("shop"), None);
    let (two, _) = asked(&[create], |_| verdict(false)).await;
    let name = |name: &str| ClusterName::new(name).unwrap();
    let found = BTreeMap::from([(name("aws"), one.unwrap()), (name("gcp"), two.unwrap())]);
    let findings = judge(&found, CidrPolicy::Ignore, &BTreeMap::new());
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error), "{findings:?}");
    let said: BTreeSet<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        said,
        BTreeSet::from([
            "`aws` and `gcp` are the same cluster: the namespace `kube-system` has the UID u-1 on each. Keep one of them.",
            "On `gcp` the identity may not: create deployments.apps in `shop`.",
        ])
    );
}
