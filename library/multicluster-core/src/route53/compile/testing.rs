//! Trees, targets and namings for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::{HealthChecks, Naming};
use crate::dns::{
    At, Continent, Coordinates, Country, EndpointName, LatencyRegion, Node, Place, Site, Subdivision,
};
use crate::route53::describe::SetChange;
use crate::route53::record_set::{HealthCheckId, RecordName, RecordSet};
use crate::route53::target::Target;

pub(crate) type Targets = BTreeMap<EndpointName, Target>;

pub(crate) fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).expect("a name")
}

pub(crate) fn leaf(name: &str) -> Node {
    Node::Endpoint(endpoint(name))
}

pub(crate) fn failover(first: Node, second: Node) -> Node {
    Node::Failover(Box::new([first, second]))
}

pub(crate) fn geolocation<const N: usize>(branches: [(&str, Node); N]) -> Node {
    Node::Geolocation(branches.into_iter().map(|(at, child)| (place(at), child)).collect())
}

/// As the keys of `routing`: `*`, `continent/EU`, `DE`, `US-TX`.
pub(crate) fn place(key: &str) -> Place {
    let country = |code: &str| Country::from_code(code).expect("a country");
    match (key.strip_prefix("continent/"), key.split_once('-')) {
        (Some(code), _) => Place::Continent(Continent::from_code(code).expect("a continent")),
        (None, Some((code, part))) => {
            Place::Subdivision(Subdivision { country: country(code), code: part.to_owned() })
        }
        (None, None) if key == "*" => Place::Everywhere,
        (None, None) => Place::Country(country(key)),
    }
}

pub(crate) fn region(code: &str) -> LatencyRegion {
    LatencyRegion(code.to_owned())
}

pub(crate) fn naming(name: &str) -> Naming {
    Naming {
        zone_id: "Z0EXAMPLE".to_owned(),
        zone: RecordName::new("example.com").expect("a name"),
        name: RecordName::new(name).expect("a name"),
        ttl: 60,
        cidr_collection: Some("collection-1".to_owned()),
    }
}

pub(crate) fn addresses(addresses: &[&str]) -> Target {
    Target::of_addresses(addresses.iter().map(|it| it.parse::<IpAddr>().expect("an address")))
}

pub(crate) fn load_balancer(name: &str) -> Target {
    let hostname = format!("{name}.us-east-1.elb.amazonaws.com");
    Target::of_hostname(&hostname, None).expect("a load balancer")
}

pub(crate) fn targets<const N: usize>(targets: [(&str, Target); N]) -> Targets {
    targets.into_iter().map(|(name, target)| (endpoint(name), target)).collect()
}

/// A check for each endpoint, `hc-<name>`.
pub(crate) fn checks(targets: &Targets) -> HealthChecks {
    let id = |name: &EndpointName| (name.clone(), HealthCheckId(format!("hc-{name}")));
    HealthChecks::from(targets.keys().map(id).collect::<BTreeMap<_, _>>())
}

/// A line for each set, without what is the same everywhere; helpers are numbered as they come.
pub(crate) fn lines(sets: &[RecordSet]) -> Vec<String> {
    let mut helpers: Vec<String> = Vec::new();
    let mut lines: Vec<String> = sets
        .iter()
        .filter_map(|set| Some(SetChange::between(None, Some(set))?.to_string()))
        .map(|line| {
            let plain =
                [".us-east-1.elb.amazonaws.com", ".example.com", "; evaluate_target_health true", "ttl 60; "];
            let line = plain.iter().fold(line, |line, text| line.replace(text, ""));
            line.trim_start_matches("+ ")
                .replace("; alias_zone Z35SXDOTRQ7X7K", "")
                .replace("; alias_zone Z0EXAMPLE", "")
        })
        .collect();
    for line in &lines {
        for (at, _) in line.match_indices("_mc-") {
            let helper = line[at..].chars().take(12).collect::<String>();
            if !helpers.contains(&helper) {
                helpers.push(helper);
            }
        }
    }
    for (index, helper) in helpers.iter().enumerate() {
        for line in &mut lines {
            *line = line.replace(&format!("{helper}.app"), &format!("_mc-{}", index + 1));
        }
    }
    lines
}

/// Six endpoints: one address, two addresses, two of both families, two load balancers.
pub(crate) fn world() -> Targets {
    targets([
        ("one", addresses(&["203.0.113.1"])),
        ("two", addresses(&["203.0.113.2", "203.0.113.22"])),
        ("dual", addresses(&["203.0.113.3", "2001:db8::3"])),
        ("both", addresses(&["203.0.113.4", "203.0.113.44", "2001:db8::4"])),
        ("elb", load_balancer("elb")),
        ("nlb", load_balancer("nlb")),
    ])
}

const ALL: [&str; 6] = ["one", "two", "dual", "both", "elb", "nlb"];

fn some_of(names: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<EndpointName>> {
    prop::sample::subsequence(names, least..=names.len().min(3))
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(endpoint).collect())
}

fn any_leaf() -> impl Strategy<Value = Node> {
    prop::sample::select(&ALL[..]).prop_map(leaf)
}

/// A node whose answer does not depend on the place, region or address of the client, or on latency alone.
fn branch() -> impl Strategy<Value = Node> {
    any_leaf().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            2 => prop::collection::vec((any::<u8>(), inner.clone()), 2..4).prop_map(Node::Weighted),
            2 => (inner.clone(), inner.clone()).prop_map(|(first, second)| failover(first, second)),
            1 => some_of(&ALL[..4], 2).prop_map(Node::Multivalue),
            1 => (inner.clone(), inner).prop_map(|(west, east)| {
                Node::Latency([(region("us-west-2"), west), (region("us-east-1"), east)].into())
            }),
        ]
    })
}

const PLACES: [&str; 13] = [
    "*",
    "continent/EU",
    "continent/NA",
    "continent/AS",
    "continent/SA",
    "DE",
    "FR",
    "US",
    "US-TX",
    "US-CA",
    "JP",
    "SA",
    "NA",
];

fn by_place() -> impl Strategy<Value = Node> {
    let places = prop::sample::subsequence(&PLACES[..], 1..6);
    places.prop_flat_map(|places| {
        prop::collection::vec(branch(), places.len()).prop_map(move |branches| {
            Node::Geolocation(places.iter().copied().map(place).zip(branches).collect())
        })
    })
}

fn by_range() -> impl Strategy<Value = Node> {
    let others = prop::option::of(prop_oneof![branch(), by_place()]);
    (branch(), prop::option::of(branch()), others).prop_map(|(first, second, others)| {
        let range = |cidr: &str| vec![cidr.parse().expect("a network")];
        let mut ranges = BTreeMap::from([("isp-a".to_owned(), (range("198.51.100.0/24"), first))]);
        ranges.extend(second.map(|child| ("isp-b".to_owned(), (range("203.0.112.0/24"), child))));
        Node::IpBased { ranges, others: others.map(Box::new) }
    })
}

fn by_distance() -> impl Strategy<Value = Node> {
    prop::collection::vec((-99_i8..=99, branch()), 2..4).prop_map(|branches| {
        let sites = [At::Region(region("eu-central-1")), at(4042, -7402), at(3568, 13969)];
        let sites = sites.into_iter().zip(branches);
        Node::Geoproximity(sites.map(|(at, (bias, child))| (Site { at, bias }, child)).collect())
    })
}

fn at(latitude: i32, longitude: i32) -> At {
    At::Coordinates(Coordinates { latitude, longitude })
}

/// Any tree over the endpoints of [`world`] that compiles.
pub(crate) fn tree() -> impl Strategy<Value = Node> {
    prop_oneof![
        3 => branch(),
        4 => by_place(),
        2 => by_range(),
        1 => by_distance(),
        1 => some_of(&ALL[..4], 2).prop_map(Node::Simple),
    ]
}
