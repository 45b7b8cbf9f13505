//! Where a flip of a Service's selector loses requests.

use serde_json::Value;

use super::{Lead, TrafficSpec};
use crate::object::text;

/// What is to be said about a release that switches a Service which load balancers outside the cluster follow pod by
/// pod; `None` if nothing is.
///
/// Such a load balancer registers pods one by one, and checks them only then: after a flip it has none, or those that are
/// gone, until that is done. Readiness gates do not help, since pods get them only from the Service that selects them
/// when they are made. `ingresses` are those of the Service's namespace.
///
/// # Examples
/// ```
/// use multicluster_core::names::ReleaseName;
/// use multicluster_core::release::identity::ReleaseIdentity;
/// use multicluster_core::release::traffic::{Lead, TrafficSpec, lb_warning};
/// use serde_json::json;
///
/// let lead = Lead {
///     release: ReleaseIdentity::new(ReleaseName::new("web").unwrap(), "shop"),
///     spec: TrafficSpec::Service { name: None },
///     service: "web".into(),
/// };
/// let service = json!({ "metadata": { "name": "web" }, "spec": { "type": "ClusterIP" } });
/// assert_eq!(lb_warning(&lead, &service, &[]), None);
/// let service = json!({
///     "metadata": { "annotations": { "cloud.google.com/neg": "{\"ingress\": true}" } }, "spec": { "type": "ClusterIP" }
/// });
/// assert!(lb_warning(&lead, &service, &[]).unwrap().contains("`cloud.google.com/neg`"));
/// ```
#[must_use]
pub fn lb_warning(lead: &Lead, service: &Value, ingresses: &[Value]) -> Option<String> {
    let TrafficSpec::Service { .. } = lead.spec else { return None };
    let because = registers_pods(service).or_else(|| {
        ingresses.iter().find(|ingress| leads_to(ingress, &lead.service)).and_then(|ingress| {
            let why = ingress_registers_pods(ingress)?;
            Some(format!("Ingress `{}` {why}", text(ingress, "/metadata/name")))
        })
    })?;
    Some(format!(
        "requests can be lost at the switch of Service `{}`: {because}, so that a load balancer registers the pods \
         themselves and has none for a while after a change of the selector. Lead the traffic by weights instead \
         (`traffic.http_route` or `traffic.virtual_service`)",
        lead.service
    ))
}

/// Why pods of a Service are registered one by one, if they are.
fn registers_pods(service: &Value) -> Option<String> {
    let annotation = |key: &str| {
        let value = service.pointer("/metadata/annotations")?.get(key)?.as_str()?;
        (!value.is_empty()).then_some(value)
    };
    for key in ["cloud.google.com/neg", "cloud.google.com/neg-status"] {
        if annotation(key).is_some_and(|value| {
            value.contains("true")
                || value.contains("exposed_ports")
                || value.contains("network_endpoint_groups")
        }) {
            return Some(format!("it has the annotation `{key}`"));
        }
    }
    let key = "alb.ingress.kubernetes.io/target-type";
    if annotation(key) == Some("ip") {
        return Some(format!("it has the annotation `{key}` with value `ip`"));
    }
    if text(service, "/spec/type") != "LoadBalancer" {
        return None;
    }
    for (key, values) in [
        ("service.beta.kubernetes.io/aws-load-balancer-nlb-target-type", &["ip"][..]),
        ("service.beta.kubernetes.io/aws-load-balancer-type", &["nlb-ip"][..]),
    ] {
        if let Some(value) = annotation(key).filter(|value| values.contains(value)) {
            return Some(format!("it is of type LoadBalancer with the annotation `{key}: {value}`"));
        }
    }
    (service.pointer("/spec/allocateLoadBalancerNodePorts") == Some(&Value::Bool(false)))
        .then(|| "it is of type LoadBalancer without node ports".to_owned())
}

fn ingress_registers_pods(ingress: &Value) -> Option<&'static str> {
    let annotations = ingress.pointer("/metadata/annotations");
    let annotation = |key: &str| annotations.and_then(|it| it.get(key)).and_then(Value::as_str);
    if annotation("alb.ingress.kubernetes.io/target-type") == Some("ip") {
        return Some("of an AWS load balancer has targets of type `ip`");
    }
    let class = match text(ingress, "/spec/ingressClassName") {
        "" => annotation("kubernetes.io/ingress.class").unwrap_or(""),
        class => class,
    };
    match class {
        "gce-internal" => Some("of class `gce-internal` uses network endpoint groups"),
        "azure-application-gateway" => Some("of class `azure-application-gateway` uses addresses of pods"),
        _ => None,
    }
}

fn leads_to(ingress: &Value, service: &str) -> bool {
    let list = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    text(ingress, "/spec/defaultBackend/service/name") == service
        || list(ingress, "/spec/rules")
            .iter()
            .flat_map(|rule| list(rule, "/http/paths"))
            .any(|path| text(&path, "/backend/service/name") == service)
}
