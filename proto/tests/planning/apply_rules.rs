//! What the host refuses in the answer to an apply, rule by rule.

use rstest::rstest;
use tfplugin::check::{check_apply, check_stored};
use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Number, Type, Value};

fn schema() -> Schema {
    let element = [
        ("key", Attribute::string("Plain.").optional_computed()),
        ("token_wo", Attribute::string("Write-only.").write_only()),
    ];
    Schema::new("Rules.")
        .attribute("text", Attribute::string("Plain.").optional_computed())
        .attribute("number", Attribute::number("Plain.").optional_computed())
        .attribute("secret_wo", Attribute::string("Write-only.").write_only())
        .attribute("set", Attribute::of(Type::set(Type::String), "Plain.").optional_computed())
        .attribute("any", Attribute::of(Type::Dynamic, "Any.").optional_computed())
        .attribute("list", Attribute::of(Type::list(Type::String), "Plain.").optional_computed())
        .attribute("map", Attribute::nested(Nesting::Map, "By key.", element).optional_computed())
}

fn object(name: &str, value: Value) -> Value {
    let mut object = Value::blank(&schema().value_type());
    object.set(name, value);
    object
}

fn list<const N: usize>(values: [Value; N]) -> Value {
    Value::List(values.into())
}

fn element(key: &str, value: Value, token: Value) -> Value {
    Value::map([(key, Value::map([("key", value), ("token_wo", token)]))])
}

fn text(text: &str) -> Value {
    Value::Dynamic(Box::new((Type::String, text.into())))
}

const NULL: Value = Value::Null;
const UNKNOWN: Value = Value::Unknown;

#[rstest]
#[case::unchanged("text", "a".into(), "a".into())]
#[case::unknown_becomes_a_value("text", UNKNOWN, "a".into())]
#[case::unknown_becomes_null("text", UNKNOWN, NULL)]
#[case::equal_numbers("number", 1.into(), Value::Number(Number::Decimal("1.0".into())))]
#[case::a_set_in_another_order("set", list(["a".into(), "b".into()]), list(["b".into(), "a".into()]))]
#[case::a_set_element_becomes_known("set", list(["a".into(), UNKNOWN]), list(["b".into(), "a".into()]))]
#[case::set_elements_become_equal("set", list([UNKNOWN, "a".into()]), list(["a".into()]))]
#[case::a_nested_value_becomes_known("map", element("aws", UNKNOWN, NULL), element("aws", "x".into(), NULL))]
#[case::any("any", text("a"), text("a"))]
fn accepted(#[case] name: &str, #[case] planned: Value, #[case] actual: Value) {
    assert_eq!(violations(name, planned, actual), Vec::<String>::new());
}

#[rstest]
#[case::changed("text", "a".into(), "b".into(), "text: is not as planned")]
#[case::gone("text", "a".into(), NULL, "text: was planned, but is null")]
#[case::appeared("text", NULL, "a".into(), "text: was planned null, but is there")]
#[case::left_unknown("text", UNKNOWN, UNKNOWN, "text: is unknown after apply")]
#[case::a_number("number", 1.into(), 2.into(), "number: is not as planned")]
#[case::a_nearly_equal_number(
    "number", Value::Number(Number::Decimal("0.1".into())), Value::Number(Number::Float(0.1)),
    "number: is not as planned"
)]
#[case::a_set_that_grew(
    "set", list([UNKNOWN]), list(["a".into(), "b".into()]), "set: has other elements than planned"
)]
#[case::another_set_element("set", list(["a".into()]), list(["b".into()]), "set: has other elements than planned")]
#[case::a_longer_list(
    "list", list(["a".into()]), list(["a".into(), "b".into()]), "list: has another length than planned"
)]
#[case::a_list_element("list", list(["a".into()]), list(["b".into()]), "list[0]: is not as planned")]
#[case::a_nested_value(
    "map", element("aws", "a".into(), NULL), element("aws", "b".into(), NULL), "map[\"aws\"].key: is not as planned"
)]
#[case::another_key(
    "map",
    element("aws", NULL, NULL),
    element("gcp", NULL, NULL),
    "map: has other keys than planned"
)]
#[case::another_text_in_any("any", text("a"), text("b"), "any: is not as planned")]
#[case::another_type_in_any(
    "any", text("a"), Value::Dynamic(Box::new((Type::Bool, Value::Bool(true)))), "any: is not as planned"
)]
fn refused(#[case] name: &str, #[case] planned: Value, #[case] actual: Value, #[case] message: &str) {
    assert_eq!(violations(name, planned, actual), [message]);
}

fn violations(name: &str, planned: Value, actual: Value) -> Vec<String> {
    let violations = check_apply(&schema(), &object(name, planned), &object(name, actual));
    violations.iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::at_the_top("secret_wo", "s".into(), "secret_wo: a write-only value would be stored")]
#[case::nested(
    "map", element("aws", NULL, "t".into()), "map[\"aws\"].token_wo: a write-only value would be stored"
)]
#[case::unknown_in_a_list("list", list([UNKNOWN]), "list[0]: is unknown after apply")]
fn not_to_be_stored(#[case] name: &str, #[case] value: Value, #[case] message: &str) {
    let violations = check_stored(&schema(), &object(name, value));
    assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
}

#[test]
fn an_object_must_stay_as_planned_as_a_whole() {
    let violations = check_apply(&schema(), &object("text", NULL), &NULL);
    assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), ["was planned, but is null"]);
    assert_eq!(check_apply(&schema(), &NULL, &NULL), []);
}
