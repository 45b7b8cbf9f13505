//! Which version of a workload a manifest is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::journal::Version;
use super::workload::Workload;
use crate::copies::secret_data;
use crate::digest::digest;
use crate::names::ClusterName;

/// Digits of a version. 40 bits: a version is told apart from those before it, not from all there are.
const DIGITS: usize = 10;

/// The version of a workload: `base` as written, and `clusters` as it is on each of them (see
/// [`super::workload::change()`]).
///
/// Everything that its objects say is in it, but for their number of replicas: neither the order of the objects and of
/// their fields, nor the form of a Secret (`data` or `stringData`), nor a cluster where it is as everywhere. So a cluster
/// that joins brings no new version, and a change on one cluster brings one for all.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::manifest;
/// use multicluster_core::release::version::version;
/// use multicluster_core::release::workload::{Given, Secrets, parse};
/// use multicluster_core::release::spec::Strategy;
///
/// let workload = |image: &str, replicas: u32| {
///     let text = format!("
/// apiVersion: apps/v1
/// kind: Deployment
/// metadata: {{ name: worker }}
/// spec:
///   replicas: {replicas}
///   selector: {{ matchLabels: {{ app: worker }} }}
///   template:
///     metadata: {{ labels: {{ app: worker }} }}
///     spec: {{ containers: [{{ name: worker, image: '{image}' }}] }}
/// ");
///     let manifests = manifest::parse(&text).unwrap();
///     let strategy = Some(Strategy::InPlace);
///     parse(Given { manifests, namespace: "shop", traffic: None, strategy, secrets: Secrets::Refused }).unwrap()
/// };
/// let of = |image, replicas| version(&workload(image, replicas), &BTreeMap::new());
/// assert_eq!(of("worker:1", 3), of("worker:1", 5));
/// assert_ne!(of("worker:1", 3), of("worker:2", 3));
/// assert_eq!(of("worker:1", 3).0.len(), 10);
/// ```
#[must_use]
pub fn version(base: &Workload, clusters: &BTreeMap<ClusterName, Workload>) -> Version {
    let written = content(base);
    let different: Map<String, Value> = clusters
        .iter()
        .map(|(name, workload)| (name.to_string(), content(workload)))
        .filter(|(_, content)| *content != written)
        .collect();
    short(&json!({ "base": written, "clusters": different }))
}

/// A version from anything that stands for what runs.
pub(super) fn short(of: &Value) -> Version {
    let digest = digest(of);
    Version(digest.get(..DIGITS).unwrap_or(&digest).to_owned())
}

/// What the objects of a workload say, by object.
fn content(workload: &Workload) -> Value {
    let objects: Map<String, Value> = workload
        .objects()
        .map(|manifest| {
            let mut object = manifest.value().clone();
            secret_data(&mut object);
            if manifest.name() == workload.main().name()
                && manifest.kind() == workload.main().kind()
                && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
            {
                spec.remove("replicas");
            }
            // By digest, so that what is compared and kept in memory holds no secret.
            (manifest.key().to_string(), digest(&object).into())
        })
        .collect();
    Value::Object(objects)
}
