//! Content that must be nowhere but on the members.

use std::collections::BTreeMap;
use std::time::Duration;

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, federation, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

const MEMBERS: [&str; 2] = ["aws", "azure"];

/// The text of a variable that Terraform never stores.
const VARIABLE: &str = "variable \"hidden\" {\n  type      = string\n  ephemeral = true\n}\n";

/// A Secret and a ConfigMap that say a word that nobody else may say.
fn manifests(namespace: &str, word: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: hidden, namespace: {namespace} }}\nstringData: {{ password: {word} }}\n\
         ---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: hidden, namespace: {namespace} }}\ndata: {{ url: \"https://u:{word}@db\" }}\n"
    )
}

fn configuration(world: &World, name: &str, arguments: &str, resources: &[String]) -> String {
    let federation = federation(name, &MEMBERS, arguments, &resources.concat());
    format!("{REQUIRED}{VARIABLE}{}{federation}", provider_for(world, &MEMBERS))
}

/// An entry whose manifest is the variable.
fn hidden(version: u32) -> String {
    format!(
        "    hidden = {{\n      manifest_wo = var.hidden\n      manifest_wo_version = {version}\n    }}\n"
    )
}

async fn secrets(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Api<Secret>> {
    Ok(Api::namespaced(world.lab.client(cluster).await?, namespace))
}

/// The words that the Secret and the ConfigMap say on a cluster.
async fn words(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<(String, String)> {
    let secret = secrets(world, cluster, namespace).await?.get("hidden").await?;
    let password = secret.data.and_then(|mut data| data.remove("password")).context("no password")?;
    let settings = look::config_maps(world, cluster, namespace).await?.get("hidden").await?;
    let url = settings.data.and_then(|mut data| data.remove("url")).context("no url")?;
    Ok((String::from_utf8(password.0)?, url))
}

async fn expect_words(world: &World, namespace: &str, word: &str) -> anyhow::Result<()> {
    for cluster in MEMBERS {
        let (password, url) = words(world, cluster, namespace).await?;
        ensure!(password == word && url.contains(word), "{cluster} has {password} and {url}");
    }
    Ok(())
}

/// Texts in which the words are looked for.
struct Heard(BTreeMap<String, String>);

impl Heard {
    fn of(texts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self(texts.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }

    /// Fails if any text says one of the words, plainly or in base64.
    fn expect_silence(&self, words: &[&str]) -> anyhow::Result<()> {
        for (place, text) in &self.0 {
            for word in words {
                ensure!(!text.contains(word), "`{word}` is in {place}:\n{text}");
                ensure!(!text.contains(&STANDARD.encode(word)), "`{word}` is in {place}, in base64");
            }
        }
        Ok(())
    }
}

/// The state as it is stored, and what the provider keeps beside it.
fn stored(scenario: &Scenario) -> anyhow::Result<Heard> {
    let text = std::fs::read_to_string(scenario.terraform.directory().join("terraform.tfstate"))?;
    let state: Value = serde_json::from_str(&text)?;
    let private = state.pointer("/resources/0/instances/0/private").and_then(Value::as_str);
    let private = STANDARD.decode(private.context("no private bytes")?)?;
    Ok(Heard::of([
        ("the state", text),
        ("the private bytes", String::from_utf8_lossy(&private).into_owned()),
    ]))
}

/// What is foretold of an object on a cluster.
fn foretold<'a>(plan: &'a Value, cluster: &str, object: &str) -> &'a str {
    plan["resource_changes"][0]["change"]["after"]["forecast"][cluster][object].as_str().unwrap_or_default()
}

/// What is write-only gets to the members and nowhere else, is applied when its version says so, and is watched over
/// all the same.
pub(crate) async fn are_on_the_members_alone(world: &'static World) -> anyhow::Result<()> {
    let name = "t-hidden";
    let text = |version: u32| configuration(world, name, "", &[namespace(name), hidden(version)]);
    let log = tempfile::NamedTempFile::new()?;
    let env = [("TF_LOG_PROVIDER", "TRACE"), ("TF_LOG_PATH", log.path().to_str().unwrap_or_default())];
    let mut scenario = Scenario::with(world, &text(1), &env).await?;
    let bare = scenario.terraform.clone();
    let say = |word: &str| bare.clone().with_env("TF_VAR_hidden", &manifests(name, word));

    scenario.terraform = say("swordfish");
    let planned = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(planned.code == Some(2), "{}\n{}", planned.stdout, planned.stderr);
    let plan = scenario.terraform.show_json(Some("saved.plan")).await?;
    ensure!(foretold(&plan, "azure", "Secret t-hidden/hidden") == "create", "{plan:#}");
    let applied = scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    expect_words(world, name, "swordfish").await?;
    scenario.expect_no_changes().await?;
    let record = look::inventory(world, "aws", name).await?.context("no record")?;
    let texts = [
        ("the plan", format!("{}{}{plan}", planned.stdout, planned.stderr)),
        ("the apply", format!("{}{}", applied.stdout, applied.stderr)),
        ("the record", record.to_string()),
    ];
    Heard::of(texts).expect_silence(&["swordfish"])?;
    stored(&scenario)?.expect_silence(&["swordfish"])?;

    // The content alone says nothing; its version does.
    scenario.terraform = say("perch");
    scenario.expect_no_changes().await?;
    scenario.write(&text(2))?;
    let plan = scenario.plan_json().await?;
    for object in ["Secret t-hidden/hidden", "ConfigMap t-hidden/hidden"] {
        let forecast = foretold(&plan, "aws", object);
        ensure!(forecast == "update: its content is not shown", "{object}: {forecast}");
    }
    expect_words(world, name, "swordfish").await?;
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    expect_words(world, name, "perch").await?;
    scenario.expect_no_changes().await?;

    // Somebody changes both on one member: seen, shown without a value, and taken back.
    let by = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let other = Patch::Merge(json!({ "stringData": { "password": "intruder" } }));
    secrets(world, "azure", name).await?.patch("hidden", &by, &other).await?;
    let other = Patch::Merge(json!({ "data": { "url": "https://intruder" } }));
    look::config_maps(world, "azure", name).await?.patch("hidden", &by, &other).await?;
    let planned = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(planned.code == Some(2), "the drift is not seen:\n{}", planned.stdout);
    let plan = scenario.terraform.show_json(Some("saved.plan")).await?;
    for object in ["Secret t-hidden/hidden", "ConfigMap t-hidden/hidden"] {
        let forecast = (foretold(&plan, "aws", object), foretold(&plan, "azure", object));
        ensure!(forecast.0 == "unchanged" && forecast.1.starts_with("correct"), "{object}: {forecast:?}");
    }
    let texts = [("the plan", format!("{}{}{plan}", planned.stdout, planned.stderr))];
    Heard::of(texts).expect_silence(&["perch", "intruder"])?;
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    expect_words(world, name, "perch").await?;
    scenario.expect_no_changes().await?;
    stored(&scenario)?.expect_silence(&["perch", "intruder"])?;

    // Without the entry they go.
    scenario.apply(&configuration(world, name, "", &[namespace(name)])).await?;
    ensure!(secrets(world, "aws", name).await?.get_opt("hidden").await?.is_none(), "the Secret is left");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in MEMBERS {
        let (api, key) =
            (secrets(world, cluster, look::RECORDS).await?, format!("federation.{name}.default"));
        // It may go with the namespace that it is in, which takes a moment.
        let gone = async || Ok(api.get_opt(&key).await?.is_none().then_some(()));
        wait::until("the key is gone", Duration::from_secs(60), gone).await?;
    }
    let logged = std::fs::read_to_string(log.path())?;
    ensure!(logged.contains("applied"), "the log is empty");
    Heard::of([("the log", logged)]).expect_silence(&["swordfish", "perch", "intruder"])
}

/// What the server says of a bad manifest may repeat what stands in it, so it is not passed on: by the plan, nor by an
/// apply without dry runs before it.
pub(crate) async fn are_in_no_error(world: &'static World) -> anyhow::Result<()> {
    let name = "t-hidden-bad";
    let bad = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: hidden, namespace: {name} }}\ndata: {{ url: {{ nested: swordfish }} }}\n"
    );
    let odd = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: hidden, namespace: {name} }}\nspec: {{ clusterIP: swordfish, ports: [{{ port: 80 }}] }}\n"
    );
    let text = |arguments: &str| configuration(world, name, arguments, &[namespace(name), hidden(1)]);
    // A dry run needs the namespace.
    let mut scenario = Scenario::new(world, &configuration(world, name, "", &[namespace(name)])).await?;
    let bare = scenario.terraform.clone();
    scenario.terraform = bare.clone().with_env("TF_VAR_hidden", "");
    scenario.terraform.apply(None).await?.ok()?;
    for (manifest, field) in [(&bad, "data.url"), (&odd, "spec.clusterIPs[0]")] {
        scenario.terraform = bare.clone().with_env("TF_VAR_hidden", manifest);
        scenario.write(&text(""))?;
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "it was not refused:\n{}", plan.stdout);
        for expected in
            ["The apply would fail", "manifest_wo", "t-hidden-bad/hidden on `aws`, `azure`", field]
        {
            ensure!(said(&plan).contains(expected), "no `{expected}` in:\n{}", plan.stderr);
        }
        scenario.write(&text("  plan_checks = \"read\""))?;
        let apply = scenario.terraform.apply(None).await?;
        ensure!(apply.code == Some(1), "it was not refused:\n{}", apply.stdout);
        for expected in ["t-hidden-bad/hidden", field] {
            ensure!(said(&apply).contains(expected), "no `{expected}` in:\n{}", apply.stderr);
        }
        let texts = [
            ("the plan", format!("{}{}", plan.stdout, plan.stderr)),
            ("the apply", format!("{}{}", apply.stdout, apply.stderr)),
        ];
        Heard::of(texts).expect_silence(&["swordfish"])?;
        stored(&scenario)?.expect_silence(&["swordfish"])?;
    }
    // It was never there, so it is enough to take the entry out.
    scenario.apply(&configuration(world, name, "", &[namespace(name)])).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A Secret in plain sight must be meant so; and it can be moved out of sight and back.
pub(crate) async fn in_plain_sight_must_be_allowed(world: &'static World) -> anyhow::Result<()> {
    let name = "t-plain";
    let plain = |arguments: &str, word: &str| {
        let entry = resource("hidden", &manifests(name, word), arguments);
        configuration(world, name, "", &[namespace(name), entry])
    };
    let mut scenario = Scenario::new(world, &plain("", "swordfish")).await?;
    scenario.terraform = scenario.terraform.clone().with_env("TF_VAR_hidden", &manifests(name, "perch"));
    let refused = scenario.terraform.plan(None).await?;
    ensure!(refused.code == Some(1), "{}", refused.stdout);
    for expected in ["Secret t-plain/hidden", "manifest_wo", "copy_from", "allow_plain_secrets"] {
        ensure!(said(&refused).contains(expected), "no `{expected}` in:\n{}", refused.stderr);
    }

    let allowed = "      allow_plain_secrets = true";
    scenario.apply(&plain(allowed, "swordfish")).await?;
    expect_words(world, name, "swordfish").await?;
    scenario.expect_no_changes().await?;
    scenario.write(&plain(allowed, "trout"))?;
    let plan = scenario.plan_json().await?;
    let forecast = foretold(&plan, "aws", "Secret t-plain/hidden");
    ensure!(forecast == "update: data.password changed", "{forecast}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;

    scenario.write(&configuration(world, name, "", &[namespace(name), hidden(1)]))?;
    let plan = scenario.plan_json().await?;
    let forecast = foretold(&plan, "azure", "ConfigMap t-plain/hidden");
    ensure!(forecast == "update: its content is not shown", "{forecast}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    expect_words(world, name, "perch").await?;
    scenario.expect_no_changes().await?;
    stored(&scenario)?.expect_silence(&["swordfish", "trout", "perch"])?;

    scenario.apply(&plain(allowed, "pike")).await?;
    expect_words(world, name, "pike").await?;
    scenario.expect_no_changes().await?;
    let settings: ConfigMap = look::config_maps(world, "aws", name).await?.get("hidden").await?;
    ensure!(settings.data.is_some_and(|data| data.len() == 1), "something else is left in it");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
