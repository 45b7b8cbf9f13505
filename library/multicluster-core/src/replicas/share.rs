//! What somebody wrote about one cluster's part.

use std::fmt::Display;

use crate::replicas::DivisionError;
use crate::replicas::webster::Claim;

/// The largest total: Kubernetes counts replicas in a signed 32-bit number.
pub const LARGEST_TOTAL: u64 = i32::MAX as u64;

/// The part of one cluster. The default says nothing about it: weight 1 and no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its part relative to the others.
    pub weight: u64,
    /// It runs at least so many.
    pub min: u64,
    /// It runs at most so many; absent: no limit.
    pub max: Option<u64>,
    /// It runs just so many: a minimum and a maximum in one, which may not contradict the other two.
    pub exact: Option<u64>,
}

impl Default for Share {
    fn default() -> Self {
        Self { weight: 1, min: 0, max: None, exact: None }
    }
}

impl Share {
    /// The least and the most that the cluster runs.
    fn bounds(&self, cluster: impl Display) -> Result<(u64, Option<u64>), DivisionError> {
        let Self { min, max, exact, .. } = *self;
        let cluster = || cluster.to_string();
        if let Some(max) = max.filter(|max| min > *max) {
            return Err(DivisionError::MinAboveMax { cluster: cluster(), min, max });
        }
        match exact {
            Some(exact) if exact < min || max.is_some_and(|max| exact > max) => {
                Err(DivisionError::ExactOutOfBounds { cluster: cluster(), exact, min, max })
            }
            Some(exact) => Ok((exact, Some(exact))),
            None => Ok((min, max)),
        }
    }
}

/// The claims of shares that the total can be divided over.
pub(super) fn claims<'a, K: Display + 'a>(
    total: u64,
    shares: impl Iterator<Item = (&'a K, &'a Share)>,
) -> Result<Vec<Claim<'a, K>>, DivisionError> {
    let mut claims = Vec::new();
    let (mut least_of_all, mut most_of_all) = (0_u128, Some(0_u128));
    for (key, share) in shares {
        let (least, most) = share.bounds(key)?;
        least_of_all += u128::from(least);
        most_of_all = most_of_all.zip(most).map(|(sum, most)| sum + u128::from(most));
        claims.push(Claim { key, weight: share.weight, least, most: most.unwrap_or(u64::MAX) });
    }
    if total > LARGEST_TOTAL {
        return Err(DivisionError::TooMany { total });
    }
    let wanted = u128::from(total);
    if wanted < least_of_all || most_of_all.is_some_and(|most| wanted > most) {
        return Err(DivisionError::OutOfBounds { total, least: least_of_all, most: most_of_all });
    }
    Ok(claims)
}
