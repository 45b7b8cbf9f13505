use std::collections::BTreeMap;

use multicluster_core::analysis::measure::judge;
use multicluster_core::analysis::spec::{NoData, SeriesChoice};
use multicluster_core::analysis::{Counting, Measured, Metric, Outcome, Phase, Series, SourceName, Value};
use rstest::rstest;

use super::{answered, condition};

fn metric(success: &str, failure: &str) -> Metric {
    let some = |text: &str| if text.is_empty() { None } else { condition(text) };
    Metric {
        success_condition: some(success),
        failure_condition: some(failure),
        ..Metric::new("m", SourceName("main".into()), "up")
    }
}

fn list(values: &[f64]) -> Value {
    Value::list(values.iter().copied())
}

const NAN: f64 = f64::NAN;

#[rstest]
#[case::no_condition("", "", 0.5, Phase::Successful)]
#[case::success_alone("result[0] >= 0.9", "", 0.95, Phase::Successful)]
#[case::success_alone_false("result[0] >= 0.9", "", 0.85, Phase::Failed)]
#[case::failure_alone("", "result[0] < 0.9", 0.85, Phase::Failed)]
#[case::failure_alone_false("", "result[0] < 0.9", 0.95, Phase::Successful)]
#[case::both_hold("result[0] > 0", "result[0] > 0.5", 0.9, Phase::Failed)]
#[case::neither_holds("result[0] >= 0.9", "result[0] < 0.5", 0.7, Phase::Inconclusive)]
#[case::success_of_two("result[0] >= 0.9", "result[0] < 0.5", 0.95, Phase::Successful)]
#[case::nan_between_two("result[0] >= 0.9", "result[0] < 0.9", NAN, Phase::Inconclusive)]
#[case::nan_of_one("result[0] >= 0.9", "", NAN, Phase::Failed)]
#[case::nan_asked_for("result[0] >= 0.9 || isNaN(result[0])", "", NAN, Phase::Successful)]
#[case::infinite("result[0] >= 0.9", "", f64::INFINITY, Phase::Successful)]
#[case::not_boolean("result[0]", "", 0.5, Phase::Error)]
#[case::failure_in_error("result[0] > 0", "result[7] > 0", 0.5, Phase::Error)]
fn one_value_as_argo_has_it(
    #[case] success: &str,
    #[case] failure: &str,
    #[case] value: f64,
    #[case] expect: Phase,
) {
    let judged = judge(&metric(success, failure), Counting::Argo, &answered(list(&[value])));
    assert_eq!(judged.phase, expect, "{judged:?}");
}

#[test]
fn argo_looks_at_the_first_series_and_has_an_error_without_data() {
    let metric = metric("result[0] >= 0.9", "");
    assert_eq!(judge(&metric, Counting::Argo, &answered(list(&[0.95, 0.1]))).phase, Phase::Successful);
    let judged = judge(&metric, Counting::Argo, &answered(list(&[])));
    assert_eq!(judged.phase, Phase::Error);
    assert_eq!(
        judged.message.as_deref(),
        Some("metric result is nil or empty: no data returned from the metric provider")
    );
}

#[rstest]
#[case::all_good("result[0] >= 0.9", &[0.95, 0.99], Phase::Successful)]
#[case::one_bad("result[0] >= 0.9", &[0.95, 0.1], Phase::Failed)]
#[case::as_one_value("result >= 0.9", &[0.95, 0.1], Phase::Failed)]
#[case::whole_list("any(result, # >= 0.9)", &[0.95, 0.1], Phase::Successful)]
#[case::sum_of_the_list("sum(result) > 1", &[0.95, 0.1], Phase::Successful)]
#[case::another_item("result[1] < 0.5", &[0.95, 0.1], Phase::Successful)]
#[case::found_in_the_list("0.1 in result", &[0.95, 0.1], Phase::Successful)]
#[case::guard_for_no_data("len(result) == 0 || result[0] >= 0.9", &[0.95, 0.1], Phase::Failed)]
#[case::guard_for_no_data_without("len(result) == 0 || result[0] >= 0.9", &[], Phase::Successful)]
#[case::enough_series("len(result) >= 3", &[0.95, 0.1], Phase::Failed)]
#[case::an_idle_series_is_left_out("result[0] >= 0.9", &[0.95, NAN], Phase::Successful)]
#[case::an_idle_series_that_is_asked_for("result[0] >= 0.9 || isNaN(result[0])", &[0.95, NAN], Phase::Successful)]
#[case::nothing_but_idle("result[0] >= 0.9", &[NAN, NAN], Phase::Inconclusive)]
#[case::nothing("result[0] >= 0.9", &[], Phase::Inconclusive)]
#[case::nothing_for_the_whole_list("all(result, # < 1000)", &[], Phase::Inconclusive)]
#[case::function_of_one_value("max(result[0], 0.5) >= 0.9", &[0.95, 0.1], Phase::Failed)]
fn all_series_are_judged(#[case] success: &str, #[case] values: &[f64], #[case] expect: Phase) {
    let judged = judge(&metric(success, ""), Counting::Ours, &answered(list(values)));
    assert_eq!(judged.phase, expect, "{judged:?}");
}

#[rstest]
#[case::scalar_as_a_list("result[0] >= 0.9", Value::Scalar(0.95))]
#[case::scalar("result >= 0.9", Value::Scalar(0.95))]
#[case::list_as_a_scalar("result >= 0.9", list(&[0.95]))]
fn a_number_and_a_list_of_one_are_the_same_to_us(#[case] success: &str, #[case] value: Value) {
    assert_eq!(judge(&metric(success, ""), Counting::Ours, &answered(value)).phase, Phase::Successful);
}

#[rstest]
#[case::all(SeriesChoice::All, Phase::Failed)]
#[case::first(SeriesChoice::First, Phase::Successful)]
#[case::last(SeriesChoice::Last, Phase::Failed)]
fn a_series_can_be_chosen(#[case] series: SeriesChoice, #[case] expect: Phase) {
    let metric = Metric { series, ..metric("result[0] >= 0.9", "") };
    assert_eq!(judge(&metric, Counting::Ours, &answered(list(&[0.95, 0.1]))).phase, expect);
}

#[rstest]
#[case::inconclusive(NoData::Inconclusive, Phase::Inconclusive)]
#[case::error(NoData::Error, Phase::Error)]
#[case::success(NoData::Success, Phase::Successful)]
#[case::failure(NoData::Failure, Phase::Failed)]
fn no_data_is_what_the_user_says(#[case] no_data: NoData, #[case] expect: Phase) {
    for success in ["result[0] >= 0.9", "all(result, # > 0)", ""] {
        for value in [list(&[]), list(&[NAN])] {
            let metric = Metric { no_data, ..metric(success, "") };
            let judged = judge(&metric, Counting::Ours, &answered(value));
            assert_eq!((judged.phase, judged.message.as_deref()), (expect, Some("no data")), "{success}");
        }
    }
}

fn series(pod: &str, values: &[f64]) -> Series {
    Series { labels: BTreeMap::from([("pod".to_owned(), pod.to_owned())]), values: values.to_vec() }
}

#[test]
fn the_series_that_decides_is_named() {
    let value = Value::Series(vec![series("a", &[0.99]), series("b", &[0.5]), series("c", &[0.4])]);
    let judged = judge(&metric("result[0] >= 0.9", ""), Counting::Ours, &answered(value));
    assert_eq!(judged.message.as_deref(), Some("{pod=\"b\"}: [0.5]"));
    assert_eq!(judged.value.as_deref(), Some("[0.99, 0.5, 0.4]"));
}

#[test]
fn every_value_over_time_is_judged() {
    let value = Value::Series(vec![series("a", &[0.99, 0.5, 0.98])]);
    let judged = judge(&metric("result[0] >= 0.9", ""), Counting::Ours, &answered(value));
    assert_eq!(
        (judged.phase, judged.message.as_deref()),
        (Phase::Failed, Some("{pod=\"a\"} value 2: [0.5]"))
    );
}

#[rstest]
#[case::better("ratio >= 0.9", list(&[0.9]), list(&[0.95]), Phase::Successful)]
#[case::worse("ratio >= 0.9", list(&[0.5]), list(&[0.95]), Phase::Failed)]
#[case::difference("difference <= 0.1", list(&[0.3]), list(&[0.25]), Phase::Successful)]
#[case::itself("result[0] <= baseline * 1.2", list(&[0.3]), list(&[0.25]), Phase::Successful)]
#[case::no_data_of_the_old("ratio >= 0.9", list(&[0.3]), list(&[]), Phase::Inconclusive)]
#[case::no_number_of_the_old("ratio >= 0.9", list(&[0.3]), list(&[NAN]), Phase::Inconclusive)]
#[case::no_data_of_the_new("ratio >= 0.9", list(&[]), list(&[0.3]), Phase::Inconclusive)]
#[case::one_old_for_several_new("ratio >= 0.9", list(&[0.95, 0.5]), list(&[0.95]), Phase::Failed)]
#[case::text("ratio >= 0.9", list(&[0.95]), Value::Text("x".into()), Phase::Error)]
fn the_new_colour_is_compared_with_the_old(
    #[case] success: &str,
    #[case] value: Value,
    #[case] old: Value,
    #[case] expect: Phase,
) {
    let metric = Metric { baseline: Some("up".into()), ..metric(success, "") };
    let outcome = Outcome::Answered(Measured { value, baseline: Some(old) });
    let judged = judge(&metric, Counting::Ours, &outcome);
    assert_eq!(judged.phase, expect, "{judged:?}");
}

#[test]
fn series_are_compared_by_their_labels() {
    let metric = Metric { baseline: Some("up".into()), ..metric("ratio >= 0.9", "") };
    let of = |new: Vec<Series>, old: Vec<Series>| {
        let measured = Measured { value: Value::Series(new), baseline: Some(Value::Series(old)) };
        judge(&metric, Counting::Ours, &Outcome::Answered(measured)).phase
    };
    let old = vec![series("a", &[1.0]), series("b", &[0.1])];
    assert_eq!(of(vec![series("b", &[0.1]), series("a", &[1.0])], old.clone()), Phase::Successful);
    assert_eq!(of(vec![series("a", &[0.1])], old.clone()), Phase::Failed);
    assert_eq!(of(vec![series("c", &[1.0])], old), Phase::Error);
}

#[rstest]
#[case(Counting::Ours)]
#[case(Counting::Argo)]
fn what_cannot_be_judged_is_an_error(#[case] counting: Counting) {
    let metric = metric("result[0] >= 0.9", "");
    assert_eq!(judge(&metric, counting, &answered(Value::Text("x".into()))).phase, Phase::Error);
    let judged = judge(&metric, counting, &Outcome::Failed("connection refused".into()));
    assert_eq!((judged.phase, judged.message.as_deref()), (Phase::Error, Some("connection refused")));
}
