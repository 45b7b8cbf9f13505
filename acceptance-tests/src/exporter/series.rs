//! What one series shows. Pure: time comes in.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::dataplane::{BUCKETS, Counted, Tally};

/// What series are told apart by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels {
    /// Such as `aws`.
    pub cluster: String,
    /// The namespace of the workload.
    pub namespace: String,
    /// Its name.
    pub workload: String,
    /// `blue`, `green`, or empty.
    pub color: String,
    /// The version; may be empty.
    pub version: String,
}

/// What a steered series does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Steer {
    /// Requests come in.
    Steady {
        /// So many per second.
        per_second: f64,
        /// The part of them that is answered with 200, from 0 to 1. The others are answered with 500.
        success: f64,
        /// How long each takes.
        latency: Duration,
    },
    /// Its counters are no numbers.
    NaN,
    /// It is not shown, as if nothing of it were running.
    Absent,
}

impl Steer {
    /// A hundred requests per second, of which this part succeeds within ten milliseconds.
    pub fn success(success: f64) -> Self {
        Self::Steady { per_second: 100.0, success, latency: Duration::from_millis(8) }
    }

    /// The series is there, but nobody asks for anything: a ratio of it is no number.
    pub fn idle() -> Self {
        Self::Steady { per_second: 0.0, success: 1.0, latency: Duration::ZERO }
    }
}

/// Counters that grow as they are steered.
#[derive(Debug)]
pub(super) struct Series {
    steer: Steer,
    since: Instant,
    total: Shown,
}

/// The values of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shown {
    /// Requests by status.
    pub(super) codes: BTreeMap<u16, f64>,
    /// How many took at most as long as the bounds say.
    pub(super) within: [f64; BUCKETS.len()],
    pub(super) count: f64,
    pub(super) seconds: f64,
}

impl Series {
    pub(super) fn new(now: Instant) -> Self {
        let codes = BTreeMap::from([(200, 0.0), (500, 0.0)]);
        Self { steer: Steer::Absent, since: now, total: Shown { codes, ..Shown::default() } }
    }

    pub(super) fn steer(&mut self, steer: Steer, now: Instant) {
        self.advance(now);
        self.steer = steer;
    }

    pub(super) fn shown(&mut self, now: Instant) -> Option<Shown> {
        self.advance(now);
        match self.steer {
            Steer::Steady { .. } => Some(self.total.clone()),
            Steer::Absent => None,
            Steer::NaN => Some(Shown {
                codes: self.total.codes.keys().map(|code| (*code, f64::NAN)).collect(),
                within: [f64::NAN; BUCKETS.len()],
                count: f64::NAN,
                seconds: f64::NAN,
            }),
        }
    }

    /// Adds what has happened since it was last looked at.
    fn advance(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        let Steer::Steady { per_second, success, latency } = self.steer else { return };
        let (count, latency) = (per_second * elapsed, latency.as_secs_f64());
        *self.total.codes.entry(200).or_default() += count * success;
        *self.total.codes.entry(500).or_default() += count * (1.0 - success);
        for (within, bound) in self.total.within.iter_mut().zip(BUCKETS) {
            *within += if latency <= bound { count } else { 0.0 };
        }
        self.total.count += count;
        self.total.seconds += count * latency;
    }
}

/// The same of what a data plane answered. Copies of requests are left out: no user waited for them.
pub(super) fn of_counters(
    cluster: &str,
    namespace: &str,
    workload: &str,
    counters: &BTreeMap<Counted, Tally>,
) -> Vec<(Labels, Shown)> {
    let mut found: BTreeMap<Labels, Shown> = BTreeMap::new();
    for (counted, tally) in counters.iter().filter(|(counted, _)| !counted.mirrored) {
        let labels = Labels {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            workload: workload.to_owned(),
            color: counted.color.clone(),
            version: counted.version.clone(),
        };
        let shown = found.entry(labels).or_default();
        *shown.codes.entry(counted.status).or_default() += tally.count as f64;
        for (within, count) in shown.within.iter_mut().zip(tally.within) {
            *within += count as f64;
        }
        shown.count += tally.count as f64;
        shown.seconds += tally.took.as_secs_f64();
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_as_they_are_steered_and_never_shrink() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut series = Series::new(start);
        assert_eq!(series.shown(at(1)), None);
        series.steer(Steer::success(0.9), at(2));
        let first = series.shown(at(4)).unwrap();
        assert!((first.codes[&200] - 180.0).abs() < 1e-6 && (first.codes[&500] - 20.0).abs() < 1e-6);
        assert!(first.within[0] == 0.0 && (first.within[1] - 200.0).abs() < 1e-6, "8 ms");
        series.steer(Steer::NaN, at(4));
        assert!(series.shown(at(5)).unwrap().codes.values().all(|value| value.is_nan()));
        series.steer(Steer::idle(), at(6));
        assert_eq!(series.shown(at(9)), Some(first), "nothing came in meanwhile");
    }

    #[test]
    fn what_a_data_plane_answered_is_summed_by_version() {
        let counted = |service: &str, status, mirrored| Counted {
            service: service.to_owned(),
            version: "2".to_owned(),
            color: "green".to_owned(),
            status,
            mirrored,
        };
        let tally = Tally { count: 3, took: Duration::from_secs(6), ..Tally::default() };
        let counters = BTreeMap::from([
            (counted("a", 200, false), tally),
            (counted("b", 200, false), tally),
            (counted("b", 500, false), tally),
            (counted("b", 200, true), tally),
        ]);
        let found = of_counters("aws", "shop", "web", &counters);
        let [(labels, shown)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((labels.version.as_str(), shown.count, shown.seconds), ("2", 9.0, 18.0));
        assert_eq!(shown.codes, BTreeMap::from([(200, 6.0), (500, 3.0)]));
    }
}
