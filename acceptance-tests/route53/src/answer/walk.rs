//! From a group of record sets down its tree of aliases to values.
//!
//! Health flows up (an alias that evaluates its target is healthy when a set below it is), choice flows down. Both
//! are remembered per group, so that a group that many aliases share is looked at once. Groups that point at each
//! other in a circle are cut where the circle closes, and very long chains at their end: there they are unhealthy and
//! have no data.

use std::collections::HashMap;

use crate::model::{AliasTarget, Data, Name, Policy, RecordSet, RecordType, ServedZone, Snapshot};

use super::{
    client::Client,
    distribution::{Distribution, Response, Value, Values},
    lookup::{self, Found},
    tiers::{self, Tier},
};

/// Seconds that answers of resources outside the zone may be kept; the Developer Guide gives it for load
/// balancers.
pub(super) const OUTSIDE_TTL: u32 = 60;
/// How many multivalue sets answer at most.
const MULTIVALUE_MAX: usize = 8;
/// How many aliases of aliases are followed. The service documents no limit; ours keeps the stack small.
const DEPTH_MAX: usize = 64;

type GroupKey = (Name, RecordType);

/// One query on its way through a zone.
pub(super) struct Walk<'a> {
    snapshot: &'a Snapshot,
    zone: &'a ServedZone,
    client: &'a Client,
    /// None while a group is being looked at.
    healths: HashMap<GroupKey, Option<bool>>,
    answers: HashMap<GroupKey, Option<Distribution>>,
    /// How many groups are being looked at, for their health and for their answers.
    depth: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, zone: &'a ServedZone, client: &'a Client) -> Self {
        Self { snapshot, zone, client, healths: HashMap::new(), answers: HashMap::new(), depth: 0 }
    }

    /// What the sets of one name and type answer.
    pub(super) fn group(&mut self, name: &Name, record_type: RecordType) -> Distribution {
        let key = (name.clone(), record_type);
        if let Some(known) = self.answers.get(&key) {
            return known.clone().unwrap_or_else(Distribution::nothing);
        }
        if self.depth >= DEPTH_MAX {
            return Distribution::nothing();
        }
        self.answers.insert(key.clone(), None);
        let group: Vec<&RecordSet> = self.zone.record_sets.group(name, record_type).collect();
        self.depth += 1;
        let answer = self.choose(&group);
        self.depth -= 1;
        self.answers.insert(key, Some(answer.clone()));
        answer
    }

    fn choose(&mut self, group: &[&'a RecordSet]) -> Distribution {
        if group.iter().any(|set| set.policy == Policy::Multivalue) {
            return self.several(group);
        }
        let tiers = tiers::of(group, self.client, self.snapshot);
        let chosen = self.first_healthy(&tiers).or_else(|| tiers.into_iter().next()).unwrap_or_default();
        let parts: Vec<_> = chosen.into_iter().map(|(weight, set)| (weight, self.set(set))).collect();
        Distribution::weighted(parts)
    }

    fn first_healthy(&mut self, tiers: &[Tier<'a>]) -> Option<Tier<'a>> {
        tiers.iter().find_map(|tier| {
            let healthy: Tier<'a> = tier.iter().copied().filter(|(_, set)| self.is_healthy(set)).collect();
            (!healthy.is_empty()).then_some(healthy)
        })
    }

    fn several(&mut self, group: &[&RecordSet]) -> Distribution {
        let healthy: Vec<_> = group.iter().copied().filter(|set| self.is_healthy(set)).collect();
        let chosen = if healthy.is_empty() { group.to_vec() } else { healthy };
        let sets: Vec<Values> = chosen.into_iter().filter_map(own_values).collect();
        let drawn = sets.len().min(MULTIVALUE_MAX);
        Distribution::certain(Response { sets, drawn })
    }

    fn set(&mut self, set: &RecordSet) -> Distribution {
        match &set.data {
            Data::Records { .. } => own_values(set)
                .map_or_else(Distribution::nothing, |values| Distribution::certain(Response::of(values))),
            Data::Alias(target) if self.is_inside(target) => match self.target(target, set.record_type) {
                Some(name) => self.group(&name, set.record_type),
                None => Distribution::nothing(),
            },
            Data::Alias(target) => Distribution::certain(Response::of(Values {
                ttl: OUTSIDE_TTL,
                values: vec![Value::Outside(target.dns_name.clone())],
            })),
        }
    }

    fn is_healthy(&mut self, set: &RecordSet) -> bool {
        let checked =
            set.health_check_id.as_deref().is_none_or(|id| self.snapshot.check_health(id).is_healthy());
        checked
            && match &set.data {
                Data::Alias(target) if target.evaluate_target_health => {
                    self.is_target_healthy(target, set.record_type)
                }
                _ => true,
            }
    }

    fn is_target_healthy(&mut self, target: &AliasTarget, record_type: RecordType) -> bool {
        if !self.is_inside(target) {
            return self.snapshot.target_health(&target.dns_name).is_healthy();
        }
        self.target(target, record_type).is_some_and(|name| self.has_healthy_set(&name, record_type))
    }

    fn has_healthy_set(&mut self, name: &Name, record_type: RecordType) -> bool {
        let key = (name.clone(), record_type);
        if let Some(known) = self.healths.get(&key) {
            return known.unwrap_or(false);
        }
        if self.depth >= DEPTH_MAX {
            return false;
        }
        self.healths.insert(key.clone(), None);
        let zone = self.zone;
        self.depth += 1;
        let healthy = zone.record_sets.group(name, record_type).any(|set| self.is_healthy(set));
        self.depth -= 1;
        self.healths.insert(key, Some(healthy));
        healthy
    }

    fn is_inside(&self, target: &AliasTarget) -> bool {
        target.hosted_zone_id == self.zone.id
    }

    /// The node that an alias inside the zone leads to: what a query for the target would find.
    fn target(&self, target: &AliasTarget, record_type: RecordType) -> Option<Name> {
        match lookup::find(self.zone, &target.dns_name, record_type) {
            Found::Node(name) => Some(name),
            Found::Empty | Found::Missing | Found::Delegated(_) => None,
        }
    }
}

fn own_values(set: &RecordSet) -> Option<Values> {
    match &set.data {
        Data::Records { ttl, values } => {
            Some(Values { ttl: *ttl, values: values.iter().cloned().map(Value::Data).collect() })
        }
        Data::Alias(_) => None,
    }
}
