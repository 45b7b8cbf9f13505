//! The result of a dry run against what is there.

use serde_json::Value;

use super::Verdict;
use crate::difference::{Change, difference, difference_of_secret, is_secret};
use crate::federation::identity::{FEDERATION_LABEL, PART_OF_LABEL};
use crate::managed_fields::owned_in_either;
use crate::object::text;

/// Fields of the metadata that a server writes and nobody asks for.
const VOLATILE: [&str; 7] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
];

/// Judges the result of a dry run of an apply against the object as it is.
///
/// Only fields that are the manager's before or after count, so that what a server or somebody else adds is no
/// change. A field that we no longer apply is one if it goes; it stays where others own it too. Metadata that the
/// server writes, our own labels, and `status` never count. Values are compared as the server keeps them (`1000m` is `1`).
///
/// An object that is being deleted, or another one of the same name than the dry run met, would be made anew.
///
/// # Examples
/// ```
/// use multicluster_core::probe::compare;
/// use serde_json::json;
///
/// let object = |replicas: u32| json!({
///     "metadata": { "name": "web", "uid": "u", "managedFields": [
///         { "manager": "us", "operation": "Apply", "fieldsV1": { "f:spec": { "f:replicas": {} } } }
///     ] },
///     "spec": { "replicas": replicas, "paused": false }
/// });
/// assert_eq!(compare(None, &object(3), "us").to_string(), "create");
/// assert_eq!(compare(Some(&object(2)), &object(3), "us").to_string(), "update: spec.replicas 2 → 3");
/// assert_eq!(compare(Some(&object(3)), &object(3), "us").to_string(), "unchanged");
/// ```
#[must_use]
pub fn compare(live: Option<&Value>, result: &Value, manager: &str) -> Verdict {
    let Some(live) = live else { return Verdict::Create };
    let (was, is) = (text(live, "/metadata/uid"), text(result, "/metadata/uid"));
    if live.pointer("/metadata/deletionTimestamp").is_some() || was != is {
        return Verdict::Create;
    }
    // Without a record of ours the server does not say which fields are ours: then all count.
    let (before, after) =
        owned_in_either(live, result, manager).unwrap_or_else(|| (steady(live), steady(result)));
    let changes = changes(live, &unmarked(before), &unmarked(after));
    if changes.is_empty() { Verdict::Unchanged } else { Verdict::Update { changes } }
}

/// What taking an object over would change.
#[derive(Clone, Debug, PartialEq)]
pub enum Adoption {
    /// Nothing but who owns its fields, and our labels.
    NoDifference,
    /// These fields, never empty.
    Differs(Vec<Change>),
}

/// Judges the result of a forced dry run of an apply to an object that is not ours: whether anything at all would
/// change but the records of who owns what, and our labels.
///
/// Other than in [`compare`] every field counts, whoever owns it, since an object that is adopted unseen must not
/// change. `status` and metadata that the server writes do not count.
///
/// # Examples
/// ```
/// use multicluster_core::probe::{Adoption, adoption};
/// use serde_json::json;
///
/// let live = json!({ "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "a": "1" } });
/// let mut forced = live.clone();
/// forced["metadata"]["labels"] = json!({ "multicluster.dev/federation": "world" });
/// assert_eq!(adoption(&live, &forced), Adoption::NoDifference);
/// forced["data"]["a"] = "2".into();
/// assert!(matches!(adoption(&live, &forced), Adoption::Differs(_)));
/// ```
#[must_use]
pub fn adoption(live: &Value, forced: &Value) -> Adoption {
    let changes = changes(live, &unmarked(steady(live)), &unmarked(steady(forced)));
    if changes.is_empty() { Adoption::NoDifference } else { Adoption::Differs(changes) }
}

fn changes(object: &Value, before: &Value, after: &Value) -> Vec<Change> {
    // The parts of an object do not say what it is.
    if is_secret(object) { difference_of_secret(before, after) } else { difference(before, after) }
}

/// The object without what changes by itself.
fn steady(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| !VOLATILE.contains(&name.as_str()));
    }
    object
}

/// The object without our labels.
fn unmarked(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut)
    {
        labels.retain(|label, _| label != PART_OF_LABEL && label != FEDERATION_LABEL);
        if labels.is_empty() {
            metadata.remove("labels");
        }
        if metadata.is_empty() {
            object.as_object_mut().map(|fields| fields.remove("metadata"));
        }
    }
    object
}
