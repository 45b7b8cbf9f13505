//! The provider block, and the provider's process.

use acceptance_tests::terraform::Cli;
use anyhow::{Context as _, ensure};
use serde_json::json;

use super::notes::{Notes, note, text};
use crate::programs;
use crate::world::said;

/// A provider whose endpoint is known only when `place` has been made; `trigger` replaces that.
fn dependent(trigger: &str) -> String {
    format!(
        "resource \"terraform_data\" \"place\" {{\n  input = {trigger:?}\n  triggers_replace = {trigger:?}\n}}\nprovider \"fixture\" {{\n  endpoint = terraform_data.place.output\n}}\n"
    )
}

pub(crate) async fn unknown_at_plan(cli: Cli) -> anyhow::Result<()> {
    let configuration = |place: &str, words: &str| dependent(place) + &note("a", &text(words));
    let notes = Notes::new(cli, &configuration("east", "one")).await?;
    let plan = notes.terraform.plan(Some("saved.plan")).await?;
    ensure!(plan.code == Some(2), "{plan:?}");
    ensure!(plan.stdout.contains("The endpoint is unknown"), "there is no warning: {}", plan.stdout);
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.values("fixture_note.a").await?["written_to"] == "east", "it was written elsewhere");
    notes.expect_no_changes().await?;

    // The place is replaced: nothing can be read, and the note is planned from its last known values.
    notes.write(&configuration("west", "one"))?;
    ensure!(notes.actions().await? == ["terraform_data.place delete create"], "the note is changed");
    notes.write(&configuration("west", "two"))?;
    let expected = ["fixture_note.a update", "terraform_data.place delete create"];
    ensure!(notes.actions().await? == expected, "another plan was expected");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.values("fixture_note.a").await?["written_to"] == "west", "it was written elsewhere");
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("a").is_none(), "it is left");
    Ok(())
}

/// What the provider needs has left the state, so that it cannot reach its objects: an error, and nothing is lost.
pub(crate) async fn gone_before_its_notes(cli: Cli) -> anyhow::Result<()> {
    let configuration = dependent("east") + &note("a", &text("one"));
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    notes.terraform.run(&["state", "rm", "terraform_data.place"]).await?.ok()?;
    let destroy = notes.terraform.destroy().await?;
    ensure!(destroy.code == Some(1) && said(&destroy).contains("The endpoint is unknown"), "{destroy:?}");
    ensure!(notes.content("a")?["text"] == "one", "it is gone");
    notes.values("fixture_note.a").await?;
    notes.apply(&configuration).await?;
    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("a").is_none(), "it is left");
    Ok(())
}

pub(crate) async fn two_in_one_configuration(cli: Cli) -> anyhow::Result<()> {
    let providers = "provider \"fixture\" {\n  endpoint = \"east\"\n}\nprovider \"fixture\" {\n  alias = \"west\"\n  endpoint = \"west\"\n}\n";
    let west = text("two") + "\n  provider = fixture.west";
    let configuration = [providers, &note("a", &text("one")), &note("b", &west)].concat();
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    ensure!(notes.values("fixture_note.a").await?["written_to"] == "east", "a is not in the east");
    ensure!(notes.values("fixture_note.b").await?["written_to"] == "west", "b is not in the west");
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("a").is_none() && notes.found("b").is_none(), "something is left");
    Ok(())
}

/// Hosts can be told to do without TLS, for debugging.
pub(crate) async fn in_plaintext(cli: Cli) -> anyhow::Result<()> {
    let configuration = note("a", &text("one"));
    let tls = "configuring client automatic mTLS";
    for (plaintext, name) in [(false, "secure.log"), (true, "plain.log")] {
        let mut notes = Notes::new(cli, &configuration).await?;
        let log = notes.path(name).display().to_string();
        notes.terraform = notes.terraform.clone().with_env("TF_LOG", "DEBUG").with_env("TF_LOG_PATH", &log);
        if plaintext {
            notes.terraform = notes.terraform.clone().with_env("TF_DISABLE_PLUGIN_TLS", "1");
        }
        notes.apply(&configuration).await?;
        ensure!(notes.content("a")?["complete"] == true, "it is not written");
        ensure!(notes.get(name)?.contains(tls) != plaintext, "the host connects in another way: {name}");
        notes.terraform.destroy().await?.ok()?;
    }
    Ok(())
}

/// The provider of this repository. Its debug build ends at once when a schema breaks a rule of hosts.
pub(crate) async fn ours_has_a_schema(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::bare(cli, programs::provider_mirror()?, &[])?;
    let required = "terraform {\n  required_providers {\n    multicluster = { source = \"multicluster/multicluster\" }\n  }\n}\n";
    notes.put("main.tf", required)?;
    notes.terraform.init().await?.ok()?;
    let said = notes.terraform.run(&["providers", "schema", "-json"]).await?.ok()?;
    let schemas: serde_json::Value = serde_json::from_str(&said.stdout)?;
    let providers = schemas["provider_schemas"].as_object().context("there are no schemas")?;
    let (name, ours) = providers.iter().next().context("there is no provider")?;
    ensure!(name.ends_with("/multicluster/multicluster"), "{name}");
    let federation = &ours["resource_schemas"]["multicluster_federation"];
    ensure!(
        federation["block"]["attributes"]["members"]["nested_type"]["nesting_mode"] == json!("map"),
        "{ours:#}"
    );
    Ok(())
}
