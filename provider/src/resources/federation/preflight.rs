//! What stands against members that join, and what an identity needs on them.

use std::collections::BTreeMap;

use futures::future::join_all;
use multicluster::preflight::{CidrPolicy, Preflight, PreflightOptions, Severity, judge, preflight};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::ClusterName;
use multicluster_core::networking::{Cidr, Networks};
use multicluster_core::rbac::{self, CopySource, Feature, Needs, Resource, Work};
use multicluster_core::scope::{guess_plural, plural_of};
use tfplugin::{Diagnostics, Node, Path, Value};

use super::model::{Model, Shape};
use super::record::Record;
use super::state::member_path;
use crate::config::{Clusters, clock};

/// Looks at all members before any is written to, if one of them joins, and says what stands against them.
pub(super) async fn check(
    clusters: &Clusters,
    record: &Record,
    model: &Model,
    planned: &Value,
    joining: &[&ClusterName],
    diagnostics: &mut Diagnostics,
) {
    if joining.is_empty() {
        return;
    }
    let options = PreflightOptions::new(clock());
    // How the members of somebody else's federation go together is not judged here again.
    let looked_at = |name: &&ClusterName| model.shape == Shape::Federation || joining.contains(name);
    let found = join_all(model.spec.members.keys().filter(looked_at).map(async |name| {
        let member = clusters.member(name, record.reference(name)).await.ok()?;
        let checks =
            if joining.contains(&name) { rbac::checks(&needs(model, Some(name))) } else { Vec::new() };
        // That a member does not answer is said elsewhere.
        let found = preflight(&member, &checks, &options).await.ok()?;
        Some((name.clone(), found))
    }));
    let found: BTreeMap<ClusterName, Preflight> = found.await.into_iter().flatten().collect();
    let policy = if model.shape == Shape::Federation { policy(planned) } else { CidrPolicy::Ignore };
    for finding in judge(&found, policy, &declared(planned)) {
        let Some(first) = finding.members.first() else { continue };
        match finding.severity {
            Severity::Error => diagnostics.error_at(member_path(first), "Cannot join", finding.message),
            Severity::Warning => {
                diagnostics.warning_at(member_path(first), "Before joining", finding.message);
            }
        }
    }
    if found.values().any(|it| !it.denied.is_empty()) {
        // With an error there is no plan in which `required_rbac` could be looked up.
        let detail = format!(
            "An administrator applies these roles on the member and binds them to the identity (`required_rbac`):\n\n{}",
            required_rbac(model)
        );
        diagnostics.warning_at(Path::root().attribute("members"), "The least roles that would do", detail);
    }
}

fn policy(planned: &Value) -> CidrPolicy {
    match Node::root(planned).attribute("cidr_overlap").str() {
        Some("error") => CidrPolicy::Error,
        Some("ignore") => CidrPolicy::Ignore,
        _ => CidrPolicy::Warn,
    }
}

/// The networks that the user names.
fn declared(planned: &Value) -> BTreeMap<ClusterName, Networks> {
    let members = Node::root(planned).attribute("members").entries();
    let networks = |node: &Node<'_>, name: &str| {
        let cidrs = node.attribute("networking").attribute(name).elements();
        cidrs.iter().filter_map(|cidr| cidr.str()?.parse::<Cidr>().ok()).collect()
    };
    members
        .into_iter()
        .filter_map(|(name, node)| {
            let networks = Networks {
                pods: networks(&node, "pod_cidrs"),
                services: networks(&node, "service_cidrs"),
                nodes: networks(&node, "node_cidrs"),
            };
            Some((ClusterName::new(name).ok()?, networks))
        })
        .collect()
}

/// The least roles that suffice on any member, as YAML.
pub(super) fn required_rbac(model: &Model) -> String {
    rbac::to_yaml(&needs(model, None))
}

/// What an identity needs on one member, or on any.
fn needs(model: &Model, member: Option<&ClusterName>) -> Needs {
    let mut needs = Needs::new(model.spec.name.clone(), Work::Apply, &model.set.namespace);
    needs.set = (model.shape == Shape::Object).then(|| model.set.set.clone());
    let here = |name: &ClusterName| member.is_none_or(|member| member == name);
    let everything: Vec<&MemberDesired> = model.rendered.values().collect();
    for (name, desired) in model.rendered.iter().filter(|(name, _)| here(name)) {
        for (key, desired_here) in desired {
            let defined = everything.iter().flat_map(|desired| desired.values()).map(|it| &it.object);
            let plural = plural_of(defined, &key.kind).unwrap_or_else(|| guess_plural(&key.kind.kind));
            needs.add(&desired_here.object, &plural);
        }
        let copies = model.spec.resources.values().filter_map(|resource| resource.copy.as_ref());
        for copy in copies.filter(|copy| copy.cluster == *name) {
            needs.copy_sources.insert(CopySource {
                resource: Resource {
                    group: copy.key.kind.group.clone(),
                    plural: guess_plural(&copy.key.kind.kind),
                },
                namespace: copy.key.namespace.clone(),
                name: copy.key.name.clone(),
            });
        }
    }
    let here = model.rendered.iter().filter(|(name, _)| here(name));
    if here.flat_map(|(_, desired)| desired.values()).any(|desired| desired.confidential) {
        needs.features.insert(Feature::Confidential);
    }
    if model.spec.divides_by_capacity() {
        needs.features.insert(Feature::Capacity);
    }
    needs
}
