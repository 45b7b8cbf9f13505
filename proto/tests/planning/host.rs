//! What a host and a provider do around the planning rule, in the simplest form that can be seen to be right.

use std::collections::BTreeMap;

use tfplugin::planning::{Proposal, propose};
use tfplugin::schema::{Attribute, Kind, Nesting, Presence, Schema};
use tfplugin::{Type, Value};

/// The plan for `config`, from the host's proposal.
pub(crate) fn plan(schema: &Schema, prior: &Value, config: &Value) -> Value {
    let proposed = proposed(schema, prior, config);
    propose(schema, Proposal { prior, proposed: &proposed, config })
}

/// What the host proposes: the configuration, with prior values of what is computed and not configured.
pub(crate) fn proposed(schema: &Schema, prior: &Value, config: &Value) -> Value {
    object(&schema.attributes, prior, config)
}

fn object(attributes: &BTreeMap<String, Attribute>, prior: &Value, config: &Value) -> Value {
    if !matches!(config, Value::Map(_)) {
        return config.clone();
    }
    let null = Value::Null;
    Value::map(attributes.iter().map(|(name, attribute)| {
        let part = |value: &Value| value.get(name).unwrap_or(&null).clone();
        (name, value(attribute, &part(prior), &part(config)))
    }))
}

fn value(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    let Kind::Nested(nesting, children) = &attribute.kind else {
        return if config.is_null() && computed(attribute) { prior.clone() } else { config.clone() };
    };
    let null = Value::Null;
    match (nesting, config) {
        (_, Value::Null) if computed(attribute) => prior.clone(),
        (Nesting::Single, config) => object(children, prior, config),
        (Nesting::Map, Value::Map(entries)) => Value::map(
            entries
                .iter()
                .map(|(key, config)| (key, object(children, prior.get(key).unwrap_or(&null), config))),
        ),
        (Nesting::List, Value::List(values)) => {
            let prior = |position| match prior {
                Value::List(values) => values.get(position).cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            };
            let element = |(position, config)| object(children, &prior(position), config);
            Value::List(values.iter().enumerate().map(element).collect())
        }
        (Nesting::Set, Value::List(values)) => {
            let candidates = if let Value::List(values) = prior { values.as_slice() } else { &[] };
            let element = |config: &Value| {
                let prior = candidates.iter().find(|prior| could_come_from(children, prior, config));
                object(children, prior.unwrap_or(&null), config)
            };
            // The host's sets are in an order of their own.
            Value::List(values.iter().rev().map(element).collect())
        }
        (_, other) => other.clone(),
    }
}

fn could_come_from(children: &BTreeMap<String, Attribute>, prior: &Value, config: &Value) -> bool {
    children.iter().all(|(name, child)| match config.get(name) {
        Some(Value::Null) => computed(child) || prior.get(name) == Some(&Value::Null),
        configured => prior.get(name) == configured,
    })
}

fn computed(attribute: &Attribute) -> bool {
    matches!(attribute.presence, Presence::Computed | Presence::OptionalComputed)
        || attribute.default.is_some()
}

/// What a provider makes of a plan: every unknown value becomes known.
pub(crate) fn applied(kind: &Type, planned: &Value) -> Value {
    match (kind, planned) {
        (Type::String, Value::Unknown) => "computed".into(),
        (Type::Number, Value::Unknown) => 7.into(),
        (Type::Object(_), Value::Unknown) => applied(kind, &Value::map::<&str>([])),
        (Type::Map(_), Value::Unknown) => Value::map::<&str>([]),
        (_, Value::Unknown) => Value::List(Vec::new()),
        (Type::Object(kinds), Value::Map(_)) => {
            let attribute = |(name, kind): (&String, &Type)| {
                (name.clone(), applied(kind, planned.get(name).unwrap_or(&Value::Null)))
            };
            Value::map(kinds.iter().map(attribute))
        }
        (Type::Map(element), Value::Map(entries)) => {
            Value::map(entries.iter().map(|(key, value)| (key, applied(element, value))))
        }
        (Type::List(element) | Type::Set(element), Value::List(values)) => {
            Value::List(values.iter().map(|value| applied(element, value)).collect())
        }
        (_, other) => other.clone(),
    }
}
