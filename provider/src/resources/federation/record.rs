//! What the provider keeps next to the state, invisible to users: what each member looked like at the last read or
//! apply, and how it can be reached when the provider block no longer names it. Never a secret.

use std::collections::BTreeMap;

use multicluster::connection::ConnectionReference;
use multicluster_core::federation::observation::Seen;
use multicluster_core::names::ClusterName;
use serde::{Deserialize, Serialize};

/// The private bytes of a federation, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Shape of this record.
    version: u32,
    /// By member.
    pub(super) members: BTreeMap<ClusterName, MemberRecord>,
}

/// What is remembered of one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct MemberRecord {
    /// Absent until it was read or written for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<Seen>,
    /// Absent unless it can be reached by a kubeconfig file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<ConnectionReference>,
}

const VERSION: u32 = 1;

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

    /// What was last seen of a member.
    pub(super) fn seen(&self, name: &ClusterName) -> Option<&Seen> {
        self.members.get(name).and_then(|member| member.seen.as_ref())
    }

    /// How a member was reached.
    pub(super) fn reference(&self, name: &ClusterName) -> Option<&ConnectionReference> {
        self.members.get(name).and_then(|member| member.reference.as_ref())
    }
}
