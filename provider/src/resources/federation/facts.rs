//! Reads from the members what decides what is rendered for them: what fits on their nodes, what is to be copied, what
//! runs of workloads that KubeFed's preferences divide.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::SignedDuration;
use multicluster::federation::{copied, live_replicas};
use multicluster::member::Member;
use multicluster_core::capacity::summarise;
use multicluster_core::federation::observation::Observation;
use multicluster_core::federation::spec::{CopyFrom, FederationSpec};
use multicluster_core::names::ClusterName;
use multicluster_core::object::text;
use serde_json::Value as Json;
use tfplugin::{Node, Value};

use super::model::Model;
use super::record::{LiveWorkload, Record};
use crate::config::{Clusters, clock};
use crate::validators::sentence;

/// A pod that could not be scheduled for so long counts against a member's capacity, as for KubeFed.
const UNSCHEDULABLE: SignedDuration = SignedDuration::from_secs(60);

/// Which members are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// All of them.
    All,
    /// Those of which nothing is known yet.
    Unknown,
}

/// Reads the nodes of members, if any entry divides replicas by what fits on them. A member that does not answer keeps
/// what was known of it. Returns whether anything was read.
pub(super) async fn read_nodes(clusters: &Clusters, record: &mut Record, value: &Value, ask: Ask) -> bool {
    let node = Node::root(value);
    if !is_by_capacity(&node) {
        return false;
    }
    let members = node.attribute("members").entries();
    let names: Vec<ClusterName> = members
        .iter()
        .filter_map(|(name, _)| ClusterName::new(*name).ok())
        .filter(|name| ask == Ask::All || record.members.get(name).is_none_or(|it| it.nodes.is_empty()))
        .collect();
    let record_of = |name: &ClusterName| record.reference(name).cloned();
    let read = join_all(names.into_iter().map(async |name| {
        let member = clusters.member(&name, record_of(&name).as_ref()).await.ok()?;
        let nodes = member.nodes().await.ok()?;
        Some((name, summarise(&nodes)))
    }))
    .await;
    let mut any = false;
    for (name, nodes) in read.into_iter().flatten() {
        record.members.entry(name).or_default().nodes = nodes;
        any = true;
    }
    any
}

/// Whether an entry, or the one that stands alone, divides replicas by what fits on nodes.
fn is_by_capacity(node: &Node<'_>) -> bool {
    let entries = node.attribute("resources").entries().into_iter().map(|(_, entry)| entry);
    entries.chain([node.clone()]).any(|entry| {
        matches!(entry.attribute("replicas").attribute("mode").str(), Some("capacity" | "aggregated"))
    })
}

/// What is to be copied now, by entry, and what could not be had, in words.
#[derive(Default)]
pub(super) struct Copies {
    pub(super) objects: BTreeMap<String, Json>,
    pub(super) problems: BTreeMap<String, NoCopy>,
}

/// Why there is nothing to copy.
pub(super) struct NoCopy {
    /// In a sentence.
    pub(super) why: String,
    /// Whether nobody knows, since the member that has it did not answer.
    pub(super) unreachable: bool,
}

/// Reads what is to be copied.
pub(super) async fn read_copies(clusters: &Clusters, record: &Record, spec: &FederationSpec) -> Copies {
    let wanted = spec.resources.iter().filter_map(|(name, resource)| Some((name, resource.copy.as_ref()?)));
    let read =
        join_all(wanted.map(async |(name, copy)| (name.clone(), read_copy(clusters, record, copy).await)));
    let mut copies = Copies::default();
    for (name, read) in read.await {
        match read {
            Ok(object) => drop(copies.objects.insert(name, object)),
            Err(problem) => drop(copies.problems.insert(name, problem)),
        }
    }
    copies
}

async fn read_copy(clusters: &Clusters, record: &Record, copy: &CopyFrom) -> Result<Json, NoCopy> {
    let member = clusters.member(&copy.cluster, record.reference(&copy.cluster)).await;
    let member = member.map_err(|error| NoCopy { why: sentence(&error), unreachable: false })?;
    let read = copied(&member, copy).await;
    read.map_err(|error| NoCopy { why: sentence(&error), unreachable: error.is_unreachable() })
}

/// What runs on a member of the workloads that KubeFed's preferences divide, noted in the record.
pub(super) async fn note_live_replicas(
    member: &Member,
    model: &Model,
    observation: &Observation,
    record: &mut Record,
) {
    let mut live = Vec::new();
    for key in &model.preferred {
        let Some(workload) = observation.live.get(key).map(|live| &live.object) else { continue };
        live.push(LiveWorkload::new(key, live_replicas(member, workload, &unschedulable_before()).await));
    }
    record.members.entry(member.name.clone()).or_default().live = live;
}

/// Reads the same on members that join: what KubeFed has left there stays where it is, as far as the preference says so.
/// Returns whether anything was found.
pub(super) async fn read_live_replicas(clusters: &Clusters, record: &mut Record, model: &Model) -> bool {
    if model.preferred.is_empty() {
        return false;
    }
    let joining = model.spec.members.keys().filter(|name| record.seen(name).is_none());
    let read = join_all(joining.map(async |name| {
        let member = clusters.member(name, None).await.ok()?;
        let mut found = Vec::new();
        for (key, desired) in
            model.rendered.get(name)?.iter().filter(|(key, _)| model.preferred.contains(*key))
        {
            let api_version = text(&desired.object, "/apiVersion");
            let ty = member.resource_type(api_version, &key.kind.kind).await.ok()??;
            if let Some(workload) = member.get(&ty, key.namespace.as_deref(), &key.name).await.ok()? {
                found.push(LiveWorkload::new(
                    key,
                    live_replicas(&member, &workload, &unschedulable_before()).await,
                ));
            }
        }
        Some((name.clone(), found))
    }))
    .await;
    let mut any = false;
    for (name, live) in read.into_iter().flatten().filter(|(_, live)| !live.is_empty()) {
        record.members.entry(name).or_default().live = live;
        any = true;
    }
    any
}

/// Since when a pod that could not be scheduled counts against a member's capacity.
fn unschedulable_before() -> String {
    (clock().now() - UNSCHEDULABLE).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
