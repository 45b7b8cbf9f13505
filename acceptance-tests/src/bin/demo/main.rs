//! `cargo demo`: real Terraform puts the guestbook on three real control planes and into DNS, changes it, and takes it
//! away again.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

mod answers;
mod look;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use acceptance_tests::terraform::Cli;
use acceptance_tests::{
    Lab, LabOptions, Mirror, Plugin, Progress, ProviderVariant, Terraform, hidden_subcommand, provider_build,
};
use anyhow::{Context as _, bail, ensure};
use clap::Parser;

use crate::answers::Guestbook;

/// The guestbook on three clusters: plan, apply, change, destroy.
#[derive(Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo")]
struct Arguments {
    /// Leave the guestbook and the clusters running, and say how to look around.
    #[arg(long)]
    keep: bool,
}

/// Twice as many followers for Azure as for AWS; before it was the other way round.
const OTHER_WEIGHTS: &str = "{\"aws\":1,\"azure\":2,\"gcp\":1}";

fn main() -> ExitCode {
    if let Some(code) = hidden_subcommand() {
        return code;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let begun = Instant::now();
    let progress = Progress::Stderr;
    let provider = provider_build::build(ProviderVariant::Plain, progress)?;
    let program = Cli::Any.locate(progress)?;
    let options = LabOptions::default();
    // A lab that is to be kept lives on its own; the other one ends with this process, however that ends.
    let lab = if arguments.keep { Lab::up(&options)? } else { Lab::start_blocking(&options)? };
    let directory = lab.directory().join("quickstart");
    copy(&quickstart()?, &directory)?;
    let mirror = Mirror::create(&lab.directory().join("mirror"), &[Plugin::multicluster(provider)])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let demo = Demo { terraform: Terraform::new(&directory, program, environment(&lab, &mirror)), lab: &lab };
    runtime.block_on(demo.show(arguments.keep))?;
    if arguments.keep {
        demo.say_how_to_look_around(&directory);
    } else {
        lab.stop();
    }
    eprintln!("\ndemo: done in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn environment(lab: &Lab, mirror: &Mirror) -> BTreeMap<String, String> {
    let mut variables = lab.env();
    variables.extend(mirror.env());
    let zone = lab.ready_zone();
    variables.insert("TF_VAR_zone".to_owned(), format!("{{id={:?},name={:?}}}", zone.id, zone.name));
    variables.insert("TF_VAR_kubeconfig_path".to_owned(), lab.kubeconfig_path().display().to_string());
    variables
}

struct Demo<'a> {
    terraform: Terraform,
    lab: &'a Lab,
}

impl Demo<'_> {
    async fn show(&self, keep: bool) -> anyhow::Result<()> {
        self.step("init", &["init", "-input=false"]).await?;
        self.step("plan: what would happen, on which cluster", &["plan", "-input=false", "-out=first.plan"])
            .await?;
        self.step("apply exactly that plan", &["apply", "-input=false", "first.plan"]).await?;
        let aws_before = self.look("What runs now").await?;
        let guestbook = Guestbook::find(self.lab, &self.terraform.show_json(None).await?).await?;
        println!("━━━ Who is answered by which cluster, as DNS says it\n\n{}", guestbook.ask().await?);

        self.step("plan again: nothing to do", &["plan", "-input=false", "-detailed-exitcode"]).await?;
        let weights = format!("follower_weights={OTHER_WEIGHTS}");
        let change = ["apply", "-input=false", "-auto-approve", "-var", &weights];
        self.step("other weights for the followers", &change).await?;
        let aws_after = self.look("What runs now").await?;
        ensure!(aws_before > aws_after, "the followers did not move: {aws_before} before, {aws_after} after");
        if keep {
            return Ok(());
        }
        self.step("take it all away again", &["destroy", "-input=false", "-auto-approve"]).await?;
        self.look("What is left").await?;
        for cluster in self.lab.clusters() {
            ensure!(look::is_empty(cluster).await?, "something is left on {}", cluster.context);
        }
        Ok(())
    }

    /// Runs Terraform with this terminal's own streams.
    async fn step(&self, title: &str, arguments: &[&str]) -> anyhow::Result<()> {
        println!("\n\n━━━ {title}\n$ terraform {}\n", quoted(arguments));
        match self.terraform.run_attached(arguments).await? {
            Some(0) => Ok(()),
            code => bail!("`terraform {}` ended with {code:?}", arguments.join(" ")),
        }
    }

    /// Shows the guestbook on every cluster, and returns how many followers AWS has.
    async fn look(&self, title: &str) -> anyhow::Result<i32> {
        println!("\n━━━ {title}\n");
        let mut followers = 0;
        for cluster in self.lab.clusters() {
            let workloads = look::workloads(cluster).await?;
            print!("{}", look::table(&cluster.context, &workloads, &look::addresses(cluster).await?));
            if cluster.context == "aws" {
                followers = workloads.iter().find(|it| it.name == "redis-follower").map_or(0, |it| it.ready);
            }
        }
        Ok(followers)
    }

    fn say_how_to_look_around(&self, directory: &Path) {
        println!(
            "\n━━━ It is all still there\n
  eval \"$(cargo lab env)\"                          # KUBECONFIG and a mirror with the provider
  kubectl --context gcp -n guestbook get all
  kubectl --context aws -n guestbook scale deployment frontend --replicas 9
  cargo lab ask guestbook.$LAB_ZONE_NAME --from JP  # who answers Japan
  cd {}
  export TF_VAR_kubeconfig_path={} TF_VAR_follower_weights='{OTHER_WEIGHTS}'
  export TF_VAR_zone=\"{{id=\\\"$LAB_ZONE_ID\\\",name=\\\"$LAB_ZONE_NAME\\\"}}\"
  terraform plan                                   # shows what you have changed by hand
  cargo lab down                                   # ends the clusters",
            directory.display(),
            self.lab.kubeconfig_path().display(),
        );
    }
}

fn quoted(arguments: &[&str]) -> String {
    let quote = |argument: &&str| match argument.contains(['"', '{', ' ']) {
        true => format!("'{argument}'"),
        false => (*argument).to_owned(),
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn quickstart() -> anyhow::Result<PathBuf> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no directory")?;
    Ok(workspace.join("examples-tf/quickstart"))
}

/// Copies the example, so that Terraform writes nothing into the repository.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_name().to_string_lossy().ends_with(['f', 'l']) {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
