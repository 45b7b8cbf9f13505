//! The names by which tools write, as `managedFields` has them.
//!
//! A tool that names no field manager writes by the first part of its user agent, which is the name of its program:
//! `controller-manager` for KubeFed and many others, `HashiCorp` for Terraform's Kubernetes provider.

use serde_json::Value;

use super::Owner;
use crate::object::text;

/// A record of `metadata.managedFields`.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) manager: &'a str,
    pub(super) is_apply: bool,
    /// When it last changed, RFC 3339 in UTC; empty where unknown.
    pub(super) time: &'a str,
    fields: &'a Value,
}

/// The records of an object itself, without those of its subresources.
pub(super) fn entries(live: &Value) -> impl Iterator<Item = Entry<'_>> {
    let records = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    records.into_iter().flatten().filter(|record| text(record, "/subresource").is_empty()).filter_map(
        |record| {
            Some(Entry {
                manager: record.get("manager").and_then(Value::as_str)?,
                is_apply: text(record, "/operation") == "Apply",
                time: text(record, "/time"),
                fields: record.get("fieldsV1")?,
            })
        },
    )
}

impl Entry<'_> {
    /// Whether it wrote more than annotations, finalizers and the status, which controllers add to objects of others.
    pub(super) fn writes_substance(&self) -> bool {
        let Some(fields) = self.fields.as_object() else { return false };
        fields.iter().any(|(name, below)| match name.as_str() {
            "f:status" | "." => false,
            "f:metadata" => below.as_object().is_some_and(|metadata| {
                metadata.keys().any(|name| !matches!(name.as_str(), "f:annotations" | "f:finalizers" | "."))
            }),
            _ => true,
        })
    }
}

/// Whom a manager's name tells, given who is known by marks; nobody for the parts of Kubernetes itself.
pub(super) fn owners_of(manager: &str, known: &[Owner]) -> Vec<Owner> {
    match manager {
        ""
        | "before-first-apply"
        | "kube-apiserver"
        | "kube-controller-manager"
        | "kube-scheduler"
        | "kubelet"
        | "cloud-controller-manager" => Vec::new(),
        _ if is_argo_cd(manager) => vec![Owner::ArgoCd { application: None }],
        "kustomize-controller" | "helm-controller" => vec![Owner::Flux { kind: None, name: None }],
        "karmada-controller-manager" | "karmada-agent" => vec![Owner::Karmada(None)],
        "work-api-agent" => vec![Owner::KubeFleet(None)],
        _ if is_fleet(manager) => vec![Owner::Fleet(None)],
        "helm" => vec![Owner::Helm(None)],
        "Terraform" | "HashiCorp" => vec![Owner::Terraform],
        // KubeFed's program under its own name; of `controller-manager` there are many.
        "hyperfed" => vec![Owner::KubeFed],
        "controller-manager" if known.contains(&Owner::KubeFed) => vec![Owner::KubeFed],
        _ if manager.starts_with("terraform-provider-helm") => vec![Owner::Helm(None), Owner::Terraform],
        _ if manager.starts_with("terraform-provider-") => vec![Owner::Terraform],
        _ if manager == "work-agent" || manager.starts_with("work-agent-") => vec![Owner::Ocm(None)],
        _ if manager == "kubectl" || manager.starts_with("kubectl-") => vec![Owner::Kubectl],
        _ => match manager.strip_prefix("multicluster-") {
            Some(federation) => vec![Owner::Federation(federation.to_owned())],
            None => vec![Owner::Other(manager.to_owned())],
        },
    }
}

/// Whether this is the agent of Rancher's Fleet.
pub(super) fn is_fleet(manager: &str) -> bool {
    matches!(manager, "fleetagent" | "fleet-agent")
}

/// Whether this is Argo CD: the first name where it names itself, the second by its user agent.
pub(super) fn is_argo_cd(manager: &str) -> bool {
    matches!(manager, "argocd-controller" | "argocd-application-controller")
}
