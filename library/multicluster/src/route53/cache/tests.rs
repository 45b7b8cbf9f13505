use std::time::Duration;

use multicluster_core::route53::{Data, RecordSet, RecordType, Routing, SetKey};

use super::*;

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

fn set(text: &str, value: &str) -> RecordSet {
    RecordSet {
        key: SetKey { name: name(text), r#type: RecordType::a(), set_identifier: None },
        routing: Routing::Simple,
        data: Data::Values { ttl: 60, values: [value.to_owned()].into() },
        health_check_id: None,
    }
}

fn values(listing: Option<Listing>) -> Vec<String> {
    let text = |set: RecordSet| match set.data {
        Data::Values { values, .. } => {
            format!("{} {}", set.key.name.as_written(), values.into_iter().collect::<String>())
        }
        Data::Alias(_) => set.key.name.as_written(),
    };
    listing.expect("it is known").sets.into_iter().map(text).collect()
}

fn entries(sets: &[RecordSet]) -> Vec<Entry> {
    sets.iter().cloned().map(Entry::Known).collect()
}

fn subtree(text: &str) -> [Range; 1] {
    [Range::Subtree(name(text))]
}

#[test]
fn what_was_read_as_a_whole_serves_every_part() {
    let mut cache = Cache::default();
    let began = Instant::now();
    assert_eq!(cache.get(Wanted::All, Freshness::Cached), None);
    cache.begin();
    cache.keep_whole(began, entries(&[set("a.x.com", "1"), set("b.x.com", "2")]), 1);
    assert_eq!(values(cache.get(Wanted::Ranges(&subtree("b.x.com")), Freshness::Cached)), ["b.x.com 2"]);
    assert_eq!(values(cache.get(Wanted::All, Freshness::Since(began))), ["a.x.com 1", "b.x.com 2"]);
    let later = began + Duration::from_secs(1);
    assert_eq!(cache.get(Wanted::All, Freshness::Since(later)), None, "too old");
}

#[test]
fn our_writes_are_seen_in_what_was_read_before() {
    let mut cache = Cache::default();
    cache.begin();
    cache.keep_whole(Instant::now(), entries(&[set("b.x.com", "1"), set("c.x.com", "1")]), 1);
    cache.wrote(&[
        Change::delete(set("b.x.com", "1")),
        Change::create(set("b.x.com", "2")),
        Change::delete(set("c.x.com", "1")),
        Change::create(set("a.x.com", "1")),
    ]);
    assert_eq!(values(cache.get(Wanted::All, Freshness::Cached)), ["a.x.com 1", "b.x.com 2"]);
}

#[test]
fn what_is_written_while_something_is_read_is_not_lost() {
    let mut cache = Cache::default();
    cache.begin();
    cache.wrote(&[Change::create(set("a.x.com", "1"))]);
    // The reading was past the name, or not, when that was written.
    cache.keep(&subtree("a.x.com")[0], Instant::now(), entries(&[]), 1);
    assert_eq!(values(cache.get(Wanted::Ranges(&subtree("a.x.com")), Freshness::Cached)), ["a.x.com 1"]);
    cache.begin();
    cache.keep(&subtree("a.x.com")[0], Instant::now(), entries(&[]), 1);
    assert!(values(cache.get(Wanted::Ranges(&subtree("a.x.com")), Freshness::Cached)).is_empty());
}

#[test]
fn what_may_be_wrong_is_forgotten_even_while_it_is_read() {
    let mut cache = Cache::default();
    cache.begin();
    cache.keep_whole(Instant::now(), entries(&[]), 1);
    cache.begin();
    cache.forget();
    assert_eq!(cache.get(Wanted::All, Freshness::Cached), None);
    cache.keep_whole(Instant::now(), entries(&[]), 1);
    assert_eq!(cache.get(Wanted::All, Freshness::Cached), None);
    cache.begin();
    cache.keep_whole(Instant::now(), entries(&[]), 1);
    assert!(cache.get(Wanted::All, Freshness::Cached).is_some());
}

#[test]
fn only_what_is_not_covered_is_read() {
    let mut cache = Cache::default();
    let ranges = [
        Range::Name(name("app.x.com")),
        Range::Subtree(name("app.x.com")),
        Range::Name(name("a-app.x.com")),
        Range::Name(name("a-app.x.com")),
    ];
    assert_eq!(cache.missing(&ranges, Freshness::Cached), [&ranges[1], &ranges[2]]);
    cache.begin();
    cache.keep(&ranges[1], Instant::now(), entries(&[set("app.x.com", "1"), set("w.app.x.com", "1")]), 1);
    assert_eq!(cache.missing(&ranges, Freshness::Cached), [&ranges[2]]);
    cache.keep(&ranges[2], Instant::now(), entries(&[]), 1);
    assert_eq!(cache.spent, 2);
    assert_eq!(
        values(cache.get(Wanted::Ranges(&ranges), Freshness::Cached)),
        ["app.x.com 1", "w.app.x.com 1"],
        "each set once"
    );
}

#[test]
fn what_was_read_later_is_what_is_known() {
    let mut cache = Cache::default();
    cache.begin();
    cache.keep_whole(Instant::now(), entries(&[set("a.x.com", "1"), set("b.x.com", "1")]), 2);
    cache.begin();
    cache.keep(&subtree("b.x.com")[0], Instant::now(), entries(&[set("b.x.com", "2")]), 1);
    assert_eq!(values(cache.get(Wanted::All, Freshness::Cached)), ["a.x.com 1", "b.x.com 2"]);
}
