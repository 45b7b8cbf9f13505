//! Between the wire's messages and our types.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::path::{Path, Step};
use crate::value::{CodecError, Type, Value};
use crate::wire::tfplugin6::{self as wire, attribute_path};

/// A value that the host sent. What is missing is null.
pub(super) fn decode(
    kind: &Type,
    what: &str,
    value: Option<&wire::DynamicValue>,
) -> Result<Value, Diagnostics> {
    let Some(value) = value else { return Ok(Value::Null) };
    let decoded = if !value.msgpack.is_empty() {
        Value::from_msgpack(kind, &value.msgpack)
    } else if !value.json.is_empty() {
        Value::from_json(kind, &value.json)
    } else {
        Ok(Value::Null)
    };
    decoded.map_err(|error| undecodable(what, &error))
}

/// The error for a value that does not fit the schema.
pub(super) fn undecodable(what: &str, error: &CodecError) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error_at(
        error.path(),
        format!("The {what} does not fit the provider's schema"),
        format!(
            "{error}. Terraform and the provider disagree about the schema; run `terraform init -upgrade`."
        ),
    );
    diagnostics
}

/// A value that was settled before, for the host.
pub(super) fn encode(kind: &Type, value: &Value) -> Result<wire::DynamicValue, Diagnostics> {
    match value.to_msgpack(kind) {
        Ok(msgpack) => Ok(wire::DynamicValue { msgpack, json: Vec::new() }),
        Err(error) => {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error_at(
                error.path(),
                "The provider returned a value that cannot be sent",
                format!("{error}. This is a bug of the provider; please report it."),
            );
            Err(diagnostics)
        }
    }
}

/// Diagnostics for the host. Paths lead through values of `kind`, if it is given.
pub(super) fn diagnostics(diagnostics: &Diagnostics, kind: Option<&Type>) -> Vec<wire::Diagnostic> {
    diagnostics.iter().map(|found| diagnostic(found, kind)).collect()
}

fn diagnostic(diagnostic: &Diagnostic, kind: Option<&Type>) -> wire::Diagnostic {
    use wire::diagnostic::Severity as Level;
    let severity = match diagnostic.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    wire::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary.clone(),
        detail: detail(diagnostic),
        attribute: diagnostic.path.as_ref().map(|known| path(known, kind)),
    }
}

/// The detail, led by the path where it goes into nested attributes: hosts show the line of the outermost attribute,
/// or of the whole block, and do not print the path.
fn detail(diagnostic: &Diagnostic) -> String {
    match &diagnostic.path {
        Some(path) if path.steps().len() > 1 => format!("{path}: {}", diagnostic.detail),
        _ => diagnostic.detail.clone(),
    }
}

/// A path for the host. It ends before the first element of a set, since the host can only name such an element
/// by its whole value.
pub(super) fn path(path: &Path, mut kind: Option<&Type>) -> wire::AttributePath {
    use attribute_path::step::Selector;
    let mut steps = Vec::new();
    for step in path.steps() {
        if matches!(kind, Some(Type::Set(_))) {
            break;
        }
        kind = kind.and_then(|kind| part(kind, step));
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        };
        steps.push(attribute_path::Step { selector: Some(selector) });
    }
    wire::AttributePath { steps }
}

fn part<'a>(kind: &'a Type, step: &Step) -> Option<&'a Type> {
    match (kind, step) {
        (Type::Object(attributes), Step::Attribute(name)) => attributes.get(name),
        (Type::List(element) | Type::Map(element), _) => Some(element),
        (Type::Tuple(kinds), Step::Index(index)) => {
            usize::try_from(*index).ok().and_then(|index| kinds.get(index))
        }
        _ => None,
    }
}
