//! What must hold of a workload before it is taken over.

use serde_json::Value;

use super::{Found, NotAdopted};
use crate::object::text;
use crate::release::identity::{COLOR_LABEL, POD_TEMPLATE_HASH, RELEASE_LABEL};
use crate::release::traffic::Lead;
use crate::release::workload::belongs::{labels_at, selects};

/// The number by which the Deployment controller counts templates, on the Deployment and on its replica sets.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The hash of the one replica set of the Deployment that has pods.
pub(super) fn hash_of(lead: &Lead, found: &Found<'_>) -> Result<String, NotAdopted> {
    let live = found.deployment;
    let deployment = text(live, "/metadata/name").to_owned();
    let owner =
        list(live, "/metadata/ownerReferences").find(|it| it.get("controller") == Some(&Value::Bool(true)));
    if let Some(owner) = owner {
        let owner = format!("{} `{}`", text(owner, "/kind"), text(owner, "/name"));
        return Err(NotAdopted::Controlled { deployment, owner });
    }
    let label =
        live.pointer("/metadata/labels").and_then(|labels| labels.get(RELEASE_LABEL)).and_then(Value::as_str);
    let is_ours = label == Some(lead.release.name.as_str());
    if let Some(release) = label.filter(|_| !is_ours) {
        return Err(NotAdopted::OtherRelease { deployment, release: release.to_owned() });
    }
    let rolling = |why: &str| NotAdopted::RollingOut { deployment: deployment.clone(), why: why.to_owned() };
    if live.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Err(rolling("it is being deleted"));
    }
    // Paused by somebody else, its template may not be that of its pods.
    if live.pointer("/spec/paused") == Some(&Value::Bool(true)) && !is_ours {
        return Err(rolling("it is paused"));
    }
    let number = |pointer| live.pointer(pointer).and_then(Value::as_i64);
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Err(rolling("its controller has not seen the latest change"));
    }
    if number("/status/updatedReplicas").unwrap_or(0) < number("/status/replicas").unwrap_or(0) {
        return Err(rolling("pods of another template run"));
    }
    let uid = text(live, "/metadata/uid");
    let with_pods: Vec<&Value> = found
        .replica_sets
        .iter()
        .filter(|set| {
            list(set, "/metadata/ownerReferences").any(|it| text(it, "/uid") == uid && !uid.is_empty())
        })
        .filter(|set| {
            ["/spec/replicas", "/status/replicas"]
                .iter()
                .any(|at| set.pointer(at).and_then(Value::as_u64) > Some(0))
        })
        .collect();
    let set = match with_pods.as_slice() {
        [] => return Err(NotAdopted::NoPods { deployment }),
        [one] => one,
        several => return Err(rolling(&format!("{} of its replica sets have pods", several.len()))),
    };
    let revision =
        |object: &Value| object.pointer("/metadata/annotations").and_then(|it| it.get(REVISION)).cloned();
    if revision(set) != revision(live) {
        return Err(rolling("the pods are of an earlier revision"));
    }
    let hash = labels_at(set, "/metadata/labels").remove(POD_TEMPLATE_HASH);
    hash.ok_or_else(|| rolling("its replica set has no label `pod-template-hash`"))
}

/// Whether the stable Service leads to the Deployment's pods, and to nothing narrower.
pub(super) fn leads_there(lead: &Lead, found: &Found<'_>, hash: &str) -> Result<(), NotAdopted> {
    let wrong = |why: String| NotAdopted::Service {
        service: lead.service.clone(),
        deployment: text(found.deployment, "/metadata/name").to_owned(),
        why,
    };
    let labels = labels_at(found.deployment, "/spec/template/metadata/labels");
    let Some(selector) = found.service.pointer("/spec/selector").and_then(Value::as_object) else {
        return Err(wrong("it has no selector".to_owned()));
    };
    if let Some(color) = selector.get(COLOR_LABEL) {
        return Err(wrong(format!("it leads to colour {color}")));
    }
    if let Some(other) = selector.get(POD_TEMPLATE_HASH).filter(|it| it.as_str() != Some(hash)) {
        return Err(wrong(format!(
            "it leads to pods with `{POD_TEMPLATE_HASH}` {other}, and these have `{hash}`"
        )));
    }
    let mut open = selector.clone();
    open.remove(POD_TEMPLATE_HASH);
    if selects(&open, &labels) { Ok(()) } else { Err(wrong("its selector does not select them".to_owned())) }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
