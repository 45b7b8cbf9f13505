//! Checking a configuration against its schema: what must be there, what must not, and the validators.
//!
//! The host checks presence at the top level only, and validators not at all. All problems are collected.

use std::collections::BTreeMap;

use super::{Attribute, Kind, Nesting, Presence, Schema};
use crate::diagnostics::Diagnostics;
use crate::value::{Node, Value};

impl Schema {
    /// Checks `config`, which may hold unknown values anywhere, and runs the validators of what is known.
    pub fn validate(&self, config: &Node<'_>, diagnostics: &mut Diagnostics) {
        validate(&self.attributes, config, diagnostics);
    }
}

fn validate(attributes: &BTreeMap<String, Attribute>, object: &Node<'_>, diagnostics: &mut Diagnostics) {
    if !matches!(object.value(), Value::Map(_)) {
        return;
    }
    for (name, attribute) in attributes {
        let node = object.attribute(name);
        if node.is_null() {
            if attribute.presence == Presence::Required {
                diagnostics.error_at(
                    node.path(),
                    "A required value is missing",
                    "It must be set, and not to null.",
                );
            }
        } else if attribute.presence == Presence::Computed {
            diagnostics.error_at(
                node.path(),
                "A computed value is set",
                "It is set by the provider; remove it from the configuration.",
            );
        } else if !node.is_unknown() {
            for validator in &attribute.validators {
                validator(&node, diagnostics);
            }
            if let Kind::Nested(nesting, children) = &attribute.kind {
                validate_elements(*nesting, children, &node, diagnostics);
            }
        }
    }
}

fn validate_elements(
    nesting: Nesting,
    children: &BTreeMap<String, Attribute>,
    node: &Node<'_>,
    diagnostics: &mut Diagnostics,
) {
    let elements: Vec<Node<'_>> = match nesting {
        Nesting::Single => return validate(children, node, diagnostics),
        Nesting::List | Nesting::Set => node.elements(),
        Nesting::Map => node.entries().into_iter().map(|(_, element)| element).collect(),
    };
    for element in elements {
        if element.is_null() {
            diagnostics.error_at(
                element.path(),
                "An element is null",
                "It is null; leave the element out instead.",
            );
        }
        validate(children, &element, diagnostics);
    }
}
