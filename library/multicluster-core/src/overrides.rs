//! Changes to an object for some clusters only: JSON patches (RFC 6902).
//!
//! Invariant: a patch never changes which object it is. Kind, API version, name and namespace are out of its reach,
//! as is everything above them.

use std::collections::BTreeSet;

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, Patch, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, TestOperation,
};
use serde_json::{Map, Value};

use crate::names::ClusterName;

/// A patch, and where it applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The members it is for; absent: every member the object is placed on.
    pub clusters: Option<BTreeSet<ClusterName>>,
    /// What it changes.
    pub patch: Patch,
}

impl Override {
    /// Whether the patch is for this member.
    #[must_use]
    pub fn concerns(&self, cluster: &ClusterName) -> bool {
        self.clusters.as_ref().is_none_or(|clusters| clusters.contains(cluster))
    }
}

/// A patch that cannot be read or applied. Operations are counted from 0, as RFC 6902's own errors do; values of the
/// patch and of the object are never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// The text is not JSON.
    #[error("the patch is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The JSON is not a list.
    #[error(
        "the patch must be a list of operations, as in `[{{ op = \"replace\", path = \"/spec/replicas\", value = 3 }}]`"
    )]
    NotAList,
    /// More operations than anyone writes.
    #[error("the patch has {count} operations, at most {LARGEST_PATCH} are allowed")]
    TooLong {
        /// How many there are.
        count: usize,
    },
    /// An operation is not one.
    #[error("operation {index}: {reason}")]
    Malformed {
        /// Which operation.
        index: usize,
        /// What is wrong with it.
        reason: Malformation,
    },
    /// The operation would turn the object into another one.
    #[error("operation {index} ({op} {path}): an override must not change `{protected}`")]
    Forbidden {
        /// Which operation.
        index: usize,
        /// `replace`, …
        op: &'static str,
        /// What it targets, as a JSON pointer; the root is `""`.
        path: String,
        /// What would change.
        protected: &'static str,
    },
    /// The object is not as the operation needs it.
    #[error("operation {index} ({op} {path}): {reason}")]
    Failed {
        /// Which operation.
        index: usize,
        /// `replace`, …
        op: &'static str,
        /// What it targets, as a JSON pointer.
        path: String,
        /// Why it cannot be done.
        reason: Failure,
    },
}

/// What an operation of a patch lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformation {
    /// A list, a string, …
    #[error("it is not an object")]
    NotAnObject,
    /// No `op`, or none of RFC 6902.
    #[error("`op` must be one of `add`, `remove`, `replace`, `move`, `copy`, `test`")]
    UnknownOp,
    /// A member that this operation needs is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Not a JSON pointer (RFC 6901).
    #[error(
        "`{0}` must be a JSON pointer, such as `/spec/replicas` (`~1` stands for `/` within a name, `~0` for `~`)"
    )]
    NotAPointer(&'static str),
}

/// Why an operation cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// `path` leads nowhere.
    #[error("the path does not exist in the object")]
    NoSuchPath,
    /// `from` leads nowhere.
    #[error("its `from` does not exist in the object")]
    NoSuchSource,
    /// A `test` found something else.
    #[error("the object has another value there")]
    TestFailed,
    /// A `move` into its own part.
    #[error("a value cannot be moved into itself")]
    IntoItself,
    /// Copies upon copies.
    #[error("the object would grow beyond {LARGEST_OBJECT} values")]
    TooLarge,
    /// The patch library refused for a reason of its own.
    #[error("it cannot be applied")]
    Other,
}

/// Operations in one patch.
pub const LARGEST_PATCH: usize = 1000;

/// Values (leaves, lists and mappings) in a patched object; an object of 1.5 MB, the most that etcd keeps, has fewer. Without a bound
/// every `copy` could double the object.
pub const LARGEST_OBJECT: usize = 200_000;

/// What a patch must not touch, and how it is called.
const PROTECTED: [(&str, &str); 5] = [
    ("/apiVersion", "apiVersion"),
    ("/kind", "kind"),
    ("/metadata/name", "metadata.name"),
    ("/metadata/namespace", "metadata.namespace"),
    ("/metadata/generateName", "metadata.generateName"),
];

/// Reads a patch in JSON.
///
/// # Errors
/// [`OverrideError`] for text that is no patch and for operations that would change which object it is.
///
/// # Examples
/// ```
/// use multicluster_core::overrides::{apply, parse_patch};
/// use serde_json::json;
///
/// let patch = parse_patch(r#"[{ "op": "replace", "path": "/spec/replicas", "value": 3 }]"#).unwrap();
/// let mut object = json!({ "spec": { "replicas": 1 } });
/// apply(&mut object, &patch).unwrap();
/// assert_eq!(object, json!({ "spec": { "replicas": 3 } }));
///
/// let error = parse_patch(r#"[{ "op": "remove", "path": "/metadata" }]"#).unwrap_err();
/// assert_eq!(error.to_string(), "operation 0 (remove /metadata): an override must not change `metadata.name`");
/// ```
pub fn parse_patch(text: &str) -> Result<Patch, OverrideError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| OverrideError::NotJson { line: error.line(), column: error.column() })?;
    let Value::Array(list) = value else { return Err(OverrideError::NotAList) };
    if list.len() > LARGEST_PATCH {
        return Err(OverrideError::TooLong { count: list.len() });
    }
    let operations = list.into_iter().enumerate().map(|(index, value)| {
        let operation = operation(value).map_err(|reason| OverrideError::Malformed { index, reason })?;
        permit(index, &operation)?;
        Ok(operation)
    });
    operations.collect::<Result<_, _>>().map(Patch)
}

/// Applies a patch. On an error the object is as it was.
///
/// # Errors
/// [`OverrideError::Failed`] and [`OverrideError::Forbidden`] name the operation.
pub fn apply(object: &mut Value, patch: &Patch) -> Result<(), OverrideError> {
    // Work on a copy: the library's own undo is one more thing that could fail half-way.
    let mut patched = object.clone();
    for (index, operation) in patch.0.iter().enumerate() {
        permit(index, operation)?;
        let failed = |reason| OverrideError::Failed {
            index,
            op: name(operation),
            path: operation.path().as_str().to_owned(),
            reason,
        };
        json_patch::patch_unsafe(&mut patched, std::slice::from_ref(operation)).map_err(|error| {
            failed(match error.kind {
                PatchErrorKind::TestFailed => Failure::TestFailed,
                PatchErrorKind::InvalidFromPointer => Failure::NoSuchSource,
                PatchErrorKind::InvalidPointer => Failure::NoSuchPath,
                PatchErrorKind::CannotMoveInsideItself => Failure::IntoItself,
                _ => Failure::Other,
            })
        })?;
        if matches!(operation, PatchOperation::Copy(_)) && values(&patched) > LARGEST_OBJECT {
            return Err(failed(Failure::TooLarge));
        }
    }
    *object = patched;
    Ok(())
}

/// Reads one operation. Not by serde, whose errors may repeat values.
fn operation(value: Value) -> Result<PatchOperation, Malformation> {
    let Value::Object(mut fields) = value else { return Err(Malformation::NotAnObject) };
    let op = fields.remove("op");
    let op = op.as_ref().and_then(Value::as_str).unwrap_or("");
    match op {
        "add" => {
            Ok(PatchOperation::Add(AddOperation { path: path(&fields, "path")?, value: taken(&mut fields)? }))
        }
        "replace" => Ok(PatchOperation::Replace(ReplaceOperation {
            path: path(&fields, "path")?,
            value: taken(&mut fields)?,
        })),
        "test" => Ok(PatchOperation::Test(TestOperation {
            path: path(&fields, "path")?,
            value: taken(&mut fields)?,
        })),
        "remove" => Ok(PatchOperation::Remove(RemoveOperation { path: path(&fields, "path")? })),
        "move" => Ok(PatchOperation::Move(MoveOperation {
            from: path(&fields, "from")?,
            path: path(&fields, "path")?,
        })),
        "copy" => Ok(PatchOperation::Copy(CopyOperation {
            from: path(&fields, "from")?,
            path: path(&fields, "path")?,
        })),
        _ => Err(Malformation::UnknownOp),
    }
}

fn path(fields: &Map<String, Value>, member: &'static str) -> Result<PointerBuf, Malformation> {
    let value = fields.get(member).ok_or(Malformation::Missing(member))?;
    value.as_str().and_then(|text| PointerBuf::parse(text).ok()).ok_or(Malformation::NotAPointer(member))
}

fn taken(fields: &mut Map<String, Value>) -> Result<Value, Malformation> {
    fields.remove("value").ok_or(Malformation::Missing("value"))
}

/// Refuses an operation that changes, removes or replaces what identifies the object.
fn permit(index: usize, operation: &PatchOperation) -> Result<(), OverrideError> {
    let written: &[&Pointer] = match operation {
        PatchOperation::Test(_) => &[],
        PatchOperation::Move(moved) => &[moved.from.as_ptr(), moved.path.as_ptr()],
        other => &[other.path()],
    };
    for target in written {
        for (pointer, protected) in PROTECTED {
            if covers(target.as_str(), pointer) || covers(pointer, target.as_str()) {
                let path = target.as_str().to_owned();
                return Err(OverrideError::Forbidden { index, op: name(operation), path, protected });
            }
        }
    }
    Ok(())
}

/// Whether the first pointer is the second one or above it. Protected names have nothing to escape, and an escape
/// that is not needed (`~1`, `~0` only) cannot spell a letter, so comparing text is comparing paths.
fn covers(upper: &str, lower: &str) -> bool {
    lower.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn name(operation: &PatchOperation) -> &'static str {
    match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    }
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(fields) => fields.values().map(values).sum(),
        _ => 0,
    }
}
