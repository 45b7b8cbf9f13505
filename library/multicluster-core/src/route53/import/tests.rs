//! Sets of every policy, trees of ours, sets of others; what is made of an import is what was imported.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::dns::share::Share;
use crate::dns::testing::any_intent;
use crate::dns::{Coordinates, Endpoint, EndpointState, Node, Place, Policy, Within};
use crate::networking::Cidr;
use crate::route53::compile::compile;
use crate::route53::owner::OwnerId;
use crate::route53::record_set::HealthCheckId;
use crate::route53::simulate::{Client, Health, Query, Simulation, Zone};
use crate::route53::testing::{name, sets};

const ZONE: &str = "Z0EXAMPLE0000000001";
const ELB: &str = "Z35SXDOTRQ7X7K";

fn zone() -> ZoneFacts {
    ZoneFacts { id: ZONE.into(), name: name("example.com"), private: false }
}

fn collections() -> CidrCollections {
    let blocks = |text: &str| text.split(' ').map(|it| it.parse().expect("a network")).collect();
    let locations = [("isp-a", "203.0.113.0/24"), ("isp-b", "198.51.100.0/24 2001:db8::/32")];
    let locations = locations.map(|(location, text)| (location.to_owned(), blocks(text)));
    CidrCollections::from([("c1".to_owned(), BTreeMap::from(locations))])
}

fn imported(list: &Value) -> Result<Imported, Vec<Obstacle>> {
    let (zone, name, collections) = (zone(), name("app.example.com"), collections());
    let scope = Scope { zone: &zone, name: &name, r#type: None, collections: &collections };
    import(scope, &sets(list))
}

/// A set at `app`, or at a helper of it.
fn set(at: &str, r#type: &str, identifier: &str, policy: Value, data: Value) -> Value {
    let mut set = json!({"Name": format!("{at}.example.com"), "Type": r#type});
    let fields = set.as_object_mut().expect("an object");
    if !identifier.is_empty() {
        fields.insert("SetIdentifier".into(), identifier.into());
    }
    for part in [policy, data] {
        fields.extend(part.as_object().expect("an object").clone());
    }
    set
}

fn value(address: &str) -> Value {
    let values: Vec<Value> = address.split(' ').map(|it| json!({"Value": it})).collect();
    json!({"TTL": 60, "ResourceRecords": values})
}

fn checked(address: &str, check: &str) -> Value {
    let mut data = value(address);
    data["HealthCheckId"] = check.into();
    data
}

fn load_balancer(name: &str) -> Value {
    json!({"AliasTarget": {"HostedZoneId": ELB, "DNSName": format!("{name}.us-east-1.elb.amazonaws.com"),
                           "EvaluateTargetHealth": true}})
}

fn helper(label: &str) -> Value {
    json!({"AliasTarget": {"HostedZoneId": ZONE, "DNSName": format!("{label}.app.example.com"),
                           "EvaluateTargetHealth": true}})
}

fn a(identifier: &str, policy: Value, data: Value) -> Value {
    set("app", "A", identifier, policy, data)
}

fn weight(weight: u8) -> Value {
    json!({"Weight": weight})
}

fn continent(code: &str) -> Value {
    json!({"GeoLocation": {"ContinentCode": code}})
}

fn country(code: &str) -> Value {
    json!({"GeoLocation": {"CountryCode": code}})
}

fn role(role: &str) -> Value {
    json!({"Failover": role})
}

/// What was imported, in the order and words of a configuration.
fn told(imported: &Imported) -> Vec<String> {
    let intent = &imported.intent;
    let mut lines = vec![format!("{} {}", intent.policy.name(), intent.within.name())];
    lines.extend(intent.default.iter().map(|default| format!("default {default}")));
    for (name, endpoint) in &intent.endpoints {
        let mut line = format!("{name}:");
        let mut say = |text: String| {
            line.push(' ');
            line.push_str(&text);
        };
        endpoint.places.iter().for_each(|place| say(place.to_string()));
        endpoint.latency_region.iter().for_each(|region| say(region.to_string()));
        endpoint.coordinates.iter().for_each(|at| say(format!("{},{}", at.latitude, at.longitude)));
        endpoint.cidrs.iter().for_each(|cidr| say(cidr.to_string()));
        let numbers = [
            ("bias", i64::from(endpoint.bias), 0),
            ("weight", endpoint.weight.into(), 1),
            ("priority", endpoint.priority.into(), 0),
        ];
        for (word, number, silent) in numbers {
            if number != silent {
                say(format!("{word} {number}"));
            }
        }
        if endpoint.state == EndpointState::Standby {
            say("standby".into());
        }
        for other in &endpoint.on_unhealthy {
            say(format!("then {other}"));
        }
        say(match imported.targets.get(name) {
            Some(Target::Addresses { v4, v6 }) => {
                let v4 = v4.iter().map(ToString::to_string);
                let all: Vec<String> = v4.chain(v6.iter().map(ToString::to_string)).collect();
                format!("at {}", all.join("+"))
            }
            Some(Target::Alias { dns_name, ipv6, .. }) => {
                let first = dns_name.labels().next().unwrap_or_default();
                format!("at {first}{}", if *ipv6 { " v6" } else { "" })
            }
            Some(Target::Hostname(name)) => format!("at {}", name.as_written()),
            None => "nowhere".into(),
        });
        if let Some(check) = imported.health_checks.endpoints.get(name) {
            say(format!("by {}", check.0));
        }
        lines.push(line);
    }
    lines
}

#[rstest]
#[case::simple(
    json!([a("", json!({}), value("192.0.2.1 192.0.2.2"))]),
    &["simple weighted", "main: at 192.0.2.1+192.0.2.2"]
)]
#[case::weighted(
    json!([a("blue", weight(95), value("192.0.2.1")), a("green", weight(5), load_balancer("lb"))]),
    &["weighted weighted", "blue: weight 95 at 192.0.2.1", "green: weight 5 at lb"]
)]
#[case::weighted_with_a_standby(
    json!([a("a", weight(10), checked("192.0.2.1", "hc-a")), a("z", weight(0), value("192.0.2.2"))]),
    &["weighted weighted", "a: weight 10 at 192.0.2.1 by hc-a", "z: standby at 192.0.2.2"]
)]
#[case::failover(
    json!([a("x", role("PRIMARY"), checked("192.0.2.1", "h")), a("y", role("SECONDARY"), value("192.0.2.2"))]),
    &["failover weighted", "x: priority 1 at 192.0.2.1 by h", "y: priority 2 at 192.0.2.2"]
)]
#[case::latency(
    json!([a("eu", json!({"Region": "eu-central-1"}), value("192.0.2.1")),
           a("us", json!({"Region": "us-east-1"}), load_balancer("lb"))]),
    &["latency weighted", "eu: eu-central-1 at 192.0.2.1", "us: us-east-1 at lb"]
)]
#[case::multivalue(
    json!([a("m1", json!({"MultiValueAnswer": true}), value("192.0.2.1")),
           a("m2", json!({"MultiValueAnswer": true}), value("192.0.2.2"))]),
    &["multivalue weighted", "m1: at 192.0.2.1", "m2: at 192.0.2.2"]
)]
#[case::multivalue_with_several_addresses_of_one(
    json!([a("m-192.0.2.1", json!({"MultiValueAnswer": true}), value("192.0.2.1")),
           a("m-192.0.2.2", json!({"MultiValueAnswer": true}), value("192.0.2.2")),
           a("n", json!({"MultiValueAnswer": true}), value("192.0.2.3"))]),
    &["multivalue weighted", "m: at 192.0.2.1+192.0.2.2", "n: at 192.0.2.3"]
)]
#[case::one_name_in_two_places_is_two_endpoints(
    json!([set("_mc-eu.app", "A", "m", json!({"MultiValueAnswer": true}), value("192.0.2.1")), set("_mc-eu.app", "A", "n", json!({"MultiValueAnswer": true}), value("192.0.2.2")),
           set("_mc-us.app", "A", "m", json!({"MultiValueAnswer": true}), value("192.0.2.3")), set("_mc-us.app", "A", "n", json!({"MultiValueAnswer": true}), value("192.0.2.4")),
           a("eu", continent("EU"), helper("_mc-eu")), a("default", country("*"), helper("_mc-us"))]),
    &["geolocation multivalue", "m: continent/EU at 192.0.2.1", "m-2: * at 192.0.2.3", "n: continent/EU at 192.0.2.2", "n-2: * at 192.0.2.4"]
)]
#[case::geolocation(
    json!([a("azure-eu", continent("EU"), checked("192.0.2.1", "hc")), a("azure-de", country("DE"), checked("192.0.2.1", "hc")),
           a("aws-na", continent("NA"), load_balancer("lb")), a("aws-default", country("*"), load_balancer("lb"))]),
    &["geolocation weighted", "default aws", "aws: continent/NA at lb", "azure: continent/EU DE at 192.0.2.1 by hc"]
)]
#[case::geolocation_with_names_of_others(
    json!([a("Europe!", continent("EU"), value("192.0.2.1")), a("north", continent("NA"), load_balancer("lb")),
           a("rest", country("*"), load_balancer("lb"))]),
    &["geolocation weighted", "default north", "europe: continent/EU at 192.0.2.1", "north: continent/NA at lb"]
)]
#[case::geoproximity(
    json!([a("f", json!({"GeoProximityLocation": {"Coordinates": {"Latitude": "50.11", "Longitude": "8.68"}, "Bias": 0}}), value("192.0.2.1")),
           a("v", json!({"GeoProximityLocation": {"AWSRegion": "us-east-1", "Bias": -20}}), load_balancer("lb"))]),
    &["geoproximity weighted", "f: 5011,868 at 192.0.2.1", "v: us-east-1 bias -20 at lb"]
)]
#[case::ranges(
    json!([a("isp-a", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "isp-a"}}), value("192.0.2.1")),
           a("all-default", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "*"}}), value("192.0.2.9"))]),
    &["ip_based weighted", "default all", "all: at 192.0.2.9", "isp-a: 203.0.113.0/24 at 192.0.2.1"]
)]
#[case::the_main_case_with_one_who_steps_in(
    json!([set("_mc-as.app", "A", "gcp", role("PRIMARY"), checked("192.0.2.34", "gcp")),
           set("_mc-as.app", "A", "aws", role("SECONDARY"), load_balancer("lb")),
           a("azure-eu", continent("EU"), checked("192.0.2.20", "azure")), a("aws-na", continent("NA"), load_balancer("lb")),
           a("as", continent("AS"), helper("_mc-as")), a("aws-default", country("*"), load_balancer("lb"))]),
    &["geolocation weighted", "default aws", "aws: continent/NA at lb", "azure: continent/EU at 192.0.2.20 by azure",
      "gcp: continent/AS then aws at 192.0.2.34 by gcp"]
)]
#[case::several_in_one_place(
    json!([set("_mc-eu.app", "A", "blue", weight(70), value("192.0.2.1")), set("_mc-eu.app", "A", "green", weight(30), value("192.0.2.2")),
           a("eu", continent("EU"), helper("_mc-eu")), a("d", country("*"), value("192.0.2.9"))]),
    &["geolocation weighted", "default d", "blue: continent/EU weight 70 at 192.0.2.1", "d: at 192.0.2.9",
      "green: continent/EU weight 30 at 192.0.2.2"]
)]
#[case::ranges_before_places(
    json!([set("_mc-geo.app", "A", "x-eu", continent("EU"), value("192.0.2.1")), set("_mc-geo.app", "A", "y-default", country("*"), value("192.0.2.2")),
           a("z", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "isp-b"}}), value("192.0.2.3")),
           a("default", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "*"}}), helper("_mc-geo"))]),
    &["geolocation weighted", "default y", "x: continent/EU at 192.0.2.1", "y: at 192.0.2.2",
      "z: 198.51.100.0/24 2001:db8::/32 at 192.0.2.3"]
)]
#[case::failover_over_three(
    json!([set("_mc-f2.app", "A", "c2", role("PRIMARY"), checked("192.0.2.2", "c2")), set("_mc-f2.app", "A", "c3", role("SECONDARY"), value("192.0.2.3")),
           a("c1", role("PRIMARY"), checked("192.0.2.1", "c1")), a("c2", role("SECONDARY"), helper("_mc-f2"))]),
    &["failover weighted", "c1: priority 1 at 192.0.2.1 by c1", "c2: priority 2 at 192.0.2.2 by c2", "c3: priority 3 at 192.0.2.3"]
)]
#[case::somebody_who_only_steps_in(
    json!([set("_mc-b.app", "A", "b", role("PRIMARY"), checked("192.0.2.2", "b")), set("_mc-b.app", "A", "a", role("SECONDARY"), value("192.0.2.1")),
           a("b", weight(3), helper("_mc-b")), a("c", weight(1), checked("192.0.2.3", "c"))]),
    &["failover weighted", "a: priority 2 at 192.0.2.1", "b: weight 3 priority 1 then a at 192.0.2.2 by b", "c: priority 1 at 192.0.2.3 by c"]
)]
#[case::both_families(
    json!([a("a", weight(1), value("192.0.2.1")), a("b", weight(2), load_balancer("lb")),
           set("app", "AAAA", "a", weight(1), value("2001:db8::1")), set("app", "AAAA", "b", weight(2), load_balancer("lb"))]),
    &["weighted weighted", "a: at 192.0.2.1+2001:db8::1", "b: weight 2 at lb v6"]
)]
#[case::host_names(
    json!([set("app", "CNAME", "p", weight(1), value("p.example.net.")), set("app", "CNAME", "q", weight(1), value("_mc-q.app.example.com.")),
           set("_mc-q.app", "A", "", json!({}), value("192.0.2.1")), set("_mc-q.app", "AAAA", "", json!({}), value("2001:db8::1"))]),
    &["weighted weighted", "p: at p.example.net", "q: at 192.0.2.1+2001:db8::1"]
)]
#[case::an_alias_to_a_name_of_somebody_else(
    json!([a("", json!({}), json!({"AliasTarget": {"HostedZoneId": ZONE, "DNSName": "pool.example.com", "EvaluateTargetHealth": true}})),
           set("pool", "A", "", json!({}), value("192.0.2.1"))]),
    &["simple weighted", "main: at pool"]
)]
#[case::beside_what_external_dns_writes(
    json!([a("cluster-1", weight(10), load_balancer("one")), a("cluster-2", weight(20), load_balancer("two")),
           set("a-app", "TXT", "cluster-1", weight(10), value("\"heritage=external-dns,external-dns/owner=shop\"")),
           set("app", "TXT", "", json!({}), value("\"v=spf1\""))]),
    &["weighted weighted", "cluster-1: weight 10 at one", "cluster-2: weight 20 at two"]
)]
fn sets_become_a_configuration(#[case] list: Value, #[case] expect: &[&str]) {
    assert_eq!(told(&imported(&list).expect("no obstacles")), expect);
}

#[rstest]
#[case::nothing(json!([set("other", "A", "", json!({}), value("192.0.2.1"))]), "`app.example.com` has no records of type A, AAAA or CNAME")]
#[case::a_local_zone(
    json!([a("f", json!({"GeoProximityLocation": {"LocalZoneGroup": "us-west-2-lax-1"}}), value("192.0.2.1"))]),
    "`app.example.com` A \"f\": it stands in the local zone group `us-west-2-lax-1`; give the endpoint coordinates"
)]
#[case::a_group_without_its_health(
    json!([set("_mc-x.app", "A", "p", weight(1), value("192.0.2.1")), set("_mc-x.app", "A", "q", weight(1), value("192.0.2.2")),
           a("eu", continent("EU"), json!({"AliasTarget": {"HostedZoneId": ZONE, "DNSName": "_mc-x.app.example.com", "EvaluateTargetHealth": false}})),
           a("d", country("*"), value("192.0.2.9"))]),
    "`app.example.com` A \"eu\": it is an alias to `_mc-x.app.example.com` without the health of what is there; a group of \
     endpoints is always passed over while all of them are unhealthy"
)]
#[case::places_within_weights(
    json!([set("_mc-x.app", "A", "p", continent("EU"), value("192.0.2.1")), set("_mc-x.app", "A", "q", country("*"), value("192.0.2.2")),
           a("x", weight(1), helper("_mc-x")), a("y", weight(1), value("192.0.2.9"))]),
    "`app.example.com` has a policy within a policy that a configuration cannot say: geolocation over `p`, `q`"
)]
#[case::two_ways_to_share(
    json!([set("_mc-x.app", "A", "p", weight(1), value("192.0.2.1")), set("_mc-x.app", "A", "q", weight(1), value("192.0.2.2")),
           set("_mc-y.app", "A", "r", json!({"MultiValueAnswer": true}), value("192.0.2.3")),
           set("_mc-y.app", "A", "s", json!({"MultiValueAnswer": true}), value("192.0.2.4")),
           a("eu", continent("EU"), helper("_mc-x")), a("default", country("*"), helper("_mc-y"))]),
    "`app.example.com` has endpoints that share a place by \"weighted\" and others by \"multivalue\"; a configuration has \
     one `within`"
)]
#[case::somebody_beside_the_weights(
    json!([set("_mc-w.app", "A", "p", weight(1), value("192.0.2.1")), set("_mc-w.app", "A", "q", weight(1), value("192.0.2.2")),
           a("z", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "isp-b"}}), value("192.0.2.3")),
           a("default", json!({"CidrRoutingConfig": {"CollectionId": "c1", "LocationName": "*"}}), helper("_mc-w"))]),
    "`app.example.com` has endpoint `z` only for some ranges of addresses, or in place of others that are unhealthy: with \
     policy `weighted` every endpoint of a configuration takes part"
)]
#[case::unknown_ranges(
    json!([a("x", json!({"CidrRoutingConfig": {"CollectionId": "c9", "LocationName": "isp-a"}}), value("192.0.2.1"))]),
    "the CIDR location `isp-a` of collection `c9` is not known, so that its ranges are not"
)]
#[case::a_ring(
    json!([set("_mc-x.app", "A", "", json!({}), helper("_mc-y")), set("_mc-y.app", "A", "", json!({}), helper("_mc-x")), a("", json!({}), helper("_mc-x"))]),
    "`_mc-x.app.example.com` A: its aliases lead back to it"
)]
#[case::a_helper_that_is_gone(
    json!([a("", json!({}), helper("_mc-x"))]),
    "`app.example.com` A: it is an alias to `_mc-x.app.example.com`, where nothing of its type stands"
)]
#[case::other_endpoints_by_ipv6(
    json!([a("a", weight(1), value("192.0.2.1")), a("b", weight(1), value("192.0.2.2")), set("app", "AAAA", "c", weight(1), value("2001:db8::1"))]),
    "`app.example.com` answers with endpoint `c` for one type of records only: import the types one by one"
)]
fn what_a_configuration_cannot_say_is_told(#[case] list: Value, #[case] expect: &str) {
    let obstacles = imported(&list).expect_err("an obstacle");
    assert!(obstacles.iter().any(|it| it.text == expect), "{obstacles:#?}");
}

#[test]
fn one_type_is_imported_alone() {
    let sets = sets(&json!([
        a("a", weight(1), value("192.0.2.1")),
        a("b", weight(1), value("192.0.2.2")),
        set("app", "AAAA", "c", json!({"Region": "us-east-1"}), value("2001:db8::1")),
    ]));
    let (zone, name, none) = (zone(), name("app.example.com"), CidrCollections::new());
    let (a, aaaa) = (RecordType::a(), RecordType::aaaa());
    let of = |only| {
        let scope = Scope { zone: &zone, name: &name, r#type: Some(only), collections: &none };
        told(&import(scope, &sets).expect("no obstacles"))
    };
    assert_eq!(of(&a), ["weighted weighted", "a: at 192.0.2.1", "b: at 192.0.2.2"]);
    assert_eq!(of(&aaaa), ["latency weighted", "c: us-east-1 at 2001:db8::1"]);
}

#[test]
fn what_the_next_apply_would_change_is_said() {
    let before = imported(&json!([
        a("Blue", weight(1), value("192.0.2.1")),
        a("green", json!({"Weight": 2}), value("192.0.2.2")),
    ]))
    .expect("no obstacles");
    let key = |identifier: &str| SetKey {
        name: name("app.example.com"),
        r#type: RecordType::a(),
        set_identifier: Some(identifier.into()),
    };
    assert_eq!(before.differences, [Difference::Made(key("blue")), Difference::Removed(key("Blue"))]);
}

#[test]
fn the_owner_is_read_from_the_mark_beside_the_name() {
    let mark =
        OwnerMark { owner: OwnerId::new("shop").expect("an owner"), generation: 7, digest: "0a".into() };
    let mut all = sets(&json!([a("", json!({}), value("192.0.2.1"))]));
    all.push(mark.record_set(&name("app.example.com")).expect("a set"));
    let (zone, name, none) = (zone(), name("app.example.com"), CidrCollections::new());
    let scope = Scope { zone: &zone, name: &name, r#type: None, collections: &none };
    let imported = import(scope, &all).expect("no obstacles");
    assert_eq!((imported.owner, imported.sets.len()), (Some(mark), 1));
}

#[test]
fn what_is_lost_is_noted() {
    let found = imported(&json!([
        a("p", continent("EU"), value("192.0.2.1")),
        a("q", continent("NA"), json!({"TTL": 300, "ResourceRecords": [{"Value": "192.0.2.2"}]})),
    ]))
    .expect("no obstacles");
    assert_eq!(found.ttl, Some(60));
    assert!(found.notes.iter().any(|note| note.contains("TTLs of 60, 300 seconds")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|note| note.contains("no default location")), "{:?}", found.notes);
}

/// Where five endpoints are: addresses of one family or both, one or two, and a load balancer.
fn targets(kind: usize) -> BTreeMap<EndpointName, Target> {
    let addresses =
        |texts: &[&str]| Target::of_addresses(texts.iter().map(|it| it.parse().expect("an address")));
    let host = |name: &str| Target::of_hostname(name, None).expect("a name");
    let targets = match kind {
        0 => [
            addresses(&["192.0.2.1"]),
            addresses(&["192.0.2.2", "2001:db8::2"]),
            addresses(&["192.0.2.3", "192.0.2.33"]),
            addresses(&["192.0.2.4"]),
            addresses(&["192.0.2.5", "2001:db8::5"]),
        ],
        1 => [
            host("a.us-east-1.elb.amazonaws.com"),
            addresses(&["192.0.2.2", "2001:db8::2"]),
            host("c.elb.eu-west-1.amazonaws.com"),
            addresses(&["192.0.2.4", "2001:db8::4"]),
            host("d111111abcdef8.cloudfront.net"),
        ],
        _ => [
            host("a.example.net"),
            addresses(&["192.0.2.2", "2001:db8::2"]),
            host("c.us-east-1.elb.amazonaws.com"),
            host("d.example.net"),
            addresses(&["192.0.2.5"]),
        ],
    };
    let names = ["a", "b", "c", "d", "e"].map(|name| EndpointName::new(name).expect("a name"));
    names.into_iter().zip(targets).collect()
}

fn clients() -> Vec<Client> {
    let at = |key: &str, network: &str| {
        let place = Place::parse_key(key).expect("a place");
        Client {
            position: place.position(),
            places: place.ancestry().collect(),
            network: Some(network.parse().expect("a network")),
            ..Client::default()
        }
    };
    let nowhere = Client { position: Some(Coordinates { latitude: 0, longitude: 0 }), ..Client::default() };
    vec![
        at("DE", "192.0.2.0/24"),
        at("US-TX", "198.51.100.0/24"),
        at("NA", "2001:db8::/32"),
        at("BR", "10.0.0.0/24"),
        at("US-CA", "10.0.0.0/24"),
        nowhere,
    ]
}

proptest! {
    /// Whatever we write for a name can be imported, answers as before, and is what would be written again unless the
    /// import says otherwise.
    #[test]
    fn what_we_write_is_read_back(
        intent in any_intent(),
        kind in 0..3_usize,
        unhealthy in prop::collection::vec(0..5_usize, 0..4),
    ) {
        let Ok(grown) = grow(&intent) else { return Ok(()) };
        let (zone, targets) = (zone(), targets(kind));
        let check = |name: &EndpointName| (name.clone(), HealthCheckId(format!("hc-{name}")));
        let checks = HealthChecks::from(targets.keys().map(check).collect::<BTreeMap<_, _>>());
        let naming = Naming {
            zone_id: ZONE.into(),
            zone: zone.name.clone(),
            name: name("app.example.com"),
            ttl: 60,
            cidr_collection: Some("c1".into()),
        };
        let Ok(written) = compile(&grown.node, &naming, &targets, &checks) else { return Ok(()) };
        let collections = CidrCollections::from([("c1".to_owned(), ranges(&grown.node))]);
        let scope = Scope { zone: &zone, name: &naming.name, r#type: None, collections: &collections };
        let imported = match import(scope, &written) {
            Ok(imported) => imported,
            Err(obstacles) => {
                // Who inherits from a drained endpoint, or stands by in one place and is named in another, may stand in
                // ways that no configuration says directly; so may who answers a range beside a policy for all. And where
                // latency tells endpoints apart, those of one region share by weight, which is another way to share.
                let all = [Policy::Simple, Policy::Multivalue, Policy::Weighted, Policy::Failover];
                let mut endpoints = intent.endpoints.values();
                let plain = |it: &Endpoint| {
                    it.state == EndpointState::Active && (it.cidrs.is_empty() || !all.contains(&intent.policy))
                };
                prop_assert!(!endpoints.all(plain) || intent.within == Within::Latency, "{obstacles:?}\n{written:#?}");
                return Ok(());
            }
        };
        prop_assert_eq!(imported.sets.len(), written.len());
        // Some values beside ranges are one endpoint again and are called after it; what was called after an endpoint that
        // does not answer is called after another; and standbys with others to name become weights of zero.
        let named_alike = |it: &Endpoint| {
            it.state == EndpointState::Active && (it.cidrs.is_empty() || intent.policy != Policy::Simple)
        };
        let named = intent.endpoints.values().all(named_alike);
        let divided = imported.notes.iter().any(|note| note.contains("the same target once more"));
        // Where weights were rounded in two groups, those of one are in the proportion of the other.
        let rounded = intent.endpoints.values().any(|it| it.weight > 255);
        prop_assert!(divided || rounded || !named || imported.differences.is_empty(), "{:?}\n{imported:#?}", imported.differences);
        let again = grow(&imported.intent).expect("an intent that was held against its sets").node;
        let rewritten = compile(&again, &naming, &imported.targets, &imported.health_checks);
        let rewritten = rewritten.expect("sets that were compared");
        let again = CidrCollections::from([("c1".to_owned(), ranges(&again))]);
        let (before, after) = (Zone::new(&zone, &written, &collections), Zone::new(&zone, &rewritten, &again));
        let id = |it: &usize| HealthCheckId(format!("hc-{}", ["a", "b", "c", "d", "e"][*it]));
        let health = Health { checks: unhealthy.iter().map(id).collect(), ..Health::default() };
        let (before, after) = (Simulation::new(&before, &health), Simulation::new(&after, &health));
        for client in clients() {
            for r#type in [RecordType::a(), RecordType::aaaa()] {
                let query = Query { name: naming.name.clone(), r#type, client: client.clone() };
                let (left, right) = (before.resolve(&query), after.resolve(&query));
                prop_assert!(left.values.keys().eq(right.values.keys()), "{left:?}\n{right:?}");
                for (left, right) in left.values.values().zip(right.values.values()) {
                    let size = |share: &Share| share.numerator() as f64 / share.denominator() as f64;
                    prop_assert!((size(left) - size(right)).abs() < 0.01, "{left:?} {right:?}");
                }
            }
        }
    }
}

/// The ranges of a tree by location, as a collection has them.
fn ranges(node: &Node) -> BTreeMap<String, Vec<Cidr>> {
    match node {
        Node::IpBased { ranges, .. } => {
            ranges.iter().map(|(location, (blocks, _))| (location.clone(), blocks.clone())).collect()
        }
        _ => BTreeMap::new(),
    }
}
