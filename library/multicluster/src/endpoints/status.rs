//! What an object's status says about where it is reached.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use multicluster_core::object::text;
use serde_json::Value;

use super::DiscoverError;
use crate::member::cut;

/// The addresses and names that are read of one object; no load balancer has so many.
const LIMIT: usize = 400;

/// An object that a cloud gives an address to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exposed {
    /// What it is.
    pub kind: ExposedKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The kinds of objects that get addresses from their cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExposedKind {
    /// `v1` `Service` of type `LoadBalancer`.
    Service,
    /// `networking.k8s.io/v1` `Ingress`.
    Ingress,
    /// `gateway.networking.k8s.io` `Gateway`.
    Gateway,
}

/// Where an object is reached. Never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Addresses of both families.
    pub addresses: BTreeSet<IpAddr>,
    /// Host names, as AWS's load balancers have them.
    pub hostnames: BTreeSet<String>,
}

/// What an object says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Where it is reached.
    Found(Found),
    /// It is there, and has no address yet, for this reason.
    Waiting(String),
    /// There is no such object.
    Missing,
}

impl fmt::Display for ExposedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::Gateway => "Gateway",
        })
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}/{}`", self.kind, self.namespace, self.name)
    }
}

/// What the object's status says.
///
/// # Errors
/// [`DiscoverError::NeverExposed`] if it will never have an address as it is.
pub(super) fn seen(exposed: &Exposed, object: &Value) -> Result<Seen, DiscoverError> {
    if let Some(reason) = never(exposed.kind, object) {
        return Err(DiscoverError::NeverExposed { object: exposed.clone(), reason });
    }
    let found = match exposed.kind {
        ExposedKind::Service | ExposedKind::Ingress => {
            let ingress = entries(object, "/status/loadBalancer/ingress");
            found(ingress.flat_map(|entry| [text(entry, "/ip"), text(entry, "/hostname")]))
        }
        ExposedKind::Gateway => {
            // Of other types than these two only the implementation knows what they mean.
            let is_plain = |entry: &&Value| matches!(text(entry, "/type"), "" | "IPAddress" | "Hostname");
            found(entries(object, "/status/addresses").filter(is_plain).map(|entry| text(entry, "/value")))
        }
    };
    if found == Found::default() {
        return Ok(Seen::Waiting(waiting(exposed.kind, object)));
    }
    Ok(Seen::Found(found))
}

fn entries<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(LIMIT)
}

fn found<'a>(texts: impl Iterator<Item = &'a str>) -> Found {
    let mut found = Found::default();
    for text in texts.filter(|text| !text.is_empty()) {
        match text.parse::<IpAddr>() {
            Ok(address) => drop(found.addresses.insert(address)),
            // It is checked to be a name by whoever makes a record of it.
            Err(_) => drop(found.hostnames.insert(cut(text))),
        }
    }
    found
}

/// Why it will never have an address.
fn never(kind: ExposedKind, object: &Value) -> Option<String> {
    let ty = text(object, "/spec/type");
    match kind {
        ExposedKind::Service if ty != "LoadBalancer" => {
            let ty = if ty.is_empty() { "ClusterIP" } else { ty };
            Some(format!(
                "its type is `{}`, and only a Service of type `LoadBalancer` gets an address",
                cut(ty)
            ))
        }
        _ => None,
    }
}

/// What it is waiting for, in its own words as far as it has some.
fn waiting(kind: ExposedKind, object: &Value) -> String {
    if kind == ExposedKind::Gateway {
        let said = entries(object, "/status/conditions").find(|condition| {
            matches!(text(condition, "/type"), "Accepted" | "Programmed")
                && text(condition, "/status") != "True"
        });
        if let Some(condition) = said {
            let message = cut(text(condition, "/message"));
            return format!("its condition `{}` is not true: {message}", text(condition, "/type"));
        }
        return "its controller has given it no address yet".to_owned();
    }
    let class = ["/spec/loadBalancerClass", "/spec/ingressClassName"].iter().map(|at| text(object, at));
    match class.into_iter().find(|class| !class.is_empty()) {
        Some(class) => format!("the controller of class `{}` has given it no address yet", cut(class)),
        None => "the cluster's cloud controller has given it no address yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::any, proptest};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn exposed(kind: ExposedKind) -> Exposed {
        Exposed { kind, namespace: "shop".to_owned(), name: "web".to_owned() }
    }

    fn balancer(ingress: &Value) -> Value {
        json!({ "spec": { "type": "LoadBalancer" }, "status": { "loadBalancer": { "ingress": ingress } } })
    }

    fn texts(seen: &Seen) -> Vec<String> {
        let Seen::Found(found) = seen else {
            return Vec::new();
        };
        found.addresses.iter().map(ToString::to_string).chain(found.hostnames.iter().cloned()).collect()
    }

    #[rstest]
    #[case::address(ExposedKind::Service, balancer(&json!([{ "ip": "203.0.113.7", "ipMode": "VIP" }])), &["203.0.113.7"])]
    #[case::dual_stack(
        ExposedKind::Service, balancer(&json!([{ "ip": "2001:db8::7" }, { "ip": "203.0.113.7" }])), &["203.0.113.7", "2001:db8::7"]
    )]
    #[case::hostname(
        ExposedKind::Ingress, balancer(&json!([{ "hostname": "a.elb.us-east-1.amazonaws.com" }])), &["a.elb.us-east-1.amazonaws.com"]
    )]
    #[case::both(ExposedKind::Ingress, balancer(&json!([{ "ip": "203.0.113.7", "hostname": "a.example" }])), &["203.0.113.7", "a.example"])]
    #[case::gateway(
        ExposedKind::Gateway,
        json!({ "status": { "addresses": [{ "type": "IPAddress", "value": "203.0.113.7" }, { "type": "Hostname", "value": "a.example" },
            { "type": "example.com/named", "value": "internal" }, { "value": "203.0.113.8" }] } }),
        &["203.0.113.7", "203.0.113.8", "a.example"]
    )]
    fn addresses(#[case] kind: ExposedKind, #[case] object: Value, #[case] expected: &[&str]) {
        assert_eq!(texts(&seen(&exposed(kind), &object).unwrap()), expected);
    }

    #[rstest]
    #[case::cloud(ExposedKind::Service, balancer(&json!([])), "cloud controller")]
    #[case::empty_entry(ExposedKind::Service, balancer(&json!([{ "ip": "" }, 7])), "cloud controller")]
    #[case::class(ExposedKind::Ingress, json!({ "spec": { "ingressClassName": "nginx" } }), "class `nginx`")]
    #[case::gateway(
        ExposedKind::Gateway,
        json!({ "status": { "conditions": [{ "type": "Accepted", "status": "True" }, { "type": "Programmed", "status": "False", "message": "no quota" }] } }),
        "`Programmed` is not true: no quota"
    )]
    #[case::new_gateway(ExposedKind::Gateway, json!({}), "its controller")]
    fn without_an_address(#[case] kind: ExposedKind, #[case] object: Value, #[case] expected: &str) {
        let Ok(Seen::Waiting(reason)) = seen(&exposed(kind), &object) else { panic!("it waits") };
        assert!(reason.contains(expected), "{reason}");
    }

    #[test]
    fn a_service_within_its_cluster_is_not_waited_for() {
        for spec in [json!({ "type": "ClusterIP" }), json!({})] {
            let error =
                seen(&exposed(ExposedKind::Service), &json!({ "spec": spec })).unwrap_err().to_string();
            assert!(error.contains("Service `shop/web`") && error.contains("`ClusterIP`"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_status_is_understood_or_not(ip in any::<String>(), ty in any::<String>()) {
            let object = json!({ "spec": { "type": ty }, "status": { "loadBalancer": { "ingress": [{ "ip": ip }] },
                "addresses": [{ "type": ty, "value": ip }] } });
            for kind in [ExposedKind::Service, ExposedKind::Ingress, ExposedKind::Gateway] {
                let _ = seen(&exposed(kind), &object);
            }
        }
    }
}
