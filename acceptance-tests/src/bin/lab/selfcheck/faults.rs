//! Each fault of the proxy, before a real API server.

use std::time::{Duration, Instant};

use acceptance_tests::{Cluster, Fault, Proxy};
use anyhow::{bail, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::ListParams};

use super::passed;

pub(super) async fn check(cluster: &Cluster) -> anyhow::Result<()> {
    let proxy = Proxy::start(cluster).await?;
    let client = cluster.client_at(&proxy.host()).await?;
    let namespaces: Api<Namespace> = Api::all(client);
    let list = async || namespaces.list(&ListParams::default()).await;

    let started = Instant::now();
    list().await?;
    ensure!(proxy.connections() == 1, "{} connections", proxy.connections());
    passed(cluster, "the proxy passes through", started);

    let started = Instant::now();
    proxy.set(Fault::Slow(Duration::from_millis(200))).await?;
    list().await?;
    ensure!(started.elapsed() >= Duration::from_millis(400), "the slow proxy was fast");
    passed(cluster, "the proxy is slow", started);

    let started = Instant::now();
    proxy.set(Fault::Errors(403)).await?;
    match list().await {
        Err(kube::Error::Api(status)) if status.code == 403 && status.reason == "Forbidden" => {}
        other => bail!("expected 403, got {other:?}"),
    }
    passed(cluster, "the proxy answers 403", started);

    let started = Instant::now();
    proxy.set(Fault::Cut).await?;
    ensure!(list().await.is_err(), "the cut proxy answered");
    passed(cluster, "the proxy is cut", started);

    let started = Instant::now();
    proxy.set(Fault::Blackhole).await?;
    let silence = tokio::time::timeout(Duration::from_secs(1), list()).await;
    ensure!(silence.is_err(), "the black hole answered: {silence:?}");
    passed(cluster, "the proxy is a black hole", started);

    let started = Instant::now();
    proxy.set(Fault::None).await?;
    list().await?;
    passed(cluster, "the proxy passes through again", started);
    Ok(())
}
