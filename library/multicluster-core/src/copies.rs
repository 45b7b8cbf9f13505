//! What of a live object can be kept on another cluster.
//!
//! Invariant: the answer is a manifest as its author could have written it. It holds nothing that a server or a
//! controller of the one cluster filled in, and nothing that says whose it is; taken twice it is the same.

mod marks;
mod refusal;
mod secret;
mod strip;

use serde_json::{Map, Value};

pub use self::secret::secret_data;
use crate::object::{Manifest, NotAnObject, group_of, text};

/// Why an object means nothing on another cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPortable {
    /// It cannot be told apart from other objects.
    #[error("it cannot be copied: {0}")]
    NotAnObject(NotAnObject),
    /// It is of its own cluster alone.
    #[error("it cannot be copied: {reason}")]
    OfOneCluster {
        /// In words.
        reason: &'static str,
    },
    /// Another object makes it, and would do so on the other cluster.
    #[error("it cannot be copied: {kind} `{name}` makes it, copy that one instead")]
    Made {
        /// The kind of the maker, such as `ReplicaSet`.
        kind: String,
        /// The maker's name.
        name: String,
    },
}

/// What of a live object can be kept on another cluster.
///
/// Gone are the status, all metadata but name, namespace, labels and annotations, the marks of other federations and
/// tools, and what the cluster assigned: addresses and ports of services, the volume of a claim, the node of a pod, the
/// selector of a job, and so on.
///
/// # Errors
/// [`NotPortable`] says why there is nothing to copy: tokens, events, endpoints, leases, nodes, what a controller
/// makes, and what every cluster has of its own.
///
/// # Examples
/// ```
/// use multicluster_core::copies::portable;
/// use serde_json::json;
///
/// let live = json!({
///     "apiVersion": "v1", "kind": "Service",
///     "metadata": { "name": "web", "namespace": "shop", "uid": "5d2f", "resourceVersion": "17" },
///     "spec": { "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ports": [{ "port": 80, "nodePort": 30080 }] },
///     "status": { "loadBalancer": {} }
/// });
/// let copy = json!({
///     "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop" },
///     "spec": { "ports": [{ "port": 80 }] }
/// });
/// assert_eq!(portable(&live), Ok(copy));
/// ```
pub fn portable(live: &Value) -> Result<Value, NotPortable> {
    let manifest = Manifest::new(live.clone()).map_err(NotPortable::NotAnObject)?;
    refusal::check(&manifest)?;
    let mut object = manifest.into_value();
    let (group, kind) = (group_of(text(live, "/apiVersion")).to_owned(), text(live, "/kind"));
    strip::kind(&group, kind, &mut object);
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            *metadata = kept(metadata, &marks::Marks::of(&group, kind, live));
        }
    }
    Ok(object)
}

/// The metadata that an author writes.
fn kept(metadata: &Map<String, Value>, marks: &marks::Marks) -> Map<String, Value> {
    let mut kept = Map::new();
    for field in ["name", "namespace"] {
        if let Some(value) = metadata.get(field).filter(|value| !value.is_null()) {
            kept.insert(field.to_owned(), value.clone());
        }
    }
    for field in ["labels", "annotations"] {
        let Some(entries) = metadata.get(field).and_then(Value::as_object) else { continue };
        let entries: Map<String, Value> = entries
            .iter()
            .filter(|(key, value)| !marks.is_one(key, value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !entries.is_empty() {
            kept.insert(field.to_owned(), entries.into());
        }
    }
    kept
}
