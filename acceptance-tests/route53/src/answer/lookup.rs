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
