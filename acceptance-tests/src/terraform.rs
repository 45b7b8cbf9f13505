//! Runs Terraform, or OpenTofu, as a pipeline would, and keeps what it said.
//!
//! Every run is a process group of its own: a signal reaches Terraform and its providers together, as Ctrl-C in a
//! terminal does, and a run that is dropped takes its providers along. So does a run whose test is killed, in
//! programs that call [`crate::hidden_subcommand`].

use std::io::IsTerminal as _;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStdin, Command},
    task::JoinSet,
};

use crate::{
    progress::Progress,
    supervisor,
    tools::{Tool, Tools},
};

/// Which program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cli {
    /// `terraform` on PATH, else an OpenTofu of ours.
    Any,
    /// `terraform` on PATH.
    Terraform,
    /// An OpenTofu of ours.
    OpenTofu,
}

impl Cli {
    /// Finds the program, building OpenTofu when that is wanted. Blocks: that build takes minutes once per machine.
    ///
    /// # Errors
    /// When there is no such program and it cannot be built.
    pub fn locate(self, progress: Progress) -> anyhow::Result<PathBuf> {
        let terraform = || find(&std::env::var_os("PATH").unwrap_or_default(), "terraform");
        match self {
            Self::Terraform => terraform().context("there is no `terraform` on PATH"),
            Self::Any if let Some(path) = terraform() => Ok(path),
            Self::Any | Self::OpenTofu => {
                let tools = Tools::ensure(&[Tool::OpenTofu], progress)?;
                Ok(tools.program("tofu")?.to_owned())
            }
        }
    }
}

fn find(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|directory| directory.join(name)).find(|program| program.is_file())
}

/// A working directory with the program and the variables to use there.
#[derive(Debug, Clone)]
pub struct Terraform {
    directory: PathBuf,
    program: PathBuf,
    env: BTreeMap<String, String>,
}

/// What a run said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 and the signal's number when a signal ended Terraform, `None` when one ended the group.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// The output when the exit code is 0.
    ///
    /// # Errors
    /// Otherwise; the error shows all that was said.
    pub fn ok(self) -> anyhow::Result<Self> {
        if self.code == Some(0) {
            return Ok(self);
        }
        bail!("terraform ended with {:?}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Terraform {
    /// Runs `program` in `directory`. Of the caller's own environment everything is passed on but what would
    /// change Terraform's behaviour (`TF_…`) or lead to another cluster (`KUBE…`).
    pub fn new(
        directory: impl Into<PathBuf>,
        program: impl Into<PathBuf>,
        env: BTreeMap<String, String>,
    ) -> Self {
        Self { directory: directory.into(), program: program.into(), env }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Where it runs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `init`, from the mirror.
    ///
    /// # Errors
    /// When the program cannot be run; a failure of the command itself is in the output, here and below.
    pub async fn init(&self) -> anyhow::Result<Output> {
        self.run(&["init", "-input=false"]).await
    }

    /// `plan -detailed-exitcode`: 0 is no change, 2 is changes, 1 is an error. With `file`, the plan is saved.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub async fn plan(&self, file: Option<&str>) -> anyhow::Result<Output> {
        let out = file.map(|file| format!("-out={file}"));
        let mut arguments = vec!["plan", "-input=false", "-detailed-exitcode"];
        arguments.extend(out.as_deref());
        self.run(&arguments).await
    }

    /// `apply`, without asking. With `plan`, that saved plan.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub async fn apply(&self, plan: Option<&str>) -> anyhow::Result<Output> {
        let mut arguments = vec!["apply", "-input=false", "-auto-approve"];
        arguments.extend(plan);
        self.run(&arguments).await
    }

    /// `destroy`, without asking.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub async fn destroy(&self) -> anyhow::Result<Output> {
        self.run(&["destroy", "-input=false", "-auto-approve"]).await
    }

    /// `show -json` of the state, or of a saved plan.
    ///
    /// # Errors
    /// When the command fails or does not answer in JSON.
    pub async fn show_json(&self, plan: Option<&str>) -> anyhow::Result<serde_json::Value> {
        let mut arguments = vec!["show", "-json"];
        arguments.extend(plan);
        let output = self.run(&arguments).await?.ok()?;
        serde_json::from_str(&output.stdout).context("`show -json` did not answer in JSON")
    }

    /// Any command, until it ends.
    ///
    /// # Errors
    /// When the program cannot be run.
    ///
    /// # Cancel safety
    /// A dropped future kills the run, its providers included.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.spawn(arguments)?.wait().await
    }

    /// Starts a command that the caller wants to signal.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Run> {
        let mut command = self.command(supervisor::leashed(&self.program), arguments);
        // Output for programs: no colours, no hints about what to type next.
        command.env("NO_COLOR", "1").env("TF_CLI_ARGS", "-no-color").env("TF_IN_AUTOMATION", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot run {}", self.program.display()))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = group.context("the process has no id")?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            bail!("the process has no pipes, which is a bug of the lab");
        };
        let mut readers = JoinSet::new();
        let heard = Heard::default();
        readers.spawn(read(stdout, heard.stdout.clone()));
        readers.spawn(read(stderr, heard.stderr.clone()));
        let leash = child.stdin.take();
        Ok(Run { child, group: Group(Some(group)), readers, heard, _leash: leash })
    }

    /// Runs a command with this process's own streams and returns its exit code; for people at a terminal.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub async fn run_attached(&self, arguments: &[&str]) -> anyhow::Result<Option<i32>> {
        let mut command = self.command(None, arguments);
        if !std::io::stdout().is_terminal() {
            command.env("TF_CLI_ARGS", "-no-color");
        }
        let status = command.status().await;
        Ok(status.with_context(|| format!("cannot run {}", self.program.display()))?.code())
    }

    fn command(&self, leash: Option<(PathBuf, [OsString; 2])>, arguments: &[&str]) -> Command {
        let mut command = match leash {
            Some((executable, leading)) => {
                let mut command = Command::new(executable);
                command.args(leading);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).current_dir(&self.directory);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("TF_") || name.starts_with("KUBE")) {
                command.env_remove(name);
            }
        }
        command.env("CHECKPOINT_DISABLE", "1").envs(&self.env);
        command
    }
}

/// A command that is running. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct Run {
    child: tokio::process::Child,
    group: Group,
    readers: JoinSet<()>,
    heard: Heard,
    /// When this end is closed, which the death of this process does, the leash kills the group.
    _leash: Option<ChildStdin>,
}

/// The process group of a run that has not ended.
#[derive(Debug)]
struct Group(Option<Pid>);

/// What the streams of a run gave so far.
#[derive(Debug, Default)]
struct Heard {
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Run {
    /// The process group, which is also the id of its first process; `None` when the run has ended.
    pub fn group(&self) -> Option<u32> {
        self.child.id()
    }

    /// What was written to standard output so far.
    pub fn stdout(&self) -> String {
        text(&self.heard.stdout)
    }

    /// Interrupts Terraform and its providers, as Ctrl-C in a terminal does.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        self.group.signal(Signal::INT)
    }

    /// Kills Terraform and its providers at once.
    ///
    /// # Errors
    /// When the run has ended.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.group.signal(Signal::KILL)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub async fn wait(mut self) -> anyhow::Result<Output> {
        let status = self.child.wait().await.context("cannot wait for terraform")?;
        // A provider that outlives Terraform would keep the streams open for ever.
        let _ = self.group.signal(Signal::KILL);
        self.group.0 = None;
        while let Some(read) = self.readers.join_next().await {
            read.context("cannot read what terraform says")?;
        }
        Ok(Output { code: status.code(), stdout: self.stdout(), stderr: text(&self.heard.stderr) })
    }
}

impl Group {
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let group = self.0.context("terraform has ended")?;
        rustix::process::kill_process_group(group, signal).context("cannot signal terraform")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.signal(Signal::KILL);
    }
}

async fn read(mut stream: impl tokio::io::AsyncRead + Unpin, heard: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = vec![0; 64 * 1024];
    // A broken stream ends the text; the exit code tells whether that matters.
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        let read = bytes.get(..count).unwrap_or_default();
        heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
    }
}

fn text(heard: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&heard.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(text: &str) -> (tempfile::TempDir, Terraform) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("terraform");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let terraform = Terraform::new(directory.path(), path, BTreeMap::new());
        (directory, terraform)
    }

    #[tokio::test]
    async fn output_and_code_are_kept_apart() {
        let (_directory, terraform) = script("echo \"$1 $TF_IN_AUTOMATION $MORE\"; echo problem >&2; exit 2");
        let output = terraform.with_env("MORE", "more").run(&["plan"]).await.unwrap();
        assert_eq!(
            output,
            Output { code: Some(2), stdout: "plan 1 more\n".into(), stderr: "problem\n".into() }
        );
        assert!(output.ok().unwrap_err().to_string().contains("problem"));
    }

    #[tokio::test]
    async fn an_interrupt_reaches_the_whole_group() {
        let child = "trap 'echo provider; exit' INT; echo begun; while :; do sleep 0.05; done";
        let (_directory, terraform) = script(&format!("trap : INT; sh -c \"{child}\"; echo terraform"));
        let run = terraform.spawn(&["apply"]).unwrap();
        crate::lab::wait::until("it runs", std::time::Duration::from_secs(10), async || {
            Ok((run.stdout() == "begun\n").then_some(()))
        })
        .await
        .unwrap();
        run.interrupt().unwrap();
        let output =
            tokio::time::timeout(std::time::Duration::from_secs(10), run.wait()).await.unwrap().unwrap();
        assert_eq!(output.stdout, "begun\nprovider\nterraform\n");
    }

    #[test]
    fn the_first_directory_on_the_path_wins() {
        let (directory, _terraform) = script("");
        let path = std::env::join_paths([Path::new("/nonexistent"), directory.path()]).unwrap();
        assert_eq!(find(&path, "terraform"), Some(directory.path().join("terraform")));
        assert_eq!(find(OsStr::new(""), "terraform"), None);
    }
}
