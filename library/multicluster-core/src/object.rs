//! Kubernetes objects as values, and how they are told apart.

use std::fmt;

use serde_json::Value;

/// An API group and kind: what an object is, whatever version it is written in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// Empty for the core group.
    pub group: String,
    /// `Deployment`.
    pub kind: String,
}

/// Which object, within one cluster. Ordered by group, kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// What it is.
    pub kind: GroupKind,
    /// Absent for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// One object as a user writes it: valid JSON with `apiVersion`, `kind` and `metadata.name`.
#[derive(Clone, PartialEq)]
pub struct Manifest(Value);

/// What it says may be secret.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manifest").field(&self.key()).finish()
    }
}

/// What a manifest lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// The document is a list, a string, …
    #[error("it is not a mapping")]
    NotAMapping,
    /// A required field is absent, empty or not text.
    #[error("`{0}` is missing or not text")]
    Missing(&'static str),
    /// The server would choose the name, so that it could not be found again.
    #[error("`metadata.generateName` is not supported: give the object a `metadata.name`")]
    GenerateName,
}

impl ObjectKey {
    /// Which object a server has returned, if that can be told.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let part = |pointer| Some(text(object, pointer)).filter(|part| !part.is_empty());
        Some(Self {
            kind: GroupKind {
                group: group_of(part("/apiVersion")?).to_owned(),
                kind: part("/kind")?.to_owned(),
            },
            namespace: part("/metadata/namespace").map(str::to_owned),
            name: part("/metadata/name")?.to_owned(),
        })
    }
}

impl Manifest {
    /// Checks that a value can be told apart from other objects.
    ///
    /// # Errors
    /// [`NotAnObject`] names what is missing.
    pub fn new(value: Value) -> Result<Self, NotAnObject> {
        if !value.is_object() {
            return Err(NotAnObject::NotAMapping);
        }
        for (field, pointer) in [("apiVersion", "/apiVersion"), ("kind", "/kind")] {
            if text(&value, pointer).is_empty() {
                return Err(NotAnObject::Missing(field));
            }
        }
        if text(&value, "/metadata/name").is_empty() {
            return Err(match value.pointer("/metadata/generateName") {
                Some(_) => NotAnObject::GenerateName,
                None => NotAnObject::Missing("metadata.name"),
            });
        }
        // YAML reads `namespace: n` as a boolean; taken for absent, the object would land in another namespace.
        match value.pointer("/metadata/namespace") {
            None | Some(Value::Null | Value::String(_)) => Ok(Self(value)),
            Some(_) => Err(NotAnObject::Missing("metadata.namespace")),
        }
    }

    /// The object.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The object, owned.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        text(&self.0, "/apiVersion")
    }

    /// `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        text(&self.0, "/kind")
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.0, "/metadata/name")
    }

    /// Which object this is, as written: whether the kind is namespaced only the server knows.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let namespace = text(&self.0, "/metadata/namespace");
        ObjectKey {
            kind: GroupKind { group: group_of(self.api_version()).to_owned(), kind: self.kind().to_owned() },
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            name: self.name().to_owned(),
        }
    }
}

/// The group of an API version: `apps` of `apps/v1`, empty of `v1`.
#[must_use]
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The text at a JSON pointer, empty if there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

impl fmt::Display for ObjectKey {
    /// `Deployment guestbook/frontend`, with the group where it is not one of Kubernetes' own short ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.kind)?;
        if self.kind.group.contains('.') && !self.kind.group.ends_with(".k8s.io") {
            write!(f, ".{}", self.kind.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " {namespace}/{}", self.name),
            None => write!(f, " {}", self.name),
        }
    }
}
