//! A tree of policies over leaves that have no names yet.

use crate::dns::{LatencyRegion, Place, Site};
use crate::networking::Cidr;

/// Which leaf.
pub(super) type LeafId = usize;

/// A policy over leaves.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Leaf(LeafId),
    Weighted(Vec<(u8, Self)>),
    Multivalue(Vec<LeafId>),
    Latency(Vec<(LatencyRegion, Self)>),
    /// The first answers; each of the others while all before it are unhealthy. Two or more, none of them a failover.
    Failover(Vec<Self>),
    Geolocation(Vec<(Place, Self)>),
    Geoproximity(Vec<(Site, Self)>),
    Cidr {
        ranges: Vec<(Vec<Cidr>, Self)>,
        others: Option<Box<Self>>,
    },
}

impl Shape {
    /// All leaves, from the first on.
    pub(super) fn all_leaves(&self) -> Vec<LeafId> {
        match self {
            Self::Leaf(id) => vec![*id],
            Self::Multivalue(ids) => ids.clone(),
            Self::Weighted(branches) => branches.iter().flat_map(|(_, shape)| shape.all_leaves()).collect(),
            Self::Latency(branches) => branches.iter().flat_map(|(_, shape)| shape.all_leaves()).collect(),
            Self::Failover(turns) => turns.iter().flat_map(Self::all_leaves).collect(),
            Self::Geolocation(branches) => {
                branches.iter().flat_map(|(_, shape)| shape.all_leaves()).collect()
            }
            Self::Geoproximity(branches) => {
                branches.iter().flat_map(|(_, shape)| shape.all_leaves()).collect()
            }
            Self::Cidr { ranges, others } => {
                let ranges = ranges.iter().map(|(_, shape)| shape);
                ranges.chain(others.as_deref()).flat_map(Self::all_leaves).collect()
            }
        }
    }

    /// What it chooses by.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Leaf(_) => "an endpoint",
            Self::Weighted(_) => "weights",
            Self::Multivalue(_) => "multivalue answers",
            Self::Latency(_) => "latency",
            Self::Failover(_) => "failover",
            Self::Geolocation(_) => "geolocation",
            Self::Geoproximity(_) => "geoproximity",
            Self::Cidr { .. } => "ranges of addresses",
        }
    }
}

/// The leaves of a chain, if it has nothing else.
pub(super) fn leaves(turns: &[Shape]) -> Option<Vec<LeafId>> {
    turns
        .iter()
        .map(|shape| match shape {
            Shape::Leaf(id) => Some(*id),
            _ => None,
        })
        .collect()
}
