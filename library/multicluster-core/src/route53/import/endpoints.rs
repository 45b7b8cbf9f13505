//! Which leaves are one endpoint, and what it is called.
//!
//! An endpoint has a set for each type, for each place that it answers, and for each of its addresses where those are
//! answered together. So leaves are one endpoint if their identifiers say the same and their data does not object; in
//! different places, if they have the same data.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::dns::EndpointName;
use crate::route53::import::Obstacles;
use crate::route53::import::read::{Context, Leaf, Read};
use crate::route53::record_set::{AliasTarget, Data, HealthCheckId, RecordName, RecordSet, RecordType};
use crate::route53::target::Target;

/// The endpoints, and which one each leaf is.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) endpoints: Vec<Endpoint>,
    /// The sets of addresses that CNAMEs point at.
    pub(super) hosts: Vec<&'a RecordSet>,
    /// By leaf.
    pub(super) of_leaf: Vec<usize>,
    pub(super) notes: Vec<String>,
}

pub(super) struct Endpoint {
    pub(super) name: EndpointName,
    pub(super) check: Option<HealthCheckId>,
    /// The checks of single addresses, where those are answered together and have not all the same.
    pub(super) address_checks: BTreeMap<IpAddr, HealthCheckId>,
    candidate: String,
    context: Context,
    /// The group that it was first found in.
    at: RecordName,
    parts: Parts,
}

/// Where an endpoint is, as far as its leaves say it.
#[derive(Clone, Debug, PartialEq)]
enum Parts {
    Addresses(BTreeSet<IpAddr>),
    Alias { target: AliasTarget, types: BTreeSet<RecordType> },
    Hostname(RecordName),
}

impl Endpoint {
    pub(super) fn target(&self) -> Target {
        match &self.parts {
            Parts::Addresses(addresses) => Target::of_addresses(addresses.iter().copied()),
            Parts::Alias { target, types } => Target::Alias {
                hosted_zone_id: target.hosted_zone_id.clone(),
                dns_name: target.dns_name.clone(),
                evaluate_target_health: target.evaluate_target_health,
                ipv6: types.contains(&RecordType::aaaa()),
            },
            Parts::Hostname(name) => Target::Hostname(name.clone()),
        }
    }

    /// Whether a leaf is this endpoint's.
    fn has(&self, leaf: &Leaf<'_>, parts: &Parts) -> bool {
        let alike = self.candidate == leaf.candidate;
        let places = self.context == Context::Place && leaf.context == Context::Place;
        let checked_alike = self.check == leaf.set.health_check_id;
        match (&self.parts, parts) {
            (Parts::Addresses(known), Parts::Addresses(new)) => {
                let family = |it: &IpAddr| new.iter().any(|one| one.is_ipv4() == it.is_ipv4());
                let of_family: BTreeSet<IpAddr> = known.iter().copied().filter(family).collect();
                let multivalue = leaf.context == Context::Multivalue;
                let together =
                    multivalue && self.context == Context::Multivalue && self.at == leaf.set.key.name;
                // Its addresses of the other family, the same ones in another place, one of them, or one more.
                (alike && (of_family.is_empty() || together || (multivalue && new.is_subset(&of_family))))
                    || (of_family == *new && checked_alike && (alike || places))
            }
            (Parts::Alias { target: known, types }, Parts::Alias { target: new, .. }) => {
                let other_type = !types.contains(&leaf.set.key.r#type);
                known == new && checked_alike && (alike || places || other_type)
            }
            (Parts::Hostname(known), Parts::Hostname(new)) => {
                known == new && checked_alike && (alike || places)
            }
            _ => false,
        }
    }

    fn add(&mut self, leaf: &Leaf<'_>, parts: Parts, notes: &mut Vec<String>) {
        match (&mut self.parts, parts) {
            (Parts::Addresses(known), Parts::Addresses(new)) => {
                if leaf.context == Context::Multivalue {
                    self.address_checks.extend(address_checks(leaf.set, &new));
                    self.check =
                        self.check.take().filter(|check| leaf.set.health_check_id.as_ref() == Some(check));
                } else if self.check != leaf.set.health_check_id {
                    let (name, key) = (&self.name, &leaf.set.key);
                    notes.push(format!(
                        "endpoint `{name}` has a health check of its own for {}; a configuration has one for all its \
                         addresses",
                        key.r#type
                    ));
                }
                known.extend(new);
            }
            (Parts::Alias { types, .. }, Parts::Alias { .. }) => {
                types.insert(leaf.set.key.r#type.clone());
            }
            _ => {}
        }
    }
}

/// Finds the endpoints that leaves stand for.
pub(super) fn find<'a>(read: &Read<'a>, obstacles: &mut Obstacles) -> Found<'a> {
    let mut found = Found::default();
    let mut names = BTreeSet::new();
    for leaf in &read.leaves {
        let Some(parts) = parts(read, leaf, &mut found.hosts, obstacles) else {
            // An obstacle was found, so that nothing will be imported.
            found.of_leaf.push(usize::MAX);
            continue;
        };
        if let Some(index) = found.endpoints.iter().position(|endpoint| endpoint.has(leaf, &parts)) {
            if let Some(endpoint) = found.endpoints.get_mut(index) {
                endpoint.add(leaf, parts, &mut found.notes);
            }
            found.of_leaf.push(index);
            continue;
        }
        let name = unique(&leaf.candidate, &mut names);
        let together = leaf.context == Context::Multivalue;
        let address_checks = match &parts {
            Parts::Addresses(addresses) if together => address_checks(leaf.set, addresses).collect(),
            _ => BTreeMap::new(),
        };
        found.of_leaf.push(found.endpoints.len());
        found.endpoints.push(Endpoint {
            name,
            check: leaf.set.health_check_id.clone(),
            address_checks,
            candidate: leaf.candidate.clone(),
            context: leaf.context,
            at: leaf.set.key.name.clone(),
            parts,
        });
    }
    for endpoint in &mut found.endpoints {
        endpoint.address_checks.retain(|_, check| endpoint.check.as_ref() != Some(check));
    }
    found
}

fn address_checks(
    set: &RecordSet,
    addresses: &BTreeSet<IpAddr>,
) -> impl Iterator<Item = (IpAddr, HealthCheckId)> {
    let check = set.health_check_id.clone();
    addresses.clone().into_iter().filter_map(move |address| Some((address, check.clone()?)))
}

fn parts<'a>(
    read: &Read<'a>,
    leaf: &Leaf<'a>,
    hosts: &mut Vec<&'a RecordSet>,
    obstacles: &mut Obstacles,
) -> Option<Parts> {
    let set = leaf.set;
    let values = match &set.data {
        Data::Alias(target) => {
            let types = BTreeSet::from([set.key.r#type.clone()]);
            return Some(Parts::Alias { target: target.clone(), types });
        }
        Data::Values { values, .. } => values,
    };
    if set.key.r#type == RecordType::cname() {
        let name = values.first().and_then(|value| RecordName::new(value).ok());
        let Some(name) = name else {
            obstacles.of_set(set, "its value is no host name");
            return None;
        };
        let Some(sets) = read.host(&name) else { return Some(Parts::Hostname(name)) };
        let mut all = BTreeSet::new();
        for set in sets {
            if let Data::Values { values, .. } = &set.data {
                all.extend(addresses(set, values, obstacles)?);
            }
            if !hosts.iter().any(|host| host.key == set.key) {
                hosts.push(set);
            }
        }
        return Some(Parts::Addresses(all));
    }
    addresses(set, values, obstacles).map(Parts::Addresses)
}

fn addresses(
    set: &RecordSet,
    values: &BTreeSet<String>,
    obstacles: &mut Obstacles,
) -> Option<BTreeSet<IpAddr>> {
    let parsed: Option<BTreeSet<IpAddr>> = values.iter().map(|value| value.parse().ok()).collect();
    let parsed = parsed.filter(|it| !it.is_empty());
    if parsed.is_none() {
        obstacles.of_set(set, "a value is no address");
    }
    parsed
}

/// A name for an endpoint: a DNS label that no other one has.
fn unique(candidate: &str, taken: &mut BTreeSet<EndpointName>) -> EndpointName {
    let mut number = 1_usize;
    loop {
        let name = label(candidate, number);
        if taken.insert(name.clone()) {
            return name;
        }
        number += 1;
    }
}

/// What of a text can stand in a DNS label, with a number unless it is the first.
pub(super) fn label(text: &str, number: usize) -> EndpointName {
    let suffix = if number > 1 { format!("-{number}") } else { String::new() };
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    let fits: String = text.chars().map(plain).skip_while(|it| *it == '-').collect();
    let fits: String = fits.chars().take(EndpointName::LIMIT - suffix.len()).collect();
    let name = format!("{}{suffix}", fits.trim_end_matches('-'));
    EndpointName::new(name).unwrap_or_else(|_| {
        EndpointName::new(format!("endpoint{suffix}")).expect("letters, and a dash before digits")
    })
}
