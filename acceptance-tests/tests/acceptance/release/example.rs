//! The example `bluegreen`, as it stands.

use std::path::Path;

use anyhow::ensure;

use crate::federation::hcl::REQUIRED;
use crate::world::{Scenario, World};

/// Nothing is there before the first apply, not even the namespace; the second releases another image and another greeting, the
/// canary first.
pub(crate) async fn of_two_releases_runs(world: &'static World) -> anyhow::Result<()> {
    let kubeconfig = world.lab.kubeconfig_path().display().to_string();
    let scenario =
        Scenario::with(world, REQUIRED, &[("TF_VAR_kubeconfig_path", kubeconfig.as_str())]).await?;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples-tf/bluegreen");
    for name in ["main.tf", "frontend.yaml.tftpl"] {
        std::fs::copy(example.join(name), scenario.terraform.directory().join(name))?;
    }
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    let second = scenario
        .terraform
        .clone()
        .with_env("TF_VAR_image", "ghcr.io/example/frontend:1.1.0")
        .with_env("TF_VAR_greeting", "Hello again");
    second.apply(None).await?.ok()?;
    let plan = second.plan(None).await?;
    ensure!(plan.code == Some(0), "there are changes:\n{}", plan.stdout);
    let state = second.show_json(None).await?;
    let serving = &state["values"]["outputs"]["serving"]["value"];
    ensure!(serving["color"] == "green", "{serving}");
    second.destroy().await?.ok()?;
    Ok(())
}
