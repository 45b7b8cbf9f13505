//! What is known of Kubernetes' own kinds without asking a server.

use serde_json::Value;

use crate::object::{GroupKind, text};

/// Whether a kind lives in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In no namespace.
    Cluster,
}

/// The cluster-scoped kinds of Kubernetes' own API groups.
const CLUSTER_KINDS: &[(&str, &str)] = &[
    ("", "ComponentStatus"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "*"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("authentication.k8s.io", "*"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("certificates.k8s.io", "ClusterTrustBundle"),
    ("flowcontrol.apiserver.k8s.io", "*"),
    ("internal.apiserver.k8s.io", "*"),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "DeviceTaintRule"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
    ("storage.k8s.io", "VolumeAttributesClass"),
    ("storagemigration.k8s.io", "*"),
];

/// The API groups that every cluster serves.
const BUILT_IN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// The scope of a built-in kind; `None` for kinds that only a server knows.
#[must_use]
pub fn scope(kind: &GroupKind) -> Option<Scope> {
    let listed = CLUSTER_KINDS
        .iter()
        .any(|(group, name)| *group == kind.group && (*name == "*" || *name == kind.kind));
    if listed {
        return Some(Scope::Cluster);
    }
    BUILT_IN_GROUPS.contains(&kind.group.as_str()).then_some(Scope::Namespaced)
}

/// Whether the kind is Kubernetes' own `Namespace`.
#[must_use]
pub fn is_namespace(kind: &GroupKind) -> bool {
    kind.group.is_empty() && kind.kind == "Namespace"
}

/// Whether one of these objects is the definition of a custom kind.
#[must_use]
pub fn defines<'a>(objects: impl IntoIterator<Item = &'a Value>, kind: &GroupKind) -> bool {
    objects.into_iter().any(|object| {
        text(object, "/kind") == "CustomResourceDefinition"
            && text(object, "/spec/names/kind") == kind.kind
            && text(object, "/spec/group") == kind.group
    })
}

/// The plural of a custom kind that one of these objects defines.
#[must_use]
pub fn plural_of<'a>(objects: impl IntoIterator<Item = &'a Value>, kind: &GroupKind) -> Option<String> {
    let definition = objects.into_iter().find(|object| defines([*object], kind))?;
    Some(text(definition, "/spec/names/plural").to_owned())
}

/// The plural of a kind as English has it, which is how Kubernetes itself guesses it and how nearly all kinds are named.
///
/// # Examples
/// ```
/// use multicluster_core::scope::guess_plural;
///
/// let kinds = ["Deployment", "NetworkPolicy", "Ingress", "Endpoints", "Gateway"];
/// assert_eq!(kinds.map(guess_plural), ["deployments", "networkpolicies", "ingresses", "endpoints", "gateways"]);
/// ```
#[must_use]
pub fn guess_plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let before = kind.chars().rev().nth(1).unwrap_or_default();
    match kind.chars().last() {
        _ if kind == "endpoints" => kind,
        Some('s') => format!("{kind}es"),
        Some('y') if !"aeiou".contains(before) => format!("{}ies", kind.trim_end_matches('y')),
        _ => format!("{kind}s"),
    }
}

/// Whether `spec.replicas` of this kind is a number of pods that can be divided over clusters.
#[must_use]
pub fn has_replicas(kind: &GroupKind) -> bool {
    kind.group == "apps" && ["Deployment", "StatefulSet", "ReplicaSet"].contains(&kind.kind.as_str())
}

/// Whether objects of this kind run pods that become ready and stay so.
#[must_use]
pub fn has_pods(kind: &GroupKind) -> bool {
    has_replicas(kind) || (kind.group == "apps" && kind.kind == "DaemonSet")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::deployment("apps", "Deployment", Some(Scope::Namespaced))]
    #[case::namespace("", "Namespace", Some(Scope::Cluster))]
    #[case::cluster_role("rbac.authorization.k8s.io", "ClusterRole", Some(Scope::Cluster))]
    #[case::role("rbac.authorization.k8s.io", "Role", Some(Scope::Namespaced))]
    #[case::webhook("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", Some(Scope::Cluster))]
    #[case::pod_certificate("certificates.k8s.io", "PodCertificateRequest", Some(Scope::Namespaced))]
    #[case::signing_request("certificates.k8s.io", "CertificateSigningRequest", Some(Scope::Cluster))]
    #[case::custom("example.com", "Widget", None)]
    fn scopes(#[case] group: &str, #[case] kind: &str, #[case] expected: Option<Scope>) {
        assert_eq!(scope(&GroupKind { group: group.to_owned(), kind: kind.to_owned() }), expected);
    }
}
