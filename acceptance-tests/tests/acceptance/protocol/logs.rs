//! Log lines, as the host shows them.

use acceptance_tests::terraform::Cli;
use anyhow::ensure;

use super::notes::{Notes, note, text};

/// Lines of the log that are the provider's own.
async fn lines_of_provider(cli: Cli, variable: &str, level: &str) -> anyhow::Result<Vec<String>> {
    let configuration = note("a", &text("one"));
    let mut notes = Notes::new(cli, &configuration).await?;
    let log = notes.path("host.log").display().to_string();
    notes.terraform = notes.terraform.clone().with_env(variable, level).with_env("TF_LOG_PATH", &log);
    notes.apply(&configuration).await?;
    let log = notes.get("host.log").unwrap_or_default();
    let own = |line: &&str| line.contains("] ") && line.contains("provider.terraform-provider-fixture");
    Ok(log.lines().filter(own).map(str::to_owned).collect())
}

fn has(lines: &[String], level: &str, text: &str) -> bool {
    lines.iter().any(|line| line.contains(level) && line.contains(text))
}

pub(crate) async fn have_their_level(cli: Cli) -> anyhow::Result<()> {
    let lines = lines_of_provider(cli, "TF_LOG_PROVIDER", "INFO").await?;
    ensure!(has(&lines, "[INFO]", "note written"), "{lines:#?}");
    ensure!(has(&lines, "[INFO]", "file=notes/a.json"), "a field is missing: {lines:#?}");
    ensure!(
        has(&lines, "[INFO]", "tf_rpc=ApplyResourceChange"),
        "a field of the span is missing: {lines:#?}"
    );
    ensure!(!has(&lines, "[DEBUG]", "") && !has(&lines, "[TRACE]", ""), "{lines:#?}");

    let lines = lines_of_provider(cli, "TF_LOG_PROVIDER", "DEBUG").await?;
    ensure!(has(&lines, "[DEBUG]", "answered"), "{lines:#?}");
    ensure!(has(&lines, "[INFO]", "note written"), "{lines:#?}");
    // A line that the host cannot take apart would be shown whole, braces and all.
    ensure!(!lines.iter().any(|line| line.contains("@message")), "{lines:#?}");

    let lines = lines_of_provider(cli, "TF_LOG", "WARN").await?;
    ensure!(lines.is_empty(), "{lines:#?}");
    Ok(())
}
