//! Objects that mean nothing on another cluster.

use serde_json::Value;

use super::NotPortable;
use crate::federation::identity::RECORD_LABEL;
use crate::object::{Manifest, group_of, text};

pub(super) fn check(object: &Manifest) -> Result<(), NotPortable> {
    let value = object.value();
    let (group, kind, name) = (group_of(object.api_version()), object.kind(), object.name());
    let labels = value.pointer("/metadata/labels");
    if labels.is_some_and(|labels| labels.get(RECORD_LABEL).is_some()) {
        return refuse("it is a federation's own record of its cluster");
    }
    match (group, kind) {
        ("" | "events.k8s.io", "Event") => refuse("events tell what happened on their own cluster"),
        ("", "Endpoints") | ("discovery.k8s.io", "EndpointSlice") => {
            refuse("its addresses are of its own cluster; copy the Service instead")
        }
        ("coordination.k8s.io", _) => refuse("a lease is held by somebody on its own cluster"),
        ("", "Node") | ("storage.k8s.io", "CSINode" | "CSIStorageCapacity" | "VolumeAttachment") => {
            refuse("it describes the machines of its own cluster")
        }
        ("resource.k8s.io", "ResourceSlice") => refuse("it describes the machines of its own cluster"),
        ("networking.k8s.io", "IPAddress" | "ServiceCIDR") => {
            refuse("it describes the network of its own cluster")
        }
        ("certificates.k8s.io", "CertificateSigningRequest" | "PodCertificateRequest") => {
            refuse("it is a request to its own cluster")
        }
        ("authentication.k8s.io" | "authorization.k8s.io", _) | ("", "Binding" | "ComponentStatus") => {
            refuse("it is a question to its own cluster, not an object that is kept")
        }
        ("metrics.k8s.io", _) => refuse("it is a measurement on its own cluster"),
        ("internal.apiserver.k8s.io", _) => refuse("it describes the API servers of its own cluster"),
        ("apps", "ControllerRevision") => refuse("it is a controller's record of its own cluster"),
        ("", "Namespace") if ["default", "kube-system", "kube-public", "kube-node-lease"].contains(&name) => {
            refuse("every cluster has its own")
        }
        ("", "Service") if name == "kubernetes" && text(value, "/metadata/namespace") == "default" => {
            refuse("every cluster has its own")
        }
        ("", "ConfigMap") if name == "kube-root-ca.crt" => refuse("every cluster has its own"),
        ("", "Secret") => secret(text(value, "/type")),
        ("", "Pod") | ("apps", "ReplicaSet") | ("batch", "Job") => not_made(value, kind),
        _ => Ok(()),
    }
}

fn secret(ty: &str) -> Result<(), NotPortable> {
    match ty {
        "kubernetes.io/service-account-token" => {
            refuse("it is a service account's token, which is valid on its own cluster only")
        }
        "bootstrap.kubernetes.io/token" => refuse("it is a token that joins nodes to its own cluster only"),
        "helm.sh/release.v1" => refuse("it is Helm's record of what is installed on its own cluster"),
        _ => Ok(()),
    }
}

/// A pod may belong to anything, say its node; a replica set or a job is made by what controls it.
fn not_made(object: &Value, kind: &str) -> Result<(), NotPortable> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let maker = owners
        .into_iter()
        .flatten()
        .find(|owner| kind == "Pod" || owner.get("controller") == Some(&Value::Bool(true)));
    maker.map_or(Ok(()), |maker| {
        Err(NotPortable::Made {
            kind: text(maker, "/kind").to_owned(),
            name: text(maker, "/name").to_owned(),
        })
    })
}

fn refuse(reason: &'static str) -> Result<(), NotPortable> {
    Err(NotPortable::OfOneCluster { reason })
}
