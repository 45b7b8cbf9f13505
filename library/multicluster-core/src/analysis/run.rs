//! All metrics of a release, from the first measurement to the verdict.
//!
//! Every cluster has its own group of metrics, and what is measured globally is one more. As soon as a metric of a group ends badly, its
//! group ends: that is what Argo Rollouts does with a run. What a bad cluster means for the others is decided by the
//! release, which may go on without it ([`Run::forget`]).
//!
//! Invariant: a metric that has come to its end does not change any more, and is not measured again.

mod record;
mod schedule;
mod verdict;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::schedule::{Due, Subject};
pub use self::verdict::{Finding, Verdict};
use super::count::{Counters, Phase, Standing, assess};
use super::spec::{AnalysisSpec, Metric, Scope};
use super::value::Outcome;
use crate::names::ClusterName;

/// The shape of the record that this code writes.
pub const VERSION: u32 = 1;
/// How many measurements of a metric are remembered. The counters know of all.
pub const RETENTION: usize = 10;

/// What has been measured so far. It is written into journals, and holds no numbers that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Shape of this record.
    pub version: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Nothing more is measured.
    pub terminated: bool,
    /// The metrics: global ones first, then by cluster; within each in the order of the specification.
    pub metrics: Vec<MetricRun>,
}

/// How one metric stands, on one cluster or globally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricRun {
    /// The name of the metric.
    pub metric: String,
    /// Whose it is; `None`: all together.
    pub cluster: Option<ClusterName>,
    /// When it became something to measure: the initial delay counts from here.
    pub started_at: Timestamp,
    /// How it stands.
    pub phase: Phase,
    /// Why, once it is completed.
    pub message: String,
    /// It did not come to its end by itself, but was ended with the run or because of another metric.
    #[serde(default)]
    pub cut_short: bool,
    /// What its measurements add up to.
    pub counters: Counters,
    /// The last [`RETENTION`] measurements, newest last.
    pub measurements: Vec<Recorded>,
}

/// A measurement, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What it says.
    pub phase: Phase,
    /// What was measured, for people.
    pub value: Option<String>,
    /// Why, or which series decided.
    pub message: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// A measurement, as it comes from who took it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The name of the metric.
    pub metric: String,
    /// For which cluster; `None`: all together.
    pub cluster: Option<ClusterName>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

impl Run {
    /// A run that begins now: its global metrics, and those of some clusters.
    #[must_use]
    pub fn start<'a>(
        spec: &AnalysisSpec,
        clusters: impl IntoIterator<Item = &'a ClusterName>,
        now: Timestamp,
    ) -> Self {
        let mut run = Self { version: VERSION, started_at: now, terminated: false, metrics: Vec::new() };
        run.watch(spec, clusters, now);
        run
    }

    /// Measures these clusters too, from now on, and whatever the specification has that the run does not know yet. What
    /// is measured already goes on as it is, so that this may be said again and again.
    pub fn watch<'a>(
        &mut self,
        spec: &AnalysisSpec,
        clusters: impl IntoIterator<Item = &'a ClusterName>,
        now: Timestamp,
    ) {
        if self.terminated {
            return;
        }
        let clusters: BTreeSet<&ClusterName> = clusters.into_iter().collect();
        for metric in &spec.metrics {
            match metric.scope {
                Scope::Global => self.add(metric, None, now),
                Scope::Cluster => clusters.iter().for_each(|cluster| self.add(metric, Some(*cluster), now)),
            }
        }
        let place = |state: &MetricRun| {
            let index = spec.metrics.iter().position(|metric| metric.name == state.metric);
            (state.cluster.clone(), index.unwrap_or(usize::MAX))
        };
        self.metrics.sort_by_key(place);
    }

    fn add(&mut self, metric: &Metric, cluster: Option<&ClusterName>, now: Timestamp) {
        let known =
            self.metrics.iter().any(|state| state.metric == metric.name && state.cluster.as_ref() == cluster);
        if !known {
            self.metrics.push(MetricRun {
                metric: metric.name.clone(),
                cluster: cluster.cloned(),
                started_at: now,
                phase: Phase::Pending,
                message: String::new(),
                cut_short: false,
                counters: Counters::default(),
                measurements: Vec::new(),
            });
        }
    }

    /// Leaves a cluster out from now on, as one that was taken back alone.
    pub fn forget(&mut self, cluster: &ClusterName) {
        self.metrics.retain(|state| state.cluster.as_ref() != Some(cluster));
    }

    /// Ends the run: nothing more is measured, and what has not come to its end does so with what is there.
    pub fn terminate(&mut self, spec: &AnalysisSpec) {
        self.terminated = true;
        for state in &mut self.metrics {
            state.end(spec);
        }
    }

    /// How a metric stands.
    #[must_use]
    pub fn metric(&self, metric: &str, cluster: Option<&ClusterName>) -> Option<&MetricRun> {
        self.metrics.iter().find(|state| state.metric == metric && state.cluster.as_ref() == cluster)
    }
}

impl MetricRun {
    /// The metric of the specification. One that the specification has no more is neither measured nor judged.
    fn of<'a>(&self, spec: &'a AnalysisSpec) -> Option<&'a Metric> {
        let scope = if self.cluster.is_some() { Scope::Cluster } else { Scope::Global };
        spec.metrics.iter().find(|metric| metric.name == self.metric && metric.scope == scope)
    }

    /// Ends it with what is there.
    fn end(&mut self, spec: &AnalysisSpec) {
        let Some(metric) = self.of(spec) else { return };
        if self.phase.is_completed() {
            return;
        }
        let standing =
            Standing { measured: self.counters.measured() > 0, in_flight: false, terminating: true };
        let assessed = assess(metric, spec.counting, &self.counters, standing);
        self.phase = assessed.phase;
        self.message = assessed.message;
        self.cut_short = true;
    }
}
