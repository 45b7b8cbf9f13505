//! What a user asks of a federation.

use std::collections::BTreeMap;

use crate::federation::policy::Policy;
use crate::names::{ClusterName, FederationName};
use crate::object::{Manifest, ObjectKey};
use crate::overrides::{Change, Scope};
use crate::placement::{Labels, Placement};
use crate::replicas::{Mode, Share};

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
    /// The objects as written. For a copy, they say only which object it is.
    pub manifests: Vec<Manifest>,
    /// Whether the objects are secret, and then what stands for them in digests: a version that the user counts up.
    pub confidential: Option<String>,
    /// The object that is copied, if one is.
    pub copy: Option<CopyFrom>,
    /// Where they go.
    pub placement: Placement,
    /// Division of replicas over the members, if any.
    pub replicas: Option<Replicas>,
    /// Changes for some members, applied in order after the replicas.
    pub overrides: Vec<OverrideSpec>,
    /// How its objects get along with others who write to them.
    pub policy: Policy,
    /// Whether secrets may stand in its manifests, which are stored in state.
    pub plain_secrets: bool,
    /// Whether what its workloads refer to goes where they go, if other entries of the federation hold it.
    pub propagate_dependencies: bool,
}

impl FederationSpec {
    /// Whether any replicas are divided by what fits on nodes, so that these have to be read.
    #[must_use]
    pub fn divides_by_capacity(&self) -> bool {
        let mut replicas = self.resources.values().filter_map(|resource| resource.replicas.as_ref());
        replicas.any(|it| matches!(it.mode, Mode::Capacity | Mode::Aggregated))
    }
}

impl ResourceSpec {
    /// Some objects that go everywhere as they are.
    #[must_use]
    pub fn new(manifests: Vec<Manifest>) -> Self {
        Self {
            manifests,
            confidential: None,
            copy: None,
            placement: Placement::default(),
            replicas: None,
            overrides: Vec::new(),
            policy: Policy::default(),
            plain_secrets: false,
            propagate_dependencies: false,
        }
    }

    /// Whether its content stands neither in the configuration's state nor anywhere else that is not meant for secrets;
    /// or whether the user has allowed that it does.
    pub(crate) fn is_hidden(&self) -> bool {
        self.plain_secrets || self.confidential.is_some() || self.copy.is_some()
    }
}

/// An object of one member that is kept on others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFrom {
    /// The member that has it.
    pub cluster: ClusterName,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Which object it is.
    pub key: ObjectKey,
}

/// How many replicas a workload has in all, and who gets how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicas {
    /// Which object, where several could be meant.
    pub target: Option<Target>,
    /// In all members together; the manifest's own `spec.replicas` if absent.
    pub total: Option<u64>,
    /// By what they are divided.
    pub mode: Mode,
    /// Whether as few as possible move.
    pub steady: bool,
    /// Shares by member. A member that is not named has weight 1 and no bounds.
    pub clusters: BTreeMap<ClusterName, Share>,
}

/// A change to one object on some members.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideSpec {
    /// Which object, where several could be meant.
    pub target: Option<Target>,
    /// On which members.
    pub scope: Scope,
    /// What changes, in order.
    pub changes: Vec<Change>,
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
