//! What the journal keeps of releases that are over.

use jiff::Timestamp;

use crate::release::journal::{
    Active, Extent, FailedRelease, HISTORY, Journal, Past, Phase, Reason, Release,
};
use crate::release::spec::ReleaseSpec;

/// Called when the phase of the release is another one than before.
pub(super) fn phase_changed(
    spec: &ReleaseSpec,
    journal: &mut Journal,
    release: &mut Release,
    now: Timestamp,
) {
    match release.phase {
        Phase::Completed => {
            if release.extent == Extent::All {
                journal.active = Some(Active {
                    color: release.to,
                    version: release.version.clone(),
                    release: release.id.clone(),
                });
                journal.last_failed = None;
            }
            remember(journal, release, now);
        }
        Phase::RolledBack | Phase::PartiallyRolledBack => {
            remember_failure(spec, journal, release);
            remember(journal, release, now);
        }
        Phase::Halted => remember_failure(spec, journal, release),
        _ => {}
    }
}

fn remember_failure(spec: &ReleaseSpec, journal: &mut Journal, release: &Release) {
    let Some(failure) = &release.failure else { return };
    // What the user asked for is not held against the version.
    if matches!(failure.reason, Reason::Superseded | Reason::Interrupted) || release.extent == Extent::Part {
        return;
    }
    journal.last_failed = Some(FailedRelease {
        id: release.id.clone(),
        version: release.version.clone(),
        failure: failure.clone(),
        retry_token: spec.retry_token.clone(),
    });
}

fn remember(journal: &mut Journal, release: &Release, now: Timestamp) {
    journal.history.retain(|past| past.id != release.id);
    journal.history.push(Past {
        id: release.id.clone(),
        version: release.version.clone(),
        color: release.to,
        phase: release.phase,
        started: release.started,
        ended: now,
        failure: release.failure.clone(),
    });
    let excess = journal.history.len().saturating_sub(HISTORY);
    journal.history.drain(..excess);
}
