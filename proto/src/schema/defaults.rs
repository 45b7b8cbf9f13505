//! Values that the schema gives where the configuration says null.

use std::collections::BTreeMap;

use super::align::{NULL, configured, counterpart, objects_mut, part};
use super::{Attribute, Kind};
use crate::value::Value;

/// Sets in `target`, at any depth, the defaults of what `config` leaves null. An object that is itself not
/// configured gets none, unless it has a default of its own.
pub(crate) fn apply(
    attributes: &BTreeMap<String, Attribute>,
    target: &mut BTreeMap<String, Value>,
    config: &Value,
) {
    for (name, attribute) in attributes {
        let configured_value = part(config, name);
        if configured_value.is_null() {
            if let Some(default) = &attribute.default {
                let old = target.remove(name).unwrap_or(Value::Null);
                target.insert(name.clone(), complete(attribute, default, &old));
            }
            continue;
        }
        let (Kind::Nested(nesting, children), Some(value)) = (&attribute.kind, target.get_mut(name)) else {
            continue;
        };
        for (step, object) in objects_mut(*nesting, value) {
            let config = configured(*nesting, children, step.as_ref(), object, configured_value);
            // Where nothing fits, the object speaks for itself.
            let itself = config.is_null().then(|| Value::Map(object.clone()));
            apply(children, object, itself.as_ref().unwrap_or(config));
        }
    }
}

/// A default with all attributes of its objects: their own defaults, and for computed ones what `old` has.
pub(crate) fn complete(attribute: &Attribute, default: &Value, old: &Value) -> Value {
    let Kind::Nested(nesting, children) = &attribute.kind else {
        return default.clone().conform(&attribute.value_type()).0;
    };
    let mut value = default.clone();
    for (step, object) in objects_mut(*nesting, &mut value) {
        let old = counterpart(*nesting, step.as_ref(), old);
        for (name, child) in children {
            let old = if old.is_unknown() { &NULL } else { part(old, name) };
            let given = object.remove(name).unwrap_or(Value::Null);
            let value = match (&child.default, given.is_null()) {
                (_, false) => complete(child, &given, old),
                (Some(default), true) => complete(child, default, old),
                (None, true) if child.is_computed() => old.clone(),
                (None, true) => Value::Null,
            };
            object.insert(name.clone(), value);
        }
    }
    value
}
