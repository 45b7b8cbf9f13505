//! `HTTPRoute` of the Gateway API: what its rules say of a request, and what a controller says of it. Pure.
//!
//! Every Gateway that a route names is taken as being there, listening for every host, and letting the route in.
//! References into other namespaces are not allowed, since nobody here reads `ReferenceGrant`s. Filters other than
//! `RequestMirror` change what a request says and not where it goes; they are left out.

use serde::Deserialize;
use serde_json::Value;

use super::{
    plan::{Asked, Destination, Mirror, Plan, host_rank},
    text_match::TextMatch,
};

/// A route.
#[derive(Debug, Clone)]
pub(super) struct HttpRoute {
    pub(super) name: String,
    pub(super) namespace: String,
    /// RFC 3339 in UTC with whole seconds, as API servers write it: sorts by time.
    pub(super) created: String,
    pub(super) generation: i64,
    pub(super) resource_version: String,
    pub(super) spec: Spec,
    /// `status.parents` as it stands.
    pub(super) parents: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) parent_refs: Vec<Value>,
    hostnames: Vec<String>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    matches: Vec<Match>,
    filters: Vec<Filter>,
    backend_refs: Vec<BackendRef>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Match {
    path: Option<Condition>,
    headers: Vec<Condition>,
    query_params: Vec<Condition>,
    method: Option<String>,
}

/// A condition on a path, a header or a parameter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: String,
    value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    request_mirror: Option<RequestMirror>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestMirror {
    backend_ref: BackendRef,
    percent: Option<u64>,
    fraction: Option<Fraction>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Fraction {
    numerator: u64,
    #[serde(default = "hundred")]
    denominator: u64,
}

fn hundred() -> u64 {
    100
}

/// A reference to a Service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct BackendRef {
    group: Option<String>,
    kind: Option<String>,
    namespace: Option<String>,
    name: String,
    port: Option<u16>,
    weight: Option<u64>,
}

/// Why a reference leads nowhere, in the words of the condition `ResolvedRefs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unresolved {
    InvalidKind,
    RefNotPermitted,
    BackendNotFound,
}

/// What a route says of a request, and how specific that is: of several routes the highest counts.
pub(super) struct Found<'a> {
    pub(super) rank: Rank<'a>,
    pub(super) plan: Plan,
}

/// Host, path, method, headers, parameters; then the older route, then the first by name, then the first rule.
pub(super) type Rank<'a> =
    (usize, (u8, usize), bool, usize, usize, std::cmp::Reverse<(&'a str, &'a str, &'a str, usize)>);

impl HttpRoute {
    /// The best of its rules for a request, if one fits. With `any_host`, the host does not matter: the request came
    /// by the Service that is the route's parent.
    pub(super) fn find(
        &self,
        asked: &Asked<'_>,
        any_host: bool,
        resolve: impl Fn(&BackendRef) -> Result<(), Unresolved>,
    ) -> Option<Found<'_>> {
        let host = self.host(asked.host, any_host)?;
        let rules = self.spec.rules.iter().enumerate();
        let ranked = rules.flat_map(|(index, rule)| {
            // Without a condition all paths are meant.
            let default = [Match::default()];
            let matches = if rule.matches.is_empty() { &default } else { rule.matches.as_slice() };
            let ranks: Vec<_> = matches.iter().filter_map(|one| one.rank(asked)).collect();
            ranks.into_iter().map(move |(path, method, headers, parameters)| {
                let last = (self.created.as_str(), self.namespace.as_str(), self.name.as_str(), index);
                ((host, path, method, headers, parameters, std::cmp::Reverse(last)), index, rule)
            })
        });
        let (rank, index, rule) = ranked.max_by(|one, other| one.0.cmp(&other.0))?;
        Some(Found { rank, plan: self.plan(index, rule, resolve) })
    }

    fn host(&self, host: &str, any_host: bool) -> Option<usize> {
        if any_host || self.spec.hostnames.is_empty() {
            return Some(0);
        }
        self.spec.hostnames.iter().filter_map(|name| host_rank(name, host)).max()
    }

    /// Whether one of its parents is this Service of its own namespace.
    pub(super) fn is_for_service(&self, service: &str) -> bool {
        self.spec.parent_refs.iter().any(|parent| parent["kind"] == "Service" && parent["name"] == service)
    }

    /// Whether one of its parents is a Gateway.
    pub(super) fn is_for_gateway(&self) -> bool {
        let gateway = |parent: &Value| parent["kind"].as_str().is_none_or(|kind| kind == "Gateway");
        self.spec.parent_refs.iter().any(gateway)
    }

    fn plan(
        &self,
        index: usize,
        rule: &Rule,
        resolve: impl Fn(&BackendRef) -> Result<(), Unresolved>,
    ) -> Plan {
        let to = |backend: &BackendRef| match resolve(backend) {
            Ok(()) => Destination::service(&backend.name, backend.port),
            // The share of a reference that leads nowhere is answered by the proxy.
            Err(_) => Destination::Status(500),
        };
        let destinations =
            rule.backend_refs.iter().map(|backend| (backend.weight.unwrap_or(1), to(backend))).collect();
        let mirrors = rule.filters.iter().filter_map(|filter| {
            let mirror = filter.request_mirror.as_ref()?;
            let (share, of) = match (mirror.percent, mirror.fraction) {
                (Some(percent), _) => (percent, 100),
                (None, Some(fraction)) => (fraction.numerator, fraction.denominator),
                (None, None) => (1, 1),
            };
            Some(Mirror { to: to(&mirror.backend_ref), share, of })
        });
        Plan { rule: format!("route {}/{index}", self.name), destinations, mirrors: mirrors.collect() }
    }

    /// The first reference that leads nowhere.
    pub(super) fn unresolved(
        &self,
        resolve: impl Fn(&BackendRef) -> Result<(), Unresolved>,
    ) -> Option<(String, Unresolved)> {
        let mirrors = |rule: &Rule| -> Vec<BackendRef> {
            let filters = rule.filters.iter();
            filters.filter_map(|filter| Some(filter.request_mirror.as_ref()?.backend_ref.clone())).collect()
        };
        let all = self.spec.rules.iter().flat_map(|rule| [rule.backend_refs.clone(), mirrors(rule)].concat());
        all.into_iter().find_map(|backend| Some((backend.name.clone(), resolve(&backend).err()?)))
    }
}

impl BackendRef {
    /// Whether it is a Service that `exists` in the route's own namespace.
    pub(super) fn resolve(
        &self,
        namespace: &str,
        exists: impl Fn(&str, Option<u16>) -> bool,
    ) -> Result<(), Unresolved> {
        let core = self.group.as_deref().is_none_or(str::is_empty);
        if !core || self.kind.as_deref().is_some_and(|kind| kind != "Service") {
            return Err(Unresolved::InvalidKind);
        }
        if self.namespace.as_deref().is_some_and(|other| other != namespace) {
            return Err(Unresolved::RefNotPermitted);
        }
        // A Service needs a port here: without one no implementation knows where to go.
        let found = self.port.is_some() && exists(&self.name, self.port);
        found.then_some(()).ok_or(Unresolved::BackendNotFound)
    }
}

impl Match {
    /// How specific it is for a request; `None` if it does not hold.
    fn rank(&self, asked: &Asked<'_>) -> Option<((u8, usize), bool, usize, usize)> {
        let path = match &self.path {
            None => (1, 1),
            Some(path) => path.path_rank(asked.path)?,
        };
        let method = self.method.as_deref();
        let holds = method.is_none_or(|method| method == asked.method)
            && self.headers.iter().all(|one| one.holds(asked.header(&one.name)))
            && self.query_params.iter().all(|one| one.holds(asked.parameter(&one.name)));
        holds.then_some((path, method.is_some(), self.headers.len(), self.query_params.len()))
    }
}

impl Condition {
    fn holds(&self, text: Option<&str>) -> bool {
        let condition = match self.kind.as_deref() {
            None | Some("Exact") => TextMatch::Exact(self.value.clone()),
            Some("RegularExpression") => TextMatch::regex(&self.value),
            Some(_) => TextMatch::Never,
        };
        text.is_some_and(|text| condition.holds(text))
    }

    /// Exact before prefix before expression, longer before shorter.
    fn path_rank(&self, path: &str) -> Option<(u8, usize)> {
        let value = self.value.as_str();
        let (holds, kind) = match self.kind.as_deref() {
            Some("Exact") => (path == value, 2),
            Some("RegularExpression") => (TextMatch::regex(value).holds(path), 0),
            // Whole elements of a path count: `/shop` is no prefix of `/shopping`.
            None | Some("PathPrefix") => {
                let start = value.trim_end_matches('/');
                let rest = path.strip_prefix(start);
                (rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), 1)
            }
            Some(_) => (false, 0),
        };
        holds.then_some((kind, value.len()))
    }
}
