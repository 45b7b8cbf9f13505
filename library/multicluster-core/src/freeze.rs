//! When no wave of a release may begin.
//!
//! A [`Window`] is given by two moments, by a cron expression, or by the rules of RFC 5545, in a time zone of the IANA database. Zones are
//! looked up in the copy of that database that the program carries, so that the answer is the same on every machine.
//!
//! Invariant: [`is_frozen`] is a function of the windows and the time. A moment at which a window ends is not in it.

mod config;
mod local;
mod rule;
mod window;

use jiff::Timestamp;

pub use self::config::WindowConfig;
pub use self::window::Window;

/// A freeze that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// When no window holds any more. Windows that follow each other without a gap count as one.
    pub until: Timestamp,
    /// Which of the windows holds now, counted from 0; of several the one that ends last.
    pub which: usize,
    /// Why, as the user says.
    pub reason: String,
}

/// How often another window takes over where one ends, before that is taken for the end.
const CHANGES: usize = 100;

/// Whether a window holds, and until when.
#[must_use]
pub fn is_frozen(windows: &[Window], now: Timestamp) -> Option<Frozen> {
    let (which, mut until) = last_to_end(windows, now)?;
    for _ in 0..CHANGES {
        match last_to_end(windows, until) {
            Some((_, later)) => until = later,
            None => break,
        }
    }
    let reason = windows.get(which).map(|window| window.reason().to_owned()).unwrap_or_default();
    Some(Frozen { until, which, reason })
}

/// When a wave may begin: now, or at the end of the freeze.
#[must_use]
pub fn next_opening(windows: &[Window], now: Timestamp) -> Timestamp {
    is_frozen(windows, now).map_or(now, |frozen| frozen.until)
}

/// The window that holds and ends last, and when. The first of those that end together.
fn last_to_end(windows: &[Window], now: Timestamp) -> Option<(usize, Timestamp)> {
    let mut found: Option<(usize, Timestamp)> = None;
    for (index, window) in windows.iter().enumerate() {
        let Some(end) = window.end_if_open(now) else { continue };
        if found.is_none_or(|(_, latest)| end > latest) {
            found = Some((index, end));
        }
    }
    found
}
