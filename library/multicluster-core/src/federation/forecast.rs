//! What an apply will do on a member, in words. Made from the configuration, the prior state and what was last seen,
//! so that the same words come out when the plan is made a second time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::difference::difference;
use crate::federation::observation::{Seen, SeenObject, Status};
use crate::federation::plan::{Leave, Stays, stays};
use crate::federation::policy::{Adopt, Drift};
use crate::federation::render::{Desired, MemberDesired};
use crate::names::{ClusterName, ClusterUid};
use crate::object::ObjectKey;
use crate::path::FieldPath;
use crate::probe::{Verdict, Why};
use crate::scope;

/// The key under which a forecast speaks of the member itself.
pub const MEMBER: &str = "member";
/// What is said where nothing happens. It is said of every such object: Terraform shows a plan's forecast as a change
/// of the last one, and an entry that disappeared would read as if the object did.
pub const UNCHANGED: &str = "unchanged";
/// What is said first of drift that is only to be shown.
pub const LEFT_AS_IT_IS: &str = "drifted, left as it is";
/// What is said of what is on a member that others stand in for.
pub const HELD: &str = "left as it is until the cluster answers";
/// How many changed fields of one object are named.
const NAMED_CHANGES: usize = 6;

/// What will happen to a member and to each object on it; `None` where that is known only at apply.
pub type Forecast = BTreeMap<String, Option<String>>;

/// What the server said of objects by a dry run: the words for it, or `None` if it cannot tell before the apply.
pub type Probed = BTreeMap<ObjectKey, Option<String>>;

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
    /// What dry runs on the member told.
    pub probed: Option<&'a Probed>,
    /// What happens to the objects of a member that leaves.
    pub leave: Leave,
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
    forecast.insert(MEMBER.to_owned(), Some(of_member));
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
        let before = prior.and_then(|prior| prior.get(key));
        let vanishes = key.namespace.as_deref().is_some_and(|namespace| doomed.contains(namespace));
        if wanted.held {
            forecast.insert(key.to_string(), Some(HELD.to_owned()));
            continue;
        }
        let probed = outlook.probed.and_then(|probed| probed.get(key));
        let text = match recorded.get(key) {
            None => Some(probed.cloned().unwrap_or_else(|| Some(create(key, wanted)))),
            Some(_) if vanishes => Some(Some("create again: its namespace is being deleted".to_owned())),
            Some(seen) => applied(key, before, wanted, seen, probed),
        };
        forecast.insert(key.to_string(), text.unwrap_or_else(|| Some(UNCHANGED.to_owned())));
    }
    for (key, object) in &recorded {
        if !desired.contains_key(key) {
            let leave = if outlook.desired.is_some() { Leave::Delete } else { outlook.leave };
            let text = removed(key, object, desired, leave);
            forecast.extend(text.map(|text| (key.to_string(), Some(text.to_owned()))));
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

/// What will happen to an object that was recorded; `None` if nothing.
fn applied(
    key: &ObjectKey,
    before: Option<&Desired>,
    wanted: &Desired,
    seen: &SeenObject,
    probed: Option<&Option<String>>,
) -> Option<Option<String>> {
    let mut parts = Vec::new();
    let ignored = wanted.policy.drift == Drift::Ignore;
    let left_alone = wanted.policy.drift != Drift::Correct;
    let stays = left_alone && seen.desired == wanted.digest;
    match &seen.status {
        Status::Absent => return Some(probed.cloned().unwrap_or_else(|| Some(create(key, wanted)))),
        Status::Missing if stays && ignored => return None,
        Status::Missing if stays => return Some(Some(format!("{LEFT_AS_IT_IS}: it was deleted"))),
        Status::Missing => return Some(Some("create again: it was deleted".to_owned())),
        Status::Foreign { managers } => {
            return Some(probed.cloned().unwrap_or_else(|| Some(foreign(wanted, managers))));
        }
        _ if seen.terminating && !stays => return Some(Some("create again: it is being deleted".to_owned())),
        Status::Drifted { .. } if ignored => {}
        Status::Drifted { fields } => {
            let verb = if left_alone { LEFT_AS_IT_IS } else { "correct" };
            parts.push(if fields.is_empty() { verb.to_owned() } else { format!("{verb}: {}", list(fields)) });
        }
        Status::Outdated => parts.push("copy again: what it is a copy of has changed".to_owned()),
        Status::Removing => parts.push("apply again".to_owned()),
        Status::InSync | Status::Pending => {}
    }
    if seen.desired != wanted.digest {
        match probed {
            // The server has said what the whole apply does, corrections included.
            Some(Some(text)) if text == UNCHANGED && !parts.is_empty() => {}
            Some(Some(text)) if !parts.is_empty() => parts.push(text.clone()),
            Some(text) => return Some(text.clone()),
            None => parts.push(update(before, wanted)),
        }
    }
    if parts.is_empty() && seen.status == Status::Pending {
        parts.push("apply again".to_owned());
    }
    (!parts.is_empty()).then(|| Some(parts.join("; ")))
}

/// The words for an object that somebody else keeps and that becomes ours: what the apply changes in it, and which
/// fields go since only those before us asked for them.
#[must_use]
pub fn adopt(managers: &[String], change: &str, gone: &[FieldPath]) -> String {
    let mut text = "adopt".to_owned();
    if !managers.is_empty() {
        text = format!("{text} (kept by {})", managers.join(", "));
    }
    if change != UNCHANGED || gone.is_empty() {
        text = format!("{text}, {change}");
    }
    if gone.is_empty() {
        return text;
    }
    let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
    format!("{text}; no longer set: {}", list(&gone))
}

/// The words for an object that somebody else keeps, where nothing is known of what would change in it.
#[must_use]
pub fn foreign(wanted: &Desired, managers: &[String]) -> String {
    let (what, if_so) = match wanted.policy.adopt {
        _ if !wanted.policy.may_adopt(managers) => ("conflict: it is there, and not ours", ""),
        Adopt::IfNoDiff => ("adopt", " if nothing differs"),
        _ => ("adopt", ""),
    };
    match managers {
        [] => format!("{what}{if_so}"),
        managers => format!("{what} (kept by {}){if_so}", managers.join(", ")),
    }
}

fn update(before: Option<&Desired>, wanted: &Desired) -> String {
    if wanted.confidential {
        return "update: its content is not shown".to_owned();
    }
    let changes: Vec<String> = before
        .map(|before| difference(&before.object, &wanted.object))
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    if changes.is_empty() { "update".to_owned() } else { format!("update: {}", list(&changes)) }
}

/// Whether the only thing that hinders a dry run is that the federation itself brings what it takes: the namespace of an
/// object, or the definition of its kind. Then there can be no such object yet.
#[must_use]
pub fn brings(desired: &MemberDesired, verdict: &Verdict, key: &ObjectKey) -> bool {
    match verdict {
        Verdict::Unknown(Why::NamespaceMissing(name)) => {
            desired.keys().any(|it| scope::is_namespace(&it.kind) && it.name == *name)
        }
        Verdict::Unknown(Why::KindMissing) => {
            scope::defines(desired.values().map(|it| &it.object), &key.kind)
        }
        _ => false,
    }
}

/// The words for an object that is made.
#[must_use]
pub fn create(key: &ObjectKey, wanted: &Desired) -> String {
    let replicas = wanted.object.pointer("/spec/replicas").and_then(Value::as_u64);
    match replicas.filter(|_| scope::has_replicas(&key.kind)) {
        Some(1) => "create, 1 replica".to_owned(),
        Some(count) => format!("create, {count} replicas"),
        None => "create".to_owned(),
    }
}

fn removed(
    key: &ObjectKey,
    object: &SeenObject,
    desired: &MemberDesired,
    leave: Leave,
) -> Option<&'static str> {
    if matches!(object.status, Status::Absent | Status::Missing) {
        return None;
    }
    if object.kept {
        return Some("forget: it is no longer ours");
    }
    Some(match stays(key, object.origin.unwrap_or_default(), desired, leave) {
        Some(Stays::HoldsWanted) => "keep: other objects of the federation are in it",
        Some(Stays::WasThere) => "release: it was there before the federation",
        Some(Stays::Orphaned) if leave == Leave::Orphan => {
            "release: objects stay (`leave.objects = \"orphan\"`)"
        }
        Some(Stays::Orphaned) => "release: it outlives its document (`kubefed.io/orphan`)",
        None => "delete",
    })
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
