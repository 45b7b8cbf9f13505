//! Releases that go well, by the selector of a Service.

use anyhow::ensure;
use serde_json::json;

use super::stage::{Size, Stage};
use crate::world::World;

const ALL: &[&str] = &["aws", "azure", "gcp"];
const FULL: Option<Size> = Some(Size { wanted: 2, ready: 2 });

/// Blue, then green beside it, then blue again in the place that is free.
pub(crate) async fn colours_take_turns(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-turns", ALL).await?;
    let first = stage.plan(&stage.by_service("web:1", "")).await?;
    ensure!(first["after"]["active_color"] == "blue", "{}", first["after"]);
    stage.scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    stage.expect_selected("blue").await?;
    for cluster in ALL {
        ensure!(stage.size(cluster, "web-blue").await? == FULL);
        ensure!(stage.size(cluster, "web-green").await?.is_none());
    }
    let state = stage.scenario.state().await?;
    ensure!(state["phase"] == "completed" && state["active_version"] == state["version"], "{state}");
    ensure!(state["weights"]["gcp"] == json!({ "blue": 100, "green": 0 }), "{}", state["weights"]);
    ensure!(state["services"]["aws"] == json!({ "cluster": "aws", "namespace": "t-turns", "name": "web" }));
    stage.scenario.expect_no_changes().await?;

    let second = stage.plan(&stage.by_service("web:2", "")).await?;
    ensure!(second["before"]["active_color"] == "blue" && second["after"]["active_color"] == "green");
    ensure!(second["after"]["forecast"].to_string().contains("green"), "{}", second["after"]["forecast"]);
    stage.scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    stage.expect_selected("green").await?;
    for cluster in ALL {
        ensure!(stage.size(cluster, "web-green").await? == FULL);
        let old = stage.size(cluster, "web-blue").await?;
        ensure!(old.is_some_and(|it| it.wanted == 0), "blue was not let go: {old:?}");
    }
    let after = stage.scenario.state().await?;
    ensure!(after["release_id"] != state["release_id"] && after["active_version"] != state["active_version"]);
    ensure!(after["history"].as_array().map(Vec::len) == Some(2), "{}", after["history"]);
    stage.scenario.expect_no_changes().await?;

    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    stage.expect_selected("blue").await?;
    ensure!(stage.scenario.state().await?["active_version"] == state["active_version"]);
    stage.scenario.terraform.destroy().await?.ok()?;
    for cluster in ALL {
        ensure!(stage.size(cluster, "web-blue").await?.is_none() && stage.journal(cluster).await?.is_none());
    }
    Ok(())
}

/// An image that crashes is seen at once; nobody is led to it, and the plan shows it again.
pub(crate) async fn a_colour_that_crashes_gets_nobody(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-crash", ALL).await?;
    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    let before = stage.scenario.state().await?;
    let waves = "  waves = [{ name = \"canary\", clusters = [\"gcp\"] }]\n";
    stage.fails(&stage.by_service("web:broken", waves), &["canary", "gcp", "CrashLoopBackOff"]).await?;
    stage.expect_selected("blue").await?;
    for cluster in ALL {
        ensure!(stage.size(cluster, "web-blue").await? == FULL, "{cluster} has lost its old colour");
    }
    ensure!(
        stage.size("aws", "web-green").await?.is_none_or(|it| it.wanted == 0),
        "the second wave was begun"
    );
    let state = stage.scenario.state().await?;
    ensure!(state["active_version"] == before["active_version"], "{state}");
    ensure!(state["phase"] == "rolled_back", "{}", state["phase"]);
    ensure!(state["last_failed_release"]["cluster"] == "gcp", "{}", state["last_failed_release"]);
    // The same is shown again; a sound version goes through.
    ensure!(stage.scenario.terraform.plan(None).await?.code == Some(2), "the failure is forgotten");
    stage.scenario.apply(&stage.by_service("web:3", waves)).await?;
    stage.expect_selected("green").await?;
    stage.scenario.expect_no_changes().await?;
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Of a first release that cannot run nothing is left.
pub(crate) async fn a_first_release_that_fails_leaves_nothing(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-stillborn", &["aws", "gcp"]).await?;
    stage.fails(&stage.by_service("web:broken", ""), &["CrashLoopBackOff"]).await?;
    ensure!(stage.scenario.state().await?.is_null(), "there is a state");
    for cluster in stage.clusters {
        ensure!(stage.size(cluster, "web-blue").await?.is_none(), "something is left on {cluster}");
        ensure!(stage.journal(cluster).await?.is_none(), "a journal is left on {cluster}");
    }
    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
