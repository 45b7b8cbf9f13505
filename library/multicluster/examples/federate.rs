//! Federates a manifest over the clusters of some contexts: shows the plan as a table, then carries it out.
//!
//! ```console
//! $ cargo run --example federate -- world guestbook.yaml ~/.kube/config aws,gcp          # shows what would happen
//! $ cargo run --example federate -- world guestbook.yaml ~/.kube/config aws,gcp apply    # and does it
//! $ cargo run --example federate -- world guestbook.yaml ~/.kube/config aws,gcp remove   # takes all of it away
//! ```
#![expect(clippy::print_stdout, reason = "an example speaks to its user")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use multicluster::clock::Clock;
use multicluster::connection::{Connection, ConnectionKind};
use multicluster::core::federation::spec::{FederationSpec, ResourceSpec};
use multicluster::core::manifest;
use multicluster::core::names::{ClusterName, FederationName};
use multicluster::federation::{Federation, Report, Run};
use multicluster::member::Member;

/// How long an apply may take.
const TIME: Duration = Duration::from_secs(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, manifest, kubeconfig, contexts, action) = match arguments.as_slice() {
        [name, manifest, kubeconfig, contexts] => (name, manifest, kubeconfig, contexts, "plan"),
        [name, manifest, kubeconfig, contexts, action @ ("plan" | "apply" | "remove")] => {
            (name, manifest, kubeconfig, contexts, *action)
        }
        _ => {
            return Err(
                "usage: federate NAME MANIFEST KUBECONFIG CONTEXT,CONTEXT… [plan|apply|remove]".into()
            );
        }
    };

    let clock = Clock::new(jiff::Timestamp::now);
    let mut members = Vec::new();
    for context in contexts.split(',') {
        let kind =
            ConnectionKind::KubeconfigPath { path: kubeconfig.into(), context: Some(context.to_owned()) };
        let client = Connection::new(kind, clock.clone()).client().await?;
        members.push(Member::new(ClusterName::new(context)?, client));
    }
    let objects = ResourceSpec::new(manifest::parse(&std::fs::read_to_string(manifest)?)?);
    let spec = FederationSpec {
        name: FederationName::new(*name)?,
        members: members.iter().map(|member| (member.name.clone(), BTreeMap::new())).collect(),
        resources: BTreeMap::from([("objects".to_owned(), objects)]),
    };
    let federation = Federation::new(spec, members, clock.clone());
    let run = Run::within(TIME, clock);
    if action == "remove" {
        return outcome(&federation.remove(&run).await);
    }
    let plan = federation.plan().await?;
    print!("{plan}");
    if action == "apply" && !plan.is_empty() {
        return outcome(&plan.apply(&run).await?);
    }
    Ok(())
}

/// Says what could not be done, and what the user should know.
fn outcome(report: &Report) -> Result<(), Box<dyn Error>> {
    let mut failed = Vec::new();
    for (name, member) in &report.members {
        for warning in &member.warnings {
            println!("{name}: {warning}");
        }
        failed.extend(member.error.as_ref().map(|error| format!("`{name}`: {error}")));
    }
    println!("{} of {} clusters are as asked", report.members.len() - failed.len(), report.members.len());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}
