//! Stored states.

use proptest::prelude::*;
use rstest::rstest;
use tfplugin::{Number, Type, Value};

use crate::strategies::{kind, stored};

fn note() -> Type {
    Type::from_json(
        br#"["object",{"name":"string","weight":"number","on":"bool","tags":["set","string"],
            "members":["map",["object",{"zone":"string"}]],"pair":["tuple",["string","bool"]],"any":"dynamic"}]"#,
    )
    .expect("a type")
}

#[test]
fn a_state_is_read_with_its_numbers_exact() {
    let text = r#"{"name":"n","weight":0.10000000000000000000000000000000000001,"on":true,"tags":["b","a"],
        "members":{"aws":{"zone":null}},"pair":["x",false],"any":{"type":["list","number"],"value":[1,2.5]}}"#;
    let state = Value::from_json(&note(), text.as_bytes()).expect("reads");
    let weight = Number::Decimal("0.10000000000000000000000000000000000001".into());
    assert!(state.get("weight") == Some(&Value::Number(weight)));
    let numbers = vec![Value::from(1), Value::Number(Number::Float(2.5))];
    let any = Value::Dynamic(Box::new((Type::list(Type::Number), Value::List(numbers))));
    assert!(state.get("any") == Some(&any));
}

#[rstest]
#[case::gone_and_new_attributes(r#"{"name":"n","gone":{"a":[1]},"members":{"aws":{"old":1}}}"#)]
#[case::spaces("\n { \"name\" : \"n\" , \"members\" : { \"aws\" : { } } } \n")]
fn older_shapes_are_brought_up_to_date(#[case] text: &str) {
    let state = Value::from_json(&note(), text.as_bytes()).expect("reads");
    let mut expected = Value::blank(&note());
    expected.set("name", "n".into());
    expected.set("members", Value::map([("aws", Value::map([("zone", Value::Null)]))]));
    assert!(state == expected, "{state:?}");
}

#[rstest]
#[case("", "not valid JSON (line 1, column 0)")]
#[case("{", "not valid JSON (line 1, column 1)")]
#[case(r#"{"name":"n"} x"#, "not valid JSON (line 1, column 14)")]
#[case("[]", "expected an object, found an array")]
#[case(r#"{"name":1}"#, "name: expected a string, found a number")]
#[case(r#"{"on":"true"}"#, "on: expected a bool, found a string")]
#[case(r#"{"weight":1e99999999999}"#, "weight: not a finite decimal number")]
#[case(r#"{"members":{"aws":{"zone":[]}}}"#, "members[\"aws\"].zone: expected a string, found an array")]
#[case(r#"{"tags":["a",{}]}"#, "tags[1]: expected a string, found an object")]
#[case(r#"{"pair":["a"]}"#, "pair: expected 2 elements, found 1")]
#[case(r#"{"any":{"type":"strong","value":1}}"#, "any: the type of a dynamic value cannot be read")]
#[case(r#"{"any":{"value":1}}"#, "any: not valid JSON (line 1, column 11)")]
fn what_does_not_fit_is_named(#[case] text: &str, #[case] message: &str) {
    let error = Value::from_json(&note(), text.as_bytes()).expect_err("refused");
    assert_eq!(error.to_string(), message);
}

fn to_json(value: &Value) -> String {
    match value {
        Value::Null | Value::Unknown => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::to_string(text).expect("text"),
        Value::List(values) => format!("[{}]", values.iter().map(to_json).collect::<Vec<_>>().join(",")),
        Value::Map(values) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}:{}", serde_json::to_string(key).expect("text"), to_json(value))
            };
            format!("{{{}}}", values.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Value::Dynamic(inner) => {
            format!("{{\"type\":{},\"value\":{}}}", inner.0.to_json(), to_json(&inner.1))
        }
    }
}

fn has_floats(value: &Value) -> bool {
    match value {
        Value::Number(Number::Float(_)) => true,
        Value::List(values) => values.iter().any(has_floats),
        Value::Map(values) => values.values().any(has_floats),
        Value::Dynamic(inner) => has_floats(&inner.1),
        _ => false,
    }
}

proptest! {
    #[test]
    fn states_are_read_as_they_were_written(
        (kind, value) in kind().prop_flat_map(|kind| { let value = stored(&kind); (Just(kind), value) })
    ) {
        // A float is written with its shortest text, which need not be the number itself.
        prop_assume!(!has_floats(&value));
        prop_assert!(Value::from_json(&kind, to_json(&value).as_bytes()).expect("reads") == value);
    }

    #[test]
    fn arbitrary_text_never_panics(kind in kind(), text in any::<String>()) {
        let _ = Value::from_json(&kind, text.as_bytes());
    }

    #[test]
    fn arbitrary_json_never_panics(kind in kind(), text in "[\\[\\]{}\",:0-9a-z.e-]{0,40}") {
        let _ = Value::from_json(&kind, text.as_bytes());
    }
}
