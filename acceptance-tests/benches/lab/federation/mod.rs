//! Many objects on many clusters, in four ways: a bare loop of requests, which is the limit; kubectl; Terraform with
//! our provider; Terraform with the provider `gavinbunney/kubectl`.
//!
//! All work on the same clusters, one after the other, on the same objects in the same namespace, which is empty before
//! and gone after each. An operation begins when the Deployments of the one before are rolled out, so that none is
//! measured beside the clusters' own work for another.

mod audit;
mod bare;
mod contender;
mod kubectl;
mod namespaces;
mod place;
mod processes;
mod report;
mod terraform;

use std::collections::BTreeMap;
use std::path::PathBuf;

use acceptance_tests::terraform::Cli;
use acceptance_tests::tools::{Tool, Tools};
use acceptance_tests::workload::{Amounts, Workload};
use acceptance_tests::{Cluster, Lab, LabOptions, Mirror, Plugin, Progress};
use anyhow::Context as _;
use tokio::runtime::Runtime;

use contender::{Contender, Measure, Operation};
use place::{Place, Programs, Until};

/// The namespace of the objects.
const NAMESPACE: &str = "bench";

/// What is to be measured.
pub(crate) struct Job {
    /// Our provider.
    pub(crate) provider: PathBuf,
    /// Decides the objects.
    pub(crate) seed: u64,
    /// How often.
    pub(crate) rounds: usize,
}

/// On how many clusters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Three whole control planes, 200 objects on each.
    Three,
    /// Three, then twenty bare API servers, 100 objects on each.
    Twenty,
}

/// All that was measured in one place, a value for each round.
type Measures = BTreeMap<(Contender, Operation), Vec<Measure>>;

/// Starts a lab and measures on it. Returns the text to print.
pub(crate) fn measure(runtime: &Runtime, job: &Job, scale: Scale) -> anyhow::Result<String> {
    let scratch = tempfile::tempdir().context("cannot make a directory")?;
    let tools = Tools::ensure(&[Tool::Kubectl, Tool::KubectlProvider], Progress::Stderr)?;
    let peer = tools.program("terraform-provider-kubectl")?.to_owned();
    let plugins = [
        Plugin::multicluster(job.provider.clone()),
        Plugin { source: "gavinbunney/kubectl".to_owned(), binary: peer },
    ];
    let programs = Programs {
        kubectl: tools.program("kubectl")?.to_owned(),
        terraform: Cli::Any.locate(Progress::Stderr)?,
        mirror: Mirror::create(&scratch.path().join("mirror"), &plugins)?,
        scratch,
    };
    let lab = Lab::start_blocking(&match scale {
        Scale::Three => LabOptions::default(),
        Scale::Twenty => LabOptions { clusters: Vec::new(), bare: 20, ..LabOptions::default() },
    })?;
    let text = runtime.block_on(on(&lab, &programs, job, scale));
    lab.stop();
    text
}

async fn on(lab: &Lab, programs: &Programs, job: &Job, scale: Scale) -> anyhow::Result<String> {
    let clusters: Vec<&Cluster> = lab.clusters().collect();
    if scale == Scale::Three {
        let place = place(lab, programs, job, clusters, Amounts::TWO_HUNDRED);
        let measures = measure_at(&place, job.rounds, &Contender::ALL).await?;
        let alone = terraform::alone(&place).await?;
        return report::on_control_planes(&place, &measures, alone);
    }
    let contenders = [Contender::Bare, Contender::Kubectl, Contender::Ours, Contender::Peer];
    let few: Vec<&Cluster> = clusters.iter().take(3).copied().collect();
    let few = place(lab, programs, job, few, Amounts::ONE_HUNDRED);
    let many = place(lab, programs, job, clusters.clone(), Amounts::ONE_HUNDRED);
    let work = async {
        let at_few = measure_at(&few, job.rounds, &contenders).await?;
        let at_many = measure_at(&many, job.rounds, &contenders).await?;
        report::on_bare_servers(&few, &at_few, &many, &at_many)
    };
    tokio::select! {
        text = work => text,
        never = namespaces::empty(&clusters) => match never? {},
    }
}

fn place<'a>(
    lab: &'a Lab,
    programs: &'a Programs,
    job: &Job,
    clusters: Vec<&'a Cluster>,
    amounts: Amounts,
) -> Place<'a> {
    let workload = Workload::generate(job.seed, NAMESPACE, amounts);
    let peer_until = if clusters.len() <= 3 { Until::Destroyed } else { Until::Planned };
    Place { lab, programs, clusters, workload, peer_until }
}

async fn measure_at(place: &Place<'_>, rounds: usize, contenders: &[Contender]) -> anyhow::Result<Measures> {
    let mut measures = Measures::new();
    for round in 1..=rounds {
        for &contender in contenders {
            let what = format!(
                "{} on {} clusters, round {round} of {rounds}",
                contender.name(),
                place.clusters.len()
            );
            let measured = {
                let _step = Progress::Stderr.start(&what);
                let measured = contender.run(place).await.context(what)?;
                place.wait_until_empty().await?;
                measured
            };
            for (operation, measure) in measured {
                Progress::Stderr.note(&format!("… {}: {:.2} s", operation.name(), measure.seconds));
                measures.entry((contender, operation)).or_default().push(measure);
            }
        }
    }
    Ok(measures)
}
