//! What a plan without changes asks of the clusters, for the example that the README begins with.

use std::path::Path;
use std::time::Instant;

use acceptance_tests::terraform::Cli;
use acceptance_tests::{Lab, LabOptions, Mirror, Plugin, Progress, Terraform};
use anyhow::{Context as _, ensure};
use tokio::runtime::Runtime;

use crate::median;
use crate::table::Table;

/// Plans that are measured.
const PLANS: usize = 5;
/// How the provider's requests are told from those of the clusters' own programs.
const USER_AGENT: &str = "terraform-provider-multicluster/";

struct Plans {
    seconds: Vec<f64>,
    /// By cluster: verb and resource of each call that one plan made.
    calls: Vec<(String, Vec<String>)>,
}

/// Applies the example on a lab of its own, and plans it again.
pub(crate) fn measure(runtime: &Runtime, provider: &Path) -> anyhow::Result<Table> {
    let lab = Lab::start_blocking(&LabOptions::default())?;
    let plans = runtime.block_on(plans(&lab, provider))?;
    lab.stop();
    let mut table = Table::new(["", "measured"]);
    table.row(["plan without changes, wall", &format!("{:.2} s", median(plans.seconds)?)]);
    for (cluster, calls) in plans.calls {
        table.row([format!("… API calls on {cluster}"), format!("{} ({})", calls.len(), calls.join(", "))]);
    }
    Ok(table)
}

/// Applies the example, and plans it again and again.
async fn plans(lab: &Lab, provider: &Path) -> anyhow::Result<Plans> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let plugin = Plugin::multicluster(provider.to_owned());
    let mirror = Mirror::create(&directory.path().join("mirror"), &[plugin])?;
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
