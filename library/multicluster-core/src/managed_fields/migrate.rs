//! Hands the fields of those who wrote an object before us over to us.
//!
//! An apply removes a field only if nobody else owns it. What was written by `kubectl apply`, Helm or another tool
//! before an object was adopted stays theirs, so it would outlive its removal from our manifest. kubectl does the same
//! when it changes over to server-side apply.

use json_patch::{Patch, PatchOperation, RemoveOperation, ReplaceOperation, jsonptr::PointerBuf};
use serde_json::{Map, Value, json};

use super::Owners;
use crate::object::text;

/// The annotation in which `kubectl apply` keeps what it applied last.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What becomes of the fields that only those before us own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// They become ours. The next apply removes those that its body does not have; defaulted ones come back by that.
    /// For use before the first apply.
    ///
    /// kubectl's own note of what it applied last is removed at once: it repeats the whole object, secrets too, and
    /// would lead a later `kubectl apply` astray.
    Ours,
    /// They stay as they are, and belong to nobody: what is in the manifest is ours alone, and nothing else changes.
    /// For use after the first apply, without which there is nothing of ours.
    Nobodys,
}

/// The RFC 6902 patch that takes over what `from` own in an object; `None` if that is nothing.
///
/// It names the version that it was made for: the server refuses it (409) if the object has changed since. It changes
/// no field but `metadata.managedFields`, and with [`Rest::Ours`] kubectl's last-applied annotation.
///
/// With [`Rest::Ours`] records join ours where they are of the same API version, since fields of different versions
/// cannot be in one record; other ones are dropped as with [`Rest::Nobodys`]. If we have no record yet, the newest of
/// theirs says in which version ours is.
///
/// # Examples
/// ```
/// use multicluster_core::managed_fields::{Owners, Rest, migration};
/// use serde_json::json;
///
/// let live = json!({ "metadata": { "resourceVersion": "7", "managedFields": [
///     { "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1",
///       "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { "f:a": {} } } }
/// ] }, "data": { "a": "1" } });
/// let patch = migration(&live, "us", &Owners::tools(), Rest::Ours).unwrap();
/// let patch = serde_json::to_value(patch).unwrap();
/// assert_eq!(patch[0]["value"], "7");
/// assert_eq!(patch[1]["value"][0]["manager"], "us");
/// assert_eq!(patch[1]["value"][0]["operation"], "Apply");
/// ```
#[must_use]
pub fn migration(live: &Value, ours: &str, from: &Owners, rest: Rest) -> Option<Patch> {
    let version = text(live, "/metadata/resourceVersion");
    if version.is_empty() {
        return None;
    }
    let records = live.pointer("/metadata/managedFields")?.as_array()?;
    let (taken, mut kept): (Vec<&Value>, Vec<&Value>) =
        records.iter().partition(|record| from.wrote(live, record, ours));
    if taken.is_empty() {
        return None;
    }
    let place = kept.iter().position(|record| is_our_apply(record, ours));
    let mine = place.map(|place| kept.remove(place));
    let mine = match rest {
        Rest::Ours => inherit(mine, &taken, ours)?,
        Rest::Nobodys => mine?.clone(),
    };
    let mut records: Vec<Value> = vec![mine];
    records.extend(kept.into_iter().cloned());

    let replace = |path: [&str; 2], value: Value| {
        PatchOperation::Replace(ReplaceOperation { path: PointerBuf::from_tokens(path), value })
    };
    let mut patch = vec![
        replace(["metadata", "resourceVersion"], version.into()),
        replace(["metadata", "managedFields"], Value::Array(records)),
    ];
    let noted = live.pointer("/metadata/annotations").and_then(|annotations| annotations.get(LAST_APPLIED));
    let theirs = taken.iter().any(|record| annotation(record).is_some());
    if rest == Rest::Ours && noted.is_some() && theirs {
        let path = PointerBuf::from_tokens(["metadata", "annotations", LAST_APPLIED]);
        patch.push(PatchOperation::Remove(RemoveOperation { path }));
    }
    Some(Patch(patch))
}

/// The RFC 6902 patch by which we let go of an object: our labels go, and every field that is ours belongs to nobody.
/// No other field changes. `None` if nothing is ours.
///
/// It names the version that it was made for, as [`migration`] does.
#[must_use]
pub fn release(live: &Value, ours: &str, labels: &[&str]) -> Option<Patch> {
    let version = text(live, "/metadata/resourceVersion");
    if version.is_empty() {
        return None;
    }
    let replace = |path: [&str; 2], value: Value| {
        PatchOperation::Replace(ReplaceOperation { path: PointerBuf::from_tokens(path), value })
    };
    let mut patch = vec![replace(["metadata", "resourceVersion"], version.into())];
    let records = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    if let Some(records) = records.filter(|records| records.iter().any(|it| text(it, "/manager") == ours)) {
        let mut kept: Vec<Value> =
            records.iter().filter(|record| text(record, "/manager") != ours).cloned().collect();
        if kept.is_empty() {
            // No records at all would leave them as they are; this is how a server is told that there are none.
            kept.push(json!({}));
        }
        patch.push(replace(["metadata", "managedFields"], Value::Array(kept)));
    }
    for label in labels {
        if live.pointer("/metadata/labels").is_some_and(|labels| labels.get(label).is_some()) {
            let path = PointerBuf::from_tokens(["metadata", "labels", label]);
            patch.push(PatchOperation::Remove(RemoveOperation { path }));
        }
    }
    (patch.len() > 1).then_some(Patch(patch))
}

fn is_our_apply(record: &Value, ours: &str) -> bool {
    text(record, "/manager") == ours
        && text(record, "/operation") == "Apply"
        && text(record, "/subresource").is_empty()
}

/// The ownership of kubectl's annotation in a record.
fn annotation(record: &Value) -> Option<&Value> {
    record.pointer("/fieldsV1/f:metadata/f:annotations")?.get(format!("f:{LAST_APPLIED}"))
}

/// Our record with theirs in it.
fn inherit(mine: Option<&Value>, taken: &[&Value], ours: &str) -> Option<Value> {
    let mut mine = match mine {
        Some(mine) => mine.clone(),
        None => {
            // The latest writer knows the object best. Times are RFC 3339 in UTC, so that their order is that of text.
            let newest = taken.iter().max_by_key(|record| text(record, "/time"))?;
            json!({
                "manager": ours,
                "operation": "Apply",
                "apiVersion": text(newest, "/apiVersion"),
                "time": newest.get("time")?,
                "fieldsType": "FieldsV1",
                "fieldsV1": {},
            })
        }
    };
    let version = text(&mine, "/apiVersion").to_owned();
    let fields = mine.get_mut("fieldsV1")?.as_object_mut()?;
    for record in taken.iter().filter(|record| text(record, "/apiVersion") == version) {
        if let Some(theirs) = record.get("fieldsV1").and_then(Value::as_object) {
            join(fields, theirs);
        }
    }
    disown(fields, &["f:metadata", "f:annotations", &format!("f:{LAST_APPLIED}")]);
    Some(mine)
}

/// Adds the fields of one set to another. Of the root an empty mapping is an empty set.
fn join(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (step, theirs) in other {
        match (into.get_mut(step), theirs) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => join_below(mine, theirs),
            (Some(_), _) => {}
            (None, theirs) => drop(into.insert(step.clone(), theirs.clone())),
        }
    }
}

/// Below the root an empty mapping means the field itself; beside others that is written as `.`.
fn join_below(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    if into.is_empty() != other.is_empty() {
        into.insert(".".to_owned(), json!({}));
    }
    join(into, other);
}

/// Removes a field from a set, and what is around it if nothing is left there: empty it would mean more than before.
fn disown(set: &mut Map<String, Value>, path: &[&str]) {
    let Some((step, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        set.remove(*step);
    } else if let Some(Value::Object(below)) = set.get_mut(*step)
        && !below.is_empty()
    {
        disown(below, rest);
        if below.is_empty() {
            set.remove(*step);
        }
    }
}

#[cfg(test)]
mod tests;
