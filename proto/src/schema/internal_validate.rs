//! What makes a schema invalid, before a host says so to a user.

use std::collections::BTreeMap;

use super::{Attribute, Kind, Nesting, Presence, Role, Schema, defaults};
use crate::diagnostics::Diagnostics;
use crate::value::{Node, Type, Value};

/// Names that mean something to the host in every resource and data source.
const RESERVED: [&str; 7] =
    ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// Names that mean something to the host in a provider block.
const RESERVED_IN_PROVIDERS: [&str; 2] = ["alias", "version"];

impl Schema {
    /// Everything that a host would refuse in this schema, or that the planning rule cannot carry out; one sentence
    /// each, and none for a valid schema.
    #[must_use]
    pub fn internal_validate(&self, role: Role) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version < 0 {
            problems.push("the version is negative".to_owned());
        }
        let reserved: &[&str] = if role == Role::Provider { &RESERVED_IN_PROVIDERS } else { &RESERVED };
        for name in self.attributes.keys().filter(|name| reserved.contains(&name.as_str())) {
            problems.push(format!("{name}: the name is reserved"));
        }
        Checker { role, problems: &mut problems }.attributes("", &self.attributes, Inside::Object);
        problems
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Set,
}

struct Checker<'a> {
    role: Role,
    problems: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn attributes(&mut self, prefix: &str, attributes: &BTreeMap<String, Attribute>, inside: Inside) {
        for (name, attribute) in attributes {
            let path = format!("{prefix}{name}");
            self.rule(is_name(name), &path, "a name has lower-case letters, digits and underscores only");
            self.attribute(&path, attribute, inside);
            if let Kind::Nested(nesting, children) = &attribute.kind {
                let inside = if *nesting == Nesting::Set { Inside::Set } else { inside };
                self.attributes(&format!("{path}."), children, inside);
            }
        }
    }

    fn attribute(&mut self, path: &str, attribute: &Attribute, inside: Inside) {
        let presence = attribute.presence;
        let settable = matches!(presence, Presence::Required | Presence::Optional);
        if let Kind::Type(kind) = &attribute.kind {
            self.rule(!has_dynamic_element(kind), path, "a collection's elements cannot be dynamic");
        }
        if attribute.write_only {
            self.rule(settable, path, "a write-only attribute cannot be computed");
            self.rule(attribute.default.is_none(), path, "a write-only attribute cannot have a default");
            self.rule(self.role == Role::Resource, path, "only resources can have write-only attributes");
        }
        self.rule(
            !attribute.keep_state || attribute.is_computed(),
            path,
            "an attribute that keeps its state must be computed",
        );
        self.rule(
            !attribute.requires_replace || self.role == Role::Resource,
            path,
            "only resources can be replaced",
        );
        if inside == Inside::Set {
            self.rule(!attribute.write_only, path, "a set cannot hold write-only attributes");
            self.rule(
                !matches!(attribute.kind, Kind::Type(Type::Dynamic)),
                path,
                "a set cannot hold dynamic attributes",
            );
            let tracked = attribute.keep_state || attribute.requires_replace;
            self.rule(!tracked, path, "elements of a set have no identity to keep or to replace");
        }
        if let Some(default) = &attribute.default {
            self.default(path, attribute, default);
        }
    }

    fn default(&mut self, path: &str, attribute: &Attribute, default: &Value) {
        let optional = matches!(attribute.presence, Presence::Optional | Presence::OptionalComputed);
        self.rule(optional, path, "only optional attributes can have a default");
        self.rule(!default.is_null() && default.is_wholly_known(), path, "a default must be known");
        let complete = defaults::complete(attribute, default, &Value::Null);
        let (_, misfits) = default.clone().conform(&attribute.value_type());
        self.rule(misfits.is_empty(), path, "the default is of another type");
        let mut diagnostics = Diagnostics::new();
        for validator in &attribute.validators {
            validator(&Node::root(&complete), &mut diagnostics);
        }
        self.rule(!diagnostics.has_errors(), path, "the default does not pass the validators");
    }

    fn rule(&mut self, holds: bool, path: &str, otherwise: &str) {
        if !holds {
            self.problems.push(format!("{path}: {otherwise}"));
        }
    }
}

/// Whether it is a name as hosts take it for attributes and parameters.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(plain) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Whether a collection in it has elements of any type, which hosts refuse.
pub(crate) fn has_dynamic_element(kind: &Type) -> bool {
    match kind {
        Type::Bool | Type::Number | Type::String | Type::Dynamic => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => {
            **element == Type::Dynamic || has_dynamic(element)
        }
        Type::Tuple(kinds) => kinds.iter().any(has_dynamic_element),
        Type::Object(attributes) => attributes.values().any(has_dynamic_element),
    }
}

fn has_dynamic(kind: &Type) -> bool {
    match kind {
        Type::Dynamic => true,
        Type::Bool | Type::Number | Type::String => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => has_dynamic(element),
        Type::Tuple(kinds) => kinds.iter().any(has_dynamic),
        Type::Object(attributes) => attributes.values().any(has_dynamic),
    }
}
