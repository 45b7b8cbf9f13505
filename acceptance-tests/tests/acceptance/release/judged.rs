//! Releases under real requests: by the steps of a route, judged by a real Prometheus.

use std::time::Duration;

use acceptance_tests::dataplane::{Behavior, Who};
use acceptance_tests::traffic::{Generator, Load, Target};
use acceptance_tests::{Crds, DataPlane, DataPlaneOptions, Exporter};
use anyhow::{Context as _, ensure};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::json;

use super::stage::{SOON, Stage};
use crate::world::World;

/// A load whose every request matters.
const STEADY: Load =
    Load { keep_alive: 2, fresh: 2, every: Duration::from_millis(20), patience: Duration::from_secs(5) };
const HOST: &str = "web.example.com";

async fn route(world: &World, cluster: &str, namespace: &str) -> anyhow::Result<()> {
    world.lab.install_crds(cluster, Crds::GatewayApi).await?;
    let ty = ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"));
    let api: Api<DynamicObject> = Api::namespaced_with(world.lab.client(cluster).await?, namespace, &ty);
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web" },
        "spec": {
            "parentRefs": [{ "name": "edge" }], "hostnames": [HOST],
            "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }],
        },
    });
    api.create(&PostParams::default(), &serde_json::from_value(route)?).await?;
    Ok(())
}

/// The selector of a Service is turned over without a lost request.
pub(crate) async fn a_switch_of_a_service_loses_nobody(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-switch", &["aws"]).await?;
    stage.scenario.apply(&stage.by_service("web:1", "")).await?;
    let plane = DataPlane::start(world.lab.cluster("aws"), stage.name, DataPlaneOptions::default()).await?;
    let users = Generator::start(vec![Target::new(&plane, "web")], STEADY);
    users.wait_for(100, SOON).await?;
    // Pods that serve must not go before everybody has heard of the switch.
    stage.scenario.apply(&stage.by_service("web:2", "  hold = \"1s\"\n")).await?;
    users.phase("after");
    users.wait_for(200, SOON).await?;
    let report = users.stop().await;
    ensure!(report.overall().lost() == 0, "requests were lost: {report}");
    ensure!(report.in_phase("after").of("1") == 0 && report.in_phase("after").of("2") > 0, "{report}");
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A good version goes through its steps; one that answers 15 of 100 requests with an error is taken back on its first step, and
/// nobody gets it afterwards.
pub(crate) async fn metrics_promote_and_roll_back(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-judged", &["gcp"]).await?;
    route(world, "gcp", stage.name).await?;
    let plane = DataPlane::start(world.lab.cluster("gcp"), stage.name, DataPlaneOptions::default()).await?;
    plane.behave(Who::version("2"), Behavior::failing(0.02));
    plane.behave(Who::version("3"), Behavior::failing(0.15));
    let exporter = Exporter::start()?;
    exporter.follow(&plane, "web");
    let prometheus = world
        .lab
        .prometheus(&[exporter.address()], Duration::from_millis(200))
        .await
        .context("no Prometheus")?;

    let provider = format!("  metrics = {{ main = {{ prometheus = {:?} }} }}\n", prometheus.url());
    let rate = |codes: &str| {
        format!(
            "sum(rate(http_requests_total{{cluster=\\\"{{{{cluster}}}}\\\",workload=\\\"web\\\",color=\\\"{{{{color}}}}\\\"{codes}}}[2s]))"
        )
    };
    let query = format!("{} / {}", rate(",code!~\\\"5..\\\""), rate(""));
    let arguments = format!(
        "  traffic = {{ http_route = {{ name = \"web\" }} }}
  steps   = [{{ weight = 20, pause = \"4s\" }}, {{ weight = 60, pause = \"2s\" }}, {{ weight = 100 }}]
  hold    = \"2s\"
  analysis = {{
    source = \"main\"
    metrics = {{
      success-rate = {{
        query = \"{query}\"
        success_condition = \"result[0] >= 0.90\"
        interval = \"500ms\"
        initial_delay = \"2s\"
        failure_limit = 1
      }}
    }}
  }}
"
    );
    let config = |image: &str| stage.config_with(&provider, &stage.web(image, 2), &arguments);
    stage.scenario.apply(&config("web:1")).await?;
    let users = Generator::start(vec![Target::new(&plane, HOST)], STEADY);
    users.wait_for(100, SOON).await?;

    stage.scenario.apply(&config("web:2")).await?;
    users.phase("two");
    users.wait_for(200, SOON).await?;
    let report = users.report();
    ensure!(report.in_phase("two").of("1") == 0, "the old version still answers: {report}");
    let state = stage.scenario.state().await?;
    ensure!(state["active_color"] == "green", "{state}");
    ensure!(
        state["measurements"].as_array().is_some_and(|it| !it.is_empty()),
        "nothing was measured: {state}"
    );
    stage.scenario.expect_no_changes().await?;

    users.phase("three");
    stage.fails(&config("web:3"), &["success-rate", "taken back"]).await?;
    users.phase("back");
    users.wait_for(300, SOON).await?;
    let report = users.stop().await;
    ensure!(report.in_phase("three").of("3") > 0, "the third version was never tried: {report}");
    ensure!(
        report.in_phase("back").of("3") == 0,
        "the third version answers after it was taken back: {report}"
    );
    let state = stage.scenario.state().await?;
    ensure!(state["phase"] == "rolled_back" && state["active_color"] == "green", "{state}");
    ensure!(state["last_failed_release"]["metric"] == "success-rate", "{}", state["last_failed_release"]);
    stage.scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
