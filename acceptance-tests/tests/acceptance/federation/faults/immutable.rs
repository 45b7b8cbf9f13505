//! Fields that cannot be changed.

use anyhow::ensure;
use kube::api::DeleteParams;

use super::super::hcl::{deployment, resource};
use super::super::look;
use super::scene::{ILL, WELL, converges, destroyed, expect_failure, on_both, settings, value};
use crate::world::{Scenario, World};

/// The selector of a Deployment can be set once. The error names the field on each cluster and says what to do, and
/// doing that works.
pub(crate) async fn a_field_that_cannot_change_says_what_to_do(world: &'static World) -> anyhow::Result<()> {
    let name = "t-immutable";
    let text = |value: &str, app: &str| {
        let web = deployment(name, "web", "web:1", 1).replace("app: web", &format!("app: {app}"));
        let mut resources = settings(name, value);
        resources.push(resource("web", &web, ""));
        on_both(world, name, "", &resources)
    };
    let scenario = Scenario::new(world, &text("one", "web")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let uid = look::deployments(world, ILL, name).await?.get("web").await?.metadata.uid;

    scenario.write(&text("two", "shop"))?;
    let expected = ["`gcp`", "`aws`", "Deployment t-immutable/web", "spec.selector", "immutable", "delete"];
    expect_failure(&scenario, &expected).await?;
    let kept = look::deployments(world, ILL, name).await?.get("web").await?;
    ensure!(kept.metadata.uid == uid, "it was deleted although nobody said so");

    for cluster in [WELL, ILL] {
        let api = look::deployments(world, cluster, name).await?;
        api.delete("web", &DeleteParams::background()).await?;
    }
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "not brought up to date");
    let new = look::deployments(world, ILL, name).await?.get("web").await?;
    ensure!(new.metadata.uid != uid, "it was not made anew");
    destroyed(world, &scenario, name).await
}
