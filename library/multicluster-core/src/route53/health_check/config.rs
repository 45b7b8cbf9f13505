//! What Route 53 is given, and which checks an endpoint needs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::identity::CheckKey;
use super::spec::{HealthCheckSpec, Probe, Protocol, REGIONS};
use crate::dns::{EndpointName, Problem};
use crate::route53::record_set::{HealthCheckId, RecordName};
use crate::route53::target::{Target, is_public};

/// A health check in the terms of the API (HealthCheckConfig). What is none is not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheckConfig {
    /// What it does. It cannot be changed.
    pub r#type: HealthCheckType,
    /// The address that is asked.
    pub ip_address: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// The path.
    pub resource_path: Option<String>,
    /// The `Host` header; without an address also what is resolved and asked.
    pub fully_qualified_domain_name: Option<String>,
    /// What the response must hold.
    pub search_string: Option<String>,
    /// Seconds: 10 or 30. It cannot be changed.
    pub request_interval: Option<u32>,
    /// 1 to 10.
    pub failure_threshold: Option<u32>,
    /// Whether CloudWatch shows latencies. It cannot be changed.
    pub measure_latency: bool,
    /// Whether the result is turned round.
    pub inverted: bool,
    /// Whether nothing is looked at.
    pub disabled: bool,
    /// Whether the TLS handshake names the host.
    pub enable_sni: Option<bool>,
    /// Where checkers are; empty for everywhere.
    pub regions: BTreeSet<String>,
    /// How many children must be healthy.
    pub health_threshold: Option<u32>,
    /// The checks that a calculated one looks at.
    pub child_health_checks: BTreeSet<HealthCheckId>,
    /// The alarm that is looked at.
    pub alarm: Option<Alarm>,
}

/// What a check does (API model, HealthCheckType).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthCheckType {
    /// `HTTP`
    Http,
    /// `HTTPS`
    Https,
    /// `HTTP_STR_MATCH`
    HttpStrMatch,
    /// `HTTPS_STR_MATCH`
    HttpsStrMatch,
    /// `TCP`
    Tcp,
    /// `CALCULATED`
    Calculated,
    /// `CLOUDWATCH_METRIC`
    CloudWatchMetric,
    /// One that is not ours: `RECOVERY_CONTROL`, or what may come.
    Other(String),
}

/// An alarm of CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alarm {
    /// Its name; 1 to 255 characters.
    pub name: String,
    /// The region that it is in.
    pub region: String,
    /// What is assumed while CloudWatch has no data.
    pub insufficient_data: InsufficientData,
}

/// What is assumed while CloudWatch has no data (API model, InsufficientDataHealthStatus).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InsufficientData {
    /// `Healthy`
    Healthy,
    /// `Unhealthy`
    Unhealthy,
    /// `LastKnownStatus`
    #[default]
    LastKnownStatus,
}

/// A check that shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredCheck {
    /// What Route 53 is given, without children.
    pub config: HealthCheckConfig,
    /// The checks that it looks at, if it is a calculated one.
    pub children: BTreeSet<CheckKey>,
}

/// Where an endpoint's check was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// For all endpoints. One whose health AWS knows by its alias needs none.
    Shared,
    /// For this endpoint. It has one beside what AWS knows.
    Own,
}

impl HealthCheckType {
    /// As the API has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::HttpStrMatch => "HTTP_STR_MATCH",
            Self::HttpsStrMatch => "HTTPS_STR_MATCH",
            Self::Tcp => "TCP",
            Self::Calculated => "CALCULATED",
            Self::CloudWatchMetric => "CLOUDWATCH_METRIC",
            Self::Other(other) => other,
        }
    }

    /// From what the API has.
    #[must_use]
    pub fn from_api(text: &str) -> Self {
        match text {
            "HTTP" => Self::Http,
            "HTTPS" => Self::Https,
            "HTTP_STR_MATCH" => Self::HttpStrMatch,
            "HTTPS_STR_MATCH" => Self::HttpsStrMatch,
            "TCP" => Self::Tcp,
            "CALCULATED" => Self::Calculated,
            "CLOUDWATCH_METRIC" => Self::CloudWatchMetric,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl HealthCheckConfig {
    /// A check of a type, with nothing else given.
    #[must_use]
    pub fn of(r#type: HealthCheckType) -> Self {
        Self {
            r#type,
            ip_address: None,
            port: None,
            resource_path: None,
            fully_qualified_domain_name: None,
            search_string: None,
            request_interval: None,
            failure_threshold: None,
            measure_latency: false,
            inverted: false,
            disabled: false,
            enable_sni: None,
            regions: BTreeSet::new(),
            health_threshold: None,
            child_health_checks: BTreeSet::new(),
            alarm: None,
        }
    }
}

impl HealthCheckConfig {
    /// The same check in the one form that is compared: the service fills in defaults, and keeps fields that the type
    /// has no use for.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut config = self.clone();
        let (asks, http, tls) = match &config.r#type {
            HealthCheckType::Http | HealthCheckType::HttpStrMatch => (true, true, false),
            HealthCheckType::Https | HealthCheckType::HttpsStrMatch => (true, true, true),
            HealthCheckType::Tcp => (true, false, false),
            HealthCheckType::Calculated | HealthCheckType::CloudWatchMetric => (false, false, false),
            HealthCheckType::Other(_) => return config,
        };
        if !asks {
            (config.ip_address, config.port, config.fully_qualified_domain_name) = (None, None, None);
            (config.request_interval, config.failure_threshold, config.measure_latency) = (None, None, false);
            config.regions.clear();
        }
        if !http {
            (config.resource_path, config.search_string) = (None, None);
        }
        if !tls {
            config.enable_sni = None;
        }
        if config.r#type != HealthCheckType::Calculated {
            config.health_threshold = None;
            config.child_health_checks.clear();
        }
        if config.r#type != HealthCheckType::CloudWatchMetric {
            config.alarm = None;
        }
        // All of them is what none means.
        if REGIONS.iter().all(|region| config.regions.contains(*region)) {
            config.regions.clear();
        }
        config.fully_qualified_domain_name =
            config.fully_qualified_domain_name.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        config
    }
}

/// The checks that an endpoint needs, by what they are of: its own, and one for each address if there are several.
///
/// # Errors
/// Problems at the attribute of the endpoint: an address that no checker reaches, a name that would be looked up by
/// itself, a wildcard that cannot be asked for by name.
pub fn checks_of(
    endpoint: &EndpointName,
    target: &Target,
    spec: &HealthCheckSpec,
    wish: Wish,
    record: &RecordName,
) -> Result<BTreeMap<CheckKey, DesiredCheck>, Vec<Problem>> {
    let whole = CheckKey { endpoint: endpoint.clone(), address: None };
    let one =
        |config| Ok(BTreeMap::from([(whole.clone(), DesiredCheck { config, children: BTreeSet::new() })]));
    let known_by_alias = matches!(target, Target::Alias { evaluate_target_health: true, .. });
    if wish == Wish::Shared && known_by_alias {
        return Ok(BTreeMap::new());
    }
    if let Probe::Alarm(alarm) = &spec.probe {
        let mut config = HealthCheckConfig::of(HealthCheckType::CloudWatchMetric);
        config.alarm = Some(alarm.clone());
        (config.inverted, config.disabled) = (spec.inverted, spec.disabled);
        return one(config);
    }
    let found =
        |attribute: &str, text: String| vec![Problem::at(["endpoints", endpoint.as_str(), attribute], text)];
    match target {
        Target::Alias { dns_name, .. } | Target::Hostname(dns_name) => {
            if dns_name == record {
                let text = format!(
                    "endpoint `{endpoint}` is the record itself, so that its health check would be answered by \
                     whoever is healthy already"
                );
                return Err(found("health_check", text));
            }
            // Without an address the name is both what is resolved and what is asked for.
            one(probe_of(spec, None, Some(dns_name.as_written())))
        }
        Target::Addresses { .. } => {
            let addresses: Vec<IpAddr> = target.addresses().collect();
            let private: Vec<String> =
                addresses.iter().filter(|it| !is_public(**it)).map(ToString::to_string).collect();
            if !private.is_empty() {
                let text = format!(
                    "no health checker reaches {}, which is not public: give the endpoint a `health_check` by \
                     CloudWatch alarm",
                    private.join(", ")
                );
                return Err(found("health_check", text));
            }
            let host = host_of(spec, record).map_err(|text| found("health_check", text))?;
            let of = |address: IpAddr| probe_of(spec, Some(address), host.clone());
            if let [address] = addresses.as_slice() {
                return one(of(*address));
            }
            let keys = addresses.iter().map(|address| CheckKey { address: Some(*address), ..whole.clone() });
            let mut checks: BTreeMap<_, _> = keys
                .zip(&addresses)
                .map(|(key, address)| (key, DesiredCheck { config: of(*address), children: BTreeSet::new() }))
                .collect();
            let Probe::Endpoint { healthy_addresses, .. } = &spec.probe else { return Ok(checks) };
            let mut config = HealthCheckConfig::of(HealthCheckType::Calculated);
            // More than there are would never be healthy.
            let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
            config.health_threshold = Some(u32::from(*healthy_addresses).min(count));
            let children = checks.keys().cloned().collect();
            checks.insert(whole, DesiredCheck { config, children });
            Ok(checks)
        }
    }
}

/// The name that an address is asked for by.
fn host_of(spec: &HealthCheckSpec, record: &RecordName) -> Result<Option<String>, String> {
    match &spec.probe {
        Probe::Alarm(_) | Probe::Endpoint { protocol: Protocol::Tcp, .. } => Ok(None),
        Probe::Endpoint { host: Some(host), .. } => Ok(Some(host.clone())),
        Probe::Endpoint { host: None, .. } if record.is_wildcard() => Err(format!(
            "`{}` stands for many names, of which a health check asks for one: set `host`",
            record.as_written()
        )),
        Probe::Endpoint { host: None, .. } => Ok(Some(record.as_written())),
    }
}

fn probe_of(spec: &HealthCheckSpec, address: Option<IpAddr>, host: Option<String>) -> HealthCheckConfig {
    let Probe::Endpoint {
        protocol,
        port,
        path,
        search_string,
        host: _,
        interval,
        failure_threshold,
        regions,
        measure_latency,
        healthy_addresses: _,
    } = &spec.probe
    else {
        return HealthCheckConfig::of(HealthCheckType::CloudWatchMetric);
    };
    let http = *protocol != Protocol::Tcp;
    HealthCheckConfig {
        ip_address: address,
        port: port.or(protocol.default_port()),
        resource_path: http.then(|| path.clone().unwrap_or_else(|| "/".to_owned())),
        fully_qualified_domain_name: host,
        search_string: search_string.clone(),
        request_interval: Some(u32::from(*interval)),
        failure_threshold: Some(u32::from(*failure_threshold)),
        measure_latency: *measure_latency,
        inverted: spec.inverted,
        disabled: spec.disabled,
        enable_sni: (*protocol == Protocol::Https).then_some(true),
        regions: regions.clone(),
        ..HealthCheckConfig::of(protocol.check_type(search_string.as_deref()))
    }
}
