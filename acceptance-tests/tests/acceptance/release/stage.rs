//! A namespace on some clusters of the lab, a configuration that releases there, and looks at what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use acceptance_tests::terraform::Output;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::federation::hcl::{REQUIRED, provider_for};
use crate::world::{Scenario, World, said};

/// How long something may take that is waited for.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// The namespace in which journals are kept.
const RECORDS: &str = "multicluster-system";

/// A release of the workload `web` in a namespace of its own. Release and namespace have the trial's name.
pub(crate) struct Stage {
    pub(crate) world: &'static World,
    pub(crate) name: &'static str,
    pub(crate) clusters: &'static [&'static str],
    pub(crate) scenario: Scenario,
}

/// One colour on one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) wanted: i32,
    pub(crate) ready: i32,
}

impl Stage {
    pub(crate) async fn new(
        world: &'static World,
        name: &'static str,
        clusters: &'static [&'static str],
    ) -> anyhow::Result<Self> {
        Self::with(world, name, clusters, &[]).await
    }

    /// The same, with environment variables for Terraform and the provider.
    pub(crate) async fn with(
        world: &'static World,
        name: &'static str,
        clusters: &'static [&'static str],
        env: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        for cluster in clusters {
            let api: Api<Namespace> = Api::all(world.lab.client(cluster).await?);
            let namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
            api.create(&PostParams::default(), &namespace).await?;
        }
        let scenario = Scenario::with(world, REQUIRED, env).await?;
        Ok(Self { world, name, clusters, scenario })
    }

    /// A Deployment `web` with this image and its Service.
    pub(crate) fn web(&self, image: &str, replicas: u32) -> String {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: web }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: web }} }}
  template:
    metadata: {{ labels: {{ app: web }} }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: {image}
          ports: [{{ containerPort: 8080 }}]
---
apiVersion: v1
kind: Service
metadata: {{ name: web }}
spec:
  selector: {{ app: web }}
  ports: [{{ port: 80, targetPort: 8080 }}]"
        )
    }

    /// The configuration that releases a manifest, with more arguments.
    pub(crate) fn config(&self, manifest: &str, arguments: &str) -> String {
        self.config_with("", manifest, arguments)
    }

    /// The same, with more arguments of the provider block.
    pub(crate) fn config_with(&self, provider: &str, manifest: &str, arguments: &str) -> String {
        let block = provider_for(self.world, self.clusters);
        let block = block.trim_end().strip_suffix('}').unwrap_or(&block).to_owned();
        let mut text = format!("{REQUIRED}{block}{provider}\n}}\n");
        let _ = write!(
            text,
            "resource \"multicluster_bluegreen_release\" \"it\" {{\n  name = {:?}\n  namespace = {:?}\n  clusters = {:?}\n  \
             manifest = <<-EOT\n{manifest}\nEOT\n{arguments}\n}}\n",
            self.name, self.name, self.clusters,
        );
        text
    }

    /// Releases an image by the Service's selector.
    pub(crate) fn by_service(&self, image: &str, arguments: &str) -> String {
        let traffic = "  traffic = { service = { name = \"web\" } }\n";
        self.config(&self.web(image, 2), &format!("{traffic}{arguments}"))
    }

    /// Applies, which must fail with all these words.
    pub(crate) async fn fails(&self, configuration: &str, words: &[&str]) -> anyhow::Result<String> {
        self.scenario.write(configuration)?;
        let output = self.scenario.terraform.apply(None).await?;
        expect_words(&output, words)
    }

    /// Plans, which must be refused with all these words.
    pub(crate) async fn refuses(&self, configuration: &str, words: &[&str]) -> anyhow::Result<String> {
        self.scenario.write(configuration)?;
        let output = self.scenario.terraform.plan(None).await?;
        expect_words(&output, words)
    }

    /// What the plan of a configuration changes about the release.
    pub(crate) async fn plan(&self, configuration: &str) -> anyhow::Result<Value> {
        self.scenario.write(configuration)?;
        Ok(self.scenario.plan_json().await?["resource_changes"][0]["change"].clone())
    }

    /// How large a colour is on a cluster; none if it is not there.
    pub(crate) async fn size(&self, cluster: &str, deployment: &str) -> anyhow::Result<Option<Size>> {
        let api: Api<Deployment> = Api::namespaced(self.world.lab.client(cluster).await?, self.name);
        let Some(deployment) = api.get_opt(deployment).await? else { return Ok(None) };
        let wanted = deployment.spec.and_then(|it| it.replicas).context("no replicas")?;
        let ready = deployment.status.and_then(|it| it.ready_replicas).unwrap_or(0);
        Ok(Some(Size { wanted, ready }))
    }

    /// The colour that a Service's selector leads to.
    pub(crate) async fn selected(&self, cluster: &str) -> anyhow::Result<Option<String>> {
        let api: Api<Service> = Api::namespaced(self.world.lab.client(cluster).await?, self.name);
        let selector = api.get("web").await?.spec.and_then(|it| it.selector).unwrap_or_default();
        Ok(selector.get("multicluster.dev/color").cloned())
    }

    /// The journal on a cluster.
    pub(crate) async fn journal(&self, cluster: &str) -> anyhow::Result<Option<Value>> {
        let api: Api<ConfigMap> = Api::namespaced(self.world.lab.client(cluster).await?, RECORDS);
        let Some(record) = api.get_opt(&format!("release.{0}.{0}", self.name)).await? else {
            return Ok(None);
        };
        let text = record.data.and_then(|mut data| data.remove("journal.json")).context("no journal")?;
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// Fails unless every cluster is led to this colour.
    pub(crate) async fn expect_selected(&self, color: &str) -> anyhow::Result<()> {
        for cluster in self.clusters {
            let selected = self.selected(cluster).await?;
            ensure!(selected.as_deref() == Some(color), "{cluster} is led to {selected:?}");
        }
        Ok(())
    }
}

fn expect_words(output: &Output, words: &[&str]) -> anyhow::Result<String> {
    ensure!(output.code == Some(1), "it goes through:\n{}", output.stdout);
    let said = said(output);
    for word in words {
        ensure!(said.contains(word), "it does not say `{word}`:\n{said}");
    }
    Ok(said)
}
