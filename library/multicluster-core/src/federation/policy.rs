//! How an object of ours gets along with others who write to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::managed_fields;
use crate::object::GroupKind;
use crate::path::{FieldPath, Step, key_step, list_key};
use crate::provenance::Owner;
use crate::scope;

/// What happens to an object that exists already and is not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Adopt {
    /// It is refused.
    #[default]
    Never,
    /// It becomes ours if that changes nothing but our labels; otherwise it is refused.
    IfNoDiff,
    /// It becomes ours, and gets the fields that we want.
    Always,
}

/// What happens to fields of ours that somebody else has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// They are shown, and left as they are.
    Detect,
    /// They are shown, and taken back.
    #[default]
    Correct,
    /// They are left as they are.
    Ignore,
}

/// The rules for one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When it is there before us.
    pub adopt: Adopt,
    /// When others change it.
    pub drift: Drift,
    /// Fields that are set when the object is made and left to others afterwards, as JSON pointers (RFC 6901).
    pub ignore_fields: BTreeSet<String>,
    /// Whether it may be deleted and made anew when the server says that a field of it cannot change.
    pub replace_on_immutable: bool,
    /// What an apply waits for.
    pub wait: Wait,
    /// Whether it is one of KubeFed's documents, so that what KubeFed has made of it is adopted without a word.
    pub from_kubefed: bool,
    /// Whether it stays on its members when it is not wanted any more.
    pub orphan: bool,
}

impl Policy {
    /// Whether an object that is there and not ours may become ours, going by who keeps it. It may be refused
    /// nevertheless: for what differs, or since another federation has it.
    #[must_use]
    pub fn may_adopt(&self, managers: &[String]) -> bool {
        let by_kubefed = || managers.contains(&Owner::KubeFed.to_string());
        self.adopt != Adopt::Never || (self.from_kubefed && by_kubefed())
    }
}

/// What an apply waits for before it counts an object as done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// That workloads have rolled out.
    pub rollout: bool,
    /// That it is ready, whatever its kind.
    pub ready: bool,
    /// That conditions of its status have these values, by their types.
    pub conditions: BTreeMap<String, String>,
    /// For so long at most, in seconds; absent: as long as the apply may take.
    pub timeout: Option<u64>,
}

impl Default for Wait {
    fn default() -> Self {
        Self { rollout: true, ready: false, conditions: BTreeMap::new(), timeout: None }
    }
}

impl Wait {
    /// Whether there is anything to wait for with an object of this kind.
    #[must_use]
    pub fn concerns(&self, kind: &GroupKind) -> bool {
        self.is_ready(kind) || !self.conditions.is_empty()
    }

    /// Whether it has to be ready.
    #[must_use]
    pub fn is_ready(&self, kind: &GroupKind) -> bool {
        let rolls_out = scope::has_pods(kind) || (kind.group == "batch" && kind.kind == "Job");
        self.ready || (self.rollout && rolls_out)
    }
}

/// The number of replicas, which autoscalers write.
pub const REPLICAS: &str = "/spec/replicas";

/// Where the ignored fields are. An item of a list is found again by its key, as it stands in `object`.
#[must_use]
pub fn ignored_paths(pointers: &BTreeSet<String>, object: &Value) -> Vec<FieldPath> {
    pointers.iter().map(|pointer| resolve(pointer, object)).collect()
}

fn resolve(pointer: &str, object: &Value) -> FieldPath {
    let mut path = FieldPath::default();
    let mut here = Some(object);
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let index = here.and_then(Value::as_array).and(token.parse::<usize>().ok());
        let step = match index {
            Some(index) => here.and_then(|list| named(list, index)).unwrap_or(Step::Index(index)),
            None => Step::Field(token.clone()),
        };
        here = here.and_then(|value| match index {
            Some(index) => value.get(index),
            None => value.get(&token),
        });
        path = path.with(step);
    }
    path
}

/// The step to an item of a list whose items can be told apart by a key.
fn named(list: &Value, index: usize) -> Option<Step> {
    let items = list.as_array()?;
    key_step(items.get(index)?, list_key(&[items.as_slice()])?)
}

/// Takes what is at the end of a path out of a value.
pub fn remove(value: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        match (step, value) {
            (Step::Field(name), Value::Object(fields)) => drop(fields.remove(name)),
            (step, Value::Array(items)) => {
                if let Some(place) = managed_fields::place_of(items, step) {
                    items.remove(place);
                }
            }
            _ => {}
        }
        return;
    }
    if let Some(below) = below_mut(value, step) {
        remove(below, rest);
    }
}

fn below_mut<'a>(value: &'a mut Value, step: &Step) -> Option<&'a mut Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get_mut(name),
        (step, Value::Array(items)) => {
            let place = managed_fields::place_of(items, step)?;
            items.get_mut(place)
        }
        _ => None,
    }
}

fn at<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name),
        (step, Value::Array(items)) => items.get(managed_fields::place_of(items, step)?),
        _ => None,
    })
}

/// Sets a field below mappings and list items that exist.
fn set(value: &mut Value, path: &[Step], to: Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = to;
        return;
    };
    if let (Step::Field(name), Value::Object(fields)) = (step, &mut *value) {
        set(fields.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())), rest, to);
    } else if let Some(below) = below_mut(value, step) {
        set(below, rest, to);
    }
}

/// The body of an apply to an object that exists, with the fields that are left to others.
///
/// A field that others own is left out. One that only we own would vanish if it were left out, so it is sent with the
/// value that it has.
#[must_use]
pub fn leave_to_others(body: &Value, live: &Value, paths: &[FieldPath], manager: &str) -> Value {
    let mut adjusted = body.clone();
    for path in paths {
        let owners = managed_fields::owners(live, path);
        let only_ours = owners.iter().any(|owner| owner == manager) && owners.len() == 1;
        match at(live, &path.0).filter(|_| only_ours) {
            Some(value) => set(&mut adjusted, &path.0, value.clone()),
            None => remove(&mut adjusted, &path.0),
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": { "replicas": 3, "template": { "spec": {
            "containers": [{ "name": "log", "image": "log:1" }, { "name": "web", "image": "web:1" }] } } } })
    }

    fn paths(pointers: &[&str]) -> Vec<FieldPath> {
        ignored_paths(&pointers.iter().map(|&it| it.to_owned()).collect(), &object())
    }

    #[rstest]
    #[case::a_field("/spec/replicas", "spec.replicas")]
    #[case::of_an_item(
        "/spec/template/spec/containers/1/image",
        "spec.template.spec.containers[name=web].image"
    )]
    #[case::escaped("/metadata/annotations/example.com~1a", "metadata.annotations[\"example.com/a\"]")]
    #[case::beyond_what_there_is("/spec/strategy/type", "spec.strategy.type")]
    fn an_item_is_found_by_its_key(#[case] pointer: &str, #[case] expected: &str) {
        assert_eq!(paths(&[pointer])[0].to_string(), expected);
    }

    #[test]
    fn a_field_of_others_is_left_out_and_one_of_ours_is_kept() {
        let live = |manager: &str| {
            let mut live = object();
            live["spec"]["replicas"] = json!(7);
            live["metadata"] = json!({ "managedFields": [
                { "manager": manager, "operation": "Apply", "fieldsV1": { "f:spec": { "f:replicas": {} } } } ] });
            live
        };
        let ignored = paths(&["/spec/replicas"]);
        let others = leave_to_others(&object(), &live("hpa"), &ignored, "us");
        assert_eq!(others.pointer("/spec/replicas"), None);
        let ours = leave_to_others(&object(), &live("us"), &ignored, "us");
        assert_eq!(ours["spec"]["replicas"], 7);
        assert_eq!(ours["spec"]["template"], object()["spec"]["template"]);
    }

    #[rstest]
    #[case::never(Policy::default(), &["KubeFed"], false)]
    #[case::always(Policy { adopt: Adopt::Always, ..Policy::default() }, &["helm"], true)]
    #[case::from_kubefed(Policy { from_kubefed: true, ..Policy::default() }, &["KubeFed", "kubectl"], true)]
    #[case::a_document_of_kubefed_for_what_others_made(
        Policy { from_kubefed: true, ..Policy::default() },
        &["helm"],
        false
    )]
    fn what_kubefed_made_is_adopted_by_its_documents(
        #[case] policy: Policy,
        #[case] managers: &[&str],
        #[case] expected: bool,
    ) {
        let managers: Vec<String> = managers.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(policy.may_adopt(&managers), expected);
    }

    #[test]
    fn a_field_of_an_item_is_taken_out_wherever_the_item_stands() {
        let mut turned = object();
        turned["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
        remove(&mut turned, &paths(&["/spec/template/spec/containers/1/image"])[0].0);
        assert_eq!(
            turned["spec"]["template"]["spec"]["containers"],
            json!([{ "name": "web" }, { "name": "log", "image": "log:1" }])
        );
    }
}
