//! Values that are large, exact or nested.

use acceptance_tests::terraform::Cli;
use anyhow::ensure;
use serde_json::json;

use super::notes::{Notes, note};

pub(crate) async fn of_five_megabytes(cli: Cli) -> anyhow::Result<()> {
    let size = 5_000_000;
    let configuration = note("a", "  text = file(\"large.txt\")");
    let notes = Notes::new(cli, &configuration).await?;
    let large: String = "0123456789".chars().cycle().take(size).collect();
    notes.put("large.txt", &large)?;
    notes.apply(&configuration).await?;
    ensure!(notes.content("a")?["text"] == large.as_str(), "the file has another text");
    ensure!(notes.values("fixture_note.a").await?["text"] == large.as_str(), "the state has another text");
    notes.expect_no_changes().await?;
    notes.terraform.destroy().await?.ok()?;
    ensure!(notes.found("a").is_none(), "it is left");
    Ok(())
}

/// Numbers as they are written, and as the state has them.
const NUMBERS: [(&str, &str, &str); 8] = [
    ("tenth", "0.1", "0.1"),
    ("long", "12345678901234567890.12345", "12345678901234567890.12345"),
    ("tiny", "1e-7", "0.0000001"),
    ("zero", "0", "0"),
    ("negative", "-0.3", "-0.3"),
    ("beyond-i64", "18446744073709551616", "18446744073709551616"),
    ("third", "1/3", "0.3333333333333333333333"),
    ("huge", "1e40", "10000000000000000000000000000000000000000"),
];

pub(crate) async fn decimals_are_exact(cli: Cli) -> anyhow::Result<()> {
    let weighed = |(name, written, _): &(&str, &str, &str)| note(name, &format!("  weight = {written}"));
    let configuration: String = NUMBERS.iter().map(weighed).collect();
    let notes = Notes::new(cli, &configuration).await?;
    notes.apply(&configuration).await?;
    let state = notes.get("terraform.tfstate")?;
    for (name, _, expected) in NUMBERS {
        let (_, after) = state.split_once(&format!("\"id\": \"notes/{name}\"")).unwrap_or_default();
        let (_, weight) = after.split_once("\"weight\": ").unwrap_or_default();
        // As a prefix: a third has as many digits as the host likes.
        ensure!(weight.starts_with(expected), "{name} is {weight:.60}");
        let exact = name == "third"
            || weight.strip_prefix(expected).is_some_and(|rest| rest.starts_with([',', '\n']));
        ensure!(exact, "{name} is {weight:.60}");
    }
    notes.expect_no_changes().await?;
    notes.terraform.run(&["apply", "-refresh-only", "-auto-approve"]).await?.ok()?;
    notes.expect_no_changes().await
}

pub(crate) async fn collections_come_back_as_they_were(cli: Cli) -> anyhow::Result<()> {
    let arguments = r#"
  text = "línea\n\"två\" \u0000 👋 $${x} %%{y}"
  tags = ["b", "a", "b"]
  parts = {
    "with.dots and spaces" = { text = "x", labels = { "k/l" = "v", empty = "" } }
    plain                  = { text = "y", size = 0, labels = {} }
  }
"#;
    let arguments = arguments.replace("\\u0000", "\\t");
    let notes = Notes::new(cli, &note("a", &arguments)).await?;
    notes.apply(&note("a", &arguments)).await?;
    let values = notes.values("fixture_note.a").await?;
    ensure!(values["text"] == "línea\n\"två\" \t 👋 ${x} %{y}", "{values:#}");
    ensure!(values["tags"] == json!(["a", "b"]), "{values:#}");
    let part = &values["parts"]["with.dots and spaces"];
    ensure!(part["size"] == 1 && part["labels"] == json!({ "k/l": "v", "empty": "" }), "{values:#}");
    ensure!(part["uid"] == "with.dots and spaces-r1", "{values:#}");
    ensure!(values["parts"]["plain"]["labels"] == json!({}), "{values:#}");
    ensure!(values["parts"]["plain"]["size"] == 0, "{values:#}");
    notes.expect_no_changes().await?;

    // A part that stays keeps its uid, a new one gets another.
    let more = arguments.replace("    plain ", "    fresh = { text = \"z\" }\n    plain ");
    notes.apply(&note("a", &more)).await?;
    let parts = notes.values("fixture_note.a").await?["parts"].clone();
    ensure!(parts["plain"]["uid"] == "plain-r1" && parts["fresh"]["uid"] == "fresh-r2", "{parts:#}");
    notes.expect_no_changes().await
}
