//! The parent's side of a supervisor: starting it, hearing from it, letting it go.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::{Context as _, bail};

use super::prepare::private_directory;
use crate::{
    progress::Progress,
    supervisor::{
        self,
        protocol::{DETACH, LOG_FILE, Message, Spec},
    },
};

/// How long a supervisor may take to end its programs. Longer than the sum of its own patience.
const PATIENCE: Duration = Duration::from_secs(15);

/// A supervisor that lives as long as this value.
#[derive(Debug)]
pub(super) struct Supervisor {
    process: Child,
    /// `None` once the supervisor was told to end.
    order: Option<ChildStdin>,
    messages: Receiver<Message>,
    /// What is removed when the supervisor could not do so itself, because it was killed.
    leftover: Option<PathBuf>,
}

impl Supervisor {
    /// Starts a supervisor and waits until its lab is ready. Blocks.
    pub(super) fn start(spec: &Spec, progress: Progress) -> anyhow::Result<Self> {
        if !supervisor::is_available() {
            bail!(
                "call acceptance_tests::hidden_subcommand() first in main: this program is the lab's supervisor too"
            );
        }
        private_directory(&spec.directory)?;
        let log = std::fs::File::create(spec.directory.join(LOG_FILE)).context("cannot create a log")?;
        let (program, subcommand) = supervisor::command();
        let mut process = Command::new(program)
            .arg(subcommand)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the lab's supervisor")?;
        let (Some(mut order), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("the supervisor has no pipes, which is a bug of the lab");
        };
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                let message = serde_json::from_str(&line).unwrap_or_else(|error| Message::Failed {
                    error: format!("unreadable message: {error}"),
                });
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        writeln!(order, "{}", serde_json::to_string(spec)?)
            .context("cannot give the supervisor its order")?;
        let leftover = (!spec.keep_directory).then(|| spec.directory.clone());
        let this = Self { process, order: Some(order), messages, leftover };
        this.wait_until_ready(spec, progress)?;
        Ok(this)
    }

    fn wait_until_ready(&self, spec: &Spec, progress: Progress) -> anyhow::Result<()> {
        let mut names: Vec<String> = spec.clusters.iter().map(ToString::to_string).collect();
        names.extend((spec.bare > 0).then(|| format!("{} bare API servers", spec.bare)));
        let _step = progress.start(&format!("starting {}", names.join(", ")));
        loop {
            match self.messages.recv() {
                Ok(Message::Ready) => return Ok(()),
                Ok(Message::Progress { text }) => progress.note(&text),
                Ok(Message::Failed { error }) => bail!("cannot start the lab: {error}"),
                Err(_) => bail!("the lab's supervisor ended; was it killed?"),
            }
        }
    }

    /// The supervisor's process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Lets the lab live on without this process.
    pub(super) fn detach(mut self) -> anyhow::Result<()> {
        let mut order = self.order.take().context("the lab is ending")?;
        let told = order.write_all(&[DETACH]).and_then(|()| order.flush());
        self.order = None;
        std::mem::forget(self);
        told.context("cannot tell the supervisor to live on")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.order = None;
        // Its standard output ends when it does.
        let ended = loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break true,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => break false,
            }
        };
        if !ended {
            // The kernel takes its programs along.
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        if let Some(leftover) = &self.leftover {
            // Usually gone already.
            let _ = std::fs::remove_dir_all(leftover);
        }
    }
}
