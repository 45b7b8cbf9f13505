//! What is said of a tree, and what Route 53 would answer from its sets, are the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::compile;
use super::testing::{Targets, checks, naming, place, tree, world};
use crate::dns::{self, Coordinates, EndpointName, Node, Place, Share};
use crate::route53::cidr;
use crate::route53::record_set::{HealthCheckId, RecordName, RecordSet, RecordType};
use crate::route53::rules;
use crate::route53::simulate::{CidrCollections, Client, Health, Query, Simulation, Value, Zone};
use crate::route53::target::Target;
use crate::route53::zone::ZoneFacts;

/// Places of clients: with and without a set of their own in most trees.
const PLACES: [&str; 12] =
    ["DE", "FR", "PL", "US", "US-TX", "US-NY", "CA", "JP", "SA", "NA", "BR", "continent/AN"];

const NETWORKS: [Option<&str>; 3] = [None, Some("198.51.100.7/32"), Some("203.0.112.0/25")];

pub(crate) fn facts() -> ZoneFacts {
    let naming = naming("app.example.com");
    ZoneFacts { id: naming.zone_id, name: naming.zone, private: false }
}

pub(crate) fn collections(tree: &Node) -> CidrCollections {
    let blocks =
        cidr::blocks(tree).into_iter().map(|(location, blocks)| (location, blocks.into_iter().collect()));
    [("collection-1".to_owned(), blocks.collect())].into()
}

/// Clients of all kinds, as either side describes them.
pub(crate) fn clients() -> Vec<(dns::Client, Client)> {
    // Without a position, what depends on distance is open, and each side may say so in its own way.
    let somewhere = Coordinates { latitude: 100, longitude: 200 };
    let unknown = (Place::Everywhere, Some(somewhere));
    let known = PLACES.iter().map(|key| (place(key), place(key).position().or(Some(somewhere))));
    std::iter::once(unknown)
        .chain(known)
        .flat_map(|(place, position)| {
            NETWORKS.map(|network| {
                let network = network.map(|text| text.parse().expect("a network"));
                let of_tree = dns::Client { place: place.clone(), position, address: network };
                let places = place.ancestry().filter(|it| *it != Place::Everywhere).collect();
                (of_tree, Client { places, position, latencies: BTreeMap::new(), network })
            })
        })
        .collect()
}

pub(crate) fn query(r#type: RecordType, client: &Client) -> Query {
    Query { name: naming("app.example.com").name, r#type, client: client.clone() }
}

/// The health in which some endpoints are down.
pub(crate) fn health(down: &BTreeSet<EndpointName>, targets: &Targets) -> Health {
    let load_balancers = down.iter().filter_map(|name| match targets.get(name)? {
        Target::Alias { dns_name, .. } => Some(dns_name.clone()),
        _ => None,
    });
    Health {
        checks: down.iter().map(|name| HealthCheckId(format!("hc-{name}"))).collect(),
        targets: load_balancers.collect(),
    }
}

/// Endpoints by what is answered of them, with the probability of each: one value stands for all of an endpoint.
fn by_endpoint(values: &BTreeMap<Value, Share>, targets: &Targets) -> BTreeMap<EndpointName, Share> {
    let owner = |value: &Value| -> EndpointName {
        let is = |target: &Target| match (value, target) {
            (Value::Alias { dns_name, .. }, Target::Alias { dns_name: of, .. }) => dns_name == of,
            (Value::Record { value, .. }, target) => {
                target.addresses().any(|address| address.to_string() == *value)
            }
            _ => false,
        };
        targets.iter().find(|(_, target)| is(target)).expect("somebody's").0.clone()
    };
    values.iter().map(|(value, share)| (owner(value), *share)).collect()
}

fn down() -> impl Strategy<Value = BTreeSet<EndpointName>> {
    let names: Vec<EndpointName> = world().into_keys().collect();
    let count = names.len();
    prop::sample::subsequence(names, 0..=count).prop_map(|names| names.into_iter().collect())
}

fn compiled(tree: &Node) -> Vec<RecordSet> {
    compile(tree, &naming("app.example.com"), &world(), &checks(&world())).expect("compiles")
}

#[test]
fn the_zone_of_the_tests_is_the_one_of_the_names() {
    assert!(RecordName::new("app.example.com").unwrap().within(&facts().name));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn sets_answer_as_the_tree_says(tree in tree(), down in down()) {
        let (facts, collections, sets) = (facts(), collections(&tree), compiled(&tree));
        let zone = Zone::new(&facts, &sets, &collections);
        let simulation = Simulation::new(&zone, &health(&down, &world()));
        for (of_tree, client) in clients() {
            let expected = dns::presence(&tree, &of_tree, &down);
            let answer = simulation.answer(&query(RecordType::a(), &client));
            prop_assert_eq!(
                by_endpoint(&answer.values, &world()), expected.clone(), "{:?} with {:?} down: {:#?}", client, down, sets
            );
            // By IPv6 a client gets to the same endpoints, or to none.
            let by_v6 = simulation.answer(&query(RecordType::aaaa(), &client));
            if !by_v6.answered.is_zero() {
                prop_assert_eq!(by_endpoint(&by_v6.values, &world()), expected, "IPv6 of {:?}: {:#?}", client, sets);
            }
        }
    }

    #[test]
    fn the_service_refuses_nothing(tree in tree()) {
        let violations = rules::check(&facts(), &compiled(&tree));
        prop_assert!(violations.is_empty(), "{:?}", violations);
    }
}
