//! JSON patches (RFC 6902).

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, Patch, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, TestOperation,
};
use serde_json::{Map, Value};

use super::error::{Failure, Malformation, OverrideError};
use super::protected;

/// Operations in one patch.
pub const LARGEST_PATCH: usize = 1000;

/// Values (leaves, lists and mappings) in a patched object; an object of 1.5 MB, the most that etcd keeps, has fewer. Without a bound
/// every `copy` could double the object.
pub const LARGEST_OBJECT: usize = 200_000;

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
/// [`OverrideError::Failed`] and [`OverrideError::Forbidden`] name the operation; [`OverrideError::Reserved`] names a
/// label or annotation that the patch must not set.
pub fn apply(object: &mut Value, patch: &Patch) -> Result<(), OverrideError> {
    check(patch)?;
    // Work on a copy: the library's own undo is one more thing that could fail half-way.
    let mut patched = object.clone();
    carry_out(&mut patched, patch)?;
    protected::keep_reserved(object, &patched)?;
    *object = patched;
    Ok(())
}

/// Refuses a patch that changes what must not change.
pub(super) fn check(patch: &Patch) -> Result<(), OverrideError> {
    patch.0.iter().enumerate().try_for_each(|(index, operation)| permit(index, operation))
}

/// Applies a patch that was checked. On an error the object is somewhere in between.
pub(super) fn carry_out(object: &mut Value, patch: &Patch) -> Result<(), OverrideError> {
    for (index, operation) in patch.0.iter().enumerate() {
        let failed = |reason| OverrideError::Failed {
            index,
            op: name(operation),
            path: operation.path().as_str().to_owned(),
            reason,
        };
        json_patch::patch_unsafe(object, std::slice::from_ref(operation)).map_err(|error| {
            failed(match error.kind {
                PatchErrorKind::TestFailed => Failure::TestFailed,
                PatchErrorKind::InvalidFromPointer => Failure::NoSuchSource,
                PatchErrorKind::InvalidPointer => Failure::NoSuchPath,
                PatchErrorKind::CannotMoveInsideItself => Failure::IntoItself,
                _ => Failure::Other,
            })
        })?;
        if matches!(operation, PatchOperation::Copy(_)) && values(object) > LARGEST_OBJECT {
            return Err(failed(Failure::TooLarge));
        }
    }
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
        if let Some(protected) = protected::at(target.as_str()) {
            let path = target.as_str().to_owned();
            return Err(OverrideError::Forbidden { index, op: name(operation), path, protected });
        }
    }
    Ok(())
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
