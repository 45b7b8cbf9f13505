//! What the measurements of one metric add up to.
//!
//! Invariant: [`assess`] is a function of the metric and the counters. All limits are crossed by one more, never by equality:
//! a `failure_limit` of 3 fails with the fourth failure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spec::{Counting, Metric};

/// How a metric, or one measurement of it, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not measured yet.
    Pending,
    /// Being measured; not decided.
    Running,
    /// Good.
    Successful,
    /// Bad.
    Failed,
    /// Neither.
    Inconclusive,
    /// It could not be measured.
    Error,
}

impl Phase {
    /// Whether it does not change any more.
    #[must_use]
    pub fn is_completed(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Whether a release cannot go on with it.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Inconclusive | Self::Error)
    }

    /// The order in which several make one: the greatest decides.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::Successful => 0,
            Self::Running => 1,
            Self::Pending => 2,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::Failed => 5,
        }
    }

    /// As in Argo Rollouts: `Successful`, `Failed` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
            Self::Error => "Error",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the measurements of a metric add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Measurements that brought a result: all but errors.
    pub count: u32,
    /// Good ones.
    pub successful: u32,
    /// Bad ones.
    pub failed: u32,
    /// Those that were neither.
    pub inconclusive: u32,
    /// Those that could not be taken.
    pub error: u32,
    /// Errors in a row, up to now.
    pub consecutive_error: u32,
    /// Good ones in a row, up to now.
    pub consecutive_success: u32,
    /// Bad ones in a row, up to now; errors do not end the row.
    pub consecutive_failure: u32,
    /// When the first of the errors in a row began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_since: Option<Timestamp>,
    /// For how many milliseconds there have been nothing but errors.
    #[serde(skip_serializing_if = "is_zero")]
    pub error_milliseconds: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Counters {
    /// How many measurements were taken.
    #[must_use]
    pub fn measured(&self) -> u32 {
        self.count.saturating_add(self.error)
    }

    /// Adds a measurement. What is not completed changes nothing.
    pub fn add(&mut self, phase: Phase, started: Timestamp, finished: Timestamp) {
        let own = match phase {
            Phase::Successful => &mut self.successful,
            Phase::Failed => &mut self.failed,
            Phase::Inconclusive => &mut self.inconclusive,
            Phase::Error => &mut self.error,
            Phase::Pending | Phase::Running => return,
        };
        *own = own.saturating_add(1);
        if phase == Phase::Error {
            self.consecutive_error = self.consecutive_error.saturating_add(1);
            let since = *self.error_since.get_or_insert(started);
            let lasting = finished.duration_since(since);
            self.error_milliseconds = u64::try_from(lasting.as_millis()).unwrap_or(0);
        } else {
            self.count = self.count.saturating_add(1);
            self.consecutive_error = 0;
            self.error_since = None;
            self.error_milliseconds = 0;
        }
        self.consecutive_success =
            if phase == Phase::Successful { self.consecutive_success.saturating_add(1) } else { 0 };
        self.consecutive_failure = match phase {
            Phase::Failed => self.consecutive_failure.saturating_add(1),
            Phase::Error => self.consecutive_failure,
            _ => 0,
        };
    }
}

/// What is known of a metric beside its counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// At least one measurement was begun.
    pub measured: bool,
    /// One has been begun and not ended.
    pub in_flight: bool,
    /// No more measurements will be begun.
    pub terminating: bool,
}

/// How a metric stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// How.
    pub phase: Phase,
    /// Why, once it is completed; empty otherwise.
    pub message: String,
}

/// How a metric stands. One that is completed already is not to be assessed again.
#[must_use]
pub fn assess(metric: &Metric, counting: Counting, counters: &Counters, standing: Standing) -> Assessment {
    let (phase, reason) = match counting {
        Counting::Argo => by_argo(metric, counters, standing),
        Counting::Ours => by_us(metric, counters, standing),
    };
    let message = match reason {
        Some(reason) if phase.is_completed() => {
            format!("Metric \"{}\" assessed {phase} due to {reason}", metric.name)
        }
        _ => String::new(),
    };
    Assessment { phase, message }
}

/// Argo Rollouts' rules (analysis.go of v1.10.2).
fn by_argo(metric: &Metric, counters: &Counters, standing: Standing) -> (Phase, Option<String>) {
    if !standing.measured {
        let phase = if standing.terminating { Phase::Successful } else { Phase::Pending };
        return (phase, None);
    }
    if standing.in_flight {
        return (Phase::Running, None);
    }
    if let Some((phase, reason)) = crossed(metric, Counting::Argo, counters) {
        return (phase, Some(reason));
    }
    let successes = metric.consecutive_success_limit();
    if let Some(limit) = successes
        && i64::from(counters.consecutive_success) >= limit
    {
        return (Phase::Successful, Some(early(counters, limit, Counting::Argo)));
    }
    if metric.effective_count().is_some_and(|count| counters.count >= count) {
        let not_reached = successes.map(|limit| {
            format!(
                "consecutiveSuccess ({}) < consecutiveSuccessLimit ({limit})",
                counters.consecutive_success
            )
        });
        return match not_reached {
            Some(reason) if metric.failure_limit() >= 0 => (Phase::Inconclusive, Some(reason)),
            Some(reason) => (Phase::Failed, Some(reason)),
            None => (Phase::Successful, None),
        };
    }
    (if standing.terminating { Phase::Successful } else { Phase::Running }, None)
}

/// Our rules: Argo's, but nothing succeeds without enough successes.
fn by_us(metric: &Metric, counters: &Counters, standing: Standing) -> (Phase, Option<String>) {
    let needed = metric.min_successes(Counting::Ours);
    let short = counters.successful < needed;
    let too_few = || format!("successful ({}) < min_successes ({needed})", counters.successful);
    let ended = |phase: Phase| {
        if short {
            (Phase::Inconclusive, Some(format!("{} when it was ended", too_few())))
        } else {
            (phase, None)
        }
    };
    if !standing.measured {
        return if standing.terminating { ended(Phase::Successful) } else { (Phase::Pending, None) };
    }
    if standing.in_flight && !standing.terminating {
        return (Phase::Running, None);
    }
    if let Some((phase, reason)) = crossed(metric, Counting::Ours, counters) {
        return (phase, Some(reason));
    }
    let successes = metric.consecutive_success_limit();
    if let Some(limit) = successes
        && i64::from(counters.consecutive_success) >= limit
        && !short
    {
        return (Phase::Successful, Some(early(counters, limit, Counting::Ours)));
    }
    if metric.effective_count().is_some_and(|count| counters.count >= count) {
        if let Some(limit) = successes.filter(|limit| i64::from(counters.consecutive_success) < *limit) {
            let reason = format!(
                "consecutive_success ({}) < consecutive_success_limit ({limit})",
                counters.consecutive_success
            );
            let phase = if metric.failure_limit() >= 0 { Phase::Inconclusive } else { Phase::Failed };
            return (phase, Some(reason));
        }
        return match short {
            true if counters.failed > 0 => (Phase::Failed, Some(too_few())),
            true => (Phase::Inconclusive, Some(too_few())),
            false => (Phase::Successful, None),
        };
    }
    if standing.terminating { ended(Phase::Successful) } else { (Phase::Running, None) }
}

fn early(counters: &Counters, limit: i64, counting: Counting) -> String {
    let [success, name] = match counting {
        Counting::Argo => ["consecutiveSuccess", "consecutiveSuccessLimit"],
        Counting::Ours => ["consecutive_success", "consecutive_success_limit"],
    };
    format!("{success} ({}) >= {name} ({limit})", counters.consecutive_success)
}

/// The limit that is crossed, if one is. Of several the last one holds, as in Argo Rollouts.
fn crossed(metric: &Metric, counting: Counting, counters: &Counters) -> Option<(Phase, String)> {
    let argo = counting == Counting::Argo;
    let over = |value: u32, limit: i64| i64::from(value) > limit;
    let said = |what: &str, value: u32, ours: &str, theirs: &str, limit: i64| {
        format!("{what} ({value}) > {} ({limit})", if argo { theirs } else { ours })
    };
    let mut found = None;
    let limit = metric.failure_limit();
    if limit >= 0 && over(counters.failed, limit) {
        found =
            Some((Phase::Failed, said("failed", counters.failed, "failure_limit", "failureLimit", limit)));
    }
    if let Some(limit) = metric.consecutive_failure_limit.filter(|limit| !argo && *limit >= 0)
        && over(counters.consecutive_failure, limit)
    {
        let value = counters.consecutive_failure;
        found = Some((
            Phase::Failed,
            format!("consecutive_failure ({value}) > consecutive_failure_limit ({limit})"),
        ));
    }
    let limit = metric.inconclusive_limit(counting);
    if over(counters.inconclusive, limit) {
        let reason =
            said("inconclusive", counters.inconclusive, "inconclusive_limit", "inconclusiveLimit", limit);
        found = Some((Phase::Inconclusive, reason));
    }
    let limit = metric.consecutive_error_limit();
    let budget = metric.error_budget.filter(|_| !argo);
    // Who gives a time in which errors are borne has said how many: as many as fit in it.
    let counted = budget.is_none() || metric.consecutive_error_limit.is_some();
    if counted && over(counters.consecutive_error, limit) {
        let what = if argo { "consecutiveErrors" } else { "consecutive_error" };
        let reason =
            said(what, counters.consecutive_error, "consecutive_error_limit", "consecutiveErrorLimit", limit);
        found = Some((Phase::Error, reason));
    }
    let lasting = Duration::from_millis(counters.error_milliseconds);
    if let Some(budget) = budget.filter(|budget| counters.consecutive_error > 0 && lasting > *budget) {
        let reason =
            format!("nothing but errors for {} s > error_budget ({} s)", lasting.as_secs(), budget.as_secs());
        found = Some((Phase::Error, reason));
    }
    found
}
