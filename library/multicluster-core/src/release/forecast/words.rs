//! What is done, in words.

use std::collections::BTreeMap;

use super::duration::text;
use crate::names::ClusterName;
use crate::release::action::Action;
use crate::release::journal::{Extent, Journal, Phase, Release, Stage};
use crate::release::next::waves;
use crate::release::spec::{Promotion, ReleaseSpec, Step, Strategy};

/// One release within an apply.
pub(super) struct Segment<'a> {
    spec: &'a ReleaseSpec,
    head: String,
    straight: bool,
    back: bool,
    /// What is done on each cluster, in order.
    done: BTreeMap<ClusterName, Vec<String>>,
    let_go: Vec<ClusterName>,
}

impl<'a> Segment<'a> {
    pub(super) fn new(spec: &'a ReleaseSpec, journal: &Journal, workload: &str) -> Self {
        let first = journal.active.is_none();
        let release = journal.release.as_ref();
        Self {
            spec,
            head: release.map(|release| head(spec, release, workload)).unwrap_or_default(),
            straight: release.is_none_or(|release| release.fast || release.extent == Extent::Part) || first,
            back: release.is_some_and(|release| release.phase == Phase::RollingBack),
            done: BTreeMap::new(),
            let_go: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, release: &Release, action: &Action) {
        let (cluster, word) = match action {
            Action::Prepare { cluster, color, replicas } => {
                let what = match self.spec.strategy {
                    Strategy::InPlace if *color == release.to => format!("update {}", count(*replicas)),
                    Strategy::InPlace => format!("update {} back", count(*replicas)),
                    Strategy::BlueGreen if *color == release.to => format!("prepare {}", count(*replicas)),
                    Strategy::BlueGreen => format!("prepare {} of {color}", count(*replicas)),
                };
                (cluster, what)
            }
            Action::Shift { cluster, to, .. } if *to != release.to => {
                (cluster, format!("all traffic to {to}"))
            }
            Action::Shift { cluster, step, .. } => (cluster, self.step(cluster, *step)),
            Action::LetGo { cluster, color } if *color == release.to => (cluster, format!("let {color} go")),
            Action::LetGo { cluster, .. } => {
                self.let_go.push(cluster.clone());
                return;
            }
            Action::WithdrawDns { cluster } => {
                let wait = self.spec.dns.as_ref().map(|dns| text(dns.wait)).unwrap_or_default();
                (cluster, format!("out of DNS ({wait})"))
            }
            Action::ReturnDns { cluster } => (cluster, "back into DNS".to_owned()),
            Action::Measure { .. } => return,
        };
        let words = self.done.entry(cluster.clone()).or_default();
        if words.last() != Some(&word) {
            words.push(word);
        }
    }

    fn step(&self, cluster: &ClusterName, index: Option<usize>) -> String {
        let wave = self.spec.wave_of(cluster).and_then(|wave| self.spec.waves.get(wave));
        match (wave, index.and_then(|index| wave.and_then(|wave| wave.steps.get(index)))) {
            (_, Some(step)) => step_words(step),
            _ => "100 %".to_owned(),
        }
    }

    /// The lines of what was done, and what it comes to.
    pub(super) fn end(&mut self, release: &Release) -> Vec<String> {
        let mut lines = vec![std::mem::take(&mut self.head)];
        let mut waves: Vec<(String, Vec<ClusterName>)> = self.named(release);
        if self.back {
            waves.reverse();
        }
        for (name, clusters) in waves {
            let words: Vec<(&ClusterName, &Vec<String>)> =
                clusters.iter().filter_map(|cluster| self.done.get_key_value(cluster)).collect();
            if words.is_empty() {
                continue;
            }
            lines.push(format!("  wave {name}"));
            lines.extend(words.iter().map(|(cluster, words)| format!("    {cluster}: {}", words.join(", "))));
            lines.extend(self.watching(&name, &clusters, release));
        }
        lines.extend(self.after(release));
        lines
    }

    fn named(&self, release: &Release) -> Vec<(String, Vec<ClusterName>)> {
        let names = self.spec.waves.iter().map(|wave| wave.name.clone());
        let waves = waves(self.spec, release);
        if waves.len() == 1 && (release.fast || release.extent == Extent::Part) {
            return waves.into_iter().map(|clusters| ("of all".to_owned(), clusters)).collect();
        }
        names.chain(std::iter::once("rest".to_owned())).zip(waves).collect()
    }

    /// How a wave is watched before the next one begins.
    fn watching(&self, name: &str, clusters: &[ClusterName], release: &Release) -> Option<String> {
        let through = |name: &ClusterName| {
            let stage = release.clusters.get(name).map(|state| state.stage);
            matches!(stage, Some(Stage::Switched | Stage::Finished))
        };
        let straight =
            self.straight && !(self.spec.analyse_first && release.extent == Extent::All && !release.fast);
        if self.back || straight || !clusters.iter().any(through) {
            return None;
        }
        let soak =
            self.spec.waves.iter().find(|wave| wave.name == name).map(|wave| wave.soak).unwrap_or_default();
        let metrics = self.metrics();
        match (soak.is_zero(), metrics) {
            (true, None) => None,
            (true, Some(metrics)) => Some(format!("    judged by {metrics}")),
            (false, None) => Some(format!("    soak {}", text(soak))),
            (false, Some(metrics)) => Some(format!("    soak {}, judged by {metrics}", text(soak))),
        }
    }

    fn metrics(&self) -> Option<String> {
        let analysis = self.spec.analysis.as_ref()?;
        let names: Vec<&str> = analysis
            .metrics
            .iter()
            .filter(|metric| !metric.dry_run)
            .map(|metric| metric.name.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn after(&self, release: &Release) -> Vec<String> {
        let mut lines = Vec::new();
        let holds = !self.straight && !self.back && release.phase == Phase::Completed;
        if holds && !self.spec.hold.is_zero() {
            lines.push(format!("  hold {}", text(self.spec.hold)));
        }
        if !self.let_go.is_empty() {
            let names: Vec<&str> = self.let_go.iter().map(ClusterName::as_str).collect();
            lines.push(format!("  let {} go: {}", release.to.other(), names.join(", ")));
        }
        if !self.spec.freeze.is_empty() && !self.straight && !self.back && self.spec.freeze_override.is_none()
        {
            lines.push("  no wave begins while a freeze window holds".to_owned());
        }
        let id = &release.id.0;
        match release.phase {
            Phase::AwaitingPromotion if self.spec.promotion == Promotion::Explicit => {
                lines.push(format!("  waits for the approval `{id}`"));
            }
            Phase::AwaitingPromotion => lines.push("  waits: the next apply switches".to_owned()),
            Phase::AwaitingApproval => {
                let wave = self.spec.waves.get(release.wave.index).map_or("", |wave| wave.name.as_str());
                lines.push(format!("  waits for the approval `{id}/{wave}`"));
            }
            _ => {}
        }
        lines
    }
}

fn head(spec: &ReleaseSpec, release: &Release, workload: &str) -> String {
    let Release { id, version, to, .. } = release;
    let what = format!("release {}: {workload} {}", id.0, version.0);
    if release.phase == Phase::RollingBack {
        return match spec.strategy {
            Strategy::BlueGreen => format!("{what} is taken back to {}", to.other()),
            Strategy::InPlace => format!("{what} is taken back"),
        };
    }
    let begun = release.clusters.values().any(|state| state.stage != Stage::Pending);
    let way = match (release.extent, release.fast) {
        (Extent::Part, _) => " where it is missing",
        (Extent::All, true) => ", whose pods are warm",
        (Extent::All, false) if begun => ", goes on",
        (Extent::All, false) => "",
    };
    match spec.strategy {
        Strategy::BlueGreen => format!("{what} → {to}{way}"),
        Strategy::InPlace => format!("{what} where it stands{way}"),
    }
}

fn count(replicas: u32) -> String {
    if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") }
}

fn step_words(step: &Step) -> String {
    let names: Vec<&str> = step.headers.keys().map(String::as_str).collect();
    let headers =
        if names.is_empty() { String::new() } else { format!(" and by header {}", names.join(", ")) };
    let mirror = step.mirror.filter(|share| *share > 0);
    let mirror = mirror.map_or_else(String::new, |share| format!(" and {share} % mirrored"));
    let pause = if step.pause.is_zero() { String::new() } else { format!(" ({})", text(step.pause)) };
    format!("{} %{headers}{mirror}{pause}", step.weight)
}
