//! Who a name belongs to.
//!
//! Our mark is a TXT of one value beside the name, at `_mc-owner.<name>`. It never shares the name's policy, so that it
//! stands at an apex and beside any group:
//!
//! ```text
//! "heritage=multicluster,multicluster/digest=0a1b…,multicluster/generation=7,multicluster/owner=shop"
//! ```
//!
//! The form is external-dns', with a heritage of our own, so that external-dns passes it over. Every batch replaces it
//! by one with the next generation: a batch that deletes generation 7 succeeds once.
//!
//! Invariant: whatever stands in a zone, reading claims neither fails nor takes somebody else's for ours.

mod claims;
mod labels;

use std::fmt;

pub use self::claims::{Claim, ClaimKind, claim_names, claims};
use self::labels::Labels;
use crate::route53::name::InvalidRecordName;
use crate::route53::record_set::{Data, RecordName, RecordSet, RecordType, Routing, SetKey};
use crate::route53::txt;

/// How long resolvers keep the mark, in seconds. Nobody but us asks for it.
const TTL: u32 = 300;

/// What the mark's first label is.
const LABEL: &str = "_mc-owner";

/// The heritage of our marks.
const HERITAGE: &str = "multicluster";

/// Who writes a name: the same for all runs of one configuration, and for no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(String);

/// A text that is no owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{owner}` is not a valid owner: it must have 1 to {} letters, digits and `-`, `_`, `.`, `/`, `:`, `@`",
    OwnerId::LIMIT
)]
pub struct InvalidOwner {
    /// What was given.
    pub owner: String,
}

/// What our mark says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerMark {
    /// Who writes the name.
    pub owner: OwnerId,
    /// How often it was written.
    pub generation: u64,
    /// The digest of all sets that were written, or [`OwnerMark::UNFINISHED`].
    pub digest: String,
}

impl OwnerId {
    /// The longest owner in bytes.
    pub const LIMIT: usize = 100;

    /// Checks an owner.
    ///
    /// # Errors
    /// [`InvalidOwner`] says what an owner must be. The alphabet keeps it whole in a list of `key=value`.
    pub fn new(owner: impl Into<String>) -> Result<Self, InvalidOwner> {
        let owner = owner.into();
        let fits = (1..=Self::LIMIT).contains(&owner.len())
            && owner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte));
        if fits { Ok(Self(owner)) } else { Err(InvalidOwner { owner }) }
    }

    /// The owner as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OwnerMark {
    /// The digest of a name that is between two states, since its change takes several batches.
    pub const UNFINISHED: &str = "unfinished";

    /// Where the mark of a name stands.
    ///
    /// # Errors
    /// [`InvalidRecordName`] if the name leaves no room for a label before it.
    pub fn name_for(name: &RecordName) -> Result<RecordName, InvalidRecordName> {
        name.child(LABEL)
    }

    /// Whether a set is the mark of a name, be it ours or not, readable or not.
    #[must_use]
    pub fn stands_in(set: &RecordSet, name: &RecordName) -> bool {
        set.key.r#type == RecordType::txt()
            && set.key.name.as_str().split_once('.') == Some((LABEL, name.as_str()))
    }

    /// What a mark's text says; none for any other text.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::route53::owner::{OwnerId, OwnerMark};
    ///
    /// let mark = OwnerMark { owner: OwnerId::new("shop").unwrap(), generation: 7, digest: "0a1b".into() };
    /// assert_eq!(
    ///     mark.text(),
    ///     "heritage=multicluster,multicluster/digest=0a1b,multicluster/generation=7,multicluster/owner=shop"
    /// );
    /// assert_eq!(OwnerMark::parse(&mark.text()), Some(mark));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let labels = Labels::parse(text)?;
        if labels.heritage != HERITAGE {
            return None;
        }
        Some(Self {
            owner: OwnerId::new(labels.get("owner")?).ok()?,
            generation: labels.get("generation")?.parse().ok()?,
            digest: labels.get("digest").unwrap_or_default().to_owned(),
        })
    }

    /// The mark's text.
    #[must_use]
    pub fn text(&self) -> String {
        let generation = self.generation.to_string();
        let labels = [("owner", self.owner.as_str()), ("generation", &generation), ("digest", &self.digest)];
        Labels::of(HERITAGE, labels).to_string()
    }

    /// The mark of a name as a record set.
    ///
    /// # Errors
    /// [`InvalidRecordName`] if the name leaves no room for a label before it.
    pub fn record_set(&self, name: &RecordName) -> Result<RecordSet, InvalidRecordName> {
        let key = SetKey { name: Self::name_for(name)?, r#type: RecordType::txt(), set_identifier: None };
        let data = Data::Values { ttl: TTL, values: [txt::quote(&self.text())].into() };
        Ok(RecordSet { key, routing: Routing::Simple, data, health_check_id: None })
    }

    /// What a set says if it is a readable mark of a name.
    #[must_use]
    pub fn of(set: &RecordSet, name: &RecordName) -> Option<Self> {
        if !Self::stands_in(set, name) {
            return None;
        }
        let Data::Values { values, .. } = &set.data else { return None };
        // Several values are several opinions, of which none counts.
        let value = values.first().filter(|_| values.len() == 1)?;
        Self::parse(&txt::parse(value).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn mark(owner: &str) -> OwnerMark {
        OwnerMark { owner: OwnerId::new(owner).unwrap(), generation: 3, digest: "ab".into() }
    }

    #[rstest]
    #[case::apex("example.com", "_mc-owner.example.com.")]
    #[case::wildcard("*.example.com", "_mc-owner.\\052.example.com.")]
    fn a_mark_is_read_back_from_its_set(#[case] name: &str, #[case] at: &str) {
        let name = RecordName::new(name).unwrap();
        let set = mark("team/shop@prod").record_set(&name).unwrap();
        assert_eq!(set.key.name.as_str(), at);
        assert_eq!(OwnerMark::of(&set, &name), Some(mark("team/shop@prod")));
        assert_eq!(OwnerMark::of(&set, &RecordName::new("other.example.com").unwrap()), None);
    }

    #[test]
    fn two_values_are_no_mark() {
        let name = RecordName::new("app.example.com").unwrap();
        let mut set = mark("a").record_set(&name).unwrap();
        let other = mark("b").record_set(&name).unwrap();
        if let (Data::Values { values, .. }, Data::Values { values: more, .. }) = (&mut set.data, other.data)
        {
            values.extend(more);
        }
        assert_eq!(OwnerMark::of(&set, &name), None);
        assert!(OwnerMark::stands_in(&set, &name));
    }

    #[rstest]
    #[case::another_heritage("heritage=external-dns,external-dns/owner=shop")]
    #[case::no_owner("heritage=multicluster,multicluster/generation=1")]
    #[case::no_generation("heritage=multicluster,multicluster/owner=a")]
    #[case::not_a_number("heritage=multicluster,multicluster/generation=x,multicluster/owner=a")]
    #[case::no_heritage("multicluster/generation=1,multicluster/owner=a")]
    #[case::free_text("v=spf1 -all")]
    #[case::empty("")]
    fn other_texts_are_no_mark(#[case] text: &str) {
        assert_eq!(OwnerMark::parse(text), None);
    }

    #[rstest]
    #[case::empty("")]
    #[case::comma("a,b")]
    #[case::equals("a=b")]
    #[case::quote("a\"b")]
    #[case::blank("a b")]
    fn owners_that_would_not_stay_whole_are_refused(#[case] owner: &str) {
        assert!(OwnerId::new(owner).is_err());
    }

    proptest! {
        #[test]
        fn any_mark_is_read_back(owner in "[a-zA-Z0-9_./:@-]{1,100}", generation: u64, digest in "[0-9a-f]{0,32}") {
            let mark = OwnerMark { owner: OwnerId::new(owner).unwrap(), generation, digest };
            let name = RecordName::new("app.example.com").unwrap();
            prop_assert_eq!(OwnerMark::of(&mark.record_set(&name).unwrap(), &name), Some(mark));
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".*") {
            let _ = OwnerMark::parse(&text);
        }
    }
}
