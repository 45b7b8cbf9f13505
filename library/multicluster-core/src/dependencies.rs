//! What an object needs beside it: the objects that it refers to by name.
//!
//! Invariant: only what the object says counts, and only what must stand beside it on the same cluster. What every
//! cluster brings itself (the service account `default`, the config map `kube-root-ca.crt`, Kubernetes' own cluster
//! roles) and what a controller makes (the claims of a stateful set's templates) is not a reference.

mod pod;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::{GroupKind, Manifest, ObjectKey, group_of, text};

/// The API group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

/// How badly an object is needed. Of two references to the same object the stronger one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The object is used if it is there (`optional: true`).
    Optional,
    /// Without it the referring object does not work.
    Required,
}

/// The objects that something refers to, each once.
pub type References = BTreeMap<ObjectKey, Need>;

/// What some objects need, and what that needs in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// What was found, without the roots themselves.
    pub found: BTreeMap<ObjectKey, Dependency>,
    /// What is referred to and was not found.
    pub missing: BTreeMap<ObjectKey, Dependency>,
}

/// Why an object is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The strongest of all references to it.
    pub need: Need,
    /// The objects that refer to it themselves.
    pub needed_by: BTreeSet<ObjectKey>,
}

/// The objects that one object refers to by name.
///
/// | object | refers to |
/// |---|---|
/// | what runs pods (Pod, Deployment, CronJob, …) | ConfigMaps, Secrets, ServiceAccount, PersistentVolumeClaims |
/// | Ingress | the Secrets of its `tls` |
/// | ServiceAccount | its `imagePullSecrets`, and its `secrets` if they are there |
/// | RoleBinding, ClusterRoleBinding | the role, the ServiceAccounts |
///
/// References without a namespace of their own are into the object's namespace, as it is written. Anything else, and
/// anything malformed, refers to nothing.
///
/// # Examples
/// ```
/// use multicluster_core::dependencies::{Need, references};
/// use serde_json::json;
///
/// let pod = json!({
///     "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" },
///     "spec": { "containers": [{ "name": "web", "envFrom": [{ "configMapRef": { "name": "settings" } }] }] }
/// });
/// let found: Vec<_> = references(&pod).into_iter().map(|(key, need)| (key.to_string(), need)).collect();
/// assert_eq!(found, [("ConfigMap shop/settings".to_owned(), Need::Required)]);
/// ```
#[must_use]
pub fn references(object: &Value) -> References {
    let mut found = Found::within(object);
    match (group_of(text(object, "/apiVersion")), text(object, "/kind")) {
        ("", "Pod") => pod::spec(object.pointer("/spec"), &BTreeSet::new(), &mut found),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet" | "DaemonSet")
        | ("batch", "Job") => pod::spec(object.pointer("/spec/template/spec"), &BTreeSet::new(), &mut found),
        ("apps", "StatefulSet") => {
            let made = list(Some(object), "/spec/volumeClaimTemplates");
            let made = made.map(|template| text(template, "/metadata/name")).collect();
            pod::spec(object.pointer("/spec/template/spec"), &made, &mut found);
        }
        ("batch", "CronJob") => {
            pod::spec(object.pointer("/spec/jobTemplate/spec/template/spec"), &BTreeSet::new(), &mut found);
        }
        ("networking.k8s.io" | "extensions", "Ingress") => {
            for tls in list(Some(object), "/spec/tls") {
                found.core("Secret", text(tls, "/secretName"), Need::Required);
            }
        }
        ("", "ServiceAccount") => {
            for secret in list(Some(object), "/imagePullSecrets") {
                found.core("Secret", text(secret, "/name"), Need::Required);
            }
            // On older clusters these are tokens that the cluster made itself; nothing fails without them.
            for secret in list(Some(object), "/secrets") {
                found.core("Secret", text(secret, "/name"), Need::Optional);
            }
        }
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => binding(object, &mut found),
        _ => {}
    }
    found.references
}

/// All that some objects need, directly or through each other.
///
/// `lookup` answers with the object of a key, or `None` where there is none (or none yet); it is asked at most once per
/// key. Roots are not looked up, and are no part of the answer even if others refer to them.
///
/// # Examples
/// ```
/// use multicluster_core::dependencies::closure;
/// use serde_json::json;
///
/// let account = json!({
///     "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "web", "namespace": "shop" },
///     "imagePullSecrets": [{ "name": "registry" }]
/// });
/// let pod = json!({
///     "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" },
///     "spec": { "serviceAccountName": "web" }
/// });
/// let needed = closure([&pod], |key| (key.kind.kind == "ServiceAccount").then(|| account.clone()));
/// let names = |keys: Vec<_>| keys.into_iter().map(ToString::to_string).collect::<Vec<_>>();
/// assert_eq!(names(needed.found.keys().collect()), ["ServiceAccount shop/web"]);
/// assert_eq!(names(needed.missing.keys().collect()), ["Secret shop/registry"]);
/// ```
#[must_use]
pub fn closure<'a>(
    roots: impl IntoIterator<Item = &'a Value>,
    mut lookup: impl FnMut(&ObjectKey) -> Option<Value>,
) -> Closure {
    let mut closure = Closure::default();
    let mut pending: Vec<(ObjectKey, References)> = roots
        .into_iter()
        .filter_map(|root| Some((Manifest::new(root.clone()).ok()?.key(), references(root))))
        .collect();
    let roots: BTreeSet<ObjectKey> = pending.iter().map(|(key, _)| key.clone()).collect();
    while let Some((referrer, references)) = pending.pop() {
        for (key, need) in references {
            if roots.contains(&key) {
                continue;
            }
            if !closure.found.contains_key(&key) && !closure.missing.contains_key(&key) {
                let object = lookup(&key);
                let known = if object.is_some() { &mut closure.found } else { &mut closure.missing };
                known.insert(key.clone(), Dependency { need, needed_by: BTreeSet::new() });
                if let Some(object) = object {
                    pending.push((key.clone(), self::references(&object)));
                }
            }
            let known = closure.found.get_mut(&key).or_else(|| closure.missing.get_mut(&key));
            if let Some(dependency) = known {
                dependency.need = dependency.need.max(need);
                dependency.needed_by.insert(referrer.clone());
            }
        }
    }
    closure
}

/// The workload whose number of replicas an autoscaler decides: of a `HorizontalPodAutoscaler`, or of a `ScaledObject`
/// of KEDA. `None` for any other object, and for one that names nothing.
///
/// # Examples
/// ```
/// use multicluster_core::dependencies::scale_target;
/// use serde_json::json;
///
/// let autoscaler = json!({
///     "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
///     "metadata": { "name": "web", "namespace": "shop" },
///     "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } }
/// });
/// assert_eq!(scale_target(&autoscaler).unwrap().to_string(), "Deployment shop/web");
/// ```
#[must_use]
pub fn scale_target(object: &Value) -> Option<ObjectKey> {
    // KEDA scales a Deployment unless told otherwise; an autoscaler of Kubernetes has to be told.
    let (api_version, kind) = match (group_of(text(object, "/apiVersion")), text(object, "/kind")) {
        ("autoscaling", "HorizontalPodAutoscaler") => ("", ""),
        ("keda.sh", "ScaledObject") => ("apps/v1", "Deployment"),
        _ => return None,
    };
    let or = |given: &'static str, otherwise: &'static str| match text(object, given) {
        "" => otherwise.to_owned(),
        given => given.to_owned(),
    };
    let kind = or("/spec/scaleTargetRef/kind", kind);
    let name = text(object, "/spec/scaleTargetRef/name");
    if kind.is_empty() || name.is_empty() {
        return None;
    }
    let api_version = or("/spec/scaleTargetRef/apiVersion", api_version);
    Some(ObjectKey {
        kind: GroupKind { group: group_of(&api_version).to_owned(), kind },
        namespace: namespace(object),
        name: name.to_owned(),
    })
}

fn binding(object: &Value, found: &mut Found) {
    let (kind, name) = (text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
    // Every cluster has these, and keeps them as they are.
    let built_in = kind == "ClusterRole"
        && (["admin", "cluster-admin", "edit", "view"].contains(&name) || name.starts_with("system:"));
    match kind {
        "Role" => found.note(RBAC, kind, found.namespace.clone(), name, Need::Required),
        "ClusterRole" if !built_in => found.note(RBAC, kind, None, name, Need::Required),
        _ => {}
    }
    for subject in list(Some(object), "/subjects") {
        if text(subject, "/kind") == "ServiceAccount" && text(subject, "/apiGroup").is_empty() {
            let namespace = namespace_or(text(subject, "/namespace"), found.namespace.clone());
            found.account(namespace, text(subject, "/name"));
        }
    }
}

/// References as they are found.
struct Found {
    /// Of the object that refers.
    namespace: Option<String>,
    references: References,
}

impl Found {
    fn within(object: &Value) -> Self {
        Self { namespace: namespace(object), references: References::new() }
    }

    /// Notes an object of the core group, in the referring object's namespace.
    fn core(&mut self, kind: &str, name: &str, need: Need) {
        self.note("", kind, self.namespace.clone(), name, need);
    }

    fn account(&mut self, namespace: Option<String>, name: &str) {
        if name != "default" {
            self.note("", "ServiceAccount", namespace, name, Need::Required);
        }
    }

    fn note(&mut self, group: &str, kind: &str, namespace: Option<String>, name: &str, need: Need) {
        if name.is_empty() || (kind == "ConfigMap" && name == "kube-root-ca.crt") {
            return;
        }
        let kind = GroupKind { group: group.to_owned(), kind: kind.to_owned() };
        let known = self
            .references
            .entry(ObjectKey { kind, namespace, name: name.to_owned() })
            .or_insert(Need::Optional);
        *known = need.max(*known);
    }
}

fn namespace(object: &Value) -> Option<String> {
    namespace_or(text(object, "/metadata/namespace"), None)
}

fn namespace_or(given: &str, otherwise: Option<String>) -> Option<String> {
    if given.is_empty() { otherwise } else { Some(given.to_owned()) }
}

/// The items of the list at a pointer; none if there is no list.
fn list<'a>(value: Option<&'a Value>, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.and_then(|value| value.pointer(pointer)).and_then(Value::as_array).into_iter().flatten()
}
