//! Waves, one after the other.

use super::cluster::May;
use super::judge::Judgement;
use super::moments::later;
use super::wave::WavePlan;
use super::{Fault, LAST_STEP, Turn};
use crate::freeze;
use crate::names::ClusterName;
use crate::release::action::{Action, Ended};
use crate::release::journal::{Failure, Phase, Reason, Release, Stage, WaveState};
use crate::release::spec::{OnFailure, OnInterrupt, Promotion};

impl Turn<'_> {
    /// The new colour is made ready everywhere before a human says yes.
    pub(super) fn preparing(&mut self, release: &mut Release) -> Option<Ended> {
        if self.spec.promotion == Promotion::Auto {
            enter(release, Phase::Rolling, self.now);
            return None;
        }
        // What is updated where it stands cannot be made ready beforehand.
        if !self.in_place() && self.drive(release, usize::MAX, May::Prepare) {
            return None;
        }
        let ready = release.clusters.values().all(|state| {
            !matches!(state.stage, Stage::Pending | Stage::Preparing | Stage::Returning { .. })
                || self.in_place()
                || self.is_given_up(state)
        });
        if ready {
            enter(release, Phase::AwaitingPromotion, self.now);
        }
        None
    }

    pub(super) fn rolling(&mut self, release: &mut Release) -> Option<Ended> {
        let index = release.wave.index;
        if self.drive(release, index, May::Switch) {
            return None;
        }
        let Some(wave) = self.waves.get(index).cloned() else {
            release.analysis = None;
            enter(release, Phase::Holding, self.now);
            return None;
        };
        if release.wave.began.is_none() {
            return self.begin_wave(release, &wave);
        }
        if self.judged(release, &wave.clusters) {
            return None;
        }
        let through = wave.clusters.iter().filter_map(|name| release.clusters.get(name)).all(|state| {
            matches!(state.stage, Stage::Switched | Stage::Returned | Stage::Finished)
                || self.is_given_up(state)
        });
        if !through {
            release.wave.switched = None;
            return None;
        }
        let switched = *release.wave.switched.get_or_insert(self.now);
        if self.watched_enough(release, &wave.clusters, (switched, wave.soak)) {
            self.end_analysis(release);
            release.wave = WaveState { index: index.saturating_add(1), began: None, switched: None };
        }
        None
    }

    /// Whether the time of watching is over and the metrics are content. Changes the release if they never will be.
    pub(super) fn watched_enough(
        &mut self,
        release: &mut Release,
        clusters: &[ClusterName],
        (since, wait): (jiff::Timestamp, std::time::Duration),
    ) -> bool {
        if !self.passed(since, wait) {
            return false;
        }
        let any = clusters
            .iter()
            .filter_map(|name| release.clusters.get(name))
            .any(|state| matches!(state.stage, Stage::Switched | Stage::Step { .. }));
        if !any || matches!(self.judge(release, clusters), Judgement::Fine) {
            return true;
        }
        if self.passed(later(since, wait), self.spec.progress_deadline) {
            let message =
                "the metrics came to no verdict in time: too few measurements, or too few of them good";
            self.all_fails(release, None, Fault::new(Reason::Analysis, message));
        }
        false
    }

    /// Lets the metrics decide; whether they did.
    pub(super) fn judged(&mut self, release: &mut Release, clusters: &[ClusterName]) -> bool {
        match self.judge(release, clusters) {
            Judgement::Fine | Judgement::NotYet => false,
            Judgement::ClusterFails(name, fault) => {
                self.cluster_fails(release, &name, fault);
                true
            }
            Judgement::Fails(fault) => {
                self.all_fails(release, None, fault);
                true
            }
            Judgement::Undecided(fault, cluster) => {
                self.end_analysis(release);
                release.failure = Some(self.failure(fault, cluster));
                enter(release, Phase::Halted, self.now);
                true
            }
        }
    }

    pub(super) fn end_analysis(&self, release: &mut Release) {
        if let (Some(spec), Some(run)) = (&self.spec.analysis, &mut release.analysis) {
            run.terminate(spec);
        }
    }

    /// What must be true before a wave begins.
    fn begin_wave(&mut self, release: &mut Release, wave: &WavePlan) -> Option<Ended> {
        let frozen = freeze::is_frozen(&self.spec.freeze, self.now)
            .filter(|_| wave.freezes && !wave.clusters.is_empty());
        if let Some(frozen) = frozen {
            if let Some(reason) = &self.spec.freeze_override {
                release.freeze_override = Some(reason.clone());
            } else {
                if release.phase != Phase::Frozen {
                    enter(release, Phase::Frozen, self.now);
                }
                let waits = self.observed.until.is_some_and(|until| frozen.until <= until);
                if !waits {
                    return Some(Ended::Waiting);
                }
                self.wake = Some(self.wake.map_or(frozen.until, |wake| wake.min(frozen.until)));
                return None;
            }
        }
        if wave.approval && !wave.clusters.is_empty() {
            let approval = format!("{}/{}", release.id.0, wave.name);
            if !self.spec.approved.contains(&approval) && !release.approvals.contains(&approval) {
                enter(release, Phase::AwaitingApproval, self.now);
                return None;
            }
            if !release.approvals.contains(&approval) {
                release.approvals.push(approval);
            }
        }
        if release.phase != Phase::Rolling {
            enter(release, Phase::Rolling, self.now);
        }
        release.analysis = None;
        release.wave.began = Some(self.now);
        None
    }

    /// Takes every cluster of the waves up to this one on by a stage; whether one of them changed the course of all.
    pub(super) fn drive(&mut self, release: &mut Release, upto: usize, may: May) -> bool {
        let waves = self.waves.clone();
        for (index, wave) in waves.iter().enumerate().take(upto.saturating_add(1)) {
            let begun = index < upto || may == May::Prepare || release.wave.began.is_some();
            let mut busy = self.busy(release, wave, may);
            for name in &wave.clusters {
                let Some(mut state) = release.clusters.get(name).cloned() else { continue };
                if matches!(state.stage, Stage::Returning { .. }) {
                    self.give_back(name, &mut state, false);
                    release.clusters.insert(name.clone(), state);
                    continue;
                }
                let waits = matches!(state.stage, Stage::Pending | Stage::Ready)
                    && state.silent.is_none()
                    && (!begun || may == May::Switch && busy >= wave.parallel);
                let before = state.stage;
                let fault = self.forward(wave, name, &mut state, if waits { May::Wait } else { may });
                if matches!(before, Stage::Pending | Stage::Ready)
                    && (state.stage != before || state.silent.is_some())
                {
                    busy = busy.saturating_add(1);
                }
                release.clusters.insert(name.clone(), state);
                if let Err(fault) = fault {
                    self.cluster_fails(release, name, fault);
                    return true;
                }
            }
        }
        false
    }

    /// How many clusters of a wave are in work.
    fn busy(&self, release: &Release, wave: &WavePlan, may: May) -> usize {
        let in_work = |stage: &Stage| match stage {
            Stage::Preparing | Stage::Withdrawing { .. } | Stage::Step { .. } => may == May::Switch,
            _ => false,
        };
        let states = wave.clusters.iter().filter_map(|name| release.clusters.get(name));
        states.filter(|state| in_work(&state.stage)).count()
    }

    /// One cluster failed: it is taken back alone, or its wave fails.
    pub(super) fn cluster_fails(&mut self, release: &mut Release, name: &ClusterName, fault: Fault) {
        if let Some(state) = release.clusters.get_mut(name) {
            state.failure = Some(fault.message.clone());
        }
        let Some(wave) = self.waves.iter().find(|wave| wave.clusters.contains(name)) else { return };
        let failed = wave.clusters.iter().filter_map(|name| release.clusters.get(name));
        if failed.filter(|state| state.failure.is_some()).count() > wave.limit {
            self.all_fails(release, Some(name), fault);
        } else if let Some(state) = release.clusters.get_mut(name) {
            self.begin_return(state);
            if let Some(run) = &mut release.analysis {
                run.forget(name);
            }
        }
    }

    /// A wave failed: what then happens is the user's choice.
    pub(super) fn all_fails(&mut self, release: &mut Release, name: Option<&ClusterName>, fault: Fault) {
        let failed = name.and_then(|name| self.waves.iter().position(|wave| wave.clusters.contains(name)));
        let wave = failed.unwrap_or(release.wave.index).min(self.waves.len().saturating_sub(1));
        let failure = self.failure(fault, name.cloned());
        match self.spec.on_failure {
            OnFailure::Halt => {
                self.end_analysis(release);
                release.failure = Some(failure);
                enter(release, Phase::Halted, self.now);
            }
            OnFailure::RollbackWave => self.take_back(release, wave, failure),
            OnFailure::RollbackAll => self.take_back(release, 0, failure),
        }
    }

    pub(super) fn take_back(&mut self, release: &mut Release, from: usize, failure: Failure) {
        self.end_analysis(release);
        release.failure = Some(failure);
        // Earlier waves keep the new version if they have it; if they do not, there is nothing to keep.
        let kept = self.waves.iter().take(from).flat_map(|wave| &wave.clusters).any(|name| {
            let stage = release.clusters.get(name).map(|state| state.stage);
            matches!(stage, Some(Stage::Step { .. } | Stage::Switched))
        });
        release.back_to = Some(if kept { from } else { 0 });
        enter(release, Phase::RollingBack, self.now);
    }

    fn failure(&self, fault: Fault, cluster: Option<ClusterName>) -> Failure {
        Failure { reason: fault.reason, message: fault.message, cluster, metric: fault.metric, at: self.now }
    }

    /// Nothing new begins. A shift in flight is seen through if that is a matter of moments.
    pub(super) fn interrupted(&mut self, release: &mut Release) -> Option<Ended> {
        if self.spec.on_interrupt == OnInterrupt::Rollback {
            let fault = Fault::new(
                Reason::Interrupted,
                "the apply was interrupted, and `on_interrupt` is `rollback`",
            );
            let failure = self.failure(fault, None);
            self.take_back(release, 0, failure);
            return None;
        }
        let waves = self.waves.clone();
        let mut in_flight = false;
        for wave in &waves {
            for name in &wave.clusters {
                let Some(mut state) = release.clusters.get(name).cloned() else { continue };
                let Stage::Step { verified: None, .. } = state.stage else { continue };
                if self.view(name).is_err() || self.passed(state.since, LAST_STEP) {
                    continue;
                }
                if self.forward(wave, name, &mut state, May::Switch).is_ok() {
                    in_flight |= matches!(state.stage, Stage::Step { verified: None, .. });
                    release.clusters.insert(name.clone(), state);
                }
            }
        }
        self.actions.retain(|action| matches!(action, Action::Shift { .. }));
        (!in_flight).then_some(Ended::Interrupted)
    }
}

pub(super) fn enter(release: &mut Release, phase: Phase, now: jiff::Timestamp) {
    release.phase = phase;
    release.since = now;
}
