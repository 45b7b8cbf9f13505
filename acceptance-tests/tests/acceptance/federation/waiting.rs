//! What an apply waits for, and what ends the wait.

use std::time::{Duration, Instant};

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, deployment, federation, load_balancer, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

const GROUP: &str = "t-waiting.example.com";
const SOON: Duration = Duration::from_secs(60);

fn on(world: &World, members: &[&str], name: &str, resources: &[String]) -> String {
    let federation = federation(name, members, "", &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, members))
}

/// A kind whose objects have a status that somebody else writes.
fn definition() -> String {
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let schema = json!({ "type": "object", "properties": { "spec": open, "status": open } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("gears.{GROUP}") },
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": { "kind": "Gear", "plural": "gears", "singular": "gear", "listKind": "GearList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    })
    .to_string()
}

fn gear(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: {GROUP}/v1\nkind: Gear\nmetadata: {{ name: {name}, namespace: {namespace} }}\nspec: {{ size: 1 }}"
    )
}

/// Plays the controller of a gear: waits until it is there, and says so in a condition.
async fn says(world: &World, namespace: &str, name: &str, condition: Value) -> anyhow::Result<()> {
    let ty = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, "v1", "Gear"));
    let api: Api<DynamicObject> = Api::namespaced_with(world.lab.client("aws").await?, namespace, &ty);
    wait::until("the gear is there", SOON, async || Ok(api.get_opt(name).await.ok().flatten())).await?;
    let status = Patch::Merge(json!({ "status": { "conditions": [condition] } }));
    api.patch_status(name, &PatchParams::default(), &status).await?;
    Ok(())
}

/// Load balancers and custom resources are waited for where that is asked, and a wait that is in vain says for what.
pub(crate) async fn for_what_is_ready_or_says_so(world: &'static World) -> anyhow::Result<()> {
    let name = "t-waiting";
    let text = |gears: &str| {
        let ready = "      wait = { ready = true }";
        let resources = [
            namespace(name),
            resource("definition", &definition(), ""),
            resource("entry", &load_balancer(name, "web"), ready),
            gears.to_owned(),
        ];
        on(world, &["aws"], name, &resources)
    };
    let insist = "      wait = { ready = true, conditions = { Ready = \"True\" } }";
    let ready = resource("gear", &gear(name, "one"), insist);
    let synced = resource(
        "synced",
        &gear(name, "two"),
        "      wait = { conditions = { Synced = \"True\" }, timeout = \"3s\" }",
    );
    let scenario = Scenario::new(world, &text(&ready)).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    says(world, name, "one", json!({ "type": "Ready", "status": "False", "reason": "Heating" })).await?;
    let mut applied = std::pin::pin!(run.wait());
    let ended = tokio::time::timeout(Duration::from_secs(2), &mut applied).await;
    ensure!(ended.is_err(), "it did not wait: {ended:?}");
    says(world, name, "one", json!({ "type": "Ready", "status": "True", "reason": "Warm" })).await?;
    applied.await?.ok()?;
    let service = look::services(world, "aws", name).await?.get("web").await?;
    let ingress =
        service.status.and_then(|it| it.load_balancer).and_then(|it| it.ingress).unwrap_or_default();
    ensure!(!ingress.is_empty(), "the load balancer has no address yet");
    scenario.expect_no_changes().await?;

    // Nobody says that the second is in sync.
    let both = format!("{ready}{synced}");
    scenario.write(&text(&both))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    for expected in
        ["wait for Gear.t-waiting.example.com t-waiting/two", "not ready in time", "no condition Synced yet"]
    {
        ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
    }
    ensure!(scenario.terraform.plan(None).await?.code == Some(2), "the failure is forgotten");
    let (apply, said) = futures::join!(
        scenario.terraform.apply(None),
        says(world, name, "two", json!({ "type": "Synced", "status": "True", "reason": "Turning" })),
    );
    said?;
    apply?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A Job is waited for until it is done or has failed, and a Deployment only if that is wanted.
pub(crate) async fn for_jobs_and_not_for_what_need_not(world: &'static World) -> anyhow::Result<()> {
    let name = "t-waiting-jobs";
    let job = |image: &str, deadline: u32| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{ name: import, namespace: {name} }}\n\
             spec:\n  backoffLimit: 0\n  activeDeadlineSeconds: {deadline}\n  template:\n    spec:\n      \
             restartPolicy: Never\n      containers: [{{ name: main, image: \"{image}\" }}]"
        )
    };
    let replaced = "      replace_on_immutable = true";
    let text = |jobs: &str| {
        let web =
            resource("web", &deployment(name, "web", "web:noimage", 1), "      wait = { rollout = false }");
        on(world, &["aws"], name, &[namespace(name), web, jobs.to_owned()])
    };
    let scenario = Scenario::new(world, &text("")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(look::replicas(world, "aws", name, "web").await? == (1, 0), "its pods run after all");
    scenario.expect_no_changes().await?;

    scenario.write(&text(&resource("job", &job("job:slow-60s", 2), replaced)))?;
    let begun = Instant::now();
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    for expected in ["Job t-waiting-jobs/import", "DeadlineExceeded"] {
        ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
    }
    ensure!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());

    // A Job cannot be changed, so the next one takes its place; the apply ends when it is done.
    scenario.apply(&text(&resource("job", &job("job:2", 60), replaced))).await?;
    let client = world.lab.client("aws").await?;
    let jobs: Api<k8s_openapi::api::batch::v1::Job> = Api::namespaced(client, name);
    let status = jobs.get("import").await?.status.context("no status")?;
    ensure!(status.succeeded == Some(1), "it is not done: {status:?}");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
