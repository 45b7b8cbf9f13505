//! Which fields a type of health check needs, and which it cannot have.

use super::addresses::Addresses;
use crate::{
    error::ServiceError,
    model::{HealthCheckConfig, HealthCheckType, Name},
};

/// Fewest Regions that check an endpoint.
const REGIONS_MIN: usize = 3;

/// Checks a whole configuration, before its defaults are filled in.
///
/// # Errors
/// `InvalidInput` with everything that is wrong.
pub(super) fn check(config: &HealthCheckConfig, addresses: Addresses) -> Result<(), ServiceError> {
    let mut found = Vec::new();
    let name = config.check_type.as_str();
    for (field, present) in forbidden(config) {
        if present {
            found.push(format!("{field} cannot be specified for health checks of type {name}"));
        }
    }
    for (field, present) in needed(config) {
        if !present {
            found.push(format!("{field} is required for health checks of type {name}"));
        }
    }
    if config.check_type.contacts_endpoint() {
        endpoint(config, addresses, &mut found);
    }
    if found.is_empty() { Ok(()) } else { Err(ServiceError::invalid_request(found.join(", "))) }
}

type Fields = Vec<(&'static str, bool)>;

fn forbidden(config: &HealthCheckConfig) -> Fields {
    let check_type = config.check_type;
    let mut fields: Fields = Vec::new();
    if check_type.contacts_endpoint() {
        if !check_type.matches_string() {
            fields.push(("SearchString", config.search_string.is_some()));
        }
        if check_type == HealthCheckType::Tcp {
            fields.push(("ResourcePath", config.resource_path.is_some()));
        }
        if !check_type.is_https() {
            fields.push(("EnableSNI", config.enable_sni == Some(true)));
        }
    } else {
        fields.extend([
            ("IPAddress", config.ip_address.is_some()),
            ("Port", config.port.is_some()),
            ("ResourcePath", config.resource_path.is_some()),
            ("FullyQualifiedDomainName", config.fully_qualified_domain_name.is_some()),
            ("SearchString", config.search_string.is_some()),
            ("RequestInterval", config.request_interval.is_some()),
            ("FailureThreshold", config.failure_threshold.is_some()),
            ("MeasureLatency", config.measure_latency.is_some()),
            ("EnableSNI", config.enable_sni.is_some()),
            ("Regions", !config.regions.is_empty()),
        ]);
    }
    if check_type != HealthCheckType::Calculated {
        fields.push(("ChildHealthChecks", !config.child_health_checks.is_empty()));
        fields.push(("HealthThreshold", config.health_threshold.is_some()));
    }
    if check_type != HealthCheckType::CloudwatchMetric {
        fields.push(("AlarmIdentifier", config.alarm_identifier.is_some()));
        fields.push(("InsufficientDataHealthStatus", config.insufficient_data_health_status.is_some()));
    }
    if check_type != HealthCheckType::RecoveryControl {
        fields.push(("RoutingControlArn", config.routing_control_arn.is_some()));
    }
    fields
}

fn needed(config: &HealthCheckConfig) -> Fields {
    let check_type = config.check_type;
    match check_type {
        HealthCheckType::Calculated => vec![("HealthThreshold", config.health_threshold.is_some())],
        HealthCheckType::CloudwatchMetric => vec![("AlarmIdentifier", config.alarm_identifier.is_some())],
        HealthCheckType::RecoveryControl => vec![("RoutingControlArn", config.routing_control_arn.is_some())],
        _ => {
            let endpoint = config.ip_address.is_some() || config.fully_qualified_domain_name.is_some();
            let mut fields = vec![("IPAddress or FullyQualifiedDomainName", endpoint)];
            if check_type.matches_string() {
                let search = config.search_string.as_deref().is_some_and(|text| !text.is_empty());
                fields.push(("SearchString", search));
            }
            if check_type == HealthCheckType::Tcp {
                fields.push(("Port", config.port.is_some()));
            }
            fields
        }
    }
}

fn endpoint(config: &HealthCheckConfig, addresses: Addresses, found: &mut Vec<String>) {
    if let Some(address) = config.ip_address.filter(|address| !addresses.allow(*address)) {
        found.push(format!("IPAddress {address} is in a range that health checkers cannot reach"));
    }
    if let Some(name) = config.fully_qualified_domain_name.as_deref()
        && Name::parse(name).is_err()
    {
        found.push(format!("FullyQualifiedDomainName '{name}' is not a domain name"));
    }
    if config.request_interval.is_some_and(|interval| interval != 10 && interval != 30) {
        found.push("RequestInterval must be 10 or 30".to_owned());
    }
    let mut distinct = config.regions.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if !config.regions.is_empty() && distinct.len() < REGIONS_MIN {
        found.push(format!("Regions must name at least {REGIONS_MIN} different regions"));
    }
}
