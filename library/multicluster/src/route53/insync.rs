//! Waiting until all servers know of a change.
//!
//! Route 53 has no event for it, so that it has to be asked. All who wait share the asking: whoever comes first asks
//! for everybody's changes, one after the other in the order in which they are due, and when that one has what it
//! wanted the next takes over.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_route53::types::ChangeStatus;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Client, Run, call::Operation, error::CallError, error::CallFailure, run::Stop};

/// How much longer each pause is than the one before.
const GROWTH: (u32, u32) = (3, 2);

/// How many times the first pause the longest is.
const LONGEST: u32 = 5;

/// A change as the service numbers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(pub String);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The changes that somebody waits for.
pub(super) struct Changes {
    first_poll: Duration,
    pending: Mutex<BTreeMap<ChangeId, Pending>>,
    /// Held by the one that asks.
    asking: tokio::sync::Mutex<()>,
}

struct Pending {
    status: watch::Sender<Status>,
    due: Instant,
    pause: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    InSync,
    Unknown(CallError),
}

impl Changes {
    pub(super) fn new(first_poll: Duration) -> Self {
        Self { first_poll, pending: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    fn follow(&self, change: &ChangeId) -> watch::Receiver<Status> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Pending {
            status: watch::Sender::new(Status::Pending),
            due: Instant::now() + self.first_poll,
            pause: self.first_poll,
        };
        pending.entry(change.clone()).or_insert_with(new).status.subscribe()
    }

    /// The change that is to be asked for next. Those that nobody waits for any more are forgotten.
    fn next(&self) -> Option<(ChangeId, Instant)> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|_, change| change.status.receiver_count() > 0);
        pending.iter().map(|(id, change)| (id.clone(), change.due)).min_by_key(|(_, due)| *due)
    }

    fn note(&self, id: &ChangeId, status: Status) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(change) = pending.get_mut(id) else {
            return;
        };
        if status == Status::Pending {
            change.pause = (change.pause * GROWTH.0 / GROWTH.1).min(self.first_poll * LONGEST);
            change.due = Instant::now() + change.pause;
        } else {
            change.status.send_replace(status);
            pending.remove(id);
        }
    }
}

impl Client {
    /// Waits until all servers know of a change (`INSYNC`).
    ///
    /// # Errors
    /// [`CallError`] if that cannot be learned, with [`CallFailure::Deadline`] if they do not know in time. The change
    /// is made in any case, and the servers will know.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_in_sync(&self, change: &ChangeId, run: &Run) -> Result<(), CallError> {
        let operation = operation(change);
        let mut status = self.0.changes.follow(change);
        loop {
            let seen = status.borrow_and_update().clone();
            match seen {
                Status::InSync => return Ok(()),
                Status::Unknown(error) => return Err(error),
                Status::Pending => {}
            }
            tokio::select! {
                biased;
                stop = run.ended() => return Err(operation.error(match stop {
                    Stop::Cancelled => CallFailure::Cancelled,
                    Stop::Deadline => CallFailure::Deadline { refused: None },
                })),
                // The sender is kept until it has told the end.
                _ = status.changed() => {}
                asking = self.0.changes.asking.lock() => {
                    // Whoever asked before may have told us in the meantime.
                    if *status.borrow() == Status::Pending {
                        self.ask(run).await;
                    }
                    drop(asking);
                }
            }
        }
    }

    /// Asks for the change that is due next, when it is.
    async fn ask(&self, run: &Run) {
        let Some((id, due)) = self.0.changes.next() else {
            return;
        };
        if run.during(sleep_until(due)).await.is_err() {
            return;
        }
        let operation = operation(&id);
        let answer = self.call(operation, run, |sdk| sdk.get_change().id(&id.0).send()).await;
        let status = match answer {
            Ok(answer) => match answer.change_info {
                Some(info) if info.status == ChangeStatus::Insync => Status::InSync,
                Some(_) => Status::Pending,
                None => Status::Unknown(operation.unintelligible("the status is missing")),
            },
            // Our own end is not that of those for whom we ask.
            Err(error) if matches!(error.reason, CallFailure::Cancelled | CallFailure::Deadline { .. }) => {
                return;
            }
            Err(error) => Status::Unknown(error),
        };
        self.0.changes.note(&id, status);
    }
}

fn operation(change: &ChangeId) -> Operation<'_> {
    Operation::harmless("GetChange", &change.0)
}
