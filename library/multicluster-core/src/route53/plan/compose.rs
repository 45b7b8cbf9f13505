//! One batch: what it holds beside what changes, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use crate::route53::change::Change;
use crate::route53::record_set::{Data, RecordName, RecordSet, RecordType, SetKey};

/// All sets of a name and type.
pub(super) type Group = (RecordName, RecordType);

/// Sets by key.
pub(super) type Sets = BTreeMap<SetKey, RecordSet>;

/// What one batch removes and makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Removed, or replaced if it is also made.
    pub(super) delete: BTreeSet<SetKey>,
    /// Made.
    pub(super) create: Sets,
}

impl Step {
    /// This one and another at once.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.delete.extend(other.delete.iter().cloned());
        both.create.extend(other.create.iter().map(|(key, set)| (key.clone(), set.clone())));
        both
    }
}

pub(super) fn group_of(key: &SetKey) -> Group {
    (key.name.clone(), key.r#type.clone())
}

/// The group of the zone that a set points at, if it is one of these.
fn target_of(set: &RecordSet) -> Option<Group> {
    match &set.data {
        Data::Alias(alias) => Some((alias.dns_name.clone(), set.key.r#type.clone())),
        Data::Values { .. } => None,
    }
}

/// How many aliases lead on from each group, at most: 0 for one of values.
///
/// The longest path, by relaxation. Sets that were made by hand may point in a circle: then it ends after as many rounds
/// as there are groups.
pub(super) fn depths(sets: &Sets) -> BTreeMap<Group, usize> {
    let mut depths: BTreeMap<Group, usize> = sets.keys().map(|key| (group_of(key), 0)).collect();
    let edges: BTreeSet<(Group, Group)> =
        sets.values().filter_map(|set| Some((group_of(&set.key), target_of(set)?))).collect();
    for _ in 0..depths.len() {
        let mut changed = false;
        for (from, to) in &edges {
            let below = depths.get(to).map_or(0, |depth| depth + 1);
            if let Some(depth) = depths.get_mut(from)
                && *depth < below
            {
                *depth = below;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    depths
}

/// The changes of a step on the sets that stand, in order: what points at others is deleted first and made last.
///
/// A set that stays, but points at a group of which all sets are replaced, is deleted and made again, as it is. Without
/// it there would be a moment within the batch in which it points at nothing.
pub(super) fn changes(standing: &Sets, step: &Step) -> Vec<Change> {
    let step = with_referrers(standing, step);
    let before = depths(standing);
    let after = depths(&applied(standing, &step));
    let depth =
        |depths: &BTreeMap<Group, usize>, key: &SetKey| depths.get(&group_of(key)).copied().unwrap_or(0);

    let mut deletes: Vec<&RecordSet> = step.delete.iter().filter_map(|key| standing.get(key)).collect();
    deletes.sort_by_key(|set| (std::cmp::Reverse(depth(&before, &set.key)), &set.key));
    let mut creates: Vec<&RecordSet> = step.create.values().collect();
    creates.sort_by_key(|set| (depth(&after, &set.key), &set.key));
    let deletes = deletes.into_iter().cloned().map(Change::delete);
    deletes.chain(creates.into_iter().cloned().map(Change::create)).collect()
}

/// What stands after a step.
pub(super) fn applied(standing: &Sets, step: &Step) -> Sets {
    let kept = standing.iter().filter(|(key, _)| !step.delete.contains(*key));
    let mut after: Sets = kept.map(|(key, set)| (key.clone(), set.clone())).collect();
    after.extend(step.create.iter().map(|(key, set)| (key.clone(), set.clone())));
    after
}

fn with_referrers(standing: &Sets, step: &Step) -> Step {
    let mut step = step.clone();
    loop {
        let staying: BTreeSet<Group> =
            standing.keys().filter(|key| !step.delete.contains(*key)).map(group_of).collect();
        let emptied: BTreeSet<Group> =
            step.delete.iter().map(group_of).filter(|group| !staying.contains(group)).collect();
        let touched: Vec<&RecordSet> = standing
            .values()
            .filter(|set| !step.delete.contains(&set.key))
            .filter(|set| target_of(set).is_some_and(|target| emptied.contains(&target)))
            .collect();
        if touched.is_empty() {
            return step;
        }
        for set in touched {
            step.delete.insert(set.key.clone());
            step.create.insert(set.key.clone(), set.clone());
        }
    }
}
