//! What interruptions, kills and failures leave: each row of the table in docs/ARCHITECTURE.md.

use std::time::Duration;

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

/// How long a test waits for something to show on a cluster.
const SOON: Duration = Duration::from_secs(60);
/// Kills at a time: most of each is waiting for a dead apply's lease to expire.
const AT_A_TIME: usize = 6;
/// The variable by which the provider under test is told where to die.
const FAILPOINTS: &str = "MULTICLUSTER_FAILPOINTS";

fn with_web(world: &World, name: &str, image: &str, more: &str) -> String {
    let web = resource("web", &deployment(name, "web", image, 1), "");
    let resources = [namespace(name), web, more.to_owned()].concat();
    format!(
        "{REQUIRED}{}{}",
        provider_for(world, &["aws", "azure"]),
        federation(name, &["aws", "azure"], "", &resources)
    )
}

fn with_settings(world: &World, name: &str, value: &str) -> String {
    let resources =
        [namespace(name), resource("settings", &config_map(name, "settings", value), "")].concat();
    // Records of its own, so that nobody else makes or needs their namespace.
    let arguments = format!("  inventory_namespace = {:?}", records(name));
    format!(
        "{REQUIRED}{}{}",
        provider_for(world, &["gcp"]),
        federation(name, &["gcp"], &arguments, &resources)
    )
}

fn records(name: &str) -> String {
    format!("{name}-records")
}

async fn value(world: &World, namespace: &str) -> anyhow::Result<Option<String>> {
    let found = look::config_maps(world, "gcp", namespace).await?.get_opt("settings").await?;
    Ok(found.and_then(|it| it.data).and_then(|mut data| data.remove("key")))
}

/// Waits until the namespace of the records has gone, which nobody waits for otherwise: it is empty.
async fn until_no_record(world: &World, name: &str) -> anyhow::Result<()> {
    let gone = async || Ok((!look::has_namespace(world, "gcp", &records(name)).await?).then_some(()));
    wait::until("the namespace of the records is gone", SOON, gone).await
}

/// Waits until the Deployment is there: the apply is in the middle.
async fn until_applied(world: &World, name: &str) -> anyhow::Result<()> {
    let api = look::deployments(world, "azure", name).await?;
    wait::until("the Deployment is there", SOON, async || Ok(api.get_opt("web").await?.map(|_| ()))).await
}

pub(crate) async fn interrupted_once_the_next_apply_goes_on(world: &'static World) -> anyhow::Result<()> {
    let name = "t-interrupted";
    let scenario = Scenario::new(world, &with_web(world, name, "web:slow-20s", "")).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    until_applied(world, name).await?;
    run.interrupt()?;
    let apply = run.wait().await?;
    ensure!(apply.code == Some(1), "{apply:?}");
    ensure!(apply.stdout.contains("The next apply goes on with it"), "{}\n{}", apply.stdout, apply.stderr);
    let resource = scenario.terraform.show_json(None).await?["values"]["root_module"]["resources"][0].clone();
    ensure!(resource["tainted"].is_null(), "an interruption tainted it: {resource:#}");
    let sync = resource["values"]["sync"]["aws"].as_str().context("no sync")?.to_owned();
    ensure!(sync.starts_with("incomplete-"), "{sync}");

    let plan = scenario.plan_json().await?;
    let actions = plan["resource_changes"][0]["change"]["actions"].to_string();
    ensure!(actions == "[\"update\"]", "{actions}");
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(look::replicas(world, "aws", name, "web").await? == (1, 1), "it is not ready");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn interrupted_twice_nothing_is_lost(world: &'static World) -> anyhow::Result<()> {
    let name = "t-twice-interrupted";
    let scenario = Scenario::new(world, &with_web(world, name, "web:slow-20s", "")).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    until_applied(world, name).await?;
    run.interrupt()?;
    run.interrupt()?;
    let apply = run.wait().await?;
    ensure!(apply.code == Some(1), "{apply:?}");
    // With or without a state, the record on the clusters is there and the next apply goes on.
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "azure", name).await?, "something is left");
    Ok(())
}

/// All points that an operation passes, as `name#nth`.
fn points(record: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let hits = std::fs::read_to_string(record).context("no failpoint was hit")?;
    let mut counted = std::collections::BTreeMap::new();
    let mut points = Vec::new();
    for name in hits.lines() {
        let nth = counted.entry(name).and_modify(|nth| *nth += 1).or_insert(1);
        points.push(format!("{name}#{nth}"));
    }
    ensure!(points.len() > 3, "too few points: {points:?}");
    Ok(points)
}

/// Runs `operation` once with every point recorded, then once per point with a kill there, each in a federation of
/// its own, and `check`s what comes after. The points in `elsewhere` have tests of their own.
async fn kill_everywhere<P, O, C>(
    prefix: &str,
    elsewhere: &[&str],
    prepare: P,
    operation: O,
    check: C,
) -> anyhow::Result<()>
where
    P: AsyncFn(&str, &[(&str, &str)]) -> anyhow::Result<Scenario>,
    O: AsyncFn(&Scenario, &str, &[(&str, &str)]) -> anyhow::Result<Option<i32>>,
    C: AsyncFn(&Scenario, &str) -> anyhow::Result<()>,
{
    let record = tempfile::NamedTempFile::new()?;
    let name = format!("{prefix}-all");
    let scenario = prepare(&name, &[]).await?;
    let setting = format!("record={}", record.path().display());
    ensure!(
        operation(&scenario, &name, &[(FAILPOINTS, &setting)]).await? == Some(0),
        "it fails without a kill"
    );
    check(&scenario, &name).await?;

    let mut points = points(record.path())?;
    points.retain(|point| !elsewhere.iter().any(|other| point.starts_with(other)));
    let killed = |(position, point): (usize, &String)| {
        let (name, point) = (format!("{prefix}-{position}"), point.clone());
        let (prepare, operation, check) = (&prepare, &operation, &check);
        async move {
            let result = async {
                let scenario = prepare(&name, &[]).await?;
                let code = operation(&scenario, &name, &[(FAILPOINTS, &format!("{point}=kill"))]).await?;
                ensure!(code == Some(1), "the kill did not happen: {code:?}");
                ensure!(operation(&scenario, &name, &[]).await? == Some(0), "the next run failed");
                check(&scenario, &name).await
            };
            result.await.with_context(|| format!("killed at {point}"))
        }
    };
    let results: Vec<anyhow::Result<()>> =
        stream::iter(points.iter().enumerate().map(killed)).buffer_unordered(AT_A_TIME).collect().await;
    let failures: Vec<String> =
        results.into_iter().filter_map(|it| it.err().map(|error| format!("{error:#}"))).collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

/// Runs a command with more environment and returns its exit code; a failure is printed for the reader of the test.
async fn code(scenario: &Scenario, env: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Option<i32>> {
    let terraform = env.iter().fold(scenario.terraform.clone(), |it, (name, value)| it.with_env(name, value));
    let output = terraform.run(arguments).await?;
    if env.is_empty() && output.code != Some(0) {
        anyhow::bail!("{:?}\n{}\n{}", output.code, output.stdout, output.stderr);
    }
    Ok(output.code)
}

/// The last point of an apply: all is done, and only Terraform does not know yet.
const AFTER_ALL: &str = "lease-release-after";
const APPLY: [&str; 3] = ["apply", "-input=false", "-auto-approve"];
const DESTROY: [&str; 3] = ["destroy", "-input=false", "-auto-approve"];

pub(crate) async fn killed_anywhere_in_a_create(world: &'static World) -> anyhow::Result<()> {
    kill_everywhere(
        "k-create",
        &[AFTER_ALL],
        async |name, env| Scenario::with(world, &with_settings(world, name, "one"), env).await,
        async |scenario, _, env| code(scenario, env, &APPLY).await,
        async |scenario, name| {
            ensure!(value(world, name).await?.as_deref() == Some("one"), "it was not applied");
            scenario.expect_no_changes().await?;
            ensure!(code(scenario, &[], &DESTROY).await? == Some(0), "destroy failed");
            ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
            until_no_record(world, name).await?;
            Ok(())
        },
    )
    .await
}

/// Everything was made, but the answer never reached Terraform's state: there is a federation, and it is imported.
pub(crate) async fn killed_after_all_of_a_create_it_is_imported(world: &'static World) -> anyhow::Result<()> {
    let name = "t-after-all";
    let scenario = Scenario::new(world, &with_settings(world, name, "one")).await?;
    let killed = code(&scenario, &[(FAILPOINTS, &format!("{AFTER_ALL}=kill"))], &APPLY).await?;
    ensure!(killed == Some(1), "the kill did not happen: {killed:?}");
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("exists already"), "{}", apply.stderr);
    let id = format!("{}/{name}", records(name));
    ensure!(said(&apply).contains(&format!("terraform import <address> {id}")), "{}", apply.stderr);
    scenario.terraform.run(&["import", "multicluster_federation.it", &id]).await?.ok()?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    ensure!(value(world, name).await?.as_deref() == Some("one"), "it was touched");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn killed_anywhere_in_an_update(world: &'static World) -> anyhow::Result<()> {
    let more = |name: &str| {
        with_settings(world, name, "two")
            .replace("settings = {", "renamed = {")
            .replace("name: settings", "name: renamed")
    };
    kill_everywhere(
        "k-update",
        &[],
        async |name, env| {
            let scenario = Scenario::with(world, &with_settings(world, name, "one"), env).await?;
            scenario.terraform.apply(None).await?.ok()?;
            Ok(scenario)
        },
        async |scenario, name, env| {
            scenario.write(&more(name))?;
            code(scenario, env, &APPLY).await
        },
        async |scenario, name| {
            ensure!(value(world, name).await?.is_none(), "the old object is left");
            let renamed = look::config_maps(world, "gcp", name).await?.get_opt("renamed").await?;
            ensure!(renamed.is_some(), "the new object is missing");
            scenario.expect_no_changes().await?;
            ensure!(code(scenario, &[], &DESTROY).await? == Some(0), "destroy failed");
            ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
            Ok(())
        },
    )
    .await
}

pub(crate) async fn killed_anywhere_in_a_destroy(world: &'static World) -> anyhow::Result<()> {
    kill_everywhere(
        "k-destroy",
        &[],
        async |name, env| {
            let scenario = Scenario::with(world, &with_settings(world, name, "one"), env).await?;
            scenario.terraform.apply(None).await?.ok()?;
            Ok(scenario)
        },
        async |scenario, _, env| code(scenario, env, &DESTROY).await,
        async |_, name| {
            ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
            until_no_record(world, name).await
        },
    )
    .await
}

/// The namespace of the records is somebody else's: it stays, and the record goes.
pub(crate) async fn killed_anywhere_in_a_destroy_beside_others(world: &'static World) -> anyhow::Result<()> {
    kill_everywhere(
        "k-beside",
        &[],
        async |name, env| {
            look::make_namespace(world, "gcp", &records(name)).await?;
            let scenario = Scenario::with(world, &with_settings(world, name, "one"), env).await?;
            scenario.terraform.apply(None).await?.ok()?;
            Ok(scenario)
        },
        async |scenario, _, env| code(scenario, env, &DESTROY).await,
        async |_, name| {
            ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
            let record = format!("federation.{name}.default");
            let left = look::config_maps(world, "gcp", &records(name)).await?.get_opt(&record).await?;
            ensure!(left.is_none(), "the record is left");
            ensure!(
                look::has_namespace(world, "gcp", &records(name)).await?,
                "somebody else's namespace is gone"
            );
            Ok(())
        },
    )
    .await
}

pub(crate) async fn a_failed_create_is_replaced_cleanly(world: &'static World) -> anyhow::Result<()> {
    let name = "t-failed";
    let extra = resource("extra", &config_map(name, "extra", "one"), "");
    let scenario = Scenario::new(world, &with_web(world, name, "web:noimage", &extra)).await?;
    let apply = scenario.terraform.apply(None).await?;
    ensure!(apply.code == Some(1), "{}", apply.stdout);
    ensure!(said(&apply).contains("ImagePull"), "{}", apply.stderr);
    ensure!(
        look::inventory(world, "aws", name).await?.is_some_and(|it| it["state"] == "incomplete"),
        "no record"
    );

    scenario.write(&with_web(world, name, "web:2", ""))?;
    let plan = scenario.plan_json().await?;
    let actions = plan["resource_changes"][0]["change"]["actions"].to_string();
    ensure!(actions == "[\"delete\",\"create\"]", "{actions}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    let extra = look::config_maps(world, "aws", name).await?.get_opt("extra").await?;
    ensure!(extra.is_none(), "what the failed create made is left");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

pub(crate) async fn an_existing_federation_is_not_taken_over(world: &'static World) -> anyhow::Result<()> {
    let name = "t-exists";
    let text = with_settings(world, name, "one");
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let other = Scenario::new(world, &text.replace("\"one\"", "\"two\"")).await?;
    let plan = other.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    ensure!(said(&plan).contains("exists already") && said(&plan).contains("import"), "{}", plan.stderr);
    ensure!(value(world, name).await?.as_deref() == Some("one"), "it was taken over");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A state that was left behind by an earlier creation of the federation cannot remove the present one.
pub(crate) async fn a_delete_of_another_instance_touches_nothing(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-instance";
    let text = with_settings(world, name, "one");
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let old = Scenario::new(world, &text).await?;
    let state = "terraform.tfstate";
    std::fs::copy(scenario.terraform.directory().join(state), old.terraform.directory().join(state))?;
    scenario.terraform.destroy().await?.ok()?;
    scenario.terraform.apply(None).await?.ok()?;
    old.terraform.run(&["destroy", "-input=false", "-auto-approve", "-refresh=false"]).await?.ok()?;
    ensure!(value(world, name).await?.as_deref() == Some("one"), "the live federation was removed");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Two configurations with the same state, applied at once: one waits for the other, and both come to their end.
pub(crate) async fn two_applies_take_turns(world: &'static World) -> anyhow::Result<()> {
    let name = "t-turns";
    let first = Scenario::new(world, &with_web(world, name, "web:1", "")).await?;
    first.terraform.apply(None).await?.ok()?;
    let second = Scenario::new(world, &with_web(world, name, "web:slow-3s", "")).await?;
    let state = "terraform.tfstate";
    std::fs::copy(first.terraform.directory().join(state), second.terraform.directory().join(state))?;
    first.write(&with_web(world, name, "web:slow-2s", ""))?;
    let (one, two) = futures::join!(first.terraform.apply(None), second.terraform.apply(None));
    one?.ok()?;
    two?.ok()?;
    for cluster in ["aws", "azure"] {
        let record = look::inventory(world, cluster, name).await?.context("no record")?;
        ensure!(record["state"] == "complete", "{cluster}: {record:#}");
        ensure!(look::replicas(world, cluster, name, "web").await? == (1, 1), "{cluster} is not ready");
    }
    first.terraform.destroy().await?.ok()?;
    Ok(())
}
