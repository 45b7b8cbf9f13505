//! `cargo bench-lab`: what the released provider costs, in plain numbers.
//!
//! How fast it starts, what it weighs, and what a plan without changes asks of the clusters. Each number is printed
//! with the aim that it is held against; nothing fails, because a number says as much of the machine.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use acceptance_tests::terraform::Cli;
use acceptance_tests::{
    Lab, LabOptions, Mirror, Plugin, Progress, ProviderVariant, Terraform, hidden_subcommand, provider_build,
};
use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// Starts of the provider that are measured.
const STARTS: &str = "20";
/// Plans that are measured.
const PLANS: usize = 5;
/// How the provider's requests are told from those of the clusters' own programs.
const USER_AGENT: &str = "terraform-provider-multicluster/";

fn main() -> ExitCode {
    if let Some(code) = hidden_subcommand() {
        return code;
    }
    // `cargo test --all-targets` starts benchmarks as well, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let progress = Progress::Stderr;
    let provider = provider_build::build(ProviderVariant::Release, progress)?;
    let start = start_of(&provider, &provider_build::build_stopwatch(progress)?)?;
    let megabytes = bytes(provider.metadata()?.len()) / 1e6;

    let mut table = vec![
        row("binary, stripped", format!("{megabytes:.1} MB"), "40 MB"),
        row("start to handshake line", format!("{:.1} ms", median(start.handshake_ms)?), ""),
        row("start to schema answered", format!("{:.1} ms", median(start.schema_ms)?), "20 ms"),
    ];
    if !start.resident_kib.is_empty() {
        let resident = median(start.resident_kib)? / 1024.0;
        table.push(row("memory then (resident)", format!("{resident:.1} MiB"), ""));
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let lab = Lab::start_blocking(&LabOptions::default())?;
    let plans = runtime.block_on(plans_of_quickstart(&lab, provider))?;
    lab.stop();
    table.push(row("plan without changes, wall", format!("{:.2} s", median(plans.seconds)?), ""));
    for (cluster, calls) in plans.calls {
        table.push(row(
            &format!("… API calls on {cluster}"),
            format!("{} ({})", calls.len(), calls.join(", ")),
            "",
        ));
    }
    println!("{:28}  {:9}  measured", "", "aim");
    for Row { what, measured, aim } in table {
        println!("{what:28}  {aim:9}  {measured}");
    }
    Ok(())
}

/// A line of the table.
struct Row {
    what: String,
    measured: String,
    aim: &'static str,
}

fn row(what: &str, measured: String, aim: &'static str) -> Row {
    Row { what: what.to_owned(), measured, aim }
}

/// What the stopwatch prints, a value for each start.
#[derive(Deserialize)]
struct Starts {
    handshake_ms: Vec<f64>,
    schema_ms: Vec<f64>,
    resident_kib: Vec<f64>,
}

fn start_of(provider: &Path, stopwatch: &Path) -> anyhow::Result<Starts> {
    let output = Command::new(stopwatch).arg(provider).arg(STARTS).output().context("cannot run it")?;
    if !output.status.success() {
        bail!("cannot measure a start: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the stopwatch says something else")
}

struct Plans {
    seconds: Vec<f64>,
    /// By cluster: verb and resource of each call that one plan made.
    calls: Vec<(String, Vec<String>)>,
}

/// Applies the example, and plans it again and again.
async fn plans_of_quickstart(lab: &Lab, provider: PathBuf) -> anyhow::Result<Plans> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let mirror = Mirror::create(&directory.path().join("mirror"), &[Plugin::multicluster(provider)])?;
    let quickstart =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples-tf/quickstart").canonicalize()?;
    // As a module, so that nothing is written into the repository.
    let configuration = format!(
        "module \"quickstart\" {{\n  source = {:?}\n  kubeconfig_path = {:?}\n}}\n",
        quickstart.display().to_string(),
        lab.kubeconfig_path().display().to_string()
    );
    std::fs::write(directory.path().join("main.tf"), configuration)?;
    let mut env = lab.env();
    env.extend(mirror.env());
    let terraform = Terraform::new(directory.path(), Cli::Any.locate(Progress::Stderr)?, env);
    {
        let _step = Progress::Stderr.start("applying examples-tf/quickstart");
        terraform.init().await?.ok()?;
        terraform.apply(None).await?.ok()?;
    }

    let mut marks = Vec::new();
    for cluster in lab.clusters() {
        marks.push((cluster, cluster.audit_mark()?));
    }
    let mut seconds = vec![plan(&terraform).await?];
    let mut calls = Vec::new();
    for (cluster, mark) in marks {
        let all = cluster.audit_since(mark).await?;
        let ours = all.iter().filter(|call| call.user_agent.starts_with(USER_AGENT));
        let mut named: Vec<String> = ours.map(|call| format!("{} {}", call.verb, call.resource)).collect();
        named.sort();
        calls.push((cluster.context.clone(), named));
    }
    for _ in 1..PLANS {
        seconds.push(plan(&terraform).await?);
    }
    let _step = Progress::Stderr.start("destroying it");
    terraform.destroy().await?.ok()?;
    Ok(Plans { seconds, calls })
}

/// Plans once, and returns how many seconds it took.
async fn plan(terraform: &Terraform) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let output = terraform.plan(None).await?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(output.code == Some(0), "there are changes:\n{}\n{}", output.stdout, output.stderr);
    Ok(took)
}

fn median(mut values: Vec<f64>) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}

fn bytes(count: u64) -> f64 {
    // A binary is far below 4 GiB.
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
