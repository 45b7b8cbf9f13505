//! Labels and annotations of the object itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::OverrideError;
use super::protected::is_reserved;
use crate::selector::{check_annotation_key, check_key, check_value};

type Changes = BTreeMap<String, Option<String>>;

pub(super) fn check_labels(labels: &Changes) -> Result<(), OverrideError> {
    labels.iter().try_for_each(|(key, value)| {
        unreserved(key)?;
        let checked = check_key(key).and_then(|()| value.as_deref().map_or(Ok(()), check_value));
        checked.map_err(|reason| OverrideError::Label { key: key.clone(), reason })
    })
}

/// The value of an annotation is any text.
pub(super) fn check_annotations(annotations: &Changes) -> Result<(), OverrideError> {
    annotations.keys().try_for_each(|key| {
        unreserved(key)?;
        check_annotation_key(key).map_err(|reason| OverrideError::Annotation { key: key.clone(), reason })
    })
}

fn unreserved(key: &str) -> Result<(), OverrideError> {
    if is_reserved(key) { Err(OverrideError::Reserved { key: key.to_owned() }) } else { Ok(()) }
}

/// Changes `metadata.labels` or `metadata.annotations`. A mapping that loses its last entry goes, so that none of it is
/// claimed from others.
pub(super) fn apply(object: &mut Value, field: &'static str, changes: &Changes) -> Result<(), OverrideError> {
    let odd = |path: String| OverrideError::Shape { path, expected: "a mapping" };
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    let metadata = metadata.ok_or_else(|| odd("metadata".to_owned()))?;
    let mut entries = match metadata.remove(field) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(odd(format!("metadata.{field}"))),
    };
    for (key, value) in changes {
        match value {
            Some(value) => drop(entries.insert(key.clone(), Value::from(value.as_str()))),
            None => drop(entries.remove(key)),
        }
    }
    if !entries.is_empty() {
        metadata.insert(field.to_owned(), Value::Object(entries));
    }
    Ok(())
}
