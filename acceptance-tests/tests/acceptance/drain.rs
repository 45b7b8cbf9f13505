//! `multicluster_drain`: nobody is sent to a cluster that is about to go.
//!
//! A `terraform_data` stands in for the cluster's module. Its destruction waits for a word of the test, which asks DNS
//! at that very moment.

use std::path::Path;
use std::time::{Duration, Instant};

use acceptance_tests::route53::{RecordType, Zone};
use anyhow::{Context as _, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::federation::hcl::{REQUIRED, by_kubeconfig, federation, load_balancer, namespace, resource};
use crate::federation::look;
use crate::world::{Scenario, World, said};

/// Nothing that is waited for here takes that long.
const PATIENCE: Duration = Duration::from_secs(90);
/// Who is asked for.
const PLACES: [&str; 4] = ["DE", "JP", "BR", "US"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("drain::comes_before_a_removed_cluster", || World::run(comes_before_a_removed_cluster)),
        Trial::test("drain::comes_before_a_replaced_cluster", || World::run(comes_before_a_replaced_cluster)),
    ]
}

/// Two clusters that serve one name, and a stand-in for one of them.
struct Stage {
    world: &'static World,
    zone: Zone,
    /// Where the stand-in leaves word.
    directory: TempDir,
    name: &'static str,
}

impl Stage {
    async fn new(world: &'static World, name: &'static str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        Ok(Self { world, zone: world.lab.zone(name).await?, directory, name })
    }

    fn shop(&self) -> String {
        self.zone.within("shop")
    }

    /// The configuration, with gcp in the given version or without it.
    fn text(&self, gcp: Option<&str>) -> String {
        let Self { world, zone, name, .. } = self;
        let clusters = ["azure", "gcp"].map(|cluster| by_kubeconfig(world, cluster)).concat();
        let members: &[&str] = if gcp.is_some() { &["azure", "gcp"] } else { &["azure"] };
        let resources = [namespace(name), resource("web", &load_balancer(name, "web"), "")].concat();
        let endpoint = |cluster: &str, continent: &str| {
            format!(
                "    {cluster} = {{\n      service = multicluster_federation.it.services[\"{name}/web\"][{cluster:?}]\n      continents = [{continent:?}]\n    }}\n"
            )
        };
        let gcp_endpoint = if gcp.is_some() { endpoint("gcp", "Asia") } else { String::new() };
        let mut text = format!(
            "{REQUIRED}provider \"multicluster\" {{\n  clusters = {{\n{clusters}  }}\n}}\n{}\
             resource \"multicluster_geo_dns\" \"it\" {{\n  zone_id = {:?}\n  name = {:?}\n  policy = \"geolocation\"\n  default = \"azure\"\n  ttl = 1\n  endpoints = {{\n{}{gcp_endpoint}  }}\n}}\n",
            federation(name, members, "", &resources),
            zone.id,
            self.shop(),
            endpoint("azure", "Europe"),
        );
        text.push_str(&self.stand_in(gcp));
        text
    }

    /// The cluster's module, and the drain beside it. Terraform runs no provisioner of a block that is gone, so that
    /// without gcp there are none of each.
    fn stand_in(&self, gcp: Option<&str>) -> String {
        let directory = self.directory.path().display();
        let (count, version) = (u8::from(gcp.is_some()), gcp.unwrap_or_default());
        format!(
            r#"
resource "terraform_data" "gcp" {{
  count            = {count}
  input            = "{directory}"
  triggers_replace = "{version}"
  provisioner "local-exec" {{
    when    = destroy
    command = "touch ${{self.output}}/going; while [ ! -e ${{self.output}}/go ]; do sleep 0.05; done"
  }}
}}
resource "multicluster_drain" "gcp" {{
  count      = {count}
  cluster    = "gcp"
  cluster_id = terraform_data.gcp[0].id
  federation = multicluster_federation.it.name
  geo_dns    = [multicluster_geo_dns.it.id]
  wait       = "1s"
}}
"#
        )
    }

    async fn answers(&self) -> anyhow::Result<Vec<String>> {
        let mut answers = Vec::new();
        for place in PLACES {
            let answer = self.world.lab.dns().ask_as(place, &self.shop(), RecordType::A).await?;
            ensure!(!answer.values.is_empty(), "{place} is not answered: {answer}");
            answers.extend(answer.values);
        }
        Ok(answers)
    }

    async fn address(&self, cluster: &str) -> anyhow::Result<String> {
        let service = look::services(self.world, cluster, self.name).await?.get("web").await?;
        let ingress = service.status.and_then(|it| it.load_balancer?.ingress?.into_iter().next());
        ingress.and_then(|it| it.ip).context("it has no address")
    }

    /// Applies what goes without gcp, and looks around while the stand-in is being destroyed.
    async fn apply_while_it_goes(&self, scenario: &Scenario, text: &str, dead: &str) -> anyhow::Result<()> {
        scenario.write(text)?;
        let apply = async { scenario.terraform.apply(None).await };
        let watch = async {
            wait_for(&self.directory.path().join("going")).await?;
            let answers = self.answers().await?;
            ensure!(!answers.contains(&dead.to_owned()), "the cluster goes while it answers: {answers:?}");
            let services = look::services(self.world, "gcp", self.name).await?;
            ensure!(services.get_opt("web").await?.is_none(), "the cluster goes with its load balancer");
            std::fs::write(self.directory.path().join("go"), "").context("cannot leave word")
        };
        let (apply, watched) = tokio::join!(apply, watch);
        watched?;
        let apply = apply?;
        ensure!(apply.code == Some(0), "{}\n{}", apply.stdout, said(&apply));
        Ok(())
    }
}

async fn wait_for(path: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !path.exists() {
        ensure!(begun.elapsed() < PATIENCE, "the stand-in was not destroyed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn comes_before_a_removed_cluster(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-drain-removed").await?;
    let scenario = Scenario::new(world, &stage.text(Some("1"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    let (azure, gcp) = (stage.address("azure").await?, stage.address("gcp").await?);
    ensure!(stage.answers().await? == [azure.as_str(), &gcp, &azure, &azure]);

    stage.apply_while_it_goes(&scenario, &stage.text(None), &gcp).await?;
    ensure!(stage.answers().await?.iter().all(|it| *it == azure));
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

async fn comes_before_a_replaced_cluster(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-drain-replaced").await?;
    let scenario = Scenario::new(world, &stage.text(Some("1"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let gcp = stage.address("gcp").await?;
    stage.apply_while_it_goes(&scenario, &stage.text(Some("2")), &gcp).await?;

    // The next apply brings back what the new cluster is to have.
    scenario.terraform.apply(None).await?.ok()?;
    let again = stage.address("gcp").await?;
    ensure!(stage.answers().await?.contains(&again), "the new cluster does not answer");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
