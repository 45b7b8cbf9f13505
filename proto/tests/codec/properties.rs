//! What holds for all values.

use proptest::prelude::*;
use tfplugin::{Type, Value};

use crate::strategies::{kind, value};

fn kind_and_value() -> impl Strategy<Value = (Type, Value)> {
    kind().prop_flat_map(|kind| {
        let value = value(&kind);
        (Just(kind), value)
    })
}

proptest! {
    #[test]
    fn values_come_back_as_they_went((kind, value) in kind_and_value()) {
        let bytes = value.to_msgpack(&kind).expect("encodes");
        let back = Value::from_msgpack(&kind, &bytes).expect("decodes");
        prop_assert!(back == value);
        prop_assert_eq!(back.to_msgpack(&kind).expect("encodes"), bytes);
    }

    #[test]
    fn types_come_back_as_they_went(kind in kind()) {
        prop_assert_eq!(Type::from_json(kind.to_json().as_bytes()).expect("a type"), kind);
    }

    #[test]
    fn a_value_is_the_same_as_itself((kind, value) in kind_and_value()) {
        prop_assert!(value.same(&value.clone(), &kind));
    }

    #[test]
    fn the_order_of_a_set_does_not_matter((kind, value) in kind_and_value()) {
        prop_assert!(value.same(&reversed(&kind, &value), &kind));
    }

    #[test]
    fn a_list_is_not_its_reverse(texts in proptest::collection::vec(any::<String>(), 2..5)) {
        let kind = Type::list(Type::String);
        let forwards = Value::List(texts.iter().map(Value::string).collect());
        let backwards = Value::List(texts.iter().rev().map(Value::string).collect());
        let palindrome = texts.iter().eq(texts.iter().rev());
        prop_assert_eq!(forwards.same(&backwards, &kind), palindrome);
    }

    #[test]
    fn debug_shows_no_text(text in "[a-z]{12,20}") {
        let value = Value::map([("key", Value::List(vec![Value::string(&text)]))]);
        let shown = format!("{value:?}");
        prop_assert!(!shown.contains(&text));
    }
}

/// The same value with the elements of all sets the other way round.
fn reversed(kind: &Type, value: &Value) -> Value {
    match (kind, value) {
        (Type::Set(element), Value::List(values)) => {
            Value::List(values.iter().rev().map(|value| reversed(element, value)).collect())
        }
        (Type::List(element), Value::List(values)) => {
            Value::List(values.iter().map(|value| reversed(element, value)).collect())
        }
        (Type::Tuple(kinds), Value::List(values)) => {
            Value::List(kinds.iter().zip(values).map(|(kind, value)| reversed(kind, value)).collect())
        }
        (Type::Map(element), Value::Map(values)) => {
            Value::map(values.iter().map(|(key, value)| (key, reversed(element, value))))
        }
        (Type::Object(attributes), Value::Map(values)) => {
            Value::map(values.iter().map(|(name, value)| (name, reversed(&attributes[name], value))))
        }
        (_, other) => other.clone(),
    }
}
