//! Which members an object goes to.
//!
//! In this order: names (or labels and expressions) say which members are meant; those that cannot be reached are left
//! out if the placement does not tolerate them; a spread chooses among the rest.
//!
//! Invariant: what is selected is always a subset of the members, and a name that is not a member is an error rather
//! than a silent nothing, since a typing error would otherwise take an object away from a cluster. A selector that
//! matches nothing is no error here: whether that may delete objects is for the plan to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::ClusterName;
use crate::selector::{self, Requirement};

mod reason;
mod spread;

pub use crate::selector::Labels;
pub use reason::Reason;
pub use spread::{Spread, SpreadError};

/// Where an object belongs, as a user writes it. Nothing given means: on every member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Members by name. When given, labels and expressions do not matter, also when it is empty (then: on no member).
    pub clusters: Option<Vec<ClusterName>>,
    /// Members that carry all these labels with these values. Empty selects every member.
    pub match_labels: Option<Labels>,
    /// Members whose labels meet all these conditions, besides `match_labels`.
    pub match_expressions: Vec<Requirement>,
    /// A choice among the members selected so far; absent: all of them.
    pub spread: Option<Spread>,
    /// Whether members that cannot be reached are selected as others are; absent: they are. When `false`, they are left
    /// out before the spread chooses, so that another member can take over.
    pub tolerate_unreachable: Option<bool>,
}

/// What a placement needs to know of the world.
#[derive(Clone, Copy, Debug)]
pub struct PlacementFacts<'a> {
    /// Members that could not be reached when they were last looked at.
    pub unreachable: &'a BTreeSet<ClusterName>,
    /// Members on which the object was placed before. A spread prefers them, so that nothing moves without need.
    pub previous: &'a BTreeSet<ClusterName>,
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
    /// The spread contradicts itself, or the members are not enough for it.
    #[error("spread: {0}")]
    Spread(#[from] SpreadError),
}

/// Everything reachable, nothing placed before.
impl Default for PlacementFacts<'_> {
    fn default() -> Self {
        static NOBODY: BTreeSet<ClusterName> = BTreeSet::new();
        Self { unreachable: &NOBODY, previous: &NOBODY }
    }
}

/// The members that a placement selects.
///
/// # Errors
/// [`PlacementError`] lists every name that is not a member, or says why the spread cannot be.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::{names::ClusterName, placement::{select, Labels, Placement, PlacementFacts}};
///
/// let aws = ClusterName::new("aws").unwrap();
/// let gcp = ClusterName::new("gcp").unwrap();
/// let edge = Labels::from([("tier".to_owned(), "edge".to_owned())]);
/// let members = BTreeMap::from([(aws.clone(), edge.clone()), (gcp, Labels::new())]);
/// let placement = Placement { match_labels: Some(edge), ..Placement::default() };
/// assert!(select(&placement, &members, &PlacementFacts::default()).unwrap().into_iter().eq([aws]));
/// ```
pub fn select(
    placement: &Placement,
    members: &BTreeMap<ClusterName, Labels>,
    facts: &PlacementFacts<'_>,
) -> Result<BTreeSet<ClusterName>, PlacementError> {
    let (reasons, refused) = judge(placement, members, facts);
    match refused {
        Some(error) => Err(error),
        None => Ok(reasons
            .into_iter()
            .filter(|(_, reason)| reason.is_selected())
            .map(|(name, _)| name.clone())
            .collect()),
    }
}

/// Why a cluster is, or is not, among those that [`select`] returns; the two never disagree.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::{names::ClusterName, placement::{explain, Labels, Placement, PlacementFacts}};
///
/// let aws = ClusterName::new("aws").unwrap();
/// let members = BTreeMap::from([(aws.clone(), Labels::new())]);
/// let edge = Labels::from([("tier".to_owned(), "edge".to_owned())]);
/// let placement = Placement { match_labels: Some(edge), ..Placement::default() };
/// let reason = explain(&placement, &members, &PlacementFacts::default(), &aws);
/// assert!(!reason.is_selected());
/// assert_eq!(reason.to_string(), "it has no label `tier`, which must be `edge`");
/// ```
#[must_use]
pub fn explain(
    placement: &Placement,
    members: &BTreeMap<ClusterName, Labels>,
    facts: &PlacementFacts<'_>,
    cluster: &ClusterName,
) -> Reason {
    let (mut reasons, refused) = judge(placement, members, facts);
    match (reasons.remove(cluster), refused) {
        (None, _) => Reason::NotAMember,
        (Some(reason), Some(error)) if reason.is_selected() => Reason::Refused(error),
        (Some(reason), _) => reason,
    }
}

type Reasons<'a> = BTreeMap<&'a ClusterName, Reason>;

/// The reason of every member, and what is wrong with the placement as a whole.
fn judge<'a>(
    placement: &Placement,
    members: &'a BTreeMap<ClusterName, Labels>,
    facts: &PlacementFacts<'_>,
) -> (Reasons<'a>, Option<PlacementError>) {
    let mut reasons: Reasons<'a> =
        members.iter().map(|(name, labels)| (name, meant(placement, facts, name, labels))).collect();
    if let Some(error) = unknown(placement, members) {
        return (reasons, Some(error));
    }
    let Some(spread) = &placement.spread else { return (reasons, None) };
    let candidates = members.iter().filter(|(name, _)| reasons.get(name).is_some_and(Reason::is_selected));
    match spread::left_out(spread, &candidates.collect(), facts.previous) {
        Ok(left_out) => {
            reasons.extend(left_out);
            (reasons, None)
        }
        Err(error) => (reasons, Some(error.into())),
    }
}

/// What a placement says of one member before it is spread.
fn meant(placement: &Placement, facts: &PlacementFacts<'_>, name: &ClusterName, labels: &Labels) -> Reason {
    let none = Labels::new();
    let wanted = placement.match_labels.as_ref().unwrap_or(&none);
    let reason = match &placement.clusters {
        Some(names) if names.contains(name) => Reason::Named,
        Some(_) => return Reason::NotNamed,
        None => match selector::mismatch(wanted, &placement.match_expressions, labels) {
            Some(mismatch) => return Reason::Unmatched(mismatch),
            None if wanted.is_empty() && placement.match_expressions.is_empty() => Reason::Everywhere,
            None => Reason::Matched,
        },
    };
    let tolerated = placement.tolerate_unreachable.unwrap_or(true);
    if tolerated || !facts.unreachable.contains(name) { reason } else { Reason::Unreachable }
}

fn unknown(placement: &Placement, members: &BTreeMap<ClusterName, Labels>) -> Option<PlacementError> {
    let named: BTreeSet<&ClusterName> = placement.clusters.iter().flatten().collect();
    let unknown: Vec<ClusterName> =
        named.into_iter().filter(|name| !members.contains_key(name)).cloned().collect();
    (!unknown.is_empty())
        .then(|| PlacementError::UnknownClusters { unknown, members: members.keys().cloned().collect() })
}

fn quoted(names: &[ClusterName]) -> String {
    if names.is_empty() { "none".to_owned() } else { list(names) }
}

/// `` `a`, `b` ``
fn list(names: &[impl std::fmt::Display]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn no_member(unknown: &[ClusterName]) -> &'static str {
    if unknown.len() == 1 { "is not a member" } else { "are not members" }
}
