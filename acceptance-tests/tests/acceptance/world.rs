//! What the tests of a federation share: one lab, and the provider under test in a mirror.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use acceptance_tests::terraform::{Cli, Output};
use acceptance_tests::{Lab, LabOptions, Mirror, Terraform};
use anyhow::Context as _;
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::programs;

/// The shared things, made when the first test needs them.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) terraform: PathBuf,
    mirror: &'static Mirror,
}

static WORLD: OnceLock<Result<World, String>> = OnceLock::new();

impl World {
    /// Runs one test in it.
    pub(crate) fn run<F>(test: impl FnOnce(&'static Self) -> F) -> Result<(), Failed>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let world = programs::once(&WORLD, Self::make).map_err(|error| Failed::from(format!("{error:#}")))?;
        programs::run(test(world))
    }

    /// Ends the lab, if it was started.
    pub(crate) fn stop() {
        if let Some(Ok(world)) = WORLD.get() {
            world.lab.stop();
        }
    }

    fn make() -> anyhow::Result<Self> {
        let mirror = programs::provider_mirror()?;
        let terraform = programs::host(Cli::Any)?;
        let lab = Lab::start_blocking(&LabOptions::default())?;
        Ok(Self { lab, terraform, mirror })
    }
}

/// One configuration in a directory of its own.
pub(crate) struct Scenario {
    pub(crate) terraform: Terraform,
    directory: TempDir,
}

impl Scenario {
    /// A directory with `main.tf`, initialised.
    pub(crate) async fn new(world: &'static World, configuration: &str) -> anyhow::Result<Self> {
        Self::with(world, configuration, &[]).await
    }

    /// The same, with environment variables for Terraform and the provider.
    pub(crate) async fn with(
        world: &'static World,
        configuration: &str,
        env: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let mut all: BTreeMap<String, String> = world.lab.env();
        all.extend(world.mirror.env());
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let terraform = Terraform::new(directory.path(), &world.terraform, all);
        let scenario = Self { terraform, directory };
        scenario.write(configuration)?;
        scenario.terraform.init().await?.ok()?;
        Ok(scenario)
    }

    /// Replaces the configuration.
    pub(crate) fn write(&self, configuration: &str) -> anyhow::Result<()> {
        std::fs::write(self.directory.path().join("main.tf"), configuration).context("cannot write main.tf")
    }

    /// Replaces the configuration and applies it.
    pub(crate) async fn apply(&self, configuration: &str) -> anyhow::Result<Output> {
        self.write(configuration)?;
        self.terraform.apply(None).await?.ok()
    }

    /// Plans, and fails unless there is nothing to do.
    pub(crate) async fn expect_no_changes(&self) -> anyhow::Result<()> {
        let plan = self.terraform.plan(None).await?;
        anyhow::ensure!(plan.code == Some(0), "there are changes:\n{}\n{}", plan.stdout, plan.stderr);
        Ok(())
    }

    /// Plans into a file, and returns the plan as JSON.
    pub(crate) async fn plan_json(&self) -> anyhow::Result<serde_json::Value> {
        let plan = self.terraform.plan(Some("saved.plan")).await?;
        anyhow::ensure!(plan.code == Some(2), "expected changes:\n{}\n{}", plan.stdout, plan.stderr);
        self.terraform.show_json(Some("saved.plan")).await
    }

    /// The attributes of the federation in the state.
    pub(crate) async fn state(&self) -> anyhow::Result<serde_json::Value> {
        let state = self.terraform.show_json(None).await?;
        let resource = &state["values"]["root_module"]["resources"][0];
        Ok(resource["values"].clone())
    }
}

/// What Terraform said on standard error, without its line breaks and margins, so that sentences can be found.
pub(crate) fn said(output: &Output) -> String {
    output.stderr.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
