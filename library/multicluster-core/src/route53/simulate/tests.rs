//! The vectors, and what they leave out.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;
use crate::dns::{Continent, Country, Subdivision};
use crate::route53::ZoneFacts;
use crate::route53::testing::{name, sets, text};

const VECTORS: &str = include_str!("../../../tests/vectors/answers.json");
const ZONE: &str = "Z0EXAMPLE0000000001";

fn facts() -> ZoneFacts {
    ZoneFacts { id: ZONE.into(), name: name("example.com"), private: false }
}

fn client(json: &Json) -> Client {
    let country = text(json, "country").and_then(Country::from_code);
    let part = country.zip(text(json, "subdivision"));
    let places = [
        part.map(|(country, code)| Place::Subdivision(Subdivision { country, code: code.to_owned() })),
        country.map(Place::Country),
        text(json, "continent").and_then(Continent::from_code).map(Place::Continent),
    ];
    let latencies = json.get("latency_ms").and_then(Json::as_object).into_iter().flatten();
    Client {
        places: places.into_iter().flatten().collect(),
        position: json
            .get("coordinates")
            .and_then(Json::as_array)
            .map(|both| Coordinates { latitude: hundredths(&both[0]), longitude: hundredths(&both[1]) }),
        latencies: latencies
            .map(|(region, ms)| {
                (LatencyRegion(region.clone()), u32::try_from(ms.as_u64().expect("ms")).expect("few"))
            })
            .collect(),
        network: text(json, "ip").map(network),
    }
}

fn hundredths(degrees: &Json) -> i32 {
    format!("{:.2}", degrees.as_f64().expect("degrees")).replace('.', "").parse().expect("a number")
}

fn network(text: &str) -> Cidr {
    match text.parse() {
        Ok(network) => network,
        Err(_) => Cidr::host(text.parse().expect("an address")),
    }
}

fn health(case: &Json) -> Health {
    let down = |key: &str| {
        let states = case.get(key).and_then(Json::as_object).into_iter().flatten();
        states.filter(|(_, state)| *state == "unhealthy").map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    Health {
        checks: down("health").into_iter().map(HealthCheckId).collect(),
        targets: down("targets").iter().map(|target| name(target)).collect(),
    }
}

fn collections(case: &Json) -> CidrCollections {
    let collections = case.get("cidr_collections").and_then(Json::as_object).into_iter().flatten();
    let blocks = |blocks: &Json| {
        let blocks = blocks.as_array().expect("blocks").iter();
        blocks.map(|block| network(block.as_str().expect("a block"))).collect()
    };
    collections
        .map(|(id, locations)| {
            let locations = locations.as_object().expect("locations").iter();
            (id.clone(), locations.map(|(location, it)| (location.clone(), blocks(it))).collect())
        })
        .collect()
}

fn exactly(share: Share) -> String {
    format!("{}/{}", share.numerator(), share.denominator())
}

#[test]
fn every_case_of_the_vectors_is_answered_as_expected() {
    let file: Json = serde_json::from_str(VECTORS).expect("vectors");
    let mut wrong = Vec::new();
    for case in file["cases"].as_array().expect("cases") {
        let (facts, sets, collections) = (facts(), sets(&case["rrsets"]), collections(case));
        let zone = Zone::new(&facts, &sets, &collections);
        let query = Query {
            name: name(text(&case["query"], "name").expect("a name")),
            r#type: RecordType(text(&case["query"], "type").expect("a type").to_owned()),
            client: client(&case["query"]["client"]),
        };
        let found = answer(&zone, &query, &health(case));
        let rcode = match found.rcode {
            Rcode::NoError => "NOERROR",
            Rcode::NxDomain => "NXDOMAIN",
            Rcode::Refused => "REFUSED",
        };
        let values: BTreeMap<_, _> = found
            .values
            .iter()
            .map(|(value, share)| match value {
                Value::Record { r#type, value } => ((value.clone(), r#type.0.clone()), exactly(*share)),
                Value::Alias { r#type, dns_name } => {
                    ((format!("alias:{dns_name}"), r#type.0.clone()), exactly(*share))
                }
            })
            .collect();
        let expected: BTreeMap<_, _> = case["expect"]["answers"]
            .as_array()
            .expect("answers")
            .iter()
            .map(|answer| {
                let r#type = text(answer, "type").unwrap_or(&query.r#type.0);
                let value = text(answer, "value").expect("a value");
                let share = text(answer, "share_fraction").expect("a share");
                ((value.to_owned(), r#type.to_owned()), share.to_owned())
            })
            .collect();
        let at_most = found.at_most.map(|count| json!(count));
        if case["expect"]["rcode"] != rcode
            || values != expected
            || at_most.as_ref() != case["expect"].get("max_answers")
        {
            wrong.push(format!("{}: {rcode} {values:?} {at_most:?}, not {}", case["id"], case["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What one name answers, as text: `1/2 192.0.2.1, …`.
fn ask(zone: &Simulation<'_>, at: &str, r#type: &str, client: Client) -> String {
    said(&zone.answer(&Query { name: name(at), r#type: RecordType(r#type.into()), client }))
}

fn said(answer: &Answer) -> String {
    if let Some(cut) = &answer.delegated_to {
        return format!("delegated to {cut}");
    }
    match answer.rcode {
        Rcode::NxDomain => return "no such name".into(),
        Rcode::Refused => return "refused".into(),
        Rcode::NoError => {}
    }
    let line = |(value, share): (&Value, &Share)| {
        let text = match value {
            Value::Record { value, .. } => value.clone(),
            Value::Alias { dns_name, .. } => dns_name.as_written(),
        };
        format!("{} {text}", exactly(*share))
    };
    answer.values.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn value(at: &str, r#type: &str, value: &str) -> Json {
    json!({"Name": at, "Type": r#type, "TTL": 60, "ResourceRecords": [{"Value": value}]})
}

fn alias(at: &str, to: &str) -> Json {
    json!({"Name": at, "Type": "A",
           "AliasTarget": {"HostedZoneId": ZONE, "DNSName": to, "EvaluateTargetHealth": true}})
}

fn with(mut set: Json, fields: Json) -> Json {
    let (Json::Object(set_fields), Json::Object(fields)) = (&mut set, fields) else { panic!("no objects") };
    set_fields.extend(fields);
    set
}

#[rstest]
#[case::itself("a.b.example.com", "A", "1/1 192.0.2.1")]
#[case::a_name_that_only_has_others_below_it("b.example.com", "A", "")]
#[case::another_type("a.b.example.com", "TXT", "")]
#[case::the_zones_own_name("example.com", "A", "")]
#[case::a_wildcard("x.example.com", "A", "1/1 192.0.2.9")]
#[case::a_wildcard_over_several_labels("x.y.example.com", "A", "1/1 192.0.2.9")]
#[case::a_wildcard_of_another_type("x.example.com", "AAAA", "")]
#[case::a_nearer_name_without_wildcard("x.b.example.com", "A", "no such name")]
#[case::below_a_name_with_sets("x.a.b.example.com", "A", "no such name")]
#[case::a_nearer_wildcard("x.w.example.com", "A", "1/1 192.0.2.8")]
#[case::the_wildcard_by_its_name("*.example.com", "A", "1/1 192.0.2.9")]
#[case::below_a_wildcard("x.*.example.com", "A", "no such name")]
#[case::another_zone("example.org", "A", "refused")]
#[case::the_parent("com", "A", "refused")]
#[case::delegated("sub.example.com", "A", "delegated to sub.example.com.")]
#[case::below_a_delegation("x.y.sub.example.com", "A", "delegated to sub.example.com.")]
#[case::the_delegation_itself("sub.example.com", "NS", "1/1 ns1.example.net.")]
fn names_are_found_as_dns_finds_them(#[case] at: &str, #[case] r#type: &str, #[case] expect: &str) {
    let sets = sets(&json!([
        value("a.b.example.com", "A", "192.0.2.1"),
        value("*.example.com", "A", "192.0.2.9"),
        value("*.w.example.com", "A", "192.0.2.8"),
        value("sub.example.com", "NS", "ns1.example.net."),
        value("y.sub.example.com", "A", "192.0.2.7"),
    ]));
    let (facts, none) = (facts(), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    assert_eq!(ask(&Simulation::new(&zone, &Health::default()), at, r#type, Client::default()), expect);
}

#[test]
fn rings_and_endless_chains_of_aliases_answer_nothing() {
    let mut all = vec![alias("a.example.com", "b.example.com"), alias("b.example.com", "a.example.com")];
    for it in 0..5_000 {
        all.push(alias(&format!("n{it}.example.com"), &format!("n{}.example.com", it + 1)));
    }
    all.push(value("n5000.example.com", "A", "192.0.2.1"));
    all.push(alias("gone.example.com", "nothing.example.com"));
    let (facts, sets, none) = (facts(), sets(&Json::from(all)), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    for at in ["a.example.com", "n0.example.com", "gone.example.com"] {
        assert_eq!(ask(&simulation, at, "A", Client::default()), "", "{at}");
    }
    assert_eq!(ask(&simulation, "n4990.example.com", "A", Client::default()), "1/1 192.0.2.1");
}

#[test]
fn many_ways_to_one_group_are_gone_once() {
    // Each level has a hundred ways to the next: a million million paths to one value.
    let mut all = Vec::new();
    for level in 0..6 {
        for it in 0..100 {
            let set = alias(&format!("l{level}.example.com"), &format!("l{}.example.com", level + 1));
            all.push(with(set, json!({"SetIdentifier": it.to_string(), "Weight": 1})));
        }
    }
    all.push(value("l6.example.com", "A", "192.0.2.1"));
    let (facts, sets, none) = (facts(), sets(&Json::from(all)), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    assert_eq!(ask(&simulation, "l0.example.com", "A", Client::default()), "1/1 192.0.2.1");
}

#[test]
fn cnames_are_followed_within_the_zone() {
    let cname = |at: &str, to: &str, identifier: &str, weight: u8| {
        with(value(at, "CNAME", to), json!({"SetIdentifier": identifier, "Weight": weight}))
    };
    let sets = sets(&json!([
        cname("app.example.com", "aws.example.com.", "aws", 1),
        cname("app.example.com", "lb.example.net.", "gcp", 3),
        value("aws.example.com", "A", "192.0.2.1"),
        value("ring.example.com", "CNAME", "ring.example.com"),
    ]));
    let (facts, none) = (facts(), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    let query = |at: &str, r#type: &str| Query {
        name: name(at),
        r#type: RecordType(r#type.into()),
        client: Client::default(),
    };
    let asked = |at, r#type| said(&simulation.answer(&query(at, r#type)));
    let resolved = |at, r#type| {
        let answer = simulation.resolve(&query(at, r#type));
        (said(&answer), exactly(answer.answered))
    };
    assert_eq!(asked("app.example.com", "A"), "1/4 aws.example.com., 3/4 lb.example.net.");
    assert_eq!(resolved("app.example.com", "A"), ("1/4 192.0.2.1, 3/4 lb.example.net.".into(), "1/1".into()));
    assert_eq!(resolved("app.example.com", "AAAA"), ("3/4 lb.example.net.".into(), "3/4".into()));
    assert_eq!(asked("app.example.com", "CNAME"), resolved("app.example.com", "CNAME").0);
    let _ = resolved("ring.example.com", "A");
}

#[test]
fn equal_distances_share_and_say_so() {
    let site = |identifier: &str, longitude: &str, address: &str| {
        let coordinates = json!({"Latitude": "0", "Longitude": longitude});
        with(
            value("a.example.com", "A", address),
            json!({"SetIdentifier": identifier, "GeoProximityLocation": {"Coordinates": coordinates}}),
        )
    };
    let sets = sets(&json!([site("west", "-10", "192.0.2.1"), site("east", "10", "192.0.2.2")]));
    let (facts, none) = (facts(), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    let at = |longitude| {
        let position = Some(Coordinates { latitude: 0, longitude });
        let client = Client { position, ..Client::default() };
        simulation.answer(&Query { name: name("a.example.com"), r#type: RecordType::a(), client })
    };
    assert_eq!((said(&at(1)), at(1).certainty), ("1/1 192.0.2.2".into(), Certainty::Sure));
    assert_eq!((said(&at(0)), at(0).certainty), ("1/2 192.0.2.1, 1/2 192.0.2.2".into(), Certainty::Tied));
}

#[test]
fn latency_is_estimated_where_nobody_measured_it() {
    let region = |region: &str, address: &str| {
        with(value("a.example.com", "A", address), json!({"SetIdentifier": region, "Region": region}))
    };
    let sets = sets(&json!([region("eu-central-1", "192.0.2.1"), region("us-east-1", "192.0.2.2")]));
    let (facts, none) = (facts(), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    let berlin =
        Client { position: Some(Coordinates { latitude: 5252, longitude: 1340 }), ..Client::default() };
    let measured =
        Client { latencies: BTreeMap::from([(LatencyRegion("us-east-1".into()), 9)]), ..berlin.clone() };
    let ask = |client: &Client| {
        let query = Query { name: name("a.example.com"), r#type: RecordType::a(), client: client.clone() };
        let answer = simulation.answer(&query);
        (said(&answer), answer.certainty)
    };
    assert_eq!(ask(&berlin), ("1/1 192.0.2.1".into(), Certainty::Estimated));
    assert_eq!(ask(&measured), ("1/1 192.0.2.2".into(), Certainty::Sure));
    assert_eq!(ask(&Client::default()).1, Certainty::Tied);
}

#[test]
fn a_value_of_several_multivalue_sets_is_counted_once() {
    let set = |index: usize, address: &str| {
        let fields = json!({"SetIdentifier": index.to_string(), "MultiValueAnswer": true});
        with(value("a.example.com", "A", address), fields)
    };
    let mut all: Vec<Json> = (0..8).map(|it| set(it, &format!("192.0.2.{it}"))).collect();
    all.extend([set(8, "192.0.2.100"), set(9, "192.0.2.100")]);
    let (facts, sets, none) = (facts(), sets(&Json::from(all)), CidrCollections::new());
    let zone = Zone::new(&facts, &sets, &none);
    let simulation = Simulation::new(&zone, &Health::default());
    // Of the 45 ways to leave two of ten out, one leaves out both.
    let answer = ask(&simulation, "a.example.com", "A", Client::default());
    assert!(answer.contains("4/5 192.0.2.7") && answer.contains("44/45 192.0.2.100"), "{answer}");
}

#[test]
fn the_longest_block_goes_first_and_falls_to_the_next() {
    let set = |location: &str, address: &str, check: &str| {
        let cidr = json!({"CollectionId": "c", "LocationName": location});
        let fields = json!({"SetIdentifier": location, "CidrRoutingConfig": cidr, "HealthCheckId": check});
        with(value("a.example.com", "A", address), fields)
    };
    let sets = sets(&json!([
        set("wide", "192.0.2.1", "w"),
        set("narrow", "192.0.2.2", "n"),
        set("*", "192.0.2.3", "d"),
    ]));
    let blocks = |location: &str, block: &str| (location.to_owned(), vec![network(block)]);
    let locations = BTreeMap::from([blocks("wide", "10.0.0.0/8"), blocks("narrow", "10.1.0.0/16")]);
    let (facts, collections) = (facts(), CidrCollections::from([("c".to_owned(), locations)]));
    let zone = Zone::new(&facts, &sets, &collections);
    let ask = |down: &[&str], ip: &str| {
        let checks = down.iter().map(|id| HealthCheckId((*id).to_owned())).collect();
        let simulation = Simulation::new(&zone, &Health { checks, ..Health::default() });
        ask(&simulation, "a.example.com", "A", Client { network: Some(network(ip)), ..Client::default() })
    };
    assert_eq!(ask(&[], "10.1.2.3"), "1/1 192.0.2.2");
    assert_eq!(ask(&["n"], "10.1.2.3"), "1/1 192.0.2.1");
    assert_eq!(ask(&["n", "w"], "10.1.2.3"), "1/1 192.0.2.3");
    assert_eq!(ask(&["n", "w", "d"], "10.1.2.3"), "1/1 192.0.2.2");
    assert_eq!(ask(&[], "10.2.0.0/16"), "1/1 192.0.2.1");
    assert_eq!(ask(&[], "2001:db8::1"), "1/1 192.0.2.3");
}

/// A policy over some sets; each has its own address and its own health check.
fn group(policy: usize, at: &str, count: usize, weights: &[u8]) -> Vec<Json> {
    let regions = ["eu-central-1", "us-east-1", "ap-northeast-1", "sa-east-1"];
    let places = [
        json!({"ContinentCode": "EU"}),
        json!({"CountryCode": "DE"}),
        json!({"CountryCode": "*"}),
        json!({"ContinentCode": "NA"}),
    ];
    let count = if policy == 1 { count.min(2) } else { count };
    (0..count)
        .map(|it| {
            let fields = match policy {
                0 => json!({"Weight": weights[it % weights.len()]}),
                1 if it == 0 => json!({"Failover": "PRIMARY"}),
                1 => json!({"Failover": "SECONDARY"}),
                2 => json!({"Region": regions[it]}),
                3 => json!({"GeoLocation": places[it]}),
                4 => {
                    let bias = weights[it % weights.len()] % 99;
                    json!({"GeoProximityLocation": {"AWSRegion": regions[it], "Bias": bias}})
                }
                _ => json!({"MultiValueAnswer": true}),
            };
            let id = format!("{at}-{it}");
            let address = format!("{}.{}.{policy}.{it}", 1 + at.len(), at.as_bytes()[0]);
            let set = with(value(&format!("{at}.example.com"), "A", &address), fields);
            with(set, json!({"SetIdentifier": id, "HealthCheckId": id}))
        })
        .collect()
}

fn clients() -> Vec<Client> {
    let client = |places: &[&str], latitude, longitude| Client {
        places: places
            .iter()
            .map(|code| match Continent::from_code(code).filter(|_| *code != "DE") {
                Some(continent) => Place::Continent(continent),
                None => Place::Country(Country::from_code(code).expect("a country")),
            })
            .collect(),
        position: Some(Coordinates { latitude, longitude }),
        ..Client::default()
    };
    vec![client(&["DE", "EU"], 5252, 1340), client(&["BR"], -2355, -4664), Client::default()]
}

proptest! {
    /// A tree of two levels, in any health.
    #[test]
    fn answers_keep_what_shares_promise(
        top in 0..5_usize,
        below in prop::collection::vec((0..6_usize, 1..5_usize), 1..5),
        weights in prop::collection::vec(any::<u8>(), 4),
        down in prop::collection::vec((0..5_usize, 0..5_usize), 0..12),
    ) {
        let names = ["p", "q", "r", "s"];
        let mut all = Vec::new();
        for (index, mut set) in group(top, "t", below.len(), &weights).into_iter().enumerate() {
            let fields = set.as_object_mut().expect("an object");
            for key in ["TTL", "ResourceRecords", "HealthCheckId"] {
                fields.remove(key);
            }
            all.push(with(alias("t.example.com", &format!("{}.example.com", names[index])), set));
        }
        for ((policy, count), at) in below.iter().zip(names) {
            all.extend(group(*policy, at, *count, &weights));
        }
        let (facts, sets, none) = (facts(), sets(&Json::from(all)), CidrCollections::new());
        let zone = Zone::new(&facts, &sets, &none);
        let id = |&(group, set): &(usize, usize)| HealthCheckId(format!("{}-{set}", names[group % 4]));
        let mut health = Health { checks: down.iter().map(id).collect(), ..Health::default() };
        for client in clients() {
            let query = Query { name: name("t.example.com"), r#type: RecordType::a(), client };
            let before = answer(&zone, &query, &health);
            // Nothing is more probable than certain, and no answer than an answer.
            let one = |share: Share| share.numerator() <= share.denominator();
            prop_assert!(one(before.answered) && before.values.values().all(|share| one(*share)));
            prop_assert_eq!(before.values.is_empty(), before.answered == Share::ZERO);
            // What gets unhealthy is not answered more than before.
            for (value, share) in &before.values {
                let set = sets.iter().find(|set| match (&set.data, value) {
                    (Data::Values { values, .. }, Value::Record { value, .. }) => values.contains(value),
                    _ => false,
                });
                let check = set.and_then(|set| set.health_check_id.clone()).expect("a check");
                let added = health.checks.insert(check.clone());
                let after = answer(&zone, &query, &health).values.get(value).copied().unwrap_or(Share::ZERO);
                if added {
                    health.checks.remove(&check);
                }
                prop_assert!(after <= *share, "{:?}: {} then {}", value, share, after);
            }
        }
    }

    /// In one group health decides who answers, never whether anybody does.
    #[test]
    fn a_flat_group_answers_in_any_health(
        policy in 0..6_usize,
        count in 1..5_usize,
        weights in prop::collection::vec(any::<u8>(), 4),
        down in prop::collection::btree_set(0..5_usize, 0..5),
    ) {
        let sets = sets(&Json::from(group(policy, "t", count, &weights)));
        let (facts, none) = (facts(), CidrCollections::new());
        let zone = Zone::new(&facts, &sets, &none);
        let checks = down.iter().map(|it| HealthCheckId(format!("t-{it}"))).collect();
        let health = Health { checks, ..Health::default() };
        for client in clients() {
            let query = Query { name: name("t.example.com"), r#type: RecordType::a(), client };
            let (well, ill) = (answer(&zone, &query, &Health::default()), answer(&zone, &query, &health));
            prop_assert_eq!(well.answered, ill.answered);
            let healthy = |value: &Value| {
                let set = sets.iter().find(|set| match (&set.data, value) {
                    (Data::Values { values, .. }, Value::Record { value, .. }) => values.contains(value),
                    _ => false,
                });
                set.and_then(|set| set.health_check_id.as_ref()).is_some_and(|it| !health.checks.contains(it))
            };
            // Either all that is answered is healthy, or nothing that could be is.
            let answered = ill.values.keys().filter(|value| healthy(value)).count();
            prop_assert!(answered == ill.values.len() || answered == 0);
        }
    }
}
