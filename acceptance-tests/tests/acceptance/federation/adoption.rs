//! Objects that others made before us become ours, or stay theirs.

use anyhow::{Context as _, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

const ON: &str = "aws";

fn text(world: &World, name: &str, adopt: &str, resources: &[String]) -> String {
    let adopt = format!("  adopt = {adopt:?}");
    let federation = federation(name, &[ON], &adopt, &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, &[ON]))
}

/// What the planned forecast says of an object.
fn foretold<'a>(plan: &'a Value, object: &str) -> &'a str {
    let changes = plan["resource_changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let after = changes.iter().map(|change| &change["change"]["after"]["forecast"][ON][object]);
    after.into_iter().find_map(Value::as_str).unwrap_or_default()
}

/// Makes an object as a client that sends it whole does; what it wrote is recorded under the manager's name.
async fn make<K>(api: &Api<K>, manager: &str, object: Value) -> anyhow::Result<K>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + serde::Serialize,
{
    let parameters = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
    Ok(api.create(&parameters, &serde_json::from_value(object)?).await?)
}

/// An object with the annotation in which `kubectl apply` repeats it.
fn noted(mut object: Value) -> Value {
    let note = object.to_string();
    object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = note.into();
    object
}

/// A ConfigMap with two keys, of which manifests here have one.
fn theirs(name: &str, labels: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "labels": labels, "annotations": annotations },
        "data": { "key": "one", "old": "thing" },
    })
}

/// The Deployment of [`deployment`], with an annotation that it does not have.
fn their_web() -> Value {
    let container = json!({ "name": "main", "image": "web:1", "ports": [{ "containerPort": 80 }] });
    noted(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "annotations": { "example.com/note": "theirs" } },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": {
            "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [container] } } },
    }))
}

async fn uid(world: &World, namespace: &str) -> anyhow::Result<(Option<String>, Option<i64>)> {
    let web = look::deployments(world, ON, namespace).await?.get("web").await?;
    Ok((web.metadata.uid, web.metadata.generation))
}

/// Which field managers an object has, and which labels.
fn traces(object: &impl serde::Serialize) -> anyhow::Result<String> {
    let object = serde_json::to_value(object)?;
    Ok(format!("{} {}", object["metadata"]["managedFields"], object["metadata"]["labels"]))
}

/// By kubectl, Helm, KubeFed, Argo CD and Terraform.
pub(crate) async fn says_from_whom_and_leaves_nothing_of_theirs(world: &'static World) -> anyhow::Result<()> {
    let name = "t-adopt";
    look::make_namespace(world, ON, name).await?;
    let api = look::config_maps(world, ON, name).await?;
    make(&api, "kubectl-client-side-apply", noted(theirs("by-kubectl", &json!({}), &json!({})))).await?;
    let release = json!({ "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": name });
    let by_helm = json!({ "app.kubernetes.io/managed-by": "Helm" });
    make(&api, "helm", theirs("by-helm", &by_helm, &release)).await?;
    let managed = json!({ "kubefed.io/managed": "true" });
    make(&api, "controller-manager", theirs("by-kubefed", &managed, &json!({}))).await?;
    let tracked = json!({ "argocd.argoproj.io/tracking-id": "shop:/ConfigMap:t-adopt/by-argo" });
    make(&api, "argocd-controller", noted(theirs("by-argo", &json!({}), &tracked))).await?;
    let applied = Patch::Apply(theirs("by-terraform", &json!({}), &json!({})));
    api.patch("by-terraform", &PatchParams::apply("Terraform"), &applied).await?;

    let owners = [
        ("by-argo", "Argo CD application shop"),
        ("by-helm", "Helm release t-adopt/shop"),
        ("by-kubectl", "kubectl"),
        ("by-kubefed", "KubeFed"),
        ("by-terraform", "Terraform"),
    ];
    let with = |adopt: &str, value: &str| {
        let maps = owners.iter().map(|(map, _)| resource(map, &config_map(name, map, value), ""));
        text(world, name, adopt, &maps.chain([namespace(name)]).collect::<Vec<_>>())
    };
    let scenario = Scenario::new(world, &with("never", "one")).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for (map, owner) in owners {
        let expected = format!(
            "ConfigMap t-adopt/{map} exists already and does not belong to this federation (written by {owner})"
        );
        ensure!(said(&plan).contains(&expected), "no `{expected}` in:\n{}", plan.stderr);
    }
    ensure!(said(&plan).contains("Set `adopt = \"if_no_diff\"`"), "no advice:\n{}", plan.stderr);

    scenario.write(&with("if_no_diff", "two"))?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for expected in [
        "ConfigMap t-adopt/by-helm exists already (written by Helm release t-adopt/shop) and differs from what is \
         wanted: data.key \"one\" → \"two\"",
        "Change the manifest, or set `adopt = \"always\"`",
    ] {
        ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
    }

    let before = api.list(&kube::api::ListParams::default()).await?;
    scenario.write(&with("always", "two"))?;
    let plan = scenario.plan_json().await?;
    for (map, owner) in owners {
        let text = foretold(&plan, &format!("ConfigMap t-adopt/{map}"));
        let expected =
            format!("adopt (kept by {owner}), update: data.key \"one\" → \"two\"; no longer set: data.old");
        ensure!(text.starts_with(&expected), "the plan says `{text}`");
    }
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    for map in before.items.iter().filter(|map| map.metadata.name.as_deref() != Some("kube-root-ca.crt")) {
        let now = api.get(map.metadata.name.as_deref().unwrap_or_default()).await?;
        ensure!(now.metadata.uid == map.metadata.uid, "made anew: {now:?}");
        ensure!(now.metadata.annotations.is_none(), "annotations of theirs are left: {now:?}");
        let data = now.data.as_ref().context("no data")?;
        ensure!(data.len() == 1 && data["key"] == "two", "{data:?}");
    }

    scenario.terraform.destroy().await?.ok()?;
    for (map, _) in owners {
        ensure!(api.get_opt(map).await?.is_none(), "{map} is left");
    }
    ensure!(look::has_namespace(world, ON, name).await?, "an adopted namespace was deleted");
    Ok(())
}

pub(crate) async fn of_what_is_as_wanted_restarts_nothing(world: &'static World) -> anyhow::Result<()> {
    let name = "t-adopt-equal";
    look::make_namespace(world, ON, name).await?;
    let api: Api<Deployment> = look::deployments(world, ON, name).await?;
    make(&api, "kubectl-client-side-apply", their_web()).await?;
    let before = uid(world, name).await?;
    let with =
        |manifest: &str| text(world, name, "if_no_diff", &[namespace(name), resource("web", manifest, "")]);
    let manifest = deployment(name, "web", "web:1", 2);
    let scenario = Scenario::new(world, &with(&manifest)).await?;
    let plan = scenario.plan_json().await?;
    let web = foretold(&plan, "Deployment t-adopt-equal/web");
    ensure!(web == "adopt (kept by kubectl), unchanged", "the plan says `{web}`");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    ensure!(uid(world, name).await? == before, "it was rolled out: {before:?}");
    let annotations = api.get("web").await?.metadata.annotations.unwrap_or_default();
    ensure!(annotations.contains_key("example.com/note"), "something changed: {annotations:?}");

    // What was in both really goes.
    scenario.apply(&with(&manifest.replace("\n          ports: [{ containerPort: 80 }]", ""))).await?;
    let web = serde_json::to_value(api.get("web").await?)?;
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    ensure!(container.get("ports").is_none(), "a field that left the manifest is left: {container}");
    scenario.terraform.destroy().await?.ok()?;
    ensure!(api.get_opt("web").await?.is_none(), "it is left");
    Ok(())
}

/// What was being adopted is let go of, without a trace of us, and can be adopted again.
pub(crate) async fn that_is_cut_short_lets_go(world: &'static World) -> anyhow::Result<()> {
    let name = "t-adopt-short";
    look::make_namespace(world, ON, name).await?;
    let api = look::deployments(world, ON, name).await?;
    make(&api, "kubectl-client-side-apply", their_web()).await?;
    let before = uid(world, name).await?;
    let with = |image: &str| {
        let resources = [
            namespace(name),
            resource("web", &deployment(name, "web", "web:1", 2), ""),
            resource("other", &deployment(name, "other", image, 1), ""),
        ];
        text(world, name, "if_no_diff", &resources)
    };
    let scenario = Scenario::new(world, &with("web:broken-1")).await?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("CrashLoopBackOff"), "{}", apply.stderr);
    let destroy = scenario.terraform.destroy().await?.ok()?;
    ensure!(destroy.stdout.contains("t-adopt-short/web on `aws` is kept"), "{}", destroy.stdout);
    ensure!(uid(world, name).await? == before, "it was deleted or changed");
    let namespaces: Api<Namespace> = Api::all(world.lab.client(ON).await?);
    for traces in [traces(&api.get("web").await?)?, traces(&namespaces.get(name).await?)?] {
        let ours = ["multicluster-t-adopt-short", "multicluster.dev", "applyset"];
        ensure!(!ours.iter().any(|it| traces.contains(it)), "something of us is left: {traces}");
    }
    ensure!(api.get_opt("other").await?.is_none(), "what we made is left");

    // The next apply of a failed create destroys it and makes it anew; that is planned before it is let go of.
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    scenario.apply(&with("web:1")).await?;
    ensure!(uid(world, name).await? == before, "it was made anew");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(api.get_opt("web").await?.is_none(), "what was adopted is left");
    Ok(())
}

/// Nor is what says that no federation may have it.
pub(crate) async fn of_what_another_federation_keeps_is_refused(world: &'static World) -> anyhow::Result<()> {
    let (name, rival) = ("t-adopt-not", "t-adopt-rival");
    let settings = resource("settings", &config_map(name, "settings", "one"), "");
    let first =
        Scenario::new(world, &text(world, rival, "never", &[namespace(name), settings.clone()])).await?;
    first.terraform.apply(None).await?.ok()?;
    let api: Api<ConfigMap> = look::config_maps(world, ON, name).await?;
    let out = theirs("out", &json!({ "kubefed.io/managed": "false" }), &json!({}));
    make(&api, "kubectl-create", out).await?;

    let resources = [settings, resource("out", &config_map(name, "out", "one"), "")];
    for adopt in ["if_no_diff", "always"] {
        let second = Scenario::new(world, &text(world, name, adopt, &resources)).await?;
        let plan = second.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "{}", plan.stdout);
        for expected in [
            "ConfigMap t-adopt-not/settings exists already and cannot be adopted: federation `t-adopt-rival` keeps it",
            "ConfigMap t-adopt-not/out exists already and cannot be adopted: its label `kubefed.io/managed: \"false\"`",
        ] {
            ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
        }
    }
    first.expect_no_changes().await?;
    first.terraform.destroy().await?.ok()?;
    Ok(())
}

/// The objects of the old name do not stand in the way of the new one.
pub(crate) async fn is_not_needed_to_rename_a_federation(world: &'static World) -> anyhow::Result<()> {
    let name = "t-rename";
    let resources = [namespace(name), resource("settings", &config_map(name, "settings", "one"), "")];
    let scenario = Scenario::new(world, &text(world, "t-rename-old", "never", &resources)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.apply(&text(world, "t-rename-new", "never", &resources)).await?;
    scenario.expect_no_changes().await?;
    ensure!(look::inventory(world, ON, "t-rename-old").await?.is_none(), "the old record is left");
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, ON, name).await?, "the namespace is left");
    Ok(())
}
