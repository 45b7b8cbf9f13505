//! Two federations that want the same object.

use anyhow::ensure;

use super::super::hcl::{config_map, resource};
use super::super::look;
use super::scene::{ILL, WELL, on_both, settings, value};
use crate::world::{Scenario, World, said};

/// The second is refused at plan, by the name of the first, and has written nothing anywhere.
pub(crate) async fn an_object_of_another_federation_is_refused_by_its_name(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-claimed";
    let (one, other) = ("first-of-t-claims", "second-of-t-claims");
    let first = Scenario::new(world, &on_both(world, one, "", &settings(name, "one"))).await?;
    first.terraform.apply(None).await?.ok()?;
    let claim = resource("settings", &config_map(name, "settings", "two"), "");
    let second = Scenario::new(world, &on_both(world, other, "", &[claim])).await?;
    let plan = second.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for part in ["ConfigMap t-claimed/settings", "`aws`", "`gcp`", one] {
        ensure!(said(&plan).contains(part), "no `{part}` in:\n{}", plan.stderr);
    }
    for cluster in [WELL, ILL] {
        ensure!(value(world, cluster, name).await?.as_deref() == Some("one"), "it was taken on {cluster}");
        ensure!(look::inventory(world, cluster, other).await?.is_none(), "a refused plan wrote a record");
    }
    first.expect_no_changes().await?;

    // When the first lets go of it, the second may have it.
    let namespace_only = &settings(name, "one")[..1];
    first.apply(&on_both(world, one, "", namespace_only)).await?;
    second.terraform.apply(None).await?.ok()?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "it was not made");
    first.expect_no_changes().await?;
    second.expect_no_changes().await?;
    second.terraform.destroy().await?.ok()?;
    first.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, ILL, name).await?, "the namespace is left");
    Ok(())
}
