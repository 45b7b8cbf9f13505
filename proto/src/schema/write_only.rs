//! Values that must never be stored.

use std::collections::BTreeMap;

use super::align::{elements, objects_mut};
use super::{Attribute, Kind};
use crate::path::Path;
use crate::value::Value;

/// Makes every write-only value null, at any depth.
pub(crate) fn withhold(attributes: &BTreeMap<String, Attribute>, target: &mut BTreeMap<String, Value>) {
    for (name, attribute) in attributes {
        let Some(value) = target.get_mut(name) else { continue };
        if attribute.write_only {
            *value = Value::Null;
        } else if let Kind::Nested(nesting, children) = &attribute.kind {
            for (_, object) in objects_mut(*nesting, value) {
                withhold(children, object);
            }
        }
    }
}

/// The write-only values that are not null, unknown ones included.
pub(crate) fn written(
    attributes: &BTreeMap<String, Attribute>,
    object: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    for (name, attribute) in attributes {
        let Some(value) = object.get(name).filter(|value| !value.is_null()) else { continue };
        let path = path.attribute(name);
        if attribute.write_only {
            found.push(path);
        } else if let Kind::Nested(nesting, children) = &attribute.kind {
            for (step, element) in elements(*nesting, value) {
                let path = step.map_or_else(|| path.clone(), |step| path.step(step));
                written(children, element, &path, found);
            }
        }
    }
}
