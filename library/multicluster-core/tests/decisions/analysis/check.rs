use std::time::Duration;

use multicluster_core::analysis::spec::{NoData, Range, SeriesChoice};
use multicluster_core::analysis::{AnalysisSpec, Counting, Metric, Scope, SourceName, check};
use rstest::rstest;

use super::{condition, metric, seconds, spec};

fn problems(spec: &AnalysisSpec) -> Vec<String> {
    check(spec).iter().map(ToString::to_string).collect()
}

#[test]
fn a_usual_analysis_has_no_problems() {
    let usual = Metric {
        query: r#"sum(rate(x{color="{{color}}"}[{{interval}}]))"#.into(),
        count: Some(5),
        failure_limit: Some(3),
        ..metric("success-rate")
    };
    assert_eq!(problems(&spec([usual])), [""; 0]);
    assert_eq!(problems(&spec([])), ["metrics: an analysis needs at least one metric"]);
}

#[rstest]
#[case::query(Metric { query: " ".into(), ..metric("m") }, "metrics.m.query: the query is empty")]
#[case::source(Metric { source: SourceName(String::new()), ..metric("m") }, "metrics.m.source: name one of")]
#[case::placeholder(Metric { query: "{{colour}}".into(), ..metric("m") }, "metrics.m.query: `{{colour}}` is not known")]
#[case::argument(Metric { query: "{{args.x}}".into(), ..metric("m") }, "metrics.m.query: `{{args.x}}` is not known")]
#[case::cluster_of_all(
    Metric { query: "x{c=\"{{cluster}}\"}".into(), scope: Scope::Global, ..metric("m") },
    "metrics.m.query: `{{cluster}}` differs between clusters"
)]
#[case::count_without_interval(
    Metric { interval: None, count: Some(2), ..metric("m") }, "metrics.m.interval: is needed to measure more than once"
)]
#[case::no_interval(Metric { interval: Some(Duration::ZERO), ..metric("m") }, "metrics.m.interval: must be longer")]
#[case::no_timeout(Metric { timeout: Duration::ZERO, ..metric("m") }, "metrics.m.timeout: must be longer")]
#[case::failure_limit(Metric { failure_limit: Some(-2), ..metric("m") }, "metrics.m.failure_limit: must be at least -1")]
#[case::inconclusive_limit(
    Metric { inconclusive_limit: Some(-1), ..metric("m") }, "metrics.m.inconclusive_limit: must be at least 0"
)]
#[case::error_limit(
    Metric { consecutive_error_limit: Some(-1), ..metric("m") }, "metrics.m.consecutive_error_limit: must be at least 0"
)]
#[case::both_disabled(
    Metric { failure_limit: Some(-1), ..metric("m") }, "metrics.m.failure_limit: nothing could fail this metric"
)]
#[case::count_and_failures(
    Metric { count: Some(3), failure_limit: Some(4), ..metric("m") }, "metrics.m.count: must be at least `failure_limit`"
)]
#[case::count_and_both(
    Metric { count: Some(5), failure_limit: Some(3), consecutive_success_limit: Some(3), ..metric("m") },
    "metrics.m.count: must be at least `failure_limit` and `consecutive_success_limit` together (6)"
)]
#[case::count_and_inconclusive(
    Metric { count: Some(3), inconclusive_limit: Some(4), ..metric("m") },
    "metrics.m.count: must be at least `inconclusive_limit` (4)"
)]
#[case::successes(
    Metric { count: Some(3), min_successes: Some(4), ..metric("m") },
    "metrics.m.min_successes: cannot be reached with 3 measurements"
)]
#[case::no_condition(
    Metric { success_condition: None, failure_condition: None, ..metric("m") },
    "metrics.m.success_condition: nothing would be judged"
)]
#[case::not_boolean(
    Metric { success_condition: condition("result[0]"), ..metric("m") },
    "metrics.m.success_condition: expected bool, but got float64"
)]
#[case::not_boolean_failure(
    Metric { failure_condition: condition("1 + 1"), ..metric("m") },
    "metrics.m.failure_condition: expected bool, but got int"
)]
#[case::no_baseline(
    Metric { success_condition: condition("ratio > 1"), ..metric("m") }, "it needs a `baseline`"
)]
#[case::baseline_without_use(
    Metric { baseline: Some("up".into()), ..metric("m") }, "metrics.m.baseline: no condition looks at `baseline`"
)]
#[case::range_backwards(
    Metric { range: Some(Range { start: seconds(60), end: seconds(60), step: seconds(1) }), ..metric("m") },
    "metrics.m.range.start: must be longer ago than `end`"
)]
#[case::range_without_step(
    Metric { range: Some(Range { start: seconds(60), end: seconds(0), step: seconds(0) }), ..metric("m") },
    "metrics.m.range.step: must be longer than nothing"
)]
#[case::range_of_many_points(
    Metric { range: Some(Range { start: seconds(11_000), end: seconds(0), step: seconds(1) }), ..metric("m") },
    "metrics.m.range.step: Prometheus answers at most 11000 points"
)]
fn what_cannot_be_is_found(#[case] metric: Metric, #[case] expect: &str) {
    let found = problems(&spec([metric]));
    assert!(found.iter().any(|text| text.contains(expect)), "{found:?}");
}

#[test]
fn names_come_once() {
    assert_eq!(
        problems(&spec([metric("a"), metric("a")])),
        ["metrics.a: this name comes twice; names of metrics are unique"]
    );
}

#[rstest]
#[case::row_of_failures(Metric { failure_limit: Some(-1), consecutive_failure_limit: Some(2), ..metric("m") })]
#[case::row_of_successes(Metric { failure_limit: Some(-1), consecutive_success_limit: Some(2), ..metric("m") })]
#[case::small_count_without_limits(Metric { count: Some(1), ..metric("m") })]
#[case::dry_run_without_conditions(
    Metric { dry_run: true, success_condition: None, failure_condition: None, ..metric("m") }
)]
fn what_can_be_is_let_through(#[case] metric: Metric) {
    assert_eq!(problems(&spec([metric])), [""; 0]);
}

#[rstest]
#[case("consecutive_failure_limit", Metric { consecutive_failure_limit: Some(1), ..metric("m") })]
#[case("min_successes", Metric { min_successes: Some(1), ..metric("m") })]
#[case("error_budget", Metric { error_budget: Some(seconds(1)), ..metric("m") })]
#[case("no_data", Metric { no_data: NoData::Error, ..metric("m") })]
#[case("series", Metric { series: SeriesChoice::First, ..metric("m") })]
#[case("baseline", Metric { baseline: Some("up".into()), success_condition: condition("ratio > 1"), ..metric("m") })]
fn what_argo_does_not_know_is_said(#[case] attribute: &str, #[case] metric: Metric) {
    let ours = spec([metric]);
    assert_eq!(problems(&ours), [""; 0]);
    let argo = AnalysisSpec { counting: Counting::Argo, ..ours };
    let found = problems(&argo);
    assert!(
        found[0].starts_with(&format!("metrics.m.{attribute}: counting as Argo Rollouts does not know this")),
        "{found:?}"
    );
}
