//! Values that are never stored.

use acceptance_tests::terraform::Cli;
use anyhow::{Context as _, ensure};

use super::notes::{Notes, actions, note};

const FIRST: &str = "correct-horse-battery";
const SECOND: &str = "staple-correct-horse-battery";

fn configuration(version: u32) -> String {
    let variable = "variable \"secret\" {\n  type = string\n  ephemeral = true\n}\n";
    let arguments = format!("  text = \"one\"\n  secret_wo = var.secret\n  secret_wo_version = {version}");
    format!("{variable}{}", note("a", &arguments))
}

pub(crate) async fn that_are_write_only_are_nowhere(cli: Cli) -> anyhow::Result<()> {
    let mut notes = Notes::with_env(cli, &configuration(1), &[("TF_VAR_secret", FIRST)]).await?;
    let log = notes.path("trace.log").display().to_string();
    notes.terraform = notes.terraform.clone().with_env("TF_LOG", "TRACE").with_env("TF_LOG_PATH", &log);

    notes.plan_json().await?;
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.values("fixture_note.a").await?["secret_bytes"] == FIRST.len(), "it was not written");
    nowhere(&notes).await?;
    notes.expect_no_changes().await?;

    // Only a new version makes the host look at the secret.
    notes.terraform = notes.terraform.clone().with_env("TF_VAR_secret", SECOND);
    notes.expect_no_changes().await?;
    notes.write(&configuration(2))?;
    let plan = notes.plan_json().await?;
    ensure!(actions(&plan) == ["fixture_note.a update"], "{plan:#}");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.values("fixture_note.a").await?["secret_bytes"] == SECOND.len(), "it was not updated");
    nowhere(&notes).await?;
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    nowhere(&notes).await
}

/// Neither in what is stored nor in what is shown.
async fn nowhere(notes: &Notes) -> anyhow::Result<()> {
    let shown = notes.terraform.run(&["show", "saved.plan"]).await?.ok()?;
    let places = [
        ("the plan", notes.terraform.show_json(Some("saved.plan")).await?.to_string()),
        ("what is shown of the plan", shown.stdout),
        ("the state", notes.get("terraform.tfstate")?),
        ("the log", notes.get("trace.log")?),
        ("the note", notes.get("notes/a.json").unwrap_or_default()),
    ];
    // The test looks at the right texts.
    let log = &places.iter().find(|(place, _)| *place == "the log").context("there is no log")?.1;
    ensure!(
        log.contains("ApplyResourceChange") && log.contains("[TRACE]"),
        "the log is not one of all levels"
    );
    for (place, text) in places {
        ensure!(!text.contains("horse-battery"), "the secret is in {place}");
    }
    Ok(())
}
