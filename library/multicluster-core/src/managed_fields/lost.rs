//! Which applied fields a manager lost to somebody else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::tree::{Tree, find_item, is_item};
use super::{Entry, all_trees, applied_tree, entries, owners_in};
use crate::difference::is_secret;
use crate::path::{FieldPath, Step, key_step, list_key};

/// A field that was applied and is no longer owned: somebody changed or removed it.
#[derive(Clone, Debug, PartialEq)]
pub struct LostField {
    /// Where, for humans: `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// The same for code.
    pub at: FieldPath,
    /// Its value now; absent: it is gone. Values of a Secret are [`Value::Null`].
    pub live: Option<Value>,
    /// Who owns it now. Empty where the field is gone.
    pub owners: Vec<String>,
}

/// The fields of `desired`, as it was rendered and applied, that `manager` no longer owns in `live`.
///
/// Values are not compared, so defaulting and normalisation by the server are no loss. Not looked at are fields that
/// no manager ever owns (`apiVersion`, `kind`, `metadata.name`, …), `status`, nulls, and empty mappings and lists
/// unless somebody else owns all of them: servers drop all of these silently.
///
/// # Examples
/// ```
/// use multicluster_core::managed_fields::lost;
/// use serde_json::json;
///
/// let desired = json!({ "spec": { "replicas": 3, "paused": false } });
/// let live = json!({
///     "metadata": { "managedFields": [
///         { "manager": "us", "operation": "Apply", "fieldsV1": { "f:spec": { "f:paused": {} } } },
///         { "manager": "kubectl", "operation": "Update", "fieldsV1": { "f:spec": { "f:replicas": {} } } }
///     ] },
///     "spec": { "replicas": 5, "paused": false }
/// });
/// let lost = lost(&desired, &live, "us");
/// assert_eq!(lost.len(), 1);
/// assert_eq!((lost[0].path.as_str(), &lost[0].live), ("spec.replicas", &Some(json!(5))));
/// assert_eq!(lost[0].owners, ["kubectl"]);
/// ```
#[must_use]
pub fn lost(desired: &Value, live: &Value, manager: &str) -> Vec<LostField> {
    let entries = entries(live);
    let mine = applied_tree(&entries, manager).unwrap_or_default();
    let all = all_trees(&entries);
    let mut search = Search { entries: &entries, all: &all, live, found: Vec::new() };
    search.visit(&FieldPath::default(), desired, At { live: Some(live), mine: Some(&mine), all: Some(&all) });
    if is_secret(desired) || is_secret(live) {
        for field in &mut search.found {
            field.live = field.live.as_ref().map(|_| Value::Null);
        }
    }
    search.found
}

struct Search<'a> {
    entries: &'a [Entry<'a>],
    all: &'a Tree,
    live: &'a Value,
    found: Vec<LostField>,
}

/// What there is at one place of the live object.
#[derive(Clone, Copy)]
struct At<'a> {
    /// The value.
    live: Option<&'a Value>,
    /// What the manager owns of it.
    mine: Option<&'a Tree>,
    /// What any manager owns of it.
    all: Option<&'a Tree>,
}

impl<'a> At<'a> {
    fn step(self, step: &Step, mine: Option<&'a Tree>) -> Self {
        let below = |live: &'a Value| match step {
            Step::Field(name) => live.get(name),
            item => find_item(live, item).map(|(_, value)| value),
        };
        Self {
            live: self.live.and_then(below),
            mine,
            all: self.all.and_then(|all| all.below(self.live, step)),
        }
    }
}

impl Search<'_> {
    fn visit(&mut self, path: &FieldPath, desired: &Value, at: At<'_>) {
        if is_unowned(path) || desired.is_null() || at.mine.is_some_and(|mine| mine.is_whole(at.all)) {
            return;
        }
        match desired {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    let step = Step::Field(name.clone());
                    let mine = at.mine.and_then(|mine| mine.fields.get(name));
                    let below = at.step(&step, mine);
                    self.visit(&path.with(step), value, below);
                }
            }
            Value::Array(items) if !items.is_empty() => match at.mine {
                Some(mine) => self.visit_items(path, items, at, mine),
                None => self.report(path, at.live),
            },
            // What was applied empty may not be kept, and others may own fields in it. It is lost if somebody has
            // all of it.
            Value::Object(_) | Value::Array(_) => {
                if at.mine.is_none() && at.all.is_some_and(|all| all.is_whole(None)) {
                    self.report(path, at.live);
                }
            }
            _ => {
                if at.mine.is_none_or(|mine| !mine.itself) {
                    self.report(path, at.live);
                }
            }
        }
    }

    /// A list of which single items are owned.
    fn visit_items(&mut self, path: &FieldPath, items: &[Value], at: At<'_>, mine: &Tree) {
        let matches = match_items(items, mine);
        for (place, (item, matched)) in items.iter().zip(matches).enumerate() {
            let step = matched.map_or_else(|| own_step(items, item, place), |(step, _)| step.clone());
            let below = at.step(&step, matched.map(|(_, below)| below));
            let at_item = path.with(step);
            match matched {
                Some(_) if item.is_object() => self.visit(&at_item, item, below),
                Some(_) => {}
                None => self.report(&at_item, below.live),
            }
        }
    }

    fn report(&mut self, path: &FieldPath, live: Option<&Value>) {
        // A field that is gone has no owner, even if what was around it has one.
        let owners = live.map(|_| owners_in(self.entries, self.all, self.live, path)).unwrap_or_default();
        self.found.push(LostField { path: path.to_string(), at: path.clone(), live: live.cloned(), owners });
    }
}

/// For each applied item of a list, the owned step that stands for it. No step stands for two items.
///
/// The server completes an item's key fields by defaults (`protocol: TCP`) before it records them. So a step whose
/// every field is in the item is taken first, then one that adds the default, then any that does not contradict.
fn match_items<'t>(items: &[Value], mine: &'t Tree) -> Vec<Option<(&'t Step, &'t Tree)>> {
    let mut matches: Vec<Option<usize>> = vec![None; items.len()];
    let mut taken = BTreeSet::new();
    for fit in [Fit::Exact, Fit::WithDefaults, Fit::Possible] {
        for (place, item) in items.iter().enumerate() {
            let Some(matched) = matches.get_mut(place).filter(|matched| matched.is_none()) else { continue };
            let fitting = mine.items.iter().enumerate().find(|(index, (step, _))| {
                !taken.contains(index) && fits(step, item, place).is_some_and(|found| found <= fit)
            });
            if let Some((index, _)) = fitting {
                taken.insert(index);
                *matched = Some(index);
            }
        }
    }
    let child = |index: usize| mine.items.get(index).map(|(step, below)| (step, below));
    matches.into_iter().map(|matched| matched.and_then(child)).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    WithDefaults,
    Possible,
}

fn fits(step: &Step, item: &Value, place: usize) -> Option<Fit> {
    let Step::Key(fields) = step else {
        return is_item(step, item, place).then_some(Fit::Exact);
    };
    // At least one key field must be written: an item without any has nothing to be told apart by.
    fields.iter().find(|(name, value)| item.get(name) == Some(value))?;
    let mut fit = Fit::Exact;
    for (name, value) in fields {
        match item.get(name) {
            Some(written) if written == value => {}
            Some(_) => return None,
            None if name == "protocol" && value == "TCP" => fit = fit.max(Fit::WithDefaults),
            None => fit = Fit::Possible,
        }
    }
    Some(fit)
}

/// How to call an applied item that is not owned any more.
fn own_step(items: &[Value], item: &Value, place: usize) -> Step {
    if !item.is_object() && !item.is_array() {
        return Step::Value(item.clone());
    }
    list_key(&[items]).and_then(|key| key_step(item, key)).unwrap_or(Step::Index(place))
}

/// Fields that the API server leaves out of every record, and `status`, which an apply of the object does not write.
fn is_unowned(path: &FieldPath) -> bool {
    let mut names = path.0.iter().map(|step| match step {
        Step::Field(name) => name.as_str(),
        _ => "",
    });
    matches!(
        (names.next(), names.next(), names.next()),
        (Some("apiVersion" | "kind" | "status"), None, _)
            | (
                Some("metadata"),
                Some(
                    "name"
                        | "namespace"
                        | "creationTimestamp"
                        | "selfLink"
                        | "uid"
                        | "clusterName"
                        | "generation"
                        | "managedFields"
                        | "resourceVersion"
                ),
                None
            )
    )
}
