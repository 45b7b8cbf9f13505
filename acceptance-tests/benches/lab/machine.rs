//! On what was measured.

use std::path::Path;
use std::process::Command;

use acceptance_tests::Progress;
use acceptance_tests::terraform::Cli;
use anyhow::Context as _;

/// The machine and the programs, as a sentence.
pub(crate) fn describe() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = line("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or_else(String::new, |kib| format!(", {} GiB of memory", kib / 1024 / 1024));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let terraform = Command::new(Cli::Any.locate(Progress::Stderr)?).arg("version").output();
    let terraform = String::from_utf8(terraform.context("cannot run terraform")?.stdout)?;
    let terraform = terraform.lines().next().unwrap_or("Terraform").to_owned();
    Ok(format!(
        "Measured on {cores} cores of {model}{memory}, {}; {terraform}, Kubernetes 1.36.3, etcd without fsync. Load \
         before the run: {load}.",
        std::env::consts::OS
    ))
}

/// The value of a line `name : value`.
fn line(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(file)).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
