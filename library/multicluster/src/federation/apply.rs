//! Brings all members to what is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures::future::join_all;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::inventory::State;
use multicluster_core::federation::observation::Seen;
use multicluster_core::federation::plan::{self, Claim, Leave, MemberPlan};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::{GroupKind, ObjectKey, group_of};
use multicluster_core::placement::Labels;
use multicluster_core::scope::defines;
use tokio_util::sync::CancellationToken;

use super::carry_out::{carry_out, carry_out_removal};
use super::error::{FederationError, Reason};
use super::foresee::look_for_differences;
use super::observe::{Observed, observe};
use super::records;
use super::run::{Mode, Run};
use crate::lease::{LeaseError, LeaseGuard, LeaseSpec};
use crate::member::Member;

/// What is to be true of a federation.
#[derive(Clone, Debug)]
pub struct ApplyJob {
    /// Its name and what follows from it.
    pub set: FederationSet,
    /// This creation of it.
    pub instance: String,
    /// Whether it is being made.
    pub mode: Mode,
    /// What happens to the objects of members that leave.
    pub leave: Leave,
    /// Whether members that leave and do not answer are forgotten, with all that is on them.
    pub forget_unreachable: bool,
    /// All members, also those that leave.
    pub members: BTreeMap<ClusterName, MemberJob>,
}

/// What is to be true of one member.
#[derive(Clone, Debug)]
pub struct MemberJob {
    /// The cluster.
    pub member: Arc<Member>,
    /// Its labels.
    pub labels: Labels,
    /// Its objects; `None` if it leaves the federation.
    pub desired: Option<MemberDesired>,
    /// Objects whose documents are there but do not select the member any more: they go, also if they would outlive
    /// their documents.
    pub unselected: BTreeSet<ObjectKey>,
    /// The cluster that it must be, if that is known. Under the name of one that leaves, another cluster is left alone.
    pub expected_uid: Option<ClusterUid>,
}

/// What an apply did.
#[derive(Debug, Default)]
pub struct Report {
    /// Whether anything was written anywhere.
    pub wrote: bool,
    /// By member.
    pub members: BTreeMap<ClusterName, MemberReport>,
}

/// What is true of one member now.
#[derive(Debug, Default)]
pub struct MemberReport {
    /// Which cluster it is, if it answered.
    pub cluster_uid: Option<ClusterUid>,
    /// Its version of Kubernetes, if it was asked.
    pub version: Option<String>,
    /// What is there; `None` if that is not known to have changed.
    pub seen: Option<Seen>,
    /// Whether it is as asked: brought there, or so already.
    pub done: bool,
    /// Whether nothing of the federation is left on it.
    pub left: bool,
    /// What went wrong.
    pub error: Option<FederationError>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl MemberReport {
    /// Of a member that cannot be reached, and is left all the same.
    #[must_use]
    pub fn forgotten(name: &ClusterName, why: &impl fmt::Display) -> Self {
        let warning = format!("`{name}` is forgotten, and what is on it stays as it is: {why}.");
        Self { done: true, left: true, warnings: vec![warning], ..Self::default() }
    }

    /// Notes that the last step of leaving failed.
    pub(super) fn fail_to_leave(&mut self, error: FederationError) {
        (self.done, self.left, self.error) = (false, false, Some(error));
    }
}

impl Report {
    /// Whether every member is as asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.members.values().all(|member| member.error.is_none())
    }

    /// Whether the only thing wrong is that the user put an end to it.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        let mut errors = self.members.values().filter_map(|member| member.error.as_ref()).peekable();
        errors.peek().is_some() && errors.all(FederationError::is_interruption)
    }
}

/// Brings all members to what the job asks: reads all, takes the leases of all that answered, then writes to all at
/// once. Never fails as a whole; the report says what is true of each member.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the report instead.
pub async fn apply(job: &ApplyJob, run: &Run) -> Report {
    let mut report = Report::default();
    let mut ready = preflight(job, &mut report, run).await;
    if job.mode == Mode::Create && !report.is_success() {
        return report;
    }
    // A record without objects is to be removed, too.
    ready.retain(|_, planned| planned.leaves || !planned.plan.as_ref().is_none_or(MemberPlan::is_empty));
    for (name, member) in &mut report.members {
        member.done = member.error.is_none() && !ready.contains_key(name);
    }
    let leases = match take_leases(job, &ready, run).await {
        Ok(leases) => leases,
        Err((name, error)) => {
            report.members.entry(name).or_default().error = Some(error);
            return report;
        }
    };
    let ready = look_again(job, ready, &leases, &mut report, run).await;
    if job.mode == Mode::Update || report.is_success() {
        report.wrote = !ready.is_empty();
        let work = join_all(ready.into_iter().map(async |(name, planned)| {
            let (Some(member), Some(lease)) = (job.members.get(&name), leases.get(&name)) else {
                return (name, MemberReport::default());
            };
            let report = work_on(job, member, planned, &lease.lost(), run).await;
            (name, report)
        }));
        report.members.extend(work.await);
    }
    if job.mode == Mode::Create && !report.is_success() {
        take_back(job, &leases, &mut report).await;
    }
    join_all(leases.into_iter().map(async |(name, lease)| {
        let report = report.members.get(&name);
        let left = report.is_some_and(|member| member.left);
        match job.members.get(&name).filter(|_| left) {
            Some(member) => (name, records::remove(&member.member, &job.set, lease).await),
            None => {
                lease.release().await;
                (name, Ok(()))
            }
        }
    }))
    .await
    .into_iter()
    .filter_map(|(name, ended)| Some((name, ended.err()?)))
    .for_each(|(name, error)| report.members.entry(name).or_default().fail_to_leave(error));
    report
}

/// After a create that failed on some member: says on those that are done that the whole is not, so that the next create
/// goes on with them. It may know nothing of this one, since Terraform does not hand over what it kept of a tainted
/// resource.
async fn take_back(job: &ApplyJob, leases: &BTreeMap<ClusterName, LeaseGuard>, report: &mut Report) {
    let done = leases.keys().filter(|name| report.members.get(*name).is_some_and(|it| it.done));
    let reopened = join_all(done.map(async |name| {
        let member = job.members.get(name)?;
        Some((name.clone(), records::reopen(&member.member, &job.set).await))
    }));
    for (name, reopened) in reopened.await.into_iter().flatten() {
        let entry = report.members.entry(name).or_default();
        match reopened {
            Ok(inventory) => entry.seen = inventory.as_ref().map(Seen::as_left),
            Err(error) => entry.error = Some(error),
        }
    }
}

/// A member that may be written to.
struct Planned {
    /// `None` for a member that leaves and has nothing of ours.
    plan: Option<MemberPlan>,
    leaves: bool,
    cluster_uid: ClusterUid,
    version: Option<String>,
    /// Whether the plan rests on the record's last writer being dead.
    reopened: bool,
}

/// Looks at the members again, now that the leases are ours. Those whose record was written since preflight are planned
/// anew: whoever held the lease before us has changed what is there.
async fn look_again(
    job: &ApplyJob,
    ready: BTreeMap<ClusterName, Planned>,
    leases: &BTreeMap<ClusterName, LeaseGuard>,
    report: &mut Report,
    run: &Run,
) -> BTreeMap<ClusterName, Planned> {
    let looks = join_all(ready.into_iter().map(async |(name, planned)| {
        let fresh = match (job.members.get(&name), leases.get(&name)) {
            (Some(member), Some(lease)) => replan(job, &name, member, planned, lease.taken_over(), run).await,
            _ => Ok(planned),
        };
        (name, fresh)
    }));
    let mut ready = BTreeMap::new();
    for (name, fresh) in looks.await {
        match fresh {
            Ok(planned) => {
                ready.insert(name, planned);
            }
            Err(error) => report.members.entry(name).or_default().error = Some(error),
        }
    }
    ready
}

async fn replan(
    job: &ApplyJob,
    name: &ClusterName,
    member: &MemberJob,
    planned: Planned,
    taken_over: bool,
    run: &Run,
) -> Result<Planned, FederationError> {
    let recorded = records::read_inventory(&member.member, &job.set).await?;
    let seen = planned.plan.as_ref().and_then(|plan| plan.replaces.as_deref());
    let unchanged = recorded.as_ref().map(|it| it.resource_version.as_str()) == seen;
    if unchanged && (taken_over || !planned.reopened) {
        return Ok(planned);
    }
    let none = MemberDesired::new();
    let desired = member.desired.as_ref().unwrap_or(&none);
    let mut observed = observe(&member.member, &job.set, desired).await?;
    observed.observation.unselect(&member.unselected);
    look_for_differences(&member.member, &job.set, desired, &mut observed.observation, run.deadline).await;
    if job.mode == Mode::Create && taken_over {
        reopen(&mut observed);
    }
    Ok(Planned { plan: plan_member(job, name, member, &observed)?, ..planned })
}

/// Takes a complete record for an incomplete one: its writer had finished, but died before it could say so to anybody.
fn reopen(observed: &mut Observed) {
    if let Some(recorded) = &mut observed.observation.inventory {
        recorded.inventory.state = State::Incomplete;
    }
}

/// For a create: whether a complete record is one whose writer never gave its lease back. Then nobody has a state of
/// it, and the create goes on with it as with an incomplete one; if the writer is alive after all, the lease tells.
///
/// # Errors
/// [`FederationError`] if the lease cannot be read.
pub async fn reopen_if_abandoned(
    member: &Member,
    set: &FederationSet,
    observed: &mut Observed,
) -> Result<bool, FederationError> {
    let recorded = observed.observation.inventory.as_ref();
    if recorded.is_none_or(|it| it.inventory.state == State::Incomplete) {
        return Ok(false);
    }
    let holder = crate::lease::holder(member, &set.namespace, &set.lease_name()).await;
    let held = holder.map_err(FederationError::while_("read the federation's lease"))?.is_some();
    if held {
        reopen(observed);
    }
    Ok(held)
}

/// Reads all members and plans them. What may not be done is in the report afterwards.
async fn preflight(job: &ApplyJob, report: &mut Report, run: &Run) -> BTreeMap<ClusterName, Planned> {
    let none = MemberDesired::new();
    let observed = join_all(job.members.iter().map(async |(name, member)| {
        let desired = member.desired.as_ref().unwrap_or(&none);
        (name, member, look(job, member, desired, run).await)
    }))
    .await;
    let mut ready = BTreeMap::new();
    let mut known: BTreeMap<ClusterUid, ClusterName> = BTreeMap::new();
    // Those that stay come first: a cluster that is a member under another name is not left.
    let (stay, leave): (Vec<_>, Vec<_>) =
        observed.into_iter().partition(|(_, member, _)| member.desired.is_some());
    for (name, member, observed) in stay.into_iter().chain(leave) {
        let entry = report.members.entry(name.clone()).or_default();
        let Looked { observed, reopened, version } = match observed {
            Ok(looked) => looked,
            Err(error) if member.desired.is_none() && job.forget_unreachable && error.is_unreachable() => {
                *entry = MemberReport::forgotten(name, &error);
                continue;
            }
            Err(error) => {
                entry.error = Some(error);
                continue;
            }
        };
        let cluster_uid = observed.observation.cluster_uid.clone();
        entry.cluster_uid = Some(cluster_uid.clone());
        entry.version.clone_from(&version);
        let leaves = member.desired.is_none();
        if leaves && let Some(warning) = not_to_be_left(member, &cluster_uid, &known) {
            (entry.left, entry.warnings) = (true, warning.into_iter().collect());
            continue;
        }
        if let Some(other) = known.insert(cluster_uid.clone(), name.clone()) {
            entry.error = Some(join_error(name, Reason::SameCluster(other)));
            continue;
        }
        match plan_member(job, name, member, &observed) {
            Ok(None) => entry.left = true,
            Ok(plan) => {
                entry.seen = Some(observed.observation.seen(member.desired.as_ref().unwrap_or(&none)));
                ready.insert(name.clone(), Planned { plan, leaves, cluster_uid, version, reopened });
            }
            Err(error) => entry.error = Some(error),
        }
    }
    ready
}

/// Whether there is nothing to be left under the name of a member that leaves, and what is to be said about it: the
/// cluster stays under another name, or has gone with all that was on it.
fn not_to_be_left(
    member: &MemberJob,
    found: &ClusterUid,
    staying: &BTreeMap<ClusterUid, ClusterName>,
) -> Option<Option<String>> {
    if staying.contains_key(found) {
        return Some(None);
    }
    let expected = member.expected_uid.as_ref().filter(|expected| *expected != found)?;
    Some(Some(another_cluster(&member.member.name, found, expected)))
}

/// What is said where the cluster that we knew has gone, and another one answers to its name, which is not ours to touch.
pub(super) fn another_cluster(name: &ClusterName, found: &ClusterUid, expected: &ClusterUid) -> String {
    format!(
        "`{name}` is another cluster than the one that was joined (kube-system has UID {found}, was {expected}); \
         nothing was removed from it."
    )
}

async fn look(
    job: &ApplyJob,
    member: &MemberJob,
    desired: &MemberDesired,
    run: &Run,
) -> Result<Looked, FederationError> {
    // That a server does not tell its version is no reason not to work on it.
    let version =
        async { member.member.server_version(&run.clock).await.ok().map(|(version, _)| version.text) };
    let (observed, version) = futures::join!(observe(&member.member, &job.set, desired), version);
    let mut observed = observed?;
    observed.observation.unselect(&member.unselected);
    look_for_differences(&member.member, &job.set, desired, &mut observed.observation, run.deadline).await;
    let reopened = match job.mode {
        Mode::Create => reopen_if_abandoned(&member.member, &job.set, &mut observed).await?,
        Mode::Update => false,
    };
    Ok(Looked { observed, reopened, version })
}

/// A member as preflight found it.
struct Looked {
    observed: Observed,
    /// Whether its record was taken for one of an apply that was cut short.
    reopened: bool,
    version: Option<String>,
}

fn join_error(name: &ClusterName, reason: Reason) -> FederationError {
    FederationError { doing: format!("use cluster `{name}`"), reason }
}

fn plan_member(
    job: &ApplyJob,
    name: &ClusterName,
    member: &MemberJob,
    observed: &Observed,
) -> Result<Option<MemberPlan>, FederationError> {
    let found = &observed.observation.cluster_uid;
    if let Some(expected) = member.expected_uid.as_ref().filter(|expected| *expected != found) {
        let reason = Reason::WrongCluster { expected: expected.clone(), found: found.clone() };
        return Err(join_error(name, reason));
    }
    let Some(desired) = &member.desired else {
        return Ok(plan::plan_removal(&job.instance, job.leave, &observed.observation));
    };
    for (api_version, kind) in &observed.unknown_kinds {
        let group_kind = GroupKind { group: group_of(api_version).to_owned(), kind: kind.clone() };
        if !defines(desired.values().map(|it| &it.object), &group_kind) {
            let reason = Reason::NoSuchKind { api_version: api_version.clone(), kind: kind.clone() };
            return Err(join_error(name, reason));
        }
    }
    let claim = match job.mode {
        Mode::Create => Claim::Make(&job.instance),
        Mode::Update => Claim::Change(&job.instance),
    };
    plan::plan(&job.set, claim, &member.labels, desired, &observed.observation)
        .map(Some)
        .map_err(|refusals| join_error(name, Reason::Refused(refusals)))
}

/// Takes the leases in the order of the names, all or none.
async fn take_leases(
    job: &ApplyJob,
    ready: &BTreeMap<ClusterName, Planned>,
    run: &Run,
) -> Result<BTreeMap<ClusterName, LeaseGuard>, (ClusterName, FederationError)> {
    let mut leases = BTreeMap::new();
    for name in ready.keys() {
        let Some(member) = job.members.get(name) else { continue };
        let taken = take_lease(&job.set, &member.member, run).await;
        match taken {
            Ok(lease) => {
                leases.insert(name.clone(), lease);
            }
            Err(error) => {
                for lease in leases.into_values() {
                    lease.release().await;
                }
                return Err((name.clone(), error));
            }
        }
    }
    Ok(leases)
}

pub(super) async fn take_lease(
    set: &FederationSet,
    member: &Arc<Member>,
    run: &Run,
) -> Result<LeaseGuard, FederationError> {
    let spec = LeaseSpec {
        namespace: set.namespace.clone(),
        name: set.lease_name(),
        holder: run.holder.clone(),
        duration: run.lease_duration,
    };
    let doing = "take the federation's lease";
    let first = {
        // Until the lease is there, a removal in this process could take the namespace away.
        let _gate = member.records_gate().await;
        if run.cancelled.is_cancelled() {
            return Err(FederationError::while_(doing)(Reason::Interrupted));
        }
        records::ensure_namespace(member, set, run).await?;
        crate::failpoint::hit("lease-acquire-before");
        crate::lease::acquire(member, &spec, &run.clock).await
    };
    let lease = match first {
        // It is there, and held: the wait may be long, and must not hold up others.
        Err(LeaseError::Held { .. }) => {
            crate::lease::acquire_or_wait(member, &spec, &run.clock, &run.wait()).await
        }
        first => first,
    };
    let lease = lease.map_err(FederationError::while_(doing))?;
    crate::failpoint::hit("lease-acquire-after");
    Ok(lease)
}

async fn work_on(
    job: &ApplyJob,
    member: &MemberJob,
    planned: Planned,
    lost: &CancellationToken,
    run: &Run,
) -> MemberReport {
    let mut report = MemberReport {
        cluster_uid: Some(planned.cluster_uid),
        version: planned.version,
        ..MemberReport::default()
    };
    let Some(plan) = planned.plan else {
        (report.done, report.left) = (true, true);
        return report;
    };
    let child = run.child();
    let outcome = if planned.leaves {
        let work = carry_out_removal(&member.member, &job.set, &plan, &child);
        run.while_held(lost, &child, work).await
    } else {
        let work = carry_out(&member.member, &job.set, &plan, &child, lost);
        run.while_held(lost, &child, work).await
    };
    report.done = outcome.error.is_none();
    report.left = planned.leaves && report.done;
    report.seen = outcome.inventory.as_ref().map(Seen::as_left);
    report.error = outcome.error;
    report.warnings = outcome.warnings;
    report
}
