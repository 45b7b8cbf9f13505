//! Health checks.

use aws_sdk_route53::types::{
    HealthCheckConfig, HealthCheckRegion, HealthCheckType, ResettableElementName,
    builders::HealthCheckConfigBuilder,
};
use route53_emulator::Knobs;

use crate::world::{Failure, World, a, create, delete, failure};

fn https() -> HealthCheckConfigBuilder {
    HealthCheckConfig::builder()
        .r#type(HealthCheckType::Https)
        .ip_address("192.0.2.1")
        .fully_qualified_domain_name("app.example.com")
        .resource_path("/healthz")
}

async fn make(
    world: &World,
    reference: &str,
    config: HealthCheckConfigBuilder,
) -> Result<aws_sdk_route53::types::HealthCheck, Failure> {
    let request = world.client.create_health_check().caller_reference(reference);
    let created = request.health_check_config(config.build().unwrap()).send().await.map_err(failure)?;
    assert!(created.location.contains("/healthcheck/"));
    Ok(created.health_check.unwrap())
}

#[tokio::test]
async fn a_reference_makes_one_check() {
    let world = World::new().await;
    let first = make(&world, "r1", https()).await.unwrap();
    let config = first.health_check_config.as_ref().unwrap();
    assert_eq!(
        (config.port, config.request_interval, config.failure_threshold),
        (Some(443), Some(30), Some(3))
    );
    assert_eq!((config.enable_sni, config.regions.as_ref().unwrap().len()), (Some(true), 8));
    assert_eq!(first.health_check_version, 1);
    assert_eq!(make(&world, "r1", https()).await.unwrap().id, first.id);
    assert_eq!(make(&world, "r1", https().port(444)).await.unwrap_err().code, "HealthCheckAlreadyExists");
    assert_ne!(make(&world, "r2", https()).await.unwrap().id, first.id);
    assert_eq!(world.client.get_health_check_count().send().await.unwrap().health_check_count, 2);
    world.client.delete_health_check().health_check_id(&first.id).send().await.unwrap();
    assert_eq!(make(&world, "r1", https()).await.unwrap_err().code, "HealthCheckAlreadyExists");
    let again = world.client.delete_health_check().health_check_id(&first.id).send().await.unwrap_err();
    assert_eq!(failure(again).code, "NoSuchHealthCheck");
}

#[rstest::rstest]
#[case::interval(https().request_interval(15), "RequestInterval")]
#[case::threshold(https().failure_threshold(11), "FailureThreshold")]
#[case::regions(https().regions(HealthCheckRegion::UsEast1).regions(HealthCheckRegion::EuWest1), "Regions")]
#[case::private_address(https().ip_address("10.1.2.3"), "10.1.2.3")]
#[case::no_endpoint(HealthCheckConfig::builder().r#type(HealthCheckType::Http), "IPAddress or FullyQualifiedDomainName")]
#[case::string_without_match(https().search_string("ok"), "SearchString")]
#[case::match_without_string(https().r#type(HealthCheckType::HttpsStrMatch), "SearchString")]
#[case::tcp_without_port(HealthCheckConfig::builder().r#type(HealthCheckType::Tcp).ip_address("192.0.2.1"), "Port")]
#[case::calculated_with_address(https().r#type(HealthCheckType::Calculated).health_threshold(1), "IPAddress")]
#[case::alarm_missing(HealthCheckConfig::builder().r#type(HealthCheckType::CloudwatchMetric), "AlarmIdentifier")]
#[case::unknown_child(
    HealthCheckConfig::builder().r#type(HealthCheckType::Calculated).health_threshold(1).child_health_checks("none"),
    "none"
)]
#[case::port(https().port(70_000), "Port")]
#[tokio::test]
async fn checks_that_cannot_be_are_refused(#[case] config: HealthCheckConfigBuilder, #[case] about: &str) {
    let world = World::new().await;
    let refused = make(&world, "r", config).await.unwrap_err();
    assert_eq!(refused.code, "InvalidInput");
    assert!(refused.message.contains(about), "{}", refused.message);
}

#[tokio::test]
async fn documentation_addresses_are_refused_on_request() {
    let world = World::with(Knobs { strict_addresses: true, ..Knobs::default() }).await;
    assert_eq!(make(&world, "r", https()).await.unwrap_err().code, "InvalidInput");
    make(&world, "r", https().ip_address("20.50.1.1")).await.unwrap();
}

#[tokio::test]
async fn updates_hold_the_version_and_leave_the_rest() {
    let world = World::new().await;
    let check = make(&world, "r", https()).await.unwrap();
    let update = || world.client.update_health_check().health_check_id(&check.id);
    let updated = update().health_check_version(1).disabled(true).inverted(true).send().await.unwrap();
    let updated = updated.health_check.unwrap();
    let config = updated.health_check_config.unwrap();
    assert_eq!((updated.health_check_version, config.disabled, config.inverted), (2, Some(true), Some(true)));
    assert_eq!((config.resource_path.as_deref(), config.regions.unwrap().len()), (Some("/healthz"), 8));
    let stale = update().health_check_version(1).disabled(false).send().await.unwrap_err();
    assert_eq!(failure(stale).code, "HealthCheckVersionMismatch");
    let reset = update().reset_elements(ResettableElementName::ResourcePath).send().await.unwrap();
    assert_eq!(reset.health_check.unwrap().health_check_config.unwrap().resource_path, None);
    let endpoint =
        update().reset_elements(ResettableElementName::FullyQualifiedDomainName).send().await.unwrap();
    assert_eq!(endpoint.health_check.unwrap().health_check_version, 4);

    let named = https().set_ip_address(None);
    let named = make(&world, "named", named).await.unwrap();
    let added =
        world.client.update_health_check().health_check_id(named.id).ip_address("192.0.2.7").send().await;
    assert_eq!(failure(added.unwrap_err()).code, "InvalidInput");
}

#[tokio::test]
async fn immutable_fields_are_no_part_of_an_update() {
    let world = World::new().await;
    let check = make(&world, "r", https()).await.unwrap();
    for field in
        ["Type>TCP</Type", "RequestInterval>10</RequestInterval", "MeasureLatency>true</MeasureLatency"]
    {
        let body = format!("<UpdateHealthCheckRequest><{field}></UpdateHealthCheckRequest>");
        let response = world.raw("POST", &format!("/2013-04-01/healthcheck/{}", check.id), &body).await;
        assert_eq!(response.status, 400, "{field}");
        assert!(response.body.contains("<Code>InvalidInput</Code>"), "{}", response.body);
    }
}

#[tokio::test]
async fn checks_are_listed_by_pages() {
    let world = World::new().await;
    for number in 0..5 {
        make(&world, &format!("r{number}"), https()).await.unwrap();
    }
    let mut ids = Vec::new();
    let mut marker = None;
    loop {
        let page = world.client.list_health_checks().max_items(2).set_marker(marker).send().await.unwrap();
        ids.extend(page.health_checks.into_iter().map(|check| check.id));
        marker = page.next_marker;
        if !page.is_truncated {
            break;
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn a_check_may_go_before_the_sets_that_name_it() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let check = make(&world, "r", https()).await.unwrap();
    let set = a("www.example.com", "192.0.2.1").health_check_id(&check.id);
    world.change(&zone, [create(set.clone())]).await.unwrap();
    world.client.delete_health_check().health_check_id(&check.id).send().await.unwrap();
    let other = a("other.example.com", "192.0.2.1").health_check_id(&check.id);
    assert_eq!(world.change(&zone, [create(other)]).await.unwrap_err().code, "NoSuchHealthCheck");
    world.change(&zone, [delete(set)]).await.unwrap();
}

#[tokio::test]
async fn checkers_say_what_a_test_has_set() {
    let world = World::new().await;
    let check = make(&world, "r", https()).await.unwrap();
    let status = || world.client.get_health_check_status().health_check_id(&check.id).send();
    let reason = || world.client.get_health_check_last_failure_reason().health_check_id(&check.id).send();
    let text = |observations: Vec<aws_sdk_route53::types::HealthCheckObservation>| {
        assert_eq!(observations.len(), 8);
        observations[0].status_report.as_ref().unwrap().status.clone().unwrap()
    };
    assert!(text(status().await.unwrap().health_check_observations).starts_with("Success"));
    assert!(reason().await.unwrap().health_check_observations.is_empty());
    let sick = serde_json::json!({"checks": {&check.id: "unhealthy"}});
    let health = world.control("POST", "/health", sick).await;
    assert_eq!(health["statuses"][&check.id], "unhealthy");
    assert!(text(status().await.unwrap().health_check_observations).starts_with("Failure"));
    assert!(text(reason().await.unwrap().health_check_observations).starts_with("Failure"));
}

#[tokio::test]
async fn an_account_has_two_hundred_checks() {
    let world = World::new().await;
    for number in 0..200 {
        make(&world, &format!("r{number}"), https()).await.unwrap();
    }
    assert_eq!(make(&world, "one more", https()).await.unwrap_err().code, "TooManyHealthChecks");
    make(&world, "r199", https()).await.unwrap();
}
