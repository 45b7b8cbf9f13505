//! The places of an intent, each with all endpoints that were given for it, in whatever state they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::intent::{Endpoint, EndpointName, Intent, LatencyRegion, Policy};
use crate::dns::place::Place;
use crate::dns::tree::At;
use crate::networking::Cidr;

/// Names in order.
pub(crate) type Names = Vec<EndpointName>;

/// Who was given for what. Only what the policy of the intent uses is looked at, and ranges.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Simple, multivalue and weighted: all endpoints.
    pub(crate) all: Names,
    /// Geolocation.
    pub(crate) places: BTreeMap<Place, Names>,
    /// Latency.
    pub(crate) regions: BTreeMap<LatencyRegion, Names>,
    /// Geoproximity.
    pub(crate) sites: BTreeMap<At, Names>,
    /// Failover, lowest first.
    pub(crate) priorities: BTreeMap<u32, Names>,
    /// Ranges, with any policy.
    pub(crate) ranges: BTreeMap<BTreeSet<Cidr>, Names>,
}

impl Slots {
    pub(crate) fn of(intent: &Intent) -> Self {
        let mut slots = Self::default();
        for (name, endpoint) in &intent.endpoints {
            if !endpoint.cidrs.is_empty() {
                slots.ranges.entry(ranges(endpoint)).or_default().push(name.clone());
            }
            match intent.policy {
                Policy::Simple | Policy::Multivalue | Policy::Weighted => slots.all.push(name.clone()),
                Policy::Failover => {
                    slots.priorities.entry(endpoint.priority).or_default().push(name.clone());
                }
                Policy::Geolocation => {
                    for place in &endpoint.places {
                        slots.places.entry(place.clone()).or_default().push(name.clone());
                    }
                }
                Policy::Latency => {
                    if let Some(region) = &endpoint.latency_region {
                        slots.regions.entry(region.clone()).or_default().push(name.clone());
                    }
                }
                Policy::Geoproximity => {
                    if let Some(at) = site(endpoint) {
                        slots.sites.entry(at).or_default().push(name.clone());
                    }
                }
                Policy::IpBased => {}
            }
        }
        slots
    }

    /// All groups that share something, with what they share in words.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (String, &Names)> {
        let all = (!self.all.is_empty()).then(|| ("the name".to_owned(), &self.all));
        all.into_iter()
            .chain(self.places.iter().map(|(place, names)| (place.name(), names)))
            .chain(self.regions.iter().map(|(region, names)| (format!("region `{region}`"), names)))
            .chain(self.sites.values().map(|names| ("one position".to_owned(), names)))
            .chain(self.priorities.iter().map(|(rank, names)| (format!("priority {rank}"), names)))
            .chain(self.ranges.values().map(|names| ("the same ranges of addresses".to_owned(), names)))
    }
}

/// Where geoproximity has an endpoint.
pub(crate) fn site(endpoint: &Endpoint) -> Option<At> {
    let coordinates = endpoint.coordinates.map(At::Coordinates);
    coordinates.or_else(|| endpoint.latency_region.clone().map(At::Region))
}

/// An endpoint's ranges without those that are within others of them.
fn ranges(endpoint: &Endpoint) -> BTreeSet<Cidr> {
    let given: BTreeSet<Cidr> = endpoint.cidrs.iter().copied().collect();
    let within = |cidr: &Cidr| given.iter().any(|other| other != cidr && other.contains(cidr));
    given.iter().copied().filter(|cidr| !within(cidr)).collect()
}
