//! How a user says what leads a release's traffic, and what that means for the steps.

use std::collections::BTreeSet;

use super::super::identity::ReleaseIdentity;
use super::super::spec::Step;
use crate::dns::Problem;
use crate::object::{GroupKind, ObjectKey};

/// The largest weight of all: everything.
const ALL: u8 = 100;
/// Gateway API allows no more headers in one match.
const MOST_HEADERS: usize = 16;

/// What leads traffic to the colours.
///
/// The stable Service is the one that clients, or the route before the first release, know. Left out, it is the Service
/// of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrafficSpec {
    /// The stable Service itself: its selector names a colour. For traffic within the cluster.
    Service {
        /// The stable Service.
        name: Option<String>,
    },
    /// Weights of an `HTTPRoute` of the Gateway API.
    HttpRoute {
        /// The route.
        name: String,
        /// Its namespace; the workload's if absent.
        namespace: Option<String>,
        /// Which of its rules; absent: the one that leads to the workload.
        rule: Option<RuleRef>,
        /// The stable Service.
        service: Option<String>,
    },
    /// Weights of a `VirtualService` of Istio.
    VirtualService {
        /// The virtual service.
        name: String,
        /// Its namespace; the workload's if absent.
        namespace: Option<String>,
        /// Which entry of `http`; absent: the one that leads to the workload.
        route: Option<RuleRef>,
        /// The stable Service.
        service: Option<String>,
    },
}

/// One rule among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleRef {
    /// By its `name`.
    Name(String),
    /// By its place, counted from 0; rules that steps have added do not count.
    Index(usize),
}

impl TrafficSpec {
    /// The stable Service, if the user names it.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Service { name } => name.as_deref(),
            Self::HttpRoute { service, .. } | Self::VirtualService { service, .. } => service.as_deref(),
        }
    }

    /// The attribute that says it.
    #[must_use]
    pub fn attribute(&self) -> &'static str {
        match self {
            Self::Service { .. } => "service",
            Self::HttpRoute { .. } => "http_route",
            Self::VirtualService { .. } => "virtual_service",
        }
    }
}

/// How one release leads its traffic: what the user says, with the stable Service found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Whose traffic it is.
    pub release: ReleaseIdentity,
    /// By what it is led.
    pub spec: TrafficSpec,
    /// The stable Service.
    pub service: String,
}

/// An object that a switch writes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// What it is there for.
    pub role: Role,
    /// A version that it can be read and patched in.
    pub api_version: &'static str,
    /// Which object.
    pub key: ObjectKey,
}

/// What an object is there for in a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It has the weights. Without it there is no release.
    Route,
    /// It is the stable Service: it leads to one colour, whole. Beside a route it may be missing.
    Service,
}

impl Lead {
    /// The objects that every switch writes to, the one with the weights first.
    ///
    /// The stable Service is led beside a route, too: clients within the cluster that use it stay with the old colour
    /// until the route gives everything to the new one, and it must not be left without endpoints when the old colour
    /// goes.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        let target = |role, group: &str, api_version, kind: &str, namespace: &str, name: &str| Target {
            role,
            api_version,
            key: ObjectKey {
                kind: GroupKind { group: group.to_owned(), kind: kind.to_owned() },
                namespace: Some(namespace.to_owned()),
                name: name.to_owned(),
            },
        };
        let own = self.release.namespace.as_str();
        let service = target(Role::Service, "", "v1", "Service", own, &self.service);
        match &self.spec {
            TrafficSpec::Service { .. } => vec![Target { role: Role::Service, ..service }],
            TrafficSpec::HttpRoute { name, namespace, .. } => {
                let namespace = namespace.as_deref().unwrap_or(own);
                let group = "gateway.networking.k8s.io";
                vec![
                    target(Role::Route, group, "gateway.networking.k8s.io/v1", "HTTPRoute", namespace, name),
                    service,
                ]
            }
            TrafficSpec::VirtualService { name, namespace, .. } => {
                let namespace = namespace.as_deref().unwrap_or(own);
                let group = "networking.istio.io";
                vec![
                    target(Role::Route, group, "networking.istio.io/v1", "VirtualService", namespace, name),
                    service,
                ]
            }
        }
    }
}

/// Finds steps that cannot be, or that this traffic cannot show. Paths begin with the step's number.
///
/// # Examples
/// ```
/// use multicluster_core::release::spec::Step;
/// use multicluster_core::release::traffic::{TrafficSpec, check};
///
/// let steps = [Step::weight(20), Step::weight(100)];
/// let problems = check(&TrafficSpec::Service { name: None }, &steps);
/// assert!(problems[0].to_string().starts_with("0.weight: a Service leads to one colour only"));
/// ```
#[must_use]
pub fn check(spec: &TrafficSpec, steps: &[Step]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if steps.last().is_none_or(|step| step.weight != ALL) {
        problems.push(Problem::at([], "the last step must have `weight = 100`"));
    }
    let mut before = None;
    for (index, step) in steps.iter().enumerate() {
        let number = index.to_string();
        let mut report = |attribute: &str, text: String| {
            problems.push(Problem::at([number.as_str(), attribute], text));
        };
        if step.weight > ALL {
            report("weight", format!("{} is more than 100", step.weight));
        }
        if let Some(before) = before
            && step.weight < before
        {
            report(
                "weight",
                format!("{} is less than {before} of the step before: weights must ascend", step.weight),
            );
        }
        before = Some(step.weight);
        if step.mirror.is_some_and(|mirror| mirror > ALL) {
            report("mirror", "it is a percentage, at most 100".to_owned());
        }
        check_headers(step, &mut report);
        if let TrafficSpec::Service { .. } = spec {
            let instead = "use `traffic.http_route` or `traffic.virtual_service`";
            if step.weight != 0 && step.weight != ALL {
                report(
                    "weight",
                    format!("a Service leads to one colour only, so a weight is 0 or 100: {instead}"),
                );
            }
            if !step.headers.is_empty() {
                report("headers", format!("a Service does not see headers: {instead}"));
            }
            if step.mirror.is_some_and(|mirror| mirror > 0) {
                report("mirror", format!("a Service does not mirror: {instead}"));
            }
        }
    }
    problems
}

fn check_headers(step: &Step, report: &mut impl FnMut(&str, String)) {
    /// RFC 9110, `token`.
    fn is_token(name: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.len() <= 256 && name.bytes().all(allowed)
    }
    if step.headers.len() > MOST_HEADERS {
        report("headers", format!("{} headers, and a route can match {MOST_HEADERS}", step.headers.len()));
    }
    let mut seen = BTreeSet::new();
    for (name, value) in &step.headers {
        if !is_token(name) {
            report("headers", format!("`{name}` cannot be the name of a header"));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            report("headers", format!("`{name}` comes twice: names of headers have no case"));
        }
        if value.is_empty() || value.len() > 4096 {
            report("headers", format!("the value of `{name}` must have 1 to 4096 bytes"));
        }
    }
}
