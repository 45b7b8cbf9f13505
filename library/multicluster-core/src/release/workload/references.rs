//! The names of config maps and secrets in the template of a pod.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Which config map or secret: kind and name.
pub(in crate::release) type ConfigKey = (&'static str, String);

/// Where a pod's spec names config maps and secrets: the way to the mapping (lists are gone through), the field with the
/// name, and the kind.
const PLACES: [(&[&str], &str, &str); 8] = [
    (&["imagePullSecrets"], "name", "Secret"),
    (&["volumes", "configMap"], "name", "ConfigMap"),
    (&["volumes", "secret"], "secretName", "Secret"),
    (&["volumes", "projected", "sources", "configMap"], "name", "ConfigMap"),
    (&["volumes", "projected", "sources", "secret"], "name", "Secret"),
    (&["volumes", "csi", "nodePublishSecretRef"], "name", "Secret"),
    (&["volumes", "azureFile"], "secretName", "Secret"),
    (&["volumes", "flexVolume", "secretRef"], "name", "Secret"),
];

/// The same within a container.
const IN_CONTAINERS: [(&[&str], &str, &str); 4] = [
    (&["env", "valueFrom", "configMapKeyRef"], "name", "ConfigMap"),
    (&["env", "valueFrom", "secretKeyRef"], "name", "Secret"),
    (&["envFrom", "configMapRef"], "name", "ConfigMap"),
    (&["envFrom", "secretRef"], "name", "Secret"),
];

/// The config maps and secrets that a pod's spec names.
pub(in crate::release) fn referred(pod_spec: &Value) -> BTreeSet<ConfigKey> {
    let mut found = BTreeSet::new();
    // Going through is for renaming; a copy that is thrown away is simpler than a second way to go through.
    visit(&mut pod_spec.clone(), &mut |kind, name| {
        found.insert((kind, name.clone()));
    });
    found
}

/// Gives config maps and secrets other names in a pod's spec.
pub(in crate::release) fn rename(pod_spec: &mut Value, names: &BTreeMap<ConfigKey, String>) {
    visit(pod_spec, &mut |kind, name| {
        if let Some(new) = names.get(&(kind, name.clone())) {
            name.clone_from(new);
        }
    });
}

fn visit(pod_spec: &mut Value, each: &mut impl FnMut(&'static str, &mut String)) {
    for (way, field, kind) in PLACES {
        descend(pod_spec, way, &mut |it| at(it, field, kind, each));
    }
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        for (way, field, kind) in IN_CONTAINERS {
            descend(pod_spec, &[containers], &mut |container| {
                descend(container, way, &mut |it| at(it, field, kind, each));
            });
        }
    }
}

fn at(it: &mut Value, field: &str, kind: &'static str, each: &mut impl FnMut(&'static str, &mut String)) {
    if let Some(Value::String(name)) = it.get_mut(field) {
        each(kind, name);
    }
}

/// Calls `each` with all that a way leads to; a list on the way leads to all of its items.
fn descend(value: &mut Value, way: &[&str], each: &mut dyn FnMut(&mut Value)) {
    if let Value::Array(items) = value {
        for item in items {
            descend(item, way, each);
        }
        return;
    }
    match way.split_first() {
        None => each(value),
        Some((field, rest)) => {
            if let Some(next) = value.get_mut(*field) {
                descend(next, rest, each);
            }
        }
    }
}
