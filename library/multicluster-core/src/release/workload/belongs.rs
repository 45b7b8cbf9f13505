//! Whether the objects of a workload belong together.

use serde_json::{Map, Value};

use super::parse::problem;
use super::{Problem, Workload, references};
use crate::dependencies::scale_target;
use crate::object::{Manifest, text};
use crate::release::spec::Strategy;
use crate::selector::{Labels, Operator, Requirement, Selector};

/// Whether what was changed for a cluster is still a workload.
pub(super) fn recheck(workload: &Workload) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let labels = labels_of_pods(&workload.main, &mut problems);
    belongs(workload, &labels, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The labels of the workload's pods, which its selector must select.
pub(super) fn labels_of_pods(main: &Manifest, problems: &mut Vec<Problem>) -> Labels {
    let labels = labels_at(main.value(), "/spec/template/metadata/labels");
    match main.value().pointer("/spec/selector") {
        None | Some(Value::Null) => {
            problems.push(problem(format!("{} has no `spec.selector`", main.key())));
        }
        Some(selector) => match label_selector(selector) {
            Ok(None) => problems.push(problem(format!("the selector of {} selects every pod", main.key()))),
            Ok(Some(selector)) if !selector.matches(&labels) => problems.push(problem(format!(
                "the selector of {} does not select the pods of its own template",
                main.key()
            ))),
            Ok(Some(_)) => {}
            Err(error) => problems.push(problem(format!("the selector of {}: {error}", main.key()))),
        },
    }
    labels
}

/// Whether everything beside the workload belongs to it.
pub(super) fn belongs(workload: &Workload, labels: &Labels, problems: &mut Vec<Problem>) {
    let main = workload.main.key();
    if let Some(autoscaler) = &workload.autoscaler
        && scale_target(autoscaler.value()).as_ref() != Some(&main)
    {
        problems.push(problem(format!("{} does not scale {main} (`spec.scaleTargetRef`)", autoscaler.key())));
    }
    if let Some(budget) = &workload.budget {
        let selector = budget.value().pointer("/spec/selector").map_or(Ok(None), label_selector);
        if !matches!(&selector, Ok(Some(selector)) if selector.matches(labels)) {
            problems.push(problem(format!(
                "the selector of {} does not select the pods of {main}",
                budget.key()
            )));
        }
    }
    let pod = workload.main.value().pointer("/spec/template/spec").unwrap_or(&Value::Null);
    let referred = references::referred(pod);
    let is_referred = |config: &Manifest| {
        referred.iter().any(|(kind, name)| *kind == config.kind() && name == config.name())
    };
    for config in workload.configs.iter().filter(|config| !is_referred(config)) {
        if workload.strategy == Strategy::BlueGreen {
            problems.push(problem(format!(
                "the pods of {main} do not refer to {}, so that nothing would find it under the name of a colour: keep \
                 it with multicluster_federation",
                config.key()
            )));
        }
    }
    for service in &workload.services {
        let selector = service.value().pointer("/spec/selector").and_then(Value::as_object);
        let is_external = text(service.value(), "/spec/type") == "ExternalName";
        if is_external || !selector.is_some_and(|selector| selects(selector, labels)) {
            problems.push(problem(format!(
                "the selector of {} does not select the pods of {main}: keep it with multicluster_federation",
                service.key()
            )));
        }
    }
}

/// Whether the selector of a Service selects pods with these labels.
pub(in crate::release) fn selects(selector: &Map<String, Value>, labels: &Labels) -> bool {
    let has = |(key, value): (&String, &Value)| {
        labels.get(key).is_some_and(|label| value.as_str() == Some(label.as_str()))
    };
    !selector.is_empty() && selector.iter().all(has)
}

pub(in crate::release) fn labels_at(object: &Value, pointer: &str) -> Labels {
    let labels = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Reads a label selector; `None` if it selects everything.
pub(in crate::release) fn label_selector(selector: &Value) -> Result<Option<Selector>, String> {
    let labels = labels_at(selector, "/matchLabels");
    let mut requirements = Vec::new();
    for expression in selector.pointer("/matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let values = expression.pointer("/values").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<String> = values.filter_map(|value| Some(value.as_str()?.to_owned())).collect();
        let operator: Operator = text(expression, "/operator").parse().map_err(|error| format!("{error}"))?;
        let requirement = Requirement::new(text(expression, "/key"), operator, values);
        requirements.push(requirement.map_err(|error| error.to_string())?);
    }
    if labels.is_empty() && requirements.is_empty() {
        return Ok(None);
    }
    Selector::new(labels, requirements).map(Some).map_err(|error| error.to_string())
}
