//! `cargo bench-lab`: what the released provider costs, in plain numbers.
//!
//! | part | what it measures |
//! |---|---|
//! | `start` | what the binary weighs, and how fast it answers |
//! | `quickstart` | what a plan without changes asks of the clusters |
//! | `geo-dns` | calls of Route 53 for 1, 10 and 100 names, and how long it takes to say who answers whom |
//! | `federation` | many objects on many clusters, beside a bare loop of requests, kubectl and another provider |
//!
//! Each number stands beside the aim that it is held against; nothing fails, because a number says as much of the
//! machine. Only ratios within one run mean something.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

mod federation;
mod geo_dns;
mod machine;
mod quickstart;
mod start;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use acceptance_tests::{Progress, ProviderVariant, hidden_subcommand, provider_build};
use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use federation::Scale;

/// Measures the released provider; all parts, or those that are named.
#[derive(Parser)]
#[command(name = "cargo bench-lab --", bin_name = "cargo bench-lab --")]
struct Arguments {
    /// What to measure.
    parts: Vec<Part>,
    /// Print what stands in docs/benchmarks.md.
    #[arg(long)]
    markdown: bool,
    /// How often each part of `federation` is run; the medians are printed.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Decides the objects of `federation`.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A provider that was built before, instead of building it now.
    #[arg(long)]
    provider: Option<PathBuf>,
    /// A build of the provider `hashicorp/aws`, which `geo-dns` is measured beside.
    #[arg(long)]
    aws_provider: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Size and start of the provider.
    Start,
    /// Calls of a plan without changes.
    Quickstart,
    /// Names in DNS.
    GeoDns,
    /// Both that follow.
    Federation,
    /// Three whole control planes, 200 objects on each.
    #[value(name = "federation-3")]
    Federation3,
    /// Three, then twenty bare API servers, 100 objects on each.
    #[value(name = "federation-20")]
    Federation20,
}

fn main() -> ExitCode {
    if let Some(code) = hidden_subcommand() {
        return code;
    }
    // `cargo test --all-targets` starts benchmarks as well, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wants = |parts: &[Part]| {
        arguments.parts.is_empty() || arguments.parts.iter().any(|part| parts.contains(part))
    };
    let provider = match &arguments.provider {
        Some(path) => path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?,
        None => provider_build::build(ProviderVariant::Release, Progress::Stderr)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.markdown {
        println!("{}\n", machine::describe()?);
    }
    if wants(&[Part::Start]) {
        println!("### Start\n\n{}", start::measure(&provider)?);
    }
    if wants(&[Part::Quickstart]) {
        println!("### A plan without changes\n\n{}", quickstart::measure(&runtime, &provider)?);
    }
    if wants(&[Part::GeoDns]) {
        let aws = arguments.aws_provider.as_deref();
        println!("### Names in DNS\n\n{}", geo_dns::measure(&runtime, &provider, aws)?);
    }
    let job = federation::Job { provider, seed: arguments.seed, rounds: arguments.rounds.max(1) };
    for (part, scale) in [(Part::Federation3, Scale::Three), (Part::Federation20, Scale::Twenty)] {
        if wants(&[Part::Federation, part]) {
            println!("{}", federation::measure(&runtime, &job, scale)?);
        }
    }
    Ok(())
}

/// The middle one of some values.
fn median(mut values: Vec<f64>) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}

/// A count as a number that can be divided. Counts here are far below 2³².
fn number(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::INFINITY, f64::from)
}
