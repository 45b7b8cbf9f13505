//! The same fields of two states of one object.

use serde_json::{Map, Value};

use super::tree::Tree;
use super::{all_trees, applied_tree, entries, project};
use crate::difference::is_secret;

/// What a manager owns in either of two states of an object, as it is in the one and in the other; `None` if the
/// manager owns nothing in the second.
///
/// `status` is left out. What was applied to a Secret as `stringData` is looked for under `data`, where the server
/// keeps it.
pub(crate) fn owned_in_either(before: &Value, after: &Value, manager: &str) -> Option<(Value, Value)> {
    let (old, new) = (entries(before), entries(after));
    let mut ours = applied_tree(&new, manager)?;
    if let Some(owned_before) = applied_tree(&old, manager) {
        ours.merge(&owned_before);
    }
    ours.fields.remove("status");
    if (is_secret(before) || is_secret(after))
        && let Some(text) = ours.fields.remove("stringData")
    {
        ours.fields.entry("data".to_owned()).or_default().merge(&text);
    }
    let part = |object: &Value, all: &Tree| {
        project::project(object, &ours, all).unwrap_or_else(|| Value::Object(Map::new()))
    };
    Some((part(before, &all_trees(&old)), part(after, &all_trees(&new))))
}
