//! Puts record sets into a zone quickly and past all rules, for tests of large or of broken zones.

use serde::Deserialize;
use serde_json::{Value, json};

use super::routes::ControlError;
use crate::{
    api::Service,
    model::{RawRecordSet, RecordSet, RecordSets},
};

/// Most sets of one request, so that a slip of the finger does not fill the memory.
const COUNT_MAX: u32 = 100_000;

/// Sets as they are, copies of a template, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Seed {
    record_sets: Vec<RawRecordSet>,
    generate: Option<Generate>,
}

/// Copies of a set in whose texts `{i}` is the number of the copy and `{ip}` an address of 10.0.0.0/8 with that
/// number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    count: u32,
    #[serde(default)]
    start: u32,
    template: Value,
}

pub(super) fn record_sets(service: &Service, id: &str, seed: Seed) -> Result<Value, ControlError> {
    let mut raw = seed.record_sets;
    if let Some(generate) = seed.generate {
        if generate.count > COUNT_MAX {
            return Err(ControlError::Refused(format!("more than {COUNT_MAX} record sets")));
        }
        let numbers = (0..generate.count).map(|number| generate.start.saturating_add(number));
        let copies = numbers.map(|number| serde_json::from_value(filled(&generate.template, number)));
        raw.extend(copies.collect::<Result<Vec<RawRecordSet>, _>>().map_err(ControlError::refused)?);
    }
    let sets =
        raw.iter().map(RecordSet::from_raw).collect::<Result<Vec<_>, _>>().map_err(ControlError::refused)?;
    let now = service.store.now();
    let count = sets.len();
    service.store.write(|state| {
        let zone = state.zone(id).ok_or_else(|| ControlError::NotFound(format!("hosted zone {id}")))?;
        let mut all = RecordSets::clone(&zone.record_sets);
        for set in sets {
            all.insert(set);
        }
        state.replace_sets(id, all, now);
        Ok(json!({"count": count}))
    })
}

fn filled(template: &Value, number: u32) -> Value {
    let address = std::net::Ipv4Addr::from_bits((10 << 24) | (number & 0x00ff_ffff));
    match template {
        Value::String(text) => {
            Value::String(text.replace("{i}", &number.to_string()).replace("{ip}", &address.to_string()))
        }
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, number))).collect()
        }
        Value::Array(list) => list.iter().map(|value| filled(value, number)).collect(),
        other => other.clone(),
    }
}
