//! Writing: once, as a whole, together with others, and told truly.

use std::time::Duration;

use futures::future::join_all;
use multicluster::{
    core::route53::{Change, RecordType},
    route53::{ApplyError, CallFailure, Effect, Freshness, Range, Run},
};
use route53_emulator::{Dropped, Failure, Knobs};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::world::{World, a, batch, key, made, mark, moved, name, soon};

const CHANGE: &str = "ChangeResourceRecordSets";

async fn stands(world: &World, text: &str) -> Vec<String> {
    let range = [Range::Name(name(text))];
    let stranger = world.stranger().await;
    let listing = stranger.read(&range, Freshness::Since(Instant::now()), &soon()).await.unwrap();
    let value = |set: multicluster::core::route53::RecordSet| match set.data {
        multicluster::core::route53::Data::Values { values, .. } => values.into_iter().collect::<String>(),
        multicluster::core::route53::Data::Alias(_) => String::new(),
    };
    listing.sets.into_iter().map(value).collect()
}

#[tokio::test]
async fn a_batch_takes_effect_and_all_servers_know_of_it() {
    // Long enough to be asked for before it is over, on a busy machine too.
    let world = World::with(Knobs { insync_after_ms: 2_000, ..Knobs::default() }).await;
    let applied = world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    assert!(applied.is_success(), "{applied:?}");
    assert_eq!((applied.effects.as_slice(), applied.done()), ([Effect::InSync].as_slice(), 1));
    let calls = world.calls().await;
    assert_eq!(calls[0], CHANGE);
    assert!(calls.len() >= 3 && calls[1..].iter().all(|call| call == "GetChange"), "{calls:?}");
    assert_eq!(stands(&world, "app.example.com").await, ["192.0.2.1"]);
}

#[tokio::test]
async fn what_was_written_is_known_without_reading_it() {
    let world = World::new().await;
    let range = [Range::Subtree(name("app.example.com"))];
    world.zone.read(&range, Freshness::Cached, &soon()).await.unwrap();
    world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    world.zone.apply(&[moved("app.example.com", "192.0.2.1", "192.0.2.2")], &soon()).await;
    world.calls().await;
    let listing = world.zone.read(&range, Freshness::Cached, &soon()).await.unwrap();
    assert_eq!(listing.sets, [a("app.example.com", "192.0.2.2"), mark("app.example.com", 2)]);
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn many_names_travel_together() {
    let world = World::new().await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let zone = world.zone.clone();
        let batch = made(&format!("app-{number}.example.com"), "192.0.2.1");
        tasks.spawn(async move { zone.apply(&[batch], &soon()).await });
    }
    for applied in tasks.join_all().await {
        assert_eq!((applied.effects, applied.error), (vec![Effect::InSync], None));
    }
    let calls = world.calls().await;
    let changes = calls.iter().filter(|call| *call == CHANGE).count();
    // Those who come while the first request is on its way wait for the second.
    assert!(changes <= 3, "{calls:?}");
    assert!(calls.len() <= 2 * changes + 2, "one wait serves all: {calls:?}");
    assert_eq!(stands(&world, "app-39.example.com").await, ["192.0.2.1"]);
}

#[tokio::test]
async fn one_that_is_refused_does_not_keep_others_back() {
    let world = World::new().await;
    world.zone.apply(&[made("app-3.example.com", "192.0.2.9")], &soon()).await;
    world.calls().await;
    let run = soon();
    let mut batches: Vec<_> =
        (0..8).map(|number| [made(&format!("app-{number}.example.com"), "192.0.2.1")]).collect();
    // A rule is broken, in words that name no set of the batch's own.
    batches.push([batch([Change::create(a("elsewhere.example.org", "192.0.2.1"))])]);
    let applied = join_all(batches.iter().map(|batch| world.zone.apply(batch, &run))).await;
    for (number, applied) in applied.iter().enumerate() {
        match (number, &applied.error) {
            (3, Some(ApplyError::Changed(error))) => {
                assert_eq!(error.messages().len(), 2, "its own words and no others': {error}");
            }
            (8, Some(ApplyError::Call(error))) => {
                assert!(error.to_string().contains("not permitted"), "{error}");
            }
            (_, None) => assert_eq!(applied.effects, [Effect::InSync]),
            _ => panic!("{number}: {applied:?}"),
        }
    }
    let changes = world.count(CHANGE).await;
    assert!(changes <= 5, "{changes} requests for 9 names");
    assert_eq!(stands(&world, "app-3.example.com").await, ["192.0.2.9"]);
    assert_eq!(stands(&world, "app-7.example.com").await, ["192.0.2.1"]);
}

#[tokio::test]
async fn two_writers_of_one_name_follow_each_other() {
    let world = World::new().await;
    world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    let run = soon();
    let (one, other) = (
        moved("app.example.com", "192.0.2.1", "192.0.2.2"),
        moved("app.example.com", "192.0.2.1", "192.0.2.3"),
    );
    let (one, other) = ([one], [other]);
    let (one, other) = tokio::join!(world.zone.apply(&one, &run), world.zone.apply(&other, &run));
    assert!(one.is_success());
    assert!(matches!(other.error, Some(ApplyError::Changed(_))), "{other:?}");
    assert_eq!(stands(&world, "app.example.com").await, ["192.0.2.2"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_write_twice() {
    let dropped = Dropped { operation: Some(CHANGE.to_owned()), count: 1 };
    let world = World::with(Knobs { drops: [dropped].into(), ..Knobs::default() }).await;
    let applied = world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    assert_eq!((applied.effects, applied.error), (vec![Effect::InSync], None));
    // Lost, looked at, and followed by one under whose number can be asked.
    let calls = world.calls().await;
    assert_eq!(calls, [CHANGE, "ListResourceRecordSets", CHANGE, "GetChange"]);

    world.turn(json!({ "drops": [{ "operation": CHANGE, "count": 1 }] })).await;
    let applied = world.zone.apply(&[moved("app.example.com", "192.0.2.1", "192.0.2.2")], &soon()).await;
    assert!(applied.is_success(), "{applied:?}");
    assert_eq!(stands(&world, "_mc-owner.app.example.com").await.len(), 1);

    let gone = batch([
        Change::delete(a("app.example.com", "192.0.2.2")),
        Change::delete(mark("app.example.com", 2)),
    ]);
    world.turn(json!({ "drops": [{ "operation": CHANGE, "count": 1 }] })).await;
    let applied = world.zone.apply(&[gone], &soon()).await;
    assert_eq!((applied.effects, applied.error), (vec![Effect::InSync], None));
    assert!(stands(&world, "app.example.com").await.is_empty());
    assert!(stands(&world, "_mc-owner.app.example.com").await.is_empty(), "what was asked by is gone again");

    // If the answers to that are lost, too, it cannot be told that all servers know.
    world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    let gone = batch([
        Change::delete(a("app.example.com", "192.0.2.1")),
        Change::delete(mark("app.example.com", 1)),
    ]);
    world.turn(json!({ "drops": [{ "operation": CHANGE, "count": 2 }] })).await;
    let applied = world.zone.apply(&[gone], &soon()).await;
    assert!(applied.is_success(), "{applied:?}");
    assert!(matches!(applied.effects[..], [Effect::Accepted { .. }]), "{applied:?}");
    assert!(stands(&world, "app.example.com").await.is_empty());
}

#[tokio::test]
async fn a_failure_without_effect_is_tried_again() {
    let failure = Failure {
        operation: Some(CHANGE.to_owned()),
        code: "InternalFailure".to_owned(),
        status: 500,
        message: String::new(),
        count: 2,
    };
    let world = World::with(Knobs { failures: [failure].into(), ..Knobs::default() }).await;
    let applied = world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    assert!(applied.is_success(), "{applied:?}");
    assert_eq!(world.count(CHANGE).await, 3);

    world.turn(json!({ "failures": [{ "operation": CHANGE, "code": "InternalFailure", "status": 500, "count": 9 }] })).await;
    let applied = world.zone.apply(&[moved("app.example.com", "192.0.2.1", "192.0.2.2")], &soon()).await;
    assert_eq!(applied.effects, [Effect::None], "{applied:?}");
    assert_eq!(world.count(CHANGE).await, 3, "not for ever");
    assert_eq!(stands(&world, "app.example.com").await, ["192.0.2.1"]);
}

#[tokio::test]
async fn a_change_that_is_in_the_way_is_waited_for() {
    // Longer than a busy machine takes from the one to the other.
    let world = World::with(Knobs { prior_request_ms: 2_000, ..Knobs::default() }).await;
    let stranger = world.stranger().await;
    stranger.apply(&[made("a.example.com", "192.0.2.1")], &soon()).await;
    let applied = world.zone.apply(&[made("b.example.com", "192.0.2.1")], &soon()).await;
    assert!(applied.is_success(), "{applied:?}");
    assert!(world.count(CHANGE).await > 2);
}

#[tokio::test]
async fn somebody_who_was_quicker_is_not_overwritten() {
    let world = World::new().await;
    world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    let stranger = world.stranger().await;
    stranger.apply(&[moved("app.example.com", "192.0.2.1", "192.0.2.8")], &soon()).await;
    let applied = world.zone.apply(&[moved("app.example.com", "192.0.2.1", "192.0.2.2")], &soon()).await;
    let Some(error @ ApplyError::Changed(_)) = &applied.error else { panic!("{applied:?}") };
    assert!(error.to_string().starts_with("the record sets have changed since they were read"), "{error}");
    assert_eq!(stands(&world, "app.example.com").await, ["192.0.2.8"]);
    // What we thought to know is not believed any more.
    let range = [Range::Name(name("app.example.com"))];
    let listing = world.zone.read(&range, Freshness::Cached, &soon()).await.unwrap();
    assert_eq!(
        listing.get(&key("app.example.com", RecordType::a(), None)),
        Some(&a("app.example.com", "192.0.2.8"))
    );
}

#[tokio::test]
async fn the_next_batch_waits_until_servers_know_of_the_one_before() {
    let world = World::with(Knobs { insync_after_ms: 60_000, ..Knobs::default() }).await;
    let run = Run::within(Duration::from_millis(500));
    let batches = [made("a.example.com", "192.0.2.1"), made("b.example.com", "192.0.2.1")];
    let applied = world.zone.apply(&batches, &run).await;
    let [Effect::Accepted { why }, Effect::None] = applied.effects.as_slice() else { panic!("{applied:?}") };
    assert!(matches!(why.reason, CallFailure::Deadline { .. }));
    assert_eq!((applied.done(), applied.is_success()), (1, false));
    assert_eq!(world.count(CHANGE).await, 1);

    // The last one has taken effect, whenever servers know of it.
    let run = Run::within(Duration::from_millis(300));
    let applied = world.zone.apply(&[made("c.example.com", "192.0.2.1")], &run).await;
    assert!(applied.is_success() && applied.not_in_sync().is_some(), "{applied:?}");
}

#[tokio::test]
async fn whoever_leads_may_go_at_any_time() {
    // Whatever the leader is doing then: gathering, sending, or waiting for the answer.
    for after in [0, 5, 15, 30, 60, 120] {
        let world = World::with(Knobs { delay_ms: 40, ..Knobs::default() }).await;
        let run = soon();
        let leader = [made("leader.example.com", "192.0.2.1")];
        let others: Vec<_> =
            (0..5).map(|number| [made(&format!("app-{number}.example.com"), "192.0.2.1")]).collect();
        let leading = tokio::time::timeout(Duration::from_millis(after), world.zone.apply(&leader, &run));
        let others = join_all(others.iter().map(|batch| world.zone.apply(batch, &run)));
        let (_, others) = tokio::join!(leading, others);
        for applied in others {
            assert!(applied.is_success(), "after {after} ms: {applied:?}");
        }
        assert_eq!(stands(&world, "app-4.example.com").await, ["192.0.2.1"]);
    }
}

#[tokio::test]
async fn an_interrupted_leader_leaves_the_work_to_others() {
    let world = World::with(Knobs { prior_request_ms: 400, ..Knobs::default() }).await;
    world.stranger().await.apply(&[made("first.example.com", "192.0.2.1")], &soon()).await;
    let (run, short) = (soon(), Run::within(Duration::from_millis(50)));
    let (leader, other) = ([made("a.example.com", "192.0.2.1")], [made("b.example.com", "192.0.2.1")]);
    let (leader, other) = tokio::join!(world.zone.apply(&leader, &short), world.zone.apply(&other, &run));
    assert_eq!(leader.effects, [Effect::None], "{leader:?}");
    assert!(other.is_success(), "{other:?}");
    assert!(stands(&world, "a.example.com").await.is_empty());
}
