//! What runs on a cluster, as a table.

use std::fmt::Write as _;

use acceptance_tests::Cluster;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::Api;
use kube::api::ListParams;

const NAMESPACE: &str = "guestbook";

/// A Deployment.
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) wanted: i32,
    pub(crate) ready: i32,
}

pub(crate) async fn workloads(cluster: &Cluster) -> anyhow::Result<Vec<Workload>> {
    let api: Api<Deployment> = Api::namespaced(cluster.client().await?, NAMESPACE);
    let found = api.list(&ListParams::default()).await?;
    let workload = |it: Deployment| Workload {
        name: it.metadata.name.unwrap_or_default(),
        wanted: it.spec.and_then(|spec| spec.replicas).unwrap_or(0),
        ready: it.status.and_then(|status| status.ready_replicas).unwrap_or(0),
    };
    Ok(found.items.into_iter().map(workload).collect())
}

/// The Services with a load balancer, and where it answers.
pub(crate) async fn addresses(cluster: &Cluster) -> anyhow::Result<Vec<(String, String)>> {
    let api: Api<Service> = Api::namespaced(cluster.client().await?, NAMESPACE);
    let mut addresses = Vec::new();
    for service in api.list(&ListParams::default()).await? {
        let ingress =
            service.status.and_then(|it| it.load_balancer).and_then(|it| it.ingress).unwrap_or_default();
        for point in ingress {
            let address = point.hostname.or(point.ip).unwrap_or_default();
            addresses.push((service.metadata.name.clone().unwrap_or_default(), address));
        }
    }
    Ok(addresses)
}

/// Whether neither the guestbook nor a record of the federation is left.
pub(crate) async fn is_empty(cluster: &Cluster) -> anyhow::Result<bool> {
    let api: Api<Namespace> = Api::all(cluster.client().await?);
    Ok(api.get_opt(NAMESPACE).await?.is_none())
}

pub(crate) fn table(cluster: &str, workloads: &[Workload], addresses: &[(String, String)]) -> String {
    let mut table = String::new();
    let mut first = cluster;
    for Workload { name, wanted, ready } in workloads {
        let pods = "●".repeat(usize::try_from(*ready).unwrap_or(0));
        // Writing to a String does not fail.
        let _ = writeln!(table, "  {first:6} {name:16} {ready}/{wanted}  {pods}");
        first = "";
    }
    for (name, address) in addresses {
        let _ = writeln!(table, "  {first:6} {name:16} answers at {address}");
        first = "";
    }
    if table.is_empty() {
        let _ = writeln!(table, "  {cluster:6} nothing");
    }
    table.push('\n');
    table
}
