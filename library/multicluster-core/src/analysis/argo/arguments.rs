//! Arguments of a template, and the metrics with them put in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Fields;
use crate::analysis::spec::Problem;

/// The values of the arguments by their names.
pub(super) fn values(fields: &mut Fields<'_>, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut known = Vec::new();
    for (index, item) in fields.list("args").iter().enumerate() {
        let place = index.to_string();
        let Some(name) = item.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            fields.problem(&["args", &place, "name"], "an argument needs a name");
            continue;
        };
        if known.contains(&name) {
            fields.problem(&["args", &place, "name"], "this name comes twice");
        }
        known.push(name);
        if let Some(value) = given.get(name) {
            values.insert(name.to_owned(), value.clone());
            continue;
        }
        let from = item.get("valueFrom").filter(|from| !from.is_null());
        match (item.get("value").filter(|value| !value.is_null()), from) {
            (Some(Value::String(value)), None) => {
                values.insert(name.to_owned(), value.clone());
            }
            (Some(_), _) => fields.problem(&["args", &place, "value"], "a text is expected"),
            (None, Some(from)) => match value_from(from) {
                Ok(value) => {
                    values.insert(name.to_owned(), value);
                }
                Err((path, text)) => {
                    let path: Vec<&str> = ["args", &place, "valueFrom"]
                        .into_iter()
                        .chain(path.iter().map(String::as_str))
                        .collect();
                    fields.problem(&path, text);
                }
            },
            (None, None) => {
                let text =
                    format!("the argument `{name}` has no value; set it in `args` beside the template");
                fields.problem(&["args", &place], text);
            }
        }
    }
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        fields.problem(&["args"], format!("the template has no argument `{name}`"));
    }
    values
}

/// What a reference stands for, as a text with placeholders.
fn value_from(from: &Value) -> Result<String, (Vec<String>, &'static str)> {
    let at = |path: &[&str]| path.iter().map(|step| (*step).to_owned()).collect();
    if from.get("secretKeyRef").is_some() {
        let text = "secrets are not read from the cluster; give credentials to the source in the provider's `metrics`, \
                    and other values in `args` beside the template";
        return Err((at(&["secretKeyRef"]), text));
    }
    if let Some(hash) = from.get("podTemplateHashValue") {
        return match hash.as_str() {
            Some("Latest") => Ok("{{pod_hash}}".to_owned()),
            _ => Err((at(&["podTemplateHashValue"]), "only `Latest` is known: the pods of the new colour")),
        };
    }
    if let Some(field) = from.get("fieldRef") {
        return match field.get("fieldPath").and_then(Value::as_str) {
            Some("metadata.namespace") => Ok("{{namespace}}".to_owned()),
            Some("metadata.name") => Ok("{{workload}}".to_owned()),
            _ => Err((
                at(&["fieldRef", "fieldPath"]),
                "only `metadata.name` and `metadata.namespace` are known; set the argument in `args` beside the template",
            )),
        };
    }
    Err((Vec::new(), "a `secretKeyRef`, `fieldRef` or `podTemplateHashValue` is expected"))
}

/// The metrics, with the arguments in all of their texts.
pub(super) fn substituted(fields: &mut Fields<'_>, values: &BTreeMap<String, String>) -> Vec<Value> {
    let mut metrics = fields.list("metrics").to_vec();
    if metrics.is_empty() && !matches!(fields.value("metrics"), Some(value) if !value.is_array()) {
        fields.problem(&["metrics"], "an analysis needs at least one metric");
    }
    let mut problems = Vec::new();
    for (index, metric) in metrics.iter_mut().enumerate() {
        replace(metric, &mut vec![index.to_string()], values, &mut problems);
    }
    for problem in problems {
        let path: Vec<&str> =
            ["metrics"].into_iter().chain(problem.path.iter().map(String::as_str)).collect();
        fields.problem(&path, problem.text);
    }
    metrics
}

fn replace(
    value: &mut Value,
    path: &mut Vec<String>,
    values: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let mut below = |step: String, value: &mut Value, path: &mut Vec<String>| {
        path.push(step);
        replace(value, path, values, problems);
        path.pop();
    };
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| below(name.clone(), value, path)),
        Value::Array(items) => {
            items.iter_mut().enumerate().for_each(|(index, value)| below(index.to_string(), value, path));
        }
        Value::String(text) => match filled(text, values) {
            Ok(filled) => *text = filled,
            Err(reason) => problems.push(Problem { path: path.clone(), text: reason }),
        },
        _ => {}
    }
}

/// A text with its arguments put in. Other places are left as they are.
fn filled(text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").ok_or("`{{` without `}}`")?;
        filled.push_str(before);
        match name.trim().strip_prefix("args.") {
            Some(arg) => {
                let value = values.get(arg).ok_or_else(|| format!("the argument `{arg}` has no value"))?;
                filled.push_str(value);
            }
            None => {
                filled.push_str("{{");
                filled.push_str(name);
                filled.push_str("}}");
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}
