//! Log lines as a go-plugin host reads them from a plugin's stderr.
//!
//! The host takes a line apart if it is a JSON object with `@level`, `@message`, `@module` and `@timestamp`, and
//! shows it under its own level; anything else becomes a debug message. What is written is decided here as the
//! host would decide it, from `TF_LOG` and `TF_LOG_PROVIDER`, so that a run without them does not pay for lines
//! that nobody sees.
//!
//! Invariant: one line is one write of at most 64 KiB, the size of the host's buffer; a longer one would arrive
//! in pieces.

mod layer;
mod level;
mod panic;

use std::error::Error;

use tracing_subscriber::layer::SubscriberExt as _;

pub use layer::HostLayer;
pub use level::{Wanted, level_of};

/// Sends this process's events to stderr, and panics as lines that the host recognises. `module` is what the
/// lines are filed under: `provider.multicluster`. Call it first thing in `main`; a second call does nothing.
pub fn init(module: &str) {
    panic::install_hook();
    let level = level_of(&Wanted::of_process(module));
    let subscriber = tracing_subscriber::registry()
        .with(level::filter(level))
        .with(HostLayer::new(module, std::io::stderr()));
    // The error says that a subscriber is there already: that of an earlier call, or of a test.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// An error with its causes, as it is shown in logs and to users: `outer: inner: innermost`.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
