//! What a plan may say, given prior state and configuration.

use std::collections::BTreeMap;

use super::{Report, Violation};
use crate::path::Path;
use crate::schema::align::{counterpart, elements, part};
use crate::schema::{Attribute, Kind, Nesting, Presence, Schema};
use crate::value::{Type, Value};

/// Checks the answer to a plan request, as the host does:
///
/// | configuration | planned |
/// |---|---|
/// | a value | that value, or the prior one |
/// | null, computed | anything |
/// | null, not computed | null |
/// | write-only | null |
#[must_use]
pub fn check_plan(schema: &Schema, prior: &Value, config: &Value, planned: &Value) -> Vec<Violation> {
    let mut report = Report::default();
    match (config, planned) {
        (Value::Null, Value::Null) => {}
        (Value::Null, _) => report.add(&Path::root(), "planned to exist, but it is to be removed"),
        (Value::Map(_), Value::Map(_)) => {
            attributes(&schema.attributes, prior, config, planned, &Path::root(), &mut report);
        }
        _ => report.add(&Path::root(), "planned to be absent or unknown, but it is configured"),
    }
    report.0
}

/// Checks that a second plan, made when more is known, says what the `first` said wherever that was known.
#[must_use]
pub fn check_second_plan(schema: &Schema, first: &Value, second: &Value) -> Vec<Violation> {
    super::apply::check_completion(&schema.value_type(), first, second)
}

fn attributes(
    schema: &BTreeMap<String, Attribute>,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    report: &mut Report,
) {
    for (name, child) in schema {
        let path = path.attribute(name);
        attribute(child, part(prior, name), part(config, name), part(planned, name), &path, report);
    }
}

fn attribute(
    schema: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    report: &mut Report,
) {
    if schema.write_only {
        if !planned.is_null() {
            report.add(path, "a write-only value is planned");
        }
        return;
    }
    let kind = schema.value_type();
    let as_configured = planned.same(config, &kind) && !contains_write_only(schema);
    let as_before = !prior.is_null() && !config.is_null() && planned.same(prior, &kind);
    if as_configured || as_before || schema.presence == Presence::Computed {
        return;
    }
    if config.is_null() {
        if !schema.is_computed() && !planned.is_null() {
            report.add(path, "a value is planned that is neither configured nor computed");
        }
        return;
    }
    match &schema.kind {
        Kind::Type(_) => report.add(path, "planned is neither the configured nor the prior value"),
        Kind::Nested(nesting, children) => {
            nested(*nesting, children, &kind, [prior, config, planned], path, report);
        }
    }
}

fn nested(
    nesting: Nesting,
    children: &BTreeMap<String, Attribute>,
    kind: &Type,
    [prior, config, planned]: [&Value; 3],
    path: &Path,
    report: &mut Report,
) {
    if config.is_unknown() || planned.is_null() || planned.is_unknown() {
        if !planned.same(config, kind) {
            report.add(path, "planned is neither the configured nor the prior value");
        }
        return;
    }
    let (ours, theirs) = (elements(nesting, planned), elements(nesting, config));
    let steps_differ = ours.iter().map(|(step, _)| step).ne(theirs.iter().map(|(step, _)| step));
    if steps_differ {
        report.add(path, "planned has other elements than configured");
        return;
    }
    // The host cannot tell which element of a set is which either.
    if nesting == Nesting::Set {
        return;
    }
    for (step, planned) in ours {
        let config = counterpart(nesting, step.as_ref(), config);
        let prior = counterpart(nesting, step.as_ref(), prior);
        let path = step.map_or_else(|| path.clone(), |step| path.step(step));
        match (config, planned) {
            (Value::Map(_), Value::Map(_)) => attributes(children, prior, config, planned, &path, report),
            (config, planned) if config == planned => {}
            _ => report.add(&path, "planned is neither the configured nor the prior value"),
        }
    }
}

/// A plan that equals the configuration is not right if the configuration holds what must not be planned.
fn contains_write_only(schema: &Attribute) -> bool {
    match &schema.kind {
        Kind::Type(_) => false,
        Kind::Nested(_, children) => {
            children.values().any(|child| child.write_only || contains_write_only(child))
        }
    }
}
