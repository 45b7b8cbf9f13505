//! Files out of Go modules: definitions of kinds that the lab serves and does not keep in this repository.
//!
//! They come from the Go module proxy, as the programs do, and `go.sum` vouches for them. A copy lies in the cache
//! under a key of all that decides it, and appears there by one rename.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::{
    build::{ENVIRONMENT, LEFTOVER, remove_leftovers},
    recipe::cache_key,
};
use crate::{cache, progress::Progress};

/// Some files of a Go module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModuleFiles {
    /// The module's path. Its version stands in `lab/tools/crds/go.mod`.
    pub(crate) module: &'static str,
    /// A file in it, or a folder whose files are meant.
    pub(crate) path: &'static str,
}

impl ModuleFiles {
    /// The texts of all files, in the order of their names. Blocks; asks the Go module proxy once per machine.
    ///
    /// # Errors
    /// When `go` is missing, the module cannot be fetched, or is not what `go.sum` says.
    pub(crate) fn read(self, progress: Progress) -> anyhow::Result<Vec<String>> {
        let directory = self.ensure(&cache::directory()?, progress)?;
        let mut paths = files(&directory)?;
        paths.sort();
        let read = |path: PathBuf| {
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        paths.into_iter().map(read).collect()
    }

    fn ensure(self, cache: &Path, progress: Progress) -> anyhow::Result<PathBuf> {
        let home = cache.join("crds");
        let list = list();
        let read = |name: &str| fs::read(list.join(name)).with_context(|| format!("cannot read {name}"));
        let (go_mod, go_sum) = (read("go.mod")?, read("go.sum")?);
        let parts = [go_mod.as_slice(), &go_sum, self.module.as_bytes(), self.path.as_bytes()];
        let directory = home.join(cache_key(parts));
        if directory.is_dir() {
            return Ok(directory);
        }
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        let lock = File::create(home.join("lock")).context("cannot create the lock file")?;
        lock.lock().context("cannot lock the cache")?;
        if directory.is_dir() {
            return Ok(directory);
        }
        remove_leftovers(&home)?;
        let _step = progress.start(&format!("fetching {} (once per machine)", self.module));
        let source = download(&list, self.module)?.join(self.path);
        let scratch = tempfile::Builder::new().prefix(LEFTOVER).tempdir_in(&home)?;
        let sources = if source.is_dir() { files(&source)? } else { vec![source] };
        for file in sources {
            let name = file.file_name().context("a file without a name")?;
            // Read and written, because files of the module cache are read-only and a copy would be so too.
            let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            fs::write(scratch.path().join(name), text)?;
        }
        fs::rename(scratch.keep(), &directory).context("cannot move the files into the cache")?;
        Ok(directory)
    }
}

/// The folder with the `go.mod` that names the modules.
fn list() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "lab", "tools", "crds"].iter().collect()
}

fn files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(paths?.into_iter().filter(|path| path.is_file()).collect())
}

/// What `go mod download -json` says of a module.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Downloaded {
    dir: PathBuf,
    error: String,
}

/// Where the module's files are.
fn download(list: &Path, module: &str) -> anyhow::Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .current_dir(list)
        .envs(ENVIRONMENT)
        .output()
        .context("cannot run `go`: definitions of kinds come from Go modules")?;
    let downloaded: Downloaded = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if !output.status.success() || !downloaded.error.is_empty() || !downloaded.dir.is_dir() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cannot fetch {module}: {} {}", downloaded.error, crate::text::last_lines(&said, 10));
    }
    Ok(downloaded.dir)
}
