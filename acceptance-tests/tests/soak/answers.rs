//! Random intents, failures and clients: the library's simulation, and the emulator, which knows nothing of it.
//!
//! The comparison is a test of the library, since nothing else here depends on that; it says itself what it compared.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::dice::Dice;

/// Intents of one round. Each is asked in all countries.
const INTENTS: usize = 20;

/// Compares so many rounds.
pub(crate) fn soak(rounds: usize, dice: Dice) -> anyhow::Result<()> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no directory")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let intents = (rounds * INTENTS).to_string();
    let status = Command::new(cargo)
        .args(["test", "--quiet", "--package", "multicluster", "--test", "answers", "--", "--nocapture"])
        .env("PROPTEST_CASES", &intents)
        // As many contradictions are passed over as the generator makes.
        .env("PROPTEST_MAX_GLOBAL_REJECTS", "10000000")
        .env("PROPTEST_RNG_SEED", dice.0.to_string())
        .current_dir(workspace)
        .stdin(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the simulation and the emulator differ; what was asked is said above");
    Ok(())
}
