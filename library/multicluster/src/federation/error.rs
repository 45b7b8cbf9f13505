//! What can go wrong with a federation on one member.

use std::fmt;

use multicluster_core::copies::NotPortable;
use multicluster_core::federation::inventory::InventoryError;
use multicluster_core::federation::plan::Refusal;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::ObjectKey;

use crate::lease::LeaseError;
use crate::member::{MemberError, WaitError};

/// A failure on one member, in the user's words: what was being done, and why it could not be.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {reason}")]
pub struct FederationError {
    /// What was being done: `apply Deployment guestbook/frontend`.
    pub doing: String,
    /// Why it could not be.
    pub reason: Reason,
}

/// Why something failed on one member.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The server said no, or nothing.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// Waiting came to no good end.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// Somebody else is at work.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The record cannot be used.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// Nothing may be done.
    #[error("{}", Refusals(.0))]
    Refused(Vec<Refusal>),
    /// The name stands for another cluster than before.
    #[error("it is another cluster: kube-system has UID {found}, expected {expected}")]
    WrongCluster {
        /// What the state or plan says.
        expected: ClusterUid,
        /// What is there.
        found: ClusterUid,
    },
    /// Two names stand for one cluster.
    #[error("it is the same cluster as `{0}`: kube-system has the same UID")]
    SameCluster(ClusterName),
    /// The cluster does not have a kind.
    #[error("the cluster has no {kind} in {api_version}; is its CustomResourceDefinition missing?")]
    NoSuchKind {
        /// As the manifest says.
        api_version: String,
        /// As the manifest says.
        kind: String,
    },
    /// The federation has other sets of objects on the member.
    #[error("separate objects of it are still there: {}", .0.join(", "))]
    HasSets(Vec<String>),
    /// It is to be copied, and makes sense on its own cluster only.
    #[error("{0}")]
    NotPortable(NotPortable),
    /// A namespaced object of a custom kind says no namespace.
    #[error("its kind lives in namespaces: give it a `metadata.namespace`")]
    NoNamespace,
    /// A cluster-scoped object of a custom kind says a namespace.
    #[error("its kind lives in no namespace: remove its `metadata.namespace`")]
    NeedlessNamespace,
    /// The `timeouts` of the resource are over.
    #[error("the time allowed for it is over")]
    OutOfTime,
    /// Another apply took over, since ours gave no sign of life for too long.
    #[error("another apply has taken over, since this one could not reach the cluster for too long")]
    LeaseLost,
    /// The user, or a lost host, put an end to it.
    #[error("interrupted")]
    Interrupted,
}

impl FederationError {
    /// A closure for `map_err` that says what was being done.
    pub(super) fn while_<E: Into<Reason>>(doing: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self { doing: doing.into(), reason: error.into() }
    }

    /// The same for an object.
    pub(super) fn with<E: Into<Reason>>(verb: &str, key: &ObjectKey) -> impl FnOnce(E) -> Self {
        Self::while_(format!("{verb} {key}"))
    }

    /// Whether the operation was cut short rather than failed.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        matches!(
            self.reason,
            Reason::Interrupted | Reason::Wait(WaitError::Cancelled) | Reason::Lease(LeaseError::Cancelled)
        )
    }

    /// Whether nothing is known of the member because it did not answer.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(&self.reason, Reason::Member(error) if error.is_unreachable())
    }
}

struct Refusals<'a>(&'a [Refusal]);

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, refusal) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{refusal}")?;
        }
        Ok(())
    }
}
