//! Queries for what many people measure.
//!
//! They judge the colour that a release brings, by the metrics that a mesh, a proxy or the workload itself has as it comes.
//! Success rates are shares from 0 to 1, latencies are seconds in which 99 of 100 requests are answered.

use std::fmt;
use std::str::FromStr;

use super::condition::Condition;
use super::spec::{Metric, SourceName};
use crate::dns::suggest::{hint, nearest};

/// Whose metrics are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Istio's proxies.
    Istio,
    /// The NGINX ingress controller.
    Nginx,
    /// Linkerd's proxies.
    Linkerd,
    /// Traefik.
    Traefik,
    /// Envoy, as Contour, Gloo and Kuma have it.
    Envoy,
    /// The pods themselves, as clients of Prometheus write them.
    Kubernetes,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The share of requests that are answered without a fault of the server.
    SuccessRate,
    /// How long 99 of 100 requests take at most, in seconds.
    Latency,
}

/// A query that is ready: `istio-success-rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryPreset {
    /// Whose metrics.
    pub provider: Provider,
    /// Which ones.
    pub kind: Kind,
}

/// A name that no preset has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset `{name}`{hint}; there are {known}")]
pub struct UnknownPreset {
    name: String,
    hint: String,
    known: String,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Istio, Self::Nginx, Self::Linkerd, Self::Traefik, Self::Envoy, Self::Kubernetes];

    /// `istio` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Istio => "istio",
            Self::Nginx => "nginx",
            Self::Linkerd => "linkerd",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
            Self::Kubernetes => "kubernetes",
        }
    }
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SuccessRate, Self::Latency];

    /// `success-rate` or `latency`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuccessRate => "success-rate",
            Self::Latency => "latency",
        }
    }
}

impl QueryPreset {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Provider::ALL.into_iter().flat_map(|provider| Kind::ALL.map(|kind| Self { provider, kind }))
    }

    /// The condition that a metric has if the user gives none: 99 of 100 requests succeed, or are answered within half
    /// a second.
    #[must_use]
    pub fn success_condition(self) -> &'static str {
        match self.kind {
            Kind::SuccessRate => "result[0] >= 0.99",
            Kind::Latency => "result[0] <= 0.5",
        }
    }

    /// A metric of this preset, with its condition.
    #[must_use]
    pub fn metric(self, name: impl Into<String>, source: SourceName) -> Metric {
        let success_condition = Condition::parse(self.success_condition()).ok();
        Metric { success_condition, ..Metric::new(name, source, self.query()) }
    }

    /// The query, with placeholders.
    ///
    /// The colour is told by its Service (`WORKLOAD-COLOR`) where the metrics have it, else by the names of its pods.
    #[must_use]
    pub fn query(self) -> String {
        match (self.provider, self.kind) {
            (Provider::Istio, Kind::SuccessRate) => {
                share("istio_requests_total", ISTIO, r#"response_code!~"5..""#)
            }
            (Provider::Istio, Kind::Latency) => {
                milliseconds(&p99("istio_request_duration_milliseconds_bucket", ISTIO))
            }
            (Provider::Nginx, Kind::SuccessRate) => {
                share("nginx_ingress_controller_requests", NGINX, r#"status!~"5..""#)
            }
            (Provider::Nginx, Kind::Latency) => {
                p99("nginx_ingress_controller_request_duration_seconds_bucket", NGINX)
            }
            (Provider::Linkerd, Kind::SuccessRate) => {
                share("response_total", LINKERD, r#"classification!="failure""#)
            }
            (Provider::Linkerd, Kind::Latency) => milliseconds(&p99("response_latency_ms_bucket", LINKERD)),
            (Provider::Traefik, Kind::SuccessRate) => {
                share("traefik_service_requests_total", TRAEFIK, r#"code!~"5..""#)
            }
            (Provider::Traefik, Kind::Latency) => {
                p99("traefik_service_request_duration_seconds_bucket", TRAEFIK)
            }
            (Provider::Envoy, Kind::SuccessRate) => {
                share("envoy_cluster_upstream_rq", ENVOY, r#"envoy_response_code!~"5..""#)
            }
            (Provider::Envoy, Kind::Latency) => {
                milliseconds(&p99("envoy_cluster_upstream_rq_time_bucket", ENVOY))
            }
            (Provider::Kubernetes, Kind::SuccessRate) => {
                share("http_request_duration_seconds_count", KUBERNETES, r#"status!~"5..""#)
            }
            (Provider::Kubernetes, Kind::Latency) => p99("http_request_duration_seconds_bucket", KUBERNETES),
        }
    }
}

const ISTIO: &str = r#"reporter="destination",destination_service_namespace="{{namespace}}",destination_service_name="{{workload}}-{{color}}""#;
const NGINX: &str = r#"namespace="{{namespace}}",service="{{workload}}-{{color}}""#;
const LINKERD: &str = r#"direction="inbound",namespace="{{namespace}}",deployment="{{workload}}-{{color}}""#;
const TRAEFIK: &str = r#"service=~"(.*-)?{{namespace}}-{{workload}}-{{color}}-.*@kubernetes.*""#;
const ENVOY: &str = r#"envoy_cluster_name=~"(.*[/_.|])?({{namespace}}[/_.]{{workload}}-{{color}}|{{workload}}-{{color}}[/_.]{{namespace}})([/_.].*)?""#;
const KUBERNETES: &str = r#"namespace="{{namespace}}",pod=~".+-{{pod_hash}}-[0-9a-z]+""#;

/// The share of a counter that has some labels.
fn share(counter: &str, labels: &str, good: &str) -> String {
    format!(
        "sum(rate({counter}{{{labels},{good}}}[{{{{interval}}}}])) / sum(rate({counter}{{{labels}}}[{{{{interval}}}}]))"
    )
}

/// What 99 of 100 observations of a histogram do not exceed.
fn p99(buckets: &str, labels: &str) -> String {
    format!("histogram_quantile(0.99, sum by (le) (rate({buckets}{{{labels}}}[{{{{interval}}}}])))")
}

/// Milliseconds as seconds.
fn milliseconds(query: &str) -> String {
    format!("{query} / 1000")
}

impl fmt::Display for QueryPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.provider.as_str(), self.kind.as_str())
    }
}

impl FromStr for QueryPreset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        let known: Vec<String> = Self::all().map(|preset| preset.to_string()).collect();
        Self::all().find(|preset| preset.to_string() == text).ok_or_else(|| {
            let meant = nearest(text, known.iter().map(String::as_str));
            UnknownPreset {
                name: text.chars().take(64).collect(),
                hint: hint(meant),
                known: known.join(", "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analysis::placeholders;

    #[test]
    fn every_preset_is_named_and_whole() {
        for preset in QueryPreset::all() {
            assert_eq!(preset.to_string().parse(), Ok(preset));
            let query = preset.query();
            assert_eq!(placeholders::check(&query, &BTreeMap::new()), [], "{preset}");
            let open = query.matches(['(', '[', '{']).count();
            assert_eq!(open, query.matches([')', ']', '}']).count(), "{query}");
            assert!(preset.metric("m", SourceName("main".into())).success_condition.is_some());
        }
    }

    #[test]
    fn every_preset_tells_the_colours_apart() {
        for preset in QueryPreset::all() {
            let names = preset.query();
            assert!(names.contains("{{color}}") || names.contains("{{pod_hash}}"), "{preset}");
        }
    }

    #[test]
    fn a_name_that_is_nearly_one_is_suggested() {
        let error = "istio-succes-rate".parse::<QueryPreset>().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no preset `istio-succes-rate`; did you mean `istio-success-rate`?"),
            "{error}"
        );
    }
}
