//! What is to be measured when.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{MetricRun, Run};
use crate::analysis::count::Phase;
use crate::analysis::spec::{AnalysisSpec, Counting, Metric};
use crate::names::ClusterName;

/// How soon Argo Rollouts measures again after an error, whatever the interval.
pub(super) const ERROR_RETRY: Duration = Duration::from_secs(10);

/// By how much a moment in a record may lie in the future before it is taken for one of another clock, and not waited for.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What is measured: a metric, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The name of the metric.
    pub metric: String,
    /// For which cluster; `None`: all together.
    pub cluster: Option<ClusterName>,
}

/// What is to be measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Now.
    pub now: Vec<Subject>,
    /// When the next one after those is due; `None` if there is none.
    pub next: Option<Timestamp>,
}

impl Run {
    /// What is to be measured now, and when to ask again. A measurement that is under way is due until it is recorded;
    /// who takes measurements knows what is under way.
    #[must_use]
    pub fn due(&self, spec: &AnalysisSpec, now: Timestamp) -> Due {
        let mut due = Due::default();
        if self.terminated {
            return due;
        }
        for state in &self.metrics {
            let Some(metric) = state.of(spec) else { continue };
            if state.phase.is_completed() {
                continue;
            }
            match state.due_at(spec, metric, now) {
                at if at <= now => {
                    due.now.push(Subject { metric: state.metric.clone(), cluster: state.cluster.clone() });
                }
                at => due.next = Some(due.next.map_or(at, |next| next.min(at))),
            }
        }
        due
    }
}

impl MetricRun {
    /// When it is to be measured.
    fn due_at(&self, spec: &AnalysisSpec, metric: &Metric, now: Timestamp) -> Timestamp {
        let (from, wait) = match self.measurements.last() {
            None => (self.started_at, metric.initial_delay),
            Some(last) if last.phase == Phase::Error => (last.finished_at, retry(spec, metric)),
            Some(last) => (last.finished_at, metric.interval.unwrap_or(ERROR_RETRY)),
        };
        if from.duration_since(now) > SKEW {
            return now;
        }
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        from.checked_add(wait).unwrap_or(Timestamp::MAX)
    }
}

/// How soon a metric is measured again after an error.
fn retry(spec: &AnalysisSpec, metric: &Metric) -> Duration {
    match spec.counting {
        Counting::Argo => ERROR_RETRY,
        Counting::Ours => {
            let usual = metric.interval.unwrap_or(ERROR_RETRY).min(ERROR_RETRY);
            spec.error_retry_interval.unwrap_or(usual)
        }
    }
}
