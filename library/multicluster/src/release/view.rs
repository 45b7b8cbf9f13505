//! What the watched objects of one cluster mean for the release.
//!
//! Invariant: pure. An endpoint counts only if it is ready *and* its pod is of the workload's present template, so that no
//! traffic is led to what a rolling update is about to replace.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::digest::digest;
use multicluster_core::managed_fields;
use multicluster_core::object::text;
use multicluster_core::readiness::{Readiness, pod_failure, readiness};
use multicluster_core::release::Color;
use multicluster_core::release::identity::{POD_TEMPLATE_HASH, VERSION_LABEL};
use multicluster_core::release::journal::{Journal, Release};
use multicluster_core::release::observed::{ColorView, Seen};
use multicluster_core::release::traffic::{self, Wanted};
use serde_json::{Value, json};

use super::engine::{Engine, Place};
use super::layout::Layout;
use super::marks::{self, OBJECTS_ANNOTATION, OWNED_ANNOTATION};
use super::sight::{Sight, Slot};

/// The label of a slice that names its Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";
/// The annotation by which a Deployment and its replica sets agree on the present template.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What the cluster shows, in the terms of the decision. DNS is not looked at here.
pub(super) fn seen(
    engine: &Engine,
    place: &Place,
    journal: &Journal,
    release: &Release,
    sight: &Sight,
) -> Seen {
    let (layout, new) = (&engine.layout, release.to);
    let state = release.clusters.get(&place.member.name);
    let wanted = state.map_or(0, |state| state.replicas);
    let served = state.and_then(|state| state.served).unwrap_or(0);
    let targets = layout.targets().len();
    let objects: Vec<Option<&Value>> = (0..targets).map(|index| sight.one(Slot::Target(index))).collect();
    let denied = sight.slots.iter().find_map(|(slot, seen)| {
        let why = seen.denied.as_ref().filter(|_| slot.is_needed())?;
        Some(format!("{} cannot be watched: {why}", slot.what()))
    });
    let rendered = engine.rendered_digest(place, new, layout.stable(sight));
    let (old, new_view) = if engine.is_in_place() {
        in_place(layout, sight, release, rendered.as_deref(), wanted)
    } else {
        (
            color(layout, sight, new.other(), None, served),
            color(layout, sight, new, rendered.as_deref(), wanted),
        )
    };
    Seen {
        old,
        new: new_view.unwrap_or_default(),
        traffic: layout.lead.as_ref().and_then(|lead| traffic::view(lead, &objects, new, journal.epoch)),
        in_dns: None,
        refused: denied,
    }
}

/// A workload that is updated where it stands is both: the version that it says is the one, and what its pods of other
/// revisions are is the other.
fn in_place(
    layout: &Layout,
    sight: &Sight,
    release: &Release,
    rendered: Option<&str>,
    wanted: u32,
) -> (Option<ColorView>, Option<ColorView>) {
    let Some(live) = layout.workload(sight, release.to) else { return (None, None) };
    let view = color(layout, sight, release.to, rendered, wanted);
    if label_of(live, VERSION_LABEL) == Some(release.version.0.as_str()) {
        let replicas = view.as_ref().map_or(0, |view| view.replicas);
        (Some(ColorView { replicas, ..ColorView::default() }), view)
    } else {
        (view.map(|view| ColorView { applied: true, ..view }), None)
    }
}

/// One colour; `None` if it was never made. `rendered` is the digest that its objects must have been made from.
pub(super) fn color(
    layout: &Layout,
    sight: &Sight,
    color: Color,
    rendered: Option<&str>,
    wanted: u32,
) -> Option<ColorView> {
    let workload = layout.workload(sight, color)?;
    let replicas = replicas(workload);
    let pods = Pods::of(workload, sight);
    let mark = |name| marks::of(&layout.release, workload, name);
    let as_rendered = rendered.is_none_or(|digest| mark(OBJECTS_ANNOTATION) == Some(digest));
    let untouched =
        mark(OWNED_ANNOTATION).is_none_or(|left| left == owned_digest(workload, &layout.manager()));
    let ready_endpoints = match layout.service_name(color) {
        Some(service) => ready_endpoints(sight, &service, &pods),
        None => ready_pods(&pods),
    };
    Some(ColorView {
        applied: as_rendered && untouched && replicas >= wanted,
        replicas,
        ready_endpoints,
        failing: failing(workload, &pods),
    })
}

/// Replicas that the workload's controller is told to have.
pub(super) fn replicas(workload: &Value) -> u32 {
    let told = workload.pointer("/spec/replicas").and_then(Value::as_u64);
    // Kubernetes' own default.
    told.map_or(1, |told| u32::try_from(told).unwrap_or(u32::MAX))
}

/// A digest of the fields that are ours, apart from the size, which others may lead. Our marks are
/// written in another way and are not among them.
pub(super) fn owned_digest(workload: &Value, manager: &str) -> String {
    let mut owned = managed_fields::owned(workload, manager).unwrap_or(Value::Null);
    if let Some(spec) = owned.pointer_mut("/spec").and_then(Value::as_object_mut) {
        spec.remove("replicas");
    }
    digest(&owned)
}

/// The colours whose own Services are there.
pub(super) fn services(layout: &Layout, sight: &Sight) -> BTreeSet<Color> {
    let there: BTreeSet<&str> =
        sight.all(Slot::Services).map(|service| text(service, "/metadata/name")).collect();
    let is_there =
        |color: &Color| layout.service_name(*color).is_some_and(|name| there.contains(name.as_str()));
    Color::BOTH.into_iter().filter(is_there).collect()
}

/// Whether a route gives the colours the shares that are wished for, and the stable Service beside it leads to the colour
/// that it does not belong to then.
pub(super) fn is_half_switched(layout: &Layout, sight: &Sight, wish: &Wanted) -> bool {
    let Some(lead) = &layout.lead else { return false };
    let weights = |index: usize| {
        let targets = layout.targets();
        let (target, _) = targets.get(index)?;
        traffic::read(lead, target.role, sight.one(Slot::Target(index))?).ok()?.weights
    };
    let (Some(route), Some(service)) = (weights(0), weights(1)) else { return false };
    let belongs = if wish.weight == 100 { wish.color } else { wish.color.other() };
    route.of(wish.color) == wish.weight && service.of(belongs) != 100
}

/// Which pods are of the workload's present template.
enum Pods<'a> {
    /// These, by name.
    Known(BTreeMap<&'a str, &'a Value>),
    /// They may not be looked at.
    Unknown,
    /// The controller has not seen the latest template yet.
    None,
}

impl<'a> Pods<'a> {
    fn of(workload: &'a Value, sight: &'a Sight) -> Self {
        let number = |pointer| workload.pointer(pointer).and_then(Value::as_i64);
        if number("/status/observedGeneration") < number("/metadata/generation") {
            return Self::None;
        }
        let seen = |slot| sight.slots.get(&slot).is_some_and(|seen| seen.listed && seen.denied.is_none());
        let stateful = text(workload, "/kind") == "StatefulSet";
        if !seen(Slot::Pods) || !(stateful || seen(Slot::ReplicaSets)) {
            return Self::Unknown;
        }
        let (label, value) = if stateful {
            ("controller-revision-hash", Some(text(workload, "/status/updateRevision").to_owned()))
        } else {
            (POD_TEMPLATE_HASH, template_hash(workload, sight))
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else { return Self::None };
        let of_template = |pod: &&Value| label_of(pod, label) == Some(value.as_str());
        let pods = sight.all(Slot::Pods).filter(of_template);
        Self::Known(pods.map(|pod| (text(pod, "/metadata/name"), pod)).collect())
    }
}

/// The hash of a Deployment's present template: that of its replica set of the same revision.
pub(super) fn template_hash(workload: &Value, sight: &Sight) -> Option<String> {
    let uid = text(workload, "/metadata/uid");
    let revision = annotation(workload, REVISION)?;
    let set = sight.all(Slot::ReplicaSets).find(|set| {
        annotation(set, REVISION) == Some(revision) && controller_uid(set).is_some_and(|owner| owner == uid)
    })?;
    label_of(set, POD_TEMPLATE_HASH).map(str::to_owned)
}

fn ready_endpoints(sight: &Sight, service: &str, pods: &Pods<'_>) -> u32 {
    let mut ready = BTreeSet::new();
    for slice in sight.all(Slot::Slices).filter(|slice| label_of(slice, SERVICE_LABEL) == Some(service)) {
        let endpoints = slice.pointer("/endpoints").and_then(Value::as_array);
        for endpoint in endpoints.into_iter().flatten() {
            // Absent means ready, as the API has it.
            let is_ready = endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true);
            let pod = text(endpoint, "/targetRef/name");
            let counts = match pods {
                Pods::Known(pods) => pods.contains_key(pod),
                Pods::Unknown => true,
                Pods::None => false,
            };
            if is_ready && counts {
                // A pod with addresses of both families is in two slices and one endpoint.
                let address = || endpoint.pointer("/addresses/0").and_then(Value::as_str).unwrap_or_default();
                ready.insert(if pod.is_empty() { address() } else { pod });
            }
        }
    }
    u32::try_from(ready.len()).unwrap_or(u32::MAX)
}

/// Pods that are ready, where no Service of their own tells.
fn ready_pods(pods: &Pods<'_>) -> u32 {
    let Pods::Known(pods) = pods else { return 0 };
    let is_ready = |pod: &&&Value| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        let ready = |it: &Value| text(it, "/type") == "Ready" && text(it, "/status") == "True";
        conditions.is_some_and(|conditions| conditions.iter().any(ready))
            && text(pod, "/metadata/deletionTimestamp").is_empty()
    };
    u32::try_from(pods.values().filter(is_ready).count()).unwrap_or(u32::MAX)
}

/// Why the workload will not become what it shall be without a change.
fn failing(workload: &Value, pods: &Pods<'_>) -> Option<String> {
    if let Pods::Known(pods) = pods {
        let alive = pods.values().filter(|pod| text(pod, "/metadata/deletionTimestamp").is_empty());
        if let Some(failure) = alive.filter_map(|pod| pod_failure(pod)).next() {
            return Some(failure.to_string());
        }
    }
    if let Some(words) = exceeded_quota(workload) {
        return Some(words);
    }
    match readiness(workload) {
        Readiness::Failed(words) => Some(words),
        Readiness::Terminating => Some("it is being deleted".to_owned()),
        Readiness::Current | Readiness::InProgress(_) => None,
    }
}

/// What a quota refuses, as long as there are fewer pods than wanted.
fn exceeded_quota(workload: &Value) -> Option<String> {
    let created = workload.pointer("/status/replicas").and_then(Value::as_u64).unwrap_or(0);
    let conditions = workload.pointer("/status/conditions").and_then(Value::as_array)?;
    let failure = conditions.iter().find(|condition| {
        text(condition, "/type") == "ReplicaFailure" && text(condition, "/status") == "True"
    })?;
    let words = text(failure, "/message");
    let short = created < u64::from(replicas(workload));
    (short && words.contains("exceeded quota")).then(|| crate::member::cut(words))
}

/// What an Event about the release refers to: the workload that is brought, or the one that serves.
pub(super) fn workload_reference(layout: &Layout, sight: &Sight, release: Option<&Release>) -> Option<Value> {
    let first = release.map_or(Color::Blue, |release| release.to);
    let live = [first, first.other()].into_iter().find_map(|color| layout.workload(sight, color))?;
    Some(json!({
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "namespace": live["metadata"]["namespace"],
        "name": live["metadata"]["name"],
        "uid": live["metadata"]["uid"],
    }))
}

pub(super) fn label_of<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(key)?.as_str()
}

pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn controller_uid(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners.iter().find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))?;
    Some(text(owner, "/uid"))
}
