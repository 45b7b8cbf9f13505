//! A configuration of notes, and the files that they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use acceptance_tests::lab::wait;
use acceptance_tests::terraform::{Cli, Output, Run};
use acceptance_tests::{Mirror, Terraform};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::programs;

/// How long a test waits for something to happen.
pub(crate) const SOON: Duration = Duration::from_secs(60);

const REQUIRED: &str = r#"
terraform {
  required_providers {
    fixture = { source = "multicluster/fixture" }
  }
}
"#;

/// A note of this name with more arguments.
pub(crate) fn note(name: &str, arguments: &str) -> String {
    format!(
        "resource \"fixture_note\" \"{name}\" {{\n  directory = \"notes\"\n  name      = \"{name}\"\n{arguments}\n}}\n"
    )
}

/// Arguments with one text.
pub(crate) fn text(text: &str) -> String {
    format!("  text = {text:?}")
}

/// A directory with a configuration, and the notes in `notes/`.
pub(crate) struct Notes {
    pub(crate) terraform: Terraform,
    directory: TempDir,
}

impl Notes {
    /// Initialised with this configuration.
    pub(crate) async fn new(cli: Cli, configuration: &str) -> anyhow::Result<Self> {
        Self::with_env(cli, configuration, &[]).await
    }

    /// The same, with more environment variables.
    pub(crate) async fn with_env(
        cli: Cli,
        configuration: &str,
        env: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let notes = Self::bare(cli, programs::fixture_mirror()?, env)?;
        notes.write(configuration)?;
        notes.terraform.init().await?.ok()?;
        Ok(notes)
    }

    /// An empty directory, not initialised, with another mirror.
    pub(crate) fn bare(cli: Cli, mirror: &Mirror, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let mut all: BTreeMap<String, String> = mirror.env();
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let terraform = Terraform::new(directory.path(), programs::host(cli)?, all);
        Ok(Self { terraform, directory })
    }

    /// Replaces the configuration.
    pub(crate) fn write(&self, configuration: &str) -> anyhow::Result<()> {
        self.put("main.tf", &format!("{REQUIRED}{configuration}"))
    }

    /// Writes any file.
    pub(crate) fn put(&self, name: &str, content: &str) -> anyhow::Result<()> {
        std::fs::write(self.path(name), content).with_context(|| format!("cannot write {name}"))
    }

    /// Reads any file.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.path(name)).with_context(|| format!("cannot read {name}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The content of a note's file; `None` if there is none, or it is being written.
    pub(crate) fn found(&self, name: &str) -> Option<Value> {
        serde_json::from_str(&self.get(&format!("notes/{name}.json")).ok()?).ok()
    }

    /// The content of a note's file.
    pub(crate) fn content(&self, name: &str) -> anyhow::Result<Value> {
        self.found(name).with_context(|| format!("there is no note `{name}`"))
    }

    /// Changes a note behind the host's back.
    pub(crate) fn edit(&self, name: &str, attribute: &str, value: Value) -> anyhow::Result<()> {
        let mut content = self.content(name)?;
        content[attribute] = value;
        self.put(&format!("notes/{name}.json"), &content.to_string())
    }

    /// Replaces the configuration and applies it.
    pub(crate) async fn apply(&self, configuration: &str) -> anyhow::Result<Output> {
        self.write(configuration)?;
        self.terraform.apply(None).await?.ok()
    }

    /// Starts to apply the configuration that is there.
    pub(crate) fn start_apply(&self) -> anyhow::Result<Run> {
        self.terraform.spawn(&["apply", "-input=false", "-auto-approve"])
    }

    /// Waits until a note has been begun with this text: the apply is in the middle.
    pub(crate) async fn until_begun(&self, name: &str, text: &str) -> anyhow::Result<()> {
        wait::until("the note is begun", SOON, async || {
            let begun = |content: &Value| content["complete"] == false && content["text"] == text;
            Ok(self.found(name).filter(begun).map(|_| ()))
        })
        .await
    }

    /// Plans, and fails unless there is nothing to do.
    pub(crate) async fn expect_no_changes(&self) -> anyhow::Result<()> {
        let plan = self.terraform.plan(None).await?;
        ensure!(plan.code == Some(0), "there are changes:\n{}\n{}", plan.stdout, plan.stderr);
        Ok(())
    }

    /// Plans into `saved.plan` and returns the plan as JSON; fails unless there are changes.
    pub(crate) async fn plan_json(&self) -> anyhow::Result<Value> {
        let plan = self.terraform.plan(Some("saved.plan")).await?;
        ensure!(plan.code == Some(2), "expected changes:\n{}\n{}", plan.stdout, plan.stderr);
        self.terraform.show_json(Some("saved.plan")).await
    }

    /// What a plan would do, by address: `fixture_note.a: update`.
    pub(crate) async fn actions(&self) -> anyhow::Result<Vec<String>> {
        Ok(actions(&self.plan_json().await?))
    }

    /// A resource in the state: `address`, `values`, `tainted`.
    pub(crate) async fn stored(&self, address: &str) -> anyhow::Result<Value> {
        let state = self.terraform.show_json(None).await?;
        let resources = state["values"]["root_module"]["resources"].as_array();
        let found = resources.and_then(|all| all.iter().find(|it| it["address"] == address));
        found.cloned().with_context(|| format!("the state has no {address}: {state:#}"))
    }

    /// The values of a resource in the state, which must not be tainted.
    pub(crate) async fn values(&self, address: &str) -> anyhow::Result<Value> {
        let stored = self.stored(address).await?;
        ensure!(stored["tainted"].is_null(), "it is tainted: {stored:#}");
        Ok(stored["values"].clone())
    }
}

/// What a plan does, by address, without what it leaves alone.
pub(crate) fn actions(plan: &Value) -> Vec<String> {
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    let described = changes.map(|change| {
        let mut line = change["address"].as_str().unwrap_or_default().to_owned();
        let verbs = change["change"]["actions"].as_array().into_iter().flatten();
        for verb in verbs.filter_map(Value::as_str) {
            // Writing to a string cannot fail.
            let _ = write!(line, " {verb}");
        }
        line
    });
    described.filter(|line| !line.ends_with(" no-op") && !line.ends_with(" read")).collect()
}
