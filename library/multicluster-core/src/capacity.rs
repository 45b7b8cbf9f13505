//! How many replicas of a workload the nodes of a cluster could hold.
//!
//! It is an estimate by what nodes offer to pods (`status.allocatable`), not by what is free at the moment: what runs
//! comes and goes, and a division that followed it would never come to rest. Invariant: which nodes there are counts,
//! not their order, nor how equal ones are grouped.
//!
//! A pod that is to go to one node by its name (`kubernetes.io/hostname`) fits nowhere: nodes have no names here.
//! Deliberately absent: affinity between pods, spreading, volumes that live in one zone, quotas, other workloads.

mod quantity;
mod requests;
mod scheduling;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::quantity::{InvalidQuantity, Quantity};
pub use self::requests::{CapacityError, requests};
pub use self::scheduling::Taint;
use crate::object::text;

/// The resource that every pod takes one of.
const PODS: &str = "pods";

/// Some equal nodes, as far as it matters to where pods go. Small, so that it can be kept from a plan to its apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeCapacity {
    /// How many there are.
    pub count: u64,
    /// What each offers to pods, by resource; resources of which there is nothing are absent.
    pub allocatable: BTreeMap<String, Quantity>,
    /// Labels that all of them carry, without those that tell one node from another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What keeps pods away, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
}

/// The nodes that take pods: ready ones that are not cordoned, equal ones as one.
///
/// Amounts that cannot be read count as nothing.
///
/// # Examples
/// ```
/// use multicluster_core::capacity::summarise;
/// use serde_json::json;
///
/// let node = |name: &str| json!({
///     "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name, "zone": "a" } },
///     "status": {
///         "allocatable": { "cpu": "3920m", "pods": "110" },
///         "conditions": [{ "type": "Ready", "status": "True" }]
///     }
/// });
/// let summary = summarise(&[node("one"), node("two")]);
/// assert_eq!(
///     serde_json::to_value(summary).unwrap(),
///     json!([{ "count": 2, "allocatable": { "cpu": "3920m", "pods": "110" }, "labels": { "zone": "a" } }])
/// );
/// ```
#[must_use]
pub fn summarise(nodes: &[Value]) -> Vec<NodeCapacity> {
    let mut counts: BTreeMap<NodeCapacity, u64> = BTreeMap::new();
    for node in nodes.iter().filter(|node| takes_pods(node)) {
        let allocatable = node.pointer("/status/allocatable").and_then(Value::as_object);
        let one = NodeCapacity {
            count: 1,
            allocatable: allocatable
                .into_iter()
                .flatten()
                .filter_map(|(resource, amount)| Some((resource.clone(), Quantity::of(amount).ok()?)))
                .filter(|(_, amount)| *amount > Quantity::ZERO)
                .collect(),
            labels: shared_labels(node),
            taints: scheduling::taints(node),
        };
        *counts.entry(one).or_default() += 1;
    }
    counts.into_iter().map(|(node, count)| NodeCapacity { count, ..node }).collect()
}

/// How many pods of a template (`metadata` and `spec`) fit on some nodes, if nothing else ran on them.
///
/// Counted are the nodes that the template's tolerations, `nodeSelector` and required node affinity allow; on each the
/// resource that is used up first decides. A pod without requests is limited by the number of pods alone.
///
/// # Errors
/// [`CapacityError`] if the template asks for an amount that is none.
///
/// # Examples
/// ```
/// use multicluster_core::capacity::{fits, NodeCapacity};
/// use serde_json::json;
///
/// let nodes: Vec<NodeCapacity> =
///     serde_json::from_value(json!([{ "count": 3, "allocatable": { "cpu": "2", "pods": "110" } }])).unwrap();
/// let template = json!({ "spec": { "containers": [{ "resources": { "requests": { "cpu": "300m" } } }] } });
/// assert_eq!(fits(&nodes, &template), Ok(18));
/// ```
pub fn fits(nodes: &[NodeCapacity], pod_template: &Value) -> Result<u64, CapacityError> {
    let mut requested = requests(pod_template)?;
    requested.insert(PODS.to_owned(), Quantity::ONE);
    Ok(nodes
        .iter()
        .filter(|node| scheduling::allows(pod_template, node))
        .map(|node| node.count.saturating_mul(node.holds(&requested)))
        .fold(0, u64::saturating_add))
}

impl NodeCapacity {
    /// How often one of these nodes has all of this.
    fn holds(&self, requested: &BTreeMap<String, Quantity>) -> u64 {
        let times = requested.iter().filter_map(|(resource, amount)| {
            self.allocatable.get(resource).copied().unwrap_or(Quantity::ZERO).times(*amount)
        });
        times.min().unwrap_or(0)
    }
}

fn takes_pods(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True");
    ready && node.pointer("/spec/unschedulable") != Some(&Value::Bool(true))
}

/// The labels of a node that others may carry too. With the others no two nodes would be equal.
fn shared_labels(node: &Value) -> BTreeMap<String, String> {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .filter(|(key, _)| !key.ends_with("kubernetes.io/hostname") && !key.ends_with("/instance-id"))
        .map(|(key, value)| (key.clone(), value.to_owned()))
        .collect()
}
