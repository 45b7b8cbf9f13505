//! Why a member is selected or not.

use std::fmt;

use super::{PlacementError, list};
use crate::selector::Mismatch;

/// Why a member is selected, or is not. As text it says so of "it", the member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Selected: the placement asks for nothing.
    Everywhere,
    /// Selected: by name.
    Named,
    /// Selected: by labels and expressions.
    Matched,
    /// The cluster is no member.
    NotAMember,
    /// Others are named.
    NotNamed,
    /// Its labels are others.
    Unmatched(Mismatch),
    /// It cannot be reached, and that is not tolerated.
    Unreachable,
    /// It has no label to be spread by.
    WithoutGroup {
        /// The label.
        by: String,
    },
    /// The spread chose other groups.
    GroupLeftOut {
        /// The label that tells groups apart.
        by: String,
        /// The member's group.
        group: String,
        /// The groups that were chosen, best first.
        chosen: Vec<String>,
    },
    /// The spread chose other members.
    ClusterLeftOut {
        /// How many members it takes in all.
        max_clusters: u64,
    },
    /// It is meant, but the placement cannot be carried out.
    Refused(PlacementError),
}

impl Reason {
    /// Whether this is a reason to be selected.
    #[must_use]
    pub fn is_selected(&self) -> bool {
        matches!(self, Self::Everywhere | Self::Named | Self::Matched)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("every member is selected"),
            Self::Named => f.write_str("it is named in `clusters`"),
            Self::Matched => f.write_str("its labels match"),
            Self::NotAMember => f.write_str("it is not a member of the federation"),
            Self::NotNamed => f.write_str("it is not named in `clusters`"),
            Self::Unmatched(mismatch) => mismatch.fmt(f),
            Self::Unreachable => f.write_str("it cannot be reached, and `tolerate_unreachable` is false"),
            Self::WithoutGroup { by } => {
                write!(f, "it has no label `{by}`, by which the spread forms groups")
            }
            Self::GroupLeftOut { by, group, chosen } => {
                write!(f, "its `{by}` is `{group}`, and the spread chose {}", list(chosen))
            }
            Self::ClusterLeftOut { max_clusters } => {
                write!(f, "the spread takes {max_clusters} of the members, and others came first")
            }
            Self::Refused(error) => write!(f, "the placement cannot be carried out: {error}"),
        }
    }
}
