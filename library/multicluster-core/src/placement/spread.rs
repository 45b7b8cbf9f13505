//! A choice among the selected members, so that they lie in several groups, such as regions, but not in too many.
//!
//! A group is the members with the same value of a label; the empty value is one too. A member without that label
//! forms no group and is left out. That is what Karmada does, and it keeps the promise of `min_groups`: members whose
//! place nobody wrote down may all stand in one place.
//!
//! Groups are taken in this order: with more members that were used before, with more members, by value. Within the
//! chosen groups `max_clusters` are taken in this order: one of each group, then those used before, then by turns; and
//! within a group those used before, then by name.
//!
//! Invariant: while members and labels stay, a choice that was made is made again (`choose(previous = choose(x))` is
//! `choose(x)`). Otherwise two plans would move objects to and fro.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Labels, Reason, list};
use crate::names::ClusterName;

/// Limits on groups of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The label whose values tell groups apart, such as `region`.
    pub by: String,
    /// There must be at least so many groups.
    pub min_groups: Option<u64>,
    /// At most so many groups are chosen; absent: all.
    pub max_groups: Option<u64>,
    /// At most so many members are chosen, in all groups together; absent: all.
    pub max_clusters: Option<u64>,
}

/// A spread that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpreadError {
    /// A limit of nothing.
    #[error("`{0}` is 0; to place an object on no member, set `clusters = []`")]
    Zero(&'static str),
    /// More is needed than allowed.
    #[error("`min_groups` is {min_groups}, more than `{limit}`, which is {most}")]
    Contradiction {
        /// At least so many groups.
        min_groups: u64,
        /// `max_groups` or `max_clusters`.
        limit: &'static str,
        /// At most so many.
        most: u64,
    },
    /// The selected members lie in too few groups.
    #[error(
        "`min_groups` is {min_groups}, and label `{by}` of the selected members has {}{}",
        counted(.groups), without_label(.without)
    )]
    TooFewGroups {
        /// The label that tells groups apart.
        by: String,
        /// At least so many groups.
        min_groups: u64,
        /// The groups there are, in order.
        groups: Vec<String>,
        /// Selected members without the label.
        without: Vec<ClusterName>,
    },
}

impl Spread {
    /// Looks for limits that contradict each other, whatever the members are.
    ///
    /// # Errors
    /// [`SpreadError::Zero`] and [`SpreadError::Contradiction`].
    pub fn check(&self) -> Result<(), SpreadError> {
        for (limit, most) in [("max_groups", self.max_groups), ("max_clusters", self.max_clusters)] {
            let Some(most) = most else { continue };
            if most == 0 {
                return Err(SpreadError::Zero(limit));
            }
            if let Some(min_groups) = self.min_groups
                && min_groups > most
            {
                return Err(SpreadError::Contradiction { min_groups, limit, most });
            }
        }
        Ok(())
    }
}

/// The members that are not chosen, and why.
pub(super) fn left_out<'a>(
    spread: &Spread,
    candidates: &BTreeMap<&'a ClusterName, &Labels>,
    previous: &BTreeSet<ClusterName>,
) -> Result<Vec<(&'a ClusterName, Reason)>, SpreadError> {
    spread.check()?;
    let mut groups: BTreeMap<&str, Vec<&'a ClusterName>> = BTreeMap::new();
    let mut without = Vec::new();
    for (name, labels) in candidates {
        match labels.get(&spread.by) {
            Some(value) => groups.entry(value).or_default().push(name),
            None => without.push(*name),
        }
    }
    let min_groups = spread.min_groups.unwrap_or(0);
    if count(groups.len()) < min_groups {
        return Err(SpreadError::TooFewGroups {
            by: spread.by.clone(),
            min_groups,
            groups: groups.into_keys().map(ToOwned::to_owned).collect(),
            without: without.into_iter().cloned().collect(),
        });
    }

    let used = |name: &ClusterName| previous.contains(name);
    let mut ranked: Vec<(&str, Vec<&ClusterName>)> = groups.into_iter().collect();
    ranked.sort_by_key(|(group, names)| {
        (Reverse(names.iter().filter(|name| used(name)).count()), Reverse(names.len()), *group)
    });
    let rest = ranked.split_off(limit(spread.max_groups).min(ranked.len()));
    let mut turns = Vec::new();
    for (rank, (_, names)) in ranked.iter_mut().enumerate() {
        names.sort_by_key(|name| (!used(name), *name));
        let of_group = names.iter().enumerate();
        turns.extend(of_group.map(|(turn, name)| ((turn > 0, !used(name), turn, rank), *name)));
    }
    turns.sort_by_key(|(place, _)| *place);

    let chosen: Vec<String> = ranked.iter().map(|(group, _)| (*group).to_owned()).collect();
    let without = without.into_iter().map(|name| (name, Reason::WithoutGroup { by: spread.by.clone() }));
    let group_left_out = rest.into_iter().flat_map(|(group, names)| {
        let (by, chosen) = (spread.by.clone(), chosen.clone());
        let reason = Reason::GroupLeftOut { by, group: group.to_owned(), chosen };
        names.into_iter().map(move |name| (name, reason.clone()))
    });
    let max_clusters = spread.max_clusters.unwrap_or(u64::MAX);
    let beyond = turns.into_iter().skip(limit(spread.max_clusters));
    let beyond = beyond.map(|(_, name)| (name, Reason::ClusterLeftOut { max_clusters }));
    Ok(without.chain(group_left_out).chain(beyond).collect())
}

fn limit(most: Option<u64>) -> usize {
    most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn counted(groups: &[String]) -> String {
    match groups {
        [] => "no value".to_owned(),
        [_] => format!("one value ({})", list(groups)),
        _ => format!("{} values ({})", groups.len(), list(groups)),
    }
}

fn without_label(without: &[ClusterName]) -> String {
    match without {
        [] => String::new(),
        [one] => format!("; `{one}` has no such label"),
        several => format!("; {} have no such label", list(several)),
    }
}
