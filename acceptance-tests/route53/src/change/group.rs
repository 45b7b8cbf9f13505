//! Rules between the sets of one name and type.

use super::{ZoneContext, rrset};
use crate::model::{Data, FailoverRole, Location, Policy, RecordSet, RecordSets};

/// Policy sets of one name and type.
const GROUP: usize = 100;
/// Geoproximity sets of one name and type.
const GEOPROXIMITY_GROUP: usize = 30;

/// What keeps `set` from joining the sets that have its name and type. `sets` does not contain it.
pub(super) fn problems(set: &RecordSet, sets: &RecordSets, context: &ZoneContext) -> Vec<String> {
    let group: Vec<&RecordSet> = sets.group(&set.name, set.record_type).collect();
    let mut found = Vec::new();
    if group.iter().any(|other| kind(&other.policy) != kind(&set.policy)) {
        found.push(mixed(set));
    } else if let Some(problem) = group.iter().find_map(|other| same_place(set, &other.policy)) {
        found.push(problem);
    }
    let limit = if matches!(set.policy, Policy::Geoproximity { .. }) { GEOPROXIMITY_GROUP } else { GROUP };
    if group.len() >= limit {
        found.push(format!(
            "Exceeded limit on number of {} RRSets for {}, type {} in this zone.",
            kind(&set.policy),
            set.name,
            set.record_type
        ));
    }
    found.extend(alone(set, context));
    found
}

/// Gives the sets of a weighted group one TTL: that of the set written last.
pub(super) fn share_ttl(written: &RecordSet, sets: &mut RecordSets) {
    let (Policy::Weighted { .. }, Data::Records { ttl, .. }) = (&written.policy, &written.data) else {
        return;
    };
    let followers: Vec<RecordSet> = sets
        .group(&written.name, written.record_type)
        .filter(|other| matches!(&other.data, Data::Records { ttl: other, .. } if other != ttl))
        .cloned()
        .collect();
    for mut follower in followers {
        if let Data::Records { ttl: other, .. } = &mut follower.data {
            *other = *ttl;
        }
        sets.insert(follower);
    }
}

/// How messages call a policy.
fn kind(policy: &Policy) -> &'static str {
    match policy {
        Policy::Simple => "simple",
        Policy::Weighted { .. } => "weighted",
        Policy::Latency { .. } => "latency",
        Policy::Geolocation(_) => "geolocation",
        Policy::Failover(_) => "failover",
        Policy::Multivalue => "multivalue answer",
        Policy::Geoproximity { .. } => "geoproximity",
        Policy::Cidr { .. } => "IP-based",
    }
}

fn mixed(set: &RecordSet) -> String {
    let about = rrset(set);
    match &set.policy {
        Policy::Simple => {
            format!("{about} cannot be created as other RRSets exist with the same name and type.")
        }
        Policy::Weighted { .. } => {
            format!("{about} cannot be created as a non-weighted set exists with the same name and type.")
        }
        policy => format!(
            "{about}{} cannot be created because a non-{} RRSet with the same name and type already exists.",
            place(policy),
            kind(policy)
        ),
    }
}

/// The place or role in a message, after the set identifier.
fn place(policy: &Policy) -> String {
    match policy {
        Policy::Latency { region } => format!(", and Region Name={region}"),
        Policy::Geolocation(location) => match location {
            Location::Continent(code) => format!(", and GeoLocation ContinentCode={code}"),
            Location::Country(code) => format!(", and GeoLocation CountryCode={code}"),
            Location::Subdivision { country, subdivision } => {
                format!(", and GeoLocation CountryCode={country}, SubdivisionCode={subdivision}")
            }
            Location::Default => ", and GeoLocation CountryCode=*".to_owned(),
        },
        Policy::Failover(role) => format!(", and Failover {}", role.as_str()),
        Policy::Cidr { location_name, .. } => format!(", and CidrRoutingConfig LocationName={location_name}"),
        Policy::Simple | Policy::Weighted { .. } | Policy::Multivalue | Policy::Geoproximity { .. } => {
            String::new()
        }
    }
}

/// What both sets claim and only one may have.
fn same_place(set: &RecordSet, other: &Policy) -> Option<String> {
    let what = match (&set.policy, other) {
        (Policy::Latency { region: a }, Policy::Latency { region: b }) if a == b => "region",
        (Policy::Geolocation(a), Policy::Geolocation(b)) if a == b => "geolocation",
        (Policy::Failover(a), Policy::Failover(b)) if a == b => "failover role",
        (
            Policy::Cidr { collection_id: a, location_name: x },
            Policy::Cidr { collection_id: b, location_name: y },
        ) => {
            if a != b {
                return Some(format!(
                    "{} cannot be created because an IP-based RRSet with the same name and type references another \
                     CIDR collection.",
                    rrset(set)
                ));
            }
            if x != y {
                return None;
            }
            "CIDR location"
        }
        _ => return None,
    };
    let kind = kind(&set.policy);
    let article = if kind == "IP-based" { "an" } else { "a" };
    Some(format!(
        "{}{} cannot be created because {article} {kind} RRSet with the same name, type and {what} already exists.",
        rrset(set),
        place(&set.policy)
    ))
}

/// What a policy demands of the set itself.
fn alone(set: &RecordSet, context: &ZoneContext) -> Option<String> {
    match &set.policy {
        Policy::Failover(FailoverRole::Primary) if set.alias().is_none() && set.health_check_id.is_none() => Some(
            "A non-alias primary ResourceRecordSet must have an associated health check. No changes made.".to_owned(),
        ),
        Policy::Cidr { collection_id, location_name } => match context.collections.get(collection_id) {
            None => Some(format!("{} references CIDR collection {collection_id}, which does not exist.", rrset(set))),
            Some(collection) if location_name != "*" && !collection.locations.contains_key(location_name) => {
                Some(format!(
                    "{} references location {location_name}, which CIDR collection {collection_id} does not have.",
                    rrset(set)
                ))
            }
            Some(_) => None,
        },
        _ => None,
    }
}
