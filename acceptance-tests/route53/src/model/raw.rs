//! A record set as a client writes it: every field optional, nothing checked.
//!
//! The JSON form is that of the AWS CLI (`Name`, `Type`, `TTL`, `ResourceRecords` …). Both the XML requests and
//! the JSON of the control endpoint arrive in this shape, and listings leave in it. [`RecordSet::from_raw`]
//! checks what concerns the set alone and can be written in types; the texts of the service's errors, and all
//! other rules, are the business of `change`.

use serde::{Deserialize, Serialize};

use super::{
    AliasTarget, Coordinate, Data, FailoverRole, GeoproximityPlace, Location, Name, NameError, Policy,
    RecordSet, RecordType,
};

/// `ResourceRecordSet` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's ResourceRecordSet")]
pub struct RawRecordSet {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo_location: Option<RawGeoLocation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_value_answer: Option<bool>,
    #[serde(default, rename = "TTL", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_records: Option<Vec<RawResourceRecord>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_target: Option<RawAliasTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_policy_instance_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_routing_config: Option<RawCidrRoutingConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo_proximity_location: Option<RawGeoProximityLocation>,
}

/// `ResourceRecord` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's ResourceRecord")]
pub struct RawResourceRecord {
    #[serde(default)]
    pub value: String,
}

/// `GeoLocation` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's GeoLocation")]
pub struct RawGeoLocation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continent_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdivision_code: Option<String>,
}

/// `AliasTarget` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's AliasTarget")]
pub struct RawAliasTarget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted_zone_id: Option<String>,
    #[serde(default, rename = "DNSName", skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_target_health: Option<bool>,
}

/// `CidrRoutingConfig` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's CidrRoutingConfig")]
pub struct RawCidrRoutingConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_name: Option<String>,
}

/// `GeoProximityLocation` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's GeoProximityLocation")]
pub struct RawGeoProximityLocation {
    #[serde(default, rename = "AWSRegion", skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_zone_group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<RawCoordinates>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<i64>,
}

/// `Coordinates` of the API: texts, not numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the API's Coordinates")]
pub struct RawCoordinates {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<String>,
}

/// Why a raw set cannot be a [`RecordSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawSetError {
    /// The name, or the alias target's, is no domain name.
    #[error("FATAL problem: {0}")]
    Name(#[from] NameError),
    /// A field that must be there is missing.
    #[error("missing field '{0}'")]
    Missing(&'static str),
    /// A field has a value outside its type.
    #[error("invalid value for '{0}'")]
    Invalid(&'static str),
    /// Fields that exclude each other, or none of several of which one is needed.
    #[error("expected exactly one of [{0}]")]
    ExactlyOne(&'static str),
}

/// The routing fields, as errors list them.
pub(crate) const POLICY_FIELDS: &str =
    "Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig";
/// The fields that say what a set answers, as errors list them.
pub(crate) const DATA_FIELDS: &str =
    "AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId";

impl RawRecordSet {
    /// How many routing policies the fields name. `MultiValueAnswer` of `false` is none.
    pub(crate) fn policy_count(&self) -> usize {
        [
            self.weight.is_some(),
            self.region.is_some(),
            self.failover.is_some(),
            self.geo_location.is_some(),
            self.multi_value_answer == Some(true),
            self.geo_proximity_location.is_some(),
            self.cidr_routing_config.is_some(),
        ]
        .into_iter()
        .filter(|present| *present)
        .count()
    }
}

impl RecordSet {
    /// Reads a set, checking what concerns it alone: syntax, ranges, and which fields go together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_raw(raw: &RawRecordSet) -> Result<Self, RawSetError> {
        let policy = policy(raw)?;
        if (policy == Policy::Simple) != raw.set_identifier.is_none() {
            let simple = policy == Policy::Simple;
            return Err(if simple {
                RawSetError::ExactlyOne(POLICY_FIELDS)
            } else {
                RawSetError::Missing("SetIdentifier")
            });
        }
        if raw.set_identifier.as_ref().is_some_and(|text| !(1..=128).contains(&text.chars().count())) {
            return Err(RawSetError::Invalid("SetIdentifier"));
        }
        Ok(Self {
            name: Name::parse(&raw.name)?,
            record_type: RecordType::parse(&raw.r#type).ok_or(RawSetError::Invalid("Type"))?,
            set_identifier: raw.set_identifier.clone(),
            policy,
            data: data(raw)?,
            health_check_id: raw.health_check_id.clone(),
        })
    }

    /// The set in the form in which the API lists it.
    pub fn to_raw(&self) -> RawRecordSet {
        let mut raw = RawRecordSet {
            name: self.name.as_str().to_owned(),
            r#type: self.record_type.as_str().to_owned(),
            set_identifier: self.set_identifier.clone(),
            health_check_id: self.health_check_id.clone(),
            ..RawRecordSet::default()
        };
        match &self.policy {
            Policy::Simple => {}
            Policy::Weighted { weight } => raw.weight = Some(i64::from(*weight)),
            Policy::Latency { region } => raw.region = Some(region.clone()),
            Policy::Geolocation(location) => raw.geo_location = Some(raw_location(location)),
            Policy::Failover(role) => raw.failover = Some(role.as_str().to_owned()),
            Policy::Multivalue => raw.multi_value_answer = Some(true),
            Policy::Geoproximity { place, bias } => {
                raw.geo_proximity_location = Some(raw_place(place, *bias));
            }
            Policy::Cidr { collection_id, location_name } => {
                raw.cidr_routing_config = Some(RawCidrRoutingConfig {
                    collection_id: Some(collection_id.clone()),
                    location_name: Some(location_name.clone()),
                });
            }
        }
        match &self.data {
            Data::Records { ttl, values } => {
                raw.ttl = Some(i64::from(*ttl));
                let record = |value: &String| RawResourceRecord { value: value.clone() };
                raw.resource_records = Some(values.iter().map(record).collect());
            }
            Data::Alias(target) => {
                raw.alias_target = Some(RawAliasTarget {
                    hosted_zone_id: Some(target.hosted_zone_id.clone()),
                    dns_name: Some(target.dns_name.as_str().to_owned()),
                    evaluate_target_health: Some(target.evaluate_target_health),
                });
            }
        }
        raw
    }
}

fn policy(raw: &RawRecordSet) -> Result<Policy, RawSetError> {
    match raw.policy_count() {
        0 => return Ok(Policy::Simple),
        1 => {}
        _ => return Err(RawSetError::ExactlyOne(POLICY_FIELDS)),
    }
    if let Some(weight) = raw.weight {
        let weight = u8::try_from(weight).map_err(|_| RawSetError::Invalid("Weight"))?;
        return Ok(Policy::Weighted { weight });
    }
    if let Some(region) = &raw.region {
        return Ok(Policy::Latency { region: region.clone() });
    }
    if let Some(role) = &raw.failover {
        let roles = [FailoverRole::Primary, FailoverRole::Secondary];
        let role = roles.into_iter().find(|each| each.as_str() == role);
        return role.map(Policy::Failover).ok_or(RawSetError::Invalid("Failover"));
    }
    if let Some(location) = &raw.geo_location {
        return Ok(Policy::Geolocation(self::location(location)?));
    }
    if let Some(location) = &raw.geo_proximity_location {
        let bias = i8::try_from(location.bias.unwrap_or(0)).ok().filter(|bias| (-99..=99).contains(bias));
        let bias = bias.ok_or(RawSetError::Invalid("Bias"))?;
        return Ok(Policy::Geoproximity { place: place(location)?, bias });
    }
    if let Some(config) = &raw.cidr_routing_config {
        return Ok(Policy::Cidr {
            collection_id: config.collection_id.clone().ok_or(RawSetError::Missing("CollectionId"))?,
            location_name: config.location_name.clone().ok_or(RawSetError::Missing("LocationName"))?,
        });
    }
    Ok(Policy::Multivalue)
}

fn location(raw: &RawGeoLocation) -> Result<Location, RawSetError> {
    match (&raw.continent_code, &raw.country_code, &raw.subdivision_code) {
        (Some(continent), None, None) => Ok(Location::Continent(continent.clone())),
        (None, Some(country), None) if country == "*" => Ok(Location::Default),
        (None, Some(country), None) => Ok(Location::Country(country.clone())),
        (None, Some(country), Some(subdivision)) if country != "*" => {
            Ok(Location::Subdivision { country: country.clone(), subdivision: subdivision.clone() })
        }
        _ => Err(RawSetError::Invalid("GeoLocation")),
    }
}

fn raw_location(location: &Location) -> RawGeoLocation {
    let mut raw = RawGeoLocation::default();
    match location {
        Location::Continent(code) => raw.continent_code = Some(code.clone()),
        Location::Country(code) => raw.country_code = Some(code.clone()),
        Location::Subdivision { country, subdivision } => {
            raw.country_code = Some(country.clone());
            raw.subdivision_code = Some(subdivision.clone());
        }
        Location::Default => raw.country_code = Some("*".to_owned()),
    }
    raw
}

fn place(raw: &RawGeoProximityLocation) -> Result<GeoproximityPlace, RawSetError> {
    match (&raw.aws_region, &raw.local_zone_group, &raw.coordinates) {
        (Some(region), None, None) => Ok(GeoproximityPlace::Region(region.clone())),
        (None, Some(group), None) => Ok(GeoproximityPlace::LocalZoneGroup(group.clone())),
        (None, None, Some(coordinates)) => {
            let latitude = coordinates.latitude.as_deref().ok_or(RawSetError::Missing("Latitude"))?;
            let longitude = coordinates.longitude.as_deref().ok_or(RawSetError::Missing("Longitude"))?;
            Ok(GeoproximityPlace::Coordinates {
                latitude: Coordinate::parse(latitude, 2, 90).ok_or(RawSetError::Invalid("Latitude"))?,
                longitude: Coordinate::parse(longitude, 3, 180).ok_or(RawSetError::Invalid("Longitude"))?,
            })
        }
        _ => Err(RawSetError::ExactlyOne("AWSRegion, LocalZoneGroup, or Coordinates")),
    }
}

fn raw_place(place: &GeoproximityPlace, bias: i8) -> RawGeoProximityLocation {
    let mut raw =
        RawGeoProximityLocation { bias: Some(i64::from(bias)), ..RawGeoProximityLocation::default() };
    match place {
        GeoproximityPlace::Region(region) => raw.aws_region = Some(region.clone()),
        GeoproximityPlace::LocalZoneGroup(group) => raw.local_zone_group = Some(group.clone()),
        GeoproximityPlace::Coordinates { latitude, longitude } => {
            raw.coordinates = Some(RawCoordinates {
                latitude: Some(latitude.as_str().to_owned()),
                longitude: Some(longitude.as_str().to_owned()),
            });
        }
    }
    raw
}

fn data(raw: &RawRecordSet) -> Result<Data, RawSetError> {
    match (&raw.alias_target, raw.ttl, &raw.resource_records) {
        (Some(target), None, None) => {
            let dns_name = target.dns_name.as_deref().ok_or(RawSetError::Missing("DNSName"))?;
            Ok(Data::Alias(AliasTarget {
                hosted_zone_id: target.hosted_zone_id.clone().ok_or(RawSetError::Missing("HostedZoneId"))?,
                dns_name: Name::parse(dns_name)?,
                evaluate_target_health: target
                    .evaluate_target_health
                    .ok_or(RawSetError::Missing("EvaluateTargetHealth"))?,
            }))
        }
        (None, Some(ttl), Some(records)) if !records.is_empty() => {
            let ttl = u32::try_from(ttl).ok().filter(|ttl| *ttl <= TTL_MAX);
            Ok(Data::Records {
                ttl: ttl.ok_or(RawSetError::Invalid("TTL"))?,
                values: records.iter().map(|record| record.value.clone()).collect(),
            })
        }
        _ => Err(RawSetError::ExactlyOne(DATA_FIELDS)),
    }
}

/// The largest TTL: 31 bits, RFC 2181 §8.
pub(crate) const TTL_MAX: u32 = 2_147_483_647;
