mod argo;
mod check;
mod condition;
mod measure;
mod run;
mod run_properties;
mod vectors;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use multicluster_core::analysis::{
    AnalysisSpec, Condition, Counting, Measured, Measurement, Metric, Outcome, SourceName, Value, Verdict,
};
use multicluster_core::names::ClusterName;

/// The second `n` of the tests' time.
fn second(n: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + n)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn condition(text: &str) -> Option<Condition> {
    Some(text.parse().unwrap())
}

/// Measured every minute and judged by both conditions, so that a letter can say anything (see [`outcome`]).
fn metric(name: &str) -> Metric {
    Metric {
        interval: Some(seconds(60)),
        success_condition: condition("result[0] >= 1"),
        failure_condition: condition("result[0] < 0"),
        ..Metric::new(name, SourceName("main".into()), "up")
    }
}

fn spec(metrics: impl IntoIterator<Item = Metric>) -> AnalysisSpec {
    AnalysisSpec {
        metrics: metrics.into_iter().collect(),
        counting: Counting::Ours,
        args: BTreeMap::new(),
        error_retry_interval: None,
    }
}

fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

fn answered(value: Value) -> Outcome {
    Outcome::Answered(Measured { value, baseline: None })
}

/// `S`uccess, `F`ailure, `I`nconclusive, `N`o data, `E`rror.
fn outcome(letter: char) -> Outcome {
    match letter {
        'S' => answered(Value::list([1.0])),
        'F' => answered(Value::list([-1.0])),
        'I' => answered(Value::list([0.5])),
        'N' => answered(Value::list([])),
        'E' => Outcome::Failed("cannot be reached".into()),
        other => panic!("no such outcome: {other}"),
    }
}

fn measurement(metric: &str, on: Option<&str>, at: Timestamp, letter: char) -> Measurement {
    Measurement {
        metric: metric.into(),
        cluster: on.map(cluster),
        started_at: at,
        finished_at: at,
        outcome: outcome(letter),
    }
}

fn phase(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Running => "Running",
        Verdict::Successful => "Successful",
        Verdict::Failed(_) => "Failed",
        Verdict::Inconclusive(_) => "Inconclusive",
        Verdict::Error(_) => "Error",
    }
}
