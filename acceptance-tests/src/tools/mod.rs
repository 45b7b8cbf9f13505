//! The Go programs that the lab runs, built from source once per machine.
//!
//! Each tool is a `go.mod` of ours with `tool` lines under `lab/tools/<name>/`. A finished build lies in the
//! cache under a key of everything that decides its bytes, and it appears there by one rename: a directory
//! that exists is complete. Two runs never build the same tool twice, the second waits for the first.
//! Deliberately absent: downloads of ready binaries, which would add a source that `go.sum` does not vouch for.

mod build;
pub(crate) mod modules;
mod recipe;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{cache, progress::Progress};

pub use recipe::Tool;

/// What may come from `KUBEBUILDER_ASSETS`.
const ASSETS: [&str; 2] = ["etcd", "kube-apiserver"];

/// Where the programs of the lab are.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    programs: BTreeMap<String, PathBuf>,
}

impl Tools {
    /// Builds what is missing and returns the paths of all programs of `tools`. Blocks: a cold build of
    /// everything takes some minutes.
    ///
    /// With `KUBEBUILDER_ASSETS` set, kube-apiserver and etcd are taken from that directory.
    ///
    /// # Errors
    /// When `go` is missing or too old, or a build fails; the text holds the end of the compiler's output.
    pub fn ensure(tools: &[Tool], progress: Progress) -> anyhow::Result<Self> {
        let assets =
            std::env::var_os("KUBEBUILDER_ASSETS").filter(|path| !path.is_empty()).map(PathBuf::from);
        let cache = cache::directory()?;
        let mut found = Self::default();
        for &tool in tools {
            let mut wanted: Vec<&str> = tool.programs().iter().map(|program| program.name).collect();
            if let Some(assets) = &assets {
                wanted.retain(|name| !(ASSETS.contains(name) && found.adopt(assets, name)));
            }
            if wanted.is_empty() {
                continue;
            }
            let directory =
                build::ensure(tool, &cache, progress).with_context(|| format!("cannot build {tool}"))?;
            for name in wanted {
                if !found.adopt(&directory, name) {
                    bail!("the build of {tool} in {} has no program `{name}`", directory.display());
                }
            }
        }
        Ok(found)
    }

    /// The path of one program, such as `kube-apiserver`.
    ///
    /// # Errors
    /// When its tool was not among those that [`Tools::ensure`] was asked for.
    pub fn program(&self, name: &str) -> anyhow::Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).with_context(|| format!("`{name}` was not built"))
    }

    pub(crate) fn into_programs(self) -> BTreeMap<String, PathBuf> {
        self.programs
    }

    pub(crate) fn from_programs(programs: BTreeMap<String, PathBuf>) -> Self {
        Self { programs }
    }

    fn adopt(&mut self, directory: &Path, name: &str) -> bool {
        let path = directory.join(name);
        let exists = path.is_file();
        if exists {
            self.programs.insert(name.to_owned(), path);
        }
        exists
    }
}
