//! Pods, and which of their troubles do not pass by themselves.

use serde_json::Value;

use super::Readiness::{self, Current, Failed, InProgress};
use super::{condition, shortened};
use crate::object::text;

/// A container that will not start without a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("container `{container}` of pod `{pod}`: {reason}{}", detail(.message))]
pub struct PodFailure {
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, …
    pub reason: String,
    /// What the node says about it, cut to a few lines. May be empty.
    pub message: String,
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

/// Reasons to wait that only a change ends. A first restart is none: its container waits or runs for other reasons.
const LASTING: [&str; 9] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImageInspectError",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// The first container of a pod that will not start without a change, init containers first.
///
/// # Examples
/// ```
/// use multicluster_core::readiness::pod_failure;
/// use serde_json::json;
///
/// let pod = json!({
///     "metadata": { "name": "web-1" },
///     "status": { "containerStatuses": [
///         { "name": "web", "state": { "waiting": { "reason": "ErrImagePull", "message": "not found" } } }
///     ] }
/// });
/// let failure = pod_failure(&pod).unwrap();
/// assert_eq!(failure.to_string(), "container `web` of pod `web-1`: ErrImagePull (not found)");
/// ```
#[must_use]
pub fn pod_failure(pod: &Value) -> Option<PodFailure> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|pointer| pod.pointer(pointer).and_then(Value::as_array))
        .flatten()
        .find_map(|status| container_failure(pod, status))
}

fn container_failure(pod: &Value, status: &Value) -> Option<PodFailure> {
    let reason = text(status, "/state/waiting/reason");
    LASTING.contains(&reason).then(|| {
        let said = shortened(text(status, "/state/waiting/message"));
        let code = status.pointer("/lastState/terminated/exitCode").and_then(Value::as_i64);
        let message = match code {
            Some(code) if said.is_empty() => format!("exit code {code}"),
            Some(code) => format!("exit code {code}: {said}"),
            None => said,
        };
        PodFailure {
            pod: text(pod, "/metadata/name").to_owned(),
            container: text(status, "/name").to_owned(),
            reason: reason.to_owned(),
            message,
        }
    })
}

pub(super) fn pod(object: &Value) -> Readiness {
    if let Some(failure) = pod_failure(object) {
        return Failed(failure.to_string());
    }
    let ready = condition(object, "Ready");
    match text(object, "/status/phase") {
        "Succeeded" => Current,
        "Failed" => {
            let said: Vec<&str> = ["/status/reason", "/status/message"]
                .into_iter()
                .map(|pointer| text(object, pointer))
                .filter(|said| !said.is_empty())
                .collect();
            Failed(if said.is_empty() {
                "it failed".to_owned()
            } else {
                format!("it failed ({})", shortened(&said.join(": ")))
            })
        }
        "Running" if ready.is_some_and(|ready| ready.is("True")) => Current,
        "Running" => InProgress(
            ready.map_or_else(|| "it is not ready".to_owned(), |ready| ready.words("it is not ready")),
        ),
        _ => match condition(object, "PodScheduled") {
            Some(scheduled) if scheduled.is("False") => InProgress(scheduled.words("no node takes it")),
            _ => InProgress("it is starting".to_owned()),
        },
    }
}
