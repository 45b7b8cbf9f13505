//! Whose records of fields are taken over with an object.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::text;

/// Those who wrote to an object before it was adopted, and whose part of it is ours from then on.
///
/// Records of a subresource (`status`, `scale`) never are, nor those of the cluster's own controllers.
///
/// # Examples
/// ```
/// use multicluster_core::managed_fields::Owners;
///
/// let from = Owners::tools().and(["our-old-pipeline"]);
/// assert!(from.names("kubectl-client-side-apply") && from.names("our-old-pipeline"));
/// assert!(!from.names("kube-controller-manager"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(BTreeSet<String>);

/// Managers that write what people and pipelines ask for. A name is the `--field-manager`, else the program's name in
/// its user agent.
const TOOLS: [&str; 34] = [
    // What the server calls all who wrote before the first server-side apply.
    "before-first-apply",
    "kubectl",
    "kubectl-annotate",
    "kubectl-autoscale",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-expose",
    "kubectl-label",
    "kubectl-last-applied",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-rollout",
    "kubectl-run",
    "kubectl-scale",
    "kubectl-set",
    "helm",
    "HashiCorp",
    "Terraform",
    "terraform-provider-helm",
    "terraform-provider-kubectl",
    "terraform-provider-kubernetes",
    "pulumi-kubernetes",
    "pulumi-resource-kubernetes",
    "argocd-application-controller",
    "argocd-controller",
    "kustomize-controller",
    "helm-controller",
    "fleetagent",
    // Federations: KubeFed, Karmada, Open Cluster Management.
    "controller-manager",
    "hyperfed",
    "karmada-controller-manager",
    "work",
    "work-agent",
];

impl Owners {
    /// The well-known tools by which people, pipelines and other federations write objects.
    #[must_use]
    pub fn tools() -> Self {
        Self::default().and(TOOLS)
    }

    /// These and further ones.
    #[must_use]
    pub fn and<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.0.extend(names.into_iter().map(Into::into));
        self
    }

    /// Whether a manager is one of them.
    #[must_use]
    pub fn names(&self, manager: &str) -> bool {
        self.0.contains(manager)
    }

    /// Whether a record of `managedFields` is taken over. Never our own.
    pub(super) fn wrote(&self, record: &Value, ours: &str) -> bool {
        let manager = text(record, "/manager");
        manager != ours && self.names(manager) && text(record, "/subresource").is_empty()
    }
}
