//! Labels and annotations by which tools know what is theirs, and those that a cluster adds.
//!
//! A copy that carried them would be taken for an object of theirs, and deleted as one that they do not know.

use serde_json::Value;

use crate::object::text;

/// All keys under these names and their subdomains.
const DOMAINS: [&str; 17] = [
    // federations
    "applyset.kubernetes.io",
    "clusternet.io",
    "fleet.cattle.io",
    "karmada.io",
    "kubefed.io",
    "kubernetes-fleet.io",
    "liqo.io",
    "multicluster.dev",
    "open-cluster-management.io",
    // deploying tools
    "cli-utils.sigs.k8s.io",
    "helm.sh",
    "helm.toolkit.fluxcd.io",
    "kapp.k14s.io",
    "kustomize.toolkit.fluxcd.io",
    "objectset.rio.cattle.io",
    // the deployment controller, and the binding of volumes
    "deployment.kubernetes.io",
    "pv.kubernetes.io",
];

/// Single keys.
const KEYS: [&str; 16] = [
    "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "cloud.google.com/neg-status",
    "config.k8s.io/owning-inventory",
    "control-plane.alpha.kubernetes.io/leader",
    "deprecated.daemonset.template.generation",
    "field.cattle.io/projectId",
    "field.cattle.io/publicEndpoints",
    "kubectl.kubernetes.io/last-applied-configuration",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/migrated-to",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// Labels of a job and its pods that the job controller adds.
pub(super) const JOB_LABELS: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

/// What is a mark on one object.
pub(super) struct Marks {
    /// Keys that are marks on objects of this kind only.
    of_kind: &'static [&'static str],
    /// Whether Argo CD wrote the object: then the label that others use for the name of an installation is its mark.
    by_argo_cd: bool,
}

impl Marks {
    pub(super) fn of(group: &str, kind: &str, live: &Value) -> Self {
        let of_kind: &[&str] = match (group, kind) {
            ("", "Namespace") => &["kubernetes.io/metadata.name"],
            ("batch", "Job") => &JOB_LABELS,
            _ => &[],
        };
        let fields = live.pointer("/metadata/managedFields").and_then(Value::as_array);
        let by_argo_cd =
            fields.into_iter().flatten().any(|entry| text(entry, "/manager").starts_with("argocd"));
        Self { of_kind, by_argo_cd }
    }

    pub(super) fn is_one(&self, key: &str, value: &Value) -> bool {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let below = |name: &&str| {
            domain.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        DOMAINS.iter().any(below)
            || KEYS.contains(&key)
            || self.of_kind.contains(&key)
            || (key == "app.kubernetes.io/managed-by" && value == "Helm")
            || (key == "app.kubernetes.io/instance" && self.by_argo_cd)
    }
}
