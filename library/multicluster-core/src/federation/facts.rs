//! What the members tell that decides what is rendered for them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::capacity::NodeCapacity;
use crate::kubefed::LiveReplicas;
use crate::names::ClusterName;
use crate::object::ObjectKey;

/// What was read from the members before anything is decided. Nothing known is a valid state of it.
#[derive(Clone, Default)]
pub struct Facts {
    /// Whether the members were read. Otherwise what depends on them is left as the configuration has it.
    pub known: bool,
    /// By member.
    pub members: BTreeMap<ClusterName, MemberFacts>,
    /// What is to be copied now, by the entry of `resources` that copies it: ready to be sent to another member.
    pub copies: BTreeMap<String, Value>,
}

/// What one member tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberFacts {
    /// Whether it did not answer.
    pub unreachable: bool,
    /// Its nodes, where replicas are divided by what fits on them; otherwise none.
    pub nodes: Vec<NodeCapacity>,
    /// The objects that the federation keeps on it.
    pub objects: BTreeMap<ObjectKey, ObjectFacts>,
}

/// What is known of an object of the federation on a member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectFacts {
    /// What runs of it, where that decides how many it gets.
    pub live: Option<LiveReplicas>,
    /// Digest of what it was meant to be when it was applied last.
    pub digest: Option<String>,
    /// The replicas that it was given when they were divided last.
    pub replicas: Option<u64>,
    /// Whether an autoscaler writes its number of replicas.
    pub autoscaled: bool,
}

impl Facts {
    /// Whether an autoscaler writes the number of replicas of a workload on a member.
    #[must_use]
    pub fn is_autoscaled(&self, member: &ClusterName, key: &ObjectKey) -> bool {
        self.object(member, key).is_some_and(|object| object.autoscaled)
    }

    /// The replicas that a workload was given on a member.
    #[must_use]
    pub fn replicas(&self, member: &ClusterName, key: &ObjectKey) -> Option<u64> {
        self.object(member, key).and_then(|object| object.replicas)
    }

    /// The members that did not answer.
    #[must_use]
    pub fn unreachable(&self) -> BTreeSet<ClusterName> {
        let silent = self.members.iter().filter(|(_, member)| member.unreachable);
        silent.map(|(name, _)| name.clone()).collect()
    }

    /// The same, if all members answered.
    #[must_use]
    pub(crate) fn as_if_all_answered(&self) -> Self {
        let mut facts = self.clone();
        facts.members.values_mut().for_each(|member| member.unreachable = false);
        facts
    }

    /// Digest of what an object on a member was meant to be when it was applied last.
    pub(crate) fn digest(&self, member: &ClusterName, key: &ObjectKey) -> Option<&String> {
        self.object(member, key)?.digest.as_ref()
    }

    /// The members that have any of these objects.
    #[must_use]
    pub fn hosts_of(&self, keys: &[ObjectKey]) -> BTreeSet<ClusterName> {
        let hosts =
            self.members.iter().filter(|(_, member)| keys.iter().any(|key| member.objects.contains_key(key)));
        hosts.map(|(name, _)| name.clone()).collect()
    }

    /// What runs of workloads that KubeFed's preferences divide.
    #[must_use]
    pub fn live_replicas(&self) -> BTreeMap<ObjectKey, BTreeMap<ClusterName, LiveReplicas>> {
        let mut live: BTreeMap<ObjectKey, BTreeMap<ClusterName, LiveReplicas>> = BTreeMap::new();
        for (name, member) in &self.members {
            for (key, object) in &member.objects {
                if let Some(replicas) = &object.live {
                    live.entry(key.clone()).or_default().insert(name.clone(), *replicas);
                }
            }
        }
        live
    }

    fn object(&self, member: &ClusterName, key: &ObjectKey) -> Option<&ObjectFacts> {
        self.members.get(member)?.objects.get(key)
    }
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is copied may be secret.
        f.debug_struct("Facts").field("members", &self.members).finish_non_exhaustive()
    }
}
