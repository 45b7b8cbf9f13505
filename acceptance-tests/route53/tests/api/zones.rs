//! Hosted zones.

use aws_sdk_route53::types::{
    AccountLimitType, HostedZoneConfig, HostedZoneLimitType, RrType, Vpc, VpcRegion,
};

use crate::world::{World, a, create, delete, failure};

#[tokio::test]
async fn a_new_zone_has_its_own_sets_and_its_place() {
    let world = World::new().await;
    let created = world
        .client
        .create_hosted_zone()
        .name("Example.COM")
        .caller_reference("one")
        .hosted_zone_config(HostedZoneConfig::builder().comment("first").build())
        .send()
        .await
        .unwrap();
    assert!(created.location.contains("/2013-04-01/hostedzone/Z"));
    assert_eq!(created.delegation_set.unwrap().name_servers.len(), 4);
    let zone = created.hosted_zone.unwrap();
    assert_eq!((zone.name.as_str(), zone.resource_record_set_count), ("example.com.", Some(2)));
    let config = zone.config.unwrap();
    assert_eq!((config.comment.as_deref(), config.private_zone), (Some("first"), false));
    assert_eq!(created.change_info.unwrap().status.as_str(), "PENDING");

    let sets = world.sets(&zone.id).await;
    let listed: Vec<_> = sets.iter().map(|set| (set.r#type.clone(), set.ttl)).collect();
    assert_eq!(listed, [(RrType::Ns, Some(172_800)), (RrType::Soa, Some(900))]);

    let again = world.client.create_hosted_zone().name("example.org").caller_reference("one").send().await;
    assert_eq!(failure(again.unwrap_err()).code, "HostedZoneAlreadyExists");
    for name in ["com", "a..b"] {
        let bad = world.client.create_hosted_zone().name(name).caller_reference(name).send().await;
        assert_eq!(failure(bad.unwrap_err()).code, "InvalidDomainName", "{name}");
    }
}

#[tokio::test]
async fn only_an_empty_zone_is_deleted() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    world.change(&zone, [create(a("www.example.com", "192.0.2.1"))]).await.unwrap();
    let refused = world.client.delete_hosted_zone().id(&zone).send().await.unwrap_err();
    assert_eq!(failure(refused).code, "HostedZoneNotEmpty");
    world.change(&zone, [delete(a("www.example.com", "192.0.2.1"))]).await.unwrap();
    let deleted = world.client.delete_hosted_zone().id(&zone).send().await.unwrap();
    let change = world.client.get_change().id(deleted.change_info.unwrap().id).send().await.unwrap();
    assert_eq!(change.change_info.unwrap().status.as_str(), "INSYNC");
    let gone = world.client.get_hosted_zone().id(&zone).send().await.unwrap_err();
    assert_eq!(failure(gone).code, "NoSuchHostedZone");
}

#[tokio::test]
async fn private_zones_have_a_vpc() {
    let world = World::new().await;
    let private = HostedZoneConfig::builder().private_zone(true).build();
    let request = |reference: &str| {
        world
            .client
            .create_hosted_zone()
            .name("corp.internal")
            .caller_reference(reference)
            .hosted_zone_config(private.clone())
    };
    let refused = request("without").send().await.unwrap_err();
    assert_eq!(failure(refused).code, "InvalidInput");
    let vpc = Vpc::builder().vpc_id("vpc-1").vpc_region(VpcRegion::EuCentral1).build();
    let created = request("with").vpc(vpc.clone()).send().await.unwrap();
    // The model says that there is one, so that the SDK makes up an empty one.
    assert!(created.delegation_set.is_none_or(|set| set.name_servers.is_empty()));
    let id = created.hosted_zone.unwrap().id;
    let zone = world.client.get_hosted_zone().id(&id).send().await.unwrap();
    assert_eq!(zone.vpcs.unwrap(), std::slice::from_ref(&vpc));
    let conflict = request("again").vpc(vpc).send().await.unwrap_err();
    assert_eq!(failure(conflict).code, "ConflictingDomainExists");

    let vpcs = HostedZoneLimitType::MaxVpcsAssociatedByZone;
    let limit =
        world.client.get_hosted_zone_limit().hosted_zone_id(&id).r#type(vpcs.clone()).send().await.unwrap();
    assert_eq!((limit.limit.unwrap().value, limit.count), (300, 1));
    let public = world.zone("example.com").await;
    let refused = world.client.get_hosted_zone_limit().hosted_zone_id(&public).r#type(vpcs).send().await;
    assert_eq!(failure(refused.unwrap_err()).code, "HostedZoneNotPrivate");
}

#[tokio::test]
async fn zones_are_listed_by_creation_and_by_name() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["b.example", "a.example", "z.a.example"] {
        ids.push(format!("/hostedzone/{}", world.zone(name).await));
    }
    let mut listed = Vec::new();
    let mut marker = None;
    loop {
        let page = world.client.list_hosted_zones().max_items(2).set_marker(marker).send().await.unwrap();
        assert!(page.hosted_zones.len() <= 2);
        listed.extend(page.hosted_zones.into_iter().map(|zone| zone.id));
        marker = page.next_marker;
        if !page.is_truncated {
            break;
        }
    }
    assert_eq!(listed, ids);

    let by_name = |name: Option<&str>, id: Option<String>| {
        let name = name.map(str::to_owned);
        world.client.list_hosted_zones_by_name().max_items(2).set_dns_name(name).set_hosted_zone_id(id).send()
    };
    let first = by_name(None, None).await.unwrap();
    let names: Vec<_> = first.hosted_zones.iter().map(|zone| zone.name.as_str()).collect();
    assert_eq!(names, ["a.example.", "z.a.example."]);
    assert_eq!(first.next_dns_name.as_deref(), Some("b.example."));
    let second = by_name(first.next_dns_name.as_deref(), first.next_hosted_zone_id).await.unwrap();
    assert_eq!(second.hosted_zones.len(), 1);
    let from = by_name(Some("aa.example"), None).await.unwrap();
    assert_eq!(from.hosted_zones[0].name, "b.example.");
    let id_alone = by_name(None, Some("Z1".to_owned())).await.unwrap_err();
    assert_eq!(failure(id_alone).code, "InvalidInput");
}

#[tokio::test]
async fn comments_counts_and_limits() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let updated = world.client.update_hosted_zone_comment().id(&zone).comment("new").send().await.unwrap();
    assert_eq!(updated.hosted_zone.unwrap().config.unwrap().comment.as_deref(), Some("new"));
    assert_eq!(world.client.get_hosted_zone_count().send().await.unwrap().hosted_zone_count, 1);
    let sets = HostedZoneLimitType::MaxRrsetsByZone;
    let limit = world.client.get_hosted_zone_limit().hosted_zone_id(&zone).r#type(sets).send().await.unwrap();
    assert_eq!((limit.limit.unwrap().value, limit.count), (10_000, 2));
    let dnssec = world.client.get_dnssec().hosted_zone_id(&zone).send().await.unwrap();
    assert_eq!(dnssec.status.unwrap().serve_signature.as_deref(), Some("NOT_SIGNING"));
    let checks = AccountLimitType::MaxHealthChecksByOwner;
    let limit = world.client.get_account_limit().r#type(checks).send().await.unwrap();
    assert_eq!((limit.limit.unwrap().value, limit.count), (200, 0));
}
