//! From a tree to what a user would have said.
//!
//! The inverse of [`crate::dns::grow`] on trees that it makes; what else a tree may be is an obstacle. An endpoint that
//! stands in a tree twice, in ways that one entry of the configuration cannot say, becomes two entries.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::{EndpointName, EndpointState, Intent, LatencyRegion, Place, Policy, Within};
use crate::route53::import::Obstacles;
use crate::route53::import::endpoints::{Found, label};
use crate::route53::import::read::Read;
use crate::route53::import::said::Said;
use crate::route53::import::shape::{LeafId, Shape, leaves};

/// The weight from which on half a seat is less than one percent.
const FINE: u64 = 100;

/// An intent, and what each endpoint in it was found as.
pub(super) struct Inverted {
    pub(super) intent: Intent,
    /// By name, which of the endpoints that were found. Two may be one.
    pub(super) origins: BTreeMap<EndpointName, usize>,
}

pub(super) fn invert(
    read: &Read<'_>,
    found: &Found<'_>,
    notes: &mut Vec<String>,
    obstacles: &mut Obstacles,
) -> Inverted {
    let mut inverter = Inverter {
        found,
        entries: BTreeMap::new(),
        within: None,
        heads: BTreeSet::new(),
        name: read.name().as_written(),
        notes,
        obstacles,
    };
    let (policy, default) = inverter.top(&read.shape);
    let policy = inverter.everybody_takes_part(policy);
    // Endpoints that only the other types of records have.
    for (index, endpoint) in found.endpoints.iter().enumerate() {
        if !inverter.entries.values().any(|entry| entry.origin == index) {
            let name = &endpoint.name;
            inverter.obstacles.of_name(format!(
                "`{}` answers with endpoint `{name}` for one type of records only: import the types one by one",
                inverter.name
            ));
        }
    }
    let within = inverter.within.unwrap_or_default();
    let entries = inverter.entries;
    let origins = entries.iter().map(|(name, entry)| (name.clone(), entry.origin)).collect();
    let endpoints = entries.into_iter().map(|(name, entry)| (name, entry.said.endpoint())).collect();
    Inverted { intent: Intent { policy, within, default, endpoints }, origins }
}

/// An endpoint of the configuration.
struct Entry {
    origin: usize,
    said: Said,
}

struct Inverter<'a> {
    found: &'a Found<'a>,
    entries: BTreeMap<EndpointName, Entry>,
    within: Option<Within>,
    /// Those that answer by themselves, and not only while others are unhealthy.
    heads: BTreeSet<EndpointName>,
    /// The name that is imported.
    name: String,
    notes: &'a mut Vec<String>,
    obstacles: &'a mut Obstacles,
}

impl Inverter<'_> {
    /// The policy, and who answers where nobody is named.
    fn top(&mut self, shape: &Shape) -> (Policy, Option<EndpointName>) {
        let silent = Said::default();
        match shape {
            Shape::Leaf(id) => {
                self.member(*id, &[], &silent);
                (Policy::Simple, None)
            }
            Shape::Weighted(branches) => {
                self.weighted(branches, &silent);
                (Policy::Weighted, None)
            }
            Shape::Multivalue(ids) => {
                for id in ids {
                    self.member(*id, &[], &silent);
                }
                (Policy::Multivalue, None)
            }
            Shape::Latency(branches) => {
                for (region, shape) in branches {
                    self.slot(shape, &Said { region: Some(region.clone()), ..Said::default() });
                }
                (Policy::Latency, None)
            }
            Shape::Failover(turns) => {
                for (index, shape) in turns.iter().enumerate() {
                    let priority = u32::try_from(index + 1).ok();
                    self.slot(shape, &Said { priority, ..Said::default() });
                }
                (Policy::Failover, None)
            }
            Shape::Geolocation(branches) => (Policy::Geolocation, self.geolocation(branches)),
            Shape::Geoproximity(branches) => {
                for (site, shape) in branches {
                    let site = Some((site.at.clone(), site.bias));
                    self.slot(shape, &Said { site, ..Said::default() });
                }
                (Policy::Geoproximity, None)
            }
            Shape::Cidr { ranges, others } => {
                let policy = match others.as_deref() {
                    None => (Policy::IpBased, None),
                    Some(others) => match self.alone(others, &silent) {
                        Some(default) => (Policy::IpBased, Some(default)),
                        None => self.top(others),
                    },
                };
                // Answering a range does not make anybody take part in the policy for all others.
                let heads = self.heads.clone();
                for (cidrs, shape) in ranges {
                    self.slot(shape, &Said { cidrs: Some(cidrs.clone()), ..Said::default() });
                }
                self.heads = heads;
                policy
            }
        }
    }

    fn geolocation(&mut self, branches: &[(Place, Shape)]) -> Option<EndpointName> {
        let mut default = None;
        for (place, shape) in branches {
            if *place == Place::Everywhere {
                default = self.alone(shape, &Said::default());
                if default.is_some() {
                    continue;
                }
            }
            self.slot(shape, &Said { places: BTreeSet::from([place.clone()]), ..Said::default() });
        }
        if !branches.iter().any(|(place, _)| *place == Place::Everywhere) {
            self.notes.push(format!(
                "`{}` has no default location: clients elsewhere get no answer. A configuration has one, and chooses the \
                 endpoint that answers most places unless `default` names another",
                self.name
            ));
        }
        default
    }

    /// One endpoint, with those that step in for it.
    fn alone(&mut self, shape: &Shape, said: &Said) -> Option<EndpointName> {
        match shape {
            Shape::Leaf(id) => self.member(*id, &[], said),
            Shape::Failover(turns) => {
                let ids = leaves(turns)?;
                let (first, rest) = ids.split_first()?;
                self.member(*first, rest, said)
            }
            _ => None,
        }
    }

    /// What answers in one place: an endpoint, or several that share it.
    fn slot(&mut self, shape: &Shape, said: &Said) {
        if self.alone(shape, said).is_some() {
            return;
        }
        match shape {
            Shape::Weighted(branches) => {
                self.shares(Within::Weighted);
                self.weighted(branches, said);
            }
            Shape::Multivalue(ids) => {
                self.shares(Within::Multivalue);
                for id in ids {
                    self.member(*id, &[], said);
                }
            }
            Shape::Latency(branches) => {
                self.shares(Within::Latency);
                self.latency(branches, said);
            }
            Shape::Failover(turns) => self.standbys(turns, said),
            Shape::Leaf(_) | Shape::Geolocation(_) | Shape::Geoproximity(_) | Shape::Cidr { .. } => {
                self.too_deep(shape);
            }
        }
    }

    /// A group, then those that stand by for it.
    fn standbys(&mut self, turns: &[Shape], said: &Said) {
        let active = Said { state: Some(EndpointState::Active), ..said.clone() };
        let standby = Said { state: Some(EndpointState::Standby), ..said.clone() };
        match turns {
            // One that answers, several that stand by for it with weights, and those that it names elsewhere.
            [Shape::Leaf(first), Shape::Weighted(others), rest @ ..] if let Some(rest) = leaves(rest) => {
                self.shares(Within::Weighted);
                // Standbys share by weight only beside somebody who names others. One of themselves has had its turn.
                let own = others.first().into_iter().flat_map(|(_, shape)| shape.all_leaves());
                let named = if rest.is_empty() { own.take(1).collect() } else { rest };
                self.member(*first, &named, &active);
                self.weighted(others, &standby);
            }
            [Shape::Multivalue(ids), rest @ ..] => {
                self.shares(Within::Multivalue);
                let (standbys, rest) = match rest {
                    [Shape::Multivalue(standbys), rest @ ..] => (standbys.as_slice(), rest),
                    _ => (&[][..], rest),
                };
                let Some(rest) = leaves(rest) else { return self.too_deep(&Shape::Failover(turns.to_vec())) };
                for id in ids {
                    self.member(*id, &rest, &active);
                }
                for id in standbys {
                    self.member(*id, &rest, &standby);
                }
            }
            [first @ (Shape::Leaf(_) | Shape::Latency(_)), second @ (Shape::Leaf(_) | Shape::Latency(_))] => {
                self.shares(Within::Latency);
                for (shape, said) in [(first, active), (second, standby)] {
                    match shape {
                        Shape::Latency(branches) => self.latency(branches, &said),
                        other => drop(self.alone(other, &said)),
                    }
                }
            }
            _ => self.too_deep(&Shape::Failover(turns.to_vec())),
        }
    }

    fn latency(&mut self, branches: &[(LatencyRegion, Shape)], said: &Said) {
        for (region, shape) in branches {
            let said = Said { region: Some(region.clone()), ..said.clone() };
            if self.alone(shape, &said).is_none() {
                match shape {
                    Shape::Weighted(branches) => self.weighted(branches, &said),
                    other => self.too_deep(other),
                }
            }
        }
    }

    fn weighted(&mut self, branches: &[(u8, Shape)], said: &Said) {
        let all_zero = branches.iter().all(|(weight, _)| *weight == 0);
        if all_zero {
            self.notes.push(format!(
                "`{}` has a group in which all weights are 0, which Route 53 takes as equal: a configuration says so \
                 with equal weights",
                self.name
            ));
        }
        // With policy failover a standby has a turn of its own, and beside one who names others it comes before those.
        let standby =
            said.priority.is_none() && branches.iter().all(|(_, shape)| matches!(shape, Shape::Leaf(_)));
        let weights = self.in_proportion(branches);
        for ((_, shape), weight) in branches.iter().zip(weights) {
            let said = match (weight, said.state) {
                _ if all_zero => Said { weight: Some(1), ..said.clone() },
                (0, None | Some(EndpointState::Active)) if standby => {
                    Said { state: Some(EndpointState::Standby), ..said.clone() }
                }
                (weight, state) => Said {
                    weight: Some(weight),
                    state: state.or(Some(EndpointState::Active)),
                    ..said.clone()
                },
            };
            if self.alone(shape, &said).is_none() {
                self.too_deep(shape);
            }
        }
    }

    /// Remembers how endpoints share places; there is one answer to that for a name.
    fn shares(&mut self, within: Within) {
        match self.within {
            Some(known) if known != within => self.obstacles.of_name(format!(
                "`{}` has endpoints that share a place by \"{}\" and others by \"{}\"; a configuration has one `within`",
                self.name,
                known.name(),
                within.name()
            )),
            _ => self.within = Some(within),
        }
    }

    fn too_deep(&mut self, shape: &Shape) {
        let endpoints: BTreeSet<&str> =
            shape.all_leaves().into_iter().filter_map(|id| self.name_of(id)).collect();
        let endpoints: Vec<String> = endpoints.into_iter().map(|name| format!("`{name}`")).collect();
        self.obstacles.of_name(format!(
            "`{}` has a policy within a policy that a configuration cannot say: {} over {}",
            self.name,
            shape.words(),
            endpoints.join(", ")
        ));
    }

    fn origin(&self, id: LeafId) -> Option<usize> {
        self.found.of_leaf.get(id).copied().filter(|index| *index < self.found.endpoints.len())
    }

    fn name_of(&self, id: LeafId) -> Option<&str> {
        self.found.endpoints.get(self.origin(id)?).map(|endpoint| endpoint.name.as_str())
    }

    /// An endpoint that answers here, and those that step in for it.
    fn member(&mut self, id: LeafId, others: &[LeafId], said: &Said) -> Option<EndpointName> {
        let others: Vec<EndpointName> =
            others.iter().filter_map(|other| self.entry(*other, &Said::default())).collect();
        // Those that step in are named once, by what they were found as.
        let said = Said { on_unhealthy: Some(others), ..said.clone() };
        let name = self.entry(id, &said)?;
        self.heads.insert(name.clone());
        Some(name)
    }

    /// With some policies all endpoints of a configuration take part, whatever else they are for.
    ///
    /// Who only steps in for others has a last turn in a failover, where nothing is left to do for it.
    fn everybody_takes_part(&mut self, policy: Policy) -> Policy {
        if !matches!(policy, Policy::Simple | Policy::Multivalue | Policy::Weighted | Policy::Failover) {
            return policy;
        }
        let heads = self.entries.iter().filter(|(name, _)| self.heads.contains(*name));
        let stepping_in: BTreeSet<EndpointName> =
            heads.filter_map(|(_, entry)| entry.said.on_unhealthy.clone()).flatten().collect();
        let last = self.entries.values().filter_map(|entry| entry.said.priority).max().unwrap_or(1);
        let by_turns = matches!(policy, Policy::Weighted | Policy::Failover);
        let mut others = false;
        for (name, entry) in self.entries.iter_mut().filter(|(name, _)| !self.heads.contains(*name)) {
            if by_turns && stepping_in.contains(name) {
                entry.said.priority = Some(last + 1);
                others = true;
                continue;
            }
            self.obstacles.of_name(format!(
                "`{}` has endpoint `{name}` only for some ranges of addresses, or in place of others that are unhealthy: \
                 with policy `{}` every endpoint of a configuration takes part",
                self.name,
                policy.name()
            ));
        }
        if policy != Policy::Weighted || !others {
            return policy;
        }
        for (_, entry) in self.entries.iter_mut().filter(|(name, _)| self.heads.contains(*name)) {
            entry.said.priority = Some(1);
        }
        self.shares(Within::Weighted);
        Policy::Failover
    }

    /// The weight that is known of the endpoint of a leaf, or of the first of a chain.
    fn known_weight(&self, shape: &Shape) -> Option<u32> {
        let id = match shape {
            Shape::Leaf(id) => *id,
            Shape::Failover(turns) => match turns.first()? {
                Shape::Leaf(id) => *id,
                _ => return None,
            },
            _ => return None,
        };
        let first = &self.found.endpoints.get(self.origin(id)?)?.name;
        self.entries.get(first)?.said.weight
    }

    /// The weights of a group in the proportion in which they are known of another one; as they are, if none is known or
    /// the proportion is another.
    fn in_proportion(&self, branches: &[(u8, Shape)]) -> Vec<u32> {
        let here: Vec<u64> = branches.iter().map(|(weight, _)| u64::from(*weight)).collect();
        let as_they_are = || branches.iter().map(|(weight, _)| u32::from(*weight)).collect();
        let known: Vec<Option<u64>> =
            branches.iter().map(|(_, shape)| self.known_weight(shape).map(u64::from)).collect();
        let pairs = || known.iter().zip(&here).filter_map(|(known, here)| Some(((*known)?, *here)));
        let Some((known_most, here_most)) =
            pairs().max_by_key(|(_, here)| *here).filter(|(known, here)| *known > 0 && *here > 0)
        else {
            return as_they_are();
        };
        // A group is rounded if its largest weight is 255; by less than one then.
        let largest = |weights: &mut dyn Iterator<Item = u64>| weights.max() == Some(u64::from(u8::MAX));
        let of_entries = self.entries.values().filter_map(|entry| entry.said.weight.map(u64::from));
        let error = if largest(&mut { of_entries }) { here_most } else { 0 }
            + if largest(&mut here.iter().copied()) { known_most } else { 0 };
        // Rounding makes no weight zero.
        let off = |(known, here): (u64, u64)| {
            (known == 0) != (here == 0) || (known * here_most).abs_diff(here * known_most) > error
        };
        // What is not known yet gets its part, if that is exact, or if half a seat more or less is too little to notice.
        let mut new = known.iter().zip(&here).filter(|(known, _)| known.is_none()).map(|(_, here)| *here);
        let exact = new.all(|here| (here * known_most).is_multiple_of(here_most));
        if pairs().any(off) || !(exact || known_most >= FINE) {
            return as_they_are();
        }
        let scaled =
            |here: u64| u32::try_from((here * known_most + here_most / 2) / here_most).unwrap_or(u32::MAX);
        known
            .iter()
            .zip(&here)
            .map(|(known, here)| match known {
                Some(known) => u32::try_from(*known).unwrap_or(u32::MAX),
                None => scaled(*here).max(u32::from(*here > 0)),
            })
            .collect()
    }

    /// The entry of the configuration that an endpoint is, with what is said of it here.
    fn entry(&mut self, id: LeafId, said: &Said) -> Option<EndpointName> {
        let origin = self.origin(id)?;
        let mine = self.entries.iter().filter(|(_, entry)| entry.origin == origin);
        // First the entry that was found, then those that were added to it.
        let mut names: Vec<EndpointName> = mine.map(|(name, _)| name.clone()).collect();
        let first = &self.found.endpoints.get(origin)?.name;
        names.sort_by_key(|name| (name != first, name.clone()));
        for name in names {
            if let Some(entry) = self.entries.get_mut(&name)
                && let Some(both) = entry.said.and(said)
            {
                entry.said = both;
                return Some(name);
            }
        }
        let taken = |name: &EndpointName| {
            self.entries.contains_key(name)
                || self.found.endpoints.iter().any(|endpoint| endpoint.name == *name)
        };
        let mut name = first.clone();
        let mut number = 1_usize;
        while self.entries.contains_key(&name) || (number > 1 && taken(&name)) {
            number += 1;
            name = label(first.as_str(), number);
        }
        if number > 1 {
            self.notes.push(format!(
                "endpoint `{first}` answers in ways that one entry cannot say; `{name}` is the same target once more"
            ));
        }
        self.entries.insert(name.clone(), Entry { origin, said: said.clone() });
        Some(name)
    }
}
