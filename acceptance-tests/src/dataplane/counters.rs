//! What was answered to whom: by Service, version and status, readable at any time.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The Service that the request went to; empty if it went nowhere.
    pub service: String,
    /// The version of the pod that answered; empty if none did.
    pub version: String,
    /// Its colour; empty without one.
    pub color: String,
    /// The status that was answered.
    pub status: u16,
    /// Whether it was a copy of a request, whose answer nobody got.
    pub mirrored: bool,
}

/// How many requests there were of one kind, and how long they took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Of these, how many took at most as long as [`BUCKETS`] says, each including those before it.
    pub within: [u64; BUCKETS.len()],
    /// All their durations together.
    pub took: Duration,
}

/// Upper bounds of the buckets of durations, in seconds: those that Prometheus' clients have by default.
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<Counted, Tally>>);

impl Counters {
    pub(super) fn add(&self, counted: Counted, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = all.entry(counted).or_default();
        tally.count += 1;
        tally.took += took;
        for (within, bound) in tally.within.iter_mut().zip(BUCKETS) {
            *within += u64::from(took.as_secs_f64() <= bound);
        }
    }

    /// All counts, as they are now.
    pub fn all(&self) -> BTreeMap<Counted, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests there were of the kinds that `which` picks.
    pub fn count(&self, which: impl Fn(&Counted) -> bool) -> u64 {
        self.all().iter().filter(|(counted, _)| which(counted)).map(|(_, tally)| tally.count).sum()
    }
}
