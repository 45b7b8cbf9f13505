//! What those before us set, and our manifest does not have.

use serde_json::{Value, json};

use super::migrate::LAST_APPLIED;
use super::tree::{Tree, find_item};
use super::{Owners, all_trees, entries, owners_in};
use crate::federation::policy;
use crate::object::text;
use crate::path::{FieldPath, Step};

/// The manager of `kubectl apply` without `--server-side`.
const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

/// The fields of an object, as it is after our apply (dry or not), that only `from` own. With
/// [`Rest::Ours`](super::Rest::Ours) the next apply removes them or resets them to their defaults; otherwise they stay.
///
/// Records do not tell what was asked for from what was defaulted at that moment. For `kubectl apply` its own note of
/// what it applied last does, so that only what stands in it counts; of other tools defaulted fields are among the
/// answers, until a server was asked by a [`removal`]. `status` and that note itself never are.
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
            let tree = if from.wrote(live, record, ours) { &mut theirs } else { &mut others };
            tree.merge(&Tree::read(fields));
        }
    }
    theirs.fields.remove("status");
    let mut found = Vec::new();
    visit(&theirs, Some(&others), live, &FieldPath::default(), &mut found);
    let note = FieldPath::fields(["metadata", "annotations", LAST_APPLIED]);
    let asked = value_at(live, &note).and_then(Value::as_str);
    let asked = asked.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let entries = entries(live);
    let all = all_trees(&entries);
    let by_kubectl_alone = |path: &FieldPath| {
        owners_in(&entries, &all, live, path).iter().all(|manager| manager == CLIENT_SIDE_APPLY)
    };
    found.retain(|path| {
        let defaulted = asked.as_ref().is_some_and(|asked| value_at(asked, path).is_none());
        *path != note && !(defaulted && by_kubectl_alone(path))
    });
    found
}

/// A patch (RFC 6902) that takes fields out of an object. In a dry run it tells what becomes of them, see [`resets`].
#[must_use]
pub fn removal(object: &Value, paths: &[FieldPath]) -> Value {
    let mut without = object.clone();
    paths.iter().for_each(|path| policy::remove(&mut without, &path.0));
    let mut operations = Vec::new();
    for (name, whole) in object.as_object().into_iter().flatten() {
        match without.get(name) {
            // Much of the metadata is the server's: each field for itself.
            Some(rest) if name == "metadata" => {
                for (name, whole) in whole.as_object().into_iter().flatten() {
                    operations.extend(operation(&format!("/metadata/{name}"), whole, rest.get(name)));
                }
            }
            rest => operations.extend(operation(&format!("/{name}"), whole, rest)),
        }
    }
    operations.into()
}

/// What makes `whole` to `rest`, if they differ.
fn operation(pointer: &str, whole: &Value, rest: Option<&Value>) -> Option<Value> {
    match rest {
        Some(rest) if rest == whole => None,
        Some(rest) => Some(json!({ "op": "replace", "path": pointer, "value": rest })),
        None => Some(json!({ "op": "remove", "path": pointer })),
    }
}

/// Whether the server gives a field the value that it has now, if nobody sets it: whether it was but defaulted.
/// `without` is the answer to a dry run of its [`removal`].
#[must_use]
pub fn resets(live: &Value, without: &Value, path: &FieldPath) -> bool {
    value_at(live, path) == value_at(without, path)
}

/// The value at a path.
fn value_at<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.0.iter().try_fold(object, |value, step| match step {
        Step::Field(name) => value.get(name),
        item => find_item(value, item).map(|(_, value)| value),
    })
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
        // Labels and annotations have little to do with each other: each is named.
        let one = below.is_bare() || !matches!(path.0.first(), Some(Step::Field(name)) if name == "metadata");
        if others.is_none() && below.itself && one {
            found.push(path);
        } else if !below.is_bare() {
            visit(below, others, value, &path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_replaces_no_more_than_it_must() {
        let object = json!({
            "kind": "Service",
            "metadata": { "name": "web", "resourceVersion": "7", "labels": { "a": "1", "b": "2" }, "annotations": { "c": "3" } },
            "spec": { "type": "ClusterIP", "ports": [{ "port": 80, "protocol": "TCP" }] },
            "status": {}
        });
        let port = Step::Key([("port".to_owned(), json!(80)), ("protocol".to_owned(), json!("TCP"))].into());
        let paths = [
            FieldPath::fields(["metadata", "annotations"]),
            FieldPath::fields(["metadata", "labels", "b"]),
            FieldPath::fields(["spec", "ports"]).with(port).field("protocol"),
            FieldPath::fields(["spec", "gone"]),
        ];
        assert_eq!(
            removal(&object, &paths),
            json!([
                { "op": "remove", "path": "/metadata/annotations" },
                { "op": "replace", "path": "/metadata/labels", "value": { "a": "1" } },
                { "op": "replace", "path": "/spec", "value": { "type": "ClusterIP", "ports": [{ "port": 80 }] } }
            ])
        );
        assert!(resets(
            &object,
            &json!({ "spec": { "type": "ClusterIP" } }),
            &FieldPath::fields(["spec", "type"])
        ));
        assert!(!resets(&object, &json!({ "spec": {} }), &FieldPath::fields(["spec", "type"])));
    }
}
