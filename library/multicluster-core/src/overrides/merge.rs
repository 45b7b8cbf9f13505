//! Merge patches (RFC 7386).

use serde_json::Value;

use super::error::OverrideError;
use super::protected;

/// Reads a merge patch in JSON.
///
/// # Errors
/// [`OverrideError`] for text that is no JSON mapping and for a patch that would change what must not change.
///
/// # Examples
/// ```
/// use multicluster_core::overrides::{Change, apply_change, parse_merge_patch};
/// use serde_json::json;
///
/// let patch = parse_merge_patch(r#"{ "spec": { "paused": null, "replicas": 3 } }"#).unwrap();
/// let mut object = json!({ "spec": { "replicas": 1, "paused": true } });
/// apply_change(&mut object, &Change::MergePatch(patch)).unwrap();
/// assert_eq!(object, json!({ "spec": { "replicas": 3 } }));
///
/// let error = parse_merge_patch(r#"{ "kind": "Pod" }"#).unwrap_err();
/// assert_eq!(error.to_string(), "an override must not change `kind`");
/// ```
pub fn parse_merge_patch(text: &str) -> Result<Value, OverrideError> {
    let patch: Value = serde_json::from_str(text)
        .map_err(|error| OverrideError::NotJson { line: error.line(), column: error.column() })?;
    check(&patch)?;
    Ok(patch)
}

pub(super) fn check(patch: &Value) -> Result<(), OverrideError> {
    if !patch.is_object() {
        return Err(OverrideError::NotAMapping);
    }
    match protected::in_merge_patch(patch) {
        Some(protected) => Err(OverrideError::Protected { protected }),
        None => Ok(()),
    }
}
