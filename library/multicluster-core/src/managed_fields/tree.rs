//! The set of fields in a `fieldsV1` record.
//!
//! The record is a mapping whose keys are steps: `f:name` is a field, `k:{…}` the item of a list with these key
//! fields, `v:…` the item of a list of plain values, `i:N` the item at a place, and `.` the field itself. A step that
//! leads to `{}` is owned itself, with all that is in it unless somebody owns single fields there (then it was
//! applied as an empty mapping).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::path::Step;

/// Deeper records own nothing below this. No served type nests as deep, and each level costs stack.
const DEEPEST: usize = 128;

/// Owned fields below one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tree {
    /// Whether the place itself is owned.
    pub(super) itself: bool,
    /// What is owned of its fields.
    pub(super) fields: BTreeMap<String, Self>,
    /// What is owned of its items.
    pub(super) items: Vec<(Step, Self)>,
}

impl Tree {
    /// Reads a record; what is malformed in it is left out.
    pub(super) fn read(fields: &Value) -> Self {
        // The root is no field: an empty record owns nothing.
        Self { itself: false, ..Self::read_below(fields, 0) }
    }

    fn read_below(fields: &Value, depth: usize) -> Self {
        let Some(fields) = fields.as_object() else { return Self::default() };
        let mut tree = Self { itself: fields.is_empty(), ..Self::default() };
        for (key, below) in fields {
            if key == "." {
                tree.itself = true;
            } else if let Some(step) = read_step(key)
                && depth < DEEPEST
            {
                let below = Self::read_below(below, depth + 1);
                match step {
                    Step::Field(name) => drop(tree.fields.insert(name, below)),
                    item => tree.items.push((item, below)),
                }
            }
        }
        tree
    }

    /// Whether nothing below this place is owned.
    pub(super) fn is_bare(&self) -> bool {
        self.fields.is_empty() && self.items.is_empty()
    }

    /// Whether everything at this place is owned; `all` is what any manager owns of it.
    pub(super) fn is_whole(&self, all: Option<&Self>) -> bool {
        self.itself && self.is_bare() && all.is_none_or(Self::is_bare)
    }

    /// Adds what another tree owns.
    pub(super) fn merge(&mut self, other: &Self) {
        self.itself |= other.itself;
        for (name, below) in &other.fields {
            self.fields.entry(name.clone()).or_default().merge(below);
        }
        for (step, below) in &other.items {
            match self.items.iter_mut().find(|(known, _)| known == step) {
                Some((_, known)) => known.merge(below),
                None => self.items.push((step.clone(), below.clone())),
            }
        }
    }

    /// What is owned of the item of a list.
    pub(super) fn item(&self, item: &Value, place: usize) -> Option<&Self> {
        self.items.iter().find(|(step, _)| is_item(step, item, place)).map(|(_, below)| below)
    }

    /// What is owned one step further. The live value gives the key fields of an item that the step leaves out;
    /// where the item is gone, a record can still tell its steps.
    pub(super) fn below(&self, live: Option<&Value>, step: &Step) -> Option<&Self> {
        if let Step::Field(name) = step {
            return self.fields.get(name);
        }
        match live.and_then(|list| find_item(list, step)) {
            Some((place, item)) => self.item(item, place),
            None => self.items.iter().find(|(known, _)| known == step).map(|(_, below)| below),
        }
    }

    /// Whether the field at the end of a path is owned, by itself or with all around it; `all` is what any manager
    /// owns.
    pub(super) fn owns(&self, all: &Self, live: Option<&Value>, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else { return self.itself };
        if self.is_whole(Some(all)) {
            return true;
        }
        self.below(live, step).is_some_and(|below| {
            let live_below = live.and_then(|live| match step {
                Step::Field(name) => live.get(name),
                item => find_item(live, item).map(|(_, value)| value),
            });
            below.owns(all.below(live, step).unwrap_or(below), live_below, rest)
        })
    }
}

/// Whether a step leads to this item of a list.
pub(super) fn is_item(step: &Step, item: &Value, place: usize) -> bool {
    match step {
        Step::Field(_) => false,
        Step::Key(fields) => {
            !fields.is_empty() && fields.iter().all(|(name, value)| item.get(name) == Some(value))
        }
        Step::Value(value) => value == item,
        Step::Index(index) => *index == place,
    }
}

/// The item of a list that a step leads to.
pub(super) fn find_item<'a>(list: &'a Value, step: &Step) -> Option<(usize, &'a Value)> {
    list.as_array()?.iter().enumerate().find(|(place, item)| is_item(step, item, *place))
}

fn read_step(key: &str) -> Option<Step> {
    let (kind, rest) = key.split_once(':')?;
    match kind {
        "f" => Some(Step::Field(rest.to_owned())),
        "k" => match serde_json::from_str(rest).ok()? {
            Value::Object(fields) => Some(Step::Key(fields.into_iter().collect())),
            _ => None,
        },
        "v" => serde_json::from_str(rest).ok().map(Step::Value),
        "i" => rest.parse().ok().map(Step::Index),
        _ => None,
    }
}
