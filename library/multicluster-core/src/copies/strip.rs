//! What a server or a controller fills in, kind by kind.

use serde_json::Value;

use super::marks::JOB_LABELS;
use crate::object::text;

/// Volumes that the API server adds to pods, with the token of their service account.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// Takes away what one cluster has put into the object, apart from its status and metadata.
pub(super) fn kind(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Service") => service(object),
        ("", "ServiceAccount") => remove(object, "", "secrets"),
        ("", "PersistentVolumeClaim") => remove(object, "/spec", "volumeName"),
        ("", "PersistentVolume") => remove(object, "/spec", "claimRef"),
        ("", "Namespace") => {
            remove(object, "/spec", "finalizers");
            remove_empty(object, "spec");
        }
        ("", "Pod") => pod(object),
        ("batch", "Job") => job(object),
        _ => {}
    }
    // Servers of older versions write `null` into every template.
    for template in
        ["/spec/template/metadata", "/spec/jobTemplate/metadata", "/spec/jobTemplate/spec/template/metadata"]
    {
        remove(object, template, "creationTimestamp");
    }
    for claim in items(object, "/spec/volumeClaimTemplates") {
        remove(claim, "/metadata", "creationTimestamp");
        remove(claim, "", "status");
    }
}

fn service(service: &mut Value) {
    // `None` is what the author wrote; any other address the cluster gave.
    if text(service, "/spec/clusterIP") != "None" {
        remove(service, "/spec", "clusterIP");
    }
    for field in ["clusterIPs", "healthCheckNodePort", "ipFamilies"] {
        remove(service, "/spec", field);
    }
    for port in items(service, "/spec/ports") {
        remove(port, "", "nodePort");
    }
}

fn pod(pod: &mut Value) {
    // The priority follows from the priority class.
    for field in ["nodeName", "ephemeralContainers", "priority", "preemptionPolicy"] {
        remove(pod, "/spec", field);
    }
    remove_items(pod, "/spec", "volumes", |volume| text(volume, "/name").starts_with(TOKEN_VOLUME));
    for containers in ["/spec/initContainers", "/spec/containers"] {
        for container in items(pod, containers) {
            remove_items(container, "", "volumeMounts", |mount| {
                text(mount, "/name").starts_with(TOKEN_VOLUME)
            });
        }
    }
}

/// The selector and the labels of the pods name the job's UID, unless its author chose them.
fn job(job: &mut Value) {
    if job.pointer("/spec/manualSelector") != Some(&Value::Bool(true)) {
        remove(job, "/spec", "selector");
        for label in JOB_LABELS {
            remove(job, "/spec/template/metadata/labels", label);
        }
        if let Some(metadata) = job.pointer_mut("/spec/template/metadata") {
            remove_empty(metadata, "labels");
        }
    }
}

fn items<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

fn remove(object: &mut Value, parent: &str, field: &str) {
    if let Some(fields) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        fields.remove(field);
    }
}

fn remove_empty(object: &mut Value, field: &str) {
    if object.get(field).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
        remove(object, "", field);
    }
}

/// Removes items of a list, and the list with its last item.
fn remove_items(object: &mut Value, parent: &str, field: &str, unwanted: impl Fn(&Value) -> bool) {
    let Some(parent) = object.pointer_mut(parent) else { return };
    let Some(list) = parent.get_mut(field).and_then(Value::as_array_mut) else { return };
    let before = list.len();
    list.retain(|item| !unwanted(item));
    if list.is_empty() && before > 0 {
        remove(parent, "", field);
    }
}
