//! Who is answered by which cluster, as DNS says it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use acceptance_tests::Lab;
use acceptance_tests::route53::{Health, RecordType, balancer_address};
use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::look;

/// Who is asked for.
const PLACES: [(&str, &str); 4] = [("DE", "Germany"), ("CA", "Canada"), ("JP", "Japan"), ("BR", "Brazil")];

/// What each place is to be answered with while a cluster is down.
const EXPECTED: [(&str, [&str; 4]); 4] = [
    ("all healthy", ["azure", "aws", "gcp", "aws"]),
    ("aws down", ["azure", "aws", "gcp", "aws"]),
    ("azure down", ["aws", "aws", "gcp", "aws"]),
    ("gcp down", ["azure", "aws", "aws", "aws"]),
];

/// The guestbook's name and how its clusters are told apart and brought down.
pub(crate) struct Guestbook<'a> {
    lab: &'a Lab,
    name: String,
    /// The address of each cluster's load balancer.
    addresses: BTreeMap<String, String>,
    /// The name of AWS' load balancer, whose health is its own.
    balancer: String,
    /// The health checks of the others.
    checks: BTreeMap<String, String>,
}

impl<'a> Guestbook<'a> {
    /// Finds them in the clusters and in Terraform's state.
    pub(crate) async fn find(lab: &'a Lab, state: &Value) -> anyhow::Result<Self> {
        let resources = state["values"]["root_module"]["resources"].as_array().context("no state")?;
        let resource = resources.iter().find(|it| it["type"] == "multicluster_geo_dns").context("no name")?;
        let values = &resource["values"];
        let checks = values["health_checks"].as_object().context("no health checks")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found = Self {
            lab,
            name: text(&values["fqdn"]),
            addresses: BTreeMap::new(),
            balancer: String::new(),
            checks: checks.iter().map(|(name, id)| (name.clone(), text(id))).collect(),
        };
        for cluster in lab.clusters() {
            for (_, address) in look::addresses(cluster).await? {
                let answered = if address.ends_with(".amazonaws.com") {
                    found.balancer.clone_from(&address);
                    balancer_address(&address, RecordType::A)?
                } else {
                    address
                };
                found.addresses.insert(cluster.context.clone(), answered);
            }
        }
        Ok(found)
    }

    /// Asks DNS from four countries, healthy and with each cluster down, as a table.
    ///
    /// # Errors
    /// When an answer is not what the configuration asks for.
    pub(crate) async fn ask(&self) -> anyhow::Result<String> {
        let mut table = format!("  {:11}", "");
        for (_, country) in PLACES {
            let _ = write!(table, " {country:8}");
        }
        for (when, expected) in EXPECTED {
            self.bring_down(when.strip_suffix(" down")).await?;
            let _ = write!(table, "\n  {when:11}");
            for ((code, country), expected) in PLACES.into_iter().zip(expected) {
                let cluster = self.answers(code).await?;
                ensure!(cluster == expected, "{when}: {country} is answered by {cluster}, not {expected}");
                let _ = write!(table, " {cluster:8}");
            }
        }
        self.bring_down(None).await?;
        Ok(table)
    }

    /// Which cluster answers a country.
    async fn answers(&self, country: &str) -> anyhow::Result<String> {
        let answer = self.lab.dns().ask_as(country, &self.name, RecordType::A).await?;
        let cluster = self.addresses.iter().find(|(_, address)| answer.values == [(*address).clone()]);
        Ok(cluster.with_context(|| format!("{country} is answered with {answer}"))?.0.clone())
    }

    /// Makes one cluster unhealthy, and the others healthy.
    async fn bring_down(&self, cluster: Option<&str>) -> anyhow::Result<()> {
        let control = self.lab.route53().control();
        for (name, check) in &self.checks {
            let health = if cluster == Some(name) { Health::Unhealthy } else { Health::Healthy };
            control.set_health(check, health).await?;
        }
        let health = if cluster == Some("aws") { Health::Unhealthy } else { Health::Healthy };
        control.set_target_health(&self.balancer, health).await
    }
}
