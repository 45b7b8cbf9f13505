//! States that were not made by an apply of the same configuration.

use acceptance_tests::terraform::Cli;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::notes::{Notes, actions, note, text};
use crate::world::said;

/// A note that another configuration has made, and that configuration's directory.
async fn existing(cli: Cli, arguments: &str) -> anyhow::Result<Notes> {
    let configuration = note("a", arguments);
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    std::fs::remove_file(notes.path("terraform.tfstate")).context("cannot forget the state")?;
    Ok(notes)
}

pub(crate) async fn imported_by_id(cli: Cli) -> anyhow::Result<()> {
    let notes = existing(cli, &text("one")).await?;
    let nothing = notes.terraform.run(&["import", "fixture_note.a", "notes/none"]).await?;
    ensure!(nothing.code == Some(1), "what does not exist is imported: {nothing:?}");
    let create = notes.terraform.apply(None).await?;
    ensure!(said(&create).contains("The note exists"), "{create:?}");

    notes.terraform.run(&["import", "-input=false", "fixture_note.a", "notes/a"]).await?.ok()?;
    ensure!(notes.values("fixture_note.a").await?["stamp"] == "r1", "it was not imported");
    notes.expect_no_changes().await
}

pub(crate) async fn imported_by_a_block_that_writes_the_configuration(cli: Cli) -> anyhow::Result<()> {
    let arguments = "  text = \"one\"\n  weight = 0.1\n  tags = [\"x\", \"y\"]\n  parts = { left = { text = \"l\", labels = { k = \"v\" } } }";
    let notes = existing(cli, arguments).await?;
    notes.write("import {\n  to = fixture_note.a\n  id = \"notes/a\"\n}\n")?;
    let arguments = ["plan", "-input=false", "-generate-config-out=generated.tf", "-out=saved.plan"];
    notes.terraform.run(&arguments).await?.ok()?;
    let generated = notes.get("generated.tf")?;
    for line in ["resource \"fixture_note\" \"a\"", "0.1", "left = {", "kind"] {
        ensure!(generated.contains(line), "`{line}` is missing: {generated}");
    }
    ensure!(!generated.contains("stamp"), "a computed attribute is configured: {generated}");

    let plan = notes.terraform.show_json(Some("saved.plan")).await?;
    ensure!(actions(&plan).is_empty(), "an import changes something: {plan:#}");
    let apply = notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(apply.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", apply.stdout);
    notes.expect_no_changes().await
}

pub(crate) async fn moved_without_a_change(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &note("a", &text("one"))).await?;
    notes.apply(&note("a", &text("one"))).await?;
    let renamed = note("a", &text("one")).replace("\"fixture_note\" \"a\"", "\"fixture_note\" \"b\"");
    notes.write(&format!("{renamed}moved {{\n  from = fixture_note.a\n  to   = fixture_note.b\n}}\n"))?;
    let plan = notes.plan_json().await?;
    ensure!(actions(&plan).is_empty(), "a move changes something: {plan:#}");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.values("fixture_note.b").await?["stamp"] == "r1", "it was not moved");
    notes.expect_no_changes().await?;

    // From another type: there is no such move, and it is said.
    let other = "resource \"terraform_data\" \"old\" {}\n";
    notes.apply(&format!("{renamed}{other}")).await?;
    let move_it = "moved {\n  from = terraform_data.old\n  to   = fixture_note.c\n}\n";
    notes.write(&format!("{renamed}{}{move_it}", note("c", &text("three"))))?;
    let plan = notes.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{plan:?}");
    ensure!(
        said(&plan).contains("terraform_data") && said(&plan).contains("fixture_note"),
        "{}",
        plan.stderr
    );
    Ok(())
}

pub(crate) async fn of_an_older_version_are_upgraded(cli: Cli) -> anyhow::Result<()> {
    let configuration = note("a", &(text("one") + "\n  weight = 12345678901234567890.5"));
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    notes.terraform.run(&["state", "pull"]).await?.ok()?;
    // Text, not JSON: numbers must stay as they are.
    let state = notes.get("terraform.tfstate")?;
    let older = state.replacen("\"schema_version\": 1", "\"schema_version\": 0", 1).replacen(
        "\"text\": \"one\"",
        "\"body\": \"one\", \"gone\": {\"deep\": [1]}",
        1,
    );
    ensure!(older.contains("\"schema_version\": 0") && older.contains("\"gone\""), "{state}");
    notes.put("terraform.tfstate", &older)?;
    notes.expect_no_changes().await?;
    notes.terraform.run(&["apply", "-refresh-only", "-auto-approve"]).await?.ok()?;
    let state = notes.get("terraform.tfstate")?;
    ensure!(state.contains("\"weight\": 12345678901234567890.5"), "the number has changed: {state}");
    ensure!(notes.values("fixture_note.a").await?["text"] == "one", "it was not upgraded");

    // The same version with an attribute that the schema has no more.
    let more =
        notes.get("terraform.tfstate")?.replacen("\"text\": \"one\"", "\"text\": \"one\", \"gone\": true", 1);
    ensure!(more.contains("\"gone\""), "{more}");
    notes.put("terraform.tfstate", &more)?;
    notes.expect_no_changes().await?;

    // A version of the future is an error, not a guess.
    let newer = version_of_the_future(&notes.get("terraform.tfstate")?)?;
    notes.put("terraform.tfstate", &newer)?;
    let plan = notes.terraform.plan(None).await?;
    ensure!(plan.code == Some(1) && said(&plan).contains("newer"), "{plan:?}");
    Ok(())
}

fn version_of_the_future(state: &str) -> anyhow::Result<String> {
    let mut state: Value = serde_json::from_str(state)?;
    state["resources"][0]["instances"][0]["schema_version"] = json!(7);
    Ok(state.to_string())
}
