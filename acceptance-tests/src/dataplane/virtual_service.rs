//! Istio's `VirtualService` and `DestinationRule`: where their routes lead a request. Pure.
//!
//! Gateways, TLS and TCP routes, faults, retries and rewrites are left out: they do not decide which version answers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    plan::{Asked, Destination, Mirror, Plan, host_rank},
    text_match::TextMatch,
};

/// Shares of mirrors are exact to this fraction, which is what Envoy takes.
const MILLION: u64 = 1_000_000;

/// A virtual service.
#[derive(Debug, Clone)]
pub(super) struct VirtualService {
    pub(super) name: String,
    pub(super) created: String,
    pub(super) spec: VirtualServiceSpec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct VirtualServiceSpec {
    hosts: Vec<String>,
    http: Vec<HttpRule>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpRule {
    #[serde(rename = "match")]
    matches: Vec<Match>,
    route: Vec<Share>,
    mirror: Option<Target>,
    mirror_percentage: Option<Percent>,
    mirrors: Vec<MirrorEntry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Match {
    uri: Option<Value>,
    method: Option<Value>,
    authority: Option<Value>,
    headers: BTreeMap<String, Value>,
    without_headers: BTreeMap<String, Value>,
    query_params: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Share {
    destination: Target,
    weight: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Target {
    host: String,
    subset: Option<String>,
    port: Option<Port>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Port {
    number: u16,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Percent {
    value: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct MirrorEntry {
    destination: Target,
    percentage: Option<Percent>,
}

/// What a `DestinationRule` says of the subsets of a host.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DestinationRule {
    host: String,
    subsets: Vec<Subset>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Subset {
    name: String,
    labels: BTreeMap<String, String>,
}

/// What virtual services can refer to.
pub(super) struct Scope<'a> {
    pub(super) namespace: &'a str,
    pub(super) exists: &'a dyn Fn(&str, Option<u16>) -> bool,
    pub(super) rules: Vec<&'a DestinationRule>,
}

/// The Service of a namespace that a host means, if it means one.
pub(super) fn service_of<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let (name, rest) = host.split_once('.').unwrap_or((host, ""));
    let of_namespace = |rest: &str| {
        let rest = rest.strip_prefix(namespace)?;
        ["", ".svc", ".svc.cluster.local"].contains(&rest).then_some(())
    };
    (!name.is_empty() && (rest.is_empty() || of_namespace(rest).is_some())).then_some(name)
}

impl VirtualService {
    /// How specific its hosts are for a host; `None` if it is not meant.
    pub(super) fn rank(&self, host: &str, namespace: &str) -> Option<usize> {
        let service = service_of(host, namespace);
        let rank = |name: &String| {
            let same_service = service.is_some() && service_of(name, namespace) == service;
            if same_service { Some(usize::MAX) } else { host_rank(name, host) }
        };
        self.spec.hosts.iter().filter_map(rank).max()
    }

    /// What its first rule that fits says of a request.
    pub(super) fn find(&self, asked: &Asked<'_>, scope: &Scope<'_>) -> Option<Plan> {
        let fits =
            |rule: &HttpRule| rule.matches.is_empty() || rule.matches.iter().any(|one| one.holds(asked));
        let (index, rule) = self.spec.http.iter().enumerate().find(|(_, rule)| fits(rule))?;
        let mut destinations: Vec<(u64, Destination)> =
            rule.route.iter().map(|share| (share.weight, share.destination.resolve(scope))).collect();
        // A single destination gets everything, whatever its weight.
        if let [only] = destinations.as_mut_slice() {
            only.0 = 1;
        }
        let one = rule.mirror.iter().map(|target| (target, rule.mirror_percentage));
        let more = rule.mirrors.iter().map(|entry| (&entry.destination, entry.percentage));
        let mirrors = one.chain(more).map(|(target, percent)| Mirror {
            to: target.resolve(scope),
            share: percent.map_or(MILLION, Percent::share),
            of: MILLION,
        });
        Some(Plan {
            rule: format!("virtual service {}/{index}", self.name),
            destinations,
            mirrors: mirrors.collect(),
        })
    }
}

impl Percent {
    /// Of [`MILLION`] so many.
    fn share(self) -> u64 {
        let percent = if self.value.is_finite() { self.value.clamp(0.0, 100.0) } else { 0.0 };
        // Written as a decimal, which is exact to more digits than Envoy takes.
        let text = format!("{:.0}", percent * 10_000.0);
        text.parse().unwrap_or_default()
    }
}

impl Target {
    /// Where it leads. A host or a subset that is unknown has no endpoints: Envoy answers 503.
    fn resolve(&self, scope: &Scope<'_>) -> Destination {
        let port = self.port.map(|port| port.number);
        let nowhere = Destination::Status(503);
        let Some(name) = service_of(&self.host, scope.namespace) else { return nowhere };
        if !(scope.exists)(name, port) {
            return nowhere;
        }
        let Some(wanted) = &self.subset else { return Destination::service(name, port) };
        let of_host = |rule: &&&DestinationRule| service_of(&rule.host, scope.namespace) == Some(name);
        let mut subsets = scope.rules.iter().filter(of_host).flat_map(|rule| &rule.subsets);
        match subsets.find(|subset| subset.name == *wanted) {
            Some(subset) => {
                Destination::Service { name: name.to_owned(), port, subset: subset.labels.clone() }
            }
            None => nowhere,
        }
    }
}

impl Match {
    fn holds(&self, asked: &Asked<'_>) -> bool {
        let text = |condition: &Option<Value>, text: &str| {
            condition.as_ref().is_none_or(|condition| string_match(condition).holds(text))
        };
        let header = |(name, condition): (&String, &Value)| {
            asked.header(name).is_some_and(|value| string_match(condition).holds(value))
        };
        let parameter = |(name, condition): (&String, &Value)| {
            asked.parameter(name).is_some_and(|value| string_match(condition).holds(value))
        };
        text(&self.uri, asked.path)
            && text(&self.method, asked.method)
            && text(&self.authority, asked.host)
            && self.headers.iter().all(header)
            && !self.without_headers.iter().any(header)
            && self.query_params.iter().all(parameter)
    }
}

/// Istio's `StringMatch`: one of `exact`, `prefix`, `regex`; an empty one asks only that the text is there.
fn string_match(condition: &Value) -> TextMatch {
    let text = |name: &str| condition[name].as_str();
    if let Some(exact) = text("exact") {
        TextMatch::Exact(exact.to_owned())
    } else if let Some(prefix) = text("prefix") {
        TextMatch::Prefix(prefix.to_owned())
    } else if let Some(expression) = text("regex") {
        TextMatch::regex(expression)
    } else {
        TextMatch::Present
    }
}
