//! Record sets as text: for people who read a plan, and for digests.

use std::fmt;

use serde_json::{Value, json};

use crate::digest::digest;
use crate::route53::record_set::{
    AliasTarget, Data, Failover, Position, RecordSet, RecordType, Routing, SetKey,
};

/// What becomes of one set, for the forecast.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetChange {
    /// The set.
    pub key: SetKey,
    /// What becomes of it.
    pub kind: SetChangeKind,
}

/// What becomes of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetChangeKind {
    /// It is made.
    Create {
        /// What it will be: name and value of each field.
        to: Vec<(&'static str, String)>,
    },
    /// It is changed.
    Update {
        /// The fields that differ: name, old and new value; empty where there is none.
        fields: Vec<(&'static str, String, String)>,
    },
    /// It is removed.
    Delete {
        /// What it was: name and value of each field.
        from: Vec<(&'static str, String)>,
    },
}

impl SetChange {
    /// What becomes of a set that was and shall be so; none if both are the same.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::route53::{Data, RecordName, RecordSet, RecordType, Routing, SetChange, SetKey};
    ///
    /// let set = |ttl, value: &str| RecordSet {
    ///     key: SetKey {
    ///         name: RecordName::new("app.example.com").unwrap(),
    ///         r#type: RecordType::a(),
    ///         set_identifier: Some("gcp".into()),
    ///     },
    ///     routing: Routing::Weighted(30),
    ///     data: Data::Values { ttl, values: [value.into()].into() },
    ///     health_check_id: None,
    /// };
    /// let change = SetChange::between(Some(&set(60, "192.0.2.1")), Some(&set(30, "192.0.2.1"))).unwrap();
    /// assert_eq!(change.to_string(), "~ app.example.com A gcp: ttl 60 → 30");
    /// ```
    #[must_use]
    pub fn between(from: Option<&RecordSet>, to: Option<&RecordSet>) -> Option<Self> {
        let (key, kind) = match (from, to) {
            (None, None) => return None,
            (None, Some(to)) => (&to.key, SetChangeKind::Create { to: fields(to) }),
            (Some(from), None) => (&from.key, SetChangeKind::Delete { from: fields(from) }),
            (Some(from), Some(to)) if from == to => return None,
            (Some(from), Some(to)) => (&to.key, SetChangeKind::Update { fields: differing(from, to) }),
        };
        Some(Self { key: key.clone(), kind })
    }
}

/// The digest of some sets, whatever order they come in.
#[must_use]
pub fn digest_of_sets<'a>(sets: impl IntoIterator<Item = &'a RecordSet>) -> String {
    let mut sets: Vec<&RecordSet> = sets.into_iter().collect();
    sets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    digest(&Value::Array(sets.into_iter().map(as_json).collect()))
}

/// With names as Route 53's API has them. It is hashed, so that a change of form is a change of every digest.
fn as_json(set: &RecordSet) -> Value {
    let routing = match &set.routing {
        Routing::Simple => Value::Null,
        Routing::Weighted(weight) => json!({ "Weight": weight }),
        Routing::Latency(region) => json!({ "Region": region.0 }),
        Routing::Failover(rank) => json!({ "Failover": rank_text(*rank) }),
        Routing::Geolocation(place) => json!({ "GeoLocation": place.to_string() }),
        Routing::Geoproximity(at) => {
            json!({ "GeoProximityLocation": position(&at.position), "Bias": at.bias })
        }
        Routing::Cidr { collection, location } => {
            json!({ "CidrRoutingConfig": { "CollectionId": collection, "LocationName": location } })
        }
        Routing::Multivalue => json!({ "MultiValueAnswer": true }),
    };
    let data = match &set.data {
        Data::Values { ttl, values } => json!({ "TTL": ttl, "ResourceRecords": values }),
        Data::Alias(AliasTarget { hosted_zone_id, dns_name, evaluate_target_health }) => json!({
            "HostedZoneId": hosted_zone_id,
            "DNSName": dns_name.as_str(),
            "EvaluateTargetHealth": evaluate_target_health,
        }),
    };
    json!({
        "Name": set.key.name.as_str(),
        "Type": set.key.r#type.0,
        "SetIdentifier": set.key.set_identifier,
        "Routing": routing,
        "Data": data,
        "HealthCheckId": set.health_check_id.as_ref().map(|id| &id.0),
    })
}

/// What a set is, beside its key: name and value of each field that it has.
fn fields(set: &RecordSet) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    match &set.routing {
        Routing::Simple => {}
        Routing::Weighted(weight) => fields.push(("weight", weight.to_string())),
        Routing::Latency(region) => fields.push(("region", region.0.clone())),
        Routing::Failover(rank) => fields.push(("failover", rank_text(*rank).to_owned())),
        Routing::Geolocation(place) => fields.push(("location", place.to_string())),
        Routing::Geoproximity(at) => {
            fields.push(("position", position(&at.position)));
            if at.bias != 0 {
                fields.push(("bias", at.bias.to_string()));
            }
        }
        Routing::Cidr { collection, location } => {
            fields.push(("cidr_collection", collection.clone()));
            fields.push(("cidr_location", location.clone()));
        }
        Routing::Multivalue => fields.push(("multivalue", "true".to_owned())),
    }
    match &set.data {
        Data::Values { ttl, values } => {
            fields.push(("ttl", ttl.to_string()));
            let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
            if set.key.r#type == RecordType::a() || set.key.r#type == RecordType::aaaa() {
                values.sort_by_key(|value| (value.parse::<std::net::IpAddr>().ok(), *value));
            }
            fields.push(("values", values.join(", ")));
        }
        Data::Alias(AliasTarget { hosted_zone_id, dns_name, evaluate_target_health }) => {
            fields.push(("alias", dns_name.as_written()));
            fields.push(("alias_zone", hosted_zone_id.clone()));
            fields.push(("evaluate_target_health", evaluate_target_health.to_string()));
        }
    }
    if let Some(id) = &set.health_check_id {
        fields.push(("health_check", id.0.clone()));
    }
    fields
}

fn differing(from: &RecordSet, to: &RecordSet) -> Vec<(&'static str, String, String)> {
    let (from, to) = (fields(from), fields(to));
    let value = |fields: &[(&str, String)], name: &str| {
        fields.iter().find(|(it, _)| *it == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let gone = from.iter().filter(|(name, _)| to.iter().all(|(it, _)| it != name));
    let names = gone.chain(&to).map(|(name, _)| *name);
    names
        .map(|name| (name, value(&from, name), value(&to, name)))
        .filter(|(_, before, after)| before != after)
        .collect()
}

fn rank_text(rank: Failover) -> &'static str {
    match rank {
        Failover::Primary => "PRIMARY",
        Failover::Secondary => "SECONDARY",
    }
}

fn position(position: &Position) -> String {
    match position {
        Position::Region(region) => region.0.clone(),
        Position::LocalZoneGroup(group) => group.clone(),
        Position::Coordinates(at) => format!("{}, {}", degrees(at.latitude), degrees(at.longitude)),
    }
}

/// Hundredths of a degree as degrees.
fn degrees(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// One line: `+`, `~` or `-`, the set, and its fields.
impl fmt::Display for SetChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, fields): (_, Vec<String>) = match &self.kind {
            SetChangeKind::Create { to } => ("+", to.iter().map(|(name, value)| said(name, value)).collect()),
            SetChangeKind::Delete { from } => {
                ("-", from.iter().map(|(name, value)| said(name, value)).collect())
            }
            SetChangeKind::Update { fields } => {
                let fields = fields.iter().map(|(name, from, to)| match (from.as_str(), to.as_str()) {
                    ("", to) => format!("{name} → {to}"),
                    (from, "") => format!("{name} {from} → none"),
                    (from, to) => format!("{name} {from} → {to}"),
                });
                ("~", fields.collect())
            }
        };
        write!(f, "{sign} {}: {}", self.key, fields.join("; "))
    }
}

fn said(name: &str, value: &str) -> String {
    format!("{name} {value}")
}

/// As users write it: `app.example.com A aws-eu`.
impl fmt::Display for SetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name.as_written(), self.r#type)?;
        self.set_identifier.as_ref().map_or(Ok(()), |identifier| write!(f, " {identifier}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Continent, Coordinates, Place};
    use crate::route53::record_set::{GeoProximity, HealthCheckId, RecordName};

    fn set(routing: Routing, data: Data) -> RecordSet {
        RecordSet {
            key: SetKey {
                name: RecordName::new("app.example.com").unwrap(),
                r#type: RecordType::a(),
                set_identifier: Some("aws-eu".into()),
            },
            routing,
            data,
            health_check_id: None,
        }
    }

    fn values(ttl: u32, values: &[&str]) -> Data {
        Data::Values { ttl, values: values.iter().map(|&value| value.to_owned()).collect() }
    }

    fn alias(name: &str) -> Data {
        Data::Alias(AliasTarget {
            hosted_zone_id: "Z1".into(),
            dns_name: RecordName::new(name).unwrap(),
            evaluate_target_health: true,
        })
    }

    fn said(from: Option<&RecordSet>, to: Option<&RecordSet>) -> String {
        SetChange::between(from, to).map(|change| change.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_a_set_is_and_how_it_changes() {
        let europe = Routing::Geolocation(Place::Continent(Continent::Europe));
        let before = set(europe.clone(), values(60, &["192.0.2.10", "192.0.2.9"]));
        let mut after = set(europe, alias("a.eu-west-1.elb.amazonaws.com"));
        after.health_check_id = Some(HealthCheckId("hc-1".into()));
        assert_eq!(
            said(None, Some(&before)),
            "+ app.example.com A aws-eu: location continent/EU; ttl 60; values 192.0.2.9, 192.0.2.10"
        );
        assert_eq!(
            said(Some(&before), Some(&after)),
            "~ app.example.com A aws-eu: ttl 60 → none; values 192.0.2.9, 192.0.2.10 → none; \
             alias → a.eu-west-1.elb.amazonaws.com; alias_zone → Z1; evaluate_target_health → true; \
             health_check → hc-1"
        );
        assert!(
            said(Some(&after), None).starts_with("- app.example.com A aws-eu: location continent/EU; alias")
        );
        assert_eq!(SetChange::between(Some(&after), Some(&after)), None);
    }

    #[test]
    fn positions_are_in_degrees() {
        let at = |latitude, longitude| {
            let position = Position::Coordinates(Coordinates { latitude, longitude });
            set(Routing::Geoproximity(GeoProximity { position, bias: -5 }), values(60, &["192.0.2.1"]))
        };
        let text = said(Some(&at(-5, 868)), Some(&at(5011, -18000)));
        assert_eq!(text, "~ app.example.com A aws-eu: position -0.05, 8.68 → 50.11, -180.00");
    }

    #[test]
    fn a_digest_sees_every_field_and_no_order() {
        let one = set(Routing::Weighted(1), values(60, &["192.0.2.1"]));
        let mut two = one.clone();
        two.key.set_identifier = Some("gcp".into());
        assert_eq!(digest_of_sets([&one, &two]), digest_of_sets([&two, &one]));
        let changes: [fn(&mut RecordSet); 5] = [
            |set| set.routing = Routing::Weighted(2),
            |set| set.data = values(61, &["192.0.2.1"]),
            |set| set.data = values(60, &["192.0.2.2"]),
            |set| set.data = alias("a.example.com"),
            |set| set.health_check_id = Some(HealthCheckId("x".into())),
        ];
        for change in changes {
            let mut changed = one.clone();
            change(&mut changed);
            assert_ne!(digest_of_sets([&one]), digest_of_sets([&changed]));
        }
    }
}
