//! `cargo lab selfcheck`: shows that the lab behaves as its README says, with times.

mod faults;
mod kills;
mod names;
mod workloads;

use std::time::Instant;

use acceptance_tests::{Cluster, Lab, LabOptions};
use anyhow::Context as _;

/// Runs all checks. With `hold`, only starts a lab, says so, and waits to be killed.
pub(crate) async fn run(options: LabOptions, hold: bool) -> anyhow::Result<()> {
    if hold {
        return kills::hold(options).await;
    }
    let started = Instant::now();
    let lab = Lab::start(options.clone()).await?;
    println!("started in {:.1} s: supervisor {}", started.elapsed().as_secs_f64(), lab.supervisor_id());

    let clusters: Vec<&Cluster> = lab.clusters().collect();
    futures::future::try_join_all(clusters.iter().map(async |cluster| {
        Box::pin(workloads::check(cluster)).await.with_context(|| format!("cluster {}", cluster.context))
    }))
    .await?;
    names::check(&lab).await?;
    let first = clusters.first().context("a lab has a cluster")?;
    faults::check(first).await?;
    println!("memory: {} MiB in {} processes", kills::memory(&lab)? / 1024, kills::processes(&lab)?.len());

    let processes = kills::processes(&lab)?;
    let directory = lab.directory().to_owned();
    let ending = Instant::now();
    drop(lab);
    kills::assert_gone("the lab was dropped", &processes).await?;
    anyhow::ensure!(!directory.exists(), "{} is still there", directory.display());
    println!("ended in {:.1} s: no process and no directory left", ending.elapsed().as_secs_f64());

    kills::check(options).await?;
    println!("all well");
    Ok(())
}

/// Prints a check that holds.
fn passed(cluster: &Cluster, what: &str, since: Instant) {
    println!("{:5} {:5.1} s  {what}", cluster.context, since.elapsed().as_secs_f64());
}
