//! As few clusters as possible.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::replicas::Tie;
use crate::replicas::webster::{Claim, webster};

/// Gives exactly `total` seats to as few parties as can take them, those that are `used` already first.
///
/// The order is: who must have a seat anyway, then who is used, then the others; each group by the seats that a party
/// takes at most, falling, then by name. The shortest prefix that can take the total divides it by Webster's method;
/// the rest has what it must. Where nobody is used, no fewer parties could take the total.
///
/// The callers have checked the total as for [`webster`].
pub(super) fn aggregate<K: Ord + Clone>(
    total: u64,
    claims: &[Claim<'_, K>],
    used: &BTreeSet<&K>,
) -> BTreeMap<K, u64> {
    let mut order = claims.to_vec();
    order.sort_by_key(|claim| {
        (Reverse(claim.least > 0), Reverse(used.contains(claim.key)), Reverse(claim.most), claim.key)
    });
    let mut reach: u128 = order.iter().map(|claim| u128::from(claim.least)).sum();
    let mut prefix = 0;
    for claim in &order {
        if reach >= u128::from(total) {
            break;
        }
        reach += u128::from(claim.most - claim.least);
        prefix += 1;
    }
    let (chosen, rest) = order.split_at(prefix);
    let kept: u64 = rest.iter().map(|claim| claim.least).sum();
    let mut result = webster(total - kept, chosen, Tie::NameAscending);
    result.extend(rest.iter().map(|claim| (claim.key.clone(), claim.least)));
    result
}
