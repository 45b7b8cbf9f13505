//! What can go wrong with a release as a whole. What goes wrong with one action stands in the journal instead.

use multicluster_core::names::ClusterName;

use super::journal::JournalError;
use crate::lease::LeaseError;
use crate::member::{MemberError, WaitError};

/// A release could not be begun, or cannot be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// One cluster refused or did not answer.
    #[error("cannot {doing} on `{cluster}`: {reason}")]
    Member {
        /// Which cluster.
        cluster: ClusterName,
        /// What was being done.
        doing: &'static str,
        /// Why it could not be.
        reason: MemberError,
    },
    /// Waiting on one cluster came to no good end.
    #[error("cannot {doing} on `{cluster}`: {reason}")]
    Wait {
        /// Which cluster.
        cluster: ClusterName,
        /// What was being done.
        doing: &'static str,
        /// Why it could not be.
        reason: Box<WaitError>,
    },
    /// The release's journal on a cluster is of no use.
    #[error("the release's journal on `{cluster}` cannot be used: {reason}")]
    Journal {
        /// Which cluster.
        cluster: ClusterName,
        /// Why.
        reason: JournalError,
    },
    /// Another apply is at work.
    #[error("cannot take the release's lease on `{cluster}`: {reason}")]
    Lease {
        /// Which cluster.
        cluster: ClusterName,
        /// Why.
        reason: LeaseError,
    },
    /// An earlier apply was cut short, and it can only be gone on with where all clusters can be fenced.
    #[error(
        "an earlier apply of this release was cut short, and going on needs every cluster, but {} not answer: {why}; \
         make {} reachable, or take {} out of `clusters`",
        does(clusters),
        them(clusters),
        them(clusters)
    )]
    NotAll {
        /// Which clusters do not answer.
        clusters: Vec<ClusterName>,
        /// Why the first of them does not.
        why: String,
    },
    /// Too few clusters answer for this apply to be the only one.
    #[error(
        "only {answering} of {all} clusters answer, and a release needs more than half of them, so that no other \
         apply can be at work on the rest: {why}"
    )]
    NoQuorum {
        /// How many answer.
        answering: usize,
        /// How many there are.
        all: usize,
        /// Why the first of the others does not.
        why: String,
    },
    /// Another apply has taken the release over. Nothing more is written.
    #[error("another apply has taken this release over, as `{cluster}` shows; nothing more was changed")]
    Superseded {
        /// Where that was seen.
        cluster: ClusterName,
    },
    /// No cluster takes the journal, and without it nothing may be done.
    #[error("no cluster takes the release's journal: {why}")]
    NoJournal {
        /// Why the first of them does not.
        why: String,
    },
    /// What is asked for may not be done.
    #[error("{0}")]
    Refused(String),
    /// The user interrupted before anything was begun.
    #[error("interrupted")]
    Interrupted,
}

impl ReleaseError {
    /// A closure for `map_err` that says what was being done where.
    pub(super) fn on(cluster: &ClusterName, doing: &'static str) -> impl FnOnce(MemberError) -> Self {
        move |reason| Self::Member { cluster: cluster.clone(), doing, reason }
    }

    /// Whether nothing is known of the cluster because it did not answer.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Member { reason, .. } => is_unreachable(reason),
            Self::Wait { reason, .. } => {
                matches!(&**reason, WaitError::Member(reason) if is_unreachable(reason))
            }
            Self::Lease { reason: LeaseError::Member(reason), .. } => is_unreachable(reason),
            Self::Journal { reason: JournalError::Member(reason), .. } => is_unreachable(reason),
            _ => false,
        }
    }

    /// Whether it was cut short rather than failed.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        match self {
            Self::Interrupted | Self::Lease { reason: LeaseError::Cancelled, .. } => true,
            Self::Wait { reason, .. } => matches!(**reason, WaitError::Cancelled),
            _ => false,
        }
    }
}

/// Whether a failure says something of the way to the server, and passes with it.
pub(super) fn is_unreachable(error: &MemberError) -> bool {
    matches!(error, MemberError::Unreachable { .. } | MemberError::Internal { .. })
}

fn does(clusters: &[ClusterName]) -> String {
    let names: Vec<String> = clusters.iter().map(|name| format!("`{name}`")).collect();
    let verb = if clusters.len() == 1 { "does" } else { "do" };
    format!("{} {verb}", names.join(", "))
}

fn them(clusters: &[ClusterName]) -> &'static str {
    if clusters.len() == 1 { "it" } else { "them" }
}
