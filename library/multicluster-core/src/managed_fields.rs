//! Who owns which fields of a live object, as the API server records it for server-side apply.
//!
//! Drift is read from ownership and not from values: a server may default, normalise (`1000m` to `1`) or convert what
//! was applied, but as long as nobody else wrote a field its manager keeps it. A manager that wrote it takes it over.
//!
//! Invariant: foreign `managedFields`, however malformed, never panic; what cannot be read owns nothing.

mod left_over;
mod lost;
mod migrate;
mod pair;
mod predecessors;
mod project;
mod tree;

use serde_json::{Map, Value};

pub use self::left_over::{left_over, removal, resets};
pub use self::lost::{LostField, lost};
pub use self::migrate::{Rest, migration, release};
pub(crate) use self::pair::owned_in_either;
pub use self::predecessors::Owners;
use self::tree::Tree;
use crate::object::text;
use crate::path::{FieldPath, Step};

/// One record of `metadata.managedFields`.
struct Entry<'a> {
    manager: &'a str,
    applied: bool,
    tree: Tree,
}

/// All records of an object that can be read.
fn entries(live: &Value) -> Vec<Entry<'_>> {
    let records = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    records
        .into_iter()
        .flatten()
        .filter_map(|record| {
            let manager = record.get("manager").and_then(Value::as_str)?;
            let fields = record.get("fieldsV1")?;
            let applied = text(record, "/operation") == "Apply" && text(record, "/subresource").is_empty();
            Some(Entry { manager, applied, tree: Tree::read(fields) })
        })
        .collect()
}

/// What a manager owns by server-side apply; `None` if it owns nothing.
fn applied_tree(entries: &[Entry<'_>], manager: &str) -> Option<Tree> {
    let mut all = Tree::default();
    for entry in entries.iter().filter(|entry| entry.applied && entry.manager == manager) {
        all.merge(&entry.tree);
    }
    (!all.is_bare()).then_some(all)
}

/// What any manager owns.
fn all_trees(entries: &[Entry<'_>]) -> Tree {
    entries.iter().fold(Tree::default(), |mut all, entry| {
        all.merge(&entry.tree);
        all
    })
}

/// The part of a live object that a manager owns by server-side apply, as JSON; `None` if it owns nothing.
///
/// Lists hold the owned items in their live order. Fields that no manager ever owns (`apiVersion`, `kind`,
/// `metadata.name`, `metadata.namespace`) are not in it. Records of a subresource and of other operations do not
/// count, and the API version of a record does not matter.
///
/// # Examples
/// ```
/// use multicluster_core::managed_fields::owned;
/// use serde_json::json;
///
/// let live = json!({
///     "metadata": { "managedFields": [
///         { "manager": "us", "operation": "Apply", "fieldsV1": { "f:data": { "f:ours": {} } } }
///     ] },
///     "data": { "ours": "1", "theirs": "2" }
/// });
/// assert_eq!(owned(&live, "us"), Some(json!({ "data": { "ours": "1" } })));
/// assert_eq!(owned(&live, "them"), None);
/// ```
#[must_use]
pub fn owned(live: &Value, manager: &str) -> Option<Value> {
    let entries = entries(live);
    let mine = applied_tree(&entries, manager)?;
    let all = all_trees(&entries);
    Some(project::project(live, &mine, &all).unwrap_or_else(|| Value::Object(Map::new())))
}

/// The place of the item that a step leads to.
pub(crate) fn place_of(items: &[Value], step: &Step) -> Option<usize> {
    items.iter().enumerate().position(|(place, item)| tree::is_item(step, item, place))
}

/// The other managers that write a workload's `spec.replicas` through its `scale` subresource: autoscalers. A person who
/// uses `kubectl scale` is none.
#[must_use]
pub fn autoscalers(live: &Value, ours: &str) -> Vec<String> {
    let records = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    records
        .into_iter()
        .flatten()
        .filter(|record| text(record, "/subresource") == "scale")
        .filter(|record| record.pointer("/fieldsV1/f:spec/f:replicas").is_some())
        .map(|record| text(record, "/manager"))
        .filter(|manager| *manager != ours && !manager.starts_with("kubectl"))
        .map(str::to_owned)
        .collect()
}

/// The managers, of any operation and subresource, that own a field or something it is a part of; each once, in the
/// order of the records.
///
/// # Examples
/// ```
/// use multicluster_core::{managed_fields::owners, path::FieldPath};
/// use serde_json::json;
///
/// let live = json!({
///     "metadata": { "managedFields": [
///         { "manager": "us", "operation": "Apply", "fieldsV1": { "f:spec": { "f:paused": {} } } },
///         { "manager": "kubectl", "operation": "Update", "fieldsV1": { "f:spec": { "f:replicas": {} } } }
///     ] },
///     "spec": { "replicas": 3, "paused": false }
/// });
/// assert_eq!(owners(&live, &FieldPath::fields(["spec", "replicas"])), ["kubectl"]);
/// ```
#[must_use]
pub fn owners(live: &Value, path: &FieldPath) -> Vec<String> {
    let entries = entries(live);
    owners_in(&entries, &all_trees(&entries), live, path)
}

fn owners_in(entries: &[Entry<'_>], all: &Tree, live: &Value, path: &FieldPath) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for entry in entries {
        if entry.tree.owns(all, Some(live), &path.0) && !found.iter().any(|manager| manager == entry.manager)
        {
            found.push(entry.manager.to_owned());
        }
    }
    found
}
