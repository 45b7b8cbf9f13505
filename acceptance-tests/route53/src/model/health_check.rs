//! Health checks as the API stores them.

use std::net::IpAddr;

use serde::Serialize;

macro_rules! health_check_types {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// What a health check does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[expect(missing_docs, reason = "the variants are the values of the API's HealthCheckType")]
        pub enum HealthCheckType { $(#[serde(rename = $text)] $variant),* }

        impl HealthCheckType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the API writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

health_check_types! {
    Http "HTTP", Https "HTTPS", HttpStrMatch "HTTP_STR_MATCH", HttpsStrMatch "HTTPS_STR_MATCH", Tcp "TCP",
    Calculated "CALCULATED", CloudwatchMetric "CLOUDWATCH_METRIC", RecoveryControl "RECOVERY_CONTROL",
}

impl HealthCheckType {
    /// The type that the API writes so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|each| each.as_str() == text)
    }

    /// Whether checkers contact an endpoint.
    pub fn contacts_endpoint(self) -> bool {
        !matches!(self, Self::Calculated | Self::CloudwatchMetric | Self::RecoveryControl)
    }

    /// Whether the response is searched for a string.
    pub fn matches_string(self) -> bool {
        matches!(self, Self::HttpStrMatch | Self::HttpsStrMatch)
    }

    /// Whether the endpoint is contacted over TLS.
    pub fn is_https(self) -> bool {
        matches!(self, Self::Https | Self::HttpsStrMatch)
    }
}

/// The CloudWatch alarm of a CLOUDWATCH_METRIC check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmIdentifier {
    /// The Region of the alarm.
    pub region: String,
    /// Its name.
    pub name: String,
}

/// `HealthCheckConfig` of the API with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheckConfig {
    /// Immutable.
    pub check_type: HealthCheckType,
    /// The endpoint's address.
    pub ip_address: Option<IpAddr>,
    /// 1 to 65535.
    pub port: Option<u16>,
    /// Up to 255 characters.
    pub resource_path: Option<String>,
    /// The Host header, and the endpoint when no address is given.
    pub fully_qualified_domain_name: Option<String>,
    /// Up to 255 characters.
    pub search_string: Option<String>,
    /// Seconds, 10 or 30; immutable.
    pub request_interval: Option<u8>,
    /// 1 to 10.
    pub failure_threshold: Option<u8>,
    /// Immutable.
    pub measure_latency: Option<bool>,
    /// Turns the result round.
    pub inverted: bool,
    /// Stops checking; counts as healthy.
    pub disabled: bool,
    /// How many children must be healthy, 0 to 256.
    pub health_threshold: Option<u16>,
    /// The children of a calculated check.
    pub child_health_checks: Vec<String>,
    /// Whether the TLS client sends the name.
    pub enable_sni: Option<bool>,
    /// Where the checkers are; at least three.
    pub regions: Vec<String>,
    /// The alarm of a CLOUDWATCH_METRIC check.
    pub alarm_identifier: Option<AlarmIdentifier>,
    /// Healthy, Unhealthy or LastKnownStatus.
    pub insufficient_data_health_status: Option<String>,
    /// The routing control of a RECOVERY_CONTROL check; immutable.
    pub routing_control_arn: Option<String>,
}

impl HealthCheckConfig {
    /// A configuration with nothing but its type.
    pub fn new(check_type: HealthCheckType) -> Self {
        Self {
            check_type,
            ip_address: None,
            port: None,
            resource_path: None,
            fully_qualified_domain_name: None,
            search_string: None,
            request_interval: None,
            failure_threshold: None,
            measure_latency: None,
            inverted: false,
            disabled: false,
            health_threshold: None,
            child_health_checks: Vec::new(),
            enable_sni: None,
            regions: Vec::new(),
            alarm_identifier: None,
            insufficient_data_health_status: None,
            routing_control_arn: None,
        }
    }
}

/// A health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// A UUID.
    pub id: String,
    /// The reference that created it.
    pub caller_reference: String,
    /// Counts updates; the optimistic lock of UpdateHealthCheck.
    pub version: u64,
    /// What it checks.
    pub config: HealthCheckConfig,
}
