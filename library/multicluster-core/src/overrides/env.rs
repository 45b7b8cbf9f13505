//! Environment variables of containers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::containers::{self, Container};
use super::error::OverrideError;
use crate::object::text;
use crate::path::Step;

type Values = BTreeMap<String, Option<String>>;

/// Kubernetes 1.34 and later take every printable ASCII character but `=`; older servers say themselves what they lack.
pub(super) fn check(values: &Values) -> Result<(), OverrideError> {
    let fits =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
    match values.keys().find(|name| !fits(name)) {
        Some(name) => Err(OverrideError::EnvName { name: name.clone() }),
        None => Ok(()),
    }
}

pub(super) fn apply(
    object: &mut Value,
    container: Option<&str>,
    values: &Values,
) -> Result<(), OverrideError> {
    containers::find(object, container)?.iter_mut().try_for_each(|it| set(it, values))
}

fn set(container: &mut Container<'_>, values: &Values) -> Result<(), OverrideError> {
    let path = container.path.field("env");
    let shape = |path: String, expected| Err(OverrideError::Shape { path, expected });
    let old = match container.fields.remove("env") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => return shape(path.to_string(), "a list"),
    };
    let mut new = Vec::with_capacity(old.len());
    // A name that stands twice is kept once: the last one counts for Kubernetes, and ours replaces both.
    let mut missing = values.clone();
    for (index, item) in old.into_iter().enumerate() {
        if !item.is_object() {
            return shape(path.with(Step::Index(index)).to_string(), "a mapping");
        }
        let name = text(&item, "/name").to_owned();
        match (values.contains_key(&name), missing.remove(&name)) {
            (false, _) => new.push(item),
            (true, Some(Some(value))) => new.push(json!({ "name": name, "value": value })),
            (true, _) => {}
        }
    }
    let added = missing.into_iter().filter_map(|(name, value)| Some((name, value?)));
    new.extend(added.map(|(name, value)| json!({ "name": name, "value": value })));
    if !new.is_empty() {
        container.fields.insert("env".to_owned(), Value::Array(new));
    }
    Ok(())
}
