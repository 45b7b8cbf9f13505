//! The way back: traffic first, the last wave first.

use std::time::Duration;

use super::moments::later;
use super::rolling::enter;
use super::{PATIENCE, SETTLING, Turn};
use crate::names::ClusterName;
use crate::release::action::{Action, Ended};
use crate::release::journal::{ClusterState, Extent, Phase, Release, Stage};
use crate::release::observed::{ColorView, Seen, TrafficView};

/// How far a cluster is on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Its traffic is not back yet.
    Traffic,
    /// Its traffic is back, and the rest is under way.
    Rest,
    /// It is back.
    Back,
    /// It did not get there in time.
    GivenUp,
}

impl Turn<'_> {
    pub(super) fn rolling_back(&mut self, release: &mut Release) -> Option<Ended> {
        let from = release.back_to.unwrap_or(0);
        let waves = self.waves.clone();
        let mut lost: Vec<ClusterName> = Vec::new();
        let mut open = false;
        for (index, wave) in waves.iter().enumerate().rev() {
            let mut holds = false;
            for name in &wave.clusters {
                let Some(mut state) = release.clusters.get(name).cloned() else { continue };
                let alone = matches!(state.stage, Stage::Returning { .. });
                if index < from && !alone {
                    continue;
                }
                if index >= from && !matches!(state.stage, Stage::Returning { .. } | Stage::Returned) {
                    self.begin_return(&mut state);
                }
                let way = self.give_back(name, &mut state, true);
                open |= matches!(way, Way::Traffic | Way::Rest);
                // Who does not answer holds nobody up.
                holds |=
                    way == Way::Traffic && self.view(name).is_ok() && !self.passed(state.since, PATIENCE);
                if way == Way::GivenUp {
                    lost.push(name.clone());
                }
                release.clusters.insert(name.clone(), state);
            }
            if holds {
                return None;
            }
        }
        if !open {
            self.taken_back(release, &lost, from);
        }
        None
    }

    fn taken_back(&self, release: &mut Release, lost: &[ClusterName], from: usize) {
        let keeps_new = release.clusters.iter().any(|(name, state)| {
            matches!(state.stage, Stage::Switched | Stage::Finished | Stage::Step { .. })
                && self
                    .waves
                    .iter()
                    .position(|wave| wave.clusters.contains(name))
                    .is_some_and(|index| index < from)
        });
        if !lost.is_empty()
            && let Some(failure) = &mut release.failure
        {
            let names: Vec<String> = lost.iter().map(|name| format!("`{name}`")).collect();
            failure.message = format!("{}; could not be taken back: {}", failure.message, names.join(", "));
        }
        let whole = (lost.is_empty() && !keeps_new) || release.extent == Extent::Part;
        enter(release, if whole { Phase::RolledBack } else { Phase::PartiallyRolledBack }, self.now);
    }

    /// A cluster's way back begins. What never had traffic needs none led back.
    pub(super) fn begin_return(&self, state: &mut ClusterState) {
        let stage = match state.stage {
            // What serves already is not taken away because it could not be made better.
            // A release before this one may have left it out of DNS.
            Stage::Pending if state.withdrawn => {
                state.kept = true;
                Stage::Returning { verified: Some(self.now) }
            }
            _ if state.kept && state.withdrawn => Stage::Returning { verified: Some(self.now) },
            _ if state.kept => Stage::Returned,
            // Nothing was done here, so nothing that stands here is this release's.
            Stage::Pending => {
                state.kept = true;
                Stage::Returned
            }
            Stage::Preparing | Stage::Ready | Stage::Withdrawing { .. } => {
                Stage::Returning { verified: Some(self.now) }
            }
            _ => Stage::Returning { verified: None },
        };
        state.silent = None;
        self.go(state, stage);
    }

    /// Whether a cluster that was to be taken back was given up.
    pub(super) fn is_given_up(&self, state: &ClusterState) -> bool {
        matches!(state.stage, Stage::Returning { .. }) && self.now >= later(state.since, self.limit(state))
    }

    /// How long a cluster is waited for. One that answers may have to make its old colour ready first.
    fn limit(&self, state: &ClusterState) -> Duration {
        if state.silent.is_some() {
            self.spec.rollback_deadline
        } else {
            self.hopeless().saturating_add(PATIENCE)
        }
    }

    /// How long an old colour of which nothing is ready is waited for.
    fn hopeless(&self) -> Duration {
        self.spec.rollback_deadline.max(self.spec.progress_deadline)
    }

    /// Takes a cluster back by one stage, or says what belongs to the stage that it is in.
    pub(super) fn give_back(&mut self, name: &ClusterName, state: &mut ClusterState, all: bool) -> Way {
        let seen = self.view(name);
        state.silent = match (&seen, state.silent) {
            (Ok(_), _) => None,
            (Err(_), since) if matches!(state.stage, Stage::Returning { .. }) => since.or(Some(self.now)),
            (Err(_), since) => since,
        };
        if let (Stage::Returned, Ok(seen)) = (state.stage, &seen)
            && all
            && self.left_over(state, seen)
        {
            // An action that was under way when the course changed has made it again.
            state.stage = Stage::Returning { verified: None };
        }
        let Stage::Returning { verified } = state.stage else { return Way::Back };
        if self.is_given_up(state) {
            let why = "it could not be taken back in time";
            let known = state.failure.get_or_insert_with(String::new);
            if !known.contains(why) {
                let separator = if known.is_empty() { "" } else { "; " };
                known.push_str(separator);
                known.push_str(why);
            }
            return Way::GivenUp;
        }
        self.passed(state.since, self.limit(state));
        match (seen, verified) {
            (Err(_), None) => Way::Traffic,
            (Err(_), Some(_)) => Way::Rest,
            (Ok(seen), None) if self.in_place() => self.update_back(name, state, seen),
            (Ok(seen), None) => self.shift_back(name, state, seen),
            (Ok(seen), Some(_)) => self.clean_up(name, state, seen),
        }
    }

    /// Whether pods of the new colour run where they must not.
    fn left_over(&self, state: &ClusterState, seen: &Seen) -> bool {
        !self.in_place() && !state.kept && seen.new.replicas > 0 && seen.new.applied
    }

    fn shift_back(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> Way {
        let Some(served) = state.served else {
            state.stage = Stage::Returning { verified: Some(self.now) };
            return Way::Rest;
        };
        if seen.traffic.as_ref().is_some_and(is_on_old) {
            if !self.passed(state.since, SETTLING) {
                return Way::Traffic;
            }
            state.stage = Stage::Returning { verified: Some(self.now) };
            return Way::Rest;
        }
        let led =
            seen.traffic.as_ref().is_some_and(|traffic| traffic.weight == 0 && traffic.headers.is_empty());
        let none = ColorView::default();
        let old = seen.old.as_ref().unwrap_or(&none);
        if old.ready_endpoints == 0
            && seen.new.ready_endpoints > 0
            && self.passed(state.since, self.hopeless())
        {
            // There is nothing to go back to. Users are better off with one colour that answers than with a share of it.
            if seen.traffic.as_ref().is_none_or(|traffic| traffic.weight != 100) && !led {
                self.actions.insert(Action::Shift { cluster: name.clone(), step: None, to: self.to });
            }
            self.back_in_dns(name, state, seen);
            return Way::Traffic;
        }
        if old.replicas == 0 {
            let color = self.to.other();
            self.actions.insert(Action::Prepare { cluster: name.clone(), color, replicas: served.max(1) });
            return Way::Traffic;
        }
        let wanted = if seen.new.ready_endpoints == 0 || self.passed(state.since, PATIENCE) {
            1
        } else {
            served.min(old.replicas).max(1)
        };
        if old.ready_endpoints >= wanted && !led {
            self.actions.insert(Action::Shift { cluster: name.clone(), step: None, to: self.to.other() });
        }
        Way::Traffic
    }

    /// A workload that is updated where it stands is updated to the version before.
    fn update_back(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> Way {
        let Some(served) = state.served else {
            state.stage = Stage::Returning { verified: Some(self.now) };
            return Way::Rest;
        };
        let old = seen.old.as_ref();
        if old.is_some_and(|old| old.applied && old.ready_endpoints >= served.min(old.replicas).max(1)) {
            state.stage = Stage::Returning { verified: Some(self.now) };
            return Way::Rest;
        }
        if old.is_none_or(|old| !old.applied) {
            let color = self.to.other();
            self.actions.insert(Action::Prepare { cluster: name.clone(), color, replicas: served });
        }
        Way::Traffic
    }

    fn clean_up(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> Way {
        if !self.passed(state.since, SETTLING) {
            return Way::Rest;
        }
        let serves_old = state.served.is_some() && !self.in_place() && !state.kept;
        if serves_old && seen.traffic.as_ref().is_some_and(|traffic| traffic.weight > 0) {
            state.stage = Stage::Returning { verified: None };
            return Way::Traffic;
        }
        let in_dns = self.back_in_dns(name, state, seen);
        if !self.in_place() && !state.kept && seen.new.replicas > 0 {
            self.actions.insert(Action::LetGo { cluster: name.clone(), color: self.to });
            return Way::Rest;
        }
        if !in_dns {
            return Way::Rest;
        }
        state.stage = Stage::Returned;
        Way::Back
    }
}

fn is_on_old(traffic: &TrafficView) -> bool {
    traffic.weight == 0
        && traffic.headers.is_empty()
        && traffic.mirror.is_none_or(|share| share == 0)
        && traffic.accepted
}
