//! The control endpoint.

use route53_emulator::model::{Health, Name};
use serde_json::{Value, json};

use crate::world::{World, a, create};

#[tokio::test]
async fn the_log_has_every_call_once() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    world.control("DELETE", "/calls", Value::Null).await;
    world
        .change(&zone, [create(a("a.example.com", "192.0.2.1")), create(a("b.example.com", "192.0.2.1"))])
        .await
        .unwrap();
    world.change(&zone, [create(a("a.example.com", "192.0.2.1"))]).await.unwrap_err();
    world.sets(&zone).await;
    let calls = world.control("GET", "/calls", Value::Null).await;
    let fields = |call: &Value| {
        (call["operation"].clone(), call["zone"].clone(), call["status"].clone(), call["changes"].clone())
    };
    let calls: Vec<_> = calls.as_array().unwrap().iter().map(fields).collect();
    let zone = json!(zone);
    let expected = [
        (json!("ChangeResourceRecordSets"), zone.clone(), json!(200), json!(2)),
        (json!("ChangeResourceRecordSets"), zone.clone(), json!(400), Value::Null),
        (json!("ListResourceRecordSets"), zone, json!(200), Value::Null),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn tests_in_the_same_process_need_no_http() {
    let world = World::new().await;
    let zone = world.emulator.create_zone(Name::parse("example.com").unwrap()).unwrap();
    world.emulator.reset_calls();
    world.emulator.turn(|knobs| knobs.page_size = Some(1));
    assert_eq!(world.sets(&zone).await.len(), 2);
    assert_eq!(world.emulator.calls().len(), 2);
    world.emulator.set_health(|world| {
        world.checks.insert("id".to_owned(), Health::Unhealthy);
    });
    assert_eq!(world.emulator.snapshot().check_health("id"), Health::Unhealthy);
}

#[tokio::test]
async fn knobs_are_turned_one_by_one() {
    let world = World::new().await;
    world.control("POST", "/knobs", json!({"page_size": 3})).await;
    let knobs = world.control("POST", "/knobs", json!({"delay_ms": 1})).await;
    assert_eq!((&knobs["page_size"], &knobs["delay_ms"]), (&json!(3), &json!(1)));
    let (status, refused) = world.try_control("POST", "/knobs", json!({"no_such_knob": 1})).await;
    assert_eq!(status, 400, "{refused}");
    assert_eq!(world.control("GET", "/knobs", Value::Null).await["page_size"], json!(3));
    assert_eq!(world.control("DELETE", "/knobs", Value::Null).await["page_size"], Value::Null);
}

#[tokio::test]
async fn health_is_set_and_forgotten_by_name() {
    let world = World::new().await;
    let body = json!({"checks": {"id": "unhealthy"}, "targets": {"LB.example.net": "unhealthy"}});
    let health = world.control("POST", "/health", body).await;
    assert_eq!(health["targets"]["lb.example.net."], "unhealthy");
    let health = world.control("POST", "/health", json!({"checks": {"id": null}})).await;
    assert_eq!((&health["checks"], &health["targets"]["lb.example.net."]), (&json!({}), &json!("unhealthy")));
    let health = world.control("DELETE", "/health", Value::Null).await;
    assert_eq!(health["targets"], json!({}));
}

#[tokio::test]
async fn zones_are_made_seeded_read_and_removed() {
    let world = World::new().await;
    let zone = world.control("POST", "/zones", json!({"name": "example.com"})).await;
    let id = zone["id"].as_str().unwrap();
    let path = format!("/zones/{id}/record-sets");
    let set = json!({"Name": "x.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]});
    let seeded = world.control("POST", &path, json!({"record_sets": [set]})).await;
    assert_eq!(seeded["count"], 1);
    let sets = world.control("GET", &format!("{path}?published=1"), Value::Null).await;
    assert!(sets.as_array().unwrap().contains(&set));
    let state = world.control("GET", "/state", Value::Null).await;
    assert_eq!(state["zones"][0]["record_sets"].as_array().unwrap().len(), 3);
    let (status, _) =
        world.try_control("POST", &path, json!({"record_sets": [{"Name": "x", "Type": "NONE"}]})).await;
    assert_eq!(status, 400);
    world.control("DELETE", &format!("/zones/{id}"), Value::Null).await;
    assert_eq!(world.try_control("GET", &path, Value::Null).await.0, 404);
    assert_eq!(world.try_control("GET", "/nothing", Value::Null).await.0, 404);
}

#[tokio::test]
async fn the_front_ends_settings_are_replaced() {
    let world = World::new().await;
    let settings = world
        .control(
            "PUT",
            "/dns",
            json!({"choice": "most_likely", "networks": {"192.0.2.0/24": {"country": "FR"}}}),
        )
        .await;
    assert_eq!(settings["choice"], "most_likely");
    assert_eq!(world.try_control("PUT", "/dns", json!({"networks": {"192.0.2.1/24": {}}})).await.0, 400);
    assert_eq!(world.control("GET", "/dns", Value::Null).await["networks"]["192.0.2.0/24"]["country"], "FR");
    assert_eq!(world.control("DELETE", "/dns", Value::Null).await["networks"], json!({}));
}
