//! Health checks, CIDR collections, and what Route 53 says it would answer.

use std::collections::BTreeMap;

use multicluster::{
    core::{
        dns::EndpointName,
        route53::{
            HealthCheckId, OwnerId, RecordType, Target,
            cidr::{CidrAction, CidrChange},
            health_check::{
                CheckOwner, HealthCheckConfig, HealthCheckSpec, HealthCheckType, Protocol, Wish, checks_of,
                plan_checks,
            },
        },
    },
    route53::{ClientSubnet, HealthCheck},
};
use serde_json::json;

use crate::world::{World, made, name, soon};

fn config() -> HealthCheckConfig {
    HealthCheckConfig {
        ip_address: Some("203.0.113.7".parse().unwrap()),
        port: Some(443),
        resource_path: Some("/healthz".to_owned()),
        fully_qualified_domain_name: Some("app.example.com".to_owned()),
        request_interval: Some(10),
        failure_threshold: Some(3),
        enable_sni: Some(true),
        regions: ["eu-west-1", "us-east-1", "sa-east-1"].map(str::to_owned).into(),
        ..HealthCheckConfig::of(HealthCheckType::Https)
    }
}

fn tags(endpoint: &str) -> BTreeMap<String, String> {
    [("owner".to_owned(), "shop".to_owned()), ("endpoint".to_owned(), endpoint.to_owned())].into()
}

#[tokio::test]
async fn a_check_is_made_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let made = world.client.create_health_check("mc-1", &config(), &tags("aws"), &soon()).await.unwrap();
    assert_eq!((made.config.clone(), made.version), (config(), 1));
    let again = world.client.create_health_check("mc-1", &config(), &tags("aws"), &soon()).await.unwrap();
    assert_eq!(again, made);

    let other = HealthCheckConfig { port: Some(8443), ..config() };
    let error = world.client.create_health_check("mc-1", &other, &tags("aws"), &soon()).await.unwrap_err();
    assert_eq!(error.code(), Some("HealthCheckAlreadyExists"));
}

#[tokio::test]
async fn checks_are_found_by_their_reference_and_tell_their_tags() {
    let world = World::new().await;
    for number in 0..12 {
        let (reference, tags) = (format!("mc-{number}"), tags(&number.to_string()));
        world.client.create_health_check(&reference, &config(), &tags, &soon()).await.unwrap();
    }
    world.client.create_health_check("other", &config(), &tags("x"), &soon()).await.unwrap();
    world.turn(json!({ "page_size": 5 })).await;
    world.calls().await;
    let mut found =
        world.client.health_checks(|reference| reference.starts_with("mc-"), &soon()).await.unwrap();
    found.sort_by_key(|check| check.tags["endpoint"].parse::<u32>().unwrap());
    let told = |check: &HealthCheck| format!("{} {}", check.caller_reference, check.tags["endpoint"]);
    let expected: Vec<_> = (0..12).map(|number| format!("mc-{number} {number}")).collect();
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
    let calls = world.calls().await;
    let tags = calls.iter().filter(|call| *call == "ListTagsForResources").count();
    assert_eq!((calls.len(), tags), (5, 2), "{calls:?}");
    let count = world.client.health_check_count(&soon()).await.unwrap();
    assert_eq!((count.count, count.limit), (13, 200));
}

#[tokio::test]
async fn a_check_is_changed_in_the_version_that_was_read() {
    let world = World::new().await;
    let made = world.client.create_health_check("mc-1", &config(), &tags("aws"), &soon()).await.unwrap();
    let wanted = HealthCheckConfig {
        port: Some(8443),
        failure_threshold: Some(1),
        disabled: true,
        inverted: true,
        regions: [].into(),
        ..config()
    };
    let changed = world.client.update_health_check(&made, &wanted, &soon()).await.unwrap();
    assert_eq!((changed.version, &changed.tags), (2, &made.tags));
    assert!(changed.config.inverted && changed.config.disabled && changed.config.port == Some(8443));
    let error = world.client.update_health_check(&made, &config(), &soon()).await.unwrap_err();
    assert_eq!(error.code(), Some("HealthCheckVersionMismatch"));

    // The answer is lost, and the check is what it should be.
    world.turn(json!({ "drops": [{ "operation": "UpdateHealthCheck" }] })).await;
    let back = HealthCheckConfig { port: Some(9443), ..changed.config.clone() };
    let changed = world.client.update_health_check(&changed, &back, &soon()).await.unwrap();
    assert_eq!((changed.version, changed.config.port), (3, Some(9443)));
}

#[tokio::test]
async fn a_check_that_is_gone_is_deleted() {
    let world = World::new().await;
    let made = world.client.create_health_check("mc-1", &config(), &[].into(), &soon()).await.unwrap();
    let run = soon();
    world.client.delete_health_check(&made.id, &run).await.unwrap();
    assert_eq!(world.client.health_check(&made.id, &run).await, Ok(None));
    world.client.delete_health_check(&made.id, &run).await.unwrap();
    world.client.delete_health_check(&HealthCheckId("no-such".to_owned()), &run).await.unwrap();
}

#[tokio::test]
async fn a_plan_for_checks_is_carried_out_and_may_be_repeated() {
    let world = World::new().await;
    let run = soon();
    let owner = CheckOwner { owner: OwnerId::new("shop").unwrap(), name: name("app.example.com") };
    let aws = EndpointName::new("aws").unwrap();
    let desired = |addresses: &[&str]| {
        let target = Target::of_addresses(addresses.iter().map(|address| address.parse().unwrap()));
        let spec = HealthCheckSpec::of(Protocol::Http);
        checks_of(&aws, &target, &spec, Wish::Shared, &owner.name).unwrap()
    };
    let plan = async |addresses: &[&str], generation| {
        let current = world.client.checks_of(&owner, &run).await.unwrap();
        let budget = world.client.health_check_budget(&run).await.unwrap();
        plan_checks(&current, &desired(addresses), &owner, generation, budget).unwrap()
    };
    let both = ["203.0.113.7", "203.0.113.8"];
    let first = plan(&both, 1).await;
    assert_eq!(first.create.len(), 3, "one for each address, and one above them");
    let made = world.client.prepare_checks(&first, &owner, &run).await.unwrap();
    assert_eq!(world.client.prepare_checks(&first, &owner, &run).await.unwrap(), made);
    assert!(plan(&both, 1).await.is_empty());

    // One that was made when the process was killed has no tags yet.
    let one = plan(&["203.0.113.9"], 2).await;
    let new = &one.create[0];
    world.client.create_health_check(&new.caller_reference, &new.config, &[].into(), &run).await.unwrap();
    let again = plan(&["203.0.113.9"], 2).await;
    assert_eq!((again.create.len(), again.tag.len(), again.delete_after.len()), (0, 1, 3));
    world.client.prepare_checks(&again, &owner, &run).await.unwrap();
    assert_eq!(world.client.delete_checks(&again.delete_after, &run).await, []);
    assert!(plan(&["203.0.113.9"], 2).await.is_empty());

    // The reference of a check that was deleted is refused for days; another one will do.
    let back = plan(&both, 1).await;
    assert_eq!(back.create[0].caller_reference, first.create[0].caller_reference);
    let made = world.client.prepare_checks(&back, &owner, &run).await.unwrap();
    assert_eq!(world.client.delete_checks(&back.delete_after, &run).await, []);
    assert_eq!(made.ids.len(), 3);
    assert!(plan(&both, 1).await.is_empty());
}

#[tokio::test]
async fn a_collection_is_made_changed_and_deleted() {
    let world = World::new().await;
    let run = soon();
    let made = world.client.create_cidr_collection("isps", "ref", &run).await.unwrap();
    let change = |action, location: &str, block: &str| CidrChange {
        action,
        location: location.to_owned(),
        blocks: [block.parse().unwrap()].into(),
    };
    let put =
        [change(CidrAction::Put, "one", "198.51.100.0/24"), change(CidrAction::Put, "two", "2001:db8::/32")];
    let id = world.client.change_cidr_collection(&made, &put, &run).await.unwrap();
    world.client.wait_in_sync(&id, &run).await.unwrap();
    let blocks = world.client.cidr_blocks(&made.id, &run).await.unwrap();
    assert_eq!(blocks.keys().collect::<Vec<_>>(), ["one", "two"]);
    assert!(blocks["two"].contains(&"2001:db8::/32".parse().unwrap()));

    let stale = world.client.change_cidr_collection(&made, &put, &run).await.unwrap_err();
    assert_eq!(stale.code(), Some("CidrCollectionVersionMismatchException"));
    let held = world.client.delete_cidr_collection(&made.id, &run).await.unwrap_err();
    assert_eq!(held.code(), Some("CidrCollectionInUseException"));

    let now = world.client.cidr_collections(&run).await.unwrap();
    assert_eq!((now.len(), now[0].version > made.version), (1, true));
    let gone = [
        change(CidrAction::DeleteIfExists, "one", "198.51.100.0/24"),
        change(CidrAction::DeleteIfExists, "two", "2001:db8::/32"),
    ];
    world.client.change_cidr_collection(&now[0], &gone, &run).await.unwrap();
    world.client.delete_cidr_collection(&made.id, &run).await.unwrap();
    world.client.delete_cidr_collection(&made.id, &run).await.unwrap();
    assert!(world.client.cidr_blocks(&made.id, &run).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn what_the_service_would_answer() {
    let world = World::new().await;
    world.zone.apply(&[made("app.example.com", "192.0.2.1")], &soon()).await;
    let (app, a) = (name("app.example.com"), RecordType::a());
    let client = ClientSubnet { address: "198.51.100.0".parse().unwrap(), mask: 24 };
    let answer = world.zone.test_answer(&app, &a, Some(client), &soon()).await.unwrap();
    assert_eq!(
        (answer.response_code.as_str(), answer.values.as_slice()),
        ("NOERROR", ["192.0.2.1".to_owned()].as_slice())
    );
    let missing = name("missing.example.com");
    let answer = world.zone.test_answer(&missing, &a, None, &soon()).await.unwrap();
    assert_eq!((answer.response_code.as_str(), answer.values.len()), ("NXDOMAIN", 0));
}
