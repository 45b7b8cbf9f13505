//! A schedule: what users ask for, how versions behave, and what goes wrong when.

use std::collections::BTreeSet;
use std::fmt;

use multicluster_core::analysis::Scope;
use multicluster_core::names::ClusterName;
use multicluster_core::release::Color;
use multicluster_core::release::action::Ended;
use multicluster_core::release::journal::{Phase, Release};
use multicluster_core::release::spec::{
    DnsCoupling, MaxFailures, OnFailure, OnInterrupt, Promotion, ReleaseSpec, Step, Strategy,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::applier::{Applier, Start};
use super::watch::Watch;
use crate::support::{Pods, World, analysis, seconds, spec, version, wave};

/// The clusters of every schedule.
pub(super) const NAMES: [&str; 3] = ["aws", "azure", "gcp"];
/// Until when things go wrong, in seconds.
const TROUBLE: i64 = 300;
/// How long an apply may take once they do not, in seconds: all deadlines of a release with three versions on its way.
const BOUND: i64 = 1500;
/// How many applies of a good version it may take in calm until it serves: one takes back what is stuck, one waits for
/// the promotion, each wave for its approval, one is left over.
const APPLIES: usize = 6;

/// Something that goes wrong, or that somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A cluster does not answer for some seconds.
    Cut(usize, i64),
    /// The apply dies; if it is about to write the journal, after so many clusters.
    Kill(usize),
    /// Another apply of a version begins beside the one that runs, which loses its lease.
    Rival(usize),
    /// The clock of who applies is set.
    Clock(i64),
    /// All pods of a colour are gone for some seconds.
    Pods(usize, Color, i64),
    /// An autoscaler gives the serving colour another size.
    Resize(usize, u32),
    /// Somebody changes the weights.
    Foreign(usize, u8),
    /// The user interrupts.
    Interrupt,
    /// What takes routes over does so, or does not.
    Accept(usize, bool),
    /// A cluster refuses what it is told, or does not any more.
    Refuse(usize, bool),
}

#[derive(Clone)]
pub(super) struct Schedule {
    pub(super) spec: ReleaseSpec,
    /// Versions in the order in which they are applied, as numbers.
    pub(super) applies: Vec<usize>,
    /// How the pods of versions 1 to 3 behave, per cluster. Version 0 is good.
    pub(super) pods: Vec<Vec<Pods>>,
    /// What metrics bring for versions 1 to 3.
    pub(super) rates: Vec<f64>,
    /// When what goes wrong.
    pub(super) faults: Vec<(i64, Fault)>,
    /// How long actions take, in turn.
    pub(super) delays: Vec<i64>,
}

/// In few lines: this is read when something did not hold.
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.spec;
        for wave in &spec.waves {
            let clusters: Vec<&str> = wave.clusters.iter().map(ClusterName::as_str).collect();
            let steps: Vec<_> = wave.steps.iter().map(|step| (step.weight, step.pause)).collect();
            write!(f, "\n  {} {clusters:?} steps {steps:?} soak {:?}", wave.name, wave.soak)?;
            write!(
                f,
                " parallel {:?} {:?} approval {}",
                wave.max_parallel, wave.max_failures, wave.approval
            )?;
        }
        let scope = spec.analysis.as_ref().map(|analysis| analysis.metrics[0].scope);
        write!(
            f,
            "\n  {:?} {:?} {:?} hold {:?}",
            spec.promotion, spec.on_failure, spec.on_interrupt, spec.hold
        )?;
        write!(f, " analysis {scope:?} first {} dns {}", spec.analyse_first, spec.dns.is_some())?;
        write!(f, "\n  applies {:?} rates {:?} delays {:?}", self.applies, self.rates, self.delays)?;
        for (index, pods) in self.pods.iter().enumerate() {
            write!(f, "\n  v{} {pods:?}", index + 1)?;
        }
        for (at, fault) in &self.faults {
            write!(f, "\n  at {at} {fault:?}")?;
        }
        Ok(())
    }
}

pub(super) fn name_of(number: usize) -> String {
    format!("v{number}")
}

fn pods() -> impl Strategy_<Value = Pods> {
    prop_oneof![
        8 => (0_u64..8).prop_map(Pods::Ready),
        1 => Just(Pods::Hang),
        1 => Just(Pods::Crash),
        2 => (1_u64..30).prop_map(Pods::Die),
    ]
}

use proptest::strategy::Strategy as Strategy_;

fn faults() -> impl Strategy_<Value = Fault> {
    let site = 0..NAMES.len();
    let color = prop_oneof![Just(Color::Blue), Just(Color::Green)];
    prop_oneof![
        6 => (site.clone(), 1_i64..150).prop_map(|(site, time)| Fault::Cut(site, time)),
        6 => (0_usize..4).prop_map(Fault::Kill),
        3 => (0_usize..4).prop_map(Fault::Rival),
        2 => (-500_i64..500).prop_map(Fault::Clock),
        3 => (site.clone(), color, 1_i64..20).prop_map(|(site, color, time)| Fault::Pods(site, color, time)),
        3 => (site.clone(), 1_u32..9).prop_map(|(site, size)| Fault::Resize(site, size)),
        1 => (site.clone(), 0_u8..=100).prop_map(|(site, weight)| Fault::Foreign(site, weight)),
        2 => Just(Fault::Interrupt),
        1 => (site.clone(), any::<bool>()).prop_map(|(site, is)| Fault::Accept(site, is)),
        1 => (site, any::<bool>()).prop_map(|(site, is)| Fault::Refuse(site, is)),
    ]
}

fn specs() -> impl Strategy_<Value = ReleaseSpec> {
    let weights = prop_oneof![Just(vec![100]), Just(vec![20, 100]), Just(vec![0, 50, 100]),];
    let wave_of = (weights, 0_u64..8, 0_u64..12, 0_u32..2, 0_u32..3, prop::bool::weighted(0.1));
    let shape = prop_oneof![
        Just(vec![vec!["aws", "azure", "gcp"]]),
        Just(vec![vec!["gcp"], vec!["aws", "azure"]]),
        Just(vec![vec!["gcp"], vec!["aws"], vec!["azure"]]),
    ];
    let on_failure =
        prop_oneof![Just(OnFailure::RollbackAll), Just(OnFailure::RollbackWave), Just(OnFailure::Halt)];
    let promotion = prop_oneof![4 => Just(Promotion::Auto), 1 => Just(Promotion::NextApply)];
    let scope = prop_oneof![Just(None), Just(Some(Scope::Cluster)), Just(Some(Scope::Global))];
    let rest = (any::<bool>(), prop::bool::weighted(0.2), 0_u64..30, prop::bool::weighted(0.2));
    (shape, vec(wave_of, 3), on_failure, promotion, scope, rest).prop_map(
        |(shape, waves, on_failure, promotion, scope, (interrupt, dns, hold, first))| {
            let waves = shape.iter().zip(waves).enumerate().map(|(index, (clusters, drawn))| {
                let (weights, pause, soak, failures, parallel, approval) = drawn;
                let mut wave = wave(&format!("w{index}"), clusters);
                let step = |weight: &u8| Step { pause: seconds(pause), ..Step::weight(*weight) };
                wave.steps = weights.iter().map(step).collect();
                wave.soak = seconds(soak);
                wave.max_failures = MaxFailures::Clusters(failures);
                wave.max_parallel = Some(parallel).filter(|count| *count > 0);
                wave.approval = approval;
                wave
            });
            let mut spec = spec(waves.collect());
            spec.on_failure = on_failure;
            spec.promotion = promotion;
            spec.analysis = scope.map(analysis);
            spec.analyse_first = first;
            spec.on_interrupt = if interrupt { OnInterrupt::Pause } else { OnInterrupt::Rollback };
            spec.hold = seconds(hold);
            spec.progress_deadline = seconds(40);
            spec.rollback_deadline = seconds(40);
            spec.dns = dns.then(|| DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(5) });
            spec
        },
    )
}

pub(super) fn schedules() -> impl Strategy_<Value = Schedule> {
    (
        specs(),
        vec(0_usize..4, 1..5),
        vec(vec(pods(), NAMES.len()), 3),
        vec(prop_oneof![4 => Just(1.0), 1 => Just(0.5), 1 => Just(f64::NAN)], 3),
        vec((0_i64..TROUBLE, faults()), 0..12),
        vec(1_i64..4, 1..5),
    )
        .prop_map(|(spec, applies, pods, rates, faults, delays)| Schedule {
            spec,
            applies,
            pods,
            rates,
            faults,
            delays,
        })
}

impl Schedule {
    /// Runs it.
    ///
    /// # Errors
    /// What did not hold.
    pub(super) fn run(&self) -> Result<(), String> {
        let mut run = Running::new(self);
        self.run_in(&mut run).map_err(|why| {
            let trace = &run.world.trace;
            let tail = trace.get(trace.len().saturating_sub(80)..).unwrap_or_default().join("\n");
            format!("{why}\nwhat happened last:\n{tail}\n")
        })
    }

    fn run_in(&self, run: &mut Running<'_>) -> Result<(), String> {
        // Version 0 serves before anything goes wrong.
        run.apply_in_calm(0, APPLIES)?;
        let begun = run.world.now;
        run.trouble = self
            .faults
            .iter()
            .map(|(at, fault)| (begun + seconds(u64::try_from(*at).unwrap_or(0)), fault.clone()))
            .collect();
        run.trouble.sort_by_key(|(at, _)| *at);
        for number in &self.applies {
            run.apply(*number)?;
        }
        run.calm();
        run.apply_in_calm(0, APPLIES)?;
        run.apply_in_calm(4, APPLIES)
    }
}

struct Running<'a> {
    schedule: &'a Schedule,
    spec: ReleaseSpec,
    world: World,
    watch: Watch,
    trouble: Vec<(jiff::Timestamp, Fault)>,
    healing: Vec<(jiff::Timestamp, usize)>,
    applies: usize,
}

impl<'a> Running<'a> {
    fn new(schedule: &'a Schedule) -> Self {
        let mut world = World::new(&NAMES);
        for (index, pods) in schedule.pods.iter().enumerate() {
            for (name, pods) in NAMES.iter().zip(pods) {
                world.behave(Some(name), &name_of(index + 1), *pods);
            }
        }
        for (index, rate) in schedule.rates.iter().enumerate() {
            world.rates.insert(version(&name_of(index + 1)), *rate);
        }
        let foreign = schedule.faults.iter().any(|(_, fault)| matches!(fault, Fault::Foreign(..)));
        Self {
            schedule,
            spec: schedule.spec.clone(),
            world,
            watch: Watch::new(foreign),
            trouble: Vec::new(),
            healing: Vec::new(),
            applies: 0,
        }
    }

    /// Nothing goes wrong any more.
    fn calm(&mut self) {
        self.trouble.clear();
        self.healing.clear();
        for site in self.world.sites.values_mut() {
            site.answers = true;
            site.accepted = true;
            site.refuses = None;
            site.sides.values_mut().for_each(|side| side.down_until = None);
        }
    }

    /// One apply as a user makes it: approvals as the plan shows them, another token each time.
    fn apply(&mut self, number: usize) -> Result<Option<Ended>, String> {
        self.applies += 1;
        self.spec.retry_token = Some(self.applies.to_string());
        self.spec.approved = self.approvals(number);
        self.world.say(format!("apply {}", name_of(number)));
        let mut applier = Applier::new(&name_of(number), self.schedule.delays.clone());
        let mut stale: Option<Applier> = None;
        let limit = self.world.now + seconds(u64::try_from(TROUBLE + BOUND).unwrap_or(0));
        loop {
            if self.world.now > limit {
                return Err(format!("an apply of {} is stuck", name_of(number)));
            }
            let mut killed = None;
            while self.trouble.first().is_some_and(|(at, _)| *at <= self.world.now) {
                let fault = self.trouble.remove(0).1;
                self.world.say(format!("{fault:?}"));
                match fault {
                    Fault::Kill(after) => killed = Some(after),
                    Fault::Interrupt => applier.interrupted = true,
                    Fault::Rival(other) => {
                        let delays = self.schedule.delays.clone();
                        stale = Some(std::mem::replace(&mut applier, Applier::new(&name_of(other), delays)));
                    }
                    fault => self.strike(&fault),
                }
            }
            let now = self.world.now;
            for (_, site) in self.healing.extract_if(.., |(at, _)| *at <= now) {
                self.world.site(NAMES[site]).answers = true;
            }
            if let Some(stale) = &mut stale {
                stale.look(&mut self.world, &self.spec, &mut self.watch, None)?;
            }
            match applier.look(&mut self.world, &self.spec, &mut self.watch, killed)? {
                Start::Running => {}
                Start::Ended(ended) => {
                    self.world.say(format!("ended {ended:?}"));
                    self.watch.ended(&self.world, applier.journal.as_ref(), ended)?;
                    return Ok(Some(ended));
                }
                Start::Refused(why) => {
                    self.world.say(why);
                    return Ok(None);
                }
                Start::Dead => return Ok(None),
            }
            self.watch.look(&self.world)?;
            self.advance(&applier, stale.as_ref());
        }
    }

    /// What a user approves who has seen the plan: all waves of the release that waits.
    fn approvals(&self, number: usize) -> BTreeSet<String> {
        let journals = self.world.sites.values().filter_map(|site| site.journal.as_ref());
        let highest = journals.max_by_key(|journal| (journal.epoch, journal.seq));
        let waits = |release: &&Release| {
            release.phase == Phase::AwaitingApproval && release.version == version(&name_of(number))
        };
        let Some(release) = highest.and_then(|journal| journal.release.as_ref()).filter(waits) else {
            return BTreeSet::new();
        };
        let waves = self.spec.waves.iter().filter(|wave| wave.approval);
        waves.map(|wave| format!("{}/{}", release.id.0, wave.name)).collect()
    }

    /// To the next moment at which anything changes.
    fn advance(&mut self, applier: &Applier, stale: Option<&Applier>) {
        let mut next: Vec<jiff::Timestamp> = self.world.changes();
        next.extend(self.trouble.iter().map(|(at, _)| *at));
        next.extend(self.healing.iter().map(|(at, _)| *at));
        next.extend(applier.moments(&self.world));
        next.extend(stale.into_iter().flat_map(|stale| stale.moments(&self.world)));
        let soonest = self.world.now + seconds(1);
        let latest = self.world.now + seconds(60);
        let at = next.into_iter().filter(|at| *at > self.world.now).min().unwrap_or(latest);
        self.world.now = at.clamp(soonest, latest);
    }

    fn strike(&mut self, fault: &Fault) {
        let now = self.world.now;
        match fault {
            Fault::Cut(site, time) => {
                self.world.site(NAMES[*site]).answers = false;
                self.healing.push((now + seconds(u64::try_from(*time).unwrap_or(1)), *site));
            }
            Fault::Clock(skew) => self.world.skew = *skew,
            Fault::Pods(site, color, time) => {
                if let Some(side) = self.world.site(NAMES[*site]).sides.get_mut(color) {
                    side.down_until = Some(now + seconds(u64::try_from(*time).unwrap_or(1)));
                }
            }
            Fault::Resize(site, size) => {
                if let Some(color) = self.world.serving(NAMES[*site])
                    && let Some(side) = self.world.site(NAMES[*site]).sides.get_mut(&color)
                    && side.replicas > 0
                {
                    side.replicas = *size;
                }
            }
            Fault::Foreign(site, weight) => {
                let site = self.world.site(NAMES[*site]);
                if site.green.is_some() {
                    site.green = Some(*weight);
                    site.foreign = Some("changed by hand".to_owned());
                }
            }
            Fault::Accept(site, is) => self.world.site(NAMES[*site]).accepted = *is,
            Fault::Refuse(site, is) => {
                self.world.site(NAMES[*site]).refuses = (!is).then(|| "denied by policy".to_owned());
            }
            Fault::Kill(_) | Fault::Rival(_) | Fault::Interrupt => {}
        }
    }

    /// Good versions get there, and within a few applies.
    fn apply_in_calm(&mut self, number: usize, applies: usize) -> Result<(), String> {
        let wanted = version(&name_of(number));
        let mut last = None;
        let mut why = String::new();
        for _ in 0..applies {
            last = self.apply(number)?;
            match self.watch.settled(&self.world, &wanted) {
                Ok(()) if last == Some(Ended::Completed) => return Ok(()),
                Ok(()) => {}
                Err(missing) => why = missing,
            }
        }
        Err(format!(
            "{} does not get there in {applies} applies; the last one ended {last:?}; {why}",
            wanted.0
        ))
    }
}

/// A schedule in which nothing is special, to be changed by tables.
pub(super) fn plain() -> Schedule {
    let mut spec = spec(vec![wave("w0", &["gcp"]), wave("w1", &["aws", "azure"])]);
    spec.strategy = Strategy::BlueGreen;
    spec.progress_deadline = seconds(40);
    spec.rollback_deadline = seconds(40);
    Schedule {
        spec,
        applies: vec![1],
        pods: vec![vec![Pods::Ready(2); NAMES.len()]; 3],
        rates: vec![1.0; 3],
        faults: Vec::new(),
        delays: vec![1],
    }
}

/// Phases in which nothing of the release is judged any more.
pub(super) fn after_the_verdict(phase: Phase) -> bool {
    matches!(phase, Phase::Finalising | Phase::Completed)
}
