//! Policies and webhooks that refuse, change or do not answer. Each is limited to the trial's own namespace.

use acceptance_tests::lab::wait;
use acceptance_tests::{Verdict, Webhook};
use anyhow::ensure;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
};
use kube::api::{Api, DeleteParams, PostParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::super::hcl::{deployment, resource};
use super::super::look;
use super::scene::{
    ILL, SOON, WELL, behind_proxy, converges, destroyed, expect_failure, no_dry_runs, on_both, on_both_with,
    refuses, settings, until_refused, value,
};
use crate::world::{Scenario, World};

/// An object without a namespace on the cluster that is ill.
async fn register<K>(world: &World, object: Value) -> anyhow::Result<Api<K>>
where
    K: kube::Resource<Scope = kube::core::ClusterResourceScope> + Serialize + DeserializeOwned,
    K: Clone + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::all(world.lab.client(ILL).await?);
    api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(api)
}

/// A registration of one webhook for ConfigMaps and Deployments of the trial's namespaces.
fn registration(name: &str, client_config: &Value) -> Value {
    json!({
        "metadata": { "name": name },
        "webhooks": [{
            "name": format!("{name}.example.com"),
            "clientConfig": client_config,
            "rules": [{
                "apiGroups": ["", "apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps", "deployments"],
            }],
            "namespaceSelector": { "matchExpressions": [{
                "key": "kubernetes.io/metadata.name", "operator": "In", "values": [name, format!("{name}-probe")],
            }] },
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
            "timeoutSeconds": 2,
        }],
    })
}

/// What all of these come to: `two` is refused on one member with these words, and goes through when the
/// refusal is over.
async fn is_refused_until(
    world: &'static World,
    name: &str,
    scenario: &Scenario,
    words: &[&str],
    over: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    scenario.write(&on_both(world, name, "", &settings(name, "two")))?;
    let object = format!("ConfigMap {name}/settings");
    let said = expect_failure(scenario, &[&["`gcp`", object.as_str()], words].concat()).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("one"), "it was changed after all");
    // Refused by a dry run, nothing was changed; refused at apply, the other member was not held up.
    let other = value(world, WELL, name).await?;
    let done = said.contains("Cluster `aws` is done");
    ensure!(other.as_deref() == Some(if done { "two" } else { "one" }), "{WELL} has {other:?}: {said}");
    over().await?;
    converges(scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "not brought up to date");
    destroyed(world, scenario, name).await
}

/// Waits until the webhook is asked about objects of a namespace, or is asked no more.
async fn until_asked(world: &World, webhook: &Webhook, namespace: &str, wanted: bool) -> anyhow::Result<()> {
    let look = async || {
        let before = webhook.asked();
        refuses(world, namespace, "probe").await?;
        Ok(((webhook.asked() > before) == wanted).then_some(()))
    };
    wait::until("the webhook's registration takes effect", SOON, look).await
}

async fn with_one(world: &'static World, name: &str) -> anyhow::Result<Scenario> {
    let scenario = Scenario::new(world, &on_both(world, name, "", &settings(name, "one"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    Ok(scenario)
}

pub(crate) async fn a_policy_that_denies_is_quoted(world: &'static World) -> anyhow::Result<()> {
    let name = "t-policy";
    let scenario = with_one(world, name).await?;
    let policies: Api<ValidatingAdmissionPolicy> = register(
        world,
        json!({
            "metadata": { "name": name },
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }] },
                "validations": [{
                    "expression": "!has(object.data) || !('key' in object.data) || object.data['key'] != 'two'",
                    "message": "two is one too many here",
                }],
            },
        }),
    )
    .await?;
    let bindings: Api<ValidatingAdmissionPolicyBinding> = register(
        world,
        json!({
            "metadata": { "name": name },
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } },
            },
        }),
    )
    .await?;
    until_refused(world, name, "two", true).await?;
    is_refused_until(world, name, &scenario, &["two is one too many here"], async || {
        bindings.delete(name, &DeleteParams::default()).await?;
        policies.delete(name, &DeleteParams::default()).await?;
        until_refused(world, name, "two", false).await
    })
    .await
}

pub(crate) async fn a_webhook_that_denies_is_quoted(world: &'static World) -> anyhow::Result<()> {
    let name = "t-denied";
    let scenario = with_one(world, name).await?;
    let webhook = Webhook::start(|request| match request["object"]["data"]["key"].as_str() {
        Some("two") => Verdict::Deny("the change freeze ends on Monday".to_owned()),
        _ => Verdict::Allow,
    })
    .await?;
    let registered = registration(name, &webhook.client_config());
    let webhooks: Api<ValidatingWebhookConfiguration> = register(world, registered).await?;
    until_refused(world, name, "two", true).await?;
    let words = ["the change freeze ends on Monday", "t-denied.example.com"];
    is_refused_until(world, name, &scenario, &words, async || {
        webhooks.delete(name, &DeleteParams::default()).await?;
        until_refused(world, name, "two", false).await
    })
    .await
}

pub(crate) async fn a_webhook_that_is_down_is_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-webhook-down";
    let scenario = with_one(world, name).await?;
    let down = Webhook::start(|_| Verdict::Allow).await?.client_config();
    let webhooks: Api<ValidatingWebhookConfiguration> = register(world, registration(name, &down)).await?;
    until_refused(world, name, "two", true).await?;
    let words = ["failed calling webhook", "t-webhook-down.example.com"];
    is_refused_until(world, name, &scenario, &words, async || {
        webhooks.delete(name, &DeleteParams::default()).await?;
        until_refused(world, name, "two", false).await
    })
    .await
}

/// A webhook that sets what we set, and adds what we do not: the plan after an apply is empty, however often it is
/// asked for, and what we change elsewhere is still changed.
pub(crate) async fn a_webhook_that_changes_our_fields_is_no_fight(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-mutated";
    let text = |value: &str, replicas: u32| {
        let mut resources = settings(name, value);
        resources.push(resource("web", &deployment(name, "web", "web:1", replicas), ""));
        on_both(world, name, "", &resources)
    };
    let probe = format!("{name}-probe");
    look::make_namespace(world, ILL, &probe).await?;
    let webhook = Webhook::start(|request| {
        let object = &request["object"];
        let annotated = json!({ "op": "add", "path": "/metadata/annotations", "value": { "seen": "yes" } });
        Verdict::Patch(match request["kind"]["kind"].as_str() {
            Some("Deployment") => json!([
                { "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "mirror/web:1" },
                { "op": "replace", "path": "/spec/replicas", "value": 3 },
            ]),
            Some("ConfigMap") if object["data"]["key"].is_string() => {
                json!([{ "op": "replace", "path": "/data/key", "value": "theirs" }, annotated])
            }
            _ => json!([]),
        })
    })
    .await?;
    let webhooks: Api<MutatingWebhookConfiguration> =
        register(world, registration(name, &webhook.client_config())).await?;
    // Before the namespace is there, so that the first apply meets it.
    until_asked(world, &webhook, &probe, true).await?;
    let scenario = Scenario::new(world, &text("one", 1)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("theirs"), "the webhook was not asked");
    ensure!(look::replicas(world, ILL, name, "web").await? == (3, 3), "the webhook was not asked");
    scenario.expect_no_changes().await?;

    let asked = webhook.asked();
    scenario.apply(&text("two", 2)).await?;
    ensure!(webhook.asked() > asked, "the change was not sent");
    ensure!(value(world, WELL, name).await?.as_deref() == Some("two"), "{WELL} was held up");
    scenario.expect_no_changes().await?;

    webhooks.delete(name, &DeleteParams::default()).await?;
    until_asked(world, &webhook, &probe, false).await?;
    scenario.apply(&text("three", 2)).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("three"), "our own value did not come back");
    scenario.expect_no_changes().await?;
    destroyed(world, &scenario, name).await
}

/// A server that takes no dry runs, as one does that has a webhook with side effects, is no obstacle.
///
/// Such webhooks can be registered no more, but those that were registered before stay. The proxy plays one.
pub(crate) async fn a_webhook_without_dry_run_is_no_obstacle(world: &'static World) -> anyhow::Result<()> {
    let name = "t-no-dry-run";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = |value: &str| on_both_with(world, &entry, name, "", &settings(name, value));
    let scenario = Scenario::new(world, &text("one")).await?;
    proxy.set(no_dry_runs()).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.write(&text("two"))?;
    let plan = scenario.terraform.plan(Some("saved.plan")).await?;
    ensure!(plan.code == Some(2), "{}\n{}", plan.stdout, plan.stderr);
    ensure!(plan.stdout.contains("dry run"), "the plan does not say what it could not see:\n{}", plan.stdout);
    ensure!(proxy.harmed() > 0, "no dry run was asked for");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "the change was not made");
    scenario.expect_no_changes().await?;
    destroyed(world, &scenario, name).await
}
