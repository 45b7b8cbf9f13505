//! What tests share that need no lab: a runtime, the programs under test, and mirrors with providers in them.
//!
//! Each is made when the first test needs it, once; the others wait for that.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use acceptance_tests::terraform::Cli;
use acceptance_tests::{Mirror, Plugin, Progress, ProviderVariant, provider_build};
use anyhow::{Context as _, anyhow};
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Something that is made once; an error is kept as its text.
pub(crate) type Once<T> = OnceLock<Result<T, String>>;

static RUNTIME: Once<Runtime> = OnceLock::new();
static TERRAFORM: Once<PathBuf> = OnceLock::new();
static OPENTOFU: Once<PathBuf> = OnceLock::new();
static PROVIDER: Once<Mirror> = OnceLock::new();
static FIXTURE: Once<Mirror> = OnceLock::new();
/// Where the mirrors are. Statics are never dropped, so this is emptied by hand.
static SCRATCH: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());

/// What is in `cell`, made now if it was not yet.
pub(crate) fn once<T>(
    cell: &'static Once<T>,
    make: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<&'static T> {
    let made = cell.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!(error.clone()))
}

/// Runs a test to its end.
pub(crate) fn run(test: impl Future<Output = anyhow::Result<()>>) -> Result<(), Failed> {
    let make = || Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result =
        once(&RUNTIME, || make().context("cannot make a runtime")).and_then(|runtime| runtime.block_on(test));
    result.map_err(|error| Failed::from(format!("{error:#}")))
}

/// The path of Terraform or OpenTofu.
pub(crate) fn host(cli: Cli) -> anyhow::Result<PathBuf> {
    let cell = match cli {
        Cli::OpenTofu => &OPENTOFU,
        Cli::Terraform => &TERRAFORM,
        Cli::Any => return cli.locate(Progress::default()),
    };
    once(cell, || cli.locate(Progress::default())).cloned()
}

/// A mirror with the provider of this repository, which can be killed at chosen points.
pub(crate) fn provider_mirror() -> anyhow::Result<&'static Mirror> {
    once(&PROVIDER, || {
        let binary = provider_build::build(ProviderVariant::Failpoints, Progress::default())?;
        mirror(Plugin::multicluster(binary))
    })
}

/// A mirror with a provider whose objects are files.
pub(crate) fn fixture_mirror() -> anyhow::Result<&'static Mirror> {
    once(&FIXTURE, || {
        let binary = provider_build::build_fixture(Progress::default())?;
        mirror(Plugin { source: "multicluster/fixture".to_owned(), binary })
    })
}

/// Removes the mirrors.
pub(crate) fn clean() {
    SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn mirror(plugin: Plugin) -> anyhow::Result<Mirror> {
    let scratch = tempfile::tempdir().context("cannot make a directory")?;
    let mirror = Mirror::create(scratch.path(), &[plugin])?;
    SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    Ok(mirror)
}
