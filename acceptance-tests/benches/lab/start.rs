//! What the binary weighs, and how fast it starts.

use std::path::Path;
use std::process::Command;

use acceptance_tests::{Progress, provider_build};
use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::table::Table;
use crate::{median, number};

/// Starts of the provider that are measured.
const STARTS: &str = "20";

/// What the stopwatch prints, a value for each start.
#[derive(Deserialize)]
struct Starts {
    handshake_ms: Vec<f64>,
    schema_ms: Vec<f64>,
    resident_kib: Vec<f64>,
}

/// Starts the provider some times.
pub(crate) fn measure(provider: &Path) -> anyhow::Result<Table> {
    let stopwatch = provider_build::build_stopwatch(Progress::Stderr)?;
    let starts = starts(provider, &stopwatch)?;
    let megabytes = number(provider.metadata()?.len()) / 1e6;
    let mut table = Table::new(["", "aim", "measured"]);
    table.row(["binary, stripped", "40 MB", &format!("{megabytes:.1} MB")]);
    table.row(["start to handshake line", "", &format!("{:.1} ms", median(starts.handshake_ms)?)]);
    table.row(["start to schema answered", "20 ms", &format!("{:.1} ms", median(starts.schema_ms)?)]);
    if !starts.resident_kib.is_empty() {
        let resident = median(starts.resident_kib)? / 1024.0;
        table.row(["memory then (resident)", "", &format!("{resident:.1} MiB")]);
    }
    Ok(table)
}

fn starts(provider: &Path, stopwatch: &Path) -> anyhow::Result<Starts> {
    let output = Command::new(stopwatch).arg(provider).arg(STARTS).output().context("cannot run it")?;
    if !output.status.success() {
        bail!("cannot measure a start: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the stopwatch says something else")
}
