//! Whether a colour fits on a cluster beside what runs there.
//!
//! Two colours need twice the room. What nodes have left is a warning only, since an autoscaler may add nodes; what a
//! quota leaves is a problem, since the server refuses the pods.
//!
//! Deliberately absent, as in [`crate::capacity`]: affinity between pods, spreading, volumes that live in one zone; and
//! pods that wait for a node themselves.

mod quota;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::capacity::{CapacityError, Quantity, fits, requests, summarise};
use crate::object::text;

/// Labels by which clouds and tools name the pool that a node is in.
const POOLS: [&str; 6] = [
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "cloud.google.com/gke-nodepool",
    "node.kubernetes.io/instance-type",
];

/// What a cluster has, and what is to fit there.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// All nodes.
    pub nodes: &'a [Value],
    /// All pods of all namespaces.
    pub pods: &'a [Value],
    /// The `ResourceQuota`s of the release's namespace.
    pub quotas: &'a [Value],
    /// The template of the new pods.
    pub template: &'a Value,
    /// How many of them are to be made.
    pub replicas: u32,
}

/// Something about the room on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// In words, with numbers.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may still work.
    Warning,
    /// The cluster will refuse it.
    Problem,
}

/// What is to be said about the room for some more pods. Nothing, if they fit.
///
/// # Errors
/// [`CapacityError`] if the template asks for an amount that is none.
///
/// # Examples
/// ```
/// use multicluster_core::release::fit::{Room, fit};
/// use serde_json::json;
///
/// let node = json!({
///     "metadata": { "name": "one", "labels": { "agentpool": "small" } },
///     "status": {
///         "allocatable": { "cpu": "2", "pods": "110" }, "conditions": [{ "type": "Ready", "status": "True" }]
///     }
/// });
/// let running = json!({
///     "spec": { "nodeName": "one", "containers": [{ "resources": { "requests": { "cpu": "500m" } } }] }
/// });
/// let pods = [running.clone(), running.clone()];
/// let nodes = [node];
/// let room = |replicas| Room { nodes: &nodes, pods: &pods, quotas: &[], template: &running, replicas };
/// let said = |replicas| fit(&room(replicas)).unwrap().into_iter().map(|finding| finding.text).collect::<Vec<_>>();
/// assert_eq!(said(2), Vec::<String>::new());
/// assert_eq!(
///     said(3),
///     ["3 more pods (500m cpu each) are needed beside what runs, and the nodes have room for 2: 2 in pool `small`. \
///       Unless nodes are added, the new colour does not become ready"]
/// );
/// ```
pub fn fit(room: &Room<'_>) -> Result<Vec<Finding>, CapacityError> {
    let needed = requests(room.template)?;
    let mut findings = Vec::new();
    if room.replicas == 0 {
        return Ok(findings);
    }
    let pools = pools(room);
    let mut rooms = Vec::new();
    for (pool, nodes) in &pools {
        rooms.push((pool, fits(&summarise(nodes), room.template)?));
    }
    let all = rooms.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if all < u64::from(room.replicas) {
        let each: Vec<String> =
            needed.iter().map(|(resource, amount)| format!("{amount} {resource}")).collect();
        let each = if each.is_empty() { String::new() } else { format!(" ({} each)", each.join(", ")) };
        let named: Vec<String> = rooms
            .iter()
            .filter(|(pool, _)| !pool.is_empty())
            .map(|(pool, count)| format!("{count} in pool `{pool}`"))
            .collect();
        let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
        findings.push(Finding {
            severity: Severity::Warning,
            text: format!(
                "{} more pods{each} are needed beside what runs, and the nodes have room for {all}{named}. Unless nodes \
                 are added, the new colour does not become ready",
                room.replicas
            ),
        });
    }
    findings.extend(quota::exceeded(room, &needed)?);
    Ok(findings)
}

/// The nodes by pool, each with what it has left.
fn pools(room: &Room<'_>) -> BTreeMap<String, Vec<Value>> {
    let mut taken: BTreeMap<&str, BTreeMap<String, Quantity>> = BTreeMap::new();
    let ended = |pod: &&Value| ["Succeeded", "Failed"].contains(&text(pod, "/status/phase"));
    for pod in room.pods.iter().filter(|pod| !ended(pod)) {
        let node = taken.entry(text(pod, "/spec/nodeName")).or_default();
        // Amounts of others that cannot be read count as nothing, as on nodes.
        let mut of_pod = requests(pod).unwrap_or_default();
        of_pod.insert("pods".to_owned(), Quantity::ONE);
        for (resource, amount) in of_pod {
            let sum = node.entry(resource).or_insert(Quantity::ZERO);
            *sum = sum.plus(amount);
        }
    }
    let nothing = BTreeMap::new();
    let mut pools: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for node in room.nodes {
        let taken = taken.get(text(node, "/metadata/name")).unwrap_or(&nothing);
        let mut left = node.clone();
        let allocatable = left.pointer_mut("/status/allocatable").and_then(Value::as_object_mut);
        for (resource, amount) in allocatable.into_iter().flatten() {
            if let (Ok(all), Some(taken)) = (Quantity::of(amount), taken.get(resource)) {
                *amount = json!(all.minus(*taken));
            }
        }
        let labels = node.pointer("/metadata/labels");
        let label = |key: &&str| labels.and_then(|labels| labels.get(*key)).and_then(Value::as_str);
        let pool = POOLS.iter().find_map(label).unwrap_or_default();
        pools.entry(pool.to_owned()).or_default().push(left);
    }
    pools
}
