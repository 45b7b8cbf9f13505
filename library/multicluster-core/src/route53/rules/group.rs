//! What is wrong with sets of the same name and type, and with types of the same name.

use std::collections::BTreeMap;

use crate::route53::record_set::{Data, Failover, Position, RecordName, RecordSet, RecordType, Routing};
use crate::route53::rules::{Described, Findings, GEOPROXIMITY_SETS_PER_GROUP, Rule, SETS_PER_GROUP};
use crate::route53::zone::{Group, ZoneFacts};

pub(super) fn check_name(
    zone: &ZoneFacts,
    name: &RecordName,
    types: &BTreeMap<&RecordType, Group<'_>>,
    found: &mut Findings,
) {
    let all: Vec<&RecordSet> = types.values().flatten().copied().collect();
    let written = name.as_written();
    if !name.within(&zone.name) {
        let zone = zone.name.as_written();
        found.among(Rule::OutsideZone, &all, format_args!("`{written}` is not in the zone `{zone}`"));
    }
    if name.is_wildcard()
        && let Some(delegation) = types.get(&RecordType("NS".to_owned()))
    {
        found.among(
            Rule::WildcardNs,
            delegation,
            format_args!("`{written}`: a wildcard cannot have NS records"),
        );
    }
    let Some(cname) = types.get(&RecordType::cname()) else { return };
    if name.is_apex(&zone.name) {
        found.among(
            Rule::CnameAtApex,
            cname,
            format_args!(
                "`{written}` is the zone's own name, where no CNAME can stand, not even as an alias: use addresses, \
                 or an alias of type A"
            ),
        );
    }
    if types.len() > 1 {
        let others: Vec<&str> =
            types.keys().map(|r#type| r#type.0.as_str()).filter(|r#type| *r#type != "CNAME").collect();
        found.among(
            Rule::CnameAlone,
            &all,
            format_args!("`{written}` cannot have a CNAME beside records of type {}", others.join(", ")),
        );
    }
}

pub(super) fn check(group: &Group<'_>, found: &mut Findings) {
    let Some(first) = group.first() else { return };
    let name = first.key.name.as_written();
    let r#type = &first.key.r#type;

    let mut identifiers: BTreeMap<Option<&str>, Group<'_>> = BTreeMap::new();
    for set in group {
        identifiers.entry(set.key.set_identifier.as_deref()).or_default().push(set);
    }
    for (identifier, same) in identifiers.into_iter().filter(|(_, same)| same.len() > 1) {
        // Sets without a policy are told apart by nothing: that is said of the policy.
        if identifier.is_some() {
            let text =
                format_args!("there are {} sets {}", same.len(), Described(&first_of(&same, first).key));
            found.among(Rule::Duplicate, &same, text);
        }
    }

    if group.iter().any(|set| Policy::of(&set.routing) != Policy::of(&first.routing)) {
        let mut policies: Vec<&str> = group.iter().map(|set| Policy::of(&set.routing).words()).collect();
        policies.sort_unstable();
        policies.dedup();
        found.among(
            Rule::OnePolicy,
            group,
            format_args!(
                "all sets of `{name}` {type} must have the same policy, but they are {}",
                policies.join(" and ")
            ),
        );
        return;
    }
    if first.routing == Routing::Simple && group.len() > 1 {
        let count = group.len();
        found.among(
            Rule::OnePolicy,
            group,
            format_args!("without a policy `{name}` {type} can have one set, not {count}"),
        );
    }
    check_places(group, found);
    check_failover(group, found);
    check_weighted(group, found);
    let limit = match Policy::of(&first.routing) {
        Policy::Geoproximity => GEOPROXIMITY_SETS_PER_GROUP,
        _ => SETS_PER_GROUP,
    };
    if group.len() > limit {
        let count = group.len();
        let policy = Policy::of(&first.routing).words();
        found.among(
            Rule::GroupSize,
            group,
            format_args!("`{name}` {type} has {count} sets, and {policy} sets can be {limit} at most"),
        );
    }
}

fn first_of<'a>(sets: &[&'a RecordSet], or: &'a RecordSet) -> &'a RecordSet {
    sets.first().copied().unwrap_or(or)
}

/// No two sets may be for the same clients.
fn check_places(group: &Group<'_>, found: &mut Findings) {
    let mut places: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut collections: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for set in group {
        if let Some(place) = place_of(&set.routing) {
            places.entry(place).or_default().push(set);
        }
        if let Routing::Cidr { collection, .. } = &set.routing {
            collections.entry(collection).or_default().push(set);
        }
    }
    for (place, same) in places.iter().filter(|(_, same)| same.len() > 1) {
        let identifiers: Vec<&str> =
            same.iter().filter_map(|set| set.key.set_identifier.as_deref()).collect();
        let key = &same
            .first()
            .map_or_else(String::new, |set| format!("`{}` {}", set.key.name.as_written(), set.key.r#type));
        found.among(
            Rule::OnePlace,
            same,
            format_args!("{key} has more than one set for {place}: {}", identifiers.join(", ")),
        );
    }
    if collections.len() > 1 {
        let names: Vec<&str> = collections.keys().copied().collect();
        found.among(
            Rule::OneCollection,
            group,
            format_args!(
                "all CIDR locations of a name must be of one collection, not of {}",
                names.join(" and ")
            ),
        );
    }
}

/// What only one set of a group can be for, in words.
fn place_of(routing: &Routing) -> Option<String> {
    match routing {
        Routing::Simple | Routing::Weighted(_) | Routing::Failover(_) | Routing::Multivalue => None,
        Routing::Latency(region) => Some(format!("the region `{}`", region.0)),
        Routing::Geolocation(place) => Some(format!("the place `{place}`")),
        Routing::Geoproximity(site) => Some(match &site.position {
            Position::Region(region) => format!("the region `{}`", region.0),
            Position::LocalZoneGroup(group) => format!("the local zone group `{group}`"),
            Position::Coordinates(at) => {
                format!("the position {}, {}", degrees(at.latitude), degrees(at.longitude))
            }
        }),
        Routing::Cidr { location, .. } => Some(format!("the CIDR location `{location}`")),
    }
}

/// Hundredths of a degree as degrees.
fn degrees(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

fn check_failover(group: &Group<'_>, found: &mut Findings) {
    for (role, word) in [(Failover::Primary, "primary"), (Failover::Secondary, "secondary")] {
        let same: Vec<&RecordSet> =
            group.iter().copied().filter(|set| set.routing == Routing::Failover(role)).collect();
        if let [first, _, ..] = same.as_slice() {
            let name = first.key.name.as_written();
            let r#type = &first.key.r#type;
            let count = same.len();
            found.among(
                Rule::FailoverRoles,
                &same,
                format_args!("`{name}` {type} can have one {word} set, not {count}"),
            );
        }
    }
    for set in group {
        let unguarded = set.health_check_id.is_none() && matches!(set.data, Data::Values { .. });
        if set.routing == Routing::Failover(Failover::Primary) && unguarded {
            found.about(
                Rule::PrimaryHealthCheck,
                set,
                format_args!("a primary that is no alias needs a health check, or it could never fail over"),
            );
        }
    }
}

fn check_weighted(group: &Group<'_>, found: &mut Findings) {
    let mut ttls: BTreeMap<u32, Group<'_>> = BTreeMap::new();
    for set in group {
        if let (Routing::Weighted(_), Data::Values { ttl, .. }) = (&set.routing, &set.data) {
            ttls.entry(*ttl).or_default().push(set);
        }
    }
    if let [first, _, ..] = ttls.keys().map(u32::to_string).collect::<Vec<_>>().as_slice() {
        let all: Vec<&RecordSet> = ttls.values().flatten().copied().collect();
        let others: Vec<String> = ttls.keys().skip(1).map(u32::to_string).collect();
        found.among(
            Rule::WeightedTtl,
            &all,
            format_args!(
                "weighted sets must have the same TTL, or Route 53 changes it: here {first} and {} seconds",
                others.join(", ")
            ),
        );
    }
}

/// A policy without its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Simple,
    Weighted,
    Latency,
    Failover,
    Geolocation,
    Geoproximity,
    Cidr,
    Multivalue,
}

impl Policy {
    fn of(routing: &Routing) -> Self {
        match routing {
            Routing::Simple => Self::Simple,
            Routing::Weighted(_) => Self::Weighted,
            Routing::Latency(_) => Self::Latency,
            Routing::Failover(_) => Self::Failover,
            Routing::Geolocation(_) => Self::Geolocation,
            Routing::Geoproximity(_) => Self::Geoproximity,
            Routing::Cidr { .. } => Self::Cidr,
            Routing::Multivalue => Self::Multivalue,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Weighted => "weighted",
            Self::Latency => "latency",
            Self::Failover => "failover",
            Self::Geolocation => "geolocation",
            Self::Geoproximity => "geoproximity",
            Self::Cidr => "IP-based",
            Self::Multivalue => "multivalue",
        }
    }
}
