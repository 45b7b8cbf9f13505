//! Divisions by weights alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use crate::replicas::share::claims;
use crate::replicas::webster::{Claim, webster};
use crate::replicas::{DivisionError, LARGEST_TOTAL, Share, Tie};

/// Divides a total over clusters, by Webster's method within each cluster's bounds.
///
/// Any ordered key will do; its order breaks the last ties. The work grows with the number of clusters and the
/// logarithm of the total.
///
/// # Errors
/// [`DivisionError`] when the bounds of a cluster contradict each other, or the total is outside of what all of them
/// allow.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::replicas::{divide, Share};
///
/// let shares = BTreeMap::from([
///     ("aws", Share { weight: 2, ..Share::default() }),
///     ("azure", Share::default()),
///     ("gcp", Share { max: Some(2), ..Share::default() }),
/// ]);
/// assert_eq!(divide(9, &shares).unwrap(), BTreeMap::from([("aws", 5), ("azure", 2), ("gcp", 2)]));
/// ```
pub fn divide<K: Ord + Clone + Display>(
    total: u64,
    shares: &BTreeMap<K, Share>,
) -> Result<BTreeMap<K, u64>, DivisionError> {
    Ok(webster(total, &claims(total, shares.iter())?, Tie::NameAscending))
}

/// Gives `total` further seats on top of the `initial` ones, by Webster's method without bounds.
///
/// A party that only `initial` names has weight 0, one that only `weights` names starts with no seat. The result
/// holds all seats, the initial ones included.
///
/// # Errors
/// [`DivisionError::TooMany`] when all seats together are more than Kubernetes counts,
/// [`DivisionError::OutOfBounds`] when there is no party to give a seat to.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::replicas::{webster_from, Tie};
///
/// let initial = BTreeMap::from([("a", 1)]);
/// let weights = BTreeMap::from([("a", 3), ("b", 1)]);
/// let seats = webster_from(&initial, 1, &weights, Tie::NameAscending).unwrap();
/// assert_eq!(seats, BTreeMap::from([("a", 1), ("b", 1)]));
/// ```
pub fn webster_from<K: Ord + Clone>(
    initial: &BTreeMap<K, u64>,
    total: u64,
    weights: &BTreeMap<K, u64>,
    tie: Tie,
) -> Result<BTreeMap<K, u64>, DivisionError> {
    let all = initial.values().copied().fold(total, u64::saturating_add);
    if all > LARGEST_TOTAL {
        return Err(DivisionError::TooMany { total: all });
    }
    let parties: BTreeSet<&K> = initial.keys().chain(weights.keys()).collect();
    if parties.is_empty() && total > 0 {
        return Err(DivisionError::OutOfBounds { total, least: 0, most: Some(0) });
    }
    let of = |map: &BTreeMap<K, u64>, key: &K| map.get(key).copied().unwrap_or(0);
    let claims: Vec<Claim<'_, K>> = parties
        .into_iter()
        .map(|key| Claim { key, weight: of(weights, key), least: of(initial, key), most: u64::MAX })
        .collect();
    Ok(webster(all, &claims, tie))
}
