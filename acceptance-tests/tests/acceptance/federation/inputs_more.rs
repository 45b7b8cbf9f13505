//! What users get wrong, continued: texts that are no YAML, that explode, or are too much; names, numbers and nulls.
//!
//! All of it stands in one configuration, each case in a federation of its own, so that one plan refuses all of it.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::ensure;

use super::hcl::{REQUIRED, config_map, deployment, provider_for, resource};
use super::look;
use crate::world::{Scenario, World};

/// What one case says, and what its error must contain.
struct Case {
    name: &'static str,
    /// The arguments of the federation beside its name and members.
    resources: String,
    expected: &'static [&'static str],
}

const NAMESPACE: &str = "t-inputs-more";

fn manifest(name: &'static str, text: &str, expected: &'static [&'static str]) -> Case {
    Case { name, resources: resource("it", text, ""), expected }
}

fn with(name: &'static str, arguments: &str, expected: &'static [&'static str]) -> Case {
    let web = deployment(NAMESPACE, "web", "web:1", 3);
    Case { name, resources: resource("it", &web, arguments), expected }
}

fn raw(name: &'static str, resources: &str, expected: &'static [&'static str]) -> Case {
    Case { name, resources: resources.to_owned(), expected }
}

/// Lists of lists of lists: a few hundred bytes that stand for a thousand million values.
fn bomb() -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(text, "a{level}: &a{level} [{}]", [alias.as_str(); 10].join(", "));
    }
    text
}

fn cases() -> Vec<Case> {
    let settings = config_map(NAMESPACE, "settings", "one");
    let long = "a".repeat(300);
    vec![
        manifest(
            "tabs",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: settings",
            &["Document 1 (line 4)", "not valid YAML"],
        ),
        manifest(
            "quote",
            "apiVersion: v1\nkind: \"ConfigMap\nmetadata: { name: a }",
            &["Document 1 (line 3)"],
        ),
        manifest("anchors", &bomb(), &["aliases"]),
        manifest("itself", "a: &a [*a]", &["alias"]),
        manifest("nowhere", "a: *b", &["alias", "anchor"]),
        manifest("deep", &format!("a: {}{}", "[".repeat(2000), "]".repeat(2000)), &["Document 1 (line 1)"]),
        manifest(
            "key",
            "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: { name: a }",
            &["key comes twice"],
        ),
        manifest(
            "twice",
            &format!("{settings}\n---\n{settings}"),
            &["ConfigMap t-inputs-more/settings", "Document 2 (line 6)"],
        ),
        manifest("scalar", "just text", &["not a Kubernetes object"]),
        manifest("items", "apiVersion: v1\nkind: List\nitems: 3", &["`items` is not a list"]),
        manifest(
            "infinite",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\nspec: .inf",
            &["not finite"],
        ),
        manifest("name", &config_map(NAMESPACE, &long, "one"), &["metadata.name"]),
        raw("large", "    it = { manifest = file(\"large.yaml\") }\n", &["10485760 bytes", "1048576"]),
        with(
            "negative",
            "replicas = { clusters = { aws = { weight = -1 } } }",
            &["replicas.clusters[\"aws\"].weight", "from 0 to"],
        ),
        with("nobody", "replicas = { clusters = { aws = { weight = 0 } } }", &["replicas", "weight"]),
        with("many", "replicas = { total = 1e30 }", &["replicas.total"]),
        with("crossed", "replicas = { clusters = { aws = { min = 3, max = 2 } } }", &["replicas", "min"]),
        with(
            "stranger",
            "overrides = [{ clusters = [\"mars\"], patch = \"[]\" }]",
            &["overrides[0]", "`mars`"],
        ),
        with("void", "overrides = [null]", &["overrides[0]"]),
        with("unnamed", "placement = { clusters = [null] }", &["placement.clusters[0]"]),
        with("unlabelled", "placement = { match_labels = { tier = null } }", &["match_labels[\"tier\"]"]),
        raw("nothing", "    it = null\n", &["resources[\"it\"]", "null"]),
        raw("empty", "    it = { manifest = null }\n", &["resources[\"it\"]", "manifest"]),
    ]
}

fn configuration(world: &World, cases: &[Case]) -> String {
    let mut text = format!("{REQUIRED}{}", provider_for(world, &["aws"]));
    for Case { name, resources, .. } in cases {
        let _ = writeln!(
            text,
            "resource \"multicluster_federation\" \"{name}\" {{\n  name = \"t-inputs-{name}\"\n  members = {{ aws = {{}} }}\n  resources = {{\n{resources}\n  }}\n}}"
        );
    }
    text
}

/// The errors of one federation.
fn errors<'a>(said: &'a [String], case: &str) -> Vec<&'a str> {
    let address = format!("with multicluster_federation.{case},");
    said.iter().map(String::as_str).filter(|error| error.contains(&address)).collect()
}

pub(crate) async fn of_all_kinds_are_refused_at_plan(world: &'static World) -> anyhow::Result<()> {
    let cases = cases();
    let scenario = Scenario::new(world, REQUIRED).await?;
    let line = "# nothing but a comment, sixty-four bytes of it, many times over\n";
    let large = format!("{}\n", line.repeat(10 * 1024 * 1024 / line.len() + 1));
    std::fs::write(scenario.terraform.directory().join("large.yaml"), &large[..10 * 1024 * 1024])?;
    scenario.write(&configuration(world, &cases))?;
    let begun = Instant::now();
    let plan = scenario.terraform.plan(None).await?;
    let took = begun.elapsed();
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    let words =
        |error: &str| error.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<String> = plan.stderr.split("Error: ").map(words).collect();
    let mut failures = Vec::new();
    for Case { name, expected, .. } in &cases {
        let errors = errors(&said, name);
        let all = errors.join("\n");
        if errors.is_empty() {
            failures.push(format!("{name}: nothing was said"));
        }
        for part in expected.iter().chain(&["resources[\"it\"]"]) {
            if !all.contains(part) {
                failures.push(format!("{name}: no `{part}` in: {all}"));
            }
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    ensure!(!plan.stderr.contains("panicked"), "{}", plan.stderr);
    ensure!(took.as_secs() < 30, "it took {took:?}");
    ensure!(!look::has_namespace(world, "aws", NAMESPACE).await?, "something was written");
    Ok(())
}

/// Terraform itself refuses bytes that are no text, and a name that is too long is refused with its attribute.
pub(crate) async fn that_are_no_text_or_too_long_are_refused(world: &'static World) -> anyhow::Result<()> {
    let long = "a".repeat(300);
    let scenario = Scenario::new(world, REQUIRED).await?;
    std::fs::write(scenario.terraform.directory().join("latin1.yaml"), b"kind: \xe4\xf6\xfc")?;
    let text = |name: &str, member: &str, manifest: &str| {
        format!(
            "{REQUIRED}{}resource \"multicluster_federation\" \"it\" {{\n  name = {name:?}\n  members = {{ {member} = {{}} }}\n  resources = {{ it = {{ manifest = {manifest} }} }}\n}}\n",
            provider_for(world, &["aws"])
        )
    };
    let cases = [
        (text("t-latin1", "aws", "file(\"latin1.yaml\")"), "UTF-8"),
        (text(&long, "aws", "\"\""), "Invalid federation name"),
        (text("t-long-member", &long, "\"\""), "Invalid cluster name"),
    ];
    for (text, words) in cases {
        scenario.write(&text)?;
        let plan = scenario.terraform.plan(None).await?;
        ensure!(plan.code == Some(1), "{words}: {}", plan.stdout);
        ensure!(crate::world::said(&plan).contains(words), "no `{words}` in:\n{}", plan.stderr);
    }
    Ok(())
}
