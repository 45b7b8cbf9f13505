//! Analysis templates of Argo Rollouts, as they are.
//!
//! An `AnalysisTemplate` or `ClusterAnalysisTemplate` becomes an [`AnalysisSpec`] that counts as Argo Rollouts does. Its arguments are put in
//! as there: as text, before anything else is read. Who asks the metrics service is a source of the provider block, so that
//! `address` is not used, and credentials do not belong here.
//!
//! Invariant: what cannot be carried out as it is written is a problem, and nothing is left out in silence, but
//! `measurementRetention`, which has no bearing on the verdict.

mod arguments;
mod fields;
mod metric;
mod pattern;

use std::collections::BTreeMap;

use serde_json::Value;

use self::fields::Fields;
use super::spec::{AnalysisSpec, Counting, Metric, Problem, SourceName, check};
use crate::manifest;

/// Reads a template.
///
/// `args` are the values of its arguments, which win over those in the template.
///
/// # Errors
/// Everything that is wrong with it, or that cannot be carried out. Paths are those of the document; that of a problem
/// with the text as a whole is empty.
pub fn read(
    text: &str,
    source: &SourceName,
    args: &BTreeMap<String, String>,
) -> Result<AnalysisSpec, Vec<Problem>> {
    let document = document(text)?;
    let mut problems = Vec::new();
    let spec = document.get("spec").cloned().unwrap_or(Value::Null);
    let mut fields = Fields::new(&spec, &["spec"], &mut problems);
    fields.only(&["metrics", "args", "dryRun", "measurementRetention", "templates"]);
    if fields.value("templates").is_some() {
        fields.problem(
            &["templates"],
            "templates that are made of others are not supported; write their metrics here",
        );
    }
    let values = arguments::values(&mut fields, args);
    let metrics = arguments::substituted(&mut fields, &values);
    let mut read: Vec<Metric> = Vec::new();
    for (index, value) in metrics.iter().enumerate() {
        let place = index.to_string();
        let mut fields = Fields::new(value, &["spec", "metrics", &place], &mut problems);
        read.push(metric::read(&mut fields, source));
    }
    pattern::dry_runs(&spec, &mut read, &mut problems);
    let spec = AnalysisSpec {
        metrics: read,
        counting: Counting::Argo,
        args: BTreeMap::new(),
        error_retry_interval: None,
    };
    if problems.is_empty() {
        problems.extend(check(&spec).into_iter().map(|problem| in_document(&spec, problem)));
    }
    if problems.is_empty() { Ok(spec) } else { Err(problems) }
}

/// The only document of a text, which is a template.
fn document(text: &str) -> Result<Value, Vec<Problem>> {
    let whole = |text: String| vec![Problem::at([], text)];
    let documents = manifest::parse(text).map_err(|error| whole(error.to_string()))?;
    let mut documents = documents.into_iter();
    let (Some(only), None) = (documents.next(), documents.next()) else {
        return Err(whole("one AnalysisTemplate is expected, in one document".to_owned()));
    };
    let known = matches!(only.kind(), "AnalysisTemplate" | "ClusterAnalysisTemplate");
    if !known || !only.api_version().starts_with("argoproj.io/") {
        let text = format!(
            "an AnalysisTemplate or ClusterAnalysisTemplate of `argoproj.io/v1alpha1` is expected, not `{}` of `{}`",
            only.kind(),
            only.api_version()
        );
        return Err(vec![Problem::at(["kind"], text)]);
    }
    Ok(only.into_value())
}

/// A problem of the specification, with the path that the document has for it.
fn in_document(spec: &AnalysisSpec, problem: Problem) -> Problem {
    let mut path = vec!["spec".to_owned()];
    let mut rest = problem.path.into_iter();
    path.extend(rest.next());
    if let Some(name) = rest.next() {
        let index = spec.metrics.iter().position(|metric| metric.name == name);
        path.push(index.map_or(name, |index| index.to_string()));
    }
    let rest: Vec<String> = rest.collect();
    if let Some("query" | "range" | "timeout") = rest.first().map(String::as_str) {
        path.extend(["provider".to_owned(), "prometheus".to_owned()]);
    }
    path.extend(rest.iter().map(|name| camel(name)));
    Problem { path, text: problem.text }
}

/// `failure_limit` as `failureLimit`; `range` has another name.
fn camel(name: &str) -> String {
    if name == "range" {
        return "rangeQuery".to_owned();
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
