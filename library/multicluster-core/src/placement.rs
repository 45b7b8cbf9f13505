//! Which members an object goes to.
//!
//! Invariant: what is selected is always a subset of the members, and a name that is not a member is an error rather
//! than a silent nothing, since a typing error would otherwise take an object away from a cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::ClusterName;

/// The labels of a member.
pub type Labels = BTreeMap<String, String>;

/// Where an object belongs, as a user writes it. Nothing given means: on every member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Members by name. When given it decides alone, also when it is empty (then: on no member).
    pub clusters: Option<Vec<ClusterName>>,
    /// Members that carry all these labels with these values. Empty selects every member.
    pub match_labels: Option<BTreeMap<String, String>>,
}

/// A placement that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlacementError {
    /// The placement names clusters that are not members.
    #[error("{} {} of the federation; its members are {}", quoted(.unknown), no_member(.unknown), quoted(.members))]
    UnknownClusters {
        /// Names that are not members, each once, in order.
        unknown: Vec<ClusterName>,
        /// All members.
        members: Vec<ClusterName>,
    },
}

/// The members that a placement selects.
///
/// # Errors
/// [`PlacementError::UnknownClusters`] lists every name that is not a member, and the members.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::{names::ClusterName, placement::{select, Labels, Placement}};
///
/// let aws = ClusterName::new("aws").unwrap();
/// let gcp = ClusterName::new("gcp").unwrap();
/// let edge = Labels::from([("tier".to_owned(), "edge".to_owned())]);
/// let members = BTreeMap::from([(aws.clone(), edge.clone()), (gcp, Labels::new())]);
/// let placement = Placement { clusters: None, match_labels: Some(edge) };
/// assert!(select(&placement, &members).unwrap().into_iter().eq([aws]));
/// ```
pub fn select(
    placement: &Placement,
    members: &BTreeMap<ClusterName, Labels>,
) -> Result<BTreeSet<ClusterName>, PlacementError> {
    if let Some(names) = &placement.clusters {
        let named: BTreeSet<ClusterName> = names.iter().cloned().collect();
        let unknown: Vec<ClusterName> =
            named.iter().filter(|name| !members.contains_key(*name)).cloned().collect();
        return if unknown.is_empty() {
            Ok(named)
        } else {
            Err(PlacementError::UnknownClusters { unknown, members: members.keys().cloned().collect() })
        };
    }
    let wanted = placement.match_labels.as_ref();
    Ok(members
        .iter()
        .filter(|(_, labels)| {
            wanted.is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
        })
        .map(|(name, _)| name.clone())
        .collect())
}

fn quoted(names: &[ClusterName]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn no_member(unknown: &[ClusterName]) -> &'static str {
    if unknown.len() == 1 { "is not a member" } else { "are not members" }
}
