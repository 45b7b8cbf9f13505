//! From what a user asks to the objects of each member.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::digest::digest;
use crate::federation::identity::FederationSet;
use crate::federation::spec::{FederationSpec, OverrideSpec, Replicas, ResourceSpec, Target};
use crate::names::ClusterName;
use crate::object::{Manifest, ObjectKey};
use crate::overrides;
use crate::placement::{self, PlacementFacts};
use crate::replicas::{self, Share};
use crate::scope;

/// One object as it should be on one member, without our own labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The entry of `resources` that asks for it.
    pub resource: String,
    /// The object.
    pub object: Value,
    /// The digest of `object`.
    pub digest: String,
}

/// The objects of one member.
pub type MemberDesired = BTreeMap<ObjectKey, Desired>;

/// The objects of all members. Every member has an entry, if only an empty one.
pub type Rendered = BTreeMap<ClusterName, MemberDesired>;

/// Something in the configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry of `resources`.
    pub resource: String,
    /// Which part of that entry.
    pub field: Field,
    /// Why, in a sentence.
    pub message: String,
}

/// A part of an entry of `resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `manifest`
    Manifest,
    /// `placement`
    Placement,
    /// `replicas`
    Replicas,
    /// `replicas.clusters["…"]`
    ReplicasOf(ClusterName),
    /// `overrides[…]`
    Override(usize),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resource `{}`: {}", self.resource, self.message)
    }
}

/// Renders every member's objects: placement, then replicas, then overrides.
///
/// # Errors
/// All problems of the configuration at once.
pub fn render(spec: &FederationSpec) -> Result<Rendered, Vec<Problem>> {
    let mut rendered: Rendered = spec.members.keys().map(|name| (name.clone(), BTreeMap::new())).collect();
    let mut owners: BTreeMap<ObjectKey, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, resource) in &spec.resources {
        let mut report = |field, message: String| {
            problems.push(Problem { resource: name.clone(), field, message });
        };
        for manifest in &resource.manifests {
            let key = key_of(manifest);
            if let Some(message) = refused(&key, manifest.value()) {
                report(Field::Manifest, message);
            }
            if let Some(other) = owners.insert(key.clone(), name) {
                report(
                    Field::Manifest,
                    format!("{key} stands in `{other}` as well; an object has one owner"),
                );
            }
        }
        render_resource(spec, name, resource, &mut rendered, &mut report);
    }
    if problems.is_empty() { Ok(rendered) } else { Err(problems) }
}

/// The objects that would be in the way of the federation's own records.
#[must_use]
pub fn in_the_way(spec: &FederationSpec, set: &FederationSet) -> Vec<Problem> {
    let hidden = |key: &ObjectKey| {
        let named = |group: &str, kind: &str, name: &str| {
            key.kind.group == group && key.kind.kind == kind && key.name == name
        };
        let inside = key.namespace.as_deref() == Some(set.namespace.as_str());
        named("", "Namespace", &set.namespace)
            || (inside && named("", "ConfigMap", &set.inventory_name()))
            || (inside && named("coordination.k8s.io", "Lease", &set.lease_name()))
    };
    let entries = spec
        .resources
        .iter()
        .flat_map(|(name, resource)| resource.manifests.iter().map(move |manifest| (name, key_of(manifest))));
    entries
        .filter(|(_, key)| hidden(key))
        .map(|(name, key)| Problem {
            resource: name.clone(),
            field: Field::Manifest,
            message: format!("{key} is where the federation keeps its own records (`inventory_namespace`)"),
        })
        .collect()
}

/// Which object a manifest is: as written, with namespace `default` where a built-in kind needs one and has none.
#[must_use]
pub fn key_of(manifest: &Manifest) -> ObjectKey {
    let mut key = manifest.key();
    match scope::scope(&key.kind) {
        Some(scope::Scope::Namespaced) if key.namespace.is_none() => {
            key.namespace = Some("default".to_owned());
        }
        Some(scope::Scope::Cluster) => key.namespace = None,
        _ => {}
    }
    key
}

/// Why an object cannot be federated, if so.
fn refused(key: &ObjectKey, object: &Value) -> Option<String> {
    let filled = |field: &str| match object.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::Object(data)) => !data.is_empty(),
        Some(_) => true,
    };
    if key.kind.group.is_empty() && key.kind.kind == "Secret" && (filled("data") || filled("stringData")) {
        return Some(format!(
            "{key} holds data, and a manifest is stored in Terraform's state: keep secrets out of it"
        ));
    }
    if object.get("status").is_some() && !key.kind.group.is_empty() {
        return Some(format!("{key} has a `status`, which only the cluster writes: remove it"));
    }
    let metadata = object.get("metadata");
    // As `kubectl get -o yaml` prints them. They belong to one object on one cluster.
    let own = ["managedFields", "resourceVersion", "uid"].into_iter().find(|field| {
        metadata.and_then(|metadata| metadata.get(*field)).is_some_and(|value| !value.is_null())
    });
    own.map(|field| format!("{key} has a `metadata.{field}`, which only the cluster writes: remove it"))
}

fn render_resource(
    spec: &FederationSpec,
    name: &str,
    resource: &ResourceSpec,
    rendered: &mut Rendered,
    report: &mut impl FnMut(Field, String),
) {
    let placed = match placement::select(&resource.placement, &spec.members, &PlacementFacts::default()) {
        Ok(placed) => placed,
        Err(error) => return report(Field::Placement, error.to_string()),
    };
    let keys: Vec<ObjectKey> = resource.manifests.iter().map(key_of).collect();
    let counts = match resource.replicas.as_ref().map(|it| divide(it, resource, &keys, &placed)).transpose() {
        Ok(counts) => counts,
        Err((field, message)) => return report(field, message),
    };
    let mut targets = Vec::new();
    for (position, over) in resource.overrides.iter().enumerate() {
        match override_target(over, &keys, &spec.members.keys().cloned().collect()) {
            Ok(target) => targets.push(target),
            Err(message) => report(Field::Override(position), message),
        }
    }
    if targets.len() != resource.overrides.len() {
        return;
    }
    for member in &placed {
        for (manifest, key) in resource.manifests.iter().zip(&keys) {
            let mut object = manifest.value().clone();
            set_namespace(&mut object, key);
            if let Some((target, counts)) = &counts
                && target == key
            {
                let count = counts.get(member).copied().unwrap_or(0);
                if !set_replicas(&mut object, count) {
                    return report(Field::Manifest, format!("the `spec` of {key} is not a mapping"));
                }
            }
            let mut overridden = None;
            for (position, over) in resource.overrides.iter().enumerate() {
                let here = over.clusters.as_ref().is_none_or(|clusters| clusters.contains(member));
                if !here || targets.get(position) != Some(key) {
                    continue;
                }
                overridden = Some(position);
                if let Err(error) = overrides::apply(&mut object, &over.patch) {
                    report(Field::Override(position), format!("{key} on `{member}`: {error}"));
                }
            }
            // The manifest as written was looked at already.
            if let Some(position) = overridden
                && refused(key, manifest.value()).is_none()
                && let Some(message) = refused(key, &object)
            {
                report(Field::Override(position), message);
            }
            let desired = Desired { resource: name.to_owned(), digest: digest(&object), object };
            if let Some(objects) = rendered.get_mut(member) {
                objects.insert(key.clone(), desired);
            }
        }
    }
}

/// Sets `spec.replicas`; `false` if there is no place for it.
fn set_replicas(object: &mut Value, count: u64) -> bool {
    let spec = object.as_object_mut().map(|fields| fields.entry("spec").or_insert(Value::Null));
    match spec {
        Some(spec @ Value::Null) => *spec = serde_json::json!({ "replicas": count }),
        Some(Value::Object(spec)) => drop(spec.insert("replicas".to_owned(), count.into())),
        _ => return false,
    }
    true
}

fn set_namespace(object: &mut Value, key: &ObjectKey) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        match &key.namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), namespace.clone().into()),
            None => metadata.remove("namespace"),
        };
    }
}

type Counts = (ObjectKey, BTreeMap<ClusterName, u64>);

fn divide(
    replicas: &Replicas,
    resource: &ResourceSpec,
    keys: &[ObjectKey],
    placed: &std::collections::BTreeSet<ClusterName>,
) -> Result<Counts, (Field, String)> {
    if let Some(stranger) = replicas.clusters.keys().find(|name| !placed.contains(*name)) {
        let message = format!("`{stranger}` has a share of the replicas, but the object is not placed there");
        return Err((Field::ReplicasOf(stranger.clone()), message));
    }
    let fits = |key: &ObjectKey| scope::has_replicas(&key.kind);
    let target = target(replicas.target.as_ref(), keys, fits, "replicas")
        .map_err(|message| (Field::Replicas, message))?;
    let written = keys
        .iter()
        .zip(&resource.manifests)
        .find(|(key, _)| **key == target)
        .and_then(|(_, manifest)| manifest.value().pointer("/spec/replicas").and_then(Value::as_u64));
    // A workload without `spec.replicas` has one, says its API.
    let total = replicas.total.or(written).unwrap_or(1);
    let share = |name: &ClusterName| {
        replicas.clusters.get(name).copied().unwrap_or(Share { weight: 1, min: 0, max: None })
    };
    let shares = placed.iter().map(|name| (name.clone(), share(name))).collect();
    let counts = replicas::divide(total, &shares).map_err(|error| (Field::Replicas, error.to_string()))?;
    Ok((target, counts))
}

fn override_target(
    over: &OverrideSpec,
    keys: &[ObjectKey],
    members: &std::collections::BTreeSet<ClusterName>,
) -> Result<ObjectKey, String> {
    if let Some(stranger) = over.clusters.iter().flatten().find(|name| !members.contains(*name)) {
        return Err(format!("`{stranger}` is not a member of the federation"));
    }
    target(over.target.as_ref(), keys, |_| true, "the override")
}

/// Finds the object that replicas or an override are for.
fn target(
    named: Option<&Target>,
    keys: &[ObjectKey],
    fits: impl Fn(&ObjectKey) -> bool,
    what: &str,
) -> Result<ObjectKey, String> {
    let mut candidates: Vec<&ObjectKey> = match named {
        Some(target) => keys.iter().filter(|key| target.is(key)).collect(),
        None => keys.iter().filter(|key| fits(key)).collect(),
    };
    // An override of a manifest with one workload is for the workload.
    if named.is_none() && candidates.len() > 1 {
        let workloads: Vec<&ObjectKey> =
            candidates.iter().copied().filter(|key| scope::has_replicas(&key.kind)).collect();
        if workloads.len() == 1 {
            candidates = workloads;
        }
    }
    match (candidates.as_slice(), named) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(target)) => Err(format!("the manifest has no {} `{}`", target.kind, target.name)),
        ([], None) => Err(format!("the manifest has no object that {what} could be for")),
        (several, _) => {
            let list = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(format!("{what} could be for {list}: name one with `target = {{ kind = …, name = … }}`"))
        }
    }
}

#[cfg(test)]
mod tests;
