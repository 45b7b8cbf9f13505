//! The data plane leads requests as objects say, and loses those that a real one would lose.

use std::time::Duration;

use acceptance_tests::dataplane::{Behavior, CONTROLLER, RouteStatus, Who};
use acceptance_tests::lab::wait;
use acceptance_tests::traffic::{Generator, Load, Target};
use acceptance_tests::{Crds, DataPlaneOptions};
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::shop::{LIMIT, Shop, expect_share, weights};
use crate::world::World;

/// As much as two cores can do beside three control planes.
const FAST: Load =
    Load { keep_alive: 3, fresh: 1, every: Duration::from_millis(4), patience: Duration::from_secs(5) };

/// A gentle load, whose every request matters.
const STEADY: Load =
    Load { keep_alive: 2, fresh: 2, every: Duration::from_millis(20), patience: Duration::from_secs(5) };

pub(crate) async fn weights_of_a_route_are_kept(world: &'static World) -> anyhow::Result<()> {
    world.lab.install_crds("aws", Crds::GatewayApi).await?;
    let shop = Shop::new(world, "aws", "lab-route").await?;
    shop.color("blue", "shop:1", 2).await?;
    shop.color("green", "shop:2", 2).await?;
    let canary = json!({
        "matches": [{"headers": [{"name": "x-canary", "value": "yes"}]}],
        "backendRefs": [{"name": "shop-green", "port": 80}],
    });
    shop.route(&weights(80, 20)).await?;
    for color in ["blue", "green"] {
        shop.ready(color, 2).await?;
    }
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    let users = Generator::start(vec![Target::new(&plane, "shop.example.com")], FAST);
    users.wait_for(1000, LIMIT).await?;

    // The first requests after the change still go by the old weights.
    users.phase("change");
    shop.route(&weights(0, 1)).await?;
    wait::until("all requests go to green", LIMIT, async || {
        users.phase("green");
        users.wait_for(50, LIMIT).await?;
        let report = users.report();
        let last: Vec<_> = report.records().iter().rev().take(40).collect();
        let first = last.last().context("there are requests")?.begun;
        Ok(report.last_of("1").is_none_or(|old| old < first).then_some(()))
    })
    .await?;
    users.phase("after");
    users.wait_for(200, LIMIT).await?;
    let report = users.stop().await;
    let start = report.in_phase("start");
    ensure!(report.overall().lost() == 0, "{report}");
    expect_share(start.of("2"), start.all(), 20)?;
    ensure!(report.in_phase("after").of("1") == 0, "{report}");

    // By a header only, and a copy of a quarter of all other requests.
    let route = shop.routes();
    let mirror = json!({
        "filters": [{"type": "RequestMirror", "requestMirror": {
            "backendRef": {"name": "shop-green", "port": 80}, "percent": 25,
        }}],
        "backendRefs": [{"name": "shop-blue", "port": 80}, {"name": "missing", "port": 80}],
    });
    let patch = json!({"spec": {"rules": [canary, mirror]}});
    route.patch("shop", &PatchParams::default(), &Patch::Merge(&patch)).await?;
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    let target = Target::new(&plane, "shop.example.com");
    let canary = Target {
        name: "canary".to_owned(),
        headers: [("x-canary".to_owned(), "yes".to_owned())].into(),
        ..target.clone()
    };
    let users = Generator::start(vec![target, canary], FAST);
    users.wait_for(1000, LIMIT).await?;
    let report = users.stop().await;
    let (all, canary) = (report.total("start", "aws"), report.total("start", "canary"));
    ensure!(canary.of("2") == canary.all(), "{report}");
    ensure!(all.lost == [("500".to_owned(), all.lost())].into(), "{report}");
    expect_share(all.lost(), all.all(), 50)?;
    expect_share(all.of("1"), all.all(), 50)?;
    let mirrored = plane.counters().count(|counted| counted.mirrored && counted.version == "2");
    expect_share(mirrored, all.all(), 25)
}

pub(crate) async fn weights_of_a_virtual_service_are_kept(world: &'static World) -> anyhow::Result<()> {
    world.lab.install_crds("azure", Crds::Istio).await?;
    let shop = Shop::new(world, "azure", "lab-virtual").await?;
    shop.color("blue", "shop:1", 1).await?;
    shop.color("green", "shop:2", 1).await?;
    shop.service("shop", &json!({"app": "shop"})).await?;
    for (kind, plural, spec) in [
        (
            "DestinationRule",
            "destinationrules",
            json!({"host": "shop", "subsets": [
                {"name": "blue", "labels": {"color": "blue"}},
                {"name": "green", "labels": {"color": "green"}},
            ]}),
        ),
        (
            "VirtualService",
            "virtualservices",
            json!({"hosts": ["shop"], "http": [
                {
                    "match": [{"headers": {"x-canary": {"exact": "yes"}}}],
                    "route": [{"destination": {"host": "shop-green"}}],
                },
                {
                    "route": [
                        {"destination": {"host": "shop", "subset": "blue"}, "weight": 60},
                        {"destination": {"host": "shop", "subset": "green"}, "weight": 40},
                    ],
                    "mirror": {"host": "shop-green"},
                    "mirrorPercentage": {"value": 25},
                },
            ]}),
        ),
    ] {
        let object = json!({
            "apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec,
        });
        let api = shop.of_kind("networking.istio.io", kind, plural);
        api.patch("shop", &PatchParams::apply("test"), &Patch::Apply(&object)).await.context(kind)?;
    }
    for color in ["blue", "green"] {
        shop.ready(color, 1).await?;
    }
    shop.endpoints("shop", 2).await?;
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    let canary = Target {
        name: "canary".to_owned(),
        headers: [("x-canary".to_owned(), "yes".to_owned())].into(),
        ..Target::new(&plane, "shop")
    };
    let users = Generator::start(vec![Target::new(&plane, "shop.lab-virtual"), canary], FAST);
    users.wait_for(1000, LIMIT).await?;
    let report = users.stop().await;
    ensure!(report.overall().lost() == 0, "{report}");
    let (all, canary) = (report.total("start", "azure"), report.total("start", "canary"));
    expect_share(all.of("2"), all.all(), 40)?;
    ensure!(canary.of("2") == canary.all(), "{report}");
    let mirrored = plane.counters().count(|counted| counted.mirrored && counted.version == "2");
    expect_share(mirrored, all.all(), 25)
}

pub(crate) async fn what_is_not_ready_gets_nothing(world: &'static World) -> anyhow::Result<()> {
    let shop = Shop::new(world, "gcp", "lab-unready").await?;
    shop.color("blue", "shop:1", 2).await?;
    shop.color("green", "shop:broken-2", 2).await?;
    shop.color("red", "shop:slow-600s", 1).await?;
    shop.service("shop", &json!({"app": "shop"})).await?;
    shop.endpoints("shop", 2).await?;
    let pods: Api<Pod> = Api::namespaced(shop.client.clone(), &shop.namespace);
    wait::until("green crashes", LIMIT, async || {
        let found = pods.list(&ListParams::default().labels("color=green")).await?;
        let crashes =
            |pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.clone()?.waiting;
        let all = found.items.iter().filter_map(crashes).filter_map(|waiting| waiting.reason);
        Ok((all.filter(|reason| reason == "CrashLoopBackOff").count() == 2).then_some(()))
    })
    .await?;
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    let hosts =
        ["shop", "shop-green"].map(|host| Target { name: host.to_owned(), ..Target::new(&plane, host) });
    let users = Generator::start(hosts.to_vec(), STEADY);
    users.wait_for(300, LIMIT).await?;
    let report = users.stop().await;
    let (shop, green) = (report.total("start", "shop"), report.total("start", "shop-green"));
    ensure!(shop.of("1") == shop.all(), "{report}");
    ensure!(green.lost == [("503".to_owned(), green.all())].into(), "{report}");
    ensure!(
        plane.counters().count(|counted| counted.color == "red" || counted.color == "green") == 0,
        "{report}"
    );
    Ok(())
}

/// A selector that is turned over takes effect when the data plane hears of it, and not before.
pub(crate) async fn a_change_takes_effect_after_its_delay(world: &'static World) -> anyhow::Result<()> {
    let shop = Shop::new(world, "gcp", "lab-selector").await?;
    shop.color("blue", "shop:1", 1).await?;
    shop.color("green", "shop:2", 1).await?;
    shop.service("shop", &json!({"app": "shop", "color": "blue"})).await?;
    for color in ["blue", "green"] {
        shop.ready(color, 1).await?;
    }
    shop.endpoints("shop", 1).await?;
    let forever = Duration::from_secs(3600);
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    plane.set_propagation(forever);
    let users = Generator::start(vec![Target::new(&plane, "shop")], STEADY);
    let turn = json!({"spec": {"selector": {"color": "green"}}});
    shop.services().patch("shop", &PatchParams::default(), &Patch::Merge(&turn)).await?;
    users.wait_for(300, LIMIT).await?;
    ensure!(users.report().last_of("2").is_none(), "{}", users.report());
    plane.set_propagation(Duration::ZERO);
    wait::until("the change takes effect", LIMIT, async || Ok(users.report().last_of("2"))).await?;
    users.phase("after");
    users.wait_for(200, LIMIT).await?;
    let report = users.stop().await;
    ensure!(report.overall().lost() == 0 && report.in_phase("after").of("1") == 0, "{report}");
    Ok(())
}

/// What ends before the data plane has heard of it loses requests; a pod that waits in its `preStop` hook does not.
pub(crate) async fn pods_that_end_lose_nothing_if_they_wait(world: &'static World) -> anyhow::Result<()> {
    let shop = Shop::new(world, "aws", "lab-ending").await?;
    shop.color("blue", "shop:1", 2).await?;
    let wait_first = json!({"lifecycle": {"preStop": {"sleep": {"seconds": 4}}}});
    shop.color_with("green", "shop:1", 2, &wait_first).await?;
    for color in ["blue", "green"] {
        shop.ready(color, 2).await?;
    }
    let propagation = Duration::from_millis(1500);
    let plane = shop.plane(DataPlaneOptions { propagation, ..DataPlaneOptions::default() }).await?;
    let target = |host: &str| Target { name: host.to_owned(), ..Target::new(&plane, host) };
    let users = Generator::start(vec![target("shop-blue"), target("shop-green")], STEADY);
    users.wait_for(50, LIMIT).await?;
    let patch = json!({"spec": {"replicas": 1}});
    for color in ["blue", "green"] {
        shop.deployments()
            .patch(&format!("shop-{color}"), &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
    }
    let pods: Api<Pod> = Api::namespaced(shop.client.clone(), &shop.namespace);
    wait::until("the pods are gone", LIMIT, async || {
        Ok((pods.list(&ListParams::default()).await?.items.len() == 2).then_some(()))
    })
    .await?;
    users.phase("gone");
    users.wait_for(200, LIMIT).await?;
    let report = users.stop().await;
    let lost = |host: &str| report.tally(|record| report.target(record) == host).lost();
    ensure!(lost("shop-blue") > 0, "nothing was lost although the pod was gone first\n{report}");
    ensure!(lost("shop-green") == 0, "{report}");
    Ok(())
}

pub(crate) async fn servers_fail_as_they_are_told(world: &'static World) -> anyhow::Result<()> {
    let shop = Shop::new(world, "azure", "lab-failing").await?;
    shop.color("blue", "shop:1", 1).await?;
    shop.color("green", "shop:2", 1).await?;
    shop.service("shop", &json!({"app": "shop"})).await?;
    for color in ["blue", "green"] {
        shop.ready(color, 1).await?;
    }
    shop.endpoints("shop", 2).await?;
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    let behavior = Behavior { errors: 0.15, status: 503, latency: Duration::from_millis(30) };
    plane.behave(Who::version("2"), behavior);
    let users = Generator::start(vec![Target::new(&plane, "shop")], STEADY);
    users.wait_for(1000, LIMIT).await?;
    let report = users.stop().await;
    let of = |version: &str, status: u16| {
        plane.counters().count(|counted| counted.version == version && counted.status == status)
    };
    let (good, bad) = (of("2", 200), of("2", 503));
    expect_share(bad, good + bad, 15)?;
    ensure!(of("1", 503) == 0 && report.overall().lost() == bad, "{report}");
    expect_share(good + bad, report.overall().all(), 50)?;
    let slow = plane.counters().all().into_iter().filter(|(counted, _)| counted.version == "2");
    let quick: u64 = slow.map(|(_, tally)| tally.within[2]).sum();
    ensure!(quick == 0, "{quick} requests took less than 25 ms");
    Ok(())
}

pub(crate) async fn a_route_has_the_status_of_a_controller(world: &'static World) -> anyhow::Result<()> {
    world.lab.install_crds("aws", Crds::GatewayApi).await?;
    let shop = Shop::new(world, "aws", "lab-status").await?;
    shop.color("blue", "shop:1", 1).await?;
    let silent = DataPlaneOptions { status: RouteStatus::Silent, ..DataPlaneOptions::default() };
    let plane = shop.plane(silent).await?;
    shop.route(&weights(1, 0)).await?;
    let conditions = async || -> anyhow::Result<Vec<(String, String, i64)>> {
        let route = shop.routes().get("shop").await?;
        let parents = route.data["status"]["parents"].as_array().cloned().unwrap_or_default();
        let ours = parents.into_iter().find(|parent| parent["controllerName"] == CONTROLLER);
        let conditions = ours.map(|parent| parent["conditions"].clone()).unwrap_or_default();
        let text = |condition: &Value, name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        let read = |condition: &Value| {
            let generation = condition["observedGeneration"].as_i64().unwrap_or_default();
            (
                text(condition, "type") + "=" + &text(condition, "status"),
                text(condition, "reason"),
                generation,
            )
        };
        Ok(conditions.as_array().into_iter().flatten().map(read).collect())
    };
    let until = async |expected: [(&str, &str); 2], generation: i64| {
        wait::until(&format!("the route says {expected:?}"), LIMIT, async || {
            let found = conditions().await?;
            let wanted = expected.map(|(what, why)| (what.to_owned(), why.to_owned(), generation));
            ensure!(found == wanted, "it says {found:?}");
            Ok(Some(()))
        })
        .await
    };
    let accepted = ("Accepted=True", "Accepted");
    plane.set_route_status(RouteStatus::Accepted(Duration::ZERO));
    until([accepted, ("ResolvedRefs=False", "BackendNotFound")], 1).await?;
    shop.color("green", "shop:2", 1).await?;
    until([accepted, ("ResolvedRefs=True", "ResolvedRefs")], 1).await?;

    // Of a change nothing is said before its time.
    plane.set_route_status(RouteStatus::Accepted(Duration::from_secs(3600)));
    shop.route(&weights(0, 1)).await?;
    let users = Generator::start(vec![Target::new(&plane, "shop.example.com")], STEADY);
    shop.ready("green", 1).await?;
    wait::until("green answers", LIMIT, async || Ok(users.report().last_of("2"))).await?;
    until([accepted, ("ResolvedRefs=True", "ResolvedRefs")], 1).await?;
    let refused = RouteStatus::Refused {
        after: Duration::ZERO,
        reason: "NotAllowedByListeners".to_owned(),
        message: "this namespace may not".to_owned(),
    };
    plane.set_route_status(refused);
    until([("Accepted=False", "NotAllowedByListeners"), ("ResolvedRefs=True", "ResolvedRefs")], 2).await
}
