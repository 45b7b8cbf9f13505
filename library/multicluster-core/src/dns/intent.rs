//! What a user says about one name.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::place::Place;
use crate::names::ClusterName;
use crate::networking::Cidr;

/// The key of an endpoint in the map `endpoints`, such as `aws`: a DNS label, often the name of a cluster.
pub type EndpointName = ClusterName;

/// Who shall be answered by what, for one name.
///
/// Targets are not part of it: who is answered by whom does not depend on addresses, so that it is known before they
/// are.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// How clients are told apart, at the top.
    pub policy: Policy,
    /// How endpoints share that have the same place, region, range or priority.
    pub within: Within,
    /// Who answers where nobody was named.
    pub default: Option<EndpointName>,
    /// The endpoints.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
}

/// How clients are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// All clients are answered alike, with all values.
    Simple,
    /// All clients get up to eight healthy values.
    Multivalue,
    /// By chance, in proportion to weights.
    Weighted,
    /// By the region of AWS with the least latency.
    Latency,
    /// By rank: the healthy endpoint with the lowest `priority`.
    Failover,
    /// By continent, country or subdivision.
    Geolocation,
    /// By distance, shifted by `bias`.
    Geoproximity,
    /// By ranges of addresses.
    IpBased,
}

/// How several endpoints share one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// By chance, in proportion to weights.
    #[default]
    Weighted,
    /// Up to eight healthy values at once.
    Multivalue,
    /// By the region of AWS with the least latency.
    Latency,
}

/// One endpoint: its place in the world and its part of the clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Continents, countries and subdivisions that it answers.
    pub places: BTreeSet<Place>,
    /// The region of AWS that stands for it where latency decides.
    pub latency_region: Option<LatencyRegion>,
    /// Where it stands.
    pub coordinates: Option<Coordinates>,
    /// −99 to 99: how much the area that it answers grows or shrinks.
    pub bias: i8,
    /// Ranges of client addresses that it answers, before any other policy.
    pub cidrs: Vec<Cidr>,
    /// Its share beside others in the same place; in proportion, any size.
    pub weight: u32,
    /// Its rank where failover decides; lower answers first.
    pub priority: u32,
    /// Whether it answers.
    pub state: EndpointState,
    /// Who answers in its place while it is unhealthy, best first.
    pub on_unhealthy: Vec<EndpointName>,
}

/// Whether an endpoint answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointState {
    /// It answers.
    #[default]
    Active,
    /// It answers only while no active endpoint of the same place is healthy.
    Standby,
    /// It answers nobody.
    Drained,
}

/// A region of AWS by its code, such as `eu-central-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LatencyRegion(pub String);

/// A position on the globe, in hundredths of a degree, which is as fine as geoproximity takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    /// Hundredths of a degree, −9000 (south) to 9000 (north).
    pub latitude: i32,
    /// Hundredths of a degree, −18000 (west) to 18000 (east).
    pub longitude: i32,
}
