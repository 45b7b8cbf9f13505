//! The objects of one colour, or of a workload that is updated in place, on one cluster.
//!
//! Invariant: what is rendered for one colour changes nothing of the other one, and not where traffic goes. All of it is
//! for server-side apply, without force, by the release's field manager.
//!
//! Only the version that a release brings is rendered. The old colour is never rendered while a release is under way: its
//! objects are of another version; it is scaled ([`hold()`], and its `spec.replicas`), no more.
//!
//! # Autoscalers
//! Each colour has one of its own. While a release is under way, both colours keep at least the size with which it began:
//! without load, an autoscaler would shrink the new colour before it serves, and the old one after, so that neither could
//! take all traffic at once. So the new colour's minimum is rendered as that size ([`Autoscaler::Held`]), the old one's
//! is raised to it by [`hold()`]; both may grow. When the release is complete the new one is rendered
//! [`Autoscaler::Free`] and the old one removed with its pods; when it was taken back, [`give_back()`] restores the old
//! one's minimum.
//!
//! Where an autoscaler decides, `replicas` must be what the live object says: a field that is no longer applied would be
//! reset by the server, to 1.

mod autoscaler;
mod service;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use self::autoscaler::{give_back, hold};
pub(super) use self::service::color_service;
use self::service::stable_service;
use super::color::Color;
use super::identity::{COLOR_LABEL, ReleaseIdentity, colored};
use super::journal::Version;
use super::spec::Strategy;
use super::workload::{Workload, references};
use crate::copies::secret_data;
use crate::object::Manifest;
use crate::selector::Labels;

/// What a workload's objects depend on, apart from the workload.
#[derive(Clone, Copy, Debug)]
pub struct Colored<'a> {
    /// Whose they are.
    pub release: &'a ReleaseIdentity,
    /// Their colour; means nothing in place.
    pub color: Color,
    /// Their version.
    pub version: &'a Version,
    /// The size. Where an autoscaler decides already: what the live object says.
    pub replicas: u32,
    /// Whether the autoscaler may shrink it.
    pub autoscaler: Autoscaler,
    /// The stable Service as it is on the cluster, if it is there.
    pub service: Option<&'a Value>,
    /// The colour that traffic goes to: a stable Service that is not there yet is made to lead to it.
    pub serving: Color,
}

/// How far down an autoscaler may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autoscaler {
    /// Not below the size that is rendered.
    Held,
    /// As the manifest says.
    Free,
}

/// A stable Service that neither the manifest nor the cluster has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Service `{name}` is neither in `manifest` nor on the cluster: add it to the manifest, or keep it with multicluster_federation and let the release depend on that"
)]
pub struct NoService {
    /// The Service.
    pub name: String,
}

/// The objects, in the order of writing: what the pods need, the Services, the disruption budget, the Deployment or
/// StatefulSet, its autoscaler.
///
/// Services come before the pods, because cloud controllers give pods their readiness gates when they are made, by the
/// Services that select them then.
///
/// # Errors
/// [`NoService`] if there is nothing to make the colour's Service from.
pub fn render(workload: &Workload, colored: &Colored<'_>) -> Result<Vec<Manifest>, NoService> {
    match workload.strategy {
        Strategy::BlueGreen => of_color(workload, colored),
        Strategy::InPlace => Ok(in_place(workload, colored)),
    }
}

fn of_color(workload: &Workload, of: &Colored<'_>) -> Result<Vec<Manifest>, NoService> {
    let labels = of.release.version_labels(of.color, of.version);
    let mut rendered = Vec::new();
    let mut names = BTreeMap::new();
    for config in &workload.configs {
        let mut object = config.value().clone();
        let kind = if config.kind() == "Secret" { "Secret" } else { "ConfigMap" };
        names.insert((kind, config.name().to_owned()), colored(config.name(), of.color));
        secret_data(&mut object);
        rendered.push(renamed(object, of.color, &labels));
    }
    let stable = workload.service.as_deref().unwrap_or_default();
    let written = workload.services.first().map(Manifest::value);
    let base = written.or(of.service).ok_or_else(|| NoService { name: stable.to_owned() })?;
    rendered.push(color_service(of.release, stable, base, of.color, None));
    if let Some(written) = written {
        rendered.push(stable_service(of, written));
    }
    if let Some(budget) = &workload.budget {
        let mut object = budget.value().clone();
        select_color(&mut object, of.color);
        rendered.push(renamed(object, of.color, &labels));
    }
    let mut main = workload.main.value().clone();
    select_color(&mut main, of.color);
    set(&mut main, &["spec", "replicas"], of.replicas.into());
    if let Some(pod) = main.pointer_mut("/spec/template/spec") {
        references::rename(pod, &names);
    }
    label(&mut main, &["spec", "template"], &labels);
    rendered.push(renamed(main, of.color, &labels));
    if let Some(autoscaler) = &workload.autoscaler {
        let mut object = autoscaler::sized(autoscaler.value(), of.replicas, of.autoscaler);
        set(&mut object, &["spec", "scaleTargetRef", "name"], colored(workload.main.name(), of.color).into());
        rendered.push(renamed(object, of.color, &labels));
    }
    Ok(rendered.into_iter().filter_map(|object| Manifest::new(object).ok()).collect())
}

fn in_place(workload: &Workload, of: &Colored<'_>) -> Vec<Manifest> {
    let mut labels = of.release.labels();
    labels.insert(super::identity::VERSION_LABEL.to_owned(), of.version.0.clone());
    let labelled = |manifest: &Manifest| {
        let mut object = manifest.value().clone();
        secret_data(&mut object);
        label(&mut object, &[], &labels);
        object
    };
    let beside = workload.configs.iter().chain(&workload.services).chain(&workload.budget);
    let mut rendered: Vec<Value> = beside.map(labelled).collect();
    let mut main = labelled(&workload.main);
    set(&mut main, &["spec", "replicas"], of.replicas.into());
    // With it, a change of a config map alone reaches the pods as well.
    label(&mut main, &["spec", "template"], &labels);
    rendered.push(main);
    if let Some(autoscaler) = &workload.autoscaler {
        let object = autoscaler::sized(autoscaler.value(), of.replicas, of.autoscaler);
        rendered.extend(Manifest::new(object).ok().as_ref().map(labelled));
    }
    rendered.into_iter().filter_map(|object| Manifest::new(object).ok()).collect()
}

/// The object under its colour's name and labels.
fn renamed(mut object: Value, color: Color, labels: &Labels) -> Value {
    let name = crate::object::text(&object, "/metadata/name").to_owned();
    set(&mut object, &["metadata", "name"], colored(&name, color).into());
    label(&mut object, &[], labels);
    object
}

/// Narrows a label selector to a colour.
fn select_color(object: &mut Value, color: Color) {
    set(object, &["spec", "selector", "matchLabels", COLOR_LABEL], color.as_str().into());
}

/// Adds labels to the metadata of what a way leads to.
pub(super) fn label(object: &mut Value, way: &[&str], labels: &Labels) {
    for (key, value) in labels {
        let way: Vec<&str> = way.iter().copied().chain(["metadata", "labels", key]).collect();
        set(object, &way, value.as_str().into());
    }
}

/// Sets a field, and makes the mappings on the way where they are missing.
pub(super) fn set(object: &mut Value, way: &[&str], value: Value) {
    let Some((field, rest)) = way.split_first() else {
        *object = value;
        return;
    };
    if object.is_null() {
        *object = json!({});
    }
    if let Some(fields) = object.as_object_mut() {
        set(fields.entry(*field).or_insert(Value::Null), rest, value);
    }
}
