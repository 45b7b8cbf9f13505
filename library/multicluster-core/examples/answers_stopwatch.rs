//! Measures how long it takes to say who answers whom: ten endpoints, all countries, all healthy and with each endpoint
//! down. Prints one JSON object with milliseconds, the median of some runs.

#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to tell")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]
#![expect(clippy::disallowed_methods, reason = "the crate has no clock; what measures it has one")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

use multicluster_core::dns::{
    Client, Coordinates, Country, Endpoint, EndpointName, Intent, Place, Policy, Within, answer, tree,
};
use multicluster_core::route53::{
    CidrCollections, HealthCheckId, HealthChecks, Naming, RecordName, RecordType, Target, ZoneFacts, compile,
    simulate,
};
use serde_json::json;

/// How often each is measured.
const RUNS: usize = 11;
/// Two for each continent that has many countries, and who answers there while they are down.
const CONTINENTS: [&str; 5] = ["EU", "NA", "AS", "AF", "SA"];

fn key(index: usize) -> EndpointName {
    EndpointName::new(format!("cluster-{index}")).unwrap()
}

fn endpoints(make: impl Fn(usize) -> Endpoint) -> BTreeMap<EndpointName, Endpoint> {
    (0..10).map(|index| (key(index), make(index))).collect()
}

/// By continent, two endpoints in each, another one stepping in.
fn by_place() -> Intent {
    let endpoint = |index: usize| Endpoint {
        places: BTreeSet::from([Place::parse_key(&format!("continent/{}", CONTINENTS[index / 2])).unwrap()]),
        on_unhealthy: vec![key((index + 2) % 10)],
        ..Endpoint::default()
    };
    Intent {
        policy: Policy::Geolocation,
        within: Within::Weighted,
        default: Some(key(0)),
        endpoints: endpoints(endpoint),
    }
}

/// By distance to ten points of the earth.
fn by_distance() -> Intent {
    let endpoint = |index: usize| {
        let east = i32::try_from(index).unwrap() * 3600 - 18000;
        Endpoint {
            coordinates: Some(Coordinates { latitude: 4000 - east / 4, longitude: east }),
            ..Endpoint::default()
        }
    };
    Intent {
        policy: Policy::Geoproximity,
        within: Within::Weighted,
        default: None,
        endpoints: endpoints(endpoint),
    }
}

/// Nobody is down, and each in turn.
fn failures() -> Vec<BTreeSet<EndpointName>> {
    std::iter::once(BTreeSet::new()).chain((0..10).map(|index| BTreeSet::from([key(index)]))).collect()
}

/// The middle one of some runs, in milliseconds.
fn median(mut run: impl FnMut()) -> f64 {
    let mut took: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[RUNS / 2]
}

/// By the intent, from its tree.
fn from_the_tree(intent: &Intent, failures: &[BTreeSet<EndpointName>]) -> f64 {
    median(|| {
        let grown = tree::grow(intent).unwrap();
        for down in failures {
            for country in Country::all() {
                black_box(answer(&grown.node, &Client::at(Place::Country(country)), down));
            }
        }
    })
}

/// By the record sets that the intent becomes.
fn from_the_records(intent: &Intent, failures: &[BTreeSet<EndpointName>]) -> f64 {
    let name = RecordName::new("app.example.com").unwrap();
    let facts =
        ZoneFacts { id: "Z1".to_owned(), name: RecordName::new("example.com").unwrap(), private: false };
    let targets: BTreeMap<EndpointName, Target> = (0..10)
        .map(|index| (key(index), Target::of_addresses([format!("20.0.0.{index}").parse().unwrap()])))
        .collect();
    let checks: BTreeMap<EndpointName, HealthCheckId> =
        targets.keys().map(|key| (key.clone(), HealthCheckId(key.to_string()))).collect();
    let naming = Naming {
        zone_id: facts.id.clone(),
        zone: facts.name.clone(),
        name: name.clone(),
        ttl: 60,
        cidr_collection: None,
    };
    median(|| {
        let grown = tree::grow(intent).unwrap();
        let sets = compile(&grown.node, &naming, &targets, &HealthChecks::from(checks.clone())).unwrap();
        let collections = CidrCollections::default();
        let zone = simulate::Zone::new(&facts, &sets, &collections);
        for down in failures {
            let checks = down.iter().map(|key| HealthCheckId(key.to_string())).collect();
            let health = simulate::Health { checks, targets: BTreeSet::new() };
            let simulation = simulate::Simulation::new(&zone, &health);
            for country in Country::all() {
                let client = simulate::Client {
                    places: Place::Country(country).ancestry().collect(),
                    position: Some(country.position()),
                    ..simulate::Client::default()
                };
                let query = simulate::Query { name: name.clone(), r#type: RecordType::a(), client };
                black_box(simulation.answer(&query));
            }
        }
    })
}

fn main() {
    let (healthy, all) = (vec![BTreeSet::new()], failures());
    let of = |intent: &Intent| {
        json!({
            "tree_ms": from_the_tree(intent, &healthy),
            "tree_with_failures_ms": from_the_tree(intent, &all),
            "records_ms": from_the_records(intent, &healthy),
            "records_with_failures_ms": from_the_records(intent, &all),
        })
    };
    println!(
        "{}",
        json!({
            "countries": Country::all().count(),
            "geolocation": of(&by_place()),
            "geoproximity": of(&by_distance()),
        })
    );
}
