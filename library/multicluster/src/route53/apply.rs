//! Carrying out a plan: its batches in order, each as a whole or not at all.

use multicluster_core::route53::Batch;

use super::{Run, Zone, error::CallError, insync::ChangeId, submit::Sent};

/// What became of a plan's batches.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What became of each batch, in the order of the plan.
    pub effects: Vec<Effect>,
    /// Why not all of them took effect; none if they did.
    pub error: Option<ApplyError>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It took effect, and all servers know of it.
    InSync,
    /// It took effect. Servers will know of it within about a minute.
    Accepted {
        /// Why it was not waited for, or not to the end.
        why: CallError,
    },
    /// It had no effect.
    None,
    /// It is not known whether it had an effect.
    Unknown,
}

/// Why a batch did not take effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The zone is not what the plan was made from. Nothing was overwritten; plan again.
    #[error("the record sets have changed since they were read, and were left alone: {0}")]
    Changed(CallError),
    /// The service refused, or could not be asked, or there was no time.
    #[error(transparent)]
    Call(CallError),
    /// No answer came, and afterwards the sets were neither what they had been nor what they should become.
    #[error(
        "somebody else changed the record sets at the same time, and what became of ours cannot be told: {0}"
    )]
    Overtaken(CallError),
    /// No answer came, and what became of it could not be learned.
    #[error("it is not known whether the change took effect: {0}")]
    Unknown(CallError),
}

impl Applied {
    /// Whether every batch took effect.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.error.is_none()
    }

    /// How many batches took effect, all of them before those that did not.
    #[must_use]
    pub fn done(&self) -> usize {
        let done = |effect: &&Effect| matches!(effect, Effect::InSync | Effect::Accepted { .. });
        self.effects.iter().take_while(done).count()
    }

    /// Why some change that took effect may not be known to all servers yet, if so.
    #[must_use]
    pub fn not_in_sync(&self) -> Option<&CallError> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Accepted { why } => Some(why),
            _ => None,
        })
    }
}

impl Zone {
    /// Writes batches in order, and waits until all servers know of them.
    ///
    /// Each batch takes effect as a whole or not at all; the next is sent when all servers know of the one before, so
    /// that no server ever sees them in another order. Batches that are applied to the zone at the same time, by
    /// anyone in this process, travel together, and one that is refused does not keep others back.
    ///
    /// A batch should delete and create the owner's mark: whoever has read the zone before another one wrote is then
    /// refused instead of overwriting ([`ApplyError::Changed`]), and after a lost answer the mark tells whether the
    /// batch took effect. Nothing is ever carried out twice.
    ///
    /// # Cancel safety
    /// When the future is dropped, the batch in turn may or may not take effect; later ones do not.
    pub async fn apply(&self, batches: &[Batch], run: &Run) -> Applied {
        let mut applied = Applied { effects: Vec::with_capacity(batches.len()), error: None };
        for (index, batch) in batches.iter().enumerate() {
            let (effect, error) = match self.submit(batch, run).await {
                Sent::Done(change) => {
                    let effect = self.settle(change, run).await;
                    let more = index + 1 < batches.len();
                    let error = match &effect {
                        // Without knowing that servers have this one, the next might be seen before it.
                        Effect::Accepted { why } if more => Some(ApplyError::Call(why.clone())),
                        _ => None,
                    };
                    (effect, error)
                }
                Sent::Not(error) if super::unit::says_changed(error.messages()) => {
                    (Effect::None, Some(ApplyError::Changed(error)))
                }
                Sent::Not(error) => (Effect::None, Some(ApplyError::Call(error))),
                Sent::Overtaken(error) => (Effect::Unknown, Some(ApplyError::Overtaken(error))),
                Sent::Unknown(error) => (Effect::Unknown, Some(ApplyError::Unknown(error))),
            };
            applied.effects.push(effect);
            applied.error = error;
            if applied.error.is_some() {
                break;
            }
        }
        applied.effects.resize(batches.len(), Effect::None);
        applied
    }

    async fn settle(&self, change: Option<ChangeId>, run: &Run) -> Effect {
        let Some(change) = change else {
            return Effect::Accepted { why: self.change().unintelligible("the change's number was lost") };
        };
        match self.client.wait_in_sync(&change, run).await {
            Ok(()) => Effect::InSync,
            Err(why) => Effect::Accepted { why },
        }
    }
}
