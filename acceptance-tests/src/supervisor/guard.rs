//! Between the supervisor, or a leash, and each program that it starts stands this: it asks the kernel to kill the process
//! when the supervisor dies, even by SIGKILL, and becomes the program.
//!
//! The order matters. The request comes first and the check of the parent second, so that a supervisor that died
//! before the request is noticed by the check. The kernel watches the *thread* that started the process: the
//! supervisor starts everything from its main thread.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    process::Command,
};

/// The name of the hidden subcommand.
pub(super) const SUBCOMMAND: &str = "__lab-guard";

/// The arguments of the guard that starts `program` for a supervisor.
pub(super) fn arguments(
    supervisor: u32,
    program: impl Into<OsString>,
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Vec<OsString> {
    let mut all = vec![SUBCOMMAND.into(), supervisor.to_string().into(), program.into()];
    all.extend(arguments.into_iter().map(Into::into));
    all
}

/// Becomes the program that the arguments after [`SUBCOMMAND`] name. Returns only when that is impossible.
pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> io::Error {
    let invalid = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
    let Some(supervisor) = arguments.next().as_deref().and_then(OsStr::to_str).and_then(|id| id.parse().ok())
    else {
        return invalid("the guard needs the supervisor's process id");
    };
    let Some(program) = arguments.next() else {
        return invalid("the guard needs a program");
    };
    if let Err(error) = die_with(supervisor) {
        return error;
    }
    Command::new(program).args(arguments).exec()
}

#[cfg(target_os = "linux")]
fn die_with(supervisor: i32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    check_parent(supervisor)
}

/// Elsewhere there is no such request. A supervisor that is killed by SIGKILL leaves its programs behind there.
#[cfg(not(target_os = "linux"))]
fn die_with(supervisor: i32) -> io::Result<()> {
    check_parent(supervisor)
}

fn check_parent(supervisor: i32) -> io::Result<()> {
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_nonzero);
    if parent.is_some_and(|parent| parent.get() == supervisor) {
        Ok(())
    } else {
        Err(io::Error::other("the supervisor is gone"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_whose_supervisor_is_gone_starts_nothing() {
        // No process has this id: it is above the kernel's limit. `run` itself would tie this test to its parent.
        assert_eq!(check_parent(4_194_305).unwrap_err().to_string(), "the supervisor is gone");
        let parent = std::os::unix::process::parent_id();
        assert!(check_parent(i32::try_from(parent).unwrap()).is_ok());
    }

    #[test]
    fn arguments_are_checked() {
        let error = run([OsString::from("not a number")].into_iter());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = run([OsString::from("1")].into_iter());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
