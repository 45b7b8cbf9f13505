//! Federations that are imported by some of their members.

use acceptance_tests::Fault;
use anyhow::ensure;
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, federation, namespace, provider, provider_for, resource,
};
use super::look;
use super::members::behind_proxy;
use crate::world::{Scenario, World, said};

const ADDRESS: &str = "multicluster_federation.it";

fn settings(name: &str) -> String {
    [namespace(name), resource("settings", &config_map(name, "settings", "one"), "")].concat()
}

/// All that a plan foretells.
fn told(plan: &Value) -> Vec<String> {
    let forecast = &plan["resource_changes"][0]["change"]["after"]["forecast"];
    let members = forecast.as_object().into_iter().flat_map(|it| it.values());
    members
        .flat_map(|it| it.as_object().into_iter().flat_map(|it| it.values()))
        .map(ToString::to_string)
        .collect()
}

pub(crate) async fn names_members(world: &'static World) -> anyhow::Result<()> {
    let name = "t-import-named";
    let text = |members: &[&str]| {
        let all = provider_for(world, &["aws", "azure", "gcp"]);
        format!("{REQUIRED}{all}{}", federation(name, members, "", &settings(name)))
    };
    let first = Scenario::new(world, &text(&["aws", "gcp"])).await?;
    first.terraform.apply(None).await?.ok()?;

    let other = Scenario::new(world, &text(&["aws", "gcp"])).await?;
    for (id, expected) in [
        ("t-import-named:aws,azure", "`azure` is no member of `t-import-named`"),
        ("t-import-named:aws,mars", "no entry `mars`"),
        ("t-import-named:", "Invalid import id"),
        ("Not a name", "Invalid import id"),
    ] {
        let import = other.terraform.run(&["import", ADDRESS, id]).await?;
        ensure!(import.code == Some(1) && said(&import).contains(expected), "{id}: {}", import.stderr);
    }
    other.terraform.run(&["import", ADDRESS, "t-import-named:aws,gcp"]).await?.ok()?;
    let plan = other.plan_json().await?;
    let told = told(&plan);
    ensure!(told.len() == 6 && told.iter().all(|it| it == "\"unchanged\""), "{told:?}");
    other.terraform.apply(Some("saved.plan")).await?.ok()?;
    other.expect_no_changes().await?;
    other.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "gcp", name).await?, "something is left");
    Ok(())
}

/// One that does not answer is left out, and found again when it does.
pub(crate) async fn works_without_one_that_is_cut_off(world: &'static World) -> anyhow::Result<()> {
    let name = "t-import-cut";
    let (proxy, entry) = behind_proxy(world, "gcp").await?;
    let provider = provider(&[by_kubeconfig(world, "aws"), entry]);
    let text = format!("{REQUIRED}{provider}{}", federation(name, &["aws", "gcp"], "", &settings(name)));
    let first = Scenario::new(world, &text).await?;
    first.terraform.apply(None).await?.ok()?;

    proxy.set(Fault::Cut).await?;
    let other = Scenario::new(world, &text).await?;
    let import = other.terraform.run(&["import", ADDRESS, name]).await?;
    ensure!(import.code == Some(1), "{}", import.stdout);
    ensure!(said(&import).contains("`t-import-cut:<cluster>,<cluster>` asks only some"), "{}", import.stderr);
    other.terraform.run(&["import", ADDRESS, "t-import-cut:aws"]).await?.ok()?;
    proxy.set(Fault::None).await?;
    let plan = other.plan_json().await?;
    let changes = &plan["resource_changes"][0]["change"];
    ensure!(changes["actions"] == json!(["update"]), "{changes:#}");
    ensure!(told(&plan).iter().all(|it| !it.contains("delete")), "{:?}", told(&plan));
    other.terraform.apply(Some("saved.plan")).await?.ok()?;
    other.expect_no_changes().await?;
    other.terraform.destroy().await?.ok()?;
    for cluster in ["aws", "gcp"] {
        ensure!(!look::has_namespace(world, cluster, name).await?, "something is left on {cluster}");
    }
    Ok(())
}
