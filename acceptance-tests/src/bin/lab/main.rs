//! `cargo lab`: the lab from the command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

mod env;
mod selfcheck;

use std::{path::PathBuf, process::ExitCode};

use acceptance_tests::{
    Cloud, Lab, LabOptions, Progress, hidden_subcommand, route53::RecordType, terraform::Cli,
};
use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Real Kubernetes control planes on loopback, named aws, azure and gcp, and a Route 53.
#[derive(Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the lab and return when it is ready; harmless when it is up already.
    Up {
        /// The clusters to start.
        #[arg(long, value_delimiter = ',', default_value = "aws,azure,gcp")]
        clusters: Vec<Cloud>,
    },
    /// Build the provider and print `export` lines: eval "$(cargo lab env)".
    Env,
    /// Say what is running.
    Status,
    /// End the lab and remove all that it wrote.
    Down,
    /// Ask the lab's DNS, as somebody in a country.
    Ask {
        /// The name, such as www.lab.example.com.
        name: String,
        /// The type of the records.
        #[arg(default_value = "A")]
        record_type: RecordType,
        /// A country (DE) or a state (US-TX); elsewhere, nowhere in particular.
        #[arg(long, value_name = "PLACE")]
        from: Option<String>,
    },
    /// Run terraform in a directory, with the freshly built provider and the lab's clusters.
    Run {
        /// The directory with the configuration.
        directory: PathBuf,
        /// Arguments of terraform.
        #[arg(last = true, required = true)]
        arguments: Vec<String>,
    },
    /// Start a lab of its own, check that it behaves as documented, print times, end it.
    Selfcheck {
        /// The clusters to start.
        #[arg(long, value_delimiter = ',', default_value = "aws,azure,gcp")]
        clusters: Vec<Cloud>,
        /// Start the lab and wait to be killed, for tests of that.
        #[arg(long, hide = true)]
        hold: bool,
    },
}

fn main() -> ExitCode {
    if let Some(code) = hidden_subcommand() {
        return code;
    }
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up { clusters } => {
            let lab = Lab::up(&LabOptions { clusters, ..LabOptions::default() })?;
            let names: Vec<&str> = lab.clusters().map(|cluster| cluster.context.as_str()).collect();
            eprintln!("lab: {} up; next: eval \"$(cargo lab env)\"", names.join(", "));
        }
        Command::Env => print!("{}", env::export_lines(&env::of(&running()?)?)),
        Command::Status => return Ok(status(Lab::attach()?.as_ref())),
        Command::Down => {
            let was_up = Lab::down()?;
            eprintln!("lab: {}", if was_up { "down" } else { "was not up" });
        }
        Command::Ask { name, record_type, from } => {
            let dns = running()?.dns();
            let answer = runtime()?.block_on(async {
                match &from {
                    Some(place) => dns.ask_as(place, &name, record_type).await,
                    None => dns.ask(&name, record_type).await,
                }
            })?;
            println!("{answer}");
        }
        Command::Run { directory, arguments } => {
            let program = Cli::Any.locate(Progress::Stderr)?;
            let variables = env::of(&running()?)?;
            return runtime()?.block_on(env::terraform(variables, directory, program, &arguments));
        }
        Command::Selfcheck { clusters, hold } => {
            let options = LabOptions { clusters, ..LabOptions::default() };
            runtime()?.block_on(selfcheck::run(options, hold))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn running() -> anyhow::Result<Lab> {
    Lab::attach()?.context("the lab is not up; run `cargo lab up`")
}

fn status(lab: Option<&Lab>) -> ExitCode {
    let Some(lab) = lab else {
        println!("down");
        return ExitCode::from(3);
    };
    println!("up: supervisor {}, logs in {}", lab.supervisor_id(), lab.directory().display());
    println!("route53 {} (DNS {})", lab.route53().api_url, lab.route53().dns);
    for cluster in lab.clusters() {
        let region = cluster.cloud.map_or("bare", Cloud::region);
        println!("{:5} {} ({region})", cluster.context, cluster.host);
    }
    ExitCode::SUCCESS
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("no runtime")
}
