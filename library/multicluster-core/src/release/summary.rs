//! How a release stands, for people: from its journal alone, so that it can be told also after the apply has died.

use std::time::Duration;

use jiff::Timestamp;

use super::identity::ReleaseIdentity;
use super::journal::{ClusterState, Journal, Phase, Release, Stage};
use super::spec::ReleaseSpec;
use crate::analysis::run::MetricRun;
use crate::analysis::{AnalysisSpec, count};
use crate::names::ClusterName;
use crate::notify::{ClusterLine, Mark, MetricLine, Summary};

/// How the release of a journal stands; `None` if there is none. With the spec, clusters are in the order of the waves and metrics
/// tell their conditions.
#[must_use]
pub fn summary(
    identity: &ReleaseIdentity,
    journal: &Journal,
    spec: Option<&ReleaseSpec>,
    now: Timestamp,
) -> Option<Summary> {
    let release = journal.release.as_ref()?;
    let from = journal.active.as_ref().map(|active| active.version.0.clone());
    let ended = release.phase.is_at_rest();
    let until = if ended { release.since } else { now };
    Some(Summary {
        name: identity.name.to_string(),
        namespace: identity.namespace.clone(),
        from: from.filter(|from| *from != release.version.0),
        to: release.version.0.clone(),
        phase: release.phase.as_str().to_owned(),
        clusters: clusters(release, spec),
        metrics: metrics(release, spec.and_then(|spec| spec.analysis.as_ref())),
        elapsed: between(release.started, until),
        remaining: None,
        approved_by: None,
        link: None,
    })
}

fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}

fn clusters(release: &Release, spec: Option<&ReleaseSpec>) -> Vec<ClusterLine> {
    let wave = |name: &ClusterName| spec.and_then(|spec| spec.wave_of(name));
    let mut lines: Vec<_> = release.clusters.iter().collect();
    lines.sort_by_key(|(name, _)| (wave(name), *name));
    let named = |name: &ClusterName| {
        let wave = spec?.waves.get(wave(name)?)?;
        (spec?.waves.len() > 1).then(|| wave.name.clone())
    };
    lines
        .into_iter()
        .map(|(name, state)| ClusterLine {
            name: name.to_string(),
            mark: mark(state, release.phase),
            weight: weight(state),
            note: note(state, named(name)),
        })
        .collect()
}

fn note(state: &ClusterState, wave: Option<String>) -> String {
    let stage = stage(state);
    let mut note = wave.map_or_else(|| stage.clone(), |wave| format!("{wave}: {stage}"));
    if let Some(failure) = &state.failure {
        note.push_str(", ");
        note.push_str(failure);
    }
    note
}

/// Where a cluster is, in words.
#[must_use]
pub fn stage(state: &ClusterState) -> String {
    match state.stage {
        Stage::Pending => "pending".to_owned(),
        Stage::Preparing => "preparing".to_owned(),
        Stage::Ready => "ready".to_owned(),
        Stage::Withdrawing { .. } => "withdrawing from DNS".to_owned(),
        Stage::Step { index, verified: Some(_) } => format!("step {}", index + 1),
        Stage::Step { index, verified: None } => format!("going to step {}", index + 1),
        Stage::Switched => "switched".to_owned(),
        Stage::Returning { .. } => "going back".to_owned(),
        Stage::Returned => "back".to_owned(),
        Stage::Finished => "finished".to_owned(),
    }
}

fn mark(state: &ClusterState, phase: Phase) -> Mark {
    if state.failure.is_some() && !matches!(state.stage, Stage::Returned) {
        return Mark::Failed;
    }
    match state.stage {
        Stage::Pending => Mark::Pending,
        Stage::Switched | Stage::Finished => Mark::Done,
        Stage::Returned if state.failure.is_some() => Mark::Failed,
        Stage::Returned => Mark::Returned,
        _ if phase == Phase::AwaitingPromotion && state.stage == Stage::Ready => Mark::Pending,
        _ => Mark::Running,
    }
}

/// The share of the new version that a cluster's stage means, in percent.
#[must_use]
pub fn weight(state: &ClusterState) -> Option<u8> {
    match state.stage {
        Stage::Pending | Stage::Preparing | Stage::Ready | Stage::Withdrawing { .. } => Some(0),
        Stage::Step { .. } => state.weight,
        Stage::Switched | Stage::Finished => Some(100),
        Stage::Returning { verified: None } => None,
        Stage::Returning { verified: Some(_) } | Stage::Returned => Some(0),
    }
}

fn metrics(release: &Release, spec: Option<&AnalysisSpec>) -> Vec<MetricLine> {
    let runs = release.analysis.iter().flat_map(|run| &run.metrics);
    runs.map(|run| MetricLine {
        name: run.metric.clone(),
        cluster: run.cluster.as_ref().map(ToString::to_string),
        value: run.measurements.last().and_then(|it| it.value.clone()).unwrap_or_default(),
        condition: condition(run, spec),
        mark: verdict(run),
    })
    .collect()
}

fn condition(run: &MetricRun, spec: Option<&AnalysisSpec>) -> String {
    let metric = spec.and_then(|spec| spec.metrics.iter().find(|metric| metric.name == run.metric));
    let text = |metric: &crate::analysis::Metric| {
        let success = metric.success_condition.as_ref().map(|it| it.as_str().to_owned());
        success.or_else(|| metric.failure_condition.as_ref().map(|it| format!("not ({})", it.as_str())))
    };
    metric.and_then(text).unwrap_or_default()
}

fn verdict(run: &MetricRun) -> Mark {
    match run.phase {
        count::Phase::Pending => Mark::Pending,
        count::Phase::Running => Mark::Running,
        count::Phase::Successful => Mark::Done,
        count::Phase::Failed | count::Phase::Error => Mark::Failed,
        count::Phase::Inconclusive => Mark::Unclear,
    }
}
