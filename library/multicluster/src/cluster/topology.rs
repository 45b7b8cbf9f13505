//! Where a cluster's nodes are, as their cloud has written on them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::object::text;
use serde_json::Value;

/// The places of a cluster's nodes. Everything is empty where no cloud labels its nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The cloud of most nodes: the scheme of their `spec.providerID`, such as `aws`, `azure` or `gce`.
    pub cloud: Option<String>,
    /// `topology.kubernetes.io/region`.
    pub regions: BTreeSet<String>,
    /// `topology.kubernetes.io/zone`.
    pub zones: BTreeSet<String>,
}

impl Topology {
    /// Reads it from Node objects.
    #[must_use]
    pub fn of(nodes: &[Value]) -> Self {
        let mut clouds: BTreeMap<&str, usize> = BTreeMap::new();
        for cloud in nodes.iter().filter_map(cloud) {
            *clouds.entry(cloud).or_default() += 1;
        }
        // Of several with as many nodes, the first by name.
        let most = clouds.into_iter().rev().max_by_key(|(_, count)| *count);
        let labels = |label: &str| {
            let values =
                nodes.iter().filter_map(|node| node.pointer("/metadata/labels")?.get(label)?.as_str());
            values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
        };
        Self {
            cloud: most.map(|(cloud, _)| cloud.to_owned()),
            regions: labels("topology.kubernetes.io/region"),
            zones: labels("topology.kubernetes.io/zone"),
        }
    }
}

/// The scheme of `aws:///sa-east-1a/i-0123`.
fn cloud(node: &Value) -> Option<&str> {
    let (scheme, _) = text(node, "/spec/providerID").split_once("://")?;
    (!scheme.is_empty()).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prop_assert_eq, proptest};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn node(provider_id: &str, region: &str) -> Value {
        json!({
            "metadata": { "labels": {
                "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": format!("{region}a"),
            } },
            "spec": { "providerID": provider_id },
        })
    }

    #[rstest]
    #[case::aws(&["aws:///sa-east-1a/i-0123"], Some("aws"))]
    #[case::azure(&["azure:///subscriptions/x/y"], Some("azure"))]
    #[case::gce(&["gce://project/zone/node"], Some("gce"))]
    #[case::most(&["eks-hybrid:///a", "aws:///b", "aws:///c"], Some("aws"))]
    #[case::as_many(&["b://1", "a://1"], Some("a"))]
    #[case::none(&["", ""], None)]
    #[case::no_scheme(&["i-0123", "://"], None)]
    #[case::no_nodes(&[], None)]
    fn clouds(#[case] ids: &[&str], #[case] expected: Option<&str>) {
        let nodes: Vec<_> = ids.iter().map(|id| node(id, "r")).collect();
        assert_eq!(Topology::of(&nodes).cloud.as_deref(), expected);
    }

    #[test]
    fn places_are_read_from_labels() {
        let nodes = [node("", "b"), node("", "a"), node("", "b"), json!({ "metadata": {} }), json!(7)];
        let topology = Topology::of(&nodes);
        assert_eq!(topology.regions, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(topology.zones, BTreeSet::from(["aa".to_owned(), "ba".to_owned()]));
    }

    proptest! {
        #[test]
        fn the_order_of_nodes_does_not_matter(ids in vec(option::of("(aws|gce|azure)://[a-z]{0,3}"), 0..8)) {
            let mut nodes: Vec<_> = ids.iter().map(|id| node(id.as_deref().unwrap_or(""), "r")).collect();
            let topology = Topology::of(&nodes);
            nodes.reverse();
            prop_assert_eq!(topology, Topology::of(&nodes));
        }
    }
}
