//! What the members tell before anything can be rendered for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{join_all, try_join};
use multicluster_core::capacity::{NodeCapacity, summarise};
use multicluster_core::federation::facts::{Facts, MemberFacts, ObjectFacts};
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::inventory::{Inventory, State};
use multicluster_core::federation::observation::Observation;
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::federation::spec::{FederationSpec, ResourceSpec};
use multicluster_core::names::ClusterName;
use multicluster_core::object::ObjectKey;
use multicluster_core::replicas::Mode;
use serde_json::Value;

use super::PlanError;
use crate::federation::copies::copied;
use crate::federation::error::FederationError;
use crate::federation::live::live_replicas;
use crate::federation::observe::observe;
use crate::member::Member;

/// The members as they are, by name; or why one could not be read.
pub(super) type Reads = BTreeMap<ClusterName, Result<Read, FederationError>>;

/// One member as it is.
pub(super) struct Read {
    pub(super) observation: Observation,
    nodes: Vec<NodeCapacity>,
}

/// Reads all members.
pub(super) async fn read_all(
    spec: &FederationSpec,
    set: &FederationSet,
    members: &BTreeMap<ClusterName, Arc<Member>>,
) -> Reads {
    let by_capacity = spec.divides_by_capacity();
    let reads =
        members.iter().map(async |(name, member)| (name.clone(), read(member, set, by_capacity).await));
    join_all(reads).await.into_iter().collect()
}

async fn read(member: &Member, set: &FederationSet, with_nodes: bool) -> Result<Read, FederationError> {
    let nodes = async {
        if !with_nodes {
            return Ok(Vec::new());
        }
        let nodes = member.nodes().await.map_err(FederationError::while_("read its nodes"))?;
        Ok(summarise(&nodes))
    };
    let none = MemberDesired::new();
    let (observed, nodes) = try_join(observe(member, set, &none), nodes).await?;
    Ok(Read { observation: observed.observation, nodes })
}

/// What of it decides what is rendered.
pub(super) fn facts(reads: &Reads) -> Facts {
    let member = |read: &Result<Read, FederationError>| match read {
        Ok(read) => {
            let seen = read.observation.seen(&MemberDesired::new());
            let objects = seen.objects.iter().map(|object| {
                let facts = ObjectFacts {
                    replicas: object.replicas,
                    autoscaled: object.autoscaled,
                    ..ObjectFacts::default()
                };
                (object.key(), facts)
            });
            MemberFacts { unreachable: false, nodes: read.nodes.clone(), objects: objects.collect() }
        }
        Err(_) => MemberFacts { unreachable: true, ..MemberFacts::default() },
    };
    let members = reads.iter().map(|(name, read)| (name.clone(), member(read))).collect();
    Facts { known: true, members, copies: BTreeMap::new() }
}

/// Whether where the objects of an entry go, or how many replicas they get, follows from what is there already. Then a
/// member that does not answer leaves that open for all.
pub(super) fn rests_on_the_past(resource: &ResourceSpec) -> bool {
    resource.placement.spread.is_some()
        || resource
            .replicas
            .as_ref()
            .is_some_and(|replicas| replicas.steady || replicas.mode == Mode::Aggregated)
}

/// Reads what is to be copied, ready to be kept elsewhere, by the entry of `resources` that copies it.
///
/// # Errors
/// [`PlanError::Copy`]: without what is to be copied nothing can be said.
pub(super) async fn copies(
    spec: &FederationSpec,
    members: &BTreeMap<ClusterName, Arc<Member>>,
) -> Result<BTreeMap<String, Value>, PlanError> {
    let wanted = spec.resources.iter().filter_map(|(name, resource)| Some((name, resource.copy.as_ref()?)));
    let read = wanted.map(async |(name, copy)| {
        let member =
            members.get(&copy.cluster).ok_or_else(|| PlanError::NoConnection(copy.cluster.clone()))?;
        let failed = |error| PlanError::Copy { resource: name.clone(), error };
        Ok((name.clone(), copied(member, copy).await.map_err(failed)?))
    });
    join_all(read).await.into_iter().collect()
}

/// What runs on the members of workloads that KubeFed's preferences divide, noted in the facts. Pods that could not be
/// scheduled before `unschedulable_before` (RFC 3339, UTC) count against a member's capacity.
pub(super) async fn note_live_replicas(
    facts: &mut Facts,
    reads: &Reads,
    members: &BTreeMap<ClusterName, Arc<Member>>,
    preferred: &BTreeSet<ObjectKey>,
    unschedulable_before: &str,
) {
    let looks = reads.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?, members.get(name)?)));
    let looks = looks.flat_map(|(name, read, member)| {
        let found = preferred.iter().map(move |key| (key, read.observation.live.get(key)));
        found.map(move |(key, known)| async move {
            let workload = match known {
                Some(live) => Some(live.object.clone()),
                None => workload(member, key).await,
            }?;
            Some((name, key, live_replicas(member, &workload, unschedulable_before).await))
        })
    });
    for (name, key, live) in join_all(looks).await.into_iter().flatten() {
        let member = facts.members.entry(name.clone()).or_default();
        member.objects.entry(key.clone()).or_default().live = Some(live);
    }
}

/// A workload that is not the federation's yet.
async fn workload(member: &Member, key: &ObjectKey) -> Option<Value> {
    let ty = member.served_as(&key.kind.group, &key.kind.kind).await.ok()??;
    member.get(&ty, key.namespace.as_deref(), &key.name).await.ok()?
}

/// The records that are there.
pub(super) fn records(reads: &Reads) -> impl Iterator<Item = &Inventory> {
    let read = reads.values().filter_map(|read| read.as_ref().ok());
    read.filter_map(|read| Some(&read.observation.inventory.as_ref()?.inventory))
}

/// Whether a record is of a federation that is there, rather than of a create that was cut short.
pub(super) fn is_settled(record: &Inventory) -> bool {
    record.state == State::Complete || record.changed
}
