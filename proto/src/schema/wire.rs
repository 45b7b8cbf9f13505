//! Schemas as the host takes them.

use std::collections::BTreeMap;

use super::{Attribute, Kind, Nesting, Presence, Schema};
use crate::wire::tfplugin6::{self as wire, schema as message};

/// What a schema is of. It decides what a default means on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The provider block: defaults are nobody's business but the provider's.
    Provider,
    /// A managed resource.
    Resource,
    /// A data source.
    DataSource,
}

impl Schema {
    /// The schema as the host takes it.
    #[must_use]
    pub fn to_wire(&self, role: Role) -> wire::Schema {
        let block = message::Block {
            version: self.version,
            attributes: attributes(&self.attributes, role),
            description: self.description.clone(),
            description_kind: wire::StringKind::Markdown.into(),
            ..Default::default()
        };
        wire::Schema { version: self.version, block: Some(block) }
    }
}

fn attributes(attributes: &BTreeMap<String, Attribute>, role: Role) -> Vec<message::Attribute> {
    attributes.iter().map(|(name, attribute)| to_wire(name, attribute, role)).collect()
}

fn to_wire(name: &str, attribute: &Attribute, role: Role) -> message::Attribute {
    // Exactly one of the two, or the host refuses the whole provider.
    let (r#type, nested_type) = match &attribute.kind {
        Kind::Type(kind) => (kind.to_json().into_bytes(), None),
        Kind::Nested(nesting, children) => (Vec::new(), Some(object(*nesting, children, role))),
    };
    // The host lets a plan fill in only what is computed, so a default makes an attribute computed.
    let computed = if role == Role::Provider {
        matches!(attribute.presence, Presence::Computed | Presence::OptionalComputed)
    } else {
        attribute.is_computed()
    };
    message::Attribute {
        name: name.to_owned(),
        r#type,
        nested_type,
        required: attribute.presence == Presence::Required,
        optional: matches!(attribute.presence, Presence::Optional | Presence::OptionalComputed),
        computed,
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        description: attribute.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
        deprecated: attribute.deprecated.is_some(),
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn object(nesting: Nesting, children: &BTreeMap<String, Attribute>, role: Role) -> message::Object {
    use message::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    message::Object { attributes: attributes(children, role), nesting: nesting.into() }
}
