//! Parts of these trials.

use std::time::Duration;

use acceptance_tests::lab::wait;
use acceptance_tests::{Fault, Harm, Picked, Proxy};
use anyhow::ensure;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::super::hcl::{
    REQUIRED, by_kubeconfig, config_map, federation, namespace, provider, provider_for, resource,
};
use super::super::look;
use crate::world::{Scenario, World, said};

/// The member that is well in all of these.
pub(super) const WELL: &str = "aws";
/// The member that something happens to.
pub(super) const ILL: &str = "gcp";
/// How long a trial waits for something to take effect on a cluster.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A configuration of both members.
pub(super) fn on_both(world: &World, name: &str, arguments: &str, resources: &[String]) -> String {
    let federation = federation(name, &[WELL, ILL], arguments, &resources.concat());
    format!("{REQUIRED}{}{federation}", provider_for(world, &[WELL, ILL]))
}

/// The same with another entry for the member that is ill.
pub(super) fn on_both_with(
    world: &World,
    entry: &str,
    name: &str,
    arguments: &str,
    resources: &[String],
) -> String {
    let federation = federation(name, &[WELL, ILL], arguments, &resources.concat());
    let provider = provider(&[by_kubeconfig(world, WELL), entry.to_owned()]);
    format!("{REQUIRED}{provider}{federation}")
}

/// A namespace with a ConfigMap `settings` in it.
pub(super) fn settings(name: &str, value: &str) -> Vec<String> {
    vec![namespace(name), resource("settings", &config_map(name, "settings", value), "")]
}

/// What the ConfigMap `settings` says on a cluster.
pub(super) async fn value(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Option<String>> {
    let found = look::config_maps(world, cluster, namespace).await?.get_opt("settings").await?;
    Ok(found.and_then(|it| it.data).and_then(|mut data| data.remove("key")))
}

/// A proxy before the member that is ill, and its entry of the provider block.
pub(super) async fn behind_proxy(world: &World) -> anyhow::Result<(Proxy, String)> {
    let proxy = world.lab.proxy(ILL).await?;
    let cluster = world.lab.cluster(ILL);
    let entry = format!(
        "{ILL} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n token = {:?} }}\n",
        proxy.host(),
        cluster.ca_pem,
        cluster.token
    );
    Ok((proxy, entry))
}

/// Harms the next `times` requests of this method whose head contains the text, and that are meant: dry runs pass.
pub(super) const fn harm(method: &'static str, contains: &'static str, times: u32, harm: Harm) -> Fault {
    Fault::Picked(Picked { method, contains, unless: "dryRun=All", times, harm })
}

/// The server takes no dry runs.
pub(super) const fn no_dry_runs() -> Fault {
    let harm = Harm::NoDryRun;
    Fault::Picked(Picked { method: "", contains: "dryRun=All", unless: "", times: u32::MAX, harm })
}

/// Applies, and fails unless that fails with an error that says all of this.
pub(super) async fn expect_failure(scenario: &Scenario, expected: &[&str]) -> anyhow::Result<String> {
    let apply = scenario.terraform.apply(None).await?;
    let said = said(&apply);
    ensure!(apply.code == Some(1), "it did not fail:\n{}\n{}", apply.stdout, apply.stderr);
    for part in expected {
        ensure!(said.contains(part), "no `{part}` in:\n{}", apply.stderr);
    }
    ensure!(!said.contains("panicked") && !said.contains("inconsistent"), "{}", apply.stderr);
    Ok(said)
}

/// Applies what is configured after a fault has passed, and fails unless that is the end of it.
pub(super) async fn converges(scenario: &Scenario) -> anyhow::Result<()> {
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await
}

/// Destroys, and fails unless nothing is left.
pub(super) async fn destroyed(world: &World, scenario: &Scenario, name: &str) -> anyhow::Result<()> {
    scenario.terraform.destroy().await?.ok()?;
    for cluster in [WELL, ILL] {
        ensure!(!look::has_namespace(world, cluster, name).await?, "the namespace is left on {cluster}");
        ensure!(look::inventory(world, cluster, name).await?.is_none(), "the record is left on {cluster}");
    }
    Ok(())
}

/// Whether the cluster would take a ConfigMap with this value, asked without dry run being a part of the question.
pub(super) async fn refuses(world: &World, namespace: &str, value: &str) -> anyhow::Result<bool> {
    let api: Api<ConfigMap> = Api::namespaced(world.lab.client(ILL).await?, namespace);
    let probe = Patch::Apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "probe" }, "data": { "key": value },
    }));
    match api.patch("probe", &PatchParams::apply("probe").dry_run(), &probe).await {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the cluster refuses that, or takes it.
pub(super) async fn until_refused(
    world: &World,
    namespace: &str,
    value: &str,
    refused: bool,
) -> anyhow::Result<()> {
    let look = async || Ok((refuses(world, namespace, value).await? == refused).then_some(()));
    wait::until("admission takes effect", SOON, look).await
}

/// An object on the cluster that is ill, of a kind that lives in namespaces.
pub(super) async fn make<K>(world: &World, namespace: &str, object: Value) -> anyhow::Result<Api<K>>
where
    K: kube::Resource<Scope = NamespaceResourceScope> + serde::de::DeserializeOwned + serde::Serialize,
    K: Clone + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(world.lab.client(ILL).await?, namespace);
    api.create(&kube::api::PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(api)
}
