//! A provider that crashes in the middle of a request.

use acceptance_tests::terraform::{Cli, Output};
use anyhow::ensure;

use super::notes::{Notes, note, text};
use crate::world::said;

fn crashing(moment: &str, words: &str) -> String {
    note("a", &format!("  text = {words:?}\n  panic_on = {moment:?}"))
}

/// The message names the crash, and comes from a provider that still answers.
fn reported(output: &Output, moment: &str) -> anyhow::Result<()> {
    ensure!(output.code == Some(1), "{output:?}");
    let said = said(output);
    ensure!(said.contains(&format!("asked to crash in {moment}")), "it is not named: {said}");
    for lost in ["did not respond", "Unrecognized remote plugin message", "Request cancelled"] {
        ensure!(!said.contains(lost), "the provider has ended: {said}");
    }
    Ok(())
}

pub(crate) async fn in_a_create_keep_the_state(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &(crashing("create", "one") + &note("b", &text("two")))).await?;
    let apply = notes.terraform.apply(None).await?;
    reported(&apply, "create")?;
    let stored = notes.stored("fixture_note.a").await?;
    ensure!(stored["tainted"] == true && stored["values"]["id"] == "notes/a", "{stored:#}");
    ensure!(notes.content("b")?["complete"] == true, "its neighbour was not made");

    notes.write(&(note("a", &text("one")) + &note("b", &text("two"))))?;
    ensure!(notes.actions().await? == ["fixture_note.a delete create"], "it is not replaced");
    notes.terraform.apply(None).await?.ok()?;
    notes.expect_no_changes().await
}

pub(crate) async fn in_an_update_keep_the_state(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &note("a", &text("one"))).await?;
    notes.apply(&note("a", &text("one"))).await?;
    notes.write(&crashing("update", "two"))?;
    reported(&notes.terraform.apply(None).await?, "update")?;
    let values = notes.values("fixture_note.a").await?;
    ensure!(values["text"] == "two" && values["complete"] == false, "{values:#}");

    notes.write(&note("a", &text("two")))?;
    ensure!(notes.actions().await? == ["fixture_note.a update"], "the failure is forgotten");
    notes.terraform.apply(None).await?.ok()?;
    notes.expect_no_changes().await
}

pub(crate) async fn elsewhere_are_messages(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &crashing("plan", "one")).await?;
    reported(&notes.terraform.plan(None).await?, "plan")?;

    notes.apply(&crashing("delete", "one")).await?;
    reported(&notes.terraform.destroy().await?, "delete")?;
    ensure!(notes.content("a")?["complete"] == true, "it is gone");
    notes.values("fixture_note.a").await?;

    notes.apply(&crashing("read", "one")).await?;
    reported(&notes.terraform.plan(None).await?, "read")?;
    notes.values("fixture_note.a").await?;
    Ok(())
}
