//! Sets from a tree of one type of records.

use std::net::IpAddr;

use super::names::{HelperNames, Identifiers, place_code};
use super::{World, lead};
use crate::dns::tree::At;
use crate::dns::{EndpointName, Node, Problem, Site};
use crate::route53::record_set::{
    AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet, RecordType,
    Routing, SetKey,
};
use crate::route53::target::{Family, Target};

/// What type of records a tree is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A or AAAA.
    Addresses(Family),
    /// CNAME.
    Cname,
}

impl Kind {
    fn record_type(self) -> RecordType {
        match self {
            Self::Addresses(Family::V4) => RecordType::a(),
            Self::Addresses(Family::V6) => RecordType::aaaa(),
            Self::Cname => RecordType::cname(),
        }
    }
}

/// Makes the sets of one type.
pub(super) struct Emitter<'a> {
    world: &'a World<'a>,
    kind: Kind,
    names: &'a mut HelperNames,
    sets: Vec<RecordSet>,
    /// Groups that stand at a helper's name already. Equal ones share it.
    shared: Vec<(Node, RecordName)>,
    /// Endpoints whose addresses stand at a name of their own, for CNAMEs to point at.
    hosts: Vec<(EndpointName, RecordName)>,
    problem: Option<Problem>,
}

/// One set of a group, as far as the policy says it.
struct Branch<'a> {
    routing: Routing,
    /// What it is called after: an endpoint, or a group.
    child: &'a Node,
    /// Where it stands among the others, within the role of a helper: a place, a region, a rank.
    slot: String,
    /// The set's identifier.
    identifier: String,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(world: &'a World<'a>, kind: Kind, names: &'a mut HelperNames) -> Self {
        let (sets, shared, hosts) = Default::default();
        Self { world, kind, names, sets, shared, hosts, problem: None }
    }

    pub(super) fn finish(self) -> Result<Vec<RecordSet>, Problem> {
        self.problem.map_or(Ok(self.sets), Err)
    }

    /// The sets at the name itself and all below.
    pub(super) fn root(&mut self, node: &Node) {
        let name = self.world.naming.name.clone();
        self.group(node, &name, "");
    }

    /// The sets of a node at a name.
    fn group(&mut self, node: &Node, at: &RecordName, role: &str) {
        match node {
            Node::Endpoint(endpoint) => {
                // With nothing to choose from, health decides nothing, and a check would only be paid for.
                if let Some((data, _)) = self.leaf(endpoint) {
                    self.push(at, None, Routing::Simple, data, None);
                }
            }
            Node::Simple(endpoints) => {
                let values = endpoints.iter().flat_map(|endpoint| self.values_of(endpoint));
                let data = Data::Values { ttl: self.world.naming.ttl, values: values.collect() };
                self.push(at, None, Routing::Simple, data, None);
            }
            Node::Multivalue(endpoints) => self.multivalue(endpoints, at),
            _ => {
                let policy = policy(node);
                for Branch { routing, child, slot, identifier } in self.branches(node) {
                    let (data, check) = match child {
                        Node::Endpoint(endpoint) => match self.leaf(endpoint) {
                            Some(leaf) => leaf,
                            None => continue,
                        },
                        // Values of several endpoints fit in the set itself.
                        Node::Simple(endpoints) => {
                            let values = endpoints.iter().flat_map(|endpoint| self.values_of(endpoint));
                            (Data::Values { ttl: self.world.naming.ttl, values: values.collect() }, None)
                        }
                        group => {
                            let role = format!("{role}{policy}:{slot}>");
                            let Some(helper) = self.helper(group, &role) else { return };
                            (self.alias_within_the_zone(helper), None)
                        }
                    };
                    self.push(at, Some(identifier), routing, data, check);
                }
            }
        }
    }

    /// The helper that a group stands at, which is made if no equal group has one.
    fn helper(&mut self, group: &Node, role: &str) -> Option<RecordName> {
        if let Some((_, name)) = self.shared.iter().find(|(shared, _)| shared == group) {
            return Some(name.clone());
        }
        let name = self.helper_name(&format!("{role}{}", policy(group)))?;
        self.group(group, &name, role);
        self.shared.push((group.clone(), name.clone()));
        Some(name)
    }

    fn helper_name(&mut self, role: &str) -> Option<RecordName> {
        match self.names.of(role, &self.world.naming.name) {
            Ok(name) => Some(name),
            Err(error) => {
                let text = format!(
                    "groups of endpoints stand at helper names below the name, which leaves no room for one: {error}"
                );
                self.problem = Some(Problem::at(["name"], text));
                None
            }
        }
    }

    fn alias_within_the_zone(&self, dns_name: RecordName) -> Data {
        Data::Alias(AliasTarget {
            hosted_zone_id: self.world.naming.zone_id.clone(),
            dns_name,
            evaluate_target_health: true,
        })
    }

    /// What an endpoint's own set holds, and its health check.
    fn leaf(&mut self, endpoint: &EndpointName) -> Option<(Data, Option<HealthCheckId>)> {
        let ttl = self.world.naming.ttl;
        let data = match (self.world.targets.get(endpoint)?, self.kind) {
            (Target::Addresses { .. }, Kind::Addresses(_)) => {
                Data::Values { ttl, values: self.values_of(endpoint).into_iter().collect() }
            }
            (Target::Alias { hosted_zone_id, dns_name, evaluate_target_health, .. }, Kind::Addresses(_)) => {
                Data::Alias(AliasTarget {
                    hosted_zone_id: hosted_zone_id.clone(),
                    dns_name: dns_name.clone(),
                    evaluate_target_health: *evaluate_target_health,
                })
            }
            (Target::Addresses { .. }, Kind::Cname) => cname(ttl, &self.host(endpoint)?),
            (Target::Alias { dns_name, .. } | Target::Hostname(dns_name), _) => cname(ttl, dns_name),
        };
        Some((data, self.world.checks.endpoints.get(endpoint).cloned()))
    }

    /// The addresses of an endpoint in the family that is made.
    fn values_of(&self, endpoint: &EndpointName) -> Vec<String> {
        self.addresses_of(endpoint).into_iter().map(|address| address.to_string()).collect()
    }

    fn addresses_of(&self, endpoint: &EndpointName) -> Vec<IpAddr> {
        let Some(target) = self.world.targets.get(endpoint) else { return Vec::new() };
        target.addresses().filter(|address| self.kind == Kind::Addresses(family_of(*address))).collect()
    }

    /// The name of an endpoint's own where its addresses stand, for a CNAME to point at.
    fn host(&mut self, endpoint: &EndpointName) -> Option<RecordName> {
        if let Some((_, name)) = self.hosts.iter().find(|(host, _)| host == endpoint) {
            return Some(name.clone());
        }
        let name = self.helper_name(&format!("endpoint:{endpoint}"))?;
        for family in [Family::V4, Family::V6] {
            let addresses = self.world.targets.get(endpoint)?.addresses();
            let values = addresses.filter(|it| family_of(*it) == family).map(|it| it.to_string()).collect();
            let data = Data::Values { ttl: self.world.naming.ttl, values };
            if matches!(&data, Data::Values { values, .. } if !values.is_empty()) {
                let r#type = Kind::Addresses(family).record_type();
                let key = SetKey { name: name.clone(), r#type, set_identifier: None };
                self.sets.push(RecordSet { key, routing: Routing::Simple, data, health_check_id: None });
            }
        }
        self.hosts.push((endpoint.clone(), name.clone()));
        Some(name)
    }

    /// One set for each address, each with its own health.
    fn multivalue(&mut self, endpoints: &[EndpointName], at: &RecordName) {
        let mut identifiers = Identifiers::default();
        for endpoint in endpoints {
            let addresses = self.addresses_of(endpoint);
            let single = addresses.len() == 1;
            for address in addresses {
                let text = if single { endpoint.to_string() } else { format!("{endpoint}-{address}") };
                let data = Data::Values { ttl: self.world.naming.ttl, values: [address.to_string()].into() };
                let checks = self.world.checks;
                let check = checks
                    .addresses
                    .get(&(endpoint.clone(), address))
                    .or_else(|| checks.endpoints.get(endpoint));
                self.push(at, Some(identifiers.unique(&text)), Routing::Multivalue, data, check.cloned());
            }
        }
    }

    fn push(
        &mut self,
        at: &RecordName,
        set_identifier: Option<String>,
        routing: Routing,
        data: Data,
        health_check_id: Option<HealthCheckId>,
    ) {
        let key = SetKey { name: at.clone(), r#type: self.kind.record_type(), set_identifier };
        self.sets.push(RecordSet { key, routing, data, health_check_id });
    }

    /// The sets of a group.
    fn branches<'n>(&self, node: &'n Node) -> Vec<Branch<'n>> {
        let collection = self.world.naming.cidr_collection.clone().unwrap_or_default();
        let cidr =
            |location: &str| Routing::Cidr { collection: collection.clone(), location: location.to_owned() };
        // Routing, branch, its place among the others if that says more than its endpoint, and whether an endpoint's
        // own set is called after that place too.
        let mut raw: Vec<(Routing, &Node, Option<String>, String)> = Vec::new();
        match node {
            Node::Endpoint(_) | Node::Multivalue(_) | Node::Simple(_) => {}
            Node::Weighted(branches) => raw.extend(
                branches
                    .iter()
                    .map(|(weight, child)| (Routing::Weighted(*weight), child, None, after(child, None))),
            ),
            Node::Latency(branches) => raw.extend(branches.iter().map(|(region, child)| {
                let group = is_group(child).then(|| region.0.clone());
                let identifier = group.unwrap_or_else(|| after(child, None));
                (Routing::Latency(region.clone()), child, Some(region.0.clone()), identifier)
            })),
            Node::Failover(pair) => {
                let [first, second] = pair.as_ref();
                for (rank, slot, child) in
                    [(Failover::Primary, "primary", first), (Failover::Secondary, "secondary", second)]
                {
                    raw.push((Routing::Failover(rank), child, Some(slot.to_owned()), after(child, None)));
                }
            }
            Node::Geolocation(branches) => raw.extend(branches.iter().map(|(place, child)| {
                let identifier = after(child, Some(&place_code(place)));
                (Routing::Geolocation(place.clone()), child, Some(place.to_string()), identifier)
            })),
            Node::Geoproximity(branches) => raw.extend(branches.iter().map(|(site, child)| {
                (Routing::Geoproximity(geoproximity(site)), child, Some(slot_of(site)), after(child, None))
            })),
            Node::IpBased { ranges, others } => {
                raw.extend(ranges.iter().map(|(location, (_, child))| {
                    let named_alike = matches!(child, Node::Endpoint(name) if name.as_str() == location);
                    let identifier = after(child, (!named_alike).then_some(location.as_str()));
                    (cidr(location), child, Some(location.clone()), identifier)
                }));
                raw.extend(
                    others
                        .as_deref()
                        .map(|child| (cidr("*"), child, Some("*".to_owned()), after(child, Some("default")))),
                );
            }
        }
        let mut identifiers = Identifiers::default();
        raw.into_iter()
            .map(|(routing, child, slot, identifier)| {
                let identifier = identifiers.unique(&identifier);
                let slot = slot.unwrap_or_else(|| identifier.clone());
                Branch { routing, child, slot, identifier }
            })
            .collect()
    }
}

/// What a set is called: an endpoint's after the endpoint and, where it may have several, the place; a group's after
/// its place, or else after its first endpoint.
fn after(child: &Node, place: Option<&str>) -> String {
    let lead = lead(child).map_or("group", EndpointName::as_str);
    match place {
        Some(place) if is_group(child) => place.to_owned(),
        Some(place) => format!("{lead}-{place}"),
        None => lead.to_owned(),
    }
}

fn is_group(node: &Node) -> bool {
    !matches!(node, Node::Endpoint(_))
}

fn cname(ttl: u32, name: &RecordName) -> Data {
    Data::Values { ttl, values: [name.to_string()].into() }
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn geoproximity(site: &Site) -> GeoProximity {
    let position = match &site.at {
        At::Coordinates(coordinates) => Position::Coordinates(*coordinates),
        At::Region(region) => Position::Region(region.clone()),
    };
    GeoProximity { position, bias: site.bias }
}

/// Without the bias, which is a weight of a kind.
fn slot_of(site: &Site) -> String {
    match &site.at {
        At::Coordinates(at) => format!("{},{}", at.latitude, at.longitude),
        At::Region(region) => region.0.clone(),
    }
}

/// The policy of a group, as it is called in the role of a helper.
fn policy(node: &Node) -> &'static str {
    match node {
        Node::Endpoint(_) => "endpoint",
        Node::Weighted(_) => "weighted",
        Node::Multivalue(_) => "multivalue",
        Node::Simple(_) => "simple",
        Node::Latency(_) => "latency",
        Node::Failover(_) => "failover",
        Node::Geolocation(_) => "geolocation",
        Node::Geoproximity(_) => "geoproximity",
        Node::IpBased { .. } => "ip_based",
    }
}
