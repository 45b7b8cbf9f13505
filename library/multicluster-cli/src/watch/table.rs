//! A release as a table: a line per cluster with a bar of its traffic, and a line per metric.

use multicluster::core::notify::{ClusterLine, MetricLine, Summary};

use super::{Look, headline};

/// Characters of a bar.
const BAR: usize = 10;

pub(super) fn table(look: &Look, summary: Option<&Summary>) -> String {
    let mut lines = Vec::new();
    match (summary, &look.journal) {
        (Some(summary), _) => {
            lines.push(headline(summary));
            lines.extend(rows(&summary.clusters));
            lines.extend(metrics(&summary.metrics));
        }
        (None, Some(journal)) => lines.push(match &journal.active {
            Some(active) => {
                format!("nothing is under way; {} serves version {}", active.color, active.version.0)
            }
            None => "nothing is under way".to_owned(),
        }),
        (None, None) => lines.push("no journal of the release".to_owned()),
    }
    lines.extend(look.silent.iter().map(|(context, why)| format!("{context}: {why}")));
    lines.join("\n") + "\n"
}

fn rows(clusters: &[ClusterLine]) -> Vec<String> {
    let width = clusters.iter().map(|cluster| cluster.name.chars().count()).max().unwrap_or(0);
    let row = |cluster: &ClusterLine| {
        let name = &cluster.name;
        format!("{} {name:width$}  {}  {}", cluster.mark.sign(), bar(cluster.weight), cluster.note)
    };
    clusters.iter().map(row).collect()
}

/// `█████░░░░░  50 %`
fn bar(weight: Option<u8>) -> String {
    let Some(weight) = weight else { return format!("{:BAR$}     ?", "") };
    let full = usize::from(weight) * BAR / 100;
    format!("{}{} {weight:3} %", "█".repeat(full), "░".repeat(BAR - full.min(BAR)))
}

fn metrics(metrics: &[MetricLine]) -> Vec<String> {
    let line = |metric: &MetricLine| {
        let whose = metric.cluster.as_ref().map(|cluster| format!(" on {cluster}")).unwrap_or_default();
        format!("{} {}{whose}: {}", metric.mark.sign(), metric.name, metric.value)
    };
    metrics.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(Some(0), "░░░░░░░░░░   0 %")]
    #[case::half(Some(50), "█████░░░░░  50 %")]
    #[case::all(Some(100), "██████████ 100 %")]
    #[case::unknown(None, "               ?")]
    fn bars(#[case] weight: Option<u8>, #[case] expected: &str) {
        assert_eq!(bar(weight), expected);
    }
}
