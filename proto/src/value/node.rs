//! Reading values without repeating type checks.

use crate::path::Path;
use crate::value::{Number, Value};

static NULL: Value = Value::Null;
static UNKNOWN: Value = Value::Unknown;

/// A value together with its path from the root.
///
/// Values were decoded by a schema, so their types are right; what remains to be asked at every step is whether
/// they are there and known. Reading through a null gives null, through an unknown gives unknown, and the
/// accessors answer `None` for both.
#[derive(Clone)]
pub struct Node<'a> {
    value: &'a Value,
    path: Path,
}

impl<'a> Node<'a> {
    /// The root of `value`.
    #[must_use]
    pub fn root(value: &'a Value) -> Self {
        Self { value, path: Path::root() }
    }

    /// Where this is, for diagnostics.
    #[must_use]
    pub fn path(&self) -> Path {
        self.path.clone()
    }

    /// The value itself.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The attribute of this name. A name that the schema does not have reads as null.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Self {
        let value = match self.value {
            Value::Unknown => &UNKNOWN,
            Value::Map(entries) => entries.get(name).unwrap_or(&NULL),
            _ => &NULL,
        };
        Self { value, path: self.path.attribute(name) }
    }

    /// Whether this is absent.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Whether this is not known yet.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.value.is_unknown()
    }

    /// Whether nothing in it is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        self.value.is_wholly_known()
    }

    /// The text of a known string.
    #[must_use]
    pub fn str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A known boolean.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A known number.
    #[must_use]
    pub fn number(&self) -> Option<&'a Number> {
        match self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A known number that is a whole number within `i64`.
    #[must_use]
    pub fn i64(&self) -> Option<i64> {
        self.number().and_then(Number::as_i64)
    }

    /// The elements of a known list, set or tuple; none if it is null or unknown.
    #[must_use]
    pub fn elements(&self) -> Vec<Self> {
        match self.value {
            Value::List(elements) => elements
                .iter()
                .enumerate()
                .map(|(position, value)| Self {
                    value,
                    path: self.path.index(i64::try_from(position).unwrap_or(i64::MAX)),
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The elements of a known map in the order of their keys; none if it is null or unknown.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        match self.value {
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.as_str(), Self { value, path: self.path.key(key) }))
                .collect(),
            _ => Vec::new(),
        }
    }
}
