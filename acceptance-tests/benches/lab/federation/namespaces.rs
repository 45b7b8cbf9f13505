//! Plays the namespace controller on bare API servers: a namespace that was deleted is emptied, and goes.

use std::convert::Infallible;

use acceptance_tests::Cluster;
use anyhow::Context as _;
use futures::future::try_join_all;
use futures::{StreamExt as _, pin_mut};
use http::Request;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde_json::json;

/// What may be in a namespace here.
const COLLECTIONS: [&str; 6] = [
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/services",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
];

/// Empties namespaces until it is dropped.
pub(super) async fn empty(clusters: &[&Cluster]) -> anyhow::Result<Infallible> {
    try_join_all(clusters.iter().map(async |cluster| empty_on(cluster.client().await?).await)).await?;
    anyhow::bail!("there is no cluster whose namespaces could be emptied")
}

async fn empty_on(client: Client) -> anyhow::Result<Infallible> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let deleted = watcher(namespaces, watcher::Config::default()).default_backoff().applied_objects();
    pin_mut!(deleted);
    while let Some(namespace) = deleted.next().await {
        // An error is one of the watch, which begins anew.
        let Ok(namespace) = namespace else { continue };
        let name = namespace.metadata.name.unwrap_or_default();
        let finalizers = namespace.spec.and_then(|spec| spec.finalizers).unwrap_or_default();
        if namespace.metadata.deletion_timestamp.is_some() && !finalizers.is_empty() {
            finalize(&client, &name).await.with_context(|| format!("cannot empty namespace {name}"))?;
        }
    }
    anyhow::bail!("the watch ended")
}

async fn finalize(client: &Client, name: &str) -> anyhow::Result<()> {
    for collection in COLLECTIONS {
        let request = Request::delete(collection.replace("{}", name)).body(Vec::new())?;
        client.request_text(request).await?;
    }
    let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name }, "spec": {} });
    let request = Request::put(format!("/api/v1/namespaces/{name}/finalize"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())?;
    client.request_text(request).await?;
    Ok(())
}
