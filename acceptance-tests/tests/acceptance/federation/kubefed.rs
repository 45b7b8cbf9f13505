//! A repository that was written for KubeFed, and clusters that KubeFed has left behind. What is applied is the example.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment};
use super::look;
use super::refused::{self, Refused};
use crate::world::{Scenario, World};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];
/// The namespace of the example.
const SHOP: &str = "shop";
/// The name under which KubeFed writes: its program's.
const KUBEFED: &str = "controller-manager";
const SOON: Duration = Duration::from_secs(60);

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples-tf/kubefed-migration")
}

/// The example in a directory of its own.
async fn scenario(world: &'static World) -> anyhow::Result<Scenario> {
    let kubeconfig = world.lab.kubeconfig_path().display().to_string();
    let scenario =
        Scenario::with(world, REQUIRED, &[("TF_VAR_kubeconfig_path", kubeconfig.as_str())]).await?;
    let to = scenario.terraform.directory();
    std::fs::create_dir(to.join("kubefed"))?;
    for from in [example(), example().join("kubefed")] {
        for entry in std::fs::read_dir(&from)? {
            let path = entry?.path();
            let is_source = path.extension().is_some_and(|it| it == "tf" || it == "yaml" || it == "tftpl");
            if is_source {
                std::fs::copy(&path, to.join(path.strip_prefix(example())?))?;
            }
        }
    }
    Ok(scenario)
}

/// An object as KubeFed writes it: from the template, with its label.
fn managed(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = rest;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"]["name"] = name.into();
    object["metadata"]["labels"]["kubefed.io/managed"] = "true".into();
    object
}

/// What KubeFed had made of the example's documents on a member.
fn left_behind(cluster: &str) -> Vec<Value> {
    let (replicas, image, annotations, currency) = match cluster {
        // As KubeFed's planner would not divide twelve from nothing: one that ran on aws has stayed there.
        "aws" => (8, "shop/web:1.4", json!({}), "BRL"),
        "azure" => (2, "shop/web:1.4", json!({}), "EUR"),
        _ => (2, "mirror.example.com/shop/web:1.4", json!({ "example.com/mirror": "yes" }), "BRL"),
    };
    let container = json!({ "name": "web", "image": image, "envFrom": [
        { "configMapRef": { "name": "settings" } }, { "secretRef": { "name": "password" } } ] });
    let web = json!({
        "metadata": { "labels": { "app": "web" }, "annotations": annotations },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [container] } },
        },
    });
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": {
        "spec": { "type": "object", "properties": { "colour": { "type": "string" } } } } } });
    let definition = json!({ "spec": {
        "group": "shop.example.com", "scope": "Namespaced",
        "names": { "kind": "Widget", "plural": "widgets", "singular": "widget" },
        "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
    } });
    let service =
        json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80 }] } });
    let password = json!({ "type": "Opaque", "stringData": { "PASSWORD": "correct horse battery staple" } });
    let mut objects = vec![
        managed("v1", "Namespace", SHOP, json!({})),
        managed(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "widgets.shop.example.com",
            definition,
        ),
        managed("v1", "ConfigMap", "settings", json!({ "data": { "CURRENCY": currency } })),
        managed("v1", "Secret", "password", password),
        managed("v1", "Service", "web", service),
        managed("apps/v1", "Deployment", "web", web),
    ];
    if cluster != "azure" {
        objects.push(managed("v1", "ConfigMap", "orders", json!({ "data": { "first": "one coffee" } })));
    }
    if cluster != "gcp" {
        let colour = if cluster == "aws" { "red" } else { "blue" };
        let sign = json!({ "spec": { "colour": colour } });
        objects.push(managed("shop.example.com/v1", "Widget", "sign", sign));
    }
    objects
}

async fn api_of(world: &World, cluster: &str, object: &Value) -> anyhow::Result<Api<DynamicObject>> {
    let text = |name: &str| object[name].as_str().context("no text");
    let (group, version) = text("apiVersion")?.rsplit_once('/').unwrap_or(("", text("apiVersion")?));
    let kind = text("kind")?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let client = world.lab.client(cluster).await?;
    Ok(match kind {
        "Namespace" | "CustomResourceDefinition" => Api::all_with(client, &resource),
        _ => Api::namespaced_with(client, SHOP, &resource),
    })
}

/// Writes as KubeFed does when it makes objects.
async fn make_as_kubefed(world: &World, cluster: &str, objects: &[Value]) -> anyhow::Result<()> {
    let parameters = PostParams { field_manager: Some(KUBEFED.to_owned()), ..PostParams::default() };
    for object in objects {
        let api = api_of(world, cluster, object).await?;
        let what = format!("{} {} on {cluster}", object["kind"], object["metadata"]["name"]);
        let object: DynamicObject = serde_json::from_value(object.clone())?;
        // A kind is served a moment after its definition is there.
        wait::until(&format!("KubeFed makes {what}"), SOON, async || {
            match api.create(&parameters, &object).await {
                Ok(_) => Ok(Some(())),
                Err(kube::Error::Api(refused)) if refused.code == 404 => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
    }
    Ok(())
}

/// What must not change when the objects change hands: UIDs and generations of the workload and of its pods.
async fn running(world: &World, cluster: &str) -> anyhow::Result<Vec<(String, String, i64)>> {
    let client = world.lab.client(cluster).await?;
    let web = look::deployments(world, cluster, SHOP).await?.get("web").await?.metadata;
    let pods = Api::<Pod>::namespaced(client, SHOP).list(&ListParams::default().labels("app=web")).await?;
    let mut all: Vec<_> = pods
        .items
        .into_iter()
        .map(|pod| pod.metadata)
        .chain([web])
        .map(|it| (it.name.unwrap_or_default(), it.uid.unwrap_or_default(), it.generation.unwrap_or(0)))
        .collect();
    all.sort();
    Ok(all)
}

/// The labels and field managers of an object of the namespace.
async fn traces(
    world: &World,
    cluster: &str,
    kind: &str,
    name: &str,
) -> anyhow::Result<(Value, Vec<String>)> {
    let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    let api = api_of(world, cluster, &json!({ "apiVersion": version, "kind": kind })).await?;
    let found = serde_json::to_value(api.get(name).await?.metadata)?;
    let managers = found["managedFields"].as_array().into_iter().flatten();
    let managers = managers.filter_map(|it| it["manager"].as_str().map(str::to_owned)).collect();
    Ok((found["labels"].clone(), managers))
}

fn forecast(plan: &Value) -> &Value {
    &plan["resource_changes"][0]["change"]["after"]["forecast"]
}

async fn orders(world: &World, cluster: &str) -> anyhow::Result<Option<ConfigMap>> {
    Ok(look::config_maps(world, cluster, SHOP).await?.get_opt("orders").await?)
}

/// The whole way: objects change hands without a restart, a KubeFed that still runs is named, what outlives its document
/// does, and what a document no longer selects does not.
pub(crate) async fn a_repository_moves_over_without_a_restart(world: &'static World) -> anyhow::Result<()> {
    for cluster in ALL {
        make_as_kubefed(world, cluster, &left_behind(cluster)).await?;
        let ready = async || Ok((look::replicas(world, cluster, SHOP, "web").await?.1 > 1).then_some(()));
        wait::until("the shop runs", SOON, ready).await?;
    }
    let mut before = Vec::new();
    for cluster in ALL {
        before.push(running(world, cluster).await?);
    }
    let scenario = scenario(world).await?;
    let plan = scenario.plan_json().await?;
    for (cluster, objects) in forecast(&plan).as_object().into_iter().flatten() {
        for (object, said) in
            objects.as_object().into_iter().flatten().filter(|(object, _)| *object != "member")
        {
            let said = said.as_str().unwrap_or_default();
            let rest = said.strip_prefix("adopt (kept by KubeFed)").unwrap_or(said);
            let nothing = ["", "; no longer set: metadata.labels[\"kubefed.io/managed\"]"].contains(&rest);
            ensure!(nothing, "{object} on {cluster}: {said}");
        }
    }
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    for (cluster, before) in ALL.into_iter().zip(before) {
        let after = running(world, cluster).await?;
        ensure!(after == before, "something was restarted on {cluster}: {before:?} {after:?}");
        let (labels, managers) = traces(world, cluster, "Deployment", "web").await?;
        ensure!(labels["kubefed.io/managed"].is_null() && labels["app"] == "web", "{labels}");
        ensure!(!managers.iter().any(|it| it == KUBEFED), "{managers:?}");
    }
    scenario.expect_no_changes().await?;
    let state = scenario.terraform.show_json(None).await?.to_string();
    ensure!(
        !state.contains("battery staple") && !state.contains("Y29ycmVjd"),
        "the password is in the state"
    );

    its_planner_moves_only_what_may_be_moved(world, &scenario).await?;
    a_kubefed_that_still_runs_is_named(world, &scenario).await?;
    what_outlives_its_document_is_told_apart(world, &scenario).await?;

    // Namespaces and definitions that were there before us are left, and said.
    let destroy = scenario.terraform.destroy().await?.ok()?;
    ensure!(destroy.stdout.contains("Namespace shop on `aws` is kept"), "{}", destroy.stdout);
    for cluster in ALL {
        ensure!(look::inventory(world, cluster, SHOP).await?.is_none(), "the record is left on {cluster}");
    }
    Ok(())
}

/// Without `rebalance` what ran stayed where it was; with it the weights count.
async fn its_planner_moves_only_what_may_be_moved(world: &World, scenario: &Scenario) -> anyhow::Result<()> {
    let preferences = scenario.terraform.directory().join("kubefed/preferences.yaml");
    let text = std::fs::read_to_string(&preferences)?;
    std::fs::write(&preferences, text.replace("rebalance: false", "rebalance: true"))?;
    let plan = scenario.plan_json().await?;
    for (cluster, expected) in [
        ("aws", "update: spec.replicas 8 → 7"),
        ("azure", "update: spec.replicas 2 → 3"),
        ("gcp", "unchanged"),
    ] {
        let said = &forecast(&plan)[cluster]["Deployment shop/web"];
        ensure!(*said == expected, "{cluster}: the plan says {said}");
    }
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, "azure", SHOP, "web").await? == (3, 3), "it was not moved");
    scenario.expect_no_changes().await
}

/// It writes whole objects, and so takes fields and our labels.
async fn a_kubefed_that_still_runs_is_named(world: &World, scenario: &Scenario) -> anyhow::Result<()> {
    let parameters = PatchParams { field_manager: Some(KUBEFED.to_owned()), ..PatchParams::default() };
    let applied = look::deployments(world, "gcp", SHOP).await?.get("web").await?.metadata;
    let ours = applied.labels.into_iter().flatten().map(|(label, _)| label);
    let mut labels: Value = ours.filter(|label| label != "app").map(|label| (label, Value::Null)).collect();
    labels["kubefed.io/managed"] = "true".into();
    let back = Patch::Merge(json!({ "metadata": { "labels": labels }, "spec": { "replicas": 5 } }));
    look::deployments(world, "gcp", SHOP).await?.patch("web", &parameters, &back).await?;
    let plan = scenario.plan_json().await?;
    let said = &forecast(&plan)["gcp"]["Deployment shop/web"];
    let expected = "correct: spec.replicas (now 5, set by controller-manager), KubeFed writes to it again and again \
                    (stop it), our label is gone";
    ensure!(*said == expected, "the plan says {said}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, "gcp", SHOP, "web").await?.0 == 2, "it was not corrected");
    scenario.expect_no_changes().await
}

/// `kubefed.io/orphan` is about the end of a document; from members that it no longer selects the object goes.
async fn what_outlives_its_document_is_told_apart(world: &World, scenario: &Scenario) -> anyhow::Result<()> {
    let document = scenario.terraform.directory().join("kubefed/orders.yaml");
    let text = std::fs::read_to_string(&document)?;
    std::fs::write(&document, text.replace("      - name: gcp\n", ""))?;
    let plan = scenario.plan_json().await?;
    ensure!(forecast(&plan)["gcp"]["ConfigMap shop/orders"] == "delete", "{:#}", forecast(&plan));
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(orders(world, "gcp").await?.is_none(), "it is left on gcp");

    std::fs::remove_file(&document)?;
    let plan = scenario.plan_json().await?;
    let said = &forecast(&plan)["aws"]["ConfigMap shop/orders"];
    ensure!(*said == "release: it outlives its document (`kubefed.io/orphan`)", "the plan says {said}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    let left = orders(world, "aws").await?.context("it is gone from aws")?;
    ensure!(left.metadata.labels.unwrap_or_default().is_empty(), "it still has our labels");
    scenario.expect_no_changes().await
}

/// What has no effect is said, and what contradicts the documents is refused.
pub(crate) async fn what_has_no_effect_is_said(world: &'static World) -> anyhow::Result<()> {
    let federated = "apiVersion: types.kubefed.io/v1beta1
kind: FederatedConfigMap
metadata: { name: settings, namespace: t-unfederated }
spec: { template: { data: { key: one } }, placement: { clusterSelector: {} } }";
    let preference = "apiVersion: scheduling.kubefed.io/v1alpha1
kind: ReplicaSchedulingPreference
metadata: { name: web, namespace: t-unfederated }
spec: { targetKind: FederatedDeployment, totalReplicas: 3 }";
    let text = [
        super::hcl::resource("settings", federated, ""),
        super::hcl::resource("preference", preference, ""),
        super::hcl::resource("plain", &config_map("default", "t-unfederated", "one"), ""),
    ];
    let text = format!(
        "{REQUIRED}{}{}",
        super::hcl::provider_for(world, &["aws"]),
        super::hcl::federation("t-unfederated", &["aws"], "", &text.concat())
    );
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(2), "{}", plan.stderr);
    let said = plan.stdout.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "resources[\"settings\"].manifest: ConfigMap t-unfederated/settings goes to no member: namespace `t-unfederated` is \
         not federated (NamespaceNotFederated): add a FederatedNamespace `t-unfederated`.",
        "there is no FederatedDeployment `web` in namespace `t-unfederated`, so it divides nothing",
    ] {
        ensure!(said.contains(words), "no `{words}` in:\n{said}");
    }

    let with = |name, arguments, path, words| Refused {
        name,
        entry: (federated.to_owned(), arguments),
        path,
        words,
    };
    let mixed = format!("{federated}\n---\n{}", deployment("t-unfederated", "web", "web:1", 1));
    let their_own = "KubeFed's documents bring their own";
    let cases = [
        with("placed", "placement = { clusters = [\"aws\"] }", "placement", their_own),
        with("divided", "replicas = { total = 3 }", "replicas", their_own),
        with("overridden", "overrides = [{ labels = { a = \"b\" } }]", "overrides[0]", their_own),
        Refused {
            name: "mixed",
            entry: (mixed, "replicas = { total = 3 }"),
            path: "replicas",
            words: their_own,
        },
        Refused {
            name: "gadget",
            entry: (federated.replace("FederatedConfigMap", "FederatedGadget"), ""),
            path: "manifest",
            words: "add its FederatedTypeConfig",
        },
    ];
    refused::all_at_plan(world, &cases).await
}
