//! The library without Terraform: its example, against real clusters.

use anyhow::{Context as _, ensure};

use super::run::{cli, federate, kubeconfig};
use crate::federation::hcl::{config_map, deployment};
use crate::federation::look;
use crate::world::World;

pub(crate) async fn federates_a_manifest_over_two_clusters(world: &'static World) -> anyhow::Result<()> {
    let name = "t-library";
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let file = |file: &str| directory.path().join(file).display().to_string();
    let hosts = ["aws", "gcp"].map(|it| (it, world.lab.cluster(it).host.as_str()));
    std::fs::write(file("kubeconfig"), kubeconfig(world, &hosts))?;
    let write = |replicas: u32| {
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name} }}");
        let objects =
            [namespace, config_map(name, "settings", "one"), deployment(name, "web", "web:1", replicas)];
        std::fs::write(file("shop.yaml"), objects.join("\n---\n"))
    };
    write(2)?;
    let (manifest, kubeconfig) = (file("shop.yaml"), file("kubeconfig"));
    let run = async |action: &str| federate(&[name, &manifest, &kubeconfig, "aws,gcp", action]).await;

    // A plan is a table, and writes nothing.
    run("plan").await?.expect(
        0,
        &[
            "CLUSTER OBJECT WHAT HAPPENS",
            "aws member join",
            "gcp Deployment t-library/web create, 2 replicas",
            "gcp Namespace t-library create",
        ],
    )?;
    ensure!(!look::has_namespace(world, "aws", name).await?, "the plan has written");

    run("apply").await?.expect(0, &["2 of 2 clusters are as asked"])?;
    for cluster in ["aws", "gcp"] {
        let replicas = look::replicas(world, cluster, name, "web").await?;
        ensure!(replicas == (2, 2), "{cluster} has {replicas:?}");
    }
    let again =
        run("plan").await?.expect(0, &["3 objects unchanged on aws", "3 objects unchanged on gcp"])?;
    ensure!(!again.out.contains("CLUSTER"), "something is to be done:\n{}", again.out);
    cli(&["status", name, "--kubeconfig", &kubeconfig, "--context", "aws,gcp"]).await?.expect(0, &[])?;

    // A change and a drift, each where it is.
    look::edit_replicas(world, "aws", name, "web", 5).await?;
    write(3)?;
    run("plan").await?.expect(
        0,
        &[
            "correct: spec.replicas (now 5, set by kubectl-edit)",
            "gcp Deployment t-library/web update: spec.replicas 2 → 3",
        ],
    )?;
    run("apply").await?.expect(0, &["2 of 2 clusters are as asked"])?;
    ensure!(look::replicas(world, "aws", name, "web").await? == (3, 3), "the drift was not corrected");

    run("remove").await?.expect(0, &["2 of 2 clusters are as asked"])?;
    for cluster in ["aws", "gcp"] {
        ensure!(!look::has_namespace(world, cluster, name).await?, "{cluster} has objects left");
        ensure!(look::inventory(world, cluster, name).await?.is_none(), "{cluster} has a record left");
    }
    Ok(())
}
