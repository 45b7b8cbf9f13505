//! A `/metrics` that Prometheus scrapes, and whose truth a test decides.
//!
//! A series is either steered (so many requests per second, of which so many succeed, each taking so long) or fed from
//! what a data plane really answered. Steered counters grow with real time, so that any interval of a query gives what
//! was said for that time.

mod series;
mod text;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

pub use series::{Labels, Steer};

use crate::{
    dataplane::{Counters, DataPlane},
    http_server::{HttpServer, answer},
};
use series::Series;

/// The format of Prometheus' text exposition.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A running exporter; dropping it closes its port.
#[derive(Debug)]
pub struct Exporter {
    server: HttpServer,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    steered: BTreeMap<Labels, Series>,
    gauges: BTreeMap<String, f64>,
    followed: Vec<Followed>,
    scrapes: u64,
}

/// A data plane whose answers are shown.
#[derive(Debug)]
struct Followed {
    cluster: String,
    namespace: String,
    workload: String,
    counters: Arc<Counters>,
}

impl Exporter {
    /// Starts an exporter on a free port of 127.0.0.1. It shows nothing at first.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> anyhow::Result<Self> {
        let book: Arc<Mutex<Book>> = Arc::default();
        let shown = Arc::clone(&book);
        let server = HttpServer::start(move |_request| {
            let text = lock(&shown).show(Instant::now());
            async move { Ok(answer(200, TEXT, text)) }
        })?;
        Ok(Self { server, book })
    }

    /// What Prometheus is told to scrape.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Says what a series does from now on. What it counted until now stays.
    pub fn steer(&self, labels: Labels, steer: Steer) {
        let now = Instant::now();
        lock(&self.book).steered.entry(labels).or_insert_with(|| Series::new(now)).steer(steer, now);
    }

    /// Shows a gauge without labels; `None` shows it no more.
    pub fn gauge(&self, name: &str, value: Option<f64>) {
        let mut book = lock(&self.book);
        match value {
            Some(value) => book.gauges.insert(name.to_owned(), value),
            None => book.gauges.remove(name),
        };
    }

    /// Shows what a data plane answers, under the name of a workload, by the version and colour of the pods. What got no
    /// answer from a pod has neither.
    pub fn follow(&self, plane: &DataPlane, workload: &str) {
        lock(&self.book).followed.push(Followed {
            cluster: plane.cluster().to_owned(),
            namespace: plane.namespace().to_owned(),
            workload: workload.to_owned(),
            counters: Arc::clone(plane.counters()),
        });
    }

    /// How often it was scraped.
    pub fn scrapes(&self) -> u64 {
        lock(&self.book).scrapes
    }
}

impl Book {
    fn show(&mut self, now: Instant) -> String {
        self.scrapes += 1;
        let steered =
            self.steered.iter_mut().filter_map(|(labels, series)| Some((labels, series.shown(now)?)));
        let mut lines: Vec<_> = steered.map(|(labels, shown)| (labels.clone(), shown)).collect();
        for followed in &self.followed {
            lines.extend(series::of_counters(
                &followed.cluster,
                &followed.namespace,
                &followed.workload,
                &followed.counters.all(),
            ));
        }
        text::render(&lines, &self.gauges)
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
