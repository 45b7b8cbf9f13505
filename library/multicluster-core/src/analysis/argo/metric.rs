//! One metric of a template.

use std::time::Duration;

use serde_json::Value;

use super::fields::{self, Fields};
use crate::analysis::condition::Condition;
use crate::analysis::spec::{Metric, Range, SourceName, Warnings};

const KNOWN: [&str; 11] = [
    "name",
    "provider",
    "interval",
    "initialDelay",
    "count",
    "successCondition",
    "failureCondition",
    "failureLimit",
    "inconclusiveLimit",
    "consecutiveErrorLimit",
    "consecutiveSuccessLimit",
];

/// Reads a metric. What is wrong with it is noted, and left out of what is given back.
pub(super) fn read(fields: &mut Fields<'_>, source: &SourceName) -> Metric {
    fields.only(&KNOWN);
    let name = fields.text("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        fields.problem(&["name"], "a metric needs a name");
    }
    let count = fields.number("count");
    if count.is_some_and(|count| count < 0) {
        fields.problem(&["count"], "must not be negative");
    }
    let metric = Metric {
        interval: fields.duration("interval"),
        initial_delay: fields.duration("initialDelay").unwrap_or_default(),
        count: count.and_then(|count| u32::try_from(count).ok()),
        success_condition: condition(fields, "successCondition"),
        failure_condition: condition(fields, "failureCondition"),
        failure_limit: fields.number("failureLimit"),
        inconclusive_limit: fields.number("inconclusiveLimit"),
        consecutive_error_limit: fields.number("consecutiveErrorLimit"),
        consecutive_success_limit: fields.number("consecutiveSuccessLimit"),
        // Argo Rollouts notes them, and goes on.
        warnings: Warnings::Ignore,
        ..Metric::new(name, source.clone(), "")
    };
    match fields.inner("provider") {
        Some(mut provider) => prometheus(&mut provider, metric),
        None => {
            fields.problem(&["provider"], "a metric needs a provider");
            metric
        }
    }
}

fn condition(fields: &mut Fields<'_>, name: &str) -> Option<Condition> {
    let text = fields.text(name)?;
    match Condition::parse(text) {
        Ok(condition) => Some(condition),
        Err(error) => {
            fields.problem(&[name], error.to_string());
            None
        }
    }
}

/// The only provider that can be asked.
fn prometheus(provider: &mut Fields<'_>, metric: Metric) -> Metric {
    let others: Vec<&str> = provider.names().filter(|name| *name != "prometheus").collect();
    for name in others {
        provider.problem(&[name], format!("the provider `{name}` is not supported; only `prometheus` is"));
    }
    let Some(mut fields) = provider.inner("prometheus") else {
        if provider.names().next().is_none() {
            provider.problem(&[], "exactly one provider is expected: `prometheus`");
        }
        return metric;
    };
    fields.only(&["address", "query", "authentication", "timeout", "insecure", "headers", "rangeQuery"]);
    let elsewhere = "belongs to the source in the provider's `metrics`; leave it out here";
    for name in ["authentication", "headers"] {
        let is_empty = |value: &Value| {
            value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty)
        };
        if fields.value(name).is_some_and(|value| !is_empty(value)) {
            fields.problem(&[name], elsewhere);
        }
    }
    if fields.truth("insecure") {
        fields.problem(&["insecure"], elsewhere);
    }
    let query = fields.text("query").unwrap_or_default().to_owned();
    if query.trim().is_empty() {
        fields.problem(&["query"], "the query is empty");
    }
    let seconds = fields.number("timeout");
    if seconds.is_some_and(|seconds| seconds < 0) {
        fields.problem(&["timeout"], "must not be negative");
    }
    let range = fields.inner("rangeQuery").and_then(|mut fields| range(&mut fields));
    let timeout = match seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds),
        _ => metric.timeout,
    };
    Metric { query, range, timeout, ..metric }
}

fn range(fields: &mut Fields<'_>) -> Option<Range> {
    fields.only(&["start", "end", "step"]);
    let start = moment(fields, "start");
    let end = if fields.text("end").is_some() { moment(fields, "end") } else { Some(Duration::ZERO) };
    let step = fields.duration("step");
    if step.is_none() && fields.value("step").is_none() {
        fields.problem(&["step"], "is needed, as in `1m`");
    }
    Some(Range { start: start?, end: end?, step: step? })
}

/// How long ago `now()` or `now() - duration("5m")` is.
fn moment(fields: &mut Fields<'_>, name: &str) -> Option<Duration> {
    let text: String = fields.text(name).unwrap_or_default().split_whitespace().collect();
    let ago = match text.strip_prefix("now()") {
        Some("") => Some(Duration::ZERO),
        Some(rest) => rest
            .strip_prefix("-duration(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|quoted| {
                let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
                quoted.strip_prefix(quote)?.strip_suffix(quote)
            })
            .and_then(fields::duration),
        None => None,
    };
    if ago.is_none() {
        fields.problem(&[name], "only `now()` and `now() - duration(\"5m\")` are known");
    }
    ago
}
