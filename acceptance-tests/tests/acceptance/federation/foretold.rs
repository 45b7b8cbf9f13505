//! What a plan says of the apply that follows, and what it asks for that.

use anyhow::{Context as _, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

const ON: &str = "azure";

fn text(world: &World, name: &str, arguments: &str, resources: &[String]) -> String {
    let federation = federation(name, &[ON], arguments, &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, &[ON]))
}

/// The planned values of a resource.
fn planned<'a>(plan: &'a Value, address: &str) -> anyhow::Result<&'a Value> {
    let changes = plan["resource_changes"].as_array().context("no changes")?;
    let change = changes.iter().find(|change| change["address"] == address).context("not planned")?;
    Ok(&change["change"])
}

fn shown(stdout: &str) -> String {
    stdout.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) async fn typos_are_errors_with_their_path(world: &'static World) -> anyhow::Result<()> {
    let name = "t-typo";
    let web = deployment(name, "web", "web:1", 2).replace("containerPort: 80", "containrePort: 80");
    let settings = config_map(name, "settings", "one").replace("\ndata:", "\ndaat:");
    let resources = [
        namespace(name),
        resource("web", &web, ""),
        resource("settings", &settings, ""),
        resource("fine", &config_map(name, "fine", "one"), ""),
    ];
    let scenario = Scenario::new(world, &text(world, name, "", &resources)).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for expected in [
        "resources[\"web\"].manifest: Deployment t-typo/web on `azure`",
        "containrePort",
        "resources[\"settings\"].manifest: ConfigMap t-typo/settings on `azure`",
        "`daat`: unknown field",
    ] {
        ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
    }
    ensure!(!said(&plan).contains("t-typo/fine"), "{}", plan.stderr);
    ensure!(!look::has_namespace(world, ON, name).await?, "a refused plan made something");
    Ok(())
}

/// The namespace comes from another federation, in the same apply: nothing can be asked about what is to be in it.
pub(crate) async fn what_cannot_be_known_says_why(world: &'static World) -> anyhow::Result<()> {
    let (name, base) = ("t-unknown", "t-unknown-base");
    let objects = federation(
        name,
        &[ON],
        "  depends_on = [multicluster_federation.base]",
        &resource("settings", &config_map(name, "settings", "one"), ""),
    );
    let base = federation(base, &[ON], "", &namespace(name)).replace("\"it\"", "\"base\"");
    let text = format!("{REQUIRED}{}{base}{objects}", provider_for(world, &[ON]));
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(plan.code == Some(2), "{}\n{}", plan.stdout, plan.stderr);
    let expected = "ConfigMap t-unknown/settings: Namespace `t-unknown` does not exist yet.";
    ensure!(shown(&plan.stdout).contains(expected), "no `{expected}` in:\n{}", plan.stdout);
    let json = scenario.terraform.show_json(Some("saved.plan")).await?;
    let change = planned(&json, "multicluster_federation.it")?;
    let unknown = &change["after_unknown"]["forecast"][ON];
    ensure!(unknown["ConfigMap t-unknown/settings"] == true, "it is known: {change:#}");
    ensure!(change["after"]["forecast"][ON]["member"] == "join", "{change:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, ON, name).await?, "the namespace is left");
    Ok(())
}

/// Who may only read can plan, if that is asked for: not one dry run is made.
pub(crate) async fn reading_is_enough_for_a_plan(world: &'static World) -> anyhow::Result<()> {
    let name = "t-read";
    let client = world.lab.client(ON).await?;
    let apply = PatchParams::apply("t-read").force();
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": name },
        "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] }] });
    Api::<ClusterRole>::all(client.clone()).patch(name, &apply, &Patch::Apply(role)).await?;
    let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "t-readers" }] });
    Api::<ClusterRoleBinding>::all(client).patch(name, &apply, &Patch::Apply(binding)).await?;
    look::make_namespace(world, ON, name).await?;
    let theirs =
        serde_json::from_value(json!({ "metadata": { "name": "theirs" }, "data": { "key": "one" } }))?;
    let parameters =
        kube::api::PostParams { field_manager: Some("helm".to_owned()), ..kube::api::PostParams::default() };
    look::config_maps(world, ON, name).await?.create(&parameters, &theirs).await?;

    let cluster = world.lab.cluster(ON);
    let (certificate, key) = cluster.client_certificate("t-reader", "t-readers")?;
    let reader = format!(
        "{ON} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n client_certificate = <<-EOT\n{certificate}\nEOT\n client_key = <<-EOT\n{key}\nEOT\n }}\n",
        cluster.host, cluster.ca_pem
    );
    let with = |provider: &str, value: &str, adopts: bool| {
        let mut resources = vec![resource("settings", &config_map(name, "settings", value), "")];
        let theirs = config_map(name, "theirs", "one");
        resources.extend(adopts.then(|| resource("theirs", &theirs, "      adopt = \"if_no_diff\"")));
        let federation = federation(name, &[ON], "  plan_checks = \"read\"", &resources.concat());
        format!("{REQUIRED}{provider}{federation}")
    };
    let admin = provider_for(world, &[ON]);
    let scenario = Scenario::new(world, &with(&admin, "one", false)).await?;
    scenario.terraform.apply(None).await?.ok()?;

    let mark = cluster.audit_mark()?;
    scenario.write(&with(&provider(&[reader]), "two", true))?;
    let plan = scenario.plan_json().await?;
    let forecast = &planned(&plan, "multicluster_federation.it")?["after"]["forecast"][ON];
    let expected = json!({
        "member": "unchanged",
        "ConfigMap t-read/settings": "update: data.key \"one\" → \"two\"",
        "ConfigMap t-read/theirs": "adopt (kept by Helm) if nothing differs",
    });
    ensure!(*forecast == expected, "{forecast:#}");
    let calls = cluster.audit_since(mark).await?;
    let ours = calls.iter().filter(|call| call.uri.contains(name));
    let writes: Vec<String> = ours
        .filter(|call| !["get", "list"].contains(&call.verb.as_str()))
        .map(|call| format!("{} {}", call.verb, call.uri))
        .collect();
    ensure!(writes.is_empty(), "a plan that only reads wrote: {writes:?}");

    // Whoever may write carries it out, and what was found there becomes ours.
    scenario.apply(&with(&admin, "two", true)).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    let left = look::config_maps(world, ON, name).await?.get_opt("theirs").await?;
    ensure!(left.is_none(), "what was adopted is left");
    Ok(())
}

pub(crate) async fn too_many_deletions_are_refused(world: &'static World) -> anyhow::Result<()> {
    let name = "t-many";
    let with = |most: &str, count: u32| {
        let maps = (0..count).map(|number| {
            let map = format!("map-{number}");
            resource(&map, &config_map(name, &map, "one"), "")
        });
        text(world, name, most, &[namespace(name)].into_iter().chain(maps).collect::<Vec<_>>())
    };
    let scenario = Scenario::new(world, &with("  max_deletions = 1", 3)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.write(&with("  max_deletions = 1", 1))?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for expected in ["The apply would delete 2 objects, and at most 1 are allowed at once", "max_deletions"] {
        ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
    }
    scenario.apply(&with("  max_deletions = 1", 2)).await?;
    scenario.apply(&with("", 0)).await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
