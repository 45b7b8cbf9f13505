//! `kubectl apply --server-side`, once per cluster, all clusters at once.

use std::path::Path;

use acceptance_tests::Terraform;
use acceptance_tests::workload::{Workload, yaml};
use futures::future::try_join_all;

use super::contender::{Measured, Operation};
use super::place::Place;

const FILE: &str = "objects.yaml";

pub(super) async fn run(place: &Place<'_>) -> anyhow::Result<Measured> {
    let directory = place.directory()?;
    // The runner of commands is Terraform's: what it starts dies with us.
    let kubectl = Terraform::new(directory.path(), &place.programs.kubectl, place.env("kubectl")?);
    let apply = ["apply", "--server-side", "-f", FILE];

    write(directory.path(), &place.workload)?;
    let mut measured = Measured::new();
    measured.push((Operation::Create, place.measure(on_all(place, &kubectl, &apply)).await?));
    place.wait_until_rolled_out().await?;
    measured.push((Operation::Reapply, place.measure(on_all(place, &kubectl, &apply)).await?));
    write(directory.path(), &place.workload.with_one_change())?;
    measured.push((Operation::ChangeOne, place.measure(on_all(place, &kubectl, &apply)).await?));
    let delete = ["delete", "--ignore-not-found", "-f", FILE];
    measured.push((Operation::Destroy, place.measure(on_all(place, &kubectl, &delete)).await?));
    Ok(measured)
}

fn write(directory: &Path, workload: &Workload) -> anyhow::Result<()> {
    Ok(std::fs::write(directory.join(FILE), yaml(&workload.objects)?)?)
}

async fn on_all(place: &Place<'_>, kubectl: &Terraform, arguments: &[&str]) -> anyhow::Result<()> {
    try_join_all(place.clusters.iter().map(async |cluster| {
        let context = ["--context", cluster.context.as_str()];
        kubectl.run(&[arguments, &context].concat()).await?.ok()
    }))
    .await?;
    Ok(())
}
