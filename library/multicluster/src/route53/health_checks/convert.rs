//! Health checks between the API's shape and ours.

use aws_sdk_route53::{
    error::BuildError,
    operation::update_health_check::builders::UpdateHealthCheckFluentBuilder,
    types::{
        self, AlarmIdentifier, CloudWatchRegion, HealthCheckRegion, InsufficientDataHealthStatus,
        ResettableElementName,
    },
};
use multicluster_core::route53::{
    HealthCheckId,
    health_check::{Alarm, HealthCheckConfig, HealthCheckType, InsufficientData},
};

/// What was read.
pub(super) fn read(config: &types::HealthCheckConfig) -> HealthCheckConfig {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let alarm = config.alarm_identifier.as_ref().map(|alarm| Alarm {
        name: alarm.name.clone(),
        region: alarm.region.as_str().to_owned(),
        insufficient_data: match config.insufficient_data_health_status {
            Some(InsufficientDataHealthStatus::Healthy) => InsufficientData::Healthy,
            Some(InsufficientDataHealthStatus::Unhealthy) => InsufficientData::Unhealthy,
            _ => InsufficientData::LastKnownStatus,
        },
    });
    HealthCheckConfig {
        ip_address: config.ip_address.as_deref().and_then(|address| address.parse().ok()),
        port: config.port.and_then(|port| u16::try_from(port).ok()),
        resource_path: text(&config.resource_path),
        fully_qualified_domain_name: text(&config.fully_qualified_domain_name),
        search_string: text(&config.search_string),
        request_interval: number(config.request_interval),
        failure_threshold: number(config.failure_threshold),
        measure_latency: config.measure_latency.unwrap_or(false),
        inverted: config.inverted.unwrap_or(false),
        disabled: config.disabled.unwrap_or(false),
        enable_sni: config.enable_sni,
        regions: config.regions.iter().flatten().map(|region| region.as_str().to_owned()).collect(),
        health_threshold: number(config.health_threshold),
        child_health_checks: config
            .child_health_checks
            .iter()
            .flatten()
            .cloned()
            .map(HealthCheckId)
            .collect(),
        alarm,
        ..HealthCheckConfig::of(HealthCheckType::from_api(config.r#type.as_str()))
    }
}

/// What is sent to make one.
pub(super) fn sent(config: &HealthCheckConfig) -> Result<types::HealthCheckConfig, BuildError> {
    types::HealthCheckConfig::builder()
        .r#type(types::HealthCheckType::from(config.r#type.as_str()))
        .set_ip_address(config.ip_address.map(|address| address.to_string()))
        .set_port(config.port.map(i32::from))
        .set_resource_path(config.resource_path.clone())
        .set_fully_qualified_domain_name(config.fully_qualified_domain_name.clone())
        .set_search_string(config.search_string.clone())
        .set_request_interval(number(config.request_interval))
        .set_failure_threshold(number(config.failure_threshold))
        .set_measure_latency(config.measure_latency.then_some(true))
        .set_inverted(config.inverted.then_some(true))
        .set_disabled(config.disabled.then_some(true))
        .set_enable_sni(config.enable_sni)
        .set_regions(regions(config))
        .set_health_threshold(number(config.health_threshold))
        .set_child_health_checks(children(config))
        .set_alarm_identifier(config.alarm.as_ref().map(identifier).transpose()?)
        .set_insufficient_data_health_status(config.alarm.as_ref().map(insufficient))
        .build()
}

/// What is sent to change one from `old` to `new`: all that can be changed, and what is to be set back.
pub(super) fn update(
    update: UpdateHealthCheckFluentBuilder,
    old: &HealthCheckConfig,
    new: &HealthCheckConfig,
) -> UpdateHealthCheckFluentBuilder {
    let mut reset = Vec::new();
    let mut gone = |was: bool, is: bool, element| {
        if was && !is {
            reset.push(element);
        }
    };
    gone(old.resource_path.is_some(), new.resource_path.is_some(), ResettableElementName::ResourcePath);
    let named = |config: &HealthCheckConfig| config.fully_qualified_domain_name.is_some();
    gone(named(old), named(new), ResettableElementName::FullyQualifiedDomainName);
    gone(!old.regions.is_empty(), !new.regions.is_empty(), ResettableElementName::Regions);
    let looks = |config: &HealthCheckConfig| !config.child_health_checks.is_empty();
    gone(looks(old), looks(new), ResettableElementName::ChildHealthChecks);
    update
        .set_ip_address(new.ip_address.map(|address| address.to_string()))
        .set_port(new.port.map(i32::from))
        .set_resource_path(new.resource_path.clone())
        .set_fully_qualified_domain_name(new.fully_qualified_domain_name.clone())
        .set_search_string(new.search_string.clone())
        .set_failure_threshold(number(new.failure_threshold))
        .inverted(new.inverted)
        .disabled(new.disabled)
        .set_enable_sni(new.enable_sni)
        .set_regions(regions(new))
        .set_health_threshold(number(new.health_threshold))
        .set_child_health_checks(children(new))
        .set_alarm_identifier(new.alarm.as_ref().and_then(|alarm| identifier(alarm).ok()))
        .set_insufficient_data_health_status(new.alarm.as_ref().map(insufficient))
        .set_reset_elements(Some(reset).filter(|reset| !reset.is_empty()))
}

fn number(number: Option<u32>) -> Option<i32> {
    number.and_then(|number| i32::try_from(number).ok())
}

fn regions(config: &HealthCheckConfig) -> Option<Vec<HealthCheckRegion>> {
    let regions: Vec<_> =
        config.regions.iter().map(|region| HealthCheckRegion::from(region.as_str())).collect();
    Some(regions).filter(|regions| !regions.is_empty())
}

fn children(config: &HealthCheckConfig) -> Option<Vec<String>> {
    let children: Vec<_> = config.child_health_checks.iter().map(|child| child.0.clone()).collect();
    Some(children).filter(|children| !children.is_empty())
}

fn identifier(alarm: &Alarm) -> Result<AlarmIdentifier, BuildError> {
    AlarmIdentifier::builder().name(&alarm.name).region(CloudWatchRegion::from(alarm.region.as_str())).build()
}

fn insufficient(alarm: &Alarm) -> InsufficientDataHealthStatus {
    match alarm.insufficient_data {
        InsufficientData::Healthy => InsufficientDataHealthStatus::Healthy,
        InsufficientData::Unhealthy => InsufficientDataHealthStatus::Unhealthy,
        InsufficientData::LastKnownStatus => InsufficientDataHealthStatus::LastKnownStatus,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    fn configs() -> impl Strategy<Value = HealthCheckConfig> {
        let types = prop_oneof![
            Just("HTTP"),
            Just("HTTPS_STR_MATCH"),
            Just("TCP"),
            Just("CALCULATED"),
            Just("RECOVERY_CONTROL")
        ];
        let texts = (option::of("/[a-z]{0,5}"), option::of("[a-z]{1,5}"), option::of("[a-z]{1,5}"));
        let numbers =
            (option::of(10_u32..30), option::of(1_u32..=10), option::of(0_u32..5), option::of(1_u16..));
        (types, texts, numbers, any::<[bool; 4]>(), option::of(any::<[u8; 4]>()), any::<bool>()).prop_map(
            |(r#type, (path, host, search), (interval, threshold, healthy, port), flags, address, many)| {
                HealthCheckConfig {
                    ip_address: address.map(Into::into),
                    port,
                    resource_path: path,
                    fully_qualified_domain_name: host,
                    search_string: search,
                    request_interval: interval,
                    failure_threshold: threshold,
                    measure_latency: flags[0],
                    inverted: flags[1],
                    disabled: flags[2],
                    enable_sni: many.then_some(flags[3]),
                    regions: if many {
                        ["eu-west-1".to_owned(), "xx-new-1".to_owned()].into()
                    } else {
                        [].into()
                    },
                    health_threshold: healthy,
                    child_health_checks: if many {
                        [HealthCheckId("a".to_owned())].into()
                    } else {
                        [].into()
                    },
                    alarm: many.then(|| Alarm {
                        name: "down".to_owned(),
                        region: "eu-west-1".to_owned(),
                        insufficient_data: InsufficientData::Unhealthy,
                    }),
                    ..HealthCheckConfig::of(HealthCheckType::from_api(r#type))
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(config in configs()) {
            prop_assert_eq!(read(&sent(&config).unwrap()), config);
        }
    }
}
