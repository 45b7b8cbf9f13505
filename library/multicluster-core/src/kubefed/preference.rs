//! `ReplicaSchedulingPreference`: how many replicas each member runs.
//!
//! The result stands in for `spec.placement.clusters` and for each member's override of `/spec/replicas`. Members that
//! the preference gives nothing to keep the object, with 0 replicas.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{At, Reader};
use super::live::LiveReplicas;
use crate::names::ClusterName;
use crate::object::{Manifest, text};
use crate::replicas::kubefed::{ALL_OTHERS, Preference as Part, Schedule, plan};
use crate::replicas::{DivisionError, LARGEST_TOTAL};

/// The federated kinds that have replicas to schedule.
pub(super) const TARGET_KINDS: [&str; 2] = ["FederatedDeployment", "FederatedReplicaSet"];

/// A preference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Preference {
    /// What it is for.
    pub(super) target: PreferenceTarget,
    /// Whether only members are considered that the target's selector, and that of its namespace, selects.
    pub(super) intersects: bool,
    total: u64,
    rebalances: bool,
    /// By the name of the cluster, or `*`.
    pub(super) clusters: BTreeMap<String, Part>,
}

/// The federated document that a preference is for: it has the preference's own namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PreferenceTarget {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl PreferenceTarget {
    pub(super) fn new(kind: &str, manifest: &Manifest) -> Self {
        let namespace = match text(manifest.value(), "/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        };
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: manifest.name().to_owned() }
    }
}

pub(super) fn read(manifest: &Manifest, reader: &mut Reader<'_>) -> Option<Preference> {
    let spec = At::root(manifest.value()).field("spec");
    reader.knows(
        &spec,
        &["targetKind", "totalReplicas", "rebalance", "intersectWithClusterSelector", "clusters"],
    );
    let kind = reader.required_text(&spec.field("targetKind"));
    if kind.is_some_and(|kind| !TARGET_KINDS.contains(&kind)) {
        let message = format!("it must be `{}` or `{}`", TARGET_KINDS[0], TARGET_KINDS[1]);
        reader.problem(&spec.field("targetKind").path, message);
    }
    let total_at = spec.field("totalReplicas");
    if !total_at.is_there() {
        reader.problem(&total_at.path, "it is missing");
    }
    let total = count(&total_at, reader).unwrap_or(0);
    let mut clusters = BTreeMap::new();
    for (name, at) in reader.fields(&spec.field("clusters")) {
        reader.fields(&at);
        reader.knows(&at, &["minReplicas", "maxReplicas", "weight"]);
        let part = Part {
            weight: count(&at.field("weight"), reader).unwrap_or(0),
            min: count(&at.field("minReplicas"), reader).unwrap_or(0),
            max: count(&at.field("maxReplicas"), reader),
        };
        clusters.insert(name.to_owned(), part);
    }
    if clusters.is_empty() {
        clusters.insert(ALL_OTHERS.to_owned(), Part { weight: 1, ..Part::default() });
    }
    Some(Preference {
        target: PreferenceTarget::new(kind?, manifest),
        intersects: reader.flag(&spec.field("intersectWithClusterSelector")),
        total,
        rebalances: reader.flag(&spec.field("rebalance")),
        clusters,
    })
}

/// A number that the planner can calculate with.
fn count(at: &At<'_>, reader: &mut Reader<'_>) -> Option<u64> {
    let count = reader.count(at)?;
    if count > LARGEST_TOTAL {
        reader.problem(&at.path, format!("it is more than Kubernetes can count ({LARGEST_TOTAL})"));
        return None;
    }
    Some(count)
}

impl Preference {
    /// What each of the available members runs, those that get nothing included.
    ///
    /// # Errors
    /// None that reading the preference has not found before.
    pub(super) fn divide(
        &self,
        available: &BTreeSet<ClusterName>,
        live: &BTreeMap<ClusterName, LiveReplicas>,
    ) -> Result<BTreeMap<ClusterName, u64>, DivisionError> {
        let live = || live.iter().filter(|(member, _)| available.contains(*member));
        let schedule = Schedule {
            total: self.total,
            clusters: available,
            preferences: &self.clusters,
            current: &live().map(|(member, live)| (member.clone(), live.current)).collect(),
            capacity: &live().filter_map(|(member, live)| Some((member.clone(), live.capacity?))).collect(),
            rebalance: self.rebalances,
            key: &format!("{}/{}", self.target.namespace, self.target.name),
        };
        plan(&schedule).map(|plan| plan.counts())
    }
}
