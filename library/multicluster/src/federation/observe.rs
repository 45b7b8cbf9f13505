//! Reads what a member has of a federation. Never writes.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::inventory::Inventory;
use multicluster_core::federation::observation::{Live, Observation};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::object::{Manifest, ObjectKey, text};
use multicluster_core::scope::{self, Scope};
use serde_json::Value;

use super::concurrent::some_at_a_time;
use super::error::{FederationError, Reason};
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
    let (cluster_uid, inventory) = futures::try_join!(read_uid, records::read_inventory(member, set))?;
    let kinds = kinds(member, inventory.as_ref().map(|it| &it.inventory), desired).await?;

    let wanted = |key: &ObjectKey| desired.get(key).map(|desired| &desired.object);
    let mut live = BTreeMap::new();
    let selector = set.selector();
    let lists = kinds.served.values().map(|ty| list(member, ty, &selector)).collect();
    let lists: Vec<Vec<Value>> = some_at_a_time(lists).await.into_iter().collect::<Result<_, _>>()?;
    for object in lists.into_iter().flatten() {
        if let Some(key) = key_of(&object) {
            let found = Live::of(&object, set, wanted(&key));
            live.insert(key, found);
        }
    }

    let mut missing: BTreeSet<ObjectKey> = desired.keys().cloned().collect();
    missing.extend(inventory.iter().flat_map(|it| it.inventory.objects.iter().map(|entry| entry.key())));
    missing.retain(|key| !live.contains_key(key));
    let found = missing.into_iter().map(|key| {
        let ty = kinds.served.get(&key.kind);
        async move {
            let object = get(member, ty, &key).await?;
            Ok((key, object))
        }
    });
    let found: Vec<(ObjectKey, Option<Value>)> =
        some_at_a_time(found.collect()).await.into_iter().collect::<Result<_, FederationError>>()?;
    for (key, object) in found {
        if let Some(object) = object {
            let found = Live::of(&object, set, wanted(&key));
            live.insert(key, found);
        }
    }
    Ok(Observed { observation: Observation { cluster_uid, inventory, live }, unknown_kinds: kinds.unknown })
}

async fn list(member: &Member, ty: &ResourceType, selector: &str) -> Result<Vec<Value>, FederationError> {
    match member.list(ty, selector).await {
        // A recorded kind whose definition is gone, or never came: then there is no object of it either.
        Err(MemberError::UnknownKind) => Ok(Vec::new()),
        answer => answer.map_err(FederationError::while_(format!("list {}", ty.plural))),
    }
}

async fn get(
    member: &Member,
    ty: Option<&ResourceType>,
    key: &ObjectKey,
) -> Result<Option<Value>, FederationError> {
    let Some(ty) = ty else { return Ok(None) };
    let namespace = key.namespace.as_deref();
    if ty.namespaced && namespace.is_none() {
        return Err(FederationError::with("read", key)(Reason::NoNamespace));
    }
    match member.get(ty, namespace, &key.name).await {
        Err(MemberError::UnknownKind) => Ok(None),
        answer => answer.map_err(FederationError::with("read", key)),
    }
}

struct Kinds {
    served: BTreeMap<multicluster_core::object::GroupKind, ResourceType>,
    unknown: BTreeSet<(String, String)>,
}

/// The kinds to be listed. What is recorded needs no discovery.
async fn kinds(
    member: &Member,
    inventory: Option<&Inventory>,
    desired: &MemberDesired,
) -> Result<Kinds, FederationError> {
    let mut kinds = Kinds { served: BTreeMap::new(), unknown: BTreeSet::new() };
    for entry in inventory.map(|inventory| inventory.objects.as_slice()).unwrap_or_default() {
        let ty = ResourceType {
            group: entry.group.clone(),
            version: entry.version.clone(),
            kind: entry.kind.clone(),
            plural: entry.plural.clone(),
            namespaced: entry.namespace.is_some(),
        };
        kinds.served.insert(entry.key().kind, ty);
    }
    let wanted: BTreeSet<_> = desired
        .iter()
        .map(|(key, desired)| (key.kind.clone(), text(&desired.object, "/apiVersion").to_owned()))
        .filter(|(kind, _)| !kinds.served.contains_key(kind))
        .collect();
    let found = wanted.into_iter().map(async |(kind, api_version)| {
        let doing = FederationError::while_(format!("find out how {} is served", kind.kind));
        let ty = member.resource_type(&api_version, &kind.kind).await.map_err(doing)?;
        Ok::<_, FederationError>((kind, api_version, ty))
    });
    let found: Vec<_> = some_at_a_time(found.collect()).await.into_iter().collect::<Result<_, _>>()?;
    for (kind, api_version, ty) in found {
        match ty {
            Some(ty) => {
                kinds.served.insert(kind, ty);
            }
            None => {
                kinds.unknown.insert((api_version, kind.kind));
            }
        }
    }
    Ok(kinds)
}

/// The key of an object as a server returned it.
fn key_of(object: &Value) -> Option<ObjectKey> {
    let mut key = Manifest::new(object.clone()).ok()?.key();
    if scope::scope(&key.kind) == Some(Scope::Cluster) {
        key.namespace = None;
    }
    Some(key)
}
