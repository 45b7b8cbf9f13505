//! What the provider keeps next to the state, invisible to users: what each member looked like at the last read or
//! apply, and how it can be reached when the provider block no longer names it. Never a secret.

use std::collections::BTreeMap;

use multicluster::connection::ConnectionReference;
use multicluster_core::capacity::NodeCapacity;
use multicluster_core::federation::facts::{Facts, MemberFacts, ObjectFacts};
use multicluster_core::federation::observation::{Seen, SeenObject};
use multicluster_core::kubefed::LiveReplicas;
use multicluster_core::names::ClusterName;
use multicluster_core::object::ObjectKey;
use serde::{Deserialize, Serialize};

/// The private bytes of a federation, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Shape of this record.
    version: u32,
    /// Whether it was imported without any record on a member, so that it exists though nothing is found of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) without_records: bool,
    /// By member.
    pub(super) members: BTreeMap<ClusterName, MemberRecord>,
}

/// What is remembered of one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MemberRecord {
    /// Absent until it was read or written for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<Seen>,
    /// Whether it did not answer when it was read last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) silent: bool,
    /// Its version of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Its nodes, where replicas are divided by what fits on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<NodeCapacity>,
    /// What runs of the workloads that KubeFed's preferences divide, by their names in words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) live: BTreeMap<String, LiveReplicas>,
    /// Absent unless it can be reached by a kubeconfig file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<ConnectionReference>,
}

const VERSION: u32 = 1;

fn object_facts(member: &MemberRecord, object: &SeenObject) -> (ObjectKey, ObjectFacts) {
    let key = object.key();
    let live = member.live.get(&key.to_string()).copied();
    let digest = Some(object.desired.clone());
    (key, ObjectFacts { live, digest, replicas: object.replicas, autoscaled: object.autoscaled })
}

impl Record {
    /// Reads private bytes. What cannot be read was written by another version and is as good as nothing: the next
    /// read makes it anew.
    pub(super) fn parse(private: &[u8]) -> Self {
        let record: Option<Self> = serde_json::from_slice(private).ok();
        record.filter(|record| record.version == VERSION).unwrap_or_default()
    }

    /// The record as private bytes.
    pub(super) fn to_private(&self) -> Vec<u8> {
        let record = Self { version: VERSION, ..self.clone() };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// The creation of the federation that the members were last seen with.
    pub(super) fn instance(&self) -> Option<String> {
        self.members.values().find_map(|member| member.seen.as_ref()?.instance.clone())
    }

    /// What the members tell, as it was read last, that decides what is rendered for them. Both plans of a run see the
    /// same, whatever happens on the clusters between them.
    pub(super) fn facts(&self) -> Facts {
        let facts = |member: &MemberRecord| MemberFacts {
            unreachable: member.silent,
            nodes: member.nodes.clone(),
            objects: member
                .seen
                .iter()
                .flat_map(|seen| &seen.objects)
                .map(|object| object_facts(member, object))
                .collect(),
        };
        let members = self.members.iter().map(|(name, member)| (name.clone(), facts(member)));
        Facts { known: true, members: members.collect(), copies: BTreeMap::new() }
    }

    /// What was last seen of a member.
    pub(super) fn seen(&self, name: &ClusterName) -> Option<&Seen> {
        self.members.get(name).and_then(|member| member.seen.as_ref())
    }

    /// Whether a member did not answer when it was read last.
    pub(super) fn is_silent(&self, name: &ClusterName) -> bool {
        self.members.get(name).is_some_and(|member| member.silent)
    }

    /// How a member was reached.
    pub(super) fn reference(&self, name: &ClusterName) -> Option<&ConnectionReference> {
        self.members.get(name).and_then(|member| member.reference.as_ref())
    }
}
