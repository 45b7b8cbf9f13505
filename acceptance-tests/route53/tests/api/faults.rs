//! Faults on request.

use std::time::{Duration, Instant};

use route53_emulator::Knobs;
use serde_json::{Value, json};

use crate::world::{World, a, create, failure};

#[tokio::test]
async fn an_account_has_its_rate() {
    // So few that no machine is slow enough for a second one.
    let world = World::with(Knobs { requests_per_second: Some(0.001), ..Knobs::default() }).await;
    world.client.get_hosted_zone_count().send().await.unwrap();
    for _ in 0..2 {
        let failure = failure(world.client.get_hosted_zone_count().send().await.unwrap_err());
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("Throttling", "Rate exceeded"));
    }
    world.control("DELETE", "/knobs", Value::Null).await;
    world.control("POST", "/knobs", json!({"requests_per_second": null})).await;
    world.client.get_hosted_zone_count().send().await.unwrap();
}

#[tokio::test]
async fn a_zone_works_on_one_change_at_a_time() {
    let world = World::new().await;
    let (zone, other) = (world.zone("example.com").await, world.zone("example.org").await);
    world.control("POST", "/knobs", json!({"prior_request_ms": 60_000})).await;
    world.change(&zone, [create(a("a.example.com", "192.0.2.1"))]).await.unwrap();
    let busy = world.change(&zone, [create(a("b.example.com", "192.0.2.1"))]).await.unwrap_err();
    assert_eq!(busy.code, "PriorRequestNotComplete");
    world.change(&other, [create(a("b.example.org", "192.0.2.1"))]).await.unwrap();
    world.sets(&zone).await;
    world.control("DELETE", "/knobs", Value::Null).await;
    world.change(&zone, [create(a("b.example.com", "192.0.2.1"))]).await.unwrap();
}

#[tokio::test]
async fn calls_fail_as_often_as_they_were_asked_to() {
    let world = World::new().await;
    let failures = json!([{"operation": "GetHostedZoneCount", "code": "ServiceUnavailable", "status": 503, "message": "later", "count": 2}]);
    world.control("POST", "/knobs", json!({"failures": failures})).await;
    for _ in 0..2 {
        world.client.list_hosted_zones().send().await.unwrap();
        let error = world.client.get_hosted_zone_count().send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
        assert_eq!(failure(error).code, "ServiceUnavailable");
    }
    world.client.get_hosted_zone_count().send().await.unwrap();
}

#[tokio::test]
async fn a_change_can_be_accepted_and_its_answer_lost() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    world.control("POST", "/knobs", json!({"drops": [{"operation": "ChangeResourceRecordSets"}]})).await;
    let lost = world.change(&zone, [create(a("www.example.com", "192.0.2.1"))]).await.unwrap_err();
    assert!(lost.code.contains("Dispatch"), "{}", lost.code);
    assert_eq!(world.sets(&zone).await.len(), 3);
    let calls = world.control("GET", "/calls", Value::Null).await;
    let calls = calls.as_array().unwrap();
    assert!(
        calls.iter().any(|call| call["operation"] == "ChangeResourceRecordSets" && call["dropped"] == true)
    );
    let again = world.change(&zone, [create(a("www.example.com", "192.0.2.1"))]).await.unwrap_err();
    assert_eq!(again.code, "InvalidChangeBatch");
}

#[tokio::test]
async fn replies_wait() {
    let world = World::with(Knobs { delay_ms: 150, ..Knobs::default() }).await;
    let started = Instant::now();
    world.client.get_hosted_zone_count().send().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(150));
}
