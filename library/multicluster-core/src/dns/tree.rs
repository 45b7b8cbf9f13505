//! The tree of policies that carries out an intent.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::intent::{Coordinates, EndpointName, LatencyRegion};
use crate::dns::place::Place;
use crate::networking::Cidr;

mod chain;
mod group;
mod grow;
mod weights;

#[cfg(test)]
mod tests;

pub use self::grow::{Grown, answers_nobody, grow};

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

impl Node {
    /// All endpoints that stand in a leaf.
    #[must_use]
    pub fn endpoints(&self) -> BTreeSet<&EndpointName> {
        let mut found = BTreeSet::new();
        self.visit(&mut |node| match node {
            Self::Endpoint(name) => found.extend([name]),
            Self::Multivalue(names) | Self::Simple(names) => found.extend(names),
            _ => {}
        });
        found
    }

    /// All places that it tells apart.
    #[must_use]
    pub fn places(&self) -> BTreeSet<&Place> {
        let mut found = BTreeSet::new();
        self.visit(&mut |node| {
            if let Self::Geolocation(branches) = node {
                found.extend(branches.keys());
            }
        });
        found
    }

    /// Whether answers depend on where clients are within a place: by latency or distance.
    #[must_use]
    pub fn depends_on_position(&self) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= matches!(node, Self::Latency(_) | Self::Geoproximity(_)));
        found
    }

    /// Whether latency decides anywhere in it, which can only be estimated.
    #[must_use]
    pub fn depends_on_latency(&self) -> bool {
        let mut found = false;
        self.visit(&mut |node| found |= matches!(node, Self::Latency(_)));
        found
    }

    /// The nodes below, in order.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Endpoint(_) | Self::Multivalue(_) | Self::Simple(_) => Vec::new(),
            Self::Weighted(branches) => branches.iter().map(|(_, node)| node).collect(),
            Self::Latency(branches) => branches.values().collect(),
            Self::Failover(branches) => branches.iter().collect(),
            Self::Geolocation(branches) => branches.values().collect(),
            Self::Geoproximity(branches) => branches.iter().map(|(_, node)| node).collect(),
            Self::IpBased { ranges, others } => {
                ranges.values().map(|(_, node)| node).chain(others.as_deref()).collect()
            }
        }
    }

    /// Calls `look` for this node and all below.
    pub fn visit<'a>(&'a self, look: &mut impl FnMut(&'a Self)) {
        look(self);
        for child in self.children() {
            child.visit(look);
        }
    }
}
