//! What the provider keeps next to the state, invisible to users: what the zone held of the name and what the clusters
//! said at the last read or apply. Both plans of a run and the apply between them see the same. Never a secret.

mod checks;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use multicluster::endpoints::Found;
use multicluster_core::route53::ZoneFacts;
use multicluster_core::route53::cidr::Blocks;
use multicluster_core::route53::health_check::CurrentCheck;
use multicluster_core::route53::{RecordName, RecordSet};
use serde::{Deserialize, Serialize};

use self::checks::StoredCheck;
use self::sets::StoredSet;
use super::collection;
use super::model::Reference;
use super::zone::View;
use crate::resources::private::{self, Version};

/// The private bytes, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Shape of this record.
    version: Version<1>,
    /// What the zone is; absent until it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<StoredZone>,
    /// What concerns the name, ownership records included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sets: Vec<StoredSet>,
    /// Health checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checks: Vec<StoredCheck>,
    /// The CIDR collection; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    collection: Option<StoredCollection>,
    /// Where objects are reached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    found: BTreeMap<String, StoredFound>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredZone {
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    private: bool,
    /// The servers that answer for it, once they were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    name_servers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredCollection {
    id: String,
    blocks: Blocks,
    /// Another one of ours, that no record names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredFound {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    addresses: BTreeSet<IpAddr>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hostnames: BTreeSet<String>,
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

    /// What the zone is, if it was seen.
    pub(super) fn zone(&self) -> Option<ZoneFacts> {
        let StoredZone { id, name, private, .. } = self.zone.clone()?;
        Some(ZoneFacts { id, name: RecordName::new(&name).ok()?, private })
    }

    /// What the zone held that concerns the name.
    pub(super) fn sets(&self) -> Vec<RecordSet> {
        self.sets.iter().filter_map(StoredSet::read).collect()
    }

    /// The servers that answer for the zone, if they were seen.
    pub(super) fn name_servers(&self) -> Vec<String> {
        self.zone.as_ref().map(|zone| zone.name_servers.clone()).unwrap_or_default()
    }

    /// Notes what the zone holds.
    pub(super) fn see(&mut self, view: &View) {
        let ZoneFacts { id, name, private } = view.zone.clone();
        let mut name_servers = view.name_servers.clone();
        if let (true, Some(before)) = (name_servers.is_empty(), self.zone.take()) {
            // A zone that is known is not asked for again.
            name_servers = if before.id == id { before.name_servers } else { name_servers };
        }
        self.zone = Some(StoredZone { id, name: name.to_string(), private, name_servers });
        self.sets = view.sets.iter().map(StoredSet::of).collect();
    }

    /// The health checks of the name.
    pub(super) fn checks(&self) -> Vec<CurrentCheck> {
        self.checks.iter().map(StoredCheck::read).collect()
    }

    /// Notes the health checks of the name.
    pub(super) fn see_checks(&mut self, checks: &[CurrentCheck]) {
        self.checks = checks.iter().map(StoredCheck::of).collect();
    }

    /// The CIDR collection of the name.
    pub(super) fn collection(&self) -> collection::Current {
        let stored = self.collection.clone();
        stored.map_or_else(collection::Current::default, |StoredCollection { id, blocks, left }| {
            collection::Current { id: Some(id), blocks, left }
        })
    }

    /// Notes the CIDR collection of the name.
    pub(super) fn see_collection(&mut self, current: &collection::Current) {
        let collection::Current { id, blocks, left } = current.clone();
        self.collection = id.map(|id| StoredCollection { id, blocks, left });
    }

    /// Where an object was reached.
    pub(super) fn found(&self, reference: &Reference) -> Option<Found> {
        let StoredFound { addresses, hostnames } = self.found.get(&reference.to_string())?.clone();
        Some(Found { addresses, hostnames })
    }

    /// Notes where an object is reached, or that it is reached nowhere.
    pub(super) fn find(&mut self, reference: &Reference, found: Option<&Found>) {
        let key = reference.to_string();
        match found.cloned() {
            Some(Found { addresses, hostnames }) => {
                self.found.insert(key, StoredFound { addresses, hostnames });
            }
            None => {
                self.found.remove(&key);
            }
        }
    }

    /// Forgets objects that no endpoint is at any more.
    pub(super) fn keep_only(&mut self, references: &BTreeSet<String>) {
        self.found.retain(|key, _| references.contains(key));
    }
}
