//! Values of Terraform's type system: what configuration, plan and state are made of.

mod node;
mod number;
mod types;

use std::collections::BTreeMap;
use std::fmt;

pub use node::Node;
pub use number::Number;
pub use types::Type;

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
