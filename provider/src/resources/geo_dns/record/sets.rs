//! Record sets as they are kept in private bytes.

use multicluster_core::dns::{Coordinates, LatencyRegion, Place};
use multicluster_core::route53::{
    AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet, RecordType,
    Routing, SetKey,
};
use serde::{Deserialize, Serialize};

/// A record set. What cannot be read back is dropped, so that a plan takes it for missing and an apply, which reads
/// anew, for changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSet {
    name: String,
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "StoredRouting::is_simple")]
    routing: StoredRouting,
    data: StoredData,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health_check: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRouting {
    #[default]
    Simple,
    Weighted(u8),
    Latency(String),
    Primary,
    Secondary,
    Geolocation(String),
    NearRegion(String, i8),
    NearLocalZones(String, i8),
    NearCoordinates(i32, i32, i8),
    Cidr(String, String),
    Multivalue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredData {
    Values(u32, Vec<String>),
    Alias(String, String, bool),
}

impl StoredRouting {
    fn is_simple(&self) -> bool {
        *self == Self::Simple
    }

    fn of(routing: &Routing) -> Self {
        match routing {
            Routing::Simple => Self::Simple,
            Routing::Weighted(weight) => Self::Weighted(*weight),
            Routing::Latency(region) => Self::Latency(region.0.clone()),
            Routing::Failover(Failover::Primary) => Self::Primary,
            Routing::Failover(Failover::Secondary) => Self::Secondary,
            Routing::Geolocation(place) => Self::Geolocation(place.to_string()),
            Routing::Geoproximity(GeoProximity { position, bias }) => match position {
                Position::Region(region) => Self::NearRegion(region.0.clone(), *bias),
                Position::LocalZoneGroup(group) => Self::NearLocalZones(group.clone(), *bias),
                Position::Coordinates(at) => Self::NearCoordinates(at.latitude, at.longitude, *bias),
            },
            Routing::Cidr { collection, location } => Self::Cidr(collection.clone(), location.clone()),
            Routing::Multivalue => Self::Multivalue,
        }
    }

    fn read(&self) -> Option<Routing> {
        let near = |position, bias: &i8| Routing::Geoproximity(GeoProximity { position, bias: *bias });
        Some(match self {
            Self::Simple => Routing::Simple,
            Self::Weighted(weight) => Routing::Weighted(*weight),
            Self::Latency(region) => Routing::Latency(LatencyRegion(region.clone())),
            Self::Primary => Routing::Failover(Failover::Primary),
            Self::Secondary => Routing::Failover(Failover::Secondary),
            Self::Geolocation(key) => Routing::Geolocation(Place::parse_key(key).ok()?),
            Self::NearRegion(region, bias) => near(Position::Region(LatencyRegion(region.clone())), bias),
            Self::NearLocalZones(group, bias) => near(Position::LocalZoneGroup(group.clone()), bias),
            Self::NearCoordinates(latitude, longitude, bias) => {
                let at = Coordinates { latitude: *latitude, longitude: *longitude };
                near(Position::Coordinates(at), bias)
            }
            Self::Cidr(collection, location) => {
                Routing::Cidr { collection: collection.clone(), location: location.clone() }
            }
            Self::Multivalue => Routing::Multivalue,
        })
    }
}

impl StoredSet {
    pub(super) fn of(set: &RecordSet) -> Self {
        let data = match &set.data {
            Data::Values { ttl, values } => StoredData::Values(*ttl, values.iter().cloned().collect()),
            Data::Alias(AliasTarget { hosted_zone_id, dns_name, evaluate_target_health }) => {
                StoredData::Alias(hosted_zone_id.clone(), dns_name.to_string(), *evaluate_target_health)
            }
        };
        Self {
            name: set.key.name.to_string(),
            r#type: set.key.r#type.to_string(),
            id: set.key.set_identifier.clone(),
            routing: StoredRouting::of(&set.routing),
            data,
            health_check: set.health_check_id.as_ref().map(|id| id.0.clone()),
        }
    }

    pub(super) fn read(&self) -> Option<RecordSet> {
        let data = match &self.data {
            StoredData::Values(ttl, values) => {
                Data::Values { ttl: *ttl, values: values.iter().cloned().collect() }
            }
            StoredData::Alias(zone, name, health) => Data::Alias(AliasTarget {
                hosted_zone_id: zone.clone(),
                dns_name: RecordName::new(name).ok()?,
                evaluate_target_health: *health,
            }),
        };
        Some(RecordSet {
            key: SetKey {
                name: RecordName::new(&self.name).ok()?,
                r#type: RecordType(self.r#type.clone()),
                set_identifier: self.id.clone(),
            },
            routing: self.routing.read()?,
            data,
            health_check_id: self.health_check.clone().map(HealthCheckId),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::simple(Routing::Simple)]
    #[case::weighted(Routing::Weighted(255))]
    #[case::latency(Routing::Latency(LatencyRegion("eu-west-1".to_owned())))]
    #[case::primary(Routing::Failover(Failover::Primary))]
    #[case::secondary(Routing::Failover(Failover::Secondary))]
    #[case::everywhere(Routing::Geolocation(Place::Everywhere))]
    #[case::continent(Routing::Geolocation(Place::parse_key("continent/SA").unwrap()))]
    #[case::country(Routing::Geolocation(Place::parse_key("SA").unwrap()))]
    #[case::state(Routing::Geolocation(Place::parse_key("US-TX").unwrap()))]
    #[case::near(Routing::Geoproximity(GeoProximity {
        position: Position::Coordinates(Coordinates { latitude: -9000, longitude: 18000 }), bias: -99
    }))]
    #[case::near_region(Routing::Geoproximity(GeoProximity {
        position: Position::Region(LatencyRegion("us-east-1".to_owned())), bias: 0
    }))]
    #[case::near_local_zones(Routing::Geoproximity(GeoProximity {
        position: Position::LocalZoneGroup("us-east-1-bue-1".to_owned()), bias: 7
    }))]
    #[case::cidr(Routing::Cidr { collection: "c".to_owned(), location: "*".to_owned() })]
    #[case::multivalue(Routing::Multivalue)]
    fn what_is_kept_is_what_was_there(#[case] routing: Routing) {
        let name = RecordName::new("*.example.com").unwrap();
        let datas = [
            Data::Values { ttl: 60, values: ["192.0.2.1".to_owned()].into() },
            Data::Alias(AliasTarget {
                hosted_zone_id: "Z1".to_owned(),
                dns_name: RecordName::new("_mc-1.example.com").unwrap(),
                evaluate_target_health: true,
            }),
        ];
        for data in datas {
            let set = RecordSet {
                key: SetKey {
                    name: name.clone(),
                    r#type: RecordType::a(),
                    set_identifier: Some("aws".to_owned()),
                },
                routing: routing.clone(),
                data,
                health_check_id: Some(HealthCheckId("h".to_owned())),
            };
            let json = serde_json::to_string(&StoredSet::of(&set)).unwrap();
            let kept: StoredSet = serde_json::from_str(&json).unwrap();
            assert_eq!(kept.read(), Some(set), "{json}");
        }
    }
}
