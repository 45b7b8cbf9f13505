//! Releases that are killed, or wait for a human.

use anyhow::ensure;

use super::stage::Stage;
use crate::world::World;

const BOTH: &[&str] = &["aws", "gcp"];

/// Killed before and after the switch, the next apply goes on to the end.
pub(crate) async fn by_a_kill_goes_on(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-killed", BOTH).await?;
    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    for (image, point, color) in [("web:2", "switch-before", "green"), ("web:3", "switch-after", "blue")] {
        stage.scenario.write(&stage.by_service(image, ""))?;
        let doomed =
            stage.scenario.terraform.clone().with_env("MULTICLUSTER_FAILPOINTS", &format!("{point}=kill"));
        let killed = doomed.apply(None).await?;
        ensure!(killed.code != Some(0), "nobody was killed at {point}:\n{}", killed.stdout);
        let journal = stage.journal("aws").await?.unwrap_or_default();
        ensure!(journal["release"]["phase"] == "rolling", "{point}: {journal}");
        stage.scenario.terraform.apply(None).await?.ok()?;
        stage.expect_selected(color).await?;
        stage.scenario.expect_no_changes().await?;
    }
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Two applies and the plan between them: the new colour is ready, the plan shows the switch, and only the right approval
/// carries it out.
pub(crate) async fn until_a_human_approves(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-approved", BOTH).await?;
    let explicit = "  promotion = { mode = \"explicit\" }\n";
    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    stage.scenario.apply(&stage.by_service("web:2", explicit)).await?;
    let state = stage.scenario.state().await?;
    ensure!(state["phase"] == "awaiting_promotion" && state["active_color"] == "blue", "{state}");
    stage.expect_selected("blue").await?;
    let ready = stage.size("gcp", "web-green").await?;
    ensure!(ready.is_some_and(|it| it.ready == 2), "green is not ready: {ready:?}");
    stage.scenario.expect_no_changes().await?;

    let stale = format!("{explicit}  approved_release = \"r-0000000000\"\n");
    let release = state["release_id"].as_str().unwrap_or_default().to_owned();
    stage.refuses(&stage.by_service("web:2", &stale), &["r-0000000000", &release]).await?;
    let approved = format!("{explicit}  approved_release = {release:?}\n");
    let planned = stage.plan(&stage.by_service("web:2", &approved)).await?;
    ensure!(planned["before"]["active_color"] == "blue" && planned["after"]["active_color"] == "green");
    stage.scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    stage.expect_selected("green").await?;
    stage.scenario.expect_no_changes().await?;
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
