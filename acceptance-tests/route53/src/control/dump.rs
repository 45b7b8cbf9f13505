//! What the emulator knows, as JSON.

use serde_json::{Value, json};

use super::routes::ControlError;
use crate::{
    api::Service,
    model::{RawRecordSet, RecordSet, RecordSets, State, Zone},
};

pub(super) fn state(service: &Service) -> Value {
    let now = service.store.now();
    service.store.read(|state| {
        let zone = |zone: &Zone| {
            json!({
                "id": zone.id,
                "name": zone.name,
                "private": zone.private,
                "comment": zone.comment,
                "vpcs": zone.vpcs,
                "record_sets": raw(&zone.record_sets),
            })
        };
        let changes = state.changes.values().map(|change| {
            json!({"id": change.id, "status": change.status(now).as_str(), "comment": change.comment})
        });
        json!({
            "zones": state.zones.iter().map(zone).collect::<Vec<_>>(),
            "health_checks": state.health_checks.values().collect::<Vec<_>>(),
            "collections": state.collections.values().map(AsRef::as_ref).collect::<Vec<_>>(),
            "tags": tags(state),
            "changes": changes.collect::<Vec<_>>(),
            "health": state.world,
        })
    })
}

fn tags(state: &State) -> Vec<Value> {
    let tags = state.tags.iter().filter(|(_, tags)| !tags.is_empty());
    tags.map(|((kind, id), tags)| json!({"type": kind, "id": id, "tags": tags})).collect()
}

/// What was said about endpoints and load balancers, and what every health check makes of it.
pub(super) fn health(service: &Service) -> Value {
    let snapshot = service.store.snapshot();
    let status = |id: &String| (id.clone(), json!(snapshot.check_health(id)));
    let statuses: serde_json::Map<String, Value> = snapshot.health_checks.keys().map(status).collect();
    json!({"checks": snapshot.world.checks, "targets": snapshot.world.targets, "statuses": statuses})
}

/// The sets of a zone, or those that the name servers have.
pub(super) fn record_sets(service: &Service, id: &str, published: bool) -> Result<Value, ControlError> {
    let missing = || ControlError::NotFound(format!("hosted zone {id}"));
    let sets = if published {
        service.store.snapshot().zone(id).map(|zone| raw(&zone.record_sets))
    } else {
        service.store.read(|state| state.zone(id).map(|zone| raw(&zone.record_sets)))
    };
    sets.map(|sets| json!(sets)).ok_or_else(missing)
}

fn raw(sets: &RecordSets) -> Vec<RawRecordSet> {
    sets.iter().map(RecordSet::to_raw).collect()
}
