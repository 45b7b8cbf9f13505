//! Reading a zone with few requests.

use futures::future::join_all;
use multicluster::{
    core::route53::{RecordName, RecordType},
    route53::{Freshness, Listing, Range},
};
use route53_emulator::Knobs;
use serde_json::json;
use tokio::time::Instant;

use crate::world::{World, made, name, soon};

const CACHED: Freshness = Freshness::Cached;

fn now() -> Freshness {
    Freshness::Since(Instant::now())
}

fn names(listing: &Listing) -> Vec<String> {
    listing.sets.iter().map(|set| format!("{} {}", set.key.name.as_written(), set.key.r#type)).collect()
}

fn subtree(text: &str) -> [Range; 1] {
    [Range::Subtree(name(text))]
}

#[tokio::test]
async fn a_small_zone_is_read_once_however_many_names_are_asked_for() {
    let world = World::new().await;
    world.fill(20).await;
    let run = soon();
    let ranges: Vec<_> = (0..20).map(|number| subtree(&format!("host-{number}.example.com"))).collect();
    let reads = ranges.iter().map(|range| world.zone.read(range, CACHED, &run));
    for (number, listing) in join_all(reads).await.into_iter().enumerate() {
        assert_eq!(names(&listing.unwrap()), [format!("host-{number}.example.com A")]);
    }
    assert_eq!(world.zone.name(&run).await, Ok(name("example.com")));
    assert_eq!(world.calls().await, ["ListResourceRecordSets"]);

    let fresh = now();
    let reads = ranges.iter().map(|range| world.zone.read(range, fresh, &run));
    assert!(join_all(reads).await.iter().all(Result::is_ok));
    assert_eq!(
        world.calls().await,
        ["ListResourceRecordSets"],
        "a fresh reading serves all who ask for it together"
    );
    world.zone.read(&ranges[0], now(), &run).await.unwrap();
    assert_eq!(world.calls().await, ["ListResourceRecordSets"], "and nobody who asks for it later");
}

#[tokio::test]
async fn what_others_write_is_seen_by_a_fresh_reading() {
    let world = World::new().await;
    let range = subtree("app.example.com");
    assert_eq!(world.zone.read(&range, CACHED, &soon()).await.unwrap(), Listing::default());
    let stranger = world.stranger().await;
    assert!(stranger.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await.is_success());
    assert_eq!(world.zone.read(&range, CACHED, &soon()).await.unwrap(), Listing::default());
    let fresh = world.zone.read(&range, now(), &soon()).await.unwrap();
    assert_eq!(names(&fresh), ["app.example.com A", "_mc-owner.app.example.com TXT"]);
}

#[tokio::test]
async fn in_a_large_zone_only_the_names_parts_are_read() {
    let world = World::new().await;
    world.fill(9000).await;
    let run = soon();
    let stranger = world.stranger().await;
    assert!(stranger.apply(&[made("host-77.app.example.com", "192.0.2.1")], &run).await.is_success());
    world.calls().await;

    let found = world.zone.read(&subtree("app.example.com"), CACHED, &run).await.unwrap();
    assert_eq!(names(&found), ["host-77.app.example.com A", "_mc-owner.host-77.app.example.com TXT"]);
    // The first page tells that the zone is large, and the zone how large it is.
    assert_eq!(world.calls().await, ["ListResourceRecordSets", "GetHostedZone", "ListResourceRecordSets"]);

    world.zone.read(&subtree("host-5.example.com"), now(), &run).await.unwrap();
    world.zone.read(&subtree("app.example.com"), CACHED, &run).await.unwrap();
    assert_eq!(world.calls().await, ["ListResourceRecordSets"]);

    // Names of our own at the zone's own name, below which everything is.
    let apex: RecordName = name("example.com");
    let found = world.zone.read(&Range::of(&apex, &apex), now(), &run).await.unwrap();
    assert_eq!(names(&found), ["example.com NS", "example.com SOA"]);
    assert_eq!(world.calls().await.len(), 2);
}

#[tokio::test]
async fn many_names_of_a_large_zone_cost_no_more_than_twice_the_zone() {
    let world = World::new().await;
    world.fill(3000).await;
    for number in 0..60 {
        let range = subtree(&format!("host-{number}.example.com"));
        let found = world.zone.read(&range, CACHED, &soon()).await.unwrap();
        assert_eq!(names(&found), [format!("host-{number}.example.com A")]);
    }
    let pages = 3002_usize.div_ceil(300);
    let calls = world.count("ListResourceRecordSets").await;
    assert!(calls <= 1 + 2 * pages, "{calls} requests for {pages} pages");
    assert!(calls > pages, "the first names were read by themselves");
}

#[tokio::test]
async fn pages_are_followed_through_names_types_and_identifiers() {
    let world = World::with(Knobs { page_size: Some(2), ..Knobs::default() }).await;
    let path = format!("/zones/{}/record-sets", world.zone.id());
    let weighted = |number: u32| {
        json!({
            "Name": "app.example.com.", "Type": "A", "SetIdentifier": format!("s{number}"), "Weight": number,
            "TTL": 60, "ResourceRecords": [{ "Value": format!("192.0.2.{number}") }],
        })
    };
    let sets: Vec<_> = (1..=9).map(weighted).collect();
    world.control("POST", &path, &json!({ "record_sets": sets })).await;
    let all = world.zone.list(now(), &soon()).await.unwrap();
    let identifiers = |listing: &Listing| {
        let of_a = listing.sets.iter().filter(|set| set.key.r#type == RecordType::a());
        of_a.filter_map(|set| set.key.set_identifier.clone()).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (1..=9).map(|number| format!("s{number}")).collect();
    assert_eq!(identifiers(&all), expected);
    let some = world.zone.read(&subtree("app.example.com"), now(), &soon()).await.unwrap();
    assert_eq!(identifiers(&some), expected);
}

#[tokio::test]
async fn a_zone_that_does_not_exist_is_told() {
    let world = World::new().await;
    let zone = world.client.zone("/hostedzone/ZNOSUCHZONE");
    assert_eq!(zone.id(), "ZNOSUCHZONE");
    let error = zone.list(CACHED, &soon()).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("`ZNOSUCHZONE`"), "{error}");
    assert!(zone.info(&soon()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn what_a_zone_is() {
    let world = World::new().await;
    let info = world.zone.info(&soon()).await.unwrap();
    assert_eq!((info.name, info.private, info.record_sets), (name("example.com"), false, 2));
    assert!(info.name_servers.len() >= 2, "{:?}", info.name_servers);
    world.zone.info(&soon()).await.unwrap();
    assert_eq!(world.calls().await, ["GetHostedZone"], "it stays what it is");
}
