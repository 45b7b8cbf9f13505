//! In which order kinds are written and taken away.
//!
//! Invariant: what an object needs is in an earlier wave. Within a wave the order does not matter, and objects of one
//! wave are written at the same time.

use crate::object::GroupKind;

/// A group of kinds that is written together. The order is the order of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Wave {
    /// `CustomResourceDefinition`: to be established before anything else is looked up.
    Definitions,
    /// `Namespace`.
    Namespaces,
    /// What limits and allows others: quotas, RBAC, service accounts, classes, network policies.
    Policies,
    /// `ConfigMap`, `Secret`.
    Configuration,
    /// Volumes and services: what workloads find when they start.
    StorageAndServices,
    /// Deployments, jobs, pods, …
    Workloads,
    /// Autoscalers and disruption budgets.
    Scaling,
    /// Ingresses, routes and what else leads traffic to services.
    Routing,
    /// Webhooks, admission policies and aggregated APIs: they call what runs by now.
    Admission,
    /// Everything else: custom resources, whose controllers run by now.
    Custom,
}

/// The wave of a kind.
///
/// # Examples
/// ```
/// use multicluster_core::{object::GroupKind, waves::{wave, Wave}};
///
/// let deployment = GroupKind { group: "apps".into(), kind: "Deployment".into() };
/// let service = GroupKind { group: String::new(), kind: "Service".into() };
/// assert_eq!(wave(&deployment), Wave::Workloads);
/// assert!(wave(&service) < wave(&deployment));
/// ```
#[must_use]
pub fn wave(kind: &GroupKind) -> Wave {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Wave::Definitions,
        ("", "Namespace") => Wave::Namespaces,
        ("", "ResourceQuota" | "LimitRange" | "ServiceAccount")
        | ("rbac.authorization.k8s.io" | "flowcontrol.apiserver.k8s.io", _)
        | ("scheduling.k8s.io", "PriorityClass")
        | ("node.k8s.io", "RuntimeClass")
        | ("storage.k8s.io", "StorageClass" | "CSIDriver" | "VolumeAttributesClass")
        | ("networking.k8s.io", "NetworkPolicy" | "IngressClass" | "ServiceCIDR" | "IPAddress")
        | ("certificates.k8s.io", "ClusterTrustBundle")
        | ("resource.k8s.io", "DeviceClass")
        | ("gateway.networking.k8s.io", "GatewayClass") => Wave::Policies,
        ("", "ConfigMap" | "Secret") => Wave::Configuration,
        ("", "PersistentVolume" | "PersistentVolumeClaim" | "Service" | "Endpoints")
        | ("discovery.k8s.io", "EndpointSlice")
        | ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => Wave::StorageAndServices,
        ("", "Pod" | "ReplicationController" | "PodTemplate") | ("apps" | "batch", _) => Wave::Workloads,
        ("autoscaling" | "policy" | "autoscaling.k8s.io" | "keda.sh", _) => Wave::Scaling,
        ("networking.k8s.io" | "gateway.networking.k8s.io" | "networking.istio.io", _) => Wave::Routing,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Wave::Admission,
        _ => Wave::Custom,
    }
}

/// When a kind is taken away: smaller first, equal ones together.
///
/// It is the order of writing backwards, but for webhooks and admission policies. They go first: their backends are
/// about to go, and a webhook without backend refuses every later delete.
///
/// # Examples
/// ```
/// use multicluster_core::{object::GroupKind, waves::delete_rank};
///
/// let kind = |group: &str, kind: &str| GroupKind { group: group.into(), kind: kind.into() };
/// let webhook = kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration");
/// assert!(delete_rank(&webhook) < delete_rank(&kind("apps", "Deployment")));
/// assert!(delete_rank(&kind("apps", "Deployment")) < delete_rank(&kind("", "Namespace")));
/// ```
#[must_use]
pub fn delete_rank(kind: &GroupKind) -> u8 {
    if kind.group == "admissionregistration.k8s.io" {
        return 0;
    }
    match wave(kind) {
        Wave::Custom => 1,
        Wave::Admission => 2,
        Wave::Routing => 3,
        Wave::Scaling => 4,
        Wave::Workloads => 5,
        Wave::StorageAndServices => 6,
        Wave::Configuration => 7,
        Wave::Policies => 8,
        Wave::Namespaces => 9,
        Wave::Definitions => 10,
    }
}
