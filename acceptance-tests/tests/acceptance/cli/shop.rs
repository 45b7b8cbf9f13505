//! A federation that real Terraform has made: settings everywhere, and a workload divided over two of three clusters.

use anyhow::Context as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use tempfile::TempDir;

use super::run::kubeconfig;
use crate::federation::hcl::{
    REQUIRED, config_map, deployment, federation, namespace, provider_for, resource,
};
use crate::federation::look;
use crate::world::{Scenario, World};
use acceptance_tests::Proxy;

pub(super) const MEMBERS: [&str; 3] = ["aws", "azure", "gcp"];

/// A shop, and a kubeconfig in which gcp is behind a proxy.
pub(super) struct Shop {
    pub(super) scenario: Scenario,
    pub(super) proxy: Proxy,
    pub(super) kubeconfig: String,
    /// The file with the workload's manifest.
    pub(super) manifest: String,
    _directory: TempDir,
}

impl Shop {
    /// The configuration of a shop with this image.
    pub(super) fn text(world: &World, name: &str, image: &str) -> String {
        let division = "placement = { clusters = [\"aws\", \"gcp\"] }\n replicas = { total = 4 }";
        let resources = [
            namespace(name),
            resource("settings", &config_map(name, "settings", "one"), ""),
            resource("web", &deployment(name, "web", image, 2), division),
        ];
        let federation = federation(name, &MEMBERS, "", &resources.concat());
        format!("{REQUIRED}{}{federation}", provider_for(world, &MEMBERS))
    }

    /// Prepares one, without applying it.
    pub(super) async fn new(world: &'static World, name: &str, image: &str) -> anyhow::Result<Self> {
        let scenario = Scenario::new(world, &Self::text(world, name, image)).await?;
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let proxy = world.lab.proxy("gcp").await?;
        let contexts = [
            ("aws", world.lab.cluster("aws").host.clone()),
            ("azure", world.lab.cluster("azure").host.clone()),
            ("gcp", proxy.host()),
        ];
        let contexts: Vec<_> = contexts.iter().map(|(name, host)| (*name, host.as_str())).collect();
        let write = |file: &str, text: String| -> anyhow::Result<String> {
            let path = directory.path().join(file);
            std::fs::write(&path, text).context("cannot write a file")?;
            Ok(path.display().to_string())
        };
        let kubeconfig = write("kubeconfig", kubeconfig(world, &contexts))?;
        let manifest = write("web.yaml", deployment(name, "web", image, 2))?;
        Ok(Self { scenario, proxy, kubeconfig, manifest, _directory: directory })
    }
}

/// Puts another object in the place of ours, as Helm would.
pub(super) async fn replace_by_helm(world: &World, cluster: &str, name: &str) -> anyhow::Result<()> {
    let api = look::config_maps(world, cluster, name).await?;
    api.delete("settings", &DeleteParams::default()).await?;
    let theirs: ConfigMap = serde_json::from_value(json!({
        "metadata": { "name": "settings", "labels": { "app.kubernetes.io/managed-by": "Helm" }, "annotations": {
            "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": name } },
        "data": { "key": "theirs" },
    }))?;
    let parameters = PostParams { field_manager: Some("helm".to_owned()), ..PostParams::default() };
    api.create(&parameters, &theirs).await?;
    Ok(())
}
