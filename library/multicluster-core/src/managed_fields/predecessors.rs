//! Whose records of fields are taken over with an object.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::text;

/// Those who wrote to an object before it was adopted, and whose part of it is ours from then on.
///
/// Records of a subresource (`status`, `scale`) never are, nor those of the cluster's own controllers, nor those of
/// another federation of ours.
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
pub struct Owners {
    tools: bool,
    further: BTreeSet<String>,
}

/// Managers that write what people and pipelines ask for. A name is what the tool gives as its field manager, else the
/// name of its program, with which its user agent begins.
const TOOLS: [&str; 17] = [
    // What the server calls all who wrote before the first server-side apply.
    "before-first-apply",
    "kubectl",
    "helm",
    "HashiCorp",
    "Terraform",
    "pulumi-kubernetes",
    "pulumi-resource-kubernetes",
    "argocd-application-controller",
    "argocd-controller",
    "kustomize-controller",
    "helm-controller",
    "fleetagent",
    "fleet-agent",
    // Federations: KubeFed, Karmada, KubeFleet.
    "hyperfed",
    "karmada-controller-manager",
    "karmada-agent",
    "work-api-agent",
];

/// Beginnings of such names: kubectl's by command, Terraform's by provider and version, Open Cluster Management's by
/// cluster.
const BEGINNINGS: [&str; 3] = ["kubectl-", "terraform-provider-", "work-agent"];

/// KubeFed's other name. Of programs with that name there are many, so it counts only with KubeFed's label.
const CONTROLLER_MANAGER: &str = "controller-manager";
const KUBEFED_LABEL: &str = "kubefed.io/managed";

impl Owners {
    /// The well-known tools by which people, pipelines and other federations write objects.
    #[must_use]
    pub fn tools() -> Self {
        Self { tools: true, ..Self::default() }
    }

    /// These and further ones.
    #[must_use]
    pub fn and<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.further.extend(names.into_iter().map(Into::into));
        self
    }

    /// Whether a manager is one of them.
    #[must_use]
    pub fn names(&self, manager: &str) -> bool {
        let is_tool = || TOOLS.contains(&manager) || BEGINNINGS.iter().any(|it| manager.starts_with(it));
        self.further.contains(manager) || (self.tools && is_tool())
    }

    /// Whether a record of `managedFields` of an object is taken over. Never our own.
    pub(super) fn wrote(&self, object: &Value, record: &Value, ours: &str) -> bool {
        let manager = text(record, "/manager");
        let labels = object.pointer("/metadata/labels");
        let kubefed = manager == CONTROLLER_MANAGER
            && self.tools
            && labels.is_some_and(|labels| labels.get(KUBEFED_LABEL).is_some());
        manager != ours && (kubefed || self.names(manager)) && text(record, "/subresource").is_empty()
    }
}
