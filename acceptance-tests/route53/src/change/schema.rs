//! What the XML schema says about one change.

use super::{Action, RawChange};
use crate::{
    facets::{Checked, facet, incomplete, is_uuid},
    model::{
        RawAliasTarget, RawCidrRoutingConfig, RawGeoLocation, RawGeoProximityLocation, RawRecordSet,
        RawResourceRecord, RecordType, TTL_MAX,
    },
    tables::LATENCY_REGIONS,
};

/// Checks every facet of a change, failing with the first that is not met.
pub(super) fn check(change: &RawChange) -> Checked {
    facet("ChangeAction").enumeration(&change.action, &Action::ALL.map(|(name, _)| name))?;
    let set = &change.resource_record_set;
    facet("DNSName").lengths(&set.name, 0, 1024)?;
    let types: Vec<&str> = RecordType::ALL.iter().map(|each| each.as_str()).collect();
    facet("RRType").enumeration(&set.r#type, &types)?;
    policy(set)?;
    if let Some(ttl) = set.ttl {
        facet("TTL").range(ttl, 0, i64::from(TTL_MAX))?;
    }
    if let Some(records) = &set.resource_records {
        values(records)?;
    }
    if let Some(target) = &set.alias_target {
        alias(target)?;
    }
    if let Some(id) = &set.health_check_id {
        facet("HealthCheckId").lengths(id, 0, 64)?;
    }
    if let Some(id) = &set.traffic_policy_instance_id {
        facet("TrafficPolicyInstanceId").lengths(id, 1, 36)?;
    }
    Ok(())
}

fn policy(set: &RawRecordSet) -> Checked {
    if let Some(identifier) = &set.set_identifier {
        facet("ResourceRecordSetIdentifier").lengths(identifier, 1, 128)?;
    }
    if let Some(weight) = set.weight {
        facet("ResourceRecordSetWeight").range(weight, 0, 255)?;
    }
    if let Some(region) = &set.region {
        facet("ResourceRecordSetRegion").enumeration(region, LATENCY_REGIONS)?;
    }
    if let Some(role) = &set.failover {
        facet("ResourceRecordSetFailover").enumeration(role, &["PRIMARY", "SECONDARY"])?;
    }
    if let Some(location) = &set.geo_location {
        geolocation(location)?;
    }
    if let Some(location) = &set.geo_proximity_location {
        geoproximity(location)?;
    }
    if let Some(config) = &set.cidr_routing_config {
        cidr(config)?;
    }
    Ok(())
}

fn geolocation(location: &RawGeoLocation) -> Checked {
    if let Some(code) = &location.continent_code {
        facet("ContinentCode").length(code, 2)?;
    }
    if let Some(code) = &location.country_code {
        facet("CountryCode").lengths(code, 1, 2)?;
    }
    if let Some(code) = &location.subdivision_code {
        facet("SubdivisionCode").lengths(code, 1, 3)?;
    }
    Ok(())
}

fn geoproximity(location: &RawGeoProximityLocation) -> Checked {
    if let Some(region) = &location.aws_region {
        facet("AWSRegion").lengths(region, 1, 64)?;
    }
    if let Some(group) = &location.local_zone_group {
        facet("LocalZoneGroup").lengths(group, 1, 64)?;
    }
    if let Some(bias) = location.bias {
        facet("Bias").range(bias, -99, 99)?;
    }
    let Some(coordinates) = &location.coordinates else { return Ok(()) };
    let latitude = coordinates.latitude.as_ref().ok_or_else(|| incomplete("Coordinates", "Latitude"))?;
    let longitude = coordinates.longitude.as_ref().ok_or_else(|| incomplete("Coordinates", "Longitude"))?;
    facet("Latitude").lengths(latitude, 1, 6)?;
    facet("Latitude").pattern(latitude, "[-+]?[0-9]{1,2}(\\.[0-9]{0,2})?", is_decimal(latitude, 2))?;
    facet("Longitude").lengths(longitude, 1, 7)?;
    facet("Longitude").pattern(longitude, "[-+]?[0-9]{1,3}(\\.[0-9]{0,2})?", is_decimal(longitude, 3))
}

fn is_decimal(text: &str, whole_digits: usize) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    (1..=whole_digits).contains(&whole.len())
        && decimals.len() <= 2
        && [whole, decimals].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn cidr(config: &RawCidrRoutingConfig) -> Checked {
    let id = config.collection_id.as_ref().ok_or_else(|| incomplete("CidrRoutingConfig", "CollectionId"))?;
    let name =
        config.location_name.as_ref().ok_or_else(|| incomplete("CidrRoutingConfig", "LocationName"))?;
    facet("UUID").pattern(id, "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", is_uuid(id))?;
    facet("CidrLocationNameDefaultAllowed").lengths(name, 1, 16)?;
    let matches = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-*".contains(&byte));
    facet("CidrLocationNameDefaultAllowed").pattern(name, "[0-9A-Za-z_\\-\\*]+", matches)
}

fn values(records: &[RawResourceRecord]) -> Checked {
    if records.is_empty() {
        return Err(incomplete("ResourceRecords", "ResourceRecord"));
    }
    records.iter().try_for_each(|record| facet("RData").lengths(&record.value, 0, 4000))
}

fn alias(target: &RawAliasTarget) -> Checked {
    let id = target.hosted_zone_id.as_ref().ok_or_else(|| incomplete("AliasTarget", "HostedZoneId"))?;
    let name = target.dns_name.as_ref().ok_or_else(|| incomplete("AliasTarget", "DNSName"))?;
    if target.evaluate_target_health.is_none() {
        return Err(incomplete("AliasTarget", "EvaluateTargetHealth"));
    }
    facet("ResourceId").lengths(id, 0, 32)?;
    facet("DNSName").lengths(name, 0, 1024)
}
