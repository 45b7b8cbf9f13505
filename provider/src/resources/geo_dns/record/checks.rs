//! Health checks as they are kept in private bytes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use multicluster_core::dns::EndpointName;
use multicluster_core::route53::HealthCheckId;
use multicluster_core::route53::health_check::{
    Alarm, CheckKey, CurrentCheck, HealthCheckConfig, HealthCheckType, InsufficientData,
};
use serde::{Deserialize, Serialize};

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredCheck {
    id: String,
    version: u64,
    reference: String,
    config: StoredConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<EndpointName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct StoredConfig {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    latency: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inverted: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sni: Option<bool>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    regions: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<u32>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    children: BTreeSet<String>,
    /// Name, region, and what is assumed without data.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm: Option<(String, String, String)>,
}

impl StoredCheck {
    pub(super) fn of(check: &CurrentCheck) -> Self {
        Self {
            id: check.id.0.clone(),
            version: check.version,
            reference: check.caller_reference.clone(),
            config: StoredConfig::of(&check.config),
            endpoint: check.key.as_ref().map(|key| key.endpoint.clone()),
            address: check.key.as_ref().and_then(|key| key.address),
        }
    }

    pub(super) fn read(&self) -> CurrentCheck {
        CurrentCheck {
            id: HealthCheckId(self.id.clone()),
            version: self.version,
            caller_reference: self.reference.clone(),
            config: self.config.read(),
            key: self.endpoint.clone().map(|endpoint| CheckKey { endpoint, address: self.address }),
        }
    }
}

impl StoredConfig {
    fn of(config: &HealthCheckConfig) -> Self {
        let alarm = config.alarm.as_ref().map(|alarm| {
            let without = match alarm.insufficient_data {
                InsufficientData::Healthy => "Healthy",
                InsufficientData::Unhealthy => "Unhealthy",
                InsufficientData::LastKnownStatus => "LastKnownStatus",
            };
            (alarm.name.clone(), alarm.region.clone(), without.to_owned())
        });
        Self {
            r#type: config.r#type.as_str().to_owned(),
            ip: config.ip_address,
            port: config.port,
            path: config.resource_path.clone(),
            host: config.fully_qualified_domain_name.clone(),
            search: config.search_string.clone(),
            interval: config.request_interval,
            failures: config.failure_threshold,
            latency: config.measure_latency,
            inverted: config.inverted,
            disabled: config.disabled,
            sni: config.enable_sni,
            regions: config.regions.clone(),
            threshold: config.health_threshold,
            children: config.child_health_checks.iter().map(|id| id.0.clone()).collect(),
            alarm,
        }
    }

    fn read(&self) -> HealthCheckConfig {
        let alarm = self.alarm.clone().map(|(name, region, without)| Alarm {
            name,
            region,
            insufficient_data: match without.as_str() {
                "Healthy" => InsufficientData::Healthy,
                "Unhealthy" => InsufficientData::Unhealthy,
                _ => InsufficientData::LastKnownStatus,
            },
        });
        HealthCheckConfig {
            ip_address: self.ip,
            port: self.port,
            resource_path: self.path.clone(),
            fully_qualified_domain_name: self.host.clone(),
            search_string: self.search.clone(),
            request_interval: self.interval,
            failure_threshold: self.failures,
            measure_latency: self.latency,
            inverted: self.inverted,
            disabled: self.disabled,
            enable_sni: self.sni,
            regions: self.regions.clone(),
            health_threshold: self.threshold,
            child_health_checks: self.children.iter().cloned().map(HealthCheckId).collect(),
            alarm,
            ..HealthCheckConfig::of(HealthCheckType::from_api(&self.r#type))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn full(r#type: HealthCheckType) -> HealthCheckConfig {
        HealthCheckConfig {
            ip_address: "203.0.113.7".parse().ok(),
            port: Some(8443),
            resource_path: Some("/healthz".to_owned()),
            fully_qualified_domain_name: Some("shop.example.com".to_owned()),
            search_string: Some("ok".to_owned()),
            request_interval: Some(10),
            failure_threshold: Some(2),
            measure_latency: true,
            inverted: true,
            disabled: true,
            enable_sni: Some(false),
            regions: ["eu-west-1".to_owned()].into(),
            health_threshold: Some(1),
            child_health_checks: [HealthCheckId("c".to_owned())].into(),
            alarm: Some(Alarm {
                name: "a".to_owned(),
                region: "eu-west-1".to_owned(),
                insufficient_data: InsufficientData::Unhealthy,
            }),
            ..HealthCheckConfig::of(r#type)
        }
    }

    #[rstest]
    #[case::all(full(HealthCheckType::HttpsStrMatch))]
    #[case::little(HealthCheckConfig::of(HealthCheckType::Calculated))]
    #[case::new(HealthCheckConfig::of(HealthCheckType::Other("MOON_PHASE".to_owned())))]
    fn what_is_kept_is_what_was_there(#[case] config: HealthCheckConfig) {
        let key =
            CheckKey { endpoint: EndpointName::new("aws").unwrap(), address: "2001:db8::1".parse().ok() };
        for key in [None, Some(CheckKey::of(key.endpoint.clone())), Some(key)] {
            let check = CurrentCheck {
                id: HealthCheckId("h".to_owned()),
                version: 7,
                caller_reference: "mc-1".to_owned(),
                config: config.clone(),
                key,
            };
            let json = serde_json::to_string(&StoredCheck::of(&check)).unwrap();
            let kept: StoredCheck = serde_json::from_str(&json).unwrap();
            assert_eq!(kept.read(), check, "{json}");
        }
    }
}
