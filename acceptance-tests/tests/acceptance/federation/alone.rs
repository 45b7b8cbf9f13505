//! `multicluster_federated_object`: a team's objects in a platform's federation.

use std::time::{Duration, Instant};

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

/// A team's objects.
fn object(federation: &str, name: &str, manifest: &str, arguments: &str) -> String {
    format!(
        "resource \"multicluster_federated_object\" \"{name}\" {{\n  federation = {federation}\n  name = \"{name}\"\n  \
         manifest = <<-EOT\n{manifest}\nEOT\n{arguments}\n}}\n"
    )
}

/// The same, by the name of a federation that is made elsewhere.
fn of_another(federation: &str, name: &str, manifest: &str, arguments: &str) -> String {
    object(&format!("{federation:?}"), name, manifest, arguments)
}

/// A platform whose members have a label `tier`.
fn platform(name: &str, members: &[(&str, &str)]) -> String {
    let labelled: String = members
        .iter()
        .map(|(member, tier)| format!("    {member} = {{ labels = {{ tier = {tier:?} }} }}\n"))
        .collect();
    let whole = federation(name, &[], "", &namespace(name));
    whole.replace("members = {\n", &format!("members = {{\n{labelled}"))
}

fn with_clusters(world: &World, parts: &[String]) -> String {
    format!("{REQUIRED}{}{}", provider_for(world, &ALL), parts.concat())
}

/// What a plan says of a team's objects.
fn forecast(plan: &Value, name: &str) -> anyhow::Result<Value> {
    let address = format!("multicluster_federated_object.{name}");
    let changes = plan["resource_changes"].as_array().context("no changes")?;
    let change = changes.iter().find(|it| it["address"] == *address).context("no such resource")?;
    Ok(change["change"]["after"]["forecast"].clone())
}

async fn is_there(world: &World, cluster: &str, namespace: &str, name: &str) -> anyhow::Result<bool> {
    Ok(look::config_maps(world, cluster, namespace).await?.get_opt(name).await?.is_some())
}

async fn expect_error(scenario: &Scenario, text: &str, expected: &[&str]) -> anyhow::Result<()> {
    scenario.write(text)?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "no error for {text}:\n{}", plan.stdout);
    for part in expected {
        ensure!(said(&plan).contains(part), "no `{part}` in {}", plan.stderr);
    }
    Ok(())
}

/// The federation and objects in one configuration, two of them at once.
pub(crate) async fn with_its_federation_in_one_configuration(world: &'static World) -> anyhow::Result<()> {
    let name = "t-alone-one";
    let reference = "multicluster_federation.it.name";
    let at_tier = "  placement = { match_labels = { tier = \"front\" } }";
    let slow = |it: &str| object(reference, it, &deployment(name, it, "web:slow-5s", 1), "");
    let parts = [
        platform(name, &[("aws", "front"), ("gcp", "back")]),
        object(reference, "settings", &config_map(name, "settings", "one"), at_tier),
        slow("left"),
        slow("right"),
    ];
    let scenario = Scenario::new(world, &with_clusters(world, &parts)).await?;
    let plan = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(plan.code == Some(2), "{}\n{}", plan.stdout, plan.stderr);
    ensure!(plan.stdout.contains("There is no federation `t-alone-one` yet"), "{}", plan.stdout);

    let deployments = look::deployments(world, "gcp", name).await?;
    let both = async || {
        let found = deployments.list(&kube::api::ListParams::default()).await?.items;
        let waiting = |it: &&k8s_openapi::api::apps::v1::Deployment| {
            it.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0) == 0
        };
        Ok((found.iter().filter(waiting).count() == 2).then_some(()))
    };
    let apply = scenario.terraform.apply(Some("saved.plan"));
    let together = wait::until("both are rolled out at once", Duration::from_secs(60), both);
    let (applied, together) = futures::join!(apply, together);
    applied?.ok()?;
    together?;
    ensure!(is_there(world, "aws", name, "settings").await?, "it was not placed");
    ensure!(!is_there(world, "gcp", name, "settings").await?, "it was placed where it should not be");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in ["aws", "gcp"] {
        ensure!(!look::has_namespace(world, cluster, name).await?, "something is left on {cluster}");
    }
    Ok(())
}

/// A platform and a team with a state each.
pub(crate) async fn follows_its_federation(world: &'static World) -> anyhow::Result<()> {
    let name = "t-alone-follows";
    let of_platform = |members: &[(&str, &str)]| with_clusters(world, &[platform(name, members)]);
    let of_team = |value: &str| {
        with_clusters(world, &[of_another(name, "shop", &config_map(name, "settings", value), "")])
    };
    let owner = Scenario::new(world, &of_platform(&[("aws", "a")])).await?;
    owner.terraform.apply(None).await?.ok()?;
    let team = Scenario::new(world, &of_team("one")).await?;
    let plan = team.plan_json().await?;
    let expected = json!({ "aws": { "member": "join", "ConfigMap t-alone-follows/settings": "create" } });
    ensure!(forecast(&plan, "shop")? == expected, "{:#}", forecast(&plan, "shop")?);
    team.terraform.apply(Some("saved.plan")).await?.ok()?;
    team.expect_no_changes().await?;

    owner.apply(&of_platform(&[("aws", "a"), ("gcp", "b")])).await?;
    owner.expect_no_changes().await?;
    let plan = team.plan_json().await?;
    let expected = json!({
        "aws": { "member": "unchanged", "ConfigMap t-alone-follows/settings": "unchanged" },
        "gcp": { "member": "join", "ConfigMap t-alone-follows/settings": "create" },
    });
    ensure!(forecast(&plan, "shop")? == expected, "{:#}", forecast(&plan, "shop")?);
    team.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(is_there(world, "gcp", name, "settings").await?, "it did not follow");
    team.expect_no_changes().await?;

    let destroy = owner.terraform.destroy().await?;
    ensure!(destroy.code == Some(1), "the team's objects lost their federation: {}", destroy.stdout);
    ensure!(said(&destroy).contains("separate objects of it are still there: shop"), "{}", destroy.stderr);
    ensure!(is_there(world, "aws", name, "settings").await?, "it was removed all the same");

    owner.apply(&of_platform(&[("gcp", "b")])).await?;
    let plan = team.plan_json().await?;
    let left = forecast(&plan, "shop")?;
    ensure!(left["aws"]["member"] == "leave", "{left:#}");
    team.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(!is_there(world, "aws", name, "settings").await?, "it did not leave");
    team.expect_no_changes().await?;
    team.apply(&of_team("two")).await?;
    team.terraform.destroy().await?.ok()?;
    owner.terraform.destroy().await?.ok()?;
    ensure!(look::inventory(world, "gcp", name).await?.is_none(), "a record is left");
    Ok(())
}

/// What belongs to others is refused, and so is what cannot be.
pub(crate) async fn is_refused(world: &'static World) -> anyhow::Result<()> {
    let name = "t-alone-refused";
    let settings = config_map(name, "settings", "one");
    let resources = [namespace(name), resource("settings", &settings, "")].concat();
    let owner = with_clusters(world, &[federation(name, &["aws"], "", &resources)]);
    let owner = Scenario::new(world, &owner).await?;
    owner.terraform.apply(None).await?.ok()?;
    let theirs = config_map(name, "theirs", "one");
    let first =
        Scenario::new(world, &with_clusters(world, &[of_another(name, "first", &theirs, "")])).await?;
    first.terraform.apply(None).await?.ok()?;

    let team = Scenario::new(world, REQUIRED).await?;
    let cases: [(&str, &str, &str, &str, &[&str]); 7] = [
        (
            name,
            "team",
            &settings,
            "",
            &["ConfigMap t-alone-refused/settings", "federation `t-alone-refused` keeps it in another set"],
        ),
        (name, "team", &theirs, "  adopt = \"always\"", &["ConfigMap t-alone-refused/theirs", "keeps it"]),
        (name, "first", &theirs, "", &["import", "t-alone-refused/first"]),
        (name, "default", &theirs, "", &["Reserved name", "name = \"default\""]),
        (name, "Bad", &theirs, "", &["name = \"Bad\""]),
        ("Bad.", "team", &theirs, "", &["federation = \"Bad.\""]),
        (name, "team", "kind: [", "", &["manifest", "Invalid manifest"]),
    ];
    for (federation, set, manifest, arguments, expected) in cases {
        let text = of_another(federation, set, manifest, arguments);
        expect_error(&team, &with_clusters(world, &[text]), expected).await?;
    }
    // A federation that nobody makes is known to be missing at apply at the latest.
    let text = with_clusters(world, &[of_another("t-alone-nobody", "team", &theirs, "")]);
    team.write(&text)?;
    let apply = team.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("There is no federation `t-alone-nobody`"), "{}", apply.stderr);

    first.terraform.destroy().await?.ok()?;
    owner.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A create that is killed half-way is gone on with, and one whose state is lost is imported.
pub(crate) async fn is_resumed_and_imported(world: &'static World) -> anyhow::Result<()> {
    let name = "t-alone-killed";
    let owner = Scenario::new(world, &with_clusters(world, &[platform(name, &[("aws", "a")])])).await?;
    owner.terraform.apply(None).await?.ok()?;
    let manifest = format!("{}\n---\n{}", config_map(name, "one", "1"), deployment(name, "web", "web:1", 2));
    let capacity = "  replicas = { mode = \"capacity\" }";
    let text = with_clusters(world, &[of_another(name, "shop", &manifest, capacity)]);
    let killed =
        Scenario::with(world, &text, &[("MULTICLUSTER_FAILPOINTS", "object-apply-after#1=kill")]).await?;
    ensure!(killed.terraform.apply(None).await?.code == Some(1), "it was not killed");
    ensure!(killed.terraform.show_json(None).await?["values"].is_null(), "there is a state");
    let began = Instant::now();
    let team = Scenario::new(world, &text).await?;
    team.terraform.apply(None).await?.ok()?;
    ensure!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    team.expect_no_changes().await?;
    ensure!(look::replicas(world, "aws", name, "web").await? == (2, 2), "it is not there");

    let other = Scenario::new(world, &text).await?;
    let address = "multicluster_federated_object.shop";
    for (id, expected) in [
        ("t-alone-killed", "The id is `<federation>/<name>`"),
        ("t-alone-killed/", "Invalid import id"),
        ("t-alone-killed/none", "There is no federation `t-alone-killed/none`"),
        ("t-alone-killed/default", "Invalid import id"),
    ] {
        let import = other.terraform.run(&["import", address, id]).await?;
        ensure!(import.code == Some(1) && said(&import).contains(expected), "{id}: {}", import.stderr);
    }
    other.terraform.run(&["import", address, "t-alone-killed/shop"]).await?.ok()?;
    let plan = other.plan_json().await?;
    let said = forecast(&plan, "shop")?;
    ensure!(said["aws"].as_object().is_some_and(|it| it.values().all(|it| it == "unchanged")), "{said:#}");
    other.terraform.apply(Some("saved.plan")).await?.ok()?;
    other.expect_no_changes().await?;
    other.terraform.destroy().await?.ok()?;
    owner.terraform.destroy().await?.ok()?;
    Ok(())
}
