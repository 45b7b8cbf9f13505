//! Whether what is taken over is already what the manifest says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::capacity::Quantity;
use crate::digest::{canonical, digest};
use crate::object::Manifest;
use crate::release::journal::Version;
use crate::release::version::short;
use crate::release::workload::Workload;

/// The version of workloads that were taken over: `wanted`, if the pods are on every cluster as the manifest says, so
/// that there is nothing to release; else one of their own.
///
/// `clusters` gives for each the workload as it should be there, the live Deployment, and the live config maps and
/// secrets.
#[must_use]
pub fn standing_version<'a>(
    wanted: &Version,
    clusters: impl IntoIterator<Item = (&'a Workload, &'a Value, &'a [Value])>,
) -> Version {
    let mut all_equal = true;
    let mut templates = BTreeSet::new();
    for (workload, deployment, configs) in clusters {
        let live = deployment.pointer("/spec/template").unwrap_or(&Value::Null);
        let written = workload.main().value().pointer("/spec/template").unwrap_or(&Value::Null);
        let configured = |config: &Manifest| {
            let mut config_value = config.value().clone();
            crate::copies::secret_data(&mut config_value);
            configs.iter().any(|live| {
                crate::object::ObjectKey::of(live).is_some_and(|key| key == config.key())
                    && ["data", "binaryData"]
                        .iter()
                        .all(|field| same_data(config_value.get(field), live.get(field)))
            })
        };
        all_equal &= covers(live, written) && workload.configs.iter().all(configured);
        templates.insert(digest(live));
    }
    if all_equal { wanted.clone() } else { short(&json!({ "adopted": templates })) }
}

/// Whether two config maps or secrets hold the same; nothing is the same as empty.
fn same_data(one: Option<&Value>, other: Option<&Value>) -> bool {
    let or_empty = |data: Option<&Value>| canonical(data.filter(|it| !it.is_null()).unwrap_or(&json!({})));
    or_empty(one) == or_empty(other)
}

/// Whether a live value says all that a written one says. What only the live one says is filled in by the server.
fn covers(live: &Value, written: &Value) -> bool {
    match (live, written) {
        (Value::Object(live), Value::Object(written)) => written.iter().all(|(field, written)| {
            live.get(field).map_or_else(|| is_empty(written), |live| covers(live, written))
        }),
        (Value::Array(live), Value::Array(written)) => {
            live.len() == written.len()
                && live.iter().zip(written).all(|(live, written)| covers(live, written))
        }
        _ => {
            let amount = |value: &Value| Quantity::of(value).ok();
            canonical(live) == canonical(written)
                || amount(live).is_some_and(|live| Some(live) == amount(written))
        }
    }
}

/// Servers leave such fields out.
fn is_empty(written: &Value) -> bool {
    match written {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
    }
}
