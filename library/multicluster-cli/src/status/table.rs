//! What `status` has seen, for people: a line per cluster, below it the objects that are not as they were left, and
//! how many are.

use super::report::{ClusterReport, ObjectReport, Record, StatusReport};

/// The whole report.
pub(crate) fn table(report: &StatusReport) -> String {
    let mut lines = Vec::new();
    let contexts = report.clusters.iter().map(|cluster| cluster.context.chars().count());
    let width = contexts.max().unwrap_or(0);
    for cluster in &report.clusters {
        lines.push(format!("{:width$}  {}", cluster.context, headline(&cluster.status)));
        lines.extend(details(&cluster.status).into_iter().map(|detail| format!("  {detail}")));
    }
    lines.join("\n") + "\n"
}

fn headline(cluster: &ClusterReport) -> String {
    let record = match (&cluster.error, cluster.record) {
        (Some(error), _) => return error.clone(),
        (None, Some(Record::Complete)) => "complete",
        (None, Some(Record::Incomplete)) => "incomplete; the next apply goes on",
        (None, Some(Record::None) | None) => "no record of the federation",
    };
    let version = cluster.kubernetes.as_deref().unwrap_or_default();
    let uid = cluster.uid.as_deref().unwrap_or_default();
    format!("{record}  {version}  {uid}")
}

fn details(cluster: &ClusterReport) -> Vec<String> {
    let (well, ill): (Vec<&ObjectReport>, Vec<&ObjectReport>) =
        cluster.objects.iter().partition(|object| object.is_well());
    let width = ill.iter().map(|object| object.object.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> =
        ill.iter().map(|object| format!("{:width$}  {}", object.object, words(object))).collect();
    if !well.is_empty() {
        let objects = if well.len() == 1 { "object" } else { "objects" };
        lines.push(format!("{} {objects} in sync", well.len()));
    }
    lines.extend(cluster.lease_holder.as_ref().map(|holder| format!("lease held by {holder}")));
    if !cluster.other_sets.is_empty() {
        lines.push(format!("other sets: {}", cluster.other_sets.join(", ")));
    }
    lines
}

fn words(object: &ObjectReport) -> String {
    let mut words = vec![object.words.clone()];
    words.extend(object.replicas.as_ref().filter(|it| !it.is_as_given()).map(|it| it.words.clone()));
    if !object.owners.is_empty() {
        words.push(format!("written by {}", object.owners.join(", ")));
    }
    words.join("; ")
}
