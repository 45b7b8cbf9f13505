//! Argo's counting, held against recorded cases of Argo Rollouts v1.10.2.

use std::time::Duration;

use multicluster_core::analysis::count::{Counters, Phase, Standing, assess};
use multicluster_core::analysis::{AnalysisSpec, Counting, Metric, Run, Scope, Verdict};
use serde::Deserialize;

use super::{measurement, metric, phase, second, spec};

#[derive(Deserialize)]
struct Vectors {
    counter_facts: Vec<Fact>,
    sequences: Vec<Sequence>,
}

#[derive(Deserialize)]
struct Fact {
    metric: Limits,
    counters: Counts,
    expect: String,
    expect_terminating: Option<String>,
}

#[derive(Deserialize)]
struct Sequence {
    metric: Limits,
    sequence: String,
    phase: String,
    decided_after: usize,
    phase_if_terminated: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Limits {
    interval: Option<String>,
    count: Option<u32>,
    failure_limit: Option<i64>,
    inconclusive_limit: Option<i64>,
    consecutive_error_limit: Option<i64>,
    consecutive_success_limit: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Counts {
    n: u32,
    count: u32,
    successful: u32,
    failed: u32,
    inconclusive: u32,
    error: u32,
    consecutive_error: u32,
    consecutive_success: u32,
    #[serde(default)]
    inflight: bool,
}

impl Limits {
    fn metric(&self) -> Metric {
        Metric {
            interval: self.interval.as_ref().map(|_| Duration::from_secs(60)),
            count: self.count,
            failure_limit: self.failure_limit,
            inconclusive_limit: self.inconclusive_limit,
            consecutive_error_limit: self.consecutive_error_limit,
            consecutive_success_limit: self.consecutive_success_limit,
            ..metric("m")
        }
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../vectors/analysis.json")).unwrap()
}

#[test]
fn counters_mean_what_they_mean_to_argo() {
    for fact in vectors().counter_facts {
        let counts = &fact.counters;
        let counters = Counters {
            count: counts.count,
            successful: counts.successful,
            failed: counts.failed,
            inconclusive: counts.inconclusive,
            error: counts.error,
            consecutive_error: counts.consecutive_error,
            consecutive_success: counts.consecutive_success,
            ..Counters::default()
        };
        let assessed = |terminating| {
            let standing = Standing { measured: counts.n > 0, in_flight: counts.inflight, terminating };
            assess(&fact.metric.metric(), Counting::Argo, &counters, standing).phase.to_string()
        };
        let about = format!("{:?} {counts:?}", fact.metric);
        assert_eq!(assessed(false), fact.expect, "{about}");
        if let Some(expect) = &fact.expect_terminating {
            assert_eq!(&assessed(true), expect, "{about}, terminating");
        }
    }
}

/// Each sequence through a whole run, as it is scheduled.
#[test]
fn sequences_end_as_with_argo() {
    for vector in vectors().sequences {
        let metric = Metric { scope: Scope::Global, ..vector.metric.metric() };
        let spec = AnalysisSpec { counting: Counting::Argo, ..spec([metric]) };
        let about = format!("{:?} {}", vector.metric, vector.sequence);
        let mut now = second(0);
        let mut run = Run::start(&spec, [], now);
        let mut decided = None;
        for (index, letter) in vector.sequence.chars().enumerate() {
            let due = run.due(&spec, now);
            if decided.is_some() {
                assert!(
                    due.now.is_empty() && due.next.is_none(),
                    "{about}: nothing is measured after the end"
                );
                break;
            }
            now = if due.now.is_empty() { due.next.expect("something is due") } else { now };
            assert_eq!(run.due(&spec, now).now.len(), 1, "{about}");
            let counted = run.record(&spec, &measurement("m", None, now, letter)).expect("it is counted");
            assert!(counted.is_completed() && counted != Phase::Pending);
            if run.verdict(&spec) != Verdict::Running {
                decided = Some(index + 1);
            }
        }
        assert_eq!(phase(&run.verdict(&spec)), vector.phase, "{about}");
        assert_eq!(decided.unwrap_or(vector.sequence.len()), vector.decided_after, "{about}");
        assert_eq!(
            phase(&run.verdict_if_terminated(&spec)),
            vector.phase_if_terminated,
            "{about}, terminated"
        );
    }
}
