//! Where objects go, and what happens when that changes.

use acceptance_tests::Fault;
use anyhow::ensure;
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, deployment, namespace, provider, provider_for, resource,
};
use super::look;
use super::refused::{self, Refused};
use crate::world::{Scenario, World, said};

/// A federation whose members have labels.
fn labelled(
    provider: &str,
    name: &str,
    members: &[(&str, &str)],
    arguments: &str,
    resources: &str,
) -> String {
    let members: String = members
        .iter()
        .map(|(member, labels)| format!("    {member} = {{ labels = {{ {labels} }} }}\n"))
        .collect();
    format!(
        "{REQUIRED}{provider}resource \"multicluster_federation\" \"it\" {{\n  name = {name:?}\n  members = {{\n{members}  }}\n{arguments}\n  resources = {{\n{resources}  }}\n}}\n"
    )
}

/// The clusters that have the ConfigMap `settings`.
async fn hosts(world: &World, name: &str) -> anyhow::Result<Vec<&'static str>> {
    let mut hosts = Vec::new();
    for cluster in ["aws", "azure", "gcp"] {
        if look::config_maps(world, cluster, name).await?.get_opt("settings").await?.is_some() {
            hosts.push(cluster);
        }
    }
    Ok(hosts)
}

fn foretold<'a>(plan: &'a Value, cluster: &str, object: &str) -> &'a Value {
    &plan["resource_changes"][0]["change"]["after"]["forecast"][cluster][object]
}

/// What a spread has chosen stays chosen, also when another choice would be as good or better.
pub(crate) async fn a_spread_stays_where_it_is(world: &'static World) -> anyhow::Result<()> {
    let name = "t-spread";
    let text = |members: &[(&str, &str)]| {
        let spread = "placement = {
        match_expressions = [{ key = \"stage\", operator = \"NotIn\", values = [\"test\"] }]
        spread            = { by = \"region\", min_groups = 1, max_groups = 1 }
      }";
        let resources = [namespace(name), resource("settings", &config_map(name, "settings", "one"), spread)];
        labelled(&provider_for(world, &["aws", "azure", "gcp"]), name, members, "", &resources.concat())
    };
    // Of two regions with one member each the first one is taken.
    let (b, c) = (("azure", "region = \"b\""), ("gcp", "region = \"c\""));
    let scenario = Scenario::new(world, &text(&[b, c])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(hosts(world, name).await? == ["azure"], "{:?}", hosts(world, name).await?);

    // One that would come first joins, and one that makes the other region larger.
    for aws in ["region = \"a\"", "region = \"c\"", "region = \"b\", stage = \"test\""] {
        scenario.apply(&text(&[("aws", aws), b, c])).await?;
        ensure!(hosts(world, name).await? == ["azure"], "{aws}: {:?}", hosts(world, name).await?);
        scenario.expect_no_changes().await?;
    }
    // The region is not there any more.
    scenario.write(&text(&[("aws", "region = \"a\""), ("azure", "stage = \"test\""), c]))?;
    let plan = scenario.plan_json().await?;
    ensure!(*foretold(&plan, "azure", "ConfigMap t-spread/settings") == "delete", "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(hosts(world, name).await? == ["aws"], "{:?}", hosts(world, name).await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// An empty list of names, or labels that nobody has, mean no member: shown as what it is, and guarded.
pub(crate) async fn on_no_member_is_shown_and_guarded(world: &'static World) -> anyhow::Result<()> {
    let name = "t-nowhere";
    let text = |placement: &str, guard: &str| {
        let placement = format!("placement = {{ {placement} }}");
        let resources =
            [namespace(name), resource("settings", &config_map(name, "settings", "one"), &placement)];
        let members = [("aws", "tier = \"edge\""), ("gcp", "tier = \"edge\"")];
        labelled(&provider_for(world, &["aws", "gcp"]), name, &members, guard, &resources.concat())
    };
    let scenario = Scenario::new(world, &text("match_labels = { tier = \"edge\" }", "")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(hosts(world, name).await? == ["aws", "gcp"], "{:?}", hosts(world, name).await?);

    for nowhere in ["match_labels = { tier = \"egde\" }", "clusters = [], match_labels = { tier = \"edge\" }"]
    {
        scenario.write(&text(nowhere, "  max_deletions = 1"))?;
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "{}", plan.stdout);
        ensure!(said(&plan).contains("would delete 2 objects, and at most 1 are allowed"), "{}", plan.stderr);
    }
    scenario.write(&text("clusters = []", "  max_deletions = 2"))?;
    let plan = scenario.plan_json().await?;
    for cluster in ["aws", "gcp"] {
        ensure!(*foretold(&plan, cluster, "ConfigMap t-nowhere/settings") == "delete", "{plan:#}");
    }
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(hosts(world, name).await?.is_empty(), "{:?}", hosts(world, name).await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// With `tolerate_unreachable = false` the others take over what a member that does not answer had. It is left alone,
/// fails nothing, loses nothing, and has its part again as soon as it answers.
pub(crate) async fn others_stand_in_for_a_member_that_does_not_answer(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-stand-in";
    let proxy = world.lab.proxy("gcp").await?;
    let cluster = world.lab.cluster("gcp");
    let entry = format!(
        "gcp = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        proxy.host(),
        cluster.ca_pem,
        cluster.token
    );
    let provider = provider(&[by_kubeconfig(world, "aws"), by_kubeconfig(world, "azure"), entry]);
    let text = |settings: &str| {
        let web = "placement = { tolerate_unreachable = false }\n      replicas = { total = 6 }";
        let resources = [
            namespace(name),
            resource("web", &deployment(name, "web", "web:1", 1), web),
            resource("settings", &config_map(name, "settings", settings), ""),
        ];
        let members = [("aws", ""), ("azure", ""), ("gcp", "")];
        labelled(&provider, name, &members, "", &resources.concat())
    };
    let counts = async || -> anyhow::Result<Vec<i32>> {
        let mut counts = Vec::new();
        for cluster in ["aws", "azure", "gcp"] {
            counts.push(look::replicas(world, cluster, name, "web").await?.0);
        }
        Ok(counts)
    };
    let scenario = Scenario::new(world, &text("one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(counts().await? == [2, 2, 2], "{:?}", counts().await?);
    let made = look::deployments(world, "gcp", name).await?.get("web").await?.metadata.uid;

    proxy.set(Fault::Cut).await?;
    let plan = scenario.plan_json().await?;
    let web = "Deployment t-stand-in/web";
    ensure!(*foretold(&plan, "aws", web) == "update: spec.replicas 2 → 3", "{plan:#}");
    ensure!(*foretold(&plan, "gcp", web) == "left as it is until the cluster answers", "{plan:#}");
    let apply = scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(apply.stdout.contains("Cluster `gcp` was left alone"), "{}", apply.stdout);
    ensure!(counts().await? == [3, 3, 2], "{:?}", counts().await?);
    // As long as it does not answer, that is all.
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(0), "{}", plan.stdout);
    ensure!(plan.stdout.contains("Others stand in for cluster `gcp`"), "{}", plan.stdout);

    // What the member is to have all the same does fail.
    scenario.write(&text("two"))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("Cluster `gcp` failed"), "{}", apply.stdout);
    ensure!(counts().await? == [3, 3, 2], "{:?}", counts().await?);

    proxy.set(Fault::None).await?;
    let plan = scenario.plan_json().await?;
    ensure!(*foretold(&plan, "azure", web) == "update: spec.replicas 3 → 2", "{plan:#}");
    ensure!(*foretold(&plan, "gcp", web) == "unchanged", "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(counts().await? == [2, 2, 2], "{:?}", counts().await?);
    let kept = look::deployments(world, "gcp", name).await?.get("web").await?.metadata.uid;
    ensure!(kept == made, "it was made anew");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Contradictions are errors of the plan, each at the attribute that it is about.
pub(crate) async fn that_cannot_be_are_refused(world: &'static World) -> anyhow::Result<()> {
    let settings = || config_map("t-placements", "settings", "one");
    let case = |name, arguments, path, words| Refused { name, entry: (settings(), arguments), path, words };
    let cases = [
        case(
            "regions",
            "placement = { spread = { by = \"region\", min_groups = 4 } }",
            "placement.spread",
            "has 3 values (`au`, `eu`, `sa`)",
        ),
        case(
            "colours",
            "placement = { spread = { by = \"colour\", min_groups = 1 } }",
            "placement.spread",
            "`aws`, `azure`, `gcp` have no such label",
        ),
        case(
            "limits",
            "placement = { spread = { by = \"region\", min_groups = 3, max_groups = 2 } }",
            "placement.spread",
            "more than `max_groups`",
        ),
        case(
            "planets",
            "placement = { clusters = [\"mars\", \"aws\", \"venus\"] }",
            "placement.clusters",
            "`mars`, `venus` are not members",
        ),
        case(
            "no-values",
            "placement = { match_expressions = [{ key = \"region\", operator = \"In\" }] }",
            "placement.match_expressions[0]",
            "needs at least one value",
        ),
        case(
            "null-value",
            "placement = { match_expressions = [{ key = \"region\", operator = \"In\", values = [null] }] }",
            "placement.match_expressions[0].values[0]",
            "null",
        ),
        case(
            "near",
            "placement = { match_expressions = [{ key = \"region\", operator = \"Near\" }] }",
            "placement.match_expressions[0].operator",
            "one of `In`",
        ),
    ];
    refused::all_at_plan(world, &cases).await
}

/// Labels that are known only after apply: nothing is said before they are, and both plans agree.
pub(crate) async fn by_labels_that_are_not_known_yet(world: &'static World) -> anyhow::Result<()> {
    let name = "t-labels-later";
    let made = "resource \"terraform_data\" \"tier\" {\n  input = \"edge\"\n}\n";
    let placement = "placement = { match_labels = { tier = terraform_data.tier.output } }";
    let resources = [namespace(name), resource("settings", &config_map(name, "settings", "one"), placement)];
    let members = [("aws", "tier = \"edge\""), ("gcp", "")];
    let provider = format!("{made}{}", provider_for(world, &["aws", "gcp"]));
    let scenario =
        Scenario::new(world, &labelled(&provider, name, &members, "", &resources.concat())).await?;
    let plan = scenario.plan_json().await?;
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let change =
        changes.iter().find(|it| it["type"] == "multicluster_federation").cloned().unwrap_or_default();
    ensure!(change["change"]["after_unknown"]["objects"] == json!(true), "{change:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(hosts(world, name).await? == ["aws"], "{:?}", hosts(world, name).await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
