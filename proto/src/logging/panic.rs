//! Panics, in the one form that hosts look for.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{self, PanicHookInfo};
use std::thread;

use crate::operations::panic_message;

/// Makes every panic begin with a line `panic: …` on stderr. A host collects such lines and shows them to the user
/// after everything else, whether the process lives on or not.
pub(super) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let report = report(info, &Backtrace::capture());
        // There is nowhere left to report to if stderr is closed.
        let _ = std::io::stderr().lock().write_all(report.as_bytes());
    }));
}

fn report(info: &PanicHookInfo<'_>, backtrace: &Backtrace) -> String {
    // Further lines of the message are indented: unlike the first, they need not be found.
    let message = panic_message(info.payload()).replace('\n', "\n  ");
    let thread = thread::current();
    let mut report = format!("panic: {message}\n\nthread `{}`", thread.name().unwrap_or("unnamed"));
    if let Some(location) = info.location() {
        report = format!("{report} at {location}");
    }
    report.push('\n');
    if backtrace.status() == BacktraceStatus::Captured {
        report = format!("{report}{backtrace}\n");
    }
    report
}
