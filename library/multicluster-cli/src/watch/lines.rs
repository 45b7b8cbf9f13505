//! A release as lines, for files and pipelines: one for everything that has changed.

use jiff::Timestamp;
use multicluster::core::notify::Summary;

use super::headline;

/// What differs from the last look.
pub(super) fn changes(before: Option<&Summary>, now: Option<&Summary>, at: Timestamp) -> String {
    let Some(now) = now else { return String::new() };
    let mut lines = Vec::new();
    if before.is_none_or(|before| before.phase != now.phase || before.to != now.to) {
        lines.push(headline(now));
    }
    for cluster in &now.clusters {
        let known = before.and_then(|before| before.clusters.iter().find(|it| it.name == cluster.name));
        if known != Some(cluster) {
            let weight = cluster.weight.map(|weight| format!(" {weight} %")).unwrap_or_default();
            lines.push(format!("{} {}{weight} {}", cluster.mark.sign(), cluster.name, cluster.note));
        }
    }
    for metric in &now.metrics {
        let same = |it: &&multicluster::core::notify::MetricLine| {
            it.name == metric.name && it.cluster == metric.cluster
        };
        if before.and_then(|before| before.metrics.iter().find(same)) != Some(metric) {
            let whose = metric.cluster.as_ref().map(|cluster| format!(" on {cluster}")).unwrap_or_default();
            lines.push(format!("{} {}{whose}: {}", metric.mark.sign(), metric.name, metric.value));
        }
    }
    lines.into_iter().map(|line| format!("{at:.0} {line}\n")).collect()
}
