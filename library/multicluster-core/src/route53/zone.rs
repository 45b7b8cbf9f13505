//! What is known of a hosted zone, and its sets in the groups that Route 53 chooses from.

use std::collections::BTreeMap;

use crate::route53::record_set::{AliasTarget, Data, RecordName, RecordSet, RecordType};

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFacts {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name.
    pub name: RecordName,
    /// Whether it answers in VPCs only.
    pub private: bool,
}

impl ZoneFacts {
    /// The set that an alias points at, if that is in this zone and no service of AWS.
    #[must_use]
    pub fn own_target<'a>(&self, set: &'a RecordSet) -> Option<&'a AliasTarget> {
        match &set.data {
            Data::Alias(target) if target.hosted_zone_id == self.id => Some(target),
            _ => None,
        }
    }
}

/// The sets of one type, by identifier as far as the sets were in order.
pub(super) type Group<'a> = Vec<&'a RecordSet>;

/// The sets by name and type.
pub(super) type Groups<'a> = BTreeMap<&'a RecordName, BTreeMap<&'a RecordType, Group<'a>>>;

/// The sets by name and type.
pub(super) fn grouped<'a>(sets: impl IntoIterator<Item = &'a RecordSet>) -> Groups<'a> {
    let mut groups = Groups::new();
    for set in sets {
        groups.entry(&set.key.name).or_default().entry(&set.key.r#type).or_default().push(set);
    }
    groups
}
