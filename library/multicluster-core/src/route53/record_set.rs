//! A resource record set, in the terms of the API.

use std::collections::BTreeSet;
use std::fmt;

use crate::dns::{Coordinates, LatencyRegion, Place};

/// A name as the API lists it: lower case, with the final dot, with octal escapes (`\052.example.com.`).
///
/// Made by [`RecordName::new`], which takes a name as users write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(pub(crate) String);

/// The type of a record: `A`, `AAAA`, `CNAME`, `TXT`, or any other that the zone holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub String);

/// The id of a health check. In a plan it may be a stand-in for one that is still to be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HealthCheckId(pub String);

/// What tells a set from all others of its zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetKey {
    /// The name.
    pub name: RecordName,
    /// The type.
    pub r#type: RecordType,
    /// The identifier among sets of the same name and type.
    pub set_identifier: Option<String>,
}

/// A resource record set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// The name, type and identifier.
    pub key: SetKey,
    /// Which clients it is for.
    pub routing: Routing,
    /// What they get.
    pub data: Data,
    /// What decides whether it is healthy.
    pub health_check_id: Option<HealthCheckId>,
}

/// Which clients a set is for, beside others of the same name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing {
    /// All: it is the only set.
    Simple,
    /// Its part of all, 0 to 255.
    Weighted(u8),
    /// Those nearest to a region.
    Latency(LatencyRegion),
    /// All, or all while the primary is unhealthy.
    Failover(Failover),
    /// Those in a place.
    Geolocation(Place),
    /// Those nearest to a position.
    Geoproximity(GeoProximity),
    /// Those whose address is in a location of a CIDR collection; `*` is all others.
    Cidr {
        /// The collection's id. In a plan it may be a stand-in for one that is still to be made.
        collection: String,
        /// The location's name.
        location: String,
    },
    /// All, up to eight sets at once.
    Multivalue,
}

/// The rank of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failover {
    /// Answers while healthy.
    Primary,
    /// Answers while the primary is unhealthy.
    Secondary,
}

/// A position and its bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeoProximity {
    /// Where.
    pub position: Position,
    /// −99 to 99.
    pub bias: i8,
}

/// Where a set stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// In a region of AWS.
    Region(LatencyRegion),
    /// In a local zone group of AWS.
    LocalZoneGroup(String),
    /// At a latitude and longitude.
    Coordinates(Coordinates),
}

/// What clients get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Values, to be kept for `ttl` seconds. Order means nothing.
    Values {
        /// Seconds, 0 to 2147483647.
        ttl: u32,
        /// As they stand in a zone file: TXT in quotes.
        values: BTreeSet<String>,
    },
    /// What another set of the zone, or an AWS service, answers.
    Alias(AliasTarget),
}

/// What an alias points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasTarget {
    /// The target's zone: this one, or that of an AWS service.
    pub hosted_zone_id: String,
    /// The target's name.
    pub dns_name: RecordName,
    /// Whether the target's health is the set's.
    pub evaluate_target_health: bool,
}

impl RecordType {
    /// IPv4 addresses.
    #[must_use]
    pub fn a() -> Self {
        Self("A".to_owned())
    }

    /// IPv6 addresses.
    #[must_use]
    pub fn aaaa() -> Self {
        Self("AAAA".to_owned())
    }

    /// Another name.
    #[must_use]
    pub fn cname() -> Self {
        Self("CNAME".to_owned())
    }

    /// Text.
    #[must_use]
    pub fn txt() -> Self {
        Self("TXT".to_owned())
    }
}

impl RecordName {
    /// The name as the API lists it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
