//! Which computed values an apply may change.

use std::collections::BTreeMap;

use crate::schema::align::{configured, counterpart, objects_mut, part};
use crate::schema::defaults::complete;
use crate::schema::{Attribute, Kind, Nesting};
use crate::value::Value;

/// Makes unknown, at any depth, what is computed and not configured. An attribute that keeps its state has its
/// prior value instead, where the object around it existed and it had one.
pub(super) fn mark(
    attributes: &BTreeMap<String, Attribute>,
    object: &mut BTreeMap<String, Value>,
    config: &Value,
    prior: &Value,
) {
    let existed = matches!(prior, Value::Map(_));
    for (name, attribute) in attributes {
        let Some(value) = object.get_mut(name) else { continue };
        let (config, prior) = (part(config, name), part(prior, name));
        match (&attribute.default, config) {
            (_, Value::Unknown) => {}
            // The object stands as its default says; within it, what the default leaves open is computed.
            (Some(default), Value::Null) => {
                mark_elements(attribute, value, &complete(attribute, default, &Value::Null), prior);
            }
            (None, Value::Null) if !attribute.is_computed() || attribute.write_only => {}
            (None, Value::Null) => {
                if let Some(kept) = kept(attribute, existed, prior) {
                    *value = kept;
                } else {
                    *value = Value::Unknown;
                }
            }
            (_, config) => mark_elements(attribute, value, config, prior),
        }
    }
}

/// The prior value, where it stays.
fn kept(attribute: &Attribute, existed: bool, prior: &Value) -> Option<Value> {
    // What a change of would make a new object cannot change in an update: unknown here would replace the object
    // with every update.
    let stays = attribute.requires_replace || (attribute.keep_state && !prior.is_null());
    (existed && stays).then(|| prior.clone())
}

fn mark_elements(attribute: &Attribute, value: &mut Value, config: &Value, prior: &Value) {
    let Kind::Nested(nesting, children) = &attribute.kind else { return };
    for (step, object) in objects_mut(*nesting, value) {
        let config = configured(*nesting, children, step.as_ref(), object, config);
        // Elements of a set have no prior self that could be recognised.
        let prior =
            if *nesting == Nesting::Set { &Value::Null } else { counterpart(*nesting, step.as_ref(), prior) };
        mark(children, object, config, prior);
    }
}
