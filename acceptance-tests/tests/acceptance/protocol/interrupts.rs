//! Ctrl-C, and worse, in the middle of an apply.

use acceptance_tests::lab::wait;
use acceptance_tests::terraform::Cli;
use anyhow::ensure;

use super::notes::{Notes, SOON, note, text};
#[cfg(target_os = "linux")]
use super::processes;
use crate::world::said;

/// Longer than any test waits.
const ENDLESS: u32 = 3600;

pub(crate) async fn once_in_a_create(cli: Cli) -> anyhow::Result<()> {
    let slow = format!("{}\n  create_seconds = {ENDLESS}", text("one"));
    let after = note("after", "  text = fixture_note.a.id");
    let notes = Notes::new(cli, &(note("a", &slow) + &after)).await?;
    let run = notes.start_apply()?;
    notes.until_begun("a", "one").await?;
    run.interrupt()?;
    let output = run.wait().await?;
    ensure!(output.code == Some(1), "{output:?}");
    let all = format!("{} {}", output.stdout, said(&output));
    ensure!(all.contains("Gracefully shutting down"), "{all}");
    ensure!(all.contains("The create was interrupted"), "{all}");
    ensure!(notes.found("after").is_none(), "something was begun after the interruption");
    ensure!(notes.values("fixture_note.a").await?["complete"] == false, "it is complete");

    resumed(&notes, &["fixture_note.a update", "fixture_note.after create"]).await
}

pub(crate) async fn once_in_an_update(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &note("a", &text("one"))).await?;
    notes.apply(&note("a", &text("one"))).await?;
    let slow = |text: &str, seconds| note("a", &format!("  text = {text:?}\n  update_seconds = {seconds}"));
    notes.write(&slow("two", ENDLESS))?;
    let run = notes.start_apply()?;
    notes.until_begun("a", "two").await?;
    run.interrupt()?;
    let output = run.wait().await?;
    ensure!(output.code == Some(1), "{output:?}");
    ensure!(
        format!("{} {}", output.stdout, said(&output)).contains("The update was interrupted"),
        "{output:?}"
    );
    let values = notes.values("fixture_note.a").await?;
    ensure!(values["complete"] == false && values["text"] == "two", "{values:#}");

    notes.write(&slow("two", 0))?;
    resumed(&notes, &["fixture_note.a update"]).await
}

/// The next apply finishes what was interrupted.
async fn resumed(notes: &Notes, expected: &[&str]) -> anyhow::Result<()> {
    let actions = notes.actions().await?;
    ensure!(actions == expected, "{actions:?}");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    let content = notes.content("a")?;
    ensure!(content["complete"] == true, "{content:#}");
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn twice_nothing_is_lost(cli: Cli) -> anyhow::Result<()> {
    for _ in 0..3 {
        let slow = format!("{}\n  create_seconds = {ENDLESS}\n  stop_seconds = 3", text("one"));
        let notes = Notes::new(cli, &note("a", &slow)).await?;
        let run = notes.start_apply()?;
        notes.until_begun("a", "one").await?;
        run.interrupt()?;
        // Not at once: two signals of a kind that are pending together are one.
        let noticed = async || Ok(run.stdout().contains("Interrupt received").then_some(()));
        wait::until("the interrupt is noticed", SOON, noticed).await?;
        run.interrupt()?;
        let output = run.wait().await?;
        ensure!(output.code == Some(1) && said(&output).contains("Two interrupts received"), "{output:?}");
        let values = notes.values("fixture_note.a").await?;
        ensure!(values["complete"] == false && values["id"] == "notes/a", "{values:#}");
        resumed(&notes, &["fixture_note.a update"]).await?;
    }
    Ok(())
}

pub(crate) async fn a_creation_has_a_time_limit(cli: Cli) -> anyhow::Result<()> {
    let slow =
        format!("{}\n  create_seconds = {ENDLESS}\n  timeouts = {{ create = \"500ms\" }}", text("one"));
    let notes = Notes::new(cli, &note("a", &slow)).await?;
    let output = notes.terraform.apply(None).await?;
    ensure!(output.code == Some(1) && said(&output).contains("The create took too long"), "{output:?}");
    ensure!(notes.stored("fixture_note.a").await?["tainted"] == true, "it is not tainted");
    notes.write(&note("a", &text("one")))?;
    ensure!(notes.actions().await? == ["fixture_note.a delete create"], "it is not replaced");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    notes.expect_no_changes().await
}

/// A host that is killed can tell its providers nothing. They notice that it has gone, and leave the object so that
/// somebody can go on with it.
#[cfg(target_os = "linux")]
pub(crate) async fn a_killed_host_leaves_no_provider(cli: Cli) -> anyhow::Result<()> {
    let slow = format!("{}\n  create_seconds = {ENDLESS}\n  stop_seconds = 1", text("one"));
    let notes = Notes::new(cli, &note("a", &slow)).await?;
    let run = notes.start_apply()?;
    notes.until_begun("a", "one").await?;
    let provider = "terraform-provider-fixture";
    let group = processes::Group::of(&run)?;
    ensure!(group.running(provider)?.len() == 1, "one provider applies");
    group.kill(if cli == Cli::OpenTofu { "tofu" } else { "terraform" }, provider)?;
    let gone = async || Ok(group.running(provider)?.is_empty().then_some(()));
    wait::until("the provider has ended", SOON, gone).await?;
    drop(run);

    // The state was not written, but the object can be found.
    notes.terraform.run(&["import", "-input=false", "fixture_note.a", "notes/a"]).await?.ok()?;
    resumed(&notes, &["fixture_note.a update"]).await
}
