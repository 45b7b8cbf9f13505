//! What Route 53 answers from the sets of a zone, by whom it asks and what is healthy.
//!
//! ```text
//! name ── exists? wildcard? delegated? ──> group of a name and type ── policy, client, health ──> sets ── alias ──> …
//! ```
//! The rules of choosing, from the developer guide ("How Route 53 chooses records when health checking is configured"):
//! a set without health check is healthy; an alias that evaluates its target's health is healthy if any set below is,
//! and, with a health check, if that is too; an unhealthy set is passed over for the next best one that is for the
//! client; if none of those is healthy, all count as healthy. Chance is not played: an answer has the exact probability
//! of each value.
//!
//! What nobody outside of AWS knows is not made up: latencies are the caller's, or else estimated by distance, and an
//! answer says so; two equally good sets share the answer, and it says so too.

mod choice;
mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::dns::share::Share;
use crate::dns::{Coordinates, LatencyRegion, Place};
use crate::networking::Cidr;
use crate::route53::record_set::{Data, HealthCheckId, RecordName, RecordSet, RecordType};

pub use self::index::{CidrCollections, Zone};

use self::index::{GroupId, Lookup};

/// How many aliases, or CNAMEs, are followed one after the other. Route 53 has no such chains; a zone that was read may
/// be anything.
const DEPTH_LIMIT: usize = 64;

/// Who asks, as far as Route 53 can know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// The places that the client is in, whichever are known: a subdivision, a country, a continent.
    pub places: BTreeSet<Place>,
    /// Where the client is.
    pub position: Option<Coordinates>,
    /// Milliseconds to regions of AWS, if they shall not be estimated by distance.
    pub latencies: BTreeMap<LatencyRegion, u32>,
    /// The client's network, or that of its resolver.
    pub network: Option<Cidr>,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The name.
    pub name: RecordName,
    /// The type.
    pub r#type: RecordType,
    /// Who asks.
    pub client: Client,
}

/// What is unhealthy; all else is healthy, as a new health check is until data arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Health {
    /// Health checks that fail.
    pub checks: BTreeSet<HealthCheckId>,
    /// Targets of aliases outside of the zone, such as load balancers, that AWS finds unhealthy.
    pub targets: BTreeSet<RecordName>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whether the name exists.
    pub rcode: Rcode,
    /// The probability that a value is among those returned. Several values may come together, so that the sum may be
    /// more than one. None with [`Rcode::NoError`] is what DNS calls "no data".
    pub values: BTreeMap<Value, Share>,
    /// The probability that anything is returned.
    pub answered: Share,
    /// How many sets come together, if a multivalue group has more healthy ones.
    pub at_most: Option<usize>,
    /// How sure it is.
    pub certainty: Certainty,
    /// The delegated name at or above the one that was asked for: other servers are asked there.
    pub delegated_to: Option<RecordName>,
}

/// Whether a name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rcode {
    /// It does.
    NoError,
    /// It does not, nor does any below it.
    NxDomain,
    /// It is not in the zone.
    Refused,
}

/// A value that is returned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A record of the zone.
    Record {
        /// The type, which is CNAME for a query of another type if the name has one.
        r#type: RecordType,
        /// As it stands in a zone file.
        value: String,
    },
    /// Whatever an AWS service has for its name.
    Alias {
        /// The type.
        r#type: RecordType,
        /// The name of a load balancer or the like.
        dns_name: RecordName,
    },
}

/// How sure an answer is. Ordered from the surest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// By rules that are documented.
    #[default]
    Sure,
    /// Latencies were estimated by distance.
    Estimated,
    /// Sets were equally good, or nothing was known of the client by which to choose; they share the answer.
    Tied,
}

/// What Route 53 answers.
///
/// For many questions in the same health, [`Simulation`] looks at health once.
///
/// # Examples
/// ```
/// use multicluster_core::dns::share::Share;
/// use multicluster_core::route53::simulate::{Client, Health, Query, Value, Zone, answer};
/// use multicluster_core::route53::{
///     CidrCollections, Data, RecordName, RecordSet, RecordType, Routing, SetKey, ZoneFacts,
/// };
///
/// let name = |text: &str| RecordName::new(text).unwrap();
/// let facts = ZoneFacts { id: "Z1".into(), name: name("example.com"), private: false };
/// let set = |identifier: &str, weight, address: &str| RecordSet {
///     key: SetKey { name: name("app.example.com"), r#type: RecordType::a(), set_identifier: Some(identifier.into()) },
///     routing: Routing::Weighted(weight),
///     data: Data::Values { ttl: 60, values: [address.to_owned()].into() },
///     health_check_id: None,
/// };
/// let sets = [set("blue", 95, "192.0.2.1"), set("green", 5, "192.0.2.2")];
/// let none = CidrCollections::new();
/// let zone = Zone::new(&facts, &sets, &none);
/// let query = Query { name: name("app.example.com"), r#type: RecordType::a(), client: Client::default() };
///
/// let found = answer(&zone, &query, &Health::default());
/// let green = Value::Record { r#type: RecordType::a(), value: "192.0.2.2".into() };
/// assert_eq!(found.values[&green], Share::of(1, 20));
/// ```
#[must_use]
pub fn answer(zone: &Zone<'_>, query: &Query, health: &Health) -> Answer {
    Simulation::new(zone, health).answer(query)
}

/// A zone in a state of health.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    zone: &'a Zone<'a>,
    /// Per group and set, whether the set is healthy.
    healthy: Vec<Vec<bool>>,
}

impl<'a> Simulation<'a> {
    /// Looks at the health of all sets.
    #[must_use]
    pub fn new(zone: &'a Zone<'a>, health: &Health) -> Self {
        let mut evaluation = Evaluation { zone, health, groups: BTreeMap::new() };
        let healthy = zone.group_ids().map(|id| evaluation.sets(id, 0)).collect();
        Self { zone, healthy }
    }

    /// What Route 53 answers.
    #[must_use]
    pub fn answer(&self, query: &Query) -> Answer {
        let mut partial = Rc::new(Partial::default());
        let (rcode, delegated_to) = match self.zone.look_up(&query.name, &query.r#type) {
            Lookup::Refused => (Rcode::Refused, None),
            Lookup::NoSuchName => (Rcode::NxDomain, None),
            Lookup::NoData => (Rcode::NoError, None),
            Lookup::Delegated(name) => (Rcode::NoError, Some(name.clone())),
            Lookup::Found(group) => {
                partial = self.group(group, &query.client, &mut BTreeMap::new(), 0);
                (Rcode::NoError, None)
            }
        };
        let Partial { values, answered, at_most, certainty } = Rc::unwrap_or_clone(partial);
        let values = values.into_iter().map(|(value, share)| (value.into(), share)).collect();
        Answer { rcode, values, answered, at_most, certainty, delegated_to }
    }

    /// What a resolver finds: the answer with CNAMEs followed as far as they stay in the zone.
    #[must_use]
    pub fn resolve(&self, query: &Query) -> Answer {
        self.resolve_from(query, 0)
    }

    fn resolve_from(&self, query: &Query, depth: usize) -> Answer {
        let first = self.answer(query);
        if query.r#type == RecordType::cname() || depth >= DEPTH_LIMIT {
            return first;
        }
        if !first.values.keys().any(Value::is_cname) {
            return first;
        }
        // A name has no other types beside a CNAME, and a set of CNAMEs has one value: so the values exclude each other,
        // and each is followed with the probability that it is returned.
        let mut resolved = Answer { answered: Share::ZERO, at_most: None, values: BTreeMap::new(), ..first };
        for (value, share) in first.values {
            let target = match &value {
                Value::Record { value, .. } => RecordName::new(value).ok(),
                Value::Alias { .. } => None,
            };
            let Some(name) = target.filter(|name| name.within(self.zone.name())) else {
                resolved.answered = resolved.answered.plus(share);
                add(&mut resolved.values, value, share);
                continue;
            };
            let next = self.resolve_from(&Query { name, ..query.clone() }, depth + 1);
            resolved.answered = resolved.answered.plus(share.times(next.answered));
            resolved.at_most = resolved.at_most.max(next.at_most);
            resolved.certainty = resolved.certainty.max(next.certainty);
            for (value, part) in next.values {
                add(&mut resolved.values, value, share.times(part));
            }
        }
        resolved
    }

    /// What a group answers. A group is asked once per client, however many aliases lead to it.
    fn group(&self, id: GroupId, client: &Client, known: &mut Known<'a>, depth: usize) -> Rc<Partial<'a>> {
        if let Some(partial) = known.get(&id) {
            return Rc::clone(partial);
        }
        // Aliases that lead in a ring answer nothing.
        known.insert(id, Rc::default());
        let partial = Rc::new(self.chosen(id, client, known, depth));
        known.insert(id, Rc::clone(&partial));
        partial
    }

    fn chosen(&self, id: GroupId, client: &Client, known: &mut Known<'a>, depth: usize) -> Partial<'a> {
        let sets = self.zone.sets(id);
        let healthy = self.healthy.get(id.0).map_or(&[][..], Vec::as_slice);
        let choice = choice::choose(sets, healthy, client, self.zone.collections());
        let mut sum = Partial { certainty: choice.certainty, at_most: choice.at_most, ..Partial::default() };
        for (index, share) in choice.shares {
            let Some(set) = sets.get(index) else { continue };
            let part = self.set(id, index, set, client, known, depth);
            if share == Share::ONE && choice.together.is_none() {
                // Nothing else is chosen.
                sum = Partial { certainty: sum.certainty.max(part.certainty), ..Partial::clone(&part) };
                break;
            }
            sum.answered = sum.answered.plus(share.times(part.answered));
            sum.at_most = sum.at_most.max(part.at_most);
            sum.certainty = sum.certainty.max(part.certainty);
            for (value, part) in &part.values {
                let part = if *part == Share::ONE { share } else { share.times(*part) };
                add(&mut sum.values, *value, part);
            }
        }
        if let Some(limit) = choice.together {
            // The sets come together, so that the shares are those of sets, and at least one is returned.
            sum.answered = if sum.values.is_empty() { Share::ZERO } else { Share::ONE };
            choice::correct_repeated(&mut sum.values, sets, &choice.candidates, limit);
        }
        sum
    }

    fn set(
        &self,
        group: GroupId,
        index: usize,
        set: &'a RecordSet,
        client: &Client,
        known: &mut Known<'a>,
        depth: usize,
    ) -> Rc<Partial<'a>> {
        let r#type = &set.key.r#type;
        let values: BTreeMap<_, _> = match &set.data {
            Data::Values { values, .. } => {
                values.iter().map(|value| (Borrowed::Record(r#type, value), Share::ONE)).collect()
            }
            Data::Alias(target) if !self.zone.is_own(target) => {
                BTreeMap::from([(Borrowed::Alias(r#type, &target.dns_name), Share::ONE)])
            }
            Data::Alias(_) => {
                return match self.zone.target(group, index).filter(|_| depth < DEPTH_LIMIT) {
                    Some(target) => self.group(target, client, known, depth + 1),
                    None => Rc::default(),
                };
            }
        };
        let answered = if values.is_empty() { Share::ZERO } else { Share::ONE };
        Rc::new(Partial { values, answered, ..Partial::default() })
    }
}

/// What groups answer to one client.
type Known<'a> = BTreeMap<GroupId, Rc<Partial<'a>>>;

/// What a group or a set answers.
#[derive(Clone, Debug)]
struct Partial<'a> {
    values: BTreeMap<Borrowed<'a>, Share>,
    answered: Share,
    at_most: Option<usize>,
    certainty: Certainty,
}

impl Default for Partial<'_> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), answered: Share::ZERO, at_most: None, certainty: Certainty::Sure }
    }
}

impl Value {
    fn is_cname(&self) -> bool {
        matches!(self, Self::Record { r#type, .. } if *r#type == RecordType::cname())
    }
}

/// A value where the zone has it. Ordered as [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Borrowed<'a> {
    Record(&'a RecordType, &'a str),
    Alias(&'a RecordType, &'a RecordName),
}

impl From<Borrowed<'_>> for Value {
    fn from(value: Borrowed<'_>) -> Self {
        match value {
            Borrowed::Record(r#type, value) => {
                Self::Record { r#type: r#type.clone(), value: value.to_owned() }
            }
            Borrowed::Alias(r#type, dns_name) => {
                Self::Alias { r#type: r#type.clone(), dns_name: dns_name.clone() }
            }
        }
    }
}

fn add<V: Ord>(values: &mut BTreeMap<V, Share>, value: V, share: Share) {
    values.entry(value).and_modify(|sum| *sum = sum.plus(share)).or_insert(share);
}

/// Finds out which sets are healthy, from the leaves up.
struct Evaluation<'a> {
    zone: &'a Zone<'a>,
    health: &'a Health,
    /// Whether any set is healthy; `false` while that is being found out.
    groups: BTreeMap<GroupId, bool>,
}

impl Evaluation<'_> {
    fn sets(&mut self, id: GroupId, depth: usize) -> Vec<bool> {
        let zone = self.zone;
        let sets = zone.sets(id);
        sets.iter().enumerate().map(|(index, set)| self.set(id, index, set, depth)).collect()
    }

    fn set(&mut self, id: GroupId, index: usize, set: &RecordSet, depth: usize) -> bool {
        if set.health_check_id.as_ref().is_some_and(|check| self.health.checks.contains(check)) {
            return false;
        }
        match &set.data {
            Data::Alias(target) if target.evaluate_target_health => {
                if self.zone.is_own(target) {
                    self.zone.target(id, index).is_some_and(|target| self.any(target, depth))
                } else {
                    !self.health.targets.contains(&target.dns_name)
                }
            }
            _ => true,
        }
    }

    fn any(&mut self, id: GroupId, depth: usize) -> bool {
        if let Some(known) = self.groups.get(&id) {
            return *known;
        }
        if depth >= DEPTH_LIMIT {
            return false;
        }
        self.groups.insert(id, false);
        let healthy = self.sets(id, depth + 1).contains(&true);
        self.groups.insert(id, healthy);
        healthy
    }
}

#[cfg(test)]
mod tests;
