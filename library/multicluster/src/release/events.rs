//! Kubernetes Events on the workload: what `kubectl describe` shows of a release.

use std::sync::Arc;

use multicluster_core::release::identity::ReleaseIdentity;
use serde_json::{Value, json};

use super::progress::Event;
use crate::member::{Member, ResourceType, cut};

/// Who tells.
const CONTROLLER: &str = "multicluster.dev/release";

/// Posts one Event about an object. It is a courtesy: failures are only logged.
pub(super) async fn post(
    member: Arc<Member>,
    release: ReleaseIdentity,
    about: Value,
    event: Event,
    instance: String,
) {
    let ty = ResourceType {
        group: "events.k8s.io".to_owned(),
        version: "v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
        namespaced: true,
    };
    let body = body(&release, &about, &event, &instance);
    if let Err(error) = member.create(&ty, &body, &release.field_manager()).await {
        tracing::debug!(cluster = %member.name, %error, "an event could not be posted");
    }
}

fn body(release: &ReleaseIdentity, about: &Value, event: &Event, instance: &str) -> Value {
    // Events of one object have distinct names; the time in them is how the cluster's own components do it.
    let name = format!("{}.{:x}{}", release.name, event.at.as_nanosecond(), suffix(event));
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": about["namespace"] },
        "eventTime": format!("{:.6}", event.at),
        "reportingController": CONTROLLER,
        "reportingInstance": cut(instance).chars().take(128).collect::<String>(),
        "action": event.kind.reason(),
        "reason": event.kind.reason(),
        "type": if event.kind.is_warning() { "Warning" } else { "Normal" },
        "regarding": about,
        "note": cut(&format!("{}: {}", event.release, event.message)),
    })
}

/// What tells apart the events of one moment.
fn suffix(event: &Event) -> String {
    let digest = multicluster_core::digest::digest_text(&format!("{event:?}"));
    format!(".{}", digest.get(..6).unwrap_or_default())
}
