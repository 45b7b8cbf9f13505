//! The rules of single kinds.

use serde_json::Value;

use super::Readiness::{self, Current, Failed, InProgress, Terminating};
use super::condition;
use crate::object::text;

/// A count in the object; absent ones are 0, as the API leaves zeros out.
fn count(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// `spec.replicas`, which the server sets to 1.
fn wanted(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

fn progress(done: i64, wanted: i64, what: &str) -> Option<Readiness> {
    (done < wanted).then(|| InProgress(format!("{done} of {wanted} {what}")))
}

fn surplus(present: i64, wanted: i64) -> Option<Readiness> {
    let replicas = |count| if count == 1 { "replica" } else { "replicas" };
    let extra = present.saturating_sub(wanted);
    (extra > 0).then(|| InProgress(format!("{extra} {} too many, to be terminated", replicas(extra))))
}

fn first(checks: impl IntoIterator<Item = Option<Readiness>>) -> Readiness {
    checks.into_iter().flatten().next().unwrap_or(Current)
}

fn unobserved(object: &Value) -> Option<Readiness> {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    observed.is_none().then(|| InProgress("its controller has not seen it yet".to_owned()))
}

pub(super) fn deployment(object: &Value) -> Readiness {
    /// The deadline that stands for "none": the controller then reports no progress.
    const NO_DEADLINE: i64 = i32::MAX as i64;
    let progressing = condition(object, "Progressing");
    if let Some(progressing) =
        progressing.filter(|progressing| progressing.reason == "ProgressDeadlineExceeded")
    {
        return Failed(progressing.words("it made no progress within its deadline"));
    }
    let wanted = wanted(object);
    let replicas = count(object, "/status/replicas");
    let updated = count(object, "/status/updatedReplicas");
    let available = count(object, "/status/availableReplicas");
    let paused = object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true);
    if paused && updated < wanted {
        return InProgress(format!("it is paused with {updated} of {wanted} replicas updated"));
    }
    let deadline = count(object, "/spec/progressDeadlineSeconds");
    let rolled_out = deadline == NO_DEADLINE
        || paused
        || progressing.is_some_and(|progressing| {
            progressing.is("True") && progressing.reason == "NewReplicaSetAvailable"
        });
    let refused = condition(object, "ReplicaFailure").filter(|failure| failure.is("True"));
    first([
        unobserved(object),
        // Why there are too few, such as a quota, is in a condition that goes when there are enough.
        refused
            .filter(|_| replicas < wanted)
            .map(|failure| InProgress(failure.words("its pods cannot be created"))),
        progress(replicas, wanted, "replicas created"),
        progress(updated, wanted, "replicas updated"),
        surplus(replicas, wanted),
        progress(available, wanted, "replicas available"),
        progress(count(object, "/status/readyReplicas"), wanted, "replicas ready"),
        (!rolled_out).then(|| InProgress("its new replica set is not reported complete".to_owned())),
        (!condition(object, "Available").is_some_and(|available| available.is("True")))
            .then(|| InProgress("it is not reported available".to_owned())),
    ])
}

pub(super) fn stateful_set(object: &Value) -> Readiness {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Current;
    }
    let wanted = wanted(object);
    let replicas = count(object, "/status/replicas");
    let updated = count(object, "/status/updatedReplicas");
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition");
    let outdated = text(object, "/status/currentRevision") != text(object, "/status/updateRevision");
    first([
        unobserved(object),
        progress(replicas, wanted, "replicas created"),
        progress(count(object, "/status/readyReplicas"), wanted, "replicas ready"),
        surplus(replicas, wanted),
        if partition > 0 {
            progress(updated, wanted.saturating_sub(partition).max(0), "replicas updated")
        } else {
            outdated.then(|| InProgress(format!("{updated} of {wanted} replicas updated")))
        },
    ])
}

pub(super) fn daemon_set(object: &Value) -> Readiness {
    let wanted = count(object, "/status/desiredNumberScheduled");
    let on_delete = text(object, "/spec/updateStrategy/type") == "OnDelete";
    let updated = count(object, "/status/updatedNumberScheduled");
    first([
        unobserved(object),
        progress(count(object, "/status/currentNumberScheduled"), wanted, "pods scheduled"),
        if on_delete { None } else { progress(updated, wanted, "pods updated") },
        progress(count(object, "/status/numberAvailable"), wanted, "pods available"),
        progress(count(object, "/status/numberReady"), wanted, "pods ready"),
    ])
}

pub(super) fn replica_set(object: &Value) -> Readiness {
    let wanted = wanted(object);
    let replicas = count(object, "/status/replicas");
    first([
        condition(object, "ReplicaFailure")
            .filter(|failure| failure.is("True"))
            .map(|failure| InProgress(failure.words("its pods cannot be created"))),
        unobserved(object),
        progress(count(object, "/status/fullyLabeledReplicas"), wanted, "replicas labelled"),
        progress(count(object, "/status/availableReplicas"), wanted, "replicas available"),
        progress(count(object, "/status/readyReplicas"), wanted, "replicas ready"),
        surplus(replicas, wanted),
    ])
}

/// A job is current once it runs: whether to wait for its end is another question.
/// A Job is what its spec says when it is done. (For kstatus it is enough that it has started.)
pub(super) fn job(object: &Value) -> Readiness {
    for (kind, words) in [("Failed", "it failed"), ("FailureTarget", "it is failing")] {
        if let Some(failed) = condition(object, kind).filter(|failed| failed.is("True")) {
            return Failed(failed.words(words));
        }
    }
    let ended = condition(object, "Complete").is_some_and(|complete| complete.is("True"));
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    if ended || suspended {
        Current
    } else if text(object, "/status/startTime").is_empty() {
        InProgress("it has not started".to_owned())
    } else {
        let succeeded = count(object, "/status/succeeded");
        let wanted = object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
        InProgress(format!("{succeeded} of {wanted} pods succeeded"))
    }
}

pub(super) fn claim(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Bound" => Current,
        "Lost" => Failed("its volume is lost".to_owned()),
        _ => InProgress("it is not bound to a volume".to_owned()),
    }
}

pub(super) fn service(object: &Value) -> Readiness {
    if text(object, "/spec/type") != "LoadBalancer" {
        return Current;
    }
    let ingress = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    let has_address = |entry: &Value| !text(entry, "/ip").is_empty() || !text(entry, "/hostname").is_empty();
    if ingress.is_some_and(|ingress| ingress.iter().any(has_address)) {
        Current
    } else {
        InProgress("its load balancer has no address".to_owned())
    }
}

pub(super) fn namespace(object: &Value) -> Readiness {
    if text(object, "/status/phase") == "Terminating" { Terminating } else { Current }
}

pub(super) fn definition(object: &Value) -> Readiness {
    if let Some(refused) = condition(object, "NamesAccepted").filter(|accepted| accepted.is("False")) {
        return Failed(refused.words("its names are not accepted"));
    }
    match condition(object, "Established") {
        Some(established) if established.is("True") => Current,
        Some(established) if established.is("False") && established.reason != "Installing" => {
            Failed(established.words("it cannot be established"))
        }
        _ => InProgress("it is not established".to_owned()),
    }
}

pub(super) fn api_service(object: &Value) -> Readiness {
    match condition(object, "Available") {
        Some(available) if available.is("True") => Current,
        Some(available) => InProgress(available.words("it is not available")),
        None => InProgress("it is not available".to_owned()),
    }
}
