//! The data source `multicluster_cluster`, as its users meet it.

use acceptance_tests::Fault;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, by_kubeconfig, provider, provider_for};
use super::members::behind_proxy;
use crate::world::{Scenario, World, said};

/// The data source with these arguments, and all of it as an output.
fn source(name: &str, arguments: &str) -> String {
    format!(
        "data \"multicluster_cluster\" \"it\" {{\n  name = {name:?}\n{arguments}\n}}\n\
         output \"it\" {{\n  value = data.multicluster_cluster.it\n}}\n"
    )
}

/// What the data source says after an apply.
async fn output(scenario: &Scenario) -> anyhow::Result<Value> {
    let state = scenario.terraform.show_json(None).await?;
    Ok(state["values"]["outputs"]["it"]["value"].clone())
}

pub(crate) async fn tells_what_a_cluster_is(world: &'static World) -> anyhow::Result<()> {
    // The lab has no cloud that would do this. It can be done once, and nobody else looks at it.
    let nodes: Api<Node> = Api::all(world.lab.client("azure").await?);
    for number in 1..=3 {
        let id = json!({ "spec": { "providerID": format!("azure:///subscriptions/lab/{number}") } });
        nodes
            .patch(&format!("azure-node-{number}"), &PatchParams::default(), &Patch::Merge(&id))
            .await
            .context("cannot say which cloud a node is of")?;
    }
    let text = |arguments: &str| {
        format!("{REQUIRED}{}{}", provider_for(world, &["aws", "azure"]), source("azure", arguments))
    };
    let scenario = Scenario::new(world, &text("list_kinds = true")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let found = output(&scenario).await?;
    let namespaces: Api<Namespace> = Api::all(world.lab.client("azure").await?);
    let uid = namespaces.get("kube-system").await?.metadata.uid;
    let expected = json!({
        "name": "azure", "uid": uid, "version": "v1.36.3", "cloud": "azure", "regions": ["westeurope"],
        "zones": ["westeurope-1", "westeurope-2", "westeurope-3"],
        "pod_cidrs": ["10.111.0.0/23", "10.111.2.0/24"], "service_cidrs": ["10.211.0.0/16"],
        "nodes": { "count": 3, "ready": 3, "allocatable": {
            "cpu": 192, "memory": 3_i64 * (256 << 30), "pods": 3000,
        } },
    });
    for (attribute, value) in expected.as_object().context("no object")? {
        ensure!(found[attribute] == *value, "{attribute}: {} is not {value}\n{found:#}", found[attribute]);
    }
    ensure!(found["platform"].as_str().is_some_and(|it| it.starts_with("linux/")), "{found:#}");
    let kinds: Vec<&str> =
        found["kinds"].as_array().context("no kinds")?.iter().flat_map(Value::as_str).collect();
    for kind in ["v1/Pod", "apps/v1/Deployment", "networking.k8s.io/v1/ServiceCIDR"] {
        ensure!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    ensure!(kinds.is_sorted(), "{kinds:?}");

    // Without the wish there is no list, and a read that finds the same shows nothing.
    scenario.apply(&text("")).await?;
    ensure!(output(&scenario).await?["kinds"].is_null(), "kinds were listed");
    scenario.expect_no_changes().await
}

pub(crate) async fn names_what_is_wrong(world: &'static World) -> anyhow::Result<()> {
    let (proxy, entry) = behind_proxy(world, "gcp").await?;
    proxy.set(Fault::Cut).await?;
    let provider = provider(&[by_kubeconfig(world, "aws"), entry]);
    let cases = [
        ("mars", "", vec!["Unknown cluster", "has no entry `mars`", "`aws`, `gcp`", "name = \"mars\""]),
        ("Mars", "", vec!["Invalid cluster name", "name = \"Mars\""]),
        ("gcp", "", vec!["Cannot read cluster `gcp`", "connection refused", "name = \"gcp\""]),
        ("aws", "timeouts = { read = \"soon\" }", vec!["timeouts"]),
    ];
    let scenario = Scenario::new(world, REQUIRED).await?;
    for (name, arguments, expected) in cases {
        scenario.write(&format!("{REQUIRED}{provider}{}", source(name, arguments)))?;
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "{name}: {}", plan.stdout);
        for part in expected {
            ensure!(said(&plan).contains(part), "{name}: no `{part}` in {}", plan.stderr);
        }
    }
    Ok(())
}

/// At plan it is an error that says what to do, and doing that helps.
pub(crate) async fn an_unknown_connection_is_read_at_apply(world: &'static World) -> anyhow::Result<()> {
    let cluster = world.lab.cluster("gcp");
    let made = format!("resource \"terraform_data\" \"made\" {{\n  input = {:?}\n}}\n", cluster.host);
    let entry = format!(
        "gcp = {{ host = terraform_data.made.output, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        cluster.ca_pem, cluster.token
    );
    let provider = provider(&[entry]);
    let text = |arguments: &str| format!("{REQUIRED}{made}{provider}{}", source("gcp", arguments));
    let scenario = Scenario::new(world, &text("")).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for part in ["Cluster `gcp` cannot be read yet", "Its connection is not known yet", "depends_on"] {
        ensure!(said(&plan).contains(part), "no `{part}` in {}", plan.stderr);
    }
    scenario.write(&text("depends_on = [terraform_data.made]"))?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(output(&scenario).await?["regions"] == json!(["australia-southeast1"]), "it was not read");
    scenario.expect_no_changes().await
}

/// Who may see nothing but what everybody sees gets that, and is told what is missing.
pub(crate) async fn what_may_not_be_seen_is_null(world: &'static World) -> anyhow::Result<()> {
    let cluster = world.lab.cluster("aws");
    let (certificate, key) = cluster.client_certificate("visitor", "visitors")?;
    let entry = format!(
        "aws = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n client_certificate = <<-EOT\n{certificate}\nEOT\n client_key = <<-EOT\n{key}\nEOT\n }}\n",
        cluster.host, cluster.ca_pem
    );
    let text = format!("{REQUIRED}{}{}", provider(&[entry]), source("aws", "list_kinds = true"));
    let scenario = Scenario::new(world, &text).await?;
    let apply = scenario.terraform.apply(None).await?.ok()?;
    for part in [
        "Cluster `aws` does not tell everything",
        "The UID of its namespace `kube-system` cannot be read: not allowed",
        "Its nodes cannot be read: not allowed",
        "Its service CIDRs cannot be read: not allowed",
    ] {
        let shown =
            apply.stdout.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        ensure!(shown.contains(part), "no `{part}` in {}", apply.stdout);
    }
    let found = output(&scenario).await?;
    ensure!(found["version"] == "v1.36.3", "{found:#}");
    ensure!(found["kinds"].as_array().is_some_and(|kinds| kinds.len() > 50), "{found:#}");
    for attribute in ["uid", "nodes", "cloud", "regions", "zones", "pod_cidrs", "service_cidrs"] {
        ensure!(found[attribute].is_null(), "{attribute} is there: {found:#}");
    }
    Ok(())
}
