//! What an apply will do on a member, in words. Made from the configuration, the prior state and what was last seen,
//! so that the same words come out when the plan is made a second time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::difference::difference;
use crate::federation::observation::{Seen, SeenObject, Status};
use crate::federation::render::MemberDesired;
use crate::names::ClusterUid;
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
}

/// Says what will happen on one member.
#[must_use]
pub fn forecast(outlook: &Outlook<'_>) -> Forecast {
    let mut forecast = Forecast::new();
    let replaced = outlook
        .known_as
        .zip(outlook.seen.map(|seen| &seen.cluster_uid))
        .filter(|(known, seen)| known != seen);
    if let Some((known, seen)) = replaced {
        let text =
            format!("another cluster: kube-system has UID {seen}, was {known}; the old one is forgotten");
        forecast.insert(MEMBER.to_owned(), text);
    } else if outlook.prior.is_none() && outlook.desired.is_some() {
        forecast.insert(MEMBER.to_owned(), "join".to_owned());
    } else if outlook.desired.is_none() {
        forecast.insert(MEMBER.to_owned(), "leave".to_owned());
    }
    // On another cluster nothing of the old one is left.
    let prior = outlook.prior.filter(|_| replaced.is_none());
    let empty = MemberDesired::new();
    let desired = outlook.desired.unwrap_or(&empty);
    for (key, wanted) in desired {
        let seen = outlook.seen.and_then(|seen| seen.object(key));
        let before = prior.and_then(|prior| prior.get(key)).map(|before| &before.object);
        let text = applied(key, before, &wanted.object, &wanted.digest, seen);
        forecast.insert(key.to_string(), text.unwrap_or_else(|| UNCHANGED.to_owned()));
    }
    for object in outlook.seen.map(|seen| seen.objects.as_slice()).unwrap_or_default() {
        let key = object.key();
        if !desired.contains_key(&key)
            && let Some(text) = removed(object)
        {
            forecast.insert(key.to_string(), text);
        }
    }
    let incomplete = outlook.seen.is_some_and(|seen| seen.instance.is_some() && !seen.complete);
    if incomplete && outlook.desired.is_some() && !forecast.contains_key(MEMBER) {
        forecast.insert(MEMBER.to_owned(), "resume: the last apply did not come to its end here".to_owned());
    }
    forecast.entry(MEMBER.to_owned()).or_insert_with(|| UNCHANGED.to_owned());
    forecast
}

fn applied(
    key: &ObjectKey,
    before: Option<&Value>,
    wanted: &Value,
    digest: &str,
    seen: Option<&SeenObject>,
) -> Option<String> {
    let Some(seen) = seen else {
        return Some(create(key, wanted));
    };
    let mut parts = Vec::new();
    match &seen.status {
        Status::Absent => return Some(create(key, wanted)),
        Status::Missing => return Some("create again: it was deleted".to_owned()),
        Status::Foreign { managers } => {
            return Some(format!("conflict: not ours, written by {}", managers.join(", ")));
        }
        Status::Drifted { fields } if fields.is_empty() => parts.push("correct".to_owned()),
        Status::Drifted { fields } => parts.push(format!("correct: {}", list(fields))),
        Status::Removing => parts.push("apply again".to_owned()),
        Status::InSync | Status::Pending => {}
    }
    if seen.desired != digest {
        let changes: Vec<String> = before
            .map(|before| difference(before, wanted))
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

fn removed(object: &SeenObject) -> Option<String> {
    match &object.status {
        Status::Absent | Status::Missing => None,
        Status::Foreign { .. } => Some("forget: it is no longer ours".to_owned()),
        Status::InSync | Status::Pending | Status::Drifted { .. } | Status::Removing => {
            Some("delete".to_owned())
        }
    }
}

fn list(items: &[String]) -> String {
    let named = items.iter().take(NAMED_CHANGES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(NAMED_CHANGES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
