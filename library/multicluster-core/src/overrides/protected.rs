//! What no change may touch.

use serde_json::Value;

use super::error::OverrideError;

/// What no change may touch, as JSON pointers, and how it is called: what identifies the object, and what only a server
/// writes.
pub const PROTECTED: [(&str, &str); 9] = [
    ("/apiVersion", "apiVersion"),
    ("/kind", "kind"),
    ("/metadata/name", "metadata.name"),
    ("/metadata/namespace", "metadata.namespace"),
    ("/metadata/generateName", "metadata.generateName"),
    ("/metadata/uid", "metadata.uid"),
    ("/metadata/resourceVersion", "metadata.resourceVersion"),
    ("/metadata/managedFields", "metadata.managedFields"),
    ("/status", "status"),
];

/// Prefixes of labels and annotations by which this project finds its objects.
const RESERVED_PREFIXES: [&str; 2] = ["multicluster.dev", "applyset.kubernetes.io"];

/// Written by `kubectl apply`, which takes it for what was applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether a label or annotation is kept by a tool for itself: `multicluster.dev/…`, `applyset.kubernetes.io/…`, and
/// what `kubectl apply` writes.
#[must_use]
pub fn is_reserved(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    let within = |reserved: &str| {
        prefix.strip_suffix(reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    key == LAST_APPLIED || RESERVED_PREFIXES.into_iter().any(within)
}

/// What would change if something is written at a JSON pointer.
pub(super) fn at(pointer: &str) -> Option<&'static str> {
    let touched = |protected: &str| covers(pointer, protected) || covers(protected, pointer);
    PROTECTED.into_iter().find(|(protected, _)| touched(protected)).map(|(_, name)| name)
}

/// What would change if a merge patch is laid over the object.
pub(super) fn in_merge_patch(patch: &Value) -> Option<&'static str> {
    let touched = |protected: &str| {
        let mut here = patch;
        for field in protected.split('/').skip(1) {
            match here {
                Value::Object(fields) => match fields.get(field) {
                    Some(value) => here = value,
                    None => return false,
                },
                // Something above is replaced or removed.
                _ => return true,
            }
        }
        true
    };
    PROTECTED.into_iter().find(|(protected, _)| touched(protected)).map(|(_, name)| name)
}

/// Refuses a change that set a reserved label or annotation, in whichever way. Nothing is lost where one is removed:
/// ours are added after all changes.
pub(super) fn keep_reserved(before: &Value, after: &Value) -> Result<(), OverrideError> {
    for pointer in ["/metadata/labels", "/metadata/annotations"] {
        let Some(Value::Object(fields)) = after.pointer(pointer) else { continue };
        let old = before.pointer(pointer);
        let set = fields
            .iter()
            .find(|(key, value)| is_reserved(key) && old.and_then(|old| old.get(key)) != Some(*value));
        if let Some((key, _)) = set {
            return Err(OverrideError::Reserved { key: key.clone() });
        }
    }
    Ok(())
}

/// Whether the first pointer is the second one or above it. Protected names have nothing to escape, and an escape
/// that is not needed (`~1`, `~0` only) cannot spell a letter, so comparing text is comparing paths.
fn covers(upper: &str, lower: &str) -> bool {
    lower.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
