//! Writes what the controller of a Gateway says of a route: `Accepted` and `ResolvedRefs` for each of its parents.

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    State,
    http_route::{HttpRoute, Unresolved},
    table::Table,
};

/// The name under which the lab's data plane writes.
pub const CONTROLLER: &str = "multicluster.test/lab";

/// What the controller does with routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteStatus {
    /// Accepts them, and says so after this time.
    Accepted(Duration),
    /// Does not accept them, and says why: a reason such as `NotAllowedByListeners`, and a message. They are carried
    /// out nevertheless, since it is the status that tests are about.
    Refused {
        /// When it says so.
        after: Duration,
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// Says nothing.
    Silent,
}

impl RouteStatus {
    fn after(&self) -> Option<Duration> {
        match self {
            Self::Accepted(after) | Self::Refused { after, .. } => Some(*after),
            Self::Silent => None,
        }
    }
}

/// Keeps the status of all routes of the namespace true, each change after its delay.
pub(super) async fn write(client: Client, state: State, mut wanted: watch::Receiver<RouteStatus>) {
    let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
    let resource = ApiResource::from_gvk_with_plural(&kind, "httproutes");
    let api: Api<DynamicObject> = Api::namespaced_with(client, &state.namespace, &resource);
    // Since when a route's status is known to be wrong.
    let mut wrong: BTreeMap<String, Instant> = BTreeMap::new();
    let mut news = state.news();
    loop {
        news.borrow_and_update();
        let status = wanted.borrow_and_update().clone();
        let now = Instant::now();
        let patches = state.with_heard(|table| patches(table, &status));
        wrong.retain(|name, _| patches.contains_key(name));
        for name in patches.keys() {
            wrong.entry(name.clone()).or_insert(now);
        }
        let after = status.after().unwrap_or_default();
        let due = |name: &String| wrong.get(name).is_some_and(|since| *since + after <= now);
        for (name, patch) in patches.iter().filter(|(name, _)| due(name)) {
            // Refused when the route has changed since, or is gone: the watch says so, and it is done again.
            let _ = api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        }
        let next = wrong.values().map(|since| *since + after).filter(|due| *due > now).min();
        let wake = async {
            match next {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            changed = wanted.changed() => if changed.is_err() { return },
            () = wake => {}
        }
    }
}

/// What is to be written, for the routes whose status is not right.
fn patches(table: &Table, status: &RouteStatus) -> BTreeMap<String, Value> {
    if *status == RouteStatus::Silent {
        return BTreeMap::new();
    }
    let patch = |(name, route): (&str, &HttpRoute)| {
        let unresolved = route.unresolved(|backend| table.resolve(route, backend));
        let parents = parents(route, status, unresolved);
        (parents != route.parents).then(|| {
            let patch = json!({
                "metadata": {"resourceVersion": route.resource_version},
                "status": {"parents": parents},
            });
            (name.to_owned(), patch)
        })
    };
    table.routes().filter_map(patch).collect()
}

/// `status.parents` as it should be. What other controllers say there stays.
fn parents(route: &HttpRoute, status: &RouteStatus, unresolved: Option<(String, Unresolved)>) -> Vec<Value> {
    let others = route.parents.iter().filter(|parent| parent["controllerName"] != CONTROLLER).cloned();
    let accepted = match status {
        RouteStatus::Refused { reason, message, .. } => ("Accepted", false, reason.as_str(), message.clone()),
        RouteStatus::Accepted(_) | RouteStatus::Silent => ("Accepted", true, "Accepted", String::new()),
    };
    let resolved = match unresolved {
        None => ("ResolvedRefs", true, "ResolvedRefs", String::new()),
        Some((name, why)) => {
            let reason = match why {
                Unresolved::InvalidKind => "InvalidKind",
                Unresolved::RefNotPermitted => "RefNotPermitted",
                Unresolved::BackendNotFound => "BackendNotFound",
            };
            ("ResolvedRefs", false, reason, format!("backend {name} cannot be used"))
        }
    };
    let ours = route.spec.parent_refs.iter().map(|parent| {
        let before = route
            .parents
            .iter()
            .find(|found| found["controllerName"] == CONTROLLER && found["parentRef"] == *parent);
        let conditions = [&accepted, &resolved].map(|said| condition(route.generation, said, before));
        json!({"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
    });
    others.chain(ours).collect()
}

/// A condition. Its time is that of the last change of its status.
fn condition(
    generation: i64,
    (kind, holds, reason, message): &(&str, bool, &str, String),
    before: Option<&Value>,
) -> Value {
    let status = if *holds { "True" } else { "False" };
    let same = before
        .and_then(|parent| parent["conditions"].as_array())
        .and_then(|conditions| conditions.iter().find(|one| one["type"] == *kind && one["status"] == status));
    let time = same.map_or_else(now, |condition| condition["lastTransitionTime"].clone());
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": generation, "lastTransitionTime": time,
    })
}

/// The time as Kubernetes writes it.
fn now() -> Value {
    Value::from(format!("{:.0}", jiff::Timestamp::now()))
}
