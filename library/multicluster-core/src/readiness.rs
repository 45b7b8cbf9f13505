//! Whether an object has become what its spec says, by the rules of kstatus.
//!
//! Invariant: an answer depends on the object alone. What takes time (a pod that waits for a node) is in progress;
//! whoever waits decides how long.

mod kinds;
mod pods;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::pods::{PodFailure, pod_failure};
use crate::object::{group_of, text};

/// How far an object is. Messages are for humans, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is what its spec says.
    Current,
    /// Its controller works on it: `2 of 3 replicas available`.
    InProgress(String),
    /// It will not get there without a change.
    Failed(String),
    /// It is being deleted.
    Terminating,
}

/// How far an object is.
///
/// Kinds without rules of their own are judged by `observedGeneration` and the conditions `Reconciling`, `Stalled`
/// and `Ready`; without these they are current.
///
/// # Examples
/// ```
/// use multicluster_core::readiness::{readiness, Readiness};
/// use serde_json::json;
///
/// let deployment = json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "generation": 1 },
///     "spec": { "replicas": 3 },
///     "status": { "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2 }
/// });
/// assert_eq!(readiness(&deployment), Readiness::InProgress("2 of 3 replicas available".into()));
/// ```
#[must_use]
pub fn readiness(object: &Value) -> Readiness {
    if object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Readiness::Terminating;
    }
    if let Some(found) = generic(object) {
        return found;
    }
    match (group_of(text(object, "/apiVersion")), text(object, "/kind")) {
        ("apps", "Deployment") => kinds::deployment(object),
        ("apps", "StatefulSet") => kinds::stateful_set(object),
        ("apps", "DaemonSet") => kinds::daemon_set(object),
        ("apps", "ReplicaSet") => kinds::replica_set(object),
        ("batch", "Job") => kinds::job(object),
        ("", "Pod") => pods::pod(object),
        ("", "PersistentVolumeClaim") => kinds::claim(object),
        ("", "Service") => kinds::service(object),
        ("", "Namespace") => kinds::namespace(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => kinds::definition(object),
        ("apiregistration.k8s.io", "APIService") => kinds::api_service(object),
        _ => by_ready_condition(object),
    }
}

/// What holds for every kind; `None` if it says nothing.
fn generic(object: &Value) -> Option<Readiness> {
    if is_stale(object) {
        return Some(Readiness::InProgress(STALE.to_owned()));
    }
    if let Some(condition) = condition(object, "Reconciling").filter(|condition| condition.is("True")) {
        return Some(Readiness::InProgress(condition.words("it is being reconciled")));
    }
    condition(object, "Stalled")
        .filter(|condition| condition.is("True"))
        .map(|condition| Readiness::Failed(condition.words("it is stalled")))
}

const STALE: &str = "its controller has not seen the latest change";

fn is_stale(object: &Value) -> bool {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    generation.zip(observed).is_some_and(|(generation, observed)| observed < generation)
}

fn by_ready_condition(object: &Value) -> Readiness {
    match condition(object, "Ready") {
        Some(condition) if !condition.is("True") => Readiness::InProgress(condition.words("it is not ready")),
        _ => Readiness::Current,
    }
}

/// One of `status.conditions`.
#[derive(Clone, Copy)]
struct Condition<'a> {
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl Condition<'_> {
    fn is(self, status: &str) -> bool {
        self.status == status
    }

    /// What happened, with the reason and message where there are some.
    fn words(self, what: &str) -> String {
        let said: Vec<&str> =
            [self.reason, self.message].into_iter().filter(|said| !said.is_empty()).collect();
        if said.is_empty() { what.to_owned() } else { format!("{what} ({})", shortened(&said.join(": "))) }
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| text(condition, "/type") == kind).map(|condition| Condition {
        status: text(condition, "/status"),
        reason: text(condition, "/reason"),
        message: text(condition, "/message"),
    })
}

/// The first of the wanted conditions, by type, that a status does not show for the present generation, in words.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::readiness::unmet;
/// use serde_json::json;
///
/// let wanted = BTreeMap::from([("Synced".to_owned(), "True".to_owned())]);
/// let object = json!({ "status": { "conditions": [{ "type": "Synced", "status": "False", "reason": "Denied" }] } });
/// assert_eq!(unmet(&object, &wanted).unwrap(), "condition Synced is False, not True (Denied)");
/// ```
#[must_use]
pub fn unmet(object: &Value, wanted: &BTreeMap<String, String>) -> Option<String> {
    if !wanted.is_empty() && is_stale(object) {
        return Some(STALE.to_owned());
    }
    let (kind, status, found) = wanted
        .iter()
        .map(|(kind, status)| (kind, status, condition(object, kind)))
        .find(|(_, status, found)| found.is_none_or(|found| !found.is(status)))?;
    Some(match found {
        Some(found) => found.words(&format!("condition {kind} is {}, not {status}", found.status)),
        None => format!("there is no condition {kind} yet"),
    })
}

/// Messages of controllers can be pages long.
fn shortened(message: &str) -> String {
    /// Characters of a foreign message that are shown.
    const SHOWN: usize = 300;
    match message.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default().trim_end()),
        None => message.trim_end().to_owned(),
    }
}
