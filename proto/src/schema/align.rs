//! Which object of one value corresponds to which of another, inside nested attributes.
//!
//! Maps correspond by key, lists by index. Elements of a set have no identity: an element of a plan corresponds to
//! the configured element that it could have been made from.

use std::collections::BTreeMap;

use crate::path::Step;
use crate::schema::{Attribute, Kind, Nesting};
use crate::value::{Value, index_step};

/// Null, to be lent.
pub(crate) static NULL: Value = Value::Null;

/// The attribute `name` of an object; null where there is no object.
pub(crate) fn part<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&NULL)
}

/// The elements of a nested attribute's value and the step to each; a single object has none.
pub(crate) fn elements(nesting: Nesting, value: &Value) -> Vec<(Option<Step>, &Value)> {
    match (nesting, value) {
        (Nesting::Single, value) => vec![(None, value)],
        (Nesting::List | Nesting::Set, Value::List(values)) => {
            values.iter().enumerate().map(|(position, value)| (Some(index_step(position)), value)).collect()
        }
        (Nesting::Map, Value::Map(values)) => {
            values.iter().map(|(key, value)| (Some(Step::Key(key.clone())), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The same as [`elements`], to be changed. Only what is an object comes along: neither null nor unknown.
pub(crate) fn objects_mut(
    nesting: Nesting,
    value: &mut Value,
) -> Vec<(Option<Step>, &mut BTreeMap<String, Value>)> {
    let elements: Vec<(Option<Step>, &mut Value)> = match (nesting, value) {
        (Nesting::Single, value) => vec![(None, value)],
        (Nesting::List | Nesting::Set, Value::List(values)) => values
            .iter_mut()
            .enumerate()
            .map(|(position, value)| (Some(index_step(position)), value))
            .collect(),
        (Nesting::Map, Value::Map(values)) => {
            values.iter_mut().map(|(key, value)| (Some(Step::Key(key.clone())), value)).collect()
        }
        _ => Vec::new(),
    };
    elements
        .into_iter()
        .filter_map(|(step, value)| match value {
            Value::Map(object) => Some((step, object)),
            _ => None,
        })
        .collect()
}

/// The element of `other` at the same place; null if there is none. For lists, maps and single objects.
pub(crate) fn counterpart<'a>(nesting: Nesting, step: Option<&Step>, other: &'a Value) -> &'a Value {
    match (nesting, step, other) {
        (Nesting::Single, _, other) => other,
        (Nesting::List, Some(Step::Index(index)), Value::List(values)) => {
            usize::try_from(*index).ok().and_then(|index| values.get(index)).unwrap_or(&NULL)
        }
        (Nesting::Map, Some(Step::Key(key)), Value::Map(values)) => values.get(key).unwrap_or(&NULL),
        _ => &NULL,
    }
}

/// The configured element from which `object` was made: [`counterpart`], and for sets the one that fits best.
pub(crate) fn configured<'a>(
    nesting: Nesting,
    attributes: &BTreeMap<String, Attribute>,
    step: Option<&Step>,
    object: &BTreeMap<String, Value>,
    config: &'a Value,
) -> &'a Value {
    if nesting != Nesting::Set {
        return counterpart(nesting, step, config);
    }
    let Value::List(candidates) = config else { return &NULL };
    candidates
        .iter()
        .filter_map(|candidate| Some((likeness(attributes, object, candidate)?, candidate)))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map_or(&NULL, |(_, candidate)| candidate)
}

/// How many configured attributes of `candidate` are found in `object`; none if they contradict each other.
fn likeness(
    attributes: &BTreeMap<String, Attribute>,
    object: &BTreeMap<String, Value>,
    candidate: &Value,
) -> Option<usize> {
    let mut equal = 0;
    for (name, attribute) in attributes {
        let planned = object.get(name).unwrap_or(&NULL);
        match part(candidate, name) {
            Value::Null if attribute.is_computed() || planned.is_null() => {}
            Value::Null => return None,
            given if agree(attribute, planned, given) => equal += 1,
            _ => return None,
        }
    }
    Some(equal)
}

fn agree(attribute: &Attribute, planned: &Value, given: &Value) -> bool {
    let Kind::Nested(nesting, children) = &attribute.kind else {
        return planned.same(given, &attribute.value_type());
    };
    let (theirs, ours) = (elements(*nesting, given), elements(*nesting, planned));
    if planned.is_unknown() || given.is_unknown() || theirs.len() != ours.len() {
        return planned == given;
    }
    ours.iter().all(|(step, element)| {
        let Value::Map(object) = element else { return true };
        let candidate = configured(*nesting, children, step.as_ref(), object, given);
        likeness(children, object, candidate).is_some()
    })
}
