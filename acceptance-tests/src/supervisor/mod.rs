//! The process that owns a lab's processes. Nothing that it starts outlives it.
//!
//! ```text
//! test, demo, `lab up` ──stdin──▶ supervisor ──▶ guard ▶ etcd
//!                     ◀──stdout──            ├─▶ guard ▶ kube-apiserver (aws) …
//!                                            └─▶ guard ▶ the Route 53 emulator
//! ```
//!
//! - The parent dies, even by SIGKILL: standard input ends, and the supervisor ends everything in order.
//! - The supervisor dies, even by SIGKILL: the kernel kills each program (see [`guard`]).
//! - A program dies: the supervisor says which, with the end of its log, and ends the rest.
//!
//! The supervisor is this same program, started once more with a hidden subcommand, so that a test binary needs
//! nothing beside itself. It is a session of its own: Ctrl-C in a terminal reaches the parent only, and what
//! follows is the first case above.

mod bring_up;
mod family;
mod guard;
mod leash;
pub(crate) mod protocol;
mod route53;

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::lab::{
    commands::{API_SERVER, CONTROLLER_MANAGER, ETCD, KWOK, ROUTE53, SCHEDULER},
    prepare,
};
use family::Family;
use protocol::{DETACH, LOCK_FILE, Message, STATE_FILE, Spec, State};

/// The name of the hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "__lab-supervisor";

/// Those that write to the API end before it, and it before its storage.
const ORDER: [&[&str]; 3] = [&[KWOK, SCHEDULER, CONTROLLER_MANAGER, ROUTE53], &[API_SERVER], &[ETCD]];

static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// Runs this process as a lab's supervisor, guard, leash or Route 53 when it was started as one, and returns its exit code then.
///
/// Every program that starts a lab calls this first in `main`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     if let Some(code) = acceptance_tests::hidden_subcommand() {
///         return code;
///     }
///     // what the program is for
/// #   std::process::ExitCode::SUCCESS
/// }
/// ```
pub fn hidden_subcommand() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(SUBCOMMAND) => Some(supervise()),
        Some(guard::SUBCOMMAND) => Some(report(&guard::run(arguments).into())),
        Some(route53::SUBCOMMAND) => Some(route53::run(arguments).unwrap_or_else(|error| report(&error))),
        Some(leash::SUBCOMMAND) => Some(leash::run(arguments).unwrap_or_else(|error| report(&error))),
        _ => {
            AVAILABLE.store(true, Ordering::Relaxed);
            None
        }
    }
}

/// Whether this program can be its own supervisor: [`hidden_subcommand`] was called.
pub(crate) fn is_available() -> bool {
    AVAILABLE.load(Ordering::Relaxed)
}

/// The command line that starts the supervisor.
pub(crate) fn command() -> (PathBuf, OsString) {
    (executable(), SUBCOMMAND.into())
}

/// The command line, without arguments, that runs `program` on a leash: whoever starts it as the leader of a
/// process group and holds its standard input takes the group along. `None` in a program that cannot do that.
pub(crate) fn leashed(program: &Path) -> Option<(PathBuf, [OsString; 2])> {
    is_available().then(|| (executable(), [leash::SUBCOMMAND.into(), program.into()]))
}

/// The path of this program, to start it once more. On Linux a name that stays right when the file is replaced
/// by a newer build meanwhile.
pub fn executable() -> PathBuf {
    if cfg!(target_os = "linux") {
        return "/proc/self/exe".into();
    }
    std::env::current_exe().unwrap_or_else(|_| std::env::args_os().next().unwrap_or_default().into())
}

fn supervise() -> ExitCode {
    let outcome = read_spec().and_then(|(spec, life)| {
        // One thread for everything: the kernel ties each program to the thread that started it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run(&spec, life))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&Message::Failed { error: format!("{error:#}") });
            report(&error)
        }
    }
}

/// What the parent wants.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Detach,
    End,
}

/// Reads the order and leaves a thread behind that waits for the parent's wishes. A plain thread, because a
/// runtime waits for its blocking reads when it ends, and this one may never return.
fn read_spec() -> anyhow::Result<(Spec, mpsc::UnboundedReceiver<Wish>)> {
    // Fails only when this process leads a session already, which is what is wanted.
    let _ = rustix::process::setsid();
    let mut input = BufReader::new(std::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).context("cannot read the order")?;
    let spec = serde_json::from_str(&line).context("cannot read the order")?;
    let (wishes, life) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        while matches!(input.read(&mut byte), Ok(1)) {
            if byte == [DETACH] {
                let _ = wishes.send(Wish::Detach);
                return;
            }
        }
        let _ = wishes.send(Wish::End);
    });
    Ok((spec, life))
}

async fn run(spec: &Spec, mut wishes: mpsc::UnboundedReceiver<Wish>) -> anyhow::Result<()> {
    let lock = File::create(spec.directory.join(LOCK_FILE)).context("cannot create the lab's lock")?;
    lock.try_lock().context("another supervisor has this directory")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (family, mut deaths) = Family::new(executable(), &spec.directory);

    let mut starting = std::pin::pin!(start(spec, &family));
    let mut ready = false;
    let outcome = loop {
        tokio::select! {
            started = &mut starting, if !ready => match started {
                Ok(()) => { say(&Message::Ready); ready = true; }
                Err(error) => break Err(error),
            },
            Some(death) = deaths.recv() => break Err(anyhow::anyhow!("{death}")),
            Some(wish) = wishes.recv() => if wish == Wish::End { break Ok(()) },
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
        }
    };
    // From here on nobody shall find this lab and use it.
    let _ = std::fs::remove_file(spec.directory.join(STATE_FILE));
    family.end(&ORDER).await;
    if !spec.keep_directory {
        std::fs::remove_dir_all(&spec.directory).context("cannot remove the lab's directory")?;
    }
    outcome
}

async fn start(spec: &Spec, family: &Family) -> anyhow::Result<()> {
    let clusters = bring_up::clusters(spec, family, |text| say(&Message::Progress { text }));
    let (clusters, names) = tokio::try_join!(clusters, bring_up::names(spec, family))?;
    let state = State { supervisor: std::process::id(), clusters, names: Some(names) };
    // Renamed, so that whoever finds the file finds all of it.
    let path = spec.directory.join(STATE_FILE);
    let scratch = path.with_extension("new");
    prepare::private_file(&scratch, &serde_json::to_string(&state)?)?;
    std::fs::rename(&scratch, &path).context("cannot write the lab's state")
}

fn say(message: &Message) {
    if let Ok(line) = serde_json::to_string(message) {
        // The parent may be gone; that is noticed elsewhere.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{error:#}");
    ExitCode::FAILURE
}
