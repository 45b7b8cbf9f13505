//! Divisions that do not exist.

use crate::replicas::{LARGEST_TOTAL, Mode};

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
    /// The exact number of one cluster is not within its own bounds.
    #[error("`{cluster}` is to run exactly {exact}, and {}", bounds(*.min, *.max))]
    ExactOutOfBounds {
        /// Which cluster.
        cluster: String,
        /// Its exact number.
        exact: u64,
        /// Its minimum.
        min: u64,
        /// Its maximum, if it has one.
        max: Option<u64>,
    },
    /// A share says something that its mode does not look at.
    #[error("`{cluster}` has a value for `{attribute}`, which means nothing in mode `{mode}`")]
    Meaningless {
        /// Which cluster.
        cluster: String,
        /// The field of the share.
        attribute: &'static str,
        /// The mode.
        mode: Mode,
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
    /// The mode divides by room, and of one cluster it is not known.
    #[error("it is not known how many replicas `{cluster}` has room for")]
    UnknownCapacity {
        /// Which cluster.
        cluster: String,
    },
    /// One cluster must run more than it has room for.
    #[error("`{cluster}` must run at least {min} replicas and has room for {capacity}")]
    NoRoom {
        /// Which cluster.
        cluster: String,
        /// Its minimum, or its exact number.
        min: u64,
        /// The replicas it has room for.
        capacity: u64,
    },
    /// The bounds would allow the total, but there is no room for it.
    #[error("{total} replicas do not fit: the clusters have room for {fits}")]
    Unschedulable {
        /// What was asked for.
        total: u64,
        /// The largest total that fits.
        fits: u128,
    },
}

fn bounds(min: u64, max: Option<u64>) -> String {
    match max {
        Some(max) => format!("at least {min} and at most {max}"),
        None => format!("at least {min}"),
    }
}

fn range(least: u128, most: Option<u128>) -> String {
    match most {
        Some(most) if most == least => format!("exactly {least}"),
        Some(most) => format!("at least {least} and at most {most}"),
        None => format!("at least {least}"),
    }
}
