//! What a pod asks for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::quantity::{InvalidQuantity, Quantity};
use crate::object::text;

type Requests = BTreeMap<String, Quantity>;

/// A template whose needs cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// An amount is none.
    #[error("the request for `{resource}` of {whose} cannot be counted: {reason}")]
    Request {
        /// `container web`, …
        whose: String,
        /// `cpu`, `memory`, …
        resource: String,
        /// What is wrong with the amount.
        reason: InvalidQuantity,
    },
}

/// What one pod of a template takes of a node, as the scheduler counts it; resources of which it takes nothing are
/// absent.
///
/// Containers and sidecars (init containers that go on running) are added up. Init containers run one after another
/// before them, so that the largest counts. A limit without a request is a request. `overhead` is added; requests of
/// the whole pod stand in place of its containers'.
///
/// # Errors
/// [`CapacityError`] names the amount that is none.
///
/// # Examples
/// ```
/// use multicluster_core::capacity::requests;
/// use serde_json::json;
///
/// let template = json!({ "spec": {
///     "containers": [
///         { "resources": { "requests": { "cpu": "500m" } } },
///         { "resources": { "limits": { "cpu": "1" } } }
///     ]
/// } });
/// assert_eq!(requests(&template).unwrap()["cpu"].to_string(), "1500m");
/// ```
pub fn requests(pod_template: &Value) -> Result<Requests, CapacityError> {
    // What runs for good, and the most that is needed at any time before all of that runs.
    let mut lasting = Requests::new();
    let mut starting = Requests::new();
    for container in list(pod_template, "/spec/initContainers") {
        let requests = of(container, "init container")?;
        if text(container, "/restartPolicy") == "Always" {
            add(&mut lasting, &requests);
            raise(&mut starting, &lasting);
        } else {
            let mut together = lasting.clone();
            add(&mut together, &requests);
            raise(&mut starting, &together);
        }
    }
    for container in list(pod_template, "/spec/containers") {
        add(&mut lasting, &of(container, "container")?);
    }
    raise(&mut lasting, &starting);
    if let Some(resources) = pod_template.pointer("/spec/resources") {
        lasting.extend(resource_requests(resources, "the pod")?);
    }
    if let Some(overhead) = pod_template.pointer("/spec/overhead") {
        add(&mut lasting, &amounts(overhead, "the pod's overhead")?);
    }
    lasting.retain(|_, amount| *amount > Quantity::ZERO);
    Ok(lasting)
}

fn of(container: &Value, what: &str) -> Result<Requests, CapacityError> {
    let whose = format!("{what} `{}`", text(container, "/name"));
    container.pointer("/resources").map_or_else(|| Ok(Requests::new()), |it| resource_requests(it, &whose))
}

fn resource_requests(resources: &Value, whose: &str) -> Result<Requests, CapacityError> {
    let of = |field| resources.get(field).map_or_else(|| Ok(Requests::new()), |it| amounts(it, whose));
    let mut requests = of("limits")?;
    requests.extend(of("requests")?);
    Ok(requests)
}

fn amounts(amounts: &Value, whose: &str) -> Result<Requests, CapacityError> {
    let amounts = amounts.as_object().into_iter().flatten();
    amounts
        .map(|(resource, amount)| match Quantity::of(amount) {
            Ok(amount) => Ok((resource.clone(), amount)),
            Err(reason) => {
                let (whose, resource) = (whose.to_owned(), resource.clone());
                Err(CapacityError::Request { whose, resource, reason })
            }
        })
        .collect()
}

fn add(to: &mut Requests, more: &Requests) {
    for (resource, amount) in more {
        let sum = to.entry(resource.clone()).or_insert(Quantity::ZERO);
        *sum = sum.plus(*amount);
    }
}

fn raise(it: &mut Requests, least: &Requests) {
    for (resource, amount) in least {
        let known = it.entry(resource.clone()).or_insert(Quantity::ZERO);
        *known = (*known).max(*amount);
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
