//! Intents for tests, in few words.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::dns::intent::{
    Coordinates, Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Policy, Within,
};
use crate::dns::place::{Continent, Country, Place, Subdivision};
use crate::dns::tree::{Node, grow};

pub(super) fn name(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

pub(super) fn names(names: &[&str]) -> BTreeSet<EndpointName> {
    names.iter().copied().map(name).collect()
}

pub(super) fn place(key: &str) -> Place {
    Place::parse_key(key).unwrap()
}

pub(super) fn leaf(text: &str) -> Node {
    Node::Endpoint(name(text))
}

pub(super) fn failover(a: Node, b: Node) -> Node {
    Node::Failover(Box::new([a, b]))
}

pub(super) fn intent(policy: Policy, endpoints: &[(&str, Endpoint)]) -> Intent {
    Intent {
        policy,
        within: Within::Weighted,
        default: None,
        endpoints: endpoints.iter().map(|(key, endpoint)| (name(key), endpoint.clone())).collect(),
    }
}

/// The tree of an intent without problems.
pub(super) fn grown(intent: &Intent) -> Node {
    grow(intent).unwrap().node
}

impl Endpoint {
    pub(super) fn any() -> Self {
        Self::default()
    }

    pub(super) fn of(places: &[&str]) -> Self {
        Self { places: places.iter().copied().map(place).collect(), ..Self::default() }
    }

    pub(super) fn region(region: &str) -> Self {
        Self { latency_region: Some(LatencyRegion(region.to_owned())), ..Self::default() }
    }

    pub(super) fn stands(latitude: i32, longitude: i32) -> Self {
        Self { coordinates: Some(Coordinates { latitude, longitude }), ..Self::default() }
    }

    pub(super) fn cidrs(mut self, cidrs: &[&str]) -> Self {
        self.cidrs = cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
        self
    }

    pub(super) fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    pub(super) fn priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    pub(super) fn state(mut self, state: EndpointState) -> Self {
        self.state = state;
        self
    }

    pub(super) fn standby(self) -> Self {
        self.state(EndpointState::Standby)
    }

    pub(super) fn drained(self) -> Self {
        self.state(EndpointState::Drained)
    }

    pub(super) fn then(mut self, others: &[&str]) -> Self {
        self.on_unhealthy = others.iter().copied().map(name).collect();
        self
    }
}

/// Europe → Azure, North America → AWS, Asia → Google, all others → AWS.
pub(super) fn main_case() -> Intent {
    Intent {
        default: Some(name("aws")),
        ..intent(
            Policy::Geolocation,
            &[
                ("azure", Endpoint::of(&["continent/EU"])),
                ("aws", Endpoint::of(&["continent/NA"])),
                ("gcp", Endpoint::of(&["continent/AS"])),
            ],
        )
    }
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
const PLACES: [&str; 8] =
    ["continent/EU", "continent/NA", "continent/SA", "DE", "US", "NA", "US-TX", "US-CA"];
const REGIONS: [&str; 4] = ["eu-central-1", "eu-west-1", "us-east-1", "ap-northeast-1"];
const RANGES: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"];

/// Any intent: most of them can be carried out.
pub(crate) fn any_intent() -> impl Strategy<Value = Intent> {
    let policy = prop::sample::select(vec![
        Policy::Simple,
        Policy::Multivalue,
        Policy::Weighted,
        Policy::Latency,
        Policy::Failover,
        Policy::Geolocation,
        Policy::Geoproximity,
        Policy::IpBased,
    ]);
    let within =
        prop::sample::select(vec![Within::Weighted, Within::Weighted, Within::Multivalue, Within::Latency]);
    (policy, within, 1..=KEYS.len()).prop_flat_map(|(policy, within, count)| {
        let endpoints = prop::collection::vec(any_endpoint(policy, within, count), count);
        let default = prop::option::of(0..count);
        (endpoints, default).prop_map(move |(endpoints, default)| Intent {
            policy,
            within,
            default: default
                .filter(|_| matches!(policy, Policy::Geolocation | Policy::IpBased))
                .map(|index| name(KEYS[index])),
            endpoints: KEYS.iter().copied().map(name).zip(endpoints).map(not_itself).collect(),
        })
    })
}

/// Nobody answers in its own place.
fn not_itself((key, mut endpoint): (EndpointName, Endpoint)) -> (EndpointName, Endpoint) {
    endpoint.on_unhealthy.retain(|other| *other != key);
    endpoint.on_unhealthy.dedup();
    (key, endpoint)
}

fn any_endpoint(policy: Policy, within: Within, count: usize) -> impl Strategy<Value = Endpoint> {
    let state = prop::sample::select(vec![
        EndpointState::Active,
        EndpointState::Active,
        EndpointState::Active,
        EndpointState::Standby,
        EndpointState::Drained,
    ]);
    let place = prop::collection::btree_set(prop::sample::select(PLACES.to_vec()), 0..4);
    let range = prop::collection::vec(prop::sample::select(RANGES.to_vec()), 0..2);
    let fallback = prop::collection::vec(0..count, 0..3);
    let numbers = (0_u32..600, 0_u32..3, -99_i8..=99, 0_usize..REGIONS.len());
    (state, place, range, fallback, numbers).prop_map(
        move |(state, places, ranges, fallback, (weight, priority, bias, region))| {
            let simple = policy == Policy::Simple;
            let by_latency = policy == Policy::Latency || within == Within::Latency;
            let mut endpoint = Endpoint {
                state: if simple && state == EndpointState::Standby { EndpointState::Active } else { state },
                ..Endpoint::default()
            };
            if policy == Policy::Geolocation {
                endpoint.places = places.into_iter().map(super::testing::place).collect();
            }
            if policy == Policy::Geoproximity {
                endpoint = Endpoint {
                    bias,
                    state: endpoint.state,
                    ..Endpoint::stands(i32::from(bias) * 90, i32::from(bias) * 170)
                };
            }
            if by_latency {
                endpoint.latency_region = Some(LatencyRegion(REGIONS[region].to_owned()));
            }
            if policy == Policy::IpBased || priority == 1 {
                endpoint = endpoint.cidrs(&ranges);
            }
            if within == Within::Weighted && !matches!(policy, Policy::Simple | Policy::Multivalue) {
                endpoint.weight = weight;
            }
            if policy == Policy::Failover {
                endpoint.priority = priority;
            }
            if !simple && within != Within::Multivalue && policy != Policy::Multivalue {
                endpoint.on_unhealthy = fallback.into_iter().map(|index| name(KEYS[index])).collect();
            }
            endpoint
        },
    )
}

pub(super) fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Everywhere),
        prop::sample::select(Continent::ALL.to_vec()).prop_map(Place::Continent),
        prop::sample::select(Country::all().collect::<Vec<_>>()).prop_map(Place::Country),
        prop::sample::select(Subdivision::all().collect::<Vec<_>>()).prop_map(Place::Subdivision),
        prop::sample::select(PLACES.to_vec()).prop_map(place),
    ]
}

pub(super) fn any_down() -> impl Strategy<Value = BTreeSet<EndpointName>> {
    prop::collection::btree_set(prop::sample::select(KEYS.to_vec()), 0..5)
        .prop_map(|keys| keys.into_iter().map(name).collect())
}
