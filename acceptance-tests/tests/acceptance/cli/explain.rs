//! `multicluster explain`.

use acceptance_tests::Fault;
use anyhow::ensure;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::run::{Said, cli};
use super::shop::{Shop, replace_by_helm};
use crate::federation::look;
use crate::world::World;

async fn explain(shop: &Shop, federation: &str, object: &str, contexts: &str) -> anyhow::Result<Said> {
    let place = ["--kubeconfig", &shop.kubeconfig, "--context", contexts, "--manifest", &shop.manifest];
    let what = ["explain", object, "-n", federation, "--federation", federation];
    cli(&[&what[..], &place[..]].concat()).await
}

pub(crate) async fn says_for_each_cluster_why_an_object_is_there_or_not(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-cli-explain";
    let shop = Shop::new(world, name, "web:1").await?;
    explain(&shop, name, "deploy/web", "aws")
        .await?
        .expect(0, &["aws: not there: the federation has nothing on this cluster"])?;

    shop.scenario.terraform.apply(None).await?.ok()?;
    let absent = "azure: not there: the federation does not keep it here\n  \
                  placement  entry `web` places it on `aws`, `gcp` and not here (this member has no labels)";
    explain(&shop, name, "deployment/web", "aws,azure,gcp").await?.expect(
        0,
        &["Deployment t-cli-explain/web", "aws: there, kept by entry `web`: in sync", "2 given", absent],
    )?;

    // Changed by hand on one cluster, and another cut off.
    look::edit_replicas(world, "aws", name, "web", 5).await?;
    shop.proxy.set(Fault::Cut).await?;
    let said = explain(&shop, name, "deployments.apps/web", "aws,azure,gcp").await?.expect(
        1,
        &[
            "aws: there, kept by entry `web`: changed by somebody: spec.replicas (now 5, set by kubectl-edit)",
            "record    applied, made by the federation",
            "replicas  2 given, 5 now",
            "written   kubectl-edit at ",
            "spec.replicas",
            "azure: not there",
            "cannot reach the API server",
        ],
    )?;
    ensure!(said.out.contains("\ngcp: "), "gcp is not said to be away:\n{}", said.out);
    shop.proxy.set(Fault::None).await?;

    // Somebody else's in the place of ours, and something that never was ours.
    replace_by_helm(world, "azure", name).await?;
    explain(&shop, name, "cm/settings", "azure").await?.expect(
        1,
        &[
            "there, kept by entry `settings`, but it is not the one that the federation made",
            "Helm release t-cli-explain/shop",
        ],
    )?;
    explain(&shop, name, "configmap/kube-root-ca.crt", "azure")
        .await?
        .expect(1, &["azure: there, but not of this federation"])?;

    // Held while it is being deleted.
    let settings = look::config_maps(world, "aws", name).await?;
    let guard = |finalizers: &[&str]| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    settings.patch("settings", &PatchParams::default(), &guard(&["example.com/guard"])).await?;
    settings.delete("settings", &DeleteParams::default()).await?;
    explain(&shop, name, "configmaps/settings", "aws").await?.expect(
        1,
        &["there, kept by entry `settings`, but it is being deleted", "held by finalizers example.com/guard"],
    )?;
    settings.patch("settings", &PatchParams::default(), &guard(&[])).await?;
    explain(&shop, name, "cm/settings", "aws")
        .await?
        .expect(1, &["not there, kept by entry `settings`: somebody has deleted it"])?;

    explain(&shop, name, "widgetry/one", "aws").await?.expect(1, &["no cluster serves a kind `widgetry`"])?;
    explain(&shop, name, "namespace/x", "aws").await?.expect(1, &["a Namespace lives in no namespace"])?;

    look::config_maps(world, "azure", name).await?.delete("settings", &DeleteParams::default()).await?;
    shop.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn says_what_keeps_a_workload_from_being_ready(world: &'static World) -> anyhow::Result<()> {
    let name = "t-cli-broken";
    let shop = Shop::new(world, name, "web:broken").await?;
    let apply = shop.scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "a broken image was applied:\n{}", apply.stdout);
    let status = ["status", name, "--kubeconfig", shop.kubeconfig.as_str(), "--context", "aws"];
    cli(&status).await?.expect(1, &["aws  incomplete; the next apply goes on"])?;
    explain(&shop, name, "deployment/web", "aws").await?.expect(
        1,
        &[
            "aws: there, kept by entry `web`",
            "not ready",
            "container `main` of pod `web-",
            "CrashLoopBackOff",
        ],
    )?;
    shop.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
