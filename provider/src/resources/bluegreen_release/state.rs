//! The computed attributes of a release.

use std::collections::BTreeMap;

use multicluster_core::analysis::run::Run;
use multicluster_core::names::ClusterName;
use multicluster_core::release::Color;
use multicluster_core::release::journal::{FailedRelease, Past, Release, Stage};
use tfplugin::{Node, Value};

use super::record::{ClusterRecord, Record};

/// The attributes that follow from others.
pub(super) const COMPUTED: [&str; 14] = [
    "id",
    "version",
    "release_id",
    "active_color",
    "active_version",
    "phase",
    "cluster_status",
    "weights",
    "services",
    "measurements",
    "history",
    "last_failed_release",
    "sync",
    "forecast",
];

/// What only an apply, or a look, can tell.
pub(super) const OBSERVED: [&str; 6] =
    ["cluster_status", "weights", "measurements", "history", "last_failed_release", "sync"];

/// `NAMESPACE/NAME`, unknown as long as either is.
pub(super) fn id(value: &Value) -> Value {
    let node = Node::root(value);
    match (node.attribute("namespace").str(), node.attribute("name").str()) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}").into(),
        _ => Value::Unknown,
    }
}

/// The Service that clients reach, by cluster.
pub(super) fn services<'a>(
    clusters: impl IntoIterator<Item = &'a ClusterName>,
    namespace: &str,
    name: &str,
) -> Value {
    let service = |cluster: &ClusterName| {
        Value::map([
            ("cluster", Value::from(cluster.as_str())),
            ("namespace", Value::from(namespace)),
            ("name", Value::from(name)),
        ])
    };
    Value::map(clusters.into_iter().map(|cluster| (cluster.as_str(), service(cluster))))
}

/// Writes what is true by journal and clusters.
pub(super) fn fill(state: &mut Value, record: &Record) {
    let journal = record.journal.as_ref();
    let active = journal.and_then(|journal| journal.active.as_ref());
    let release = journal.and_then(|journal| journal.release.as_ref());
    let last = journal.and_then(|journal| journal.history.last());
    state.set("active_color", optional(active.map(|it| it.color.as_str())));
    state.set("active_version", optional(active.map(|it| it.version.0.as_str())));
    let phase = release.map(|it| it.phase).or(last.map(|it| it.phase));
    state.set("phase", optional(phase.map(multicluster_core::release::journal::Phase::as_str)));
    observe(state, record);
}

/// Writes what only an apply, or a look, can tell.
pub(super) fn observe(state: &mut Value, record: &Record) {
    let journal = record.journal.as_ref();
    let release = journal.and_then(|journal| journal.release.as_ref());
    state.set("cluster_status", by_cluster(record, |name, cluster| status(name, cluster, release)));
    state.set("weights", by_cluster(record, |_, cluster| weights(cluster)));
    state.set("sync", by_cluster(record, |_, cluster| Some(sync(cluster).into())));
    let analysis = release.and_then(|release| release.analysis.as_ref());
    state.set("measurements", analysis.map_or_else(|| Value::List(Vec::new()), measurements));
    let history = journal.map(|journal| journal.history.iter().map(past).collect()).unwrap_or_default();
    state.set("history", Value::List(history));
    let failed = journal.and_then(|journal| journal.last_failed.as_ref());
    state.set("last_failed_release", failed.map_or(Value::Null, failure));
}

fn by_cluster(record: &Record, value: impl Fn(&ClusterName, &ClusterRecord) -> Option<Value>) -> Value {
    let entries = record.clusters.iter();
    Value::map(entries.filter_map(|(name, cluster)| Some((name.as_str(), value(name, cluster)?))))
}

/// What is on a cluster, as one text: equal texts are equal clusters.
pub(super) fn sync(cluster: &ClusterRecord) -> String {
    let Some(standing) = &cluster.standing else { return "unknown".to_owned() };
    let mut text = match standing.serving {
        Some(color) => match standing.colors.get(&color) {
            Some(it) => format!("{color} {}", it.version.0),
            None => format!("{color}, which is not there"),
        },
        None if standing.colors.is_empty() => "nothing".to_owned(),
        None => "divided".to_owned(),
    };
    for drift in &cluster.drift {
        text.push_str(", ");
        text.push_str(drift);
    }
    text
}

fn weights(cluster: &ClusterRecord) -> Option<Value> {
    let (blue, green) = cluster.weights?;
    Some(Value::map([("blue", Value::from(i64::from(blue))), ("green", Value::from(i64::from(green)))]))
}

fn status(name: &ClusterName, cluster: &ClusterRecord, release: Option<&Release>) -> Option<Value> {
    let state = release.and_then(|release| release.clusters.get(name));
    let serving = cluster.weights.map(|(blue, green)| if green > blue { Color::Green } else { Color::Blue });
    let color = serving.and_then(|color| Some((color, cluster.standing.as_ref()?.colors.get(&color)?)));
    let other = cluster.weights.map(|(blue, green)| blue.min(green));
    Some(Value::map([
        ("stage", optional(state.map(|state| stage(state.stage)).as_deref())),
        ("color", optional(color.map(|(color, _)| color.as_str()))),
        ("version", optional(color.map(|(_, it)| it.version.0.as_str()))),
        ("weight", other.map_or(Value::Null, |it| Value::from(i64::from(it)))),
        ("ready", color.map_or(Value::Null, |(_, it)| Value::from(i64::from(it.ready_endpoints)))),
        ("failure", optional(state.and_then(|state| state.failure.as_deref()))),
        ("reachable", Value::from(cluster.standing.is_some())),
    ]))
}

/// Where a cluster is on its way, in a word.
pub(super) fn stage(stage: Stage) -> String {
    match stage {
        Stage::Pending => "pending".to_owned(),
        Stage::Preparing => "preparing".to_owned(),
        Stage::Ready => "ready".to_owned(),
        Stage::Withdrawing { .. } => "withdrawing".to_owned(),
        Stage::Step { index, .. } => format!("step {}", index + 1),
        Stage::Switched => "switched".to_owned(),
        Stage::Returning { .. } => "returning".to_owned(),
        Stage::Returned => "returned".to_owned(),
        Stage::Finished => "finished".to_owned(),
    }
}

fn measurements(run: &Run) -> Value {
    let of = |metric: &multicluster_core::analysis::run::MetricRun| {
        let cluster = metric.cluster.clone();
        let name = metric.metric.clone();
        metric.measurements.clone().into_iter().map(move |it| {
            Value::map([
                ("metric", Value::from(name.as_str())),
                ("cluster", optional(cluster.as_ref().map(ClusterName::as_str))),
                ("phase", Value::from(it.phase.as_str())),
                ("value", optional(it.value.as_deref())),
                ("message", optional(it.message.as_deref())),
                ("at", Value::from(it.finished_at.to_string())),
            ])
        })
    };
    Value::List(run.metrics.iter().flat_map(of).collect())
}

fn past(past: &Past) -> Value {
    Value::map([
        ("release_id", Value::from(past.id.0.as_str())),
        ("version", Value::from(past.version.0.as_str())),
        ("color", Value::from(past.color.as_str())),
        ("phase", Value::from(past.phase.as_str())),
        ("started", Value::from(past.started.to_string())),
        ("ended", Value::from(past.ended.to_string())),
        ("message", optional(past.failure.as_ref().map(|it| it.message.as_str()))),
    ])
}

fn failure(failed: &FailedRelease) -> Value {
    let why = &failed.failure;
    Value::map([
        ("release_id", Value::from(failed.id.0.as_str())),
        ("version", Value::from(failed.version.0.as_str())),
        ("reason", Value::from(why.reason.as_str())),
        ("message", Value::from(why.message.as_str())),
        ("cluster", optional(why.cluster.as_ref().map(ClusterName::as_str))),
        ("metric", optional(why.metric.as_deref())),
        ("at", Value::from(why.at.to_string())),
    ])
}

/// A text that may be absent.
pub(super) fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// A list of texts.
pub(super) fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    Value::List(texts.into_iter().map(Value::from).collect())
}

/// The UIDs of clusters, as the record of them knows.
pub(super) fn uids(record: &Record) -> BTreeMap<ClusterName, multicluster_core::names::ClusterUid> {
    let uid = |(name, cluster): (&ClusterName, &ClusterRecord)| Some((name.clone(), cluster.uid.clone()?));
    record.clusters.iter().filter_map(uid).collect()
}
