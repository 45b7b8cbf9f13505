//! Making an answer storable, whatever the resource has put into it.
//!
//! The host loses an object whose state it cannot take. So whatever cannot be stored is replaced by null and
//! reported, and everything else is kept.

use super::catalogue::Shape;
use crate::check::Violation;
use crate::diagnostics::Diagnostics;
use crate::path::Path;
use crate::value::{Type, Value, index_step};

/// What a value that is still unknown after an operation means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknowns {
    /// The operation ended early; what it did not reach is null.
    NotReached,
    /// The resource forgot it.
    Forgotten,
}

/// The storable part of a state. Everything else is reported in `diagnostics`.
pub(super) fn state(shape: &Shape, state: Value, unknowns: Unknowns, diagnostics: &mut Diagnostics) -> Value {
    let mut state = plan(shape, state, diagnostics);
    let mut found = Vec::new();
    forget_unknowns(&shape.kind, &mut state, &Path::root(), &mut found);
    if unknowns == Unknowns::Forgotten {
        for path in found {
            diagnostics.error_at(
                path.clone(),
                "The provider left a value unknown",
                format!("`{path}` is stored as null. This is a bug of the provider; please report it."),
            );
        }
    }
    state
}

/// The part of a plan that can be sent: of the schema's type, and without write-only values.
pub(super) fn plan(shape: &Shape, planned: Value, diagnostics: &mut Diagnostics) -> Value {
    let (fitting, misfits) = planned.conform(&shape.kind);
    for (path, problem) in misfits {
        diagnostics.error_at(
            path.clone(),
            "The provider returned a value that does not fit its schema",
            format!("`{path}`: {problem}; it is left out. This is a bug of the provider; please report it."),
        );
    }
    shape.schema.without_write_only(fitting)
}

/// Reports breaches of the host's rules, which the host would report less clearly.
pub(super) fn report(violations: &[Violation], diagnostics: &mut Diagnostics) {
    for Violation { path, rule } in violations {
        diagnostics.error_at(
            path.clone(),
            "The provider broke a rule of the protocol",
            format!("`{path}` {rule}. This is a bug of the provider; please report it."),
        );
    }
}

fn forget_unknowns(kind: &Type, value: &mut Value, path: &Path, found: &mut Vec<Path>) {
    match value {
        Value::Unknown => {
            found.push(path.clone());
            *value = Value::Null;
        }
        Value::List(values) => {
            for (position, value) in values.iter_mut().enumerate() {
                let element = match kind {
                    Type::List(element) | Type::Set(element) => element,
                    _ => &Type::Dynamic,
                };
                forget_unknowns(element, value, &path.step(index_step(position)), found);
            }
        }
        Value::Map(values) => {
            for (name, value) in values {
                match kind {
                    Type::Object(attributes) => {
                        let kind = attributes.get(name).unwrap_or(&Type::Dynamic);
                        forget_unknowns(kind, value, &path.attribute(name), found);
                    }
                    Type::Map(element) => forget_unknowns(element, value, &path.key(name), found),
                    _ => forget_unknowns(&Type::Dynamic, value, &path.attribute(name), found),
                }
            }
        }
        Value::Dynamic(inner) => {
            let (kind, value) = inner.as_mut();
            forget_unknowns(kind, value, path, found);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
