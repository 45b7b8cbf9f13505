//! The limit: requests whose bodies were made before, over a few connections per cluster, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};

use acceptance_tests::Cluster;
use anyhow::Context as _;
use futures::future::try_join_all;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::NAMESPACE;
use super::contender::{Measured, Operation};
use super::place::Place;

/// Connections per cluster, each with one request at a time.
const CONNECTIONS: usize = 8;

/// A request that is ready to be sent.
struct Prepared {
    method: Method,
    path: String,
    body: Vec<u8>,
}

pub(super) async fn run(place: &Place<'_>) -> anyhow::Result<Measured> {
    let clients = try_join_all(place.clusters.iter().map(|cluster| connections(cluster))).await?;
    let apply = applies(&place.workload.objects, "")?;
    let dry_run = applies(&place.workload.objects, "&dryRun=All")?;
    let (namespace, objects) = apply.split_first().context("no objects")?;
    let lists = lists(&place.workload.objects)?;
    let deletions = deletions(&place.workload.objects)?;
    let (objects_gone, namespace_gone) = (&deletions[1..], &deletions[0]);

    let mut measured = Measured::new();
    let create = place.measure(async {
        send(&clients, std::slice::from_ref(namespace)).await?;
        send(&clients, objects).await
    });
    measured.push((Operation::Create, create.await?));
    place.wait_until_rolled_out().await?;
    measured.push((Operation::Reapply, place.measure(send(&clients, &apply)).await?));
    measured.push((Operation::DryRun, place.measure(send(&clients, &dry_run)).await?));
    measured.push((Operation::List, place.measure(send(&clients, &lists)).await?));
    let destroy = place.measure(async {
        send(&clients, objects_gone).await?;
        send(&clients, std::slice::from_ref(namespace_gone)).await
    });
    measured.push((Operation::Destroy, destroy.await?));
    Ok(measured)
}

/// Clients for one cluster, each of which has a connection of its own.
async fn connections(cluster: &Cluster) -> anyhow::Result<Vec<Client>> {
    // Chooses the process's TLS implementation.
    drop(cluster.client().await?);
    let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig())?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.proxy_url = None;
    config.default_retry = false;
    config.headers.push((USER_AGENT, http::HeaderValue::from_static("bare-loop")));
    (0..CONNECTIONS).map(|_| Ok(Client::try_from(config.clone())?)).collect()
}

/// Sends all requests to all clusters, and fails with the first that is refused.
async fn send(clusters: &[Vec<Client>], requests: &[Prepared]) -> anyhow::Result<()> {
    try_join_all(clusters.iter().map(async |clients| {
        let next = AtomicUsize::new(0);
        let next = &next;
        try_join_all(clients.iter().map(async |client| {
            while let Some(prepared) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                prepared.send(client).await?;
            }
            anyhow::Ok(())
        }))
        .await
    }))
    .await?;
    Ok(())
}

impl Prepared {
    async fn send(&self, client: &Client) -> anyhow::Result<()> {
        let content_type = match self.method {
            Method::PATCH => "application/apply-patch+yaml",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(CONTENT_TYPE, content_type)
            .body(self.body.clone())?;
        client.request_text(request).await.with_context(|| format!("{} {}", self.method, self.path))?;
        Ok(())
    }
}

fn applies(objects: &[Value], query: &str) -> anyhow::Result<Vec<Prepared>> {
    objects
        .iter()
        .map(|object| {
            let path = format!("{}?fieldManager=bench&fieldValidation=Strict{query}", path(object)?);
            Ok(Prepared { method: Method::PATCH, path, body: object.to_string().into_bytes() })
        })
        .collect()
}

/// One list per kind.
fn lists(objects: &[Value]) -> anyhow::Result<Vec<Prepared>> {
    let mut paths: Vec<String> = objects.iter().map(collection).collect::<anyhow::Result<_>>()?;
    paths.dedup();
    let list = |path| Prepared { method: Method::GET, path: format!("{path}?limit=500"), body: Vec::new() };
    Ok(paths.into_iter().map(list).collect())
}

fn deletions(objects: &[Value]) -> anyhow::Result<Vec<Prepared>> {
    let options = br#"{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"}"#;
    objects
        .iter()
        .map(|object| Ok(Prepared { method: Method::DELETE, path: path(object)?, body: options.to_vec() }))
        .collect()
}

fn path(object: &Value) -> anyhow::Result<String> {
    let name = object["metadata"]["name"].as_str().context("an object without a name")?;
    Ok(format!("{}/{name}", collection(object)?))
}

fn collection(object: &Value) -> anyhow::Result<String> {
    let in_namespace = |group: &str, plural: &str| format!("{group}/namespaces/{NAMESPACE}/{plural}");
    Ok(match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => "/api/v1/namespaces".to_owned(),
        "ConfigMap" => in_namespace("/api/v1", "configmaps"),
        "Secret" => in_namespace("/api/v1", "secrets"),
        "Service" => in_namespace("/api/v1", "services"),
        "Deployment" => in_namespace("/apis/apps/v1", "deployments"),
        "Role" => in_namespace("/apis/rbac.authorization.k8s.io/v1", "roles"),
        other => anyhow::bail!("no path is known for {other}"),
    })
}
