//! One cluster on its way to the new version.

use jiff::Timestamp;

use super::wave::WavePlan;
use super::{Fault, SILENCE, Turn};
use crate::names::ClusterName;
use crate::release::action::Action;
use crate::release::journal::{ClusterState, Extent, Reason, Release, Stage};
use crate::release::observed::{Seen, TrafficView};
use crate::release::spec::Step;

/// How far a cluster may go now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// The new colour may be made ready.
    Prepare,
    /// Traffic may move too.
    Switch,
    /// It waits for its turn.
    Wait,
}

/// What the traffic object shall say at a step.
struct Wanted<'a> {
    /// As in [`Action::Shift`].
    step: Option<usize>,
    rules: &'a Step,
}

impl Wanted<'_> {
    fn holds(&self, traffic: &TrafficView) -> bool {
        traffic.weight == self.rules.weight.min(100)
            && traffic.headers == self.rules.headers
            && traffic.mirror.filter(|share| *share > 0) == self.rules.mirror.filter(|share| *share > 0)
    }
}

impl Turn<'_> {
    /// Takes a cluster as far as it may go by one stage, or says what belongs to the stage that it is in.
    pub(super) fn forward(
        &mut self,
        wave: &WavePlan,
        name: &ClusterName,
        state: &mut ClusterState,
        may: May,
    ) -> Result<(), Fault> {
        if state.stage == Stage::Ready && may != May::Switch
            || state.stage == Stage::Pending && may == May::Wait
        {
            return Ok(());
        }
        let seen = match self.view(name) {
            Ok(seen) => seen,
            Err(error) => {
                let silent = *state.silent.get_or_insert(self.now);
                return if self.passed(silent, SILENCE) {
                    Err(Fault::new(Reason::Cluster, format!("cluster `{name}` does not answer: {error}")))
                } else {
                    Ok(())
                };
            }
        };
        state.silent = None;
        match state.stage {
            Stage::Pending => self.enter(name, state, seen),
            Stage::Preparing => self.prepare(name, state, seen),
            Stage::Ready => {
                self.leave_ready(wave, state, seen);
                Ok(())
            }
            Stage::Withdrawing { withdrawn } => self.withdraw(wave, name, state, seen, withdrawn),
            Stage::Step { index, verified } => {
                // A resumed release may have fewer steps than the one that was begun.
                let index = index.min(wave.steps.len().saturating_sub(1));
                match verified {
                    None => self.shift(wave, name, state, seen, index),
                    Some(since) => self.stay(wave, name, state, seen, (index, since)),
                }
            }
            Stage::Switched => self.guard(wave, name, state, seen),
            Stage::Returning { .. } | Stage::Returned | Stage::Finished => Ok(()),
        }
    }

    /// What the cluster's turn begins with: what stands there now decides how much is made, and where taking back leads.
    fn enter(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> Result<(), Fault> {
        let led_to_new = seen.traffic.as_ref().map_or(0, |traffic| traffic.weight);
        // Whether it is ready does not matter: it may be so again in a moment.
        let new_serves = led_to_new > 0 && seen.new.replicas > 0 && !self.first;
        if new_serves && !seen.new.applied && self.extent == Extent::All && !self.in_place() {
            return Err(Fault::new(
                Reason::Foreign,
                format!(
                    "cluster `{name}` leads {led_to_new} % of its traffic to {}, which is where the new version is to be made: \
                     lead it to {} first, or apply the version that serves",
                    self.to,
                    self.to.other()
                ),
            ));
        }
        // Where all traffic is on the colour that is repaired, the other one is no place to go back to.
        let old_serves = !self.first && (self.extent == Extent::All || led_to_new < 100 || self.in_place());
        state.served = seen.old.as_ref().filter(|old| old_serves && old.replicas > 0).map(|old| old.replicas);
        state.kept = state.served.is_none() && !self.first && led_to_new > 0 && seen.new.replicas > 0;
        state.replicas = state.replicas.max(state.served.unwrap_or(0)).max(1);
        let wholly_there = led_to_new == 100
            && seen.new.applied
            && self.is_ready(state, seen)
            && seen.traffic.as_ref().is_some_and(|traffic| traffic.accepted && traffic.headers.is_empty());
        let stage = if wholly_there && state.withdrawn {
            Stage::Step { index: usize::MAX, verified: Some(self.now) }
        } else if wholly_there {
            Stage::Switched
        } else if self.in_place() && self.spec.dns.is_some() && state.served.is_some() {
            state.withdrawn = true;
            Stage::Withdrawing { withdrawn: None }
        } else {
            Stage::Preparing
        };
        self.go(state, stage);
        Ok(())
    }

    fn prepare(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> Result<(), Fault> {
        not_refused(name, seen)?;
        // What crashes before it was made anew is not what is brought.
        if let Some(why) = seen.new.failing.as_ref().filter(|_| seen.new.applied) {
            return Err(Fault::new(
                Reason::NotReady,
                format!("{} does not become ready on cluster `{name}`: {why}", self.to),
            ));
        }
        if self.is_ready(state, seen) {
            if !self.in_place() {
                self.go(state, Stage::Ready);
            } else if self.back_in_dns(name, state, seen) {
                self.go(state, Stage::Switched);
            } else {
                self.in_time(name, state.since, "does not come back into DNS")?;
            }
            return Ok(());
        }
        let ready = seen.new.ready_endpoints;
        let wanted = state.replicas;
        self.in_time(name, state.since, &format!("has {ready} of {wanted} ready endpoints of {}", self.to))?;
        if !seen.new.applied {
            self.actions.insert(Action::Prepare { cluster: name.clone(), color: self.to, replicas: wanted });
        }
        Ok(())
    }

    /// The new colour was ready once; before it gets traffic it must be so still.
    fn leave_ready(&mut self, wave: &WavePlan, state: &mut ClusterState, seen: &Seen) {
        if !self.is_ready(state, seen) || seen.new.failing.is_some() {
            self.go(state, Stage::Preparing);
        } else if self.spec.dns.is_some() && state.served.is_some() && !self.straight {
            state.withdrawn = true;
            self.go(state, Stage::Withdrawing { withdrawn: None });
        } else {
            let index = self.first_step(wave, state, seen);
            self.go(state, Stage::Step { index, verified: None });
        }
    }

    fn withdraw(
        &mut self,
        wave: &WavePlan,
        name: &ClusterName,
        state: &mut ClusterState,
        seen: &Seen,
        withdrawn: Option<Timestamp>,
    ) -> Result<(), Fault> {
        not_refused(name, seen)?;
        let Some(dns) = &self.spec.dns else {
            // The user has ended the coupling; who withdrew it puts it back as for any other cluster.
            let index = self.first_step(wave, state, seen);
            self.go(
                state,
                if self.in_place() { Stage::Preparing } else { Stage::Step { index, verified: None } },
            );
            return Ok(());
        };
        match (seen.in_dns, withdrawn) {
            (Some(false), Some(since)) => {
                if self.passed(since, dns.wait) {
                    let index = self.first_step(wave, state, seen);
                    let next = if self.in_place() {
                        Stage::Preparing
                    } else {
                        Stage::Step { index, verified: None }
                    };
                    self.go(state, next);
                }
                Ok(())
            }
            (Some(false), None) => {
                state.stage = Stage::Withdrawing { withdrawn: Some(self.now) };
                Ok(())
            }
            (_, Some(_)) => {
                state.stage = Stage::Withdrawing { withdrawn: None };
                Ok(())
            }
            (_, None) => {
                self.in_time(name, state.since, "cannot be withdrawn from DNS")?;
                self.actions.insert(Action::WithdrawDns { cluster: name.clone() });
                Ok(())
            }
        }
    }

    /// Brings traffic to where the step wants it.
    fn shift(
        &mut self,
        wave: &WavePlan,
        name: &ClusterName,
        state: &mut ClusterState,
        seen: &Seen,
        index: usize,
    ) -> Result<(), Fault> {
        not_refused(name, seen)?;
        self.not_failing(name, seen)?;
        let last = wave.steps.len().saturating_sub(1);
        let wanted = self.wanted(wave, state, index);
        if let Some(traffic) = &seen.traffic {
            if wanted.holds(traffic) && traffic.accepted && seen.new.ready_endpoints > 0 {
                state.overrule = false;
                state.stage = Stage::Step { index, verified: Some(self.now) };
                return Ok(());
            }
            // What is repaired is what somebody else has changed.
            if let Some(foreign) =
                traffic.foreign.as_ref().filter(|_| self.extent == Extent::All && !state.overrule)
            {
                return Err(foreign_change(name, foreign));
            }
            if traffic.weight > 0 && seen.new.ready_endpoints == 0 {
                return Err(self.lost(name));
            }
        }
        let led = seen.traffic.as_ref().is_some_and(|traffic| wanted.holds(traffic));
        if index < last && !old_is_up(seen) {
            // What is not ready cannot keep its share: all goes to what is.
            self.go(state, Stage::Step { index: last, verified: None });
            return Ok(());
        }
        let enough = self.is_ready(state, seen);
        let step = wanted.step;
        self.in_time(
            name,
            state.since,
            if enough {
                "does not lead its traffic as it was told to"
            } else {
                "lost ready endpoints before its traffic moved"
            },
        )?;
        if enough && !led {
            self.actions.insert(Action::Shift { cluster: name.clone(), step, to: self.to });
        }
        Ok(())
    }

    /// Keeps a step that holds for its pause, then takes the next one.
    fn stay(
        &mut self,
        wave: &WavePlan,
        name: &ClusterName,
        state: &mut ClusterState,
        seen: &Seen,
        (index, since): (usize, Timestamp),
    ) -> Result<(), Fault> {
        self.not_failing(name, seen)?;
        if seen.new.ready_endpoints == 0 {
            return Err(self.lost(name));
        }
        let wanted = self.wanted(wave, state, index);
        let pause = wanted.rules.pause;
        match &seen.traffic {
            Some(traffic) if wanted.holds(traffic) => {}
            Some(TrafficView { foreign: Some(foreign), .. }) if !state.overrule => {
                return Err(foreign_change(name, foreign));
            }
            _ => {
                self.go(state, Stage::Step { index, verified: None });
                return Ok(());
            }
        }
        if !self.passed(since, pause) {
            return Ok(());
        }
        if index.saturating_add(1) < wave.steps.len() && !self.is_straight(state) {
            self.go(state, Stage::Step { index: index.saturating_add(1), verified: None });
        } else if self.back_in_dns(name, state, seen) {
            self.go(state, Stage::Switched);
        } else {
            let from = super::moments::later(since, pause);
            self.in_time(name, from, "does not come back into DNS")?;
        }
        Ok(())
    }

    /// Watches a cluster that is through.
    fn guard(
        &mut self,
        wave: &WavePlan,
        name: &ClusterName,
        state: &mut ClusterState,
        seen: &Seen,
    ) -> Result<(), Fault> {
        self.not_failing(name, seen)?;
        if seen.new.ready_endpoints == 0 {
            return Err(self.lost(name));
        }
        if self.in_place() {
            return Ok(());
        }
        let index = wave.steps.len().saturating_sub(1);
        let wanted = self.wanted(wave, state, index);
        match &seen.traffic {
            Some(traffic) if traffic.weight == wanted.rules.weight => {}
            Some(TrafficView { foreign: Some(foreign), .. }) if !state.overrule => {
                return Err(foreign_change(name, foreign));
            }
            _ => self.go(state, Stage::Step { index, verified: None }),
        }
        Ok(())
    }

    /// Says in the journal which share of traffic each stage stands for.
    pub(super) fn weigh(&self, release: &mut Release) {
        for wave in &self.waves {
            for name in &wave.clusters {
                let Some(state) = release.clusters.get_mut(name) else { continue };
                state.weight = match state.stage {
                    Stage::Step { index, .. } => {
                        let index = index.min(wave.steps.len().saturating_sub(1));
                        Some(self.wanted(wave, state, index).rules.weight.min(100))
                    }
                    Stage::Switched | Stage::Finished => Some(100),
                    Stage::Returning { .. } | Stage::Returned if !state.kept => Some(0),
                    _ => None,
                };
            }
        }
    }

    /// Whether the new colour stands as rendered with all endpoints that its controller is told to have.
    pub(super) fn is_ready(&self, state: &ClusterState, seen: &Seen) -> bool {
        // An autoscaler may make the new colour smaller while it has little traffic.
        let wanted = state.replicas.min(seen.new.replicas).max(1);
        seen.new.applied && seen.new.ready_endpoints >= wanted
    }

    /// Puts a cluster that was withdrawn back into DNS; whether it is there.
    pub(super) fn back_in_dns(&mut self, name: &ClusterName, state: &mut ClusterState, seen: &Seen) -> bool {
        if !state.withdrawn || self.spec.dns.is_none() {
            return true;
        }
        if seen.in_dns == Some(true) {
            state.withdrawn = false;
            return true;
        }
        self.actions.insert(Action::ReturnDns { cluster: name.clone() });
        false
    }

    fn is_straight(&self, state: &ClusterState) -> bool {
        self.straight || self.first || state.served.is_none()
    }

    fn first_step(&self, wave: &WavePlan, state: &ClusterState, seen: &Seen) -> usize {
        if self.is_straight(state) || !old_is_up(seen) { wave.steps.len().saturating_sub(1) } else { 0 }
    }

    fn wanted<'w>(&self, wave: &'w WavePlan, state: &ClusterState, index: usize) -> Wanted<'w> {
        static ALL: Step = Step {
            weight: 100,
            pause: std::time::Duration::ZERO,
            headers: std::collections::BTreeMap::new(),
            mirror: None,
        };
        match wave.steps.get(index) {
            Some(rules) if !self.is_straight(state) => {
                Wanted { step: Some(index).filter(|index| *index < wave.written), rules }
            }
            _ => Wanted { step: None, rules: &ALL },
        }
    }

    fn in_time(&mut self, name: &ClusterName, since: Timestamp, what: &str) -> Result<(), Fault> {
        let limit = self.spec.progress_deadline;
        if !self.passed(since, limit) {
            return Ok(());
        }
        let message = format!("cluster `{name}` {what} after {} s", limit.as_secs());
        Err(Fault::new(Reason::NotReady, message))
    }

    fn not_failing(&self, name: &ClusterName, seen: &Seen) -> Result<(), Fault> {
        match &seen.new.failing {
            Some(why) => {
                Err(Fault::new(Reason::NotReady, format!("{} fails on cluster `{name}`: {why}", self.to)))
            }
            None => Ok(()),
        }
    }

    fn lost(&self, name: &ClusterName) -> Fault {
        Fault::new(
            Reason::NotReady,
            format!("{} has no ready endpoint on cluster `{name}` any more", self.to),
        )
    }
}

/// Whether the old colour can take its share of a step.
fn old_is_up(seen: &Seen) -> bool {
    seen.old.as_ref().is_some_and(|old| old.replicas > 0 && old.ready_endpoints > 0)
}

fn not_refused(name: &ClusterName, seen: &Seen) -> Result<(), Fault> {
    match &seen.refused {
        Some(why) => Err(Fault::new(Reason::Cluster, format!("cluster `{name}` refuses: {why}"))),
        None => Ok(()),
    }
}

fn foreign_change(name: &ClusterName, what: &str) -> Fault {
    Fault::new(
        Reason::Foreign,
        format!("the traffic of cluster `{name}` was changed by somebody else: {what}"),
    )
}
