//! The operations of an override, as KubeFed carries them out.
//!
//! KubeFed's patches are RFC 6902 but for three liberties that repositories came to rely on: `replace` sets a field of
//! a mapping that is not there yet, a negative index counts from the end of a list, and an absent value is null.

use serde_json::{Map, Value};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

/// Why an operation cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("the object has nothing at the place above it")]
    NoParent,
    #[error("the object has no such field to remove")]
    NoField,
    #[error("the list has no such item")]
    NoItem,
    #[error("an item of a list is named by its number, or by `-` for `add` at the end")]
    NotAnIndex,
}

/// Carries out one operation. `path` is a JSON pointer with at least one step.
pub(super) fn apply(object: &mut Value, op: Op, path: &str, value: &Value) -> Result<(), Failure> {
    let mut steps: Vec<String> = path.split('/').skip(1).map(unescape).collect();
    let Some(last) = steps.pop() else { return Err(Failure::NoParent) };
    let mut at = object;
    for step in &steps {
        at = match at {
            Value::Object(fields) => fields.get_mut(step.as_str()),
            Value::Array(items) => existing(items, step).ok().and_then(|index| items.get_mut(index)),
            _ => None,
        }
        .ok_or(Failure::NoParent)?;
    }
    match at {
        Value::Object(fields) => in_mapping(fields, op, last, value),
        Value::Array(items) => in_list(items, op, &last, value),
        _ => Err(Failure::NoParent),
    }
}

fn in_mapping(fields: &mut Map<String, Value>, op: Op, name: String, value: &Value) -> Result<(), Failure> {
    match op {
        Op::Add | Op::Replace => drop(fields.insert(name, value.clone())),
        Op::Remove => drop(fields.remove(&name).ok_or(Failure::NoField)?),
    }
    Ok(())
}

fn in_list(items: &mut Vec<Value>, op: Op, step: &str, value: &Value) -> Result<(), Failure> {
    match op {
        Op::Add if step == "-" => items.push(value.clone()),
        // One more than there are: an item may be added after the last one, and -1 is that place.
        Op::Add => items.insert(place(step, items.len() + 1)?, value.clone()),
        Op::Replace => {
            let index = existing(items, step)?;
            *items.get_mut(index).ok_or(Failure::NoItem)? = value.clone();
        }
        Op::Remove => drop(items.remove(existing(items, step)?)),
    }
    Ok(())
}

fn existing(items: &[Value], step: &str) -> Result<usize, Failure> {
    place(step, items.len())
}

/// The place in a list of this length that a step means.
fn place(step: &str, length: usize) -> Result<usize, Failure> {
    let (from_end, digits) = match step.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, step),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::NotAnIndex);
    }
    let number: usize = digits.parse().map_err(|_| Failure::NoItem)?;
    let place = if from_end && number > 0 { length.checked_sub(number) } else { Some(number) };
    place.filter(|place| *place < length).ok_or(Failure::NoItem)
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Whether two JSON pointers are the same place or one is above the other.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let above = |upper: &str, lower: &str| {
        lower.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    above(one, other) || above(other, one)
}
