//! A release is found that has not come to its end.

use super::Refused;
use super::start::{Beginning, pending};
use crate::release::journal::{Active, Failure, Journal, Phase, Reason, Release, Stage, WaveState};
use crate::release::next;
use crate::release::spec::Promotion;

impl Beginning<'_> {
    pub(super) fn go_on(&self, journal: &mut Journal, mut release: Release) -> Result<(), Refused> {
        if release.phase == Phase::RollingBack {
            release.then_again = true;
            self.restart_clocks(&mut release);
            journal.release = Some(release);
            return Ok(());
        }
        if release.version == self.desired.version {
            return self.resume(journal, release);
        }
        let serves = release
            .clusters
            .values()
            .any(|state| matches!(state.stage, Stage::Step { .. } | Stage::Switched | Stage::Finished));
        if journal.active.is_none() && serves {
            // Nothing else serves: to take it back first would leave its users without an answer. It becomes what the
            // version that is wanted now is released beside.
            journal.active = Some(Active {
                color: release.to,
                version: release.version.clone(),
                release: release.id.clone(),
            });
            return self.start(journal);
        }
        self.supersede(&mut release);
        journal.release = Some(release);
        Ok(())
    }

    /// The same version is wanted still.
    fn resume(&self, journal: &mut Journal, mut release: Release) -> Result<(), Refused> {
        match release.phase {
            Phase::PartiallyRolledBack => return self.start(journal),
            Phase::Halted => {
                if release.retry_token == self.spec.retry_token {
                    let why =
                        release.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
                    return Err(Refused::Halted { id: release.id, why });
                }
                self.check_approvals(&release)?;
                self.unhalt(&mut release);
            }
            Phase::Preparing | Phase::AwaitingPromotion => {
                self.check_approvals(&release)?;
                let promoted = match self.spec.promotion {
                    Promotion::Auto => true,
                    Promotion::NextApply => release.phase == Phase::AwaitingPromotion,
                    Promotion::Explicit => self.spec.approved.contains(&release.id.0),
                };
                if promoted {
                    if self.spec.approved.contains(&release.id.0) {
                        release.approvals.push(release.id.0.clone());
                    }
                    self.enter(&mut release, Phase::Rolling);
                }
            }
            Phase::AwaitingApproval | Phase::Frozen => {
                self.check_approvals(&release)?;
                self.enter(&mut release, Phase::Rolling);
            }
            Phase::Rolling => self.check_approvals(&release)?,
            _ => {}
        }
        self.follow_spec(&mut release);
        self.restart_clocks(&mut release);
        journal.release = Some(release);
        Ok(())
    }

    /// A human wants a halted release to go on: what failed is tried again.
    fn unhalt(&self, release: &mut Release) {
        self.enter(release, Phase::Rolling);
        release.retry_token.clone_from(&self.spec.retry_token);
        let foreign = release.failure.take().filter(|failure| failure.reason == Reason::Foreign);
        release.analysis = None;
        for (name, state) in &mut release.clusters {
            state.overrule |= foreign.is_some() && state.failure.is_some();
            if state.failure.take().is_some()
                && matches!(state.stage, Stage::Returned | Stage::Returning { .. })
            {
                *state = pending(self.desired, name, self.now);
            }
        }
    }

    /// The clusters and waves may be others than when it began.
    fn follow_spec(&self, release: &mut Release) {
        let wanted = self.spec.clusters();
        release.clusters.retain(|name, _| wanted.contains(name));
        if release.extent == crate::release::journal::Extent::All && !release.fast {
            for name in wanted {
                release.clusters.entry(name).or_insert_with_key(|name| pending(self.desired, name, self.now));
            }
        }
        let waves = next::waves(self.spec, release);
        let through = |name| {
            let stage = release.clusters.get(name).map(|state| state.stage);
            matches!(
                stage,
                None | Some(Stage::Switched | Stage::Returning { .. } | Stage::Returned | Stage::Finished)
            )
        };
        let index = waves.iter().position(|clusters| !clusters.iter().all(through));
        let index = index.unwrap_or(waves.len()).max(if index.is_none() { release.wave.index } else { 0 });
        // While the last wave that is through is still being watched, it is the one in work.
        let watched = index == release.wave.index.saturating_add(1) && release.wave.began.is_some();
        if index != release.wave.index && !(watched && release.phase == Phase::Rolling) {
            release.wave = WaveState { index, began: None, switched: None };
        }
    }

    /// Nobody has looked for a while: what was waited for gets its full time again.
    fn restart_clocks(&self, release: &mut Release) {
        for state in release.clusters.values_mut() {
            state.silent = None;
            match state.stage {
                Stage::Step { verified: Some(_), .. }
                | Stage::Withdrawing { withdrawn: Some(_) }
                | Stage::Switched
                | Stage::Returned
                | Stage::Finished => {}
                _ => state.since = self.now,
            }
        }
        if release.phase == Phase::Finalising {
            release.since = self.now;
        }
    }

    /// Another version is wanted: this one is taken back first.
    fn supersede(&self, release: &mut Release) {
        release.failure = Some(Failure {
            reason: Reason::Superseded,
            message: format!("version {} is wanted by now", self.desired.version.0),
            cluster: None,
            metric: None,
            at: self.now,
        });
        if let (Some(spec), Some(run)) = (&self.spec.analysis, &mut release.analysis) {
            run.terminate(spec);
        }
        release.back_to = Some(0);
        release.then_again = true;
        self.enter(release, Phase::RollingBack);
        self.restart_clocks(release);
    }

    fn enter(&self, release: &mut Release, phase: Phase) {
        release.phase = phase;
        release.since = self.now;
    }

    /// Whoever approves says what; an approval of something else is a mistake, or of yesterday.
    pub(super) fn check_approvals(&self, release: &Release) -> Result<(), Refused> {
        let waves = self.spec.waves.iter().filter(|wave| wave.approval);
        let mut meant: Vec<String> = Vec::new();
        if self.spec.promotion == Promotion::Explicit {
            meant.push(release.id.0.clone());
        }
        meant.extend(waves.map(|wave| format!("{}/{}", release.id.0, wave.name)));
        if meant.is_empty() {
            // Nothing needs approval, so nothing is said by one that was left over.
            return Ok(());
        }
        match self.spec.approved.iter().find(|given| !meant.contains(given)) {
            Some(given) => Err(Refused::StaleApproval { given: given.clone(), meant }),
            None => Ok(()),
        }
    }
}
