//! Which changes cannot be made in place.

use std::collections::BTreeMap;

use crate::path::Path;
use crate::schema::align::{counterpart, elements, part};
use crate::schema::{Attribute, Kind, Nesting, Schema};
use crate::value::Value;

/// The attributes whose change makes a new object and whose values differ between `prior` and `planned`, sorted.
/// Unknown differs from everything. None for a creation or a removal, and none inside an element that comes or
/// goes: mark the collection itself where that should make a new object.
#[must_use]
pub fn required_replacements(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    collect(&schema.attributes, prior, planned, &Path::root(), &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(
    attributes: &BTreeMap<String, Attribute>,
    prior: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    if !matches!((prior, planned), (Value::Map(_), Value::Map(_))) {
        return;
    }
    for (name, attribute) in attributes {
        let path = path.attribute(name);
        let (prior, planned) = (part(prior, name), part(planned, name));
        if attribute.requires_replace && !prior.same(planned, &attribute.value_type()) {
            found.push(path);
            continue;
        }
        let Kind::Nested(nesting, children) = &attribute.kind else { continue };
        if *nesting == Nesting::Set {
            continue;
        }
        for (step, planned) in elements(*nesting, planned) {
            let prior = counterpart(*nesting, step.as_ref(), prior);
            let path = step.map_or_else(|| path.clone(), |step| path.step(step));
            collect(children, prior, planned, &path, found);
        }
    }
}
