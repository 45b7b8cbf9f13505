//! Which names and types may stand where in a zone.

use super::{ZoneContext, rrset};
use crate::model::{Data, RecordSet, RecordSets, RecordType};

/// Whether the name lies in the zone.
pub(super) fn outside(set: &RecordSet, context: &ZoneContext) -> Option<String> {
    (!set.name.is_within(&context.name))
        .then(|| format!("RRSet with DNS name {} is not permitted in zone {}.", set.name, context.name))
}

/// What the type forbids at this name, and what other types at the name forbid.
pub(super) fn problems(set: &RecordSet, sets: &RecordSets, context: &ZoneContext) -> Vec<String> {
    let (name, zone) = (&set.name, &context.name);
    let at_apex = name == zone;
    let mut found = Vec::new();
    let not_at_apex = matches!(set.record_type, RecordType::Cname | RecordType::Ds);
    if not_at_apex && at_apex {
        let record_type = set.record_type;
        found.push(format!(
            "RRSet of type {record_type} with DNS name {name} is not permitted at apex in zone {zone}."
        ));
    }
    if set.record_type == RecordType::Soa && !at_apex {
        found.push(format!(
            "RRSet of type SOA with DNS name {name} is only permitted at apex in zone {zone}."
        ));
    }
    if set.record_type == RecordType::Ns && name.is_wildcard() {
        found.push(format!("RRSet of type NS with DNS name {name} is not permitted because wildcard names cannot be delegated."));
    }
    if let Data::Records { values, .. } = &set.data {
        let single = matches!(set.record_type, RecordType::Cname | RecordType::Soa);
        if single && values.len() > 1 {
            found.push(format!("{} cannot have more than one value.", rrset(set)));
        }
    } else if matches!(set.record_type, RecordType::Ns | RecordType::Soa) {
        found.push(format!("{} cannot be an alias.", rrset(set)));
    }
    found.extend(beside(set, sets, context));
    found
}

/// Nothing stands beside a CNAME.
fn beside(set: &RecordSet, sets: &RecordSets, context: &ZoneContext) -> Option<String> {
    let (name, zone) = (&set.name, &context.name);
    let mut others =
        sets.at_name(name).map(|other| other.record_type).filter(|other| *other != set.record_type);
    if set.record_type == RecordType::Cname {
        return others.next().map(|_| {
            format!(
                "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with \
                 the same DNS name in zone {zone}."
            )
        });
    }
    others.any(|other| other == RecordType::Cname).then(|| {
        format!(
            "RRSet of type {} with DNS name {name} is not permitted because a conflicting RRSet of type CNAME with \
             the same DNS name already exists in zone {zone}.",
            set.record_type
        )
    })
}

/// What a zone cannot be without.
pub(super) fn indispensable(set: &RecordSet, context: &ZoneContext) -> Option<String> {
    if set.name != context.name {
        return None;
    }
    match set.record_type {
        RecordType::Soa => Some("A HostedZone must contain exactly one SOA record.".to_owned()),
        RecordType::Ns => {
            Some("A HostedZone must contain at least one NS record for the zone itself.".to_owned())
        }
        _ => None,
    }
}
