//! What is answered, held against vectors that were written from the documentation by somebody else.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::{collections::BTreeMap, sync::Arc};

use num_rational::BigRational;
use route53_emulator::{
    answer::{self, Client, Query, Value, places::Point},
    model::{
        CidrBlock, CidrCollection, Health, Name, RawRecordSet, RecordSet, RecordType, ServedZone, Snapshot,
        WorldHealth,
    },
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    rrsets: Vec<RawRecordSet>,
    health: BTreeMap<String, Health>,
    #[serde(default)]
    targets: BTreeMap<Name, Health>,
    #[serde(default)]
    cidr_collections: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    query: CaseQuery,
    expect: Expect,
}

#[derive(Deserialize)]
struct CaseQuery {
    name: String,
    r#type: String,
    client: CaseClient,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseClient {
    country: Option<String>,
    subdivision: Option<String>,
    continent: Option<String>,
    ip: Option<String>,
    coordinates: Option<[f64; 2]>,
    latency_ms: Option<BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
struct Expect {
    rcode: String,
    answers: Vec<ExpectedValue>,
    max_answers: Option<usize>,
}

#[derive(Deserialize)]
struct ExpectedValue {
    value: String,
    share_fraction: String,
    r#type: Option<String>,
}

impl Case {
    fn snapshot(&self) -> Snapshot {
        let sets = self.rrsets.iter().map(|raw| RecordSet::from_raw(raw).unwrap());
        let zone = ServedZone {
            id: "Z0EXAMPLE0000000001".to_owned(),
            name: Name::parse("example.com.").unwrap(),
            private: false,
            record_sets: Arc::new(sets.collect()),
        };
        let block = |text: &String| CidrBlock::parse(text).unwrap();
        let collection = |(id, locations): (&String, &BTreeMap<String, Vec<String>>)| {
            let locations = locations.iter();
            let locations =
                locations.map(|(name, blocks)| (name.clone(), blocks.iter().map(block).collect()));
            let collection = CidrCollection {
                id: id.clone(),
                name: id.clone(),
                version: 1,
                caller_reference: id.clone(),
                locations: locations.collect(),
            };
            (id.clone(), Arc::new(collection))
        };
        Snapshot {
            zones: vec![zone],
            collections: self.cidr_collections.iter().map(collection).collect(),
            world: WorldHealth { checks: self.health.clone(), targets: self.targets.clone() },
            ..Snapshot::default()
        }
    }

    fn question(&self) -> Query {
        let client = &self.query.client;
        let network = client.ip.as_deref().map(|text| match text.split_once('/') {
            Some(_) => CidrBlock::parse(text).unwrap(),
            None => {
                let address: std::net::IpAddr = text.parse().unwrap();
                CidrBlock::new(address, if address.is_ipv4() { 32 } else { 128 }).unwrap()
            }
        });
        Query {
            name: Name::parse(&self.query.name).unwrap(),
            record_type: RecordType::parse(&self.query.r#type).unwrap(),
            client: Client {
                network,
                country: client.country.clone(),
                subdivision: client.subdivision.clone(),
                continent: client.continent.clone(),
                point: client.coordinates.map(|[latitude, longitude]| Point { latitude, longitude }),
                latency_ms: client.latency_ms.clone().unwrap_or_default(),
            },
        }
    }

    /// What is wrong with our answer, if anything.
    fn problem(&self) -> Option<String> {
        let answer = answer::answer(&self.snapshot(), &self.question());
        let ours: BTreeMap<String, BigRational> =
            answer.shares().into_iter().map(|(value, share)| (value.to_string(), share)).collect();
        let share = |text: &str| text.parse::<BigRational>().unwrap();
        let theirs: BTreeMap<String, BigRational> = self
            .expect
            .answers
            .iter()
            .map(|each| (each.value.clone(), share(&each.share_fraction)))
            .collect();
        let types_fit = self.expect.answers.iter().all(|each| {
            let expected = each.r#type.as_ref().unwrap_or(&self.query.r#type);
            expected == answer.record_type.as_str()
        });
        let found = (answer.rcode.as_str(), &ours, answer.drawn_at_most());
        let wanted = (self.expect.rcode.as_str(), &theirs, self.expect.max_answers);
        (found != wanted || !types_fit).then(|| format!("{}: got {found:?}, expected {wanted:?}", self.id))
    }
}

#[test]
fn vectors() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/answers.json")).unwrap();
    assert!(vectors.cases.len() >= 88, "the table was read whole");
    let problems: Vec<String> = vectors.cases.iter().filter_map(Case::problem).collect();
    assert!(problems.is_empty(), "{} wrong:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn outside_targets_are_marked() {
    let value = Value::Outside(Name::parse("lb.elb.amazonaws.com").unwrap());
    assert_eq!(value.to_string(), "alias:lb.elb.amazonaws.com.");
}
