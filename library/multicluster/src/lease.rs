//! Who may write to a member now: one Lease object per federation and member.
//!
//! A lease keeps two runs from working at the same time, and its epoch tells which of two runs is the later one. Every
//! write to it names the version it replaces, so that of two who take it one fails. Whether a holder is still alive is
//! judged by our own clock: it has to stay silent for its own lease time while we look. What the holder's clock
//! wrote counts only when it is so old (a day) that no clock is that wrong.
//!
//! ```no_run
//! use std::time::Duration;
//! use multicluster::{clock::Clock, lease::{self, LeaseError, LeaseSpec}, member::{Member, Wait}};
//!
//! # async fn example(member: Member, clock: Clock, wait: Wait) -> Result<(), LeaseError> {
//! let spec = LeaseSpec {
//!     namespace: "multicluster-system".into(),
//!     name: "world".into(),
//!     holder: "ci-17".into(),
//!     duration: Duration::from_secs(30),
//! };
//! let guard = lease::acquire_or_wait(&member, &spec, &clock, &wait).await?;
//! // … write, and stop when `guard.lost()` is cancelled …
//! guard.release().await;
//! # Ok(())
//! # }
//! ```
//!
//! A lease alone does not stop a holder that hangs and wakes up again; whoever needs that writes the epoch into what
//! is written and lets the server compare.

mod guard;
mod record;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

pub use self::guard::LeaseGuard;
use self::record::{Decision, Record, decide};
use crate::{
    clock::Clock,
    member::{Event, Member, MemberError, ResourceType, Scope, Wait, Watch},
};

/// The field manager of lease objects.
const FIELD_MANAGER: &str = "multicluster-lease";

/// How often a lease that changes under our hands is read again before it counts as held.
const ATTEMPTS: u32 = 5;

/// Which lease, for whom and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSpec {
    /// The namespace of the object; it must exist.
    pub namespace: String,
    /// The name of the object.
    pub name: String,
    /// Who holds it; unique for this run, and readable for humans.
    pub holder: String,
    /// How long the lease outlives its holder, in whole seconds and at least one. It is renewed three times as often.
    pub duration: Duration,
}

impl LeaseSpec {
    /// The duration as others see it: whole seconds.
    fn time(&self) -> Duration {
        Duration::from_secs(self.duration.as_secs().max(1))
    }
}

/// A lease could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Somebody else has it.
    #[error("`{holder}` is at work{}", renewed.map_or_else(String::new, |time| format!(" (last sign of life {time:.0})")))]
    Held {
        /// Who.
        holder: String,
        /// Their last sign of life, by their clock.
        renewed: Option<Timestamp>,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Cancelled,
    /// The member refused or did not answer.
    #[error(transparent)]
    Member(#[from] MemberError),
}

/// Takes a lease if it is free, ours, or abandoned for more than a day.
///
/// # Errors
/// [`LeaseError::Held`] if somebody has it; [`LeaseError::Member`].
///
/// # Cancel safety
/// When the future is dropped the lease may have been taken; it expires by itself.
pub async fn acquire(member: &Member, spec: &LeaseSpec, clock: &Clock) -> Result<LeaseGuard, LeaseError> {
    let mut found = None;
    for _ in 0..ATTEMPTS {
        let live = member.get(&ResourceType::lease(), Some(&spec.namespace), &spec.name).await?;
        found = live.map(Record::new);
        if decide(found.as_ref(), &spec.holder, clock.now()) == Decision::Held {
            break;
        }
        // Without success it was taken, released or deleted between the read and the write.
        if let Some(guard) = try_take(member, spec, clock, found.as_ref(), Silence::Unknown).await? {
            return Ok(guard);
        }
    }
    Err(held(found.as_ref()))
}

/// Takes a lease, and if somebody has it waits until it is given back or its holder has been silent for too long.
///
/// # Errors
/// [`LeaseError::Held`] at the deadline; [`LeaseError::Cancelled`]; [`LeaseError::Member`].
///
/// # Cancel safety
/// As for [`acquire`].
pub async fn acquire_or_wait(
    member: &Member,
    spec: &LeaseSpec,
    clock: &Clock,
    wait: &Wait,
) -> Result<LeaseGuard, LeaseError> {
    let taken = tokio::select! {
        biased;
        () = wait.cancelled.cancelled() => return Err(LeaseError::Cancelled),
        taken = acquire(member, spec, clock) => taken,
    };
    match taken {
        Err(LeaseError::Held { holder, renewed }) => {
            tracing::info!(cluster = %member.name, lease = %spec.name, %holder, ?renewed, "waiting for a lease");
        }
        taken => return taken,
    }
    let mut watch = Watch::new(member, ResourceType::lease(), Scope::name(Some(&spec.namespace), &spec.name));
    let mut seen = Sighting::default();
    loop {
        let silence = tokio::select! {
            biased;
            () = wait.cancelled.cancelled() => return Err(LeaseError::Cancelled),
            event = watch.next() => {
                seen.note(event?);
                Silence::Unknown
            }
            () = seen.expiry() => Silence::Proven,
            () = sleep_until(wait.deadline) => return Err(held(seen.record.as_ref())),
        };
        if let Some(guard) = try_take(member, spec, clock, seen.record.as_ref(), silence).await? {
            return Ok(guard);
        }
        if silence == Silence::Proven {
            // Someone was quicker, or the holder woke up: the watch will show it. Until then its time starts anew.
            seen.since = Instant::now();
        }
    }
}

/// Who has a lease at the moment, dead or alive; `None` if nobody has it or there is none.
///
/// # Errors
/// [`MemberError`].
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn holder(member: &Member, namespace: &str, name: &str) -> Result<Option<String>, MemberError> {
    let lease = member.get(&ResourceType::lease(), Some(namespace), name).await?;
    Ok(lease.and_then(|lease| Record::new(lease).holder))
}

/// Whether the holder has been silent for its lease time while we looked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    Proven,
    Unknown,
}

/// Takes a lease that was found in this state; `None` if it may not be taken, or has changed since.
async fn try_take(
    member: &Member,
    spec: &LeaseSpec,
    clock: &Clock,
    found: Option<&Record>,
    silence: Silence,
) -> Result<Option<LeaseGuard>, LeaseError> {
    let ty = ResourceType::lease();
    let now = clock.now();
    let asked = Instant::now();
    let taken_over = found.is_some_and(|record| !record.is_free());
    let written = match (decide(found, &spec.holder, now), found) {
        (Decision::Create, _) | (_, None) => member.create(&ty, &record::new(spec, now), FIELD_MANAGER).await,
        (Decision::Take, Some(record)) => member.replace(&ty, &record.taken(spec, now), FIELD_MANAGER).await,
        (Decision::Held, Some(record)) if silence == Silence::Proven => {
            member.replace(&ty, &record.taken(spec, now), FIELD_MANAGER).await
        }
        (Decision::Held, Some(_)) => return Ok(None),
    };
    match written {
        Ok(lease) => Ok(Some(LeaseGuard::start(member, spec, clock, lease, asked, taken_over))),
        Err(MemberError::Changed | MemberError::AlreadyExists) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn held(record: Option<&Record>) -> LeaseError {
    LeaseError::Held {
        holder: record.and_then(|record| record.holder.clone()).unwrap_or_else(|| "somebody".to_owned()),
        renewed: record.and_then(|record| record.renewed),
    }
}

/// The lease as it was last seen, and since when it has been so.
struct Sighting {
    record: Option<Record>,
    since: Instant,
}

impl Default for Sighting {
    fn default() -> Self {
        Self { record: None, since: Instant::now() }
    }
}

impl Sighting {
    fn note(&mut self, event: Event) {
        let record = match event {
            Event::Listed(leases) => leases.into_iter().next().map(Record::new),
            Event::Changed(lease) => Some(Record::new(lease)),
            Event::Deleted(_) => None,
        };
        let same_sign_of_life = match (&self.record, &record) {
            (Some(old), Some(new)) => old.sign_of_life() == new.sign_of_life(),
            _ => false,
        };
        if !same_sign_of_life {
            self.since = Instant::now();
        }
        self.record = record;
    }

    /// Waits until the holder has been silent for its lease time.
    async fn expiry(&self) {
        match &self.record {
            Some(record) => sleep_until(self.since + record.duration).await,
            None => std::future::pending().await,
        }
    }
}
