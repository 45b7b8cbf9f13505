//! How the health of each endpoint is checked, as users write it.

use std::collections::BTreeMap;

use multicluster_core::dns::EndpointName;
use multicluster_core::route53::health_check::{
    Alarm, HealthCheckSpec, InsufficientData, Probe, Protocol, Wish,
};
use tfplugin::{Diagnostics, Node, Path};

use crate::validators::sentence;

/// The health check of an endpoint: what is asked for, and whether for it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Check {
    pub(in super::super) spec: HealthCheckSpec,
    pub(in super::super) wish: Wish,
}

impl Check {
    /// Whether the endpoint itself is asked.
    pub(in super::super) fn asks(&self) -> bool {
        matches!(self.spec.probe, Probe::Endpoint { .. })
    }
}

/// The attributes by which an endpoint is asked, which make no sense beside an alarm.
const QUESTION: [&str; 10] = [
    "protocol",
    "port",
    "path",
    "search_string",
    "interval",
    "failure_threshold",
    "regions",
    "host",
    "measure_latency",
    "healthy_addresses",
];

/// The checks of the endpoints that have one and are not drained; none if that is not known yet.
pub(super) fn checks(
    node: &Node<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<BTreeMap<EndpointName, Check>> {
    let common = node.attribute("health_check");
    let endpoints = node.attribute("endpoints");
    let mut known = common.is_wholly_known() && !endpoints.is_unknown();
    let shared = spec(&common, diagnostics);
    let mut checks = BTreeMap::new();
    for (name, endpoint) in endpoints.entries() {
        let (own, state) = (endpoint.attribute("health_check"), endpoint.attribute("state"));
        known &= !endpoint.is_unknown() && own.is_wholly_known() && !state.is_unknown();
        let (spec, wish) =
            if own.is_null() { (shared.clone(), Wish::Shared) } else { (spec(&own, diagnostics), Wish::Own) };
        if let (Ok(name), Some(spec)) = (EndpointName::new(name), spec)
            && state.str() != Some("drained")
        {
            checks.insert(name, Check { spec, wish });
        }
    }
    known.then_some(checks)
}

/// What a block asks for; none if nothing, or if it is wrong, which is said then.
fn spec(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<HealthCheckSpec> {
    if node.is_null() || !node.is_wholly_known() || node.attribute("enabled").bool() == Some(false) {
        return None;
    }
    let alarm = node.attribute("alarm");
    let probe =
        if alarm.is_null() { question(node, diagnostics)? } else { alarm_of(node, &alarm, diagnostics)? };
    let flag = |name: &str| node.attribute(name).bool().unwrap_or(false);
    let spec = HealthCheckSpec { probe, inverted: flag("inverted"), disabled: flag("disabled") };
    let problems = spec.problems(&[]);
    for problem in &problems {
        let path = problem.path.iter().fold(node.path(), |path: Path, name| path.attribute(name));
        diagnostics.error_at(path, "Invalid health check", sentence(&problem.text));
    }
    problems.is_empty().then_some(spec)
}

fn question(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Probe> {
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let small = |name: &str, default: u8| {
        node.attribute(name).i64().and_then(|it| u8::try_from(it).ok()).unwrap_or(default)
    };
    let protocol = match node.attribute("protocol").str() {
        Some("HTTP") => Protocol::Http,
        Some("HTTPS") => Protocol::Https,
        Some("TCP") => Protocol::Tcp,
        _ => {
            let detail = "A health check needs a `protocol`, or an `alarm`.";
            diagnostics.error_at(node.attribute("protocol").path(), "Invalid health check", detail);
            return None;
        }
    };
    let regions = node.attribute("regions").elements();
    Some(Probe::Endpoint {
        protocol,
        port: node.attribute("port").i64().and_then(|it| u16::try_from(it).ok()),
        path: text("path"),
        search_string: text("search_string"),
        host: text("host"),
        interval: small("interval", 30),
        failure_threshold: small("failure_threshold", 3),
        regions: regions.iter().filter_map(|it| it.str().map(str::to_owned)).collect(),
        measure_latency: node.attribute("measure_latency").bool().unwrap_or(false),
        healthy_addresses: small("healthy_addresses", 1),
    })
}

fn alarm_of(node: &Node<'_>, alarm: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Probe> {
    let given: Vec<&str> = QUESTION.into_iter().filter(|name| !node.attribute(name).is_null()).collect();
    for name in &given {
        let detail = "With `alarm`, the endpoint itself is not asked.";
        diagnostics.error_at(node.attribute(name).path(), "Invalid health check", detail);
    }
    let text = |name: &str| alarm.attribute(name).str().map(str::to_owned);
    let insufficient_data = match alarm.attribute("insufficient_data").str() {
        Some("Healthy") => InsufficientData::Healthy,
        Some("Unhealthy") => InsufficientData::Unhealthy,
        _ => InsufficientData::LastKnownStatus,
    };
    let alarm = Alarm { name: text("name")?, region: text("region")?, insufficient_data };
    given.is_empty().then_some(Probe::Alarm(alarm))
}
