//! What the host refuses in a plan, rule by rule.

use rstest::rstest;
use tfplugin::Value;
use tfplugin::check::check_plan;
use tfplugin::schema::{Attribute, Nesting, Schema};

fn schema() -> Schema {
    let element = || {
        [
            ("key", Attribute::string("Plain.")),
            ("given", Attribute::string("Computed.").optional_computed()),
            ("token_wo", Attribute::string("Write-only.").write_only()),
        ]
    };
    Schema::new("Rules.")
        .attribute("plain", Attribute::string("Plain."))
        .attribute("given", Attribute::string("Computed.").computed())
        .attribute("both", Attribute::string("Either.").optional_computed())
        .attribute("secret_wo", Attribute::string("Write-only.").write_only())
        .attribute("map", Attribute::nested(Nesting::Map, "By key.", element()))
        .attribute("list", Attribute::nested(Nesting::List, "In order.", element()))
}

fn object<const N: usize>(values: [(&str, Value); N]) -> Value {
    let mut object = Value::blank(&schema().value_type());
    for (name, value) in values {
        object.set(name, value);
    }
    object
}

fn element(key: Value, given: Value, token: Value) -> Value {
    Value::map([("key", key), ("given", given), ("token_wo", token)])
}

fn map(value: Value) -> Value {
    Value::map([("aws", value)])
}

fn list<const N: usize>(values: [Value; N]) -> Value {
    Value::List(values.into())
}

const NULL: Value = Value::Null;
const UNKNOWN: Value = Value::Unknown;

#[rstest]
#[case::the_configured_value("plain", NULL, "a".into(), "a".into())]
#[case::the_prior_value("plain", "A".into(), "a".into(), "A".into())]
#[case::unknown_as_configured("plain", NULL, UNKNOWN, UNKNOWN)]
#[case::null_as_configured("plain", "a".into(), NULL, NULL)]
#[case::anything_computed("given", "a".into(), NULL, "b".into())]
#[case::unknown_computed("given", "a".into(), NULL, UNKNOWN)]
#[case::null_computed("given", "a".into(), NULL, NULL)]
#[case::a_choice_for_the_user("both", NULL, NULL, "b".into())]
#[case::write_only("secret_wo", NULL, "s".into(), NULL)]
#[case::nested_mixture(
    "map",
    map(element("A".into(), "g".into(), NULL)),
    map(element("a".into(), NULL, "t".into())),
    map(element("A".into(), "h".into(), NULL))
)]
#[case::unknown_collection("map", NULL, UNKNOWN, UNKNOWN)]
#[case::null_elements("map", NULL, map(NULL), map(NULL))]
fn accepted(#[case] name: &str, #[case] prior: Value, #[case] config: Value, #[case] planned: Value) {
    assert_eq!(violations(name, prior, config, planned), Vec::<String>::new());
}

const NEITHER: &str = "planned is neither the configured nor the prior value";

#[rstest]
#[case::another_value("plain", NULL, "a".into(), "b".into(), format!("plain: {NEITHER}"))]
#[case::unknown_for_known("plain", NULL, "a".into(), UNKNOWN, format!("plain: {NEITHER}"))]
#[case::null_for_known("plain", NULL, "a".into(), NULL, format!("plain: {NEITHER}"))]
#[case::known_for_unknown("plain", NULL, UNKNOWN, "a".into(), format!("plain: {NEITHER}"))]
#[case::a_value_for_null(
    "plain", "a".into(), NULL, "a".into(),
    "plain: a value is planned that is neither configured nor computed".into()
)]
#[case::over_the_user("both", "c".into(), "a".into(), "b".into(), format!("both: {NEITHER}"))]
#[case::an_echo("secret_wo", NULL, "s".into(), "s".into(), "secret_wo: a write-only value is planned".into())]
#[case::a_nested_echo(
    "map", NULL, map(element(NULL, NULL, "t".into())), map(element(NULL, NULL, "t".into())),
    "map[\"aws\"].token_wo: a write-only value is planned".into()
)]
#[case::a_nested_value(
    "map", NULL, map(element("a".into(), NULL, NULL)), map(element("b".into(), NULL, NULL)),
    format!("map[\"aws\"].key: {NEITHER}")
)]
#[case::another_key(
    "map", NULL, map(element("a".into(), NULL, NULL)), Value::map([("gcp", element("a".into(), NULL, NULL))]),
    "map: planned has other elements than configured".into()
)]
#[case::another_length(
    "list", NULL, list([element("a".into(), NULL, NULL)]), list([]),
    "list: planned has other elements than configured".into()
)]
#[case::a_list_element(
    "list", NULL, list([element("a".into(), NULL, NULL)]), list([element(NULL, NULL, NULL)]),
    format!("list[0].key: {NEITHER}")
)]
#[case::an_unknown_collection("map", NULL, map(element(NULL, NULL, NULL)), UNKNOWN, format!("map: {NEITHER}"))]
fn refused(
    #[case] name: &str,
    #[case] prior: Value,
    #[case] config: Value,
    #[case] planned: Value,
    #[case] message: String,
) {
    assert_eq!(violations(name, prior, config, planned), [message]);
}

fn violations(name: &str, prior: Value, config: Value, planned: Value) -> Vec<String> {
    let violations = check_plan(
        &schema(),
        &object([(name, prior)]),
        &object([(name, config)]),
        &object([(name, planned)]),
    );
    violations.iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::absent(object([]), NULL, "planned to be absent or unknown, but it is configured")]
#[case::unknown(object([]), UNKNOWN, "planned to be absent or unknown, but it is configured")]
#[case::present(NULL, object([]), "planned to exist, but it is to be removed")]
fn the_whole_object_is_refused(#[case] config: Value, #[case] planned: Value, #[case] message: &str) {
    let violations = check_plan(&schema(), &object([]), &config, &planned);
    assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
}

#[test]
fn a_removal_is_accepted() {
    assert_eq!(check_plan(&schema(), &object([]), &NULL, &NULL), []);
}
