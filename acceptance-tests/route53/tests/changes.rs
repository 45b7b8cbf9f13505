//! The batches of `vectors/route53-changes.json`, which somebody else wrote from the documentation, through
//! [`apply`].

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use route53_emulator::{
    ServiceError,
    change::{RawChange, ZoneContext, apply},
    model::{CidrBlock, CidrCollection, Data, Name, RawRecordSet, RecordSet, RecordSets},
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    zone: Zone,
    #[serde(default)]
    health_checks: BTreeSet<String>,
    #[serde(default)]
    cidr_collections: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    before: Value,
    batch: Value,
    expect: Expect,
}

#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
    private: bool,
}

#[derive(Deserialize)]
struct Expect {
    ok: bool,
    #[serde(default)]
    after: Value,
    code: Option<String>,
    #[serde(default)]
    code_alternatives: Vec<String>,
    #[serde(default)]
    message_contains: Vec<String>,
}

#[test]
fn every_batch_has_the_outcome_of_its_rule() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/route53-changes.json")).unwrap();
    assert_eq!(vectors.cases.len(), 177);
    let failures: Vec<String> = vectors.cases.into_iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

fn check(case: Case) -> Result<(), String> {
    let id = case.id;
    let context = ZoneContext {
        id: case.zone.id,
        name: Name::parse(&case.zone.name).unwrap(),
        private: case.zone.private,
        record_sets: Arc::new(sets(&case.before)),
        health_checks: case.health_checks,
        collections: case.cidr_collections.into_iter().map(collection).collect(),
    };
    let batch: Vec<RawChange> =
        expanded(&case.batch).into_iter().map(|change| serde_json::from_value(change).unwrap()).collect();
    let outcome = apply(&context, &batch);
    match outcome {
        Ok(after) if case.expect.ok => {
            let (after, expected) = (comparable(&after), comparable(&sets(&case.expect.after)));
            if after == expected {
                Ok(())
            } else {
                Err(format!("{id}: expected {expected:?}, found {after:?}"))
            }
        }
        Ok(_) => Err(format!("{id}: accepted")),
        Err(error) if case.expect.ok => Err(format!("{id}: refused: {error}")),
        Err(error) => refused(&id, &case.expect, &error),
    }
}

fn refused(id: &str, expect: &Expect, error: &ServiceError) -> Result<(), String> {
    let code = error.code.as_str();
    if expect.code.as_deref() != Some(code) && !expect.code_alternatives.iter().any(|other| other == code) {
        return Err(format!("{id}: expected {:?}, found {error}", expect.code));
    }
    match expect.message_contains.iter().find(|text| !error.message.contains(*text)) {
        Some(text) => Err(format!("{id}: no `{text}` in `{}`", error.message)),
        None => Ok(()),
    }
}

fn comparable(sets: &RecordSets) -> Vec<RecordSet> {
    let sorted = |set: &RecordSet| {
        let mut set = set.clone();
        if let Data::Records { values, .. } = &mut set.data {
            values.sort_unstable();
        }
        set
    };
    sets.iter().map(sorted).collect()
}

fn collection((id, locations): (String, BTreeMap<String, Vec<String>>)) -> (String, Arc<CidrCollection>) {
    let blocks = |blocks: Vec<String>| blocks.iter().map(|block| CidrBlock::parse(block).unwrap()).collect();
    let locations = locations.into_iter().map(|(name, list)| (name, blocks(list))).collect();
    let collection = CidrCollection {
        id: id.clone(),
        name: id.clone(),
        version: 1,
        caller_reference: id.clone(),
        locations,
    };
    (id, Arc::new(collection))
}

fn sets(list: &Value) -> RecordSets {
    expanded(list)
        .into_iter()
        .map(|set| {
            let raw: RawRecordSet = serde_json::from_value(set).unwrap();
            RecordSet::from_raw(&raw).unwrap()
        })
        .collect()
}

/// Replaces the generators of a list, and of the lists of values in it, by what they stand for.
fn expanded(list: &Value) -> Vec<Value> {
    let elements = list.as_array().cloned().unwrap_or_default();
    elements.into_iter().flat_map(generated).map(with_values).collect()
}

fn generated(element: Value) -> Vec<Value> {
    let Some(generator) = element.get("generate") else { return vec![element] };
    let number = |name: &str| generator[name].as_u64().unwrap();
    (number("start")..number("start") + number("count"))
        .map(|index| filled(&generator["template"], index))
        .collect()
}

fn with_values(mut element: Value) -> Value {
    for pointer in ["/ResourceRecords", "/ResourceRecordSet/ResourceRecords"] {
        if let Some(records) = element.pointer_mut(pointer) {
            *records = records.as_array().unwrap().iter().cloned().flat_map(generated).collect();
        }
    }
    element
}

fn filled(template: &Value, index: u64) -> Value {
    match template {
        Value::String(text) => Value::String(filled_text(text, index)),
        // The index of an inner generator is its own.
        Value::Object(fields) if fields.contains_key("generate") => template.clone(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, index))).collect()
        }
        Value::Array(list) => list.iter().map(|value| filled(value, index)).collect(),
        other => other.clone(),
    }
}

fn filled_text(text: &str, index: u64) -> String {
    let address = format!("10.{}.{}.{}", (index >> 16) & 255, (index >> 8) & 255, index & 255);
    let text = text.replace("{i}", &index.to_string()).replace("{ip}", &address);
    let Some((before, rest)) = text.split_once("{txt:") else { return text };
    let (length, after) = rest.split_once('}').unwrap();
    format!("{before}{}{after}", quoted_text(length.parse().unwrap()))
}

/// A TXT value of exactly this many characters.
fn quoted_text(length: usize) -> String {
    const STRING: usize = 255 + 2 + 1;
    let full = length / STRING;
    let rest = length % STRING;
    let mut strings = vec![format!("\"{}\"", "x".repeat(255)); full];
    assert!(rest > 2, "a text of {length} characters cannot be written");
    strings.push(format!("\"{}\"", "x".repeat(rest - 2)));
    strings.join(" ")
}
