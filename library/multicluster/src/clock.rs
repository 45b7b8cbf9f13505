//! The time, as the caller gives it.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

/// Tells the time of day.
///
/// The library has no clock of its own, so that what depends on the time can be tested. Periods and deadlines are
/// measured by the runtime's monotonic clock instead, which cannot be set back.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Wraps a function that tells the time.
    ///
    /// ```
    /// use multicluster::clock::Clock;
    /// let clock = Clock::new(|| jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(clock.now().as_second(), 0);
    /// ```
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
