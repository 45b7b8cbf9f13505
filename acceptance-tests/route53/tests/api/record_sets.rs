//! Record sets: listings, batches, changes.

use aws_sdk_route53::types::{
    ChangeAction, CidrRoutingConfig, Coordinates, GeoLocation, GeoProximityLocation, ResourceRecordSet,
    ResourceRecordSetFailover, ResourceRecordSetRegion, RrType,
};
use route53_emulator::Knobs;

use crate::world::{World, a, alias, change, create, delete, failure};

fn names(sets: &[ResourceRecordSet]) -> Vec<(&str, Option<&str>)> {
    let own = |set: &&ResourceRecordSet| !matches!(set.r#type, RrType::Ns | RrType::Soa);
    sets.iter().filter(own).map(|set| (set.name.as_str(), set.set_identifier.as_deref())).collect()
}

#[tokio::test]
async fn a_batch_is_applied_whole_or_not_at_all() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let info = world.change(&zone, [create(a("*.Example.com", "192.0.2.1"))]).await.unwrap();
    assert!(info.id.starts_with("/change/C"));
    let failure = world
        .change(
            &zone,
            [
                create(a("new.example.com", "192.0.2.2")),
                create(a("*.example.com", "192.0.2.3")),
                delete(a("no.example.com", "192.0.2.4")),
            ],
        )
        .await
        .unwrap_err();
    assert_eq!(failure.code, "InvalidChangeBatch");
    assert_eq!(
        failure.message,
        r"[Tried to create resource record set [name='\052.example.com.', type='A'] but it already exists, Tried to delete resource record set [name='no.example.com.', type='A'] but it was not found]"
    );
    assert_eq!(names(&world.sets(&zone).await), [(r"\052.example.com.", None)]);
}

#[tokio::test]
async fn every_policy_comes_back_as_it_was_written() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let collection =
        world.client.create_cidr_collection().name("isps").caller_reference("c").send().await.unwrap();
    let collection = collection.collection.unwrap().id.unwrap();
    let place = GeoProximityLocation::builder()
        .coordinates(Coordinates::builder().latitude("50.11").longitude("-8.6").build().unwrap())
        .bias(-7)
        .build();
    let cidr = CidrRoutingConfig::builder().collection_id(collection).location_name("*").build().unwrap();
    let texas = GeoLocation::builder().country_code("US").subdivision_code("TX").build();
    let sets = [
        a("weighted.example.com", "192.0.2.1").set_identifier("x").weight(0),
        a("latency.example.com", "192.0.2.1")
            .set_identifier("x")
            .region(ResourceRecordSetRegion::from("mx-central-1")),
        a("geo.example.com", "192.0.2.1").set_identifier("x").geo_location(texas),
        a("failover.example.com", "192.0.2.1")
            .set_identifier("x")
            .failover(ResourceRecordSetFailover::Secondary),
        a("multivalue.example.com", "192.0.2.1").set_identifier("x").multi_value_answer(true),
        a("proximity.example.com", "192.0.2.1").set_identifier("x").geo_proximity_location(place),
        a("cidr.example.com", "192.0.2.1").set_identifier("x").cidr_routing_config(cidr),
        alias("alias.example.com", "Z215JYRZR1TBD5", "lb.eu-central-1.elb.amazonaws.com."),
    ];
    world.change(&zone, sets.clone().map(create)).await.unwrap();
    let mut listed = world.sets(&zone).await;
    listed.retain(|set| set.r#type == RrType::A);
    for set in &sets {
        let mut written = set.clone().build().unwrap();
        written.name.push('.');
        assert!(listed.contains(&written), "{written:?} is not in {listed:?}");
    }
    // What is listed can be deleted as it is.
    let deletes = listed.into_iter().map(|set| {
        aws_sdk_route53::types::Change::builder()
            .action(ChangeAction::Delete)
            .resource_record_set(set)
            .build()
            .unwrap()
    });
    world.change(&zone, deletes).await.unwrap();
    assert_eq!(world.sets(&zone).await.len(), 2);
}

#[tokio::test]
async fn pages_go_through_the_sets_of_one_name() {
    let world = World::with(Knobs { page_size: Some(2), ..Knobs::default() }).await;
    let zone = world.zone("example.com").await;
    let weighted = (0..5).map(|number| {
        create(
            a("www.example.com", &format!("192.0.2.{number}")).set_identifier(format!("s{number}")).weight(1),
        )
    });
    world.change(&zone, weighted).await.unwrap();
    let sets = world.sets(&zone).await;
    let expected: Vec<String> = (0..5).map(|number| format!("s{number}")).collect();
    let found: Vec<_> = names(&sets).into_iter().filter_map(|(_, identifier)| identifier).collect();
    assert_eq!(found, expected);
    assert_eq!(sets.len(), 7);
}

#[tokio::test]
async fn listings_start_where_they_are_told() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let addresses = ["a.example.com", "b.example.com", "z.a.example.com"];
    world.change(&zone, addresses.map(|name| create(a(name, "192.0.2.1")))).await.unwrap();
    let list = || world.client.list_resource_record_sets().hosted_zone_id(&zone);
    let page = list().start_record_name("B.example.com").send().await.unwrap();
    assert_eq!(names(&page.resource_record_sets), [("b.example.com.", None)]);
    let page =
        list().start_record_name("a.example.com").start_record_type(RrType::Aaaa).send().await.unwrap();
    assert_eq!(names(&page.resource_record_sets), [("z.a.example.com.", None), ("b.example.com.", None)]);
    let page = list().max_items(1).send().await.unwrap();
    assert_eq!((page.resource_record_sets.len(), page.is_truncated, page.max_items), (1, true, 1));
    let alone = list().start_record_type(RrType::A).send().await.unwrap_err();
    assert_eq!(failure(alone).code, "InvalidInput");
    let missing = world.client.list_resource_record_sets().hosted_zone_id("ZNONE").send().await.unwrap_err();
    assert_eq!(failure(missing).code, "NoSuchHostedZone");
}

#[tokio::test]
async fn a_change_is_pending_for_its_time() {
    let world = World::with(Knobs { insync_after_ms: 3_600_000, ..Knobs::default() }).await;
    let zone = world.zone("example.com").await;
    let info = world.change(&zone, [create(a("www.example.com", "192.0.2.1"))]).await.unwrap();
    let status = async || {
        let change = world.client.get_change().id(&info.id).send().await.unwrap();
        change.change_info.unwrap().status.as_str().to_owned()
    };
    let served = || world.emulator.snapshot().zone(&zone).unwrap().record_sets.len();
    assert_eq!((info.status.as_str(), status().await.as_str()), ("PENDING", "PENDING"));
    assert_eq!(world.sets(&zone).await.len(), 3, "the API lists what is pending");
    assert_eq!(served(), 2, "DNS does not know it yet");
    world.control("POST", "/insync", serde_json::Value::Null).await;
    assert_eq!((status().await.as_str(), served()), ("INSYNC", 3));
    let unknown = world.client.get_change().id("C0000").send().await.unwrap_err();
    assert_eq!(failure(unknown).code, "NoSuchChange");
}

#[tokio::test]
async fn a_zone_holds_ten_thousand_sets() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let template = serde_json::json!({
        "Name": "r{i}.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "{ip}"}]
    });
    let seed = serde_json::json!({"generate": {"count": 9_998, "template": template}});
    world.control("POST", &format!("/zones/{zone}/record-sets"), seed).await;
    let refused = world.change(&zone, [create(a("one-more.example.com", "192.0.2.1"))]).await.unwrap_err();
    assert_eq!(refused.code, "InvalidChangeBatch");
    assert!(refused.message.contains("limit of 10000 exceeded"), "{}", refused.message);
    let swap = [delete(a("r7.example.com", "10.0.0.7")), create(a("one-more.example.com", "192.0.2.1"))];
    world.change(&zone, swap).await.unwrap();
    assert_eq!(world.sets(&zone).await.len(), 10_000);
}

#[tokio::test]
async fn aliases_are_written_before_and_deleted_after_their_targets() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let (leaf, root) =
        (a("leaf.example.com", "192.0.2.1"), alias("root.example.com", &zone, "leaf.example.com"));
    let wrong = world.change(&zone, [create(root.clone()), create(leaf.clone())]).await.unwrap_err();
    assert!(wrong.message.contains("but that target was not found"), "{}", wrong.message);
    world.change(&zone, [create(leaf.clone()), create(root.clone())]).await.unwrap();
    let wrong = world.change(&zone, [delete(leaf.clone()), delete(root.clone())]).await.unwrap_err();
    assert_eq!(wrong.code, "InvalidChangeBatch");
    let upsert = change(ChangeAction::Upsert, a("leaf.example.com", "192.0.2.9"));
    world.change(&zone, [upsert]).await.unwrap();
    let policy = a("leaf.example.com", "192.0.2.9").set_identifier("x").weight(1);
    let switch = [delete(a("leaf.example.com", "192.0.2.9")), create(policy.clone())];
    world.change(&zone, switch).await.unwrap();
    world.change(&zone, [delete(root), delete(policy)]).await.unwrap();
}
