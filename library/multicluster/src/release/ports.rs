//! What a release needs and does not do itself: asking metrics services, leading DNS, and telling people.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use multicluster_core::analysis::spec::{Range, Warnings};
use multicluster_core::analysis::{SourceName, Value};
use multicluster_core::names::ClusterName;
use multicluster_core::release::journal::Journal;

use super::progress::Event;

/// One question to a metrics service.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Which service.
    pub source: SourceName,
    /// In its language, with nothing left to be filled in.
    pub query: String,
    /// Values over time instead of the value now.
    pub range: Option<Range>,
    /// How long it may take.
    pub timeout: Duration,
    /// What warnings of the service mean.
    pub warnings: Warnings,
}

/// The metrics services that the user has named.
pub trait Metrics: Send + Sync {
    /// Asks one question. Why it was not answered is in words, without credentials.
    ///
    /// Dropping the future ends the question.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Value, String>>;
}

/// The names in DNS that waves are coupled to. Each call may be repeated.
pub trait Dns: Send + Sync {
    /// Takes the cluster out of all of them, and waits until that is in effect.
    fn withdraw<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<(), String>>;

    /// Puts it back.
    fn give_back<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<(), String>>;

    /// Whether users are led to the cluster by all of them.
    fn in_dns<'a>(&'a self, cluster: &'a ClusterName) -> BoxFuture<'a, Result<bool, String>>;
}

/// Who is told what happens. Must not block: a release never waits for those who watch it.
pub trait Progress: Send + Sync {
    /// Something happened, and the journal says this now.
    fn tell(&self, event: &Event, journal: &Journal);

    /// What those who are told want to have remembered for a later apply, by their names.
    fn remembered(&self) -> BTreeMap<String, serde_json::Value> {
        BTreeMap::new()
    }
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Progress for Quiet {
    fn tell(&self, _event: &Event, _journal: &Journal) {}
}

/// No metrics service is known: every question fails.
#[derive(Clone, Copy, Debug)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Value, String>> {
        let why = format!("the metrics source `{}` is not configured", question.source);
        Box::pin(std::future::ready(Err(why)))
    }
}
