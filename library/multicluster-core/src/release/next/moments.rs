//! Waiting, by a clock that may jump.

use std::time::Duration;

use jiff::Timestamp;

use super::Turn;
use crate::release::journal::{Release, Stage};

/// The moment some time after another, or the end of time.
pub(super) fn later(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}

impl Turn<'_> {
    /// Whether some time has passed. If not, the end of it is a reason to look again.
    pub(super) fn passed(&mut self, since: Timestamp, wait: Duration) -> bool {
        let at = later(since, wait);
        if self.now >= at {
            return true;
        }
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        false
    }
}

/// Takes what lies in the future for now. A clock that was set back, or one that runs behind the clock of who wrote the
/// journal, then makes a wait longer by what has already been waited, and never by what the clocks are apart.
pub(super) fn not_after(release: &mut Release, now: Timestamp) {
    let bound = |moment: &mut Timestamp| *moment = (*moment).min(now);
    bound(&mut release.started);
    bound(&mut release.since);
    release.wave.began.iter_mut().for_each(bound);
    release.wave.switched.iter_mut().for_each(bound);
    for state in release.clusters.values_mut() {
        bound(&mut state.since);
        state.silent.iter_mut().for_each(bound);
        match &mut state.stage {
            Stage::Withdrawing { withdrawn: moment }
            | Stage::Step { verified: moment, .. }
            | Stage::Returning { verified: moment } => moment.iter_mut().for_each(bound),
            Stage::Pending
            | Stage::Preparing
            | Stage::Ready
            | Stage::Switched
            | Stage::Returned
            | Stage::Finished => {}
        }
    }
    if let Some(run) = &mut release.analysis {
        bound(&mut run.started_at);
        for metric in &mut run.metrics {
            bound(&mut metric.started_at);
            for measurement in &mut metric.measurements {
                bound(&mut measurement.started_at);
                bound(&mut measurement.finished_at);
            }
        }
    }
}
