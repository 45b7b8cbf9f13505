//! Whether a second colour fits.

use multicluster_core::release::fit::{Room, Severity, fit};
use rstest::rstest;
use serde_json::{Value, json};

fn node(name: &str, pool: &str, cpu: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": { "eks.amazonaws.com/nodegroup": pool, "kubernetes.io/hostname": name } },
        "status": {
            "allocatable": { "cpu": cpu, "memory": "8Gi", "pods": "10" },
            "conditions": [{ "type": "Ready", "status": "True" }]
        }
    })
}

fn pod(on: &str, cpu: &str, phase: &str) -> Value {
    json!({
        "spec": { "nodeName": on, "containers": [{ "name": "a", "resources": { "requests": { "cpu": cpu } } }] },
        "status": { "phase": phase }
    })
}

fn template() -> Value {
    json!({ "spec": { "containers": [{
        "name": "web", "resources": { "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "1" } }
    }] } })
}

fn said(nodes: &[Value], pods: &[Value], quotas: &[Value], replicas: u32) -> Vec<(Severity, String)> {
    let room = Room { nodes, pods, quotas, template: &template(), replicas };
    fit(&room).unwrap().into_iter().map(|finding| (finding.severity, finding.text)).collect()
}

#[test]
fn what_runs_takes_room_by_node() {
    let nodes = [node("one", "a", "2"), node("two", "b", "2")];
    let pods = [pod("one", "1", "Running"), pod("two", "1800m", "Pending"), pod("two", "2", "Succeeded")];
    assert_eq!(said(&nodes, &pods, &[], 2), []);
    let found = said(&nodes, &pods, &[], 3);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Warning);
    assert!(
        found[0].1.starts_with(
            "3 more pods (500m cpu, 1073741824 memory each) are needed beside what runs, and the nodes have room for 2: \
             2 in pool `a`, 0 in pool `b`."
        ),
        "{found:?}"
    );
}

#[test]
fn a_node_takes_only_so_many_pods() {
    let pods = vec![pod("one", "0", "Running"); 9];
    assert_eq!(said(&[node("one", "a", "32")], &pods, &[], 1), []);
    assert_eq!(said(&[node("one", "a", "32")], &pods, &[], 2).len(), 1);
}

#[test]
fn without_pods_nothing_has_to_fit() {
    assert_eq!(said(&[], &[], &[], 0), []);
    assert_eq!(said(&[], &[], &[], 1).len(), 1);
}

fn quota(hard: &Value, used: &Value, scopes: &Value) -> Value {
    json!({ "metadata": { "name": "team" }, "spec": { "scopes": scopes }, "status": { "hard": hard, "used": used } })
}

#[rstest]
#[case::enough(quota(&json!({ "requests.cpu": "4", "pods": "9" }), &json!({ "requests.cpu": "2500m", "pods": "6" }), &json!([])), "")]
#[case::requests(quota(&json!({ "requests.cpu": "4" }), &json!({ "requests.cpu": "2600m" }), &json!([])), "ResourceQuota `team` leaves 1400m of `requests.cpu` (at most 4, 2600m used), and 3 more pods need 1500m")]
#[case::short_name(quota(&json!({ "cpu": "1" }), &json!({}), &json!([])), "leaves 1 of `cpu`")]
#[case::limits(quota(&json!({ "limits.cpu": "4" }), &json!({ "limits.cpu": "2" }), &json!([])), "leaves 2 of `limits.cpu` (at most 4, 2 used), and 3 more pods need 3")]
#[case::pods(quota(&json!({ "pods": "5" }), &json!({ "pods": "4" }), &json!([])), "leaves 1 of `pods`")]
#[case::beyond(quota(&json!({ "pods": "5" }), &json!({ "pods": "9" }), &json!([])), "leaves 0 of `pods`")]
#[case::not_asked_for(quota(&json!({ "limits.memory": "1", "services": "0" }), &json!({}), &json!([])), "")]
#[case::for_others(quota(&json!({ "pods": "0" }), &json!({}), &json!(["BestEffort"])), "")]
#[case::in_scope(quota(&json!({ "pods": "0" }), &json!({}), &json!(["NotBestEffort", "NotTerminating"])), "leaves 0 of `pods`")]
fn quotas(#[case] quota: Value, #[case] says: &str) {
    let found = said(&[node("one", "a", "32")], &[], &[quota], 3);
    if says.is_empty() {
        assert_eq!(found, []);
    } else {
        assert_eq!((found.len(), found[0].0), (1, Severity::Problem), "{found:?}");
        assert!(found[0].1.contains(says), "{found:?}");
    }
}

#[test]
fn a_quota_of_a_priority_class_counts_its_pods_only() {
    let mut quota = quota(&json!({ "pods": "0" }), &json!({}), &json!([]));
    quota["spec"]["scopeSelector"] = json!({ "matchExpressions": [{ "scopeName": "PriorityClass", "operator": "In", "values": ["high"] }] });
    let nodes = [node("one", "a", "32")];
    assert_eq!(said(&nodes, &[], &[quota.clone()], 1), []);
    let mut high = template();
    high["spec"]["priorityClassName"] = json!("high");
    let room = Room { nodes: &nodes, pods: &[], quotas: &[quota], template: &high, replicas: 1 };
    assert_eq!(fit(&room).unwrap().len(), 1);
}

#[test]
fn an_amount_that_is_none_is_an_error() {
    let broken = json!({ "spec": { "containers": [{ "name": "web", "resources": { "requests": { "cpu": "lots" } } }] } });
    let room = Room { nodes: &[], pods: &[], quotas: &[], template: &broken, replicas: 1 };
    assert!(fit(&room).unwrap_err().to_string().contains("container `web`"));
}
