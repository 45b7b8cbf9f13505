//! What quotas leave.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Finding, Room, Severity};
use crate::capacity::{CapacityError, Quantity, requests};
use crate::object::text;

type Amounts = BTreeMap<String, Quantity>;

/// The quotas that have less left than the pods need.
pub(super) fn exceeded(room: &Room<'_>, needed: &Amounts) -> Result<Vec<Finding>, CapacityError> {
    let limits = limits(room.template)?;
    let mut findings = Vec::new();
    for quota in room.quotas.iter().filter(|quota| concerns(quota, room.template, needed, &limits)) {
        let hard = ["/status/hard", "/spec/hard"].into_iter().find_map(|at| quota.pointer(at)?.as_object());
        for (resource, hard) in hard.into_iter().flatten() {
            let Some(one) = of_pod(resource, needed, &limits) else { continue };
            let used = quota.pointer("/status/used").and_then(|used| used.get(resource));
            let used = used.and_then(|used| Quantity::of(used).ok()).unwrap_or(Quantity::ZERO);
            let Ok(hard) = Quantity::of(hard) else { continue };
            let (left, more) = (hard.minus(used), one.many(room.replicas));
            if more > left {
                findings.push(Finding {
                    severity: Severity::Problem,
                    text: format!(
                        "ResourceQuota `{}` leaves {left} of `{resource}` (at most {hard}, {used} used), and {} more pods \
                         need {more}: raise the quota, or release with fewer replicas",
                        text(quota, "/metadata/name"),
                        room.replicas
                    ),
                });
            }
        }
    }
    Ok(findings)
}

/// What one pod takes of a resource that quotas count; `None` for what pods take nothing of.
fn of_pod(resource: &str, requests: &Amounts, limits: &Amounts) -> Option<Quantity> {
    match resource {
        "pods" | "count/pods" => Some(Quantity::ONE),
        "cpu" | "memory" | "ephemeral-storage" => requests.get(resource).copied(),
        _ => match resource.split_once('.') {
            Some(("requests", resource)) => requests.get(resource).copied(),
            Some(("limits", resource)) => limits.get(resource).copied(),
            _ => None,
        },
    }
}

/// What the containers of a pod may take at most, counted as requests are.
fn limits(template: &Value) -> Result<Amounts, CapacityError> {
    let mut template = template.clone();
    let forget = |resources: Option<&mut Value>| {
        if let Some(resources) = resources.and_then(Value::as_object_mut) {
            resources.remove("requests");
        }
    };
    for containers in ["/spec/initContainers", "/spec/containers"] {
        let list = template.pointer_mut(containers).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten() {
            forget(container.get_mut("resources"));
        }
    }
    forget(template.pointer_mut("/spec/resources"));
    requests(&template)
}

/// Whether a quota counts such pods. One whose scope is not known here is passed over, so that no release is stopped
/// for it.
fn concerns(quota: &Value, template: &Value, requests: &Amounts, limits: &Amounts) -> bool {
    let list = |pointer| quota.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let terminating = template.pointer("/spec/activeDeadlineSeconds").is_some_and(|it| !it.is_null());
    let best_effort =
        ["cpu", "memory"].iter().all(|it| !requests.contains_key(*it) && !limits.contains_key(*it));
    let in_scope = |scope: &str| match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        _ => false,
    };
    let class = text(template, "/spec/priorityClassName");
    let selected = |expression: &Value| {
        let values = expression.pointer("/values").and_then(Value::as_array).into_iter().flatten();
        let listed = values.into_iter().any(|value| value.as_str() == Some(class));
        match (text(expression, "/scopeName"), text(expression, "/operator")) {
            ("PriorityClass", "In") => listed,
            ("PriorityClass", "NotIn") => !class.is_empty() && !listed,
            ("PriorityClass", "Exists") => !class.is_empty(),
            ("PriorityClass", "DoesNotExist") => class.is_empty(),
            (scope, "Exists") => in_scope(scope),
            _ => false,
        }
    };
    list("/spec/scopes").all(|scope| scope.as_str().is_some_and(in_scope))
        && list("/spec/scopeSelector/matchExpressions").all(selected)
}
