//! What is wrong with a set by itself.

use crate::dns::{Coordinates, LatencyRegion, regions};
use crate::route53::record_set::{Data, Position, RecordSet, Routing};
use crate::route53::rules::{Findings, Rule, VALUES_PER_SET, value};
use crate::route53::zone::ZoneFacts;

/// The longest identifier in characters.
const SET_IDENTIFIER_LIMIT: usize = 128;
/// The longest TTL in seconds: 68 years.
const TTL_LIMIT: u32 = 2_147_483_647;
/// The longest id of a health check in characters.
const HEALTH_CHECK_ID_LIMIT: usize = 64;
/// The longest name of a CIDR location in characters.
const CIDR_LOCATION_LIMIT: usize = 16;

/// What the enumeration `RRType` of the API has.
const TYPES: [&str; 17] = [
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP",
    "SVCB", "TLSA", "TXT",
];

pub(super) fn check(zone: &ZoneFacts, set: &RecordSet, found: &mut Findings) {
    let r#type = set.key.r#type.0.as_str();
    if !TYPES.contains(&r#type) {
        found.about(Rule::Type, set, format_args!("Route 53 has no records of type {type}"));
    }
    check_identifier(set, found);
    check_routing(zone, set, found);
    if let Data::Values { ttl, values } = &set.data {
        if *ttl > TTL_LIMIT {
            found.about(
                Rule::Ttl,
                set,
                format_args!("a TTL of {ttl} seconds: at most {TTL_LIMIT} are allowed"),
            );
        }
        let limit = if matches!(r#type, "CNAME" | "SOA") { 1 } else { VALUES_PER_SET };
        match values.len() {
            0 => found.about(Rule::ValueCount, set, format_args!("it has no value")),
            count if count > limit => {
                found.about(Rule::ValueCount, set, format_args!("{count} values, of at most {limit}"));
            }
            _ => {}
        }
        for value in values {
            if let Err(fault) = value::check(r#type, value) {
                found.about(
                    Rule::Value,
                    set,
                    format_args!("the value `{}`: {fault}", value::shortened(value)),
                );
            }
        }
    }
    if let Some(id) = &set.health_check_id
        && !(1..=HEALTH_CHECK_ID_LIMIT).contains(&id.0.chars().count())
    {
        let limit = HEALTH_CHECK_ID_LIMIT;
        found.about(
            Rule::HealthCheckId,
            set,
            format_args!("the id of its health check must have 1 to {limit} characters"),
        );
    }
}

fn check_identifier(set: &RecordSet, found: &mut Findings) {
    let needed = set.routing != Routing::Simple;
    match &set.key.set_identifier {
        None if needed => {
            found.about(Rule::SetIdentifier, set, format_args!("a set with a policy needs a set identifier"));
        }
        Some(_) if !needed => found.about(
            Rule::SetIdentifier,
            set,
            format_args!("a set without a policy cannot have a set identifier"),
        ),
        Some(identifier) if !(1..=SET_IDENTIFIER_LIMIT).contains(&identifier.chars().count()) => found.about(
            Rule::SetIdentifier,
            set,
            format_args!("a set identifier has 1 to {SET_IDENTIFIER_LIMIT} characters"),
        ),
        _ => {}
    }
}

fn check_routing(zone: &ZoneFacts, set: &RecordSet, found: &mut Findings) {
    let r#type = set.key.r#type.0.as_str();
    if set.routing != Routing::Simple && matches!(r#type, "NS" | "SOA") {
        found.about(Rule::PolicyOfType, set, format_args!("{type} records cannot have a policy"));
    }
    match &set.routing {
        Routing::Simple | Routing::Weighted(_) | Routing::Failover(_) => {}
        Routing::Multivalue => {
            if matches!(set.data, Data::Alias(_)) {
                found.about(
                    Rule::PolicyOfType,
                    set,
                    format_args!(
                        "multivalue answers are addresses, and cannot be aliases; weighted sets can"
                    ),
                );
            }
            if r#type == "CNAME" {
                found.about(Rule::PolicyOfType, set, format_args!("a CNAME cannot have multivalue answers"));
            }
        }
        Routing::Latency(region) => check_region(region, set, found),
        Routing::Geolocation(place) => {
            if let Err(reason) = value::supported(place) {
                found.about(
                    Rule::Location,
                    set,
                    format_args!("Route 53 does not know the place `{place}`: {reason}"),
                );
            }
        }
        Routing::Geoproximity(site) => {
            if !(-99..=99).contains(&site.bias) {
                let bias = site.bias;
                found.about(Rule::Position, set, format_args!("a bias of {bias}: it must be from -99 to 99"));
            }
            match &site.position {
                Position::Region(region) => check_region(region, set, found),
                Position::LocalZoneGroup(group) if group.is_empty() || group.len() > 64 => {
                    found.about(
                        Rule::Position,
                        set,
                        format_args!("the name of a local zone group has 1 to 64 characters"),
                    );
                }
                Position::LocalZoneGroup(_) => {}
                Position::Coordinates(at) => check_coordinates(*at, set, found),
            }
        }
        Routing::Cidr { location, .. } => {
            if zone.private {
                found.about(
                    Rule::CidrInPrivateZone,
                    set,
                    format_args!("a private zone cannot choose by ranges of addresses"),
                );
            }
            let alphabet = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
            let fits = (1..=CIDR_LOCATION_LIMIT).contains(&location.len()) && location.chars().all(alphabet);
            if !fits && location != "*" {
                found.about(
                    Rule::CidrLocation,
                    set,
                    format_args!(
                        "the CIDR location `{location}`: its name must have 1 to {CIDR_LOCATION_LIMIT} letters, \
                         digits, `_` and `-`, or be `*`"
                    ),
                );
            }
        }
    }
}

fn check_region(region: &LatencyRegion, set: &RecordSet, found: &mut Findings) {
    if regions::latency_region(&region.0).is_err() {
        found.about(
            Rule::Region,
            set,
            format_args!("Route 53 does not know the region `{}` of AWS", region.0),
        );
    }
}

fn check_coordinates(at: Coordinates, set: &RecordSet, found: &mut Findings) {
    if !(-9000..=9000).contains(&at.latitude) {
        found.about(Rule::Position, set, format_args!("a latitude is from -90 to 90 degrees"));
    }
    if !(-18000..=18000).contains(&at.longitude) {
        found.about(Rule::Position, set, format_args!("a longitude is from -180 to 180 degrees"));
    }
}
