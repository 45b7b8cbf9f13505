//! Users: real HTTP requests, each of which is counted.
//!
//! Every request that is not answered with 2xx is *lost*, whatever the reason. Nothing is tried again: a real user would
//! have seen it. A request belongs to the phase in which it was begun, so that "after the rollback no request of
//! version 2" is a question about one phase.

mod client;
mod report;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

pub use report::{Outcome, Record, Report, Tally};

use crate::dataplane::DataPlane;
use client::{Client, Connections};

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is called in the report, such as the cluster.
    pub name: String,
    /// Where the server listens.
    pub address: SocketAddr,
    /// The `Host` that is asked for.
    pub host: String,
    /// The path, with a query if there is one.
    pub path: String,
    /// More headers.
    pub headers: BTreeMap<String, String>,
}

impl Target {
    /// A host behind a data plane, called as its cluster.
    pub fn new(plane: &DataPlane, host: &str) -> Self {
        Self {
            name: plane.cluster().to_owned(),
            address: plane.address(),
            host: host.to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
        }
    }
}

/// How much is asked of each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Users who keep their connection.
    pub keep_alive: u32,
    /// Users who make a new connection for each request.
    pub fresh: u32,
    /// From the start of a user's request to that of the next one; an answer that takes longer delays it.
    pub every: Duration,
    /// A request that takes longer is lost.
    pub patience: Duration,
}

impl Default for Load {
    /// Two users of each kind, each with fifty requests per second.
    fn default() -> Self {
        Self { keep_alive: 2, fresh: 2, every: Duration::from_millis(20), patience: Duration::from_secs(5) }
    }
}

/// A generator of requests; dropping it ends them.
#[derive(Debug)]
pub struct Generator {
    started: Instant,
    targets: Vec<Target>,
    book: Arc<Mutex<Book>>,
    stop: CancellationToken,
    /// Aborted when dropped.
    users: JoinSet<()>,
}

/// All that happened.
#[derive(Debug, Default)]
struct Book {
    records: Vec<Record>,
    /// Names of phases, and when each began.
    phases: Vec<(String, Duration)>,
}

impl Generator {
    /// Starts sending. The first phase is called `start`.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start(targets: Vec<Target>, load: Load) -> Self {
        let book = Arc::new(Mutex::new(Book {
            records: Vec::new(),
            phases: vec![("start".to_owned(), Duration::ZERO)],
        }));
        let (started, stop) = (Instant::now(), CancellationToken::new());
        let mut users = JoinSet::new();
        for (index, target) in targets.iter().enumerate() {
            let kinds = [(Connections::Kept, load.keep_alive), (Connections::Fresh, load.fresh)];
            for (connections, count) in kinds {
                for _ in 0..count {
                    let user = User {
                        client: Client::new(target, connections, load.patience),
                        target: index,
                        every: load.every,
                        started,
                        book: Arc::clone(&book),
                        stop: stop.clone(),
                    };
                    users.spawn(user.run());
                }
            }
        }
        Self { started, targets, book, stop, users }
    }

    /// Begins a phase: what is sent from now on belongs to it. A name may come again, and is then continued.
    pub fn phase(&self, name: &str) {
        let now = self.started.elapsed();
        self.book().phases.push((name.to_owned(), now));
    }

    /// What happened until now.
    pub fn report(&self) -> Report {
        let book = self.book();
        Report::new(
            self.targets.iter().map(|target| target.name.clone()).collect(),
            &book.phases,
            &book.records,
        )
    }

    /// Waits until this many requests of the present phase have come to an end at every target, lost ones included.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub async fn wait_for(&self, requests: u64, limit: Duration) -> anyhow::Result<()> {
        crate::lab::wait::until(&format!("there are {requests} answers"), limit, async || {
            let book = self.book();
            let began = book.phases.last().map(|(_, began)| *began).unwrap_or_default();
            let of_phase = book.records.iter().filter(|record| record.begun >= began);
            let mut counts = vec![0; self.targets.len()];
            for record in of_phase {
                if let Some(count) = counts.get_mut(record.target) {
                    *count += 1;
                }
            }
            let enough = counts.iter().all(|count| *count >= requests);
            Ok(enough.then_some(()))
        })
        .await
    }

    /// Ends sending, and returns what happened when the last answers are there.
    pub async fn stop(mut self) -> Report {
        self.stop.cancel();
        while self.users.join_next().await.is_some() {}
        self.report()
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct User {
    client: Client,
    target: usize,
    every: Duration,
    started: Instant,
    book: Arc<Mutex<Book>>,
    stop: CancellationToken,
}

impl User {
    async fn run(mut self) {
        let mut pace = tokio::time::interval(self.every);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // A request that was begun is waited for, or it would be missing from the count.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = pace.tick() => {}
            }
            let begun = self.started.elapsed();
            let outcome = self.client.ask().await;
            let record = Record {
                target: self.target,
                begun,
                took: self.started.elapsed().saturating_sub(begun),
                outcome,
            };
            self.book.lock().unwrap_or_else(PoisonError::into_inner).records.push(record);
        }
    }
}
