//! A world in which every action does what it says at once, and pods are ready as soon as they are made.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::names::ClusterName;
use crate::release::action::Action;
use crate::release::begin::Desired;
use crate::release::color::Color;
use crate::release::journal::{Journal, Release, Version};
use crate::release::observed::{
    ClusterStanding, ClusterView, ColorStanding, ColorView, Observed, Seen, Standing, TrafficView,
};
use crate::release::spec::{ReleaseSpec, Step};

pub(super) struct World {
    pub(super) now: Timestamp,
    sites: BTreeMap<ClusterName, Site>,
}

struct Site {
    colors: BTreeMap<Color, ColorStanding>,
    /// How traffic is led: to which colour with which step.
    traffic: Option<(Color, Step)>,
    in_dns: bool,
}

impl World {
    pub(super) fn new(
        spec: &ReleaseSpec,
        journal: &Journal,
        desired: &Desired,
        standing: &Standing,
        now: Timestamp,
    ) -> Self {
        let released = journal.release.iter().flat_map(|release| release.clusters.keys().cloned());
        let names = spec.clusters().into_iter().chain(released);
        let sites = names
            .map(|name| {
                let assumed = || assumed(journal, desired, &name);
                let stands = standing.clusters.get(&name).cloned().flatten().unwrap_or_else(assumed);
                let site = site(journal, &name, stands);
                (name, site)
            })
            .collect();
        Self { now, sites }
    }

    pub(super) fn standing(&self) -> Standing {
        let stands = |site: &Site| ClusterStanding {
            colors: site.colors.clone(),
            serving: site.traffic.as_ref().and_then(|(to, step)| match step.weight {
                100 => Some(*to),
                0 => Some(to.other()),
                _ => None,
            }),
        };
        Standing {
            clusters: self.sites.iter().map(|(name, site)| (name.clone(), Some(stands(site)))).collect(),
        }
    }

    pub(super) fn observe(&self, spec: &ReleaseSpec, release: Option<&Release>) -> Observed {
        let Some(release) = release else { return Observed::default() };
        let view = |site: &Site, color: Color| {
            site.colors.get(&color).map(|stands| ColorView {
                applied: stands.replicas > 0
                    && stands.applied
                    && (color != release.to || stands.version == release.version),
                replicas: stands.replicas,
                ready_endpoints: stands.ready_endpoints,
                failing: None,
            })
        };
        let seen = |site: &Site| Seen {
            old: view(site, release.to.other()),
            new: view(site, release.to).unwrap_or_default(),
            traffic: site.traffic.as_ref().map(|(to, step)| {
                let ours = *to == release.to;
                TrafficView {
                    weight: if ours { step.weight } else { 100_u8.saturating_sub(step.weight) },
                    headers: if ours { step.headers.clone() } else { BTreeMap::new() },
                    mirror: if ours { step.mirror } else { None },
                    accepted: true,
                    foreign: None,
                }
            }),
            in_dns: spec.dns.as_ref().map(|_| site.in_dns),
            refused: None,
        };
        let clusters =
            self.sites.iter().map(|(name, site)| (name.clone(), ClusterView::Seen(Box::new(seen(site)))));
        Observed { clusters: clusters.collect(), ..Observed::default() }
    }

    pub(super) fn perform(&mut self, release: &Release, spec: &ReleaseSpec, action: &Action) {
        match action {
            Action::Prepare { cluster, color, replicas } => {
                let Some(site) = self.sites.get_mut(cluster) else { return };
                let had = site.colors.get(color).map(|stands| stands.version.clone());
                let version = if *color == release.to { Some(release.version.clone()) } else { had };
                let version = version.unwrap_or_else(|| Version(String::new()));
                let stands =
                    ColorStanding { version, applied: true, replicas: *replicas, ready_endpoints: *replicas };
                site.colors.insert(*color, stands);
            }
            Action::Shift { cluster, step, to } => {
                let steps =
                    spec.wave_of(cluster).and_then(|index| spec.waves.get(index)).map(|wave| &wave.steps);
                let rules = step.and_then(|index| steps.and_then(|steps| steps.get(index)).cloned());
                if let Some(site) = self.sites.get_mut(cluster) {
                    site.traffic = Some((*to, rules.unwrap_or_else(|| Step::weight(100))));
                }
            }
            Action::LetGo { cluster, color } => {
                let site = self.sites.get_mut(cluster);
                if let Some(stands) = site.and_then(|site| site.colors.get_mut(color)) {
                    stands.replicas = 0;
                    stands.ready_endpoints = 0;
                }
            }
            Action::WithdrawDns { cluster } | Action::ReturnDns { cluster } => {
                if let Some(site) = self.sites.get_mut(cluster) {
                    site.in_dns = matches!(action, Action::ReturnDns { .. });
                }
            }
            Action::Measure { .. } => {}
        }
    }
}

/// What a cluster that does not answer is taken for.
fn assumed(journal: &Journal, desired: &Desired, name: &ClusterName) -> ClusterStanding {
    let Some(active) = &journal.active else { return ClusterStanding::default() };
    let replicas = desired.replicas.get(name).copied().unwrap_or(1);
    let stands =
        ColorStanding { version: active.version.clone(), applied: true, replicas, ready_endpoints: replicas };
    ClusterStanding { colors: BTreeMap::from([(active.color, stands)]), serving: Some(active.color) }
}

/// All that is there is taken for ready. Where traffic is divided, the journal knows how.
fn site(journal: &Journal, name: &ClusterName, mut stands: ClusterStanding) -> Site {
    for color in stands.colors.values_mut() {
        color.ready_endpoints = color.replicas;
    }
    let led = journal.release.as_ref().and_then(|release| {
        let state = release.clusters.get(name)?;
        Some((release.to, Step::weight(state.weight?)))
    });
    let divided = stands.colors.values().filter(|color| color.replicas > 0).count() > 1;
    let traffic = match stands.serving {
        Some(color) => Some((color, Step::weight(100))),
        None => led.filter(|_| divided),
    };
    let withdrawn = journal.release.as_ref().and_then(|release| release.clusters.get(name));
    let in_dns = withdrawn.is_none_or(|state| !state.withdrawn);
    Site { colors: stands.colors, traffic, in_dns }
}
