//! Builds the provider and the programs that test it, as its users' machines would not have to.
//!
//! Works from inside `cargo run` and `cargo test`: cargo lets go of the target directory before it starts what it
//! built. Each variant is copied out of the target directory, because the next build of another variant replaces
//! the file there.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use crate::{cache, progress::Progress, text};

/// The package and the name of its binary.
const PACKAGE: &str = "terraform-provider-multicluster";

/// Which provider is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderVariant {
    /// As `cargo build` makes it.
    Plain,
    /// With the feature `failpoints`, for tests that kill it at a chosen point.
    Failpoints,
    /// As it is released: optimised and stripped. Takes minutes.
    Release,
}

impl ProviderVariant {
    fn program(self) -> Program {
        let (variant, arguments): (_, &'static [&'static str]) = match self {
            Self::Plain => ("plain", &[]),
            Self::Failpoints => ("failpoints", &["--features", "failpoints"]),
            Self::Release => ("release", &["--release"]),
        };
        Program { package: PACKAGE, kind: "--bin", name: PACKAGE, variant, arguments }
    }
}

/// A program of this workspace.
struct Program {
    package: &'static str,
    /// `--bin` or `--example`.
    kind: &'static str,
    name: &'static str,
    /// Tells copies of the same program apart.
    variant: &'static str,
    arguments: &'static [&'static str],
}

/// Builds one variant of the provider and returns the path of a copy in the cache that no other variant overwrites.
/// Blocks.
///
/// # Errors
/// When the provider does not compile; the text holds the end of the compiler's output.
pub fn build(variant: ProviderVariant, progress: Progress) -> anyhow::Result<PathBuf> {
    variant.program().build(progress)
}

/// Builds the provider of files that holds the protocol against real hosts. Blocks.
///
/// # Errors
/// As [`build`].
pub fn build_fixture(progress: Progress) -> anyhow::Result<PathBuf> {
    let name = "fixture_provider";
    Program { package: "tfplugin", kind: "--example", name, variant: "plain", arguments: &[] }.build(progress)
}

/// Builds, optimised, the program that measures how a provider starts. Blocks.
///
/// # Errors
/// As [`build`].
pub fn build_stopwatch(progress: Progress) -> anyhow::Result<PathBuf> {
    let name = "start_stopwatch";
    let arguments = &["--release"];
    Program { package: "tfplugin", kind: "--example", name, variant: "release", arguments }.build(progress)
}

/// Builds, optimised, the program that measures how long it takes to say who answers whom. Blocks.
///
/// # Errors
/// As [`build`].
pub fn build_answers_stopwatch(progress: Progress) -> anyhow::Result<PathBuf> {
    let name = "answers_stopwatch";
    let arguments = &["--release"];
    Program { package: "multicluster-core", kind: "--example", name, variant: "release", arguments }
        .build(progress)
}

impl Program {
    fn build(&self, progress: Progress) -> anyhow::Result<PathBuf> {
        let _step = progress.start(&format!("building {} ({})", self.name, self.variant));
        let workspace =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no directory")?;
        let providers = cache::directory()?.join("providers");
        crate::lab::prepare::private_directory(&providers)?;
        // Another lab may be building the other variant: between cargo's end and our copy the file must not change.
        // Optimised builds have files of their own, and take too long to be waited for.
        let profile = if self.arguments.contains(&"--release") { "release" } else { "debug" };
        let lock = providers.join(format!("{}-{profile}.lock", self.name));
        let lock = std::fs::File::create(lock).context("cannot create a lock file")?;
        lock.lock().context("cannot wait for another build of the provider")?;

        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--message-format=json-render-diagnostics", "--package", self.package])
            .args([self.kind, self.name])
            .args(self.arguments)
            .current_dir(workspace)
            .stdin(Stdio::null())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("cannot build {}:\n{}", self.name, text::last_lines(&errors, 40));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let built = executable(&messages, self.name).context("cargo named no executable")?;
        let copy = providers.join(format!("{}-{}", self.name, self.variant));
        if !is_same(&built, &copy) {
            // Renamed into place: the old copy may be running just now.
            let scratch = copy.with_extension("new");
            std::fs::copy(&built, &scratch).with_context(|| format!("cannot copy {}", built.display()))?;
            std::fs::rename(&scratch, &copy).context("cannot put the program into the cache")?;
        }
        Ok(copy)
    }
}

/// A copy that is newer than the original and of its size was made from it.
fn is_same(built: &Path, copy: &Path) -> bool {
    let (Ok(built), Ok(copy)) = (built.metadata(), copy.metadata()) else { return false };
    let newer = built.modified().is_ok_and(|built| copy.modified().is_ok_and(|copy| copy >= built));
    newer && built.len() == copy.len()
}

/// Finds the executable among cargo's messages, one JSON object per line.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_that_of_the_provider() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
not json
{"reason":"compiler-artifact","target":{"name":"terraform-provider-multicluster"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"terraform-provider-multicluster"},"executable":"/t/provider"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, PACKAGE), Some(PathBuf::from("/t/provider")));
        assert_eq!(executable("", PACKAGE), None);
    }
}
