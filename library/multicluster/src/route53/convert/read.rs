//! From the API's shape to ours.

use std::collections::BTreeSet;

use aws_sdk_route53::types::{self, ResourceRecordSet, ResourceRecordSetFailover};
use multicluster_core::{
    dns::{LatencyRegion, Place},
    route53::{
        AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet,
        RecordType, Routing, SetKey,
    },
};

use super::{Entry, OpaqueSet, position};

/// A set as it was listed.
pub(in super::super) fn record_set(set: &ResourceRecordSet) -> Entry {
    let name = RecordName::new(&set.name).ok();
    let known = name.clone().ok_or_else(|| "its name".to_owned()).and_then(|name| known(set, name));
    known.map_or_else(
        |reason| {
            let opaque = OpaqueSet {
                name: set.name.clone(),
                r#type: set.r#type.as_str().to_owned(),
                set_identifier: set.set_identifier.clone(),
                reason,
            };
            Entry::Opaque(opaque, name)
        },
        Entry::Known,
    )
}

/// The set in our shape, or what of it has no place there.
fn known(set: &ResourceRecordSet, name: RecordName) -> Result<RecordSet, String> {
    Ok(RecordSet {
        key: SetKey {
            name,
            r#type: RecordType(set.r#type.as_str().to_owned()),
            set_identifier: set.set_identifier.clone(),
        },
        routing: routing(set)?,
        data: data(set)?,
        health_check_id: set.health_check_id.clone().map(HealthCheckId),
    })
}

fn routing(set: &ResourceRecordSet) -> Result<Routing, String> {
    let mut found = Vec::new();
    if let Some(weight) = set.weight {
        found.push(Routing::Weighted(u8::try_from(weight).map_err(|_| format!("the weight {weight}"))?));
    }
    if let Some(region) = &set.region {
        found.push(Routing::Latency(LatencyRegion(region.as_str().to_owned())));
    }
    match &set.failover {
        Some(ResourceRecordSetFailover::Primary) => found.push(Routing::Failover(Failover::Primary)),
        Some(ResourceRecordSetFailover::Secondary) => found.push(Routing::Failover(Failover::Secondary)),
        Some(other) => return Err(format!("the failover rank `{}`", other.as_str())),
        None => {}
    }
    if let Some(location) = &set.geo_location {
        found.push(Routing::Geolocation(place(location)?));
    }
    if let Some(location) = &set.geo_proximity_location {
        found.push(Routing::Geoproximity(proximity(location)?));
    }
    if let Some(config) = &set.cidr_routing_config {
        let (collection, location) = (config.collection_id.clone(), config.location_name.clone());
        found.push(Routing::Cidr { collection, location });
    }
    if set.multi_value_answer == Some(true) {
        found.push(Routing::Multivalue);
    }
    match (found.pop(), found.is_empty(), &set.set_identifier) {
        (None, ..) if set.set_identifier.is_none() => Ok(Routing::Simple),
        (None, ..) => Err("a set identifier without a routing policy that is known".to_owned()),
        (Some(routing), true, Some(_)) => Ok(routing),
        (Some(_), true, None) => Err("a routing policy without a set identifier".to_owned()),
        (Some(_), false, _) => Err("more than one routing policy".to_owned()),
    }
}

fn place(location: &types::GeoLocation) -> Result<Place, String> {
    let of = |code: &Option<String>| code.clone().filter(|code| !code.is_empty());
    let key = match (of(&location.continent_code), of(&location.country_code), of(&location.subdivision_code))
    {
        (Some(continent), None, None) => format!("continent/{continent}"),
        (None, Some(country), None) => country,
        // Some tools write the default with a subdivision of `*`.
        (None, Some(country), Some(all)) if country == "*" && all == "*" => {
            return Err("the subdivision `*`".to_owned());
        }
        (None, Some(country), Some(subdivision)) => format!("{country}-{subdivision}"),
        _ => return Err("a geolocation that is no place".to_owned()),
    };
    Place::parse_key(&key).map_err(|_| format!("the place `{key}`"))
}

fn proximity(location: &types::GeoProximityLocation) -> Result<GeoProximity, String> {
    let bias = location.bias.unwrap_or(0);
    let bias = i8::try_from(bias).map_err(|_| format!("the bias {bias}"))?;
    let position = match (&location.aws_region, &location.local_zone_group, &location.coordinates) {
        (Some(region), None, None) => Position::Region(LatencyRegion(region.clone())),
        (None, Some(group), None) => Position::LocalZoneGroup(group.clone()),
        (None, None, Some(at)) => Position::Coordinates(
            position(&at.latitude, &at.longitude)
                .ok_or_else(|| format!("the coordinates {}, {}", at.latitude, at.longitude))?,
        ),
        _ => return Err("a position that is not one".to_owned()),
    };
    Ok(GeoProximity { position, bias })
}

fn data(set: &ResourceRecordSet) -> Result<Data, String> {
    if set.traffic_policy_instance_id.is_some() {
        return Err("a traffic policy".to_owned());
    }
    let values = set.resource_records.as_deref().unwrap_or_default();
    match (&set.alias_target, set.ttl) {
        // Some emulators list an alias with a TTL of 0.
        (Some(alias), None | Some(0)) if values.is_empty() => Ok(Data::Alias(AliasTarget {
            hosted_zone_id: alias.hosted_zone_id.clone(),
            dns_name: RecordName::new(&alias.dns_name)
                .map_err(|_| format!("the alias target `{}`", alias.dns_name))?,
            evaluate_target_health: alias.evaluate_target_health,
        })),
        (None, Some(ttl)) if !values.is_empty() => {
            let count = values.len();
            let values: BTreeSet<String> = values.iter().map(|record| record.value.clone()).collect();
            if values.len() != count {
                return Err("the same value twice".to_owned());
            }
            let ttl = u32::try_from(ttl).map_err(|_| format!("the TTL {ttl}"))?;
            Ok(Data::Values { ttl, values })
        }
        _ => Err("neither an alias nor values with a TTL".to_owned()),
    }
}
