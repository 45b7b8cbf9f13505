//! Which object of a manifest replicas and overrides are for, and how replicas are divided.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Common, Field};
use crate::capacity;
use crate::federation::spec::{OverrideSpec, Replicas, ResourceSpec, Target};
use crate::names::ClusterName;
use crate::object::ObjectKey;
use crate::placement::{self, Placement, PlacementFacts};
use crate::replicas::{self, Division, DivisionError, Mode, Party};
use crate::scope;

pub(super) type Counts = (ObjectKey, BTreeMap<ClusterName, u64>);

/// Divides the replicas; `None` if that takes facts that are not known yet.
pub(super) fn divide(
    replicas: &Replicas,
    resource: &ResourceSpec,
    keys: &[ObjectKey],
    placed: &BTreeSet<ClusterName>,
    common: &Common<'_>,
) -> Result<Option<Counts>, (Field, String)> {
    let Common { spec, facts, .. } = common;
    // A member that is left out for now keeps its share for later.
    let eligible = placement::select(
        &Placement { spread: None, ..resource.placement.clone() },
        &spec.members,
        &PlacementFacts::default(),
    )
    .unwrap_or_default();
    if let Some(stranger) = replicas.clusters.keys().find(|name| !eligible.contains(*name)) {
        let message = format!("`{stranger}` has a share of the replicas, but the object is not placed there");
        return Err((Field::ReplicasOf(stranger.clone()), message));
    }
    let fits = |key: &ObjectKey| scope::has_replicas(&key.kind);
    let field = replicas.target.as_ref().map_or(Field::Replicas, |_| Field::ReplicasAt("target"));
    let target = target(replicas.target.as_ref(), keys, fits, "replicas")
        .map_err(|message| (field.clone(), message))?;
    if !fits(&target) {
        return Err((field, format!("a {} has no replicas", target.kind.kind)));
    }
    if placed.is_empty() {
        return Ok(Some((target, BTreeMap::new())));
    }
    let manifest = keys.iter().zip(&resource.manifests).find(|(key, _)| **key == target);
    let object = manifest.map(|(_, manifest)| manifest.value());
    let written = object.and_then(|object| object.pointer("/spec/replicas")).and_then(Value::as_u64);
    let by_capacity = matches!(replicas.mode, Mode::Capacity | Mode::Aggregated);
    if resource.copy.is_some() && (replicas.total.is_none() || by_capacity) {
        let message = "what is copied is known only at the apply: give a `total`, and divide it by weight or not at all";
        return Err((Field::Replicas, message.to_owned()));
    }
    // A workload without `spec.replicas` has one, says its API.
    let total = replicas.total.or(written).unwrap_or(1);
    if by_capacity && !facts.known {
        return Ok(None);
    }
    let template = object.and_then(|object| object.pointer("/spec/template")).filter(|_| by_capacity);
    let mut parties = BTreeMap::new();
    for name in placed {
        let nodes =
            facts.members.get(name).map(|member| member.nodes.as_slice()).filter(|nodes| !nodes.is_empty());
        let capacity = match template.zip(nodes) {
            Some((template, nodes)) => {
                Some(capacity::fits(nodes, template).map_err(|error| (Field::Replicas, error.to_string()))?)
            }
            None => None,
        };
        let share = replicas.clusters.get(name).copied().unwrap_or_default();
        parties.insert(name.clone(), Party { share, capacity, previous: facts.replicas(name, &target) });
    }
    let least: u64 =
        parties.values().map(|it| it.share.exact.unwrap_or(it.share.min)).fold(0, u64::saturating_add);
    if replicas.mode == Mode::Weighted && total > least && parties.values().all(|it| it.share.weight == 0) {
        let message =
            format!("all weights are 0, so that {} of {total} replicas have no place", total - least);
        return Err((Field::Replicas, message));
    }
    let division = Division { mode: replicas.mode, steady: replicas.steady, total };
    let left_out: Vec<String> = eligible
        .iter()
        .filter(|name| !placed.contains(*name) && facts.unreachable().contains(*name))
        .map(|name| format!("`{name}`"))
        .collect();
    let counts = replicas::distribute(&division, &parties)
        .map_err(|error| indivisible(&error, replicas, &left_out))?;
    Ok(Some((target, counts)))
}

/// Which attribute an impossible division is about, and what is said of it.
fn indivisible(error: &DivisionError, replicas: &Replicas, left_out: &[String]) -> (Field, String) {
    let of_cluster = |cluster: &str| replicas.clusters.keys().find(|name| name.as_str() == cluster).cloned();
    let field = match error {
        DivisionError::MinAboveMax { cluster, .. }
        | DivisionError::ExactOutOfBounds { cluster, .. }
        | DivisionError::Meaningless { cluster, .. }
        | DivisionError::NoRoom { cluster, .. } => of_cluster(cluster).map(Field::ReplicasOf),
        DivisionError::OutOfBounds { .. }
        | DivisionError::TooMany { .. }
        | DivisionError::Unschedulable { .. } => replicas.total.map(|_| Field::ReplicasAt("total")),
        DivisionError::UnknownCapacity { .. } => None,
    };
    let message = match left_out {
        [] => error.to_string(),
        several => format!("{error} (without {}, where nothing answers)", several.join(", ")),
    };
    (field.unwrap_or(Field::Replicas), message)
}

pub(super) fn override_target(
    over: &OverrideSpec,
    keys: &[ObjectKey],
    members: &BTreeSet<ClusterName>,
) -> Result<ObjectKey, (Option<&'static str>, String)> {
    if let Some(stranger) = over.scope.clusters.iter().flatten().find(|name| !members.contains(*name)) {
        return Err((Some("clusters"), format!("`{stranger}` is not a member of the federation")));
    }
    let attribute = over.target.as_ref().map(|_| "target");
    target(over.target.as_ref(), keys, |_| true, "the override").map_err(|message| (attribute, message))
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
