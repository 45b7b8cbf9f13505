//! The configuration of a federation, typed. Problems keep the path of the attribute that they are about.

use std::collections::BTreeMap;

use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster_core::federation::render::{Field, Problem, Rendered, in_the_way, render};
use multicluster_core::federation::spec::{FederationSpec, OverrideSpec, Replicas, ResourceSpec, Target};
use multicluster_core::names::{ClusterName, FederationName};
use multicluster_core::placement::{Labels, Placement};
use multicluster_core::replicas::Share;
use multicluster_core::{manifest, overrides};
use tfplugin::{Diagnostics, Node, Path, Value};

use crate::validators::sentence;

/// A federation whose configuration is wholly known and makes sense.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What is asked for.
    pub(super) spec: FederationSpec,
    /// The objects of each member.
    pub(super) rendered: Rendered,
    /// The name and what is derived from it.
    pub(super) set: FederationSet,
    /// Whether an apply waits for pods.
    pub(super) wait_rollout: bool,
}

/// The attributes that a user sets: what must be known before anything can be said.
const INPUTS: [&str; 5] = ["name", "members", "resources", "wait", "inventory_namespace"];

/// Whether everything is known that decides what is to be done.
pub(super) fn inputs_known(value: &Value) -> bool {
    let node = Node::root(value);
    INPUTS.iter().all(|name| node.attribute(name).is_wholly_known())
}

/// The model of a configuration, plan or state. `None` if parts are unknown or wrong; what is wrong is in
/// `diagnostics`. Unknown parts are skipped, so that the known ones are checked already.
pub(super) fn model(value: &Value, diagnostics: &mut Diagnostics) -> Option<Model> {
    let node = Node::root(value);
    let mut problems = Diagnostics::new();
    let name = node.attribute("name").str().and_then(|name| FederationName::new(name).ok());
    let members = members(&node.attribute("members"), &mut problems);
    let resources = resources(&node.attribute("resources"), &mut problems);
    let known = inputs_known(value);
    let failed = problems.has_errors();
    diagnostics.extend(problems);
    if failed || !known {
        return None;
    }
    let name = name?;
    let spec = FederationSpec { name: name.clone(), members, resources };
    let namespace = node.attribute("inventory_namespace").str().unwrap_or(DEFAULT_NAMESPACE);
    let set = FederationSet::default_of(name, namespace);
    let in_the_way = in_the_way(&spec, &set);
    match render(&spec, &Facts::default()) {
        Ok(rendered) if in_the_way.is_empty() => {
            let wait_rollout = node.attribute("wait").attribute("rollout").bool().unwrap_or(true);
            Some(Model { set, spec, rendered, wait_rollout })
        }
        rendered => {
            let problems = in_the_way.into_iter().chain(rendered.err().into_iter().flatten());
            for problem in problems {
                diagnostics.error_at(path_of(&problem), "Invalid federation", sentence(&problem.message));
            }
            None
        }
    }
}

fn members(node: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<ClusterName, Labels> {
    let mut members = BTreeMap::new();
    for (name, member) in node.entries() {
        // A name that is none was reported by the attribute's validator.
        if let Ok(name) = ClusterName::new(name) {
            members.insert(name, labels(&member.attribute("labels"), diagnostics));
        }
    }
    members
}

/// Labels. A null among them is an error: left out, a selector would select more than was meant.
fn labels(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Labels {
    let mut labels = Labels::new();
    for (name, value) in node.entries() {
        if let Some(text) = value.str() {
            labels.insert(name.to_owned(), text.to_owned());
        } else if value.is_null() {
            let detail = "A label must have a value; `\"\"` is one.";
            diagnostics.error_at(value.path(), "Missing value", detail);
        }
    }
    labels
}

fn resources(node: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<String, ResourceSpec> {
    let mut resources = BTreeMap::new();
    for (name, entry) in node.entries().into_iter().filter(|(_, entry)| entry.is_wholly_known()) {
        if entry.is_null() {
            diagnostics.error_at(entry.path(), "Missing value", "The entry is null.");
        } else if let Some(resource) = resource(&entry, diagnostics) {
            resources.insert(name.to_owned(), resource);
        }
    }
    resources
}

fn resource(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<ResourceSpec> {
    let text = node.attribute("manifest");
    let manifests = match manifest::parse(known(&text, diagnostics)?) {
        Ok(manifests) => manifests,
        Err(error) => {
            diagnostics.error_at(text.path(), "Invalid manifest", sentence(&error));
            return None;
        }
    };
    let placement = node.attribute("placement");
    let placement = Placement {
        clusters: names(&placement.attribute("clusters"), diagnostics)?,
        match_labels: filled(&placement.attribute("match_labels")).map(|node| labels(&node, diagnostics)),
        ..Placement::default()
    };
    let replicas = match filled(&node.attribute("replicas")) {
        Some(node) => Some(replicas(&node, diagnostics)?),
        None => None,
    };
    let mut overrides = Vec::new();
    for node in node.attribute("overrides").elements() {
        overrides.push(override_of(&node, diagnostics)?);
    }
    Some(ResourceSpec { placement, replicas, overrides, ..ResourceSpec::new(manifests) })
}

fn replicas(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Replicas> {
    let number =
        |node: &Node<'_>, name: &str| node.attribute(name).i64().and_then(|it| u64::try_from(it).ok());
    let mut clusters = BTreeMap::new();
    for (name, share) in node.attribute("clusters").entries() {
        let name = cluster_name(name, &share.path(), diagnostics)?;
        let weight = number(&share, "weight").unwrap_or(1);
        let min = number(&share, "min").unwrap_or(0);
        clusters.insert(name, Share { weight, min, max: number(&share, "max"), exact: None });
    }
    Some(Replicas { target: target(&node.attribute("target")), total: number(node, "total"), clusters })
}

fn override_of(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<OverrideSpec> {
    let patch = node.attribute("patch");
    let target = target(&node.attribute("target"));
    let clusters = names(&node.attribute("clusters"), diagnostics)?;
    match overrides::parse_patch(known(&patch, diagnostics)?) {
        Ok(patch) => Some(OverrideSpec { target, clusters, patch }),
        Err(error) => {
            diagnostics.error_at(patch.path(), "Invalid patch", sentence(&error));
            None
        }
    }
}

/// A text that has to be there.
fn known<'a>(node: &Node<'a>, diagnostics: &mut Diagnostics) -> Option<&'a str> {
    let text = node.str();
    if text.is_none() {
        diagnostics.error_at(node.path(), "Missing value", "It is required, and null.");
    }
    text
}

fn target(node: &Node<'_>) -> Option<Target> {
    let kind = node.attribute("kind").str()?.to_owned();
    let name = node.attribute("name").str()?.to_owned();
    Some(Target { kind, name })
}

/// A list of cluster names; `Some(None)` if it is absent.
fn names(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Option<Vec<ClusterName>>> {
    if node.is_null() {
        return Some(None);
    }
    let name = |node: Node<'_>| cluster_name(node.str().unwrap_or_default(), &node.path(), diagnostics);
    node.elements().into_iter().map(name).collect::<Option<Vec<_>>>().map(Some)
}

fn cluster_name(name: &str, path: &Path, diagnostics: &mut Diagnostics) -> Option<ClusterName> {
    match ClusterName::new(name) {
        Ok(name) => Some(name),
        Err(error) => {
            diagnostics.error_at(path.clone(), "Invalid cluster name", sentence(&error));
            None
        }
    }
}

fn filled<'a>(node: &Node<'a>) -> Option<Node<'a>> {
    (!node.is_null()).then(|| node.clone())
}

/// The attribute that a problem is about.
fn path_of(problem: &Problem) -> Path {
    let entry = Path::root().attribute("resources").key(&problem.resource);
    match &problem.field {
        Field::Manifest => entry.attribute("manifest"),
        Field::Placement => entry.attribute("placement"),
        Field::Replicas => entry.attribute("replicas"),
        Field::ReplicasOf(name) => entry.attribute("replicas").attribute("clusters").key(name.as_str()),
        Field::Override(position) => entry
            .attribute("overrides")
            .index(i64::try_from(*position).unwrap_or(i64::MAX))
            .attribute("patch"),
    }
}

#[cfg(test)]
mod tests;
