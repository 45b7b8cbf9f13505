//! Record sets from the JSON of the API, for tests over vectors.

use serde_json::Value;

use crate::dns::{Continent, Coordinates, Country, LatencyRegion, Place, Subdivision};
use crate::route53::record_set::{
    AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet, RecordType,
    Routing, SetKey,
};

/// A text under a key.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

pub(crate) fn name(text: &str) -> RecordName {
    RecordName::new(text).expect("a name")
}

/// A set as `ResourceRecordSet` has it; none if our types do not admit it, or two policies are given.
pub(crate) fn record_set(json: &Value) -> Option<RecordSet> {
    let key = SetKey {
        name: RecordName::new(text(json, "Name")?).ok()?,
        r#type: RecordType(text(json, "Type")?.to_owned()),
        set_identifier: text(json, "SetIdentifier").map(str::to_owned),
    };
    let mut routings = Vec::new();
    if let Some(weight) = json.get("Weight") {
        routings.push(Routing::Weighted(u8::try_from(weight.as_i64()?).ok()?));
    }
    if let Some(region) = text(json, "Region") {
        routings.push(Routing::Latency(LatencyRegion(region.to_owned())));
    }
    match text(json, "Failover") {
        Some("PRIMARY") => routings.push(Routing::Failover(Failover::Primary)),
        Some("SECONDARY") => routings.push(Routing::Failover(Failover::Secondary)),
        Some(_) => return None,
        None => {}
    }
    if let Some(location) = json.get("GeoLocation") {
        routings.push(Routing::Geolocation(place(location)?));
    }
    if let Some(site) = json.get("GeoProximityLocation") {
        routings.push(Routing::Geoproximity(GeoProximity {
            position: position(site)?,
            bias: i8::try_from(site.get("Bias").map_or(Some(0), Value::as_i64)?).ok()?,
        }));
    }
    if let Some(cidr) = json.get("CidrRoutingConfig") {
        routings.push(Routing::Cidr {
            collection: text(cidr, "CollectionId")?.to_owned(),
            location: text(cidr, "LocationName")?.to_owned(),
        });
    }
    if json.get("MultiValueAnswer").is_some() {
        routings.push(Routing::Multivalue);
    }
    if routings.len() > 1 {
        return None;
    }
    Some(RecordSet {
        key,
        routing: routings.pop().unwrap_or(Routing::Simple),
        data: data(json)?,
        health_check_id: text(json, "HealthCheckId").map(|id| HealthCheckId(id.to_owned())),
    })
}

fn place(location: &Value) -> Option<Place> {
    match (text(location, "ContinentCode"), text(location, "CountryCode"), text(location, "SubdivisionCode"))
    {
        (Some(code), None, None) => Continent::from_code(code).map(Place::Continent),
        (None, Some("*"), None) => Some(Place::Everywhere),
        (None, Some(code), None) => Country::from_code(code).map(Place::Country),
        (None, Some(code), Some(part)) => Some(Place::Subdivision(Subdivision {
            country: Country::from_code(code)?,
            code: part.to_owned(),
        })),
        _ => None,
    }
}

fn position(site: &Value) -> Option<Position> {
    let coordinates = |it: &Value| {
        let hundredths = |key: &str| {
            let degrees: f64 = text(it, key)?.parse().ok()?;
            // As text with two digits, to be exact.
            format!("{degrees:.2}").replace('.', "").parse().ok()
        };
        Some(Coordinates { latitude: hundredths("Latitude")?, longitude: hundredths("Longitude")? })
    };
    match (text(site, "AWSRegion"), text(site, "LocalZoneGroup"), site.get("Coordinates")) {
        (Some(region), None, None) => Some(Position::Region(LatencyRegion(region.to_owned()))),
        (None, Some(group), None) => Some(Position::LocalZoneGroup(group.to_owned())),
        (None, None, Some(it)) => coordinates(it).map(Position::Coordinates),
        _ => None,
    }
}

fn data(json: &Value) -> Option<Data> {
    let values = json.get("ResourceRecords").map(|records| {
        let records = records.as_array()?;
        records.iter().map(|it| text(it, "Value").map(str::to_owned)).collect::<Option<_>>()
    });
    match (json.get("AliasTarget"), values, json.get("TTL")) {
        (Some(target), None, None) => Some(Data::Alias(AliasTarget {
            hosted_zone_id: text(target, "HostedZoneId")?.to_owned(),
            dns_name: RecordName::new(text(target, "DNSName")?).ok()?,
            evaluate_target_health: target.get("EvaluateTargetHealth")?.as_bool()?,
        })),
        (None, Some(values), Some(ttl)) => {
            Some(Data::Values { ttl: u32::try_from(ttl.as_i64()?).ok()?, values: values? })
        }
        _ => None,
    }
}

/// All sets of a list.
pub(crate) fn sets(list: &Value) -> Vec<RecordSet> {
    let set = |it: &Value| record_set(it).unwrap_or_else(|| panic!("no record set: {it}"));
    list.as_array().expect("a list").iter().map(set).collect()
}
