//! What happens in a release, in words: the difference between two states of its journal.
//!
//! Invariant: a journal that says nothing new gives no events, so that who resumes tells nothing twice.

use jiff::Timestamp;
use multicluster_core::analysis::run::MetricRun;
use multicluster_core::names::ClusterName;
use multicluster_core::release::journal::{ClusterState, Journal, Phase, Release, Stage};
use multicluster_core::release::spec::ReleaseSpec;
use serde::Serialize;

/// Something that happened. As JSON it is one line of a progress file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// In which release, such as `r-0123456789`.
    pub release: String,
    /// What kind of thing.
    pub kind: Kind,
    /// How far the release is.
    pub phase: Phase,
    /// The cluster, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// The metric, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What happened, in words.
    pub message: String,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A release began.
    Started,
    /// The release is in another phase.
    Phase,
    /// Another wave began.
    Wave,
    /// A cluster is a step further.
    Cluster,
    /// Something was measured.
    Measurement,
    /// A human has to say yes.
    ApprovalNeeded,
    /// Something failed.
    Failure,
    /// Traffic goes back.
    Rollback,
    /// The release has ended, well or badly.
    Ended,
}

impl Kind {
    /// The reason of the Kubernetes Event.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Started => "ReleaseStarted",
            Self::Phase => "ReleasePhase",
            Self::Wave => "ReleaseWave",
            Self::Cluster => "ReleaseStep",
            Self::Measurement => "ReleaseMeasurement",
            Self::ApprovalNeeded => "ReleaseApprovalNeeded",
            Self::Failure => "ReleaseFailure",
            Self::Rollback => "ReleaseRollback",
            Self::Ended => "ReleaseEnded",
        }
    }

    /// Whether somebody should look at it.
    pub(super) fn is_warning(self) -> bool {
        matches!(self, Self::Failure | Self::Rollback)
    }
}

/// What happened between two states of the journal, in the order in which it is told.
#[must_use]
pub fn events(spec: &ReleaseSpec, before: Option<&Journal>, after: &Journal, now: Timestamp) -> Vec<Event> {
    let Some(release) = &after.release else { return Vec::new() };
    let old = before.and_then(|journal| journal.release.as_ref()).filter(|old| old.id == release.id);
    let event = |kind, message: String| Event {
        at: now,
        release: release.id.0.clone(),
        kind,
        phase: release.phase,
        cluster: None,
        metric: None,
        message,
    };
    let mut events = Vec::new();
    if old.is_none() {
        events.push(event(
            Kind::Started,
            format!("release of version {} in {}", release.version.0, release.to),
        ));
    }
    if release.wave.began.is_some()
        && old.is_none_or(|old| old.wave.began.is_none() || old.wave.index != release.wave.index)
    {
        let name = spec.waves.get(release.wave.index).map_or("rest", |wave| wave.name.as_str());
        events.push(event(Kind::Wave, format!("wave `{name}` begins")));
    }
    for (cluster, state) in &release.clusters {
        let was = old.and_then(|old| old.clusters.get(cluster));
        if let Some(message) = step(spec, release, cluster, was, state) {
            events.push(Event { cluster: Some(cluster.clone()), ..event(Kind::Cluster, message) });
        }
        if let Some(failure) =
            state.failure.as_ref().filter(|it| was.and_then(|was| was.failure.as_ref()) != Some(it))
        {
            events.push(Event { cluster: Some(cluster.clone()), ..event(Kind::Failure, failure.clone()) });
        }
    }
    measurements(old, release, &event, &mut events);
    if let Some(failure) =
        release.failure.as_ref().filter(|_| old.is_none_or(|old| old.failure != release.failure))
    {
        let place = (failure.cluster.clone(), failure.metric.clone());
        events.push(Event {
            cluster: place.0,
            metric: place.1,
            ..event(Kind::Failure, failure.message.clone())
        });
    }
    if old.is_none_or(|old| old.phase != release.phase) {
        let (kind, message) = phase(release);
        events.push(event(kind, message));
    }
    events
}

fn measurements(
    old: Option<&Release>,
    release: &Release,
    event: &impl Fn(Kind, String) -> Event,
    events: &mut Vec<Event>,
) {
    let metrics = release.analysis.iter().flat_map(|run| &run.metrics);
    for state in metrics {
        let was = old.and_then(|old| old.analysis.as_ref()?.metric(&state.metric, state.cluster.as_ref()));
        let known =
            |at: Timestamp| was.is_some_and(|was| was.measurements.iter().any(|one| one.finished_at == at));
        for one in state.measurements.iter().filter(|one| !known(one.finished_at)) {
            let value = one.value.as_deref().unwrap_or("no value");
            let why = one.message.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let message = format!("`{}` measured {value}: {}{why}", state.metric, one.phase);
            events.push(of_metric(state, event(Kind::Measurement, message)));
        }
    }
}

fn of_metric(state: &MetricRun, event: Event) -> Event {
    Event { cluster: state.cluster.clone(), metric: Some(state.metric.clone()), ..event }
}

/// A cluster's step, if it is another one.
fn step(
    spec: &ReleaseSpec,
    release: &Release,
    cluster: &ClusterName,
    was: Option<&ClusterState>,
    state: &ClusterState,
) -> Option<String> {
    if was.is_some_and(|was| was.stage == state.stage) {
        return None;
    }
    let color = release.to;
    Some(match state.stage {
        Stage::Pending => return None,
        Stage::Preparing => format!("{color} is made with {} replicas", state.replicas),
        Stage::Ready => format!("{color} is ready"),
        Stage::Withdrawing { withdrawn: None } => "is taken out of DNS".to_owned(),
        Stage::Withdrawing { withdrawn: Some(_) } => {
            "is out of DNS; waiting until resolvers forget".to_owned()
        }
        Stage::Step { index, verified } => {
            let weight = weight(spec, cluster, index);
            match verified {
                None => format!("{weight} % of traffic goes to {color}"),
                Some(_) => format!("{weight} % of traffic is seen on {color}"),
            }
        }
        Stage::Switched => format!("all traffic is on {color}"),
        Stage::Returning { verified: None } => format!("traffic goes back to {}", color.other()),
        Stage::Returning { verified: Some(_) } => format!("all traffic is back on {}", color.other()),
        Stage::Returned => format!("{} serves again", color.other()),
        Stage::Finished => format!("{} is let go", color.other()),
    })
}

/// The weight of a cluster's step; beyond the steps it is everything.
pub(super) fn weight(spec: &ReleaseSpec, cluster: &ClusterName, index: usize) -> u8 {
    let wave = spec.wave_of(cluster).and_then(|wave| spec.waves.get(wave));
    wave.and_then(|wave| wave.steps.get(index)).map_or(100, |step| step.weight)
}

fn phase(release: &Release) -> (Kind, String) {
    let id = &release.id.0;
    match release.phase {
        Phase::Preparing => (Kind::Phase, "the new colour is made on all clusters".to_owned()),
        Phase::AwaitingPromotion => {
            (Kind::ApprovalNeeded, format!("ready everywhere; {id} waits to be promoted"))
        }
        Phase::AwaitingApproval => {
            (Kind::ApprovalNeeded, format!("wave {} of {id} waits for an approval", release.wave.index))
        }
        Phase::Rolling => (Kind::Phase, "waves are under way".to_owned()),
        Phase::Frozen => (Kind::Phase, "waiting for the end of a freeze window".to_owned()),
        Phase::Holding => {
            (Kind::Phase, "all traffic is on the new colour; the old one is kept warm".to_owned())
        }
        Phase::Finalising => (Kind::Phase, "the old colour is let go".to_owned()),
        Phase::Completed => (Kind::Ended, format!("version {} serves everywhere", release.version.0)),
        Phase::Halted => (Kind::Ended, "halted: everything stays as it is".to_owned()),
        Phase::RollingBack => (Kind::Rollback, "traffic goes back to the old colour".to_owned()),
        Phase::RolledBack => (Kind::Ended, "rolled back: the old version serves".to_owned()),
        Phase::PartiallyRolledBack => (Kind::Ended, "rolled back in part".to_owned()),
    }
}
