//! `spec.overrides`: how an object differs on single members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{At, Reader};
use super::patch::{Failure, Op, apply, overlap};
use crate::path::FieldPath;

/// Where a `ReplicaSchedulingPreference` writes.
pub(super) const REPLICAS: &str = "/spec/replicas";

/// What an override must not touch. KubeFed forbids the very paths only; that the object stays the one it is, is
/// looked at once more after all of them were applied.
const FORBIDDEN: [&str; 4] = ["/metadata/namespace", "/metadata/name", "/metadata/generateName", "/kind"];

/// Collections that KubeFed drops from templates but keeps as they are on the member, so that overrides find them
/// there.
const KEPT_ON_MEMBER: [&str; 2] = ["annotations", "finalizers"];

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    /// Where it is written.
    pub(super) at: FieldPath,
    op: Op,
    path: String,
    value: Value,
}

/// The changes by the name of the cluster, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Overrides(BTreeMap<String, Vec<Operation>>);

pub(super) fn read(at: &At<'_>, reader: &mut Reader<'_>) -> Overrides {
    let mut overrides = Overrides::default();
    for item in reader.items(at).unwrap_or_default() {
        reader.knows(&item, &["clusterName", "clusterOverrides"]);
        let cluster = reader.required_text(&item.field("clusterName"));
        let mut paths = BTreeSet::new();
        let mut operations = Vec::new();
        for change in reader.items(&item.field("clusterOverrides")).unwrap_or_default() {
            let Some(operation) = read_operation(&change, reader) else { continue };
            if !paths.insert(operation.path.clone()) {
                reader.problem(&change.field("path").path, "the path comes twice for this cluster");
            }
            operations.push(operation);
        }
        let Some(cluster) = cluster else { continue };
        if overrides.0.insert(cluster.to_owned(), operations).is_some() {
            let message = format!("`{cluster}` has overrides already: write them into one item");
            reader.problem(&item.field("clusterName").path, message);
        }
    }
    overrides
}

fn read_operation(at: &At<'_>, reader: &mut Reader<'_>) -> Option<Operation> {
    reader.knows(at, &["op", "path", "value"]);
    let op = match reader.text(&at.field("op")).unwrap_or("") {
        "" | "replace" => Op::Replace,
        "add" => Op::Add,
        "remove" => Op::Remove,
        _ => {
            reader.problem(&at.field("op").path, "it must be `add`, `remove` or `replace`");
            return None;
        }
    };
    let place = at.field("path");
    let path = reader.required_text(&place)?;
    if !path.starts_with('/') {
        reader.problem(&place.path, "it must be a JSON pointer, such as `/spec/replicas`");
        return None;
    }
    if FORBIDDEN.contains(&path) {
        reader.problem(&place.path, format!("an override must not change `{path}`"));
        return None;
    }
    let value = at.field("value").value().cloned().unwrap_or(Value::Null);
    Some(Operation { at: at.path.clone(), op, path: path.to_owned(), value })
}

impl Overrides {
    /// The clusters that have any.
    pub(super) fn clusters(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The changes for one cluster.
    pub(super) fn of(&self, cluster: &str) -> &[Operation] {
        self.0.get(cluster).map_or(&[], Vec::as_slice)
    }
}

/// Sets the number of replicas as the scheduler does: in the operation that is there for it, else in a new last one.
pub(super) fn set_replicas(operations: &mut Vec<Operation>, count: u64, at: &FieldPath) {
    match operations.iter_mut().find(|operation| operation.path == REPLICAS) {
        Some(operation) => operation.value = count.into(),
        None => operations.push(Operation {
            at: at.clone(),
            op: Op::Replace,
            path: REPLICAS.to_owned(),
            value: count.into(),
        }),
    }
}

/// Whether any of these changes writes to this place, above it or below it.
pub(super) fn touch(operations: &[Operation], pointer: &str) -> bool {
    operations.iter().any(|operation| overlap(&operation.path, pointer))
}

/// Changes an object. Annotations and finalizers of the member are not known here: what an override takes away of
/// them was not ours.
///
/// # Errors
/// The operation that cannot be done, and why.
pub(super) fn apply_all<'o>(
    object: &mut Value,
    operations: &'o [Operation],
) -> Result<(), (&'o Operation, Failure)> {
    let kept: Vec<&str> = KEPT_ON_MEMBER
        .into_iter()
        .filter(|name| operations.iter().any(|it| below_kept(&it.path, name)))
        .filter(|name| object.pointer("/metadata").is_some_and(|metadata| metadata.get(*name).is_none()))
        .collect();
    for name in &kept {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            let empty = if *name == "finalizers" {
                Value::Array(Vec::new())
            } else {
                Value::Object([].into_iter().collect())
            };
            metadata.insert((*name).to_owned(), empty);
        }
    }
    for operation in operations {
        let done = apply(object, operation.op, &operation.path, &operation.value);
        let on_member = operation.op == Op::Remove
            && KEPT_ON_MEMBER.iter().any(|name| overlap(&operation.path, &format!("/metadata/{name}")));
        match done {
            Err(Failure::NoField | Failure::NoItem) if on_member => {}
            Err(failure) => return Err((operation, failure)),
            Ok(()) => {}
        }
    }
    for name in kept {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata.get(name).is_some_and(is_empty)
        {
            metadata.remove(name);
        }
    }
    Ok(())
}

fn below_kept(path: &str, name: &str) -> bool {
    path.strip_prefix("/metadata/")
        .and_then(|rest| rest.strip_prefix(name))
        .is_some_and(|rest| rest.starts_with('/'))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
