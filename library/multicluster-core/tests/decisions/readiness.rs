use multicluster_core::readiness::Readiness::{Current, Failed, InProgress, Terminating};
use multicluster_core::readiness::{Readiness, pod_failure, readiness};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::values::value;

/// An object whose controller has seen it; `changes` is laid over it.
fn object(api_version: &str, kind: &str, base: Value, changes: &Value) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": { "name": "web", "generation": 2 },
        "status": { "observedGeneration": 2 }
    });
    json_merge(&mut object, base);
    json_merge(&mut object, changes.clone());
    object
}

fn json_merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                json_merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn in_progress(message: &str) -> Readiness {
    InProgress(message.to_owned())
}

fn failed(message: &str) -> Readiness {
    Failed(message.to_owned())
}

fn status(count: u64) -> Value {
    json!({ "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count })
}

#[rstest]
#[case::rolled_out(json!({}), Current)]
#[case::none_wanted(json!({ "spec": { "replicas": 0 }, "status": status(0) }), Current)]
#[case::one_by_default(json!({ "spec": { "replicas": null }, "status": status(1) }), Current)]
#[case::deleted(json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }), Terminating)]
#[case::changed_since(
    json!({ "metadata": { "generation": 3 } }), in_progress("its controller has not seen the latest change")
)]
#[case::never_seen(json!({ "status": { "observedGeneration": null } }), in_progress("its controller has not seen it yet"))]
#[case::no_pods(json!({ "status": status(0) }), in_progress("0 of 3 replicas created"))]
#[case::old_pods(json!({ "status": { "updatedReplicas": 1 } }), in_progress("1 of 3 replicas updated"))]
#[case::old_pods_are_left(json!({ "status": { "replicas": 4 } }), in_progress("1 replica too many, to be terminated"))]
#[case::many_old_pods_are_left(
    json!({ "status": { "replicas": 5 } }), in_progress("2 replicas too many, to be terminated")
)]
#[case::starting(
    json!({ "status": { "readyReplicas": 2, "availableReplicas": 2 } }), in_progress("2 of 3 replicas available")
)]
#[case::ready_lags(json!({ "status": { "readyReplicas": 2 } }), in_progress("2 of 3 replicas ready"))]
#[case::the_deadline_passed(
    json!({ "status": { "conditions": [
        { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" }
    ] } }),
    failed("it made no progress within its deadline (ProgressDeadlineExceeded: timed out)")
)]
#[case::not_reported_complete(
    json!({ "status": { "conditions": [
        { "type": "Available", "status": "True" },
        { "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated" }
    ] } }),
    in_progress("its new replica set is not reported complete")
)]
#[case::without_a_deadline_nothing_is_reported(
    json!({ "spec": { "progressDeadlineSeconds": 2_147_483_647 }, "status": { "conditions": [
        { "type": "Available", "status": "True" }
    ] } }),
    Current
)]
#[case::not_reported_available(
    json!({ "status": { "conditions": [
        { "type": "Available", "status": "False" },
        { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }
    ] } }),
    in_progress("it is not reported available")
)]
#[case::paused_on_the_way(
    json!({ "spec": { "paused": true }, "status": { "updatedReplicas": 1 } }),
    in_progress("it is paused with 1 of 3 replicas updated")
)]
#[case::paused_afterwards(
    json!({ "spec": { "paused": true }, "status": { "conditions": [
        { "type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused" },
        { "type": "Available", "status": "True" }
    ] } }),
    Current
)]
fn deployments(#[case] changes: Value, #[case] expect: Readiness) {
    let mut base = json!({ "spec": { "replicas": 3 }, "status": status(3) });
    base["status"]["conditions"] = json!([
        { "type": "Available", "status": "True" },
        { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }
    ]);
    assert_eq!(readiness(&object("apps/v1", "Deployment", base, &changes)), expect);
}

#[test]
fn a_new_deployment_is_not_seen_yet() {
    let deployment =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "generation": 1 } });
    assert_eq!(readiness(&deployment), in_progress("its controller has not seen it yet"));
}

#[rstest]
#[case::rolled_out(json!({}), Current)]
#[case::created(json!({ "status": { "replicas": 1 } }), in_progress("1 of 3 replicas created"))]
#[case::starting(json!({ "status": { "readyReplicas": 1 } }), in_progress("1 of 3 replicas ready"))]
#[case::surplus(json!({ "status": { "replicas": 4 } }), in_progress("1 replica too many, to be terminated"))]
#[case::updating(
    json!({ "status": { "updateRevision": "b", "updatedReplicas": 1 } }), in_progress("1 of 3 replicas updated")
)]
#[case::in_parts(
    json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 2 } } },
            "status": { "updateRevision": "b", "updatedReplicas": 0 } }),
    in_progress("0 of 1 replicas updated")
)]
#[case::in_parts_done(
    json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 2 } } },
            "status": { "updateRevision": "b", "updatedReplicas": 1 } }),
    Current
)]
#[case::by_hand(
    json!({ "spec": { "updateStrategy": { "type": "OnDelete" } }, "status": { "updateRevision": "b", "readyReplicas": 0 } }),
    Current
)]
fn stateful_sets(#[case] changes: Value, #[case] expect: Readiness) {
    let mut base = json!({ "spec": { "replicas": 3 }, "status": status(3) });
    json_merge(&mut base, json!({ "status": { "currentRevision": "a", "updateRevision": "a" } }));
    assert_eq!(readiness(&object("apps/v1", "StatefulSet", base, &changes)), expect);
}

#[rstest]
#[case::rolled_out(json!({}), Current)]
#[case::no_nodes(json!({ "status": { "desiredNumberScheduled": 0 } }), Current)]
#[case::scheduling(json!({ "status": { "currentNumberScheduled": 1 } }), in_progress("1 of 2 pods scheduled"))]
#[case::updating(json!({ "status": { "updatedNumberScheduled": 1 } }), in_progress("1 of 2 pods updated"))]
#[case::updated_by_hand(
    json!({ "spec": { "updateStrategy": { "type": "OnDelete" } }, "status": { "updatedNumberScheduled": 1 } }), Current
)]
#[case::starting(json!({ "status": { "numberAvailable": 0 } }), in_progress("0 of 2 pods available"))]
#[case::ready_lags(json!({ "status": { "numberReady": 1 } }), in_progress("1 of 2 pods ready"))]
fn daemon_sets(#[case] changes: Value, #[case] expect: Readiness) {
    let base = json!({ "status": {
        "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2,
        "numberReady": 2
    } });
    assert_eq!(readiness(&object("apps/v1", "DaemonSet", base, &changes)), expect);
}

#[rstest]
#[case::there(json!({}), Current)]
#[case::no_quota(
    json!({ "status": { "conditions": [
        { "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota" }
    ] } }),
    in_progress("its pods cannot be created (FailedCreate: exceeded quota)")
)]
#[case::starting(json!({ "status": { "availableReplicas": 0 } }), in_progress("0 of 2 replicas available"))]
#[case::surplus(json!({ "spec": { "replicas": 1 } }), in_progress("1 replica too many, to be terminated"))]
fn replica_sets(#[case] changes: Value, #[case] expect: Readiness) {
    let mut base = json!({ "spec": { "replicas": 2 }, "status": status(2) });
    base["status"]["fullyLabeledReplicas"] = json!(2);
    assert_eq!(readiness(&object("apps/v1", "ReplicaSet", base, &changes)), expect);
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({ "status": { "conditions": [{ "type": kind, "status": status, "reason": reason }] } })
}

#[rstest]
#[case::job_waits("batch/v1", "Job", json!({}), in_progress("it has not started"))]
#[case::job_runs(
    "batch/v1",
    "Job",
    json!({ "spec": { "completions": 3 }, "status": { "startTime": "t", "succeeded": 2 } }),
    in_progress("2 of 3 pods succeeded")
)]
#[case::job_ended("batch/v1", "Job", condition("Complete", "True", ""), Current)]
#[case::job_failed(
    "batch/v1",
    "Job",
    condition("Failed", "True", "BackoffLimitExceeded"),
    failed("it failed (BackoffLimitExceeded)")
)]
#[case::job_is_suspended("batch/v1", "Job", json!({ "spec": { "suspend": true } }), Current)]
#[case::claim_waits(
    "v1", "PersistentVolumeClaim", json!({ "status": { "phase": "Pending" } }), in_progress("it is not bound to a volume")
)]
#[case::claim_is_bound("v1", "PersistentVolumeClaim", json!({ "status": { "phase": "Bound" } }), Current)]
#[case::claim_is_lost("v1", "PersistentVolumeClaim", json!({ "status": { "phase": "Lost" } }), failed("its volume is lost"))]
#[case::service_in_the_cluster("v1", "Service", json!({ "spec": { "type": "ClusterIP" } }), Current)]
#[case::balancer_waits(
    "v1", "Service", json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": {} } }),
    in_progress("its load balancer has no address")
)]
#[case::balancer_with_an_empty_entry(
    "v1", "Service", json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": { "ingress": [{}] } } }),
    in_progress("its load balancer has no address")
)]
#[case::balancer_with_an_address(
    "v1", "Service",
    json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } } }),
    Current
)]
#[case::balancer_with_a_name(
    "v1", "Service",
    json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": { "ingress": [{ "hostname": "a.b" }] } } }),
    Current
)]
#[case::a_service_of_another_group("serving.knative.dev/v1", "Service", json!({ "spec": { "type": "LoadBalancer" } }), Current)]
#[case::namespace("v1", "Namespace", json!({ "status": { "phase": "Active" } }), Current)]
#[case::namespace_goes("v1", "Namespace", json!({ "status": { "phase": "Terminating" } }), Terminating)]
#[case::definition_waits(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), in_progress("it is not established")
)]
#[case::definition_is_installed(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    condition("Established", "False", "Installing"),
    in_progress("it is not established")
)]
#[case::definition_is_served(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    condition("Established", "True", "InitialNamesAccepted"),
    Current
)]
#[case::definition_of_a_taken_name(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    condition("NamesAccepted", "False", "ListKindConflict"),
    failed("its names are not accepted (ListKindConflict)")
)]
#[case::api_waits(
    "apiregistration.k8s.io/v1",
    "APIService",
    condition("Available", "False", "MissingEndpoints"),
    in_progress("it is not available (MissingEndpoints)")
)]
#[case::api_is_served(
    "apiregistration.k8s.io/v1",
    "APIService",
    condition("Available", "True", "Passed"),
    Current
)]
#[case::nothing_to_say("v1", "ConfigMap", json!({}), Current)]
#[case::custom_ready("example.com/v1", "Widget", condition("Ready", "True", ""), Current)]
#[case::custom_not_ready(
    "example.com/v1",
    "Widget",
    condition("Ready", "False", "Boiling"),
    in_progress("it is not ready (Boiling)")
)]
#[case::custom_unknown(
    "example.com/v1",
    "Widget",
    condition("Ready", "Unknown", ""),
    in_progress("it is not ready")
)]
#[case::custom_reconciling(
    "example.com/v1",
    "Widget",
    condition("Reconciling", "True", ""),
    in_progress("it is being reconciled")
)]
#[case::custom_stalled(
    "example.com/v1",
    "Widget",
    condition("Stalled", "True", "NoQuota"),
    failed("it is stalled (NoQuota)")
)]
#[case::custom_not_stalled("example.com/v1", "Widget", condition("Stalled", "False", ""), Current)]
fn kinds(#[case] api_version: &str, #[case] kind: &str, #[case] changes: Value, #[case] expect: Readiness) {
    assert_eq!(readiness(&object(api_version, kind, json!({}), &changes)), expect);
}

fn waiting(list: &str, reason: &str) -> Value {
    json!({ "status": { "phase": "Pending", list: [
        { "name": "fine", "state": { "running": {} } },
        { "name": "web", "restartCount": 4, "state": { "waiting": { "reason": reason, "message": "no such thing" } } }
    ] } })
}

#[rstest]
#[case::runs(json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } }), Current)]
#[case::done(json!({ "status": { "phase": "Succeeded" } }), Current)]
#[case::evicted(json!({ "status": { "phase": "Failed", "reason": "Evicted" } }), failed("it failed (Evicted)"))]
#[case::not_ready(
    json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "False" }] } }),
    in_progress("it is not ready")
)]
#[case::no_node(
    json!({ "status": { "phase": "Pending", "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available" }
    ] } }),
    in_progress("no node takes it (Unschedulable: 0/3 nodes are available)")
)]
#[case::starts(json!({}), in_progress("it is starting"))]
#[case::crashes(
    waiting("containerStatuses", "CrashLoopBackOff"),
    failed("container `web` of pod `web`: CrashLoopBackOff (no such thing)")
)]
fn pods(#[case] changes: Value, #[case] expect: Readiness) {
    assert_eq!(readiness(&object("v1", "Pod", json!({}), &changes)), expect);
}

#[rstest]
fn lasting_troubles(
    #[values("containerStatuses", "initContainerStatuses")] list: &str,
    #[values(
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError"
    )]
    reason: &str,
) {
    let failure = pod_failure(&object("v1", "Pod", json!({}), &waiting(list, reason))).unwrap();
    assert_eq!((failure.pod.as_str(), failure.container.as_str()), ("web", "web"));
    assert_eq!((failure.reason.as_str(), failure.message.as_str()), (reason, "no such thing"));
}

#[rstest]
#[case::being_created(json!({ "waiting": { "reason": "ContainerCreating" } }))]
#[case::initializing(json!({ "waiting": { "reason": "PodInitializing" } }))]
#[case::stopped_once(json!({ "terminated": { "reason": "Error", "exitCode": 1 } }))]
#[case::runs_again(json!({ "running": {} }))]
fn passing_troubles(#[case] state: Value) {
    let pod = json!({ "metadata": { "name": "web" }, "status": { "containerStatuses": [
        { "name": "web", "restartCount": 1, "state": state, "lastState": { "terminated": { "exitCode": 1 } } }
    ] } });
    assert_eq!(pod_failure(&pod), None);
}

#[test]
fn a_crash_says_its_exit_code() {
    let pod = json!({ "metadata": { "name": "web-1" }, "status": { "containerStatuses": [{
        "name": "web", "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
        "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } }
    }] } });
    assert_eq!(
        pod_failure(&pod).unwrap().to_string(),
        "container `web` of pod `web-1`: CrashLoopBackOff (exit code 137: back-off 40s)"
    );
}

#[test]
fn long_messages_are_cut() {
    let widget = condition("Stalled", "True", &"ä".repeat(1000));
    let Failed(message) = readiness(&object("example.com/v1", "Widget", widget, &json!({}))) else {
        panic!()
    };
    assert!(message.ends_with("…)") && message.chars().count() < 350, "{message}");
}

proptest! {
    #[test]
    fn no_object_panics(
        (api_version, kind) in proptest::sample::select(vec![
            ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet"),
            ("batch/v1", "Job"), ("v1", "Pod"), ("v1", "PersistentVolumeClaim"), ("v1", "Service"), ("v1", "Namespace"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("apiregistration.k8s.io/v1", "APIService"),
        ]),
        spec in value(),
        status in value(),
        list in value(),
        number in any::<i64>(),
        other in any::<i64>(),
    ) {
        let strange = json!({ "apiVersion": api_version, "kind": kind, "spec": spec, "status": status, "metadata": list });
        let _ = readiness(&strange);
        let _ = pod_failure(&strange);
        let almost = json!({
            "apiVersion": api_version, "kind": kind,
            "spec": { "replicas": number, "updateStrategy": { "rollingUpdate": { "partition": other } } },
            "status": {
                "observedGeneration": number, "replicas": other, "updatedReplicas": number, "containerStatuses": list, "conditions": list,
                "loadBalancer": { "ingress": list }
            }
        });
        let _ = readiness(&almost);
        let _ = pod_failure(&almost);
    }
}
