//! Waiting until objects are ready.

use std::time::Duration;

use multicluster::member::{Member, ResourceType, WaitError};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{answers, store::Store, waits_gone::within};

fn deployments() -> ResourceType {
    ResourceType {
        group: "apps".into(),
        version: "v1".into(),
        kind: "Deployment".into(),
        plural: "deployments".into(),
        namespaced: true,
    }
}

fn deployment(generation: i64, observed: i64, available: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "d-1", "generation": generation,
            "annotations": { "deployment.kubernetes.io/revision": observed.to_string() },
        },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } } },
        "status": {
            "observedGeneration": observed, "replicas": 2, "updatedReplicas": 2,
            "readyReplicas": available, "availableReplicas": available,
            "conditions": [
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
                { "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable" },
            ],
        },
    })
}

fn replica_set(revision: i64) -> Value {
    json!({
        "metadata": {
            "name": format!("web-{revision}"), "namespace": "shop",
            "annotations": { "deployment.kubernetes.io/revision": revision.to_string() },
            "ownerReferences": [{ "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true }],
        },
    })
}

fn pod(name: &str, revision: i64, waiting: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop",
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("web-{revision}"), "uid": "r", "controller": true }],
        },
        "status": { "phase": "Pending", "containerStatuses": [{
            "name": "php", "restartCount": 3,
            "state": { "waiting": { "reason": waiting, "message": "Back-off pulling image \"shop:9\"" } },
        }] },
    })
}

struct Cluster {
    deployments: Store,
    replica_sets: Store,
    pods: Store,
    member: Member,
}

impl Cluster {
    fn new() -> Self {
        let (deployments, replica_sets, pods) = (Store::new(), Store::new(), Store::new());
        let stores = [
            ("deployments", deployments.clone()),
            ("replicasets", replica_sets.clone()),
            ("pods", pods.clone()),
        ];
        let member = Store::member_of(stores).0;
        for revision in 1..=2 {
            replica_sets.put(replica_set(revision));
        }
        Self { deployments, replica_sets, pods, member }
    }

    async fn wait(&self, min_generation: i64, seconds: u64) -> Result<Value, WaitError> {
        self.member.wait_ready(&deployments(), Some("shop"), "web", min_generation, &within(seconds)).await
    }

    async fn wait_while(&self, change: impl AsyncFnOnce(&Self)) -> Result<Value, WaitError> {
        let change = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            change(self).await;
        };
        tokio::join!(self.wait(2, 60), change).0
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_is_returned() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 2));
    let ready = cluster.wait(2, 60).await.unwrap();
    assert_eq!(ready["metadata"]["generation"], 2);
}

#[tokio::test(start_paused = true)]
async fn an_older_generation_does_not_count() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(1, 1, 2));
    let error = cluster.wait(2, 60).await.unwrap_err();
    assert_eq!(error.to_string(), "not ready in time: the latest change is not visible yet");
}

#[tokio::test(start_paused = true)]
async fn becoming_ready_ends_the_wait_at_once() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 1));
    let start = Instant::now();
    let change = async |cluster: &Cluster| {
        cluster.deployments.put(deployment(2, 2, 2));
    };
    cluster.wait_while(change).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_says_how_far_it_came() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 1));
    let error = cluster.wait(2, 60).await.unwrap_err();
    assert_eq!(error.to_string(), "not ready in time: 1 of 2 replicas available");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_current_revision_that_cannot_start_ends_the_wait() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 1));
    let start = Instant::now();
    let change = async |cluster: &Cluster| {
        cluster.pods.put(pod("web-2-x", 2, "ImagePullBackOff"));
    };
    let error = cluster.wait_while(change).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "container `php` of pod `web-2-x` cannot run: ImagePullBackOff: Back-off pulling image \"shop:9\""
    );
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_already_before_the_wait_is_seen() {
    let cluster = Cluster::new();
    cluster.pods.put(pod("web-2-x", 2, "CrashLoopBackOff"));
    cluster.deployments.put(deployment(2, 2, 1));
    assert!(
        matches!(cluster.wait(2, 60).await, Err(WaitError::PodFailed(failure)) if failure.pod == "web-2-x")
    );
}

#[tokio::test(start_paused = true)]
async fn pods_of_the_old_revision_do_not_count() {
    let cluster = Cluster::new();
    cluster.pods.put(pod("web-1-x", 1, "CrashLoopBackOff"));
    cluster.deployments.put(deployment(2, 2, 1));
    let change = async |cluster: &Cluster| {
        cluster.deployments.put(deployment(2, 2, 2));
    };
    cluster.wait_while(change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pods_count_only_when_the_controller_has_seen_the_change() {
    let cluster = Cluster::new();
    // The failing revision is the one before the change that should repair it.
    cluster.pods.put(pod("web-1-x", 1, "CrashLoopBackOff"));
    cluster.deployments.put(deployment(2, 1, 1));
    let change = async |cluster: &Cluster| {
        cluster.deployments.put(deployment(2, 2, 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.deployments.put(deployment(2, 2, 2));
    };
    cluster.wait_while(change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pods_of_another_workload_do_not_count() {
    let cluster = Cluster::new();
    let mut foreign = replica_set(2);
    foreign["metadata"]["ownerReferences"][0]["uid"] = "d-2".into();
    cluster.replica_sets.put(foreign);
    cluster.pods.put(pod("web-2-x", 2, "CrashLoopBackOff"));
    cluster.deployments.put(deployment(2, 2, 1));
    assert!(matches!(cluster.wait(2, 60).await, Err(WaitError::NotReady { .. })));
}

#[tokio::test(start_paused = true)]
async fn without_permission_to_see_pods_the_workloads_own_words_must_do() {
    let deployments_store = Store::new();
    deployments_store.put(deployment(2, 2, 1));
    let (store_member, log) = Store::member_of([("deployments", deployments_store.clone())]);
    let change = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        deployments_store.put(deployment(2, 2, 2));
    };
    let (ty, wait) = (deployments(), within(60));
    let waiting = store_member.wait_ready(&ty, Some("shop"), "web", 2, &wait);
    tokio::join!(waiting, change).0.unwrap();
    assert_eq!(log.all().iter().filter(|asked| asked.path.ends_with("/pods")).count(), 1);
}

#[rstest]
#[case::stateful_set(
    "StatefulSet", json!({ "updateRevision": "web-2" }), json!({}), "controller-revision-hash", "web-2", "web-1"
)]
#[case::daemon_set(
    "DaemonSet", json!({ "desiredNumberScheduled": 2 }),
    json!({ "deprecated.daemonset.template.generation": "2" }), "pod-template-generation", "2", "1"
)]
#[tokio::test(start_paused = true)]
async fn other_workloads_know_their_pods_by_a_label(
    #[case] kind: &str,
    #[case] status: Value,
    #[case] annotations: Value,
    #[case] label: &str,
    #[case] current: &str,
    #[case] old: &str,
) {
    let ty = ResourceType { kind: kind.into(), plural: "workloads".into(), ..deployments() };
    let (workloads, pods) = (Store::new(), Store::new());
    let member = Store::member_of([("workloads", workloads.clone()), ("pods", pods.clone())]).0;
    let mut workload = deployment(2, 2, 1);
    workload["kind"] = kind.into();
    workload["metadata"]["annotations"] = annotations;
    for (key, value) in status.as_object().unwrap() {
        workload["status"][key] = value.clone();
    }
    workloads.put(workload);
    let labelled = |name: &str, value: &str| {
        let mut pod = pod(name, 2, "CrashLoopBackOff");
        pod["metadata"]["labels"] = json!({ label: value });
        pod["metadata"]["ownerReferences"][0]["uid"] = "d-1".into();
        pod
    };
    pods.put(labelled("old", old));
    let waited = member.wait_ready(&ty, Some("shop"), "web", 2, &within(10)).await;
    assert!(matches!(waited, Err(WaitError::NotReady { .. })), "{waited:?}");
    pods.put(labelled("new", current));
    let waited = member.wait_ready(&ty, Some("shop"), "web", 2, &within(10)).await;
    assert!(matches!(&waited, Err(WaitError::PodFailed(failure)) if failure.pod == "new"), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_gives_up_ends_the_wait() {
    let cluster = Cluster::new();
    let mut stuck = deployment(2, 2, 1);
    stuck["status"]["conditions"] = json!([{
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"web-2\" has timed out progressing.",
    }]);
    cluster.deployments.put(stuck);
    assert!(matches!(cluster.wait(2, 60).await, Err(WaitError::Failed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_the_wait() {
    let cluster = Cluster::new();
    assert_eq!(cluster.wait(2, 60).await, Err(WaitError::Deleted));
    cluster.deployments.put(deployment(2, 2, 1));
    let deleted = cluster.wait_while(async |cluster| cluster.deployments.delete("web")).await;
    assert_eq!(deleted, Err(WaitError::Deleted));
}

#[tokio::test(start_paused = true)]
async fn a_cut_watch_goes_on_where_it_was() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 1));
    let change = async |cluster: &Cluster| {
        cluster.deployments.away(5);
        cluster.deployments.cut();
        cluster.deployments.put(deployment(2, 2, 2));
    };
    cluster.wait_while(change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_away_is_part_of_the_message() {
    let cluster = Cluster::new();
    cluster.deployments.put(deployment(2, 2, 1));
    let change = async |cluster: &Cluster| {
        cluster.deployments.away(usize::MAX);
        cluster.deployments.cut();
    };
    let error = cluster.wait_while(change).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not ready in time: 1 of 2 replicas available when last seen; now cannot reach the API server: it answers 503: away"
    );
}

fn definition(established: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "things.example.com" },
        "spec": {
            "group": "example.com", "names": { "kind": "Thing" },
            "versions": [{ "name": "v1", "served": true }, { "name": "v0", "served": false }],
        },
        "status": { "conditions": [
            { "type": "NamesAccepted", "status": "True" }, { "type": "Established", "status": established, "reason": "Installing" },
        ] },
    })
}

#[tokio::test(start_paused = true)]
async fn a_definition_is_established_when_discovery_serves_it() {
    let asked_for_kinds = std::sync::atomic::AtomicUsize::new(0);
    let (member, _) = answers::member(move |asked| match asked.path.as_str() {
        "/apis/example.com/v1" => match asked_for_kinds.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0..=2 => answers::text(404, "404 page not found"),
            _ => answers::json(
                200,
                &json!({ "resources": [{ "name": "things", "kind": "Thing", "namespaced": true }] }),
            ),
        },
        _ => answers::json(
            200,
            &json!({ "metadata": { "resourceVersion": "1" }, "items": [definition("True")] }),
        ),
    });
    assert_eq!(member.resource_type("example.com/v1", "Thing").await, Ok(None));
    member.wait_established("things.example.com", &within(60)).await.unwrap();
    assert!(member.resource_type("example.com/v1", "Thing").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_is_not_established_is_waited_for_to_the_deadline() {
    let store = Store::new();
    store.put(definition("False"));
    let (member, _) = store.member("customresourcedefinitions");
    let waited = member.wait_established("things.example.com", &within(10)).await;
    assert!(matches!(waited, Err(WaitError::NotReady { .. })), "{waited:?}");
}
