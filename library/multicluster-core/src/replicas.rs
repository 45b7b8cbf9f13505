//! How many replicas each cluster runs.
//!
//! Webster's method by seats: every cluster starts with its minimum, then one replica at a time goes to the cluster
//! with the largest `weight / (2 · replicas + 1)` that is below its maximum. Equal quotients: the cluster with fewer
//! replicas, then the smaller name. All of it is exact integer arithmetic.
//!
//! Invariant: with fixed members, weights and bounds, a larger total never takes a replica from a cluster. That is
//! why Webster was chosen over largest remainders, which move replicas backwards.
//!
//! A cluster of weight 0 has quotient 0 and so gets more than its minimum only when all others are full.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// The part of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its part relative to the others.
    pub weight: u64,
    /// It runs at least so many.
    pub min: u64,
    /// It runs at most so many; absent: no limit.
    pub max: Option<u64>,
}

/// The largest total: Kubernetes counts replicas in a signed 32-bit number.
pub const LARGEST_TOTAL: u64 = i32::MAX as u64;

/// A division that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DivisionError {
    /// One cluster must run more than it may.
    #[error("the minimum of `{cluster}` is {min} and its maximum {max}")]
    MinAboveMax {
        /// Which cluster.
        cluster: String,
        /// Its minimum.
        min: u64,
        /// Its maximum.
        max: u64,
    },
    /// The clusters must run more, or may not run as many.
    #[error("{total} replicas do not fit: the clusters take {}", range(*.least, *.most))]
    OutOfBounds {
        /// What was asked for.
        total: u64,
        /// The sum of all minimums.
        least: u128,
        /// The sum of all maximums, absent if one has none.
        most: Option<u128>,
    },
    /// More than Kubernetes can count.
    #[error("{total} replicas are more than Kubernetes can count ({LARGEST_TOTAL})")]
    TooMany {
        /// What was asked for.
        total: u64,
    },
}

/// Divides a total over clusters, by Webster's method within each cluster's bounds.
///
/// Any ordered key will do; its order breaks the last ties. The work grows with the number of clusters and the
/// logarithm of the total.
///
/// # Errors
/// [`DivisionError`] when a minimum is above its maximum or the total is outside of what the bounds allow.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::replicas::{divide, Share};
///
/// let shares = BTreeMap::from([
///     ("aws", Share { weight: 2, min: 0, max: None }),
///     ("azure", Share { weight: 1, min: 0, max: None }),
///     ("gcp", Share { weight: 1, min: 0, max: Some(2) }),
/// ]);
/// assert_eq!(divide(9, &shares).unwrap(), BTreeMap::from([("aws", 5), ("azure", 2), ("gcp", 2)]));
/// ```
pub fn divide<K: Ord + Clone + fmt::Display>(
    total: u64,
    shares: &BTreeMap<K, Share>,
) -> Result<BTreeMap<K, u64>, DivisionError> {
    check(total, shares)?;
    let (weighted, weightless): (Vec<_>, Vec<_>) = shares.iter().partition(|(_, share)| share.weight > 0);
    let least_of = |group: &[(&K, &Share)]| group.iter().map(|(_, share)| share.min).sum::<u64>();
    let most_of = |group: &[(&K, &Share)]| {
        group.iter().map(|(_, share)| share.max.unwrap_or(total).min(total)).fold(0, u64::saturating_add)
    };
    // The sums of minimums do not overflow: `check` found them within the total.
    let to_weighted = (total - least_of(&weightless)).min(most_of(&weighted));
    let mut result = fill(to_weighted, &weighted);
    // Among clusters of weight 0 only "fewer replicas, then name" is left of the rule, which is Webster with equal
    // weights.
    result.extend(fill(total - to_weighted, &weightless));
    Ok(result.into_iter().collect())
}

fn check<K: fmt::Display>(total: u64, shares: &BTreeMap<K, Share>) -> Result<(), DivisionError> {
    for (cluster, share) in shares {
        if let Some(max) = share.max.filter(|max| share.min > *max) {
            return Err(DivisionError::MinAboveMax { cluster: cluster.to_string(), min: share.min, max });
        }
    }
    if total > LARGEST_TOTAL {
        return Err(DivisionError::TooMany { total });
    }
    let least = shares.values().map(|share| u128::from(share.min)).sum::<u128>();
    let most = shares.values().map(|share| share.max.map(u128::from)).sum::<Option<u128>>();
    let wanted = u128::from(total);
    if wanted < least || most.is_some_and(|most| wanted > most) {
        return Err(DivisionError::OutOfBounds { total, least, most });
    }
    Ok(())
}

/// One cluster while seats are given; `weight` is at least 1.
struct Party<'a, K> {
    key: &'a K,
    weight: u128,
    min: u64,
    max: u64,
    seats: u64,
}

/// Gives exactly `total` seats to a group that can take them.
///
/// The greedy rule gives the seats in falling order of the quotients `weight / (2s + 1)`. For any threshold `D / k`
/// the quotients at or above it are therefore the first ones to be given, and each party has
/// `⌊(weight · k + D) / 2D⌋` of them. So the largest `k` whose seats fit into the total is searched first, and the
/// rule itself only gives the rest. With `D` the largest weight, one step of `k` adds at most one seat per party:
/// the rest is smaller than the number of parties.
fn fill<K: Ord + Clone>(total: u64, group: &[(&K, &Share)]) -> Vec<(K, u64)> {
    let mut parties: Vec<Party<'_, K>> = group
        .iter()
        .map(|&(key, share)| Party {
            key,
            weight: u128::from(share.weight.max(1)),
            min: share.min,
            max: share.max.unwrap_or(total).min(total),
            seats: share.min,
        })
        .collect();
    let scale = parties.iter().map(|party| party.weight).max().unwrap_or(1);
    // At the upper end every party has `total` quotients or more above the threshold.
    let (mut fits, mut beyond) = (0_u128, 2 * u128::from(total) * scale + 1);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        let seats: u128 = parties.iter().map(|party| u128::from(party.above(middle, scale))).sum();
        if seats <= u128::from(total) {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    for party in &mut parties {
        party.seats = party.above(fits, scale);
    }
    let given: u64 = parties.iter().map(|party| party.seats).sum();
    for _ in given..total {
        let open = parties.iter_mut().filter(|party| party.seats < party.max);
        if let Some(next) = open.max_by(|a, b| a.precedence(b)) {
            next.seats += 1;
        }
    }
    parties.into_iter().map(|party| (party.key.clone(), party.seats)).collect()
}

impl<K: Ord> Party<'_, K> {
    /// The seats of this party when all quotients at or above `scale / k` are given.
    ///
    /// A product that saturates stands for more than 2^63 seats, which is above every maximum.
    fn above(&self, k: u128, scale: u128) -> u64 {
        let seats = self.weight.saturating_mul(k).saturating_add(scale) / (2 * scale);
        u64::try_from(seats).unwrap_or(u64::MAX).clamp(self.min, self.max)
    }

    /// Greater means: is given the next seat first.
    fn precedence(&self, other: &Self) -> Ordering {
        // Cross-multiplied: a / (2s+1) against b / (2t+1). Weights are below 2^64 and seats below 2^32.
        let mine = self.weight * (2 * u128::from(other.seats) + 1);
        let theirs = other.weight * (2 * u128::from(self.seats) + 1);
        mine.cmp(&theirs).then(other.seats.cmp(&self.seats)).then(other.key.cmp(self.key))
    }
}

fn range(least: u128, most: Option<u128>) -> String {
    match most {
        Some(most) if most == least => format!("exactly {least}"),
        Some(most) => format!("at least {least} and at most {most}"),
        None => format!("at least {least}"),
    }
}
