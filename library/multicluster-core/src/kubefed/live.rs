//! What runs of a workload now, as KubeFed's scheduler counts it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::text;

/// How many replicas of a workload run on a member, and how many would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveReplicas {
    /// How many run.
    pub current: u64,
    /// How many the member can run at most; absent where nothing tells that it is full.
    pub capacity: Option<u64>,
}

impl LiveReplicas {
    /// Whether a count needs the workload's pods: as long as all wanted replicas are ready, it does not.
    #[must_use]
    pub fn needs_pods(workload: &Value) -> bool {
        wanted(workload) != ready(workload)
    }

    /// Counts. `pods` are those that the workload's `spec.selector.matchLabels` selects in its namespace; none are
    /// needed unless [`LiveReplicas::needs_pods`] says so. A pod counts against the capacity if it could not be
    /// scheduled since before `unschedulable_before` (RFC 3339 in UTC, as API servers write it): a minute ago.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::kubefed::LiveReplicas;
    /// use serde_json::json;
    ///
    /// let workload = json!({ "spec": { "replicas": 2 }, "status": { "readyReplicas": 1 } });
    /// let pods = [
    ///     json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready" }] } }),
    ///     json!({ "status": { "phase": "Pending", "conditions": [{
    ///         "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    ///         "lastTransitionTime": "2026-03-01T10:00:00Z"
    ///     }] } }),
    /// ];
    /// let live = LiveReplicas::read(&workload, &pods, "2026-03-01T10:05:00Z");
    /// assert_eq!(live, LiveReplicas { current: 1, capacity: Some(1) });
    /// ```
    #[must_use]
    pub fn read(workload: &Value, pods: &[Value], unschedulable_before: &str) -> Self {
        if !Self::needs_pods(workload) {
            return Self { current: ready(workload), capacity: None };
        }
        let count = |counts: &dyn Fn(&Value) -> bool| {
            u64::try_from(pods.iter().filter(|pod| counts(pod)).count()).unwrap_or(u64::MAX)
        };
        let stuck = count(&|pod| is_stuck(pod, unschedulable_before));
        let capacity = (stuck > 0).then(|| wanted(workload).saturating_sub(stuck));
        Self { current: count(&is_running), capacity }
    }
}

fn wanted(workload: &Value) -> u64 {
    workload.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0)
}

fn ready(workload: &Value) -> u64 {
    workload.pointer("/status/readyReplicas").and_then(Value::as_u64).unwrap_or(0)
}

fn conditions(pod: &Value) -> impl Iterator<Item = &Value> {
    pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

/// KubeFed calls this `RunningAndReady`, but looks only whether the pod has the condition, not what it says.
fn is_running(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Running" && conditions(pod).any(|it| text(it, "/type") == "Ready")
}

fn is_stuck(pod: &Value, before: &str) -> bool {
    text(pod, "/status/phase") != "Running"
        && conditions(pod).any(|condition| {
            let since = text(condition, "/lastTransitionTime");
            text(condition, "/type") == "PodScheduled"
                && text(condition, "/status") == "False"
                && text(condition, "/reason") == "Unschedulable"
                && !since.is_empty()
                && since < before
        })
}
