//! The operations that a provider's process is carrying out, and how they are told to stop.
//!
//! ```text
//! StopProvider ─▶ stop()  cancels what runs; what comes later runs as usual
//! Shutdown, SIGTERM, host gone ─▶ end()  cancels what runs and what comes; then drain()
//! ```
//!
//! Invariant: an operation that has begun is never dropped half way. It runs in a task of its own, because the
//! server drops a request's future as soon as the connection dies; only the end of the process stops it, and that
//! waits in [`Operations::drain`].

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

/// What the host is given to store the reply of an interrupted operation before it is told that the process may
/// end; it ends itself soon after. States were lost at 0 ms and never at 50 ms, if they were small. An idle process
/// is spared it: a host starts several of them for one apply, and waits for each to end.
const REPLY_GRACE: Duration = Duration::from_millis(50);

/// What the host is given besides for every byte of its replies. A state of 30 MB took Terraform 2.8 s to check and
/// store on a busy machine, and was lost without it.
const REPLY_GRACE_PER_BYTE: Duration = Duration::from_nanos(150);

/// The running operations of one process. Clones share them.
#[derive(Clone, Debug)]
pub struct Operations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Operations and unfinished replies. Closed from the start: for a tracker that only means that waiting ends
    /// whenever it is empty.
    running: TaskTracker,
    /// Cancelled once, by `end`.
    ended: CancellationToken,
    /// A child of `ended`, which `stop` cancels and replaces.
    current: Mutex<CancellationToken>,
    /// `stop` has been called.
    interrupted: AtomicBool,
    /// When the host will have stored all replies so far.
    stored: Mutex<Option<Instant>>,
}

impl Operations {
    /// Nothing runs yet.
    #[must_use]
    pub fn new() -> Self {
        let running = TaskTracker::new();
        running.close();
        let ended = CancellationToken::new();
        let current = Mutex::new(ended.child_token());
        Self {
            inner: Arc::new(Inner {
                running,
                ended,
                current,
                interrupted: AtomicBool::new(false),
                stored: Mutex::new(None),
            }),
        }
    }

    /// Runs `work` to its end and returns what it returns. Its token is cancelled by [`stop`](Self::stop) and
    /// [`end`](Self::end), and by nothing that the work itself does to it.
    ///
    /// # Errors
    /// [`Panicked`] if the work panicked.
    ///
    /// # Cancel safety
    /// If the returned future is dropped, the work goes on and its result is lost.
    pub async fn run<T, F, Fut>(&self, work: F) -> Result<T, Panicked>
    where
        T: Send + 'static,
        F: FnOnce(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send,
    {
        let token = self.current().child_token();
        // `work` is called inside the task, so that a panic before its first await is caught as well.
        let task = async move { work(token).await }.in_current_span();
        self.inner.running.spawn(task).await.map_err(Panicked::new)
    }

    /// Cancels what runs now. What is started later is not affected.
    pub fn stop(&self) {
        self.inner.interrupted.store(true, Ordering::Relaxed);
        let mut current = self.current();
        current.cancel();
        *current = self.inner.ended.child_token();
    }

    /// Cancels what runs now and whatever is started from now on.
    pub fn end(&self) {
        self.inner.ended.cancel();
    }

    /// Waits until no operation runs and all replies have been written. If anything ran or had been interrupted, it
    /// waits a little longer, until the host will have stored them. Does not cancel anything.
    ///
    /// # Errors
    /// [`StillRunning`] if that was not so after `limit`.
    ///
    /// # Cancel safety
    /// Safe; nothing is lost.
    pub async fn drain(&self, limit: Duration) -> Result<(), StillRunning> {
        let idle = self.inner.running.is_empty() && !self.inner.interrupted.load(Ordering::Relaxed);
        let deadline = Instant::now() + limit;
        if tokio::time::timeout_at(deadline, self.inner.running.wait()).await.is_err() {
            return Err(StillRunning { count: self.inner.running.len() });
        }
        if !idle {
            let now = Instant::now();
            let stored = lock(&self.inner.stored).map_or(now, |stored| stored.max(now)) + REPLY_GRACE;
            tokio::time::sleep_until(stored.min(deadline)).await;
        }
        Ok(())
    }

    /// Makes [`drain`](Self::drain) wait until what is returned has been dropped.
    pub(crate) fn hold(&self) -> TaskTrackerToken {
        self.inner.running.token()
    }

    /// Some bytes of a reply have been written.
    pub(crate) fn written(&self, bytes: usize) {
        let takes = REPLY_GRACE_PER_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
        let now = Instant::now();
        let mut stored = lock(&self.inner.stored);
        *stored = Some(stored.map_or(now, |stored| stored.max(now)) + takes);
    }

    fn current(&self) -> MutexGuard<'_, CancellationToken> {
        lock(&self.inner.current)
    }
}

/// What is locked here is whole at any time, so that a panic elsewhere cannot have broken it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Operations {
    fn default() -> Self {
        Self::new()
    }
}

/// An operation panicked. The process goes on.
#[derive(Debug, thiserror::Error)]
#[error("the operation panicked: {message}")]
pub struct Panicked {
    /// What the panic said. Where it happened is on stderr.
    pub message: String,
}

impl Panicked {
    fn new(error: tokio::task::JoinError) -> Self {
        let message = match error.try_into_panic() {
            Ok(payload) => panic_message(payload.as_ref()).to_owned(),
            // Nobody aborts these tasks, so this is the runtime ending under a waiting caller.
            Err(_) => "the process is ending".to_owned(),
        };
        Self { message }
    }
}

/// What a panic said, given its payload.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    if let Some(message) = payload.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message
    } else {
        "no message"
    }
}

/// Operations or replies were left when the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    /// How many; a request that is answered counts until its reply is written, so one may count twice.
    pub count: usize,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operations or replies still under way: {}", self.count)
    }
}

impl std::error::Error for StillRunning {}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const NOW: Duration = Duration::from_millis(1);

    /// An operation that says when it has begun and ends when it is cancelled.
    fn cancellable(
        operations: &Operations,
    ) -> (impl Future<Output = Result<&'static str, Panicked>> + use<>, oneshot::Receiver<()>) {
        let (begun, has_begun) = oneshot::channel();
        let operations = operations.clone();
        let run = async move {
            operations
                .run(|token| async move {
                    begun.send(()).unwrap();
                    token.cancelled().await;
                    "cancelled"
                })
                .await
        };
        (run, has_begun)
    }

    #[tokio::test]
    async fn stop_cancels_what_runs_and_nothing_later() {
        let operations = Operations::new();
        let (run, begun) = cancellable(&operations);
        let (result, ()) = tokio::join!(run, async {
            begun.await.unwrap();
            operations.stop();
        });
        assert_eq!(result.unwrap(), "cancelled");
        let later = operations.run(|token| async move { token.is_cancelled() }).await;
        assert!(!later.unwrap());
    }

    #[tokio::test]
    async fn end_cancels_what_runs_and_all_later() {
        let operations = Operations::new();
        let (run, begun) = cancellable(&operations);
        let (result, ()) = tokio::join!(run, async {
            begun.await.unwrap();
            operations.end();
        });
        assert_eq!(result.unwrap(), "cancelled");
        operations.stop();
        let later = operations.run(|token| async move { token.is_cancelled() }).await;
        assert!(later.unwrap());
    }

    #[tokio::test]
    async fn work_outlives_the_request_that_asked_for_it() {
        let operations = Operations::new();
        let (run, begun) = cancellable(&operations);
        let mut run = Box::pin(run);
        tokio::select! {
            _ = &mut run => panic!("ended before it was cancelled"),
            begun = begun => begun.unwrap(),
        }
        drop(run);
        assert_eq!(operations.drain(NOW).await, Err(StillRunning { count: 1 }));
        operations.stop();
        assert_eq!(operations.drain(SOON).await, Ok(()));
    }

    #[tokio::test]
    async fn drain_waits_for_replies() {
        let operations = Operations::new();
        let reply = operations.hold();
        assert_eq!(operations.drain(NOW).await, Err(StillRunning { count: 1 }));
        drop(reply);
        assert_eq!(operations.drain(SOON).await, Ok(()));
    }

    #[tokio::test]
    async fn an_idle_process_ends_at_once_and_one_with_a_large_reply_later() {
        let operations = Operations::new();
        let million = 1_000_000;
        operations.written(million);
        let time_to_drain = async || {
            let begun = Instant::now();
            operations.drain(SOON).await.unwrap();
            begun.elapsed()
        };
        assert!(time_to_drain().await < REPLY_GRACE);
        operations.stop();
        operations.written(million);
        assert!(time_to_drain().await >= REPLY_GRACE + REPLY_GRACE_PER_BYTE * 900_000);
    }

    #[rstest::rstest]
    #[case::of_a_literal(|| panic!("boom"), "boom")]
    #[case::formatted(|| panic!("boom {}", 2), "boom 2")]
    #[case::of_something_else(|| std::panic::panic_any(7), "no message")]
    #[tokio::test]
    async fn a_panic_is_an_error(#[case] work: fn(), #[case] message: &str) {
        let operations = Operations::new();
        let before_the_future = operations
            .run(move |_| {
                work();
                async {}
            })
            .await;
        assert_eq!(before_the_future.unwrap_err().message, message);
        let inside = operations.run(move |_| async move { work() }).await;
        assert_eq!(inside.unwrap_err().message, message);
        assert_eq!(operations.drain(SOON).await, Ok(()));
    }
}
