//! Where an object has its containers.

use serde_json::{Map, Value};

use super::error::OverrideError;
use crate::object::{group_of, text};
use crate::path::{FieldPath, Step};

/// In the order in which they are listed to people.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// One container and its name, which is empty if it has none.
pub(super) struct Container<'a> {
    pub(super) name: String,
    pub(super) path: FieldPath,
    pub(super) fields: &'a mut Map<String, Value>,
}

/// The containers of an object, all or the one that is named; never none.
///
/// # Errors
/// [`OverrideError`] if the object runs no pods, is not shaped as such objects are, or has no such container.
pub(super) fn find<'a>(
    object: &'a mut Value,
    named: Option<&str>,
) -> Result<Vec<Container<'a>>, OverrideError> {
    let path = FieldPath::fields(pod_spec(object).iter().copied());
    let spec = path_of(object, pod_spec(object)).ok_or(OverrideError::NoPodTemplate)?;
    let mut found = Vec::new();
    for (list, value) in spec.iter_mut() {
        let Some(rank) = LISTS.iter().position(|it| it == list) else { continue };
        let path = path.field(list);
        let items = match value {
            Value::Null => continue,
            Value::Array(items) => items,
            _ => return Err(OverrideError::Shape { path: path.to_string(), expected: "a list" }),
        };
        for (index, item) in items.iter_mut().enumerate() {
            let path = path.with(Step::Index(index));
            let name = text(item, "/name").to_owned();
            let Value::Object(fields) = item else {
                return Err(OverrideError::Shape { path: path.to_string(), expected: "a mapping" });
            };
            found.push((rank, Container { name, path, fields }));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let all: Vec<Container<'a>> = found.into_iter().map(|(_, container)| container).collect();
    if all.is_empty() {
        return Err(OverrideError::NoContainers);
    }
    let Some(named) = named else { return Ok(all) };
    let names = || all.iter().map(|container| container.name.clone()).collect();
    if !all.iter().any(|container| container.name == named) {
        return Err(OverrideError::NoSuchContainer { container: named.to_owned(), containers: names() });
    }
    Ok(all.into_iter().filter(|container| container.name == named).collect())
}

/// The way to the specification of the pods that an object is or makes. Kinds that nobody here knows, such as Argo's
/// Rollout, keep their template where Kubernetes' own workloads do.
fn pod_spec(object: &Value) -> &'static [&'static str] {
    match (group_of(text(object, "/apiVersion")), text(object, "/kind")) {
        ("", "Pod") => &["spec"],
        ("", "PodTemplate") => &["template", "spec"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    }
}

fn path_of<'a>(object: &'a mut Value, fields: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut here = object;
    for field in fields {
        here = here.get_mut(*field)?;
    }
    here.as_object_mut()
}
