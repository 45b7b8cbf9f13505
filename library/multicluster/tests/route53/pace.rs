//! The pace of an account.

use std::time::Duration;

use futures::future::join_all;
use multicluster::{
    core::route53::RecordType,
    route53::{Applied, Client, Freshness, Settings},
};
use route53_emulator::Knobs;
use tokio::time::Instant;

use crate::world::{World, made, name, settings, soon};

#[tokio::test]
async fn a_strict_account_never_has_to_refuse() {
    let world = World::with(Knobs { requests_per_second: Some(5.0), ..Knobs::default() }).await;
    let settings = Settings { requests_per_second: 5, ..settings(world.url()) };
    let client = Client::new(&settings).await;
    let run = soon();
    let start = Instant::now();
    let zone = client.zone(world.zone.id());
    for _ in 0..12 {
        zone.list(Freshness::Since(Instant::now()), &run).await.unwrap();
    }
    assert!(start.elapsed() > Duration::from_secs(2), "twelve requests take more than two seconds");
    assert_eq!(client.requests().into_iter().collect::<Vec<_>>(), [("ListResourceRecordSets", 12)]);
}

#[tokio::test]
async fn an_account_that_others_use_too_is_given_time() {
    let world = World::with(Knobs { requests_per_second: Some(5.0), ..Knobs::default() }).await;
    let run = soon();
    let writes: Vec<_> =
        (0..10).map(|number| [made(&format!("app-{number}.example.com"), "192.0.2.1")]).collect();
    let (apex, soa) = (name("example.com"), RecordType("SOA".to_owned()));
    let reads = (0..12).map(|_| world.zone.test_answer(&apex, &soa, None, &run));
    let (applied, answers) =
        tokio::join!(join_all(writes.iter().map(|batch| world.zone.apply(batch, &run))), join_all(reads));
    assert!(applied.iter().all(Applied::is_success), "{applied:?}");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let sent: u64 = world.client.requests().values().sum();
    assert!(sent > 14, "some were refused and sent again: {sent}");
}
