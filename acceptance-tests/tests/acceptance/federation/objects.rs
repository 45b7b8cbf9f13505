//! Objects with a life of their own: load balancers, pods that crash, definitions, finalizers.

use std::time::Instant;

use anyhow::ensure;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::hcl::{
    REQUIRED, config_map, deployment, federation, load_balancer, namespace, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

fn on(world: &World, members: &[&str], name: &str, arguments: &str, resources: &[String]) -> String {
    format!(
        "{REQUIRED}{}{}",
        provider_for(world, members),
        federation(name, members, arguments, &resources.concat())
    )
}

/// The cloud's controller keeps a finalizer on the Service until the load balancer is gone; so long the destroy waits.
pub(crate) async fn a_load_balancer_is_gone_before_destroy_returns(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-balancer";
    let resources = [namespace(name), resource("entry", &load_balancer(name, "web"), "")];
    let scenario = Scenario::new(world, &on(world, &["aws", "gcp"], name, "", &resources)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let service = look::services(world, "aws", name).await?.get("web").await?;
    let finalizers = service.metadata.finalizers.unwrap_or_default();
    ensure!(
        finalizers.iter().any(|it| it.contains("load-balancer")),
        "the cloud holds no balancer: {finalizers:?}"
    );
    scenario.terraform.destroy().await?.ok()?;
    for cluster in ["aws", "gcp"] {
        let left = look::services(world, cluster, name).await?.get_opt("web").await?;
        ensure!(left.is_none(), "the balancer is left on {cluster}");
    }
    Ok(())
}

pub(crate) async fn a_broken_image_fails_fast_and_is_healed(world: &'static World) -> anyhow::Result<()> {
    let name = "t-broken";
    let text = |image: &str| {
        let web = resource("web", &deployment(name, "web", image, 2), "");
        on(world, &["aws", "azure"], name, "", &[namespace(name), web])
    };
    let scenario = Scenario::new(world, &text("web:1")).await?;
    scenario.terraform.apply(None).await?.ok()?;

    scenario.write(&text("web:broken-2"))?;
    let begun = Instant::now();
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    for expected in ["Deployment t-broken/web", "CrashLoopBackOff", "Cluster `aws` failed"] {
        ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
    }
    // The timeout is half an hour; a crash loop is seen within seconds.
    ensure!(begun.elapsed().as_secs() < 120, "it took {:?}", begun.elapsed());
    ensure!(scenario.terraform.plan(None).await?.code == Some(2), "the failure is forgotten");

    scenario.apply(&text("web:3")).await?;
    ensure!(look::replicas(world, "azure", name, "web").await? == (2, 2), "it was not healed");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn a_definition_comes_before_its_objects(world: &'static World) -> anyhow::Result<()> {
    let name = "t-definition";
    let manifest = format!(
        "apiVersion: example.com/v1
kind: Widget
metadata: {{ name: one, namespace: {name} }}
spec: {{ size: 3 }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: widgets.example.com }}
spec:
  group: example.com
  scope: Namespaced
  names: {{ kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {{ spec: {{ type: object, properties: {{ size: {{ type: integer }} }} }} }}"
    );
    let resources = [namespace(name), resource("widgets", &manifest, "")];
    let scenario = Scenario::new(world, &on(world, &["aws", "gcp"], name, "", &resources)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;

    let only = manifest.split("---").next().unwrap_or_default();
    scenario.write(&on(world, &["aws"], name, "", &[namespace(name), resource("widgets", only, "")]))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("has no Widget in example.com/v1"), "{}", apply.stderr);
    ensure!(!look::has_namespace(world, "aws", name).await?, "something was written");
    Ok(())
}

pub(crate) async fn what_blocks_a_deletion_is_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-blocked";
    let resources = [namespace(name), resource("settings", &config_map(name, "settings", "one"), "")];
    let timeouts = "  timeouts = { delete = \"20s\" }";
    let scenario = Scenario::new(world, &on(world, &["aws", "azure"], name, timeouts, &resources)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let hold =
        |finalizers: serde_json::Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    let api = look::config_maps(world, "aws", name).await?;
    api.patch("settings", &PatchParams::default(), &hold(json!(["example.com/hold"]))).await?;

    let destroy = scenario.terraform.destroy().await?;
    ensure!(destroy.code == Some(1), "{}", destroy.stdout);
    ensure!(said(&destroy).contains("example.com/hold"), "the finalizer is not named:\n{}", destroy.stderr);
    ensure!(!look::has_namespace(world, "azure", name).await?, "azure was held up");

    api.patch("settings", &PatchParams::default(), &hold(json!(null))).await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "aws", name).await?, "the namespace is left");
    Ok(())
}
