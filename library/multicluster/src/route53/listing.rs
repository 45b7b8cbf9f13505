//! Which part of a zone is read, and what was found there.

use multicluster_core::route53::{RecordName, RecordSet, SetKey};

use super::{
    cache::Wanted,
    convert::{Entry, OpaqueSet},
};

/// The label at which names of our own begin to stand in a listing: what follows is a digit or a letter, and the dot
/// after the label stands before both.
const FIRST_HELPER: &str = "_mc-0";

/// What names of our own begin with.
const HELPER: &str = "_mc-";

/// A part of a zone that stands together in its listing, so that it takes few pages to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// One name.
    Name(RecordName),
    /// A name and all below it.
    Subtree(RecordName),
    /// Names of our own (`_mc-…`) right below a name. For a zone's own name, below which everything is.
    Helpers(RecordName),
}

impl Range {
    /// What belongs to one managed name: the subtree, or at a zone's own name that name and our helpers.
    ///
    /// # Examples
    /// ```
    /// use multicluster::core::route53::RecordName;
    /// use multicluster::route53::Range;
    ///
    /// let zone = RecordName::new("example.com")?;
    /// let name = RecordName::new("app.example.com")?;
    /// assert_eq!(Range::of(&name, &zone), [Range::Subtree(name)]);
    /// assert_eq!(Range::of(&zone, &zone), [Range::Name(zone.clone()), Range::Helpers(zone)]);
    /// # Ok::<(), multicluster::core::route53::InvalidRecordName>(())
    /// ```
    #[must_use]
    pub fn of(name: &RecordName, zone: &RecordName) -> Vec<Self> {
        if name.is_apex(zone) {
            vec![Self::Name(name.clone()), Self::Helpers(name.clone())]
        } else {
            vec![Self::Subtree(name.clone())]
        }
    }

    /// Where in the listing it begins.
    pub(super) fn start(&self) -> RecordName {
        match self {
            Self::Name(name) | Self::Subtree(name) => name.clone(),
            // A name so long that nothing fits before it has no helpers.
            Self::Helpers(name) => name.child(FIRST_HELPER).unwrap_or_else(|_| name.clone()),
        }
    }

    /// Whether a name belongs to it.
    #[must_use]
    pub fn contains(&self, name: &RecordName) -> bool {
        match self {
            Self::Name(it) => name == it,
            Self::Subtree(it) => name.within(it),
            Self::Helpers(it) => {
                name.is_below(it)
                    && name
                        .labels()
                        .rev()
                        .nth(it.labels().count())
                        .is_some_and(|label| label.starts_with(HELPER))
            }
        }
    }

    /// Whether all of the other belongs to it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Subtree(it), Self::Name(name) | Self::Subtree(name) | Self::Helpers(name)) => {
                name.within(it)
            }
            _ => self == other,
        }
    }
}

/// What was found in a part of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The sets, in the order of the listing.
    pub sets: Vec<RecordSet>,
    /// What we cannot express; in the way if it is at a name that is to be managed.
    pub opaque: Vec<OpaqueSet>,
}

impl Listing {
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>, wanted: Wanted<'_>) -> Self {
        let mut listing = Self::default();
        let wanted = |name: &RecordName| match wanted {
            Wanted::All => true,
            Wanted::Ranges(ranges) => ranges.iter().any(|range| range.contains(name)),
        };
        for entry in entries {
            match entry {
                Entry::Known(set) if wanted(&set.key.name) => listing.sets.push(set.clone()),
                Entry::Opaque(set, name) if name.as_ref().is_none_or(wanted) => {
                    listing.opaque.push(set.clone());
                }
                _ => {}
            }
        }
        listing
    }

    /// The set of a key.
    #[must_use]
    pub fn get(&self, key: &SetKey) -> Option<&RecordSet> {
        self.sets.iter().find(|set| set.key == *key)
    }
}

#[cfg(test)]
mod tests {
    use multicluster_core::route53::{RecordName, RecordType};
    use proptest::{collection::vec, prop_assert, proptest, sample::select};
    use rstest::rstest;

    use super::*;

    fn name(text: &str) -> RecordName {
        RecordName::new(text).unwrap()
    }

    #[rstest]
    #[case::itself("app.example.com", true, true, false)]
    #[case::owner("_mc-owner.app.example.com", false, true, true)]
    #[case::below_a_helper("x._mc-12345678.app.example.com", false, true, true)]
    #[case::another_below("www.app.example.com", false, true, false)]
    #[case::a_helper_below_another("_mc-1.www.app.example.com", false, true, false)]
    #[case::a_longer_label("my-app.example.com", false, false, false)]
    #[case::above("example.com", false, false, false)]
    fn what_belongs_to_a_range(
        #[case] it: &str,
        #[case] one: bool,
        #[case] subtree: bool,
        #[case] helpers: bool,
    ) {
        let (it, app) = (name(it), name("app.example.com"));
        assert_eq!(Range::Name(app.clone()).contains(&it), one);
        assert_eq!(Range::Subtree(app.clone()).contains(&it), subtree);
        assert_eq!(Range::Helpers(app).contains(&it), helpers);
    }

    #[test]
    fn a_subtree_covers_what_is_in_it() {
        let (zone, app) = (name("example.com"), name("app.example.com"));
        let all = Range::Subtree(zone.clone());
        assert!(all.covers(&Range::Helpers(app.clone())) && all.covers(&Range::Subtree(app.clone())));
        assert!(!Range::Subtree(app.clone()).covers(&all));
        assert!(!Range::Name(app.clone()).covers(&Range::Subtree(app)));
        assert!(Range::Name(zone.clone()).covers(&Range::Name(zone)));
    }

    proptest! {
        #[test]
        fn a_range_stands_together_after_its_start(
            labels in vec(vec(select(vec!["a", "b", "a-b", "_mc-owner", "_mc-0f", "_mc-f", "*", "zz", "0"]), 1..4), 1..30)
        ) {
            let mut keys: Vec<SetKey> = labels.into_iter().map(|labels| SetKey {
                name: name(&format!("{}.a.com", labels.join("."))), r#type: RecordType::a(), set_identifier: None,
            }).collect();
            keys.sort_by_key(SetKey::list_order);
            let base = name("a.a.com");
            for range in [Range::Name(base.clone()), Range::Subtree(base.clone()), Range::Helpers(base)] {
                let start = SetKey { name: range.start(), r#type: RecordType(String::new()), set_identifier: None };
                let mut from_start = keys.iter().filter(|key| key.list_order() >= start.list_order());
                let together = from_start.by_ref().take_while(|key| range.contains(&key.name)).count();
                let all = keys.iter().filter(|key| range.contains(&key.name)).count();
                prop_assert!(together == all, "{range:?}: {together} of {all} in {keys:?}");
            }
        }
    }
}
