//! What an apply may return, given the plan; and what any stored state must be.

use std::collections::BTreeMap;

use super::{Report, Violation};
use crate::path::Path;
use crate::schema::align::{elements, part};
use crate::schema::{Attribute, Kind, Schema};
use crate::value::{Type, Value, index_step};

/// Checks the answer to an apply request without errors: what was planned known is unchanged, and nothing is left
/// unknown. (With an error diagnostic the host checks nothing, so that the truth can be told.)
#[must_use]
pub fn check_apply(schema: &Schema, planned: &Value, actual: &Value) -> Vec<Violation> {
    let mut violations = check_completion(&schema.value_type(), planned, actual);
    violations.extend(check_stored(schema, actual));
    violations.sort();
    violations.dedup();
    violations
}

/// Checks any state that is to be stored: wholly known, and without write-only values.
#[must_use]
pub fn check_stored(schema: &Schema, state: &Value) -> Vec<Violation> {
    let mut report = Report::default();
    if !state.is_null() {
        known(&schema.value_type(), state, &Path::root(), &mut report);
        withheld(&schema.attributes, state, &Path::root(), &mut report);
    }
    report.0
}

/// Checks that `actual` completes `planned`: it differs only where that is unknown.
pub(super) fn check_completion(kind: &Type, planned: &Value, actual: &Value) -> Vec<Violation> {
    let mut report = Report::default();
    completes(kind, planned, actual, &Path::root(), &mut report);
    report.0
}

fn completes(kind: &Type, planned: &Value, actual: &Value, path: &Path, report: &mut Report) {
    match (kind, planned, actual) {
        (_, Value::Unknown, _) | (_, Value::Null, Value::Null) => {}
        (_, Value::Null, _) => report.add(path, "was planned null, but is there"),
        (_, _, Value::Null) => report.add(path, "was planned, but is null"),
        (_, _, Value::Unknown) => report.add(path, "was planned known, but is unknown"),
        (Type::List(element), Value::List(planned), Value::List(actual)) => {
            ordered(std::iter::repeat(element.as_ref()), planned, actual, path, report);
        }
        (Type::Tuple(kinds), Value::List(planned), Value::List(actual)) => {
            ordered(kinds.iter(), planned, actual, path, report);
        }
        (Type::Set(element), Value::List(planned), Value::List(actual)) => {
            unordered(element, planned, actual, path, report);
        }
        (Type::Map(element), Value::Map(planned), Value::Map(actual)) => {
            if planned.keys().ne(actual.keys()) {
                report.add(path, "has other keys than planned");
            }
            for (key, planned) in planned {
                if let Some(actual) = actual.get(key) {
                    completes(element, planned, actual, &path.key(key), report);
                }
            }
        }
        (Type::Object(attributes), Value::Map(_), Value::Map(_)) => {
            for (name, kind) in attributes {
                let path = path.attribute(name);
                completes(kind, part(planned, name), part(actual, name), &path, report);
            }
        }
        (Type::Dynamic, Value::Dynamic(planned), Value::Dynamic(actual)) if planned.0 == actual.0 => {
            completes(&planned.0, &planned.1, &actual.1, path, report);
        }
        (kind, planned, actual) => {
            if !planned.same(actual, kind) {
                report.add(path, "is not as planned");
            }
        }
    }
}

fn ordered<'a>(
    kinds: impl Iterator<Item = &'a Type>,
    planned: &[Value],
    actual: &[Value],
    path: &Path,
    report: &mut Report,
) {
    if planned.len() != actual.len() {
        report.add(path, "has another length than planned");
    }
    for (position, (kind, (planned, actual))) in kinds.zip(planned.iter().zip(actual)).enumerate() {
        completes(kind, planned, actual, &path.step(index_step(position)), report);
    }
}

/// Every planned element has one that completes it, and the other way round; and the set has not grown.
fn unordered(element: &Type, planned: &[Value], actual: &[Value], path: &Path, report: &mut Report) {
    let completes = |planned: &Value, actual: &Value| check_completion(element, planned, actual).is_empty();
    let all_found = planned.iter().all(|planned| actual.iter().any(|actual| completes(planned, actual)));
    let none_new = actual.iter().all(|actual| planned.iter().any(|planned| completes(planned, actual)));
    if !all_found || !none_new || actual.len() > planned.len() {
        report.add(path, "has other elements than planned");
    }
}

fn known(kind: &Type, value: &Value, path: &Path, report: &mut Report) {
    match (kind, value) {
        (_, Value::Unknown) => report.add(path, "is unknown after apply"),
        (Type::Object(_), Value::Map(attributes)) => {
            for (name, value) in attributes {
                let kind = if let Type::Object(kinds) = kind { kinds.get(name) } else { None };
                known(kind.unwrap_or(&Type::Dynamic), value, &path.attribute(name), report);
            }
        }
        (Type::Map(element), Value::Map(entries)) => {
            for (key, value) in entries {
                known(element, value, &path.key(key), report);
            }
        }
        (Type::List(element) | Type::Set(element), Value::List(values)) => {
            for (position, value) in values.iter().enumerate() {
                known(element, value, &path.step(index_step(position)), report);
            }
        }
        (_, value) if !value.is_wholly_known() => report.add(path, "is unknown after apply"),
        _ => {}
    }
}

fn withheld(attributes: &BTreeMap<String, Attribute>, object: &Value, path: &Path, report: &mut Report) {
    for (name, attribute) in attributes {
        let path = path.attribute(name);
        let value = part(object, name);
        if attribute.write_only {
            if !value.is_null() {
                report.add(&path, "a write-only value would be stored");
            }
        } else if let Kind::Nested(nesting, children) = &attribute.kind {
            for (step, element) in elements(*nesting, value) {
                let path = step.map_or_else(|| path.clone(), |step| path.step(step));
                withheld(children, element, &path, report);
            }
        }
    }
}
