//! The configuration of a release, typed. Problems keep the path of the attribute that they are about.

mod conduct;
mod metrics;
mod waves;

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::identity::DEFAULT_NAMESPACE;
use multicluster_core::federation::render::{MemberDesired, render};
use multicluster_core::federation::spec::{FederationSpec, OverrideSpec, ResourceSpec};
use multicluster_core::names::{ClusterName, FederationName, ReleaseName};
use multicluster_core::object::Manifest;
use multicluster_core::overrides::{self, Scope};
use multicluster_core::placement::Labels;
use multicluster_core::release::identity::ReleaseIdentity;
use multicluster_core::release::journal::Version;
use multicluster_core::release::spec::{ReleaseSpec, Strategy};
use multicluster_core::release::traffic::{self, RuleRef, TrafficSpec};
use multicluster_core::release::version::version;
use multicluster_core::release::workload::{self, Change, Given, Problem, Secrets, Workload};
use serde_json::json;
use tfplugin::{Diagnostics, Node, Path, Value};

use crate::resources::entry::{self, Defaults, Entry};
use crate::validators::sentence;

/// The name by which a release's manifest goes where the replicas are divided.
const MANIFEST: &str = "manifest";

/// A release whose configuration is wholly known and makes sense.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Who it is on the clusters.
    pub(super) identity: ReleaseIdentity,
    /// How it goes about it.
    pub(super) spec: ReleaseSpec,
    /// What is released, as written.
    pub(super) workload: Workload,
    /// The same as it is on each cluster.
    pub(super) on: BTreeMap<ClusterName, Workload>,
    /// What it comes to.
    pub(super) version: Version,
    /// Whether plain workloads that run already are taken over.
    pub(super) adopt: bool,
    /// Whether plans ask by dry runs.
    pub(super) dry_run: bool,
    /// Whether queries are tried at plan.
    pub(super) tries_queries: bool,
}

/// The attributes that decide what is to be done: what must be known before anything can be said.
const INPUTS: [&str; 29] = [
    "name",
    "namespace",
    "clusters",
    "cluster_labels",
    "manifest",
    "allow_plain_secrets",
    "strategy",
    "replicas",
    "overrides",
    "traffic",
    "waves",
    "steps",
    "analysis",
    "promotion",
    "approved_release",
    "approved_waves",
    "on_failure",
    "on_interrupt",
    "on_failed_release",
    "retry_token",
    "hold",
    "progress_deadline",
    "rollback_deadline",
    "freeze",
    "freeze_override",
    "adopt",
    "plan_checks",
    "inventory_namespace",
    "engine",
];

/// Who a value is about; `None` while that is not known.
pub(super) fn identity(value: &Value) -> Option<ReleaseIdentity> {
    let node = Node::root(value);
    let name = ReleaseName::new(node.attribute("name").str()?).ok()?;
    let records = node.attribute("inventory_namespace").str().unwrap_or(DEFAULT_NAMESPACE).to_owned();
    let namespace = node.attribute("namespace").str()?.to_owned();
    Some(ReleaseIdentity { name, namespace, records })
}

/// The clusters that a value names, with their labels.
pub(super) fn clusters(value: &Value) -> BTreeMap<ClusterName, Labels> {
    labelled(&Node::root(value), &mut Diagnostics::new())
}

fn labelled(root: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<ClusterName, Labels> {
    let labels = root.attribute("cluster_labels");
    let names = root.attribute("clusters").elements();
    let known: Vec<ClusterName> =
        names.iter().filter_map(|it| it.str().and_then(|name| ClusterName::new(name).ok())).collect();
    let mut of = BTreeMap::new();
    for (name, node) in labels.entries() {
        of.insert(name.to_owned(), entry::labels(&node, diagnostics));
    }
    known.into_iter().map(|name| (name.clone(), of.remove(name.as_str()).unwrap_or_default())).collect()
}

/// Says what is wrong with a configuration. What is not known yet is looked at again at plan.
pub(super) fn validate(config: &Value, diagnostics: &mut Diagnostics) {
    let _ = model(config, diagnostics);
}

/// The model of a configuration, plan or state. `None` if parts are unknown or wrong; what is wrong is in `diagnostics`.
pub(super) fn model(value: &Value, diagnostics: &mut Diagnostics) -> Option<Model> {
    let root = Node::root(value);
    if !INPUTS.iter().all(|name| root.attribute(name).is_wholly_known()) {
        return None;
    }
    let mut problems = Diagnostics::new();
    let model = known(value, &root, &mut problems);
    let failed = problems.has_errors();
    diagnostics.extend(problems);
    model.filter(|_| !failed)
}

fn known(value: &Value, root: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Model> {
    let identity = identity(value)?;
    let clusters = labelled(root, diagnostics);
    let resource = entry::resource(Entry { node: root, config: None }, &Defaults::default(), diagnostics)?;
    let traffic = traffic_of(&root.attribute("traffic"));
    let given = Given {
        manifests: resource.manifests.clone(),
        namespace: &identity.namespace,
        traffic: traffic.as_ref(),
        strategy: match root.attribute("strategy").str() {
            Some("in_place") => Some(Strategy::InPlace),
            Some(_) => Some(Strategy::BlueGreen),
            None => None,
        },
        secrets: if resource.plain_secrets { Secrets::Allowed } else { Secrets::Refused },
    };
    let workload = match workload::parse(given) {
        Ok(workload) => workload,
        Err(problems) => {
            report("Invalid release", &problems, diagnostics);
            return None;
        }
    };
    let spec = conduct::spec(root, workload.strategy(), &clusters, diagnostics);
    if let Some(lead) = traffic.as_ref().filter(|_| workload.strategy() == Strategy::BlueGreen) {
        check_steps(root, lead, &spec, diagnostics);
    }
    let changes = changes(&resource);
    let sizes = sizes(&workload, &resource, &clusters, diagnostics)?;
    let mut on = BTreeMap::new();
    for (name, labels) in &clusters {
        let of_size = sizes.get(name).map(|size| sized(*size));
        let changes: Vec<Change> = of_size.into_iter().chain(changes.clone()).collect();
        match workload::change(&workload, &changes, name, labels) {
            Ok(changed) => {
                on.insert(name.clone(), changed);
            }
            Err(problems) => {
                report("Invalid override", &problems, diagnostics);
                return None;
            }
        }
    }
    let version = version(&workload, &on);
    Some(Model {
        identity,
        spec,
        on,
        version,
        workload,
        adopt: root.attribute("adopt").str() == Some("always"),
        dry_run: root.attribute("plan_checks").str() != Some("read"),
        tries_queries: root.attribute("analysis").attribute("preflight").bool().unwrap_or(true),
    })
}

/// What leads the traffic must be able to do what the steps say, those of all waves and those of single ones.
fn check_steps(root: &Node<'_>, lead: &TrafficSpec, spec: &ReleaseSpec, diagnostics: &mut Diagnostics) {
    let own = root.attribute("waves").elements();
    let mut seen = BTreeSet::new();
    for (index, wave) in spec.waves.iter().enumerate() {
        let of_wave = own.get(index).map(|node| node.attribute("steps")).filter(|node| !node.is_null());
        let path = of_wave.map_or_else(|| root.attribute("steps").path(), |node| node.path());
        if !seen.insert(path.to_string()) {
            continue;
        }
        for problem in traffic::check(lead, &wave.steps) {
            diagnostics.error_at(
                below(path.clone(), &problem.path),
                "Invalid traffic",
                sentence(&problem.text),
            );
        }
    }
}

fn traffic_of(node: &Node<'_>) -> Option<TrafficSpec> {
    let text = |node: &Node<'_>, name: &str| node.attribute(name).str().map(str::to_owned);
    let rule = |node: &Node<'_>, name: &str| {
        text(node, name).map(|rule| rule.parse().map_or(RuleRef::Name(rule), RuleRef::Index))
    };
    let service = node.attribute("service");
    if !service.is_null() {
        return Some(TrafficSpec::Service { name: text(&service, "name") });
    }
    let route = node.attribute("http_route");
    if !route.is_null() {
        return Some(TrafficSpec::HttpRoute {
            name: text(&route, "name")?,
            namespace: text(&route, "namespace"),
            rule: rule(&route, "rule"),
            service: text(&route, "service"),
        });
    }
    let virtual_service = node.attribute("virtual_service");
    if virtual_service.is_null() {
        return None;
    }
    Some(TrafficSpec::VirtualService {
        name: text(&virtual_service, "name")?,
        namespace: text(&virtual_service, "namespace"),
        route: rule(&virtual_service, "route"),
        service: text(&virtual_service, "service"),
    })
}

/// The changes that the user writes.
fn changes(resource: &ResourceSpec) -> Vec<Change> {
    let change = |it: &OverrideSpec| Change {
        target: it.target.clone(),
        scope: it.scope.clone(),
        changes: it.changes.clone(),
    };
    resource.overrides.iter().map(change).collect()
}

/// The change that gives a workload its part of the replicas. It comes before those of the user.
fn sized(replicas: u64) -> Change {
    let size = overrides::Change::MergePatch(json!({ "spec": { "replicas": replicas } }));
    Change { target: None, scope: Scope::default(), changes: vec![size] }
}

/// The replicas of each cluster, where they are divided.
fn sizes(
    workload: &Workload,
    resource: &ResourceSpec,
    clusters: &BTreeMap<ClusterName, Labels>,
    diagnostics: &mut Diagnostics,
) -> Option<BTreeMap<ClusterName, u64>> {
    let Some(wanted) = &resource.replicas else { return Some(BTreeMap::new()) };
    let main: Manifest = workload.main().clone();
    let key = main.key();
    let divided = ResourceSpec { replicas: Some(wanted.clone()), ..ResourceSpec::new(vec![main]) };
    let spec = FederationSpec {
        name: FederationName::new(MANIFEST).ok()?,
        members: clusters.clone(),
        resources: BTreeMap::from([(MANIFEST.to_owned(), divided.clone())]),
    };
    match render(&spec, &Facts::default()) {
        Ok(rendered) => {
            let size = |objects: MemberDesired| objects.get(&key)?.replicas;
            Some(rendered.into_iter().filter_map(|(name, objects)| Some((name, size(objects)?))).collect())
        }
        Err(problems) => {
            for problem in problems {
                let path = entry::path_of(&Path::root(), Some(&divided), &problem);
                diagnostics.error_at(path, "Invalid replicas", sentence(&problem.message));
            }
            None
        }
    }
}

/// Reports problems at their attributes. A step that is a number is a place in a list.
fn report(title: &str, problems: &[Problem], diagnostics: &mut Diagnostics) {
    for problem in problems {
        diagnostics.error_at(path_of(&problem.path), title, sentence(&problem.text));
    }
}

/// The path of an attribute from its steps.
fn path_of(steps: &[String]) -> Path {
    below(Path::root(), steps)
}

fn below(path: Path, steps: &[String]) -> Path {
    steps.iter().fold(path, |path, step| match step.parse() {
        Ok(place) => path.index(place),
        Err(_) => path.attribute(step.as_str()),
    })
}
