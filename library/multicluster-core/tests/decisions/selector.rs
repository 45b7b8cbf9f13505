use multicluster_core::selector::{
    Labels, Operator, Requirement, Selector, check_annotation_key, check_key, check_value,
};
use proptest::prelude::*;
use rstest::rstest;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn requirement(operator: &str, values: &[&str]) -> Requirement {
    Requirement::new("tier", operator.parse().unwrap(), values.iter().copied()).unwrap()
}

/// The truth of Kubernetes' own documentation: `NotIn` takes what has no such label at all.
#[rstest]
#[case::one_of("In", &["edge", "core"], Some("edge"), true)]
#[case::none_of("In", &["edge", "core"], Some("lab"), false)]
#[case::absent_is_in_nothing("In", &["edge"], None, false)]
#[case::the_empty_value_is_a_value("In", &[""], Some(""), true)]
#[case::absent_is_not_the_empty_value("In", &[""], None, false)]
#[case::excluded("NotIn", &["edge"], Some("edge"), false)]
#[case::not_excluded("NotIn", &["edge"], Some("core"), true)]
#[case::absent_is_not_excluded("NotIn", &["edge"], None, true)]
#[case::there("Exists", &[], Some(""), true)]
#[case::not_there("Exists", &[], None, false)]
#[case::should_not_be_there("DoesNotExist", &[], Some("edge"), false)]
#[case::is_not_there("DoesNotExist", &[], None, true)]
fn requirements(
    #[case] operator: &str,
    #[case] values: &[&str],
    #[case] value: Option<&str>,
    #[case] expect: bool,
) {
    let mut carried = labels(&[("other", "edge")]);
    carried.extend(value.map(|value| ("tier".to_owned(), value.to_owned())));
    assert_eq!(requirement(operator, values).matches(&carried), expect);
}

#[rstest]
#[case::labels_and_expressions(&[("tier", "edge"), ("cloud", "aws")], true)]
#[case::expression_unmet(&[("tier", "edge"), ("cloud", "gcp")], false)]
#[case::label_differs(&[("tier", "core"), ("cloud", "aws")], false)]
#[case::nothing(&[], false)]
fn all_conditions_must_hold(#[case] carried: &[(&str, &str)], #[case] expect: bool) {
    let aws = Requirement::new("cloud", Operator::In, ["aws"]).unwrap();
    let selector = Selector::new(labels(&[("tier", "edge")]), vec![aws]).unwrap();
    assert_eq!(selector.matches(&labels(carried)), expect);
}

#[test]
fn a_selector_of_nothing_selects_everything() {
    assert!(Selector::default().matches(&Labels::new()));
}

#[rstest]
#[case::label_absent(&[("cloud", "aws")], "it has no label `tier`, which must be `edge`")]
#[case::label_differs(&[("tier", "core")], "its label `tier` is `core` and must be `edge`")]
#[case::expression(&[("tier", "edge"), ("cloud", "lab")], "its labels do not meet `cloud notin (gcp,lab)`")]
fn a_mismatch_says_what_is_missing(#[case] carried: &[(&str, &str)], #[case] message: &str) {
    let cloud = Requirement::new("cloud", Operator::NotIn, ["lab", "gcp", "lab"]).unwrap();
    let selector = Selector::new(labels(&[("tier", "edge")]), vec![cloud]).unwrap();
    assert_eq!(selector.mismatch(&labels(carried)).unwrap().to_string(), message);
}

#[rstest]
#[case::one_of("In", &["b", "a"], "tier in (a,b)")]
#[case::none_of("NotIn", &["a"], "tier notin (a)")]
#[case::there("Exists", &[], "tier")]
#[case::not_there("DoesNotExist", &[], "!tier")]
fn as_kubectl_takes_it(#[case] operator: &str, #[case] values: &[&str], #[case] text: &str) {
    assert_eq!(requirement(operator, values).to_string(), text);
}

#[rstest]
#[case::in_nothing("tier", Operator::In, &[], "operator `In` of label `tier` needs at least one value")]
#[case::not_in_nothing("tier", Operator::NotIn, &[], "operator `NotIn` of label `tier` needs at least one value")]
#[case::exists_with_values("tier", Operator::Exists, &["a"], "operator `Exists` of label `tier` takes no values")]
#[case::absent_with_values(
    "tier", Operator::DoesNotExist, &["a"], "operator `DoesNotExist` of label `tier` takes no values"
)]
#[case::bad_key(
    "-tier", Operator::Exists, &[],
    "`-tier` cannot be the key of a label: it must consist of letters, digits, `-`, `_` and `.`, and begin and end with \
     a letter or digit"
)]
#[case::bad_value(
    "tier", Operator::In, &["a", "b c"],
    "`b c` cannot be the value of label `tier`: it must consist of letters, digits, `-`, `_` and `.`, and begin and end \
     with a letter or digit"
)]
fn refused(#[case] key: &str, #[case] operator: Operator, #[case] values: &[&str], #[case] message: &str) {
    let error = Requirement::new(key, operator, values.iter().copied()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn labels_of_a_selector_are_checked() {
    assert!(Selector::new(labels(&[("a/b/c", "x")]), Vec::new()).is_err());
    assert!(Selector::new(labels(&[("a", "x/y")]), Vec::new()).is_err());
}

#[rstest]
#[case::small("in")]
#[case::equals("=")]
#[case::of_node_affinity("Gt")]
#[case::empty("")]
fn other_operators_are_refused(#[case] text: &str) {
    assert_eq!(
        text.parse::<Operator>().unwrap_err().to_string(),
        "`operator` must be one of `In`, `NotIn`, `Exists`, `DoesNotExist`"
    );
}

#[rstest]
#[case::word("tier", true)]
#[case::capitals("Tier", true)]
#[case::dots("a.b_c-d", true)]
#[case::prefixed("topology.kubernetes.io/region", true)]
#[case::one_character_each("a/b", true)]
#[case::digits("1/2", true)]
#[case::empty("", false)]
#[case::no_prefix("/a", false)]
#[case::no_name("a/", false)]
#[case::two_slashes("a/b/c", false)]
#[case::capital_prefix("Example.com/a", false)]
#[case::underscore_in_the_prefix("a_b/c", false)]
#[case::empty_part_of_the_prefix("a..b/c", false)]
#[case::dash_at_the_end_of_a_part("a-.b/c", false)]
#[case::ends_with_a_dot("tier.", false)]
#[case::begins_with_an_underscore("_tier", false)]
#[case::space("a b", false)]
#[case::not_ascii("grün", false)]
fn keys(#[case] key: &str, #[case] expect: bool) {
    assert_eq!(check_key(key).is_ok(), expect);
}

#[test]
fn annotations_take_capitals_before_the_slash() {
    assert!(check_annotation_key("Example.com/a").is_ok());
    assert!(check_annotation_key("Example..com/a").is_err());
}

#[test]
fn lengths_are_limited() {
    let long = |length: usize| "a".repeat(length);
    assert!(check_value(&long(63)).is_ok());
    assert!(check_value(&long(64)).is_err());
    assert!(check_value("").is_ok());
    assert!(check_key(&format!("{}/{}", long(253), long(63))).is_ok());
    assert!(check_key(&format!("{}/{}", long(254), long(63))).is_err());
    assert!(check_key(&long(64)).is_err());
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let operator = proptest::sample::select(vec!["In", "NotIn", "Exists", "DoesNotExist"]);
    ("[ab]", operator, proptest::collection::btree_set("[xyz]", 1..3)).prop_map(|(key, operator, values)| {
        let operator: Operator = operator.parse().unwrap();
        let compared = matches!(operator, Operator::In | Operator::NotIn);
        Requirement::new(key, operator, values.into_iter().filter(|_| compared)).unwrap()
    })
}

/// Reads what `kubectl --selector` would be given, and decides by that alone.
fn by_text(requirement: &str, labels: &Labels) -> bool {
    if let Some(key) = requirement.strip_prefix('!') {
        return !labels.contains_key(key);
    }
    let mut words = requirement.split(' ');
    let (key, operator, values) = (words.next().unwrap(), words.next(), words.next().unwrap_or("()"));
    let values: Vec<&str> = values.trim_matches(['(', ')']).split(',').collect();
    let found = labels.get(key).map(String::as_str);
    match operator {
        None => found.is_some(),
        Some("in") => values.iter().any(|value| found == Some(value)),
        _ => values.iter().all(|value| found != Some(value)),
    }
}

proptest! {
    #[test]
    fn a_selector_is_all_of_its_conditions(
        wanted in proptest::collection::btree_map("[ab]", "[xyz]", 0..3),
        expressions in proptest::collection::vec(any_requirement(), 0..4),
        carried in proptest::collection::btree_map("[ab]", "[xyz]", 0..3),
    ) {
        let expect = wanted.iter().all(|pair| carried.iter().any(|it| it == pair))
            && expressions.iter().all(|it| by_text(&it.to_string(), &carried));
        let selector = Selector::new(wanted, expressions).unwrap();
        prop_assert_eq!(selector.matches(&carried), expect);
    }

    #[test]
    fn what_is_no_operator_says_so(text in "[A-Za-z]{0,12}") {
        let known = ["In", "NotIn", "Exists", "DoesNotExist"].contains(&text.as_str());
        prop_assert_eq!(text.parse::<Operator>().is_ok(), known);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = (check_key(&text), check_annotation_key(&text), check_value(&text));
    }
}
