//! Changes of record sets, and the batches that Route 53 carries out as a whole or not at all.
//!
//! Invariant: what [`Batch::size`] says is what Route 53 counts, so that a batch that [`Batch::fits`] is not refused
//! for its size.

use std::ops::Add;

use crate::route53::record_set::{Data, RecordSet};

/// What is done with a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Made; refused if it is there.
    Create,
    /// Removed; refused unless it is there with exactly these values.
    Delete,
    /// Made, or replaced whatever its values are.
    Upsert,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// The set: for a deletion as it stands, else as it shall be.
    pub set: RecordSet,
}

/// Changes that take effect together or not at all, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The changes.
    pub changes: Vec<Change>,
    /// What AWS's log says about it; at most 256 characters.
    pub comment: String,
}

/// What Route 53 counts of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Values, and aliases.
    pub elements: usize,
    /// Characters of values.
    pub characters: usize,
}

impl Size {
    /// The most that a batch may hold: 1,000 elements and 32,000 characters of values (Developer Guide, "Maximums on
    /// ChangeResourceRecordSets requests").
    pub const LIMIT: Self = Self { elements: 1000, characters: 32_000 };

    /// Whether a batch of this size is taken.
    #[must_use]
    pub fn fits(self) -> bool {
        self.elements <= Self::LIMIT.elements && self.characters <= Self::LIMIT.characters
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { elements: self.elements + other.elements, characters: self.characters + other.characters }
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), Self::add)
    }
}

impl Change {
    /// A set is made.
    #[must_use]
    pub fn create(set: RecordSet) -> Self {
        Self { action: Action::Create, set }
    }

    /// A set is removed that stands exactly so.
    #[must_use]
    pub fn delete(set: RecordSet) -> Self {
        Self { action: Action::Delete, set }
    }

    /// What Route 53 counts of it: each value, or one for an alias; an upsert twice, since it removes and makes.
    #[must_use]
    pub fn size(&self) -> Size {
        let times = if self.action == Action::Upsert { 2 } else { 1 };
        let (elements, characters) = match &self.set.data {
            Data::Values { values, .. } => {
                (values.len(), values.iter().map(|value| value.chars().count()).sum())
            }
            Data::Alias(_) => (1, 0),
        };
        Size { elements: elements * times, characters: characters * times }
    }
}

impl Batch {
    /// What Route 53 counts of it.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::route53::{Action, Batch, Change, Data, RecordName, RecordSet, RecordType, Routing, SetKey};
    ///
    /// let set = RecordSet {
    ///     key: SetKey {
    ///         name: RecordName::new("www.example.com").unwrap(),
    ///         r#type: RecordType::a(),
    ///         set_identifier: None,
    ///     },
    ///     routing: Routing::Simple,
    ///     data: Data::Values { ttl: 60, values: ["192.0.2.1".into(), "192.0.2.2".into()].into() },
    ///     health_check_id: None,
    /// };
    /// let batch = Batch { changes: vec![Change { action: Action::Upsert, set }], comment: String::new() };
    /// assert_eq!((batch.size().elements, batch.size().characters), (4, 36));
    /// ```
    #[must_use]
    pub fn size(&self) -> Size {
        self.changes.iter().map(Change::size).sum()
    }

    /// Whether Route 53 takes a batch of its size.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.size().fits()
    }
}
