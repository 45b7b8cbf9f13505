//! `multicluster status`.

use acceptance_tests::Fault;
use anyhow::ensure;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use serde_json::{Value, json};

use super::run::cli;
use super::shop::{Shop, replace_by_helm};
use crate::federation::look;
use crate::world::World;

pub(crate) async fn shows_members_and_drift_to_people_and_programs(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-cli-status";
    let shop = Shop::new(world, name, "web:1").await?;
    let arguments = ["status", name, "--kubeconfig", shop.kubeconfig.as_str(), "--context", "aws,azure,gcp"];
    cli(&arguments).await?.expect(1, &["aws    no record of the federation  v1."])?;

    shop.scenario.terraform.apply(None).await?.ok()?;
    let said = cli(&arguments)
        .await?
        .expect(0, &["aws    complete  v1.", "  3 objects in sync", "  2 objects in sync"])?;
    ensure!(said.out.lines().count() == 6, "there is noise:\n{}", said.out);
    let uids: Api<Namespace> = Api::all(world.lab.client("aws").await?);
    let uid = uids.get("kube-system").await?.metadata.uid.unwrap_or_default();
    ensure!(said.out.contains(&uid), "the cluster's UID is not there:\n{}", said.out);

    look::edit_replicas(world, "aws", name, "web", 5).await?;
    replace_by_helm(world, "azure", name).await?;
    shop.proxy.set(Fault::Cut).await?;
    let owner = format!("somebody else's; written by Helm release {name}/shop");
    let said = cli(&arguments).await?.expect(
        1,
        &[
            "Deployment t-cli-status/web  in sync; 2 given, 5 now; written by kubectl",
            &owner,
            "cannot reach the API server",
        ],
    )?;
    ensure!(said.out.contains("\ngcp    "), "gcp is not said to be away:\n{}", said.out);

    let json = [&arguments[..], &["--json"]].concat();
    let report: Value = serde_json::from_str(&cli(&json).await?.expect(1, &[])?.out)?;
    ensure!(report["version"] == 1 && report["well"] == false, "{report:#}");
    let [aws, azure, gcp] = [0, 1, 2].map(|place| &report["clusters"][place]["status"]);
    ensure!(
        aws["uid"] == json!(uid) && aws["record"] == "complete" && aws["lease_holder"].is_null(),
        "{aws:#}"
    );
    let object = |cluster: &Value, object: &str| {
        let objects = cluster["objects"].as_array().cloned().unwrap_or_default();
        objects.into_iter().find(|it| it["object"] == object).unwrap_or_default()
    };
    let web = object(aws, &format!("Deployment {name}/web"));
    ensure!(web["replicas"] == json!({ "given": 2, "now": 5, "autoscaled": false }), "{web:#}");
    let settings = object(azure, &format!("ConfigMap {name}/settings"));
    ensure!(settings["status"] == "foreign" && settings["resource"] == "settings", "{settings:#}");
    ensure!(gcp["reachable"] == false && gcp["error"].is_string() && gcp["objects"] == json!([]), "{gcp:#}");

    // With the manifest the fields are named.
    let known = [&arguments[..], &["--manifest", shop.manifest.as_str()]].concat();
    cli(&known).await?.expect(1, &["changed by somebody: spec.replicas (now 5, set by kubectl-edit)"])?;

    look::config_maps(world, "azure", name).await?.delete("settings", &Default::default()).await?;
    shop.scenario.terraform.apply(None).await?.ok()?;
    shop.proxy.set(Fault::None).await?;
    cli(&arguments).await?.expect(0, &[])?;
    shop.scenario.terraform.destroy().await?.ok()?;
    cli(&arguments).await?.expect(1, &["gcp    no record of the federation"])?;
    Ok(())
}
