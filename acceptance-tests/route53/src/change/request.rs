//! What one change means on its own: which fields go together, and whether its codes exist.

use super::{RawChange, ZoneContext, about};
use crate::{
    model::{Coordinate, DATA_FIELDS, POLICY_FIELDS, RawGeoLocation, RawGeoProximityLocation, RawRecordSet},
    tables::{LATENCY_REGIONS, Place, places},
};

/// What is wrong with a change. The service answers `InvalidInput` with the list.
pub(super) fn problems(change: &RawChange, context: &ZoneContext) -> Vec<String> {
    let set = &change.resource_record_set;
    let mut found = Vec::new();
    found.extend(policy(set));
    found.extend(data(set));
    found.extend(set.geo_location.as_ref().and_then(geolocation));
    found.extend(set.geo_proximity_location.as_ref().and_then(geoproximity));
    found.extend(combination(set, context).map(str::to_owned));
    found.iter().map(|problem| format!("{problem} in {}", about(change))).collect()
}

fn policy(set: &RawRecordSet) -> Option<String> {
    match (set.policy_count(), &set.set_identifier) {
        (0, None) | (1, Some(_)) => None,
        (0, Some(_)) => Some(format!("Expected exactly one of [{POLICY_FIELDS}], but found none")),
        (1, None) => Some("Missing field 'SetIdentifier'".to_owned()),
        _ => Some(format!("Expected exactly one of [{POLICY_FIELDS}], but found more than one")),
    }
}

fn data(set: &RawRecordSet) -> Option<String> {
    let values = (set.ttl.is_some(), set.resource_records.is_some());
    let alias = set.alias_target.is_some();
    let instance = set.traffic_policy_instance_id.is_some();
    let found = match (alias, values, instance) {
        (true, (false, false), false) | (false, (true, true), false) => return None,
        (false, (false, false), true) => {
            return Some("TrafficPolicyInstanceId is not supported by this emulator".to_owned());
        }
        // A TTL without values is half of an alternative, which counts as none.
        (false, _, false) => "none",
        _ => "more than one",
    };
    Some(format!("Expected exactly one of [{DATA_FIELDS}], but found {found}"))
}

fn geolocation(location: &RawGeoLocation) -> Option<String> {
    let codes = (
        location.continent_code.as_deref(),
        location.country_code.as_deref(),
        location.subdivision_code.as_deref(),
    );
    match codes {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            Some("ContinentCode cannot be specified with CountryCode or SubdivisionCode".to_owned())
        }
        (None, None, Some(_)) => Some("SubdivisionCode requires a CountryCode".to_owned()),
        (None, None, None) => Some("GeoLocation has neither a ContinentCode nor a CountryCode".to_owned()),
        _ if places().map(Place::codes).any(|known| known == codes) => None,
        (Some(continent), None, None) => Some(format!("ContinentCode '{continent}' is not supported")),
        (None, Some(country), None) => Some(format!("CountryCode '{country}' is not supported")),
        (None, Some(country), Some(subdivision)) => {
            Some(format!("SubdivisionCode '{subdivision}' is not supported for CountryCode '{country}'"))
        }
    }
}

fn geoproximity(location: &RawGeoProximityLocation) -> Option<String> {
    let given =
        [location.aws_region.is_some(), location.local_zone_group.is_some(), location.coordinates.is_some()];
    let found = match given.into_iter().filter(|present| *present).count() {
        1 => None,
        0 => Some("none"),
        _ => Some("more than one"),
    };
    if let Some(found) = found {
        let fields = "AWSRegion, LocalZoneGroup, or Coordinates";
        return Some(format!("Expected exactly one of [{fields}], but found {found}"));
    }
    if let Some(region) = location.aws_region.as_deref().filter(|region| !LATENCY_REGIONS.contains(region)) {
        return Some(format!("AWSRegion '{region}' is not supported"));
    }
    let coordinates = location.coordinates.as_ref()?;
    let inside = |text: &Option<String>, whole_digits, limit| {
        text.as_deref().is_some_and(|text| Coordinate::parse(text, whole_digits, limit).is_some())
    };
    if !inside(&coordinates.latitude, 2, 90) {
        return Some("Latitude is not within -90 and 90".to_owned());
    }
    (!inside(&coordinates.longitude, 3, 180)).then(|| "Longitude is not within -180 and 180".to_owned())
}

/// Policies that a type, an alias or a zone cannot have.
fn combination(set: &RawRecordSet, context: &ZoneContext) -> Option<&'static str> {
    let has_policy = set.policy_count() > 0;
    let multivalue = set.multi_value_answer == Some(true);
    if has_policy && matches!(set.r#type.as_str(), "NS" | "SOA") {
        return Some("NS and SOA record sets can only have the simple routing policy");
    }
    if multivalue && set.alias_target.is_some() {
        return Some("Multivalue answer record sets cannot be aliases");
    }
    if multivalue && set.r#type == "CNAME" {
        return Some("Multivalue answer record sets cannot have the type CNAME");
    }
    if context.private && set.cidr_routing_config.is_some() {
        return Some("CidrRoutingConfig is not supported in private hosted zones");
    }
    None
}
