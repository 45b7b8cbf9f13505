//! What a user asked for that cannot be, found before anything is released.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{AnalysisSpec, Counting, Metric, NoData, Problem, Range, Scope, SeriesChoice};
use crate::analysis::condition::Condition;
use crate::analysis::placeholders;

/// The most points that Prometheus answers for one series.
const MOST_POINTS: u128 = 11_000;

/// Everything that is wrong, with paths from the attribute `analysis` on.
#[must_use]
pub fn check(spec: &AnalysisSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.metrics.is_empty() {
        problems.push(Problem::at(["metrics"], "an analysis needs at least one metric"));
    }
    if spec.counting == Counting::Argo && spec.error_retry_interval.is_some() {
        problems.push(Problem::at(
            ["error_retry_interval"],
            not_of_argo("It measures again 10 s after an error."),
        ));
    }
    if spec.error_retry_interval == Some(Duration::ZERO) {
        problems.push(Problem::at(["error_retry_interval"], "must be longer than nothing"));
    }
    let mut names = BTreeSet::new();
    for metric in &spec.metrics {
        let mut found = Found { metric, problems: &mut problems };
        if metric.name.is_empty() {
            found.at(&[], "a metric needs a name");
        }
        if !names.insert(&metric.name) {
            found.at(&[], "this name comes twice; names of metrics are unique");
        }
        found.question(&spec.args);
        found.schedule();
        found.limits(spec.counting);
        found.conditions(spec.counting);
        if spec.counting == Counting::Argo {
            found.beyond_argo();
        }
    }
    problems
}

fn not_of_argo(instead: &str) -> String {
    format!(
        "counting as Argo Rollouts does not know this. {instead} Leave it out, or count with the preset `default`"
    )
}

/// What is wrong with one metric.
struct Found<'a> {
    metric: &'a Metric,
    problems: &'a mut Vec<Problem>,
}

impl Found<'_> {
    fn at(&mut self, path: &[&str], text: impl Into<String>) {
        let from = ["metrics", self.metric.name.as_str()];
        self.problems.push(Problem::at(from.into_iter().chain(path.iter().copied()), text));
    }

    /// Source, query, baseline and range.
    fn question(&mut self, args: &BTreeMap<String, String>) {
        let metric = self.metric;
        if metric.source.0.is_empty() {
            self.at(&["source"], "name one of the sources in the provider's `metrics`");
        }
        self.query("query", &metric.query, args);
        if let Some(baseline) = &metric.baseline {
            self.query("baseline", baseline, args);
        }
        if metric.timeout.is_zero() {
            self.at(&["timeout"], "must be longer than nothing");
        }
        if let Some(range) = metric.range {
            self.range(range);
        }
    }

    fn query(&mut self, attribute: &str, query: &str, args: &BTreeMap<String, String>) {
        if query.trim().is_empty() {
            self.at(&[attribute], "the query is empty");
        }
        for error in placeholders::check(query, args) {
            self.at(&[attribute], error.to_string());
        }
        let differs = ["cluster", "pod_hash"];
        let names = placeholders::names(query).unwrap_or_default();
        if self.metric.scope == Scope::Global
            && let Some(name) = names.into_iter().find(|name| differs.contains(name))
        {
            let text = format!(
                "`{{{{{name}}}}}` differs between clusters, and this metric is measured for all of them together; \
                 leave it out, or set `scope = \"cluster\"`"
            );
            self.at(&[attribute], text);
        }
    }

    fn range(&mut self, range: Range) {
        if range.step.is_zero() {
            self.at(&["range", "step"], "must be longer than nothing");
            return;
        }
        let Some(length) = range.start.checked_sub(range.end).filter(|length| !length.is_zero()) else {
            self.at(&["range", "start"], "must be longer ago than `end`");
            return;
        };
        if length.as_nanos() / range.step.as_nanos() >= MOST_POINTS {
            self.at(
                &["range", "step"],
                format!("Prometheus answers at most {MOST_POINTS} points; make `step` longer"),
            );
        }
    }

    fn schedule(&mut self) {
        let metric = self.metric;
        if metric.interval == Some(Duration::ZERO) {
            self.at(&["interval"], "must be longer than nothing");
        }
        if metric.interval.is_none() && metric.count.is_some_and(|count| count > 1) {
            self.at(&["interval"], "is needed to measure more than once (`count` is above 1)");
        }
        if metric.error_budget == Some(Duration::ZERO) {
            self.at(&["error_budget"], "must be longer than nothing");
        }
    }

    fn limits(&mut self, counting: Counting) {
        let metric = self.metric;
        let at_least = [
            ("failure_limit", metric.failure_limit, -1),
            ("inconclusive_limit", metric.inconclusive_limit, 0),
            ("consecutive_error_limit", metric.consecutive_error_limit, 0),
            ("consecutive_success_limit", metric.consecutive_success_limit, 0),
            ("consecutive_failure_limit", metric.consecutive_failure_limit, 0),
        ];
        for (name, limit, least) in at_least {
            if limit.is_some_and(|limit| limit < least) {
                let never = if least < 0 { " (−1: no limit)" } else { "" };
                self.at(&[name], format!("must be at least {least}{never}"));
            }
        }
        let early = metric.consecutive_success_limit();
        let row = metric.consecutive_failure_limit.filter(|_| counting == Counting::Ours);
        if metric.failure_limit() < 0 && early.is_none() && row.is_none() {
            let text = "nothing could fail this metric: `failure_limit` and `consecutive_success_limit` are both \
                        disabled. Set one of them, or `dry_run = true`";
            self.at(&["failure_limit"], text);
        }
        if let Some(count) = metric.count.filter(|count| *count > 0) {
            self.reach(counting, i64::from(count));
        }
    }

    /// Limits that `count` measurements cannot reach.
    fn reach(&mut self, counting: Counting, count: i64) {
        let metric = self.metric;
        let failures = metric.failure_limit().max(0);
        let successes = metric.consecutive_success_limit().unwrap_or(0);
        if count < failures.saturating_add(successes) {
            let text = format!(
                "must be at least `failure_limit` and `consecutive_success_limit` together ({})",
                failures.saturating_add(successes)
            );
            self.at(&["count"], text);
        }
        // A limit that nobody set is no reason to refuse a small count.
        let inconclusive = metric.inconclusive_limit.unwrap_or(0);
        if count < inconclusive {
            self.at(&["count"], format!("must be at least `inconclusive_limit` ({inconclusive})"));
        }
        let needed = i64::from(metric.min_successes(counting));
        if count < needed {
            self.at(&["min_successes"], format!("cannot be reached with {count} measurements (`count`)"));
        }
    }

    fn conditions(&mut self, counting: Counting) {
        let metric = self.metric;
        let named = [
            ("success_condition", &metric.success_condition),
            ("failure_condition", &metric.failure_condition),
        ];
        for (name, condition) in named {
            let Some(condition) = condition else { continue };
            if let Err(error) = condition.check(metric.baseline.is_some()) {
                self.at(&[name], error.to_string());
            }
        }
        let none = metric.success_condition.is_none() && metric.failure_condition.is_none();
        if none && counting == Counting::Ours && !metric.dry_run {
            let text = "nothing would be judged: give a `success_condition`, such as `result[0] >= 0.95`, or a \
                        `failure_condition`";
            self.at(&["success_condition"], text);
        }
        let compares = |condition: &Option<Condition>| {
            condition.as_ref().is_some_and(|condition| condition.looks().baseline)
        };
        let compared = compares(&metric.success_condition) || compares(&metric.failure_condition);
        if metric.baseline.is_some() && !none && !compared {
            self.at(&["baseline"], "no condition looks at `baseline`, `ratio` or `difference`");
        }
    }

    /// What Argo's counting has not.
    fn beyond_argo(&mut self) {
        let metric = self.metric;
        let set = [
            (
                "consecutive_failure_limit",
                metric.consecutive_failure_limit.is_some(),
                "Failures are counted, not rows of them.",
            ),
            ("min_successes", metric.min_successes.is_some(), "It needs no success."),
            ("error_budget", metric.error_budget.is_some(), "Errors in a row are counted."),
            ("no_data", metric.no_data != NoData::default(), "The conditions see an empty list."),
            ("series", metric.series != SeriesChoice::default(), "`result[0]` is the first series."),
            ("baseline", metric.baseline.is_some(), "It does not compare."),
        ];
        for (name, is_set, instead) in set {
            if is_set {
                self.at(&[name], not_of_argo(instead));
            }
        }
    }
}
