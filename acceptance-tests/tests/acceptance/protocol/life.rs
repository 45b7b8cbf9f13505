//! The commands, one after the other.

use acceptance_tests::lab::wait;
use acceptance_tests::terraform::Cli;
use anyhow::ensure;
use serde_json::json;

use super::notes::{Notes, SOON, note, text};
use crate::world::said;

pub(crate) async fn from_init_to_destroy(cli: Cli) -> anyhow::Result<()> {
    let lookup = "data \"fixture_note\" \"a\" {\n  directory = fixture_note.a.directory\n  name = fixture_note.a.name\n  depends_on = [fixture_note.a]\n}\noutput \"seen\" { value = data.fixture_note.a.text }\n";
    let notes = Notes::new(cli, &(note("a", &text("one")) + lookup)).await?;
    ensure!(notes.get(".terraform.lock.hcl")?.contains("multicluster/fixture"), "it is not locked");
    let validate = notes.terraform.run(&["validate"]).await?.ok()?;
    ensure!(validate.stdout.contains("The configuration is valid"), "{}", validate.stdout);

    ensure!(notes.actions().await? == ["fixture_note.a create"], "the first plan creates it");
    ensure!(notes.found("a").is_none(), "a plan has written");
    notes.terraform.apply(None).await?.ok()?;
    ensure!(notes.content("a")?["text"] == "one", "it is not written");
    let values = notes.values("fixture_note.a").await?;
    ensure!(values["id"] == "notes/a" && values["kind"] == "plain" && values["stamp"] == "r1", "{values:#}");
    let seen = notes.terraform.run(&["output", "-raw", "seen"]).await?.ok()?;
    ensure!(seen.stdout == "one", "the data source says {}", seen.stdout);
    notes.expect_no_changes().await?;

    notes.write(&(note("a", &text("two")) + lookup))?;
    ensure!(notes.actions().await? == ["fixture_note.a update"], "another text is an update");
    notes.terraform.apply(None).await?.ok()?;
    ensure!(notes.content("a")?["stamp"] == "r2", "it is not updated");
    notes.expect_no_changes().await?;

    let heavier = text("two") + "\n  kind = \"heavy\"";
    notes.write(&(note("a", &heavier) + lookup))?;
    ensure!(notes.actions().await? == ["fixture_note.a delete create"], "another kind is another note");
    notes.terraform.apply(None).await?.ok()?;
    ensure!(notes.content("a")?["stamp"] == "r1", "it is not replaced");

    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("a").is_none(), "it is left");
    let state = notes.terraform.show_json(None).await?;
    ensure!(state["values"].is_null(), "something is left in the state: {state:#}");
    Ok(())
}

pub(crate) async fn validation_names_the_attribute(cli: Cli) -> anyhow::Result<()> {
    let parts = "  parts = {\n    left  = { text = \"ok\" }\n    right = { text = \"ok\", size = 101 }\n  }";
    let bad = note("a", parts) + &note("b", "  panic_on = \"always\"");
    let notes = Notes::new(cli, &bad).await?;
    let validate = notes.terraform.run(&["validate"]).await?;
    ensure!(validate.code == Some(1), "{validate:?}");
    for expected in [
        // Hosts point at lines of plain attributes only; within others, the text has the path.
        "with fixture_note.a, on main.tf line 7",
        "parts[\"right\"].size: It must be a whole number from 0 to 100.",
        "with fixture_note.b, on main.tf line 18, in resource \"fixture_note\" \"b\": 18: panic_on",
    ] {
        ensure!(said(&validate).contains(expected), "`{expected}` is missing: {}", validate.stderr);
    }
    let plan = notes.terraform.plan(None).await?;
    ensure!(plan.code == Some(1) && said(&plan).contains("parts[\"right\"].size"), "{plan:?}");
    Ok(())
}

pub(crate) async fn a_saved_plan_is_applied(cli: Cli) -> anyhow::Result<()> {
    let notes = Notes::new(cli, &(note("a", &text("one")) + &note("b", &text("one")))).await?;
    notes.apply(&(note("a", &text("one")) + &note("b", &text("one")))).await?;
    notes.write(&(note("a", &text("two")) + &note("c", &text("three"))))?;
    let expected = ["fixture_note.a update", "fixture_note.b delete", "fixture_note.c create"];
    ensure!(notes.actions().await? == expected, "another plan was expected");
    // What the configuration says by now does not matter.
    notes.write("")?;
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.content("a")?["text"] == "two" && notes.found("b").is_none(), "it was not applied");
    ensure!(notes.content("c")?["text"] == "three", "it was not applied");
    let again = notes.terraform.apply(Some("saved.plan")).await?;
    ensure!(again.code == Some(1) && said(&again).contains("stale"), "{again:?}");
    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("c").is_none(), "it is left");
    Ok(())
}

pub(crate) async fn drift_is_shown_and_corrected(cli: Cli) -> anyhow::Result<()> {
    let configuration = note("edited", &text("one")) + &note("removed", &text("one"));
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    notes.edit("edited", "text", json!("by somebody else"))?;
    std::fs::remove_file(notes.path("notes/removed.json"))?;

    let refresh = notes.terraform.run(&["plan", "-refresh-only", "-detailed-exitcode"]).await?;
    ensure!(refresh.code == Some(2), "{refresh:?}");
    ensure!(refresh.stdout.contains("fixture_note.edited has changed"), "{}", refresh.stdout);
    ensure!(refresh.stdout.contains("by somebody else"), "{}", refresh.stdout);
    ensure!(refresh.stdout.contains("fixture_note.removed has been deleted"), "{}", refresh.stdout);
    let expected = ["fixture_note.edited update", "fixture_note.removed create"];
    ensure!(notes.actions().await? == expected, "another plan was expected");
    notes.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(notes.content("edited")?["text"] == "one", "it was not corrected");
    ensure!(notes.content("removed")?["text"] == "one", "it was not made again");
    notes.expect_no_changes().await
}

pub(crate) async fn tests_of_a_module_run(cli: Cli) -> anyhow::Result<()> {
    let configuration =
        format!("variable \"text\" {{ default = \"one\" }}\n{}", note("a", "  text = var.text"));
    let notes = Notes::new(cli, &configuration).await?;
    let file = r#"
run "is_written" {
  assert {
    condition     = fixture_note.a.stamp == "r1" && fixture_note.a.text == "one"
    error_message = "It is not written."
  }
}
run "is_changed" {
  variables { text = "two" }
  assert {
    condition     = fixture_note.a.stamp == "r2"
    error_message = "It is not changed."
  }
}
run "would_be_replaced" {
  command = plan
  variables { text = "" }
  assert {
    condition     = fixture_note.a.text == "three"
    error_message = "As it must be: this fails."
  }
}
"#;
    notes.put("all.tftest.hcl", file)?;
    let test = notes.terraform.run(&["test"]).await?;
    ensure!(test.code == Some(1), "{test:?}");
    ensure!(test.stdout.contains("2 passed, 1 failed"), "{}\n{}", test.stdout, test.stderr);
    ensure!(said(&test).contains("As it must be: this fails."), "{}", test.stderr);
    ensure!(notes.found("a").is_none(), "the test did not clean up");
    Ok(())
}

pub(crate) async fn many_notes_are_made_side_by_side(cli: Cli) -> anyhow::Result<()> {
    let configuration = r#"
resource "fixture_note" "many" {
  for_each       = toset([for number in range(20) : "note-${number}"])
  directory      = "notes"
  name           = each.key
  text           = each.key
  create_seconds = 3
}
"#;
    let notes = Notes::new(cli, configuration).await?;
    let run = notes.terraform.spawn(&["apply", "-input=false", "-auto-approve", "-parallelism=10"])?;
    wait::until("ten are begun", SOON, async || {
        let all = (0..20).filter_map(|number| notes.found(&format!("note-{number}")));
        Ok((all.filter(|content| content["complete"] == false).count() == 10).then_some(()))
    })
    .await?;
    run.wait().await?.ok()?;
    for number in 0..20 {
        ensure!(notes.content(&format!("note-{number}"))?["complete"] == true, "{number} is not complete");
    }
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    ensure!(std::fs::read_dir(notes.path("notes"))?.next().is_none(), "some are left");
    Ok(())
}
