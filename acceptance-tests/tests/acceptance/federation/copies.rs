//! What goes after something else: copies after their originals, and what a workload needs after the workload.

use acceptance_tests::Fault;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, by_kubeconfig, config_map, deployment, federation, namespace, provider, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

/// The members that get copies.
const OTHERS: [&str; 2] = ["aws", "azure"];
const ALL: [&str; 3] = ["aws", "azure", "gcp"];

async fn secrets(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Api<Secret>> {
    Ok(Api::namespaced(world.lab.client(cluster).await?, namespace))
}

async fn roles(world: &World, cluster: &str) -> anyhow::Result<Api<ClusterRole>> {
    Ok(Api::all(world.lab.client(cluster).await?))
}

/// A Secret with credentials of a registry.
fn registry(password: &str) -> anyhow::Result<Secret> {
    let config = json!({ "auths": { "registry.example.com": { "username": "ci", "password": password } } });
    Ok(serde_json::from_value(json!({
        "metadata": { "name": "registry", "annotations": { "team": "ci" } },
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": { ".dockerconfigjson": config.to_string() },
    }))?)
}

/// The configuration of the registry's Secret on a cluster.
async fn credentials(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<String> {
    let secret = secrets(world, cluster, namespace).await?.get("registry").await?;
    let data = secret.data.and_then(|mut data| data.remove(".dockerconfigjson")).context("no data")?;
    Ok(String::from_utf8(data.0)?)
}

fn copy(kind: &str, namespace: Option<&str>, name: &str, arguments: &str) -> String {
    let api_version = if kind == "ClusterRole" { "rbac.authorization.k8s.io/v1" } else { "v1" };
    let namespace = namespace.map_or(String::new(), |it| format!(", namespace = {it:?}"));
    format!(
        "    {} = {{\n      copy_from = {{ cluster = \"gcp\", api_version = {api_version:?}, kind = {kind:?}{namespace}, name = {name:?} }}\n{arguments}\n    }}\n",
        kind.to_lowercase()
    )
}

/// The namespace, on the members where nobody has made it.
fn namespace_elsewhere(name: &str) -> String {
    let placement = format!("      placement = {{ clusters = {OTHERS:?} }}");
    let manifest = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name} }}");
    resource("namespace", &manifest, &placement)
}

fn foretold<'a>(plan: &'a Value, cluster: &str, object: &str) -> &'a str {
    plan["resource_changes"][0]["change"]["after"]["forecast"][cluster][object].as_str().unwrap_or_default()
}

async fn expect_failure(scenario: &Scenario, expected: &[&str]) -> anyhow::Result<()> {
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "it did not fail:\n{}", apply.stdout);
    for expected in expected {
        ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
    }
    Ok(())
}

/// A Secret and a ClusterRole of one member are kept on the others, with changes of their own, as the originals change;
/// the originals are not touched, and what the Secret says is nowhere else.
pub(crate) async fn follow_their_originals(world: &'static World) -> anyhow::Result<()> {
    let name = "t-copies";
    let proxy = world.lab.proxy("gcp").await?;
    let cluster = world.lab.cluster("gcp");
    let entry = format!(
        "gcp = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        proxy.host(),
        cluster.ca_pem,
        cluster.token
    );
    let provider = provider(&[by_kubeconfig(world, "aws"), by_kubeconfig(world, "azure"), entry]);
    let overrides = "      overrides = [{\n        clusters = [\"azure\"]\n        labels = { tier = \"edge\" }\n        \
                     patch = jsonencode([{ op = \"replace\", path = \"/rules/0/verbs\", value = [\"get\"] }])\n      }]";
    let text = |value: &str| {
        let resources = [
            namespace_elsewhere(name),
            copy("Secret", Some(name), "registry", ""),
            copy("ClusterRole", None, name, overrides),
            resource("settings", &config_map("default", name, value), ""),
        ];
        format!("{REQUIRED}{provider}{}", federation(name, &ALL, "", &resources.concat()))
    };
    look::make_namespace(world, "gcp", name).await?;
    let originals = secrets(world, "gcp", name).await?;
    let original = originals.create(&PostParams::default(), &registry("swordfish")?).await?;
    let rules = |verb: &str| json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list", verb] }]);
    let role = json!({ "metadata": { "name": name }, "rules": rules("watch") });
    roles(world, "gcp").await?.create(&PostParams::default(), &serde_json::from_value(role)?).await?;

    let scenario = Scenario::new(world, &text("one")).await?;
    let plan = scenario.plan_json().await?;
    ensure!(foretold(&plan, "azure", "Secret t-copies/registry") == "create", "{plan:#}");
    ensure!(foretold(&plan, "gcp", "Secret t-copies/registry").is_empty(), "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    for cluster in OTHERS {
        ensure!(credentials(world, cluster, name).await?.contains("swordfish"), "{cluster} has no copy");
        let copied = secrets(world, cluster, name).await?.get("registry").await?;
        ensure!(copied.type_.as_deref() == Some("kubernetes.io/dockerconfigjson"), "{copied:?}");
        ensure!(copied.metadata.annotations.is_some_and(|it| it["team"] == "ci"), "annotations are lost");
    }
    let verbs = async |cluster: &str| -> anyhow::Result<Vec<String>> {
        let rules = roles(world, cluster).await?.get(name).await?.rules.unwrap_or_default();
        Ok(rules.into_iter().flat_map(|rule| rule.verbs).collect())
    };
    ensure!(verbs("aws").await? == ["list", "watch"] && verbs("azure").await? == ["get"], "roles differ");
    ensure!(originals.get("registry").await?.metadata == original.metadata, "the original was touched");
    scenario.expect_no_changes().await?;

    // The originals change: the plan says that they are copied again.
    let renewed = Patch::Merge(json!(registry("perch")?));
    originals.patch("registry", &PatchParams::default(), &renewed).await?;
    let widened = Patch::Merge(json!({ "rules": rules("delete") }));
    roles(world, "gcp").await?.patch(name, &PatchParams::default(), &widened).await?;
    let plan = scenario.plan_json().await?;
    for object in ["Secret t-copies/registry", &format!("ClusterRole {name}")] {
        let forecast = foretold(&plan, "aws", object);
        ensure!(forecast == "copy again: what it is a copy of has changed", "{object}: {forecast}");
    }
    ensure!(foretold(&plan, "aws", &format!("ConfigMap default/{name}")) == "unchanged", "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(credentials(world, "aws", name).await?.contains("perch"), "it was not copied again");
    ensure!(verbs("aws").await? == ["list", "delete"] && verbs("azure").await? == ["get"], "roles differ");
    scenario.expect_no_changes().await?;

    // Somebody changes a copy: taken back, and its words are not shown.
    let changed = Patch::Merge(json!(registry("intruder")?));
    secrets(world, "azure", name).await?.patch("registry", &PatchParams::default(), &changed).await?;
    let plan = scenario.plan_json().await?;
    ensure!(foretold(&plan, "azure", "Secret t-copies/registry").starts_with("correct"), "{plan:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(credentials(world, "azure", name).await?.contains("perch"), "it was not corrected");
    let state = std::fs::read_to_string(scenario.terraform.directory().join("terraform.tfstate"))?;
    for word in ["swordfish", "perch", "intruder"] {
        ensure!(!state.contains(word) && !plan.to_string().contains(word), "`{word}` is in state or plan");
    }

    // The member that has them does not answer: the others are brought up to date, and keep their copies.
    proxy.set(Fault::Cut).await?;
    scenario.write(&text("two"))?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("Cluster `gcp` failed"), "{}", apply.stderr);
    ensure!(said(&apply).contains("Clusters `aws`, `azure` are done"), "{}", apply.stderr);
    ensure!(apply.stdout.contains("stay as they are"), "no word of the copies:\n{}", apply.stdout);
    for cluster in OTHERS {
        ensure!(credentials(world, cluster, name).await?.contains("perch"), "{cluster} lost its copy");
    }
    proxy.set(Fault::None).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;

    // The original is gone: nothing happens to the copies unseen.
    originals.delete("registry", &DeleteParams::default()).await?;
    scenario.write(&text("three"))?;
    let expected = [
        "Nothing to copy",
        "resources[\"secret\"].copy_from",
        "`registry` (secrets) does not exist",
        "Nothing was changed",
    ];
    expect_failure(&scenario, &expected).await?;
    ensure!(credentials(world, "aws", name).await?.contains("perch"), "the copy went with its original");
    let settings = look::config_maps(world, "aws", "default").await?.get(name).await?;
    ensure!(settings.data.is_some_and(|data| data["key"] == "two"), "something was changed");
    scenario.terraform.destroy().await?.ok()?;
    ensure!(roles(world, "aws").await?.get_opt(name).await?.is_none(), "a copy is left");
    ensure!(roles(world, "gcp").await?.get_opt(name).await?.is_some(), "the original went with its copies");
    Ok(())
}

/// What cannot be copied, or changed as asked for, is refused with the reason before anything is written.
pub(crate) async fn that_make_no_sense_are_refused(world: &'static World) -> anyhow::Result<()> {
    let name = "t-copies-bad";
    let text = |copy: &str| {
        let resources = [namespace_elsewhere(name), copy.to_owned()].concat();
        format!("{REQUIRED}{}{}", provider_for(world, &ALL), federation(name, &ALL, "", &resources))
    };
    look::make_namespace(world, "gcp", name).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(world.lab.client("gcp").await?, name);
    let account = serde_json::from_value(json!({ "metadata": { "name": "robot" } }))?;
    accounts.create(&PostParams::default(), &account).await?;
    let token = json!({
        "metadata": { "name": "token", "annotations": { "kubernetes.io/service-account.name": "robot" } },
        "type": "kubernetes.io/service-account-token",
    });
    let originals = secrets(world, "gcp", name).await?;
    originals.create(&PostParams::default(), &serde_json::from_value(token)?).await?;
    originals.create(&PostParams::default(), &registry("swordfish")?).await?;

    let patch = "      overrides = [{ patch = jsonencode([{ op = \"remove\", path = \"/data/nothing\" }]) }]";
    let at = "resources[\"secret\"].copy_from";
    let gear = copy("Secret", Some(name), "registry", "").replace("\"Secret\"", "\"Gear\"");
    let cases = [
        (copy("Secret", Some(name), "token", ""), vec![at, "cannot be copied", "token"]),
        (copy("Secret", Some(name), "nothing", ""), vec![at, "`nothing` (secrets) does not exist"]),
        (gear, vec![at, "has no Gear in v1"]),
        (
            copy("Secret", Some(name), "registry", patch),
            vec!["resources[\"secret\"].overrides[0]", "/data/nothing"],
        ),
    ];
    let scenario = Scenario::new(world, &text("")).await?;
    for (copy, expected) in &cases {
        scenario.write(&text(copy))?;
        expect_failure(&scenario, expected).await?;
        expect_failure(&scenario, &["Nothing was changed anywhere"]).await?;
    }
    ensure!(!look::has_namespace(world, "aws", name).await?, "something was written");
    let stranger = copy("Secret", Some(name), "registry", "").replace("\"gcp\"", "\"lab\"");
    for (copy, expected) in [
        (stranger, "`lab` is not a member of the federation"),
        (copy("Secret", None, "registry", ""), "A Secret lives in a namespace"),
    ] {
        scenario.write(&text(&copy))?;
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(1) && said(&plan).contains(expected), "{}\n{}", plan.stdout, plan.stderr);
        ensure!(said(&plan).contains("resources[\"secret\"].copy_from"), "{}", plan.stderr);
    }
    Ok(())
}

/// What a workload refers to goes where it goes, though its own entry places it nowhere.
pub(crate) async fn of_what_a_workload_needs_go_with_it(world: &'static World) -> anyhow::Result<()> {
    let name = "t-needs";
    let nowhere = "      placement = { clusters = [] }";
    let web = format!(
        "{}\n          envFrom: [{{ configMapRef: {{ name: settings }} }}]\n          \
         volumeMounts: [{{ name: data, mountPath: /data }}]\n      serviceAccountName: robot\n      \
         imagePullSecrets: [{{ name: registry }}]\n      \
         volumes: [{{ name: data, persistentVolumeClaim: {{ claimName: data }} }}]",
        deployment(name, "web", "web:1", 1)
    );
    let claim = format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{ name: data, namespace: {name} }}\n\
         spec: {{ storageClassName: \"\", accessModes: [ReadWriteOnce], resources: {{ requests: {{ storage: 1Gi }} }} }}"
    );
    let account =
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{ name: robot, namespace: {name} }}");
    let registry = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: registry, namespace: {name} }}\nstringData: {{ key: swordfish }}"
    );
    let text = |at: &str| {
        let follows = format!(
            "      placement = {{ clusters = [{at:?}] }}\n      propagate_dependencies = true\n      wait = {{ rollout = false }}"
        );
        let resources = [
            namespace(name),
            resource("web", &web, &follows),
            resource("settings", &config_map(name, "settings", "one"), nowhere),
            resource("other", &config_map(name, "other", "one"), nowhere),
            resource("claim", &claim, nowhere),
            resource("account", &account, nowhere),
            format!(
                "    registry = {{\n      manifest_wo = <<-EOT\n{registry}\nEOT\n      manifest_wo_version = 1\n{nowhere}\n    }}\n"
            ),
        ];
        format!(
            "{REQUIRED}{}{}",
            provider_for(world, &OTHERS),
            federation(name, &OTHERS, "", &resources.concat())
        )
    };
    let there = async |cluster: &str| -> anyhow::Result<Vec<&str>> {
        let client = world.lab.client(cluster).await?;
        let mut there = Vec::new();
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), name);
        let accounts: Api<ServiceAccount> = Api::namespaced(client, name);
        let settings = look::config_maps(world, cluster, name).await?;
        there.extend(look::deployments(world, cluster, name).await?.get_opt("web").await?.map(|_| "web"));
        there.extend(settings.get_opt("settings").await?.map(|_| "settings"));
        there.extend(settings.get_opt("other").await?.map(|_| "other"));
        there.extend(claims.get_opt("data").await?.map(|_| "claim"));
        there.extend(accounts.get_opt("robot").await?.map(|_| "account"));
        there.extend(secrets(world, cluster, name).await?.get_opt("registry").await?.map(|_| "registry"));
        Ok(there)
    };
    let everything = ["web", "settings", "claim", "account", "registry"];
    let scenario = Scenario::new(world, &text("aws")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(there("aws").await? == everything, "aws has {:?}", there("aws").await?);
    ensure!(there("azure").await?.is_empty(), "azure has {:?}", there("azure").await?);
    scenario.expect_no_changes().await?;

    scenario.write(&text("azure"))?;
    let plan = scenario.plan_json().await?;
    for object in ["Deployment t-needs/web", "Secret t-needs/registry", "PersistentVolumeClaim t-needs/data"]
    {
        let forecast = (foretold(&plan, "aws", object), foretold(&plan, "azure", object));
        ensure!(forecast.0 == "delete" && forecast.1.starts_with("create"), "{object}: {forecast:?}");
    }
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(there("azure").await? == everything, "azure has {:?}", there("azure").await?);
    ensure!(there("aws").await?.is_empty(), "aws has {:?}", there("aws").await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
