//! Entries of the provider block that resources refer to by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::RwLock;

use tfplugin::{Diagnostics, Node};

/// The longest name.
const LONGEST: usize = 63;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named<T> {
    /// It can be used.
    Known(T),
    /// Some part of it, or the whole map, is known only after apply.
    Unknown,
    /// There is none of that name.
    Missing(Missing),
    /// It cannot be used; why, as a sentence.
    Invalid(String),
}

/// There is no entry of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    attribute: &'static str,
    name: String,
    names: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attribute, name, names } = self;
        write!(f, "The provider block has no entry `{name}` in `{attribute}`")?;
        if names.is_empty() {
            return f.write_str("; it has none at all.");
        }
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        write!(f, "; it has {}.", names.join(", "))
    }
}

/// A map of the provider block, as far as it is known.
#[derive(Debug)]
pub(super) struct Entries<T> {
    attribute: &'static str,
    /// None while the map as a whole is not known; an entry is none while a part of it is not.
    entries: RwLock<Option<BTreeMap<String, Option<T>>>>,
}

impl<T: Clone> Entries<T> {
    /// Entries of which nothing is known yet.
    pub(super) fn new(attribute: &'static str) -> Self {
        Self { attribute, entries: RwLock::new(None) }
    }

    /// Takes the map.
    pub(super) fn configure(&self, map: &Node<'_>, read: impl Fn(&Node<'_>) -> T) {
        let entry =
            |(name, node): (&str, Node<'_>)| (name.to_owned(), node.is_wholly_known().then(|| read(&node)));
        let entries = (!map.is_unknown()).then(|| map.entries().into_iter().map(entry).collect());
        if let Ok(mut place) = self.entries.write() {
            *place = entries;
        }
    }

    /// The entry of a name.
    pub(super) fn get(&self, name: &str) -> Named<T> {
        let Ok(entries) = self.entries.read() else { return Named::Unknown };
        let Some(entries) = entries.as_ref() else { return Named::Unknown };
        match entries.get(name) {
            Some(Some(entry)) => Named::Known(entry.clone()),
            Some(None) => Named::Unknown,
            None => Named::Missing(Missing {
                attribute: self.attribute,
                name: name.to_owned(),
                names: entries.keys().cloned().collect(),
            }),
        }
    }
}

/// The keys of such a map.
pub(super) fn names(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (name, entry) in node.entries() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(plain) {
            let detail = "A name has 1 to 63 letters, digits, `-` and `_`.";
            diagnostics.error_at(entry.path(), "Invalid name", detail);
        }
    }
}
