//! One request that changes record sets, until it is known what became of it.

use std::time::Duration;

use multicluster_core::route53::{Batch, Change};

use super::{
    Run, Zone,
    call::Operation,
    convert::change_batch,
    error::{CallError, CallFailure},
    insync::ChangeId,
    submit::{Sent, merged},
    unit::{Evidence, Verdict, says_changed},
};
use crate::failpoint;

/// How often a batch is sent whose answers are lost, although it had no effect.
const ATTEMPTS: u32 = 3;

/// How long finding out may take, whatever time the caller has left: what became of a write must be known.
const FIND_OUT_LIMIT: Duration = Duration::from_secs(30);

impl Zone {
    /// Sends some units as one batch.
    ///
    /// A lost answer is never followed by blind repetition: the zone is read, and the batch is sent again only if it
    /// had no effect. If it takes effect in just that moment, the second one is refused as a whole, since what it
    /// deletes is gone, and the zone is read once more.
    ///
    /// `doubted` says that one of them was sent before and that its answer was lost.
    pub(super) async fn send(&self, units: &[&Batch], doubted: bool, run: &Run) -> Sent {
        let (changes, comment) = merged(units);
        let (mut lost, mut doubted) = (None, doubted);
        for _ in 0..ATTEMPTS {
            failpoint::hit("route53-change-before");
            let answer = self.send_once(&changes, &comment, run).await;
            failpoint::hit("route53-change-after");
            let error = match answer {
                Ok(id) => return self.done(units, Some(id)),
                Err(error) => error,
            };
            let changed = says_changed(error.messages());
            if changed {
                self.shared.cache().forget();
            }
            let in_doubt = error.may_be_done() || (doubted && changed);
            if !in_doubt {
                return Sent::Not(error);
            }
            doubted = true;
            match self.find_out(units, error).await {
                Ok(sent) => return sent,
                // It was refused after all, so that sending it again would not help.
                Err(error) if !error.may_be_done() => return Sent::Not(error),
                Err(error) => lost = Some(error),
            }
        }
        Sent::Not(lost.unwrap_or_else(|| self.change().error(CallFailure::Deadline { refused: None })))
    }

    async fn send_once(&self, changes: &[&Change], comment: &str, run: &Run) -> Result<ChangeId, CallError> {
        let operation = self.change();
        let batch = change_batch(changes.iter().copied(), comment)
            .map_err(|_| operation.unintelligible("a set lacks a field (a bug of this program)"))?;
        let answer = self.client.call(operation, run, |sdk| {
            sdk.change_resource_record_sets()
                .hosted_zone_id(&self.shared.id)
                .change_batch(batch.clone())
                .send()
        });
        let info = answer.await?.change_info;
        let info = info.ok_or_else(|| operation.unintelligible("the change's number is missing"))?;
        Ok(ChangeId(info.id.trim_start_matches("/change/").to_owned()))
    }

    fn done(&self, units: &[&Batch], id: Option<ChangeId>) -> Sent {
        for unit in units {
            self.shared.cache().wrote(&unit.changes);
        }
        tracing::info!(zone = self.id(), units = units.len(), change = ?id, "record sets were changed");
        Sent::Done(id)
    }

    /// What became of units whose answer was lost; the error again if they had no effect.
    pub(super) async fn find_out(&self, units: &[&Batch], lost: CallError) -> Result<Sent, CallError> {
        let run = Run::within(FIND_OUT_LIMIT);
        let mut overtaken = false;
        for unit in units {
            let Some(evidence) = Evidence::of(unit) else {
                continue;
            };
            let Ok(now) = self.look(evidence.key, &run).await else {
                overtaken = false;
                break;
            };
            let verdict = evidence.judge(now.as_ref());
            tracing::debug!(zone = self.id(), set = ?evidence.key, ?verdict, "an answer was lost");
            match verdict {
                Verdict::Done => {
                    let id = self.renumber(&evidence, &run).await;
                    return Ok(self.done(units, id));
                }
                Verdict::NotDone => return Err(lost),
                // Another unit of the same request may still tell.
                Verdict::Overtaken => overtaken = true,
            }
        }
        self.shared.cache().forget();
        Ok(if overtaken { Sent::Overtaken(lost) } else { Sent::Unknown(lost) })
    }

    /// A number under which to ask whether all servers know of a change whose own number was lost: that of a change
    /// made later which has no effect of its own.
    ///
    /// It replaces a set by itself, and is refused if the set is not what it was. If nothing is left, the owner's mark,
    /// by which nobody is answered, comes back and goes again. Should that fail half-way, it tells that the removal is not
    /// done.
    async fn renumber(&self, evidence: &Evidence<'_>, run: &Run) -> Option<ChangeId> {
        const COMMENT: &str = "the same again";
        if let Some(set) = evidence.after {
            let (delete, create) = (Change::delete(set.clone()), Change::create(set.clone()));
            return self.send_once(&[&delete, &create], COMMENT, run).await.ok();
        }
        let mark = evidence.removed_mark()?;
        self.send_once(&[&Change::create(mark.clone())], COMMENT, run).await.ok()?;
        self.send_once(&[&Change::delete(mark.clone())], COMMENT, run).await.ok()
    }

    pub(super) fn change(&self) -> Operation<'_> {
        Operation::once("ChangeResourceRecordSets", &self.shared.id)
    }
}
