//! What is done next in a release.
//!
//! [`next()`] is asked again whenever a cluster shows something new, an action has ended, or the time has come that it named. It
//! brings the journal as far as what is seen allows, and then says which actions belong to where it stands.
//!
//! Invariant: it is total and idempotent. On its own journal, with the same observation and time, it changes nothing and gives
//! the same actions, so that nothing is lost when the program ends between any two of its steps.

mod back;
mod cluster;
mod finish;
mod judge;
mod moments;
mod record;
mod rolling;
mod wave;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use self::wave::WavePlan;
use super::action::{Action, Ended, Next};
use super::color::Color;
use super::journal::{ClusterState, Extent, Journal, Phase, Reason, Release, Stage};
use super::observed::{ClusterView, Observed, Seen};
use super::spec::{ReleaseSpec, Strategy};
use crate::names::ClusterName;

/// How long a cluster in work may be silent before that is a failure: longer than an API server takes to be replaced behind its
/// load balancer, shorter than anybody wants to wait for a cluster that has gone.
pub const SILENCE: Duration = Duration::from_secs(60);

/// How long taking back holds out for the better: for the higher wave before the lower one goes back too, and for all
/// endpoints of the old colour before one is enough.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a cluster that begins to go back is not believed to be there already: what was asked of it before may be under
/// way. Whoever carries actions out shows it again only after the end of that (see [`Next::actions`]).
pub const SETTLING: Duration = Duration::from_millis(100);

/// How long the step in flight may take when the user interrupts. Then the next apply finishes it.
pub const LAST_STEP: Duration = Duration::from_secs(5);

/// Says what the journal shall say, what is to be done now, and whether the apply ends here.
///
/// It never fails: whatever journal and spec say, there is an answer, and what does not fit together ends in a phase of
/// failure. `now` may lie before moments in the journal; those are then taken for now, so that no clock can make it wait for ever.
///
/// # Examples
/// ```
/// # use std::collections::{BTreeMap, BTreeSet};
/// # use multicluster_core::release::{journal::Journal, observed::Observed, spec::*, next, action::Ended};
/// # use std::time::Duration;
/// # let spec = ReleaseSpec {
/// #     strategy: Strategy::BlueGreen, waves: Vec::new(), analysis: None, analyse_first: false, promotion: Promotion::Auto,
/// #     approved: BTreeSet::new(), on_failure: OnFailure::RollbackAll, on_failed_release: OnFailedRelease::Retry,
/// #     retry_token: None, on_interrupt: OnInterrupt::Pause, hold: Duration::ZERO, progress_deadline: Duration::ZERO,
/// #     rollback_deadline: Duration::ZERO, freeze: Vec::new(), freeze_override: None, dns: None,
/// # };
/// // Nothing is under way: there is nothing to do.
/// let journal = Journal::new("instance");
/// let next = next(&spec, &journal, &Observed::default(), jiff::Timestamp::UNIX_EPOCH);
/// assert_eq!(next.ended, Some(Ended::Completed));
/// assert!(next.actions.is_empty());
/// ```
#[must_use]
pub fn next(spec: &ReleaseSpec, journal: &Journal, observed: &Observed, now: Timestamp) -> Next {
    let mut after = journal.clone();
    let Some(mut release) = after.release.take() else {
        return Next {
            journal: journal.clone(),
            actions: Vec::new(),
            wake: None,
            ended: Some(Ended::Completed),
        };
    };
    moments::not_after(&mut release, now);
    judge::record(spec, &mut release, observed, now);
    // Every pass that changes something moves a cluster, a wave or the phase on, so that there is an end to it. The bound
    // is far beyond, and there only so that a mistake here could not hang an apply.
    let bound = 100 + 20 * (release.clusters.len() + spec.waves.len());
    let mut turn = Turn::new(spec, &after, &release, observed, now);
    let mut ended = None;
    for _ in 0..bound {
        let before = release.clone();
        turn = Turn::new(spec, &after, &release, observed, now);
        ended = turn.pass(&mut release);
        if release.phase != before.phase {
            record::phase_changed(spec, &mut after, &mut release, now);
        }
        if release == before {
            break;
        }
    }
    turn.weigh(&mut release);
    after.release = Some(release);
    if after != *journal {
        after.seq = after.seq.saturating_add(1);
    }
    let (actions, wake) = if ended.is_some() { (BTreeSet::new(), None) } else { (turn.actions, turn.wake) };
    Next { journal: after, actions: actions.into_iter().collect(), wake, ended }
}

/// The clusters of each wave, as the release goes through them.
pub(super) fn waves(spec: &ReleaseSpec, release: &Release) -> Vec<Vec<ClusterName>> {
    wave::plan(spec, release, false).into_iter().map(|wave| wave.clusters).collect()
}

/// One look at everything.
struct Turn<'a> {
    spec: &'a ReleaseSpec,
    observed: &'a Observed,
    now: Timestamp,
    /// The colour that the release brings.
    to: Color,
    extent: Extent,
    /// Whether nothing served before by intent: there is no old colour to take back to.
    first: bool,
    /// Whether steps, soak, gates, analysis and hold are left out.
    straight: bool,
    waves: Vec<WavePlan>,
    actions: BTreeSet<Action>,
    wake: Option<Timestamp>,
}

/// Why a cluster cannot go on.
struct Fault {
    reason: Reason,
    message: String,
    metric: Option<String>,
}

impl Fault {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), metric: None }
    }
}

impl<'a> Turn<'a> {
    fn new(
        spec: &'a ReleaseSpec,
        journal: &Journal,
        release: &Release,
        observed: &'a Observed,
        now: Timestamp,
    ) -> Self {
        let first = journal.active.is_none();
        let straight = release.fast || release.extent == Extent::Part;
        Self {
            spec,
            observed,
            now,
            to: release.to,
            extent: release.extent,
            first,
            straight,
            waves: wave::plan(spec, release, first),
            actions: BTreeSet::new(),
            wake: None,
        }
    }

    fn pass(&mut self, release: &mut Release) -> Option<Ended> {
        match release.phase {
            Phase::Preparing | Phase::Rolling | Phase::Frozen | Phase::Holding
                if self.observed.interrupted =>
            {
                self.interrupted(release)
            }
            Phase::Preparing => self.preparing(release),
            Phase::Rolling | Phase::Frozen => self.rolling(release),
            Phase::Holding => self.holding(release),
            Phase::Finalising => self.finalising(release),
            Phase::RollingBack => self.rolling_back(release),
            Phase::AwaitingPromotion | Phase::AwaitingApproval => Some(Ended::Waiting),
            Phase::Completed | Phase::Halted | Phase::RolledBack | Phase::PartiallyRolledBack => {
                Some(self.end_of(release))
            }
        }
    }

    /// What a release that is over means for the apply.
    fn end_of(&self, release: &Release) -> Ended {
        let interrupted =
            release.failure.as_ref().is_some_and(|failure| failure.reason == Reason::Interrupted);
        // What could not be taken back but answers serves somewhere, and what comes next makes its way from there.
        let answer = |(name, state): (&ClusterName, &ClusterState)| {
            !matches!(state.stage, Stage::Returning { .. }) || self.view(name).is_ok()
        };
        let goes_on = release.then_again
            && match release.phase {
                Phase::Completed | Phase::RolledBack => true,
                Phase::PartiallyRolledBack => release.clusters.iter().all(answer),
                _ => false,
            };
        match release.phase {
            _ if goes_on && self.observed.interrupted => Ended::Interrupted,
            _ if goes_on => Ended::Again,
            Phase::Completed => Ended::Completed,
            Phase::RolledBack if interrupted => Ended::Interrupted,
            _ => Ended::Failed,
        }
    }

    /// The cluster as it shows itself, or why it does not.
    fn view(&self, cluster: &ClusterName) -> Result<&'a Seen, &'a str> {
        match self.observed.clusters.get(cluster) {
            Some(ClusterView::Seen(seen)) => Ok(seen),
            Some(ClusterView::Unreachable { error }) => Err(error),
            None => Err("it was not looked at yet"),
        }
    }

    fn in_place(&self) -> bool {
        self.spec.strategy == Strategy::InPlace
    }

    fn go(&self, state: &mut ClusterState, stage: Stage) {
        state.stage = stage;
        state.since = self.now;
    }
}
