//! The directory of a lab: who has it, and how it is cleared when nobody has.
//!
//! A lab runs exactly while its lock file is locked. A process id alone would not do: ids are used again.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};

use super::prepare::private_directory;
use crate::supervisor::protocol::{LOCK_FILE, STATE_FILE, State};

/// A directory without a supervisor that is younger than this may be one whose supervisor is just being started.
const GRACE: Duration = Duration::from_secs(120);
/// How long `lab down` waits for the supervisor.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct LabDirectory(PathBuf);

impl LabDirectory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// That of the lab that lives on its own.
    pub(super) fn up(labs: &Path) -> Self {
        Self(labs.join("up"))
    }

    pub(super) fn into_path(self) -> PathBuf {
        self.0
    }

    /// The state of the lab that runs here, if one does and is ready.
    pub(super) fn state(&self) -> anyhow::Result<Option<State>> {
        if !self.is_held()? || !self.0.join(STATE_FILE).exists() {
            return Ok(None);
        }
        self.read_state().map(Some)
    }

    pub(super) fn read_state(&self) -> anyhow::Result<State> {
        let path = self.0.join(STATE_FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Makes the place free for a new lab: waits for one that is ending, removes what a killed one left.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        if !self.wait_until_free(PATIENCE)? {
            bail!("another lab is just being started or ended in {}", self.0.display());
        }
        self.remove()
    }

    fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.0.display()))
            }
            _ => Ok(()),
        }
    }

    /// Ends the lab that runs here and waits until its directory is gone.
    pub(super) fn end(&self) -> anyhow::Result<bool> {
        let Some(state) = self.state()? else {
            self.clear()?;
            return Ok(false);
        };
        let id =
            i32::try_from(state.supervisor).ok().and_then(Pid::from_raw).context("invalid process id")?;
        rustix::process::kill_process(id, Signal::TERM).context("cannot signal the lab's supervisor")?;
        if !self.wait_until_free(PATIENCE)? {
            bail!("the lab's supervisor (process {}) does not end", state.supervisor);
        }
        self.remove()?;
        Ok(true)
    }

    fn is_held(&self) -> anyhow::Result<bool> {
        let path = self.0.join(LOCK_FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
        };
        // Shared, so that two who look at the same time do not take each other for the supervisor.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error).context("cannot look at the lab's lock"),
        }
    }

    /// Waits for the lock in a thread: there is no wait for a lock with a deadline.
    fn wait_until_free(&self, limit: Duration) -> anyhow::Result<bool> {
        let Ok(file) = File::open(self.0.join(LOCK_FILE)) else { return Ok(true) };
        let (freed, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = freed.send(file.lock_shared());
        });
        match wait.recv_timeout(limit) {
            Ok(locked) => locked.map(|()| true).context("cannot look at the lab's lock"),
            Err(_) => Ok(false),
        }
    }
}

/// Makes `lab up` and `lab down` wait for each other.
pub(super) fn lock_up(labs: &Path) -> anyhow::Result<File> {
    private_directory(labs)?;
    let gate = File::create(labs.join("up.lock")).context("cannot create a lock file")?;
    gate.lock().context("cannot wait for another `lab up`")?;
    Ok(gate)
}

/// Removes the directories of held labs whose supervisor was killed together with its parent.
pub(super) fn sweep(labs: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(labs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", labs.display())),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // Another process may be sweeping too, so whatever vanishes meanwhile is fine.
        let Ok(metadata) = entry.metadata() else { continue };
        let old = metadata.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > GRACE));
        if metadata.is_dir() && old && entry.file_name() != "up" {
            let directory = LabDirectory::new(path);
            if !directory.is_held()? {
                directory.remove()?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_runs_while_its_lock_is_held() {
        let labs = tempfile::tempdir().unwrap();
        let directory = LabDirectory::up(labs.path());
        assert!(!directory.is_held().unwrap());
        fs::create_dir(labs.path().join("up")).unwrap();
        let lock = File::create(labs.path().join("up").join(LOCK_FILE)).unwrap();
        assert!(!directory.is_held().unwrap());
        lock.try_lock().unwrap();
        assert!(directory.is_held().unwrap());
        assert!(directory.state().unwrap().is_none(), "not ready without a state file");
        drop(lock);
        assert!(!directory.end().unwrap());
        assert!(!labs.path().join("up").exists());
    }

    #[test]
    fn sweeping_takes_only_what_nobody_holds_and_is_old() {
        let labs = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = labs.path().join(name);
            fs::create_dir(&path).unwrap();
            File::create(path.join(LOCK_FILE)).unwrap()
        };
        let (_dead, alive, _young) = (make("held-dead"), make("held-alive"), make("held-young"));
        alive.try_lock().unwrap();
        for old in ["held-dead", "held-alive"] {
            let directory = File::open(labs.path().join(old)).unwrap();
            let long_ago = directory.metadata().unwrap().modified().unwrap() - 2 * GRACE;
            directory.set_modified(long_ago).unwrap();
        }
        sweep(labs.path()).unwrap();
        let left: Vec<bool> = ["held-dead", "held-alive", "held-young"]
            .iter()
            .map(|name| labs.path().join(name).exists())
            .collect();
        assert_eq!(left, [false, true, true]);
    }
}
