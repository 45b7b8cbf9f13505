//! What may happen to members and objects between two applies, and what then may not be lost or taken.

use std::time::{Duration, Instant};

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
    PostParams, WatchEvent, WatchParams,
};
use kube::runtime::{conditions, wait::await_condition};
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, deployment, federation, namespace, provider, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

fn on(world: &World, members: &[&str], name: &str, arguments: &str, resources: &[String]) -> String {
    let federation = federation(name, members, arguments, &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, members))
}

fn settings(name: &str, value: &str) -> String {
    resource("settings", &config_map(name, "settings", value), "")
}

async fn value(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Option<String>> {
    let found = look::config_maps(world, cluster, namespace).await?.get_opt("settings").await?;
    Ok(found.and_then(|it| it.data).and_then(|mut data| data.remove("key")))
}

/// The planned forecast of a member.
fn foretold(plan: &Value, cluster: &str) -> Value {
    plan["resource_changes"][0]["change"]["after"]["forecast"][cluster].clone()
}

/// A namespace that leaves the federation does not take along what stays in it.
pub(crate) async fn a_namespace_that_leaves_takes_nothing_along(world: &'static World) -> anyhow::Result<()> {
    let name = "t-leaves";
    let both = [namespace(name), settings(name, "one")];
    let scenario = Scenario::new(world, &on(world, &["aws"], name, "", &both)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let before = look::config_maps(world, "aws", name).await?.get("settings").await?.metadata.uid;

    scenario.write(&on(world, &["aws"], name, "", &[settings(name, "one")]))?;
    let plan = scenario.plan_json().await?;
    let text = foretold(&plan, "aws")["Namespace t-leaves"].clone();
    ensure!(text == "keep: other objects of the federation are in it", "the plan says {text}");
    let apply = scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(apply.stdout.contains("is kept"), "not said:\n{}", apply.stdout);
    let after = look::config_maps(world, "aws", name).await?.get("settings").await?.metadata.uid;
    ensure!(before == after, "the object was made anew");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(look::has_namespace(world, "aws", name).await?, "a namespace of nobody was deleted");
    Ok(())
}

/// A namespace that somebody is deleting is waited for, and made again with all that was in it.
pub(crate) async fn what_somebody_is_deleting_is_made_again(world: &'static World) -> anyhow::Result<()> {
    let name = "t-doomed";
    let both = [namespace(name), settings(name, "one")];
    let scenario = Scenario::new(world, &on(world, &["azure"], name, "", &both)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let hold = |finalizers: Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    let maps = look::config_maps(world, "azure", name).await?;
    let parameters = PatchParams::default();
    maps.patch("settings", &parameters, &hold(json!(["example.com/hold"]))).await?;
    let namespaces: Api<Namespace> = Api::all(world.lab.client("azure").await?);
    namespaces.delete(name, &DeleteParams::default()).await?;

    let plan = scenario.plan_json().await?;
    let forecast = foretold(&plan, "azure");
    ensure!(forecast["Namespace t-doomed"] == "create again: it is being deleted", "{forecast:#}");
    let release = async {
        // Not before the apply is at work: it has to wait.
        let watch = WatchParams::default().fields(&format!("metadata.name=federation.{name}.default"));
        let records = look::config_maps(world, "azure", look::RECORDS).await?;
        let seen = records.get(&format!("federation.{name}.default")).await?.metadata.resource_version;
        let mut events = Box::pin(records.watch(&watch, &seen.unwrap_or_default()).await?);
        while let Some(event) = events.try_next().await? {
            if matches!(event, WatchEvent::Modified(_)) {
                break;
            }
        }
        maps.patch("settings", &parameters, &hold(json!(null))).await?;
        anyhow::Ok(())
    };
    let (apply, released) = futures::join!(scenario.terraform.apply(Some("saved.plan")), release);
    released?;
    apply?.ok()?;
    ensure!(value(world, "azure", name).await?.as_deref() == Some("one"), "it was not made again");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Another name for the same cluster: nothing on it is touched, and nothing hangs on the old name.
pub(crate) async fn a_renamed_member_stays(world: &'static World) -> anyhow::Result<()> {
    let name = "t-renamed";
    let text = |member: &str, value: &str| {
        let entry = by_kubeconfig(world, "aws").replacen("aws", member, 1);
        let federation = federation(name, &[member], "", &[namespace(name), settings(name, value)].concat());
        format!("{REQUIRED}{}{federation}", provider(&[entry]))
    };
    let scenario = Scenario::new(world, &text("old", "one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let before = look::config_maps(world, "aws", name).await?.get("settings").await?.metadata.uid;

    scenario.write(&text("new", "two"))?;
    let plan = scenario.plan_json().await?;
    ensure!(
        foretold(&plan, "old") == json!({ "member": "renamed to `new`" }),
        "{:#}",
        foretold(&plan, "old")
    );
    let forecast = foretold(&plan, "new");
    ensure!(forecast["member"] == "renamed from `old`", "{forecast:#}");
    let change = &forecast["ConfigMap t-renamed/settings"];
    ensure!(*change == r#"update: data.key "one" → "two""#, "{forecast:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    let after = look::config_maps(world, "aws", name).await?.get("settings").await?;
    ensure!(after.metadata.uid == before, "the object was made anew");
    ensure!(value(world, "aws", name).await?.as_deref() == Some("two"), "the change was not made");
    let state = scenario.state().await?;
    ensure!(state["cluster_uids"].as_object().is_some_and(|it| it.keys().eq(["new"])), "{state:#}");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "aws", name).await?, "the namespace is left");
    Ok(())
}

/// A member that leaves while its name stands for another cluster: that one is left alone, and the name is free.
pub(crate) async fn a_name_that_leads_elsewhere_can_be_left(world: &'static World) -> anyhow::Result<()> {
    let name = "t-elsewhere";
    let text = |context: &str, members: &[&str]| {
        let main = by_kubeconfig(world, context).replacen(context, "main", 1);
        let federation = federation(name, members, "", &[namespace(name), settings(name, "one")].concat());
        format!("{REQUIRED}{}{federation}", provider(&[main, by_kubeconfig(world, "gcp")]))
    };
    let scenario = Scenario::new(world, &text("aws", &["gcp", "main"])).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let apply = scenario.apply(&text("azure", &["gcp"])).await?;
    ensure!(apply.stdout.contains("nothing was removed from it"), "not said:\n{}", apply.stdout);
    ensure!(value(world, "aws", name).await?.as_deref() == Some("one"), "the old cluster was touched");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A correction that was cut short is still a correction: fields are taken back by the next apply.
pub(crate) async fn a_correction_cut_short_is_gone_on_with(world: &'static World) -> anyhow::Result<()> {
    let name = "t-correction";
    let both = [namespace(name), resource("web", &deployment(name, "web", "web:1", 2), "")];
    let scenario = Scenario::new(world, &on(world, &["gcp"], name, "", &both)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    look::edit_replicas(world, "gcp", name, "web", 5).await?;
    let killed = scenario.terraform.clone().with_env("MULTICLUSTER_FAILPOINTS", "object-apply-before#1=kill");
    ensure!(killed.apply(None).await?.code == Some(1), "the kill did not happen");
    let record = look::inventory(world, "gcp", name).await?.context("no record")?;
    ensure!(record["state"] == "incomplete", "{record:#}");

    let plan = scenario.plan_json().await?;
    let text = foretold(&plan, "gcp")["Deployment t-correction/web"].clone();
    ensure!(text == "correct: spec.replicas (now 5, set by kubectl-edit)", "the plan says {text}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, "gcp", name, "web").await? == (2, 2), "the drift was not corrected");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Makes the definition of a cluster-scoped kind with these versions by hand, and waits until it is served.
async fn define(
    world: &World,
    cluster: &str,
    name: &str,
    versions: &[&str],
) -> anyhow::Result<Api<CustomResourceDefinition>> {
    let group = format!("{name}.example.com");
    let schema =
        json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let versions: Vec<Value> = versions
        .iter()
        .map(|it| json!({ "name": it, "served": true, "storage": *it == "v1", "schema": schema }))
        .collect();
    let definition = serde_json::from_value(json!({
        "metadata": { "name": format!("gadgets.{group}") },
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": { "kind": "Gadget", "plural": "gadgets", "singular": "gadget", "listKind": "GadgetList" },
            "versions": versions,
        },
    }))?;
    let definitions: Api<CustomResourceDefinition> = Api::all(world.lab.client(cluster).await?);
    definitions.create(&PostParams::default(), &definition).await?;
    let established = conditions::is_crd_established();
    await_condition(definitions.clone(), &format!("gadgets.{group}"), established).await?;
    Ok(definitions)
}

fn gadgets(client: kube::Client, name: &str, version: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&format!("{name}.example.com"), version, "Gadget");
    Api::all_with(client, &ApiResource::from_gvk_with_plural(&kind, "gadgets"))
}

/// An object whose version is served no more is there in another one. It is not taken for gone, and not left behind.
pub(crate) async fn a_version_that_is_served_no_more_hides_nothing(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-versions";
    let definitions = define(world, "aws", name, &["v1beta1", "v1"]).await?;
    let gadget = format!(
        "apiVersion: {name}.example.com/v1beta1\nkind: Gadget\nmetadata: {{ name: one }}\nspec: {{ size: 3 }}"
    );
    let text = |version: &str| {
        let manifest = gadget.replace("v1beta1", version);
        on(world, &["aws"], name, "", &[resource("gadget", &manifest, "")])
    };
    let scenario = Scenario::new(world, &text("v1beta1")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;

    let api = gadgets(world.lab.client("aws").await?, name, "v1");
    let before = api.get("one").await?.metadata.uid;
    let unserve = Patch::Json::<()>(serde_json::from_value(
        json!([{ "op": "replace", "path": "/spec/versions/0/served", "value": false }]),
    )?);
    definitions.patch(&format!("gadgets.{name}.example.com"), &PatchParams::default(), &unserve).await?;
    let lists_no_more = async || {
        let old = gadgets(world.lab.client("aws").await?, name, "v1beta1");
        Ok(old.list(&ListParams::default()).await.err().map(drop))
    };
    wait::until("v1beta1 is served no more", Duration::from_secs(30), lists_no_more).await?;

    // In the version that is served now it goes on as the same object.
    scenario.apply(&text("v1")).await?;
    ensure!(api.get("one").await?.metadata.uid == before, "it was made anew");
    scenario.expect_no_changes().await?;

    // And a federation that still knows the old version only removes it.
    let record = look::config_maps(world, "aws", look::RECORDS).await?;
    let record_name = format!("federation.{name}.default");
    let mut map: ConfigMap = record.get(&record_name).await?;
    if let Some(text) = map.data.as_mut().and_then(|data| data.get_mut("inventory.json")) {
        *text = text.replace("\"version\":\"v1\"", "\"version\":\"v1beta1\"");
    }
    record.replace(&record_name, &PostParams::default(), &map).await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(api.get_opt("one").await?.is_none(), "the object was left behind");
    definitions.delete(&format!("gadgets.{name}.example.com"), &DeleteParams::default()).await?;
    Ok(())
}

/// A cluster-scoped object of a custom kind that says a namespace could not be found again: it is refused at plan.
pub(crate) async fn a_needless_namespace_is_refused(world: &'static World) -> anyhow::Result<()> {
    let name = "t-needless";
    let definitions = define(world, "gcp", name, &["v1"]).await?;
    let gadget = format!(
        "apiVersion: {name}.example.com/v1\nkind: Gadget\nmetadata: {{ name: one, namespace: default }}"
    );
    let text = on(world, &["gcp"], name, "", &[resource("gadget", &gadget, "")]);
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    ensure!(said(&plan).contains("remove its `metadata.namespace`"), "{}", plan.stderr);
    definitions.delete(&format!("gadgets.{name}.example.com"), &DeleteParams::default()).await?;
    Ok(())
}

/// A create that failed, and a member that is dropped before the next: the two plans of the replacement agree.
pub(crate) async fn a_failed_create_is_replaced_with_fewer_members(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-fewer";
    let text = |members: &[&str], image: &str| {
        let web = resource("web", &deployment(name, "web", image, 1), "");
        let federation = federation(name, members, "", &[namespace(name), web].concat());
        format!("{REQUIRED}{}{federation}", provider_for(world, &["aws", "azure"]))
    };
    let scenario = Scenario::new(world, &text(&["aws", "azure"], "web:noimage")).await?;
    ensure!(scenario.terraform.apply(None).await?.code == Some(1), "it did not fail");
    scenario.apply(&text(&["aws"], "web:1")).await?;
    ensure!(!look::has_namespace(world, "azure", name).await?, "what the failed create made is left");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// One workload that cannot become ready ends the wait for the others.
pub(crate) async fn a_broken_workload_does_not_wait_for_a_slow_one(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-fail-fast";
    let resources = [
        namespace(name),
        resource("a-slow", &deployment(name, "a-slow", "web:slow-300s", 1), ""),
        resource("broken", &deployment(name, "broken", "web:broken", 1), ""),
    ];
    let scenario = Scenario::new(world, &on(world, &["aws"], name, "", &resources)).await?;
    let begun = Instant::now();
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("CrashLoopBackOff"), "{}", apply.stderr);
    ensure!(begun.elapsed().as_secs() < 120, "it took {:?}", begun.elapsed());
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A create that was killed when one member was done and the other was not: the next one goes on with both.
pub(crate) async fn killed_between_two_members(world: &'static World) -> anyhow::Result<()> {
    let name = "t-between";
    let slow = resource(
        "web",
        &deployment(name, "web", "web:slow-60s", 1),
        "placement = { clusters = [\"azure\"] }",
    );
    let text = on(world, &["aws", "azure"], name, "", &[namespace(name), settings(name, "one"), slow]);
    let scenario = Scenario::new(world, &text).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    let one_is_done = async || {
        let aws = look::inventory(world, "aws", name).await?.is_some_and(|it| it["state"] == "complete");
        let azure = look::deployments(world, "azure", name).await?.get_opt("web").await?.is_some();
        Ok((aws && azure).then_some(()))
    };
    let soon = Duration::from_secs(60);
    wait::until("one member is done", soon, one_is_done).await?;
    run.kill()?;
    run.wait().await?;

    scenario.apply(&text.replace("slow-60s", "1")).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in ["aws", "azure"] {
        ensure!(!look::has_namespace(world, cluster, name).await?, "the namespace is left on {cluster}");
    }
    Ok(())
}

/// An update that failed leaves an incomplete record. It is not a create that was cut short, and nobody else's to take.
pub(crate) async fn a_failed_update_is_not_taken_over(world: &'static World) -> anyhow::Result<()> {
    let name = "t-not-taken";
    let text = |image: &str| {
        on(
            world,
            &["azure"],
            name,
            "",
            &[namespace(name), resource("web", &deployment(name, "web", image, 1), "")],
        )
    };
    let scenario = Scenario::new(world, &text("web:1")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.write(&text("web:broken"))?;
    ensure!(scenario.terraform.apply(None).await?.code == Some(1), "the update did not fail");

    let other = Scenario::new(world, &text("web:other")).await?;
    let plan = other.terraform.plan(None).await?;
    ensure!(
        plan.code == Some(1) && said(&plan).contains("exists already"),
        "{}\n{}",
        plan.stdout,
        plan.stderr
    );
    scenario.apply(&text("web:2")).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// The records of a federation may be in another namespace; its import id then says which.
pub(crate) async fn is_imported_from_any_namespace(world: &'static World) -> anyhow::Result<()> {
    let name = "t-import-from";
    let arguments = format!("  inventory_namespace = \"{name}-records\"");
    let text = on(world, &["gcp"], name, &arguments, &[namespace(name), settings(name, "one")]);
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let other = Scenario::new(world, &text).await?;
    let import = ["import", "multicluster_federation.it"];
    let nothing = other.terraform.run(&[import[0], import[1], name]).await?;
    ensure!(said(&nothing).contains("<inventory_namespace>/<name>"), "{}", nothing.stderr);
    other.terraform.run(&[import[0], import[1], &format!("{name}-records/{name}")]).await?.ok()?;
    let plan = other.plan_json().await?;
    let actions = plan["resource_changes"][0]["change"]["actions"].clone();
    ensure!(actions == json!(["update"]), "{actions}");
    other.terraform.apply(Some("saved.plan")).await?.ok()?;
    other.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
    Ok(())
}
