//! Brings the clusters up: etcd first, then some API servers at a time, each cluster's other programs when its API
//! answers. Beside them, Route 53.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use serde_json::json;

use super::{
    executable,
    family::{Family, Recipe},
    protocol::{Names, Spec},
    route53,
};
use crate::{
    lab::{
        Cloud, Cluster,
        cloud::NODES,
        commands::{self, API_SERVER, CONTROLLER_MANAGER, ETCD, KWOK, ROUTE53, SCHEDULER},
        kubeconfig, ports, prepare,
        shape::Shape,
        wait,
    },
    route53::Route53,
    tools::Tools,
};

/// For each single step. Generous: the machine may be compiling at the same time.
const LIMIT: Duration = Duration::from_secs(90);
/// Clusters that are started at the same time. An API server needs some seconds of a core before it answers, so that
/// twenty at once would each be late.
const AT_A_TIME: usize = 4;
/// The zone of people who try things by hand.
const ZONE: &str = "lab.example.com";

/// Starts everything and returns when all of it is ready. `report` hears of each cluster that is.
pub(super) async fn clusters(
    spec: &Spec,
    family: &Family,
    report: impl Fn(String),
) -> anyhow::Result<Vec<Cluster>> {
    let tools = Tools::from_programs(spec.programs.clone());
    let shapes = Shape::all(&spec.clusters, spec.bare);
    let mut reserved = ports::reserve(2 + shapes.len())?.into_iter();
    let mut port = || reserved.next().context("too few ports were reserved");
    let (etcd_port, etcd_peer_port) = (port()?, port()?);
    let mut members = Vec::new();
    for shape in shapes {
        let port = port()?;
        members.push((prepare::cluster(&spec.directory, shape, port.port())?, shape, port));
    }
    let contexts: Vec<_> = members.iter().map(|(cluster, ..)| cluster.context_at(&cluster.host)).collect();
    prepare::private_file(&spec.directory.join("kubeconfig"), &kubeconfig::render(&contexts))?;

    let data = spec.directory.join("etcd");
    prepare::private_directory(&data)?;
    let etcd_port = etcd_port.release();
    family.start(&Recipe {
        name: ETCD,
        program: tools.program(ETCD)?,
        arguments: commands::etcd(&data, etcd_port, etcd_peer_port.release()),
        directory: &spec.directory,
    })?;
    let started = tokio::time::Instant::now();
    let (tools, report) = (&tools, &report);
    let starts = members.into_iter().map(|(cluster, shape, port)| async move {
        // The port is ours until the moment in which its server is started.
        family.start(&Recipe {
            name: API_SERVER,
            program: tools.program(API_SERVER)?,
            arguments: commands::api_server(shape, cluster.directory(), port.release(), etcd_port),
            directory: cluster.directory(),
        })?;
        one(&cluster, family, tools).await.with_context(|| format!("cluster {}", cluster.context))?;
        report(format!("{} is ready after {:.1} s", cluster.context, started.elapsed().as_secs_f64()));
        anyhow::Ok(cluster)
    });
    stream::iter(starts).buffered(AT_A_TIME).try_collect().await
}

/// Starts the Route 53 emulator, with a zone in it.
pub(super) async fn names(spec: &Spec, family: &Family) -> anyhow::Result<Names> {
    let reserved: [_; 3] = ports::reserve(3)?.try_into().ok().context("too few ports were reserved")?;
    let [api, control, dns] = reserved.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port.release())));
    family.start(&Recipe {
        name: ROUTE53,
        program: &executable(),
        arguments: route53::arguments([api, control, dns]),
        directory: &spec.directory,
    })?;
    let route53 = Route53 { api_url: format!("http://{api}"), control, dns };
    let zone =
        wait::until("Route 53 answers", LIMIT, async || Ok(Some(route53.create_zone(ZONE).await?))).await?;
    Ok(Names { route53, zone })
}

async fn one(cluster: &Cluster, family: &Family, tools: &Tools) -> anyhow::Result<()> {
    let client = cluster.client().await?;
    wait::until("its API server is ready", LIMIT, async || {
        let request = http::Request::get("/readyz").body(Vec::new())?;
        Ok((client.request_text(request).await? == "ok").then_some(()))
    })
    .await?;
    let Some(cloud) = cluster.cloud else { return Ok(()) };
    let directory = cluster.directory();
    for (name, arguments) in [
        (CONTROLLER_MANAGER, commands::controller_manager(cloud, directory)),
        (KWOK, commands::kwok(cloud, directory)),
        (SCHEDULER, commands::scheduler(directory)),
    ] {
        family.start(&Recipe { name, program: tools.program(name)?, arguments, directory })?;
    }
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 0..NODES {
        nodes
            .create(&PostParams::default(), &node(cloud, number)?)
            .await
            .context("cannot register a node")?;
    }
    let accounts: Api<ServiceAccount> = Api::default_namespaced(client);
    wait::until("its default ServiceAccount exists", LIMIT, async || Ok(accounts.get_opt("default").await?))
        .await?;
    wait::until("its nodes are ready", LIMIT, async || {
        let nodes = nodes.list(&ListParams::default()).await?;
        Ok(nodes.items.iter().all(is_schedulable).then_some(()))
    })
    .await
}

/// A node as its kubelet would register it. It becomes ready by a Stage.
fn node(cloud: Cloud, number: u8) -> anyhow::Result<Node> {
    let name = format!("{cloud}-node-{}", number + 1);
    let size = json!({"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"});
    serde_json::from_value(json!({
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": cloud.region(),
                "topology.kubernetes.io/zone": cloud.zone(number),
            },
        },
        "spec": {"podCIDR": cloud.node_pod_cidr(number), "podCIDRs": [cloud.node_pod_cidr(number)]},
        "status": {
            "capacity": size,
            "allocatable": size,
            "addresses": [
                {"type": "InternalIP", "address": cloud.node_address(number)},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "lab",
                "containerRuntimeVersion": "kwok", "kubeletVersion": "v1.36.3", "kubeProxyVersion": "",
                "operatingSystem": "linux", "architecture": "amd64",
            },
        },
    }))
    .context("our node is not a valid one")
}

/// Ready, and freed from the taint that a node is registered with.
fn is_schedulable(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    ready && taints.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_carries_the_topology_of_its_cloud() {
        let node = node(Cloud::Gcp, 1).unwrap();
        let labels = node.metadata.labels.clone().unwrap();
        assert_eq!(labels["topology.kubernetes.io/region"], "australia-southeast1");
        assert_eq!(labels["topology.kubernetes.io/zone"], "australia-southeast1-b");
        assert!(!is_schedulable(&node));
    }
}
