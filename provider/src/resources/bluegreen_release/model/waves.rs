//! Waves and steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multicluster_core::names::ClusterName;
use multicluster_core::placement::Labels;
use multicluster_core::release::spec::{MaxFailures, Step, Wave};
use tfplugin::{Diagnostics, Node, duration};

use super::super::validators;
use super::metrics::texts;
use crate::resources::entry;

/// The wave of the clusters that are in no other.
pub(super) const REST: &str = "rest";

/// The waves of a configuration; what is wrong is reported.
pub(super) fn waves(
    root: &Node<'_>,
    clusters: &BTreeMap<ClusterName, Labels>,
    diagnostics: &mut Diagnostics,
) -> Vec<Wave> {
    let steps_of_all =
        steps(&root.attribute("steps"), diagnostics).unwrap_or_else(|| vec![Step::weight(100)]);
    let mut left: BTreeSet<ClusterName> = clusters.keys().cloned().collect();
    let mut names = BTreeSet::new();
    let mut waves = Vec::new();
    for node in root.attribute("waves").elements() {
        let name = node.attribute("name").str().unwrap_or_default().to_owned();
        if !names.insert(name.clone()) {
            diagnostics.error_at(
                node.attribute("name").path(),
                "Named twice",
                format!("There is a wave `{name}` already. Approvals name waves, so that each needs a name of its own."),
            );
        }
        let members = members(&node, clusters, &mut left, diagnostics);
        let steps = steps(&node.attribute("steps"), diagnostics).unwrap_or_else(|| steps_of_all.clone());
        let max_failures = node.attribute("max_failures").str().and_then(validators::max_failures);
        waves.push(Wave {
            name,
            clusters: members,
            max_parallel: node.attribute("max_parallel").i64().and_then(|it| u32::try_from(it).ok()),
            max_failures: max_failures.unwrap_or(MaxFailures::Clusters(0)),
            soak: time(&node.attribute("soak")).unwrap_or_default(),
            steps,
            approval: node.attribute("approval").bool().unwrap_or(false),
        });
    }
    if !left.is_empty() {
        if names.contains(REST) {
            let missing: Vec<&str> = left.iter().map(ClusterName::as_str).collect();
            diagnostics.error_at(
                root.attribute("waves").path(),
                "Clusters in no wave",
                format!(
                    "`{}` are in no wave. They would form a last one called `{REST}`, but there is a wave of that name: add \
                     them to one, or give that one another name.",
                    missing.join("`, `")
                ),
            );
        }
        waves.push(Wave {
            name: REST.to_owned(),
            clusters: left.into_iter().collect(),
            max_parallel: None,
            max_failures: MaxFailures::Clusters(0),
            soak: Duration::ZERO,
            steps: steps_of_all,
            approval: false,
        });
    }
    waves
}

/// The clusters of a wave, taken from those that are left.
fn members(
    node: &Node<'_>,
    clusters: &BTreeMap<ClusterName, Labels>,
    left: &mut BTreeSet<ClusterName>,
    diagnostics: &mut Diagnostics,
) -> Vec<ClusterName> {
    let (named, labels) = (node.attribute("clusters"), node.attribute("match_labels"));
    if named.is_null() == labels.is_null() {
        diagnostics.error_at(
            node.path(),
            "Which clusters?",
            "Give the wave exactly one of `clusters` and `match_labels`.",
        );
        return Vec::new();
    }
    if !labels.is_null() {
        return by_labels(&labels, clusters, left, diagnostics);
    }
    let mut members = Vec::new();
    for element in named.elements() {
        let Some(Ok(name)) = element.str().map(ClusterName::new) else {
            diagnostics.error_at(element.path(), "Invalid cluster name", "It is not the name of a cluster.");
            continue;
        };
        if !clusters.contains_key(&name) {
            let known: Vec<&str> = clusters.keys().map(ClusterName::as_str).collect();
            let detail =
                format!("The release has no cluster `{name}`; its `clusters` are `{}`.", known.join("`, `"));
            diagnostics.error_at(element.path(), "Unknown cluster", detail);
        } else if left.remove(&name) {
            members.push(name);
        } else {
            diagnostics.error_at(
                element.path(),
                "In two waves",
                format!("Cluster `{name}` is in a wave already."),
            );
        }
    }
    if named.elements().is_empty() {
        diagnostics.error_at(named.path(), "Empty wave", "A wave needs at least one cluster.");
    }
    members
}

fn by_labels(
    node: &Node<'_>,
    clusters: &BTreeMap<ClusterName, Labels>,
    left: &mut BTreeSet<ClusterName>,
    diagnostics: &mut Diagnostics,
) -> Vec<ClusterName> {
    let wanted = entry::labels(node, diagnostics);
    let has = |name: &ClusterName| {
        clusters
            .get(name)
            .is_some_and(|labels| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
    };
    let members: Vec<ClusterName> = left.iter().filter(|name| has(name)).cloned().collect();
    if members.is_empty() {
        diagnostics.error_at(
            node.path(),
            "Empty wave",
            "No cluster that is in no earlier wave has these labels. They are looked for in `cluster_labels`.",
        );
    }
    left.retain(|name| !members.contains(name));
    members
}

/// The steps of an attribute; `None` if there is none.
fn steps(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Step>> {
    if node.is_null() {
        return None;
    }
    let mut steps: Vec<Step> = Vec::new();
    for element in node.elements() {
        let percent = |name: &str| element.attribute(name).i64().and_then(|it| u8::try_from(it).ok());
        let weight = percent("weight").unwrap_or_default();
        let headers = texts(&element.attribute("headers"));
        let mirror = percent("mirror").filter(|it| *it > 0);
        if let Some(before) = steps.last()
            && (before.weight > weight
                || before.weight == weight
                    && (weight == 100 || before.headers == headers && before.mirror == mirror))
        {
            diagnostics.error_at(
                element.attribute("weight").path(),
                "Weights must rise",
                format!(
                    "{weight} comes after {}. Going back is done by itself when a release fails.",
                    before.weight
                ),
            );
        }
        steps.push(Step {
            weight,
            pause: time(&element.attribute("pause")).unwrap_or_default(),
            headers,
            mirror,
        });
    }
    if steps.last().is_none_or(|last| last.weight != 100) {
        diagnostics.error_at(
            node.path(),
            "Where does it end?",
            "The last step must have weight 100: then the new colour serves everybody.",
        );
    }
    Some(steps)
}

/// A duration that its validator has let pass.
pub(super) fn time(node: &Node<'_>) -> Option<Duration> {
    node.str().and_then(|text| duration::parse(text).ok())
}
