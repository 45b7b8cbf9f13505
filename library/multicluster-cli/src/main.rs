//! `multicluster`: what a federation has on its clusters, and why, and how a release goes, without Terraform.
//!
//! It reads and never writes. `arguments` is what users write, `clusters` how their clusters are reached, `status`,
//! `explain` and `watch` the commands: each looks at all clusters at once, then says what it saw.
#![expect(clippy::print_stderr, reason = "a command line program speaks to its user")]

mod arguments;
mod clusters;
mod explain;
mod kind;
mod status;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

/// What a command has to say, and whether all is well.
struct Said {
    text: String,
    well: bool,
}

fn main() -> ExitCode {
    let answer = run(Arguments::parse().command);
    match answer {
        Ok(said) => {
            // Whoever reads us may have seen enough.
            let _ = std::io::stdout().write_all(said.text.as_bytes());
            if said.well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("multicluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<Said> {
    // The error means that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Status(arguments) => status::status(arguments).await,
            Command::Explain(arguments) => explain::explain(arguments).await,
            Command::Watch(arguments) => watch::watch(arguments).await,
        }
    })
}
