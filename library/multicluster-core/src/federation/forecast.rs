//! What an apply will do on a member, in words. Made from the configuration, the prior state and what was last seen,
//! so that the same words come out when the plan is made a second time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::difference::difference;
use crate::federation::observation::{Seen, SeenObject, Status};
use crate::federation::plan::holds_wanted;
use crate::federation::render::{Desired, MemberDesired};
use crate::names::{ClusterName, ClusterUid};
use crate::object::ObjectKey;
use crate::scope;

/// The key under which a forecast speaks of the member itself.
pub const MEMBER: &str = "member";
/// What is said where nothing happens. It is said of every such object: Terraform shows a plan's forecast as a change
/// of the last one, and an entry that disappeared would read as if the object did.
pub const UNCHANGED: &str = "unchanged";
/// How many changed fields of one object are named.
const NAMED_CHANGES: usize = 6;

/// What will happen to a member and to each object on it.
pub type Forecast = BTreeMap<String, String>;

/// The inputs of a forecast of one member.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// The objects by the prior configuration, if the member was in it.
    pub prior: Option<&'a MemberDesired>,
    /// The objects by the new configuration, if the member is in it.
    pub desired: Option<&'a MemberDesired>,
    /// The member as last seen.
    pub seen: Option<&'a Seen>,
    /// The cluster that the prior state knew under this name, if it knew one.
    pub known_as: Option<&'a ClusterUid>,
    /// The name under which the same cluster was a member before; for one that is not in the new configuration, the
    /// name under which it stays.
    pub renamed: Option<&'a ClusterName>,
}

/// Says what will happen on one member.
#[must_use]
pub fn forecast(outlook: &Outlook<'_>) -> Forecast {
    let mut forecast = Forecast::new();
    let replaced = outlook
        .known_as
        .zip(outlook.seen.map(|seen| &seen.cluster_uid))
        .filter(|(known, seen)| known != seen);
    let incomplete = outlook.seen.is_some_and(|seen| seen.instance.is_some() && !seen.complete);
    let of_member = match (outlook.desired, outlook.renamed, replaced) {
        (None, Some(other), _) => format!("renamed to `{other}`"),
        (Some(_), Some(other), None) => format!("renamed from `{other}`"),
        (_, _, Some((known, seen))) => {
            format!("another cluster: kube-system has UID {seen}, was {known}; the old one is forgotten")
        }
        (None, None, None) => "leave".to_owned(),
        (Some(_), None, None) if outlook.prior.is_none() && outlook.known_as.is_none() => "join".to_owned(),
        (Some(_), None, None) if incomplete => {
            "resume: the last apply did not come to its end here".to_owned()
        }
        (Some(_), None, None) => UNCHANGED.to_owned(),
    };
    forecast.insert(MEMBER.to_owned(), of_member);
    if outlook.desired.is_none() && (outlook.renamed.is_some() || replaced.is_some()) {
        // Nothing is touched under this name.
        return forecast;
    }
    // On another cluster nothing of the old one is left.
    let prior = outlook.prior.filter(|_| replaced.is_none());
    let empty = MemberDesired::new();
    let desired = outlook.desired.unwrap_or(&empty);
    let recorded = outlook.seen.map(Seen::recorded).unwrap_or_default();
    let doomed = doomed_namespaces(desired, &recorded);
    for (key, wanted) in desired {
        let before = prior.and_then(|prior| prior.get(key)).map(|before| &before.object);
        let vanishes = key.namespace.as_deref().is_some_and(|namespace| doomed.contains(namespace));
        let text = match recorded.get(key) {
            None => Some(create(key, &wanted.object)),
            Some(_) if vanishes => Some("create again: its namespace is being deleted".to_owned()),
            Some(seen) => applied(key, before, wanted, seen),
        };
        forecast.insert(key.to_string(), text.unwrap_or_else(|| UNCHANGED.to_owned()));
    }
    for (key, object) in &recorded {
        if !desired.contains_key(key) {
            let text = removed(key, object, desired);
            forecast.extend(text.map(|text| (key.to_string(), text.to_owned())));
        }
    }
    forecast
}

/// The wanted namespaces that were being deleted when they were seen.
fn doomed_namespaces<'a>(
    desired: &'a MemberDesired,
    recorded: &BTreeMap<ObjectKey, &SeenObject>,
) -> BTreeSet<&'a str> {
    let doomed = |key: &&ObjectKey| {
        scope::is_namespace(&key.kind) && recorded.get(*key).is_some_and(|seen| seen.terminating)
    };
    desired.keys().filter(doomed).map(|key| key.name.as_str()).collect()
}

fn applied(key: &ObjectKey, before: Option<&Value>, wanted: &Desired, seen: &SeenObject) -> Option<String> {
    let mut parts = Vec::new();
    match &seen.status {
        Status::Absent => return Some(create(key, &wanted.object)),
        Status::Missing => return Some("create again: it was deleted".to_owned()),
        Status::Foreign { managers } if managers.is_empty() => {
            return Some("conflict: it is there, and not ours".to_owned());
        }
        Status::Foreign { managers } => {
            return Some(format!("conflict: not ours, written by {}", managers.join(", ")));
        }
        _ if seen.terminating => return Some("create again: it is being deleted".to_owned()),
        Status::Drifted { fields } if fields.is_empty() => parts.push("correct".to_owned()),
        Status::Drifted { fields } => parts.push(format!("correct: {}", list(fields))),
        Status::Removing => parts.push("apply again".to_owned()),
        Status::InSync | Status::Pending => {}
    }
    if seen.desired != wanted.digest {
        let changes: Vec<String> = before
            .map(|before| difference(before, &wanted.object))
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        parts.push(if changes.is_empty() {
            "update".to_owned()
        } else {
            format!("update: {}", list(&changes))
        });
    }
    if parts.is_empty() && seen.status == Status::Pending {
        parts.push("apply again".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn create(key: &ObjectKey, wanted: &Value) -> String {
    let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_u64);
    match replicas.filter(|_| scope::has_replicas(&key.kind)) {
        Some(1) => "create, 1 replica".to_owned(),
        Some(count) => format!("create, {count} replicas"),
        None => "create".to_owned(),
    }
}

fn removed(key: &ObjectKey, object: &SeenObject, desired: &MemberDesired) -> Option<&'static str> {
    match &object.status {
        Status::Absent | Status::Missing => None,
        _ if object.kept => Some("forget: it is no longer ours"),
        _ if holds_wanted(key, desired) => Some("keep: other objects of the federation are in it"),
        _ => Some("delete"),
    }
}

fn list(items: &[String]) -> String {
    let named = items.iter().take(NAMED_CHANGES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(NAMED_CHANGES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
