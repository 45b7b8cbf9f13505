//! What runs in a process group.

use std::path::{Path, PathBuf};

use acceptance_tests::terraform::Run;
use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// The process group of a run.
pub(crate) struct Group(u32);

impl Group {
    pub(crate) fn of(run: &Run) -> anyhow::Result<Self> {
        Ok(Self(run.group().context("the run has ended")?))
    }

    /// The processes whose program's name starts with `name`. Those that have ended do not count, whether or not
    /// anybody has taken note of it.
    pub(crate) fn running(&self, name: &str) -> anyhow::Result<Vec<i32>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").context("cannot list processes")? {
            let directory = entry?.path();
            let id = directory.file_name().and_then(|name| name.to_str()?.parse().ok());
            if let Some(id) = id
                && group_of(&directory) == Some(self.0)
                && program_of(&directory).is_some_and(|program| program.starts_with(name))
            {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// Kills the one process of this program, and no program whose name starts with `but`.
    pub(crate) fn kill(&self, name: &str, but: &str) -> anyhow::Result<()> {
        let spared = self.running(but)?;
        let mut found = self.running(name)?;
        found.retain(|id| !spared.contains(id));
        ensure!(found.len() == 1, "there are {} processes of {name}", found.len());
        let id = found.first().copied().and_then(Pid::from_raw).context("the process has no id")?;
        kill_process(id, Signal::KILL).with_context(|| format!("cannot kill {name}"))
    }
}

/// The group is the third field behind the program's name, which is in parentheses and may contain anything.
fn group_of(process: &Path) -> Option<u32> {
    let status = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = status.rsplit_once(')')?;
    fields.split_whitespace().nth(2)?.parse().ok()
}

fn program_of(process: &Path) -> Option<String> {
    let program: PathBuf = std::fs::read_link(process.join("exe")).ok()?;
    Some(program.file_name()?.to_str()?.to_owned())
}
