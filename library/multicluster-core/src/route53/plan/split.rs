//! A change in one batch, or in as many as its size asks for.
//!
//! Where one is not enough, the change is made of atoms, each of which is valid on its own, in this order:
//!
//! 1. groups that are new, what others will point at first: nobody asks for them yet;
//! 2. new sets of groups that stay, those for smaller places first;
//! 3. sets that take the place of others: the same identifier, or the same place, region or rank. A whole group where
//!    its policy changes, or its common TTL, and the whole name where it changes between addresses and CNAME;
//! 4. sets of groups that stay and are needed no more, those for larger places first;
//! 5. groups that go, what points at others first.
//!
//! A client that is answered before and after is answered in between: until 4 no set is gone that answered it, unless
//! another stands in its place, and whatever a new set points at has been complete since 1 and 2.

use std::collections::{BTreeMap, BTreeSet};

use super::compose::{Group, Sets, Step, applied, changes, depths, group_of};
use super::{Held, Reason, Refusal, Wanted};
use crate::dns::Place;
use crate::route53::change::{Batch, Size};
use crate::route53::owner::OwnerMark;
use crate::route53::record_set::{Data, RecordSet, RecordType, Routing, SetKey};

/// How many sets a group may have: 100, of geoproximity 30 (Developer Guide, "Quotas").
const GROUP_LIMIT: usize = 100;
const GEOPROXIMITY_LIMIT: usize = 30;

/// All batches, and the generation after the last.
pub(super) fn batches(
    held: &Held<'_>,
    wanted: &Wanted<'_>,
    digest: &str,
) -> Result<(Vec<Batch>, u64), Refusal> {
    Splitter { held, wanted, digest, limit: Size::LIMIT }.batches()
}

pub(super) struct Splitter<'a> {
    pub(super) held: &'a Held<'a>,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) digest: &'a str,
    /// What a batch takes.
    pub(super) limit: Size,
}

/// Whether more batches follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    More,
    Nothing,
}

impl Splitter<'_> {
    pub(super) fn batches(&self) -> Result<(Vec<Batch>, u64), Refusal> {
        let before = by_key(self.held.sets.iter().copied());
        let after = by_key(self.wanted.sets);
        let whole = Step {
            delete: before
                .iter()
                .filter(|(key, set)| after.get(*key) != Some(set))
                .map(|(key, _)| key.clone())
                .collect(),
            create: after
                .iter()
                .filter(|(key, set)| before.get(*key) != Some(set))
                .map(|(key, set)| (key.clone(), set.clone()))
                .collect(),
        };
        // What the marks and claims stand as; they change with every batch.
        let mut standing = before.clone();
        let marks = [self.held.mark_set].into_iter().flatten();
        let beside = marks.chain(self.held.old_marks.iter().copied()).chain(self.held.taken.iter().copied());
        standing.extend(by_key(beside));

        let mut generation = self.held.generation;
        let mut batches = Vec::new();
        let one = self.marked(&standing, &whole, generation + 1, Rest::Nothing)?;
        if self.fits(&standing, &one) {
            batches.push(self.batch(&standing, &one, generation + 1));
            return Ok((batches, self.last_generation(generation + 1)));
        }
        let mut atoms = atoms(&before, &after, &whole).into_iter().peekable();
        let mut pending = Step::default();
        while let Some(atom) = atoms.next() {
            let more = pending.with(&atom);
            let marked = self.marked(&standing, &more, generation + 1, Rest::More)?;
            if self.fits(&standing, &marked) {
                pending = more;
            } else {
                if pending == Step::default() {
                    return Err(self.too_large(&atom));
                }
                generation += 1;
                let step = self.marked(&standing, &pending, generation, Rest::More)?;
                batches.push(self.batch(&standing, &step, generation));
                standing = applied(&standing, &step);
                let alone = self.marked(&standing, &atom, generation + 1, Rest::More)?;
                if !self.fits(&standing, &alone) {
                    return Err(self.too_large(&atom));
                }
                pending = atom;
            }
            if atoms.peek().is_none() {
                generation += 1;
                let step = self.marked(&standing, &pending, generation, Rest::Nothing)?;
                batches.push(self.batch(&standing, &step, generation));
            }
        }
        Ok((batches, self.last_generation(generation)))
    }

    /// A step with the marks: the next generation, and gone where the name is given up.
    fn marked(&self, standing: &Sets, step: &Step, generation: u64, rest: Rest) -> Result<Step, Refusal> {
        let mut step = step.clone();
        let digest = if rest == Rest::More { OwnerMark::UNFINISHED } else { self.digest };
        let mark = OwnerMark { owner: self.wanted.owner.clone(), generation, digest: digest.to_owned() };
        let set = mark.record_set(self.wanted.name).map_err(|_| self.refusal(Reason::NameTooLong))?;
        if standing.contains_key(&set.key) {
            step.delete.insert(set.key.clone());
        }
        if rest == Rest::More || !self.wanted.sets.is_empty() {
            step.create.insert(set.key.clone(), set);
        }
        for old in &self.held.old_marks {
            step.delete.insert(old.key.clone());
            // The name that it had before stays ours until the last batch.
            if rest == Rest::More
                && let Data::Values { ttl, .. } = &old.data
            {
                let values = [crate::route53::txt::quote(&mark.text())].into();
                let data = Data::Values { ttl: *ttl, values };
                step.create.insert(old.key.clone(), RecordSet { data, ..(*old).clone() });
            }
        }
        let taken = self.held.taken.iter().map(|set| &set.key).filter(|key| standing.contains_key(*key));
        step.delete.extend(taken.cloned());
        Ok(step)
    }

    fn fits(&self, standing: &Sets, step: &Step) -> bool {
        let size: Size = changes(standing, step).iter().map(crate::route53::change::Change::size).sum();
        size.elements <= self.limit.elements && size.characters <= self.limit.characters
    }

    fn batch(&self, standing: &Sets, step: &Step, generation: u64) -> Batch {
        let name = self.wanted.name.as_written();
        let comment = format!("multicluster: generation {generation} of {name}, owner {}", self.wanted.owner);
        Batch { changes: changes(standing, step), comment: comment.chars().take(256).collect() }
    }

    fn last_generation(&self, generation: u64) -> u64 {
        if self.wanted.sets.is_empty() { 0 } else { generation }
    }

    fn too_large(&self, atom: &Step) -> Refusal {
        let key = atom.create.keys().chain(&atom.delete).next();
        let (name, r#type) = key.map_or_else(|| (self.wanted.name.clone(), RecordType::txt()), group_of);
        self.refusal(Reason::TooLarge { name, r#type })
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        Refusal { name: self.wanted.name.clone(), reasons: vec![reason] }
    }
}

fn by_key<'a>(sets: impl IntoIterator<Item = &'a RecordSet>) -> Sets {
    sets.into_iter().map(|set| (set.key.clone(), set.clone())).collect()
}

/// Where an atom stands among the others: the phase, the depth of its group and the size of its place, each so that
/// lesser comes first.
type Order = (u8, i64, i8);

/// The parts of a change in their order.
fn atoms(before: &Sets, after: &Sets, whole: &Step) -> Vec<Step> {
    let (depths_before, depths_after) = (depths(before), depths(after));
    let old: BTreeSet<Group> = before.keys().map(group_of).collect();
    let new: BTreeSet<Group> = after.keys().map(group_of).collect();
    let switching = switching(&old, &new);
    let depth = |depths: &BTreeMap<Group, usize>, group: &Group| {
        depths.get(group).and_then(|depth| i64::try_from(*depth).ok()).unwrap_or(0)
    };
    let smallness_before = |key: &SetKey| before.get(key).map_or(0, smallness);
    let smallness_after = |key: &SetKey| after.get(key).map_or(0, smallness);

    let mut atoms: Vec<(Order, Step)> = Vec::new();
    let mut switch = Step::default();
    for group in old.union(&new) {
        let (removed, made) = part(whole, group);
        if switching.contains(group) {
            switch = switch.with(&step_of(before, after, &removed, &made));
        } else if !old.contains(group) {
            atoms.extend(made.into_iter().map(|key| {
                let order = (1, depth(&depths_after, group), -smallness_after(&key));
                (order, step_of(before, after, &[], &[key]))
            }));
        } else if !new.contains(group) {
            atoms.extend(removed.into_iter().map(|key| {
                let order = (5, -depth(&depths_before, group), smallness_before(&key));
                (order, step_of(before, after, &[key], &[]))
            }));
        } else {
            for (removed, made) in components(before, after, group, removed, made) {
                let order = match (removed.as_slice(), made.as_slice()) {
                    ([], made) => (2, 0, -made.first().map_or(0, smallness_after)),
                    (removed, []) => (4, 0, removed.first().map_or(0, smallness_before)),
                    _ => (3, 0, 0),
                };
                atoms.push((order, step_of(before, after, &removed, &made)));
            }
        }
    }
    if switch != Step::default() {
        atoms.push(((3, 1, 0), switch));
    }
    atoms.sort_by_key(|(order, _)| *order);
    atoms.into_iter().map(|(_, step)| step).filter(|step| *step != Step::default()).collect()
}

/// How small the part of all clients is that a set is for: a set for a greater number goes before those for lesser ones.
fn smallness(set: &RecordSet) -> i8 {
    match &set.routing {
        Routing::Geolocation(Place::Everywhere) => 0,
        Routing::Geolocation(Place::Continent(_)) => 1,
        Routing::Geolocation(Place::Country(_)) => 2,
        Routing::Geolocation(Place::Subdivision(_)) => 3,
        Routing::Cidr { location, .. } if location != "*" => 1,
        _ => 0,
    }
}

/// Groups at a name that changes between addresses and CNAME: all at once, since nothing stands beside a CNAME.
fn switching(old: &BTreeSet<Group>, new: &BTreeSet<Group>) -> BTreeSet<Group> {
    let cname =
        |groups: &BTreeSet<Group>, (name, _): &Group| groups.contains(&(name.clone(), RecordType::cname()));
    let present = |groups: &BTreeSet<Group>, (name, _): &Group| groups.iter().any(|(it, _)| it == name);
    old.union(new)
        .filter(|group| present(old, group) && present(new, group) && cname(old, group) != cname(new, group))
        .cloned()
        .collect()
}

/// The keys of a group that a step removes, and those that it makes.
fn part(step: &Step, group: &Group) -> (Vec<SetKey>, Vec<SetKey>) {
    let of_group = |key: &&SetKey| group_of(key) == *group;
    (
        step.delete.iter().filter(of_group).cloned().collect(),
        step.create.keys().filter(of_group).cloned().collect(),
    )
}

fn step_of(before: &Sets, after: &Sets, removed: &[SetKey], made: &[SetKey]) -> Step {
    Step {
        delete: removed.iter().filter(|key| before.contains_key(*key)).cloned().collect(),
        create: made.iter().filter_map(|key| Some((key.clone(), after.get(key)?.clone()))).collect(),
    }
}

/// The parts of a group's change that cannot be apart: removed and made keys.
fn components(
    before: &Sets,
    after: &Sets,
    group: &Group,
    removed: Vec<SetKey>,
    made: Vec<SetKey>,
) -> Vec<(Vec<SetKey>, Vec<SetKey>)> {
    let of_group = |sets: &Sets| -> Vec<RecordSet> {
        sets.values().filter(|set| group_of(&set.key) == *group).cloned().collect()
    };
    if moves_as_a_whole(&of_group(before), &of_group(after)) {
        return vec![(removed, made)];
    }
    let mut parts: Vec<(Vec<SetKey>, Vec<SetKey>)> =
        removed.into_iter().map(|key| (vec![key], Vec::new())).collect();
    for key in made {
        let set = after.get(&key);
        // One takes another's place, or its identifier: both at once. Through several, all of them at once.
        let meets = |other: &SetKey| {
            *other == key || set.zip(before.get(other)).is_some_and(|(a, b)| same_slot(a, b))
        };
        let (met, apart): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .partition(|(removed, _): &(Vec<SetKey>, Vec<SetKey>)| removed.iter().any(meets));
        parts = apart;
        let mut joined: (Vec<SetKey>, Vec<SetKey>) = (Vec::new(), vec![key.clone()]);
        for (removed, made) in met {
            joined.0.extend(removed);
            joined.1.extend(made);
        }
        parts.push(joined);
    }
    parts
}

/// Whether a group can only change at once: another policy, another common TTL, another collection, or no room for old
/// and new sets beside each other.
fn moves_as_a_whole(before: &[RecordSet], after: &[RecordSet]) -> bool {
    let policies = |sets: &[RecordSet]| -> BTreeSet<(u8, String)> {
        sets.iter().map(|set| policy_of(&set.routing)).collect()
    };
    let ttls: BTreeSet<u32> = before
        .iter()
        .chain(after)
        .filter_map(|set| match &set.data {
            Data::Values { ttl, .. } => Some(*ttl),
            Data::Alias(_) => None,
        })
        .collect();
    let weighted = after.iter().any(|set| matches!(set.routing, Routing::Weighted(_)));
    let geoproximity = after.iter().any(|set| matches!(set.routing, Routing::Geoproximity(_)));
    let limit = if geoproximity { GEOPROXIMITY_LIMIT } else { GROUP_LIMIT };
    let keys: BTreeSet<&SetKey> = before.iter().chain(after).map(|set| &set.key).collect();
    policies(before) != policies(after) || (weighted && ttls.len() > 1) || keys.len() > limit
}

/// The policy, and what all sets of a group have in common beside it.
fn policy_of(routing: &Routing) -> (u8, String) {
    match routing {
        Routing::Simple => (0, String::new()),
        Routing::Weighted(_) => (1, String::new()),
        Routing::Latency(_) => (2, String::new()),
        Routing::Failover(_) => (3, String::new()),
        Routing::Geolocation(_) => (4, String::new()),
        Routing::Geoproximity(_) => (5, String::new()),
        Routing::Cidr { collection, .. } => (6, collection.clone()),
        Routing::Multivalue => (7, String::new()),
    }
}

/// Whether two sets of a group are for the same clients, so that only one of them may stand.
fn same_slot(a: &RecordSet, b: &RecordSet) -> bool {
    match (&a.routing, &b.routing) {
        (Routing::Latency(a), Routing::Latency(b)) => a == b,
        (Routing::Failover(a), Routing::Failover(b)) => a == b,
        (Routing::Geolocation(a), Routing::Geolocation(b)) => a == b,
        (Routing::Geoproximity(a), Routing::Geoproximity(b)) => a.position == b.position,
        (Routing::Cidr { location: a, .. }, Routing::Cidr { location: b, .. }) => a == b,
        (Routing::Simple, Routing::Simple) => true,
        _ => false,
    }
}
