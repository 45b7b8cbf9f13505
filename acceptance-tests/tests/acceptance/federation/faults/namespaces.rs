//! Namespaces that somebody deletes and that do not go.

use anyhow::ensure;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::super::look;
use super::scene::{ILL, WELL, converges, destroyed, expect_failure, make, on_both, settings, value};
use crate::world::{Scenario, World};

/// Somebody deletes our namespace, and something in it holds a finalizer: the apply waits as long as it may, and then
/// names what holds it.
pub(crate) async fn a_namespace_that_does_not_go_is_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-stuck";
    let text =
        |value: &str| on_both(world, name, "  timeouts = { update = \"12s\" }", &settings(name, value));
    let scenario = Scenario::new(world, &text("one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.com/hold"] } });
    let theirs: Api<ConfigMap> = make(world, name, held).await?;
    let namespaces: Api<Namespace> = Api::all(world.lab.client(ILL).await?);
    let before = namespaces.get(name).await?.metadata.uid;
    namespaces.delete(name, &DeleteParams::default()).await?;

    scenario.write(&text("two"))?;
    let expected = ["Cluster `gcp` failed", "Namespace t-stuck", "example.com/hold", "Cluster `aws` is done"];
    expect_failure(&scenario, &expected).await?;
    ensure!(value(world, WELL, name).await?.as_deref() == Some("two"), "{WELL} was held up");

    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    theirs.patch("held", &PatchParams::default(), &free).await?;
    scenario.write(&text("two").replace("12s", "1m"))?;
    converges(&scenario).await?;
    let after = look::config_maps(world, ILL, name).await?.get("settings").await?;
    ensure!(after.data.is_some_and(|data| data["key"] == "two"), "not brought up to date");
    ensure!(namespaces.get(name).await?.metadata.uid != before, "it was not made anew");
    destroyed(world, &scenario, name).await
}
