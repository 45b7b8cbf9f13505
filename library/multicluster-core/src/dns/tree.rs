//! The tree of policies that carries out an intent.

use std::collections::BTreeMap;

use crate::dns::intent::{Coordinates, EndpointName, LatencyRegion};
use crate::dns::place::Place;
use crate::networking::Cidr;

/// A policy and what it chooses from, or an endpoint.
///
/// Invariants of a tree that was made from an intent: no policy has less than two branches, except that a
/// geolocation may have one and an IP-based policy one and a default; an endpoint may stand in several leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// An endpoint answers.
    Endpoint(EndpointName),
    /// By chance, in proportion to weights of 0 to 255.
    Weighted(Vec<(u8, Self)>),
    /// Up to eight healthy values at once.
    Multivalue(Vec<EndpointName>),
    /// All values at once, healthy or not.
    Simple(Vec<EndpointName>),
    /// By latency to regions of AWS.
    Latency(BTreeMap<LatencyRegion, Self>),
    /// The second answers while the first is unhealthy.
    Failover(Box<[Self; 2]>),
    /// By place.
    Geolocation(BTreeMap<Place, Self>),
    /// By distance.
    Geoproximity(Vec<(Site, Self)>),
    /// By ranges of addresses.
    IpBased {
        /// The ranges, by the endpoint or group that they were given for; the name is that of the CIDR location.
        ranges: BTreeMap<String, (Vec<Cidr>, Self)>,
        /// All other clients; without it they get no answer.
        others: Option<Box<Self>>,
    },
}

/// Where a branch of geoproximity stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// A position, or a region of AWS.
    pub at: At,
    /// −99 to 99.
    pub bias: i8,
}

/// A position, or a region of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// By latitude and longitude.
    Coordinates(Coordinates),
    /// By the code of a region of AWS.
    Region(LatencyRegion),
}
