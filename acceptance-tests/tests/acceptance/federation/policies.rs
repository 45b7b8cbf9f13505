//! What happens to what others change, by what the user asks for.

use anyhow::ensure;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use crate::cli::run;
use crate::world::{Scenario, World, said};

const ON: &str = "gcp";

fn text(world: &World, name: &str, arguments: &str, resources: &[String]) -> String {
    let federation = federation(name, &[ON], arguments, &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, &[ON]))
}

/// A namespace, a ConfigMap with two keys, and another one.
fn shop(world: &World, name: &str, drift: &str, value: &str) -> String {
    let two = config_map(name, "two", value).replace("\ndata: { ", "\ndata: { other: \"ours\", ");
    let resources =
        [namespace(name), resource("two", &two, ""), resource("gone", &config_map(name, "gone", "one"), "")];
    text(world, name, &format!("  drift = {drift:?}"), &resources)
}

/// What the planned forecast says of an object.
fn foretold<'a>(plan: &'a Value, object: &str) -> &'a str {
    plan["resource_changes"][0]["change"]["after"]["forecast"][ON][object].as_str().unwrap_or_default()
}

async fn set_data(world: &World, namespace: &str, key: &str, value: &str) -> anyhow::Result<()> {
    let parameters = PatchParams { field_manager: Some("team-b".to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "data": { key: value } }));
    look::config_maps(world, ON, namespace).await?.patch("two", &parameters, &patch).await?;
    Ok(())
}

async fn data(world: &World, namespace: &str) -> anyhow::Result<[String; 2]> {
    let map = look::config_maps(world, ON, namespace).await?.get("two").await?;
    let data = map.data.unwrap_or_default();
    Ok(["key", "other"].map(|key| data.get(key).cloned().unwrap_or_default()))
}

/// Drift in one field and a deleted object, as others make them.
async fn disturb(world: &World, name: &str) -> anyhow::Result<()> {
    set_data(world, name, "other", "theirs").await?;
    look::config_maps(world, ON, name).await?.delete("gone", &DeleteParams::default()).await?;
    Ok(())
}

pub(crate) async fn detect_shows_and_leaves(world: &'static World) -> anyhow::Result<()> {
    let name = "t-detect";
    let scenario = Scenario::new(world, &shop(world, name, "detect", "one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    disturb(world, name).await?;
    let left = [
        "data.other (now \"theirs\", set by team-b)",
        "ConfigMap t-detect/gone: drifted, left as it is: it was deleted",
    ];
    let warned = async || {
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(0), "drift is a change:\n{}", plan.stdout);
        let shown = shown(&plan.stdout);
        for expected in left {
            ensure!(shown.contains(expected), "no `{expected}` in:\n{}", plan.stdout);
        }
        anyhow::Ok(())
    };
    warned().await?;

    // Another field of the same object changes. What drifted is neither touched nor in the way, nor forgotten.
    for value in ["two", "three"] {
        scenario.apply(&shop(world, name, "detect", value)).await?;
        ensure!(data(world, name).await? == [value, "theirs"], "{:?}", data(world, name).await?);
        warned().await?;
    }

    scenario.write(&shop(world, name, "correct", "three"))?;
    let plan = scenario.plan_json().await?;
    let two = foretold(&plan, "ConfigMap t-detect/two");
    ensure!(two == "correct: data.other (now \"theirs\", set by team-b)", "the plan says `{two}`");
    let gone = foretold(&plan, "ConfigMap t-detect/gone");
    ensure!(gone == "create again: it was deleted", "the plan says `{gone}`");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(data(world, name).await? == ["three", "ours"], "{:?}", data(world, name).await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn ignore_does_not_look(world: &'static World) -> anyhow::Result<()> {
    let name = "t-ignore";
    let scenario = Scenario::new(world, &shop(world, name, "ignore", "one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    disturb(world, name).await?;
    let quiet = async || {
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(0) && !plan.stdout.contains("drifted"), "{}", plan.stdout);
        anyhow::Ok(())
    };
    quiet().await?;
    scenario.apply(&shop(world, name, "ignore", "two")).await?;
    ensure!(data(world, name).await? == ["two", "theirs"], "{:?}", data(world, name).await?);
    quiet().await?;
    let gone = look::config_maps(world, ON, name).await?.get_opt("gone").await?;
    ensure!(gone.is_none(), "what was deleted came again");

    // The plan speaks of the drift that the new policy is about, though the last read was told to overlook it.
    scenario.write(&shop(world, name, "correct", "two"))?;
    let plan = scenario.plan_json().await?;
    let two = foretold(&plan, "ConfigMap t-ignore/two");
    ensure!(two == "correct: data.other (now \"theirs\", set by team-b)", "the plan says `{two}`");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(data(world, name).await? == ["two", "ours"], "{:?}", data(world, name).await?);
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn ignored_fields_are_set_once(world: &'static World) -> anyhow::Result<()> {
    let name = "t-fields";
    let with = |value: &str, ignore: &str| {
        let two = config_map(name, "two", value).replace("\ndata: { ", "\ndata: { other: \"ours\", ");
        text(world, name, "", &[namespace(name), resource("two", &two, ignore)])
    };
    let ignore = "      ignore_fields = [\"/data/other\"]";
    // Ignored only after it was applied: it does not vanish with our next apply.
    let scenario = Scenario::new(world, &with("one", "")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.apply(&with("two", ignore)).await?;
    ensure!(data(world, name).await? == ["two", "ours"], "{:?}", data(world, name).await?);
    scenario.expect_no_changes().await?;

    set_data(world, name, "other", "theirs").await?;
    scenario.expect_no_changes().await?;
    // Also those who know only the record see no drift.
    let directory = tempfile::tempdir()?;
    let kubeconfig = directory.path().join("kubeconfig");
    std::fs::write(&kubeconfig, run::kubeconfig(world, &[(ON, world.lab.cluster(ON).host.as_str())]))?;
    let kubeconfig = kubeconfig.display().to_string();
    run::cli(&["status", name, "--kubeconfig", &kubeconfig, "--context", ON])
        .await?
        .expect(0, &["in sync"])?;
    scenario.apply(&with("three", ignore)).await?;
    ensure!(data(world, name).await? == ["three", "theirs"], "{:?}", data(world, name).await?);
    scenario.expect_no_changes().await?;

    // It is theirs now, and is not taken back because somebody edits a list.
    scenario.write(&with("three", ""))?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for expected in ["data.other is owned by team-b", "`ignore_fields`", "resources[\"two\"].manifest"] {
        ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
    }
    scenario.write(&with("three", ignore))?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Sets the replicas of a Deployment through its subresource `scale`, as autoscalers and `kubectl scale` do.
async fn scale(world: &World, namespace: &str, manager: &str, replicas: i32) -> anyhow::Result<()> {
    let api: Api<Deployment> = look::deployments(world, ON, namespace).await?;
    let parameters = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    api.patch_scale("web", &parameters, &Patch::Merge(json!({ "spec": { "replicas": replicas } }))).await?;
    Ok(())
}

/// With the autoscaler among the objects of the federation, and with one that nobody told us of.
pub(crate) async fn what_an_autoscaler_sets_is_its_own(world: &'static World) -> anyhow::Result<()> {
    let name = "t-scaled";
    let autoscaler = format!(
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{ name: web, namespace: {name} }}
spec:
  scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: web }}
  minReplicas: 1
  maxReplicas: 9"
    );
    let with = |image: &str, federated: bool| {
        let mut resources = vec![namespace(name), resource("web", &deployment(name, "web", image, 2), "")];
        resources.extend(federated.then(|| resource("autoscaler", &autoscaler, "")));
        text(world, name, "", &resources)
    };
    let scenario = Scenario::new(world, &with("web:1", true)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(look::replicas(world, ON, name, "web").await?.0 == 2, "the manifest's number is the first one");
    scale(world, name, "kube-controller-manager", 4).await?;
    scenario.expect_no_changes().await?;
    scenario.apply(&with("web:2", true)).await?;
    ensure!(look::replicas(world, ON, name, "web").await?.0 == 4, "our update scaled it");

    // Without an autoscaler that we know of, the records of the object tell.
    scenario.apply(&with("web:3", false)).await?;
    scale(world, name, "kube-controller-manager", 3).await?;
    scenario.expect_no_changes().await?;
    scenario.apply(&with("web:4", false)).await?;
    ensure!(look::replicas(world, ON, name, "web").await?.0 == 3, "our update scaled it");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn what_a_person_scales_is_drift(world: &'static World) -> anyhow::Result<()> {
    let name = "t-scaled-by-hand";
    let resources = [namespace(name), resource("web", &deployment(name, "web", "web:1", 2), "")];
    let scenario = Scenario::new(world, &text(world, name, "", &resources)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scale(world, name, "kubectl", 5).await?;
    let plan = scenario.plan_json().await?;
    let web = foretold(&plan, "Deployment t-scaled-by-hand/web");
    ensure!(web == "correct: spec.replicas (now 5, set by kubectl)", "the plan says `{web}`");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, ON, name, "web").await?.0 == 2, "it was not corrected");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// What Terraform showed, without its line breaks and margins.
fn shown(stdout: &str) -> String {
    stdout.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
