//! What those before us set, and our manifest does not have.

use serde_json::Value;

use super::Owners;
use super::tree::{Tree, find_item};
use crate::object::text;
use crate::path::{FieldPath, Step};

/// The fields of an object, as it is after our apply (dry or not), that only `from` own. With
/// [`Rest::Ours`](super::Rest::Ours) the next apply removes them or resets them to their defaults; otherwise they stay.
///
/// Fields that were defaulted when they wrote are among them, since their records do not tell those from what was
/// asked for. kubectl's last-applied annotation and `status` are not.
///
/// # Examples
/// ```
/// use multicluster_core::managed_fields::{Owners, left_over};
/// use serde_json::json;
///
/// let live = json!({ "metadata": { "managedFields": [
///     { "manager": "us", "operation": "Apply", "fieldsV1": { "f:data": { "f:a": {} } } },
///     { "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": { "f:a": {}, "f:b": {} } } }
/// ] }, "data": { "a": "1", "b": "2" } });
/// let left: Vec<String> = left_over(&live, "us", &Owners::tools()).iter().map(ToString::to_string).collect();
/// assert_eq!(left, ["data.b"]);
/// ```
#[must_use]
pub fn left_over(live: &Value, ours: &str, from: &Owners) -> Vec<FieldPath> {
    let records = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let (mut theirs, mut others) = (Tree::default(), Tree::default());
    for record in records.into_iter().flatten() {
        if let Some(fields) = record.get("fieldsV1").filter(|_| !text(record, "/manager").is_empty()) {
            let tree = if from.wrote(record, ours) { &mut theirs } else { &mut others };
            tree.merge(&Tree::read(fields));
        }
    }
    theirs.fields.remove("status");
    let mut found = Vec::new();
    visit(&theirs, Some(&others), live, &FieldPath::default(), &mut found);
    let noted = FieldPath::fields(["metadata", "annotations", super::migrate::LAST_APPLIED]);
    found.retain(|path| *path != noted);
    found
}

fn visit(theirs: &Tree, others: Option<&Tree>, live: &Value, path: &FieldPath, found: &mut Vec<FieldPath>) {
    let fields = theirs.fields.iter().map(|(name, below)| (Step::Field(name.clone()), below));
    let items = theirs.items.iter().map(|(step, below)| (step.clone(), below));
    for (step, below) in fields.chain(items) {
        let value = match &step {
            Step::Field(name) => live.get(name),
            item => find_item(live, item).map(|(_, value)| value),
        };
        // A record may be older than the removal of what it names.
        let Some(value) = value else { continue };
        let others = others.and_then(|others| others.below(Some(live), &step));
        let path = path.with(step);
        if others.is_none() && below.itself {
            found.push(path);
        } else if !below.is_bare() {
            visit(below, others, value, &path, found);
        }
    }
}
