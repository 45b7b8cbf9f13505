//! Terraform, with our provider and with the other one.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use acceptance_tests::Terraform;
use acceptance_tests::workload::{Workload, yaml};
use anyhow::{Context as _, ensure};

use super::contender::{Measure, Measured, Operation};
use super::place::{Place, Until};
use super::processes::Taken;

/// For both providers. Ours has one resource; the other one has a resource per object, and ten of them at once, which
/// is Terraform's default, would be less than it can do.
const PARALLELISM: &str = "-parallelism=30";

/// Whether an apply ends when the Deployments are rolled out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    Ignored,
    Awaited,
}

/// How a contender's files are written.
type Write = fn(&Path, &Workload) -> anyhow::Result<()>;

/// Our provider: one federation, a manifest per kind.
pub(super) async fn ours(place: &Place<'_>, rollout: Rollout) -> anyhow::Result<Measured> {
    let mut text = String::from(
        "terraform {\n  required_providers {\n    multicluster = { source = \"multicluster/multicluster\" }\n  }\n}\n\
         provider \"multicluster\" {\n  clusters = {\n",
    );
    for cluster in &place.clusters {
        let (name, path) = (&cluster.context, &cluster.kubeconfig_path);
        writeln!(text, "    {name:?} = {{ kubeconfig_path = {path:?}, context = {name:?} }}")?;
    }
    text.push_str(
        "  }\n}\nresource \"multicluster_federation\" \"it\" {\n  name = \"bench\"\n  members = {\n",
    );
    for cluster in &place.clusters {
        writeln!(text, "    {:?} = {{}}", cluster.context)?;
    }
    write!(text, "  }}\n  wait = {{ rollout = {} }}\n  resources = {{\n", rollout == Rollout::Awaited)?;
    for (kind, _) in place.workload.by_kind() {
        let key = kind.to_lowercase();
        let plain = if kind == "Secret" { ", allow_plain_secrets = true" } else { "" };
        writeln!(text, "    {key} = {{ manifest = file(\"${{path.module}}/{key}.yaml\"){plain} }}")?;
    }
    text.push_str("  }\n}\n");
    run(place, Until::Destroyed, &text, |directory, workload| {
        for (kind, objects) in workload.by_kind() {
            std::fs::write(directory.join(format!("{}.yaml", kind.to_lowercase())), yaml(objects)?)?;
        }
        Ok(())
    })
    .await
}

/// The other provider: an alias and two resources per cluster, the namespace and all that is in it.
pub(super) async fn peer(place: &Place<'_>) -> anyhow::Result<Measured> {
    let mut text = String::from(
        "terraform {\n  required_providers {\n    kubectl = { source = \"gavinbunney/kubectl\" }\n  }\n}\n\
         locals { objects = fileset(path.module, \"objects/*.yaml\") }\n",
    );
    for cluster in &place.clusters {
        let (name, path) = (&cluster.context, &cluster.kubeconfig_path);
        write!(
            text,
            r#"
provider "kubectl" {{
  alias          = {name:?}
  config_path    = {path:?}
  config_context = {name:?}
}}
resource "kubectl_manifest" "namespace_{name}" {{
  provider          = kubectl.{name}
  yaml_body         = file("${{path.module}}/namespace.yaml")
  server_side_apply = true
  wait_for_rollout  = false
}}
resource "kubectl_manifest" "objects_{name}" {{
  provider          = kubectl.{name}
  for_each          = local.objects
  yaml_body         = file("${{path.module}}/${{each.value}}")
  server_side_apply = true
  wait_for_rollout  = false
  depends_on        = [kubectl_manifest.namespace_{name}]
}}
"#
        )?;
    }
    run(place, place.peer_until, &text, |directory, workload| {
        let objects = directory.join("objects");
        std::fs::create_dir_all(&objects)?;
        for (number, object) in workload.objects.iter().enumerate() {
            let path = match number {
                0 => directory.join("namespace.yaml"),
                _ => objects.join(format!("{number:03}.yaml")),
            };
            std::fs::write(path, yaml([object])?)?;
        }
        Ok(())
    })
    .await
}

/// What Terraform itself needs for a plan: one of a resource that is built in, with no provider and no cluster.
pub(super) async fn alone(place: &Place<'_>) -> anyhow::Result<f64> {
    let directory = place.directory()?;
    let terraform = Terraform::new(directory.path(), &place.programs.terraform, place.env("terraform")?);
    std::fs::write(directory.path().join("main.tf"), "resource \"terraform_data\" \"it\" {}\n")?;
    terraform.init().await?.ok()?;
    let begun = Instant::now();
    terraform.run(&["plan", "-input=false"]).await?.ok()?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn run(place: &Place<'_>, until: Until, configuration: &str, write: Write) -> anyhow::Result<Measured> {
    let directory = place.directory()?;
    let terraform = Terraform::new(directory.path(), &place.programs.terraform, place.env("terraform")?);
    std::fs::write(directory.path().join("main.tf"), configuration)?;
    write(directory.path(), &place.workload)?;
    terraform.init().await?.ok()?;

    let apply = ["apply", "-input=false", "-auto-approve", PARALLELISM];
    let plan = ["plan", "-input=false", "-detailed-exitcode", PARALLELISM];
    let destroy = ["destroy", "-input=false", "-auto-approve", PARALLELISM];
    let mut measured = Measured::new();
    measured.push((Operation::Create, command(place, &terraform, &apply).await?));
    place.wait_until_rolled_out().await?;
    measured.push((Operation::PlanOfNothing, command(place, &terraform, &plan).await?));
    if until == Until::Planned {
        place.delete().await?;
        return Ok(measured);
    }
    write(directory.path(), &place.workload.with_one_change())?;
    measured.push((Operation::ChangeOne, command(place, &terraform, &apply).await?));
    measured.push((Operation::Destroy, command(place, &terraform, &destroy).await?));
    Ok(measured)
}

/// Runs a command that must end with exit code 0: for a plan, without changes.
async fn command(place: &Place<'_>, terraform: &Terraform, arguments: &[&str]) -> anyhow::Result<Measure> {
    let mut taken = Taken::default();
    let mut measure = place
        .measure(async {
            let run = terraform.spawn(arguments)?;
            let leader = run.group().context("terraform has ended at once")?;
            let output = tokio::select! {
                output = run.wait() => output?,
                () = taken.watch(leader) => unreachable!("it watches until it is dropped"),
            };
            ensure!(output.code == Some(0), "{:?}\n{}\n{}", output.code, output.stdout, output.stderr);
            Ok(())
        })
        .await
        .with_context(|| format!("terraform {}", arguments.join(" ")))?;
    measure.taken = taken.is_known().then_some(taken);
    Ok(measure)
}
