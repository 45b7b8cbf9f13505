//! What is measured.

use std::collections::BTreeMap;
use std::time::Duration;

use multicluster_core::analysis::presets::QueryPreset;
use multicluster_core::analysis::spec::{DEFAULT_TIMEOUT, NoData, Range, SeriesChoice};
use multicluster_core::analysis::{AnalysisSpec, Condition, Counting, Metric, Scope, SourceName, argo, spec};
use tfplugin::{Diagnostics, Node, Path};

use super::waves::time;
use crate::validators::sentence;

/// Between two measurements, unless the user says otherwise.
const INTERVAL: Duration = Duration::from_secs(30);

/// The analysis of a configuration; `None` if there is none, or what is wrong was reported.
pub(super) fn analysis(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<AnalysisSpec> {
    if node.is_null() {
        return None;
    }
    let (metrics, template) = (node.attribute("metrics"), node.attribute("template"));
    if metrics.is_null() == template.is_null() {
        diagnostics.error_at(
            node.path(),
            "What is measured?",
            "Give `analysis` exactly one of `metrics` and `template`.",
        );
        return None;
    }
    let args = texts(&node.attribute("args"));
    let source = node.attribute("source").str();
    let spec_of = match template.str() {
        Some(text) => from_template(text, &args, source, &template.path(), diagnostics)?,
        None => from_metrics(node, &metrics, args, source, diagnostics)?,
    };
    for problem in spec::check(&spec_of) {
        let path = if template.is_null() { path_of(&metrics.path(), &problem.path) } else { template.path() };
        diagnostics.error_at(path, "Invalid analysis", sentence(&problem.text));
    }
    Some(spec_of)
}

fn from_template(
    text: &str,
    args: &BTreeMap<String, String>,
    source: Option<&str>,
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Option<AnalysisSpec> {
    let Some(source) = source else {
        diagnostics.error_at(
            path.clone(),
            "Which source?",
            "An AnalysisTemplate is asked of an entry of the provider's `metrics`: name it as `analysis.source`.",
        );
        return None;
    };
    match argo::read(text, &SourceName(source.to_owned()), args) {
        Ok(spec) => Some(spec),
        Err(problems) => {
            for problem in problems {
                let detail = format!("{}: {}", problem.path.join("."), sentence(&problem.text));
                diagnostics.error_at(path.clone(), "Cannot take the AnalysisTemplate", detail);
            }
            None
        }
    }
}

fn from_metrics(
    node: &Node<'_>,
    metrics: &Node<'_>,
    args: BTreeMap<String, String>,
    source: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<AnalysisSpec> {
    let counting =
        if node.attribute("preset").str() == Some("argo") { Counting::Argo } else { Counting::Ours };
    let metrics: Option<Vec<Metric>> =
        metrics.entries().iter().map(|(name, node)| metric(name, node, source, diagnostics)).collect();
    Some(AnalysisSpec { metrics: metrics?, counting, args, error_retry_interval: None })
}

fn metric(
    name: &str,
    node: &Node<'_>,
    source_of_all: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<Metric> {
    let Some(source) = node.attribute("source").str().or(source_of_all) else {
        diagnostics.error_at(
            node.path(),
            "Which source?",
            "Name an entry of the provider's `metrics` as `source`, here or for all as `analysis.source`.",
        );
        return None;
    };
    let (query, usual) = query(node, diagnostics)?;
    let number = |name: &str| node.attribute(name).i64();
    let condition = |name: &str, diagnostics: &mut Diagnostics| condition(&node.attribute(name), diagnostics);
    let count = number("count").and_then(|it| u32::try_from(it).ok());
    let interval = time(&node.attribute("interval"));
    let scope = match node.attribute("scope").str() {
        Some("cluster") => Scope::Cluster,
        Some(_) => Scope::Global,
        None if query.contains("{{cluster}}") || query.contains("{{ cluster }}") => Scope::Cluster,
        None => Scope::Global,
    };
    Some(Metric {
        range: range(&node.attribute("range")),
        scope,
        interval: if count == Some(1) { interval } else { Some(interval.unwrap_or(INTERVAL)) },
        initial_delay: time(&node.attribute("initial_delay")).unwrap_or_default(),
        count,
        success_condition: condition("success_condition", diagnostics).or(usual),
        failure_condition: condition("failure_condition", diagnostics),
        failure_limit: number("failure_limit"),
        inconclusive_limit: number("inconclusive_limit"),
        consecutive_error_limit: number("consecutive_error_limit"),
        consecutive_success_limit: number("consecutive_success_limit"),
        consecutive_failure_limit: number("consecutive_failure_limit"),
        min_successes: number("min_successes").and_then(|it| u32::try_from(it).ok()),
        no_data: match node.attribute("no_data").str() {
            Some("error") => NoData::Error,
            Some("failure") => NoData::Failure,
            Some("success") => NoData::Success,
            _ => NoData::Inconclusive,
        },
        series: match node.attribute("series").str() {
            Some("first") => SeriesChoice::First,
            Some("last") => SeriesChoice::Last,
            _ => SeriesChoice::All,
        },
        dry_run: node.attribute("dry_run").bool().unwrap_or(false),
        timeout: time(&node.attribute("timeout")).unwrap_or(DEFAULT_TIMEOUT),
        baseline: node.attribute("baseline").str().map(str::to_owned),
        ..Metric::new(name, SourceName(source.to_owned()), query)
    })
}

/// What is asked, as written or by a preset, and the condition that a preset has.
fn query(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<(String, Option<Condition>)> {
    let (query, preset) = (node.attribute("query"), node.attribute("preset"));
    match (query.str(), preset.str()) {
        (Some(query), None) => Some((query.to_owned(), None)),
        (None, Some(name)) => match name.parse::<QueryPreset>() {
            Ok(preset) => Some((preset.query(), Condition::parse(preset.success_condition()).ok())),
            Err(unknown) => {
                diagnostics.error_at(preset.path(), "Unknown preset", sentence(&unknown));
                None
            }
        },
        _ => {
            diagnostics.error_at(node.path(), "What is asked?", "Give exactly one of `query` and `preset`.");
            None
        }
    }
}

fn condition(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Condition> {
    match Condition::parse(node.str()?) {
        Ok(condition) => Some(condition),
        Err(error) => {
            diagnostics.error_at(node.path(), "Invalid condition", sentence(&error));
            None
        }
    }
}

fn range(node: &Node<'_>) -> Option<Range> {
    Some(Range {
        start: time(&node.attribute("start"))?,
        end: time(&node.attribute("end")).unwrap_or_default(),
        step: time(&node.attribute("step"))?,
    })
}

pub(super) fn texts(node: &Node<'_>) -> BTreeMap<String, String> {
    let text = |(name, node): (&str, Node<'_>)| Some((name.to_owned(), node.str()?.to_owned()));
    node.entries().into_iter().filter_map(text).collect()
}

/// The attribute of a problem, whose path begins with the metric's name.
fn path_of(metrics: &Path, path: &[String]) -> Path {
    let mut steps = path.iter();
    let Some(metric) = steps.next() else { return metrics.clone() };
    steps.fold(metrics.key(metric.as_str()), |path, step| path.attribute(step.as_str()))
}
