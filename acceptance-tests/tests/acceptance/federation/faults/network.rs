//! Connections and answers that are late, broken or wrong.

use std::time::{Duration, Instant};

use acceptance_tests::lab::wait;
use acceptance_tests::{Fault, Harm};
use anyhow::{Context as _, ensure};

use super::super::hcl::{deployment, resource};
use super::super::look;
use super::scene::{
    ILL, SOON, WELL, behind_proxy, converges, destroyed, expect_failure, harm, on_both_with, settings, value,
};
use crate::world::{Scenario, World, said};

/// The path of the object that the trials change.
const SETTINGS: &str = "/configmaps/settings";

pub(crate) async fn a_slow_member_is_waited_for(world: &'static World) -> anyhow::Result<()> {
    let name = "t-slow";
    let (proxy, entry) = behind_proxy(world).await?;
    proxy.set(Fault::Slow(Duration::from_millis(75))).await?;
    let text = |value: &str| on_both_with(world, &entry, name, "", &settings(name, value));
    let scenario = Scenario::new(world, &text("one")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.apply(&text("two")).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "the change was not made");
    destroyed(world, &scenario, name).await
}

/// Load, a server that starts again, a gateway without a backend, a broken connection: what passes soon is nobody's
/// trouble.
pub(crate) async fn requests_that_fail_for_a_while_are_sent_again(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-for-a-while";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = |value: &str| on_both_with(world, &entry, name, "", &settings(name, value));
    let scenario = Scenario::new(world, &text("none")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let refused = |status, retry_after| Harm::Refused { status, retry_after };
    let faults = [
        ("throttled", harm("", "", 3, refused(429, Some(1)))),
        ("unavailable", harm("PATCH", SETTINGS, 3, refused(503, None))),
        ("gateway", harm("", "", 2, Harm::Page(502))),
        ("half-a-write", harm("PATCH", SETTINGS, 1, Harm::HalfAnswered)),
        ("half-a-list", harm("GET", "labelSelector", 1, Harm::HalfAnswered)),
    ];
    for (case, fault) in faults {
        let before = proxy.harmed();
        proxy.set(fault).await?;
        scenario.apply(&text(case)).await.context(case)?;
        ensure!(proxy.harmed() > before, "{case}: nothing was harmed");
        ensure!(value(world, ILL, name).await?.as_deref() == Some(case), "{case}: not applied");
        proxy.set(Fault::None).await?;
        scenario.expect_no_changes().await.context(case)?;
    }
    destroyed(world, &scenario, name).await
}

/// What does not pass is an error of that cluster and object alone.
pub(crate) async fn requests_that_fail_are_named_and_done_by_the_next_apply(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-failing";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = |value: &str| on_both_with(world, &entry, name, "", &settings(name, value));
    let scenario = Scenario::new(world, &text("none")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let refused = |status| Harm::Refused { status, retry_after: None };
    let object = "ConfigMap t-failing/settings";
    let faults = [
        ("throttled", harm("PATCH", SETTINGS, 99, refused(429)), "429"),
        ("broken", harm("PATCH", SETTINGS, 99, refused(500)), "the API server failed"),
        ("forbidden", harm("PATCH", SETTINGS, 99, refused(403)), "not allowed"),
        ("half", harm("PATCH", SETTINGS, 99, Harm::HalfAnswered), "the connection was closed"),
    ];
    for (case, fault, words) in faults {
        proxy.set(fault).await?;
        scenario.write(&text(case))?;
        let expected = ["Cluster `gcp` failed", "Cluster `aws` is done", object, words];
        expect_failure(&scenario, &expected).await.context(case)?;
        ensure!(value(world, WELL, name).await?.as_deref() == Some(case), "{case}: {WELL} was held up");
        proxy.set(Fault::None).await?;
        converges(&scenario).await.context(case)?;
        ensure!(value(world, ILL, name).await?.as_deref() == Some(case), "{case}: not healed");
    }
    destroyed(world, &scenario, name).await
}

/// A create that fails on one member when it is done on the other: the next apply comes to its end on both.
pub(crate) async fn a_create_that_fails_on_one_member_is_made_again(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-one-fails";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = on_both_with(world, &entry, name, "", &settings(name, "one"));
    let scenario = Scenario::new(world, &text).await?;
    proxy.set(harm("PATCH", SETTINGS, 99, Harm::Refused { status: 500, retry_after: None })).await?;
    let expected = ["Cluster `gcp` failed", "ConfigMap t-one-fails/settings", "Cluster `aws` is done"];
    expect_failure(&scenario, &expected).await?;
    ensure!(value(world, WELL, name).await?.as_deref() == Some("one"), "{WELL} was held up");
    // The next one fails as well: its record is made, and the connection breaks before we hear of it.
    proxy.set(harm("POST", "/configmaps", 1, Harm::HalfAnswered)).await?;
    expect_failure(&scenario, &["Cluster `gcp` failed", "the federation's record"]).await?;
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("one"), "not made");
    destroyed(world, &scenario, name).await
}

/// The record is written, and the connection breaks before we hear of it: in an update and in a destroy.
pub(crate) async fn a_record_whose_answer_is_lost_is_found_again(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-record";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = |value: &str| on_both_with(world, &entry, name, "", &settings(name, value));
    let scenario = Scenario::new(world, &text("one")).await?;
    let lost = |method| harm(method, "/configmaps", 1, Harm::HalfAnswered);
    scenario.terraform.apply(None).await?.ok()?;

    proxy.set(lost("PUT")).await?;
    scenario.write(&text("two"))?;
    let update = scenario.terraform.apply(None).await?;
    ensure!(proxy.harmed() == 1, "no record was changed");
    ensure!(update.code == Some(0) || said(&update).contains("Cluster `gcp` failed"), "{}", update.stderr);
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "the change was not made");

    proxy.set(lost("DELETE")).await?;
    scenario.terraform.destroy().await?;
    ensure!(proxy.harmed() == 2, "nothing was deleted");
    proxy.set(Fault::None).await?;
    destroyed(world, &scenario, name).await
}

/// Half a list is not a short list: nothing is planned to be made again or removed because of it.
pub(crate) async fn a_list_that_breaks_off_is_no_absence(world: &'static World) -> anyhow::Result<()> {
    let name = "t-half-list";
    let (proxy, entry) = behind_proxy(world).await?;
    let text = on_both_with(world, &entry, name, "", &settings(name, "one"));
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    proxy.set(harm("GET", "labelSelector", 99, Harm::HalfAnswered)).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(proxy.harmed() > 0, "nothing was listed");
    ensure!(plan.code == Some(0), "half a list was believed:\n{}\n{}", plan.stdout, plan.stderr);
    ensure!(plan.stdout.contains("Cannot read cluster `gcp`"), "no warning:\n{}", plan.stdout);
    proxy.set(Fault::None).await?;
    scenario.expect_no_changes().await?;
    destroyed(world, &scenario, name).await
}

fn with_web(world: &World, entry: &str, name: &str, image: &str, arguments: &str) -> String {
    let mut resources = settings(name, "one");
    resources.push(resource("web", &deployment(name, "web", image, 1), ""));
    on_both_with(world, entry, name, arguments, &resources)
}

/// Waits until the Deployment is there: the apply is waiting for its pods.
async fn until_applied(world: &World, name: &str) -> anyhow::Result<()> {
    let api = look::deployments(world, ILL, name).await?;
    wait::until("the Deployment is there", SOON, async || Ok(api.get_opt("web").await?.map(|_| ()))).await
}

pub(crate) async fn a_cut_that_heals_in_time_is_survived(world: &'static World) -> anyhow::Result<()> {
    let name = "t-cut-short";
    let (proxy, entry) = behind_proxy(world).await?;
    let scenario = Scenario::new(world, &with_web(world, &entry, name, "web:slow-4s", "")).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    until_applied(world, name).await?;
    proxy.set(Fault::Cut).await?;
    let ready = async || Ok((look::replicas(world, ILL, name, "web").await? == (1, 1)).then_some(()));
    wait::until("it is ready behind the cut", SOON, ready).await?;
    proxy.set(Fault::None).await?;
    run.wait().await?.ok()?;
    scenario.expect_no_changes().await?;
    destroyed(world, &scenario, name).await
}

pub(crate) async fn a_cut_that_lasts_ends_with_the_timeout(world: &'static World) -> anyhow::Result<()> {
    let name = "t-cut-long";
    let (proxy, entry) = behind_proxy(world).await?;
    let timeouts = "  timeouts = { update = \"8s\" }";
    let before = on_both_with(world, &entry, name, timeouts, &settings(name, "one"));
    let scenario = Scenario::new(world, &before).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.write(&with_web(world, &entry, name, "web:slow-2s", timeouts))?;
    let begun = Instant::now();
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    until_applied(world, name).await?;
    proxy.set(Fault::Cut).await?;
    let apply = run.wait().await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    for part in ["Cluster `gcp` failed", "Deployment t-cut-long/web", "connection refused", "`aws` is done"] {
        ensure!(said(&apply).contains(part), "no `{part}` in:\n{}", apply.stderr);
    }
    ensure!(begun.elapsed().as_secs() < 40, "it took {:?}", begun.elapsed());
    ensure!(look::replicas(world, WELL, name, "web").await? == (1, 1), "{WELL} was held up");
    proxy.set(Fault::None).await?;
    // Longer than the lease that could not be given back.
    scenario.write(&with_web(world, &entry, name, "web:slow-2s", "  timeouts = { update = \"1m\" }"))?;
    converges(&scenario).await?;
    destroyed(world, &scenario, name).await
}
