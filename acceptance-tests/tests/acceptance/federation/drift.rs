//! What others do to our objects, and we to theirs.

use anyhow::ensure;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

fn shop(world: &World, name: &str, members: &[&str]) -> String {
    let resources = [
        namespace(name),
        resource("web", &deployment(name, "web", "web:1", 2), ""),
        resource("settings", &config_map(name, "settings", "one"), ""),
    ]
    .concat();
    format!("{REQUIRED}{}{}", provider_for(world, members), federation(name, members, "", &resources))
}

/// What the planned forecast says of an object.
fn foretold<'a>(plan: &'a serde_json::Value, cluster: &str, object: &str) -> &'a str {
    plan["resource_changes"][0]["change"]["after"]["forecast"][cluster][object].as_str().unwrap_or_default()
}

pub(crate) async fn is_shown_at_plan_and_corrected_at_apply(world: &'static World) -> anyhow::Result<()> {
    let name = "t-drift";
    let scenario = Scenario::new(world, &shop(world, name, &["aws", "gcp"])).await?;
    scenario.terraform.apply(None).await?.ok()?;

    look::edit_replicas(world, "aws", name, "web", 5).await?;
    look::config_maps(world, "gcp", name).await?.delete("settings", &DeleteParams::default()).await?;
    let plan = scenario.plan_json().await?;
    let web = foretold(&plan, "aws", "Deployment t-drift/web");
    ensure!(web == "correct: spec.replicas (now 5, set by kubectl-edit)", "the plan says `{web}`");
    let settings = foretold(&plan, "gcp", "ConfigMap t-drift/settings");
    ensure!(settings == "create again: it was deleted", "the plan says `{settings}`");

    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, "aws", name, "web").await? == (2, 2), "the drift was not corrected");
    ensure!(
        look::config_maps(world, "gcp", name).await?.get_opt("settings").await?.is_some(),
        "not made again"
    );
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A controller that adds its own fields and labels, or scales what we do not set, is not drift.
pub(crate) async fn is_not_what_others_add(world: &'static World) -> anyhow::Result<()> {
    let name = "t-no-drift";
    let scenario = Scenario::new(world, &shop(world, name, &["azure"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let annotate = Patch::Merge(json!({ "metadata": { "annotations": { "example.com/seen": "yes" } } }));
    let api = look::deployments(world, "azure", name).await?;
    api.patch("web", &PatchParams::default(), &annotate).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn an_object_that_is_not_ours_stops_the_plan(world: &'static World) -> anyhow::Result<()> {
    let name = "t-foreign";
    look::make_namespace(world, "aws", name).await?;
    let theirs: ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "settings" }, "data": { "key": "theirs" } }))?;
    let parameters = PostParams { field_manager: Some("helm".to_owned()), ..PostParams::default() };
    look::config_maps(world, "aws", name).await?.create(&parameters, &theirs).await?;

    let resources = resource("settings", &config_map(name, "settings", "ours"), "");
    let members = ["aws", "azure"];
    let text =
        format!("{REQUIRED}{}{}", provider_for(world, &members), federation(name, &members, "", &resources));
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for expected in
        ["ConfigMap t-foreign/settings exists already", "written by Helm", "multicluster_federation.it"]
    {
        ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
    }
    let kept = look::config_maps(world, "aws", name).await?.get("settings").await?;
    ensure!(kept.data.is_some_and(|data| data["key"] == "theirs"), "their object was changed");
    ensure!(look::inventory(world, "aws", name).await?.is_none(), "a refused plan wrote a record");
    Ok(())
}

/// A field of our object that somebody else owned first is not taken: the apply names the owner.
pub(crate) async fn a_field_that_was_never_ours_is_not_taken(world: &'static World) -> anyhow::Result<()> {
    let name = "t-field";
    let scenario = Scenario::new(world, &shop(world, name, &["gcp"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let add = Patch::Merge(json!({ "data": { "extra": "theirs" } }));
    let parameters = PatchParams { field_manager: Some("team-b".to_owned()), ..PatchParams::default() };
    look::config_maps(world, "gcp", name).await?.patch("settings", &parameters, &add).await?;
    scenario.expect_no_changes().await?;

    let text = shop(world, name, &["gcp"])
        .replace("data: { key: \"one\" }", "data: { key: \"one\", extra: \"ours\" }");
    scenario.write(&text)?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("team-b"), "the owner is not named:\n{}", apply.stderr);
    let kept = look::config_maps(world, "gcp", name).await?.get("settings").await?;
    ensure!(kept.data.is_some_and(|data| data["extra"] == "theirs"), "their field was taken");
    // It is refused before anything is touched, each time, and taking the wish back heals it.
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1) && said(&plan).contains("team-b"), "{}", plan.stdout);
    scenario.apply(&shop(world, name, &["gcp"])).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A namespace of ours in which others have put something stays, and the destroy says why.
pub(crate) async fn a_namespace_with_something_foreign_is_kept(world: &'static World) -> anyhow::Result<()> {
    let name = "t-kept";
    let scenario = Scenario::new(world, &shop(world, name, &["aws"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let theirs: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": "diary" } }))?;
    look::config_maps(world, "aws", name).await?.create(&PostParams::default(), &theirs).await?;
    let destroy = scenario.terraform.destroy().await?.ok()?;
    ensure!(destroy.stdout.contains("ConfigMap diary"), "not said:\n{}", destroy.stdout);
    ensure!(
        look::config_maps(world, "aws", name).await?.get_opt("diary").await?.is_some(),
        "their object is gone"
    );
    let gone = look::config_maps(world, "aws", name).await?.get_opt("settings").await?;
    ensure!(gone.is_none(), "our object is left");
    ensure!(look::inventory(world, "aws", name).await?.is_none(), "the record is left");
    Ok(())
}
