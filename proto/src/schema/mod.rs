//! What a provider's users may write, and what they get back.
//!
//! Only attributes, nested ones included; blocks are not used. Build them as sentences:
//!
//! ```
//! use tfplugin::schema::{Attribute, Schema};
//!
//! let schema = Schema::new("A federation of clusters.")
//!     .attribute("name", Attribute::string("Its name.").required().requires_replace())
//!     .attribute("uid", Attribute::string("Changes when it is made anew.").computed().keep_state());
//! # let _ = schema;
//! ```

pub(crate) mod align;
pub(crate) mod defaults;
mod internal_validate;
#[cfg(test)]
mod tests;
mod validate;
mod wire;
pub(crate) mod write_only;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use internal_validate::{has_dynamic_element, is_name};
pub use wire::Role;

use crate::diagnostics::Diagnostics;
use crate::value::{Node, Type, Value};

/// The schema of a provider's configuration, a resource or a data source.
#[derive(Clone)]
pub struct Schema {
    /// Version of the state's shape; raise it with an upgrade of older states.
    pub version: i64,
    /// Markdown.
    pub description: String,
    /// By name: `[a-z0-9_]+`.
    pub attributes: BTreeMap<String, Attribute>,
}

/// Who gives an attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// The provider does.
    Computed,
    /// The user may; otherwise the provider does.
    OptionalComputed,
}

/// How an object is nested in an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// Objects by key.
    Map,
}

/// The type of an attribute: a plain one, or objects with attributes of their own.
#[derive(Clone)]
pub enum Kind {
    /// A plain type.
    Type(Type),
    /// Nested attributes.
    Nested(Nesting, BTreeMap<String, Attribute>),
}

/// A check of one attribute's value in the configuration. Not called for null or unknown values.
pub type Validator = Arc<dyn Fn(&Node<'_>, &mut Diagnostics) + Send + Sync>;

/// One attribute.
#[derive(Clone)]
pub struct Attribute {
    /// Its type.
    pub kind: Kind,
    /// Who sets it. Starts as optional.
    pub presence: Presence,
    /// Markdown.
    pub description: String,
    /// Hidden in output, but stored in state.
    pub sensitive: bool,
    /// Present in configuration only: never in plan or state.
    pub write_only: bool,
    /// Why and what instead, where it should no longer be used.
    pub deprecated: Option<String>,
    /// Taken when the configuration says null. Makes the attribute optional and computed on the wire. Attributes
    /// that a default object does not name get their own defaults.
    pub default: Option<Value>,
    /// A change makes a new object. Where it is computed and not configured, an update keeps its prior value, since
    /// it could not change it. In a nested object that comes or goes it asks for nothing; not for use in sets.
    pub requires_replace: bool,
    /// A computed value that an update does not change: planned as in prior state instead of unknown. Where prior
    /// state has null, it is unknown. In lists, elements are the same by position; not for use in sets.
    pub keep_state: bool,
    /// Checks of the configured value, all of which are run.
    pub validators: Vec<Validator>,
}

impl Schema {
    /// An empty schema, version 0.
    pub fn new(description: impl Into<String>) -> Self {
        Self { version: 0, description: description.into(), attributes: BTreeMap::new() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, attribute: Attribute) -> Self {
        self.attributes.insert(name.to_owned(), attribute);
        self
    }

    /// The type of the values that this schema describes: always an object.
    #[must_use]
    pub fn value_type(&self) -> Type {
        object_type(&self.attributes)
    }

    /// `config` with the defaults, at any depth, of what it leaves null.
    #[must_use]
    pub fn with_defaults(&self, config: &Value) -> Value {
        let mut value = config.clone();
        if let Value::Map(object) = &mut value {
            defaults::apply(&self.attributes, object, config);
        }
        value
    }

    /// `value` without anything that must not be stored: write-only values, at any depth, become null.
    #[must_use]
    pub fn without_write_only(&self, mut value: Value) -> Value {
        if let Value::Map(object) = &mut value {
            write_only::withhold(&self.attributes, object);
        }
        value
    }
}

fn object_type(attributes: &BTreeMap<String, Attribute>) -> Type {
    Type::Object(attributes.iter().map(|(name, attribute)| (name.clone(), attribute.value_type())).collect())
}

impl Attribute {
    /// An optional attribute of a plain type.
    pub fn of(kind: Type, description: impl Into<String>) -> Self {
        Self::new(Kind::Type(kind), description.into())
    }

    /// An optional string.
    pub fn string(description: impl Into<String>) -> Self {
        Self::of(Type::String, description)
    }

    /// An optional boolean.
    pub fn bool(description: impl Into<String>) -> Self {
        Self::of(Type::Bool, description)
    }

    /// An optional number.
    pub fn number(description: impl Into<String>) -> Self {
        Self::of(Type::Number, description)
    }

    /// Optional objects with attributes of their own.
    pub fn nested<'a>(
        nesting: Nesting,
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (&'a str, Self)>,
    ) -> Self {
        let attributes =
            attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect();
        Self::new(Kind::Nested(nesting, attributes), description.into())
    }

    fn new(kind: Kind, description: String) -> Self {
        Self {
            kind,
            presence: Presence::Optional,
            description,
            sensitive: false,
            write_only: false,
            deprecated: None,
            default: None,
            requires_replace: false,
            keep_state: false,
            validators: Vec::new(),
        }
    }

    /// The type of its values.
    #[must_use]
    pub fn value_type(&self) -> Type {
        match &self.kind {
            Kind::Type(kind) => kind.clone(),
            Kind::Nested(nesting, attributes) => {
                let object = object_type(attributes);
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::list(object),
                    Nesting::Set => Type::set(object),
                    Nesting::Map => Type::map(object),
                }
            }
        }
    }

    /// Whether the provider may fill it in where the configuration says null.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.presence, Presence::Computed | Presence::OptionalComputed) || self.default.is_some()
    }

    /// The user must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// The provider sets it.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.presence = Presence::Computed;
        self
    }

    /// The user may set it, otherwise the provider does.
    #[must_use]
    pub fn optional_computed(mut self) -> Self {
        self.presence = Presence::OptionalComputed;
        self
    }

    /// The value where the user sets none.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Hides it in output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Keeps it out of plan and state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// A change makes a new object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// An update does not change it.
    #[must_use]
    pub fn keep_state(mut self) -> Self {
        self.keep_state = true;
        self
    }

    /// Says why and what instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// Adds a check of the configured value.
    #[must_use]
    pub fn validate(
        mut self,
        validator: impl Fn(&Node<'_>, &mut Diagnostics) + Send + Sync + 'static,
    ) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }
}
