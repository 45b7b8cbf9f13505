//! Names of helpers, and identifiers of sets.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::digest_text;
use crate::dns::{Continent, Place};
use crate::route53::name::InvalidRecordName;
use crate::route53::record_set::RecordName;

/// How a helper's first label begins; the owner's mark stands beside helpers as `_mc-owner`.
const PREFIX: &str = "_mc-";

/// Hex digits of a helper's name.
const DIGITS: usize = 8;

/// The names of helpers that are taken, and by which role.
#[derive(Debug, Default)]
pub(super) struct HelperNames {
    roles: BTreeMap<String, String>,
}

impl HelperNames {
    /// The helper of a role, below the name that is answered for. The same role has the same name, always; the order
    /// in which roles come matters only where two of one tree have the same hash.
    pub(super) fn of(&mut self, role: &str, name: &RecordName) -> Result<RecordName, InvalidRecordName> {
        let mut seed = role.to_owned();
        loop {
            let hash: String = digest_text(&seed).chars().take(DIGITS).collect();
            let taken_by = self.roles.entry(hash.clone()).or_insert_with(|| role.to_owned());
            if taken_by == role {
                return name.child(&format!("{PREFIX}{hash}"));
            }
            seed.push('\'');
        }
    }
}

/// Whether a name is a helper's of another name.
///
/// # Examples
/// ```
/// use multicluster_core::route53::{RecordName, is_helper_of};
///
/// let name = |text: &str| RecordName::new(text).unwrap();
/// assert!(is_helper_of(&name("_mc-0123abcd.app.example.com"), &name("app.example.com")));
/// assert!(!is_helper_of(&name("_mc-owner.app.example.com"), &name("app.example.com")));
/// ```
#[must_use]
pub fn is_helper_of(helper: &RecordName, name: &RecordName) -> bool {
    helper.as_str().split_once('.').is_some_and(|(label, parent)| {
        parent == name.as_str()
            && label.strip_prefix(PREFIX).is_some_and(|hash| {
                hash.len() == DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
    })
}

/// The identifiers of a group, each once.
#[derive(Debug, Default)]
pub(super) struct Identifiers(BTreeSet<String>);

impl Identifiers {
    /// The text, or the text with the first free number.
    pub(super) fn unique(&mut self, text: &str) -> String {
        let mut identifier = text.to_owned();
        let mut number = 1_usize;
        while !self.0.insert(identifier.clone()) {
            number += 1;
            identifier = format!("{text}-{number}");
        }
        identifier
    }
}

/// A place within an identifier: `eu`, `de`, `us-tx`, `default`.
///
/// Countries whose code is also a continent's are told apart, so that no identifier depends on its neighbours.
pub(super) fn place_code(place: &Place) -> String {
    let code = match place {
        Place::Everywhere => return "default".to_owned(),
        Place::Continent(continent) => continent.code().to_owned(),
        Place::Country(country) if Continent::from_code(country.code()).is_some() => {
            format!("country-{}", country.code())
        }
        Place::Country(_) | Place::Subdivision(_) => place.to_string(),
    };
    code.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RecordName {
        RecordName::new(text).unwrap()
    }

    #[test]
    fn a_role_has_one_name_and_roles_with_one_hash_have_two() {
        let app = name("app.example.com");
        let mut names = HelperNames::default();
        let first = names.of("geolocation:*>weighted", &app).unwrap();
        assert!(is_helper_of(&first, &app), "{first}");
        assert_eq!(names.of("geolocation:*>weighted", &app).unwrap(), first);

        // As if another role had got there before.
        let hash = first.as_str()[4..12].to_owned();
        let mut names = HelperNames { roles: BTreeMap::from([(hash, "another".to_owned())]) };
        let second = names.of("geolocation:*>weighted", &app).unwrap();
        assert_ne!(second, first);
        assert_eq!(names.of("geolocation:*>weighted", &app).unwrap(), second);
    }

    #[test]
    fn helpers_of_deeper_names_and_other_labels_are_none() {
        let app = name("app.example.com");
        for other in [
            "_mc-0123abcd.example.com",
            "_mc-0123abcd.x.app.example.com",
            "_mc-0123abcg.app.example.com",
            "_mc-0123abc.app.example.com",
            "mc-0123abcd.app.example.com",
            "_mc-owner.app.example.com",
            "app.example.com",
        ] {
            assert!(!is_helper_of(&name(other), &app), "{other}");
        }
    }

    #[test]
    fn identifiers_are_numbered_from_the_second() {
        let mut identifiers = Identifiers::default();
        let given: Vec<String> = ["a", "a-2", "a", "a"].iter().map(|text| identifiers.unique(text)).collect();
        assert_eq!(given, ["a", "a-2", "a-3", "a-4"]);
    }
}
