//! What an operation is given by its caller: when to stop, who it is, and what to wait for.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry_out::Outcome;
use super::error::Reason;
use crate::clock::Clock;
use crate::member::Wait;

/// Whether the federation is being made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Made: if any member fails before the first write, nothing is written anywhere.
    Create,
    /// Changed: members that fail are reported, the others are brought up to date.
    Update,
}

/// The frame of one operation.
#[derive(Clone, Debug)]
pub struct Run {
    /// Cancelled by the user; steps that have begun are finished.
    pub cancelled: CancellationToken,
    /// When to give up.
    pub deadline: Instant,
    /// Who holds the leases: unique for this operation.
    pub holder: String,
    /// How long a lease holds without a sign of life.
    pub lease_duration: Duration,
    /// The time of day, for leases.
    pub clock: Clock,
}

impl Run {
    pub(super) fn wait(&self) -> Wait {
        Wait { cancelled: self.cancelled.clone(), deadline: self.deadline }
    }

    /// The same run with a token of its own, for [`Run::while_held`].
    pub(super) fn child(&self) -> Self {
        Self { cancelled: self.cancelled.child_token(), ..self.clone() }
    }

    /// Does the work of a child run, which is cut short also when the lease is lost, and then fails with that.
    pub(super) async fn while_held(
        &self,
        lost: &CancellationToken,
        child: &Self,
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let watch = async {
            lost.cancelled().await;
            child.cancelled.cancel();
            std::future::pending().await
        };
        let mut outcome = tokio::select! {
            outcome = work => outcome,
            never = watch => never,
        };
        if let Some(error) = outcome.error.as_mut().filter(|error| error.is_interruption())
            && lost.is_cancelled()
            && !self.cancelled.is_cancelled()
        {
            error.reason = Reason::LeaseLost;
        }
        outcome
    }
}
