//! Health checks and what their checkers say.

use super::{
    dispatch::Service, ids, operation::Route, pages, query::Query, reply::Reply, zones::HEALTH_CHECKS,
};
use crate::{
    checks::{self, RawConfig},
    error::{ErrorCode, ServiceError},
    facets::{facet, incomplete},
    model::{AlarmIdentifier, Health, HealthCheck, HealthCheckConfig, State},
    xml::{Body, Element, Writer},
};

/// Elements that create and update have in common.
const FIELDS: [&str; 14] = [
    "IPAddress",
    "Port",
    "ResourcePath",
    "FullyQualifiedDomainName",
    "SearchString",
    "FailureThreshold",
    "Inverted",
    "Disabled",
    "HealthThreshold",
    "ChildHealthChecks",
    "EnableSNI",
    "Regions",
    "AlarmIdentifier",
    "InsufficientDataHealthStatus",
];

pub(super) fn create(service: &Service, body: &[u8]) -> Result<Reply, ServiceError> {
    let body = Body::parse(body)?;
    let root = body.root("CreateHealthCheckRequest")?.only(&["CallerReference", "HealthCheckConfig"])?;
    let reference = root
        .text("CallerReference")
        .ok_or_else(|| incomplete("CreateHealthCheckRequest", "CallerReference"))?;
    facet("HealthCheckNonce").lengths(&reference, 1, 64)?;
    let config = root
        .child("HealthCheckConfig")
        .ok_or_else(|| incomplete("CreateHealthCheckRequest", "HealthCheckConfig"))?;
    let fixed = ["Type", "RequestInterval", "MeasureLatency", "RoutingControlArn"];
    let config = checks::create(&read(config.only(&[&fixed[..], &FIELDS].concat())?)?, service.addresses())?;
    let check = service.store.write(|state| {
        children_exist(state, &config)?;
        create_in(state, reference, config)
    })?;
    Ok(Reply::created("CreateHealthCheckResponse", &format!("healthcheck/{}", check.id), |xml| {
        write(xml, &check);
    }))
}

/// A reference gives the same check again as long as the configuration is the same; that of a check which was
/// deleted is spent.
fn create_in(
    state: &mut State,
    reference: String,
    config: HealthCheckConfig,
) -> Result<HealthCheck, ServiceError> {
    let exists = |message: &str| Err(ServiceError::new(ErrorCode::HealthCheckAlreadyExists, message));
    if let Some(existing) = state.health_checks.values().find(|check| check.caller_reference == reference) {
        return if existing.config == config {
            Ok(existing.clone())
        } else {
            exists("A health check with the same caller reference and another configuration already exists.")
        };
    }
    if state.spent_references.contains(&reference) {
        return exists("The caller reference was used by a health check that was deleted.");
    }
    if state.health_checks.len() >= HEALTH_CHECKS {
        let message = format!("Limit of {HEALTH_CHECKS} health checks exceeded.");
        return Err(ServiceError::new(ErrorCode::TooManyHealthChecks, message));
    }
    let check = HealthCheck { id: ids::uuid(), caller_reference: reference, version: 1, config };
    state.health_checks.insert(check.id.clone(), check.clone());
    Ok(check)
}

fn children_exist(state: &State, config: &HealthCheckConfig) -> Result<(), ServiceError> {
    match config.child_health_checks.iter().find(|child| !state.health_checks.contains_key(*child)) {
        None => Ok(()),
        Some(child) => {
            Err(ServiceError::invalid_request(format_args!("no child health check exists with ID {child}")))
        }
    }
}

fn read(element: Element<'_, '_>) -> Result<RawConfig, ServiceError> {
    let texts = |name: &str, item: &str| {
        let list = element.child(name).map(|list| list.list(item)).transpose()?;
        Ok::<_, ServiceError>(list.map(|list| list.into_iter().map(Element::value).collect()))
    };
    let alarm = |alarm: Element<'_, '_>| {
        let alarm = alarm.only(&["Region", "Name"])?;
        Ok::<_, ServiceError>(AlarmIdentifier {
            region: alarm.text("Region").ok_or_else(|| incomplete("AlarmIdentifier", "Region"))?,
            name: alarm.text("Name").ok_or_else(|| incomplete("AlarmIdentifier", "Name"))?,
        })
    };
    Ok(RawConfig {
        check_type: element.text("Type"),
        // Clients send an empty element for "none".
        ip_address: element.text("IPAddress").filter(|text| !text.is_empty()),
        port: element.number("Port")?,
        resource_path: element.text("ResourcePath").filter(|text| !text.is_empty()),
        fully_qualified_domain_name: element.text("FullyQualifiedDomainName").filter(|text| !text.is_empty()),
        search_string: element.text("SearchString"),
        request_interval: element.number("RequestInterval")?,
        failure_threshold: element.number("FailureThreshold")?,
        measure_latency: element.boolean("MeasureLatency")?,
        inverted: element.boolean("Inverted")?,
        disabled: element.boolean("Disabled")?,
        health_threshold: element.number("HealthThreshold")?,
        child_health_checks: texts("ChildHealthChecks", "ChildHealthCheck")?,
        enable_sni: element.boolean("EnableSNI")?,
        regions: texts("Regions", "Region")?,
        alarm_identifier: element.child("AlarmIdentifier").map(alarm).transpose()?,
        insufficient_data_health_status: element.text("InsufficientDataHealthStatus"),
        routing_control_arn: element.text("RoutingControlArn"),
    })
}

pub(super) fn get(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let check = find(service, route.parameter(0)?)?;
    Ok(Reply::ok("GetHealthCheckResponse", |xml| write(xml, &check)))
}

pub(super) fn list(service: &Service, query: &Query) -> Result<Reply, ServiceError> {
    let size = pages::size(query, "maxitems", 100, service.page_limit())?;
    let marker = query.get("marker").unwrap_or_default();
    let checks: Vec<HealthCheck> =
        service.store.read(|state| state.health_checks.values().cloned().collect());
    // In the order of the ids, so that a marker whose check is gone still has its place.
    let page = pages::take(checks.iter().skip_while(|check| check.id.as_str() < marker), size);
    Ok(Reply::ok("ListHealthChecksResponse", |xml| {
        xml.list("HealthChecks", page.items, write);
        xml.text("Marker", marker);
        xml.text("IsTruncated", page.next.is_some());
        xml.optional("NextMarker", page.next.map(|check| &check.id));
        xml.text("MaxItems", size);
    }))
}

pub(super) fn update(service: &Service, route: &Route, body: &[u8]) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    let body = Body::parse(body)?;
    let root = body.root("UpdateHealthCheckRequest")?;
    let root = root.only(&[&["HealthCheckVersion", "ResetElements"][..], &FIELDS].concat())?;
    let version = root.number("HealthCheckVersion")?;
    let reset = root.child("ResetElements").map(|list| list.list("ResettableElementName")).transpose()?;
    let reset: Vec<String> = reset.unwrap_or_default().into_iter().map(Element::value).collect();
    let raw = read(root)?;
    let addresses = service.addresses();
    let check = service.store.write(|state| {
        let current = state.health_checks.get(id).ok_or_else(|| no_such_check(id))?;
        if version.is_some_and(|version| u64::try_from(version) != Ok(current.version)) {
            return Err(ServiceError::new(
                ErrorCode::HealthCheckVersionMismatch,
                format!("The version of the health check is {}.", current.version),
            ));
        }
        let config = checks::update(&current.config, &raw, &reset, addresses)?;
        children_exist(state, &config)?;
        let check = HealthCheck { version: current.version + 1, config, ..current.clone() };
        state.health_checks.insert(id.to_owned(), check.clone());
        Ok(check)
    })?;
    Ok(Reply::ok("UpdateHealthCheckResponse", |xml| write(xml, &check)))
}

/// A check may be deleted while record sets name it; nothing warns.
pub(super) fn delete(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let id = route.parameter(0)?;
    service.store.write(|state| {
        let check = state.health_checks.remove(id).ok_or_else(|| no_such_check(id))?;
        state.spent_references.insert(check.caller_reference);
        state.tags.remove(&("healthcheck".to_owned(), id.to_owned()));
        state.world.checks.remove(id);
        Ok(())
    })?;
    Ok(Reply::ok("DeleteHealthCheckResponse", |_| {}))
}

pub(super) fn count(service: &Service) -> Result<Reply, ServiceError> {
    let count = service.store.read(|state| state.health_checks.len());
    Ok(Reply::ok("GetHealthCheckCountResponse", |xml| xml.text("HealthCheckCount", count)))
}

pub(super) fn status(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let (check, observed) = observed(service, route.parameter(0)?)?;
    let text = if observed.is_healthy() {
        "Success: HTTP Status Code 200, OK"
    } else {
        "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being \
         blocked by your firewall."
    };
    Ok(observations("GetHealthCheckStatusResponse", service, &check, text))
}

/// Without a failure there are no observations.
pub(super) fn last_failure(service: &Service, route: &Route) -> Result<Reply, ServiceError> {
    let (mut check, observed) = observed(service, route.parameter(0)?)?;
    if observed.is_healthy() {
        check.config.regions.clear();
    }
    let text = "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are \
                being blocked by your firewall.";
    Ok(observations("GetHealthCheckLastFailureReasonResponse", service, &check, text))
}

/// What the checkers see, which `Inverted` and `Disabled` do not change.
fn observed(service: &Service, id: &str) -> Result<(HealthCheck, Health), ServiceError> {
    let check = find(service, id)?;
    let observed = service.store.read(|state| state.world.checks.get(id).copied());
    Ok((check, observed.unwrap_or(Health::Healthy)))
}

/// One observation per Region. Checks without an endpoint have none.
fn observations(root: &str, service: &Service, check: &HealthCheck, text: &str) -> Reply {
    let time = service.time(service.store.now());
    Reply::ok(root, |xml| {
        xml.list("HealthCheckObservations", &check.config.regions, |xml, region| {
            xml.nested("HealthCheckObservation", |xml| {
                xml.text("Region", region);
                xml.text("IPAddress", checker_of(region));
                xml.nested("StatusReport", |xml| {
                    xml.text("Status", text);
                    xml.text("CheckedTime", &time);
                });
            });
        });
    })
}

/// Networks of the service's health checkers by Region, one of several each. As published in the ROUTE53_HEALTHCHECKS
/// ranges; a sample, since the list changes.
const CHECKERS: [(&str, &str); 8] = [
    ("us-east-1", "54.243.31.192/26"),
    ("us-west-1", "54.183.255.128/26"),
    ("us-west-2", "54.244.52.192/26"),
    ("eu-west-1", "54.228.16.0/26"),
    ("ap-southeast-1", "54.251.31.128/26"),
    ("ap-southeast-2", "54.252.79.128/26"),
    ("ap-northeast-1", "54.248.220.0/26"),
    ("sa-east-1", "54.232.40.64/26"),
];

fn checker_of(region: &str) -> &'static str {
    let network = CHECKERS.iter().find(|(each, _)| *each == region).map(|(_, network)| *network);
    network.and_then(|network| network.split('/').next()).unwrap_or("15.177.0.1")
}

pub(super) fn checker_ranges() -> Reply {
    let ranges = CHECKERS.iter().map(|(_, network)| *network).chain(["15.177.0.0/18"]);
    Reply::ok("GetCheckerIpRangesResponse", |xml| {
        xml.list("CheckerIpRanges", ranges, |xml, range| xml.text("member", range));
    })
}

/// The error for a health check that is not there.
pub(super) fn no_such_check(id: &str) -> ServiceError {
    ServiceError::new(ErrorCode::NoSuchHealthCheck, format!("A health check with id {id} does not exist."))
}

fn find(service: &Service, id: &str) -> Result<HealthCheck, ServiceError> {
    service.store.read(|state| state.health_checks.get(id).cloned()).ok_or_else(|| no_such_check(id))
}

fn write(xml: &mut Writer, check: &HealthCheck) {
    let config = &check.config;
    let contacts_endpoint = config.check_type.contacts_endpoint();
    xml.nested("HealthCheck", |xml| {
        xml.text("Id", &check.id);
        xml.text("CallerReference", &check.caller_reference);
        xml.nested("HealthCheckConfig", |xml| {
            xml.optional("IPAddress", config.ip_address);
            xml.optional("Port", config.port);
            xml.text("Type", config.check_type.as_str());
            xml.optional("ResourcePath", config.resource_path.as_ref());
            xml.optional("FullyQualifiedDomainName", config.fully_qualified_domain_name.as_ref());
            xml.optional("SearchString", config.search_string.as_ref());
            xml.optional("RequestInterval", config.request_interval);
            xml.optional("FailureThreshold", config.failure_threshold);
            xml.optional("MeasureLatency", config.measure_latency);
            xml.text("Inverted", config.inverted);
            xml.text("Disabled", config.disabled);
            xml.optional("HealthThreshold", config.health_threshold);
            if !config.child_health_checks.is_empty() {
                xml.list("ChildHealthChecks", &config.child_health_checks, |xml, id| {
                    xml.text("ChildHealthCheck", id);
                });
            }
            xml.optional("EnableSNI", config.enable_sni);
            if contacts_endpoint {
                xml.list("Regions", &config.regions, |xml, region| xml.text("Region", region));
            }
            if let Some(alarm) = &config.alarm_identifier {
                xml.nested("AlarmIdentifier", |xml| {
                    xml.text("Region", &alarm.region);
                    xml.text("Name", &alarm.name);
                });
            }
            xml.optional("InsufficientDataHealthStatus", config.insufficient_data_health_status.as_ref());
            xml.optional("RoutingControlArn", config.routing_control_arn.as_ref());
        });
        xml.text("HealthCheckVersion", check.version);
    });
}
