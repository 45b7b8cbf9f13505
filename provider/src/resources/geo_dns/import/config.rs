//! What was found in a zone as users would have written it.

use std::collections::BTreeMap;

use multicluster_core::dns::{Endpoint, EndpointState, Place};
use multicluster_core::route53::Target;
use multicluster_core::route53::import::Imported;
use tfplugin::{Number, Value};

use super::super::schema::DEFAULT_TTL;

/// The attributes that decide who is answered by whom. What is as it would be anyway is left out.
pub(super) fn config(found: &Imported) -> Value {
    let intent = &found.intent;
    let endpoints = intent
        .endpoints
        .iter()
        .map(|(name, endpoint)| (name.to_string(), endpoint_of(endpoint, found.targets.get(name))));
    Value::map([
        ("policy", Value::from(intent.policy.name())),
        ("within", Value::from(intent.within.name())),
        ("default", intent.default.as_ref().map_or(Value::Null, |name| name.as_str().into())),
        ("ttl", Value::from(found.ttl.map_or(DEFAULT_TTL, i64::from))),
        ("endpoints", Value::map(endpoints)),
    ])
}

fn endpoint_of(endpoint: &Endpoint, target: Option<&Target>) -> Value {
    let plain = Endpoint::default();
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    let mut continents = Vec::new();
    let mut countries = Vec::new();
    let mut subdivisions = Vec::new();
    for place in &endpoint.places {
        match place {
            Place::Everywhere => {}
            Place::Continent(continent) => continents.push(continent.code().to_owned()),
            Place::Country(country) => countries.push(country.code().to_owned()),
            Place::Subdivision(subdivision) => subdivisions.push(subdivision.to_string()),
        }
    }
    let cidrs = endpoint.cidrs.iter().map(ToString::to_string).collect();
    let instead = endpoint.on_unhealthy.iter().map(ToString::to_string).collect();
    let lists = [
        ("continents", continents),
        ("countries", countries),
        ("subdivisions", subdivisions),
        ("cidrs", cidrs),
        ("on_unhealthy", instead),
    ];
    values.extend(lists.into_iter().filter(|(_, it)| !it.is_empty()).map(|(name, it)| (name, list(it))));
    if let Some(region) = &endpoint.latency_region {
        values.insert("latency_region", region.0.as_str().into());
    }
    if let Some(at) = endpoint.coordinates {
        let place = [("latitude", degrees(at.latitude)), ("longitude", degrees(at.longitude))];
        values.insert("coordinates", Value::map(place));
    }
    if endpoint.bias != plain.bias {
        values.insert("bias", i64::from(endpoint.bias).into());
    }
    if endpoint.weight != plain.weight {
        values.insert("weight", i64::from(endpoint.weight).into());
    }
    if endpoint.priority != plain.priority {
        values.insert("priority", i64::from(endpoint.priority).into());
    }
    match endpoint.state {
        EndpointState::Active => {}
        EndpointState::Standby => drop(values.insert("state", "standby".into())),
        EndpointState::Drained => drop(values.insert("state", "drained".into())),
    }
    values.extend(target.map(target_of));
    Value::map(values)
}

fn target_of(target: &Target) -> (&'static str, Value) {
    match target {
        Target::Addresses { .. } => {
            ("values", list(target.addresses().map(|address| address.to_string()).collect()))
        }
        Target::Hostname(name) => ("hostname", name.as_written().into()),
        Target::Alias { hosted_zone_id, dns_name, evaluate_target_health, .. } => {
            let name = dns_name.as_written();
            // A name from which all the rest follows is said by itself.
            if Target::of_hostname(&name, None).is_ok_and(|it| it == *target) {
                return ("hostname", name.into());
            }
            let alias = [
                ("dns_name", Value::from(name)),
                ("hosted_zone_id", Value::from(hosted_zone_id.as_str())),
                ("evaluate_target_health", Value::from(*evaluate_target_health)),
            ];
            ("alias", Value::map(alias))
        }
    }
}

fn list(texts: Vec<String>) -> Value {
    Value::List(texts.into_iter().map(Value::from).collect())
}

fn degrees(hundredths: i32) -> Value {
    let sign = if hundredths < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    Number::parse(&text).map_or(Value::Null, Value::Number)
}
