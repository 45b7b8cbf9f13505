//! Values for tests, written as JSON.

use serde_json::{Value as Json, json};
use tfplugin::{Diagnostics, Value};

/// Stands for a value that is known only after apply.
pub(super) const UNKNOWN: &str = "(unknown)";

/// A ConfigMap.
pub(super) const SETTINGS: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: shop }";
/// A Deployment.
pub(super) const WEB: &str =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web, namespace: shop }\nspec: { replicas: 4 }";

/// A value as the host would send it.
pub(super) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::from(*it),
        Json::Number(it) => Value::from(it.as_i64().unwrap()),
        Json::String(it) if it == UNKNOWN => Value::Unknown,
        Json::String(it) => Value::from(it.as_str()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(fields) => Value::map(fields.iter().map(|(name, it)| (name.clone(), value(it)))),
    }
}

/// A federation `world` with these members and resources, as the planning rule proposes a new one.
pub(super) fn federation(members: &Json, resources: &Json) -> Value {
    value(&json!({
        "name": "world",
        "members": members,
        "resources": resources,
        "wait": null,
        "deletion_protection": false,
        "inventory_namespace": "multicluster-system",
        "timeouts": null,
        "id": UNKNOWN,
        "uid": UNKNOWN,
        "member_names": UNKNOWN,
        "cluster_uids": UNKNOWN,
        "sync": UNKNOWN,
        "forecast": UNKNOWN,
    }))
}

/// What was said, as `path: summary: detail`.
pub(super) fn said(diagnostics: &Diagnostics) -> Vec<String> {
    let path = |path: &Option<tfplugin::Path>| path.as_ref().map(ToString::to_string).unwrap_or_default();
    diagnostics.iter().map(|it| format!("{}: {}: {}", path(&it.path), it.summary, it.detail)).collect()
}
