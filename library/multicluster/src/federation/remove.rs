//! Takes a federation away from all members.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use multicluster_core::federation::identity::{DEFAULT_SET, FederationSet};
use multicluster_core::federation::observation::Seen;
use multicluster_core::federation::plan::{self, Leave};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::{ClusterName, ClusterUid};

use super::apply::{MemberReport, Report, another_cluster, take_lease};
use super::carry_out::{Outcome, carry_out_removal};
use super::error::{FederationError, Reason};
use super::observe::observe;
use super::records;
use super::run::Run;
use crate::member::Member;

/// What is to be removed, and from where.
#[derive(Clone, Debug)]
pub struct RemoveJob {
    /// The federation's name and what follows from it.
    pub set: FederationSet,
    /// The creation of it that is meant. Records of another one are left alone.
    pub instance: String,
    /// What happens to the objects.
    pub leave: Leave,
    /// Whether members that do not answer are forgotten, with all that is on them.
    pub forget_unreachable: bool,
    /// The members, with the cluster that each must be, if known.
    pub members: BTreeMap<ClusterName, (Arc<Member>, Option<ClusterUid>)>,
}

/// Deletes the federation's objects from every member, waits until they are gone, then removes its records. Members
/// that fail do not hold up the others.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the report instead.
pub async fn remove(job: &RemoveJob, run: &Run) -> Report {
    let done = join_all(job.members.iter().map(async |(name, (member, expected))| {
        (name.clone(), remove_member(job, member, expected.as_ref(), run).await)
    }))
    .await;
    Report { wrote: true, members: done.into_iter().collect() }
}

async fn remove_member(
    job: &RemoveJob,
    member: &Arc<Member>,
    expected: Option<&ClusterUid>,
    run: &Run,
) -> MemberReport {
    match try_remove(job, member, expected, run).await {
        Ok(report) => report,
        Err(error) if job.forget_unreachable && error.is_unreachable() => {
            MemberReport::forgotten(&member.name, &error)
        }
        Err(error) => MemberReport { error: Some(error), ..MemberReport::default() },
    }
}

async fn try_remove(
    job: &RemoveJob,
    member: &Arc<Member>,
    expected: Option<&ClusterUid>,
    run: &Run,
) -> Result<MemberReport, FederationError> {
    let observed = observe(member, &job.set, &MemberDesired::new()).await?.observation;
    let mut report =
        MemberReport { cluster_uid: Some(observed.cluster_uid.clone()), ..MemberReport::default() };
    if let Some(expected) = expected.filter(|expected| **expected != observed.cluster_uid) {
        // The cluster that we knew has gone, and all that was on it. This one is not ours to touch.
        (report.done, report.left) = (true, true);
        report.warnings.push(another_cluster(&member.name, &observed.cluster_uid, expected));
        return Ok(report);
    }
    if plan::plan_removal(&job.instance, job.leave, &observed).is_none() {
        (report.done, report.left) = (true, true);
        return Ok(report);
    }
    refuse_with_sets(job, member).await?;
    let lease = take_lease(&job.set, member, run).await?;
    // Read again: the last holder of the lease may have changed what is there, and a set may have come since.
    let again = async {
        refuse_with_sets(job, member).await?;
        observe(member, &job.set, &MemberDesired::new()).await
    };
    let observed = match again.await {
        Ok(observed) => observed.observation,
        Err(error) => {
            lease.release().await;
            return Err(error);
        }
    };
    let outcome = match plan::plan_removal(&job.instance, job.leave, &observed) {
        Some(plan) => {
            let child = run.child();
            let work = carry_out_removal(member, &job.set, &plan, &child);
            run.while_held(&lease.lost(), &child, work).await
        }
        None if observed.inventory.is_none() => Outcome::default(),
        None => {
            // Another creation of the federation has come to live here.
            lease.release().await;
            (report.done, report.left) = (true, true);
            return Ok(report);
        }
    };
    report.left = outcome.error.is_none();
    report.done = report.left;
    report.seen = outcome.inventory.as_ref().map(Seen::as_left);
    report.warnings = outcome.warnings;
    report.error = outcome.error;
    if !report.left {
        lease.release().await;
    } else if let Err(error) = records::remove(member, &job.set, lease).await {
        report.fail_to_leave(error);
    }
    Ok(report)
}

/// A federation does not leave members on which others keep objects by it.
async fn refuse_with_sets(job: &RemoveJob, member: &Member) -> Result<(), FederationError> {
    if job.set.set != DEFAULT_SET {
        return Ok(());
    }
    let others = records::other_sets(member, &job.set).await?;
    if others.is_empty() {
        return Ok(());
    }
    let doing = format!("remove federation {}", job.set.federation);
    Err(FederationError { doing, reason: Reason::HasSets(others) })
}
