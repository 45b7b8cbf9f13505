//! A Route 53 with one zone, and a configuration for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use acceptance_tests::Terraform;
use acceptance_tests::route53::{
    Alone, Choice, Control, Dns, Knobs, RecordType, Settings, Zone, balancer_address,
};
use acceptance_tests::terraform::{Cli, Output};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs;

/// The load balancer of the endpoint `aws`.
pub(crate) const BALANCER: &str = "shop-1234.sa-east-1.elb.amazonaws.com";

/// The endpoints of the main case.
pub(crate) const ENDPOINTS: &str = r#"
    azure = { values = ["20.50.2.3"], continents = ["Europe"] }
    aws   = { hostname = "shop-1234.sa-east-1.elb.amazonaws.com", continents = ["North America"] }
    gcp   = { values = ["34.116.0.9"], continents = ["Asia"], on_unhealthy = ["aws"] }
"#;

/// The other arguments of the main case.
pub(crate) const ARGUMENTS: &str = r#"
  policy       = "geolocation"
  default      = "aws"
  health_check = { protocol = "HTTP", path = "/healthz", interval = 10 }
"#;

/// A Route 53, a zone in it, and a directory with a configuration.
pub(crate) struct Stage {
    pub(crate) route53: Alone,
    pub(crate) zone: Zone,
    pub(crate) terraform: Terraform,
    pub(crate) directory: TempDir,
}

impl Stage {
    /// Changes are known to all servers at once, and answers come in turn.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let settings = Settings { choice: Choice::RoundRobin, ..Settings::default() };
        let route53 = Alone::start(Knobs::default(), settings).await?;
        let zone = route53.zone("shop").await?;
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let mut env: BTreeMap<String, String> = programs::provider_mirror()?.env();
        env.extend(route53.env());
        let terraform = Terraform::new(directory.path(), programs::host(Cli::Any)?, env);
        let stage = Self { route53, zone, terraform, directory };
        stage.write("")?;
        stage.terraform.init().await?.ok()?;
        Ok(stage)
    }

    /// The name of the main case.
    pub(crate) fn name(&self) -> String {
        self.zone.within("www")
    }

    /// The resource `multicluster_geo_dns.shop` with these arguments and endpoints.
    pub(crate) fn shop(&self, arguments: &str, endpoints: &str) -> String {
        self.named("shop", &self.name(), arguments, endpoints)
    }

    /// A resource for a name.
    pub(crate) fn named(&self, resource: &str, name: &str, arguments: &str, endpoints: &str) -> String {
        format!(
            "resource \"multicluster_geo_dns\" \"{resource}\" {{\n  zone_id = {:?}\n  name = {name:?}\n{arguments}\n  endpoints = {{\n{endpoints}\n  }}\n}}\n",
            self.zone.id
        )
    }

    /// Replaces the configuration, below the provider block.
    pub(crate) fn write(&self, configuration: &str) -> anyhow::Result<()> {
        self.write_with("", configuration)
    }

    /// The same, with more in the provider block's `route53`.
    pub(crate) fn write_with(&self, settings: &str, configuration: &str) -> anyhow::Result<()> {
        let mut text = "terraform {\n  required_providers {\n    multicluster = { source = \"multicluster/multicluster\" }\n  }\n}\n".to_owned();
        write!(
            text,
            "provider \"multicluster\" {{\n  route53 = {{ endpoint_url = {:?}, access_key = \"lab\", secret_key = \"lab\"{settings} }}\n}}\n{configuration}",
            self.route53.api_url
        )?;
        std::fs::write(self.directory.path().join("main.tf"), text).context("cannot write main.tf")
    }

    /// Replaces the configuration and applies it.
    pub(crate) async fn apply(&self, configuration: &str) -> anyhow::Result<Output> {
        self.write(configuration)?;
        self.terraform.apply(None).await?.ok()
    }

    /// Terraform with a provider that dies at a failpoint.
    pub(crate) fn doomed(&self, point: &str) -> Terraform {
        self.terraform.clone().with_env("MULTICLUSTER_FAILPOINTS", &format!("{point}=kill"))
    }

    /// Replaces the configuration, and expects the plan to be refused with all these words.
    pub(crate) async fn refuses(&self, configuration: &str, words: &[&str]) -> anyhow::Result<()> {
        self.write(configuration)?;
        let plan = self.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "it is planned:\n{}", plan.stdout);
        let said = crate::world::said(&plan);
        for word in words {
            ensure!(said.contains(word), "it does not say `{word}`:\n{said}");
        }
        Ok(())
    }

    /// Plans, and fails unless there is nothing to do.
    pub(crate) async fn expect_no_changes(&self) -> anyhow::Result<()> {
        let plan = self.terraform.plan(None).await?;
        ensure!(plan.code == Some(0), "there are changes:\n{}\n{}", plan.stdout, plan.stderr);
        Ok(())
    }

    /// Replaces the configuration and plans it into `saved.plan`; what changes about the first resource.
    pub(crate) async fn plan(&self, configuration: &str) -> anyhow::Result<Value> {
        self.write(configuration)?;
        let plan = self.terraform.plan(Some("saved.plan")).await?;
        ensure!(plan.code == Some(2), "expected changes:\n{}\n{}", plan.stdout, plan.stderr);
        let plan = self.terraform.show_json(Some("saved.plan")).await?;
        Ok(plan["resource_changes"][0]["change"].clone())
    }

    /// The attributes of a resource in the state.
    pub(crate) async fn state(&self, resource: &str) -> anyhow::Result<Value> {
        let state = self.terraform.show_json(None).await?;
        let resources = state["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        let address = format!("multicluster_geo_dns.{resource}");
        let found = resources.into_iter().find(|it| it["address"] == address.as_str());
        Ok(found.with_context(|| format!("there is no {address}"))?["values"].clone())
    }

    pub(crate) fn control(&self) -> Control {
        self.route53.control()
    }

    pub(crate) fn dns(&self) -> Dns {
        self.route53.dns()
    }

    /// The addresses that the name is answered with somewhere.
    pub(crate) async fn ask(&self, place: &str) -> anyhow::Result<Vec<String>> {
        self.ask_for(place, &self.name()).await
    }

    /// The addresses that a name is answered with somewhere.
    pub(crate) async fn ask_for(&self, place: &str, name: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.dns().ask_as(place, name, RecordType::A).await?.values)
    }

    /// The record sets of the zone but those of the zone itself, as `NAME TYPE IDENTIFIER`.
    pub(crate) async fn sets(&self) -> anyhow::Result<Vec<String>> {
        let sets = self.control().record_sets(&self.zone).await?;
        let ours = sets.iter().filter(|set| set["Type"] != "NS" && set["Type"] != "SOA");
        let word = |set: &Value, field: &str| set[field].as_str().unwrap_or_default().to_owned();
        let line = |set: &Value| {
            format!("{} {} {}", word(set, "Name"), word(set, "Type"), word(set, "SetIdentifier"))
                .trim_end()
                .to_owned()
        };
        Ok(ours.map(line).collect())
    }

    /// How many health checks there are.
    pub(crate) async fn health_checks(&self) -> anyhow::Result<usize> {
        let state = self.control().state().await?;
        let checks = &state["health_checks"];
        Ok(checks.as_array().map_or_else(|| checks.as_object().map_or(0, serde_json::Map::len), Vec::len))
    }

    /// The calls since the log was emptied, without the times.
    pub(crate) async fn calls(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.control().calls().await?.into_iter().map(|call| call.operation).collect())
    }

    /// Everything that was made is gone.
    pub(crate) async fn expect_nothing(&self) -> anyhow::Result<()> {
        let (sets, checks) = (self.sets().await?, self.health_checks().await?);
        ensure!(sets.is_empty() && checks == 0, "{checks} health checks and these sets are left: {sets:#?}");
        Ok(())
    }
}

/// The address of the load balancer.
pub(crate) fn balancer() -> anyhow::Result<String> {
    balancer_address(BALANCER, RecordType::A)
}

/// A plain record set in the form of the API.
pub(crate) fn plain(name: &str, r#type: &str, value: &str) -> Value {
    json!({ "Name": name, "Type": r#type, "TTL": 300, "ResourceRecords": [{ "Value": value }] })
}
