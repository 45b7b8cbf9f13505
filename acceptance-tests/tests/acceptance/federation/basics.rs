//! The way that most people go.

use anyhow::ensure;
use serde_json::json;

use super::hcl::{
    REQUIRED, config_map, deployment, federation, load_balancer, namespace, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

fn shop(world: &World, name: &str, weights: [u32; 3]) -> String {
    let [aws, azure, gcp] = weights;
    let replicas = format!(
        "      replicas = {{ total = 9, clusters = {{ aws = {{ weight = {aws} }}, azure = {{ weight = {azure} }}, gcp = {{ weight = {gcp}, max = 2 }} }} }}
      overrides = [{{ clusters = [\"gcp\"], patch = jsonencode([{{ op = \"replace\", path = \"/spec/template/spec/containers/0/image\", value = \"web:gcp\" }}]) }}]"
    );
    let resources = [
        namespace(name),
        resource("web", &deployment(name, "web", "web:1", 1), &replicas),
        resource("entry", &load_balancer(name, "web"), ""),
        resource(
            "settings",
            &config_map(name, "settings", "one"),
            "placement = { clusters = [\"aws\", \"gcp\"] }",
        ),
    ]
    .concat();
    format!("{REQUIRED}{}{}", provider_for(world, &ALL), federation(name, &ALL, "", &resources))
}

pub(crate) async fn is_applied_changed_and_destroyed(world: &'static World) -> anyhow::Result<()> {
    let name = "t-basics";
    let scenario = Scenario::new(world, &shop(world, name, [2, 1, 1])).await?;
    scenario.terraform.apply(None).await?.ok()?;

    for (cluster, count) in [("aws", 5), ("azure", 2), ("gcp", 2)] {
        let found = look::replicas(world, cluster, name, "web").await?;
        ensure!(found == (count, count), "{cluster} has {found:?}");
        let settings = look::config_maps(world, cluster, name).await?.get_opt("settings").await?;
        ensure!(settings.is_some() == (cluster != "azure"), "settings are in the wrong place on {cluster}");
        let inventory = look::inventory(world, cluster, name).await?;
        ensure!(inventory.is_some_and(|it| it["state"] == "complete"), "no complete record on {cluster}");
    }
    let image = look::deployments(world, "gcp", name).await?.get("web").await?;
    let image = serde_json::to_value(image)?["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    ensure!(image == "web:gcp", "the override did not come through: {image}");
    let state = scenario.state().await?;
    ensure!(state["member_names"] == json!(ALL), "{state:#}");
    scenario.expect_no_changes().await?;

    scenario.write(&shop(world, name, [1, 2, 1]))?;
    let plan = scenario.plan_json().await?;
    let forecast = &plan["resource_changes"][0]["change"]["after"]["forecast"];
    let said = &forecast["aws"]["Deployment t-basics/web"];
    ensure!(*said == "update: spec.replicas 5 → 2", "the forecast says {forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    for (cluster, count) in [("aws", 2), ("azure", 5), ("gcp", 2)] {
        let found = look::replicas(world, cluster, name, "web").await?;
        ensure!(found == (count, count), "{cluster} has {found:?}");
    }
    scenario.expect_no_changes().await?;

    scenario.terraform.destroy().await?.ok()?;
    for cluster in ALL {
        ensure!(!look::has_namespace(world, cluster, name).await?, "the namespace is left on {cluster}");
        ensure!(look::inventory(world, cluster, name).await?.is_none(), "the record is left on {cluster}");
    }
    Ok(())
}

pub(crate) async fn a_saved_plan_is_applied_as_it_was_shown(world: &'static World) -> anyhow::Result<()> {
    let name = "t-saved-plan";
    let scenario = Scenario::new(world, &shop(world, name, [1, 1, 1])).await?;
    let plan = scenario.plan_json().await?;
    let forecast = plan["resource_changes"][0]["change"]["after"]["forecast"].clone();
    ensure!(forecast["azure"]["Deployment t-saved-plan/web"] == "create, 3 replicas", "{forecast:#}");
    ensure!(forecast["azure"]["member"] == "join", "{forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    let state = scenario.state().await?;
    ensure!(state["forecast"] == forecast, "the forecast changed at apply: {state:#}");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn is_imported_by_its_name(world: &'static World) -> anyhow::Result<()> {
    let name = "t-import";
    let text = shop(world, name, [1, 1, 1]);
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;

    let other = Scenario::new(world, &text).await?;
    let nothing = other.terraform.run(&["import", "multicluster_federation.it", "t-import-none"]).await?;
    ensure!(said(&nothing).contains("There is no federation `t-import-none`"), "{}", nothing.stderr);
    other.terraform.run(&["import", "multicluster_federation.it", name]).await?.ok()?;
    let plan = other.plan_json().await?;
    let change = &plan["resource_changes"][0]["change"];
    ensure!(change["actions"] == json!(["update"]), "{change:#}");
    let said: Vec<&serde_json::Value> = change["after"]["forecast"]
        .as_object()
        .into_iter()
        .flat_map(|it| it.values())
        .filter_map(|it| it.as_object())
        .flat_map(|it| it.values())
        .collect();
    ensure!(
        said.len() > 9 && said.iter().all(|it| **it == "unchanged"),
        "an import changes objects: {change:#}"
    );
    other.terraform.apply(Some("saved.plan")).await?.ok()?;
    other.expect_no_changes().await?;
    other.terraform.destroy().await?.ok()?;

    // The first state finds its federation gone, and would make it again.
    let plan = scenario.plan_json().await?;
    ensure!(plan["resource_changes"][0]["change"]["actions"] == json!(["create"]), "{plan:#}");
    Ok(())
}
