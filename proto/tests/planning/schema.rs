//! A schema with everything in it, and configurations for it.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tfplugin::schema::{Attribute, Kind, Nesting, Presence, Schema};
use tfplugin::{Number, Type, Value};

/// Every kind of attribute, at the top and nested.
pub(crate) fn everything() -> Schema {
    let port = Attribute::nested(
        Nesting::List,
        "Ports.",
        [
            ("port", Attribute::number("The port.").required()),
            ("node", Attribute::string("Given by the provider.").computed()),
        ],
    );
    let members = Attribute::nested(
        Nesting::Map,
        "By name.",
        [
            ("weight", Attribute::number("Its share.").default_value(1)),
            ("uid", Attribute::string("Stays.").computed().keep_state()),
            ("zone", Attribute::string("Where.").requires_replace()),
            ("token_wo", Attribute::string("Never stored.").write_only()),
            ("ports", port),
        ],
    );
    let rules = Attribute::nested(
        Nesting::Set,
        "In no order.",
        [
            ("key", Attribute::string("Which.").required()),
            ("value", Attribute::string("What.").default_value("x")),
            ("hash", Attribute::string("Given by the provider.").computed()),
        ],
    );
    let strategy = Attribute::nested(
        Nesting::Single,
        "How.",
        [
            ("kind", Attribute::string("Which.").default_value("auto")),
            ("seed", Attribute::string("Stays.").computed().keep_state()),
        ],
    );
    Schema::new("Everything.")
        .attribute("name", Attribute::string("Its name.").required().requires_replace())
        .attribute("size", Attribute::number("How large.").default_value(3))
        .attribute("mode", Attribute::string("Chosen by someone.").optional_computed())
        .attribute("region", Attribute::string("Where.").optional_computed().requires_replace())
        .attribute("id", Attribute::string("Stays.").computed().keep_state())
        .attribute("stamp", Attribute::string("Changes.").computed())
        .attribute("secret_wo", Attribute::string("Never stored.").write_only())
        .attribute("tags", Attribute::of(Type::set(Type::String), "Words."))
        .attribute("members", members)
        .attribute("rules", rules)
        .attribute("strategy", strategy.default_value(Value::map::<&str>([])))
}

/// How much of a configuration may be unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknowns {
    None,
    Some,
}

/// Configurations that the host would accept.
pub(crate) fn config(schema: &Schema, unknowns: Unknowns) -> BoxedStrategy<Value> {
    object(&schema.attributes, unknowns)
}

fn object(attributes: &BTreeMap<String, Attribute>, unknowns: Unknowns) -> BoxedStrategy<Value> {
    let names: Vec<_> = attributes.keys().cloned().collect();
    let values: Vec<_> = attributes.values().map(|attribute| value(attribute, unknowns)).collect();
    values.prop_map(move |values| Value::map(names.iter().cloned().zip(values))).boxed()
}

fn value(attribute: &Attribute, unknowns: Unknowns) -> BoxedStrategy<Value> {
    let known = match &attribute.kind {
        Kind::Type(Type::String) => "[ab]".prop_map(Value::String).boxed(),
        Kind::Type(Type::Number) => prop_oneof![
            (0..3_i64).prop_map(Value::from),
            Just(Value::Number(Number::Decimal("1.0".into()))),
            Just(Value::Number(Number::Decimal("0.1".into()))),
        ]
        .boxed(),
        Kind::Type(_) => proptest::collection::btree_set("[ab]", 0..3)
            .prop_map(|words| Value::List(words.into_iter().map(Value::String).collect()))
            .boxed(),
        Kind::Nested(Nesting::Single, children) => object(children, unknowns),
        Kind::Nested(Nesting::List, children) => {
            vec(object(children, unknowns), 0..3).prop_map(Value::List).boxed()
        }
        Kind::Nested(Nesting::Map, children) => {
            btree_map("[ab]", object(children, unknowns), 0..3).prop_map(Value::Map).boxed()
        }
        // The elements of a set differ from each other.
        Kind::Nested(Nesting::Set, children) => btree_map("[abc]", object(children, Unknowns::None), 0..3)
            .prop_map(|elements| {
                let element = |(key, mut element): (String, Value)| {
                    element.set("key", key.into());
                    element
                };
                Value::List(elements.into_iter().map(element).collect())
            })
            .boxed(),
    };
    let unknown = u32::from(unknowns == Unknowns::Some);
    match attribute.presence {
        Presence::Computed => Just(Value::Null).boxed(),
        Presence::Required => prop_oneof![8 => known, unknown => Just(Value::Unknown)].boxed(),
        Presence::Optional | Presence::OptionalComputed => {
            prop_oneof![6 => known, 3 => Just(Value::Null), unknown => Just(Value::Unknown)].boxed()
        }
    }
}
