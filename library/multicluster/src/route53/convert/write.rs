//! From our shape to the API's.

use aws_sdk_route53::{
    error::BuildError,
    types::{
        self, Change, ChangeAction, ChangeBatch, CidrRoutingConfig, Coordinates, GeoLocation,
        GeoProximityLocation, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover, RrType,
    },
};
use multicluster_core::{
    dns::Place,
    route53::{self, Action, Data, Failover, GeoProximity, Position, RecordSet, Routing},
};

use super::degrees;

/// The longest comment of a batch.
const COMMENT_LIMIT: usize = 256;

/// A batch as it is sent.
pub(in super::super) fn change_batch<'a>(
    changes: impl IntoIterator<Item = &'a route53::Change>,
    comment: &str,
) -> Result<ChangeBatch, BuildError> {
    let comment: String = comment.chars().take(COMMENT_LIMIT).collect();
    let mut batch = ChangeBatch::builder().set_comment(Some(comment).filter(|text| !text.is_empty()));
    for change in changes {
        let action = match change.action {
            Action::Create => ChangeAction::Create,
            Action::Delete => ChangeAction::Delete,
            Action::Upsert => ChangeAction::Upsert,
        };
        let set = record_set(&change.set)?;
        batch = batch.changes(Change::builder().action(action).resource_record_set(set).build()?);
    }
    batch.build()
}

/// A set as it is sent.
pub(super) fn record_set(set: &RecordSet) -> Result<ResourceRecordSet, BuildError> {
    let mut sent = ResourceRecordSet::builder()
        .name(set.key.name.as_str())
        .r#type(RrType::from(set.key.r#type.0.as_str()))
        .set_set_identifier(set.key.set_identifier.clone())
        .set_health_check_id(set.health_check_id.as_ref().map(|id| id.0.clone()));
    sent = match &set.routing {
        Routing::Simple => sent,
        Routing::Weighted(weight) => sent.weight(i64::from(*weight)),
        Routing::Latency(region) => sent.region(region.0.as_str().into()),
        Routing::Failover(rank) => sent.failover(match rank {
            Failover::Primary => ResourceRecordSetFailover::Primary,
            Failover::Secondary => ResourceRecordSetFailover::Secondary,
        }),
        Routing::Geolocation(place) => sent.geo_location(geo_location(place)),
        Routing::Geoproximity(proximity) => sent.geo_proximity_location(geo_proximity(proximity)?),
        Routing::Cidr { collection, location } => sent.cidr_routing_config(
            CidrRoutingConfig::builder().collection_id(collection).location_name(location).build()?,
        ),
        Routing::Multivalue => sent.multi_value_answer(true),
    };
    sent = match &set.data {
        Data::Values { ttl, values } => {
            let records = values.iter().map(|value| ResourceRecord::builder().value(value).build());
            sent.ttl(i64::from(*ttl)).set_resource_records(Some(records.collect::<Result<_, _>>()?))
        }
        Data::Alias(alias) => sent.alias_target(
            types::AliasTarget::builder()
                .hosted_zone_id(&alias.hosted_zone_id)
                .dns_name(alias.dns_name.as_str())
                .evaluate_target_health(alias.evaluate_target_health)
                .build()?,
        ),
    };
    sent.build()
}

fn geo_location(place: &Place) -> GeoLocation {
    let location = GeoLocation::builder();
    match place {
        Place::Everywhere => location.country_code("*"),
        Place::Continent(continent) => location.continent_code(continent.code()),
        Place::Country(country) => location.country_code(country.code()),
        Place::Subdivision(part) => location.country_code(part.country.code()).subdivision_code(&part.code),
    }
    .build()
}

fn geo_proximity(proximity: &GeoProximity) -> Result<GeoProximityLocation, BuildError> {
    let location = GeoProximityLocation::builder().bias(i32::from(proximity.bias));
    let location = match &proximity.position {
        Position::Region(region) => location.aws_region(&region.0),
        Position::LocalZoneGroup(group) => location.local_zone_group(group),
        Position::Coordinates(at) => location.coordinates(
            Coordinates::builder().latitude(degrees(at.latitude)).longitude(degrees(at.longitude)).build()?,
        ),
    };
    Ok(location.build())
}
