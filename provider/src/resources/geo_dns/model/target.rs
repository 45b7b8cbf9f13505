//! What each endpoint is: said by value, or to be looked up on a cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use multicluster::endpoints::{Exposed, ExposedKind};
use multicluster_core::dns::EndpointName;
use multicluster_core::names::ClusterName;
use multicluster_core::route53::{RecordName, Target};
use tfplugin::{Diagnostics, Node};

use crate::validators::sentence;

/// What an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Source {
    /// Known only after apply.
    Unknown,
    /// This.
    Target(Target),
    /// What an object on a cluster says.
    Lookup(Reference),
}

/// An object on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Reference {
    pub(in super::super) cluster: ClusterName,
    pub(in super::super) object: Exposed,
}

/// The attributes that name such objects.
const LOOKED_UP: [(&str, ExposedKind); 3] =
    [("service", ExposedKind::Service), ("ingress", ExposedKind::Ingress), ("gateway", ExposedKind::Gateway)];

/// As it is kept and said: `aws: Service `shop/frontend``.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cluster, self.object)
    }
}

/// What the endpoints are. The schema's validators have checked that each has one target.
pub(super) fn sources(endpoints: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<EndpointName, Source> {
    let entry = |(name, node): (&str, Node<'_>)| {
        let name = EndpointName::new(name).ok()?;
        Some((name, source(&node, diagnostics)))
    };
    endpoints.entries().into_iter().filter_map(entry).collect()
}

fn source(endpoint: &Node<'_>, diagnostics: &mut Diagnostics) -> Source {
    let given = |name: &str| Some(endpoint.attribute(name)).filter(|node| !node.is_null());
    if let Some(values) = given("values") {
        let addresses = values.elements();
        let parsed: Vec<IpAddr> = addresses.iter().filter_map(|node| node.str()?.parse().ok()).collect();
        return match values.is_wholly_known() {
            true => Source::Target(Target::of_addresses(parsed)),
            false => Source::Unknown,
        };
    }
    if let Some(hostname) = given("hostname") {
        let Some(text) = hostname.str() else { return Source::Unknown };
        return match Target::of_hostname(text, None) {
            Ok(target) => Source::Target(target),
            Err(error) => {
                diagnostics.error_at(hostname.path(), "Invalid host name", sentence(&error));
                Source::Unknown
            }
        };
    }
    if let Some(node) = given("alias") {
        return alias(&node, diagnostics);
    }
    let looked_up = LOOKED_UP.into_iter().find_map(|(name, kind)| Some((kind, given(name)?)));
    match looked_up {
        Some((kind, node)) => reference(kind, &node, diagnostics).map_or(Source::Unknown, Source::Lookup),
        None => Source::Unknown,
    }
}

fn alias(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Source {
    let (name, zone) = (node.attribute("dns_name"), node.attribute("hosted_zone_id"));
    let (Some(text), true) = (name.str(), node.is_wholly_known()) else { return Source::Unknown };
    let path = name.path();
    let mut target = match Target::of_hostname(text, zone.str()) {
        Ok(target @ Target::Alias { .. }) => target,
        Ok(_) => {
            let detail = format!(
                "It is not known in which zone `{text}` is: give `hosted_zone_id`, or if it is no name of AWS, let the \
                 endpoint have it as `hostname`."
            );
            diagnostics.error_at(path, "Invalid alias", detail);
            return Source::Unknown;
        }
        Err(error) => {
            diagnostics.error_at(path, "Invalid alias", sentence(&error));
            return Source::Unknown;
        }
    };
    if let (Target::Alias { evaluate_target_health, .. }, Some(wanted)) =
        (&mut target, node.attribute("evaluate_target_health").bool())
    {
        if wanted && !*evaluate_target_health {
            let detail = "The health of a CloudFront distribution cannot be evaluated.";
            diagnostics.error_at(node.attribute("evaluate_target_health").path(), "Invalid alias", detail);
        }
        *evaluate_target_health = wanted;
    }
    Source::Target(target)
}

fn reference(kind: ExposedKind, node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Reference> {
    let cluster = node.attribute("cluster");
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let cluster = match ClusterName::new(cluster.str()?) {
        Ok(name) => name,
        Err(error) => {
            diagnostics.error_at(cluster.path(), "Invalid cluster name", sentence(&error));
            return None;
        }
    };
    let object = Exposed { kind, namespace: text("namespace")?, name: text("name")? };
    Some(Reference { cluster, object })
}

/// A target in the words of `targets`: its addresses, or its name.
pub(crate) fn words(target: &Target) -> Vec<String> {
    let name = |name: &RecordName| vec![name.as_written()];
    match target {
        Target::Addresses { .. } => target.addresses().map(|address| address.to_string()).collect(),
        Target::Alias { dns_name, .. } => name(dns_name),
        Target::Hostname(hostname) => name(hostname),
    }
}
