//! Which pods of a Service get requests, by the rules of kube-proxy. Pure.
//!
//! Ready endpoints get requests. If a Service has none, those that are being terminated and still serve do: a Service
//! whose last pods go is served until they are gone.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    core::v1::{Pod, Service},
    discovery::v1::EndpointSlice,
};

/// The label that says whose slice it is.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// A pod behind a Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) address: String,
    /// The pod's name; `None` for an endpoint that somebody made by hand.
    pub(super) pod: Option<String>,
}

/// The endpoints of a Service that requests for `port` go to, in a fixed order.
pub(super) fn endpoints<'a>(
    name: &str,
    service: &Service,
    slices: impl Iterator<Item = &'a EndpointSlice> + Clone,
    port: Option<u16>,
) -> Vec<Endpoint> {
    let Some(port_name) = port_name(service, port) else { return Vec::new() };
    let of_service = slices.filter(|slice| {
        let owner = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
        let ports = slice.ports.as_deref().unwrap_or_default();
        owner.is_some_and(|owner| owner == name)
            && ports.iter().any(|port| port.name.as_deref().unwrap_or_default() == port_name)
    });
    let (mut ready, mut serving) = (Vec::new(), Vec::new());
    for endpoint in of_service.flat_map(|slice| slice.endpoints.as_deref().unwrap_or_default()) {
        let Some(address) = endpoint.addresses.first() else { continue };
        let pod = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
        let pod = pod.and_then(|target| target.name.clone());
        let found = Endpoint { address: address.clone(), pod };
        let conditions = endpoint.conditions.as_ref();
        let is = |condition: Option<bool>, unset: bool| condition.unwrap_or(unset);
        // A condition that is not given counts as the API documents it: ready and serving, not terminating.
        if is(conditions.and_then(|conditions| conditions.ready), true) {
            ready.push(found);
        } else if is(conditions.and_then(|conditions| conditions.serving), true)
            && is(conditions.and_then(|conditions| conditions.terminating), false)
        {
            serving.push(found);
        }
    }
    let mut found = if ready.is_empty() { serving } else { ready };
    found.sort();
    // A pod may stand in two slices while the controller moves it.
    found.dedup();
    found
}

/// The name of the Service's port, by which its slices list theirs. Without a number the first port is meant.
fn port_name(service: &Service, port: Option<u16>) -> Option<String> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let wanted = match port {
        Some(number) => ports.iter().find(|port| port.port == i32::from(number)),
        None => ports.first(),
    };
    wanted.map(|port| port.name.clone().unwrap_or_default())
}

/// Whether a Service has this port.
pub(super) fn has_port(service: &Service, port: Option<u16>) -> bool {
    port_name(service, port).is_some()
}

/// What the server in a pod knows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) version: String,
    pub(super) color: String,
    pub(super) image: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Whether its containers run: otherwise it accepts no connection.
    pub(super) runs: bool,
}

/// Labels or annotations by which a pod says its version.
const VERSIONS: [&str; 2] = ["app.kubernetes.io/version", "version"];

/// The server in a pod.
pub(super) fn process(pod: &Pod) -> Process {
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    let annotations = pod.metadata.annotations.as_ref();
    let image = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    let image = image.and_then(|container| container.image.clone()).unwrap_or_default();
    // With whatever prefix, such as `example.com/color`.
    let color = labels.iter().find(|(name, _)| name.rsplit('/').next() == Some("color"));
    let color = color.map(|(_, value)| value.clone()).unwrap_or_default();
    // Without any other prefix: tools have versions of their own, which users do not know.
    let version = VERSIONS.iter().find_map(|name| labels.get(*name).or_else(|| annotations?.get(*name)));
    Process {
        version: version.cloned().unwrap_or_else(|| tag(&image).to_owned()),
        color,
        runs: runs(pod),
        image,
        labels,
    }
}

/// All containers run. A pod that crashes or is still being made refuses connections.
fn runs(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    let running = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.is_some_and(|state| state.running.is_some())
    };
    status.phase.as_deref() == Some("Running")
        && !containers.is_empty()
        && containers.iter().all(|container| running(container.state.as_ref()))
}

/// The tag of an image; empty without one.
fn tag(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split_once(':').map_or("", |(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service() -> Service {
        let ports = json!([{"name": "http", "port": 80}, {"name": "admin", "port": 81}]);
        serde_json::from_value(json!({"spec": {"ports": ports}})).unwrap()
    }

    fn check(conditions: &[serde_json::Value], port: Option<u16>, expected: &[&str]) {
        let endpoints: Vec<_> = conditions
            .iter()
            .enumerate()
            .map(|(index, conditions)| {
                let name = format!("p{index}");
                json!({"addresses": [name], "targetRef": {"kind": "Pod", "name": name}, "conditions": conditions})
            })
            .collect();
        let slice: EndpointSlice = serde_json::from_value(json!({
            "metadata": {"labels": {SERVICE_NAME: "shop"}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": endpoints,
        }))
        .unwrap();
        let found = super::endpoints("shop", &service(), [&slice, &slice].into_iter(), port);
        let names: Vec<&str> = found.iter().map(|endpoint| endpoint.pod.as_deref().unwrap()).collect();
        assert_eq!(names, expected, "{conditions:?} {port:?}");
        assert!(super::endpoints("other", &service(), std::iter::once(&slice), port).is_empty());
    }

    #[test]
    fn only_ready_endpoints_get_requests_or_else_those_that_end() {
        let ready = json!({"ready": true, "serving": true, "terminating": false});
        let unready = json!({"ready": false, "serving": false, "terminating": false});
        let ending = json!({"ready": false, "serving": true, "terminating": true});
        let ended = json!({"ready": false, "serving": false, "terminating": true});
        check(&[ready.clone(), unready.clone(), ending.clone()], None, &["p0"]);
        check(&[unready.clone(), ending, ended.clone()], Some(80), &["p1"]);
        check(&[unready, ended], None, &[]);
        check(&[json!({})], Some(80), &["p0"]);
        check(std::slice::from_ref(&ready), Some(81), &[]);
        check(&[ready], Some(99), &[]);
    }

    #[test]
    fn a_pod_says_its_version() {
        let pod = |labels: serde_json::Value, image: &str, state: serde_json::Value| -> Process {
            process(
                &serde_json::from_value(json!({
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": image}]},
                    "status": {"phase": "Running", "containerStatuses": [{
                        "name": "web", "image": image, "imageID": "", "ready": true, "restartCount": 0, "state": state,
                    }]},
                }))
                .unwrap(),
            )
        };
        let running = || json!({"running": {}});
        assert_eq!(pod(json!({}), "localhost:5000/shop:1.2@sha256:00", running()).version, "1.2");
        assert_eq!(pod(json!({}), "localhost:5000/shop", running()).version, "");
        let labelled =
            pod(json!({"app.kubernetes.io/version": "7", "x.dev/color": "green"}), "shop:1", running());
        assert_eq!((labelled.version.as_str(), labelled.color.as_str(), labelled.runs), ("7", "green", true));
        assert_eq!(pod(json!({"x.dev/version": "7"}), "shop:1", running()).version, "1");
        assert!(!pod(json!({}), "shop:1", json!({"waiting": {"reason": "CrashLoopBackOff"}})).runs);
    }
}
