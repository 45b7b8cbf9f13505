//! What the name servers know at one moment.

use std::{collections::BTreeMap, sync::Arc};

use super::{CidrCollection, Health, HealthCheckConfig, Name, RecordSets, WorldHealth};

/// A zone as the name servers see it: only changes that are INSYNC.
#[derive(Debug, Clone)]
pub struct ServedZone {
    /// Without the `/hostedzone/` prefix. Aliases with this id point into the zone.
    pub id: String,
    /// The apex.
    pub name: Name,
    /// Whether it answers inside VPCs only; such zones ignore the client subnet.
    pub private: bool,
    /// With the zone's own NS and SOA sets.
    pub record_sets: Arc<RecordSets>,
}

/// Everything that decides answers. It never changes; taking one is cheap.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The zones in the order of their creation.
    pub zones: Vec<ServedZone>,
    /// Health check id → configuration.
    pub health_checks: BTreeMap<String, HealthCheckConfig>,
    /// Collection id → collection.
    pub collections: BTreeMap<String, Arc<CidrCollection>>,
    /// What tests said about endpoints and load balancers.
    pub world: WorldHealth,
}

impl Snapshot {
    /// The zone of an id.
    pub fn zone(&self, id: &str) -> Option<&ServedZone> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    /// The zone that answers for a name: the one with the longest apex above it, public before private, older
    /// before newer.
    pub fn zone_of(&self, name: &Name) -> Option<&ServedZone> {
        let mut best: Option<&ServedZone> = None;
        let rank = |zone: &ServedZone| (zone.name.label_count(), !zone.private);
        for zone in self.zones.iter().filter(|zone| name.is_within(&zone.name)) {
            if best.is_none_or(|found| rank(zone) > rank(found)) {
                best = Some(zone);
            }
        }
        best
    }

    /// The status of a health check; see [`WorldHealth::check`].
    pub fn check_health(&self, id: &str) -> Health {
        self.world.check(id, &self.health_checks)
    }

    /// The health of an alias target outside its zone, such as a load balancer.
    pub fn target_health(&self, dns_name: &Name) -> Health {
        self.world.target(dns_name)
    }
}
