//! What one data plane knows, shared by those who hear and those who answer.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tokio::sync::watch;

use super::{
    backends::{Endpoint, Process},
    behavior::{self, Behavior, Who},
    collection::{Collection, Turn},
    counters::Counters,
    plan::{Asked, Plan},
    table::{Change, Table},
};

/// A handle on it.
#[derive(Clone)]
pub(super) struct State(Arc<Inner>);

pub(super) struct Inner {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) counters: Arc<Counters>,
    /// What the API says now.
    heard: RwLock<Table>,
    /// What holds for requests.
    applied: RwLock<Table>,
    pods: RwLock<Collection<Process>>,
    rules: Mutex<Vec<(Who, Behavior)>>,
    /// How many requests each rule, Service and version has had.
    numbers: Mutex<BTreeMap<String, u64>>,
    news: watch::Sender<()>,
}

impl Deref for State {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl State {
    pub(super) fn new(cluster: &str, namespace: &str) -> Self {
        Self(Arc::new(Inner {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            counters: Arc::default(),
            heard: RwLock::new(Table::new(namespace)),
            applied: RwLock::new(Table::new(namespace)),
            pods: RwLock::default(),
            rules: Mutex::default(),
            numbers: Mutex::default(),
            news: watch::Sender::new(()),
        }))
    }
}

impl Inner {
    /// The API said this.
    pub(super) fn heard(&self, change: Change) {
        self.heard.write().unwrap_or_else(PoisonError::into_inner).apply(change);
        self.news.send_replace(());
    }

    /// It holds from now on.
    pub(super) fn applied(&self, change: Change) {
        self.applied.write().unwrap_or_else(PoisonError::into_inner).apply(change);
        self.news.send_replace(());
    }

    /// Something happened to a pod.
    pub(super) fn pod(&self, turn: Turn<Process>) {
        self.pods.write().unwrap_or_else(PoisonError::into_inner).apply(turn);
        self.news.send_replace(());
    }

    /// Says when something has changed.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(super) fn kinds_listed(&self) -> usize {
        self.with_applied(Table::kinds_listed)
    }

    pub(super) fn pods_listed(&self) -> bool {
        self.pods.read().unwrap_or_else(PoisonError::into_inner).is_complete()
    }

    pub(super) fn with_heard<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&self.heard.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_applied<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&self.applied.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn plan(&self, asked: &Asked<'_>) -> Option<Plan> {
        self.with_applied(|table| table.plan(asked))
    }

    /// The pods of a Service that may get a request, those with certain labels only.
    pub(super) fn endpoints(
        &self,
        service: &str,
        port: Option<u16>,
        subset: &BTreeMap<String, String>,
    ) -> Vec<Endpoint> {
        let mut found = self.with_applied(|table| table.endpoints(service, port));
        if !subset.is_empty() {
            let pods = self.pods.read().unwrap_or_else(PoisonError::into_inner);
            found.retain(|endpoint| {
                let process = endpoint.pod.as_ref().and_then(|pod| pods.get(pod));
                process.is_some_and(|process| {
                    subset.iter().all(|(name, value)| process.labels.get(name) == Some(value))
                })
            });
        }
        found
    }

    /// The server in a pod, if it accepts connections.
    pub(super) fn running(&self, pod: Option<&str>) -> Option<Process> {
        let pods = self.pods.read().unwrap_or_else(PoisonError::into_inner);
        pods.get(pod?).filter(|process| process.runs).cloned()
    }

    pub(super) fn behavior(&self, process: &Process) -> Behavior {
        behavior::of(&self.rules(), process)
    }

    pub(super) fn rules(&self) -> MutexGuard<'_, Vec<(Who, Behavior)>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next request of this sort, from 0.
    pub(super) fn number(&self, sort: &str) -> u64 {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = numbers.entry(sort.to_owned()).or_default();
        let number = *next;
        *next += 1;
        number
    }
}
