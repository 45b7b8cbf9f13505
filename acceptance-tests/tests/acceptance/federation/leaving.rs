//! The end of a member, or of the federation: what stays, and what stands in the way.

use acceptance_tests::{Fault, Proxy};
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, deployment, federation, namespace, provider, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

fn foretold(plan: &Value, cluster: &str) -> Value {
    plan["resource_changes"][0]["change"]["after"]["forecast"][cluster].clone()
}

/// What a person sees who looks at an object that nobody keeps any more: it is what it was, without a word of us.
async fn expect_orphan(world: &World, cluster: &str, name: &str, uid: Option<&str>) -> anyhow::Result<()> {
    let web = look::deployments(world, cluster, name).await?.get("web").await?;
    ensure!(web.metadata.uid.as_deref() == uid, "{cluster}: it was made anew");
    let labels = web.metadata.labels.clone().unwrap_or_default();
    ensure!(labels.keys().all(|label| label == "app"), "{cluster}: it has labels {labels:?}");
    let fields = web.metadata.managed_fields.clone().unwrap_or_default();
    let ours = |it: &ManagedFieldsEntry| it.manager.as_deref().is_some_and(|it| it.contains(name));
    ensure!(!fields.iter().any(ours), "{cluster}: its fields are not nobody's: {fields:?}");
    let settings = look::config_maps(world, cluster, name).await?.get("settings").await?;
    let labels = settings.metadata.labels.unwrap_or_default();
    ensure!(labels.is_empty(), "{cluster}: {labels:?}");
    ensure!(settings.data.is_some_and(|data| data["key"] == "one"), "{cluster}: the ConfigMap is empty");
    let spaces: Api<Namespace> = Api::all(world.lab.client(cluster).await?);
    let space = spaces.get(name).await?;
    let labels = space.metadata.labels.unwrap_or_default();
    ensure!(labels.keys().all(|label| label == "kubernetes.io/metadata.name"), "{cluster}: {labels:?}");
    ensure!(look::inventory(world, cluster, name).await?.is_none(), "{cluster}: a record is left");
    Ok(())
}

/// With `orphan` the objects stay on whom the federation leaves, and are taken up again by whoever wants them so.
pub(crate) async fn objects_may_stay(world: &'static World) -> anyhow::Result<()> {
    let name = "t-orphans";
    let web =
        deployment(name, "web", "web:1", 1).replacen("metadata: {", "metadata: { labels: { app: web },", 1);
    let resources = [
        namespace(name),
        resource("web", &web, ""),
        resource("settings", &config_map(name, "settings", "one"), ""),
    ]
    .concat();
    let text = |members: &[&str], arguments: &str| {
        let federation = federation(name, members, arguments, &resources);
        format!("{REQUIRED}{}{federation}", provider_for(world, &["aws", "azure"]))
    };
    let orphan = "  leave = { objects = \"orphan\" }";
    let scenario = Scenario::new(world, &text(&["aws", "azure"], orphan)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let uid = async |cluster: &str| -> anyhow::Result<Option<String>> {
        Ok(look::deployments(world, cluster, name).await?.get("web").await?.metadata.uid)
    };
    let before = (uid("aws").await?, uid("azure").await?);

    scenario.write(&text(&["aws"], orphan))?;
    let plan = scenario.plan_json().await?;
    let stays = "release: objects stay (`leave.objects = \"orphan\"`)";
    let expected = json!({
        "member": "leave", "Deployment t-orphans/web": stays, "ConfigMap t-orphans/settings": stays,
        "Namespace t-orphans": stays,
    });
    ensure!(foretold(&plan, "azure") == expected, "{:#}", foretold(&plan, "azure"));
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    expect_orphan(world, "azure", name, before.1.as_deref()).await?;
    scenario.expect_no_changes().await?;

    let destroy = scenario.terraform.destroy().await?.ok()?;
    ensure!(destroy.stdout.contains("The objects stay on the clusters"), "{}", destroy.stdout);
    expect_orphan(world, "aws", name, before.0.as_deref()).await?;

    // They are as wanted, so they can be adopted.
    scenario.write(&text(&["aws", "azure"], ""))?;
    let refused = scenario.terraform.plan(None).await?;
    ensure!(refused.code == Some(1) && said(&refused).contains("exists already"), "{}", refused.stderr);
    scenario.apply(&text(&["aws", "azure"], "  adopt = \"if_no_diff\"")).await?;
    ensure!(before == (uid("aws").await?, uid("azure").await?), "they were made anew");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in ["aws", "azure"] {
        let web = look::deployments(world, cluster, name).await?.get_opt("web").await?;
        ensure!(web.is_none(), "the Deployment is left on {cluster}");
        // It was there before the second federation, which keeps it.
        let spaces: Api<Namespace> = Api::all(world.lab.client(cluster).await?);
        spaces.delete(name, &DeleteParams::default()).await?;
    }
    Ok(())
}

/// `gcp` behind a proxy, by its address.
async fn behind_proxy(world: &World) -> anyhow::Result<(Proxy, String)> {
    let proxy = world.lab.proxy("gcp").await?;
    let cluster = world.lab.cluster("gcp");
    let entry = format!(
        "gcp = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        proxy.host(),
        cluster.ca_pem,
        cluster.token
    );
    Ok((proxy, entry))
}

fn settings(name: &str) -> String {
    [namespace(name), resource("settings", &config_map(name, "settings", "one"), "")].concat()
}

async fn has_settings(world: &World, cluster: &str, name: &str) -> anyhow::Result<bool> {
    Ok(look::config_maps(world, cluster, name).await?.get_opt("settings").await?.is_some())
}

const FORGET: &str = "  leave = { unreachable = \"forget\" }";

/// A member that does not answer can be left only by who says so, and is told of.
pub(crate) async fn who_does_not_answer_is_forgotten_only_if_allowed(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-forgotten";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = |members: &[&str], arguments: &str| {
        let provider = provider(&[by_kubeconfig(world, "aws"), entry.clone()]);
        format!("{REQUIRED}{provider}{}", federation(name, members, arguments, &settings(name)))
    };
    let both = ["aws", "gcp"];
    let scenario = Scenario::new(world, &text(&both, "")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    proxy.set(Fault::Cut).await?;

    scenario.write(&text(&["aws"], ""))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("Cluster `gcp` failed"), "{}", apply.stderr);
    scenario.write(&text(&["aws"], FORGET))?;
    let plan = scenario.plan_json().await?;
    let member = foretold(&plan, "gcp")["member"].clone();
    ensure!(member.as_str().is_some_and(|it| it.contains("if it still does not answer")), "{member}");
    let apply = scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(apply.stdout.contains("`gcp` is forgotten"), "no warning:\n{}", apply.stdout);
    ensure!(has_settings(world, "gcp", name).await?, "it was reached after all");
    scenario.expect_no_changes().await?;

    // It comes back, and is joined again with what is on it.
    proxy.set(Fault::None).await?;
    scenario.write(&text(&both, FORGET))?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    proxy.set(Fault::Cut).await?;
    let destroy = scenario.terraform.destroy().await?.ok()?;
    ensure!(destroy.stdout.contains("`gcp` is forgotten"), "no warning:\n{}", destroy.stdout);
    ensure!(!look::has_namespace(world, "aws", name).await?, "aws was held up");

    // A destroy without that permission fails, says whose fault it is, and can be repeated.
    let name = "t-not-forgotten";
    let text = format!(
        "{REQUIRED}{}{}",
        provider(&[by_kubeconfig(world, "aws"), entry]),
        federation(name, &both, "", &settings(name))
    );
    proxy.set(Fault::None).await?;
    scenario.apply(&text).await?;
    proxy.set(Fault::Cut).await?;
    let destroy = scenario.terraform.destroy().await?;
    ensure!(destroy.code == Some(1) && said(&destroy).contains("Cluster `gcp` failed"), "{}", destroy.stderr);
    ensure!(said(&destroy).contains("Cluster `aws` is done"), "{}", destroy.stderr);
    ensure!(!look::has_namespace(world, "aws", name).await?, "aws was held up");
    proxy.set(Fault::None).await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "gcp", name).await?, "gcp is left");
    Ok(())
}

/// The cluster is gone, and its entry with it.
pub(crate) async fn who_has_no_entry_is_forgotten_only_if_allowed(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-no-entry";
    let (_proxy, entry) = behind_proxy(world).await?;
    let text = |entries: &[String], members: &[&str], arguments: &str| {
        format!("{REQUIRED}{}{}", provider(entries), federation(name, members, arguments, &settings(name)))
    };
    let aws = by_kubeconfig(world, "aws");
    let scenario = Scenario::new(world, &text(&[aws.clone(), entry], &["aws", "gcp"], "")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let alone = |arguments: &str| text(std::slice::from_ref(&aws), &["aws"], arguments);
    scenario.write(&alone(""))?;
    let refused = scenario.terraform.plan(None).await?;
    ensure!(refused.code == Some(1), "{}", refused.stdout);
    for expected in ["Cannot leave cluster `gcp`", "Keep the entry", "unreachable = \"forget\""] {
        ensure!(said(&refused).contains(expected), "no `{expected}` in:\n{}", refused.stderr);
    }
    scenario.write(&alone(FORGET))?;
    let plan = scenario.plan_json().await?;
    let expected = json!({ "member": "forget: it cannot be reached, and what is on it stays" });
    ensure!(foretold(&plan, "gcp") == expected, "{:#}", foretold(&plan, "gcp"));
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(has_settings(world, "gcp", name).await?, "it was reached after all");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "aws", name).await?, "aws is left");
    let spaces: Api<Namespace> = Api::all(world.lab.client("gcp").await?);
    spaces.delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// A member that leaves and cannot let go: who holds it is named, and the next apply goes on.
pub(crate) async fn what_holds_a_member_is_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-held";
    let text = |members: &[&str]| {
        let federation = federation(name, members, "  timeouts = { update = \"8s\" }", &settings(name));
        format!("{REQUIRED}{}{federation}", provider_for(world, &["aws", "azure"]))
    };
    let scenario = Scenario::new(world, &text(&["aws", "azure"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let hold = |finalizers: Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    let api = look::config_maps(world, "azure", name).await?;
    api.patch("settings", &PatchParams::default(), &hold(json!(["example.com/hold"]))).await?;
    scenario.write(&text(&["aws"]))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    for expected in ["Cluster `azure` failed", "ConfigMap t-held/settings", "example.com/hold"] {
        ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
    }
    api.patch("settings", &PatchParams::default(), &hold(json!(null))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(!look::has_namespace(world, "azure", name).await?, "azure is left");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// What a snapshot holds of an object.
async fn snapshot(world: &World, name: &str) -> anyhow::Result<Vec<k8s_openapi::api::core::v1::ConfigMap>> {
    let record = look::config_maps(world, "azure", look::RECORDS).await?;
    let settings = look::config_maps(world, "azure", name).await?;
    let record = record.get(&format!("federation.{name}.default")).await?;
    Ok(vec![record, settings.get("settings").await?, settings.get("old").await?])
}

/// A member that is set back to an old snapshot of itself, records and all, is brought up to date again: what it had
/// lost comes back, what it had been rid of goes, and what had changed changes.
pub(crate) async fn who_is_set_back_catches_up(world: &'static World) -> anyhow::Result<()> {
    let name = "t-restored";
    let members = ["aws", "azure"];
    let text = |value: &str, other: &str| {
        let resources = [
            namespace(name),
            resource("settings", &config_map(name, "settings", value), ""),
            resource("other", &config_map(name, other, "one"), ""),
        ];
        format!(
            "{REQUIRED}{}{}",
            provider_for(world, &members),
            federation(name, &members, "", &resources.concat())
        )
    };
    let scenario = Scenario::new(world, &text("one", "old")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let before = snapshot(world, name).await?;
    scenario.apply(&text("two", "new")).await?;

    let api = look::config_maps(world, "azure", name).await?;
    api.delete("new", &DeleteParams::default()).await?;
    let mut record = before[0].clone();
    // As the federation wrote them then, so that nobody else has written to them since.
    let as_then = PatchParams::apply(&format!("multicluster-{name}")).force();
    for object in [&before[1], &before[2]] {
        let at = object.metadata.name.clone().context("no name")?;
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": object.data,
            "metadata": { "name": at, "namespace": name, "labels": object.metadata.labels },
        });
        let now = api.patch(&at, &as_then, &Patch::Apply(body)).await?;
        // What was made anew has another UID than it had, which after a real restore it would not.
        let (then, now) = (object.metadata.uid.as_deref(), now.metadata.uid.as_deref());
        let data = record.data.as_mut().and_then(|data| data.get_mut("inventory.json"));
        let data = data.context("no record")?;
        *data = data.replace(then.context("no UID")?, now.context("no UID")?);
    }
    record.metadata.resource_version = None;
    let records = look::config_maps(world, "azure", look::RECORDS).await?;
    records.replace(&format!("federation.{name}.default"), &PostParams::default(), &record).await?;

    let plan = scenario.plan_json().await?;
    let forecast = foretold(&plan, "azure");
    ensure!(forecast["ConfigMap t-restored/new"] == "create", "{forecast:#}");
    ensure!(forecast["ConfigMap t-restored/old"] == "delete", "{forecast:#}");
    let settings = forecast["ConfigMap t-restored/settings"].as_str().unwrap_or_default();
    ensure!(settings == "update: data.key \"one\" → \"two\"", "{forecast:#}");
    ensure!(foretold(&plan, "aws")["ConfigMap t-restored/settings"] == "unchanged", "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    let now = api.get("settings").await?;
    ensure!(now.data.is_some_and(|data| data["key"] == "two"), "it did not catch up");
    ensure!(
        api.get_opt("old").await?.is_none() && api.get_opt("new").await?.is_some(),
        "it did not catch up"
    );
    scenario.expect_no_changes().await?;

    // A snapshot from before it joined: it has nothing of us.
    records.delete(&format!("federation.{name}.default"), &DeleteParams::default()).await?;
    for object in ["settings", "new"] {
        api.delete(object, &DeleteParams::default()).await?;
    }
    let plan = scenario.plan_json().await?;
    let forecast = foretold(&plan, "azure");
    ensure!(forecast["ConfigMap t-restored/settings"] == "create", "{forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in members {
        ensure!(!look::has_namespace(world, cluster, name).await?, "{cluster} is left");
    }
    Ok(())
}
