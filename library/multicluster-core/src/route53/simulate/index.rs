//! A zone by names, as questions look for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::networking::Cidr;
use crate::route53::record_set::{AliasTarget, RecordName, RecordSet, RecordType};
use crate::route53::zone::{Group, ZoneFacts, grouped};

/// The blocks of each location of each CIDR collection, by the collection's id and the location's name.
pub type CidrCollections = BTreeMap<String, BTreeMap<String, Vec<Cidr>>>;

/// All sets of a zone, found by name.
///
/// The zone's own name exists even without sets, for its SOA and NS.
#[derive(Clone, Debug)]
pub struct Zone<'a> {
    facts: &'a ZoneFacts,
    collections: &'a CidrCollections,
    groups: Vec<Targeted<'a>>,
    by_name: BTreeMap<&'a RecordName, BTreeMap<&'a RecordType, GroupId>>,
    /// All names that exist, also those that only have others below them, as text.
    existing: BTreeSet<&'a str>,
}

/// A group and, for each set, the group in this zone that it is an alias of.
#[derive(Clone, Debug)]
struct Targeted<'a> {
    sets: Group<'a>,
    targets: Vec<Option<GroupId>>,
}

/// Which group of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId(pub(super) usize);

/// What is found for a question.
pub(super) enum Lookup<'a> {
    Refused,
    NoSuchName,
    NoData,
    Delegated(&'a RecordName),
    Found(GroupId),
}

impl<'a> Zone<'a> {
    /// Sorts the sets by name.
    #[must_use]
    pub fn new(
        facts: &'a ZoneFacts,
        sets: impl IntoIterator<Item = &'a RecordSet>,
        collections: &'a CidrCollections,
    ) -> Self {
        let mut groups = Vec::new();
        let mut by_name: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let mut existing = BTreeSet::from([facts.name.as_str()]);
        for (name, types) in grouped(sets) {
            if !name.within(&facts.name) {
                continue;
            }
            let mut rest = name.as_str();
            while rest.len() > facts.name.as_str().len() && existing.insert(rest) {
                rest = rest.split_once('.').map_or("", |(_, rest)| rest);
            }
            for (r#type, sets) in types {
                by_name.entry(name).or_default().insert(r#type, GroupId(groups.len()));
                groups.push(Targeted { sets, targets: Vec::new() });
            }
        }
        for group in &mut groups {
            let target = |set: &&RecordSet| {
                let target = facts.own_target(set)?;
                by_name.get(&target.dns_name)?.get(&set.key.r#type).copied()
            };
            group.targets = group.sets.iter().map(target).collect();
        }
        Self { facts, collections, groups, by_name, existing }
    }

    pub(super) fn name(&self) -> &RecordName {
        &self.facts.name
    }

    pub(super) fn collections(&self) -> &CidrCollections {
        self.collections
    }

    pub(super) fn group_ids(&self) -> impl Iterator<Item = GroupId> {
        (0..self.groups.len()).map(GroupId)
    }

    pub(super) fn sets(&self, id: GroupId) -> &[&'a RecordSet] {
        self.groups.get(id.0).map_or(&[], |group| group.sets.as_slice())
    }

    /// The group of this zone that a set is an alias of.
    pub(super) fn target(&self, id: GroupId, index: usize) -> Option<GroupId> {
        self.groups.get(id.0)?.targets.get(index).copied().flatten()
    }

    /// Whether an alias points at a set of this zone, rather than at an AWS service.
    pub(super) fn is_own(&self, target: &AliasTarget) -> bool {
        target.hosted_zone_id == self.facts.id
    }

    /// The group that answers a question.
    pub(super) fn look_up(&self, name: &RecordName, r#type: &RecordType) -> Lookup<'a> {
        if !name.within(&self.facts.name) {
            return Lookup::Refused;
        }
        if let Some(cut) = self.delegation(name, r#type) {
            return Lookup::Delegated(cut);
        }
        if let Some(types) = self.by_name.get(name) {
            return Self::of_type(types, r#type);
        }
        if self.existing.contains(name.as_str()) {
            return Lookup::NoData;
        }
        // The wildcard beside the nearest name that exists stands for the rest (RFC 4592).
        let mut encloser = name.parent();
        while let Some(parent) = encloser {
            if self.existing.contains(parent.as_str()) {
                let wildcard = parent.child("*").ok().and_then(|wildcard| self.by_name.get(&wildcard));
                return wildcard.map_or(Lookup::NoSuchName, |types| Self::of_type(types, r#type));
            }
            encloser = parent.parent();
        }
        Lookup::NoSuchName
    }

    fn of_type(types: &BTreeMap<&RecordType, GroupId>, r#type: &RecordType) -> Lookup<'a> {
        match types.get(r#type).or_else(|| types.get(&RecordType::cname())) {
            Some(group) => Lookup::Found(*group),
            None => Lookup::NoData,
        }
    }

    /// The highest name at or above this one, below the zone's own, that has NS records.
    ///
    /// What stands beyond is other servers' to answer, except for the delegation itself.
    fn delegation(&self, name: &RecordName, r#type: &RecordType) -> Option<&'a RecordName> {
        let ns = RecordType("NS".to_owned());
        let own = matches!(r#type.0.as_str(), "NS" | "DS");
        let mut cut = None;
        let mut next = Some(name.clone());
        while let Some(current) = next.filter(|current| current.is_below(&self.facts.name)) {
            if let Some((at, types)) = self.by_name.get_key_value(&current)
                && types.contains_key(&ns)
                && !(own && current == *name)
            {
                cut = Some(*at);
            }
            next = current.parent();
        }
        cut
    }
}
