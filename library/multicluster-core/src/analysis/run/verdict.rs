//! What the measurements say of the release.

use super::{MetricRun, Run};
use crate::analysis::count::Phase;
use crate::analysis::spec::AnalysisSpec;
use crate::names::ClusterName;

/// What an analysis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not decided.
    Running,
    /// All is well.
    Successful,
    /// Bad.
    Failed(Finding),
    /// Neither good nor bad.
    Inconclusive(Finding),
    /// It could not be measured.
    Error(Finding),
}

/// The metric that decides, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the metric.
    pub metric: String,
    /// On which cluster; `None`: all together.
    pub cluster: Option<ClusterName>,
    /// Why, with what was measured.
    pub message: String,
}

impl Verdict {
    /// What decides, if it is bad.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Running | Self::Successful => None,
            Self::Failed(finding) | Self::Inconclusive(finding) | Self::Error(finding) => Some(finding),
        }
    }
}

impl Run {
    /// What all metrics say together. It is bad as soon as one of them is, good when all are, and they count however
    /// many clusters there are; metrics in `dry_run` do not count.
    #[must_use]
    pub fn verdict(&self, spec: &AnalysisSpec) -> Verdict {
        self.judge(spec, |_| true)
    }

    /// What the metrics of one cluster say.
    #[must_use]
    pub fn cluster_verdict(&self, spec: &AnalysisSpec, cluster: &ClusterName) -> Verdict {
        self.judge(spec, |state| state.cluster.as_ref() == Some(cluster))
    }

    /// What the metrics say that are measured for all clusters together.
    #[must_use]
    pub fn global_verdict(&self, spec: &AnalysisSpec) -> Verdict {
        self.judge(spec, |state| state.cluster.is_none())
    }

    /// What all metrics would say if nothing more were measured. Metrics without an end (an `interval` and no `count`) are
    /// [`Verdict::Running`] until the run is terminated; this tells whether it may be.
    #[must_use]
    pub fn verdict_if_terminated(&self, spec: &AnalysisSpec) -> Verdict {
        let mut run = self.clone();
        run.terminate(spec);
        run.verdict(spec)
    }

    fn judge(&self, spec: &AnalysisSpec, counts: impl Fn(&MetricRun) -> bool) -> Verdict {
        let mut running = false;
        let mut worst: Option<&MetricRun> = None;
        for state in self.metrics.iter().filter(|state| counts(state)) {
            if state.of(spec).is_none_or(|metric| metric.dry_run) {
                continue;
            }
            running |= !state.phase.is_completed();
            let worse = |worst: &MetricRun| rank(state) > rank(worst);
            if state.phase.is_bad() && worst.is_none_or(worse) {
                worst = Some(state);
            }
        }
        match worst {
            Some(state) => {
                let finding = state.finding();
                match state.phase {
                    Phase::Failed => Verdict::Failed(finding),
                    Phase::Error => Verdict::Error(finding),
                    _ => Verdict::Inconclusive(finding),
                }
            }
            None if running => Verdict::Running,
            None => Verdict::Successful,
        }
    }
}

/// The worst first; of those that are equally bad, one that came to its end by itself before one that was ended.
fn rank(state: &MetricRun) -> (u8, bool) {
    (state.phase.severity(), !state.cut_short)
}

impl MetricRun {
    fn finding(&self) -> Finding {
        let values: Vec<&str> = self.measurements.iter().filter_map(|one| one.value.as_deref()).collect();
        let mut message = self.message.clone();
        if !values.is_empty() {
            message.push_str("; measured ");
            message.push_str(&values.join(", "));
        }
        Finding { metric: self.metric.clone(), cluster: self.cluster.clone(), message }
    }
}
