//! The planning rule, case by case.

use rstest::rstest;
use tfplugin::planning::required_replacements;
use tfplugin::{Number, Path, Value};

use crate::host::plan;
use crate::schema::everything;

/// A configuration with these attributes and the others null.
fn config<const N: usize>(values: [(&str, Value); N]) -> Value {
    let mut config = Value::blank(&everything().value_type());
    for (name, value) in values {
        config.set(name, value);
    }
    config
}

fn member<const N: usize>(values: [(&str, Value); N]) -> Value {
    let names = ["ports", "token_wo", "uid", "weight", "zone"];
    let mut member = Value::map(names.map(|name| (name, Value::Null)));
    for (name, value) in values {
        member.set(name, value);
    }
    member
}

/// The state of a small object.
fn state() -> Value {
    config([
        ("name", "n".into()),
        ("size", 3.into()),
        ("mode", "chosen".into()),
        ("region", "here".into()),
        ("id", "id-1".into()),
        ("stamp", "then".into()),
        ("members", Value::map([("aws", member([("uid", "uid-1".into()), ("weight", 1.into())]))])),
        ("strategy", Value::map([("kind", Value::from("auto")), ("seed", "seed-1".into())])),
    ])
}

/// The configuration from which that state came.
fn configured() -> Value {
    config([("name", "n".into()), ("members", Value::map([("aws", member([]))]))])
}

fn changed(name: &str, value: impl Into<Value>) -> Value {
    let mut config = configured();
    config.set(name, value.into());
    config
}

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| value.get(name).expect("it is there"))
}

#[test]
fn nothing_changes_without_a_difference() {
    assert!(plan(&everything(), &state(), &configured()) == state());
}

#[rstest]
#[case::numbers_that_are_equal("size", Value::Number(Number::Decimal("3.0".into())))]
#[case::a_write_only_value("secret_wo", "s3cret".into())]
#[case::a_default_spelled_out("strategy", Value::map([("kind", Value::from("auto")), ("seed", Value::Null)]))]
#[case::a_computed_value_spelled_out("mode", "chosen".into())]
fn no_difference_is_seen_in(#[case] name: &str, #[case] value: Value) {
    let schema = everything();
    let planned = plan(&schema, &state(), &changed(name, value));
    assert!(planned.same(&state(), &schema.value_type()), "{planned:?}");
}

#[test]
fn a_difference_makes_computed_values_unknown_except_those_that_stay() {
    let planned = plan(&everything(), &state(), &changed("size", 4));
    assert!(planned.get("stamp") == Some(&Value::Unknown));
    assert!(planned.get("mode") == Some(&Value::Unknown));
    assert!(planned.get("id") == Some(&"id-1".into()));
    assert!(planned.get("region") == Some(&"here".into()), "or every update would make a new object");
    assert!(*at(&planned, &["members", "aws", "uid"]) == "uid-1".into());
    assert!(*at(&planned, &["strategy", "seed"]) == "seed-1".into());
}

#[test]
fn a_creation_has_all_computed_values_unknown_and_defaults_known() {
    let planned = plan(&everything(), &Value::Null, &configured());
    for path in
        [&["id"][..], &["stamp"], &["mode"], &["region"], &["members", "aws", "uid"], &["strategy", "seed"]]
    {
        assert!(at(&planned, path).is_unknown(), "{path:?}");
    }
    assert!(*at(&planned, &["size"]) == 3.into());
    assert!(*at(&planned, &["members", "aws", "weight"]) == 1.into());
    assert!(*at(&planned, &["strategy", "kind"]) == "auto".into());
    assert!(planned.get("tags") == Some(&Value::Null));
}

#[test]
fn a_new_element_has_computed_values_of_its_own() {
    let members = Value::map([("aws", member([])), ("gcp", member([]))]);
    let planned = plan(&everything(), &state(), &changed("members", members));
    assert!(*at(&planned, &["members", "aws", "uid"]) == "uid-1".into());
    assert!(at(&planned, &["members", "gcp", "uid"]).is_unknown());
}

#[test]
fn a_value_that_is_no_longer_configured_returns_to_its_default() {
    let mut prior = state();
    prior.set("size", 9.into());
    let planned = plan(&everything(), &prior, &configured());
    assert!(planned.get("size") == Some(&3.into()));
}

#[test]
fn write_only_values_are_never_planned() {
    let members = Value::map([("aws", member([("token_wo", "t0ken".into())]))]);
    let mut config = changed("members", members);
    config.set("secret_wo", "s3cret".into());
    let planned = plan(&everything(), &Value::Null, &config);
    assert!(at(&planned, &["members", "aws", "token_wo"]).is_null());
    assert!(at(&planned, &["secret_wo"]).is_null());
}

#[test]
fn elements_of_a_set_get_their_defaults_whatever_their_order() {
    let rule = |key: &str, value: Value| {
        Value::map([("key", Value::from(key)), ("value", value), ("hash", Value::Null)])
    };
    let rules = Value::List(vec![rule("a", Value::Null), rule("b", "y".into()), rule("c", Value::Null)]);
    let planned = plan(&everything(), &Value::Null, &changed("rules", rules));
    let Some(Value::List(planned)) = planned.get("rules") else { panic!("a set") };
    let value_of = |key: &str| {
        let rule = planned.iter().find(|rule| rule.get("key") == Some(&key.into())).expect("it is there");
        assert!(rule.get("hash").is_some_and(Value::is_unknown));
        rule.get("value").expect("it is there").clone()
    };
    assert!(value_of("a") == "x".into());
    assert!(value_of("b") == "y".into());
    assert!(value_of("c") == "x".into());
}

#[test]
fn a_removal_is_planned_as_null() {
    let proposal =
        tfplugin::planning::Proposal { prior: &state(), proposed: &Value::Null, config: &Value::Null };
    assert!(tfplugin::planning::propose(&everything(), proposal).is_null());
}

fn zone(zone: Value) -> Value {
    Value::map([("aws", member([("zone", zone)]))])
}

#[rstest]
#[case::nothing(configured(), vec![])]
#[case::another_attribute(changed("size", 4), vec![])]
#[case::the_attribute(changed("name", "m"), vec![Path::root().attribute("name")])]
#[case::unknown(changed("name", Value::Unknown), vec![Path::root().attribute("name")])]
#[case::computed_and_now_configured(changed("region", "there"), vec![Path::root().attribute("region")])]
#[case::nested(
    changed("members", zone("z".into())),
    vec![Path::root().attribute("members").key("aws").attribute("zone")]
)]
#[case::nested_and_unknown(
    changed("members", zone(Value::Unknown)),
    vec![Path::root().attribute("members").key("aws").attribute("zone")]
)]
#[case::a_new_element(changed("members", Value::map([("gcp", member([("zone", "z".into())]))])), vec![])]
fn a_new_object_is_needed_for(#[case] config: Value, #[case] expected: Vec<Path>) {
    let schema = everything();
    let planned = plan(&schema, &state(), &config);
    assert_eq!(required_replacements(&schema, &state(), &planned), expected);
}

#[test]
fn a_creation_replaces_nothing() {
    let schema = everything();
    let planned = plan(&schema, &Value::Null, &configured());
    assert_eq!(required_replacements(&schema, &Value::Null, &planned), []);
}
