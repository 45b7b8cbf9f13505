//! Which node of a zone a name leads to: the name itself, a wildcard, a delegation, or nothing.
//!
//! RFC 4592 decides: a wildcard answers for names below its parent unless a name between them exists, and a name
//! exists as soon as something exists below it.

use crate::model::{Name, RecordType, ServedZone};

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// There are sets under this name: the one that was asked, or a wildcard.
    Node(Name),
    /// The name exists, but only because something exists below it.
    Empty,
    /// The name does not exist.
    Missing,
    /// Other name servers answer from this name on.
    Delegated(Name),
}

/// Looks a name up that is in `zone`.
pub(super) fn find(zone: &ServedZone, name: &Name, record_type: RecordType) -> Found {
    if let Some(cut) = delegation(zone, name, record_type) {
        return Found::Delegated(cut);
    }
    if *name == zone.name || zone.record_sets.at_name(name).next().is_some() {
        return Found::Node(name.clone());
    }
    if zone.record_sets.name_exists(name) {
        return if is_only_parent_of_wildcard(zone, name) { Found::Missing } else { Found::Empty };
    }
    let mut encloser = name.parent();
    while let Some(parent) = encloser {
        if parent == zone.name || zone.record_sets.name_exists(&parent) {
            let wildcard = parent.wildcard_child();
            let wildcard = wildcard.filter(|wildcard| zone.record_sets.at_name(wildcard).next().is_some());
            return wildcard.map_or(Found::Missing, Found::Node);
        }
        encloser = parent.parent();
    }
    Found::Missing
}

/// The highest name at or above `name`, below the apex, that other name servers are responsible for. DS sets of
/// a delegated name are answered by the parent's servers.
fn delegation(zone: &ServedZone, name: &Name, record_type: RecordType) -> Option<Name> {
    let mut highest = None;
    let mut at = Some(name.clone());
    while let Some(each) = at.filter(|each| *each != zone.name && each.is_within(&zone.name)) {
        at = each.parent();
        let asks_the_parent = record_type == RecordType::Ds && each == *name;
        if !asks_the_parent && zone.record_sets.group(&each, RecordType::Ns).next().is_some() {
            highest = Some(each);
        }
    }
    highest
}

/// Whether nothing but `*.name`, and what is below that, makes the name exist. Route 53 documents NXDOMAIN for it
/// ("DNS domain name format" of the Developer Guide), although RFC 4592 counts it among the existing names.
fn is_only_parent_of_wildcard(zone: &ServedZone, name: &Name) -> bool {
    let Some(wildcard) = name.wildcard_child() else { return false };
    let first =
        crate::model::RecordSetKey { name: name.clone(), record_type: RecordType::A, set_identifier: None };
    zone.record_sets
        .starting_at(&first)
        .take_while(|set| set.name.is_within(name))
        .all(|set| set.name.is_within(&wildcard))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;

    use super::*;
    use crate::model::{Data, Policy, RecordSet};

    fn name(text: &str) -> Name {
        Name::parse(&format!("{text}example.com")).unwrap()
    }

    fn zone() -> ServedZone {
        let set = |(text, record_type): (&str, RecordType)| RecordSet {
            name: name(text),
            record_type,
            set_identifier: None,
            policy: Policy::Simple,
            data: Data::Records { ttl: 60, values: vec!["x".to_owned()] },
            health_check_id: None,
        };
        let sets = [
            ("*.", RecordType::A),
            ("www.", RecordType::A),
            ("a.b.c.", RecordType::A),
            ("*.wild.", RecordType::A),
            ("x.*.odd.", RecordType::A),
            ("*.mixed.", RecordType::A),
            ("other.mixed.", RecordType::A),
            ("sub.", RecordType::Ns),
            ("sub.", RecordType::Ds),
            ("deep.sub.", RecordType::A),
            ("lower.sub.", RecordType::Ns),
        ];
        ServedZone {
            id: "Z1".to_owned(),
            name: name(""),
            private: false,
            record_sets: Arc::new(sets.into_iter().map(set).collect()),
        }
    }

    #[rstest]
    #[case::the_apex_exists("", Found::Node(name("")))]
    #[case::a_name_with_sets("www.", Found::Node(name("www.")))]
    #[case::case_does_not_matter("WWW.", Found::Node(name("www.")))]
    #[case::a_wildcard("no.", Found::Node(name("*.")))]
    #[case::a_wildcard_over_several_labels("no.such.", Found::Node(name("*.")))]
    #[case::the_wildcard_itself("*.", Found::Node(name("*.")))]
    #[case::not_below_a_name_that_exists("below.www.", Found::Missing)]
    #[case::an_empty_name_between_is_not_the_wildcards("c.", Found::Empty)]
    #[case::nor_the_next("b.c.", Found::Empty)]
    #[case::nor_what_is_beside_it("x.b.c.", Found::Missing)]
    #[case::the_nearest_wildcard("y.wild.", Found::Node(name("*.wild.")))]
    #[case::a_parent_of_nothing_but_a_wildcard("wild.", Found::Missing)]
    #[case::of_a_name_below_a_star("odd.", Found::Missing)]
    #[case::a_parent_of_a_wildcard_and_a_name("mixed.", Found::Empty)]
    #[case::a_delegation("sub.", Found::Delegated(name("sub.")))]
    #[case::what_is_below_it("deep.sub.", Found::Delegated(name("sub.")))]
    #[case::the_highest("lower.sub.", Found::Delegated(name("sub.")))]
    fn leads_to(#[case] asked: &str, #[case] expected: Found) {
        assert_eq!(find(&zone(), &name(asked), RecordType::A), expected);
    }

    #[test]
    fn ds_sets_are_answered_above_the_delegation() {
        assert_eq!(find(&zone(), &name("sub."), RecordType::Ds), Found::Node(name("sub.")));
        assert_eq!(find(&zone(), &name("lower.sub."), RecordType::Ds), Found::Delegated(name("sub.")));
    }
}
