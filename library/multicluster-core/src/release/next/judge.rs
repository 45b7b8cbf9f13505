//! What the metrics say of the clusters that the release is on.

use jiff::Timestamp;

use super::{Fault, Turn};
use crate::analysis::{AnalysisSpec, Run, Verdict};
use crate::names::ClusterName;
use crate::release::action::Action;
use crate::release::journal::{Reason, Release, Stage};
use crate::release::observed::Observed;
use crate::release::spec::ReleaseSpec;

/// What the analysis demands.
pub(super) enum Judgement {
    /// Go on, as far as metrics are concerned.
    Fine,
    /// What was to be measured has not come together yet.
    NotYet,
    /// The cluster failed.
    ClusterFails(ClusterName, Fault),
    /// All of it failed.
    Fails(Fault),
    /// A human has to look.
    Undecided(Fault, Option<ClusterName>),
}

/// Counts the measurements that have come. One that was counted already is known by its moments.
pub(super) fn record(spec: &ReleaseSpec, release: &mut Release, observed: &Observed, now: Timestamp) {
    let (Some(analysis), Some(run)) = (&spec.analysis, &mut release.analysis) else { return };
    // What lies in the future is of before a clock was set back. It is taken again.
    for measurement in observed.measurements.iter().filter(|measurement| measurement.finished_at <= now) {
        let state = run.metric(&measurement.metric, measurement.cluster.as_ref());
        let counts = state.is_some_and(|state| {
            let known = state.measurements.iter().any(|one| {
                one.started_at == measurement.started_at && one.finished_at == measurement.finished_at
            });
            // One that began before this run is of the wave before.
            !known && state.started_at <= measurement.started_at
        });
        if counts {
            run.record(analysis, measurement);
        }
    }
}

impl<'a> Turn<'a> {
    /// The metrics of this release, if it is judged by any.
    pub(super) fn analysis(&self) -> Option<&'a AnalysisSpec> {
        let judged = !self.straight && (!self.first || self.spec.analyse_first);
        self.spec.analysis.as_ref().filter(|analysis| judged && !analysis.metrics.is_empty())
    }

    /// Measures on the clusters of these that users reach the new colour on, and judges.
    pub(super) fn judge(&mut self, release: &mut Release, clusters: &[ClusterName]) -> Judgement {
        let Some(analysis) = self.analysis() else { return Judgement::Fine };
        let (on, off): (Vec<&ClusterName>, Vec<&ClusterName>) = clusters
            .iter()
            .partition(|name| release.clusters.get(*name).is_some_and(|state| serves_new(&state.stage)));
        if on.is_empty() && release.analysis.is_none() {
            return Judgement::NotYet;
        }
        let run = release.analysis.get_or_insert_with(|| Run::start(analysis, on.iter().copied(), self.now));
        for name in off {
            run.forget(name);
        }
        run.watch(analysis, on.iter().copied(), self.now);
        for name in on {
            match run.cluster_verdict(analysis, name) {
                Verdict::Running | Verdict::Successful => {}
                Verdict::Failed(finding) | Verdict::Error(finding) => {
                    let fault = fault(&finding.metric, Some(name), &finding.message);
                    return Judgement::ClusterFails(name.clone(), fault);
                }
                Verdict::Inconclusive(finding) => {
                    let fault = fault(&finding.metric, Some(name), &finding.message);
                    return Judgement::Undecided(fault, Some(name.clone()));
                }
            }
        }
        match run.global_verdict(analysis) {
            Verdict::Running | Verdict::Successful => {}
            Verdict::Failed(finding) | Verdict::Error(finding) => {
                return Judgement::Fails(fault(&finding.metric, None, &finding.message));
            }
            Verdict::Inconclusive(finding) => {
                return Judgement::Undecided(fault(&finding.metric, None, &finding.message), None);
            }
        }
        let due = run.due(analysis, self.now);
        self.actions.extend(
            due.now
                .into_iter()
                .map(|subject| Action::Measure { metric: subject.metric, cluster: subject.cluster }),
        );
        if let Some(at) = due.next {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
        if enough(analysis, run) { Judgement::Fine } else { Judgement::NotYet }
    }
}

/// Whether the new colour has traffic here that can be judged.
fn serves_new(stage: &Stage) -> bool {
    matches!(stage, Stage::Step { verified: Some(_), .. } | Stage::Switched)
}

/// Whether metrics with a count have come to their end, and those without would be good if they ended now.
fn enough(analysis: &AnalysisSpec, run: &Run) -> bool {
    let counted = run.metrics.iter().all(|state| {
        let metric = analysis.metrics.iter().find(|metric| metric.name == state.metric);
        metric.is_none_or(|metric| {
            metric.dry_run || metric.effective_count().is_none() || state.phase.is_completed()
        })
    });
    counted && run.verdict_if_terminated(analysis) == Verdict::Successful
}

fn fault(metric: &str, cluster: Option<&ClusterName>, message: &str) -> Fault {
    let place =
        cluster.map_or_else(|| "all clusters together".to_owned(), |name| format!("cluster `{name}`"));
    Fault {
        reason: Reason::Analysis,
        message: format!("metric `{metric}` says no for {place}: {message}"),
        metric: Some(metric.to_owned()),
    }
}
