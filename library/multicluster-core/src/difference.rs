//! What differs between two objects, field by field, for humans to read.
//!
//! Invariant: there is a difference if and only if the values are unequal, and a secret's values are in none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::path::{FieldPath, Step, key_step, key_text, list_key};

/// One field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where: `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// Its value before; absent: the field was not there.
    pub from: Option<Value>,
    /// Its value after; absent: the field is gone.
    pub to: Option<Value>,
    hidden: bool,
}

impl Change {
    /// A change whose values may be shown.
    pub fn new(path: impl Into<String>, from: Option<Value>, to: Option<Value>) -> Self {
        Self { path: path.into(), from, to, hidden: false }
    }

    /// Takes the values out, so that only where the change is can be told.
    pub fn hide(&mut self) {
        self.hidden = true;
        for value in [&mut self.from, &mut self.to].into_iter().flatten() {
            *value = Value::Null;
        }
    }
}

/// How many characters of a value are shown.
const SHOWN: usize = 60;

/// What differs, in the order of the fields' names.
///
/// Items of lists are matched by what tells them apart (`name`, `containerPort`, `mountPath`, …) where all items have
/// it, else by place. The values of a Secret are hidden, see [`difference_of_secret`].
///
/// # Examples
/// ```
/// use multicluster_core::difference::difference;
/// use serde_json::json;
///
/// let from = json!({ "spec": { "replicas": 3 } });
/// let to = json!({ "metadata": { "labels": { "tier": "web" } }, "spec": { "replicas": 5 } });
/// let changes: Vec<String> = difference(&from, &to).iter().map(ToString::to_string).collect();
/// assert_eq!(changes, [r#"metadata.labels.tier added "web""#, "spec.replicas 3 → 5"]);
/// ```
#[must_use]
pub fn difference(from: &Value, to: &Value) -> Vec<Change> {
    if is_secret(from) || is_secret(to) {
        return difference_of_secret(from, to);
    }
    let mut changes = Vec::new();
    compare(&FieldPath::default(), from, to, &mut changes);
    changes
}

/// What differs, without any value: `data.password changed`. Present values are [`Value::Null`].
///
/// All fields are hidden, since annotations may repeat the data.
///
/// # Examples
/// ```
/// use multicluster_core::difference::difference_of_secret;
/// use serde_json::json;
///
/// let from = json!({ "data": { "password": "b2xk" } });
/// let to = json!({ "data": { "password": "bmV3" } });
/// assert_eq!(difference_of_secret(&from, &to)[0].to_string(), "data.password changed");
/// ```
#[must_use]
pub fn difference_of_secret(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&FieldPath::default(), from, to, &mut changes);
    changes.iter_mut().for_each(Change::hide);
    changes
}

pub(crate) fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Secret")
}

fn compare(path: &FieldPath, from: &Value, to: &Value, changes: &mut Vec<Change>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let at = path.field(name);
                match (old.get(name), new.get(name)) {
                    (Some(from), Some(to)) => compare(&at, from, to, changes),
                    (from, to) => one_sided(&at, from, to, changes),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => match list_key(&[old, new]) {
            Some(key) => compare_keyed(path, old, new, key, changes),
            None => compare_placed(path, old, new, changes),
        },
        _ if from == to => {}
        _ => changes.push(Change::new(path.to_string(), Some(from.clone()), Some(to.clone()))),
    }
}

/// A field that only one side has: its leaves, so that the path says most.
fn one_sided(path: &FieldPath, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<Change>) {
    if let Some(Value::Object(fields)) = from.or(to)
        && !fields.is_empty()
    {
        for (name, value) in fields {
            one_sided(&path.field(name), from.and(Some(value)), to.and(Some(value)), changes);
        }
    } else {
        changes.push(Change::new(path.to_string(), from.cloned(), to.cloned()));
    }
}

fn compare_keyed(path: &FieldPath, old: &[Value], new: &[Value], key: &[&str], changes: &mut Vec<Change>) {
    let places = |items: &[Value]| -> BTreeMap<Option<Vec<String>>, usize> {
        items.iter().enumerate().map(|(place, item)| (key_text(item, key), place)).collect()
    };
    let (old_places, new_places) = (places(old), places(new));
    let step = |item: &Value, place: usize| path.with(key_step(item, key).unwrap_or(Step::Index(place)));
    let before = changes.len();
    for (place, item) in old.iter().enumerate() {
        let at = step(item, place);
        match new_places.get(&key_text(item, key)).and_then(|place| new.get(*place)) {
            Some(to) => compare(&at, item, to, changes),
            None => changes.push(Change::new(at.to_string(), Some(item.clone()), None)),
        }
    }
    for (place, item) in new.iter().enumerate() {
        if !old_places.contains_key(&key_text(item, key)) {
            changes.push(Change::new(step(item, place).to_string(), None, Some(item.clone())));
        }
    }
    // Items that only changed places: say so where nothing else tells that the lists are unequal.
    if changes.len() == before && old != new {
        let order = |items: &[Value]| Some(items.iter().map(|item| item_name(item, key)).collect());
        changes.push(Change::new(path.to_string(), order(old), order(new)));
    }
}

fn item_name(item: &Value, key: &[&str]) -> Value {
    key.first().and_then(|field| item.get(field)).cloned().unwrap_or(Value::Null)
}

fn compare_placed(path: &FieldPath, old: &[Value], new: &[Value], changes: &mut Vec<Change>) {
    for place in 0..old.len().max(new.len()) {
        let at = path.with(Step::Index(place));
        match (old.get(place), new.get(place)) {
            (Some(from), Some(to)) => compare(&at, from, to, changes),
            (from, to) => changes.push(Change::new(at.to_string(), from.cloned(), to.cloned())),
        }
    }
}

/// `spec.replicas 3 → 5`, `metadata.labels.tier added "web"`, `metadata.labels.tier removed`; a hidden one:
/// `data.password changed`. Long values are cut.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "(all)" } else { &self.path };
        match (&self.from, &self.to) {
            (None, None) => write!(f, "{path} unchanged"),
            (Some(_), None) => write!(f, "{path} removed"),
            (None, Some(_)) if self.hidden => write!(f, "{path} added"),
            (Some(_), Some(_)) if self.hidden => write!(f, "{path} changed"),
            (None, Some(to)) => write!(f, "{path} added {}", shortened(to)),
            (Some(from), Some(to)) => write!(f, "{path} {} → {}", shortened(from), shortened(to)),
        }
    }
}

/// A value in at most 60 characters, for a sentence.
///
/// # Examples
/// ```
/// use multicluster_core::difference::shortened;
///
/// assert_eq!(shortened(&"web".into()), r#""web""#);
/// assert_eq!(shortened(&"long".repeat(20).into()).chars().count(), 60);
/// ```
#[must_use]
pub fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some(_) => text.chars().take(SHOWN - 1).chain(['…']).collect(),
        None => text,
    }
}
