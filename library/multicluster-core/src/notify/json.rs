//! The event as programs read it. Its form is versioned: fields are added, and their meaning stays.

use serde_json::{Value, json};

use super::text::one_line;
use super::{ClusterLine, Message, MetricLine};

/// The version of the form.
const VERSION: u32 = 1;
/// How many clusters and metrics are told; nobody has more.
const LINES: usize = 1000;
/// How long one text can be.
const TEXT: usize = 1000;

/// The event as JSON, the same for the same message.
///
/// | field | |
/// |---|---|
/// | `version` | 1 |
/// | `event` | the word of the [`EventKind`](super::EventKind) |
/// | `loud` | whether somebody has to know now |
/// | `at`, `text` | when, and what happened in words |
/// | `release` | `id`, `name`, `namespace`, `from`, `to`, `phase`, `elapsed_seconds`, `remaining_seconds`, `approved_by`, `link`, `clusters` (`name`, `state`, `weight`, `note`), `metrics` (`name`, `cluster`, `value`, `condition`, `state`) |
#[must_use]
pub fn event_json(message: &Message) -> Value {
    let (event, summary) = (&message.event, &message.summary);
    let text = |text: &str| one_line(text, TEXT);
    let optional = |it: &Option<String>| it.as_deref().map(text);
    json!({
        "version": VERSION,
        "event": event.kind.as_str(),
        "loud": event.kind.is_loud(),
        "at": event.at.to_string(),
        "text": text(&event.text),
        "release": {
            "id": text(&event.release),
            "name": text(&summary.name),
            "namespace": text(&summary.namespace),
            "from": optional(&summary.from),
            "to": text(&summary.to),
            "phase": text(&summary.phase),
            "elapsed_seconds": summary.elapsed.as_secs(),
            "remaining_seconds": summary.remaining.map(|remaining| remaining.as_secs()),
            "approved_by": optional(&summary.approved_by),
            "link": optional(&summary.link),
            "clusters": summary.clusters.iter().take(LINES).map(cluster).collect::<Vec<_>>(),
            "metrics": summary.metrics.iter().take(LINES).map(metric).collect::<Vec<_>>(),
        },
    })
}

fn cluster(line: &ClusterLine) -> Value {
    json!({
        "name": one_line(&line.name, TEXT),
        "state": line.mark.as_str(),
        "weight": line.weight,
        "note": one_line(&line.note, TEXT),
    })
}

fn metric(line: &MetricLine) -> Value {
    json!({
        "name": one_line(&line.name, TEXT),
        "cluster": line.cluster.as_deref().map(|cluster| one_line(cluster, TEXT)),
        "value": one_line(&line.value, TEXT),
        "condition": one_line(&line.condition, TEXT),
        "state": line.mark.as_str(),
    })
}
