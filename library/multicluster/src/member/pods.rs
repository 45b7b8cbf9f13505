//! The pods of a workload, watched for those that cannot start.

use std::{collections::BTreeMap, future};

use multicluster_core::{
    object::text,
    readiness::{PodFailure, pod_failure},
};
use serde_json::Value;

use super::{
    Member, ResourceType,
    objects::is_terminating,
    watch::{Event, Scope, Watch},
};

/// The pods of one workload that cannot start, by name; empty while nothing is watched.
pub(super) struct Pods<'a> {
    watch: Option<Watch<'a>>,
    failing: BTreeMap<String, Value>,
    /// No permission, or nothing that could be watched: not tried again.
    given_up: bool,
}

impl<'a> Pods<'a> {
    pub(super) fn none() -> Self {
        Self { watch: None, failing: BTreeMap::new(), given_up: false }
    }

    /// Begins to watch the pods of a workload, if it is one and that has not begun.
    pub(super) fn follow(&mut self, member: &'a Member, workload: &Value) {
        if self.watch.is_some() || self.given_up {
            return;
        }
        let kind = text(workload, "/kind");
        let apps = text(workload, "/apiVersion").starts_with("apps/");
        let selector = workload.pointer("/spec/selector").map(selector).unwrap_or_default();
        if !apps || !matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") || selector.is_empty() {
            self.given_up = true;
            return;
        }
        let namespace = text(workload, "/metadata/namespace");
        self.watch = Some(Watch::new(member, ResourceType::pod(), Scope::labels(Some(namespace), &selector)));
    }

    /// Waits until a pod changed; for ever while none is watched.
    pub(super) async fn changed(&mut self) {
        let Some(watch) = &mut self.watch else {
            return future::pending().await;
        };
        match watch.next().await {
            Ok(Event::Listed(pods)) => {
                self.failing.clear();
                for pod in pods {
                    self.note(pod);
                }
            }
            Ok(Event::Changed(pod)) => self.note(pod),
            Ok(Event::Deleted(pod)) => {
                self.failing.remove(text(&pod, "/metadata/name"));
            }
            Err(error) => {
                tracing::debug!(%error, "pods cannot be watched; the workload's own status must do");
                *self = Self { given_up: true, ..Self::none() };
            }
        }
    }

    fn note(&mut self, pod: Value) {
        let name = text(&pod, "/metadata/name").to_owned();
        if pod_failure(&pod).is_some() && !is_terminating(&pod) {
            self.failing.insert(name, pod);
        } else {
            self.failing.remove(&name);
        }
    }

    /// The first pod of the workload's current revision that cannot start.
    pub(super) async fn failure(&self, member: &Member, workload: &Value) -> Option<PodFailure> {
        // Before the controller has seen the latest change, the pods belong to the one before.
        let number = |pointer| workload.pointer(pointer).and_then(Value::as_i64);
        if number("/status/observedGeneration") < number("/metadata/generation") {
            return None;
        }
        for pod in self.failing.values() {
            if is_current(member, pod, workload).await {
                return pod_failure(pod);
            }
        }
        None
    }
}

/// Whether a pod was made from the workload's template as it is now.
async fn is_current(member: &Member, pod: &Value, workload: &Value) -> bool {
    let uid = text(workload, "/metadata/uid");
    let Some((owner_kind, owner_name, owner_uid)) = controller(pod) else {
        return false;
    };
    match text(workload, "/kind") {
        "Deployment" if owner_kind == "ReplicaSet" => {
            let namespace = text(pod, "/metadata/namespace");
            let set = member.get(&ResourceType::replica_set(), Some(namespace), owner_name).await;
            let Ok(Some(set)) = set else {
                return false;
            };
            let revision = "/metadata/annotations/deployment.kubernetes.io~1revision";
            controller(&set).is_some_and(|(_, _, deployment)| deployment == uid)
                && same(text(&set, revision), text(workload, revision))
        }
        "StatefulSet" => {
            owner_uid == uid
                && same(
                    text(pod, "/metadata/labels/controller-revision-hash"),
                    text(workload, "/status/updateRevision"),
                )
        }
        // A DaemonSet does not name its current revision; its template's generation is on both sides.
        "DaemonSet" => {
            owner_uid == uid
                && same(
                    text(pod, "/metadata/labels/pod-template-generation"),
                    text(workload, "/metadata/annotations/deprecated.daemonset.template.generation"),
                )
        }
        _ => false,
    }
}

fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && one == other
}

/// Kind, name and UID of the object that controls this one.
fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners.iter().find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))?;
    Some((text(owner, "/kind"), text(owner, "/name"), text(owner, "/uid")))
}

/// A `LabelSelector` as the query of a list.
fn selector(selector: &Value) -> String {
    let labels = selector.pointer("/matchLabels").and_then(Value::as_object);
    let labels = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| value.as_str().map(|value| format!("{key}={value}")));
    let expressions = selector.pointer("/matchExpressions").and_then(Value::as_array);
    let expressions = expressions.into_iter().flatten().map(|expression| {
        let key = text(expression, "/key");
        let values = expression.pointer("/values").and_then(Value::as_array);
        let values: Vec<_> = values.into_iter().flatten().filter_map(Value::as_str).collect();
        let values = values.join(",");
        match text(expression, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::labels(json!({ "matchLabels": { "app": "web", "tier": "front" } }), "app=web,tier=front")]
    #[case::expressions(
        json!({ "matchExpressions": [
            { "key": "a", "operator": "In", "values": ["x", "y"] },
            { "key": "b", "operator": "NotIn", "values": ["z"] },
            { "key": "c", "operator": "Exists" },
            { "key": "d", "operator": "DoesNotExist" },
        ] }),
        "a in (x,y),b notin (z),c,!d"
    )]
    #[case::nothing(json!({}), "")]
    fn selectors(#[case] given: Value, #[case] expected: &str) {
        assert_eq!(selector(&given), expected);
    }
}
