use multicluster_core::digest::{canonical, digest, digest_text};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::values::value;

#[rstest]
#[case::keys_are_sorted(json!({ "b": 1, "a": { "d": [], "c": {} } }), r#"{"a":{"c":{},"d":[]},"b":1}"#)]
#[case::items_keep_their_order(json!([3, 1, 2]), "[3,1,2]")]
#[case::text_is_escaped(json!("a\"\n\u{1}ä"), r#""a\"\n\u0001ä""#)]
#[case::whole_floats_are_integers(json!([1.0, -0.0, 1e3]), "[1,0,1000]")]
#[case::other_floats_stay(json!([1.5, 1e20]), "[1.5,1e+20]")]
#[case::plain_values(json!([null, true, false]), "[null,true,false]")]
fn canonical_forms(#[case] value: Value, #[case] expect: &str) {
    assert_eq!(canonical(&value), expect);
}

#[test]
fn a_digest_is_that_of_the_canonical_form() {
    assert_eq!(digest(&json!({ "b": 1, "a": 2 })), digest_text(r#"{"a":2,"b":1}"#));
    assert_ne!(digest(&json!(1)), digest(&json!("1")));
}

/// The same value with all keys inserted the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(fields) => fields
            .iter()
            .rev()
            .map(|(name, field)| (name.clone(), reversed(field)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn the_canonical_form_is_json_of_an_equal_value(value in value()) {
        let text = canonical(&value);
        let read: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(canonical(&read), text);
        prop_assert_eq!(canonical(&reversed(&value)), canonical(&value));
        prop_assert!(digest(&value).len() == 32);
    }
}
