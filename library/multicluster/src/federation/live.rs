//! What runs of a workload that KubeFed's preferences divide.

use multicluster_core::kubefed::LiveReplicas;
use serde_json::Value;

use crate::member::{Member, ResourceType};

/// Counts what runs of a workload on the member that has it. Pods that could not be scheduled before
/// `unschedulable_before` (RFC 3339, UTC) count against the member's capacity.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn live_replicas(member: &Member, workload: &Value, unschedulable_before: &str) -> LiveReplicas {
    let pods = if LiveReplicas::needs_pods(workload) { pods(member, workload).await } else { Vec::new() };
    LiveReplicas::read(workload, &pods, unschedulable_before)
}

/// The pods of a workload; none if they cannot be seen, and then nothing tells that the member is full.
async fn pods(member: &Member, workload: &Value) -> Vec<Value> {
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    if selector.is_empty() {
        return Vec::new();
    }
    let namespace = workload.pointer("/metadata/namespace");
    let pods = member.list(&ResourceType::pod(), &selector.join(",")).await.unwrap_or_default();
    pods.into_iter().filter(|pod| pod.pointer("/metadata/namespace") == namespace).collect()
}
