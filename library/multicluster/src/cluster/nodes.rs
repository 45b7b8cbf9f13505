//! A cluster's nodes in numbers. Pure.

use multicluster_core::{
    capacity::{self, NodeCapacity, Quantity},
    object::text,
};
use serde_json::Value;

use super::Topology;

/// The nodes of a cluster, taken together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nodes {
    /// How many there are.
    pub count: usize,
    /// How many of them are ready.
    pub ready: usize,
    /// Where they are.
    pub topology: Topology,
    /// What those that take pods offer to them; equal ones as one.
    pub capacity: Vec<NodeCapacity>,
}

impl Nodes {
    /// Reads them from Node objects.
    #[must_use]
    pub fn of(nodes: &[Value]) -> Self {
        Self {
            count: nodes.len(),
            ready: nodes.iter().filter(|node| is_ready(node)).count(),
            topology: Topology::of(nodes),
            capacity: capacity::summarise(nodes),
        }
    }

    /// What all nodes that take pods offer of a resource, used or not: `cpu` in cores, `memory` in bytes, `pods`.
    #[must_use]
    pub fn allocatable(&self, resource: &str) -> Quantity {
        let each = self.capacity.iter().flat_map(|node| {
            let amount = node.allocatable.get(resource).copied().unwrap_or(Quantity::ZERO);
            (0..node.count).map(move |_| amount)
        });
        each.fold(Quantity::ZERO, Quantity::plus)
    }
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(cpu: &str, ready: &str, cordoned: bool) -> Value {
        json!({
            "spec": { "unschedulable": cordoned },
            "status": {
                "allocatable": { "cpu": cpu, "memory": "1Gi" },
                "conditions": [{ "type": "MemoryPressure", "status": "True" }, { "type": "Ready", "status": ready }],
            },
        })
    }

    #[test]
    fn nodes_are_counted_and_those_that_take_pods_added_up() {
        let nodes = [
            node("3920m", "True", false),
            node("3920m", "True", false),
            node("2", "True", false),
            node("64", "True", true),
            node("64", "Unknown", false),
            json!({}),
        ];
        let nodes = Nodes::of(&nodes);
        assert_eq!((nodes.count, nodes.ready), (6, 4));
        assert_eq!(nodes.allocatable("cpu").to_string(), "9840m");
        assert_eq!(nodes.allocatable("memory").to_string(), (3_u64 << 30).to_string());
        assert_eq!(nodes.allocatable("nvidia.com/gpu"), Quantity::ZERO);
    }

    #[test]
    fn no_nodes_offer_nothing() {
        let nodes = Nodes::of(&[]);
        assert_eq!((nodes.count, nodes.ready, nodes.allocatable("cpu")), (0, 0, Quantity::ZERO));
    }
}
