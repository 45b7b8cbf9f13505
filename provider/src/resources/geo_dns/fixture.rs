//! Values for tests, written as JSON.

use serde_json::{Value as Json, json};
use tfplugin::{Diagnostics, Number, Value};

/// Stands for a value that is known only after apply.
pub(super) const UNKNOWN: &str = "(unknown)";

/// A value as the host would send it.
pub(super) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(it) => Value::from(*it),
        Json::Number(it) => Value::Number(Number::parse(&it.to_string()).unwrap()),
        Json::String(it) if it == UNKNOWN => Value::Unknown,
        Json::String(it) => Value::from(it.as_str()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(fields) => Value::map(fields.iter().map(|(name, it)| (name.clone(), value(it)))),
    }
}

/// What was said, as `path: summary: detail`.
pub(super) fn said(diagnostics: &Diagnostics) -> Vec<String> {
    let path = |path: &Option<tfplugin::Path>| path.as_ref().map(ToString::to_string).unwrap_or_default();
    diagnostics.iter().map(|it| format!("{}: {}: {}", path(&it.path), it.summary, it.detail)).collect()
}

/// The main case, with `changes` laid over it: objects are merged, null removes.
pub(super) fn shop(changes: &Json) -> Value {
    let mut shop = json!({
        "zone_id": "Z1",
        "name": "shop.example.com",
        "policy": "geolocation",
        "within": "weighted",
        "ttl": 60,
        "default": "aws",
        "owner": "shop",
        "endpoints": {
            "azure": { "values": ["20.50.2.3"], "continents": ["Europe"] },
            "aws": { "hostname": "shop-1.sa-east-1.elb.amazonaws.com", "continents": ["NA"] },
            "gcp": { "values": ["34.116.0.9"], "continents": ["AS"], "on_unhealthy": ["aws"] },
        },
        "allow_empty": false,
    });
    merge(&mut shop, changes);
    value(&shop)
}

fn merge(target: &mut Json, changes: &Json) {
    match (target, changes) {
        (Json::Object(target), Json::Object(changes)) => {
            for (key, change) in changes {
                if change.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert(Json::Null), change);
                }
            }
        }
        (target, changes) => *target = changes.clone(),
    }
}
