//! Who may write: the leases of all clusters, and an epoch that is higher than any before it on whatever can be switched.
//!
//! A lease keeps two applies apart that both are well. The epoch keeps out one that hung and wakes up: a switch of its is
//! refused by the server, since the object says a later epoch by then. Both need that any two applies meet on some
//! cluster, so an apply needs more than half of them, and one that takes over from another that never gave up, all.

use std::collections::BTreeMap;

use futures::future::join_all;
use multicluster_core::federation::identity::RECORD_LABEL;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::text;
use multicluster_core::release::journal::Journal;
use serde_json::{Value, json};

use super::engine::{Ground, Site};
use super::error::{ReleaseError, is_unreachable};
use super::journal::{self, JournalError, Stored, choose};
use super::layout::Subject;
use super::patch::annotate;
use super::view::annotation;
use crate::failpoint;
use crate::federation::Run;
use crate::lease::{self, LeaseError, LeaseGuard, LeaseSpec};
use crate::member::{Member, MemberError, ResourceType, Wait};

/// How often an object that changes under our hands is read again.
const ATTEMPTS: u32 = 8;

/// What we hold on one cluster.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) lease: LeaseGuard,
    /// The revision of the journal there.
    pub(super) revision: Option<String>,
    /// What it says, as `(epoch, seq)`.
    pub(super) written: (u64, u64),
}

/// What an apply begins with.
#[derive(Debug)]
pub(super) struct Taken {
    /// The clusters that we may write to.
    pub(super) seats: BTreeMap<ClusterName, Seat>,
    /// Our epoch.
    pub(super) epoch: u64,
    /// The journal that counts, already of our epoch and written to all seats.
    pub(super) journal: Option<Journal>,
    /// The clusters that did not answer, and why.
    pub(super) away: BTreeMap<ClusterName, String>,
}

impl Taken {
    /// Gives all leases back.
    pub(super) async fn release(self) {
        join_all(self.seats.into_values().map(|seat| seat.lease.release())).await;
    }
}

/// Takes the leases of all clusters that answer in the order of their names, all or none, and fences off every apply
/// before this one.
pub(super) async fn take(ground: &Ground, run: &Run) -> Result<Taken, ReleaseError> {
    let mut leases = BTreeMap::new();
    let mut away = BTreeMap::new();
    for (cluster, site) in &ground.sites {
        match lease_of(ground, site, run).await {
            Ok(lease) => {
                leases.insert(cluster.clone(), lease);
            }
            Err(error) if error.is_unreachable() => {
                away.insert(cluster.clone(), error.to_string());
            }
            Err(error) => {
                give_back(leases).await;
                return Err(error);
            }
        }
    }
    match settle(ground, &leases, &away).await {
        Ok((journals, epoch, journal)) => {
            let mut seats = BTreeMap::new();
            for (cluster, lease) in leases {
                let stored = journals.get(&cluster);
                let revision = stored.map(|stored| stored.revision.clone());
                let written = stored.map_or((0, 0), |stored| (stored.journal.epoch, stored.journal.seq));
                seats.insert(cluster, Seat { lease, revision, written });
            }
            let mut taken = Taken { seats, epoch, journal, away };
            match raise(ground, &mut taken).await {
                Ok(()) => Ok(taken),
                Err(error) => {
                    taken.release().await;
                    Err(error)
                }
            }
        }
        Err(error) => {
            give_back(leases).await;
            Err(error)
        }
    }
}

/// Takes part again on a cluster that did not answer before, in the epoch that we have.
pub(super) async fn join(
    ground: &Ground,
    site: &Site,
    current: &Journal,
    run: &Run,
) -> Result<Seat, ReleaseError> {
    let cluster = &site.member.name;
    let superseded = || ReleaseError::Superseded { cluster: cluster.clone() };
    check_uid(site).await?;
    let holder =
        lease::holder(&site.member, &ground.layout.release.records, &ground.layout.release.lease_name())
            .await;
    let holder = match holder {
        Err(MemberError::NotFound { .. }) => None,
        holder => holder.map_err(ReleaseError::on(cluster, "read the release's lease"))?,
    };
    // Ours, if it came back before its time was over. Anybody else took it because we seemed to be dead.
    if holder.is_some_and(|holder| holder != run.holder) {
        return Err(superseded());
    }
    let lease = lease_of(ground, site, run).await?;
    let seat = async {
        let journal_error = |reason| match reason {
            JournalError::Superseded => superseded(),
            reason => ReleaseError::Journal { cluster: cluster.clone(), reason },
        };
        let stored = journal::read_one(&site.member, &ground.layout.release).await.map_err(journal_error)?;
        if stored.as_ref().is_some_and(|stored| {
            stored.journal.instance == current.instance && stored.journal.epoch > current.epoch
        }) {
            return Err(superseded());
        }
        let known = stored.map(|stored| stored.revision);
        let revision = journal::write_one(&site.member, &ground.layout.release, current, known.as_deref())
            .await
            .map_err(journal_error)?;
        fence(ground, site, current.epoch).await?;
        Ok((Some(revision), (current.epoch, current.seq)))
    }
    .await;
    match seat {
        Ok((revision, written)) => Ok(Seat { lease, revision, written }),
        Err(error) => {
            lease.release().await;
            Err(error)
        }
    }
}

async fn give_back(leases: BTreeMap<ClusterName, LeaseGuard>) {
    join_all(leases.into_values().map(LeaseGuard::release)).await;
}

/// Reads the journals under the leases, and says whether this apply may go on and in which epoch.
async fn settle(
    ground: &Ground,
    leases: &BTreeMap<ClusterName, LeaseGuard>,
    away: &BTreeMap<ClusterName, String>,
) -> Result<(BTreeMap<ClusterName, Stored>, u64, Option<Journal>), ReleaseError> {
    let members = leases.keys().filter_map(|cluster| ground.sites.get(cluster));
    let mut journals = BTreeMap::new();
    for (cluster, read) in journal::read_all(members.map(|site| &*site.member), &ground.layout.release).await
    {
        match read {
            Ok(Some(stored)) => drop(journals.insert(cluster, stored)),
            Ok(None) => {}
            Err(reason) => return Err(ReleaseError::Journal { cluster, reason }),
        }
    }
    let instance = ground.instance.as_deref();
    let chosen = choose(journals.values().map(|stored| &stored.journal), instance).cloned();
    let seats = Seats {
        all: ground.sites.keys().cloned().collect(),
        taken_over: leases.values().any(LeaseGuard::taken_over),
        epochs: journals.values().map(|stored| stored.journal.epoch).collect(),
        away: away.keys().cloned().collect(),
    };
    let why = || away.values().next().cloned().unwrap_or_default();
    match seats.judge() {
        Standing::Enough => {}
        Standing::TakeOver => return Err(ReleaseError::NotAll { clusters: seats.away, why: why() }),
        Standing::TooFew => {
            let (answering, all) = (leases.len(), seats.all.len());
            return Err(ReleaseError::NoQuorum { answering, all, why: why() });
        }
    }
    let reads = leases.keys().filter_map(|cluster| ground.sites.get(cluster));
    let mut epoch = journals.values().map(|stored| stored.journal.epoch).max().unwrap_or(0);
    epoch = epoch.max(leases.values().map(LeaseGuard::epoch).max().unwrap_or(0));
    for read in join_all(reads.map(async |site| epoch_of(ground, site).await)).await {
        epoch = epoch.max(read?);
    }
    Ok((journals, epoch.saturating_add(1), chosen))
}

/// What decides whether an apply may begin.
struct Seats {
    all: Vec<ClusterName>,
    /// Whether a lease was still held by somebody who gave no sign of life.
    taken_over: bool,
    /// The epochs of the journals that were found.
    epochs: Vec<u64>,
    away: Vec<ClusterName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Enough,
    /// Somebody was cut short: all clusters are needed.
    TakeOver,
    TooFew,
}

impl Seats {
    fn judge(&self) -> Standing {
        if self.away.is_empty() {
            return Standing::Enough;
        }
        let several = self.epochs.iter().any(|epoch| Some(epoch) != self.epochs.first());
        if self.taken_over || several {
            return Standing::TakeOver;
        }
        let there = self.all.len() - self.away.len();
        // Of two halves only one has the first cluster.
        let first = self.all.first().is_some_and(|first| !self.away.contains(first));
        if there * 2 > self.all.len() || (there * 2 == self.all.len() && first && there > 0) {
            Standing::Enough
        } else {
            Standing::TooFew
        }
    }
}

/// Writes our epoch to the journals, then onto everything that can be switched.
async fn raise(ground: &Ground, taken: &mut Taken) -> Result<(), ReleaseError> {
    if let Some(journal) = &mut taken.journal {
        (journal.epoch, journal.seq) = (taken.epoch, 0);
        let written = &*journal;
        let writes = join_all(taken.seats.iter().map(async |(cluster, seat)| {
            let site = ground.sites.get(cluster)?;
            let known = seat.revision.as_deref();
            let write = journal::write_one(&site.member, &ground.layout.release, written, known).await;
            Some((cluster.clone(), write))
        }));
        for (cluster, write) in writes.await.into_iter().flatten() {
            let revision = write.map_err(|reason| match reason {
                JournalError::Superseded => ReleaseError::Superseded { cluster: cluster.clone() },
                reason => ReleaseError::Journal { cluster: cluster.clone(), reason },
            })?;
            if let Some(seat) = taken.seats.get_mut(&cluster) {
                (seat.revision, seat.written) = (Some(revision), (written.epoch, written.seq));
            }
        }
    }
    let places = taken.seats.keys().filter_map(|cluster| ground.sites.get(cluster));
    for fenced in join_all(places.map(async |site| fence(ground, site, taken.epoch).await)).await {
        fenced?;
    }
    Ok(())
}

/// The highest epoch that stands on something that can be switched.
async fn epoch_of(ground: &Ground, site: &Site) -> Result<u64, ReleaseError> {
    let mut highest = 0;
    for subject in ground.layout.switchable() {
        let live = read(site, &subject).await?;
        highest = highest
            .max(live.as_ref().and_then(|live| epoch_on(live, &ground.layout.epoch_mark())).unwrap_or(0));
    }
    Ok(highest)
}

/// The epoch that stands on an object.
pub(super) fn epoch_on(live: &Value, mark: &str) -> Option<u64> {
    annotation(live, mark)?.parse().ok()
}

async fn read(site: &Site, subject: &Subject) -> Result<Option<Value>, ReleaseError> {
    let Subject { ty, namespace, name } = subject;
    match site.member.get(ty, Some(namespace), name).await {
        // A kind that is not served has no objects.
        Err(MemberError::UnknownKind) => Ok(None),
        answer => answer.map_err(ReleaseError::on(&site.member.name, "read what leads traffic")),
    }
}

/// Puts the epoch on everything on a cluster that can be switched.
async fn fence(ground: &Ground, site: &Site, epoch: u64) -> Result<(), ReleaseError> {
    for subject in ground.layout.switchable() {
        fence_one(ground, site, &subject, epoch).await?;
    }
    Ok(())
}

async fn fence_one(ground: &Ground, site: &Site, subject: &Subject, epoch: u64) -> Result<(), ReleaseError> {
    let cluster = &site.member.name;
    let Subject { ty, namespace, name } = subject;
    let (manager, mark) = (ground.layout.release.field_manager(), ground.layout.epoch_mark());
    let mut answer = Err(MemberError::Changed);
    for _ in 0..ATTEMPTS {
        let Some(live) = read(site, subject).await? else { return Ok(()) };
        match epoch_on(&live, &mark) {
            Some(found) if found > epoch => {
                return Err(ReleaseError::Superseded { cluster: cluster.clone() });
            }
            Some(found) if found == epoch => return Ok(()),
            _ => {}
        }
        let patch = annotate(&live, [(mark.as_str(), epoch.to_string())]);
        failpoint::hit("fence-before");
        answer = site.member.patch_json(ty, Some(namespace), name, &patch, &manager).await;
        failpoint::hit("fence-after");
        match answer {
            Err(MemberError::Changed) => {}
            Err(MemberError::NotFound { .. }) => return Ok(()),
            _ => break,
        }
    }
    answer.map(drop).map_err(ReleaseError::on(cluster, "mark what leads traffic"))
}

/// Whether the cluster is the one that it must be.
pub(super) async fn check_uid(site: &Site) -> Result<ClusterUid, ReleaseError> {
    let cluster = &site.member.name;
    let found = site.member.uid().await.map_err(ReleaseError::on(cluster, "identify the cluster"))?;
    match &site.uid {
        Some(expected) if *expected != found => Err(ReleaseError::Refused(format!(
            "`{cluster}` is another cluster than before: kube-system has UID {found}, expected {expected}"
        ))),
        _ => Ok(found),
    }
}

async fn lease_of(ground: &Ground, site: &Site, run: &Run) -> Result<LeaseGuard, ReleaseError> {
    check_uid(site).await?;
    let cluster = &site.member.name;
    let spec = LeaseSpec {
        namespace: ground.layout.release.records.clone(),
        name: ground.layout.release.lease_name(),
        holder: run.holder.clone(),
        duration: run.lease_duration,
    };
    let wait = Wait { cancelled: run.cancelled.clone(), deadline: run.deadline };
    let first = {
        // Until the lease is there, a removal in this process could take the namespace away.
        let _gate = site.member.records_gate().await;
        ensure_namespace(ground, &site.member, &wait).await?;
        failpoint::hit("release-lease-before");
        lease::acquire(&site.member, &spec, &run.clock).await
    };
    let lease = match first {
        Err(LeaseError::Held { .. }) => lease::acquire_or_wait(&site.member, &spec, &run.clock, &wait).await,
        first => first,
    };
    let lease = lease.map_err(|reason| ReleaseError::Lease { cluster: cluster.clone(), reason })?;
    failpoint::hit("release-lease-after");
    Ok(lease)
}

/// Makes the namespace of the records, unless it is there.
async fn ensure_namespace(ground: &Ground, member: &Member, wait: &Wait) -> Result<(), ReleaseError> {
    const DOING: &str = "make the namespace of the records";
    let on = |error| ReleaseError::on(&member.name, DOING)(error);
    let (ty, name) = (ResourceType::namespace(), ground.layout.release.records.as_str());
    if let Some(namespace) = member.get(&ty, None, name).await.map_err(on)? {
        if namespace.pointer("/metadata/deletionTimestamp").is_none() {
            return Ok(());
        }
        let uid = text(&namespace, "/metadata/uid");
        member.wait_gone(&ty, None, name, uid, wait).await.map_err(|reason| ReleaseError::Wait {
            cluster: member.name.clone(),
            doing: DOING,
            reason: Box::new(reason),
        })?;
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": { RECORD_LABEL: "namespace" } },
    });
    match member.create(&ty, &object, &ground.layout.release.field_manager()).await {
        Ok(_) | Err(MemberError::AlreadyExists) => Ok(()),
        Err(error) => Err(on(error)),
    }
}

/// Whether a failure to take part again is one of the way to the cluster, so that it is tried again.
pub(super) fn passes(error: &ReleaseError) -> bool {
    match error {
        ReleaseError::Lease { reason: LeaseError::Held { .. }, .. } => false,
        ReleaseError::Member { reason, .. } => {
            is_unreachable(reason) || matches!(reason, MemberError::Changed)
        }
        error => error.is_unreachable(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all_are_there("abc", "", false, &[4, 4], Standing::Enough)]
    #[case::all_are_there_for_a_takeover("abc", "", true, &[4, 5], Standing::Enough)]
    #[case::most_are_there("abc", "c", false, &[4, 4], Standing::Enough)]
    #[case::most_are_not_enough_for_a_takeover("abc", "c", true, &[4, 4], Standing::TakeOver)]
    #[case::an_epoch_was_begun_and_not_spread("abc", "c", false, &[4, 5], Standing::TakeOver)]
    #[case::too_few("abc", "bc", false, &[4], Standing::TooFew)]
    #[case::the_half_with_the_first("ab", "b", false, &[4], Standing::Enough)]
    #[case::the_half_without_the_first("ab", "a", false, &[4], Standing::TooFew)]
    #[case::alone_and_away("a", "a", false, &[], Standing::TooFew)]
    fn who_may_begin(
        #[case] all: &str,
        #[case] away: &str,
        #[case] taken_over: bool,
        #[case] epochs: &[u64],
        #[case] expected: Standing,
    ) {
        let names = |text: &str| text.chars().map(|c| ClusterName::new(c.to_string()).unwrap()).collect();
        let seats = Seats { all: names(all), taken_over, epochs: epochs.to_vec(), away: names(away) };
        assert_eq!(seats.judge(), expected);
    }
}
