//! Who wrote an object after the federation did.

use serde::Serialize;
use serde_json::{Value, json};

use crate::object::text;
use crate::path::{FieldPath, Step};
use crate::provenance::owners;

/// Fields of one writer that are named.
const NAMED: usize = 5;
/// Deeper records name nothing below this. No served type nests as deep, and each level costs stack.
const DEEPEST: usize = 64;

/// What somebody wrote since the last apply. That may be fields which the federation never set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Writing {
    /// The field manager.
    pub manager: String,
    /// When it wrote last: RFC 3339, UTC.
    pub time: String,
    /// What it has written, in words, and how many more there are.
    pub fields: Vec<String>,
}

/// The writers since our last apply that are no part of Kubernetes itself, in the order of the records. Nobody if we
/// never applied it.
pub(super) fn written_since(object: &Value, ours: &str) -> Vec<Writing> {
    let records =
        || object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    // API servers write all times alike, so that comparing text is comparing times.
    let applied = records()
        .filter(|record| text(record, "/manager") == ours && text(record, "/operation") == "Apply")
        .map(|record| text(record, "/time"))
        .max();
    let Some(applied) = applied.filter(|time| !time.is_empty()) else { return Vec::new() };
    records()
        .filter(|record| text(record, "/manager") != ours && text(record, "/time") >= applied)
        .filter(|record| text(record, "/subresource") != "status" && is_somebody(record))
        .map(|record| Writing {
            manager: text(record, "/manager").to_owned(),
            time: text(record, "/time").to_owned(),
            fields: named(record.get("fieldsV1").unwrap_or(&Value::Null)),
        })
        .collect()
}

/// Whether a record is of anybody but the parts of Kubernetes, which complete every object.
fn is_somebody(record: &Value) -> bool {
    // Who scales writes a subresource, which otherwise is nobody's business.
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut() {
        fields.remove("subresource");
    }
    !owners(&json!({ "metadata": { "managedFields": [record] } })).is_empty()
}

fn named(fields: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    leaves(fields, &FieldPath::default(), &mut paths);
    let more = paths.len().saturating_sub(NAMED);
    paths.truncate(NAMED);
    if more > 0 {
        paths.push(format!("{more} more"));
    }
    paths
}

/// The fields at the ends of a `fieldsV1` record.
fn leaves(fields: &Value, at: &FieldPath, found: &mut Vec<String>) {
    let below = fields.as_object().into_iter().flatten().filter_map(|(key, below)| Some((step(key)?, below)));
    let mut below = below.peekable();
    if (below.peek().is_none() || at.0.len() >= DEEPEST) && !at.0.is_empty() {
        return found.push(at.to_string());
    }
    for (step, below) in below {
        leaves(below, &at.with(step), found);
    }
}

fn step(key: &str) -> Option<Step> {
    let (kind, rest) = key.split_once(':')?;
    match kind {
        "f" => Some(Step::Field(rest.to_owned())),
        "k" => match serde_json::from_str(rest).ok()? {
            Value::Object(fields) => Some(Step::Key(fields.into_iter().collect())),
            _ => None,
        },
        "v" => Some(Step::Value(serde_json::from_str(rest).ok()?)),
        "i" => Some(Step::Index(rest.parse().ok()?)),
        _ => None,
    }
}
