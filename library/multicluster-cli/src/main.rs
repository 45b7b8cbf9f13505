//! `multicluster`: what a federation has on a cluster, without Terraform.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use multicluster::clock::Clock;
use multicluster::connection::{Connection, ConnectionKind};
use multicluster::core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster::core::federation::observation::{Seen, Status};
use multicluster::core::federation::render::MemberDesired;
use multicluster::core::names::{ClusterName, FederationName};
use multicluster::federation::observe;
use multicluster::member::Member;

/// Shows what multicluster keeps on clusters.
#[derive(Parser)]
#[command(name = "multicluster", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what a federation has on each cluster and whether it is as the last apply left it. Reads only.
    /// Exit code 1 if something differs or a cluster does not answer.
    Status {
        /// The federation.
        federation: FederationArgument,
        /// A kubeconfig file.
        #[arg(long)]
        kubeconfig: PathBuf,
        /// The contexts to look at.
        #[arg(long, required = true, value_delimiter = ',')]
        context: Vec<String>,
        /// The namespace of the federation's records.
        #[arg(long, default_value = DEFAULT_NAMESPACE)]
        inventory_namespace: String,
    },
}

#[derive(Clone)]
struct FederationArgument(FederationName);

impl std::str::FromStr for FederationArgument {
    type Err = multicluster::core::names::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FederationName::new(text).map(Self)
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("multicluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<bool> {
    // The error means that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Command::Status { federation, kubeconfig, context, inventory_namespace } = command;
    let set = FederationSet::default_of(federation.0, inventory_namespace);
    let mut well = true;
    for context in context {
        match runtime.block_on(look(&set, kubeconfig.clone(), &context)) {
            Ok(seen) => {
                print!("{}", table(&context, &seen));
                well &= seen.complete && seen.objects.iter().all(|object| object.status == Status::InSync);
            }
            Err(error) => {
                println!("{context}: {error:#}");
                well = false;
            }
        }
    }
    Ok(well)
}

async fn look(set: &FederationSet, path: PathBuf, context: &str) -> anyhow::Result<Seen> {
    let kind = ConnectionKind::KubeconfigPath { path, context: Some(context.to_owned()) };
    let client = Connection::new(kind, Clock::new(jiff::Timestamp::now)).client().await?;
    // The name is for messages only; a context need not be a valid one.
    let name = ClusterName::new("member").context("a constant")?;
    let observed = observe(&Member::new(name, client), set, &MemberDesired::new()).await?;
    Ok(observed.observation.seen(&MemberDesired::new()))
}

fn table(context: &str, seen: &Seen) -> String {
    let mut lines = vec![match (&seen.instance, seen.complete) {
        (None, _) => format!("{context}: no record of the federation"),
        (Some(_), true) => format!("{context}: complete"),
        (Some(_), false) => format!("{context}: incomplete; the next apply goes on"),
    }];
    let width = seen.objects.iter().map(|object| object.key().to_string().len()).max().unwrap_or(0);
    for object in &seen.objects {
        lines.push(format!("  {:width$}  {}", object.key().to_string(), words(&object.status)));
    }
    lines.join("\n") + "\n"
}

fn words(status: &Status) -> String {
    match status {
        Status::InSync => "in sync".to_owned(),
        Status::Absent => "not made yet".to_owned(),
        Status::Pending => "not finished".to_owned(),
        Status::Removing => "being removed".to_owned(),
        Status::Outdated => "outdated: what it is a copy of has changed".to_owned(),
        Status::Missing => "deleted by somebody".to_owned(),
        Status::Drifted { .. } => "changed by somebody".to_owned(),
        Status::Foreign { managers } => format!("somebody else's ({})", managers.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_words() {
        let foreign = Status::Foreign { managers: vec!["helm".to_owned()] };
        assert_eq!(words(&foreign), "somebody else's (helm)");
        assert_eq!(words(&Status::Missing), "deleted by somebody");
    }
}
