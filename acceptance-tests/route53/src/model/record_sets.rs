//! The record sets of one zone, ordered as the API lists them.

use std::{collections::BTreeMap, ops::Bound};

use super::{Name, RecordSet, RecordSetKey, RecordType};

/// An ordered collection of record sets with unique keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordSets {
    sets: BTreeMap<RecordSetKey, RecordSet>,
}

impl RecordSets {
    /// All sets: by name with its labels reversed, then type, then set identifier.
    pub fn iter(&self) -> impl Iterator<Item = &RecordSet> {
        self.sets.values()
    }

    /// All sets from the first whose key is not less than `start`.
    pub fn starting_at<'a>(&'a self, start: &RecordSetKey) -> impl Iterator<Item = &'a RecordSet> + use<'a> {
        self.sets.range((Bound::Included(start), Bound::Unbounded)).map(|(_, set)| set)
    }

    /// The sets of one name and type, by set identifier.
    pub fn group(&self, name: &Name, record_type: RecordType) -> impl Iterator<Item = &RecordSet> {
        self.at_name(name)
            .skip_while(move |set| set.record_type < record_type)
            .take_while(move |set| set.record_type == record_type)
    }

    /// The sets of one name, by type and set identifier.
    pub fn at_name(&self, name: &Name) -> impl Iterator<Item = &RecordSet> {
        self.starting_at(&first_of(name)).take_while(move |set| set.name == *name)
    }

    /// Whether a set exists at `name` or below it, so that the name exists in the DNS.
    pub fn name_exists(&self, name: &Name) -> bool {
        // Names below sort behind the name itself, with nothing else between them.
        self.starting_at(&first_of(name)).next().is_some_and(|set| set.name.is_within(name))
    }

    /// One set by its identity.
    pub fn get(&self, key: &RecordSetKey) -> Option<&RecordSet> {
        self.sets.get(key)
    }

    /// Puts a set in, returning the one it replaces.
    pub fn insert(&mut self, set: RecordSet) -> Option<RecordSet> {
        self.sets.insert(set.key(), set)
    }

    /// Takes a set out.
    pub fn remove(&mut self, key: &RecordSetKey) -> Option<RecordSet> {
        self.sets.remove(key)
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

impl FromIterator<RecordSet> for RecordSets {
    fn from_iter<I: IntoIterator<Item = RecordSet>>(sets: I) -> Self {
        Self { sets: sets.into_iter().map(|set| (set.key(), set)).collect() }
    }
}

fn first_of(name: &Name) -> RecordSetKey {
    RecordSetKey { name: name.clone(), record_type: RecordType::A, set_identifier: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Data, Policy};

    fn set(name: &str, record_type: RecordType, identifier: Option<&str>) -> RecordSet {
        RecordSet {
            name: Name::parse(name).unwrap(),
            record_type,
            set_identifier: identifier.map(str::to_owned),
            policy: if identifier.is_some() { Policy::Weighted { weight: 1 } } else { Policy::Simple },
            data: Data::Records { ttl: 60, values: vec!["192.0.2.1".to_owned()] },
            health_check_id: None,
        }
    }

    #[test]
    fn groups_hold_one_name_and_type() {
        let sets: RecordSets = [
            set("www.example.com", RecordType::A, Some("b")),
            set("www.example.com", RecordType::A, Some("a")),
            set("www.example.com", RecordType::Txt, None),
            set("a.www.example.com", RecordType::A, None),
        ]
        .into_iter()
        .collect();
        let www = Name::parse("www.example.com").unwrap();
        let identifiers: Vec<_> =
            sets.group(&www, RecordType::A).map(|set| set.set_identifier.as_deref().unwrap()).collect();
        assert_eq!(identifiers, ["a", "b"]);
        assert_eq!(sets.group(&www, RecordType::Txt).count(), 1);
        assert_eq!(sets.group(&www, RecordType::Aaaa).count(), 0);
        assert_eq!(sets.at_name(&www).count(), 3);
    }

    #[test]
    fn empty_non_terminals_exist() {
        let sets: RecordSets =
            [set("a.b.example.com", RecordType::A, None), set("b-b.example.com", RecordType::A, None)]
                .into_iter()
                .collect();
        let exists = |name| sets.name_exists(&Name::parse(name).unwrap());
        assert!(exists("b.example.com"));
        assert!(exists("a.b.example.com"));
        assert!(!exists("c.example.com"));
        assert!(!exists("x.a.b.example.com"));
        assert!(!exists("b.b.example.com"));
    }
}
