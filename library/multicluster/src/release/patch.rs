//! Small changes of objects as JSON patches (RFC 6902).
//!
//! Each names the revision that it was made for, by replacing it with itself: the server then says that the object has
//! changed, where a `test` that fails would look like a patch that is wrong.

use multicluster_core::object::text;
use multicluster_core::release::traffic::Refused;
use serde_json::{Map, Value, json};

/// Sets annotations.
pub(super) fn annotate<'a>(live: &Value, set: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    let mut operations = vec![meet(live)];
    operations.extend(annotations(live, set));
    Value::Array(operations)
}

/// The operation that makes a patch fail if the object is in another revision.
pub(super) fn meet(live: &Value) -> Value {
    let revision = text(live, "/metadata/resourceVersion");
    json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": revision })
}

/// The operations that set annotations.
pub(super) fn annotations<'a>(live: &Value, set: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Value> {
    let set = set.into_iter();
    if live.pointer("/metadata/annotations").is_none_or(|it| !it.is_object()) {
        let all: Map<String, Value> = set.map(|(key, value)| (key.to_owned(), value.into())).collect();
        return vec![json!({ "op": "add", "path": "/metadata/annotations", "value": all })];
    }
    set.map(|(key, value)| {
        json!({ "op": "add", "path": format!("/metadata/annotations/{}", escape(key)), "value": value })
    })
    .collect()
}

/// Operations as a patch.
pub(super) fn parse(operations: Value) -> Result<json_patch::Patch, Refused> {
    serde_json::from_value(operations).map_err(|error| Refused::Unsupported(error.to_string()))
}

/// One step of a JSON pointer.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_added_where_there_are_none_and_where_there_are_some() {
        let bare = json!({ "metadata": { "resourceVersion": "7" } });
        assert_eq!(
            annotate(&bare, [("example.com/a", "1".to_owned())]),
            json!([
                { "op": "replace", "path": "/metadata/resourceVersion", "value": "7" },
                { "op": "add", "path": "/metadata/annotations", "value": { "example.com/a": "1" } },
            ])
        );
        let marked = json!({ "metadata": { "resourceVersion": "7", "annotations": { "b": "2" } } });
        assert_eq!(
            annotate(&marked, [("example.com/a", "1".to_owned())])[1],
            json!({ "op": "add", "path": "/metadata/annotations/example.com~1a", "value": "1" })
        );
    }
}
