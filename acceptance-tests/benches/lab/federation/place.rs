//! Where a measurement takes place, and how an operation is measured there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use acceptance_tests::lab::wait;
use acceptance_tests::workload::Workload;
use acceptance_tests::{Cluster, Lab, Mirror};
use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use tempfile::TempDir;

use super::NAMESPACE;
use super::audit::Marks;
use super::contender::Measure;

/// For what the clusters do by themselves.
const LIMIT: Duration = Duration::from_secs(300);

/// The programs that are measured.
pub(crate) struct Programs {
    pub(crate) kubectl: PathBuf,
    pub(crate) terraform: PathBuf,
    pub(crate) mirror: Mirror,
    /// Where they keep files of their own.
    pub(crate) scratch: TempDir,
}

/// How far the other provider is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Create, and a plan without changes.
    Planned,
    /// To the end.
    Destroyed,
}

/// Clusters, and what is to be brought to each.
pub(crate) struct Place<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) programs: &'a Programs,
    pub(crate) clusters: Vec<&'a Cluster>,
    pub(crate) workload: Workload,
    /// With thousands of resources Terraform needs tens of minutes to change or destroy them, because it writes its whole
    /// state after each. That is left out.
    pub(crate) peer_until: Until,
}

impl Place<'_> {
    /// Objects on all clusters.
    pub(crate) fn objects(&self) -> usize {
        self.clusters.len() * self.workload.objects.len()
    }

    /// Environment for programs that are to find the clusters. Their caches begin empty, and stay within the run.
    pub(crate) fn env(&self, home: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let home = self.programs.scratch.path().join(home);
        std::fs::create_dir_all(&home)?;
        let mut env = self.lab.env();
        env.insert("HOME".to_owned(), home.display().to_string());
        env.extend(self.programs.mirror.env());
        Ok(env)
    }

    /// A new directory for a contender.
    pub(crate) fn directory(&self) -> anyhow::Result<TempDir> {
        Ok(tempfile::tempdir_in(self.programs.scratch.path())?)
    }

    /// Measures an operation, from its start to its end.
    pub(crate) async fn measure(
        &self,
        operation: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Measure> {
        let marks = Marks::set(&self.clusters)?;
        // The audit logs are of this machine, and by the same clock.
        let (begun, started) = (Timestamp::now(), Instant::now());
        operation.await?;
        let seconds = started.elapsed().as_secs_f64();
        let calls = marks.calls().await?;
        let phases = calls.writes.map(|(first, last)| {
            let before = first.duration_since(begun).as_secs_f64();
            let writes = last.duration_since(first).as_secs_f64();
            [before, writes, seconds - before - writes]
        });
        Ok(Measure { seconds, calls, phases, taken: None })
    }

    /// Waits until the Deployments of all clusters are rolled out, where there is somebody to do that.
    pub(crate) async fn wait_until_rolled_out(&self) -> anyhow::Result<()> {
        let whole = self.clusters.iter().filter(|cluster| cluster.cloud.is_some());
        try_join_all(whole.map(async |cluster| {
            let deployments: Api<Deployment> = Api::namespaced(cluster.client().await?, NAMESPACE);
            wait::until("the Deployments are rolled out", LIMIT, async || {
                let all = deployments.list(&ListParams::default()).await?;
                Ok(all.items.iter().all(is_available).then_some(()))
            })
            .await
        }))
        .await?;
        Ok(())
    }

    /// Deletes the namespace of the objects, with all that is in it.
    pub(crate) async fn delete(&self) -> anyhow::Result<()> {
        try_join_all(self.clusters.iter().map(async |cluster| {
            let namespaces: Api<Namespace> = Api::all(cluster.client().await?);
            anyhow::Ok(namespaces.delete(NAMESPACE, &DeleteParams::default()).await?)
        }))
        .await?;
        Ok(())
    }

    /// Waits until nothing is left on any cluster.
    pub(crate) async fn wait_until_empty(&self) -> anyhow::Result<()> {
        try_join_all(self.clusters.iter().map(async |cluster| {
            let client = cluster.client().await?;
            let namespaces: Api<Namespace> = Api::all(client.clone());
            let pods: Api<Pod> = Api::all(client);
            wait::until("the namespaces are gone", LIMIT, async || {
                let namespaces = namespaces.list(&ListParams::default()).await?;
                let ours = namespaces.items.iter().filter_map(|namespace| namespace.metadata.name.as_deref());
                let left = ours.filter(|name| *name != "default" && !name.starts_with("kube-")).count();
                Ok((left == 0 && pods.list(&ListParams::default()).await?.items.is_empty()).then_some(()))
            })
            .await
        }))
        .await?;
        Ok(())
    }
}

fn is_available(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.as_ref();
    status.and_then(|status| status.available_replicas).unwrap_or(0) >= wanted
}
