//! What a user asks of a federation.

use std::collections::BTreeMap;

use crate::names::{ClusterName, FederationName};
use crate::object::{Manifest, ObjectKey};
use crate::placement::{Labels, Placement};
use crate::replicas::Share;

/// The whole of a federation, as configured.
#[derive(Clone, Debug, PartialEq)]
pub struct FederationSpec {
    /// Its name.
    pub name: FederationName,
    /// The members and their labels.
    pub members: BTreeMap<ClusterName, Labels>,
    /// What is kept on them, by a name that the user chose.
    pub resources: BTreeMap<String, ResourceSpec>,
}

/// Some objects, where they go, and how they differ from member to member.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSpec {
    /// The objects as written.
    pub manifests: Vec<Manifest>,
    /// Where they go.
    pub placement: Placement,
    /// Division of replicas over the members, if any.
    pub replicas: Option<Replicas>,
    /// Changes for some members, applied in order after the replicas.
    pub overrides: Vec<OverrideSpec>,
}

/// How many replicas a workload has in all, and who gets how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicas {
    /// Which object, where several could be meant.
    pub target: Option<Target>,
    /// In all members together; the manifest's own `spec.replicas` if absent.
    pub total: Option<u64>,
    /// Shares by member. A member that is not named has weight 1 and no bounds.
    pub clusters: BTreeMap<ClusterName, Share>,
}

/// A change to one object on some members.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideSpec {
    /// Which object, where several could be meant.
    pub target: Option<Target>,
    /// On which members; all on which the object is placed if absent.
    pub clusters: Option<Vec<ClusterName>>,
    /// RFC 6902.
    pub patch: json_patch::Patch,
}

/// Names one object of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `Deployment`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
}

impl Target {
    /// Whether this names `key`.
    #[must_use]
    pub fn is(&self, key: &ObjectKey) -> bool {
        self.kind == key.kind.kind && self.name == key.name
    }
}
