//! Pods by image tag, load balancers, deletion, the audit log.

use std::time::{Duration, Instant};

use acceptance_tests::{Cloud, Cluster, lab::wait};
use anyhow::{Context as _, bail, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{ContainerStatus, Namespace, Pod, Service},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams, PropagationPolicy},
};
use serde_json::{Value, json};

use super::passed;

const NAMESPACE: &str = "selfcheck";
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// For whatever takes a known short time on an idle machine.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn check(cluster: &Cluster) -> anyhow::Result<()> {
    let client = client(cluster).await?;
    let mark = cluster.audit_mark()?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &object(&json!({"metadata": {"name": NAMESPACE}}))?).await?;

    tokio::try_join!(
        fates(cluster, &client),
        load_balancer_is_made_and_deleted(cluster, &client),
        load_balancer_is_retired(cluster, &client),
        job(cluster, &client),
    )?;

    let started = Instant::now();
    namespaces.delete(NAMESPACE, &DeleteParams::default()).await?;
    wait::until("the namespace is gone", LIMIT, async || gone(namespaces.get_opt(NAMESPACE).await?.as_ref()))
        .await?;
    passed(cluster, "a namespace with everything in it is gone", started);
    audit(cluster, mark).await
}

/// A client that calls itself by another name than the lab, so that the audit log counts it, and that uses the
/// token instead of the certificate.
async fn client(cluster: &Cluster) -> anyhow::Result<Client> {
    let mut kubeconfig = kube::config::Kubeconfig::from_yaml(&cluster.kubeconfig())?;
    for user in &mut kubeconfig.auth_infos {
        user.auth_info = Some(serde_json::from_value(json!({"token": cluster.token}))?);
    }
    let mut config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await?;
    config.proxy_url = None;
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static("selfcheck/1")));
    Ok(Client::try_from(config)?)
}

async fn fates(cluster: &Cluster, client: &Client) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let started = Instant::now();
    for (name, image) in [
        ("good", "registry.example:5000/web:v1"),
        ("slow", "web:slow-03s"),
        ("crashing", "web:broken-1@sha256:0000000000000000000000000000000000000000000000000000000000000000"),
        ("missing", "web:noimage"),
    ] {
        deployments.create(&PostParams::default(), &deployment(name, image)?).await?;
    }
    let ready = async |name: &str| {
        let found = deployments.get(name).await?;
        Ok((found.status.and_then(|status| status.ready_replicas) == Some(2)).then_some(()))
    };
    tokio::try_join!(
        async {
            wait::until("the good Deployment is ready", LIMIT, async || ready("good").await).await?;
            passed(cluster, "a good image is ready", started);
            anyhow::Ok(())
        },
        async {
            wait::until("the slow Deployment is ready", LIMIT, async || ready("slow").await).await?;
            ensure!(started.elapsed() >= Duration::from_secs(3), "slow-03s was ready too early");
            passed(cluster, "an image slow-03s is ready", started);
            Ok(())
        },
        async {
            let restarts = wait::until("a broken container crashes again", LIMIT, async || {
                let container = container(client, "crashing").await?;
                Ok((container.restart_count >= 2).then_some(container))
            })
            .await?;
            ensure!(!restarts.ready && waiting(&restarts) == "CrashLoopBackOff", "{restarts:?}");
            passed(cluster, "a broken image is in CrashLoopBackOff for the second time", started);
            Ok(())
        },
        async {
            for reason in ["ErrImagePull", "ImagePullBackOff"] {
                wait::until(reason, LIMIT, async || {
                    Ok((waiting(&container(client, "missing").await?) == reason).then_some(()))
                })
                .await?;
                passed(cluster, &format!("an image noimage is in {reason}"), started);
            }
            Ok(())
        },
    )?;
    for name in ["crashing", "missing"] {
        ensure!(ready(name).await?.is_none(), "{name} is ready");
    }
    deletion(cluster, client, &deployments).await
}

async fn deletion(cluster: &Cluster, client: &Client, deployments: &Api<Deployment>) -> anyhow::Result<()> {
    let started = Instant::now();
    let foreground =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    deployments.delete("good", &foreground).await?;
    wait::until("the Deployment is gone", LIMIT, async || gone(deployments.get_opt("good").await?.as_ref()))
        .await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    ensure!(
        pods.list(&ListParams::default().labels("app=good")).await?.items.is_empty(),
        "its pods are left"
    );
    passed(cluster, "a Deployment deleted in the foreground is gone with its pods", started);
    Ok(())
}

async fn job(cluster: &Cluster, client: &Client) -> anyhow::Result<()> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    let started = Instant::now();
    let job = object(&json!({
        "metadata": {"name": "once"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "job:v1"}]}}},
    }))?;
    jobs.create(&PostParams::default(), &job).await?;
    wait::until("the Job is complete", LIMIT, async || {
        Ok((jobs.get("once").await?.status.and_then(|status| status.succeeded) == Some(1)).then_some(()))
    })
    .await?;
    passed(cluster, "a Job is complete", started);
    Ok(())
}

async fn load_balancer_is_made_and_deleted(cluster: &Cluster, client: &Client) -> anyhow::Result<()> {
    let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
    let started = Instant::now();
    for name in ["one", "two"] {
        services.create(&PostParams::default(), &service(name)?).await?;
    }
    wait::until("the finalizer is there", LIMIT, async || {
        Ok(has_finalizer(&services.get("one").await?).then_some(()))
    })
    .await?;
    passed(cluster, "a load balancer has its finalizer", started);
    let mut addresses = Vec::new();
    for name in ["one", "two"] {
        let address = wait::until("the load balancer has an address", LIMIT, async || {
            Ok(address(&services.get(name).await?))
        })
        .await?;
        check_shape(cluster.cloud.context("not a cloud")?, &address)?;
        addresses.push(address);
    }
    ensure!(addresses.first() != addresses.last(), "two load balancers share {addresses:?}");
    ensure!(started.elapsed() >= Duration::from_secs(1), "the cloud was too fast");
    passed(cluster, &format!("load balancers have addresses: {}", addresses.join(", ")), started);

    let deleted = Instant::now();
    services.delete("one", &DeleteParams::default()).await?;
    let left = services.get_opt("one").await?.context("it vanished at once")?;
    ensure!(
        left.metadata.deletion_timestamp.is_some() && has_finalizer(&left),
        "it lost its finalizer at once"
    );
    wait::until("the load balancer is gone", LIMIT, async || gone(services.get_opt("one").await?.as_ref()))
        .await?;
    ensure!(deleted.elapsed() >= Duration::from_secs(2), "it was gone too early");
    passed(cluster, "a deleted load balancer is gone", deleted);
    Ok(())
}

async fn load_balancer_is_retired(cluster: &Cluster, client: &Client) -> anyhow::Result<()> {
    let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
    services.create(&PostParams::default(), &service("turning")?).await?;
    wait::until("it has an address", LIMIT, async || Ok(address(&services.get("turning").await?))).await?;
    let started = Instant::now();
    let patch = kube::api::Patch::Merge(json!({"spec": {"type": "ClusterIP"}}));
    services.patch("turning", &kube::api::PatchParams::default(), &patch).await?;
    wait::until("the load balancer is retired", LIMIT, async || {
        let service = services.get("turning").await?;
        Ok((!has_finalizer(&service) && address(&service).is_none()).then_some(()))
    })
    .await?;
    passed(cluster, "a Service turned into ClusterIP has lost its load balancer", started);
    Ok(())
}

async fn audit(cluster: &Cluster, mark: acceptance_tests::AuditMark) -> anyhow::Result<()> {
    let started = Instant::now();
    let entries = cluster.audit_since(mark).await?;
    let ours = |verb: &str, resource: &str| {
        entries
            .iter()
            .filter(|entry| {
                entry.user_agent == "selfcheck/1" && entry.verb == verb && entry.resource == resource
            })
            .count()
    };
    ensure!(ours("create", "deployments") == 4 && ours("create", "services") == 3, "{entries:?}");
    ensure!(ours("delete", "namespaces") == 1, "the last call is missing");
    let foreign: Vec<&str> = entries
        .iter()
        .map(|entry| entry.user_agent.as_str())
        .filter(|agent| *agent != "selfcheck/1")
        .collect();
    ensure!(foreign.is_empty(), "the control plane's own calls are counted: {foreign:?}");
    passed(cluster, &format!("the audit log has {} calls, all of ours", entries.len()), started);
    Ok(())
}

fn check_shape(cloud: Cloud, address: &str) -> anyhow::Result<()> {
    let shaped = match cloud {
        Cloud::Aws => address.ends_with(".elb.sa-east-1.amazonaws.com"),
        Cloud::Azure => address.starts_with("20.50."),
        Cloud::Gcp => address.starts_with("34.116."),
    };
    ensure!(shaped, "`{address}` is not an address of {cloud}");
    Ok(())
}

async fn container(client: &Client, app: &str) -> anyhow::Result<ContainerStatus> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let pods = pods.list(&ListParams::default().labels(&format!("app={app}"))).await?;
    let status = pods.items.into_iter().next().and_then(|pod| pod.status);
    let containers = status.and_then(|status| status.container_statuses).unwrap_or_default();
    containers.into_iter().next().context("no container yet")
}

fn waiting(container: &ContainerStatus) -> &str {
    let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
    waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or_default()
}

fn has_finalizer(service: &Service) -> bool {
    service.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

fn address(service: &Service) -> Option<String> {
    let balancer = service.status.as_ref()?.load_balancer.as_ref()?;
    let ingress = balancer.ingress.as_ref()?.first()?;
    ingress.hostname.clone().or_else(|| ingress.ip.clone())
}

fn gone<T>(found: Option<&T>) -> anyhow::Result<Option<()>> {
    if found.is_some() { bail!("it is still there") } else { Ok(Some(())) }
}

fn deployment(name: &str, image: &str) -> anyhow::Result<Deployment> {
    object(&json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                // The namespace controller waits half of this before it looks again whether pods are gone.
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": image}]},
            },
        },
    }))
}

fn service(name: &str) -> anyhow::Result<Service> {
    object(&json!({
        "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "selector": {"app": "good"}, "ports": [{"port": 80}]},
    }))
}

fn object<T: serde::de::DeserializeOwned>(value: &Value) -> anyhow::Result<T> {
    Ok(serde_json::from_value(value.clone())?)
}
