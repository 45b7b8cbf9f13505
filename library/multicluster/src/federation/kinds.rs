//! How the kinds are served that a federation has, or wants, on a member.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::inventory::{Entry, Inventory};
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::object::{GroupKind, ObjectKey, text};
use multicluster_core::scope::{self, Scope};

use super::concurrent::some_at_a_time;
use super::error::{FederationError, Reason};
use crate::member::{Member, ResourceType};

/// A kind in one version: one path on the server.
type Versioned = (GroupKind, String);

/// The types of all objects in question.
pub(super) struct Kinds {
    served: BTreeMap<Versioned, ResourceType>,
    /// In which version each object is looked at: as it was applied, so that digests can be compared; as it is wanted,
    /// if it never was.
    versions: BTreeMap<ObjectKey, String>,
    /// Kinds that are wanted and not served, as `apiVersion` and `kind`.
    pub(super) unknown: BTreeSet<(String, String)>,
}

/// How a recorded object is served, as far as the record knows.
pub(super) fn type_of(entry: &Entry) -> ResourceType {
    ResourceType {
        group: entry.group.clone(),
        version: entry.version.clone(),
        kind: entry.kind.clone(),
        plural: entry.plural.clone(),
        namespaced: entry.namespace.is_some() && scope::scope(&entry.key().kind) != Some(Scope::Cluster),
    }
}

impl Kinds {
    /// Finds the types. What is recorded needs no discovery.
    ///
    /// # Errors
    /// [`FederationError`] if the member could not be asked, or if an object says a namespace and its kind lives in
    /// none, or the other way round.
    pub(super) async fn find(
        member: &Member,
        recorded: Option<&Inventory>,
        desired: &MemberDesired,
    ) -> Result<Self, FederationError> {
        let mut kinds = Self { served: BTreeMap::new(), versions: BTreeMap::new(), unknown: BTreeSet::new() };
        for entry in recorded.into_iter().flat_map(|inventory| &inventory.objects) {
            let key = entry.key();
            kinds.served.entry((key.kind.clone(), entry.version.clone())).or_insert_with(|| type_of(entry));
            kinds.versions.insert(key, entry.version.clone());
        }
        let api_version = |desired: &Desired| text(&desired.object, "/apiVersion").to_owned();
        let wanted: BTreeSet<(GroupKind, String)> = desired
            .iter()
            .map(|(key, desired)| (key.kind.clone(), api_version(desired)))
            .filter(|(kind, it)| !kinds.served.contains_key(&(kind.clone(), version_of(it))))
            .collect();
        let found = wanted.into_iter().map(async |(kind, api_version)| {
            let doing = FederationError::while_(format!("find out how {} is served", kind.kind));
            let ty = member.resource_type(&api_version, &kind.kind).await.map_err(doing)?;
            Ok::<_, FederationError>((kind, api_version, ty))
        });
        for found in some_at_a_time(found.collect()).await {
            let (kind, api_version, ty) = found?;
            match ty {
                Some(ty) => {
                    kinds.served.insert((kind, version_of(&api_version)), ty);
                }
                None => {
                    kinds.unknown.insert((api_version, kind.kind));
                }
            }
        }
        for (key, desired) in desired {
            let version = version_of(&api_version(desired));
            if let Some(ty) = kinds.served.get(&(key.kind.clone(), version.clone())) {
                check_scope(ty, key).map_err(FederationError::with("place", key))?;
            }
            kinds.versions.entry(key.clone()).or_insert(version);
        }
        Ok(kinds)
    }

    /// The types of which there may be objects.
    pub(super) fn in_use(&self) -> Vec<ResourceType> {
        let used: BTreeSet<Versioned> =
            self.versions.iter().map(|(key, version)| (key.kind.clone(), version.clone())).collect();
        used.iter().filter_map(|it| self.served.get(it)).cloned().collect()
    }

    /// The type of an object; `None` if its kind is not served.
    pub(super) fn of(&self, key: &ObjectKey) -> Option<&ResourceType> {
        let version = self.versions.get(key)?;
        self.served.get(&(key.kind.clone(), version.clone()))
    }

    /// Whether an object is to be looked at in this type's version.
    pub(super) fn is_of(&self, key: &ObjectKey, ty: &ResourceType) -> bool {
        self.versions.get(key).is_none_or(|version| *version == ty.version)
    }

    /// Notes that a type is served in another version than it was.
    pub(super) fn moved(&mut self, from: &ResourceType, to: &ResourceType) {
        let kind = GroupKind { group: from.group.clone(), kind: from.kind.clone() };
        for (_, version) in self.versions.iter_mut().filter(|(key, _)| key.kind == kind) {
            if *version == from.version {
                version.clone_from(&to.version);
            }
        }
        self.served.insert((kind, to.version.clone()), to.clone());
    }
}

/// The version of an API version: `v1` of `apps/v1`.
fn version_of(api_version: &str) -> String {
    api_version.rsplit('/').next().unwrap_or_default().to_owned()
}

/// An object of a kind without namespaces that says one would not be found again, nor one of a kind with namespaces
/// that says none.
pub(super) fn check_scope(ty: &ResourceType, key: &ObjectKey) -> Result<(), Reason> {
    match (ty.namespaced, &key.namespace) {
        (true, None) => Err(Reason::NoNamespace),
        (false, Some(_)) => Err(Reason::NeedlessNamespace),
        _ => Ok(()),
    }
}
