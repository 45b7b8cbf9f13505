//! Nothing is under way: what the clusters lack decides what begins.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Desired, Occasion, Refused};
use crate::names::ClusterName;
use crate::release::color::Color;
use crate::release::journal::{
    Active, ClusterState, Extent, Journal, Phase, Release, ReleaseId, Stage, Version, WaveState,
};
use crate::release::observed::{ClusterStanding, Standing};
use crate::release::spec::{OnFailedRelease, Promotion, ReleaseSpec, Strategy};

pub(super) struct Beginning<'a> {
    pub(super) spec: &'a ReleaseSpec,
    pub(super) desired: &'a Desired,
    pub(super) standing: &'a Standing,
    pub(super) now: Timestamp,
    /// Clusters that the release before left out of DNS.
    pub(super) withdrawn: BTreeSet<ClusterName>,
}

/// A cluster to which nothing was done.
pub(super) fn pending(desired: &Desired, name: &ClusterName, now: Timestamp) -> ClusterState {
    ClusterState {
        stage: Stage::Pending,
        since: now,
        replicas: desired.replicas.get(name).copied().unwrap_or(1),
        served: None,
        kept: false,
        weight: None,
        overrule: false,
        withdrawn: false,
        silent: None,
        failure: None,
    }
}

impl Beginning<'_> {
    pub(super) fn start(&self, journal: &mut Journal) -> Result<(), Refused> {
        match journal.active.clone() {
            Some(active) if active.version == self.desired.version => {
                self.align(journal, &active);
                Ok(())
            }
            active => self.bring(journal, active.as_ref()),
        }
    }

    /// The version is active. Clusters that lack it get it.
    fn align(&self, journal: &mut Journal, active: &Active) {
        let failed = self.just_failed(journal);
        let lacking: Vec<(&ClusterName, &ClusterStanding)> = self
            .answering()
            .filter(|(name, standing)| {
                !failed.contains_key(*name) && (!self.has(standing, active) || self.withdrawn.contains(*name))
            })
            .collect();
        if self.gather(journal, active.color, &failed) {
            return;
        }
        let in_way: Vec<&ClusterName> = lacking
            .iter()
            .filter(|(_, standing)| self.serves_other(standing, active.color))
            .map(|(name, _)| *name)
            .collect();
        let plain: Vec<&ClusterName> =
            lacking.iter().map(|(name, _)| *name).filter(|name| !in_way.contains(name)).collect();
        if !plain.is_empty() {
            self.begin_part(
                journal,
                &plain,
                (active.color, &self.desired.version),
                !in_way.is_empty(),
                failed,
            );
        } else if !in_way.is_empty() {
            self.begin_part(journal, &in_way, (active.color.other(), &self.desired.version), true, failed);
        } else if failed.is_empty() {
            // Who is to be put back into DNS and does not answer must not be forgotten.
            journal.release.take_if(|release| release.phase != Phase::Completed && self.withdrawn.is_empty());
            if let Some(release) = &mut journal.release {
                release.then_again = false;
            }
        } else if let Some(release) = &mut journal.release {
            release.then_again = false;
        }
    }

    /// Another version than the active one, or the first.
    fn bring(&self, journal: &mut Journal, active: Option<&Active>) -> Result<(), Refused> {
        self.refuse_what_failed(journal)?;
        let to = active.map_or(Color::Blue, |active| active.color.other());
        let failed = self.just_failed(journal);
        let in_way: Vec<&ClusterName> = self
            .answering()
            .filter(|(name, standing)| {
                active.is_some() && !failed.contains_key(*name) && self.serves_other(standing, to)
            })
            .map(|(name, _)| name)
            .collect();
        let previous = journal.last.as_ref().or(active.map(|active| &active.release));
        let id = ReleaseId::new(&self.desired.version, previous);
        let mut release = self.release(id.clone(), to, self.spec.clusters().iter());
        release.fast = active.is_some_and(|active| self.is_warm(active));
        if !release.fast {
            self.check_approvals(&release)?;
            let approved = self.spec.approved.contains(&release.id.0);
            let waits = match self.spec.promotion {
                Promotion::Auto => false,
                Promotion::NextApply => true,
                Promotion::Explicit => !approved,
            };
            if waits && active.is_some() {
                release.phase = Phase::Preparing;
            } else if approved {
                release.approvals.push(release.id.0.clone());
            }
        }
        if active.is_some() && self.gather(journal, to, &failed) {
            return Ok(());
        }
        if !in_way.is_empty() {
            self.begin_part(journal, &in_way, (to.other(), &self.desired.version), true, failed);
            return Ok(());
        }
        journal.last = Some(id);
        journal.release = Some(release);
        Ok(())
    }

    /// Where traffic is divided and a share of it goes to the colour that is to be made anew, it is first brought together in one
    /// of the two as they stand. Whether that is begun.
    fn gather(&self, journal: &mut Journal, to: Color, failed: &BTreeMap<ClusterName, ClusterState>) -> bool {
        let divided: Vec<(&ClusterName, (Color, &Version))> = self
            .answering()
            .filter(|(name, _)| !failed.contains_key(*name))
            .filter_map(|(name, standing)| Some((name, self.gathers_in(standing, to)?)))
            .collect();
        let Some((_, place)) = divided.first().copied() else { return false };
        let alike: Vec<&ClusterName> =
            divided.iter().filter(|(_, other)| *other == place).map(|(name, _)| *name).collect();
        self.begin_part(journal, &alike, place, true, failed.clone());
        true
    }

    /// Where the traffic of a cluster is to be brought together before `to` is made anew there, if it has to be.
    fn gathers_in<'s>(&self, standing: &'s ClusterStanding, to: Color) -> Option<(Color, &'s Version)> {
        let runs = |color: Color| standing.colors.get(&color).filter(|color| color.replicas > 0);
        let (target, other) = (runs(to)?, runs(to.other())?);
        if self.in_place() || standing.serving.is_some() || target.version == self.desired.version {
            return None;
        }
        if other.ready_endpoints == 0 && target.ready_endpoints > 0 {
            return Some((to, &target.version));
        }
        Some((to.other(), &other.version))
    }

    fn refuse_what_failed(&self, journal: &Journal) -> Result<(), Refused> {
        let Some(failed) = &journal.last_failed else { return Ok(()) };
        let again = failed.version == self.desired.version && failed.retry_token == self.spec.retry_token;
        if again && self.spec.on_failed_release == OnFailedRelease::Block {
            return Err(Refused::FailedBefore {
                version: failed.version.clone(),
                id: failed.id.clone(),
                why: failed.failure.message.clone(),
            });
        }
        Ok(())
    }

    /// A release of some clusters. What has just failed is remembered in it, so that it does not count as done.
    fn begin_part(
        &self,
        journal: &mut Journal,
        clusters: &[&ClusterName],
        (to, brought): (Color, &Version),
        then_again: bool,
        failed: BTreeMap<ClusterName, ClusterState>,
    ) {
        let version = Version(format!("{} in {to} on {} of the clusters", brought.0, clusters.len()));
        let previous = journal.last.as_ref().or(journal.active.as_ref().map(|active| &active.release));
        let mut release = self.release(ReleaseId::new(&version, previous), to, clusters.iter().copied());
        release.version = brought.clone();
        release.extent = Extent::Part;
        release.then_again = then_again;
        release.clusters.extend(failed);
        journal.release = Some(release);
    }

    fn release<'c>(
        &self,
        id: ReleaseId,
        to: Color,
        clusters: impl Iterator<Item = &'c ClusterName>,
    ) -> Release {
        Release {
            id,
            version: self.desired.version.clone(),
            to,
            started: self.now,
            phase: Phase::Rolling,
            since: self.now,
            clusters: clusters
                .map(|name| {
                    let withdrawn = self.withdrawn.contains(name);
                    (name.clone(), ClusterState { withdrawn, ..pending(self.desired, name, self.now) })
                })
                .collect(),
            wave: WaveState::default(),
            analysis: None,
            fast: false,
            extent: Extent::All,
            back_to: None,
            then_again: false,
            retry_token: self.spec.retry_token.clone(),
            failure: None,
            freeze_override: None,
            approvals: Vec::new(),
        }
    }

    fn answering(&self) -> impl Iterator<Item = (&ClusterName, &ClusterStanding)> {
        let wanted = self.spec.clusters();
        self.standing
            .clusters
            .iter()
            .filter(move |(name, _)| wanted.contains(*name))
            .filter_map(|(name, standing)| standing.as_ref().map(|standing| (name, standing)))
    }

    /// Clusters that the part of this apply before this one could not bring on.
    fn just_failed(&self, journal: &Journal) -> BTreeMap<ClusterName, ClusterState> {
        match &journal.release {
            Some(release) if self.desired.occasion == Occasion::Again && release.extent == Extent::Part => {
                let failed = release.clusters.iter().filter(|(_, state)| state.stage != Stage::Finished);
                failed.map(|(name, state)| (name.clone(), state.clone())).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    fn in_place(&self) -> bool {
        self.spec.strategy == Strategy::InPlace
    }

    /// Whether a cluster has what is active, in order and with all traffic.
    fn has(&self, standing: &ClusterStanding, active: &Active) -> bool {
        let color = standing.colors.get(&active.color);
        let made =
            color.is_some_and(|color| color.version == active.version && color.applied && color.replicas > 0);
        made && (self.in_place() || standing.serving == Some(active.color))
    }

    /// Whether the colour that is to be made anew serves another version here: it must not be touched.
    fn serves_other(&self, standing: &ClusterStanding, to: Color) -> bool {
        !self.in_place()
            && standing.serving == Some(to)
            && standing
                .colors
                .get(&to)
                .is_some_and(|color| color.version != self.desired.version && color.replicas > 0)
    }

    /// Whether the version stands ready in the other colour on every cluster.
    fn is_warm(&self, active: &Active) -> bool {
        let clusters = self.spec.clusters();
        !self.in_place()
            && clusters.iter().all(|name| {
                let Some(Some(standing)) = self.standing.clusters.get(name) else { return false };
                let idle = standing.colors.get(&active.color.other());
                standing.serving == Some(active.color)
                    && idle.is_some_and(|color| {
                        color.version == self.desired.version
                            && color.applied
                            && color.replicas > 0
                            && color.ready_endpoints >= color.replicas
                    })
            })
    }
}
