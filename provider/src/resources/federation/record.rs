//! What the provider keeps next to the state, invisible to users: what each member looked like at the last read or
//! apply, and how it can be reached when the provider block no longer names it. Never a secret.

use std::collections::BTreeMap;

use multicluster::connection::ConnectionReference;
use multicluster_core::capacity::NodeCapacity;
use multicluster_core::federation::facts::{Facts, MemberFacts, ObjectFacts};
use multicluster_core::federation::observation::{Seen, SeenObject};
use multicluster_core::kubefed::LiveReplicas;
use multicluster_core::names::ClusterName;
use multicluster_core::object::{GroupKind, ObjectKey};
use serde::{Deserialize, Serialize};

use crate::resources::private::{self, Version};

/// The private bytes of a federation, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Shape of this record.
    version: Version<1>,
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
    /// What runs of the workloads that KubeFed's preferences divide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) live: Vec<LiveWorkload>,
    /// Absent unless it can be reached by a kubeconfig file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<ConnectionReference>,
}

/// What runs of a workload, ours already or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LiveWorkload {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    replicas: LiveReplicas,
}

impl LiveWorkload {
    pub(super) fn new(key: &ObjectKey, replicas: LiveReplicas) -> Self {
        let ObjectKey { kind, namespace, name } = key.clone();
        Self { group: kind.group, kind: kind.kind, namespace, name, replicas }
    }

    fn key(&self) -> ObjectKey {
        ObjectKey {
            kind: GroupKind { group: self.group.clone(), kind: self.kind.clone() },
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl MemberRecord {
    fn objects(&self) -> BTreeMap<ObjectKey, ObjectFacts> {
        let facts = |object: &SeenObject| ObjectFacts {
            live: None,
            digest: Some(object.desired.clone()),
            replicas: object.replicas,
            autoscaled: object.autoscaled,
        };
        let seen = self.seen.iter().flat_map(|seen| &seen.objects);
        let mut objects: BTreeMap<_, _> = seen.map(|object| (object.key(), facts(object))).collect();
        for live in &self.live {
            objects.entry(live.key()).or_default().live = Some(live.replicas);
        }
        objects
    }
}

impl Record {
    /// Reads private bytes; an empty record if another version has written them.
    pub(super) fn parse(private: &[u8]) -> Self {
        private::parse(private)
    }

    /// The record as private bytes.
    pub(super) fn to_private(&self) -> Vec<u8> {
        private::bytes(self)
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
            objects: member.objects(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What KubeFed has left on a member that joins is known before anything there is ours.
    #[test]
    fn what_runs_is_a_fact_before_it_is_ours() {
        let key = ObjectKey {
            kind: GroupKind { group: "apps".to_owned(), kind: "Deployment".to_owned() },
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        };
        let name = ClusterName::new("aws").unwrap();
        let replicas = LiveReplicas { current: 8, capacity: None };
        let mut record = Record::default();
        record.members.entry(name.clone()).or_default().live.push(LiveWorkload::new(&key, replicas));
        let facts = Record::parse(&record.to_private()).facts();
        assert_eq!(facts.live_replicas()[&key][&name], replicas);
        assert_eq!(facts.members[&name].objects[&key].digest, None, "nothing of it is ours to keep");
    }
}
