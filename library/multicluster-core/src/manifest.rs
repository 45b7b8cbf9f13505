//! The objects in a text that a user writes: one or many documents of YAML or JSON.
//!
//! Invariant: an error says where and why. Of the text, which may hold secrets, it repeats at most an object's kind and
//! name.
//!
//! # The dialect
//! Plain scalars mean what kubectl takes them for, which is YAML 1.1 where the two versions of YAML differ: `0644` is
//! 420, `1_000` is 1000, `yes`, `no`, `on`, `off`, `y` and `n` are booleans in any case, `1e3` is 1000, a date is text.
//! `<<` merges. A text that begins with `{` and is JSON is read as JSON.
//!
//! Stricter than kubectl, because the other reading would surprise: a key that is not text (`1:`, `yes:`) must be
//! quoted, a key must not come twice, and a number beyond the finite (`.nan`, `1e999`) is refused.

mod documents;

use std::collections::BTreeMap;

use serde_json::Value;

use self::documents::Document;
pub use crate::digest::canonical;
use crate::object::{Manifest, NotAnObject, ObjectKey, text};

/// The largest text in bytes. etcd keeps no object above 1.5 MB, and a text is not a place for more than that.
pub const LARGEST_TEXT: usize = 1024 * 1024;

/// A text that does not hold objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// More than [`LARGEST_TEXT`].
    #[error("the manifest has {bytes} bytes, at most {LARGEST_TEXT} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A document is not YAML or JSON, or says something that has no place in an object.
    #[error("{at}: {reason}")]
    Unreadable {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: Unreadable,
    },
    /// A document, or an item of a list, is not a Kubernetes object.
    #[error("{at} is not a Kubernetes object: {problem}")]
    NotAnObject {
        /// Where.
        at: Position,
        /// What it lacks.
        problem: NotAnObject,
    },
    /// `items` of a `List` is not a list.
    #[error("{at}: `items` is not a list")]
    NoItems {
        /// Where.
        at: Position,
    },
    /// The same object again.
    #[error("{at}: {object} is already in {first}")]
    Twice {
        /// Where it is the second time.
        at: Position,
        /// Which object.
        object: Box<ObjectKey>,
        /// Where it is the first time.
        first: Position,
    },
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The document, counted from 1; empty documents do not count.
    pub document: usize,
    /// The item of a document that is a list, counted from 1.
    pub item: Option<usize>,
    /// The line of the text, counted from 1, where it is known.
    pub line: Option<u64>,
}

/// Why a document cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Neither YAML nor JSON.
    #[error("it is not valid YAML")]
    Syntax,
    /// It ends too early.
    #[error("it ends too early")]
    End,
    /// A key comes twice in one mapping.
    #[error("a key comes twice in the same mapping")]
    DuplicateKey,
    /// A key that is a number, a boolean, …
    #[error("a key is not text: quote it")]
    KeyNotText,
    /// Not a number, infinite, or too large.
    #[error("a number is not finite: quote it if it is text")]
    NotFinite,
    /// An alias without anchor.
    #[error("an alias (`*name`) has no anchor (`&name`) before it")]
    UnknownAnchor,
    /// An alias within its own anchor, or so many that the document explodes.
    #[error("its aliases expand without end or to too much")]
    Aliases,
    /// Too deep or too many values.
    #[error("it is nested too deep or has too many values")]
    TooComplex,
    /// `<<` with something else than mappings.
    #[error("`<<` needs a mapping or a list of mappings")]
    Merge,
    /// A tag that JSON has no value for.
    #[error("a tag (`!…`) does not fit its value or is not supported")]
    Tag,
    /// Something else.
    #[error("it cannot be read as an object")]
    Other,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "document {}", self.document)?;
        if let Some(item) = self.item {
            write!(f, ", item {item}")?;
        }
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// Reads the objects of a text, in its order. Lists (`kind: List`, `DeploymentList`, …) give their items.
///
/// # Errors
/// [`ManifestError`] says where and why. A text without documents holds no objects and is no error.
///
/// # Examples
/// ```
/// use multicluster_core::manifest::parse;
///
/// let text = "
/// apiVersion: v1
/// kind: ConfigMap
/// metadata: { name: settings, namespace: guestbook }
/// data: { mode: 'on' }
/// ";
/// let objects = parse(text).unwrap();
/// assert_eq!(objects[0].key().to_string(), "ConfigMap guestbook/settings");
///
/// let error = parse("apiVersion: v1\nkind: ConfigMap\n").unwrap_err();
/// assert_eq!(error.to_string(), "document 1 (line 1) is not a Kubernetes object: `metadata.name` is missing or not text");
/// ```
pub fn parse(text: &str) -> Result<Vec<Manifest>, ManifestError> {
    if text.len() > LARGEST_TEXT {
        return Err(ManifestError::TooLarge { bytes: text.len() });
    }
    let mut objects = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, document) in documents::read(text)?.into_iter().enumerate() {
        let at = Position { document: index + 1, item: None, line: document.line };
        let mut add = |at: Position, value: Value| {
            let manifest =
                Manifest::new(value).map_err(|problem| ManifestError::NotAnObject { at, problem })?;
            match seen.entry(manifest.key()) {
                std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(at)),
                std::collections::btree_map::Entry::Occupied(first) => {
                    let object = Box::new(first.key().clone());
                    return Err(ManifestError::Twice { at, object, first: *first.get() });
                }
            }
            objects.push(manifest);
            Ok(())
        };
        match items(document) {
            Items::Single(value) => add(at, value)?,
            Items::List(list) => {
                for (index, value) in list.into_iter().enumerate() {
                    add(Position { item: Some(index + 1), ..at }, value)?;
                }
            }
            Items::NotAList => return Err(ManifestError::NoItems { at }),
        }
    }
    Ok(objects)
}

enum Items {
    Single(Value),
    List(Vec<Value>),
    NotAList,
}

/// What a document holds. A kind that ends in `List` and has no name is a list; an object may be called a list.
fn items(document: Document) -> Items {
    let mut value = document.value;
    let is_list = text(&value, "/kind").ends_with("List")
        && text(&value, "/metadata/name").is_empty()
        && (text(&value, "/kind") == "List" || value.get("items").is_some());
    if !is_list {
        return Items::Single(value);
    }
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Items::List(items),
        None | Some(Value::Null) => Items::List(Vec::new()),
        Some(_) => Items::NotAList,
    }
}
