//! What must hold, judged by the world.

use std::collections::BTreeSet;

use multicluster_core::names::ClusterName;
use multicluster_core::release::Color;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::journal::{Extent, Journal, Phase, Release, Stage, Version};

use super::schedule::after_the_verdict;
use crate::support::{Pods, World};

pub(super) struct Watch {
    /// Clusters on which a complete release serves: from then on somebody must always serve there.
    established: BTreeSet<ClusterName>,
    /// Clusters all of whose users were answered at the last look.
    well: BTreeSet<ClusterName>,
    /// Whether somebody changes weights by hand: then nobody can promise where traffic is.
    foreign: bool,
}

impl Watch {
    pub(super) fn new(foreign: bool) -> Self {
        Self { established: BTreeSet::new(), well: BTreeSet::new(), foreign }
    }

    /// An action begins.
    pub(super) fn begun(&self, world: &World, release: &Release, action: &Action) -> Result<(), String> {
        match action {
            Action::Shift { cluster, step, to } => {
                let weight = step.map_or(100, |_| 0).max(u8::from(step.is_some()));
                if weight > 0 && world.ready(cluster, *to) == 0 {
                    return Err(format!("{action:?} leads to a colour of which nothing is ready"));
                }
                if *to == release.to
                    && release.phase == Phase::RollingBack
                    && world.ready(cluster, to.other()) > 0
                {
                    return Err(format!("{action:?} leads on while it is taken back"));
                }
            }
            Action::LetGo { cluster, color } => {
                if *color != release.to && !after_the_verdict(release.phase) {
                    return Err(format!("{action:?} takes the old colour away in phase {:?}", release.phase));
                }
                let share = world.share(cluster, *color);
                if share > 0 && self.established.contains(cluster) && !self.foreign {
                    return Err(format!("{action:?} takes away what has {share} % of the traffic"));
                }
            }
            Action::Prepare { cluster, color, .. } => {
                let side = world.sites[cluster].sides.get(color);
                let other =
                    side.and_then(|side| side.version.as_ref()).is_some_and(|had| *had != release.version);
                if *color == release.to
                    && other
                    && world.share(cluster, *color) > 0
                    && world.ready(cluster, *color) > 0
                    && !self.foreign
                {
                    return Err(format!("{action:?} overwrites what serves"));
                }
            }
            Action::WithdrawDns { .. } | Action::ReturnDns { .. } | Action::Measure { .. } => {}
        }
        Ok(())
    }

    /// At every moment: who has users, and would be well if left alone, is well.
    pub(super) fn look(&mut self, world: &World) -> Result<(), String> {
        one_journal(world)?;
        for name in &self.established {
            for color in Color::BOTH {
                let side = world.sites[name].sides.get(&color);
                let Some(side) = side.filter(|_| world.share(name, color) > 0 && !self.foreign) else {
                    continue;
                };
                let Some(version) = &side.version else { continue };
                let healthy = matches!(world.pods(name, version), Pods::Ready(_));
                let hurt = side.down_until.is_some_and(|until| world.now < until);
                if healthy && !hurt && world.ready(name, color) == 0 && self.well.contains(name) {
                    return Err(format!(
                        "{} % of the users of {name} are led to {color}, which is not ready",
                        world.share(name, color)
                    ));
                }
            }
        }
        let answered = |name: &&ClusterName| {
            Color::BOTH.into_iter().all(|color| world.share(name, color) == 0 || world.ready(name, color) > 0)
        };
        self.well = world.sites.keys().filter(answered).cloned().collect();
        Ok(())
    }

    /// An apply has ended.
    pub(super) fn ended(
        &mut self,
        world: &World,
        journal: Option<&Journal>,
        ended: Ended,
    ) -> Result<(), String> {
        let Some(journal) = journal else { return Ok(()) };
        let (Some(active), Some(release)) = (&journal.active, &journal.release) else { return Ok(()) };
        if ended == Ended::Completed && release.extent == Extent::All {
            for (name, state) in &release.clusters {
                if state.stage == Stage::Finished {
                    self.established.insert(name.clone());
                } else if state.failure.is_none() {
                    return Err(format!(
                        "it is complete, but {name} is {:?} and nobody says why",
                        state.stage
                    ));
                }
            }
        }
        if self.foreign || release.extent == Extent::Part {
            return Ok(());
        }
        let expected = match release.phase {
            Phase::RolledBack => active.color,
            Phase::Completed if ended == Ended::Completed => release.to,
            _ => return Ok(()),
        };
        for (name, state) in &release.clusters {
            let failed = release.phase == Phase::Completed && state.stage != Stage::Finished;
            if failed || !self.established.contains(name) || state.served.is_none() {
                continue;
            }
            let share = world.share(name, expected);
            if share != 100 {
                return Err(format!("it ended {:?}, but {expected} has {share} % on {name}", release.phase));
            }
        }
        Ok(())
    }

    /// A good version was applied in calm and serves: nothing is left over.
    pub(super) fn settled(&self, world: &World, wanted: &Version) -> Result<(), String> {
        let mut colors = BTreeSet::new();
        for (name, site) in &world.sites {
            let serving = world.serving(name.as_str()).ok_or("divided traffic")?;
            colors.insert(serving);
            if site.sides.get(&serving).and_then(|side| side.version.as_ref()) != Some(wanted) {
                return Err(format!("{name} serves something else"));
            }
            if world.ready(name, serving) == 0 {
                return Err(format!("nothing is ready on {name}"));
            }
            if !site.in_dns {
                return Err(format!("{name} was left out of DNS"));
            }
        }
        match colors.len() {
            1 => Ok(()),
            _ => Err("clusters serve different colours".to_owned()),
        }
    }
}

/// Of the journals that count, there is one.
fn one_journal(world: &World) -> Result<(), String> {
    let journals = world.sites.values().filter_map(|site| site.journal.as_ref());
    let Some(highest) = journals.clone().map(|journal| (journal.epoch, journal.seq)).max() else {
        return Ok(());
    };
    let mut counting = journals.filter(|journal| (journal.epoch, journal.seq) == highest);
    let first = counting.next();
    if counting.any(|journal| Some(journal) != first) {
        return Err(format!("two journals say {highest:?} and differ"));
    }
    Ok(())
}
