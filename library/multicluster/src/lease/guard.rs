//! A lease that is held: renewed in the background, and given back or lost.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{FIELD_MANAGER, LeaseSpec, record::Record};
use crate::{
    clock::Clock,
    failpoint,
    member::{Member, MemberError, Propagation, ResourceType},
};

/// How long giving a lease back may take: it happens when everything else is done, also after an interruption.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// A lease that is ours. It is renewed until it is released; when the guard is dropped instead, renewing stops and the
/// lease expires.
#[derive(Debug)]
pub struct LeaseGuard {
    member: Member,
    spec: LeaseSpec,
    clock: Clock,
    epoch: u64,
    taken_over: bool,
    lost: CancellationToken,
    stop: CancellationToken,
    /// The task that renews; it ends with the lease as it last was. Aborted when dropped.
    renewing: JoinSet<Value>,
}

impl LeaseGuard {
    /// `asked` is when the request that took the lease was sent: its time may run from then.
    pub(super) fn start(
        member: &Member,
        spec: &LeaseSpec,
        clock: &Clock,
        lease: Value,
        asked: Instant,
        taken_over: bool,
    ) -> Self {
        let (lost, stop) = (CancellationToken::new(), CancellationToken::new());
        let epoch = Record::new(lease.clone()).epoch();
        let renewal = Renewal {
            member: member.clone(),
            spec: spec.clone(),
            clock: clock.clone(),
            epoch,
            lost: lost.clone(),
            stop: stop.clone(),
        };
        let mut renewing = JoinSet::new();
        renewing.spawn(renewal.run(lease, asked));
        let (member, spec, clock) = (member.clone(), spec.clone(), clock.clone());
        Self { member, spec, clock, epoch, taken_over, lost, stop, renewing }
    }

    /// Cancelled when the lease is no longer ours, or can no longer be known to be: then nothing more may be written.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// How often this lease has been taken: a later holder has a larger one, as long as the object exists.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether an earlier holder never gave it back: whatever that one was doing did not come to its end.
    #[must_use]
    pub fn taken_over(&self) -> bool {
        self.taken_over
    }

    /// Gives the lease back. The object stays, because the epoch stands in it.
    ///
    /// That this fails is logged and no more: the lease then expires by itself.
    ///
    /// # Cancel safety
    /// When the future is dropped the lease expires by itself.
    pub async fn release(mut self) {
        let Some(lease) = self.stop_renewing().await else {
            return;
        };
        let ty = ResourceType::lease();
        let released = lease.released(self.clock.now());
        failpoint::hit("lease-release-before");
        let release = self.member.replace(&ty, &released, FIELD_MANAGER);
        self.report(timeout(RELEASE_LIMIT, release).await.map(|released| released.map(drop)));
        failpoint::hit("lease-release-after");
    }

    /// Deletes the lease, for when the federation leaves the member. Failures are logged, as for
    /// [`LeaseGuard::release`].
    ///
    /// # Cancel safety
    /// When the future is dropped the lease expires by itself.
    pub async fn delete(mut self) {
        let Some(lease) = self.stop_renewing().await else {
            return;
        };
        let (ty, namespace) = (ResourceType::lease(), Some(self.spec.namespace.as_str()));
        failpoint::hit("lease-delete-before");
        let deletion =
            self.member.delete(&ty, namespace, &self.spec.name, lease.uid(), Propagation::Background);
        self.report(timeout(RELEASE_LIMIT, deletion).await.map(|deleted| deleted.map(drop)));
        failpoint::hit("lease-delete-after");
    }

    /// The lease as it last was, unless it is lost.
    async fn stop_renewing(&mut self) -> Option<Record> {
        self.stop.cancel();
        let lease = self.renewing.join_next().await?.ok()?;
        (!self.lost.is_cancelled()).then(|| Record::new(lease))
    }

    fn report(&self, ended: Result<Result<(), MemberError>, tokio::time::error::Elapsed>) {
        let reason = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(
            cluster = %self.member.name, lease = %self.spec.name, reason,
            "a lease could not be given back; it expires by itself"
        );
    }
}

/// What the background task needs.
struct Renewal {
    member: Member,
    spec: LeaseSpec,
    clock: Clock,
    epoch: u64,
    lost: CancellationToken,
    stop: CancellationToken,
}

impl Renewal {
    /// Renews until stopped or lost, and returns the lease as it last was.
    async fn run(self, lease: Value, asked: Instant) -> Value {
        let ty = ResourceType::lease();
        let period = self.spec.time() / 3;
        let mut lease = Record::new(lease);
        let mut lost_at = self.lost_at(asked);
        let mut next = asked + period;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                () = sleep_until(next) => {}
            }
            let asked = Instant::now();
            // Not interrupted by a stop: the version that the answer brings is needed to release.
            let renewed = lease.renewed(self.clock.now());
            let renewal = self.member.replace(&ty, &renewed, FIELD_MANAGER);
            match timeout_at(lost_at, renewal).await {
                Ok(Ok(renewed)) => {
                    lease = Record::new(renewed);
                    (lost_at, next) = (self.lost_at(asked), asked + period);
                }
                Ok(Err(MemberError::Changed)) => match timeout_at(lost_at, self.read()).await {
                    // Only its metadata was touched, or an answer of ours went astray.
                    Ok(Ok(Some(live))) if live.belongs_to(&self.spec.holder, self.epoch) => {
                        (lease, next) = (live, Instant::now() + period / 8);
                    }
                    Ok(Err(_)) => next = Instant::now() + period / 8,
                    Ok(Ok(_)) | Err(_) => {
                        self.lose("somebody else took it");
                        break;
                    }
                },
                Ok(Err(error)) => {
                    tracing::debug!(cluster = %self.member.name, lease = %self.spec.name, %error, "not renewed");
                    next = Instant::now() + period / 8;
                }
                Err(_) => {}
            }
            if Instant::now() >= lost_at {
                self.lose("it could not be renewed in time");
                break;
            }
        }
        lease.into_object()
    }

    /// When others may begin to see it as expired, less a sixth for what is then still on its way.
    fn lost_at(&self, asked: Instant) -> Instant {
        asked + self.spec.time() - self.spec.time() / 6
    }

    async fn read(&self) -> Result<Option<Record>, MemberError> {
        let lease =
            self.member.get(&ResourceType::lease(), Some(&self.spec.namespace), &self.spec.name).await?;
        Ok(lease.map(Record::new))
    }

    fn lose(&self, reason: &str) {
        tracing::warn!(cluster = %self.member.name, lease = %self.spec.name, reason, "lease lost");
        self.lost.cancel();
    }
}
