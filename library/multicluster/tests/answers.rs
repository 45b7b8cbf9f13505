//! What record sets answer, by two pieces of code that know nothing of each other: the simulation by which plans are
//! shown, and the emulator's DNS. And what is compiled, the emulator takes: it enforces the rules of the service.
//!
//! A long run: `PROPTEST_CASES=5000 cargo test -p multicluster --test answers`.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use multicluster_core::dns::share::Share;
use multicluster_core::dns::{
    Coordinates, Country, Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Place, Policy,
    Within, tree,
};
use multicluster_core::route53::record_set::{Failover, Position};
use multicluster_core::route53::{
    CidrCollections, Data, HealthCheckId, HealthChecks, Naming, RecordName, RecordSet, RecordType, Routing,
    Target, ZoneFacts, cidr, compile, simulate,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use route53_emulator::answer::{self, places::Point};
use route53_emulator::change::{RawChange, ZoneContext, apply};
use route53_emulator::model::{
    self, CidrBlock, CidrCollection, Health, Name, RecordSets, ServedZone, Snapshot, WorldHealth,
};
use serde_json::{Value, json};

const ZONE: &str = "Z0EXAMPLE0000000001";
const COLLECTION: &str = "11111111-1111-1111-1111-111111111111";
const NAME: &str = "app.example.com";
const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
const PLACES: [&str; 8] = ["continent/EU", "continent/NA", "continent/SA", "DE", "US", "NA", "US-TX", "JP"];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "sa-east-1", "ap-northeast-1"];
const RANGES: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/25"];
const CLIENTS: [Option<&str>; 4] =
    [None, Some("192.0.2.7/32"), Some("198.51.100.0/24"), Some("203.0.113.200/32")];

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

/// What users may write; what contradicts itself is left out later.
fn intents() -> impl Strategy<Value = Intent> {
    let policies = [
        Policy::Simple,
        Policy::Multivalue,
        Policy::Weighted,
        Policy::Latency,
        Policy::Failover,
        Policy::Geolocation,
        Policy::Geoproximity,
        Policy::IpBased,
    ];
    let within = [Within::Weighted, Within::Multivalue, Within::Latency];
    let shape =
        (prop::sample::select(policies.to_vec()), prop::sample::select(within.to_vec()), 1..=KEYS.len());
    shape.prop_flat_map(|(policy, within, count)| {
        let endpoints = prop::collection::vec(endpoint(policy, within, count), count);
        (endpoints, prop::option::of(0..count)).prop_map(move |(endpoints, default)| {
            let key = |index: usize| EndpointName::new(KEYS[index]).unwrap();
            let has_default = matches!(policy, Policy::Geolocation | Policy::IpBased);
            let endpoints = endpoints.into_iter().enumerate().map(|(index, mut endpoint)| {
                endpoint.on_unhealthy.retain(|other| *other != key(index));
                endpoint.on_unhealthy.dedup();
                (key(index), endpoint)
            });
            Intent {
                policy,
                within,
                default: default.filter(|_| has_default).map(key),
                endpoints: endpoints.collect(),
            }
        })
    })
}

fn endpoint(policy: Policy, within: Within, count: usize) -> impl Strategy<Value = Endpoint> {
    let places = prop::collection::btree_set(prop::sample::select(PLACES.to_vec()), 0..4);
    let ranges = prop::collection::btree_set(prop::sample::select(RANGES.to_vec()), 0..2);
    let others = prop::collection::vec(0..count, 0..3);
    let site = (-8999_i32..9000, -17999_i32..18000, -99_i8..=99, 0..REGIONS.len());
    (places, ranges, others, site, 0_u32..300, 0_u32..3, 0_u8..6).prop_map(
        move |(places, ranges, others, (latitude, longitude, bias, region), weight, priority, dice)| {
            let mut endpoint = Endpoint::default();
            match policy {
                Policy::Geolocation => {
                    endpoint.places = places.into_iter().map(|key| Place::parse_key(key).unwrap()).collect();
                }
                Policy::Geoproximity => {
                    endpoint.coordinates = Some(Coordinates { latitude, longitude });
                    endpoint.bias = bias;
                }
                Policy::Failover => endpoint.priority = priority,
                _ => {}
            }
            if policy == Policy::Latency || within == Within::Latency {
                endpoint.latency_region = Some(LatencyRegion(REGIONS[region].to_owned()));
            }
            if policy == Policy::IpBased || dice == 0 {
                endpoint.cidrs = ranges.into_iter().map(|range| range.parse().unwrap()).collect();
            }
            let single = matches!(policy, Policy::Simple | Policy::Multivalue);
            if !single && within == Within::Weighted {
                endpoint.weight = weight;
            }
            if !single && within != Within::Multivalue {
                endpoint.on_unhealthy =
                    others.into_iter().map(|index| EndpointName::new(KEYS[index]).unwrap()).collect();
            }
            endpoint.state = match dice {
                1 if !single => EndpointState::Standby,
                2 => EndpointState::Drained,
                _ => EndpointState::Active,
            };
            endpoint
        },
    )
}

/// A set in the form of the API.
fn raw(set: &RecordSet) -> Value {
    let mut raw = json!({ "Name": set.key.name.as_str(), "Type": set.key.r#type.0 });
    if let Some(identifier) = &set.key.set_identifier {
        raw["SetIdentifier"] = json!(identifier);
    }
    match &set.routing {
        Routing::Simple => {}
        Routing::Weighted(weight) => raw["Weight"] = json!(weight),
        Routing::Latency(region) => raw["Region"] = json!(region.0),
        Routing::Failover(rank) => {
            raw["Failover"] = json!(if *rank == Failover::Primary { "PRIMARY" } else { "SECONDARY" });
        }
        Routing::Geolocation(place) => raw["GeoLocation"] = location(place),
        Routing::Geoproximity(at) => {
            raw["GeoProximityLocation"] = match &at.position {
                Position::Coordinates(at) => json!({ "Coordinates": {
                    "Latitude": degrees(at.latitude), "Longitude": degrees(at.longitude)
                } }),
                Position::Region(region) => json!({ "AWSRegion": region.0 }),
                Position::LocalZoneGroup(group) => json!({ "LocalZoneGroup": group }),
            };
            raw["GeoProximityLocation"]["Bias"] = json!(at.bias);
        }
        Routing::Cidr { collection, location } => {
            raw["CidrRoutingConfig"] = json!({ "CollectionId": collection, "LocationName": location });
        }
        Routing::Multivalue => raw["MultiValueAnswer"] = json!(true),
    }
    match &set.data {
        Data::Values { ttl, values } => {
            raw["TTL"] = json!(ttl);
            raw["ResourceRecords"] = values.iter().map(|value| json!({ "Value": value })).collect();
        }
        Data::Alias(target) => {
            raw["AliasTarget"] = json!({
                "HostedZoneId": target.hosted_zone_id,
                "DNSName": target.dns_name.as_str(),
                "EvaluateTargetHealth": target.evaluate_target_health,
            });
        }
    }
    if let Some(id) = &set.health_check_id {
        raw["HealthCheckId"] = json!(id.0);
    }
    raw
}

fn location(place: &Place) -> Value {
    match place {
        Place::Everywhere => json!({ "CountryCode": "*" }),
        Place::Continent(continent) => json!({ "ContinentCode": continent.code() }),
        Place::Country(country) => json!({ "CountryCode": country.code() }),
        Place::Subdivision(part) => {
            json!({ "CountryCode": part.country.code(), "SubdivisionCode": part.code })
        }
    }
}

fn degrees(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// The same sets, for the one and for the other.
struct Both {
    facts: ZoneFacts,
    sets: Vec<RecordSet>,
    blocks: cidr::Blocks,
    emulated: Arc<RecordSets>,
}

impl Both {
    /// `None` for an intent that contradicts itself.
    fn of(intent: &Intent) -> Option<Self> {
        let node = tree::grow(intent).ok()?.node;
        let targets: BTreeMap<EndpointName, Target> = (1..)
            .zip(intent.endpoints.keys())
            .map(|(number, key)| {
                (key.clone(), Target::of_addresses([format!("20.0.0.{number}").parse().unwrap()]))
            })
            .collect();
        let checks: BTreeMap<EndpointName, HealthCheckId> =
            intent.endpoints.keys().map(|key| (key.clone(), HealthCheckId(format!("check-{key}")))).collect();
        let facts = ZoneFacts { id: ZONE.to_owned(), name: name("example.com"), private: false };
        let naming = Naming {
            zone_id: facts.id.clone(),
            zone: facts.name.clone(),
            name: name(NAME),
            ttl: 60,
            cidr_collection: Some(COLLECTION.to_owned()),
        };
        let health_checks = HealthChecks::from(checks.clone());
        let sets = compile(&node, &naming, &targets, &health_checks).ok()?;
        let blocks = cidr::blocks(&node);
        let context = ZoneContext {
            id: facts.id.clone(),
            name: Name::parse("example.com.").unwrap(),
            private: false,
            record_sets: Arc::default(),
            health_checks: checks.into_values().map(|id| id.0).collect(),
            collections: [(COLLECTION.to_owned(), Arc::new(collection(&blocks)))].into(),
        };
        // Those that are pointed at come first.
        let mut ordered: Vec<&RecordSet> = sets.iter().collect();
        ordered.sort_by_key(|set| depth(set, &sets));
        let batch: Vec<RawChange> = ordered
            .into_iter()
            .map(|set| json!({ "Action": "CREATE", "ResourceRecordSet": raw(set) }))
            .map(|change| serde_json::from_value(change).unwrap())
            .collect();
        let emulated = apply(&context, &batch).unwrap_or_else(|error| panic!("{error} for {intent:#?}"));
        Some(Self { facts, sets, blocks, emulated: Arc::new(emulated) })
    }

    fn snapshot(&self, down: &BTreeSet<&str>) -> Snapshot {
        let check = |key: &&str| (format!("check-{key}"), Health::Unhealthy);
        Snapshot {
            zones: vec![ServedZone {
                id: ZONE.to_owned(),
                name: Name::parse("example.com.").unwrap(),
                private: false,
                record_sets: Arc::clone(&self.emulated),
            }],
            collections: [(COLLECTION.to_owned(), Arc::new(collection(&self.blocks)))].into(),
            world: WorldHealth { checks: down.iter().map(check).collect(), ..WorldHealth::default() },
            ..Snapshot::default()
        }
    }
}

/// How many aliases are between a set and values.
fn depth(set: &RecordSet, sets: &[RecordSet]) -> usize {
    let Data::Alias(target) = &set.data else { return 0 };
    let below =
        sets.iter().filter(|other| other.key.name == target.dns_name && other.key.r#type == set.key.r#type);
    1 + below.map(|other| depth(other, sets)).max().unwrap_or_default()
}

fn collection(blocks: &cidr::Blocks) -> CidrCollection {
    let block = |cidr: &multicluster_core::networking::Cidr| CidrBlock::parse(&cidr.to_string()).unwrap();
    let locations = blocks.iter().map(|(name, blocks)| (name.clone(), blocks.iter().map(block).collect()));
    CidrCollection {
        id: COLLECTION.to_owned(),
        name: "it".to_owned(),
        version: 1,
        caller_reference: "it".to_owned(),
        locations: locations.collect(),
    }
}

/// Milliseconds, in no relation to distance, and never equal.
fn latencies(country: Country) -> BTreeMap<LatencyRegion, u32> {
    let seed: u32 = country.code().bytes().map(u32::from).fold(7, |sum, byte| sum * 31 + byte);
    let latency = |(place, region): (u32, &&str)| {
        (LatencyRegion((*region).to_owned()), (seed / (place + 3)) % 97 * 4 + place + 1)
    };
    (0..).zip(&REGIONS).map(latency).collect()
}

fn share(share: Share) -> String {
    match share.denominator() {
        1 => share.numerator().to_string(),
        whole => format!("{}/{whole}", share.numerator()),
    }
}

fn compare(both: &Both, down: &BTreeSet<&str>, network: Option<&str>) -> Result<usize, TestCaseError> {
    let collections = CidrCollections::from([(
        COLLECTION.to_owned(),
        both.blocks.iter().map(|(name, blocks)| (name.clone(), blocks.iter().copied().collect())).collect(),
    )]);
    let zone = simulate::Zone::new(&both.facts, &both.sets, &collections);
    let checks = down.iter().map(|key| HealthCheckId(format!("check-{key}"))).collect();
    let health = simulate::Health { checks, targets: BTreeSet::new() };
    let simulation = simulate::Simulation::new(&zone, &health);
    let snapshot = both.snapshot(down);
    let mut asked = 0;
    for country in Country::all() {
        let (place, position, latencies) = (Place::Country(country), country.position(), latencies(country));
        let ours = simulation.answer(&simulate::Query {
            name: name(NAME),
            r#type: RecordType::a(),
            client: simulate::Client {
                places: place.ancestry().collect(),
                position: Some(position),
                latencies: latencies.clone(),
                network: network.map(|network| network.parse().unwrap()),
            },
        });
        let client = answer::Client {
            network: network.map(|network| CidrBlock::parse(network).unwrap()),
            point: Some(Point {
                latitude: f64::from(position.latitude) / 100.0,
                longitude: f64::from(position.longitude) / 100.0,
            }),
            latency_ms: latencies
                .into_iter()
                .map(|(region, latency)| (region.0, f64::from(latency)))
                .collect(),
            ..answer::Client::of(country.code(), None)
        };
        let theirs = answer::answer(
            &snapshot,
            &answer::Query {
                name: Name::parse(NAME).unwrap(),
                record_type: model::RecordType::parse("A").unwrap(),
                client,
            },
        );
        let ours: BTreeMap<String, String> = ours
            .values
            .iter()
            .map(|(value, part)| match value {
                simulate::Value::Record { value, .. } => (value.clone(), share(*part)),
                simulate::Value::Alias { dns_name, .. } => (format!("alias:{dns_name}"), share(*part)),
            })
            .collect();
        let theirs: BTreeMap<String, String> =
            theirs.shares().into_iter().map(|(value, part)| (value.to_string(), part.to_string())).collect();
        prop_assert_eq!(
            ours,
            theirs,
            "{:?} with {:?} down, from {:?}: {:#?}",
            country,
            down,
            network,
            both.sets
        );
        asked += 1;
    }
    Ok(asked)
}

/// As many cases as the environment asks for, or some.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    // What failed is repeated by its seed, `PROPTEST_RNG_SEED`.
    let failure_persistence = None;
    ProptestConfig { cases: if asked { config.cases } else { 40 }, failure_persistence, ..config }
}

/// What was compared, for those who run it for long.
#[derive(Debug, Default)]
struct Tally {
    policies: BTreeMap<String, usize>,
    with_failures: usize,
    answers: usize,
    record_sets: usize,
}

#[test]
fn the_simulation_and_the_emulator_answer_alike() {
    let cases = (
        intents(),
        prop::collection::btree_set(prop::sample::select(KEYS.to_vec()), 0..4),
        prop::sample::select(CLIENTS.to_vec()),
    );
    let config = config();
    let wanted = config.cases;
    let tally = RefCell::new(Tally::default());
    let outcome = TestRunner::new(config).run(&cases, |(intent, down, network)| {
        let Some(both) = Both::of(&intent) else {
            return Err(TestCaseError::reject("the intent contradicts itself"));
        };
        let asked = compare(&both, &down, network)?;
        prop_assert!(asked > 200);
        let mut tally = tally.borrow_mut();
        *tally.policies.entry(format!("{:?}", intent.policy).to_lowercase()).or_default() += 1;
        tally.with_failures += usize::from(!down.is_empty());
        tally.answers += asked;
        tally.record_sets += both.sets.len();
        Ok(())
    });
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
    let Tally { policies, with_failures, answers, record_sets } = tally.into_inner();
    let compared: usize = policies.values().sum();
    assert!(compared >= usize::try_from(wanted).unwrap(), "{compared} of {wanted} were compared");
    println!(
        "answers: {compared} intents {policies:?} as {record_sets} record sets, {with_failures} of them with endpoints down: \
         {answers} answers, by simulation and by the emulator, are the same"
    );
}
