//! Record sets of every kind survive the way to Route 53 and back.

use multicluster::{
    core::{
        dns::{Coordinates, LatencyRegion, Place},
        route53::{
            AliasTarget, Change, Data, Failover, GeoProximity, Position, RecordSet, RecordType, Routing,
            cidr::{CidrAction, CidrChange},
            health_check::{HealthCheckConfig, HealthCheckType},
        },
    },
    route53::Freshness,
};

use crate::{
    scripted::{Reply, Scripted},
    world::{World, a, batch, key, name, soon},
};

fn place(key: &str) -> Routing {
    Routing::Geolocation(Place::parse_key(key).unwrap())
}

fn near(position: Position, bias: i8) -> Routing {
    Routing::Geoproximity(GeoProximity { position, bias })
}

#[tokio::test]
async fn every_kind_of_set_is_read_as_it_was_written() {
    let world = World::new().await;
    let run = soon();
    let config = HealthCheckConfig {
        ip_address: Some("203.0.113.7".parse().unwrap()),
        port: Some(443),
        ..HealthCheckConfig::of(HealthCheckType::Tcp)
    };
    let check = world.client.create_health_check("ref-1", &config, &[].into(), &run).await.unwrap().id;
    let collection = world.client.create_cidr_collection("isps", "ref-1", &run).await.unwrap();
    let put = CidrChange {
        action: CidrAction::Put,
        location: "isp-1".to_owned(),
        blocks: ["198.51.100.0/24".parse().unwrap()].into(),
    };
    world.client.change_cidr_collection(&collection, &[put], &run).await.unwrap();
    let cidr =
        |location: &str| Routing::Cidr { collection: collection.id.clone(), location: location.to_owned() };
    let region = |code: &str| LatencyRegion(code.to_owned());
    let at = Coordinates { latitude: 4071, longitude: -7401 };

    let groups: Vec<(&str, Vec<Routing>)> = vec![
        ("weighted", vec![Routing::Weighted(0), Routing::Weighted(255)]),
        (
            "latency",
            vec![Routing::Latency(region("eu-central-1")), Routing::Latency(region("ap-southeast-7"))],
        ),
        ("failover", vec![Routing::Failover(Failover::Primary), Routing::Failover(Failover::Secondary)]),
        ("geo", vec![place("*"), place("continent/SA"), place("SA"), place("US"), place("US-TX")]),
        (
            "near",
            vec![
                near(Position::Coordinates(at), -99),
                near(Position::Region(region("eu-west-1")), 0),
                near(Position::LocalZoneGroup("us-east-1-bos-1".to_owned()), 7),
            ],
        ),
        ("cidr", vec![cidr("*"), cidr("isp-1")]),
        ("multivalue", vec![Routing::Multivalue, Routing::Multivalue]),
    ];
    let mut sets: Vec<RecordSet> = Vec::new();
    for (label, routings) in groups {
        for (number, routing) in routings.into_iter().enumerate() {
            sets.push(RecordSet {
                key: key(
                    &format!("{label}.example.com"),
                    RecordType::a(),
                    Some(&format!("{label} {number}")),
                ),
                routing,
                health_check_id: (number == 0).then(|| check.clone()),
                ..a(&format!("{label}.example.com"), &format!("192.0.2.{}", number + 1))
            });
        }
    }
    let values = |ty: &str, text: &str, values: &[&str]| RecordSet {
        key: key(text, RecordType(ty.to_owned()), None),
        data: Data::Values { ttl: 2_147_483_647, values: values.iter().map(|it| (*it).to_owned()).collect() },
        ..a(text, "192.0.2.1")
    };
    sets.push(values("TXT", "txt.example.com", &["\"a \\\"b\\\" \\\\ \\303\\244\" \"c\"", "\"d\""]));
    sets.push(values("AAAA", "*.example.com", &["2001:db8::1"]));
    sets.push(values("MX", "mail.example.com", &["10 mail.example.net."]));
    sets.push(values("CAA", "mail.example.com", &["0 issue \"ca.example.net\""]));
    let alias = |text: &str, zone: &str, target: &str, health| RecordSet {
        data: Data::Alias(AliasTarget {
            hosted_zone_id: zone.to_owned(),
            dns_name: name(target),
            evaluate_target_health: health,
        }),
        ..a(text, "192.0.2.1")
    };
    sets.push(alias("here.example.com", world.zone.id(), "weighted.example.com", true));
    sets.push(alias(
        "elb.example.com",
        "Z35SXDOTRQ7X7K",
        "dualstack.web-1.us-east-1.elb.amazonaws.com",
        false,
    ));

    let create = batch(sets.iter().cloned().map(Change::create));
    let applied = world.zone.apply(&[create], &run).await;
    assert!(applied.is_success(), "{:?}", applied.error);
    let stranger = world.stranger().await;
    let listing = stranger.list(Freshness::Cached, &run).await.unwrap();
    assert_eq!(listing.opaque, []);
    for set in &sets {
        assert_eq!(listing.get(&set.key), Some(set));
    }
    // What was read is exact enough to delete it.
    let mut ours: Vec<_> = listing.sets.into_iter().filter(|set| sets.contains(set)).collect();
    ours.sort_by_key(|set| !matches!(set.data, Data::Alias(_)));
    let delete = batch(ours.into_iter().map(Change::delete));
    let applied = stranger.apply(&[delete], &run).await;
    assert!(applied.is_success(), "{:?}", applied.error);
}

const LISTED: &str = r#"<?xml version="1.0"?>
<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets>
  <ResourceRecordSet><Name>a.x.com.</Name><Type>A</Type><TrafficPolicyInstanceId>t-1</TrafficPolicyInstanceId></ResourceRecordSet>
  <ResourceRecordSet><Name>b.x.com.</Name><Type>A</Type><SetIdentifier>i</SetIdentifier><Starlight>7</Starlight>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
  <ResourceRecordSet><Name>c.x.com.</Name><Type>A</Type><SetIdentifier>i</SetIdentifier><Region>moon-base-1</Region>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
  <ResourceRecordSet><Name>d.x.com.</Name><Type>A</Type><SetIdentifier>i</SetIdentifier><GeoLocation><ContinentCode>ZZ</ContinentCode></GeoLocation>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
  <ResourceRecordSet><Name>e.x.com.</Name><Type>A</Type><SetIdentifier>i</SetIdentifier><Weight>256</Weight>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
  <ResourceRecordSet><Name>f.x.com.</Name><Type>HOLOGRAM</Type>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>?</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
  <ResourceRecordSet><Name>g..x.com.</Name><Type>A</Type>
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"#;

#[tokio::test]
async fn what_we_cannot_express_is_kept_apart_and_told() {
    let server = Scripted::start(|_, _| Reply::Answer(200, LISTED.to_owned())).await;
    let listing = server.zone().await.list(Freshness::Cached, &soon()).await.unwrap();
    let opaque: Vec<_> = listing.opaque.iter().map(|set| (set.name.as_str(), set.reason.as_str())).collect();
    let expected = [
        ("a.x.com.", "a traffic policy"),
        ("b.x.com.", "a set identifier without a routing policy that is known"),
        ("d.x.com.", "the place `continent/ZZ`"),
        ("e.x.com.", "the weight 256"),
        ("g..x.com.", "its name"),
    ];
    assert_eq!(opaque.len(), expected.len(), "{opaque:?}");
    for (found, expected) in opaque.iter().zip(expected) {
        assert_eq!(found.0, expected.0);
        assert!(found.1.contains(expected.1), "{found:?}");
    }
    // New regions and types are only text.
    let known: Vec<_> = listing.sets.iter().map(|set| set.key.name.as_written()).collect();
    assert_eq!(known, ["c.x.com", "f.x.com"]);
    assert_eq!(listing.sets[0].routing, Routing::Latency(LatencyRegion("moon-base-1".to_owned())));
}
