use multicluster_core::analysis::{Condition, ConditionError, Measured, Value};
use proptest::prelude::*;
use rstest::rstest;

fn list(values: &[f64]) -> Value {
    Value::list(values.iter().copied())
}

/// What a condition says, or the beginning of its error.
fn says(condition: &str, value: Value) -> Result<bool, String> {
    let condition = Condition::parse(condition).map_err(|error| error.to_string())?;
    condition.evaluate(&Measured { value, baseline: None }).map_err(|error| error.to_string())
}

#[rstest]
#[case::dominant_form("result[0] >= 0.95", list(&[0.97]), true)]
#[case::first_of_several("result[0] >= 0.95", list(&[0.97, 0.1]), true)]
#[case::scalar("result >= 0.95", Value::Scalar(0.97), true)]
#[case::plus_infinity("result >= 0.9", Value::Scalar(f64::INFINITY), true)]
#[case::nan_is_not_at_least("result >= 0.9", Value::Scalar(f64::NAN), false)]
#[case::nan_is_not_below("result < 0.9", Value::Scalar(f64::NAN), false)]
#[case::is_nan("result >= 0.9 || isNaN(result)", Value::Scalar(f64::NAN), true)]
#[case::is_inf("isInf(result[0])", list(&[f64::NEG_INFINITY]), true)]
#[case::is_nil_looks_at_the_result("isNil(nil)", Value::Scalar(1.0), false)]
#[case::default_looks_at_the_result("default(nil, 0) < 5", Value::Scalar(3.0), true)]
#[case::default_of_a_list_is_the_list("len(default(result, 0)) == 0", list(&[]), true)]
#[case::as_int("asInt(result) == 7", Value::Text("7".into()), true)]
#[case::as_float("asFloat(result) > 0.5", Value::Text("0.75".into()), true)]
#[case::text("result == 'true'", Value::Text("true".into()), true)]
#[case::guard_for_no_data("len(result) == 0 || result[0] >= 0.95", list(&[]), true)]
#[case::all("all(result, # < 1000)", list(&[1.0, 999.0]), true)]
#[case::all_with_braces("all(result, {# <= 1})", list(&[1.0, 2.0]), false)]
#[case::any("any(result, # > 2)", list(&[1.0, 3.0]), true)]
#[case::none("none(result, # > 2)", list(&[1.0, 3.0]), false)]
#[case::words("result[0] > 0 and not (result[0] > 2 or false)", list(&[1.0]), true)]
#[case::ternary("result[0] > 1 ? true : false", list(&[2.0]), true)]
#[case::is_in("result[0] in [1, 2]", list(&[2.0]), true)]
#[case::arithmetic("(result[0] - 1) * 100 / 2 == 50", list(&[2.0]), true)]
#[case::from_the_end("result[-1] == 2", list(&[1.0, 2.0]), true)]
#[case::slice("len(result[:5]) == 1", list(&[1.0]), true)]
#[case::instead_of_nothing("(result?.[3] ?? 7) == 7", list(&[1.0]), true)]
#[case::comment("result[0] > 0 // enough", list(&[1.0]), true)]
#[case::or_does_not_look_on("true || result[9] > 1", list(&[]), true)]
fn conditions(#[case] text: &str, #[case] value: Value, #[case] expect: bool) {
    assert_eq!(says(text, value), Ok(expect));
}

#[rstest]
#[case::no_data("result[0] >= 0.95", list(&[]), "index out of range")]
#[case::default_does_not_help("default(result[0], 0) < 1", list(&[]), "index out of range")]
#[case::outside("result[5] == nil", list(&[1.0]), "index out of range")]
#[case::outside_and_unequal("result[5] != 1", list(&[1.0]), "index out of range")]
#[case::outside_of_what_a_function_gives("filter(result, # > 5)[0] == nil", list(&[1.0]), "index out of range")]
#[case::nan_of_a_list("isNaN(result)", list(&[1.0]), "isNaN takes one number; for a list, write `isNaN(result[0])`")]
#[case::inf_of_a_list("isInf(result)", list(&[1.0]), "isInf takes one number; for a list, write `isInf(result[0])`")]
#[case::integer("1", list(&[1.0]), "expected bool, but got int")]
#[case::float("result[0]", list(&[1.0]), "expected bool, but got float64")]
#[case::text("'x'", list(&[1.0]), "expected bool, but got string")]
#[case::nothing("nil", list(&[1.0]), "expected bool, but got nil")]
#[case::a_list("result", list(&[1.0]), "expected bool, but got list")]
#[case::unlike("result > 'a'", Value::Scalar(1.0), "`>` does not go with a number and a text")]
#[case::list_and_number("result > 1", list(&[2.0]), "`>` does not go with a list and a number")]
#[case::number_indexed("result[0] > 1", Value::Scalar(1.0), "a number has no items")]
#[case::as_int_of_a_part("asInt(result) > 1", Value::Text("1.5".into()), "asInt: `1.5` is not a whole number")]
#[case::as_float_out_of_range("asFloat(result) > 1", Value::Text("1e999".into()), "asFloat: `1e999` is not a number")]
#[case::no_name("foo > 1", list(&[1.0]), "unknown variable: foo")]
#[case::number_and_truth("result[0] == true", list(&[1.0]), "`==` does not go with a number and a bool")]
#[case::list_and_truth("result == true", list(&[1.0]), "`==` does not go with a list and a bool")]
#[case::list_and_text("result != 'true'", list(&[1.0]), "`!=` does not go with a list and a text")]
#[case::never_come_by("true || 1", list(&[1.0]), "`||` does not go with a bool and a number")]
#[case::number_as_truth("false && result[0]", list(&[1.0]), "`&&` does not go with a bool and a number")]
#[case::question_of_a_number("all(result, #)", list(&[]), "what `all` asks of each item is a number, not true or false")]
#[case::text_among_numbers("'1' in result", list(&[]), "`in` does not go with a text and a list")]
#[case::list_contains("result contains 'r'", list(&[]), "`contains` does not go with a list and a text")]
#[case::length_of_a_number(
    "len(result) == 0 || result > 1",
    Value::Scalar(2.0),
    "`len` does not take a number"
)]
#[case::long_text("repeat('ab', 1000000000) == 'a'", list(&[1.0]), "repeat: the text would be too long")]
fn errors(#[case] text: &str, #[case] value: Value, #[case] expect: &str) {
    assert_eq!(says(text, value), Err(expect.to_owned()));
}

#[rstest]
#[case::empty("")]
#[case::white("  ")]
#[case::comment_alone("// result[0] > 1")]
#[case::open_end("result[0] >= ")]
#[case::one_equals("result[0] = 1")]
#[case::open_bracket("result[0")]
#[case::guard_by_name("__outside() || true")]
#[case::not_ascii("résult > 1")]
#[case::instead_without_parentheses("result[0] != result?.[1] ?? 1 and true")]
#[case::open_quote("result == 'a")]
fn texts_that_are_no_condition(#[case] text: &str) {
    assert!(Condition::parse(text).is_err(), "{text}");
}

#[rstest]
#[case::long(format!("result[0] > {}", "1".repeat(5000)), ConditionError::TooLong)]
#[case::many_words("true && ".repeat(300) + "true", ConditionError::TooComplex)]
#[case::deep(format!("{}1{} == 1", "(".repeat(200), ")".repeat(200)), ConditionError::TooComplex)]
#[case::deep_indices(format!("{}0{}", "result[".repeat(40), "]".repeat(40)), ConditionError::TooComplex)]
#[case::many_branches("true ? true : ".repeat(60) + "true", ConditionError::TooComplex)]
fn what_would_run_away_is_refused(#[case] text: String, #[case] expect: ConditionError) {
    assert_eq!(Condition::parse(&text), Err(expect));
}

#[rstest]
#[case::huge("len(0..9999999999) > 1")]
#[case::unknown_end("len(0..result[0]) > 1")]
fn ranges_are_bounded(#[case] text: &str) {
    assert!(matches!(Condition::parse(text), Err(ConditionError::Syntax { .. })));
    assert_eq!(says("result[0] in 1..100", list(&[7.0])), Ok(true));
}

/// The longest chain of operators that is let through is evaluated on the stack of a usual thread.
#[test]
fn the_largest_condition_fits_on_a_small_stack() {
    let text = "1".to_owned() + &" + 1".repeat(78) + " > 0";
    let deep = format!("{}true{}", "not(".repeat(16), ")".repeat(16));
    let evaluated = std::thread::Builder::new()
        .stack_size(1536 * 1024)
        .spawn(move || (says(&text, list(&[1.0])), says(&deep, list(&[1.0]))))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(evaluated, (Ok(true), Ok(true)));
}

#[rstest]
#[case::number("result[0]", "expected bool, but got float64")]
#[case::constant("1", "expected bool, but got int")]
#[case::name("reslt[0] > 1", "the name `reslt` is not known; did you mean `result`?")]
#[case::name_in_a_branch_not_taken("result[0] > 1 || foo", "the name `foo` is not known")]
#[case::function_in_a_branch_not_taken("true || avg(result) > 1", "the function `avg` is not known")]
#[case::baseline("ratio > 0.9", "the name `ratio` is not known; it needs a `baseline`")]
#[case::text_and_number("result[0] > 'a'", "`>` does not go with a number and a text")]
fn a_condition_that_can_never_hold_is_found_before(#[case] text: &str, #[case] expect: &str) {
    let error = Condition::parse(text).unwrap().check(false).unwrap_err().to_string();
    assert!(error.ends_with(expect), "{error}");
}

#[rstest]
#[case("result[0] >= 0.95")]
#[case("result >= 0.95")]
#[case("len(result) == 12 && all(result, # > 1)")]
#[case("let worst = min(result); worst > 1")]
#[case("any(result, {# > 1}) ? result[0] > 1 : {a: 1}.a > 2")]
fn a_condition_that_can_hold_is_let_through(#[case] text: &str) {
    assert_eq!(Condition::parse(text).unwrap().check(false), Ok(()));
}

#[test]
fn a_comparison_is_known_with_a_baseline() {
    assert_eq!(
        Condition::parse("ratio >= 0.9 && difference < 1 && baseline > 0").unwrap().check(true),
        Ok(())
    );
}

const WORDS: [&str; 34] = [
    "result",
    "[0]",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "#",
    " ",
    "0",
    "1.5",
    ">=",
    "==",
    "&&",
    "||",
    "!",
    "not ",
    "?",
    ":",
    "??",
    "?.",
    ".",
    ",",
    "len(",
    "all(result, ",
    "isNaN(",
    "in ",
    "nil",
    "true",
    "'",
    "\"",
    "..",
    "|",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any text is a condition or an error, and whatever it is asked about, it answers.
    #[test]
    fn any_text_is_harmless(
        text in prop_oneof![
            any::<String>(),
            prop::collection::vec(prop::sample::select(&WORDS), 0..40).prop_map(|words| words.concat()),
        ],
        values in prop::collection::vec(any::<f64>(), 0..4),
    ) {
        if let Ok(condition) = Condition::parse(&text) {
            prop_assert_eq!(condition.as_str(), text.as_str());
            for value in [list(&values), Value::Scalar(1.0), Value::Text(text.clone())] {
                let _ = condition.evaluate(&Measured { value, baseline: None });
            }
            let _ = condition.check(true);
        }
    }
}
