//! Why an object is on no member.

use std::fmt;

/// Why an object is on no member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nowhere {
    /// There is no `FederatedNamespace` for its namespace (KubeFed's reason `NamespaceNotFederated`).
    NamespaceNotFederated {
        /// Which namespace.
        namespace: String,
    },
    /// Its `FederatedNamespace` is on no member, for this reason.
    NamespaceNowhere {
        /// Which namespace.
        namespace: String,
        /// Why that one is nowhere.
        reason: Box<Self>,
    },
    /// It and its namespace are on different members.
    Disjoint {
        /// Which namespace.
        namespace: String,
    },
    /// A namespace that Kubernetes or KubeFed makes. KubeFed does not propagate it; what is in it goes where its
    /// `FederatedNamespace` goes.
    SystemNamespace,
    /// Neither `clusters` nor `clusterSelector` is given.
    NoPlacement,
    /// `clusters` is given and empty.
    EmptyClusters,
    /// No name in `clusters` is a member.
    UnknownClusters(Vec<String>),
    /// No member has the labels.
    SelectorMatchesNothing,
}

/// A sentence: `` `spec.placement.clusters` is empty ``.
impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamespaceNotFederated { namespace } => write!(
                f,
                "namespace `{namespace}` is not federated (NamespaceNotFederated): add a FederatedNamespace `{namespace}`"
            ),
            Self::NamespaceNowhere { namespace, reason } => {
                write!(f, "its FederatedNamespace `{namespace}` is on no member: {reason}")
            }
            Self::Disjoint { namespace } => {
                write!(f, "no member that it selects has its FederatedNamespace `{namespace}`")
            }
            Self::SystemNamespace => f.write_str("KubeFed leaves system namespaces to the clusters"),
            Self::NoPlacement => f.write_str(
                "`spec.placement` has neither `clusters` nor `clusterSelector`, which selects no member",
            ),
            Self::EmptyClusters => f.write_str("`spec.placement.clusters` is empty, which selects no member"),
            Self::UnknownClusters(names) => {
                let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                write!(f, "`spec.placement.clusters` names no member: {names}")
            }
            Self::SelectorMatchesNothing => {
                f.write_str("`spec.placement.clusterSelector` matches the labels of no member")
            }
        }
    }
}
