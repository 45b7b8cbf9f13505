//! What pods and events say about a workload that is not ready.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::text;
use crate::readiness::{Readiness, readiness};

/// Pods, and events, that are told of.
const TOLD: usize = 5;
/// Characters of an event's message that are shown: controllers write pages.
const SHOWN: usize = 300;

/// The pods that are not ready, the broken ones first, then the warnings among the events, the latest first.
pub(super) fn troubles(pods: &[Value], events: &[Value]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut waiting = Vec::new();
    for pod in pods {
        let name = text(pod, "/metadata/name");
        match readiness(pod) {
            // The words of a container that cannot run name its pod.
            Readiness::Failed(words) if words.contains(name) => broken.push(words),
            Readiness::Failed(words) => broken.push(format!("pod `{name}`: {words}")),
            Readiness::InProgress(words) => waiting.push(format!("pod `{name}`: {words}")),
            Readiness::Current | Readiness::Terminating => {}
        }
    }
    broken.append(&mut waiting);
    let more = broken.len().saturating_sub(TOLD);
    broken.truncate(TOLD);
    if more > 0 {
        broken.push(format!("{more} more pods are not ready"));
    }
    broken.extend(warnings(events));
    broken
}

/// Equal warnings of several objects (the pods of one workload, say) once.
fn warnings(events: &[Value]) -> Vec<String> {
    let mut latest: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for event in events.iter().filter(|event| text(event, "/type") == "Warning") {
        let time = latest.entry((text(event, "/reason"), text(event, "/message"))).or_default();
        *time = (*time).max(time_of(event));
    }
    let mut latest: Vec<_> = latest.into_iter().collect();
    latest.sort_by_key(|(what, time)| (std::cmp::Reverse(*time), *what));
    let words = |((reason, message), time): ((&str, &str), &str)| {
        let at = if time.is_empty() { String::new() } else { format!(" ({time})") };
        format!("event {reason}: {}{at}", cut(message.trim()))
    };
    latest.into_iter().take(TOLD).map(words).collect()
}

/// When an event was seen last, in any of the places where writers of events put that.
fn time_of(event: &Value) -> &str {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"]
        .into_iter()
        .map(|pointer| text(event, pointer))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

fn cut(message: &str) -> String {
    match message.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default().trim_end()),
        None => message.to_owned(),
    }
}
