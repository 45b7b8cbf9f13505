//! Values of Terraform's type system: what configuration, plan and state are made of.

mod conform;
mod decimal;
mod equality;
mod error;
mod json;
mod msgpack;
mod node;
mod number;
mod type_json;
mod types;

use std::collections::BTreeMap;
use std::fmt;

use crate::path::{Path, Step};

pub(crate) use conform::Misfit;
pub use error::{CodecError, Problem};
pub use node::Node;
pub use number::{NotANumber, Number};
pub use type_json::NotAType;
pub use types::Type;

/// How many levels of collections, objects and dynamic values a value may have. Schemas have a handful; the bound
/// keeps hostile bytes from exhausting the stack.
pub const MAX_DEPTH: usize = 128;

/// A value, possibly null or not known yet.
///
/// Lists, sets and tuples are [`Value::List`]; maps and objects are [`Value::Map`]: which of them is meant stands
/// in the schema, and the codec follows it. An object always holds all its attributes, absent ones as null.
///
/// `Debug` shows the shape only, since values hold secrets.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Absent.
    Null,
    /// Known only after apply.
    Unknown,
    /// `true` or `false`.
    Bool(bool),
    /// An exact decimal number.
    Number(Number),
    /// Text, byte for byte as the user wrote it.
    String(String),
    /// Elements of a list, set or tuple.
    List(Vec<Self>),
    /// Elements of a map by key, or attributes of an object by name.
    Map(BTreeMap<String, Self>),
    /// A value whose type is not in the schema but travels with it.
    Dynamic(Box<(Type, Self)>),
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A map or object from its entries.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Whether this is null itself (a list of nulls is not).
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is unknown itself (a list of unknowns is not).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether nothing in this value, at any depth, is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Dynamic(inner) => inner.1.is_wholly_known(),
        }
    }

    /// The attribute or map element of this name, where this is an object or map that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(name),
            _ => None,
        }
    }

    /// Sets an attribute of an object or an element of a map. Does nothing to other values.
    pub fn set(&mut self, name: impl Into<String>, value: Self) {
        if let Self::Map(entries) = self {
            entries.insert(name.into(), value);
        }
    }

    /// The text, where this is a known string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Value {
    /// Decodes a value of `kind` from the host's msgpack.
    ///
    /// # Errors
    /// Says where and why the bytes are not such a value.
    pub fn from_msgpack(kind: &Type, bytes: &[u8]) -> Result<Self, CodecError> {
        msgpack::decode(kind, bytes)
    }

    /// Encodes this as a value of `kind` for the host.
    ///
    /// # Errors
    /// Says where and why this is not such a value.
    pub fn to_msgpack(&self, kind: &Type) -> Result<Vec<u8>, CodecError> {
        msgpack::encode(kind, self)
    }

    /// Decodes a value of `kind` from a stored state's JSON. Attributes that `kind` does not have are dropped, and
    /// those that the JSON does not have are null, since the state may be older or newer than the schema.
    ///
    /// # Errors
    /// Says where and why the text is not such a value.
    pub fn from_json(kind: &Type, bytes: &[u8]) -> Result<Self, CodecError> {
        json::decode(kind, bytes)
    }

    /// Whether this and `other` mean the same as values of `kind`: sets in any order, numbers by what they are
    /// worth, absent attributes as null.
    #[must_use]
    pub fn same(&self, other: &Self, kind: &Type) -> bool {
        equality::same(kind, self, other)
    }

    /// The object of `kind` with every attribute null; null for other types.
    #[must_use]
    pub fn blank(kind: &Type) -> Self {
        match kind {
            Type::Object(attributes) => Self::map(attributes.keys().map(|name| (name, Self::Null))),
            _ => Self::Null,
        }
    }

    /// The part of this that fits `kind`, and what did not.
    pub(crate) fn conform(self, kind: &Type) -> (Self, Vec<Misfit>) {
        let mut misfits = Vec::new();
        let value = conform::conform(kind, self, &Path::root(), &mut misfits);
        (value, misfits)
    }
}

/// The step to an element of a list.
pub(crate) fn index_step(position: usize) -> Step {
    Step::Index(i64::try_from(position).unwrap_or(i64::MAX))
}

fn type_name(kind: &Type) -> &'static str {
    match kind {
        Type::Bool => "a bool",
        Type::Number => "a number",
        Type::String => "a string",
        Type::Dynamic => "a value with its type",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Tuple(_) => "a tuple",
        Type::Object(_) => "an object",
    }
}

fn value_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Unknown => "an unknown value",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Dynamic(_) => "a value with its type",
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Unknown => f.write_str("Unknown"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::String(text) => write!(f, "String({} bytes)", text.len()),
            Self::List(elements) => f.debug_list().entries(elements).finish(),
            Self::Map(entries) => f.debug_map().entries(entries).finish(),
            Self::Dynamic(inner) => f.debug_tuple("Dynamic").field(&inner.0).field(&inner.1).finish(),
        }
    }
}
