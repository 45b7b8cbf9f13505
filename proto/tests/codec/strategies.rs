//! Arbitrary types, and values of them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tfplugin::{Number, Type, Value};

/// A type of a few levels.
pub(crate) fn kind() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String), Just(Type::Dynamic)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            btree_map("[a-z_]{1,6}", inner, 0..4).prop_map(Type::Object),
        ]
    })
}

/// A number of any of the wire's forms.
pub(crate) fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (proptest::num::f64::NORMAL | proptest::num::f64::ZERO).prop_map(Number::Float),
        "-?(0|[1-9][0-9]{0,40})\\.[0-9]{1,40}(e-?[0-9]{1,2})?"
            .prop_map(|text| Number::parse(&text).expect("a number")),
    ]
}

/// A value of this type, with nulls and unknowns at any depth.
pub(crate) fn value(kind: &Type) -> BoxedStrategy<Value> {
    let known = known(kind);
    prop_oneof![1 => Just(Value::Null), 1 => Just(Value::Unknown), 8 => known].boxed()
}

/// A value of this type without unknowns.
pub(crate) fn stored(kind: &Type) -> BoxedStrategy<Value> {
    value(kind).prop_map(without_unknowns).boxed()
}

fn without_unknowns(value: Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::List(values) => Value::List(values.into_iter().map(without_unknowns).collect()),
        Value::Map(values) => {
            Value::map(values.into_iter().map(|(key, value)| (key, without_unknowns(value))))
        }
        Value::Dynamic(inner) => {
            let (kind, value) = *inner;
            Value::Dynamic(Box::new((kind, without_unknowns(value))))
        }
        other => other,
    }
}

fn known(kind: &Type) -> BoxedStrategy<Value> {
    match kind {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => number().prop_map(Value::Number).boxed(),
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::Dynamic => prop_oneof![Just(Type::String), Just(Type::list(Type::Number))]
            .prop_flat_map(|kind| {
                value(&kind).prop_map(move |value| Value::Dynamic(Box::new((kind.clone(), value))))
            })
            .boxed(),
        Type::List(element) | Type::Set(element) => vec(value(element), 0..4).prop_map(Value::List).boxed(),
        Type::Map(element) => btree_map(any::<String>(), value(element), 0..4).prop_map(Value::Map).boxed(),
        Type::Tuple(kinds) => kinds.iter().map(value).collect::<Vec<_>>().prop_map(Value::List).boxed(),
        Type::Object(attributes) => {
            let names: Vec<_> = attributes.keys().cloned().collect();
            attributes
                .values()
                .map(value)
                .collect::<Vec<_>>()
                .prop_map(move |values| Value::map(names.iter().cloned().zip(values)))
                .boxed()
        }
    }
}
