//! What a pod refers to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Found, Need, list};
use crate::object::text;

/// Notes what the spec of a pod refers to. `made` are the volumes that a controller puts in place of the pod's own of
/// that name.
pub(super) fn spec(spec: Option<&Value>, made: &BTreeSet<&str>, found: &mut Found) {
    let Some(spec) = spec else { return };
    // `serviceAccount` is the older name of the field; servers fill in both.
    let account = match text(spec, "/serviceAccountName") {
        "" => text(spec, "/serviceAccount"),
        account => account,
    };
    found.account(found.namespace.clone(), account);
    for secret in list(Some(spec), "/imagePullSecrets") {
        found.core("Secret", text(secret, "/name"), Need::Required);
    }
    for containers in ["/initContainers", "/containers", "/ephemeralContainers"] {
        for container in list(Some(spec), containers) {
            environment(container, found);
        }
    }
    for it in list(Some(spec), "/volumes").filter(|it| !made.contains(text(it, "/name"))) {
        volume(it, found);
    }
}

fn environment(container: &Value, found: &mut Found) {
    for variable in list(Some(container), "/env") {
        by_name(found, "ConfigMap", variable.pointer("/valueFrom/configMapKeyRef"));
        by_name(found, "Secret", variable.pointer("/valueFrom/secretKeyRef"));
    }
    for source in list(Some(container), "/envFrom") {
        by_name(found, "ConfigMap", source.pointer("/configMapRef"));
        by_name(found, "Secret", source.pointer("/secretRef"));
    }
}

fn volume(volume: &Value, found: &mut Found) {
    by_name(found, "ConfigMap", volume.pointer("/configMap"));
    if let Some(secret) = volume.pointer("/secret") {
        found.core("Secret", text(secret, "/secretName"), need(secret));
    }
    for source in list(Some(volume), "/projected/sources") {
        by_name(found, "ConfigMap", source.pointer("/configMap"));
        by_name(found, "Secret", source.pointer("/secret"));
    }
    found.core("PersistentVolumeClaim", text(volume, "/persistentVolumeClaim/claimName"), Need::Required);
    found.core("Secret", text(volume, "/azureFile/secretName"), Need::Required);
    by_name(found, "Secret", volume.pointer("/csi/nodePublishSecretRef"));
    for source in ["cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"] {
        by_name(found, "Secret", volume.get(source).and_then(|source| source.get("secretRef")));
    }
}

/// Notes what a reference of the form `{ name, optional }` names.
fn by_name(found: &mut Found, kind: &str, reference: Option<&Value>) {
    if let Some(reference) = reference {
        found.core(kind, text(reference, "/name"), need(reference));
    }
}

fn need(reference: &Value) -> Need {
    if reference.get("optional") == Some(&Value::Bool(true)) { Need::Optional } else { Need::Required }
}
