//! Which kind a federated kind stands for.
//!
//! KubeFed learns that from `FederatedTypeConfig` objects. Those it installs itself, and those that `kubefedctl enable`
//! would make for Kubernetes' own kinds, are known here; others have to be among the manifests.

use super::document::{At, Reader};
use crate::object::{GroupKind, Manifest, group_of, text};
use crate::scope::{self, Scope};

/// The group of federated kinds, unless a `FederatedTypeConfig` names another.
pub(super) const FEDERATED_GROUP: &str = "types.kubefed.io";

/// The API version in which templates of Kubernetes' own kinds are written unless they say it themselves: the newest
/// stable one.
const BUILT_IN: &[(&str, &[&str])] = &[
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "Namespace",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apps/v1", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("flowcontrol.apiserver.k8s.io/v1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["Ingress", "IngressClass", "NetworkPolicy"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("storage.k8s.io/v1", &["CSIDriver", "StorageClass"]),
];

/// What a federated document makes on the members.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// `None` where neither configuration nor Kubernetes tells; then the document's own namespace decides.
    scope: Option<Scope>,
}

/// A `FederatedTypeConfig`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TypeConfig {
    pub(super) federated: GroupKind,
    target: Target,
    is_enabled: bool,
}

pub(super) fn read_config(manifest: &Manifest, reader: &mut Reader<'_>) -> Option<TypeConfig> {
    let spec = At::root(manifest.value()).field("spec");
    let (target, federated) = (spec.field("targetType"), spec.field("federatedType"));
    let version = reader.required_text(&target.field("version"));
    let kind = reader.required_text(&target.field("kind"));
    let federated_kind = reader.required_text(&federated.field("kind"));
    // KubeFed reads an absent group off the name, `<plural>.<group>`.
    let of_name = manifest.name().split_once('.').map_or("", |(_, group)| group);
    let group = reader.text(&target.field("group")).filter(|group| !group.is_empty()).unwrap_or(of_name);
    let federated_group = reader.text(&federated.field("group")).unwrap_or(FEDERATED_GROUP);
    let scope = match reader.text(&target.field("scope")) {
        None | Some("") => None,
        Some("Namespaced") => Some(Scope::Namespaced),
        Some("Cluster") => Some(Scope::Cluster),
        Some(_) => {
            reader.problem(&target.field("scope").path, "it must be `Namespaced` or `Cluster`");
            None
        }
    };
    let is_enabled = reader.text(&spec.field("propagation")) != Some("Disabled");
    let (version, kind) = (version?, kind?);
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(TypeConfig {
        federated: GroupKind { group: federated_group.to_owned(), kind: federated_kind?.to_owned() },
        target: Target { api_version, kind: kind.to_owned(), scope },
        is_enabled,
    })
}

/// What a federated document makes. The template's own `apiVersion` goes before the configured one, as in KubeFed; its
/// `kind` matters only where nothing else tells the kind.
pub(super) fn resolve(
    manifest: &Manifest,
    configs: &[TypeConfig],
    reader: &mut Reader<'_>,
) -> Option<Target> {
    let kind = manifest.key().kind;
    let root = At::root(manifest.value());
    let template = root.field("spec").field("template");
    let written_version = reader.text(&template.field("apiVersion")).filter(|text| !text.is_empty());
    let written_kind = reader.text(&template.field("kind")).filter(|text| !text.is_empty());
    let config = configs.iter().find(|config| config.federated == kind);
    if config.is_some_and(|config| !config.is_enabled) {
        let message = "its FederatedTypeConfig says `propagation: Disabled`, so that KubeFed would leave its objects as \
                       they are: take the document out, or set `Enabled`";
        reader.problem(&root.path, message);
        return None;
    }
    let known = match config {
        Some(config) => Some(config.target.clone()),
        None => built_in(&kind, manifest),
    };
    if let Some(known) = &known
        && written_kind.is_some_and(|kind| kind != known.kind)
    {
        let message = format!("it is always `{}` for this kind of document", known.kind);
        reader.warn(&template.field("kind").path, message);
    }
    let short = kind.kind.strip_prefix("Federated").filter(|rest| !rest.is_empty());
    let target = match (known, written_version, written_kind.or(short)) {
        (Some(known), None, _) => known,
        (Some(known), Some(version), _) => Target { api_version: version.to_owned(), ..known },
        (None, Some(version), Some(kind)) => {
            let group = group_of(version).to_owned();
            let scope = scope::scope(&GroupKind { group, kind: kind.to_owned() });
            Target { api_version: version.to_owned(), kind: kind.to_owned(), scope }
        }
        (None, _, short) => {
            reader.problem(&root.path, unknown(&kind.kind, short));
            return None;
        }
    };
    Some(target)
}

/// What to do about a federated kind that nothing tells the target of.
fn unknown(kind: &str, short: Option<&str>) -> String {
    let short = short.unwrap_or("…");
    format!(
        "`{kind}` is no kind that KubeFed federates by itself: add its FederatedTypeConfig (apiVersion \
         `core.kubefed.io/v1beta1`, with `spec.federatedType: {{ group, version, kind: {kind} }}` and \
         `spec.targetType: {{ group, version, kind: {short}, scope: Namespaced or Cluster }}`) to the manifests, or \
         write `apiVersion` and `kind: {short}` into `spec.template`"
    )
}

fn built_in(kind: &GroupKind, manifest: &Manifest) -> Option<Target> {
    let short = kind.kind.strip_prefix("Federated").filter(|_| kind.group == FEDERATED_GROUP)?;
    let (api_version, _) = BUILT_IN.iter().find(|(_, kinds)| kinds.contains(&short))?;
    // The one kind whose newest version cannot read what was written for the one before it.
    let is_old_autoscaler = short == "HorizontalPodAutoscaler"
        && manifest.value().pointer("/spec/template/spec/targetCPUUtilizationPercentage").is_some();
    let api_version = if is_old_autoscaler { "autoscaling/v1" } else { api_version };
    let target = GroupKind { group: group_of(api_version).to_owned(), kind: short.to_owned() };
    let scope = scope::scope(&target);
    Some(Target { api_version: api_version.to_owned(), kind: target.kind, scope })
}

impl Target {
    /// Whether it makes namespaces.
    pub(super) fn is_namespace(&self) -> bool {
        self.kind == "Namespace" && group_of(&self.api_version).is_empty()
    }

    /// The namespace of what a document makes; `None` for what is in none.
    pub(super) fn namespace_of(&self, manifest: &Manifest) -> Option<String> {
        let written = text(manifest.value(), "/metadata/namespace");
        match self.scope {
            Some(Scope::Cluster) => None,
            Some(Scope::Namespaced) if written.is_empty() => Some("default".to_owned()),
            _ => (!written.is_empty()).then(|| written.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_kind_has_a_scope_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (api_version, kinds) in BUILT_IN {
            for kind in *kinds {
                let target = GroupKind { group: group_of(api_version).to_owned(), kind: (*kind).to_owned() };
                assert!(scope::scope(&target).is_some(), "{kind}");
                assert!(seen.insert(kind), "{kind}");
            }
        }
    }
}
