//! What users get wrong, refused at plan with the attribute's path and before anything is touched.

use anyhow::ensure;

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider, provider_for, resource};
use super::look;
use crate::world::{Scenario, World, said};

/// Configurations and what their error must say.
fn cases(world: &World) -> Vec<(&'static str, String, Vec<&'static str>)> {
    let with = |resources: String| {
        format!(
            "{REQUIRED}{}{}",
            provider_for(world, &["aws"]),
            federation("t-inputs", &["aws"], "", &resources)
        )
    };
    let web = deployment("t-inputs", "web", "web:1", 3);
    let settings = config_map("t-inputs", "settings", "one");
    let connection = |entry: &str| {
        let provider = provider(&[entry.to_owned()]);
        format!("{REQUIRED}{provider}{}", federation("t-inputs", &["aws"], "", ""))
    };
    vec![
        (
            "yaml that is none",
            with(resource("web", "a: [", "")),
            vec!["Invalid manifest", "resources[\"web\"]", "manifest"],
        ),
        ("an object without a kind", with(resource("web", "apiVersion: v1", "")), vec!["`kind`"]),
        (
            "a secret in a manifest",
            with(resource(
                "s",
                "apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: d }\nstringData: { password: hunter2 }",
                "",
            )),
            vec!["Secret d/s holds data"],
        ),
        (
            "the same object twice",
            with([resource("one", &settings, ""), resource("two", &settings, "")].concat()),
            vec!["stands in `one` as well"],
        ),
        (
            "a placement on a stranger",
            with(resource("web", &web, "placement = { clusters = [\"mars\"] }")),
            vec!["`mars`", "placement"],
        ),
        (
            "more replicas than the bounds allow",
            with(resource("web", &web, "replicas = { total = 9, clusters = { aws = { max = 2 } } }")),
            vec!["replicas", "9", "at most 2"],
        ),
        (
            "a share for a member without the object",
            with(resource("web", &web, "replicas = { clusters = { mars = { weight = 2 } } }")),
            vec!["`mars` has a share"],
        ),
        (
            "a fraction of a replica",
            with(resource("web", &web, "replicas = { total = 1.5 }")),
            vec!["whole number"],
        ),
        (
            "a patch that is no JSON",
            with(resource("web", &web, "overrides = [{ patch = \"no\" }]")),
            vec!["Invalid patch", "overrides[0]"],
        ),
        (
            "a patch of the name",
            with(resource(
                "web",
                &web,
                "overrides = [{ patch = jsonencode([{ op = \"replace\", path = \"/metadata/name\", value = \"x\" }]) }]",
            )),
            vec!["/metadata/name"],
        ),
        (
            "a patch of nothing",
            with(resource(
                "web",
                &web,
                "overrides = [{ patch = jsonencode([{ op = \"replace\", path = \"/spec/nothing\", value = 1 }]) }]",
            )),
            vec!["/spec/nothing", "Deployment t-inputs/web on `aws`"],
        ),
        (
            "an override that could be for two objects",
            with(resource(
                "both",
                &format!("{settings}\n---\n{}", settings.replace("name: settings", "name: more")),
                "overrides = [{ patch = \"[]\" }]",
            )),
            vec!["target = { kind"],
        ),
        (
            "two forms of connection",
            connection("aws = { host = \"https://x\", kubeconfig = \"x\" }\n"),
            vec!["Conflicting connection"],
        ),
        ("no form of connection", connection("aws = { token = \"x\" }\n"), vec!["Missing connection"]),
        ("a host without TLS", connection("aws = { host = \"http://x\" }\n"), vec!["https://"]),
        (
            "a member that is not configured",
            connection("azure = { host = \"https://127.0.0.1:1\" }\n"),
            vec!["has no entry `aws`"],
        ),
        (
            "a bad name",
            format!(
                "{REQUIRED}{}{}",
                provider_for(world, &["aws"]),
                federation("Bad_Name", &["aws"], "", "")
            ),
            vec!["Invalid federation name"],
        ),
        (
            "an engine that does not exist",
            format!(
                "{REQUIRED}{}{}",
                provider_for(world, &["aws"]),
                federation("t-inputs", &["aws"], "  engine = \"steam\"", "")
            ),
            vec!["engine", "push"],
        ),
        (
            "a timeout that is none",
            format!(
                "{REQUIRED}{}{}",
                provider_for(world, &["aws"]),
                federation("t-inputs", &["aws"], "  timeouts = { create = \"soon\" }", "")
            ),
            vec!["timeouts"],
        ),
    ]
}

pub(crate) async fn are_refused_at_plan_with_their_path(world: &'static World) -> anyhow::Result<()> {
    let scenario = Scenario::new(world, REQUIRED).await?;
    let mut failures = Vec::new();
    for (case, text, expected) in cases(world) {
        scenario.write(&text)?;
        let plan = scenario.terraform.plan(None).await?;
        let said = said(&plan);
        for part in expected {
            if !said.contains(part) {
                failures.push(format!("{case}: no `{part}` in:\n{}\n{}", plan.stderr, plan.stdout));
            }
        }
        if plan.code != Some(1) || said.contains("hunter2") {
            failures.push(format!("{case}: code {:?}:\n{}", plan.code, plan.stderr));
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    ensure!(!look::has_namespace(world, "aws", "t-inputs").await?, "something was written");
    Ok(())
}

pub(crate) async fn deletion_protection_protects(world: &'static World) -> anyhow::Result<()> {
    let name = "t-protected";
    let text = |protected: bool| {
        let arguments = format!("  deletion_protection = {protected}");
        format!(
            "{REQUIRED}{}{}",
            provider_for(world, &["aws"]),
            federation(name, &["aws"], &arguments, &namespace(name))
        )
    };
    let scenario = Scenario::new(world, &text(true)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let destroy = scenario.terraform.destroy().await?;
    ensure!(destroy.code == Some(1) && said(&destroy).contains("protected"), "{}", destroy.stderr);
    ensure!(look::has_namespace(world, "aws", name).await?, "it was destroyed");
    scenario.apply(&text(false)).await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}
