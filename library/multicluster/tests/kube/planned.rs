//! A federation in a few calls, against members that are answered in the process.

use std::collections::BTreeMap;
use std::time::Duration;

use multicluster::clock::Clock;
use multicluster::federation::{Federation, FederationPlan, PlanError, Row, Run};
use multicluster::member::Member;
use multicluster_core::federation::policy::{Adopt, Policy};
use multicluster_core::federation::spec::{CopyFrom, FederationSpec, Replicas, ResourceSpec};
use multicluster_core::manifest::parse;
use multicluster_core::names::{ClusterName, FederationName};
use multicluster_core::placement::Labels;
use multicluster_core::replicas::Mode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::answers::{self, Asked, Log, Reply, status};

const MANIFEST: &str = "
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: shop }
data: { mode: fast }
";

fn clock() -> Clock {
    Clock::new(|| "2026-03-01T10:00:00Z".parse().unwrap())
}

fn name(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

fn spec(members: &[&str], resource: ResourceSpec) -> FederationSpec {
    FederationSpec {
        name: FederationName::new("world").unwrap(),
        members: members.iter().map(|it| (name(it), Labels::new())).collect(),
        resources: BTreeMap::from([("settings".to_owned(), resource)]),
    }
}

fn settings() -> ResourceSpec {
    ResourceSpec::new(parse(MANIFEST).unwrap())
}

/// A member whose server has `objects`, by their paths, and answers dry runs with what it is sent.
fn member(called: &str, objects: Vec<(&'static str, Value)>) -> (Member, Log) {
    let uid = format!("uid-{called}");
    let (mut member, log) = answers::member(move |asked| serve(asked, &uid, &objects));
    member.name = name(called);
    (member, log)
}

fn serve(asked: &Asked, uid: &str, objects: &[(&'static str, Value)]) -> Reply {
    let missing = || status(404, "NotFound", "not found", json!({ "name": "it", "kind": "things" }));
    let known = objects.iter().find(|(path, _)| *path == asked.path);
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/api/v1/namespaces/kube-system") => {
            let metadata = json!({ "name": "kube-system", "uid": uid });
            answers::json(200, &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }))
        }
        ("GET", "/api/v1") => {
            let kinds =
                [json!({ "name": "configmaps", "kind": "ConfigMap", "namespaced": true, "verbs": ["list"] })];
            answers::json(200, &json!({ "kind": "APIResourceList", "resources": kinds }))
        }
        ("GET", "/api/v1/configmaps") => answers::json(200, &json!({ "metadata": {}, "items": [] })),
        ("GET", _) => known.map_or_else(missing, |(_, object)| answers::json(200, object)),
        ("PATCH", _) => {
            assert!(asked.query.contains("dryRun=All"), "a plan writes {}", asked.path);
            let mut result = asked.body.clone();
            if let Some((_, object)) = known {
                result["metadata"]["uid"] = object["metadata"]["uid"].clone();
            }
            result["metadata"]["managedFields"] = json!([
                { "manager": "multicluster-world", "operation": "Apply", "fieldsV1": { "f:data": { "f:mode": {} } } } ]);
            answers::json(200, &result)
        }
        (method, path) => panic!("a plan asks {method} {path}"),
    }
}

fn away(called: &str) -> Member {
    let (mut member, _) =
        answers::member(|_| status(503, "ServiceUnavailable", "the server is away", json!({})));
    member.name = name(called);
    member
}

async fn plan(spec: FederationSpec, members: Vec<Member>) -> Result<FederationPlan, PlanError> {
    Federation::new(spec, members, clock()).plan().await
}

fn happens(plan: &FederationPlan) -> Vec<String> {
    plan.rows().iter().map(|row| format!("{} {}: {}", row.cluster, row.object, row.happens)).collect()
}

#[tokio::test]
async fn a_plan_says_per_cluster_what_would_happen_and_writes_nothing() {
    let ((aws, log), (gcp, _)) = (member("aws", vec![]), member("gcp", vec![]));
    let plan = plan(spec(&["aws", "gcp"], settings()), vec![aws, gcp]).await.unwrap();
    assert_eq!(
        plan.to_string(),
        "CLUSTER  OBJECT                   WHAT HAPPENS\n\
         aws      member                   join\n\
         aws      ConfigMap shop/settings  create\n\
         gcp      member                   join\n\
         gcp      ConfigMap shop/settings  create\n"
    );
    assert!(!plan.is_empty() && plan.problems().is_empty());
    assert_eq!(plan.cluster_uids()[&name("gcp")].0, "uid-gcp");
    assert_eq!(log.all().iter().filter(|asked| asked.method == "PATCH").count(), 1);
    let row = serde_json::to_value(&plan.rows()[1]).unwrap();
    assert_eq!(row, json!({ "cluster": "aws", "object": "ConfigMap shop/settings", "happens": "create" }));
}

#[tokio::test]
async fn a_member_that_is_away_is_unknown_and_holds_up_nobody() {
    let (aws, _) = member("aws", vec![]);
    let plan = plan(spec(&["aws", "gcp"], settings()), vec![aws, away("gcp")]).await.unwrap();
    let rows = happens(&plan);
    assert_eq!(rows[..2], ["aws member: join", "aws ConfigMap shop/settings: create"]);
    assert!(rows[2].starts_with("gcp member: unknown: cannot "), "{rows:?}");
    assert_eq!((rows.len(), plan.problems().len()), (3, 0));
}

fn foreign() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "settings", "namespace": "shop", "uid": "u", "managedFields": [
            { "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": { "f:mode": {} } } } ] },
        "data": { "mode": "slow" },
    })
}

#[tokio::test]
async fn what_is_somebody_elses_stands_against_an_apply() {
    let there = vec![("/api/v1/namespaces/shop/configmaps/settings", foreign())];
    let (aws, log) = member("aws", there);
    let plan = plan(spec(&["aws"], settings()), vec![aws]).await.unwrap();
    assert_eq!(
        happens(&plan)[1],
        "aws ConfigMap shop/settings: conflict: it is there, and not ours (kept by Helm)"
    );
    let before = log.all().len();
    let error = plan.apply(&Run::within(Duration::from_secs(1), clock())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan cannot be applied: `aws`: ConfigMap shop/settings exists already and does not belong to this \
         federation (written by Helm)"
    );
    assert_eq!(log.all().len(), before, "an apply that is refused asks nothing");
}

#[tokio::test]
async fn what_is_adopted_says_from_whom_and_what_changes() {
    let there = vec![("/api/v1/namespaces/shop/configmaps/settings", foreign())];
    let (aws, _) = member("aws", there);
    let policy = Policy { adopt: Adopt::Always, ..Policy::default() };
    let plan = plan(spec(&["aws"], ResourceSpec { policy, ..settings() }), vec![aws]).await.unwrap();
    let row = &plan.rows()[1];
    assert!(row.happens.starts_with("adopt (kept by Helm), update: data.mode"), "{row:?}");
}

#[tokio::test]
async fn one_cluster_under_two_names_is_refused() {
    let ((aws, _), (mut again, _)) = (member("aws", vec![]), member("aws", vec![]));
    again.name = name("gcp");
    let plan = plan(spec(&["aws", "gcp"], settings()), vec![aws, again]).await.unwrap();
    assert_eq!(plan.problems(), ["`gcp`: it is the same cluster as `aws`"]);
}

#[tokio::test]
async fn a_cluster_that_has_nothing_of_it_does_not_leave() {
    let ((aws, _), (gcp, _)) = (member("aws", vec![]), member("gcp", vec![]));
    let plan = plan(spec(&["aws"], settings()), vec![aws, gcp]).await.unwrap();
    assert!(plan.rows().iter().all(|row: &Row| row.cluster == "aws"), "{:?}", plan.rows());
}

fn steady() -> ResourceSpec {
    let replicas = Replicas {
        target: None,
        total: Some(3),
        mode: Mode::Weighted,
        steady: true,
        clusters: BTreeMap::new(),
    };
    ResourceSpec { replicas: Some(replicas), ..settings() }
}

fn copy() -> ResourceSpec {
    let manifests = parse(MANIFEST).unwrap();
    let key = manifests[0].key();
    let copy = CopyFrom { cluster: name("aws"), api_version: "v1".to_owned(), key };
    ResourceSpec { copy: Some(copy), ..ResourceSpec::new(manifests) }
}

#[rstest]
#[case::no_connection(&["aws", "azure"], settings(), "there is no connection to cluster `azure`")]
#[case::contradiction(
    &["aws"],
    ResourceSpec { manifests: parse(&MANIFEST.replace("shop", "multicluster-system").replace("settings", "federation.world.default")).unwrap(), ..settings() },
    "resource `settings`: ConfigMap multicluster-system/federation.world.default is where the federation keeps its own records"
)]
#[case::nothing_to_copy(
    &["aws"],
    copy(),
    "resource `settings`: cannot copy ConfigMap shop/settings of `aws`"
)]
#[case::the_past_is_hidden(
    &["aws", "gcp"],
    steady(),
    "resource `settings`: where it goes follows from what is on `gcp`, which cannot be read: cannot "
)]
#[tokio::test]
async fn what_cannot_be_planned_is_an_error(
    #[case] members: &[&str],
    #[case] resource: ResourceSpec,
    #[case] expected: &str,
) {
    let (aws, _) = member("aws", vec![]);
    let error = plan(spec(members, resource), vec![aws, away("gcp")]).await.unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn an_object_is_explained_by_the_specification() {
    let ((aws, _), (gcp, _)) = (member("aws", vec![]), member("gcp", vec![]));
    let mut resource = settings();
    resource.placement.clusters = Some(vec![name("aws")]);
    let key = resource.manifests[0].key();
    let federation = Federation::new(spec(&["aws", "gcp"], resource), [aws, gcp, away("far")], clock());
    let said = federation.explain(&key, "v1").await.unwrap();
    assert_eq!(
        said[&name("aws")].as_ref().unwrap().headline(),
        "not there: the configuration places it here, and no apply has done so yet"
    );
    assert_eq!(
        said[&name("gcp")].as_ref().unwrap().to_string(),
        "not there: the federation has nothing on this cluster\n  \
         placement  entry `settings` does not place it here: it is not named in `clusters`"
    );
    assert!(said[&name("far")].is_err());
}

#[tokio::test]
async fn nothing_is_removed_where_there_is_nothing() {
    let (aws, log) = member("aws", vec![]);
    let report = Federation::new(spec(&["aws"], settings()), [aws], clock())
        .remove(&Run::within(Duration::from_secs(1), clock()))
        .await;
    assert!(report.is_success() && report.members.is_empty() && !report.wrote);
    assert_eq!(log.only().method, "GET");
}
