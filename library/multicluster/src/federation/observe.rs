//! Reads what a member has of a federation. Never writes.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::inventory::{Entry, Inventory, Phase};
use multicluster_core::federation::observation::{Eye, Live, Observation};
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::object::ObjectKey;
use multicluster_core::scope::{self, Scope};
use serde_json::Value;

use super::concurrent::some_at_a_time;
use super::error::FederationError;
use super::kinds::Kinds;
use super::records;
use crate::member::{Member, MemberError, ResourceType};

/// A member as it was found.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What it has.
    pub observation: Observation,
    /// Kinds that are wanted and that it does not serve (yet), as `apiVersion` and `kind`.
    pub unknown_kinds: BTreeSet<(String, String)>,
}

/// Observes one member: which cluster it is, the federation's record, and the objects that are recorded, labelled or
/// wanted. Takes one LIST per kind, and one GET per object that no list has.
///
/// # Errors
/// [`FederationError`]; a failure is never taken for an absence.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn observe(
    member: &Member,
    set: &FederationSet,
    desired: &MemberDesired,
) -> Result<Observed, FederationError> {
    let read_uid = async { member.uid().await.map_err(FederationError::while_("tell which cluster it is")) };
    let (cluster_uid, mut recorded) = futures::try_join!(read_uid, records::read_inventory(member, set))?;
    let mut kinds = Kinds::find(member, recorded.as_ref().map(|it| &it.inventory), desired).await?;

    let selector = set.selector();
    let lists = kinds.in_use().into_iter().map(|ty| list(member, ty, &selector)).collect();
    let mut lists: Vec<Listed> = some_at_a_time(lists).await.into_iter().collect::<Result<_, _>>()?;
    for list in &lists {
        if let Some(now) = &list.moved_to {
            kinds.moved(&list.ty, now);
            if let Some(recorded) = &mut recorded {
                retype(&mut recorded.inventory, &list.ty, now);
            }
        }
    }
    let secret = |entry: &Entry| {
        entry.hidden || entry.content.is_some() || (entry.group.is_empty() && entry.kind == "Secret")
    };
    let recorded_secret = recorded.iter().any(|it| it.inventory.objects.iter().any(secret));
    let secret_key = if recorded_secret || desired.values().any(Desired::is_secret) {
        records::read_key(member, set).await?
    } else {
        None
    };
    // An object is looked at in the way in which it was recorded.
    let entries: BTreeMap<ObjectKey, (bool, BTreeSet<String>)> = recorded
        .iter()
        .flat_map(|it| &it.inventory.objects)
        .map(|entry| (entry.key(), (entry.hidden, entry.ignore_fields.clone())))
        .collect();
    let judge = |object: Value, key: &ObjectKey| {
        let (desired, entry) = (desired.get(key), entries.get(key));
        let hidden = entry.map(|(hidden, _)| *hidden);
        let hidden = hidden.unwrap_or_else(|| desired.is_some_and(|desired| desired.confidential));
        let ignored = entry.map(|(_, ignored)| ignored);
        Live::of(object, Eye { set, key: secret_key.as_ref(), hidden, ignored }, desired)
    };
    let mut live = BTreeMap::new();
    let mut note = |ty: &ResourceType, object: Value| {
        let Some(key) = key_of(&object) else { return };
        // Where a kind is in use in two versions, both lists hold every object.
        if kinds.is_of(&key, ty) || !live.contains_key(&key) {
            let judged = judge(object, &key);
            live.insert(key, judged);
        }
    };
    for list in &mut lists {
        let ty = list.moved_to.take().unwrap_or_else(|| list.ty.clone());
        std::mem::take(&mut list.objects).into_iter().for_each(|object| note(&ty, object));
    }
    let mut missing: BTreeSet<ObjectKey> = desired.keys().cloned().collect();
    missing.extend(recorded.iter().flat_map(|it| it.inventory.objects.iter().map(Entry::key)));
    missing.retain(|key| !live.contains_key(key));
    let absent = absent_namespaces(member, &missing).await;
    missing.retain(|key| key.namespace.as_ref().is_none_or(|namespace| !absent.contains(namespace)));
    let found = missing.into_iter().map(|key| {
        let ty = kinds.of(&key);
        async move { Ok((get(member, ty, &key).await?, key)) }
    });
    let found: Vec<(Option<Value>, ObjectKey)> =
        some_at_a_time(found.collect()).await.into_iter().collect::<Result<_, FederationError>>()?;
    for (object, key) in found {
        if let Some(object) = object {
            let judged = judge(object, &key);
            live.insert(key, judged);
        }
    }
    let observation = Observation { cluster_uid, inventory: recorded, live, differences: BTreeMap::new() };
    Ok(Observed { observation, unknown_kinds: kinds.unknown })
}

/// The namespaces that are not there, of those in which several objects are looked for: one question instead of many.
async fn absent_namespaces(member: &Member, missing: &BTreeSet<ObjectKey>) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for namespace in missing.iter().filter_map(|key| key.namespace.as_deref()) {
        *counts.entry(namespace).or_default() += 1;
    }
    let several = counts.into_iter().filter(|(_, count)| *count > 1).map(|(namespace, _)| namespace);
    let looks = several.map(async |namespace| {
        // What cannot be told is looked for one by one.
        let found = member.get(&ResourceType::namespace(), None, namespace).await;
        matches!(found, Ok(None)).then(|| namespace.to_owned())
    });
    some_at_a_time(looks.collect()).await.into_iter().flatten().collect()
}

/// The labelled objects of one type.
struct Listed {
    ty: ResourceType,
    /// The type by which they were listed, if it is served in another version than was thought.
    moved_to: Option<ResourceType>,
    objects: Vec<Value>,
}

async fn list(member: &Member, ty: ResourceType, selector: &str) -> Result<Listed, FederationError> {
    let doing = || FederationError::while_(format!("list {}", ty.plural));
    match member.list(&ty, selector).await {
        // A version that is served no more is not an absence: the objects are there in another one.
        Err(MemberError::UnknownKind) => {
            let Some(now) = member.served_as(&ty.group, &ty.kind).await.map_err(doing())? else {
                // The definition is gone, or never came: then there is no object of it either.
                return Ok(Listed { ty, moved_to: None, objects: Vec::new() });
            };
            let objects = member.list(&now, selector).await.map_err(doing())?;
            Ok(Listed { ty, moved_to: Some(now), objects })
        }
        answer => {
            let objects = answer.map_err(doing())?;
            Ok(Listed { ty, moved_to: None, objects })
        }
    }
}

/// Enters into a record as it was read how a kind is served now.
fn retype(inventory: &mut Inventory, from: &ResourceType, to: &ResourceType) {
    let of_type = |entry: &&mut Entry| {
        entry.group == from.group && entry.kind == from.kind && entry.version == from.version
    };
    for entry in inventory.objects.iter_mut().filter(of_type) {
        entry.version.clone_from(&to.version);
        entry.plural.clone_from(&to.plural);
        // The digest was taken of another version and tells nothing now: a further apply makes it anew.
        entry.owned = None;
        if entry.phase == Phase::Applied {
            entry.phase = Phase::Pending;
        }
    }
}

async fn get(
    member: &Member,
    ty: Option<&ResourceType>,
    key: &ObjectKey,
) -> Result<Option<Value>, FederationError> {
    let Some(ty) = ty else { return Ok(None) };
    match member.get(ty, key.namespace.as_deref(), &key.name).await {
        Err(MemberError::UnknownKind) => Ok(None),
        answer => answer.map_err(FederationError::with("read", key)),
    }
}

/// The key of an object as a server returned it.
fn key_of(object: &Value) -> Option<ObjectKey> {
    let mut key = ObjectKey::of(object)?;
    if scope::scope(&key.kind) == Some(Scope::Cluster) {
        key.namespace = None;
    }
    Some(key)
}
