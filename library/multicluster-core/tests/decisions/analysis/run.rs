use multicluster_core::analysis::run::RETENTION;
use multicluster_core::analysis::{AnalysisSpec, Counting, Metric, Phase, Run, Scope, Subject, Verdict};
use rstest::rstest;

use super::{cluster, measurement, metric, phase, second, seconds, spec};

/// A run over one global metric, with these measurements a minute apart.
fn after(metric: &Metric, letters: &str) -> (AnalysisSpec, Run) {
    let spec = spec([Metric { scope: Scope::Global, ..metric.clone() }]);
    let mut run = Run::start(&spec, [], second(0));
    for (minute, letter) in (0..).zip(letters.chars()) {
        run.record(&spec, &measurement(&metric.name, None, second(60 * minute), letter));
    }
    (spec, run)
}

#[rstest]
#[case::success(Metric { interval: None, ..metric("m") }, "S", "Successful")]
#[case::never_a_success_without_one(Metric { count: Some(2), failure_limit: Some(2), ..metric("m") }, "FEEF", "Failed")]
#[case::nothing_but_inconclusive(Metric { count: Some(2), ..metric("m") }, "II", "Inconclusive")]
#[case::enough_with_one(Metric { count: Some(3), failure_limit: Some(2), ..metric("m") }, "FSF", "Successful")]
#[case::more_are_needed(Metric { count: Some(3), failure_limit: Some(2), min_successes: Some(2), ..metric("m") }, "FSF", "Failed")]
#[case::none_are_needed(Metric { count: Some(2), failure_limit: Some(2), min_successes: Some(0), ..metric("m") }, "FF", "Successful")]
#[case::limit_is_crossed_by_one_more(Metric { failure_limit: Some(3), ..metric("m") }, "FFF", "Running")]
#[case::limit_crossed(Metric { failure_limit: Some(3), ..metric("m") }, "SFFSFF", "Failed")]
#[case::row_of_failures(
    Metric { failure_limit: Some(-1), consecutive_failure_limit: Some(1), ..metric("m") }, "SFSFSFF", "Failed"
)]
#[case::rows_that_are_broken(
    Metric { failure_limit: Some(-1), consecutive_failure_limit: Some(1), ..metric("m") }, "FSFSFS", "Running"
)]
#[case::an_error_does_not_break_a_row(
    Metric { failure_limit: Some(-1), consecutive_failure_limit: Some(1), ..metric("m") }, "FEF", "Failed"
)]
#[case::early_success(Metric { consecutive_success_limit: Some(3), failure_limit: Some(1), ..metric("m") }, "SFSSS", "Successful")]
#[case::early_success_missed(
    Metric { consecutive_success_limit: Some(3), failure_limit: Some(1), count: Some(5), ..metric("m") }, "SSFSS", "Inconclusive"
)]
#[case::errors_in_a_row(metric("m"), "EEEEE", "Error")]
#[case::errors_not_in_a_row(metric("m"), "EEEESEEEE", "Running")]
#[case::no_data_at_first(metric("m"), "NNNS", "Running")]
#[case::no_data_for_too_long(metric("m"), "NNNN", "Inconclusive")]
fn our_counting(#[case] metric: Metric, #[case] letters: &str, #[case] expect: &str) {
    let (spec, run) = after(&metric, letters);
    assert_eq!(phase(&run.verdict(&spec)), expect, "{run:?}");
}

#[rstest]
#[case::good_so_far("SS", "Successful")]
#[case::nothing_measured("", "Inconclusive")]
#[case::nothing_good("I", "Inconclusive")]
#[case::nothing_but_errors("EE", "Inconclusive")]
fn a_run_that_is_ended(#[case] letters: &str, #[case] expect: &str) {
    let (spec, mut run) = after(&metric("m"), letters);
    assert_eq!(run.verdict(&spec), Verdict::Running);
    assert_eq!(phase(&run.verdict_if_terminated(&spec)), expect);
    run.terminate(&spec);
    assert_eq!(phase(&run.verdict(&spec)), expect);
    let argo = AnalysisSpec { counting: Counting::Argo, ..spec };
    if !letters.contains('I') {
        assert_eq!(phase(&after(&metric("m"), letters).1.verdict_if_terminated(&argo)), "Successful");
    }
}

/// Errors at 0 s, 60 s, 120 s and so on, however many, until they have lasted for longer than two minutes.
#[rstest]
#[case::within("EEE", "Running")]
#[case::too_long("EEEE", "Error")]
#[case::interrupted("EEESEEE", "Running")]
fn errors_are_borne_for_a_time(#[case] letters: &str, #[case] expect: &str) {
    let metric = Metric { error_budget: Some(seconds(120)), ..metric("m") };
    let (spec, run) = after(&metric, letters);
    assert_eq!(phase(&run.verdict(&spec)), expect, "{run:?}");
    if let Verdict::Error(finding) = run.verdict(&spec) {
        assert!(
            finding.message.contains("nothing but errors for 180 s > error_budget (120 s)"),
            "{finding:?}"
        );
    }
}

#[test]
fn the_message_says_which_limit_and_what_was_measured() {
    let (spec, run) = after(&metric("success-rate"), "SF");
    let finding = run.verdict(&spec).finding().cloned().unwrap();
    assert_eq!((finding.metric.as_str(), finding.cluster), ("success-rate", None));
    assert_eq!(
        finding.message,
        "Metric \"success-rate\" assessed Failed due to failed (1) > failure_limit (0); measured [1], [-1]"
    );
    let (spec, run) = after(&metric("m"), "EEEEE");
    let finding = run.verdict(&spec).finding().cloned().unwrap();
    assert_eq!(
        finding.message,
        "Metric \"m\" assessed Error due to consecutive_error (5) > consecutive_error_limit (4): \
         \"Error Message: cannot be reached\""
    );
}

#[test]
fn argo_has_its_own_words() {
    let argo =
        AnalysisSpec { counting: Counting::Argo, ..spec([Metric { scope: Scope::Global, ..metric("m") }]) };
    let mut run = Run::start(&argo, [], second(0));
    run.record(&argo, &measurement("m", None, second(0), 'F'));
    assert_eq!(run.metrics[0].message, "Metric \"m\" assessed Failed due to failed (1) > failureLimit (0)");
}

fn due(run: &Run, spec: &AnalysisSpec, now: i64) -> (Vec<String>, Option<i64>) {
    let due = run.due(spec, second(now));
    let name = |subject: Subject| match subject.cluster {
        Some(cluster) => format!("{}/{cluster}", subject.metric),
        None => subject.metric,
    };
    let next = due.next.map(|next| next.duration_since(second(0)).as_secs());
    (due.now.into_iter().map(name).collect(), next)
}

#[test]
fn measurements_are_due_in_their_intervals() {
    let delayed = Metric { initial_delay: seconds(15), ..metric("a") };
    let once = Metric { interval: None, scope: Scope::Global, ..metric("b") };
    let spec = spec([delayed, once]);
    let mut run = Run::start(&spec, [&cluster("eu")], second(0));
    assert_eq!(due(&run, &spec, 0), (vec!["b".into()], Some(15)));
    assert_eq!(due(&run, &spec, 15), (vec!["b".into(), "a/eu".into()], None));
    run.record(&spec, &measurement("b", None, second(16), 'S'));
    run.record(&spec, &measurement("a", Some("eu"), second(17), 'S'));
    assert_eq!(due(&run, &spec, 20), (vec![], Some(77)));
    assert_eq!(due(&run, &spec, 77), (vec!["a/eu".into()], None));
    run.terminate(&spec);
    assert_eq!(due(&run, &spec, 77), (vec![], None));
}

#[rstest]
#[case::usual(Counting::Ours, None, 60, 10)]
#[case::not_later_than_the_interval(Counting::Ours, None, 2, 2)]
#[case::as_the_user_says(Counting::Ours, Some(30), 60, 30)]
#[case::argo_does_not_care(Counting::Argo, None, 2, 10)]
fn errors_are_tried_again(
    #[case] counting: Counting,
    #[case] retry: Option<u64>,
    #[case] interval: u64,
    #[case] expect: i64,
) {
    let metric = Metric { interval: Some(seconds(interval)), scope: Scope::Global, ..metric("m") };
    let spec = AnalysisSpec { counting, error_retry_interval: retry.map(seconds), ..spec([metric]) };
    let mut run = Run::start(&spec, [], second(0));
    run.record(&spec, &measurement("m", None, second(0), 'E'));
    assert_eq!(due(&run, &spec, 0), (vec![], Some(expect)));
}

/// A record of a machine whose clock was ahead is not waited for.
#[test]
fn a_clock_that_went_back_stops_nothing() {
    let spec = spec([Metric { scope: Scope::Global, ..metric("m") }]);
    let mut run = Run::start(&spec, [], second(0));
    run.record(&spec, &measurement("m", None, second(10_000), 'S'));
    assert_eq!(due(&run, &spec, 100), (vec!["m".into()], None));
    assert_eq!(due(&run, &spec, 9_990), (vec![], Some(10_060)));
    let mut early = Run::start(&spec, [], second(10_000));
    assert_eq!(due(&early, &spec, 100), (vec!["m".into()], None));
    assert_eq!(early.record(&spec, &measurement("m", None, second(100), 'S')), Some(Phase::Successful));
}

#[test]
fn a_bad_metric_ends_its_cluster_and_no_other() {
    let spec = spec([metric("a"), metric("b"), Metric { scope: Scope::Global, ..metric("all") }]);
    let clusters = [cluster("eu"), cluster("us")];
    let mut run = Run::start(&spec, &clusters, second(0));
    for name in ["a", "b"] {
        run.record(&spec, &measurement(name, Some("us"), second(1), 'S'));
    }
    run.record(&spec, &measurement("a", Some("eu"), second(1), 'F'));
    assert_eq!(phase(&run.cluster_verdict(&spec, &clusters[0])), "Failed");
    assert_eq!(phase(&run.cluster_verdict(&spec, &clusters[1])), "Running");
    assert_eq!(phase(&run.global_verdict(&spec)), "Running");
    let Verdict::Failed(finding) = run.verdict(&spec) else { panic!("{:?}", run.verdict(&spec)) };
    assert_eq!((finding.metric.as_str(), finding.cluster), ("a", Some(clusters[0].clone())));
    assert_eq!(due(&run, &spec, 100).0, ["all", "a/us", "b/us"]);
    run.forget(&clusters[0]);
    assert_eq!(run.verdict(&spec), Verdict::Running);
    run.record(&spec, &measurement("all", None, second(100), 'F'));
    assert_eq!(due(&run, &spec, 1000), (vec![], None));
    assert_eq!(run.verdict(&spec).finding().map(|finding| finding.metric.as_str()), Some("all"));
}

#[test]
fn of_metrics_that_are_equally_bad_the_one_that_was_measured_is_named() {
    let spec = spec([metric("a"), Metric { inconclusive_limit: Some(0), ..metric("b") }]);
    let mut run = Run::start(&spec, [&cluster("eu")], second(0));
    run.record(&spec, &measurement("b", Some("eu"), second(1), 'I'));
    assert_eq!(run.metric("a", Some(&cluster("eu"))).map(|state| state.phase), Some(Phase::Inconclusive));
    assert_eq!(run.verdict(&spec).finding().map(|finding| finding.metric.as_str()), Some("b"));
}

#[test]
fn clusters_join_when_they_get_traffic() {
    let spec = spec([Metric { initial_delay: seconds(30), ..metric("a") }]);
    let mut run = Run::start(&spec, [&cluster("us")], second(0));
    run.watch(&spec, [&cluster("eu"), &cluster("us")], second(100));
    let before = run.clone();
    run.watch(&spec, [&cluster("eu"), &cluster("us")], second(105));
    assert_eq!(run, before);
    assert_eq!(due(&run, &spec, 110), (vec!["a/us".into()], Some(130)));
    // What was measured before the cluster joined is of another run.
    assert_eq!(run.record(&spec, &measurement("a", Some("eu"), second(99), 'F')), None);
}

#[test]
fn what_the_specification_has_no_more_is_not_judged() {
    let before = spec([metric("a"), metric("b")]);
    let mut run = Run::start(&before, [&cluster("eu")], second(0));
    run.record(&before, &measurement("a", Some("eu"), second(1), 'F'));
    let after = spec([metric("c")]);
    assert_eq!(run.verdict(&after), Verdict::Successful);
    run.watch(&after, [&cluster("eu")], second(2));
    assert_eq!(run.verdict(&after), Verdict::Running);
    assert_eq!(due(&run, &after, 2), (vec!["c/eu".into()], None));
}

#[test]
fn only_the_last_measurements_are_remembered_and_all_are_counted() {
    let (_, run) = after(&metric("m"), &"S".repeat(25));
    let state = &run.metrics[0];
    assert_eq!(state.measurements.len(), RETENTION);
    assert_eq!(state.counters.count, 25);
    assert_eq!(state.measurements[RETENTION - 1].started_at, second(60 * 24));
}

/// The record as it is written into journals. Who changes it must still read this one.
#[test]
fn a_run_is_written_and_read() {
    let (_, run) = after(&Metric { count: Some(2), ..metric("m") }, "SE");
    let text = serde_json::to_string(&run).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"version":1,"started_at":"2027-01-15T08:00:00Z","terminated":false,"metrics":[{"metric":"m","#,
            r#""cluster":null,"started_at":"2027-01-15T08:00:00Z","phase":"Running","message":"","cut_short":false,"#,
            r#""counters":{"count":1,"successful":1,"failed":0,"inconclusive":0,"error":1,"consecutive_error":1,"#,
            r#""consecutive_success":0,"consecutive_failure":0,"error_since":"2027-01-15T08:01:00Z"},"measurements":["#,
            r#"{"phase":"Successful","value":"[1]","message":null,"started_at":"2027-01-15T08:00:00Z","#,
            r#""finished_at":"2027-01-15T08:00:00Z"},{"phase":"Error","value":null,"message":"cannot be reached","#,
            r#""started_at":"2027-01-15T08:01:00Z","finished_at":"2027-01-15T08:01:00Z"}]}]}"#
        )
    );
    assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
}
