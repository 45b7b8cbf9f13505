//! Prometheus answers what the exporter says, and the front what a test wants.

use std::time::Duration;

use acceptance_tests::dataplane::{Behavior, Who};
use acceptance_tests::exporter::{Labels, Steer};
use acceptance_tests::lab::wait;
use acceptance_tests::prometheus::Answering;
use acceptance_tests::traffic::{Generator, Load, Target};
use acceptance_tests::{DataPlaneOptions, Exporter, Prometheus};
use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal};
use serde_json::json;

use super::shop::{LIMIT, Shop};
use crate::world::World;

/// How often is scraped.
const EVERY: Duration = Duration::from_millis(200);

/// The part of requests that succeed, of the last two seconds.
fn ratio(color: &str) -> String {
    let rate = |code: &str| format!("sum(rate(http_requests_total{{color=\"{color}\"{code}}}[2s]))");
    format!("{} / {}", rate(",code!~\"5..\""), rate(""))
}

async fn becomes(prometheus: &Prometheus, query: &str, good: impl Fn(f64) -> bool) -> anyhow::Result<()> {
    wait::until(&format!("{query} is as steered"), LIMIT, async || {
        let found = prometheus.query(query).await?;
        let value = found.only().with_context(|| format!("{found:?}"))?;
        ensure!(good(value), "it is {value}");
        Ok(Some(()))
    })
    .await
}

async fn vanishes(prometheus: &Prometheus, query: &str) -> anyhow::Result<()> {
    wait::until(&format!("{query} gives nothing"), LIMIT, async || {
        let found = prometheus.query(query).await?;
        Ok(found.0.is_empty().then_some(()))
    })
    .await
}

pub(crate) async fn prometheus_answers_what_was_steered(world: &'static World) -> anyhow::Result<()> {
    let exporter = Exporter::start()?;
    let of = |color: &str| Labels {
        cluster: "aws".to_owned(),
        namespace: "shop".to_owned(),
        workload: "web".to_owned(),
        color: color.to_owned(),
        ..Labels::default()
    };
    exporter.steer(of("blue"), Steer::success(1.0));
    exporter.steer(of("green"), Steer::success(0.85));
    let prometheus = world.lab.prometheus(&[exporter.address()], EVERY).await?;
    let (blue, green) = (ratio("blue"), ratio("green"));
    becomes(&prometheus, &green, |value| (value - 0.85).abs() < 0.001).await?;
    becomes(&prometheus, &blue, |value| (value - 1.0).abs() < 0.001).await?;
    let late = "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[2s])))";
    becomes(&prometheus, late, |value| value > 0.005 && value <= 0.01).await?;

    exporter.steer(of("green"), Steer::success(0.95));
    becomes(&prometheus, &green, |value| (value - 0.95).abs() < 0.001).await?;
    exporter.steer(of("green"), Steer::idle());
    becomes(&prometheus, &green, f64::is_nan).await?;
    exporter.steer(of("green"), Steer::NaN);
    becomes(&prometheus, "sum(http_requests_total{color=\"green\"})", f64::is_nan).await?;
    exporter.steer(of("green"), Steer::Absent);
    vanishes(&prometheus, &green).await?;
    exporter.gauge("queue_length", Some(f64::INFINITY));
    becomes(&prometheus, "queue_length", f64::is_infinite).await
}

pub(crate) async fn prometheus_sees_what_the_data_plane_answers(world: &'static World) -> anyhow::Result<()> {
    let shop = Shop::new(world, "gcp", "lab-metrics").await?;
    shop.color("green", "shop:2", 2).await?;
    shop.ready("green", 2).await?;
    let plane = shop.plane(DataPlaneOptions::default()).await?;
    plane.behave(Who::color("green"), Behavior::failing(0.25));
    let exporter = Exporter::start()?;
    exporter.follow(&plane, "shop");
    let _users = Generator::start(vec![Target::new(&plane, "shop-green")], Load::default());
    let prometheus = world.lab.prometheus(&[exporter.address()], EVERY).await?;
    becomes(&prometheus, &ratio("green"), |value| (value - 0.75).abs() < 0.05).await?;
    let query = "sum(http_requests_total{cluster=\"gcp\",namespace=\"lab-metrics\",version=\"2\"})";
    becomes(&prometheus, query, |value| value > 20.0).await
}

/// Tests see what a Thanos or a gateway would say, and what was asked of it.
pub(crate) async fn the_front_answers_as_it_is_told(world: &'static World) -> anyhow::Result<()> {
    let exporter = Exporter::start()?;
    let prometheus = world.lab.prometheus(&[exporter.address()], EVERY).await?;
    let front = prometheus.front()?;
    let ask = async || front.get("/api/v1/query?query=up").await;
    let (status, text) = ask().await?;
    ensure!(status == 200 && text.contains("\"status\":\"success\"") && !text.contains("warnings"), "{text}");
    front.set(Answering::WithWarnings(vec!["store is gone".to_owned()]));
    let (_, text) = ask().await?;
    let envelope: serde_json::Value = serde_json::from_str(&text)?;
    ensure!(envelope["warnings"] == json!(["store is gone"]), "{text}");
    ensure!(envelope["data"]["resultType"] == "vector", "{text}");
    front.set(Answering::Page(503, "<html>".to_owned()));
    ensure!(ask().await? == (503, "<html>".to_owned()), "it is no page");
    front.set(Answering::Broken);
    ensure!(ask().await.is_err(), "it answers");
    let seen = front.seen();
    ensure!(seen.len() == 4 && seen[0].target == "/api/v1/query?query=up", "{seen:?}");
    Ok(())
}

/// Nothing of it stays when the test that wants it is gone, nor when only its leash is killed.
pub(crate) async fn prometheus_ends_with_its_leash(world: &'static World) -> anyhow::Result<()> {
    let exporter = Exporter::start()?;
    let dropped = world.lab.prometheus(&[exporter.address()], EVERY).await?;
    let killed = world.lab.prometheus(&[exporter.address()], EVERY).await?;
    let fronts = [dropped.front()?, killed.front()?];
    drop(dropped);
    let leash = i32::try_from(killed.leash_id()).ok().and_then(Pid::from_raw).context("no process id")?;
    rustix::process::kill_process(leash, Signal::KILL)?;
    for front in fronts {
        wait::until("nobody answers", LIMIT, async || {
            let (status, _) = front.get("/-/ready").await?;
            // The front is there, and what it stands before is not.
            Ok((status == 502).then_some(()))
        })
        .await?;
    }
    Ok(())
}
