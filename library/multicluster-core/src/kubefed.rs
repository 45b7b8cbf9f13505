//! KubeFed's documents, carried out without KubeFed.
//!
//! A repository that was written for KubeFed v2 (`types.kubefed.io/v1beta1` with `FederatedDeployment` and its like,
//! `scheduling.kubefed.io/v1alpha1` with `ReplicaSchedulingPreference`) keeps its meaning here: [`expand`] gives the
//! objects that KubeFed's controllers would have written to each member.
//!
//! ```text
//! FederatedX ── template ──▶ placement (ReplicaSchedulingPreference, FederatedNamespace) ──▶ overrides ──▶ X per member
//! ```
//!
//! Invariant: what KubeFed reads is read as KubeFed reads it, odd corners included. Where it would fail or record an
//! event, that is a [`Problem`]; where it would say nothing although the text is surely a mistake, that is a warning.
//!
//! Different on purpose: objects do not carry `kubefed.io/managed`, which would let a KubeFed that still runs take them
//! back, and nothing is retained by reading it from the member first, because server-side apply leaves alone what it
//! does not send. What KubeFed would keep although the template says otherwise is listed in [`Expanded::retained`].

mod document;
mod expansion;
mod federated;
mod known;
mod live;
mod nowhere;
mod overrides;
mod patch;
mod placement;
mod preference;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub use self::expansion::expand;
pub use self::live::LiveReplicas;
pub use self::nowhere::Nowhere;
use crate::names::ClusterName;
use crate::object::{Manifest, ObjectKey, group_of, text};
use crate::path::FieldPath;
use crate::selector::Labels;

/// The label of everything that KubeFed keeps on a member.
pub const MANAGED_LABEL: &str = "kubefed.io/managed";
/// The annotation of a federated document whose objects stay when it is deleted.
pub const ORPHAN_ANNOTATION: &str = "kubefed.io/orphan";

/// What KubeFed's documents are read against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The members and their labels: KubeFed's registered clusters.
    pub members: &'a BTreeMap<ClusterName, Labels>,
    /// Members that do not answer. A `ReplicaSchedulingPreference` gives them nothing; all else is placed on them.
    pub unready: &'a BTreeSet<ClusterName>,
    /// All manifests of the whole federation, those to be expanded included or not: a `FederatedNamespace`, a
    /// `ReplicaSchedulingPreference`, a `FederatedTypeConfig` and a `KubeFedConfig` apply wherever they stand.
    pub federation: &'a [&'a Manifest],
    /// What runs now of the workloads that a `ReplicaSchedulingPreference` divides. A member on which the workload is
    /// not (yet) has no entry.
    pub live: &'a BTreeMap<ObjectKey, BTreeMap<ClusterName, LiveReplicas>>,
}

/// What KubeFed's documents come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expanded {
    /// The objects by member. An object that goes nowhere is not in it but in [`Expanded::nowhere`].
    pub objects: BTreeMap<ObjectKey, BTreeMap<ClusterName, Value>>,
    /// The documents that are none of KubeFed's, in their order.
    pub plain: Vec<Manifest>,
    /// Objects that are on no member, and why.
    pub nowhere: BTreeMap<ObjectKey, Nowhere>,
    /// Fields, as JSON pointers, that KubeFed writes when it creates the object and later leaves as they are on the
    /// member: `spec.replicas` with `retainReplicas`, and what a cluster allocates to a Service.
    pub retained: BTreeMap<ObjectKey, BTreeMap<ClusterName, BTreeSet<String>>>,
    /// Objects that stay on the members when their document goes (`kubefed.io/orphan`). They are deleted nevertheless
    /// from members that the document no longer selects, as by KubeFed.
    pub orphan: BTreeSet<ObjectKey>,
    /// The workloads that a `ReplicaSchedulingPreference` divides, and into what. [`Context::live`] is asked for these.
    pub divided: BTreeMap<ObjectKey, BTreeMap<ClusterName, u64>>,
    /// What KubeFed would have passed over in silence.
    pub warnings: Vec<Problem>,
}

/// Something in a document that cannot be, or is probably not meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which document: `FederatedDeployment shop/web`.
    pub document: String,
    /// Where in it; empty for the whole.
    pub path: FieldPath,
    /// Why, in a sentence. It repeats no values of templates and overrides, which may be secret.
    pub message: String,
}

/// `FederatedDeployment shop/web: spec.overrides[0].clusterName: …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.document)?;
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Whether a document is one of KubeFed's: federated objects, preferences, and its own configuration.
///
/// Federated types of other groups, which a `FederatedTypeConfig` may name, only [`expand`] recognises. So when any
/// manifest of a federation is KubeFed's, all of them go through [`expand`].
///
/// # Examples
/// ```
/// use multicluster_core::{kubefed::is_kubefed, manifest::parse};
///
/// let text = "
/// apiVersion: types.kubefed.io/v1beta1
/// kind: FederatedConfigMap
/// metadata: { name: settings, namespace: shop }
/// ";
/// assert!(is_kubefed(&parse(text).unwrap()[0]));
/// ```
#[must_use]
pub fn is_kubefed(manifest: &Manifest) -> bool {
    let is_ours = |group: &str| group == "kubefed.io" || group.ends_with(".kubefed.io");
    let kind = manifest.key().kind;
    let is_definition = kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition";
    is_ours(&kind.group) || (is_definition && is_ours(text(manifest.value(), "/spec/group")))
}

/// Whether a live object says by `kubefed.io/managed: "false"` that KubeFed must not manage it. KubeFed then refuses
/// (`ManagedLabelFalse`), and so must whoever takes its place.
#[must_use]
pub fn refuses(live: &Value) -> bool {
    live.pointer("/metadata/labels").and_then(|labels| labels.get(MANAGED_LABEL))
        == Some(&Value::from("false"))
}

/// The group of a document.
fn group(manifest: &Manifest) -> &str {
    group_of(manifest.api_version())
}
