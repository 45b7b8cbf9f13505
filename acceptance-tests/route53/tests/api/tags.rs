//! Tags.

use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType, Tag, TagResourceType};

use crate::world::{World, failure};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[tokio::test]
async fn tags_are_added_changed_and_removed() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let change = || {
        world.client.change_tags_for_resource().resource_type(TagResourceType::Hostedzone).resource_id(&zone)
    };
    change().add_tags(tag("owner", "a")).add_tags(tag("name", "")).send().await.unwrap();
    change().add_tags(tag("owner", "b")).remove_tag_keys("name").send().await.unwrap();
    let list =
        world.client.list_tags_for_resource().resource_type(TagResourceType::Hostedzone).resource_id(&zone);
    let set = list.send().await.unwrap().resource_tag_set.unwrap();
    assert_eq!(set.tags.unwrap(), [tag("owner", "b")]);
    assert_eq!(set.resource_id.as_deref(), Some(zone.as_str()));

    let ten = (0..10).map(|number| tag(&format!("k{number}"), "v")).collect();
    assert_eq!(failure(change().set_add_tags(Some(ten)).send().await.unwrap_err()).code, "InvalidInput");
    assert_eq!(failure(change().send().await.unwrap_err()).code, "InvalidInput");
    assert_eq!(failure(change().add_tags(tag("aws:x", "")).send().await.unwrap_err()).code, "InvalidInput");
}

#[tokio::test]
async fn tags_of_several_resources_come_together() {
    let world = World::new().await;
    let config =
        HealthCheckConfig::builder().r#type(HealthCheckType::Http).ip_address("192.0.2.1").build().unwrap();
    let mut ids = Vec::new();
    for reference in ["a", "b"] {
        let request = world
            .client
            .create_health_check()
            .caller_reference(reference)
            .health_check_config(config.clone());
        let id = request.send().await.unwrap().health_check.unwrap().id;
        let request = world.client.change_tags_for_resource().resource_type(TagResourceType::Healthcheck);
        request.resource_id(&id).add_tags(tag("name", reference)).send().await.unwrap();
        ids.push(id);
    }
    let list = || world.client.list_tags_for_resources().resource_type(TagResourceType::Healthcheck);
    let sets = list().set_resource_ids(Some(ids.clone())).send().await.unwrap().resource_tag_sets;
    let names: Vec<_> = sets.iter().map(|set| set.tags()[0].value().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
    let missing = list().resource_ids("none").send().await.unwrap_err();
    assert_eq!(failure(missing).code, "NoSuchHealthCheck");
    world.client.delete_health_check().health_check_id(&ids[0]).send().await.unwrap();
    let gone = list().resource_ids(&ids[0]).send().await.unwrap_err();
    assert_eq!(failure(gone).code, "NoSuchHealthCheck");
}
