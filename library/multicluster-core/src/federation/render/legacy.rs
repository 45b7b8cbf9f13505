//! Documents of KubeFed among the manifests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Desired, Field, Problem, Rendered, refused, stand_in};
use crate::digest::digest;
use crate::federation::facts::Facts;
use crate::federation::spec::{FederationSpec, ResourceSpec};
use crate::kubefed::{self, Context};
use crate::names::ClusterName;
use crate::object::{Manifest, ObjectKey};

/// What the documents of KubeFed come to.
#[derive(Default)]
pub(super) struct Legacy {
    /// By the entry of `resources` that has the document, and the object.
    pub(super) objects: BTreeMap<(String, ObjectKey), Federated>,
    /// What KubeFed would have passed over in silence.
    pub(super) warnings: Vec<Problem>,
    /// Workloads that preferences divide.
    pub(super) preferred: BTreeSet<ObjectKey>,
    /// Objects that outlive their documents.
    pub(super) outliving: BTreeSet<ObjectKey>,
}

/// An object that KubeFed would keep on members.
pub(super) struct Federated {
    members: BTreeMap<ClusterName, Value>,
    /// Fields that are left to the member once the object is there.
    retained: BTreeMap<ClusterName, BTreeSet<String>>,
    replicas: BTreeMap<ClusterName, u64>,
    /// Whether it stays when its document goes.
    orphan: bool,
}

/// Expands the documents of KubeFed, and returns the federation without them.
pub(super) fn take_out(
    spec: &FederationSpec,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> (FederationSpec, Legacy) {
    let mut plain = spec.clone();
    let mut legacy = Legacy::default();
    let all: Vec<&Manifest> = spec.resources.values().flat_map(|resource| &resource.manifests).collect();
    if !all.iter().any(|manifest| kubefed::is_kubefed(manifest)) {
        return (plain, legacy);
    }
    let unready = facts.unreachable();
    let live = facts.live_replicas();
    let context = Context { members: &spec.members, unready: &unready, federation: &all, live: &live };
    for (name, resource) in &mut plain.resources {
        let problem = |field, message| Problem { resource: name.clone(), field, message };
        let manifests = std::mem::take(&mut resource.manifests);
        let mut expanded = match kubefed::expand(&manifests, &context) {
            Ok(expanded) => expanded,
            Err(found) => {
                problems.extend(found.iter().map(|it| problem(Field::Manifest, it.to_string())));
                continue;
            }
        };
        let expands = !expanded.objects.is_empty() || !expanded.nowhere.is_empty();
        if expands {
            for field in meaningless(resource) {
                let message =
                    "KubeFed's documents bring their own; this would have no effect on them".to_owned();
                problems.push(problem(field, message));
            }
        }
        legacy.warnings.extend(expanded.warnings.iter().map(|it| problem(Field::Manifest, it.to_string())));
        legacy.warnings.extend(
            expanded
                .nowhere
                .iter()
                .map(|(key, why)| problem(Field::Manifest, format!("{key} goes to no member: {why}"))),
        );
        legacy.preferred.extend(expanded.divided.keys().cloned());
        legacy.outliving.extend(expanded.orphan.iter().cloned());
        for (key, members) in expanded.objects {
            let federated = Federated {
                members,
                retained: expanded.retained.remove(&key).unwrap_or_default(),
                replicas: expanded.divided.remove(&key).unwrap_or_default(),
                orphan: expanded.orphan.contains(&key),
            };
            legacy.objects.insert((name.clone(), key), federated);
        }
        resource.manifests = expanded.plain;
        if expands {
            // What is said of it above is enough.
            *resource = ResourceSpec { replicas: None, overrides: Vec::new(), ..resource.clone() };
        }
    }
    (plain, legacy)
}

/// What an entry says besides documents of KubeFed, as if it could be for them.
fn meaningless(resource: &ResourceSpec) -> Vec<Field> {
    let mut fields = Vec::new();
    if resource.placement != crate::placement::Placement::default() {
        fields.push(Field::Placement);
    }
    if resource.replicas.is_some() {
        fields.push(Field::Replicas);
    }
    fields.extend((0..resource.overrides.len()).map(Field::Override));
    fields
}

/// Enters an object for its members.
pub(super) fn render(
    resource: &ResourceSpec,
    name: &str,
    key: &ObjectKey,
    federated: &Federated,
    rendered: &mut Rendered,
    report: &mut impl FnMut(Field, String),
) {
    for (member, object) in &federated.members {
        if let Some(message) = refused(key, object, resource.is_hidden()) {
            return report(Field::Manifest, message);
        }
        let mut object = object.clone();
        crate::copies::secret_data(&mut object);
        let mut policy = resource.policy.clone();
        policy.from_kubefed = true;
        policy.orphan = federated.orphan;
        policy.ignore_fields.extend(federated.retained.get(member).into_iter().flatten().cloned());
        let replicas = federated.replicas.get(member).copied();
        let content = stand_in(resource, key, &[], replicas);
        let content = content.as_ref().unwrap_or(&object);
        // That an object outlives its document is a part of its record, which an apply writes.
        let digest = if federated.orphan { digest(&json!([content, "orphan"])) } else { digest(content) };
        let desired = Desired {
            digest,
            policy,
            confidential: resource.confidential.is_some(),
            replicas,
            ..Desired::new(name, object)
        };
        if let Some(objects) = rendered.get_mut(member) {
            objects.insert(key.clone(), desired);
        }
    }
}
