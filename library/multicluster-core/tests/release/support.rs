//! Specs, and a world that does what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use multicluster_core::analysis::value::{Measured, Outcome, Value};
use multicluster_core::analysis::{
    AnalysisSpec, Condition, Counting, Measurement, Metric, Scope, SourceName,
};
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::{Action, Ended, Next};
use multicluster_core::release::begin::{Desired, Occasion, Refused};
use multicluster_core::release::journal::{Journal, Phase, Release, Stage, Version};
use multicluster_core::release::observed::{
    ClusterStanding, ClusterView, ColorStanding, ColorView, Observed, Seen, Standing, TrafficView,
};
use multicluster_core::release::spec::{
    MaxFailures, OnFailedRelease, OnFailure, OnInterrupt, Promotion, ReleaseSpec, Step, Strategy, Wave,
};
use multicluster_core::release::{Color, begin, next};

pub(crate) fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    Version(text.to_owned())
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn wave(name: &str, clusters: &[&str]) -> Wave {
    Wave {
        name: name.to_owned(),
        clusters: clusters.iter().copied().map(cluster).collect(),
        max_parallel: None,
        max_failures: MaxFailures::Clusters(0),
        soak: Duration::ZERO,
        steps: vec![Step::weight(100)],
        approval: false,
    }
}

pub(crate) fn spec(waves: Vec<Wave>) -> ReleaseSpec {
    ReleaseSpec {
        strategy: Strategy::BlueGreen,
        waves,
        analysis: None,
        analyse_first: false,
        promotion: Promotion::Auto,
        approved: BTreeSet::new(),
        on_failure: OnFailure::RollbackAll,
        on_failed_release: OnFailedRelease::Retry,
        retry_token: None,
        on_interrupt: OnInterrupt::Pause,
        hold: Duration::ZERO,
        progress_deadline: seconds(120),
        rollback_deadline: seconds(90),
        freeze: Vec::new(),
        freeze_override: None,
        dns: None,
    }
}

/// `aws` and `azure` after `gcp`.
pub(crate) fn two_waves() -> ReleaseSpec {
    spec(vec![wave("first", &["gcp"]), wave("rest", &["aws", "azure"])])
}

pub(crate) fn analysis(scope: Scope) -> AnalysisSpec {
    let mut metric = Metric::new("success-rate", SourceName("main".to_owned()), "rate");
    metric.scope = scope;
    metric.interval = Some(seconds(5));
    metric.success_condition = Some(Condition::parse("result >= 0.9").unwrap());
    AnalysisSpec {
        metrics: vec![metric],
        counting: Counting::Ours,
        args: BTreeMap::new(),
        error_retry_interval: None,
    }
}

/// What pods of a version do on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pods {
    /// Ready after so many seconds.
    Ready(u64),
    /// Never ready, and nobody says why.
    Hang,
    /// They crash, and it shows.
    Crash,
    /// Ready at once; all die so many seconds after users reach them.
    Die(u64),
}

/// One colour of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    pub(crate) version: Option<Version>,
    pub(crate) replicas: u32,
    /// When it got its size and version.
    pub(crate) made: Option<Timestamp>,
    /// When users first reached it.
    pub(crate) reached: Option<Timestamp>,
    /// Its pods were killed: not ready before then.
    pub(crate) down_until: Option<Timestamp>,
}

/// One cluster of the world.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) answers: bool,
    pub(crate) sides: BTreeMap<Color, Side>,
    /// The share of green; `None`: nothing was ever led.
    pub(crate) green: Option<u8>,
    pub(crate) step: Step,
    /// Whose rules of a step stand: those that lead to this colour.
    pub(crate) rules_to: Color,
    pub(crate) accepted: bool,
    pub(crate) foreign: Option<String>,
    pub(crate) in_dns: bool,
    pub(crate) epoch: u64,
    pub(crate) journal: Option<Journal>,
    pub(crate) refuses: Option<String>,
}

/// The world: it does what actions say, a second later.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    /// By how much the clock of who applies is ahead, in seconds.
    pub(crate) skew: i64,
    pub(crate) sites: BTreeMap<ClusterName, Site>,
    /// How pods of a version behave; the entry of the cluster before the one of all.
    pub(crate) behaviour: BTreeMap<(Option<ClusterName>, Version), Pods>,
    /// What a metric brings for a version; 1 unless said.
    pub(crate) rates: BTreeMap<Version, f64>,
    pub(crate) log: Vec<(Timestamp, Action)>,
    /// What happened, for people.
    pub(crate) trace: Vec<String>,
}

impl World {
    pub(crate) fn new(names: &[&str]) -> Self {
        let site = Site {
            answers: true,
            sides: BTreeMap::new(),
            green: None,
            step: Step::weight(0),
            rules_to: Color::Blue,
            accepted: true,
            foreign: None,
            in_dns: true,
            epoch: 0,
            journal: None,
            refuses: None,
        };
        Self {
            now: at(0),
            skew: 0,
            sites: names.iter().map(|name| (cluster(name), site.clone())).collect(),
            behaviour: BTreeMap::new(),
            rates: BTreeMap::new(),
            log: Vec::new(),
            trace: Vec::new(),
        }
    }

    pub(crate) fn say(&mut self, what: impl std::fmt::Display) {
        let second = self.now.duration_since(at(0)).as_secs();
        self.trace.push(format!("{second:5} {what}"));
    }

    /// The time as who applies has it.
    pub(crate) fn clock(&self) -> Timestamp {
        self.now.checked_add(SignedDuration::from_secs(self.skew)).unwrap()
    }

    pub(crate) fn site(&mut self, name: &str) -> &mut Site {
        self.sites.get_mut(&cluster(name)).unwrap()
    }

    pub(crate) fn behave(&mut self, name: Option<&str>, text: &str, pods: Pods) {
        self.behaviour.insert((name.map(cluster), version(text)), pods);
    }

    pub(crate) fn pods(&self, name: &ClusterName, version: &Version) -> Pods {
        let own = self.behaviour.get(&(Some(name.clone()), version.clone()));
        let all = self.behaviour.get(&(None, version.clone()));
        own.or(all).copied().unwrap_or(Pods::Ready(3))
    }

    /// The truth: ready endpoints of a colour.
    pub(crate) fn ready(&self, name: &ClusterName, color: Color) -> u32 {
        let Some(side) = self.sites[name].sides.get(&color) else { return 0 };
        let (Some(version), Some(made)) = (&side.version, side.made) else { return 0 };
        let past = |from: Timestamp, wait: u64| {
            self.now.duration_since(from).as_secs() >= i64::try_from(wait).unwrap()
        };
        if side.down_until.is_some_and(|until| self.now < until) {
            return 0;
        }
        let up = match self.pods(name, version) {
            Pods::Ready(wait) => past(made, wait),
            Pods::Hang | Pods::Crash => false,
            Pods::Die(wait) => side.reached.is_none_or(|reached| !past(reached, wait)),
        };
        if up { side.replicas } else { 0 }
    }

    /// The share of a colour.
    pub(crate) fn share(&self, name: &ClusterName, color: Color) -> u8 {
        let green = self.sites[name].green;
        match color {
            Color::Green => green.unwrap_or(0),
            Color::Blue => green.map_or(0, |green| 100 - green),
        }
    }

    /// The colour that all traffic goes to.
    pub(crate) fn serving(&self, name: &str) -> Option<Color> {
        Color::BOTH.into_iter().find(|color| self.share(&cluster(name), *color) == 100)
    }

    /// The version that all users of a cluster get.
    pub(crate) fn served(&self, name: &str) -> Option<Version> {
        let color = self.serving(name)?;
        self.sites[&cluster(name)].sides.get(&color).and_then(|side| side.version.clone())
    }

    /// When pods change by themselves.
    pub(crate) fn changes(&self) -> Vec<Timestamp> {
        let mut moments = Vec::new();
        for (name, site) in &self.sites {
            for side in site.sides.values() {
                moments.extend(side.down_until);
                let Some(version) = &side.version else { continue };
                match self.pods(name, version) {
                    Pods::Ready(wait) => moments.extend(side.made.map(|made| made + seconds(wait))),
                    Pods::Die(wait) => moments.extend(side.reached.map(|reached| reached + seconds(wait))),
                    Pods::Hang | Pods::Crash => {}
                }
            }
        }
        moments
    }

    fn failing(&self, name: &ClusterName, color: Color) -> Option<String> {
        let side = self.sites[name].sides.get(&color)?;
        let crashes = self.pods(name, side.version.as_ref()?) == Pods::Crash;
        (crashes && side.replicas > 0).then(|| "CrashLoopBackOff".to_owned())
    }

    pub(crate) fn observe(&self, spec: &ReleaseSpec, release: Option<&Release>) -> Observed {
        let mut observed = Observed::default();
        let Some(release) = release else { return observed };
        for (name, site) in &self.sites {
            let view = if site.answers {
                ClusterView::Seen(Box::new(self.seen(spec, release, name, site)))
            } else {
                ClusterView::Unreachable { error: "connection refused".to_owned() }
            };
            observed.clusters.insert(name.clone(), view);
        }
        observed
    }

    fn seen(&self, spec: &ReleaseSpec, release: &Release, name: &ClusterName, site: &Site) -> Seen {
        let wanted = release.clusters.get(name).map_or(0, |state| state.replicas);
        let view = |color: Color| {
            site.sides.get(&color).map(|side| ColorView {
                applied: if color == release.to {
                    side.version.as_ref() == Some(&release.version) && side.replicas >= wanted.min(1)
                } else {
                    side.version.is_some() && side.replicas > 0
                },
                replicas: side.replicas,
                ready_endpoints: self.ready(name, color),
                failing: self.failing(name, color),
            })
        };
        Seen {
            old: view(release.to.other()),
            new: view(release.to).unwrap_or_default(),
            traffic: site.green.map(|_| TrafficView {
                weight: self.share(name, release.to),
                headers: if site.rules_to == release.to {
                    site.step.headers.clone()
                } else {
                    BTreeMap::new()
                },
                mirror: if site.rules_to == release.to { site.step.mirror } else { None },
                accepted: site.accepted,
                foreign: site.foreign.clone(),
            }),
            in_dns: spec.dns.as_ref().map(|_| site.in_dns),
            refused: site.refuses.clone(),
        }
    }

    pub(crate) fn standing(&self, wanted: &Version) -> Standing {
        let stand = |name: &ClusterName, site: &Site| ClusterStanding {
            colors: site
                .sides
                .iter()
                .filter_map(|(color, side)| {
                    let version = side.version.clone()?;
                    let standing = ColorStanding {
                        applied: side.replicas > 0 || version != *wanted,
                        version,
                        replicas: side.replicas,
                        ready_endpoints: self.ready(name, *color),
                    };
                    Some((*color, standing))
                })
                .collect(),
            serving: Color::BOTH.into_iter().find(|color| self.share(name, *color) == 100),
        };
        let clusters = self
            .sites
            .iter()
            .map(|(name, site)| (name.clone(), site.answers.then(|| stand(name, site))))
            .collect();
        Standing { clusters }
    }

    /// Carries out an action that was begun by an apply of some epoch.
    pub(crate) fn perform(&mut self, spec: &ReleaseSpec, release: &Release, epoch: u64, action: &Action) {
        let now = self.now;
        let steps = |name: &ClusterName, index: usize| {
            let wave = spec.waves.iter().find(|wave| wave.clusters.contains(name)).unwrap();
            wave.steps[index].clone()
        };
        let name = match action {
            Action::Prepare { cluster, .. }
            | Action::Shift { cluster, .. }
            | Action::LetGo { cluster, .. }
            | Action::WithdrawDns { cluster }
            | Action::ReturnDns { cluster } => cluster,
            Action::Measure { .. } => return,
        };
        let lost = self.sites.get(name).is_none_or(|site| !site.answers || site.epoch > epoch);
        self.say(format!("{}{action:?}", if lost { "in vain: " } else { "" }));
        if lost {
            return;
        }
        let site = self.sites.get_mut(name).unwrap();
        self.log.push((now, action.clone()));
        match action {
            Action::Prepare { color, replicas, .. } => {
                let side = site.sides.entry(*color).or_default();
                let version =
                    if *color == release.to { Some(release.version.clone()) } else { side.version.clone() };
                if side.version != version || side.replicas < *replicas {
                    let reached = if side.version == version { side.reached } else { None };
                    *side = Side { version, replicas: *replicas, made: Some(now), reached, down_until: None };
                }
            }
            Action::Shift { step, to, .. } => {
                let step = step.map_or_else(|| Step::weight(100), |index| steps(name, index));
                let weight = step.weight;
                site.green = Some(if *to == Color::Green { weight } else { 100 - weight });
                site.rules_to = *to;
                site.step = step;
                site.foreign = None;
                if let Some(side) = site.sides.get_mut(to) {
                    side.reached.get_or_insert(now);
                }
            }
            Action::LetGo { color, .. } => {
                if let Some(side) = site.sides.get_mut(color) {
                    side.replicas = 0;
                }
            }
            Action::WithdrawDns { .. } => site.in_dns = false,
            Action::ReturnDns { .. } => site.in_dns = true,
            Action::Measure { .. } => {}
        }
    }

    pub(crate) fn measure(&self, release: &Release, metric: &str, name: Option<&ClusterName>) -> Measurement {
        let rate = self.rates.get(&release.version).copied().unwrap_or(1.0);
        Measurement {
            metric: metric.to_owned(),
            cluster: name.cloned(),
            started_at: self.clock(),
            finished_at: self.clock(),
            outcome: Outcome::Answered(Measured { value: Value::Scalar(rate), baseline: None }),
        }
    }
}

/// What became of an apply.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) journal: Journal,
    pub(crate) ended: Ended,
    /// The phases that it went through.
    pub(crate) phases: Vec<Phase>,
}

impl Applied {
    pub(crate) fn release(&self) -> &Release {
        self.journal.release.as_ref().unwrap()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.release().phase
    }

    pub(crate) fn stage(&self, name: &str) -> Stage {
        self.release().clusters[&cluster(name)].stage
    }

    pub(crate) fn message(&self) -> &str {
        &self.release().failure.as_ref().unwrap().message
    }
}

/// How long an apply may take in the world before it counts as stuck, in seconds.
const STUCK: u32 = 3600;

/// Users who apply versions, with a journal that is never lost.
pub(crate) struct Lab {
    pub(crate) world: World,
    pub(crate) spec: ReleaseSpec,
    pub(crate) journal: Option<Journal>,
    pub(crate) replicas: u32,
    /// Until when applies may last.
    pub(crate) until: Option<Timestamp>,
}

impl Lab {
    pub(crate) fn new(spec: ReleaseSpec) -> Self {
        let names: Vec<String> = spec.clusters().iter().map(ToString::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Self { world: World::new(&names), spec, journal: None, replicas: 3, until: None }
    }

    /// One more cluster, in the first wave.
    pub(crate) fn join(&mut self, name: &str) {
        self.spec.waves[0].clusters.push(cluster(name));
        self.world.sites.extend(World::new(&[name]).sites);
    }

    /// A lab in which a version serves everywhere.
    pub(crate) fn with(spec: ReleaseSpec, text: &str) -> Self {
        let mut lab = Self::new(spec.clone());
        lab.spec.promotion = Promotion::Auto;
        lab.spec.waves.iter_mut().for_each(|wave| wave.approval = false);
        lab.spec.freeze.clear();
        assert_eq!(lab.apply(text).unwrap().ended, Ended::Completed);
        lab.spec = spec;
        lab.world.log.clear();
        lab
    }

    pub(crate) fn desired(&self, text: &str, occasion: Occasion) -> Desired {
        Desired {
            version: version(text),
            instance: "lab".to_owned(),
            replicas: self.spec.clusters().into_iter().map(|name| (name, self.replicas)).collect(),
            occasion,
        }
    }

    pub(crate) fn begin(&mut self, text: &str, occasion: Occasion) -> Result<Journal, Refused> {
        let desired = self.desired(text, occasion);
        let standing = self.world.standing(&desired.version);
        begin(self.journal.as_ref(), &self.spec, &desired, &standing, self.world.clock())
    }

    /// An apply from beginning to end.
    pub(crate) fn apply(&mut self, text: &str) -> Result<Applied, Refused> {
        self.apply_while(text, |_, _| Happens::Nothing)
    }

    /// An apply; something happens before each look.
    pub(crate) fn apply_while(
        &mut self,
        text: &str,
        mut happens: impl FnMut(&mut World, &Journal) -> Happens,
    ) -> Result<Applied, Refused> {
        let mut journal = self.begin(text, Occasion::Apply)?;
        let mut phases = Vec::new();
        let mut measured = Vec::new();
        let mut interrupted = false;
        for _ in 0..STUCK {
            match happens(&mut self.world, &journal) {
                Happens::Nothing => {}
                Happens::Interrupt => interrupted = true,
                Happens::Kill => {
                    self.journal = Some(journal.clone());
                    return Ok(Applied { journal, ended: Ended::Interrupted, phases });
                }
            }
            let mut observed = self.world.observe(&self.spec, journal.release.as_ref());
            observed.measurements = std::mem::take(&mut measured);
            observed.interrupted = interrupted;
            observed.until = self.until;
            let step = next(&self.spec, &journal, &observed, self.world.clock());
            check_idempotent(&self.spec, &step, &observed, self.world.clock());
            journal = step.journal;
            if let Some(release) = &journal.release
                && phases.last() != Some(&release.phase)
            {
                phases.push(release.phase);
            }
            self.journal = Some(journal.clone());
            match step.ended {
                Some(Ended::Again) => {
                    journal = self.begin(text, Occasion::Again)?;
                    continue;
                }
                Some(ended) => return Ok(Applied { journal, ended, phases }),
                None => {}
            }
            assert!(
                step.wake.is_none_or(|wake| wake > self.world.clock()),
                "it is woken for what it could do now"
            );
            assert!(
                !step.actions.is_empty() || step.wake.is_some(),
                "nobody would ever look again: {journal:#?}"
            );
            let release = journal.release.as_ref().unwrap();
            for action in &step.actions {
                self.world.perform(&self.spec, release, u64::MAX, action);
                if let Action::Measure { metric, cluster } = action {
                    measured.push(self.world.measure(release, metric, cluster.as_ref()));
                }
            }
            self.world.now += seconds(1);
        }
        panic!("stuck: {journal:#?}");
    }

    /// The order in which traffic was led: cluster, step or all, colour.
    pub(crate) fn shifts(&self) -> Vec<String> {
        let mut shifts: Vec<String> = Vec::new();
        for (_, action) in &self.world.log {
            if let Action::Shift { cluster, step, to } = action {
                let step = step.map_or_else(|| "all".to_owned(), |step| step.to_string());
                shifts.push(format!("{cluster} {step} {to}"));
            }
        }
        shifts.dedup();
        shifts
    }
}

/// What happens to an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    Nothing,
    Interrupt,
    Kill,
}

/// `next` on its own journal changes nothing and gives the same.
pub(crate) fn check_idempotent(spec: &ReleaseSpec, step: &Next, observed: &Observed, now: Timestamp) {
    let again = next(spec, &step.journal, observed, now);
    assert_eq!(&again, step, "asked again, it says something else");
}
