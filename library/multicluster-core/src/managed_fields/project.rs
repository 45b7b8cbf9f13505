//! The owned part of a live object as a value of its own.

use serde_json::{Map, Value};

use super::tree::{Tree, is_item};

/// What `mine` owns of a live value; `None` where nothing of it is there (any more). `all` is what any manager owns
/// of it.
pub(super) fn project(live: &Value, mine: &Tree, all: &Tree) -> Option<Value> {
    if mine.is_whole(Some(all)) {
        return Some(live.clone());
    }
    match live {
        Value::Object(fields) => {
            let owned: Map<String, Value> = mine
                .fields
                .iter()
                .filter_map(|(name, below)| {
                    let part = project(fields.get(name)?, below, all.fields.get(name).unwrap_or(below))?;
                    Some((name.clone(), part))
                })
                .collect();
            (mine.itself || !owned.is_empty()).then_some(Value::Object(owned))
        }
        Value::Array(items) => {
            let owned: Vec<Value> = items
                .iter()
                .enumerate()
                .filter_map(|(place, item)| {
                    let (_, below) = mine.items.iter().find(|(step, _)| is_item(step, item, place))?;
                    project(item, below, all.item(item, place).unwrap_or(below))
                })
                .collect();
            (mine.itself || !owned.is_empty()).then_some(Value::Array(owned))
        }
        // Once a mapping or list, now a plain value or null: whoever wrote it owns it.
        _ => None,
    }
}
