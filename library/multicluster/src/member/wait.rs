//! How long to wait, and why waiting ended without success.

use multicluster_core::readiness::PodFailure;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    MemberError,
    watch::{Event, Watch},
};

/// When to stop waiting.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Cancelled when the user interrupts.
    pub cancelled: CancellationToken,
    /// The last moment, on the runtime's monotonic clock.
    pub deadline: Instant,
}

/// Waiting ended without success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The user interrupted.
    #[error("interrupted")]
    Cancelled,
    /// The deadline passed before the object was ready.
    #[error("not ready in time: {status}")]
    NotReady {
        /// How far it came, such as `2 of 3 replicas available`.
        status: String,
    },
    /// The deadline passed before the object was gone.
    #[error("still there after the time allowed{}", Blockers(finalizers, conditions))]
    StillThere {
        /// Who still holds it.
        finalizers: Vec<String>,
        /// What it says of itself: for namespaces, what is left in them.
        conditions: Vec<String>,
    },
    /// The object says that it will not become ready.
    #[error("{message}")]
    Failed {
        /// Its words.
        message: String,
    },
    /// A pod of the object's current revision cannot start.
    #[error("{}", pod_words(.0))]
    PodFailed(PodFailure),
    /// The object was deleted, or is being deleted, while we waited for it.
    #[error("it was deleted in the meantime")]
    Deleted,
    /// The member does not let us look.
    #[error(transparent)]
    Member(#[from] MemberError),
}

impl Wait {
    /// The next event, or `None` when the deadline has passed.
    pub(crate) async fn next(&self, watch: &mut Watch<'_>) -> Result<Option<Event>, WaitError> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(WaitError::Cancelled),
            event = watch.next() => Ok(Some(event?)),
            () = sleep_until(self.deadline) => Ok(None),
        }
    }
}

fn pod_words(failure: &PodFailure) -> String {
    let PodFailure { pod, container, reason, message } = failure;
    let colon = if message.is_empty() { "" } else { ": " };
    format!("container `{container}` of pod `{pod}` cannot run: {reason}{colon}{message}")
}

struct Blockers<'a>(&'a [String], &'a [String]);

impl std::fmt::Display for Blockers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.0.is_empty() {
            write!(f, ", held by finalizers {}", self.0.join(", "))?;
        }
        if !self.1.is_empty() {
            write!(f, ": {}", self.1.join("; "))?;
        }
        Ok(())
    }
}
