//! What a user says of a health check.

use std::collections::BTreeSet;

use super::config::{Alarm, HealthCheckType};
use crate::dns::Problem;

/// The regions that health checkers are in (API model, HealthCheckRegion).
pub(super) const REGIONS: [&str; 8] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-1",
    "us-west-2",
];

/// The fewest regions that a check is made from, if they are chosen at all.
const LEAST_REGIONS: usize = 3;

/// The longest path, search string and host in characters.
const TEXT_LIMIT: usize = 255;

/// A block `health_check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheckSpec {
    /// What is looked at.
    pub probe: Probe,
    /// Whether the result is turned round: healthy is what fails.
    pub inverted: bool,
    /// Whether nothing is looked at, and the endpoint counts as healthy; unhealthy if also inverted.
    pub disabled: bool,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The endpoint answers.
    Endpoint {
        /// How it is asked.
        protocol: Protocol,
        /// By default 80 for HTTP and 443 for HTTPS; needed for TCP.
        port: Option<u16>,
        /// By default `/`.
        path: Option<String>,
        /// What the first 5,120 bytes of the response must hold.
        search_string: Option<String>,
        /// The `Host` header, and the name in the TLS handshake; by default the record's name.
        host: Option<String>,
        /// Seconds between two requests of a checker: 10 or 30.
        interval: u8,
        /// How many results in a row change the state: 1 to 10.
        failure_threshold: u8,
        /// Where checkers are, three at least; empty for everywhere.
        regions: BTreeSet<String>,
        /// Whether CloudWatch shows how long the endpoint takes.
        measure_latency: bool,
        /// Of several addresses, how many must be healthy for the endpoint to be.
        healthy_addresses: u8,
    },
    /// An alarm of CloudWatch is not raised.
    Alarm(Alarm),
}

/// How an endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A request that is answered by 2xx or 3xx.
    Http,
    /// The same within TLS; the certificate is not looked at.
    Https,
    /// A connection that is taken.
    Tcp,
}

impl Protocol {
    /// As users write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
        }
    }

    pub(super) fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Tcp => None,
        }
    }

    /// The type of a check, which says whether a string is looked for.
    pub(super) fn check_type(self, search_string: Option<&str>) -> HealthCheckType {
        match (self, search_string) {
            (Self::Http, None) => HealthCheckType::Http,
            (Self::Http, Some(_)) => HealthCheckType::HttpStrMatch,
            (Self::Https, None) => HealthCheckType::Https,
            (Self::Https, Some(_)) => HealthCheckType::HttpsStrMatch,
            (Self::Tcp, _) => HealthCheckType::Tcp,
        }
    }
}

impl HealthCheckSpec {
    /// A check of an endpoint, with the service's own defaults: every 30 seconds, three in a row, from everywhere.
    #[must_use]
    pub fn of(protocol: Protocol) -> Self {
        let probe = Probe::Endpoint {
            protocol,
            port: None,
            path: None,
            search_string: None,
            host: None,
            interval: 30,
            failure_threshold: 3,
            regions: BTreeSet::new(),
            measure_latency: false,
            healthy_addresses: 1,
        };
        Self { probe, inverted: false, disabled: false }
    }

    /// What Route 53 would refuse of it, below the attribute that it stands in: `["health_check"]` or
    /// `["endpoints", "aws", "health_check"]`.
    #[must_use]
    pub fn problems(&self, path: &[&str]) -> Vec<Problem> {
        let mut found = Found { path, problems: Vec::new() };
        match &self.probe {
            Probe::Endpoint {
                protocol,
                port,
                path,
                search_string,
                host,
                interval,
                failure_threshold,
                regions,
                measure_latency: _,
                healthy_addresses,
            } => {
                let tcp = *protocol == Protocol::Tcp;
                found.unless(port.is_some() || !tcp, "port", "TCP has no usual port: set `port`");
                found.unless(*port != Some(0), "port", "a port is 1 to 65535");
                found.text(path.as_deref(), "path", tcp);
                found.text(search_string.as_deref(), "search_string", tcp);
                found.text(host.as_deref(), "host", tcp);
                let rooted = path.as_ref().is_none_or(|path| path.starts_with('/'));
                found.unless(rooted, "path", "a path begins with `/`");
                found.unless(matches!(interval, 10 | 30), "interval", "the interval is 10 or 30 seconds");
                found.unless(
                    (1..=10).contains(failure_threshold),
                    "failure_threshold",
                    "the failure threshold is 1 to 10",
                );
                found.unless(
                    *healthy_addresses > 0,
                    "healthy_addresses",
                    "with no address needed the endpoint would always be healthy: it is 1 or more",
                );
                found.regions(regions);
            }
            Probe::Alarm(Alarm { name, region, .. }) => {
                found.text(Some(name), "alarm", false);
                found.unless(!region.is_empty(), "alarm", "the alarm's region is needed");
            }
        }
        found.problems
    }
}

struct Found<'a> {
    path: &'a [&'a str],
    problems: Vec<Problem>,
}

impl Found<'_> {
    fn unless(&mut self, fine: bool, attribute: &str, text: &str) {
        if !fine {
            let path = self.path.iter().copied().chain(std::iter::once(attribute));
            self.problems.push(Problem::at(path, text));
        }
    }

    fn text(&mut self, text: Option<&str>, attribute: &str, unused: bool) {
        let Some(text) = text else { return };
        let length = text.chars().count();
        let message = format!("it has {length} characters, and must have 1 to {TEXT_LIMIT}");
        self.unless((1..=TEXT_LIMIT).contains(&length), attribute, &message);
        self.unless(!unused, attribute, "a TCP check only connects: it has no use for this");
    }

    fn regions(&mut self, regions: &BTreeSet<String>) {
        for region in regions.iter().filter(|region| !REGIONS.contains(&region.as_str())) {
            let text =
                format!("there are no health checkers in `{region}`: they are in {}", REGIONS.join(", "));
            self.unless(false, "regions", &text);
        }
        let enough = regions.is_empty() || regions.len() >= LEAST_REGIONS;
        self.unless(
            enough,
            "regions",
            "health is checked from three regions or more, or from all if none is given",
        );
    }
}
