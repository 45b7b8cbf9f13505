//! From what a client writes to a configuration with its defaults.

use super::{addresses::Addresses, rules};
use crate::{
    error::ServiceError,
    facets::{Checked, facet, incomplete},
    model::{AlarmIdentifier, HealthCheckConfig, HealthCheckType},
    tables::{CHECKER_REGIONS, all_regions},
};

/// `HealthCheckConfig`, or the fields of `UpdateHealthCheck`, unchecked.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawConfig {
    pub(crate) check_type: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) resource_path: Option<String>,
    pub(crate) fully_qualified_domain_name: Option<String>,
    pub(crate) search_string: Option<String>,
    pub(crate) request_interval: Option<i64>,
    pub(crate) failure_threshold: Option<i64>,
    pub(crate) measure_latency: Option<bool>,
    pub(crate) inverted: Option<bool>,
    pub(crate) disabled: Option<bool>,
    pub(crate) health_threshold: Option<i64>,
    pub(crate) child_health_checks: Option<Vec<String>>,
    pub(crate) enable_sni: Option<bool>,
    pub(crate) regions: Option<Vec<String>>,
    pub(crate) alarm_identifier: Option<AlarmIdentifier>,
    pub(crate) insufficient_data_health_status: Option<String>,
    pub(crate) routing_control_arn: Option<String>,
}

/// Seconds between two checks of one checker, when not said otherwise.
const REQUEST_INTERVAL: u8 = 30;
/// Checks in a row that change the status, when not said otherwise.
const FAILURE_THRESHOLD: u8 = 3;

/// The configuration of a new health check.
///
/// # Errors
/// `InvalidInput` with what is wrong.
pub(crate) fn create(raw: &RawConfig, addresses: Addresses) -> Result<HealthCheckConfig, ServiceError> {
    schema(raw)?;
    let check_type = raw.check_type.as_deref().ok_or_else(|| incomplete("HealthCheckConfig", "Type"))?;
    let check_type = HealthCheckType::parse(check_type)
        .ok_or_else(|| ServiceError::invalid_request(format_args!("unknown Type {check_type}")))?;
    let mut config = HealthCheckConfig::new(check_type);
    fill(&mut config, raw)?;
    config.request_interval = raw.request_interval.and_then(|interval| u8::try_from(interval).ok());
    config.measure_latency = raw.measure_latency;
    config.routing_control_arn.clone_from(&raw.routing_control_arn);
    rules::check(&config, addresses)?;
    defaults(&mut config);
    Ok(config)
}

/// The configuration after an update: fields that the client leaves out stay, those of `reset` go back to their
/// defaults.
///
/// # Errors
/// `InvalidInput` with what is wrong.
pub(crate) fn update(
    current: &HealthCheckConfig,
    raw: &RawConfig,
    reset: &[String],
    addresses: Addresses,
) -> Result<HealthCheckConfig, ServiceError> {
    schema(raw)?;
    if raw.ip_address.is_some() && current.ip_address.is_none() {
        return Err(ServiceError::invalid_request(
            "an update cannot add IPAddress to a health check without one",
        ));
    }
    let mut config = current.clone();
    for element in reset {
        match element.as_str() {
            "ChildHealthChecks" => config.child_health_checks.clear(),
            "FullyQualifiedDomainName" => config.fully_qualified_domain_name = None,
            "Regions" => config.regions.clear(),
            "ResourcePath" => config.resource_path = None,
            other => facet("ResettableElementName").enumeration(other, &RESETTABLE)?,
        }
    }
    fill(&mut config, raw)?;
    rules::check(&config, addresses)?;
    defaults(&mut config);
    Ok(config)
}

const RESETTABLE: [&str; 4] = ["FullyQualifiedDomainName", "Regions", "ResourcePath", "ChildHealthChecks"];

/// Copies the fields that both operations have.
fn fill(config: &mut HealthCheckConfig, raw: &RawConfig) -> Result<(), ServiceError> {
    if let Some(address) = &raw.ip_address {
        let parsed = address.parse();
        config.ip_address =
            Some(parsed.map_err(|_| {
                ServiceError::invalid_request(format_args!("'{address}' is not an IP address"))
            })?);
    }
    let replace = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            field.clone_from(value);
        }
    };
    replace(&mut config.resource_path, &raw.resource_path);
    replace(&mut config.fully_qualified_domain_name, &raw.fully_qualified_domain_name);
    replace(&mut config.search_string, &raw.search_string);
    replace(&mut config.insufficient_data_health_status, &raw.insufficient_data_health_status);
    // The schema was checked before: the numbers fit.
    config.port = raw.port.and_then(|port| u16::try_from(port).ok()).or(config.port);
    config.failure_threshold =
        raw.failure_threshold.and_then(|count| u8::try_from(count).ok()).or(config.failure_threshold);
    config.health_threshold =
        raw.health_threshold.and_then(|count| u16::try_from(count).ok()).or(config.health_threshold);
    config.inverted = raw.inverted.unwrap_or(config.inverted);
    config.disabled = raw.disabled.unwrap_or(config.disabled);
    config.enable_sni = raw.enable_sni.or(config.enable_sni);
    if let Some(children) = &raw.child_health_checks {
        config.child_health_checks.clone_from(children);
    }
    if let Some(regions) = &raw.regions {
        config.regions.clone_from(regions);
    }
    if raw.alarm_identifier.is_some() {
        config.alarm_identifier.clone_from(&raw.alarm_identifier);
    }
    Ok(())
}

fn defaults(config: &mut HealthCheckConfig) {
    let check_type = config.check_type;
    if !check_type.contacts_endpoint() {
        return;
    }
    config.request_interval.get_or_insert(REQUEST_INTERVAL);
    config.failure_threshold.get_or_insert(FAILURE_THRESHOLD);
    config.measure_latency.get_or_insert(false);
    config.enable_sni.get_or_insert(check_type.is_https());
    if check_type != HealthCheckType::Tcp {
        config.port.get_or_insert(if check_type.is_https() { 443 } else { 80 });
    }
    if config.regions.is_empty() {
        config.regions = CHECKER_REGIONS.iter().map(|region| (*region).to_owned()).collect();
    }
}

fn schema(raw: &RawConfig) -> Checked {
    let types: Vec<&str> = HealthCheckType::ALL.iter().map(|each| each.as_str()).collect();
    let text = |value: &Option<String>, name, min, max| {
        value.as_deref().map_or(Ok(()), |value| facet(name).lengths(value, min, max))
    };
    let number =
        |value: Option<i64>, name, min, max| value.map_or(Ok(()), |value| facet(name).range(value, min, max));
    if let Some(check_type) = &raw.check_type {
        facet("HealthCheckType").enumeration(check_type, &types)?;
    }
    text(&raw.ip_address, "IPAddress", 0, 45)?;
    text(&raw.resource_path, "ResourcePath", 0, 255)?;
    text(&raw.fully_qualified_domain_name, "FullyQualifiedDomainName", 0, 255)?;
    text(&raw.search_string, "SearchString", 0, 255)?;
    text(&raw.routing_control_arn, "RoutingControlArn", 1, 255)?;
    number(raw.port, "Port", 1, 65535)?;
    number(raw.request_interval, "RequestInterval", 10, 30)?;
    number(raw.failure_threshold, "FailureThreshold", 1, 10)?;
    number(raw.health_threshold, "HealthThreshold", 0, 256)?;
    if let Some(status) = &raw.insufficient_data_health_status {
        let statuses = ["Healthy", "Unhealthy", "LastKnownStatus"];
        facet("InsufficientDataHealthStatus").enumeration(status, &statuses)?;
    }
    if let Some(regions) = &raw.regions {
        if regions.len() < 3 {
            return Err(incomplete("Regions", "Region"));
        }
        regions
            .iter()
            .try_for_each(|region| facet("HealthCheckRegion").enumeration(region, CHECKER_REGIONS))?;
    }
    if let Some(children) = &raw.child_health_checks {
        if children.len() > 256 {
            return Err(ServiceError::invalid_request("ChildHealthChecks has more than 256 members"));
        }
        children.iter().try_for_each(|child| facet("HealthCheckId").lengths(child, 0, 64))?;
    }
    if let Some(alarm) = &raw.alarm_identifier {
        facet("CloudWatchRegion").enumeration(&alarm.region, &all_regions())?;
        facet("AlarmName").lengths(&alarm.name, 1, 256)?;
    }
    Ok(())
}
