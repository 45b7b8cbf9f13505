//! What was found on a member, and what that says about each object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::difference::is_secret;
use crate::digest::{SecretDigest, digest, digest_text};
use crate::federation::identity::{FEDERATION_LABEL, FederationSet, PART_OF_LABEL};
use crate::federation::inventory::{Entry, Inventory, Origin, Phase, State};
use crate::federation::plan::labelled;
use crate::federation::policy::{self, Drift, REPLICAS};
use crate::federation::render::{Desired, MemberDesired};
use crate::managed_fields;
use crate::names::ClusterUid;
use crate::object::{GroupKind, ObjectKey, text};
use crate::provenance::{self, Owner};

/// One member, as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Which cluster it is.
    pub cluster_uid: ClusterUid,
    /// The record, if there is one.
    pub inventory: Option<RecordedInventory>,
    /// The objects that exist, of those that are recorded, labelled as ours or asked about.
    pub live: BTreeMap<ObjectKey, Live>,
    /// Of objects that are not ours and may be adopted: what would change, in words, by the server's own dry run.
    pub differences: BTreeMap<ObjectKey, Vec<String>>,
}

/// The record and the revision at which it was read, which the next write of it must match.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedInventory {
    /// The record.
    pub inventory: Inventory,
    /// `metadata.resourceVersion` of its ConfigMap.
    pub resource_version: String,
}

/// An object that exists.
#[derive(Clone, PartialEq)]
pub struct Live {
    /// Its UID.
    pub uid: String,
    /// Whether it carries our label.
    pub labelled: bool,
    /// Digest of the fields that we own, less those that are left to others; absent if we own none.
    pub owned: Option<String>,
    /// Fields that we want and do not own any more, in words.
    pub lost: Vec<String>,
    /// Whether the number of replicas is among them.
    pub scaled: bool,
    /// Whether an autoscaler writes its number of replicas.
    pub autoscaled: bool,
    /// For a copy: digest of what it should be a copy of now.
    pub content: Option<String>,
    /// Who else keeps it, in words for people.
    pub managers: Vec<String>,
    /// The federation that keeps it, if another one does.
    pub federation: Option<String>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// The object as it is.
    pub object: Value,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The object itself may be a secret.
        f.debug_struct("Live")
            .field("uid", &self.uid)
            .field("labelled", &self.labelled)
            .field("owned", &self.owned)
            .field("lost", &self.lost)
            .field("managers", &self.managers)
            .field("terminating", &self.terminating)
            .finish_non_exhaustive()
    }
}

/// What it takes to judge a live object.
#[derive(Clone, Copy, Debug)]
pub struct Eye<'a> {
    /// Whose objects are ours.
    pub set: &'a FederationSet,
    /// For digests of secrets.
    pub key: Option<&'a SecretDigest>,
    /// Whether the object is as secret as a Secret, whatever its kind: its record was, or is to be, made with the key.
    pub hidden: bool,
    /// The fields that were left to others when the object was recorded. They count where it is not known what is wanted
    /// now.
    pub ignored: Option<&'a BTreeSet<String>>,
}

impl Eye<'_> {
    /// The fields that are left to others.
    fn left(&self, desired: Option<&Desired>) -> BTreeSet<String> {
        desired.map(|it| &it.policy.ignore_fields).or(self.ignored).cloned().unwrap_or_default()
    }
}

impl Live {
    /// What matters of a live object. `desired` is what we want it to be, for the names of lost fields.
    #[must_use]
    pub fn of(object: Value, eye: Eye<'_>, desired: Option<&Desired>) -> Self {
        let set = eye.set;
        let manager = set.field_manager();
        let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(PART_OF_LABEL));
        let lost = desired.map(|it| managed_fields::lost(&it.object, &object, &manager)).unwrap_or_default();
        let autoscaled = !managed_fields::autoscalers(&object, &manager).is_empty();
        let mut left = eye.left(desired);
        if autoscaled {
            left.insert(REPLICAS.to_owned());
        }
        let left: Vec<String> = policy::ignored_paths(&left, desired.map_or(&object, |it| &it.object))
            .iter()
            .map(ToString::to_string)
            .collect();
        let fight = desired.and_then(|it| provenance::fights(&object, &manager, &labelled(set, it)));
        let fight = fight.map(|fight| format!("{} writes to it again and again (stop it)", fight.owner));
        let lost: Vec<_> =
            lost.iter().filter(|lost| !left.iter().any(|path| is_within(&lost.path, path))).collect();
        Self {
            uid: text(&object, "/metadata/uid").to_owned(),
            labelled: label.and_then(Value::as_str) == Some(set.applyset_id().as_str()),
            owned: owned_digest(&object, eye, desired),
            scaled: lost.iter().any(|lost| lost.path == "spec.replicas"),
            lost: lost
                .into_iter()
                .map(|lost| describe(lost, eye.hidden || desired.is_some_and(Desired::is_secret)))
                .chain(fight)
                .collect(),
            autoscaled,
            content: desired.and_then(|it| content_digest(it, eye)),
            managers: other_managers(&object, set),
            federation: other_federation(&object, set),
            terminating: object.pointer("/metadata/deletionTimestamp").is_some(),
            object,
        }
    }
}

/// Digest of the fields of a live object that we own, by which drift is told. Left out are the fields that are left to
/// others, and the number of replicas: an autoscaler may take it at any time.
#[must_use]
pub fn owned_digest(live: &Value, eye: Eye<'_>, desired: Option<&Desired>) -> Option<String> {
    let mut owned = managed_fields::owned(live, &eye.set.field_manager())?;
    let mut left = eye.left(desired);
    left.insert(REPLICAS.to_owned());
    for path in policy::ignored_paths(&left, desired.map_or(live, |it| &it.object)) {
        policy::remove(&mut owned, &path.0);
    }
    let secret = eye.hidden || is_secret(live);
    Some(match eye.key.filter(|_| secret) {
        Some(key) => key.of(&owned),
        // Without a key nothing is told about a secret.
        None if secret => "secret".to_owned(),
        None => digest(&owned),
    })
}

/// Stands in a record for the digest of an object in which fields that others have changed were left as they are. It
/// is no digest, so that the object stays drifted.
pub const LEFT_DRIFTED: &str = "drifted";

/// Digest of what a copy is made of; `None` for what is no copy, or is not known.
#[must_use]
pub fn content_digest(desired: &Desired, eye: Eye<'_>) -> Option<String> {
    eye.key.filter(|_| desired.copied).map(|key| key.of(&desired.object))
}

/// The federation, or another set of this one, whose labels an object carries.
fn other_federation(object: &Value, set: &FederationSet) -> Option<String> {
    let label = |name: &str| object.pointer("/metadata/labels")?.get(name)?.as_str();
    let other = label(PART_OF_LABEL).is_some_and(|id| id != set.applyset_id());
    label(FEDERATION_LABEL).filter(|_| other).map(str::to_owned)
}

/// Whether a field, by its words, is `path` or a part of it.
fn is_within(field: &str, path: &str) -> bool {
    field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn describe(lost: &managed_fields::LostField, hidden: bool) -> String {
    let by = match lost.owners.as_slice() {
        [] => String::new(),
        owners => format!(", set by {}", owners.join(" and ")),
    };
    match &lost.live {
        // The value of a secret is not shown, nor would anybody write null.
        Some(Value::Null) => format!("{} (changed{by})", lost.path),
        Some(_) if hidden => format!("{} (changed{by})", lost.path),
        Some(value) => format!("{} (now {}{by})", lost.path, crate::difference::shortened(value)),
        None => format!("{} (gone)", lost.path),
    }
}

fn other_managers(object: &Value, set: &FederationSet) -> Vec<String> {
    let ours = Owner::Federation(set.federation.to_string());
    let others = provenance::owners(object).into_iter().filter(|owner| *owner != ours);
    others.map(|owner| owner.to_string()).collect()
}

/// What is known of one object, in the words of which plans are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Status {
    /// Not there, and we never said that we made it.
    Absent,
    /// There, as we left it.
    InSync,
    /// There and ours, but an apply did not come to its end with it.
    Pending,
    /// Ours, but changed by somebody else.
    Drifted {
        /// The fields, in words; empty if they cannot be told.
        fields: Vec<String>,
    },
    /// Ours and as we left it, but a copy of what has changed since.
    Outdated,
    /// Recorded as applied, but gone.
    Missing,
    /// Ours, and about to be deleted.
    Removing,
    /// There, and not ours.
    Foreign {
        /// Who has written to it.
        managers: Vec<String>,
    },
}

/// Judges one object by its record and what is there.
#[must_use]
pub fn status(recorded: Option<&Entry>, live: Option<&Live>) -> Status {
    let Some(live) = live else {
        return match recorded {
            Some(entry) if entry.phase == Phase::Applied => Status::Missing,
            _ => Status::Absent,
        };
    };
    let foreign = || Status::Foreign { managers: live.managers.clone() };
    match recorded {
        Some(entry) if entry.uid.as_deref() == Some(live.uid.as_str()) => status_of_ours(entry, live),
        // Ours by its label, but not the one that we recorded: made anew from a backup, or applied just before a
        // crash.
        Some(_) if live.labelled => Status::Pending,
        // The record is lost. A label alone is not enough, since copies of our objects carry it too.
        None if live.labelled && live.owned.is_some() => Status::Pending,
        _ => foreign(),
    }
}

/// Judges the very object that was recorded.
fn status_of_ours(entry: &Entry, live: &Live) -> Status {
    let mut fields = live.lost.clone();
    if live.terminating {
        fields.push("it is being deleted".to_owned());
    }
    if !live.labelled {
        fields.push("our label is gone".to_owned());
    }
    let drifted = || Status::Drifted { fields };
    match entry.phase {
        Phase::Removing => Status::Removing,
        _ if live.terminating => drifted(),
        Phase::Applied if live.labelled && live.owned == entry.owned && !live.scaled => {
            let copied = entry.content.as_ref().zip(live.content.as_ref());
            if copied.is_some_and(|(then, now)| then != now) { Status::Outdated } else { Status::InSync }
        }
        Phase::Applied => drifted(),
        // The apply that was cut short was to correct a drift and did not get to it.
        Phase::Pending
            if entry.owned.is_some()
                && (live.owned != entry.owned || live.scaled)
                && !live.lost.is_empty() =>
        {
            drifted()
        }
        Phase::Pending => Status::Pending,
    }
}

/// Whether an object may be deleted: it carries our label, and it is the one that was recorded, or one that an apply
/// of ours has left half-way.
#[must_use]
pub fn deletable(entry: &Entry, live: &Live) -> bool {
    let same = entry.uid.as_deref() == Some(live.uid.as_str());
    live.labelled && (same || (entry.phase == Phase::Pending && live.owned.is_some()))
}

impl Observation {
    /// The recorded objects by their keys.
    #[must_use]
    pub fn recorded(&self) -> BTreeMap<ObjectKey, &Entry> {
        let entries = self.inventory.iter().flat_map(|it| &it.inventory.objects);
        entries.map(|entry| (entry.key(), entry)).collect()
    }

    /// Takes note that documents, though they are there, do not select this member: what would outlive them does not
    /// outlive that.
    pub fn unselect(&mut self, keys: &BTreeSet<ObjectKey>) {
        let entries = self.inventory.iter_mut().flat_map(|it| &mut it.inventory.objects);
        for entry in entries.filter(|entry| entry.origin == Origin::Orphan && keys.contains(&entry.key())) {
            entry.origin = Origin::Made;
        }
    }

    /// What of it is remembered between plan and apply. `desired` tells whose drift does not matter.
    #[must_use]
    pub fn seen(&self, desired: &MemberDesired) -> Seen {
        let inventory = self.inventory.as_ref().map(|it| &it.inventory);
        let recorded = self.recorded();
        Seen {
            cluster_uid: self.cluster_uid.clone(),
            instance: inventory.map(|inventory| inventory.instance.clone()),
            complete: inventory.is_some_and(|inventory| inventory.state == State::Complete),
            objects: recorded
                .into_iter()
                .map(|(key, entry)| {
                    let live = self.live.get(&key);
                    let ignores = desired.get(&key).is_some_and(|it| it.policy.drift == Drift::Ignore);
                    let status = status(Some(entry), live);
                    SeenObject {
                        ignored: ignores && matches!(status, Status::Drifted { .. } | Status::Missing),
                        terminating: live.is_some_and(|live| live.terminating),
                        kept: live.is_some_and(|live| !deletable(entry, live)),
                        autoscaled: live.is_some_and(|live| live.autoscaled),
                        ..SeenObject::of(entry, status)
                    }
                })
                .collect(),
        }
    }
}

/// A member as seen, small enough to be kept with the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Which cluster it is.
    pub cluster_uid: ClusterUid,
    /// The instance that its record names; absent without a record.
    pub instance: Option<String>,
    /// Whether the last apply came to its end here.
    pub complete: bool,
    /// The recorded objects, sorted.
    pub objects: Vec<SeenObject>,
}

/// An object as seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenObject {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Digest of what it was meant to be.
    pub desired: String,
    /// What became of it.
    pub status: Status,
    /// Whether that is drift, and did not matter when it was seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// Whether it is being deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminating: bool,
    /// Whether it is there but could not be deleted, since it does not show that it is ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// The replicas that it was given when it was divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// Whether an autoscaler writes its number of replicas.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autoscaled: bool,
    /// Whether it was there before us, so that it may outlive us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The entry of `resources` that asked for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
}

impl SeenObject {
    fn of(entry: &Entry, status: Status) -> Self {
        Self {
            group: entry.group.clone(),
            kind: entry.kind.clone(),
            namespace: entry.namespace.clone(),
            name: entry.name.clone(),
            desired: entry.desired.clone(),
            status,
            ignored: false,
            terminating: false,
            kept: false,
            replicas: entry.replicas,
            autoscaled: false,
            origin: (entry.origin != Origin::Made).then_some(entry.origin),
            resource: entry.resource.clone(),
        }
    }

    /// Whether it is this object.
    fn is(&self, key: &ObjectKey) -> bool {
        self.name == key.name
            && self.namespace == key.namespace
            && self.kind == key.kind.kind
            && self.group == key.kind.group
    }

    /// Whether it is as it was left, as far as that matters.
    #[must_use]
    pub fn is_in_sync(&self) -> bool {
        self.ignored || self.status == Status::InSync
    }

    /// Which object it is.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            kind: GroupKind { group: self.group.clone(), kind: self.kind.clone() },
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl Seen {
    /// A cluster of which nothing matters but which one it is.
    #[must_use]
    pub fn nothing_on(cluster_uid: ClusterUid) -> Self {
        Self { cluster_uid, instance: None, complete: false, objects: Vec::new() }
    }

    /// A member as an apply left it, by the record that it wrote last.
    #[must_use]
    pub fn as_left(inventory: &Inventory) -> Self {
        let status = |phase| match phase {
            Phase::Applied => Status::InSync,
            Phase::Pending => Status::Pending,
            Phase::Removing => Status::Removing,
        };
        let mut objects: Vec<SeenObject> =
            inventory.objects.iter().map(|entry| SeenObject::of(entry, status(entry.phase))).collect();
        objects.sort_by_key(SeenObject::key);
        Self {
            cluster_uid: inventory.cluster_uid.clone(),
            instance: Some(inventory.instance.clone()),
            complete: inventory.state == State::Complete,
            objects,
        }
    }

    /// The same as [`Observation::unselect`], for what was seen of a member.
    pub fn unselect(&mut self, keys: &BTreeSet<ObjectKey>) {
        for object in &mut self.objects {
            if object.origin == Some(Origin::Orphan) && keys.contains(&object.key()) {
                object.origin = None;
            }
        }
    }

    /// The object, if it was recorded.
    #[must_use]
    pub fn object(&self, key: &ObjectKey) -> Option<&SeenObject> {
        self.objects.iter().find(|object| object.is(key))
    }

    /// The recorded objects by their keys.
    #[must_use]
    pub fn recorded(&self) -> BTreeMap<ObjectKey, &SeenObject> {
        self.objects.iter().map(|object| (object.key(), object)).collect()
    }

    /// The member's digest for `sync`: equal to [`desired_sync`] exactly when everything is there as intended.
    /// Otherwise it begins with what is wrong. `None` if there is no record at all.
    #[must_use]
    pub fn sync(&self) -> Option<String> {
        self.instance.as_ref()?;
        let intended = || self.objects.iter().map(|object| (object.key(), object.desired.as_str()));
        let in_sync = self.objects.iter().all(SeenObject::is_in_sync);
        if self.complete && in_sync {
            return Some(sync_digest(intended()));
        }
        let statuses: Vec<String> =
            self.objects.iter().map(|object| format!("{:?}", object.status)).collect();
        let detail = digest_text(&format!("{}{}", sync_digest(intended()), statuses.join("\n")));
        let word = if self.complete { "drifted" } else { "incomplete" };
        Some(format!("{word}-{}", detail.get(..12).unwrap_or(&detail)))
    }
}

/// The digest that a member has in `sync` when everything is there as `desired` says.
#[must_use]
pub fn desired_sync(desired: &MemberDesired) -> String {
    sync_digest(desired.iter().map(|(key, desired)| (key.clone(), desired.digest.as_str())))
}

/// The digest that a member will have in `sync` after an apply; `None` if that is not known before. Drift that is only
/// to be shown stays, and shows in it.
#[must_use]
pub fn planned_sync(seen: Option<&Seen>, desired: &MemberDesired) -> Option<String> {
    let stays = |key: &ObjectKey, wanted: &Desired| {
        let status = seen.and_then(|seen| seen.object(key)).map(|object| &object.status);
        wanted.policy.drift == Drift::Detect
            && matches!(status, Some(Status::Drifted { .. } | Status::Missing))
    };
    let Some(seen) = seen.filter(|_| desired.iter().any(|(key, wanted)| stays(key, wanted))) else {
        return Some(desired_sync(desired));
    };
    let untouched = seen.complete
        && seen.objects.len() == desired.len()
        && desired.iter().all(|(key, wanted)| {
            seen.object(key).is_some_and(|object| {
                object.desired == wanted.digest && (object.is_in_sync() || stays(key, wanted))
            })
        });
    seen.sync().filter(|_| untouched)
}

fn sync_digest<'a>(objects: impl Iterator<Item = (ObjectKey, &'a str)>) -> String {
    let mut lines: Vec<String> = objects.map(|(key, digest)| format!("{key:?} {digest}")).collect();
    lines.sort();
    let whole = digest_text(&lines.join("\n"));
    whole.get(..16).unwrap_or(&whole).to_owned()
}

#[cfg(test)]
pub(super) mod tests;
