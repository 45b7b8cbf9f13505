//! Webster's method within bounds, without going seat by seat.
//!
//! The greedy rule gives the seats in falling order of the quotients `weight / (2s + 1)`. For any threshold `D / k`
//! the quotients at or above it are therefore the first ones to be given, and each party has
//! `⌊(weight · k + D) / 2D⌋` of them. So the largest `k` whose seats fit into the total is searched first, and the
//! rule itself only gives the rest. With `D` the largest weight, one step of `k` adds at most one seat per party:
//! the rest is smaller than the number of parties.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Who comes first when neither the quotients nor the seats tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tie {
    /// The smaller name.
    NameAscending,
    /// The greater name.
    NameDescending,
}

/// What one party brings to a division: its part, and the seats it has at least and at most.
#[derive(Debug)]
pub(super) struct Claim<'a, K> {
    pub(super) key: &'a K,
    pub(super) weight: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl<K> Clone for Claim<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Claim<'_, K> {}

/// Gives exactly `total` seats.
///
/// The callers have checked that it is at most [`LARGEST_TOTAL`](super::LARGEST_TOTAL), and between the sum of what
/// the claims take at least and the sum of what they take at most.
pub(super) fn webster<K: Ord + Clone>(total: u64, claims: &[Claim<'_, K>], tie: Tie) -> BTreeMap<K, u64> {
    let (weighted, weightless): (Vec<_>, Vec<_>) = claims.iter().copied().partition(|claim| claim.weight > 0);
    let least_of_weightless: u64 = weightless.iter().map(|claim| claim.least).sum();
    let most_of_weighted = weighted.iter().map(|claim| claim.most.min(total)).fold(0, u64::saturating_add);
    let to_weighted = (total - least_of_weightless).min(most_of_weighted);
    let mut result = fill(to_weighted, &weighted, tie);
    // Among parties of weight 0 only "fewer seats, then name" is left of the rule, which is Webster with equal
    // weights.
    result.extend(fill(total - to_weighted, &weightless, tie));
    result.into_iter().collect()
}

/// One party while seats are given; `weight` is at least 1.
struct Contender<'a, K> {
    key: &'a K,
    weight: u128,
    least: u64,
    most: u64,
    seats: u64,
}

/// Gives exactly `total` seats to a group that can take them.
fn fill<K: Ord + Clone>(total: u64, claims: &[Claim<'_, K>], tie: Tie) -> Vec<(K, u64)> {
    let mut group: Vec<Contender<'_, K>> = claims
        .iter()
        .map(|claim| Contender {
            key: claim.key,
            weight: u128::from(claim.weight.max(1)),
            least: claim.least,
            most: claim.most.min(total),
            seats: claim.least,
        })
        .collect();
    let scale = group.iter().map(|party| party.weight).max().unwrap_or(1);
    // At the upper end every party has `total` quotients or more above the threshold.
    let (mut fits, mut beyond) = (0_u128, 2 * u128::from(total) * scale + 1);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        let seats: u128 = group.iter().map(|party| u128::from(party.above(middle, scale))).sum();
        if seats <= u128::from(total) {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    for party in &mut group {
        party.seats = party.above(fits, scale);
    }
    let given: u64 = group.iter().map(|party| party.seats).sum();
    for _ in given..total {
        let open = group.iter_mut().filter(|party| party.seats < party.most);
        if let Some(next) = open.max_by(|a, b| a.precedence(b, tie)) {
            next.seats += 1;
        }
    }
    group.into_iter().map(|party| (party.key.clone(), party.seats)).collect()
}

impl<K: Ord> Contender<'_, K> {
    /// The seats of this party when all quotients at or above `scale / k` are given.
    ///
    /// A product that saturates stands for more than 2^62 seats, which is above every total.
    fn above(&self, k: u128, scale: u128) -> u64 {
        let seats = self.weight.saturating_mul(k).saturating_add(scale) / (2 * scale);
        u64::try_from(seats).unwrap_or(u64::MAX).clamp(self.least, self.most)
    }

    /// Greater means: is given the next seat first.
    fn precedence(&self, other: &Self, tie: Tie) -> Ordering {
        // Cross-multiplied: a / (2s+1) against b / (2t+1). Weights are below 2^64 and seats below 2^32.
        let mine = self.weight * (2 * u128::from(other.seats) + 1);
        let theirs = other.weight * (2 * u128::from(self.seats) + 1);
        let by_name = match tie {
            Tie::NameAscending => other.key.cmp(self.key),
            Tie::NameDescending => self.key.cmp(other.key),
        };
        mine.cmp(&theirs).then(other.seats.cmp(&self.seats)).then(by_name)
    }
}
