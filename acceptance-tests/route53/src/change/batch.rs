//! The changes of a batch, one after the other.

use std::collections::HashMap;

use super::{
    Action, Change, ZoneContext,
    alias::{self, Removals},
    group, limits, placement, quoted, values,
};
use crate::{
    error::ServiceError,
    model::{Data, RecordSet, RecordSetKey, RecordSets},
};

/// Applies valid changes in their order and returns the sets after them.
///
/// # Errors
/// `InvalidChangeBatch` with the problems of all changes.
pub(super) fn run(context: &ZoneContext, changes: &[Change]) -> Result<RecordSets, ServiceError> {
    let contradictions = contradictions(changes);
    if !contradictions.is_empty() {
        return Err(ServiceError::invalid_change_batch(&contradictions));
    }
    let removals = Removals::of(changes);
    let mut sets = RecordSets::clone(&context.record_sets);
    let mut found = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let problems = match change.action {
            Action::Delete => delete(&change.set, &mut sets, context, (changes, index)).into_iter().collect(),
            Action::Create | Action::Upsert => write(change, &mut sets, context, (&removals, index)),
        };
        found.extend(problems);
    }
    if found.is_empty() && sets.len() > limits::SETS_PER_ZONE && sets.len() > context.record_sets.len() {
        found.push(format!(
            "Number of resource record sets limit of {} exceeded in zone {}.",
            limits::SETS_PER_ZONE,
            context.name
        ));
    }
    found.dedup();
    if found.is_empty() { Ok(sets) } else { Err(ServiceError::invalid_change_batch(&found)) }
}

/// Keys that the batch names more than once otherwise than to replace: a DELETE followed by one CREATE or
/// UPSERT.
fn contradictions(changes: &[Change]) -> Vec<String> {
    let mut actions: HashMap<RecordSetKey, Vec<Action>> = HashMap::new();
    let mut found = Vec::new();
    for change in changes {
        let of_key = actions.entry(change.set.key()).or_default();
        of_key.push(change.action);
        let replaces = matches!(of_key[..], [Action::Delete, Action::Create | Action::Upsert]);
        if of_key.len() > 1 && !replaces {
            found.push(format!(
                "The request contains an invalid set of changes for a resource record set '{} {}'",
                change.set.record_type, change.set.name
            ));
        }
    }
    found
}

fn write(
    change: &Change,
    sets: &mut RecordSets,
    context: &ZoneContext,
    order: (&Removals, usize),
) -> Vec<String> {
    let set = &change.set;
    if let Some(problem) = placement::outside(set, context) {
        return vec![problem];
    }
    let key = set.key();
    let before = sets.remove(&key);
    let found = if before.is_some() && change.action == Action::Create {
        vec![format!("Tried to create {} but it already exists", quoted(&key))]
    } else {
        let mut found = placement::problems(set, sets, context);
        found.extend(group::problems(set, sets, context));
        found.extend(alias::problems(set, sets, context, order));
        found.extend(values::problems(set));
        found
    };
    if found.is_empty() {
        sets.insert(set.clone());
        group::share_ttl(set, sets);
    } else if let Some(before) = before {
        sets.insert(before);
    }
    found
}

fn delete(
    set: &RecordSet,
    sets: &mut RecordSets,
    context: &ZoneContext,
    order: (&[Change], usize),
) -> Option<String> {
    let outside = placement::outside(set, context);
    if outside.is_some() {
        return outside;
    }
    let key = set.key();
    let about = || format!("Tried to delete {}", quoted(&key));
    let Some(current) = sets.get(&key) else {
        return Some(format!("{} but it was not found", about()));
    };
    if !is_same(current, set) {
        return Some(format!("{} but the values provided do not match the current values", about()));
    }
    let indispensable = placement::indispensable(set, context);
    if indispensable.is_some() {
        return indispensable;
    }
    let removed = sets.remove(&key)?;
    let orphan = alias::orphan(set, sets, context, order);
    if orphan.is_some() {
        sets.insert(removed);
    }
    orphan
}

/// Whether a DELETE repeats the set: everything, with the values in any order.
fn is_same(current: &RecordSet, given: &RecordSet) -> bool {
    let (Data::Records { ttl: a, values: x }, Data::Records { ttl: b, values: y }) =
        (&current.data, &given.data)
    else {
        return current == given;
    };
    let sorted = |values: &[String]| {
        let mut values = values.to_vec();
        values.sort_unstable();
        values
    };
    let rest =
        |set: &RecordSet| RecordSet { data: Data::Records { ttl: 0, values: Vec::new() }, ..set.clone() };
    a == b && sorted(x) == sorted(y) && rest(current) == rest(given)
}
