//! Which fields it is that cannot be changed, where a server names only what is around them.

use serde_json::{Map, Value};

use crate::difference::difference;
use crate::path::{key_text, list_key};

/// The fields that cannot be changed, as exactly as can be told.
///
/// A server often names only what is around a field: `spec` for any field of a StatefulSet, `spec.template` for a
/// whole Job. Such a name becomes those of the fields below it that the body sets to another value; those that the
/// message excepts, as in `fields other than 'replicas', 'template' …`, are left out. A name with nothing
/// different below it stays.
///
/// # Examples
/// ```
/// use multicluster_core::probe::narrowed;
/// use serde_json::json;
///
/// let live = json!({ "spec": { "serviceName": "a", "replicas": 1, "podManagementPolicy": "OrderedReady" } });
/// let body = json!({ "spec": { "serviceName": "b", "replicas": 2 } });
/// let said = "updates to statefulset spec for fields other than 'replicas', 'template' are forbidden";
/// assert_eq!(narrowed(&["spec".to_owned()], said, &live, &body), ["spec.serviceName"]);
/// ```
#[must_use]
pub fn narrowed(fields: &[String], message: &str, live: &Value, body: &Value) -> Vec<String> {
    let excepted = excepted(message);
    let differing: Vec<String> =
        difference(&alike(live, body), body).into_iter().map(|change| change.path).collect();
    let mut named: Vec<String> = Vec::new();
    for field in fields {
        let below = differing.iter().filter(|path| {
            is_below(path, field) && !excepted.iter().any(|name| is_below(path, &format!("{field}.{name}")))
        });
        let before = named.len();
        named.extend(below.cloned());
        if named.len() == before {
            named.push(field.clone());
        }
    }
    named.sort();
    named.dedup();
    named
}

/// Whether a path is a field or below it.
fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The names that a message excepts, in single quotes.
fn excepted(message: &str) -> Vec<&str> {
    let Some((_, list)) = message.split_once("other than") else { return Vec::new() };
    list.split('\'').skip(1).step_by(2).collect()
}

/// The part of a live value that the body speaks of, so that defaults are no differences.
fn alike(live: &Value, body: &Value) -> Value {
    match (live, body) {
        (Value::Object(live), Value::Object(body)) => {
            let part: Map<String, Value> = body
                .iter()
                .filter_map(|(name, wanted)| Some((name.clone(), alike(live.get(name)?, wanted))))
                .collect();
            Value::Object(part)
        }
        (Value::Array(live), Value::Array(body)) => match list_key(&[live, body]) {
            Some(key) => {
                let wanted = |item: &Value| body.iter().find(|it| key_text(it, key) == key_text(item, key));
                let item = |item: &Value| wanted(item).map_or_else(|| item.clone(), |it| alike(item, it));
                Value::Array(live.iter().map(item).collect())
            }
            None => {
                let item = |(place, item): (usize, &Value)| match body.get(place) {
                    Some(wanted) => alike(item, wanted),
                    None => item.clone(),
                };
                Value::Array(live.iter().enumerate().map(item).collect())
            }
        },
        _ => live.clone(),
    }
}
