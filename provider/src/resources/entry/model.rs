//! What users write about some objects, typed. Problems keep the path of the attribute that they are about.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::policy::{Adopt, Drift, Policy, Wait};
use multicluster_core::federation::render::{Field, Problem};
use multicluster_core::federation::spec::{CopyFrom, OverrideSpec, Replicas, ResourceSpec, Target};
use multicluster_core::names::ClusterName;
use multicluster_core::object::Manifest;
use multicluster_core::overrides::{self, Change, ImageChange, Scope};
use multicluster_core::placement::{Labels, Placement, Spread};
use multicluster_core::replicas::{Mode, Share};
use multicluster_core::selector::{Operator, Requirement, Selector};
use multicluster_core::{manifest, scope};
use serde_json::{Value as Json, json};
use tfplugin::{Diagnostics, Node, Path, duration};

use crate::validators::sentence;

/// What holds where an entry says nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) policy: Policy,
    pub(crate) plain_secrets: bool,
}

impl Defaults {
    /// The rules that a federation, or an entry after it, gives.
    pub(crate) fn over(&self, node: &Node<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut policy = self.policy.clone();
        match node.attribute("adopt").str() {
            Some("if_no_diff") => policy.adopt = Adopt::IfNoDiff,
            Some("always") => policy.adopt = Adopt::Always,
            Some(_) => policy.adopt = Adopt::Never,
            None => {}
        }
        match node.attribute("drift").str() {
            Some("detect") => policy.drift = Drift::Detect,
            Some("ignore") => policy.drift = Drift::Ignore,
            Some(_) => policy.drift = Drift::Correct,
            None => {}
        }
        let ignored = node.attribute("ignore_fields");
        policy.ignore_fields.extend(ignored.elements().iter().filter_map(Node::str).map(str::to_owned));
        if let Some(replace) = node.attribute("replace_on_immutable").bool() {
            policy.replace_on_immutable = replace;
        }
        wait(&node.attribute("wait"), &mut policy.wait, diagnostics);
        let plain_secrets = node.attribute("allow_plain_secrets").bool().unwrap_or(self.plain_secrets);
        Self { policy, plain_secrets }
    }
}

fn wait(node: &Node<'_>, wait: &mut Wait, diagnostics: &mut Diagnostics) {
    if let Some(rollout) = node.attribute("rollout").bool() {
        wait.rollout = rollout;
    }
    if let Some(ready) = node.attribute("ready").bool() {
        wait.ready = ready;
    }
    wait.conditions.extend(labels(&node.attribute("conditions"), diagnostics));
    if let Some(time) = node.attribute("timeout").str().and_then(|text| duration::parse(text).ok()) {
        wait.timeout = Some(time.as_secs().max(1));
    }
}

/// An entry: as planned, and as configured, since write-only values are in the configuration alone.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a, 'n> {
    pub(crate) node: &'a Node<'n>,
    pub(crate) config: Option<&'a Node<'n>>,
}

/// What an entry asks for; `None` if something is wrong with it, which was reported then.
pub(crate) fn resource(
    entry: Entry<'_, '_>,
    defaults: &Defaults,
    diagnostics: &mut Diagnostics,
) -> Option<ResourceSpec> {
    let node = entry.node;
    let source = source(entry, diagnostics)?;
    let Defaults { policy, plain_secrets } = defaults.over(node, diagnostics);
    let replicas = match filled(&node.attribute("replicas")) {
        Some(node) => Some(replicas(&node, diagnostics)?),
        None => None,
    };
    let mut overrides = Vec::new();
    for node in node.attribute("overrides").elements() {
        overrides.push(override_of(&node, diagnostics)?);
    }
    Some(ResourceSpec {
        confidential: source.confidential,
        copy: source.copy,
        placement: placement(&node.attribute("placement"), diagnostics)?,
        replicas,
        overrides,
        policy,
        plain_secrets,
        propagate_dependencies: node.attribute("propagate_dependencies").bool().unwrap_or(false),
        ..ResourceSpec::new(source.manifests)
    })
}

struct Source {
    manifests: Vec<Manifest>,
    confidential: Option<String>,
    copy: Option<CopyFrom>,
}

fn source(entry: Entry<'_, '_>, diagnostics: &mut Diagnostics) -> Option<Source> {
    let node = entry.node;
    let written = node.attribute("manifest");
    let version = node.attribute("manifest_wo_version");
    let copy = node.attribute("copy_from");
    let secret = entry.config.map(|config| config.attribute("manifest_wo"));
    // State does not have what is write-only; that it was given shows in its version.
    let hidden = secret.as_ref().is_some_and(|secret| !secret.is_null()) || !version.is_null();
    let given = [!written.is_null(), hidden, !copy.is_null()].into_iter().filter(|given| *given).count();
    if given != 1 {
        let detail = "Give the entry exactly one of `manifest`, `manifest_wo` (with `manifest_wo_version`) and `copy_from`.";
        diagnostics.error_at(node.path(), "Missing or conflicting objects", detail);
        return None;
    }
    if !written.is_null() {
        return Some(Source { manifests: parsed(&written, diagnostics)?, confidential: None, copy: None });
    }
    if !copy.is_null() {
        let copy = copy_from(&copy, diagnostics)?;
        return Some(Source { manifests: vec![stub(&copy)?], confidential: None, copy: Some(copy) });
    }
    let Some(version) = version.i64() else {
        let detail = "`manifest_wo` is not stored anywhere: `manifest_wo_version` tells when it has changed.";
        diagnostics.error_at(node.path(), "Missing version", detail);
        return None;
    };
    let manifests = match secret.filter(|secret| !secret.is_null()) {
        Some(secret) => parsed(&secret, diagnostics)?,
        None if entry.config.is_some() => {
            let detail = "`manifest_wo_version` belongs to `manifest_wo`, which is null.";
            diagnostics.error_at(node.attribute("manifest_wo").path(), "Missing value", detail);
            return None;
        }
        None => Vec::new(),
    };
    Some(Source { manifests, confidential: Some(version.to_string()), copy: None })
}

fn parsed(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Manifest>> {
    match manifest::parse(node.str()?) {
        Ok(manifests) => Some(manifests),
        Err(error) => {
            diagnostics.error_at(node.path(), "Invalid manifest", sentence(&error));
            None
        }
    }
}

fn copy_from(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<CopyFrom> {
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let cluster = cluster_name(&text("cluster")?, &node.attribute("cluster").path(), diagnostics)?;
    let mut metadata = json!({ "name": text("name")? });
    if let Some(namespace) = text("namespace") {
        metadata["namespace"] = namespace.into();
    }
    let object = json!({ "apiVersion": text("api_version")?, "kind": text("kind")?, "metadata": metadata });
    let key = Manifest::new(object).ok()?.key();
    if key.namespace.is_none() && scope::scope(&key.kind) == Some(scope::Scope::Namespaced) {
        let detail = format!("A {} lives in a namespace.", key.kind.kind);
        diagnostics.error_at(node.attribute("namespace").path(), "Missing namespace", detail);
        return None;
    }
    Some(CopyFrom { cluster, api_version: text("api_version")?, key })
}

/// As much of a copy as is known without looking at what is copied.
fn stub(copy: &CopyFrom) -> Option<Manifest> {
    let mut object: Json = json!({ "apiVersion": copy.api_version, "kind": copy.key.kind.kind, "metadata": { "name": copy.key.name } });
    if let Some(namespace) = &copy.key.namespace {
        object["metadata"]["namespace"] = namespace.clone().into();
    }
    Manifest::new(object).ok()
}

fn placement(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Placement> {
    let number =
        |node: &Node<'_>, name: &str| node.attribute(name).i64().and_then(|it| u64::try_from(it).ok());
    let spread = match filled(&node.attribute("spread")) {
        Some(spread) => {
            let by = spread.attribute("by").str()?.to_owned();
            let chosen = Spread {
                by,
                min_groups: number(&spread, "min_groups"),
                max_groups: number(&spread, "max_groups"),
                max_clusters: number(&spread, "max_clusters"),
            };
            if let Err(error) = chosen.check() {
                diagnostics.error_at(spread.path(), "Invalid spread", sentence(&error));
                return None;
            }
            Some(chosen)
        }
        None => None,
    };
    let match_labels = filled(&node.attribute("match_labels")).map(|node| labels(&node, diagnostics));
    let match_expressions = requirements(&node.attribute("match_expressions"), diagnostics)?;
    if let Err(error) = Selector::new(match_labels.clone().unwrap_or_default(), Vec::new()) {
        diagnostics.error_at(node.attribute("match_labels").path(), "Invalid selector", sentence(&error));
        return None;
    }
    Some(Placement {
        clusters: names(&node.attribute("clusters"), diagnostics)?,
        match_labels,
        match_expressions,
        spread,
        tolerate_unreachable: node.attribute("tolerate_unreachable").bool(),
    })
}

fn requirements(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Requirement>> {
    let mut requirements = Vec::new();
    for node in node.elements() {
        let operator = match node.attribute("operator").str() {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            _ => Operator::DoesNotExist,
        };
        let values = node.attribute("values").elements();
        if let Some(null) = values.iter().find(|value| value.is_null()) {
            return missing(&null.path(), diagnostics);
        }
        let values = values.iter().map(|value| value.str().unwrap_or_default());
        match Requirement::new(node.attribute("key").str().unwrap_or_default(), operator, values) {
            Ok(requirement) => requirements.push(requirement),
            Err(error) => {
                diagnostics.error_at(node.path(), "Invalid selector", sentence(&error));
                return None;
            }
        }
    }
    Some(requirements)
}

fn replicas(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Replicas> {
    let number =
        |node: &Node<'_>, name: &str| node.attribute(name).i64().and_then(|it| u64::try_from(it).ok());
    let mut clusters = BTreeMap::new();
    for (name, share) in node.attribute("clusters").entries() {
        let name = cluster_name(name, &share.path(), diagnostics)?;
        let weight = number(&share, "weight").unwrap_or(1);
        let min = number(&share, "min").unwrap_or(0);
        let (max, exact) = (number(&share, "max"), number(&share, "exact"));
        clusters.insert(name, Share { weight, min, max, exact });
    }
    Some(Replicas {
        target: target(&node.attribute("target")),
        total: number(node, "total"),
        mode: match node.attribute("mode").str() {
            Some("duplicated") => Mode::Duplicated,
            Some("capacity") => Mode::Capacity,
            Some("aggregated") => Mode::Aggregated,
            _ => Mode::Weighted,
        },
        steady: node.attribute("steady").bool().unwrap_or(false),
        clusters,
    })
}

fn override_of(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<OverrideSpec> {
    let names = names(&node.attribute("clusters"), diagnostics)?;
    let match_labels = filled(&node.attribute("match_labels")).map(|node| labels(&node, diagnostics));
    let expressions = requirements(&node.attribute("match_expressions"), diagnostics)?;
    let selector = if match_labels.is_none() && expressions.is_empty() {
        None
    } else {
        match Selector::new(match_labels.unwrap_or_default(), expressions) {
            Ok(selector) => Some(selector),
            Err(error) => {
                diagnostics.error_at(node.path(), "Invalid selector", sentence(&error));
                return None;
            }
        }
    };
    Some(OverrideSpec {
        target: target(&node.attribute("target")),
        scope: Scope { clusters: names.map(BTreeSet::from_iter), selector },
        changes: changes(node, diagnostics)?,
    })
}

/// What an override changes, in the order in which it is done.
fn changes(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Change>> {
    let text = |node: &Node<'_>, name: &str| node.attribute(name).str().map(str::to_owned);
    let mut changes = Vec::new();
    let patch = node.attribute("patch");
    if let Some(text) = patch.str() {
        changes.push((patch.path(), overrides::parse_patch(text).map(Change::JsonPatch)));
    }
    let patch = node.attribute("merge_patch");
    if let Some(text) = patch.str() {
        changes.push((patch.path(), overrides::parse_merge_patch(text).map(Change::MergePatch)));
    }
    if let Some(images) = filled(&node.attribute("images")) {
        let change = |node: &Node<'_>| ImageChange {
            container: text(node, "container"),
            registry: text(node, "registry"),
            repository: text(node, "repository"),
            tag: text(node, "tag"),
            digest: text(node, "digest"),
        };
        changes.push((images.path(), Ok(Change::Images(images.elements().iter().map(change).collect()))));
    }
    if let Some(labels) = filled(&node.attribute("labels")) {
        changes.push((labels.path(), Ok(Change::Labels(texts(&labels)))));
    }
    if let Some(annotations) = filled(&node.attribute("annotations")) {
        changes.push((annotations.path(), Ok(Change::Annotations(texts(&annotations)))));
    }
    if let Some(env) = filled(&node.attribute("env")) {
        let change =
            Change::Env { container: text(&env, "container"), values: texts(&env.attribute("values")) };
        changes.push((env.path(), Ok(change)));
    }
    if changes.is_empty() {
        let detail = "Give it `patch`, `merge_patch`, `images`, `labels`, `annotations` or `env`.";
        diagnostics.error_at(node.path(), "The override changes nothing", detail);
        return None;
    }
    let mut valid = Vec::new();
    for (path, change) in changes {
        match change.and_then(|change| change.check().map(|()| change)) {
            Ok(change) => valid.push(change),
            Err(error) => {
                diagnostics.error_at(path, "Invalid override", sentence(&error));
                return None;
            }
        }
    }
    Some(valid)
}

/// Texts by name, where null removes.
fn texts(node: &Node<'_>) -> BTreeMap<String, Option<String>> {
    node.entries()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.str().map(str::to_owned)))
        .collect()
}

fn target(node: &Node<'_>) -> Option<Target> {
    let kind = node.attribute("kind").str()?.to_owned();
    let name = node.attribute("name").str()?.to_owned();
    Some(Target { kind, name })
}

/// Labels. A null among them is an error: left out, a selector would select more than was meant.
pub(crate) fn labels(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Labels {
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

/// Says that an element is null.
fn missing<T>(path: &Path, diagnostics: &mut Diagnostics) -> Option<T> {
    diagnostics.error_at(path.clone(), "An element is null", "It is null; leave the element out instead.");
    None
}

/// A list of cluster names; `Some(None)` if it is absent.
fn names(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Option<Vec<ClusterName>>> {
    if node.is_null() {
        return Some(None);
    }
    let name = |node: Node<'_>| match node.str() {
        Some(name) => cluster_name(name, &node.path(), diagnostics),
        None => missing(&node.path(), diagnostics),
    };
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

/// The attribute that the objects of an entry come from.
pub(crate) fn source_of(resource: Option<&ResourceSpec>) -> &'static str {
    match resource {
        Some(resource) if resource.confidential.is_some() => "manifest_wo",
        Some(resource) if resource.copy.is_some() => "copy_from",
        _ => "manifest",
    }
}

/// The attribute of the entry at `entry` that a problem is about.
pub(crate) fn path_of(entry: &Path, resource: Option<&ResourceSpec>, problem: &Problem) -> Path {
    match &problem.field {
        Field::Manifest => entry.attribute(source_of(resource)),
        Field::CopyFrom => entry.attribute("copy_from"),
        Field::Placement => entry.attribute("placement"),
        Field::PlacementAt(name) => entry.attribute("placement").attribute(*name),
        Field::Replicas => entry.attribute("replicas"),
        Field::ReplicasAt(name) => entry.attribute("replicas").attribute(*name),
        Field::ReplicasOf(name) => entry.attribute("replicas").attribute("clusters").key(name.as_str()),
        Field::Override(position) => override_at(entry, *position),
        Field::OverrideAt(position, name) => override_at(entry, *position).attribute(*name),
    }
}

fn override_at(entry: &Path, position: usize) -> Path {
    entry.attribute("overrides").index(i64::try_from(position).unwrap_or(i64::MAX))
}
