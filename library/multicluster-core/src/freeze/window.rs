//! One freeze window.

use jiff::Timestamp;

/// A time, or times that come again, in which no wave may begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    when: When,
    reason: String,
}

/// When a window holds.
#[derive(Clone, Debug, PartialEq)]
enum When {
    /// Once.
    Once {
        /// The first moment of it.
        from: Timestamp,
        /// The first moment after it.
        until: Timestamp,
    },
}

impl Window {
    /// A window that holds once, from a moment on and until another, that one left out.
    #[must_use]
    pub fn between(from: Timestamp, until: Timestamp, reason: impl Into<String>) -> Self {
        Self { when: When::Once { from, until }, reason: reason.into() }
    }

    /// Why there is a freeze, as the user says.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it ends, if it holds now.
    #[must_use]
    pub fn end_if_open(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Once { from, until } => (*from <= now && now < *until).then_some(*until),
        }
    }
}
