//! From the record sets of a name back to what a user would have said.
//!
//! ```text
//! sets ── read ──> a tree over leaves ── endpoints ──> leaves have names ── invert ──> Intent ── grow, compile ──> sets
//! ```
//! Flat groups of every policy are read, and trees whose helpers stand at `_mc-…` below the name. An alias to any other
//! name of the zone is a target like a load balancer: what stands there is somebody else's. Types other than A, AAAA and
//! CNAME are left alone.
//!
//! What is found is held against what would be made of it: an import says which sets the next apply would change. What
//! cannot be said in a configuration at all is an [`Obstacle`], and then nothing is imported.

mod endpoints;
mod invert;
mod read;
mod said;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::{EndpointName, Intent, grow};
use crate::route53::compile::{HealthChecks, Naming, compile};
use crate::route53::owner::OwnerMark;
use crate::route53::record_set::{Data, RecordName, RecordSet, RecordType, Routing, SetKey};
use crate::route53::rules::Described;
use crate::route53::simulate::CidrCollections;
use crate::route53::target::Target;
use crate::route53::zone::ZoneFacts;

/// Which sets shall be imported, and what is known beside them.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The zone.
    pub zone: &'a ZoneFacts,
    /// The name that is answered for.
    pub name: &'a RecordName,
    /// A, AAAA or CNAME, if only that shall be imported.
    pub r#type: Option<&'a RecordType>,
    /// The blocks of the CIDR collections that the sets name.
    pub collections: &'a CidrCollections,
}

/// What a name's sets say.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Who is answered by whom.
    pub intent: Intent,
    /// Where the endpoints are.
    pub targets: BTreeMap<EndpointName, Target>,
    /// What tells whether they are healthy.
    pub health_checks: HealthChecks,
    /// Seconds that values are kept for; none if there are only aliases.
    pub ttl: Option<u32>,
    /// The CIDR collection that the sets name.
    pub cidr_collection: Option<String>,
    /// Whose the name is by our mark beside it, if it has one.
    pub owner: Option<OwnerMark>,
    /// The sets that were read, helpers among them.
    pub sets: BTreeSet<SetKey>,
    /// The sets that the next apply would make, remove or change, though nobody changes the configuration.
    pub differences: Vec<Difference>,
    /// What else is worth knowing, in sentences.
    pub notes: Vec<String>,
}

/// What the next apply would do with a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It would be made.
    Made(SetKey),
    /// It would be removed.
    Removed(SetKey),
    /// It would be changed.
    Changed(SetKey),
}

/// Why sets cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{text}")]
pub struct Obstacle {
    /// The sets that it is about; none if it is about the name.
    pub keys: Vec<SetKey>,
    /// What a configuration cannot say: a sentence for users.
    pub text: String,
}

/// Reads the sets of a name back.
///
/// `sets` are those at and below the name; more do no harm.
///
/// # Errors
/// All obstacles.
///
/// # Examples
/// ```
/// use multicluster_core::dns::Policy;
/// use multicluster_core::route53::import::Scope;
/// use multicluster_core::route53::{
///     CidrCollections, Data, RecordName, RecordSet, RecordType, Routing, SetKey, ZoneFacts, import,
/// };
///
/// let name = |text: &str| RecordName::new(text).unwrap();
/// let zone = ZoneFacts { id: "Z1".into(), name: name("example.com"), private: false };
/// let app = name("app.example.com");
/// let set = |identifier: &str, weight, address: &str| RecordSet {
///     key: SetKey { name: app.clone(), r#type: RecordType::a(), set_identifier: Some(identifier.into()) },
///     routing: Routing::Weighted(weight),
///     data: Data::Values { ttl: 60, values: [address.to_owned()].into() },
///     health_check_id: None,
/// };
/// let sets = [set("aws", 95, "192.0.2.1"), set("gcp", 5, "192.0.2.2")];
/// let none = CidrCollections::new();
/// let scope = Scope { zone: &zone, name: &app, r#type: None, collections: &none };
///
/// let imported = import(scope, &sets).unwrap();
/// assert_eq!(imported.intent.policy, Policy::Weighted);
/// assert_eq!(imported.intent.endpoints.len(), 2);
/// // The next apply changes nothing.
/// assert!(imported.differences.is_empty());
/// ```
pub fn import<'a>(
    scope: Scope<'a>,
    sets: impl IntoIterator<Item = &'a RecordSet>,
) -> Result<Imported, Vec<Obstacle>> {
    let mut obstacles = Obstacles::default();
    let sets: Vec<&RecordSet> = sets.into_iter().collect();
    let read = read::read(scope, sets.iter().copied(), &mut obstacles);
    let Some(read) = read.filter(|_| obstacles.0.is_empty()) else { return Err(obstacles.finish()) };
    let found = endpoints::find(&read, &mut obstacles);
    let mut notes = read.notes.clone();
    let inverted = invert::invert(&read, &found, &mut notes, &mut obstacles);
    if !obstacles.0.is_empty() {
        return Err(obstacles.finish());
    }
    let reached: Vec<&RecordSet> = read.reached.iter().chain(&found.hosts).copied().collect();
    let mut imported = Imported {
        intent: inverted.intent,
        targets: BTreeMap::new(),
        health_checks: HealthChecks::default(),
        ttl: common_ttl(&reached, &mut notes),
        cidr_collection: collection(&reached),
        owner: sets.iter().find_map(|set| OwnerMark::of(set, scope.name)),
        sets: reached.iter().map(|set| set.key.clone()).collect(),
        differences: Vec::new(),
        notes,
    };
    for (name, index) in &inverted.origins {
        if let Some(endpoint) = found.endpoints.get(*index) {
            imported.targets.insert(name.clone(), endpoint.target());
            if let Some(check) = &endpoint.check {
                imported.health_checks.endpoints.insert(name.clone(), check.clone());
            }
            let addresses = endpoint.address_checks.iter();
            let named = addresses.map(|(address, check)| ((name.clone(), *address), check.clone()));
            imported.health_checks.addresses.extend(named);
        }
    }
    imported.notes.extend(found.notes);
    compare(scope, &reached, &mut imported, &mut obstacles);
    if obstacles.0.is_empty() { Ok(imported) } else { Err(obstacles.finish()) }
}

/// Holds what was found against what would be made of it.
fn compare(scope: Scope<'_>, reached: &[&RecordSet], imported: &mut Imported, obstacles: &mut Obstacles) {
    let grown = match grow(&imported.intent) {
        Ok(grown) => grown,
        Err(problems) => {
            for problem in problems {
                obstacles.of_name(format!("the sets say what a configuration cannot: {problem}"));
            }
            return;
        }
    };
    let naming = Naming {
        zone_id: scope.zone.id.clone(),
        zone: scope.zone.name.clone(),
        name: scope.name.clone(),
        // Without values it is not looked at.
        ttl: imported.ttl.unwrap_or_default(),
        cidr_collection: imported.cidr_collection.clone(),
    };
    match compile(&grown.node, &naming, &imported.targets, &imported.health_checks) {
        Ok(desired) => imported.differences = differences(reached, &desired),
        Err(problems) => imported.notes.extend(problems.iter().map(|problem| {
            format!("the configuration has to be completed before it can be applied: {problem}")
        })),
    }
}

fn differences(current: &[&RecordSet], desired: &[RecordSet]) -> Vec<Difference> {
    let current: BTreeMap<&SetKey, &RecordSet> = current.iter().map(|set| (&set.key, *set)).collect();
    let desired: BTreeMap<&SetKey, &RecordSet> = desired.iter().map(|set| (&set.key, set)).collect();
    let made = desired.iter().filter_map(|(key, set)| match current.get(key) {
        None => Some(Difference::Made((*key).clone())),
        Some(before) if before != set => Some(Difference::Changed((*key).clone())),
        Some(_) => None,
    });
    let removed = current.keys().filter(|key| !desired.contains_key(*key));
    let mut all: Vec<Difference> =
        made.chain(removed.map(|key| Difference::Removed((*key).clone()))).collect();
    all.sort_unstable();
    all
}

/// The TTL that most sets of values have; the smaller one of two that are as frequent.
fn common_ttl(sets: &[&RecordSet], notes: &mut Vec<String>) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for set in sets {
        if let Data::Values { ttl, .. } = &set.data {
            *counts.entry(*ttl).or_default() += 1;
        }
    }
    let ttl = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(ttl, _)| *ttl)?;
    if counts.len() > 1 {
        let all: Vec<String> = counts.keys().map(u32::to_string).collect();
        notes.push(format!(
            "the sets have TTLs of {} seconds; a configuration has one: {ttl}",
            all.join(", ")
        ));
    }
    Some(ttl)
}

fn collection(sets: &[&RecordSet]) -> Option<String> {
    sets.iter().find_map(|set| match &set.routing {
        Routing::Cidr { collection, .. } => Some(collection.clone()),
        _ => None,
    })
}

/// What was found to stand in the way.
#[derive(Default)]
struct Obstacles(Vec<Obstacle>);

impl Obstacles {
    /// Something about one set. The text follows its name.
    fn of_set(&mut self, set: &RecordSet, text: &str) {
        let text = format!("{}: {text}", Described(&set.key));
        self.0.push(Obstacle { keys: vec![set.key.clone()], text });
    }

    /// Something about the name.
    fn of_name(&mut self, text: String) {
        self.0.push(Obstacle { keys: Vec::new(), text });
    }

    /// All of them, each once, in order.
    fn finish(mut self) -> Vec<Obstacle> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

#[cfg(test)]
mod tests;
