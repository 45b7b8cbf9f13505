//! Which nodes a pod may go to: taints, `nodeSelector`, required node affinity.
//!
//! What cannot be judged here (an unknown operator, a node's name) does not match, so that too little is promised
//! rather than too much.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NodeCapacity;
use crate::object::text;

/// What keeps pods away from a node that do not tolerate it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Such as `dedicated`.
    pub key: String,
    /// May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule` or `NoExecute`.
    pub effect: String,
}

/// The taints of a node that keep pods away, in order.
pub(super) fn taints(node: &Value) -> Vec<Taint> {
    let mut taints: Vec<Taint> = list(node, "/spec/taints")
        .filter(|taint| ["NoSchedule", "NoExecute"].contains(&text(taint, "/effect")))
        .map(|taint| Taint {
            key: text(taint, "/key").to_owned(),
            value: text(taint, "/value").to_owned(),
            effect: text(taint, "/effect").to_owned(),
        })
        .collect();
    taints.sort();
    taints.dedup();
    taints
}

/// Whether a pod of a template may go to such a node.
pub(super) fn allows(pod_template: &Value, node: &NodeCapacity) -> bool {
    node.taints.iter().all(|taint| list(pod_template, "/spec/tolerations").any(|it| tolerates(it, taint)))
        && selects(pod_template.pointer("/spec/nodeSelector"), &node.labels)
        && affine(pod_template, &node.labels)
}

fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let (key, effect) = (text(toleration, "/key"), text(toleration, "/effect"));
    let every_value = match text(toleration, "/operator") {
        "Exists" => true,
        "" | "Equal" => false,
        _ => return false,
    };
    // Without a key every taint is meant, which only `Exists` can say.
    let key_fits = if key.is_empty() { every_value } else { key == taint.key };
    key_fits
        && (effect.is_empty() || effect == taint.effect)
        && (every_value || text(toleration, "/value") == taint.value)
}

fn selects(selector: Option<&Value>, labels: &BTreeMap<String, String>) -> bool {
    let wanted = selector.and_then(Value::as_object).into_iter().flatten();
    wanted.into_iter().all(|(key, value)| labels.get(key).is_some_and(|label| value.as_str() == Some(label)))
}

/// Whether one of the terms is met. A term that says nothing is met by no node.
fn affine(pod_template: &Value, labels: &BTreeMap<String, String>) -> bool {
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    if pod_template.pointer(required).is_none_or(Value::is_null) {
        return true;
    }
    list(pod_template, &format!("{required}/nodeSelectorTerms")).any(|term| {
        let mut expressions = list(term, "/matchExpressions").peekable();
        list(term, "/matchFields").next().is_none()
            && expressions.peek().is_some()
            && expressions.all(|expression| meets(expression, labels))
    })
}

fn meets(expression: &Value, labels: &BTreeMap<String, String>) -> bool {
    let label = labels.get(text(expression, "/key")).map(String::as_str);
    let listed = |label: &str| list(expression, "/values").any(|value| value.as_str() == Some(label));
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = || list(expression, "/values").next().and_then(Value::as_str).and_then(number);
    match text(expression, "/operator") {
        "In" => label.is_some_and(listed),
        "NotIn" => !label.is_some_and(listed),
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        "Gt" => label.and_then(number).zip(bound()).is_some_and(|(label, bound)| label > bound),
        "Lt" => label.and_then(number).zip(bound()).is_some_and(|(label, bound)| label < bound),
        _ => false,
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
