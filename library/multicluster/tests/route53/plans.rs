//! The whole way, as a program without Terraform goes it: read, compile, plan, apply.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use multicluster::{
    core::{
        dns::{EndpointName, Node, Place},
        route53::{
            HealthChecks, Naming, OwnerId, Plan, RecordName, RecordType, Target, Wanted, compile, plan,
        },
    },
    route53::{Applied, Effect, Freshness, Zone},
};
use route53_emulator::Knobs;
use tokio::time::Instant;

use crate::world::{World, key, name, soon};

/// Europe is answered by one endpoint, everybody else by the other.
fn tree(europe: &str, others: &str) -> Node {
    let leaf = |endpoint: &str| Node::Endpoint(EndpointName::new(endpoint).unwrap());
    let europe = (Place::parse_key("continent/EU").unwrap(), leaf(europe));
    Node::Geolocation([europe, (Place::Everywhere, leaf(others))].into())
}

/// A plan from what stands now.
async fn planned(zone: &Zone, app: &RecordName, tree: Option<&Node>) -> Plan {
    planned_from(zone, app, tree, Freshness::Since(Instant::now())).await
}

async fn planned_from(zone: &Zone, app: &RecordName, tree: Option<&Node>, freshness: Freshness) -> Plan {
    let run = soon();
    let around = zone.around(app, freshness, &run).await.unwrap();
    let naming = Naming {
        zone_id: zone.id().to_owned(),
        zone: around.zone,
        name: app.clone(),
        ttl: 60,
        cidr_collection: None,
    };
    let targets: BTreeMap<_, _> = [("azure", "20.50.2.3"), ("aws", "3.5.7.9"), ("gcp", "34.1.2.3")]
        .map(|(it, at)| (EndpointName::new(it).unwrap(), Target::of_addresses([at.parse().unwrap()])))
        .into();
    let sets = tree.map(|tree| compile(tree, &naming, &targets, &HealthChecks::default()).unwrap());
    let (owner, takeover) = (OwnerId::new("shop").unwrap(), BTreeSet::new());
    let sets = sets.unwrap_or_default();
    let wanted = Wanted { name: app, sets: &sets, owner: &owner, renamed_from: None, takeover: &takeover };
    plan(&around.listing.sets, &wanted).unwrap()
}

fn done(applied: &Applied) {
    assert!(applied.is_success(), "{applied:?}");
    assert!(applied.effects.iter().all(|effect| *effect == Effect::InSync), "{applied:?}");
}

#[tokio::test]
async fn a_name_is_made_changed_and_given_up() {
    let world = World::new().await;
    let (app, run) = (name("app.example.com"), soon());
    let create = planned(&world.zone, &app, Some(&tree("azure", "aws"))).await;
    assert_eq!(create.changes.len(), 2);
    done(&world.zone.apply(&create.batches, &run).await);

    let same = planned(&world.zone, &app, Some(&tree("azure", "aws"))).await;
    assert!(same.batches.is_empty(), "{same:?}");

    let change = planned(&world.zone, &app, Some(&tree("gcp", "aws"))).await;
    assert_eq!(change.generation, create.generation + 1);
    world.calls().await;
    done(&world.zone.apply(&change.batches, &run).await);
    assert_eq!(world.calls().await, ["ChangeResourceRecordSets", "GetChange"]);
    let listing = world.zone.list(Freshness::Cached, &run).await.unwrap();
    assert!(listing.get(&key("app.example.com", RecordType::a(), Some("gcp-eu"))).is_some(), "{listing:?}");

    // A plan that was made before somebody else's change overwrites nothing.
    let late = planned(&world.zone, &app, Some(&tree("azure", "gcp"))).await;
    let stranger = world.stranger().await;
    done(&stranger.apply(&planned(&stranger, &app, Some(&tree("aws", "gcp"))).await.batches, &run).await);
    assert!(!world.zone.apply(&late.batches, &run).await.is_success());

    let destroy = planned(&world.zone, &app, None).await;
    done(&world.zone.apply(&destroy.batches, &run).await);
    let left = world.zone.list(Freshness::Since(Instant::now()), &run).await.unwrap();
    let types: Vec<_> = left.sets.iter().map(|set| set.key.r#type.0.as_str()).collect();
    assert_eq!(types, ["NS", "SOA"]);
}

#[tokio::test]
async fn ten_names_at_once_cost_few_requests() {
    // As slow as a network: what comes meanwhile travels together.
    let world = World::with(Knobs { delay_ms: 150, ..Knobs::default() }).await;
    let names: Vec<_> = (0..10).map(|number| name(&format!("app-{number}.example.com"))).collect();
    let tree = tree("azure", "aws");
    let apply = async |app: &RecordName| {
        let plan = planned(&world.zone, app, Some(&tree)).await;
        world.zone.apply(&plan.batches, &soon()).await
    };
    for applied in futures::future::join_all(names.iter().map(apply)).await {
        done(&applied);
    }
    let calls = world.calls().await;
    let count = |operation: &str| calls.iter().filter(|call| *call == operation).count();
    assert_eq!(count("GetHostedZone"), 0, "the first page tells the zone's name");
    assert!(count("ListResourceRecordSets") <= 3 && count("ChangeResourceRecordSets") <= 4, "{calls:?}");
    assert!(calls.len() <= 12, "{calls:?}");
}

/// What one run over `count` names asks of the service, ten names at a time as Terraform does it, as a new process.
async fn requests(world: &World, count: usize, tree: Option<&Node>) -> usize {
    let zone = world.stranger().await;
    let names: Vec<_> = (0..count).map(|number| name(&format!("app-{number}.example.com"))).collect();
    let run = async |app: &RecordName| {
        // The owner's mark tells whether somebody was quicker, so that the zone is not read for each name.
        let plan = planned_from(&zone, app, tree, Freshness::Cached).await;
        if !plan.batches.is_empty() {
            done(&zone.apply(&plan.batches, &soon()).await);
        }
    };
    futures::stream::iter(names.iter()).map(run).buffer_unordered(10).collect::<()>().await;
    world.calls().await.len()
}

#[tokio::test]
async fn requests_grow_with_the_zone_and_not_with_its_names() {
    let (first, second) = (tree("azure", "aws"), tree("gcp", "aws"));
    for (count, limits) in [(1, [3, 1, 3, 3]), (10, [11, 1, 11, 11]), (100, [80, 10, 80, 80])] {
        let world = World::with(Knobs { delay_ms: 30, ..Knobs::default() }).await;
        let create = requests(&world, count, Some(&first)).await;
        let same = requests(&world, count, Some(&first)).await;
        let change = requests(&world, count, Some(&second)).await;
        let destroy = requests(&world, count, None).await;
        let found = [create, same, change, destroy];
        println!("{count} names: create, nothing, change, destroy take {found:?} requests");
        assert!(
            found.iter().zip(limits).all(|(found, limit)| *found <= limit),
            "{count}: {found:?}, {limits:?}"
        );
    }
}
