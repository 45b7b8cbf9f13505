//! What a tree says of an endpoint where it stands.

use std::collections::BTreeSet;

use crate::dns::tree::At;
use crate::dns::{Endpoint, EndpointName, EndpointState, LatencyRegion, Place};
use crate::networking::Cidr;

/// What a tree says of one occurrence of an endpoint. None is what it does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) places: BTreeSet<Place>,
    pub(super) region: Option<LatencyRegion>,
    pub(super) site: Option<(At, i8)>,
    pub(super) cidrs: Option<Vec<Cidr>>,
    pub(super) weight: Option<u32>,
    pub(super) priority: Option<u32>,
    pub(super) state: Option<EndpointState>,
    pub(super) on_unhealthy: Option<Vec<EndpointName>>,
}

impl Said {
    /// Both together, if one endpoint can be both.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        /// None if they differ.
        fn both<T: Clone + PartialEq>(left: Option<&T>, right: Option<&T>) -> Option<Option<T>> {
            let differ = left.zip(right).is_some_and(|(left, right)| left != right);
            (!differ).then(|| left.or(right).cloned())
        }
        Some(Self {
            places: self.places.union(&other.places).cloned().collect(),
            region: both(self.region.as_ref(), other.region.as_ref())?,
            site: both(self.site.as_ref(), other.site.as_ref())?,
            cidrs: both(self.cidrs.as_ref(), other.cidrs.as_ref())?,
            weight: both(self.weight.as_ref(), other.weight.as_ref())?,
            priority: both(self.priority.as_ref(), other.priority.as_ref())?,
            state: both(self.state.as_ref(), other.state.as_ref())?,
            on_unhealthy: both(self.on_unhealthy.as_ref(), other.on_unhealthy.as_ref())?,
        })
    }

    pub(super) fn endpoint(self) -> Endpoint {
        let silent = Endpoint::default();
        let (at, bias) = self.site.unzip();
        let (coordinates, region) = match at {
            Some(At::Coordinates(at)) => (Some(at), None),
            Some(At::Region(region)) => (None, Some(region)),
            None => (None, None),
        };
        Endpoint {
            places: self.places,
            latency_region: self.region.or(region),
            coordinates,
            bias: bias.unwrap_or(silent.bias),
            cidrs: self.cidrs.unwrap_or_default(),
            weight: self.weight.unwrap_or(silent.weight),
            priority: self.priority.unwrap_or(silent.priority),
            state: self.state.unwrap_or(silent.state),
            on_unhealthy: self.on_unhealthy.unwrap_or_default(),
        }
    }
}
