//! What the documents of the whole federation say about those that are expanded.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{At, Findings, Reader};
use super::placement::{self, Placement};
use super::preference::{self, Preference, PreferenceTarget, TARGET_KINDS};
use super::types::{self, FEDERATED_GROUP, TypeConfig};
use super::{group, is_kubefed};
use crate::object::{GroupKind, Manifest, text};

/// The group of preferences.
const SCHEDULING_GROUP: &str = "scheduling.kubefed.io";
/// The group of KubeFed's configuration.
const CORE_GROUP: &str = "core.kubefed.io";

/// What a document is to KubeFed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `FederatedDeployment` and its like.
    Federated,
    /// `ReplicaSchedulingPreference`.
    Preference,
    /// `FederatedTypeConfig`.
    TypeConfig,
    /// `KubeFedCluster`.
    Cluster,
    /// What runs KubeFed and has no meaning without it.
    Machinery,
    /// None of KubeFed's.
    Plain,
}

/// What applies to all documents.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) configs: Vec<TypeConfig>,
    /// The placements of the federated namespaces.
    pub(super) namespaces: BTreeMap<String, Placement>,
    pub(super) preferences: BTreeMap<PreferenceTarget, Preference>,
    /// What preferences may be for.
    pub(super) targets: BTreeSet<PreferenceTarget>,
    /// Whether KubeFed was confined to one namespace (`scope: Namespaced`). Then objects go where they say also without
    /// a `FederatedNamespace`, since the one namespace is on every member.
    pub(super) is_confined: bool,
}

impl Known {
    /// Gathers from documents, in their order; the first one of a name counts. Mistakes are for those to report who
    /// expand the document.
    pub(super) fn of<'m>(manifests: impl Iterator<Item = &'m Manifest> + Clone) -> Self {
        let mut known = Self::default();
        let mut unsaid = Findings::default();
        for manifest in manifests.clone() {
            let mut reader = Reader::new(manifest, &mut unsaid);
            if group(manifest) == CORE_GROUP && manifest.kind() == "FederatedTypeConfig" {
                known.configs.extend(types::read_config(manifest, &mut reader));
            }
            if group(manifest) == CORE_GROUP && manifest.kind() == "KubeFedConfig" {
                known.is_confined |= text(manifest.value(), "/spec/scope") == "Namespaced";
            }
        }
        for manifest in manifests {
            let mut reader = Reader::new(manifest, &mut unsaid);
            match known.role(manifest) {
                Role::Federated => known.federated(manifest, &mut reader),
                Role::Preference => {
                    if let Some(preference) = preference::read(manifest, &mut reader) {
                        known.preferences.entry(preference.target.clone()).or_insert(preference);
                    }
                }
                _ => {}
            }
        }
        known
    }

    fn federated(&mut self, manifest: &Manifest, reader: &mut Reader<'_>) {
        if TARGET_KINDS.contains(&manifest.kind()) {
            self.targets.insert(PreferenceTarget::new(manifest.kind(), manifest));
        }
        if types::resolve(manifest, &self.configs, reader).is_some_and(|target| target.is_namespace()) {
            let at = At::root(manifest.value()).field("spec").field("placement");
            let placement = placement::read(&at, reader);
            self.namespaces.entry(manifest.name().to_owned()).or_insert(placement);
        }
    }

    /// What a document is.
    pub(super) fn role(&self, manifest: &Manifest) -> Role {
        let GroupKind { group, kind } = manifest.key().kind;
        let is_configured = self.configs.iter().any(|config| {
            let GroupKind { group: of_group, kind: of_kind } = &config.federated;
            *of_group == group && *of_kind == kind
        });
        match (group.as_str(), kind.as_str()) {
            _ if is_configured => Role::Federated,
            (FEDERATED_GROUP, _) => Role::Federated,
            (SCHEDULING_GROUP, "ReplicaSchedulingPreference") => Role::Preference,
            (CORE_GROUP, "FederatedTypeConfig") => Role::TypeConfig,
            (CORE_GROUP, "KubeFedCluster") => Role::Cluster,
            _ if is_kubefed(manifest) => Role::Machinery,
            _ => Role::Plain,
        }
    }
}
