//! Quotas and limits of a namespace.

use acceptance_tests::lab::wait;
use anyhow::ensure;
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::api::{Api, DeleteParams};
use serde_json::json;

use super::super::hcl::{config_map, deployment, resource};
use super::super::look;
use super::scene::{ILL, SOON, WELL, converges, destroyed, expect_failure, make, on_both, settings, value};
use crate::world::{Scenario, World};

/// A quota that the API server enforces already: its controller has counted what there is.
async fn quota(world: &World, name: &str, hard: serde_json::Value) -> anyhow::Result<Api<ResourceQuota>> {
    let object = json!({ "metadata": { "name": "small" }, "spec": { "hard": hard } });
    let api: Api<ResourceQuota> = make(world, name, object).await?;
    let counted = async || {
        let status = api.get("small").await?.status;
        Ok(status.and_then(|status| status.used).map(|_| ()))
    };
    wait::until("the quota is counted", SOON, counted).await?;
    Ok(api)
}

pub(crate) async fn a_quota_of_objects_is_quoted(world: &'static World) -> anyhow::Result<()> {
    let name = "t-quota";
    let before = settings(name, "one");
    let scenario = Scenario::new(world, &on_both(world, name, "", &before)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    // One for the namespace's own certificate, one for ours.
    let quotas = quota(world, name, json!({ "count/configmaps": 2 })).await?;
    let mut more = settings(name, "two");
    more.push(resource("more", &config_map(name, "more", "one"), ""));
    scenario.write(&on_both(world, name, "", &more))?;
    expect_failure(&scenario, &["`gcp`", "ConfigMap t-quota/more", "exceeded quota: small"]).await?;
    // What the quota allows was done, also on the member that has it, unless a dry run refused the whole.
    let (well, ill) = (value(world, WELL, name).await?, value(world, ILL, name).await?);
    ensure!(well == ill, "one change was done on one member only: {well:?}, {ill:?}");
    quotas.delete("small", &DeleteParams::default()).await?;
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "not brought up to date");
    destroyed(world, &scenario, name).await
}

/// The Deployment is taken, and its pods are not: the error says why there are none.
pub(crate) async fn a_quota_that_stops_pods_is_quoted(world: &'static World) -> anyhow::Result<()> {
    let name = "t-pod-quota";
    let timeouts = "  timeouts = { update = \"6s\" }";
    let scenario = Scenario::new(world, &on_both(world, name, timeouts, &settings(name, "one"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let quotas = quota(world, name, json!({ "pods": 0 })).await?;
    let mut more = settings(name, "one");
    more.push(resource("web", &deployment(name, "web", "web:1", 1), ""));
    scenario.write(&on_both(world, name, timeouts, &more))?;
    let expected = [
        "Cluster `gcp` failed",
        "Deployment t-pod-quota/web",
        "exceeded quota: small",
        "Cluster `aws` is done",
    ];
    expect_failure(&scenario, &expected).await?;
    ensure!(look::replicas(world, WELL, name, "web").await? == (1, 1), "{WELL} was held up");
    quotas.delete("small", &DeleteParams::default()).await?;
    // The controller waits longer after each refusal; a change makes it try at once.
    let restart = json!({ "spec": { "template": { "metadata": { "annotations": { "try": "again" } } } } });
    let patch = kube::api::Patch::Merge(restart);
    look::deployments(world, ILL, name).await?.patch("web", &Default::default(), &patch).await?;
    scenario.write(&on_both(world, name, "  timeouts = { update = \"1m\" }", &more))?;
    converges(&scenario).await?;
    ensure!(look::replicas(world, ILL, name, "web").await? == (1, 1), "not brought up to date");
    destroyed(world, &scenario, name).await
}

pub(crate) async fn a_limit_range_is_quoted(world: &'static World) -> anyhow::Result<()> {
    let name = "t-limits";
    let scenario = Scenario::new(world, &on_both(world, name, "", &settings(name, "one"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let limits = json!({
        "metadata": { "name": "small" },
        "spec": { "limits": [{ "type": "Container", "max": { "memory": "64Mi" } }] },
    });
    let limits: Api<LimitRange> = make(world, name, limits).await?;
    let pod = format!(
        "apiVersion: v1
kind: Pod
metadata: {{ name: large, namespace: {name} }}
spec:
  containers:
    - name: main
      image: web:1
      resources: {{ requests: {{ memory: 1Gi }}, limits: {{ memory: 1Gi }} }}"
    );
    let mut more = settings(name, "two");
    more.push(resource("large", &pod, ""));
    scenario.write(&on_both(world, name, "", &more))?;
    let words = "maximum memory usage per Container is 64Mi, but limit is 1Gi";
    expect_failure(&scenario, &["`gcp`", "Pod t-limits/large", words]).await?;
    limits.delete("small", &DeleteParams::default()).await?;
    converges(&scenario).await?;
    destroyed(world, &scenario, name).await
}
