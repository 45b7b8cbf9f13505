//! Builds the programs of the library and runs them as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::programs::{self, Once};
use crate::world::World;

/// Nothing that is run here takes that long.
const PATIENCE: Duration = Duration::from_secs(180);

static CLI: Once<PathBuf> = OnceLock::new();
static EXAMPLE: Once<PathBuf> = OnceLock::new();

/// What a program said, and its exit code.
pub(crate) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    /// Fails unless it ended with this code and said all of this. How wide columns are does not matter.
    pub(crate) fn expect(self, code: i32, sentences: &[&str]) -> anyhow::Result<Self> {
        ensure!(
            self.code == Some(code),
            "exit code {:?}, expected {code}:\n{}\n{}",
            self.code,
            self.out,
            self.err
        );
        let (out, err) = (narrow(&self.out), narrow(&self.err));
        for sentence in sentences {
            let wanted = narrow(sentence);
            ensure!(
                out.contains(&wanted) || err.contains(&wanted),
                "no `{sentence}` in:\n{}\n{}",
                self.out,
                self.err
            );
        }
        Ok(self)
    }
}

/// A text with one blank wherever there are several.
fn narrow(text: &str) -> String {
    let lines =
        text.lines().map(|line| line.split(' ').filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs `multicluster`.
pub(crate) async fn cli(arguments: &[&str]) -> anyhow::Result<Said> {
    let program = programs::once(&CLI, || build("multicluster-cli", "--bin", "multicluster"))?;
    run(program, arguments).await
}

/// Runs the library's example `federate`.
pub(super) async fn federate(arguments: &[&str]) -> anyhow::Result<Said> {
    let program = programs::once(&EXAMPLE, || build("multicluster", "--example", "federate"))?;
    run(program, arguments).await
}

async fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<Said> {
    let output = tokio::process::Command::new(program)
        .args(arguments)
        // Neither program may find a cluster that it was not told of.
        .env("KUBECONFIG", "/nowhere")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .with_context(|| format!("{} {arguments:?} did not end", program.display()))??;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
}

fn build(package: &str, kind: &str, name: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--message-format=json-render-diagnostics", "--package", package, kind, name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cannot build {name}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo named no executable")
}

/// A kubeconfig with these contexts, each leading to a URL as if it were the cluster of that name.
pub(crate) fn kubeconfig(world: &World, contexts: &[(&str, &str)]) -> String {
    let named = |name: &str, field: &str, value: Value| {
        let mut entry = json!({ "name": name });
        entry[field] = value;
        entry
    };
    let all = |entry: &dyn Fn(&str, &str) -> Value| -> Vec<Value> {
        contexts.iter().map(|(name, host)| entry(name, host)).collect()
    };
    json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": all(&|name, host| {
            let ca = STANDARD.encode(&world.lab.cluster(name).ca_pem);
            named(name, "cluster", json!({ "server": host, "certificate-authority-data": ca }))
        }),
        "users": all(&|name, _| named(name, "user", json!({ "token": world.lab.cluster(name).token }))),
        "contexts": all(&|name, _| named(name, "context", json!({ "cluster": name, "user": name }))),
    })
    .to_string()
}
