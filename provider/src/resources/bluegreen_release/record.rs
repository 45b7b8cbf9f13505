//! What the provider keeps next to the state, invisible to users: what journal and clusters said when they were read last, so
//! that both plans of a run decide alike. Never a secret.

use std::collections::BTreeMap;

use multicluster::connection::ConnectionReference;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::release::journal::Journal;
use multicluster_core::release::observed::{ClusterStanding, Standing};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// The private bytes of a release, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Shape of this record.
    version: u32,
    /// What the clusters' journal said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) journal: Option<Journal>,
    /// By cluster.
    pub(super) clusters: BTreeMap<ClusterName, ClusterRecord>,
}

/// What is remembered of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ClusterRecord {
    /// Which cluster it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<ClusterUid>,
    /// What stood there; absent if it did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) standing: Option<ClusterStanding>,
    /// What was not as it should be, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) drift: Vec<String>,
    /// How traffic was divided: percentages of blue and green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<(u8, u8)>,
    /// How it can be reached when the provider block no longer names it, if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<ConnectionReference>,
}

impl Record {
    /// Reads private bytes. What cannot be read was written by another version and is as good as nothing: the next read makes
    /// it anew.
    pub(super) fn parse(private: &[u8]) -> Self {
        let record: Option<Self> = serde_json::from_slice(private).ok();
        record.filter(|record| record.version == VERSION).unwrap_or_default()
    }

    /// The record as private bytes.
    pub(super) fn to_private(&self) -> Vec<u8> {
        serde_json::to_vec(&Self { version: VERSION, ..self.clone() }).unwrap_or_default()
    }

    /// What stood on these clusters.
    pub(super) fn standing<'a>(&self, clusters: impl IntoIterator<Item = &'a ClusterName>) -> Standing {
        let of = |name: &ClusterName| self.clusters.get(name).and_then(|cluster| cluster.standing.clone());
        Standing { clusters: clusters.into_iter().map(|name| (name.clone(), of(name))).collect() }
    }

    /// What is remembered of how a cluster is reached.
    pub(super) fn reference(&self, name: &ClusterName) -> Option<&ConnectionReference> {
        self.clusters.get(name)?.reference.as_ref()
    }
}
