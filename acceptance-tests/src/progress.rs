//! Says on stderr what is being waited for, and for how long.
//!
//! A step on a terminal is one line that counts seconds; elsewhere (CI) it is a line when it starts, one every
//! fifteen seconds and one when it ends. Steps that take no time print nothing.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Nothing.
    Silent,
    /// Lines on stderr.
    #[default]
    Stderr,
}

/// A step in work. Dropping it ends the step.
#[must_use]
pub struct Step(Option<(Sender<()>, JoinHandle<()>)>);

/// Steps shorter than this are not worth a line.
const QUIET: Duration = Duration::from_millis(400);
/// How often a step repeats itself where a line cannot be overwritten.
const REPEAT: Duration = Duration::from_secs(15);

impl Progress {
    /// Starts a step; `what` reads like "building etcd".
    pub fn start(self, what: &str) -> Step {
        if self == Self::Silent {
            return Step(None);
        }
        let (done, ended) = channel::<()>();
        let what = what.to_owned();
        let terminal = std::io::stderr().is_terminal();
        let started = Instant::now();
        let thread = std::thread::spawn(move || {
            let mut wait = QUIET;
            let mut said = false;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                say(terminal, "\r", &format!("lab: {what} … {} s", started.elapsed().as_secs()));
                said = true;
                wait = if terminal { Duration::from_secs(1) } else { REPEAT };
            }
            if said {
                say(terminal, "\r", &format!("lab: {what}: {:.1} s", started.elapsed().as_secs_f64()));
                if terminal {
                    say(false, "", "");
                }
            }
        });
        Step(Some((done, thread)))
    }
}

impl Progress {
    /// Says one thing.
    pub fn note(self, text: &str) {
        if self == Self::Stderr {
            let terminal = std::io::stderr().is_terminal();
            say(false, "", &format!("{}lab: {text}", if terminal { "\r\u{1b}[K" } else { "" }));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            // The thread only prints; a panic in it is no reason to fail the step.
            let _ = thread.join();
        }
    }
}

fn say(overwrite: bool, start: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Progress is a courtesy: when stderr is closed, the work goes on.
    let _ = if overwrite { write!(stderr, "{start}{text}\u{1b}[K") } else { writeln!(stderr, "{text}") };
    let _ = stderr.flush();
}
