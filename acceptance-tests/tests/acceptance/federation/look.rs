//! Looks at clusters the way a person with kubectl would: with a client of its own, not with the code under test.

use anyhow::Context as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::world::World;

/// The namespace in which the federation keeps its records.
pub(crate) const RECORDS: &str = "multicluster-system";

pub(crate) async fn deployments(
    world: &World,
    cluster: &str,
    namespace: &str,
) -> anyhow::Result<Api<Deployment>> {
    Ok(Api::namespaced(world.lab.client(cluster).await?, namespace))
}

pub(crate) async fn config_maps(
    world: &World,
    cluster: &str,
    namespace: &str,
) -> anyhow::Result<Api<ConfigMap>> {
    Ok(Api::namespaced(world.lab.client(cluster).await?, namespace))
}

pub(crate) async fn services(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<Api<Service>> {
    Ok(Api::namespaced(world.lab.client(cluster).await?, namespace))
}

/// How many replicas a Deployment wants and has ready.
pub(crate) async fn replicas(
    world: &World,
    cluster: &str,
    namespace: &str,
    name: &str,
) -> anyhow::Result<(i32, i32)> {
    let deployment = deployments(world, cluster, namespace).await?.get(name).await?;
    let wanted = deployment.spec.and_then(|spec| spec.replicas).context("no replicas")?;
    let ready = deployment.status.and_then(|status| status.ready_replicas).unwrap_or(0);
    Ok((wanted, ready))
}

/// Whether a namespace exists.
pub(crate) async fn has_namespace(world: &World, cluster: &str, name: &str) -> anyhow::Result<bool> {
    let api: Api<Namespace> = Api::all(world.lab.client(cluster).await?);
    Ok(api.get_opt(name).await?.is_some())
}

/// The inventory of a federation, if there is one.
pub(crate) async fn inventory(
    world: &World,
    cluster: &str,
    federation: &str,
) -> anyhow::Result<Option<Value>> {
    let api = config_maps(world, cluster, RECORDS).await?;
    let Some(record) = api.get_opt(&format!("federation.{federation}.default")).await? else {
        return Ok(None);
    };
    let text = record
        .data
        .and_then(|mut data| data.remove("inventory.json"))
        .context("no inventory in the record")?;
    Ok(Some(serde_json::from_str(&text)?))
}

/// The id of a federation's ApplySet, from the label of its record.
pub(crate) async fn applyset_id(world: &World, cluster: &str, federation: &str) -> anyhow::Result<String> {
    let record =
        config_maps(world, cluster, RECORDS).await?.get(&format!("federation.{federation}.default")).await?;
    let mut labels = record.metadata.labels.unwrap_or_default();
    labels.remove("applyset.kubernetes.io/id").context("the record has no id")
}

/// Changes a Deployment's replicas as `kubectl edit` does.
pub(crate) async fn edit_replicas(
    world: &World,
    cluster: &str,
    namespace: &str,
    name: &str,
    replicas: i32,
) -> anyhow::Result<()> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let parameters = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    deployments(world, cluster, namespace).await?.patch(name, &parameters, &patch).await?;
    Ok(())
}

/// Makes a namespace by hand.
pub(crate) async fn make_namespace(world: &World, cluster: &str, name: &str) -> anyhow::Result<()> {
    let api: Api<Namespace> = Api::all(world.lab.client(cluster).await?);
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    api.create(&kube::api::PostParams::default(), &namespace).await?;
    Ok(())
}
