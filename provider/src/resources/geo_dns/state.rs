//! The computed attributes of a name.

use std::collections::BTreeMap;

use multicluster_core::digest::digest_text;
use multicluster_core::dns::routing::{Row, routing};
use multicluster_core::dns::{Node as Tree, Share};
use multicluster_core::route53::ZoneFacts;
use multicluster_core::route53::{
    Data, Failover, Position, RecordName, RecordSet, Routing, SetChange, SetChangeKind, digest_of_sets,
};
use tfplugin::{Node, Number, Value};

use super::model::{self, Model, words};
use super::targets::Targets;

/// What the id of something begins with that is still to be made. No id of Route 53 has a colon.
pub(super) const STAND_IN: &str = "new:";

/// What stands for the id of a CIDR collection that is still to be made.
pub(super) const NEW_COLLECTION: &str = "new:collection";

/// The attributes that follow from others.
pub(super) const COMPUTED: [&str; 9] =
    ["id", "fqdn", "routing", "records", "health_checks", "targets", "generation", "sync", "forecast"];

/// `zone_id/name`, unknown as long as either is.
pub(super) fn id(model: &Model) -> Value {
    match (&model.zone_id, &model.name) {
        (Some(zone), Some(name)) => format!("{}/{}", zone_id(zone), name.as_written()).into(),
        _ => Value::Unknown,
    }
}

/// The id of a zone without what the API puts before it.
pub(super) fn zone_id(id: &str) -> &str {
    id.trim_start_matches("/hostedzone/")
}

/// The name as clients ask for it.
pub(super) fn fqdn(name: Option<&RecordName>) -> Value {
    name.map_or(Value::Unknown, |name| name.as_written().into())
}

/// Who answers where.
pub(super) fn routing_of(tree: Option<&Tree>) -> Value {
    let rows = tree.map(routing).unwrap_or_default();
    Value::map(rows.into_iter().map(|(key, row)| (key, row_value(&row))))
}

/// A row of `routing`.
pub(super) fn row_value(row: &Row) -> Value {
    let endpoints = row.endpoints.iter().map(|portion| {
        Value::map([("name", Value::from(portion.name.as_str())), ("share", share(portion.share))])
    });
    let fallback = row.fallback.iter().map(|name| Value::from(name.as_str()));
    Value::map([
        ("endpoints", Value::List(endpoints.collect())),
        ("fallback", Value::List(fallback.collect())),
    ])
}

/// A share as a number, with six decimals where it has many.
pub(super) fn share(share: Share) -> Value {
    Number::parse(&share.to_string()).map_or(Value::Null, Value::Number)
}

/// What the endpoints are.
pub(super) fn targets(targets: &Targets) -> Value {
    let value = |target: &Option<_>| match target {
        Some(target) => Value::List(words(target).into_iter().map(Value::from).collect()),
        None => Value::Unknown,
    };
    Value::map(targets.iter().map(|(name, target)| (name.to_string(), value(target))))
}

/// The record sets by their keys.
pub(super) fn records(sets: &[RecordSet], zone: &ZoneFacts) -> Value {
    Value::map(sets.iter().map(|set| (set.key.to_string(), record(set, zone))))
}

fn record(set: &RecordSet, zone: &ZoneFacts) -> Value {
    let (ttl, values, alias) = match &set.data {
        Data::Values { ttl, values } => {
            let values = values.iter().map(|value| Value::from(value.as_str())).collect();
            (Value::from(i64::from(*ttl)), Value::List(values), Value::Null)
        }
        Data::Alias(target) => {
            let name = target.dns_name.as_written();
            let health = if target.evaluate_target_health { "" } else { ", whatever its health" };
            let place = if target.hosted_zone_id == zone.id {
                String::new()
            } else {
                format!(" in {}", target.hosted_zone_id)
            };
            (Value::Null, Value::Null, Value::from(format!("{name}{place}{health}")))
        }
    };
    let health_check = set.health_check_id.as_ref().map_or(Value::Null, |id| made(&id.0));
    Value::map([
        ("routing", Value::from(routing_words(&set.routing))),
        ("ttl", ttl),
        ("values", values),
        ("alias", alias),
        ("health_check_id", health_check),
    ])
}

/// An id, unknown while it stands for something that is still to be made.
pub(super) fn made(id: &str) -> Value {
    if id.starts_with(STAND_IN) { Value::Unknown } else { Value::from(id) }
}

fn routing_words(routing: &Routing) -> String {
    match routing {
        Routing::Simple => "simple".to_owned(),
        Routing::Weighted(weight) => format!("weighted {weight}"),
        Routing::Latency(region) => format!("latency {}", region.0),
        Routing::Failover(Failover::Primary) => "failover PRIMARY".to_owned(),
        Routing::Failover(Failover::Secondary) => "failover SECONDARY".to_owned(),
        Routing::Geolocation(place) => format!("geolocation {place}"),
        Routing::Geoproximity(at) => {
            let position = match &at.position {
                Position::Region(region) => region.0.clone(),
                Position::LocalZoneGroup(group) => group.clone(),
                Position::Coordinates(at) => format!("{} {}", degrees(at.latitude), degrees(at.longitude)),
            };
            let bias = if at.bias == 0 { String::new() } else { format!(" bias {}", at.bias) };
            format!("geoproximity {position}{bias}")
        }
        Routing::Cidr { location, .. } => format!("cidr {location}"),
        Routing::Multivalue => "multivalue".to_owned(),
    }
}

fn degrees(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100)
}

/// The digest of what is there: record sets, and digests of health checks and ranges, empty where there are none.
pub(super) fn sync(sets: &[RecordSet], checks: &str, ranges: &str) -> String {
    let sets = digest_of_sets(sets);
    if checks.is_empty() && ranges.is_empty() {
        return sets;
    }
    digest_text(&format!("{sets}\n{checks}\n{ranges}"))
}

/// Whether a digest cannot be known, since something is still to be made.
pub(super) fn has_stand_ins(sets: &[RecordSet]) -> bool {
    sets.iter().any(|set| {
        let check = set.health_check_id.as_ref().is_some_and(|id| id.0.starts_with(STAND_IN));
        let collection =
            matches!(&set.routing, Routing::Cidr { collection, .. } if collection.starts_with(STAND_IN));
        check || collection
    })
}

/// What becomes of each set, in words.
pub(super) fn forecast(changes: &[SetChange]) -> BTreeMap<String, String> {
    changes.iter().map(|change| (change.key.to_string(), words_of(&change.kind))).collect()
}

fn words_of(kind: &SetChangeKind) -> String {
    let fields = |fields: &[(&str, String)]| {
        fields.iter().map(|(name, value)| format!("{name} {}", said(value))).collect::<Vec<_>>().join("; ")
    };
    match kind {
        SetChangeKind::Create { to } => format!("create: {}", fields(to)),
        SetChangeKind::Delete { from } => format!("delete: {}", fields(from)),
        SetChangeKind::Update { fields } => {
            let change =
                |(name, from, to): &(&str, String, String)| format!("{name} {} → {}", said(from), said(to));
            format!("update: {}", fields.iter().map(change).collect::<Vec<_>>().join("; "))
        }
    }
}

fn said(value: &str) -> &str {
    match value {
        "" => "none",
        value if value.starts_with(STAND_IN) => "(known after apply)",
        value => value,
    }
}

/// A map of texts as a value.
pub(super) fn texts(texts: BTreeMap<String, String>) -> Value {
    Value::map(texts.into_iter().map(|(key, text)| (key, Value::from(text))))
}

/// The name that a state or plan says.
pub(super) fn name_of(value: &Value) -> Option<RecordName> {
    RecordName::new(Node::root(value).attribute("name").str()?).ok()
}

/// The zone that a state or plan says.
pub(super) fn zone_of(value: &Value) -> Option<String> {
    Node::root(value).attribute("zone_id").str().map(|id| zone_id(id).to_owned())
}

/// What the map shows beside the answers.
pub(super) fn map_file(value: &Value) -> Option<&str> {
    Node::root(value).attribute("map_file").str()
}

/// What findings of a configuration say of its model; for those who have only a state.
pub(super) fn quiet_model(value: &Value) -> Option<Model> {
    model::model(value, &mut tfplugin::Diagnostics::new())
}
