//! Members that join, leave, hide, or turn out to be somebody else.

use acceptance_tests::Fault;
use anyhow::ensure;
use serde_json::json;

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, deployment, federation, namespace, provider, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

fn settings(name: &str, value: &str) -> String {
    [namespace(name), resource("settings", &config_map(name, "settings", value), "")].concat()
}

fn small(world: &World, name: &str, members: &[&str], value: &str) -> String {
    let federation = federation(name, members, "", &settings(name, value));
    format!("{REQUIRED}{}{federation}", provider_for(world, &["aws", "azure", "gcp"]))
}

async fn value(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Option<String>> {
    let found = look::config_maps(world, cluster, namespace).await?.get_opt("settings").await?;
    Ok(found.and_then(|it| it.data).and_then(|mut data| data.remove("key")))
}

pub(crate) async fn join_and_leave(world: &'static World) -> anyhow::Result<()> {
    let name = "t-join";
    let scenario = Scenario::new(world, &small(world, name, &["aws", "azure"], "one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.write(&small(world, name, &["aws", "gcp"], "one"))?;
    let plan = scenario.plan_json().await?;
    let forecast = &plan["resource_changes"][0]["change"]["after"]["forecast"];
    let expected = json!({
        "aws": { "member": "unchanged", "Namespace t-join": "unchanged", "ConfigMap t-join/settings": "unchanged" },
        "azure": { "member": "leave", "Namespace t-join": "delete", "ConfigMap t-join/settings": "delete" },
        "gcp": { "member": "join", "Namespace t-join": "create", "ConfigMap t-join/settings": "create" },
    });
    ensure!(*forecast == expected, "{forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(!look::has_namespace(world, "azure", name).await?, "azure was not left");
    ensure!(look::inventory(world, "azure", name).await?.is_none(), "a record is left on azure");
    ensure!(value(world, "gcp", name).await?.as_deref() == Some("one"), "gcp did not join");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A provider block with one member behind a proxy.
pub(super) async fn behind_proxy(
    world: &'static World,
    name: &str,
) -> anyhow::Result<(acceptance_tests::Proxy, String)> {
    let proxy = world.lab.proxy(name).await?;
    let cluster = world.lab.cluster(name);
    let entry = format!(
        "{name} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        proxy.host(),
        cluster.ca_pem,
        cluster.token
    );
    Ok((proxy, entry))
}

pub(crate) async fn one_unreachable_member_holds_up_nobody(world: &'static World) -> anyhow::Result<()> {
    let name = "t-unreachable";
    let (proxy, entry) = behind_proxy(world, "gcp").await?;
    let text = |value: &str| {
        let provider = provider(&[by_kubeconfig(world, "aws"), entry.clone()]);
        format!("{REQUIRED}{provider}{}", federation(name, &["aws", "gcp"], "", &settings(name, value)))
    };
    let scenario = Scenario::new(world, &text("one")).await?;
    scenario.terraform.apply(None).await?.ok()?;

    proxy.set(Fault::Cut).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(0), "unreachable was taken for a change:\n{}", plan.stdout);
    ensure!(plan.stdout.contains("Cannot read cluster `gcp`"), "no warning:\n{}", plan.stdout);

    scenario.write(&text("two"))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("Cluster `gcp` failed"), "{}", apply.stderr);
    ensure!(said(&apply).contains("Cluster `aws` is done"), "{}", apply.stderr);
    ensure!(value(world, "aws", name).await?.as_deref() == Some("two"), "aws was held up");
    ensure!(value(world, "gcp", name).await?.as_deref() == Some("one"), "gcp was reached after all");

    proxy.set(Fault::None).await?;
    ensure!(scenario.terraform.plan(None).await?.code == Some(2), "the failure is forgotten");
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(value(world, "gcp", name).await?.as_deref() == Some("two"), "gcp was not brought up to date");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn a_create_writes_nothing_unless_all_answer(world: &'static World) -> anyhow::Result<()> {
    let name = "t-preflight";
    let (proxy, entry) = behind_proxy(world, "azure").await?;
    proxy.set(Fault::Errors(503)).await?;
    let provider = provider(&[by_kubeconfig(world, "aws"), entry]);
    let text =
        format!("{REQUIRED}{provider}{}", federation(name, &["aws", "azure"], "", &settings(name, "one")));
    let scenario = Scenario::new(world, &text).await?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("Nothing was changed on any cluster"), "{}", apply.stderr);
    ensure!(!look::has_namespace(world, "aws", name).await?, "aws was written to");
    ensure!(look::inventory(world, "aws", name).await?.is_none(), "aws has a record");
    let state = scenario.terraform.show_json(None).await?;
    ensure!(state["values"]["root_module"]["resources"].is_null(), "there is a state: {state}");

    proxy.set(Fault::None).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A connection that is known only after apply: its member is planned as unknown, the other in full.
pub(crate) async fn an_unknown_connection_is_planned_as_unknown(world: &'static World) -> anyhow::Result<()> {
    let name = "t-unknown";
    let cluster = world.lab.cluster("gcp");
    let made = format!("resource \"terraform_data\" \"cluster\" {{\n  input = {:?}\n}}\n", cluster.host);
    let entry = format!(
        "gcp = {{ host = terraform_data.cluster.output, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        cluster.ca_pem, cluster.token
    );
    let provider = provider(&[by_kubeconfig(world, "aws"), entry]);
    let federation = federation(name, &["aws", "gcp"], "", &settings(name, "one"));
    let scenario = Scenario::new(world, &format!("{REQUIRED}{made}{provider}{federation}")).await?;
    let plan = scenario.plan_json().await?;
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let change =
        changes.iter().find(|it| it["type"] == "multicluster_federation").map(|it| it["change"].clone());
    let change = change.unwrap_or_default();
    ensure!(change["after"]["forecast"]["aws"]["ConfigMap t-unknown/settings"] == "create", "{change:#}");
    ensure!(change["after_unknown"]["forecast"]["gcp"] == true, "{change:#}");
    ensure!(change["after_unknown"]["cluster_uids"]["gcp"] == true, "{change:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(value(world, "gcp", name).await?.as_deref() == Some("one"), "gcp did not join");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn one_cluster_under_two_names_is_refused(world: &'static World) -> anyhow::Result<()> {
    let name = "t-twice";
    let again = by_kubeconfig(world, "aws").replacen("aws", "again", 1);
    let provider = provider(&[by_kubeconfig(world, "aws"), again]);
    let text =
        format!("{REQUIRED}{provider}{}", federation(name, &["aws", "again"], "", &settings(name, "one")));
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    ensure!(said(&plan).contains("is the same cluster as"), "{}", plan.stderr);
    ensure!(!look::has_namespace(world, "aws", name).await?, "it was written to");
    Ok(())
}

/// The name stays, the cluster behind it is another one: joined anew, and the plan says so.
pub(crate) async fn another_cluster_under_a_known_name_is_joined_anew(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-moved";
    let entry = |context: &str| by_kubeconfig(world, context).replacen(context, "main", 1);
    let text = |context: &str| {
        let federation = federation(name, &["main"], "", &settings(name, "one"));
        format!("{REQUIRED}{}{federation}", provider(&[entry(context)]))
    };
    let scenario = Scenario::new(world, &text("aws")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.write(&text("azure"))?;
    let plan = scenario.plan_json().await?;
    let forecast = plan["resource_changes"][0]["change"]["after"]["forecast"]["main"].clone();
    ensure!(forecast["member"].as_str().is_some_and(|it| it.starts_with("another cluster")), "{forecast:#}");
    ensure!(forecast["ConfigMap t-moved/settings"] == "create", "{forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(value(world, "azure", name).await?.as_deref() == Some("one"), "the new cluster was not joined");
    ensure!(value(world, "aws", name).await?.as_deref() == Some("one"), "the old cluster was touched");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(value(world, "aws", name).await?.as_deref() == Some("one"), "the old cluster was touched");
    Ok(())
}

/// Every form of a connection works, and none of its secrets shows anywhere.
pub(crate) async fn every_form_of_connection_works_and_stays_secret(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-forms";
    let (aws, azure, gcp) = (world.lab.cluster("aws"), world.lab.cluster("azure"), world.lab.cluster("gcp"));
    let entries = [
        format!("aws = {{ kubeconfig = <<-EOT\n{}\nEOT\n }}\n", aws.kubeconfig()),
        format!(
            "azure = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n client_certificate = <<-EOT\n{}\nEOT\n client_key = <<-EOT\n{}\nEOT\n }}\n",
            azure.host, azure.ca_pem, azure.client_certificate_pem, azure.client_key_pem
        ),
        format!(
            "gcp = {{ host = {:?}, cluster_ca_certificate = base64encode(<<-EOT\n{}\nEOT\n), token = {:?} }}\n",
            gcp.host, gcp.ca_pem, gcp.token
        ),
    ];
    let federation = federation(name, &["aws", "azure", "gcp"], "", &settings(name, "one"));
    let log = tempfile::NamedTempFile::new()?;
    let env = [("TF_LOG_PROVIDER", "TRACE"), ("TF_LOG_PATH", log.path().to_str().unwrap_or_default())];
    let scenario =
        Scenario::with(world, &format!("{REQUIRED}{}{federation}", provider(&entries)), &env).await?;
    let plan = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(plan.code == Some(2), "{}\n{}", plan.stdout, plan.stderr);
    let apply = scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    let state = std::fs::read_to_string(scenario.terraform.directory().join("terraform.tfstate"))?;
    let logged = std::fs::read_to_string(log.path())?;
    ensure!(logged.contains("applied"), "the log is empty:\n{logged}");
    let key_line = azure.client_key_pem.lines().nth(1).unwrap_or("no key");
    for secret in [gcp.token.as_str(), aws.token.as_str(), key_line] {
        let shown = |text: &str| text.contains(secret);
        ensure!(!shown(&state), "a secret is in the state");
        ensure!(!shown(&logged), "a secret is in the log");
        ensure!(!shown(&plan.stdout) && !shown(&apply.stdout), "a secret is in the output");
    }
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// The state remembers how a kubeconfig member is reached, so that it can be left after its entry is gone.
pub(crate) async fn a_member_whose_entry_is_gone_can_be_left(world: &'static World) -> anyhow::Result<()> {
    let name = "t-entry-gone";
    let (_proxy, by_host) = behind_proxy(world, "gcp").await?;
    let text = |entries: &[String], members: &[&str]| {
        format!("{REQUIRED}{}{}", provider(entries), federation(name, members, "", &settings(name, "one")))
    };
    let all = [by_kubeconfig(world, "aws"), by_kubeconfig(world, "azure"), by_host];
    let scenario = Scenario::new(world, &text(&all, &["aws", "azure", "gcp"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.apply(&text(&[by_kubeconfig(world, "aws"), all[2].clone()], &["aws", "gcp"])).await?;
    ensure!(!look::has_namespace(world, "azure", name).await?, "azure was not left");

    // Nothing is remembered of a host and token: the plan asks for the entry.
    scenario.write(&text(&[by_kubeconfig(world, "aws")], &["aws"]))?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    ensure!(said(&plan).contains("Keep the entry for one more apply"), "{}", plan.stderr);
    scenario.write(&text(&all, &["aws", "gcp"]))?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// The calls of a plan without changes: the cluster's identity, the record, and a list per kind.
pub(crate) async fn a_plan_without_changes_asks_little(world: &'static World) -> anyhow::Result<()> {
    let name = "t-calls";
    let resources =
        [settings(name, "one"), resource("web", &deployment(name, "web", "web:1", 1), "")].concat();
    let text = format!(
        "{REQUIRED}{}{}",
        provider_for(world, &["azure"]),
        federation(name, &["azure"], "", &resources)
    );
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let cluster = world.lab.cluster("azure");
    let id = look::applyset_id(world, "azure", name).await?;
    let mark = cluster.audit_mark()?;
    scenario.expect_no_changes().await?;
    let calls = cluster.audit_since(mark).await?;
    // Other tests use the cluster at the same time; these calls carry this federation's name or id.
    let mut ours: Vec<String> = calls
        .iter()
        .filter(|call| call.uri.contains(name) || call.uri.contains(&id))
        .map(|call| format!("{} {}", call.verb, call.resource))
        .collect();
    ours.sort();
    ensure!(ours == ["get configmaps", "list configmaps", "list deployments", "list namespaces"], "{ours:?}");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
