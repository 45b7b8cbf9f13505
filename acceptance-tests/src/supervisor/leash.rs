//! Runs one command for a parent, and kills it with its whole process group when the parent dies.
//!
//! Terraform is run on this leash: its providers are processes of its own, which a killed test would leave
//! behind. So is Prometheus. The parent holds the other end of standard input; its end means that the parent is gone.
//! Between the leash and the command stands the guard: when the leash itself is killed, the kernel kills the command.

use std::{
    ffi::OsString,
    io::Read as _,
    process::{ExitCode, Stdio},
};

use anyhow::Context as _;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use super::{executable, guard};

/// The name of the hidden subcommand.
pub(super) const SUBCOMMAND: &str = "__lab-leash";

/// Runs the command and returns its exit code, or 128 and the signal that ended it.
///
/// This process leads a group, so signals for the group reach the command without help; here they are ignored.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(follow(arguments));
    // The thread that reads standard input may never return.
    runtime.shutdown_background();
    code
}

async fn follow(mut arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::ExitStatusExt as _;

    let program = arguments.next().context("the leash needs a program")?;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let parent_gone =
        tokio::task::spawn_blocking(|| while matches!(std::io::stdin().read(&mut [0]), Ok(1..)) {});
    let mut parent_gone = std::pin::pin!(parent_gone);
    let guard = guard::arguments(std::process::id(), program, arguments);
    let mut child = tokio::process::Command::new(executable())
        .args(guard)
        .stdin(Stdio::null())
        .spawn()
        .context("cannot run it")?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
                return Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from));
            }
            _ = &mut parent_gone => {
                // This process is in the group as well and ends here.
                rustix::process::kill_process_group(rustix::process::getpgrp(), Signal::KILL)?;
            }
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
    }
}
