//! Record sets in XML.

use crate::{
    error::ServiceError,
    facets::incomplete,
    model::{
        RawAliasTarget, RawCidrRoutingConfig, RawCoordinates, RawGeoLocation, RawGeoProximityLocation,
        RawRecordSet, RawResourceRecord, RecordSet,
    },
    xml::{Element, Writer},
};

const FIELDS: &[&str] = &[
    "Name",
    "Type",
    "SetIdentifier",
    "Weight",
    "Region",
    "GeoLocation",
    "Failover",
    "MultiValueAnswer",
    "TTL",
    "ResourceRecords",
    "AliasTarget",
    "HealthCheckId",
    "TrafficPolicyInstanceId",
    "CidrRoutingConfig",
    "GeoProximityLocation",
];

/// Reads a set as it is written, checking nothing but the shape.
pub(super) fn read(element: Element<'_, '_>) -> Result<RawRecordSet, ServiceError> {
    let element = element.only(FIELDS)?;
    Ok(RawRecordSet {
        name: element.text("Name").ok_or_else(|| incomplete("ResourceRecordSet", "Name"))?,
        r#type: element.text("Type").ok_or_else(|| incomplete("ResourceRecordSet", "Type"))?,
        set_identifier: element.text("SetIdentifier"),
        weight: element.number("Weight")?,
        region: element.text("Region"),
        geo_location: element.child("GeoLocation").map(geolocation).transpose()?,
        failover: element.text("Failover"),
        multi_value_answer: element.boolean("MultiValueAnswer")?,
        ttl: element.number("TTL")?,
        resource_records: element.child("ResourceRecords").map(records).transpose()?,
        alias_target: element.child("AliasTarget").map(alias).transpose()?,
        health_check_id: element.text("HealthCheckId"),
        traffic_policy_instance_id: element.text("TrafficPolicyInstanceId"),
        cidr_routing_config: element.child("CidrRoutingConfig").map(cidr).transpose()?,
        geo_proximity_location: element.child("GeoProximityLocation").map(geoproximity).transpose()?,
    })
}

fn geolocation(element: Element<'_, '_>) -> Result<RawGeoLocation, ServiceError> {
    let element = element.only(&["ContinentCode", "CountryCode", "SubdivisionCode"])?;
    Ok(RawGeoLocation {
        continent_code: element.text("ContinentCode"),
        country_code: element.text("CountryCode"),
        subdivision_code: element.text("SubdivisionCode"),
    })
}

fn records(element: Element<'_, '_>) -> Result<Vec<RawResourceRecord>, ServiceError> {
    let record = |record: Element<'_, '_>| {
        let value = record.only(&["Value"])?.text("Value");
        Ok(RawResourceRecord { value: value.ok_or_else(|| incomplete("ResourceRecord", "Value"))? })
    };
    element.list("ResourceRecord")?.into_iter().map(record).collect()
}

fn alias(element: Element<'_, '_>) -> Result<RawAliasTarget, ServiceError> {
    let element = element.only(&["HostedZoneId", "DNSName", "EvaluateTargetHealth"])?;
    Ok(RawAliasTarget {
        hosted_zone_id: element.text("HostedZoneId"),
        dns_name: element.text("DNSName"),
        evaluate_target_health: element.boolean("EvaluateTargetHealth")?,
    })
}

fn cidr(element: Element<'_, '_>) -> Result<RawCidrRoutingConfig, ServiceError> {
    let element = element.only(&["CollectionId", "LocationName"])?;
    Ok(RawCidrRoutingConfig {
        collection_id: element.text("CollectionId"),
        location_name: element.text("LocationName"),
    })
}

fn geoproximity(element: Element<'_, '_>) -> Result<RawGeoProximityLocation, ServiceError> {
    let element = element.only(&["AWSRegion", "LocalZoneGroup", "Coordinates", "Bias"])?;
    let coordinates = |element: Element<'_, '_>| {
        let element = element.only(&["Latitude", "Longitude"])?;
        Ok(RawCoordinates { latitude: element.text("Latitude"), longitude: element.text("Longitude") })
    };
    Ok(RawGeoProximityLocation {
        aws_region: element.text("AWSRegion"),
        local_zone_group: element.text("LocalZoneGroup"),
        coordinates: element.child("Coordinates").map(coordinates).transpose()?,
        bias: element.number("Bias")?,
    })
}

/// Writes a set as listings show it.
pub(super) fn write(xml: &mut Writer, set: &RecordSet) {
    let raw = set.to_raw();
    xml.nested("ResourceRecordSet", |xml| {
        xml.text("Name", &raw.name);
        xml.text("Type", &raw.r#type);
        xml.optional("SetIdentifier", raw.set_identifier.as_ref());
        write_policy(xml, &raw);
        xml.optional("TTL", raw.ttl);
        if let Some(records) = &raw.resource_records {
            xml.list("ResourceRecords", records, |xml, record| {
                xml.nested("ResourceRecord", |xml| xml.text("Value", &record.value));
            });
        }
        if let Some(target) = &raw.alias_target {
            xml.nested("AliasTarget", |xml| {
                xml.optional("HostedZoneId", target.hosted_zone_id.as_ref());
                xml.optional("DNSName", target.dns_name.as_ref());
                xml.optional("EvaluateTargetHealth", target.evaluate_target_health);
            });
        }
        xml.optional("HealthCheckId", raw.health_check_id.as_ref());
    });
}

fn write_policy(xml: &mut Writer, raw: &RawRecordSet) {
    xml.optional("Weight", raw.weight);
    xml.optional("Region", raw.region.as_ref());
    if let Some(location) = &raw.geo_location {
        xml.nested("GeoLocation", |xml| {
            xml.optional("ContinentCode", location.continent_code.as_ref());
            xml.optional("CountryCode", location.country_code.as_ref());
            xml.optional("SubdivisionCode", location.subdivision_code.as_ref());
        });
    }
    xml.optional("Failover", raw.failover.as_ref());
    xml.optional("MultiValueAnswer", raw.multi_value_answer);
    if let Some(config) = &raw.cidr_routing_config {
        xml.nested("CidrRoutingConfig", |xml| {
            xml.optional("CollectionId", config.collection_id.as_ref());
            xml.optional("LocationName", config.location_name.as_ref());
        });
    }
    if let Some(location) = &raw.geo_proximity_location {
        xml.nested("GeoProximityLocation", |xml| {
            xml.optional("AWSRegion", location.aws_region.as_ref());
            xml.optional("LocalZoneGroup", location.local_zone_group.as_ref());
            if let Some(coordinates) = &location.coordinates {
                xml.nested("Coordinates", |xml| {
                    xml.optional("Latitude", coordinates.latitude.as_ref());
                    xml.optional("Longitude", coordinates.longitude.as_ref());
                });
            }
            xml.optional("Bias", location.bias);
        });
    }
}
