//! The configuration of a federation, typed. Problems keep the path of the attribute that they are about.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster_core::federation::plan::Leave;
use multicluster_core::federation::render::{Problem, Rendered, Rendering, in_the_way, render_all};
use multicluster_core::federation::spec::{FederationSpec, ResourceSpec};
use multicluster_core::names::{ClusterName, FederationName};
use multicluster_core::object::ObjectKey;
use multicluster_core::placement::Labels;
use tfplugin::{Diagnostics, Node, Path, Value};

use crate::resources::entry::{self, Defaults, Entry};
use crate::validators::sentence;

/// A federation whose configuration is wholly known and makes sense.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What is asked for.
    pub(super) spec: FederationSpec,
    /// The objects of each member.
    pub(super) rendered: Rendered,
    /// What is probably not meant.
    pub(super) warnings: Vec<Problem>,
    /// Workloads of which it has to be known what runs of them.
    pub(super) preferred: BTreeSet<ObjectKey>,
    /// The name and what is derived from it.
    pub(super) set: FederationSet,
    /// What is asked for besides objects.
    pub(super) options: Options,
}

/// How a federation is worked on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// What happens to the objects of members that leave.
    pub(super) leave: Leave,
    /// Whether members that do not answer are forgotten when they leave.
    pub(super) forget_unreachable: bool,
    /// The most objects that one apply may delete.
    pub(super) max_deletions: Option<u64>,
    /// Whether plans ask the members by dry runs.
    pub(super) dry_run: bool,
}

impl Model {
    /// Says what is probably not meant.
    pub(super) fn warn(&self, diagnostics: &mut Diagnostics) {
        for warning in &self.warnings {
            diagnostics.warning_at(path_of(warning), "Probably not meant", sentence(&warning.message));
        }
    }

    /// Renders again, with what is to be copied.
    pub(super) fn copy(&mut self, facts: &Facts) {
        if let Ok(rendering) = render_all(&self.spec, facts) {
            self.rendered = rendering.objects;
        }
    }
}

/// The options of a configuration or a state.
pub(super) fn options(value: &Value) -> Options {
    let node = Node::root(value);
    let leave = node.attribute("leave");
    Options {
        leave: if leave.attribute("objects").str() == Some("orphan") { Leave::Orphan } else { Leave::Delete },
        forget_unreachable: leave.attribute("unreachable").str() == Some("forget"),
        max_deletions: node.attribute("max_deletions").i64().and_then(|it| u64::try_from(it).ok()),
        dry_run: node.attribute("plan_checks").str() != Some("read"),
    }
}

/// The attributes that decide what is to be done: what must be known before anything can be said.
const INPUTS: [&str; 14] = [
    "name",
    "members",
    "resources",
    "wait",
    "inventory_namespace",
    "adopt",
    "drift",
    "ignore_fields",
    "replace_on_immutable",
    "allow_plain_secrets",
    "leave",
    "max_deletions",
    "plan_checks",
    "cidr_overlap",
];

/// Whether everything is known that decides what is to be done. `config` has what is not in `value`, since it is
/// write-only.
pub(super) fn inputs_known(value: &Value, config: Option<&Value>) -> bool {
    let known = |value: &Value| {
        let node = Node::root(value);
        INPUTS.iter().all(|name| node.attribute(name).is_wholly_known())
    };
    known(value) && config.is_none_or(known)
}

/// The model of a configuration, plan or state. `None` if parts are unknown or wrong; what is wrong is in
/// `diagnostics`. Unknown parts are skipped, so that the known ones are checked already.
///
/// Without `config`, objects that are write-only are not in it.
pub(super) fn model(
    value: &Value,
    config: Option<&Value>,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) -> Option<Model> {
    let node = Node::root(value);
    let mut problems = Diagnostics::new();
    let name = node.attribute("name").str().and_then(|name| FederationName::new(name).ok());
    let members = members(&node.attribute("members"), &mut problems);
    let defaults = Defaults::default().over(&node, &mut problems);
    let configured = config.map(|config| Node::root(config).attribute("resources"));
    let resources = resources(&node.attribute("resources"), configured.as_ref(), &defaults, &mut problems);
    let known = inputs_known(value, config);
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
    match render_all(&spec, facts) {
        Ok(rendering) if in_the_way.is_empty() => {
            let Rendering { objects: rendered, warnings, preferred } = rendering;
            Some(Model { set, spec, rendered, warnings, preferred, options: options(value) })
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
            members.insert(name, entry::labels(&member.attribute("labels"), diagnostics));
        }
    }
    members
}

fn resources(
    node: &Node<'_>,
    config: Option<&Node<'_>>,
    defaults: &Defaults,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ResourceSpec> {
    let mut resources = BTreeMap::new();
    let configured: BTreeMap<&str, Node<'_>> =
        config.map(|config| config.entries().into_iter().collect()).unwrap_or_default();
    for (name, node) in node.entries().into_iter().filter(|(_, entry)| entry.is_wholly_known()) {
        let entry = Entry { node: &node, config: configured.get(name) };
        if entry.config.is_some_and(|config| !config.is_wholly_known()) {
            continue;
        }
        if node.is_null() {
            diagnostics.error_at(node.path(), "Missing value", "The entry is null.");
        } else if let Some(resource) = entry::resource(entry, defaults, diagnostics) {
            resources.insert(name.to_owned(), resource);
        }
    }
    resources
}

/// The attribute that a problem is about.
fn path_of(problem: &Problem) -> Path {
    entry::path_of(Path::root().attribute("resources").key(&problem.resource), problem)
}

#[cfg(test)]
mod tests;
