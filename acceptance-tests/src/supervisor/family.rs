//! The processes of a lab: started here, watched, and ended in an order.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::guard;

/// How long programs may take to end by themselves before they are killed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A program to start.
pub(super) struct Recipe<'a> {
    /// Such as `kube-apiserver`; decides when it ends.
    pub(super) name: &'static str,
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<String>,
    /// Where its log and its process id are written.
    pub(super) directory: &'a Path,
}

/// A program that ended although nobody asked for it.
pub(super) struct Death {
    name: &'static str,
    log: PathBuf,
    status: std::io::Result<ExitStatus>,
}

struct Member {
    name: &'static str,
    /// Closed when the process has ended.
    signals: mpsc::UnboundedSender<Signal>,
}

/// All processes of a lab. One thread owns it, and all processes are children of that thread (see [`guard`]).
pub(super) struct Family {
    /// This program, which is also the guard.
    executable: PathBuf,
    environment: BTreeMap<String, OsString>,
    members: RefCell<Vec<Member>>,
    watchers: RefCell<JoinSet<()>>,
    deaths: mpsc::UnboundedSender<Death>,
}

impl Family {
    /// Returns the family and the stream of unexpected deaths.
    pub(super) fn new(executable: PathBuf, home: &Path) -> (Self, mpsc::UnboundedReceiver<Death>) {
        let (deaths, died) = mpsc::unbounded_channel();
        let family = Self {
            executable,
            // Nothing of the user's environment: neither a proxy nor a kubeconfig may reach these programs.
            environment: BTreeMap::from([
                ("HOME".to_owned(), home.into()),
                ("PATH".to_owned(), "/usr/bin:/bin".into()),
                // Collects earlier than by default: three control planes share a small machine.
                ("GOGC".to_owned(), "70".into()),
            ]),
            members: RefCell::default(),
            watchers: RefCell::default(),
            deaths,
        };
        (family, died)
    }

    /// Starts a program; its output goes to `NAME.log` in its directory, its process id to `NAME.pid`.
    pub(super) fn start(&self, recipe: &Recipe<'_>) -> anyhow::Result<()> {
        let name = recipe.name;
        let log = recipe.directory.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let child = Command::new(&self.executable)
            .args(guard::arguments(std::process::id(), recipe.program, &recipe.arguments))
            .env_clear()
            .envs(&self.environment)
            .current_dir(recipe.directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        if let Some(id) = child.id() {
            std::fs::write(recipe.directory.join(format!("{name}.pid")), format!("{id}\n"))?;
        }
        let (signals, received) = mpsc::unbounded_channel();
        let deaths = self.deaths.clone();
        self.watchers.borrow_mut().spawn(async move {
            if let Some(status) = watch(child, received).await {
                // Nobody listens any more once the lab is ending.
                let _ = deaths.send(Death { name, log, status });
            }
        });
        self.members.borrow_mut().push(Member { name, signals });
        Ok(())
    }

    /// Ends all processes: those named in the first group, when they are gone those in the second, and so on.
    /// Who does not end in time is killed.
    pub(super) async fn end(&self, order: &[&[&str]]) {
        for group in order {
            let members: Vec<Member> =
                self.members.borrow_mut().extract_if(.., |member| group.contains(&member.name)).collect();
            for member in &members {
                let _ = member.signals.send(Signal::TERM);
            }
            let gone = futures::future::join_all(members.iter().map(|member| member.signals.closed()));
            if timeout(PATIENCE, gone).await.is_err() {
                for member in &members {
                    let _ = member.signals.send(Signal::KILL);
                }
                futures::future::join_all(members.iter().map(|member| member.signals.closed())).await;
            }
        }
    }
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.status {
            Ok(status) => write!(f, "{} ended: {status}", self.name)?,
            Err(error) => write!(f, "{} cannot be watched: {error}", self.name)?,
        }
        let log = std::fs::read(&self.log).unwrap_or_default();
        write!(f, "; the end of its log:\n{}", crate::text::last_lines(&String::from_utf8_lossy(&log), 15))
    }
}

/// Passes signals on until the process has ended. Returns its status when it ended without having been asked.
async fn watch(
    mut child: Child,
    mut signals: mpsc::UnboundedReceiver<Signal>,
) -> Option<std::io::Result<ExitStatus>> {
    let mut asked = false;
    loop {
        tokio::select! {
            status = child.wait() => return (!asked).then_some(status),
            Some(signal) = signals.recv() => {
                asked = true;
                // The id is gone once the process was waited for, so no other process can be hit.
                if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    }
}
