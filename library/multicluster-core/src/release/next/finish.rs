//! The end: the old colour is kept warm for a while, then let go.

use super::cluster::May;
use super::rolling::enter;
use super::{SILENCE, Turn};
use crate::names::ClusterName;
use crate::release::action::{Action, Ended};
use crate::release::journal::{ClusterState, Failure, Phase, Reason, Release, Stage};

impl Turn<'_> {
    pub(super) fn holding(&mut self, release: &mut Release) -> Option<Ended> {
        if self.drive(release, usize::MAX, May::Switch) {
            return None;
        }
        let through = |state: &ClusterState| {
            matches!(state.stage, Stage::Switched | Stage::Returned | Stage::Finished)
                || self.is_given_up(state)
        };
        if !release.clusters.values().all(through) {
            return None;
        }
        // There is no old colour to hold beside the first one, and what went straight is not watched.
        if !self.straight && !self.first {
            let clusters: Vec<ClusterName> = release.clusters.keys().cloned().collect();
            if self.judged(release, &clusters)
                || !self.watched_enough(release, &clusters, (release.since, self.spec.hold))
            {
                return None;
            }
            self.end_analysis(release);
        }
        enter(release, Phase::Finalising, self.now);
        None
    }

    pub(super) fn finalising(&mut self, release: &mut Release) -> Option<Ended> {
        let names: Vec<ClusterName> = release.clusters.keys().cloned().collect();
        let since = release.since;
        for name in names {
            if let Some(state) = release.clusters.get_mut(&name) {
                self.let_old_go(&name, state, since);
            }
        }
        if release.clusters.values().any(|state| state.stage == Stage::Switched) {
            return None;
        }
        self.complete(release);
        None
    }

    /// The old colour is let go. Where that is not possible it stays, which costs its pods and nothing else.
    fn let_old_go(&mut self, name: &ClusterName, state: &mut ClusterState, since: jiff::Timestamp) {
        if state.stage != Stage::Switched {
            return;
        }
        let old = self.to.other();
        let why = match self.view(name) {
            Ok(seen) => {
                if self.in_place() || seen.old.as_ref().is_none_or(|view| view.replicas == 0) {
                    state.stage = Stage::Finished;
                    return;
                }
                self.actions.insert(Action::LetGo { cluster: name.clone(), color: old });
                seen.refused.as_deref().unwrap_or("it still has its size")
            }
            Err(error) => error,
        };
        let refused = self.view(name).is_ok_and(|seen| seen.refused.is_some());
        if refused || self.observed.interrupted || self.passed(since, SILENCE) {
            self.actions.remove(&Action::LetGo { cluster: name.clone(), color: old });
            state.failure = Some(format!("{old} could not be let go: {why}"));
            state.stage = Stage::Finished;
        }
    }

    fn complete(&self, release: &mut Release) {
        let failed = release.clusters.iter().find(|(_, state)| state.stage != Stage::Finished);
        let nowhere = !release.clusters.values().any(|state| state.stage == Stage::Finished);
        match failed {
            Some((name, state)) if nowhere || release.extent == crate::release::journal::Extent::Part => {
                release.failure = Some(Failure {
                    reason: Reason::Cluster,
                    message: state.failure.clone().unwrap_or_else(|| format!("cluster `{name}` failed")),
                    cluster: Some(name.clone()),
                    metric: None,
                    at: self.now,
                });
                enter(release, Phase::RolledBack, self.now);
            }
            _ => enter(release, Phase::Completed, self.now),
        }
    }
}
