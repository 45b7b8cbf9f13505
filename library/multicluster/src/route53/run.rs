//! When an operation has to stop.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The frame of one operation: who may end it, and when it gives up.
///
/// A request that is on its way is finished, since what became of it must be known; no new one begins.
#[derive(Clone, Debug)]
pub struct Run {
    /// Cancelled when the user interrupts.
    pub cancelled: CancellationToken,
    /// The last moment, on the runtime's monotonic clock.
    pub deadline: Instant,
}

/// Why an operation stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    Deadline,
}

impl Run {
    /// An operation that may take `time` and that nobody interrupts.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self { cancelled: CancellationToken::new(), deadline: Instant::now() + time }
    }

    /// Does `work`, unless the run ends before it does.
    ///
    /// # Cancel safety
    /// That of `work`, which is dropped when the run ends.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            stop = self.ended() => Err(stop),
            done = work => Ok(done),
        }
    }

    /// Waits until the run ends.
    pub(super) async fn ended(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Stop::Cancelled,
            () = sleep_until(self.deadline) => Stop::Deadline,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_run_ends_by_its_deadline_or_its_user() {
        let run = Run::within(Duration::from_secs(5));
        assert_eq!(run.during(ready(7)).await, Ok(7));
        let start = Instant::now();
        assert_eq!(run.during(pending::<()>()).await, Err(Stop::Deadline));
        assert_eq!(start.elapsed().as_secs(), 5);

        let run = Run::within(Duration::from_secs(5));
        run.cancelled.cancel();
        assert_eq!(run.during(ready(7)).await, Err(Stop::Cancelled), "nothing new begins");
    }
}
