//! Runs `go build`, under a lock, into the cache.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::recipe::{Tool, cache_key};
use crate::progress::Progress;

/// Variables that a build is run with. The user's GOFLAGS could change what is built, so they are replaced.
pub(super) const ENVIRONMENT: [(&str, &str); 3] =
    [("CGO_ENABLED", "0"), ("GOWORK", "off"), ("GOFLAGS", "-mod=readonly -buildvcs=false")];

/// Returns the directory with the programs of `tool`, building them when the cache has none.
pub(super) fn ensure(tool: Tool, cache: &Path, progress: Progress) -> anyhow::Result<PathBuf> {
    let home = cache.join(tool.name());
    let directory = home.join(key(tool)?);
    if directory.is_dir() {
        return Ok(directory);
    }
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let lock = File::create(home.join("lock")).context("cannot create the lock file")?;
    {
        let _waiting = progress.start(&format!("waiting for another build of {tool}"));
        lock.lock().context("cannot lock the cache")?;
    }
    if directory.is_dir() {
        return Ok(directory);
    }
    remove_leftovers(&home)?;
    let scratch = tempfile::Builder::new().prefix(LEFTOVER).tempdir_in(&home)?;
    for program in tool.programs() {
        let _step = progress.start(&format!("building {} (once per machine)", program.name));
        let output = scratch.path().join(program.name);
        let output = output.to_str().context("the cache's path is not valid UTF-8")?;
        go(&tool.module(), &tool.build_arguments(program, output))?;
    }
    fs::rename(scratch.keep(), &directory).context("cannot move the build into the cache")?;
    Ok(directory)
}

/// Start of the names of directories that a build writes to. While the lock is held, those that exist were
/// left by builds that were killed.
pub(super) const LEFTOVER: &str = ".building-";

pub(super) fn remove_leftovers(home: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(LEFTOVER) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn key(tool: Tool) -> anyhow::Result<String> {
    let module = tool.module();
    let read = |name: &str| {
        fs::read(module.join(name)).with_context(|| format!("cannot read {name} in {}", module.display()))
    };
    let (go_mod, go_sum) = (read("go.mod")?, read("go.sum")?);
    let version = go_version(&module)?;
    let mut flags = String::new();
    for program in tool.programs() {
        flags.push_str(&tool.build_arguments(program, "").join("\n"));
    }
    for (name, value) in ENVIRONMENT {
        flags.push_str(name);
        flags.push_str(value);
    }
    Ok(cache_key([go_mod.as_slice(), &go_sum, flags.as_bytes(), version.as_bytes()]))
}

fn go_version(module: &Path) -> anyhow::Result<String> {
    let output = Command::new("go")
        .args(["env", "GOVERSION", "GOOS", "GOARCH"])
        .current_dir(module)
        .envs(ENVIRONMENT)
        .output()
        .context("cannot run `go`: the lab's programs are built with Go 1.26 or newer (https://go.dev/dl)")?;
    if !output.status.success() {
        bail!("`go env` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn go(module: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let mut child = Command::new("go")
        .args(arguments)
        .current_dir(module)
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run `go`")?;
    let mut errors = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_end(&mut errors).context("cannot read the compiler's output")?;
    }
    if child.wait()?.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&errors);
    bail!("`go {}` failed:\n{}", arguments.join(" "), crate::text::last_lines(&text, 20))
}
