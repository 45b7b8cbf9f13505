//! Changes to an object for some clusters only.
//!
//! Invariant: a change never makes another object of it. What identifies the object ([`PROTECTED`]), what only a server
//! writes, and the labels and annotations that tools keep for themselves are out of its reach, and so is everything
//! above them. A change that fails leaves the object as it was, and no error repeats a value of the change or of the
//! object.
//!
//! | change | of |
//! |---|---|
//! | JSON patch (RFC 6902) | anything |
//! | merge patch (RFC 7386) | anything; a list is replaced as a whole |
//! | images, environment | the containers of a pod, or of the pod template of a workload of any kind |
//! | labels, annotations | the object's own metadata; not those of its pods, which selectors depend on |

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::{Value, json};

use crate::names::ClusterName;
use crate::selector::{Labels, Selector};

mod containers;
mod env;
mod error;
mod image;
mod images;
mod merge;
mod metadata;
mod patch;
mod protected;

pub use error::{Failure, InvalidImageChange, Malformation, OverrideError};
pub use image::{ImageReference, InvalidImage};
pub use images::ImageChange;
pub use merge::parse_merge_patch;
pub use patch::{LARGEST_OBJECT, LARGEST_PATCH, apply, parse_patch};
pub use protected::{PROTECTED, is_reserved};

/// One way to change an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Operations in their order (RFC 6902).
    JsonPatch(Patch),
    /// What is to be laid over the object (RFC 7386): `null` removes, mappings are merged, all else replaces.
    MergePatch(Value),
    /// Other images for containers, in this order.
    Images(Vec<ImageChange>),
    /// Labels of the object; `None` removes.
    Labels(BTreeMap<String, Option<String>>),
    /// Annotations of the object; `None` removes.
    Annotations(BTreeMap<String, Option<String>>),
    /// Environment variables of containers. A variable that is there keeps its place, and loses a `valueFrom`; new ones
    /// follow in the order of their names; `None` removes, and does nothing where there is none.
    Env {
        /// The container; absent: all of them, init containers too.
        container: Option<String>,
        /// Values by name.
        values: BTreeMap<String, Option<String>>,
    },
}

/// The members that a change is for: those that are named *and* selected. Neither given: every member that the object
/// is placed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Members by name; absent: all.
    pub clusters: Option<BTreeSet<ClusterName>>,
    /// Members by their labels; absent: all.
    pub selector: Option<Selector>,
}

impl Scope {
    /// Whether the change is for a member with these labels.
    #[must_use]
    pub fn concerns(&self, name: &ClusterName, labels: &Labels) -> bool {
        self.clusters.as_ref().is_none_or(|clusters| clusters.contains(name))
            && self.selector.as_ref().is_none_or(|selector| selector.matches(labels))
    }
}

impl Change {
    /// Finds what is wrong with the change whatever the object is. [`apply_change`] does so too; this is for saying it
    /// early.
    ///
    /// # Errors
    /// [`OverrideError`] for malformed parts, and for changes to what must not change.
    pub fn check(&self) -> Result<(), OverrideError> {
        match self {
            Self::JsonPatch(patch) => patch::check(patch),
            Self::MergePatch(patch) => merge::check(patch),
            Self::Images(changes) => images::check(changes),
            Self::Labels(labels) => metadata::check_labels(labels),
            Self::Annotations(annotations) => metadata::check_annotations(annotations),
            Self::Env { values, .. } => env::check(values),
        }
    }

    /// A value that stands for the change, for digests: changes with the same value do the same, in all versions of
    /// this crate. It holds what the change holds.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            // Operations are pointers and values, which are always JSON.
            Self::JsonPatch(patch) => {
                json!({ "json_patch": serde_json::to_value(patch).unwrap_or_default() })
            }
            Self::MergePatch(patch) => json!({ "merge_patch": patch }),
            Self::Images(changes) => {
                json!({ "images": changes.iter().map(ImageChange::to_value).collect::<Vec<_>>() })
            }
            Self::Labels(labels) => json!({ "labels": labels }),
            Self::Annotations(annotations) => json!({ "annotations": annotations }),
            Self::Env { container, values } => json!({ "env": values, "container": container }),
        }
    }
}

/// Applies a change. On an error the object is as it was.
///
/// # Errors
/// [`OverrideError`] for a change that [`Change::check`] refuses, and for an object that is not as the change needs it.
///
/// # Examples
/// ```
/// use multicluster_core::overrides::{Change, ImageChange, apply_change};
/// use serde_json::json;
///
/// let containers = json!([{ "name": "web", "image": "nginx:1.29" }]);
/// let mut object = json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
///     "spec": { "template": { "spec": { "containers": containers } } }
/// });
/// let mirror = ImageChange { registry: Some("mirror.example.com".to_owned()), ..ImageChange::default() };
/// apply_change(&mut object, &Change::Images(vec![mirror])).unwrap();
/// let image = object.pointer("/spec/template/spec/containers/0/image");
/// assert_eq!(image, Some(&json!("mirror.example.com/nginx:1.29")));
/// ```
pub fn apply_change(object: &mut Value, change: &Change) -> Result<(), OverrideError> {
    change.check()?;
    let mut changed = object.clone();
    match change {
        Change::JsonPatch(patch) => patch::carry_out(&mut changed, patch)?,
        Change::MergePatch(patch) => json_patch::merge(&mut changed, patch),
        Change::Images(changes) => images::apply(&mut changed, changes)?,
        Change::Labels(labels) => metadata::apply(&mut changed, "labels", labels)?,
        Change::Annotations(annotations) => metadata::apply(&mut changed, "annotations", annotations)?,
        Change::Env { container, values } => env::apply(&mut changed, container.as_deref(), values)?,
    }
    protected::keep_reserved(object, &changed)?;
    *object = changed;
    Ok(())
}
