//! Decisions about batches that wait to be sent: which go together, which of them a refusal is about, and whether one
//! took effect whose answer was lost.
//!
//! A unit is one atomic batch of a plan. Units of several names travel in one request, which then is atomic as a
//! whole: it takes effect for all of them or for none.

use std::collections::BTreeSet;

use multicluster_core::route53::{Action, Batch, Change, RecordSet, RecordType, SetKey};

/// The first label of an owner's mark.
const OWNER_LABEL: &str = "_mc-owner.";

/// How many of the waiting units, from the first on, go into one request: as many as fit and do not touch the same
/// sets. The first always goes, so that the service says what is wrong with one that is too large.
pub(super) fn together(units: &[&Batch]) -> usize {
    let Some((first, rest)) = units.split_first() else {
        return 0;
    };
    let mut size = first.size();
    let mut touched: BTreeSet<_> = groups(first).collect();
    for (index, unit) in rest.iter().enumerate() {
        size = size + unit.size();
        if !size.fits() || groups(unit).any(|group| touched.contains(&group)) {
            return index + 1;
        }
        touched.extend(groups(unit));
    }
    units.len()
}

/// The names and types that a unit touches: rules hold for them as a whole, whatever the identifiers.
fn groups(unit: &Batch) -> impl Iterator<Item = (&str, &RecordType)> {
    unit.changes.iter().map(|change| (change.set.key.name.as_str(), &change.set.key.r#type))
}

/// Which of several units the service's words are about, by the names in them; none if that cannot be told.
pub(super) fn suspects(units: &[&Batch], messages: &[String]) -> BTreeSet<usize> {
    let is_named = |unit: &Batch| {
        let named = |name: &str| messages.iter().any(|message| mentions(message, name));
        unit.changes.iter().any(|change| named(change.set.key.name.as_str()))
    };
    units.iter().enumerate().filter(|(_, unit)| is_named(unit)).map(|(index, _)| index).collect()
}

/// Whether a name stands in a text, and not only as the end of a longer one.
fn mentions(text: &str, name: &str) -> bool {
    let within_name = |character: char| character.is_ascii_alphanumeric() || "-_.\\".contains(character);
    text.match_indices(name).any(|(at, _)| !text.get(..at).unwrap_or_default().ends_with(within_name))
}

/// Whether a refusal says that the zone is not what the plan was made from.
pub(super) fn says_changed(messages: &[String]) -> bool {
    const WORDS: [&str; 3] = [
        "but it already exists",
        "but it was not found",
        "but the values provided do not match the current values",
    ];
    messages.iter().any(|message| WORDS.iter().any(|words| message.contains(words)))
}

/// The set by which one sees whether a unit took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evidence<'a> {
    pub(super) key: &'a SetKey,
    /// As it was, if the unit says so.
    before: Option<Option<&'a RecordSet>>,
    /// As it is once the unit took effect.
    pub(super) after: Option<&'a RecordSet>,
}

/// What became of a unit whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    NotDone,
    /// Somebody else has changed the set since.
    Overtaken,
}

impl<'a> Evidence<'a> {
    /// The owner's mark where the unit replaces one, since its generation occurs only once; else any set that is not
    /// afterwards what it was before.
    pub(super) fn of(unit: &'a Batch) -> Option<Self> {
        let about = unit.changes.iter().map(|change| Self::about(unit, &change.set.key));
        let mut evidence: Vec<Self> = about.filter(|it| it.before != Some(it.after)).collect();
        // Of two marks, when a name moves, that which stays.
        evidence.sort_by_key(|it| (!is_mark(it.key), it.after.is_none()));
        evidence.into_iter().next()
    }

    /// The owner's mark that the unit removes, with all that it stands for.
    pub(super) fn removed_mark(&self) -> Option<&'a RecordSet> {
        let before = self.before.flatten().filter(|_| is_mark(self.key));
        before.filter(|_| self.after.is_none())
    }

    fn about(unit: &'a Batch, key: &'a SetKey) -> Self {
        let mut changes = unit.changes.iter().filter(|change| change.set.key == *key);
        let first = changes.next();
        let last = changes.next_back().or(first);
        let before = first.and_then(|Change { action, set }| match action {
            Action::Create => Some(None),
            Action::Delete => Some(Some(set)),
            Action::Upsert => None,
        });
        let after = last.filter(|change| change.action != Action::Delete).map(|change| &change.set);
        Self { key, before, after }
    }

    /// Compares with what is there now.
    pub(super) fn judge(&self, now: Option<&RecordSet>) -> Verdict {
        if now == self.after {
            Verdict::Done
        } else if self.before.is_none_or(|before| now == before) {
            Verdict::NotDone
        } else {
            Verdict::Overtaken
        }
    }
}

fn is_mark(key: &SetKey) -> bool {
    key.r#type == RecordType::txt() && key.name.as_str().starts_with(OWNER_LABEL)
}

#[cfg(test)]
#[path = "unit/tests.rs"]
mod tests;
