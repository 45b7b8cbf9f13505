//! How fast requests may follow each other.
//!
//! Route 53 takes five requests a second from an account, whatever they are. All requests of a client pass here, in
//! the order in which they came; when the service says that it was too many, because others use the account too,
//! all of them pause.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A second, and a little more: requests that leave in one second may arrive in less.
const WINDOW: Duration = Duration::from_millis(1050);

/// Lets at most `limit` requests pass in any second.
pub(super) struct Pacer {
    limit: usize,
    /// When the last `limit` requests passed. Locked while one waits, so that those behind it keep their order.
    passed: tokio::sync::Mutex<VecDeque<Instant>>,
    /// Nobody passes before.
    pause: Mutex<Option<Instant>>,
}

impl Pacer {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), passed: tokio::sync::Mutex::default(), pause: Mutex::default() }
    }

    /// Waits for the turn of one request.
    ///
    /// # Cancel safety
    /// A turn that is not waited for is given to the next.
    pub(super) async fn turn(&self) {
        let mut passed = self.passed.lock().await;
        loop {
            let now = Instant::now();
            let full = passed.len() >= self.limit;
            let room = passed.front().filter(|_| full).map(|oldest| *oldest + WINDOW);
            match room.max(self.pause()).filter(|at| *at > now) {
                Some(at) => sleep_until(at).await,
                None => break,
            }
        }
        if passed.len() >= self.limit {
            passed.pop_front();
        }
        passed.push_back(Instant::now());
    }

    /// Lets nobody pass for a while: the service has refused a request for their number.
    pub(super) fn pause_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut current = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (*current).max(Some(until));
    }

    fn pause(&self) -> Option<Instant> {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prop_assert, proptest};

    use super::*;

    async fn pass(pacer: &Pacer, count: usize) -> Vec<Instant> {
        let mut times = Vec::new();
        for _ in 0..count {
            pacer.turn().await;
            times.push(Instant::now());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn five_pass_at_once_and_the_sixth_a_second_later() {
        let start = Instant::now();
        let times = pass(&Pacer::new(5), 6).await;
        let waited: Vec<_> = times.into_iter().map(|at| (at - start).as_millis()).collect();
        assert_eq!(&waited[..5], [0; 5]);
        assert!((1050..1060).contains(&waited[5]), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_everybody_up() {
        let pacer = Pacer::new(5);
        let start = Instant::now();
        pacer.pause_for(Duration::from_secs(3));
        pacer.pause_for(Duration::from_secs(1));
        pass(&pacer, 1).await;
        assert_eq!(start.elapsed().as_secs(), 3, "a shorter pause does not end a longer one");
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_the_limit(pauses in vec(0_u64..900, 1..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let times = runtime.block_on(async {
                let pacer = Pacer::new(5);
                let mut times = Vec::new();
                for pause in pauses {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    times.extend(pass(&pacer, 2).await);
                }
                times
            });
            for six in times.windows(6) {
                prop_assert!(six[5] - six[0] >= WINDOW);
            }
        }
    }
}
