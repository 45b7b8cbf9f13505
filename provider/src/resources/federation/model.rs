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

use super::record::Record;
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
    /// Objects whose documents do not select the member, so that they are not to outlive anything there.
    pub(super) unselected: BTreeMap<ClusterName, BTreeSet<ObjectKey>>,
    /// Whether it is a whole federation.
    pub(super) shape: Shape,
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
    /// Whether there are objects whose content is not in a state.
    pub(super) fn has_confidential(&self) -> bool {
        self.rendered.values().flat_map(BTreeMap::values).any(|desired| desired.confidential)
    }

    /// Says what is probably not meant: once per entry, and under a title of its own, since Terraform shows but one of
    /// several warnings with the same title.
    pub(super) fn warn(&self, diagnostics: &mut Diagnostics) {
        let mut by_entry: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for warning in &self.warnings {
            by_entry.entry(&warning.resource).or_default().push(warning);
        }
        for (entry, warnings) in by_entry {
            let Some(first) = warnings.first() else { continue };
            let sentences: Vec<String> = warnings.iter().map(|it| sentence(&it.message)).collect();
            let title = format!("Probably not meant in `{entry}`");
            diagnostics.warning_at(self.path_of(first), title, sentences.join("\n"));
        }
    }

    /// Whether other members stand in for one that did not answer when it was read.
    pub(super) fn is_held(&self, name: &ClusterName) -> bool {
        self.rendered.get(name).is_some_and(|objects| objects.values().any(|desired| desired.held))
    }

    /// The attribute that a problem is about.
    pub(super) fn path_of(&self, problem: &Problem) -> Path {
        path_of(self.shape, &self.spec, problem)
    }

    /// Renders again, with what is to be copied.
    ///
    /// # Errors
    /// What does not fit what is copied; nothing has changed then.
    pub(super) fn copy(&mut self, facts: &Facts) -> Result<(), Vec<Problem>> {
        self.rendered = render_all(&self.spec, facts)?.objects;
        Ok(())
    }

    /// Whether all copies that an entry asks for are there as they were made, by what was read last.
    pub(super) fn has_copies(&self, entry: &str, record: &Record) -> bool {
        self.rendered.iter().all(|(name, desired)| {
            desired.iter().filter(|(_, desired)| desired.resource == entry).all(|(key, desired)| {
                let seen = record.seen(name).and_then(|seen| seen.object(key));
                seen.is_some_and(|seen| seen.is_in_sync() && seen.desired == desired.digest)
            })
        })
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

/// Which resource a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A federation with its entries.
    Federation,
    /// One entry that stands alone.
    Object,
}

impl Shape {
    /// Only an object that stands alone says which federation it belongs to.
    pub(crate) fn of(value: &Value) -> Self {
        if value.get("federation").is_some() { Self::Object } else { Self::Federation }
    }

    /// The attributes that decide what is to be done: what must be known before anything can be said.
    fn inputs(self) -> Vec<&'static str> {
        let mut inputs =
            vec!["name", "members", "wait", "inventory_namespace", "leave", "max_deletions", "plan_checks"];
        match self {
            Self::Federation => inputs.extend(["resources", "cidr_overlap"]),
            Self::Object => inputs.push("federation"),
        }
        inputs.extend(entry::policy().into_iter().map(|(name, _)| name));
        if self == Self::Object {
            inputs.extend(entry::attributes().into_iter().map(|(name, _)| name));
        }
        inputs
    }

    /// The path of an entry.
    pub(crate) fn path_of(self, resource: &str) -> Path {
        match self {
            Self::Federation => Path::root().attribute("resources").key(resource),
            Self::Object => Path::root(),
        }
    }
}

/// What a value says of the federation's name and of the set in it that is meant.
pub(crate) fn set_of(value: &Value) -> Option<FederationSet> {
    let node = Node::root(value);
    let namespace = node.attribute("inventory_namespace").str().unwrap_or(DEFAULT_NAMESPACE);
    let named = |attribute| FederationName::new(node.attribute(attribute).str()?).ok();
    match Shape::of(value) {
        Shape::Federation => Some(FederationSet::default_of(named("name")?, namespace)),
        Shape::Object => {
            let set = FederationSet::default_of(named("federation")?, namespace);
            Some(FederationSet { set: named("name")?.to_string(), ..set })
        }
    }
}

/// The id of a resource, unknown as long as its names are.
pub(super) fn id(value: &Value) -> Value {
    let node = Node::root(value);
    let (federation, name) = (node.attribute("federation"), node.attribute("name"));
    match (Shape::of(value), federation.str(), name.str()) {
        (Shape::Object, Some(federation), Some(name)) => format!("{federation}/{name}").into(),
        (Shape::Object, ..) => Value::Unknown,
        (Shape::Federation, ..) => name.value().clone(),
    }
}

/// Whether everything is known that decides what is to be done. `config` has what is not in `value`, since it is
/// write-only.
pub(super) fn inputs_known(value: &Value, config: Option<&Value>) -> bool {
    let inputs = Shape::of(value).inputs();
    let known = |value: &Value, name: &str| Node::root(value).attribute(name).is_wholly_known();
    // The members of an object that stands alone are found at plan; its configuration never has any.
    if Shape::of(value) == Shape::Object && Node::root(value).attribute("members").is_null() {
        return false;
    }
    // What is computed is not in the configuration.
    let configured = |config: &Value| {
        inputs
            .iter()
            .all(|name| *name == "members" && Shape::of(value) == Shape::Object || known(config, name))
    };
    inputs.iter().all(|name| known(value, name)) && config.is_none_or(configured)
}

/// Whether two plans or states ask for the same.
pub(super) fn same_inputs(one: &Value, other: &Value) -> bool {
    Shape::of(one).inputs().iter().all(|name| one.get(name) == other.get(name))
}

/// Says what is wrong with a configuration. What is not known yet is looked at again at plan.
pub(super) fn validate(config: &Value, diagnostics: &mut Diagnostics) {
    let _ = model(config, Some(config), &Facts::default(), diagnostics);
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
    let shape = Shape::of(value);
    let members = members(&node.attribute("members"), &mut problems);
    let defaults = Defaults::default().over(&node, &mut problems);
    let resources = match shape {
        Shape::Federation => {
            let configured = config.map(|config| Node::root(config).attribute("resources"));
            resources(&node.attribute("resources"), configured.as_ref(), &defaults, &mut problems)
        }
        Shape::Object => alone(&node, config.map(Node::root).as_ref(), &mut problems),
    };
    let known = inputs_known(value, config);
    let failed = problems.has_errors();
    diagnostics.extend(problems);
    if failed || !known {
        return None;
    }
    let set = set_of(value)?;
    let spec = FederationSpec { name: set.federation.clone(), members, resources };
    let in_the_way = in_the_way(&spec, &set);
    match render_all(&spec, facts) {
        Ok(rendering) if in_the_way.is_empty() => {
            let Rendering { objects: rendered, warnings, preferred, unselected } = rendering;
            let options = options(value);
            Some(Model { shape, set, spec, rendered, warnings, preferred, unselected, options })
        }
        rendered => {
            let problems = in_the_way.into_iter().chain(rendered.err().into_iter().flatten());
            for problem in problems {
                diagnostics.error_at(
                    path_of(shape, &spec, &problem),
                    "Invalid federation",
                    sentence(&problem.message),
                );
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

/// The one entry of an object that stands alone, by the name of its set.
fn alone(
    node: &Node<'_>,
    config: Option<&Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ResourceSpec> {
    let known =
        |node: &Node<'_>| entry::attributes().iter().all(|(name, _)| node.attribute(name).is_wholly_known());
    if !known(node) || !config.is_none_or(known) {
        return BTreeMap::new();
    }
    let entry = Entry { node, config };
    let resource = entry::resource(entry, &Defaults::default(), diagnostics);
    let name = node.attribute("name").str().unwrap_or_default();
    resource.map(|resource| (name.to_owned(), resource)).into_iter().collect()
}

/// The attribute that a problem is about.
fn path_of(shape: Shape, spec: &FederationSpec, problem: &Problem) -> Path {
    entry::path_of(&shape.path_of(&problem.resource), spec.resources.get(&problem.resource), problem)
}

#[cfg(test)]
mod tests;
