//! CIDR collections.

use aws_sdk_route53::types::{CidrCollectionChange, CidrCollectionChangeAction, CidrRoutingConfig};

use crate::world::{Failure, World, a, create, delete, failure};

struct Collection<'a> {
    world: &'a World,
    id: String,
}

impl<'a> Collection<'a> {
    async fn new(world: &'a World, name: &str) -> Self {
        let created =
            world.client.create_cidr_collection().name(name).caller_reference(name).send().await.unwrap();
        assert!(created.location.unwrap().contains("/cidrcollection/"));
        let collection = created.collection.unwrap();
        assert_eq!(collection.version, Some(1));
        Self { world, id: collection.id.unwrap() }
    }

    async fn change(
        &self,
        version: Option<i64>,
        changes: &[(&str, CidrCollectionChangeAction, &[&str])],
    ) -> Result<String, Failure> {
        let change = |(location, action, blocks): &(&str, CidrCollectionChangeAction, &[&str])| {
            let blocks = blocks.iter().map(ToString::to_string).collect();
            let change = CidrCollectionChange::builder().location_name(*location).action(action.clone());
            change.set_cidr_list(Some(blocks)).build().unwrap()
        };
        let changes = changes.iter().map(change).collect();
        let request = self.world.client.change_cidr_collection().id(&self.id).set_collection_version(version);
        request.set_changes(Some(changes)).send().await.map(|changed| changed.id).map_err(failure)
    }

    async fn blocks(&self, location: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        let location = location.map(str::to_owned);
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let request = self.world.client.list_cidr_blocks().collection_id(&self.id).max_results(2);
            let page = request
                .set_location_name(location.clone())
                .set_next_token(token)
                .send()
                .await
                .map_err(failure)?;
            all.extend(page.cidr_blocks().iter().map(|block| {
                (block.location_name().unwrap().to_owned(), block.cidr_block().unwrap().to_owned())
            }));
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }
}

use CidrCollectionChangeAction::{DeleteIfExists, Put};

#[tokio::test]
async fn blocks_are_put_moved_and_deleted_under_a_version() {
    let world = World::new().await;
    let collection = Collection::new(&world, "isps").await;
    let blocks: &[&str] = &["203.0.113.0/24", "2001:db8::/32", "198.51.100.0/24"];
    let change = collection.change(Some(1), &[("a", Put, blocks)]).await.unwrap();
    world.client.get_change().id(change).send().await.unwrap();
    assert_eq!(collection.blocks(None).await.unwrap().len(), 3);
    let stale = collection.change(Some(1), &[("a", Put, &["192.0.2.0/24"])]).await.unwrap_err();
    assert_eq!(stale.code, "CidrCollectionVersionMismatchException");
    let moved: &[&str] = &["203.0.113.0/24"];
    assert_eq!(
        collection.change(None, &[("b", Put, moved)]).await.unwrap_err().code,
        "CidrBlockInUseException"
    );
    collection.change(Some(2), &[("a", DeleteIfExists, moved), ("b", Put, moved)]).await.unwrap();
    assert_eq!(collection.blocks(Some("b")).await.unwrap(), [("b".to_owned(), "203.0.113.0/24".to_owned())]);
    assert_eq!(collection.blocks(Some("c")).await.unwrap_err().code, "NoSuchCidrLocationException");
    assert_eq!(
        collection.change(None, &[("b", Put, &["192.0.2.0/25"])]).await.unwrap_err().code,
        "InvalidInput"
    );
    assert_eq!(
        collection.change(None, &[("*", Put, &["192.0.2.0/24"])]).await.unwrap_err().code,
        "InvalidInput"
    );

    let locations = world.client.list_cidr_locations().collection_id(&collection.id).send().await.unwrap();
    let names: Vec<_> = locations.cidr_locations().iter().filter_map(|each| each.location_name()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let world = World::new().await;
    let zone = world.zone("example.com").await;
    let collection = Collection::new(&world, "isps").await;
    let block: &[&str] = &["203.0.113.0/24"];
    collection.change(None, &[("a", Put, block)]).await.unwrap();
    let config =
        CidrRoutingConfig::builder().collection_id(&collection.id).location_name("a").build().unwrap();
    let set = a("www.example.com", "192.0.2.1").set_identifier("a").cidr_routing_config(config);
    world.change(&zone, [create(set.clone())]).await.unwrap();
    assert_eq!(
        collection.change(None, &[("a", DeleteIfExists, block)]).await.unwrap_err().code,
        "CidrBlockInUseException"
    );
    world.change(&zone, [delete(set)]).await.unwrap();
    let delete = || world.client.delete_cidr_collection().id(&collection.id).send();
    assert_eq!(failure(delete().await.unwrap_err()).code, "CidrCollectionInUseException");
    collection.change(None, &[("a", DeleteIfExists, block)]).await.unwrap();
    delete().await.unwrap();
    assert_eq!(failure(delete().await.unwrap_err()).code, "NoSuchCidrCollectionException");
}

#[tokio::test]
async fn an_account_has_five_collections_of_different_names() {
    let world = World::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        Collection::new(&world, name).await;
    }
    let create = |name: &str, reference: &str| {
        world.client.create_cidr_collection().name(name).caller_reference(reference).send()
    };
    create("a", "a").await.unwrap();
    assert_eq!(failure(create("a", "other").await.unwrap_err()).code, "CidrCollectionAlreadyExistsException");
    assert_eq!(failure(create("f", "f").await.unwrap_err()).code, "LimitsExceeded");
    let first = world.client.list_cidr_collections().max_results(3).send().await.unwrap();
    assert_eq!(first.cidr_collections().len(), 3);
    let rest = world.client.list_cidr_collections().set_next_token(first.next_token).send().await.unwrap();
    assert_eq!((rest.cidr_collections().len(), rest.next_token), (2, None));
}
