//! What a user asks of an analysis.
//!
//! Fields that Argo Rollouts has too are named as there, in snake case.

mod check;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use self::check::check;
use super::condition::Condition;
pub use crate::dns::Problem;

/// What is measured during a release, and how the measurements are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisSpec {
    /// The metrics, by unique names.
    pub metrics: Vec<Metric>,
    /// Whose rules of counting hold.
    pub counting: Counting,
    /// What `{{args.NAME}}` in queries stands for.
    pub args: BTreeMap<String, String>,
    /// How soon a measurement that ended in an error is taken again. `None`: after the metric's interval, but at
    /// most 10 s. With [`Counting::Argo`] it is 10 s, whatever stands here.
    pub error_retry_interval: Option<Duration>,
}

/// Whose rules of counting hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// Those of this project: a metric without enough successes is never a success.
    #[default]
    Ours,
    /// Exactly those of Argo Rollouts, with what is surprising about them.
    Argo,
}

/// The name of a metrics source in the provider block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(pub String);

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One metric.
///
/// Limits are `None` where the user says nothing; see the methods for what holds then.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name, unique within the analysis.
    pub name: String,
    /// Which metrics source is asked.
    pub source: SourceName,
    /// The question, in the language of the source, with placeholders.
    pub query: String,
    /// Ask for values over time instead of the value now.
    pub range: Option<Range>,
    /// Whether every cluster is judged by itself, or all together.
    pub scope: Scope,
    /// The time from the end of a measurement to the next one. `None`: measured once.
    pub interval: Option<Duration>,
    /// The time from the start of the run to the first measurement.
    pub initial_delay: Duration,
    /// How many measurements decide; errors do not count. `None` or 0: one without `interval`, else no end.
    pub count: Option<u32>,
    /// What is true of a good measurement.
    pub success_condition: Option<Condition>,
    /// What is true of a bad measurement.
    pub failure_condition: Option<Condition>,
    /// The metric fails with more failed measurements than this. −1: never. `None`: 0.
    pub failure_limit: Option<i64>,
    /// The metric is inconclusive with more inconclusive measurements than this. `None`: see [`Metric::inconclusive_limit`].
    pub inconclusive_limit: Option<i64>,
    /// The metric is in error with more errors in a row than this. `None`: 4.
    pub consecutive_error_limit: Option<i64>,
    /// The metric succeeds early with so many successes in a row. `None` or 0: never.
    pub consecutive_success_limit: Option<i64>,
    /// The metric fails with more failed measurements in a row than this. `None`: no such limit. Not with [`Counting::Argo`].
    pub consecutive_failure_limit: Option<i64>,
    /// How many successful measurements a success needs. `None`: 1. Not with [`Counting::Argo`].
    pub min_successes: Option<u32>,
    /// For how long errors in a row are borne, whatever their number. Not with [`Counting::Argo`].
    pub error_budget: Option<Duration>,
    /// What a measurement is that brings no data. Not with [`Counting::Argo`].
    pub no_data: NoData,
    /// Which of several series are judged. Not with [`Counting::Argo`].
    pub series: SeriesChoice,
    /// Measure and show, but do not judge.
    pub dry_run: bool,
    /// How long the source may take to answer.
    pub timeout: Duration,
    /// What warnings of the source mean, such as a partial response.
    pub warnings: Warnings,
    /// The same question about the old colour: its answer is `baseline` in the conditions, and `ratio` and
    /// `difference` compare the two. Placeholders stand for the old colour.
    pub baseline: Option<String>,
}

/// How long a source may take to answer if the user says nothing.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Values over time, both ends counted back from the moment of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// How long ago the first value is.
    pub start: Duration,
    /// How long ago the last value is.
    pub end: Duration,
    /// The time between two values.
    pub step: Duration,
}

/// Who is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every cluster by itself.
    #[default]
    Cluster,
    /// All clusters together.
    Global,
}

/// What a measurement is that brings no data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoData {
    /// It says nothing: there may be no traffic yet.
    #[default]
    Inconclusive,
    /// As if the source had not answered.
    Error,
    /// No data is good, as for a query that lists offenders.
    Success,
    /// No data is bad.
    Failure,
}

/// Which of several series are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesChoice {
    /// All of them: the worst one decides.
    #[default]
    All,
    /// The first one alone, in the order in which the source gives them.
    First,
    /// The last one alone.
    Last,
}

/// What warnings of a source mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Warnings {
    /// The measurement is an error: what is partial may be wrong.
    #[default]
    Error,
    /// They are shown, and the values count.
    Ignore,
}

impl Metric {
    /// A metric with a query, and nothing else said.
    #[must_use]
    pub fn new(name: impl Into<String>, source: SourceName, query: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            source,
            query: query.into(),
            range: None,
            scope: Scope::default(),
            interval: None,
            initial_delay: Duration::ZERO,
            count: None,
            success_condition: None,
            failure_condition: None,
            failure_limit: None,
            inconclusive_limit: None,
            consecutive_error_limit: None,
            consecutive_success_limit: None,
            consecutive_failure_limit: None,
            min_successes: None,
            error_budget: None,
            no_data: NoData::default(),
            series: SeriesChoice::default(),
            dry_run: false,
            timeout: DEFAULT_TIMEOUT,
            warnings: Warnings::default(),
            baseline: None,
        }
    }

    /// How many measurements decide; `None`: there is no end to it.
    #[must_use]
    pub fn effective_count(&self) -> Option<u32> {
        match self.count {
            Some(count) if count > 0 => Some(count),
            _ if self.interval.is_none() => Some(1),
            _ => None,
        }
    }

    /// The limit of failed measurements.
    #[must_use]
    pub fn failure_limit(&self) -> i64 {
        self.failure_limit.unwrap_or(0)
    }

    /// The limit of inconclusive measurements: 0 with Argo's counting. With ours it is 3 unless said otherwise, since a
    /// colour that just begins to serve has no data yet.
    #[must_use]
    pub fn inconclusive_limit(&self, counting: Counting) -> i64 {
        let default = match counting {
            Counting::Ours => 3,
            Counting::Argo => 0,
        };
        self.inconclusive_limit.unwrap_or(default)
    }

    /// The limit of errors in a row.
    #[must_use]
    pub fn consecutive_error_limit(&self) -> i64 {
        self.consecutive_error_limit.unwrap_or(4)
    }

    /// How many successes in a row end the metric early; `None`: it does not end early.
    #[must_use]
    pub fn consecutive_success_limit(&self) -> Option<i64> {
        self.consecutive_success_limit.filter(|limit| *limit > 0)
    }

    /// How many successful measurements a success needs.
    #[must_use]
    pub fn min_successes(&self, counting: Counting) -> u32 {
        match counting {
            Counting::Ours => self.min_successes.unwrap_or(1),
            Counting::Argo => 0,
        }
    }
}
