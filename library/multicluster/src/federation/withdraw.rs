//! Takes everything that a federation keeps away from one member, the sets of all who add to it included: for a cluster
//! that is about to go.

use std::collections::BTreeMap;
use std::sync::Arc;

use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::plan::Leave;
use multicluster_core::names::ClusterUid;

use super::apply::MemberReport;
use super::error::FederationError;
use super::records;
use super::remove::{RemoveJob, remove};
use super::run::Run;
use crate::member::Member;

/// Deletes the objects of all sets of a federation from one member, waits until they are gone with their load balancers
/// and volumes, then removes the records. `federation` names the federation by any of its sets. Ends with the first set
/// that cannot be removed. A member without records is left as it is.
///
/// The reports are those of the sets, by their names.
///
/// # Errors
/// [`FederationError`] if the records cannot be read; nothing was removed then.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the reports instead.
pub async fn withdraw(
    member: &Arc<Member>,
    federation: &FederationSet,
    expected: Option<&ClusterUid>,
    run: &Run,
) -> Result<BTreeMap<String, MemberReport>, FederationError> {
    let own = FederationSet::default_of(federation.federation.clone(), federation.namespace.clone());
    let mut sets: Vec<FederationSet> = records::other_sets(member, &own)
        .await?
        .into_iter()
        .map(|set| FederationSet { set, ..own.clone() })
        .collect();
    // The federation itself goes last: the others are found by it.
    sets.push(own);
    let mut reports = BTreeMap::new();
    for set in sets {
        let Some(inventory) = records::inventory(member, &set).await? else { continue };
        let members = BTreeMap::from([(member.name.clone(), (Arc::clone(member), expected.cloned()))]);
        let name = set.set.clone();
        let job = RemoveJob {
            set,
            instance: inventory.instance,
            leave: Leave::Delete,
            forget_unreachable: false,
            members,
        };
        let report = remove(&job, run).await.members.remove(&member.name).unwrap_or_default();
        let failed = report.error.is_some();
        reports.insert(name, report);
        if failed {
            break;
        }
    }
    Ok(reports)
}
