//! From a tree of policies to the record sets that answer so.
//!
//! In Route 53 all sets of a name and type share one policy, and each place, region and rank stands in it once. A tree
//! of one policy over endpoints is such a group, flat. Where a branch is a policy itself, its group stands at a helper
//! name `_mc-<hash>.<name>`, and the branch is an alias that follows the helper's health.
//!
//! ```text
//! app            A  geolocation  EU → azure's address
//!                                AS → alias ─┐        NA, * → alias of the load balancer
//! _mc-1f2e3d4c.app  A  failover  ◄───────────┘  primary → gcp's address, secondary → alias of the load balancer
//! ```
//!
//! Invariants:
//! - what the sets answer is what [`crate::dns`] says of the tree, by endpoint;
//! - a helper's name follows from its role alone, the policies and places above it, and not from weights, addresses or
//!   TTL, which therefore change in place;
//! - equal branches share one helper;
//! - a client gets IPv6 addresses only of endpoints that it gets by IPv4 too ([`family`]).
//!
//! Host names that no alias can point at answer as CNAME, and then all others of the name do too, since nothing may
//! stand beside a CNAME: load balancers by their names, addresses by a helper name for each endpoint.

#[cfg(test)]
pub(in crate::route53) mod differential;
mod emit;
pub mod family;
mod names;
mod refuse;
#[cfg(test)]
pub(in crate::route53) mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use self::emit::{Emitter, Kind};
use self::names::HelperNames;
pub use self::names::is_helper_of;
use crate::dns::{EndpointName, Node, Problem};
use crate::route53::record_set::{HealthCheckId, RecordName, RecordSet};
use crate::route53::target::{Family, Target};

/// Where the sets stand, and what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The id of the zone, which aliases within it name.
    pub zone_id: String,
    /// The zone's name.
    pub zone: RecordName,
    /// The name that is answered for.
    pub name: RecordName,
    /// Seconds that values are kept for; aliases have their target's.
    pub ttl: u32,
    /// The CIDR collection that IP-based branches name, if there are any. In a plan it may be a stand-in.
    pub cidr_collection: Option<String>,
}

/// What tells whether endpoints are healthy. In a plan, ids may be stand-ins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthChecks {
    /// The check of an endpoint as a whole.
    pub endpoints: BTreeMap<EndpointName, HealthCheckId>,
    /// The checks of single addresses, where an endpoint has several. Multivalue sets, one for each address, have
    /// them; without one the endpoint's is taken.
    pub addresses: BTreeMap<(EndpointName, IpAddr), HealthCheckId>,
}

impl From<BTreeMap<EndpointName, HealthCheckId>> for HealthChecks {
    fn from(endpoints: BTreeMap<EndpointName, HealthCheckId>) -> Self {
        Self { endpoints, addresses: BTreeMap::new() }
    }
}

/// The record sets that answer as a tree says, ordered by key.
///
/// # Errors
/// All problems, with the attributes that they stem from: an endpoint without a target, a host name at the zone's apex
/// or in a group of addresses, no family of addresses that all endpoints have, a failover that nothing would ever
/// begin, a helper's name that is too long.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::dns::{EndpointName, Node};
/// use multicluster_core::route53::{HealthChecks, Naming, RecordName, Target, compile};
///
/// let endpoint = |name: &str| EndpointName::new(name).unwrap();
/// let naming = Naming {
///     zone_id: "Z1".into(),
///     zone: RecordName::new("example.com").unwrap(),
///     name: RecordName::new("app.example.com").unwrap(),
///     ttl: 60,
///     cidr_collection: None,
/// };
/// let tree = Node::Weighted(vec![(70, Node::Endpoint(endpoint("aws"))), (30, Node::Endpoint(endpoint("gcp")))]);
/// let targets = BTreeMap::from([
///     (endpoint("aws"), Target::of_hostname("a.eu-west-1.elb.amazonaws.com", None).unwrap()),
///     (endpoint("gcp"), Target::of_addresses(["203.0.113.7".parse().unwrap()])),
/// ]);
/// let sets = compile(&tree, &naming, &targets, &HealthChecks::default()).unwrap();
/// let keys: Vec<String> = sets
///     .iter()
///     .map(|set| format!("{} {} {:?}", set.key.name, set.key.r#type, set.key.set_identifier))
///     .collect();
/// // `gcp` has no IPv6 address, and 30 % of clients shall reach it: so nobody is sent to `aws` by IPv6.
/// assert_eq!(keys, ["app.example.com. A Some(\"aws\")", "app.example.com. A Some(\"gcp\")"]);
/// ```
pub fn compile(
    tree: &Node,
    naming: &Naming,
    targets: &BTreeMap<EndpointName, Target>,
    checks: &HealthChecks,
) -> Result<Vec<RecordSet>, Vec<Problem>> {
    let world = World { naming, targets, checks };
    let tree = simplified(tree, targets);
    let kind = refuse::check(&tree, &world)?;
    let mut names = HelperNames::default();
    let mut sets = Vec::new();
    let parts = match kind {
        refuse::Answers::Names => vec![(Kind::Cname, Some(tree))],
        refuse::Answers::Addresses => [Family::V4, Family::V6]
            .map(|family| (Kind::Addresses(family), family::part(&tree, family, &world)))
            .into(),
    };
    for (kind, part) in parts {
        if let Some(part) = part {
            let mut emitter = Emitter::new(&world, kind, &mut names);
            emitter.root(&part);
            sets.extend(emitter.finish().map_err(|problem| vec![problem])?);
        }
    }
    sets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(sets)
}

/// All that is known beside the tree.
struct World<'a> {
    naming: &'a Naming,
    targets: &'a BTreeMap<EndpointName, Target>,
    checks: &'a HealthChecks,
}

/// How an endpoint's health is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// By its health check, or as the health of what its alias points at.
    ByAlias,
    /// By its health check only, since it answers as a CNAME.
    ByCheck,
}

impl World<'_> {
    /// Whether anything can find a branch unhealthy. What is never unhealthy is never backed out of.
    fn can_fail(&self, node: &Node, seen: Seen) -> bool {
        match node {
            Node::Endpoint(name) => {
                let by_alias = seen == Seen::ByAlias
                    && matches!(
                        self.targets.get(name),
                        Some(Target::Alias { evaluate_target_health: true, .. })
                    );
                by_alias || self.checks.endpoints.contains_key(name)
            }
            Node::Multivalue(names) => names.iter().all(|name| self.checks.endpoints.contains_key(name)),
            // All values are in one set, which has no check since it would stand for one endpoint of several.
            Node::Simple(_) => false,
            _ => node.children().into_iter().all(|child| self.can_fail(child, seen)),
        }
    }
}

/// The endpoint that a branch is called after: the first one.
fn lead(node: &Node) -> Option<&EndpointName> {
    match node {
        Node::Endpoint(name) => Some(name),
        Node::Multivalue(names) | Node::Simple(names) => names.first(),
        _ => node.children().into_iter().find_map(lead),
    }
}

/// The tree without groups of one.
fn simplified(node: &Node, targets: &BTreeMap<EndpointName, Target>) -> Node {
    let inner = |child: &Node| simplified(child, targets);
    // Several addresses of one endpoint are still a group where each has its own health.
    let single = |name: &EndpointName| targets.get(name).is_none_or(|target| target.addresses().count() < 2);
    match node {
        Node::Multivalue(names)
            if let [name] = names.as_slice()
                && single(name) =>
        {
            Node::Endpoint(name.clone())
        }
        Node::Simple(names) if let [name] = names.as_slice() => Node::Endpoint(name.clone()),
        Node::Weighted(branches) if let [(_, child)] = branches.as_slice() => inner(child),
        Node::Latency(branches) if branches.len() == 1 => {
            branches.values().next().map_or_else(|| node.clone(), inner)
        }
        Node::Geoproximity(branches) if let [(_, child)] = branches.as_slice() => inner(child),
        Node::Endpoint(_) | Node::Multivalue(_) | Node::Simple(_) => node.clone(),
        Node::Weighted(branches) => {
            Node::Weighted(branches.iter().map(|(weight, child)| (*weight, inner(child))).collect())
        }
        Node::Latency(branches) => {
            Node::Latency(branches.iter().map(|(region, child)| (region.clone(), inner(child))).collect())
        }
        Node::Failover(pair) => {
            let [first, second] = pair.as_ref();
            Node::Failover(Box::new([inner(first), inner(second)]))
        }
        Node::Geolocation(branches) => {
            Node::Geolocation(branches.iter().map(|(place, child)| (place.clone(), inner(child))).collect())
        }
        Node::Geoproximity(branches) => {
            Node::Geoproximity(branches.iter().map(|(site, child)| (site.clone(), inner(child))).collect())
        }
        Node::IpBased { ranges, others } => Node::IpBased {
            ranges: ranges
                .iter()
                .map(|(location, (blocks, child))| (location.clone(), (blocks.clone(), inner(child))))
                .collect(),
            others: others.as_deref().map(|child| Box::new(inner(child))),
        },
    }
}
