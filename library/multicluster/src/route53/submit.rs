//! One writer for each zone.
//!
//! Everything that is to be written to a zone waits in its queue. Whoever comes first leads: it waits a moment for
//! others, puts into one request what goes together, sends it, and tells each what became of its part. Then the next
//! one leads. So a zone never has two of our requests under way, and many names cost few requests.
//!
//! A leader may be dropped at any time: what it had not sent yet goes back to the queue, and those whose request was on
//! its way look for themselves what became of it.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use multicluster_core::route53::{Batch, Change};
use tokio::{sync::oneshot, time::sleep};

use super::{
    Run, Zone,
    error::{CallError, CallFailure},
    insync::ChangeId,
    unit::{suspects, together},
    zone::stopped,
};

/// How long a leader waits for others. A request takes longer, and those who wait for it are the next one's others.
const GATHER: Duration = Duration::from_millis(30);

/// What became of a unit.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    /// The zone holds it. Without a number if the answer was lost.
    Done(Option<ChangeId>),
    /// It had no effect, and this is why.
    Not(CallError),
    /// Somebody else has written over it, or in its stead.
    Overtaken(CallError),
    /// It is not known whether it had an effect.
    Unknown(CallError),
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Held by the one that leads.
    leading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Ticket>,
    next: u64,
}

struct Ticket {
    number: u64,
    unit: Batch,
    /// Whether it was sent before, and the answer was lost.
    doubted: bool,
    tell: oneshot::Sender<Sent>,
}

impl Queue {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, unit: Batch, doubted: bool) -> (u64, oneshot::Receiver<Sent>) {
        let (tell, told) = oneshot::channel();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Ticket { number, unit, doubted, tell });
        (number, told)
    }

    /// Whether the unit was still waiting, and does not any more.
    fn leave(&self, number: u64) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|ticket| ticket.number != number);
        state.waiting.len() < before
    }

    /// What goes into the next request.
    fn take(&self) -> Groups<'_> {
        let mut state = self.state();
        // Those who do not wait any more want nothing written.
        state.waiting.retain(|ticket| !ticket.tell.is_closed());
        let units: Vec<&Batch> = state.waiting.iter().map(|ticket| &ticket.unit).collect();
        let count = together(&units);
        Groups { queue: self, unsent: VecDeque::from([state.waiting.drain(..count).collect()]) }
    }
}

/// Units that were taken from the queue, by the request that they go into. What was not sent goes back.
struct Groups<'a> {
    queue: &'a Queue,
    unsent: VecDeque<Vec<Ticket>>,
}

impl Drop for Groups<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let mut back: Vec<Ticket> = self.unsent.drain(..).flatten().collect();
        back.sort_by_key(|ticket| ticket.number);
        for ticket in back.into_iter().rev() {
            state.waiting.push_front(ticket);
        }
    }
}

impl Zone {
    /// Has a unit written, and says what became of it.
    ///
    /// # Cancel safety
    /// When the future is dropped, the unit may or may not be written.
    pub(super) async fn submit(&self, unit: &Batch, run: &Run) -> Sent {
        let queue = &self.shared.queue;
        let (mut number, mut told) = queue.join(unit.clone(), false);
        loop {
            tokio::select! {
                biased;
                sent = &mut told => match sent {
                    Ok(sent) => return sent,
                    // The leader was dropped while its request was on the way.
                    Err(_) => match self.after_all(unit).await {
                        Ok(sent) => return sent,
                        Err(_) => (number, told) = queue.join(unit.clone(), true),
                    },
                },
                stop = run.ended() => {
                    if queue.leave(number) {
                        return Sent::Not(self.change().error(stopped(stop)));
                    }
                    // It is on its way, which takes no longer than a request may.
                    return match told.await {
                        Ok(sent) => sent,
                        Err(_) => self.after_all(unit).await.unwrap_or_else(Sent::Not),
                    };
                }
                leading = queue.leading.lock() => {
                    self.lead(run).await;
                    drop(leading);
                }
            }
        }
    }

    /// Sends one round of what waits.
    async fn lead(&self, run: &Run) {
        if run.during(sleep(GATHER)).await.is_err() {
            return;
        }
        let mut groups = self.shared.queue.take();
        while let Some(group) = groups.unsent.pop_front() {
            if group.is_empty() {
                continue;
            }
            let units: Vec<&Batch> = group.iter().map(|ticket| &ticket.unit).collect();
            let doubted = group.iter().any(|ticket| ticket.doubted);
            let sent = self.send(&units, doubted, run).await;
            match sent {
                Sent::Not(error) if waits(&error) => {
                    // Our own time is over, which is nothing to those who wait with us.
                    groups.unsent.push_front(group);
                    return;
                }
                Sent::Not(error) if group.len() > 1 && is_about_changes(&error) => {
                    tracing::debug!(zone = self.id(), units = group.len(), "a common batch was refused");
                    let suspects = suspects(&units, error.messages());
                    groups.unsent.extend(divided(group, |index| suspects.contains(&index)));
                }
                sent => group.into_iter().for_each(|ticket| {
                    // Nobody to tell is nothing to us.
                    let _ = ticket.tell.send(sent.clone());
                }),
            }
        }
    }

    /// What became of a unit whose request nobody waited for; an error if it had no effect so far.
    async fn after_all(&self, unit: &Batch) -> Result<Sent, CallError> {
        let lost = self.change().error(CallFailure::NoAnswer { reason: "nobody waited for it".to_owned() });
        self.find_out(&[unit], lost).await
    }
}

/// Those that are under suspicion by themselves, the others together before them. If that tells nobody apart, each goes
/// by itself.
fn divided(group: Vec<Ticket>, is_suspect: impl Fn(usize) -> bool) -> Vec<Vec<Ticket>> {
    let count = group.len();
    let mut others = Vec::new();
    let mut alone = Vec::new();
    for (index, ticket) in group.into_iter().enumerate() {
        if is_suspect(index) {
            alone.push(vec![ticket]);
        } else {
            others.push(ticket);
        }
    }
    if others.len() == count {
        return others.into_iter().map(|ticket| vec![ticket]).collect();
    }
    std::iter::once(others).filter(|others| !others.is_empty()).chain(alone).collect()
}

/// Whether a request was given up before it was taken.
fn waits(error: &CallError) -> bool {
    matches!(error.reason, CallFailure::Cancelled | CallFailure::Deadline { .. })
}

/// Whether a refusal is about what a batch says, so that parts of it may be taken.
fn is_about_changes(error: &CallError) -> bool {
    matches!(error.code(), Some("InvalidChangeBatch" | "InvalidInput" | "NoSuchHealthCheck"))
}

/// All changes of some units, and what to say about them in AWS's log.
pub(super) fn merged<'a>(units: &[&'a Batch]) -> (Vec<&'a Change>, String) {
    let mut comments: Vec<&str> = Vec::new();
    for unit in units {
        if !unit.comment.is_empty() && !comments.contains(&unit.comment.as_str()) {
            comments.push(&unit.comment);
        }
    }
    (units.iter().flat_map(|unit| &unit.changes).collect(), comments.join("; "))
}
