//! Nothing survives: neither when the parent of a lab is killed nor when its supervisor is.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use acceptance_tests::{Cloud, Lab, LabOptions, Terraform, lab::wait, terraform::Run};
use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal};

/// Process ids by what they are.
type Processes = BTreeMap<String, u32>;

/// Starts a lab, prints its processes as JSON and waits to be killed.
pub(super) async fn hold(options: LabOptions) -> anyhow::Result<()> {
    let lab = Lab::start(options).await?;
    let mut all = processes(&lab)?;
    let (_run, id) = pretended_terraform(lab.directory()).await?;
    all.insert(PROVIDER.to_owned(), id);
    println!("{}", serde_json::to_string(&all)?);
    std::future::pending().await
}

/// What a run of terraform leaves behind when only terraform itself is killed.
const PROVIDER: &str = "a provider that terraform started";

/// A shell in terraform's place, with a process of its own in the provider's place.
async fn pretended_terraform(directory: &Path) -> anyhow::Result<(Run, u32)> {
    let shell = Terraform::new(directory, "/bin/sh", BTreeMap::new());
    let run = shell.spawn(&["-c", "sleep 600 & echo $! > provider.pid; wait"])?;
    let id = wait::until("the provider runs", Duration::from_secs(10), async || {
        Ok(std::fs::read_to_string(directory.join("provider.pid"))?.trim().parse().ok())
    })
    .await?;
    Ok((run, id))
}

pub(super) async fn check(options: LabOptions) -> anyhow::Result<()> {
    let first = options.clusters.first().copied().unwrap_or(Cloud::Aws);
    for victim in ["parent", "supervisor"] {
        let (mut parent, mut processes) = tokio::task::spawn_blocking(move || start_holder(first)).await??;
        if victim == "supervisor" {
            // Terraform belongs to the parent, which lives on.
            processes.remove(PROVIDER);
        }
        let target = if victim == "parent" { parent.id() } else { processes["supervisor"] };
        let started = Instant::now();
        rustix::process::kill_process(pid(target)?, Signal::KILL)?;
        assert_gone(&format!("the {victim} was killed"), &processes).await?;
        println!(
            "SIGKILL of the {victim} ({target}): all {} processes gone after {:.1} s",
            processes.len(),
            started.elapsed().as_secs_f64()
        );
        // A holder whose supervisor is gone still waits to be killed.
        parent.kill().context("cannot kill the holder")?;
        parent.wait().context("cannot wait for the holder")?;
    }
    Ok(())
}

fn start_holder(cloud: Cloud) -> anyhow::Result<(Child, Processes)> {
    let mut child = Command::new(acceptance_tests::executable())
        .args(["selfcheck", "--hold", "--clusters", cloud.name()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a holder")?;
    let output = child.stdout.take().context("no pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let processes = serde_json::from_str(&line).context("the holder did not start its lab")?;
    Ok((child, processes))
}

/// All processes of a lab, by name and cluster.
pub(super) fn processes(lab: &Lab) -> anyhow::Result<Processes> {
    let mut all = Processes::from([("supervisor".to_owned(), lab.supervisor_id())]);
    let etcd = std::fs::read_to_string(lab.directory().join("etcd.pid")).context("no etcd")?;
    all.insert("etcd".to_owned(), etcd.trim().parse()?);
    let route53 = std::fs::read_to_string(lab.directory().join("route53.pid")).context("no Route 53")?;
    all.insert("route53".to_owned(), route53.trim().parse()?);
    for cluster in lab.clusters() {
        for program in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"] {
            all.insert(format!("{program} of {}", cluster.context), cluster.pid(program)?);
        }
    }
    Ok(all)
}

/// Waits until none of the processes exists.
pub(super) async fn assert_gone(why: &str, processes: &Processes) -> anyhow::Result<()> {
    wait::until(&format!("nothing is left although {why}"), Duration::from_secs(20), async || {
        let mut left = Vec::new();
        for (name, &id) in processes {
            if rustix::process::test_kill_process(pid(id)?).is_ok() && !is_zombie(id) {
                left.push(format!("{name} ({id})"));
            }
        }
        ensure!(left.is_empty(), "still there: {}", left.join(", "));
        Ok(Some(()))
    })
    .await
}

/// A dead process whose adoptive parent has not looked yet.
fn is_zombie(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

/// Resident memory of all processes in KiB; shared pages count once per process.
pub(super) fn memory(lab: &Lab) -> anyhow::Result<u64> {
    let mut sum = 0;
    for id in processes(lab)?.values() {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("cannot read /proc")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        sum += line.trim().trim_end_matches(" kB").parse::<u64>()?;
    }
    Ok(sum)
}

fn pid(id: u32) -> anyhow::Result<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw).context("invalid process id")
}
