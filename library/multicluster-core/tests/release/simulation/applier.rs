//! One apply as a process in the world.

use std::collections::BTreeMap;

use jiff::Timestamp;
use multicluster_core::analysis::Measurement;
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::begin::{Desired, Occasion};
use multicluster_core::release::journal::{Journal, Release};
use multicluster_core::release::observed::ClusterView;
use multicluster_core::release::spec::ReleaseSpec;
use multicluster_core::release::{begin, next};

use super::watch::Watch;
use crate::support::{World, check_idempotent, seconds, version};

/// What an apply is after a look.
#[derive(Debug)]
pub(super) enum Start {
    Running,
    Ended(Ended),
    /// Why it may not begin.
    Refused(String),
    /// Killed, or it has lost its lease.
    Dead,
}

pub(super) struct Applier {
    version: String,
    pub(super) journal: Option<Journal>,
    epoch: u64,
    started: bool,
    dead: bool,
    pub(super) interrupted: bool,
    /// What is under way: when it takes effect, and the release that it was begun for.
    running: BTreeMap<Action, (Timestamp, Release)>,
    /// What the last look asked for.
    asked: Vec<Action>,
    measured: Vec<Measurement>,
    wake: Option<Timestamp>,
    delays: Vec<i64>,
    turn: usize,
}

fn place(action: &Action) -> Option<&ClusterName> {
    match action {
        Action::Prepare { cluster, .. }
        | Action::Shift { cluster, .. }
        | Action::LetGo { cluster, .. }
        | Action::WithdrawDns { cluster }
        | Action::ReturnDns { cluster } => Some(cluster),
        Action::Measure { .. } => None,
    }
}

impl Applier {
    pub(super) fn new(version: &str, delays: Vec<i64>) -> Self {
        Self {
            version: version.to_owned(),
            journal: None,
            epoch: 0,
            started: false,
            dead: false,
            interrupted: false,
            running: BTreeMap::new(),
            asked: Vec::new(),
            measured: Vec::new(),
            wake: None,
            delays,
            turn: 0,
        }
    }

    /// When it wants to look again.
    pub(super) fn moments(&self, world: &World) -> Vec<Timestamp> {
        let mut moments: Vec<Timestamp> = self.running.values().map(|(at, _)| *at).collect();
        if !self.dead
            && let Some(wake) = self.wake
        {
            moments.push(wake - jiff::SignedDuration::from_secs(world.skew));
        }
        if !self.started || !self.measured.is_empty() {
            moments.push(world.now + seconds(1));
        }
        moments
    }

    /// Looks at the world and acts. `killed`: it dies, and if it is about to write, after so many clusters.
    pub(super) fn look(
        &mut self,
        world: &mut World,
        spec: &ReleaseSpec,
        watch: &mut Watch,
        killed: Option<usize>,
    ) -> Result<Start, String> {
        self.finish(world, spec);
        if self.dead {
            return Ok(Start::Dead);
        }
        if !self.started {
            if killed.is_some() {
                return Ok(self.die());
            }
            if let Some(start) = self.take_over(world, spec) {
                return Ok(start);
            }
        }
        let Some(before) = self.journal.clone() else { return Ok(Start::Running) };
        let mut observed = world.observe(spec, before.release.as_ref());
        observed.measurements = std::mem::take(&mut self.measured);
        observed.interrupted = self.interrupted;
        for name in self.running.keys().filter(|action| !self.asked.contains(action)).filter_map(place) {
            let view = ClusterView::Unreachable { error: "something given up is still under way".to_owned() };
            observed.clusters.insert(name.clone(), view);
        }
        let step = next(spec, &before, &observed, world.clock());
        check_idempotent(spec, &step, &observed, world.clock());
        if step.ended.is_none() && step.actions.is_empty() && step.wake.is_none() {
            return Err(format!("nobody would ever look again: {:#?}", step.journal));
        }
        if step.journal != before {
            let wrote = write(world, &step.journal, killed.unwrap_or(usize::MAX));
            if killed.is_some() || wrote.is_none() {
                return Ok(self.die());
            }
            if wrote == Some(0) {
                // Nothing is done that nobody could know of.
                self.measured = observed.measurements;
                self.wake = Some(world.clock() + seconds(1));
                return Ok(Start::Running);
            }
            world.say(summary(&step.journal));
            self.journal = Some(step.journal);
        }
        if killed.is_some() {
            return Ok(self.die());
        }
        self.wake = step.wake;
        self.asked.clone_from(&step.actions);
        match step.ended {
            Some(Ended::Again) => return self.begin(world, spec, Occasion::Again),
            Some(ended) => return Ok(Start::Ended(ended)),
            None => {}
        }
        let Some(release) = self.journal.as_ref().and_then(|journal| journal.release.clone()) else {
            return Ok(Start::Running);
        };
        for action in step.actions.clone() {
            let given_up = self
                .running
                .keys()
                .any(|other| place(other) == place(&action) && !step.actions.contains(other));
            if given_up || self.running.contains_key(&action) {
                continue;
            }
            // What a superseded apply begins, the clusters refuse.
            if place(&action).is_none_or(|name| world.sites[name].epoch <= self.epoch) {
                watch.begun(world, &release, &action)?;
            }
            if let Action::Measure { metric, cluster } = &action {
                self.measured.push(world.measure(&release, metric, cluster.as_ref()));
                continue;
            }
            let delay = self.delays.get(self.turn % self.delays.len()).copied().unwrap_or(1);
            self.turn += 1;
            let at = world.now + seconds(u64::try_from(delay).unwrap_or(1));
            self.running.insert(action, (at, release.clone()));
        }
        Ok(Start::Running)
    }

    fn die(&mut self) -> Start {
        self.dead = true;
        Start::Dead
    }

    /// What was sent takes effect, also after death.
    fn finish(&mut self, world: &mut World, spec: &ReleaseSpec) {
        let now = world.now;
        let done: Vec<(Action, (Timestamp, Release))> =
            self.running.extract_if(.., |_, (at, _)| *at <= now).collect();
        for (action, (_, release)) in done {
            world.perform(spec, &release, self.epoch, &action);
        }
    }

    /// All leases or none; then everything that could be switched carries the higher epoch.
    fn take_over(&mut self, world: &mut World, spec: &ReleaseSpec) -> Option<Start> {
        if self.interrupted {
            return Some(self.die());
        }
        if !world.sites.values().all(|site| site.answers) {
            return Some(Start::Running);
        }
        let rank = |journal: &&Journal| (journal.epoch, journal.seq);
        let found = world.sites.values().filter_map(|site| site.journal.as_ref()).max_by_key(rank).cloned();
        self.epoch = world.sites.values().map(|site| site.epoch).max().unwrap_or(0) + 1;
        for site in world.sites.values_mut() {
            site.epoch = self.epoch;
        }
        self.journal = found.map(|mut journal| {
            journal.epoch = self.epoch;
            journal.seq = 0;
            journal
        });
        self.started = true;
        match self.begin(world, spec, Occasion::Apply) {
            Ok(Start::Running) => None,
            Ok(start) => Some(start),
            Err(why) => panic!("{why}"),
        }
    }

    fn begin(&mut self, world: &mut World, spec: &ReleaseSpec, occasion: Occasion) -> Result<Start, String> {
        let desired = Desired {
            version: version(&self.version),
            instance: "simulation".to_owned(),
            replicas: spec.clusters().into_iter().map(|name| (name, 3)).collect(),
            occasion,
        };
        let standing = world.standing(&desired.version);
        match begin(self.journal.as_ref(), spec, &desired, &standing, world.clock()) {
            Ok(mut journal) => {
                journal.epoch = self.epoch;
                match write(world, &journal, usize::MAX) {
                    None => return Ok(self.die()),
                    Some(0) if occasion == Occasion::Again => {
                        // It is begun anew once somebody answers.
                        self.wake = Some(world.clock() + seconds(1));
                        return Ok(Start::Running);
                    }
                    Some(_) => self.journal = Some(journal),
                }
                if let Some(journal) = &self.journal {
                    world.say(format!("begin: {}", summary(journal)));
                }
                self.wake = Some(world.clock() + seconds(1));
                Ok(Start::Running)
            }
            Err(refused) => Ok(Start::Refused(refused.to_string())),
        }
    }
}

/// Writes the journal to all that answer, but dies after so many. How many have it; `None` if another one has taken over.
fn write(world: &mut World, journal: &Journal, after: usize) -> Option<usize> {
    let mut wrote = 0;
    for site in world.sites.values_mut().filter(|site| site.answers).take(after) {
        if site.epoch > journal.epoch {
            return None;
        }
        site.journal = Some(journal.clone());
        wrote += 1;
    }
    Some(wrote)
}

/// A journal in one line, for people.
fn summary(journal: &Journal) -> String {
    let Some(release) = &journal.release else { return format!("epoch {}: nothing", journal.epoch) };
    let clusters: Vec<String> = release
        .clusters
        .iter()
        .map(|(name, state)| format!("{name} {:?} served {:?}", state.stage, state.served))
        .collect();
    let why = release.failure.as_ref().map_or("", |failure| failure.message.as_str());
    format!(
        "epoch {} {} to {} {:?} {:?} wave {}: {} {why}",
        journal.epoch,
        release.version.0,
        release.to,
        release.extent,
        release.phase,
        release.wave.index,
        clusters.join(", ")
    )
}
