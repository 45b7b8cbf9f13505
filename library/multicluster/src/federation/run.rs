//! What an operation is given by its caller: when to stop, who it is, and what to wait for.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    /// Whether to wait for pods.
    pub wait_ready: bool,
}

impl Run {
    pub(super) fn wait(&self) -> Wait {
        Wait { cancelled: self.cancelled.clone(), deadline: self.deadline }
    }

    /// Does some work that is cut short also when a lease is lost.
    pub(super) async fn while_held<T>(
        &self,
        lost: Option<CancellationToken>,
        work: impl AsyncFnOnce(&Self) -> T,
    ) -> T {
        let run = Self { cancelled: self.cancelled.child_token(), ..self.clone() };
        let watch = async {
            match lost {
                Some(lost) => lost.cancelled().await,
                None => std::future::pending().await,
            }
            run.cancelled.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            result = work(&run) => result,
            () = watch => unreachable!("the watch never ends"),
        }
    }
}
