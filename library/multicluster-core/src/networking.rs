//! The networks of members, and where they overlap.
//!
//! Clusters whose networks overlap cannot be joined into one flat network; a cluster whose services overlap its own
//! pods or nodes loses connections. Invariant: two networks overlap if and only if they share an address.

mod cidr;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::cidr::{Cidr, InvalidCidr, merged};
use crate::names::ClusterName;
use crate::object::text;

/// The addresses that a member uses, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networks {
    /// Addresses of pods.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pods: BTreeSet<Cidr>,
    /// Addresses of services.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<Cidr>,
    /// Addresses of nodes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<Cidr>,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkKind {
    /// Pods have its addresses.
    Pods,
    /// Services have its addresses.
    Services,
    /// Nodes have its addresses.
    Nodes,
}

/// Two networks that share addresses. Ordered by members, kinds, addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Overlap {
    /// One member.
    pub a: ClusterName,
    /// The other member, later in order, or the same one.
    pub b: ClusterName,
    /// What the first network is for.
    pub kind_a: NetworkKind,
    /// What the second network is for.
    pub kind_b: NetworkKind,
    /// The first network.
    pub cidr_a: Cidr,
    /// The second network.
    pub cidr_b: Cidr,
}

impl Networks {
    fn of(&self, kind: NetworkKind) -> &BTreeSet<Cidr> {
        match kind {
            NetworkKind::Pods => &self.pods,
            NetworkKind::Services => &self.services,
            NetworkKind::Nodes => &self.nodes,
        }
    }
}

impl NetworkKind {
    const ALL: [Self; 3] = [Self::Pods, Self::Services, Self::Nodes];
}

/// The networks of a member as its objects show them: `spec.podCIDRs` and internal addresses of nodes, `spec.cidrs` of
/// ServiceCIDR objects. Neighbours are merged, so that a message stays short.
///
/// What is not an address is passed over. Clusters whose pods have addresses of the cloud's own network show no pod
/// networks, clusters before 1.33 no service networks: then they are empty here, and have to be declared to be known.
///
/// # Examples
/// ```
/// use multicluster_core::networking::networks_of;
/// use serde_json::json;
///
/// let node = |pods: &str, address: &str| json!({
///     "spec": { "podCIDRs": [pods] },
///     "status": { "addresses": [{ "type": "InternalIP", "address": address }] }
/// });
/// let found = networks_of(&[node("10.1.0.0/24", "10.9.0.4"), node("10.1.1.0/24", "10.9.0.5")], &[]);
/// assert_eq!(
///     serde_json::to_value(found).unwrap(),
///     json!({ "pods": ["10.1.0.0/23"], "nodes": ["10.9.0.4/31"] })
/// );
/// ```
#[must_use]
pub fn networks_of(nodes: &[Value], service_cidrs: &[Value]) -> Networks {
    let addresses = nodes
        .iter()
        .flat_map(|node| list(node, "/status/addresses"))
        .filter(|address| text(address, "/type") == "InternalIP")
        .filter_map(|address| Some(Cidr::host(text(address, "/address").parse::<IpAddr>().ok()?)));
    Networks {
        pods: merged(nodes.iter().flat_map(pod_cidrs)),
        services: merged(service_cidrs.iter().flat_map(|it| cidrs(it, "/spec/cidrs"))),
        nodes: merged(addresses),
    }
}

/// All pairs of networks that share addresses, in order: between any two members, and between services and anything
/// else within one member.
///
/// Pods and nodes of one member may share a network: many clouds give pods addresses of their nodes' subnets.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::{names::ClusterName, networking::{overlaps, Networks}};
///
/// let networks = |pods: &str| Networks { pods: [pods.parse().unwrap()].into(), ..Networks::default() };
/// let members = BTreeMap::from([
///     (ClusterName::new("aws").unwrap(), networks("10.1.0.0/16")),
///     (ClusterName::new("gcp").unwrap(), networks("10.1.128.0/17")),
/// ]);
/// let found: Vec<String> = overlaps(&members).iter().map(ToString::to_string).collect();
/// assert_eq!(found, ["pods of `aws` (10.1.0.0/16) overlap pods of `gcp` (10.1.128.0/17)"]);
/// ```
#[must_use]
pub fn overlaps(members: &BTreeMap<ClusterName, Networks>) -> Vec<Overlap> {
    let mut found = Vec::new();
    for (a, of_a) in members {
        for (b, of_b) in members.range(a..) {
            for (kind_a, kind_b) in pairs(a == b) {
                for cidr_a in of_a.of(kind_a) {
                    found.extend(cidr_a.overlapping(of_b.of(kind_b)).map(|cidr_b| Overlap {
                        a: a.clone(),
                        b: b.clone(),
                        kind_a,
                        kind_b,
                        cidr_a: *cidr_a,
                        cidr_b,
                    }));
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// The pairs of kinds that are compared.
fn pairs(same_member: bool) -> Vec<(NetworkKind, NetworkKind)> {
    if same_member {
        return vec![(NetworkKind::Pods, NetworkKind::Services), (NetworkKind::Services, NetworkKind::Nodes)];
    }
    NetworkKind::ALL.into_iter().flat_map(|a| NetworkKind::ALL.map(|b| (a, b))).collect()
}

/// Older nodes have one network, in another field; newer ones have it in both.
fn pod_cidrs(node: &Value) -> Vec<Cidr> {
    let one = text(node, "/spec/podCIDR").parse();
    cidrs(node, "/spec/podCIDRs").chain(one).collect()
}

fn cidrs<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = Cidr> + 'a {
    list(object, pointer).filter_map(|cidr| cidr.as_str()?.parse().ok())
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Nodes => "nodes",
        })
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, kind_a, kind_b, cidr_a, cidr_b } = self;
        if a == b {
            return write!(f, "{kind_a} ({cidr_a}) and {kind_b} ({cidr_b}) of `{a}` overlap");
        }
        write!(f, "{kind_a} of `{a}` ({cidr_a}) overlap {kind_b} of `{b}` ({cidr_b})")
    }
}
