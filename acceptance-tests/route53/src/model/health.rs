//! The health of the world, and what health checks make of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HealthCheckConfig, HealthCheckType, Name};

/// Whether something answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It does.
    Healthy,
    /// It does not.
    Unhealthy,
}

impl Health {
    /// Whether this is [`Health::Healthy`].
    pub fn is_healthy(self) -> bool {
        self == Self::Healthy
    }

    /// Healthy when true.
    pub fn from_bool(healthy: bool) -> Self {
        if healthy { Self::Healthy } else { Self::Unhealthy }
    }

    fn inverted(self, inverted: bool) -> Self {
        Self::from_bool(self.is_healthy() != inverted)
    }
}

/// What tests said about the endpoints that health checks watch and the load balancers that aliases name.
/// Everything that is not mentioned is healthy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldHealth {
    /// Health check id → what its checkers observe, before `Inverted` and `Disabled`.
    pub checks: BTreeMap<String, Health>,
    /// DNS name of an alias target outside the zone → its health.
    pub targets: BTreeMap<Name, Health>,
}

impl WorldHealth {
    /// The health of an alias target outside the zone.
    pub fn target(&self, dns_name: &Name) -> Health {
        self.targets.get(dns_name).copied().unwrap_or(Health::Healthy)
    }

    /// The status of a health check.
    ///
    /// A disabled check counts as observing health, so that `Disabled` with `Inverted` is a forced failure. A
    /// calculated check observes health when at least `HealthThreshold` children are healthy, unless a test
    /// said something else about it. A check that was deleted is healthy (the service calls its status
    /// unpredictable). A check among its own descendants counts as healthy there.
    pub fn check(&self, id: &str, configs: &BTreeMap<String, HealthCheckConfig>) -> Health {
        self.status(id, configs, &mut Vec::new())
    }

    fn status<'a>(
        &self,
        id: &'a str,
        configs: &'a BTreeMap<String, HealthCheckConfig>,
        above: &mut Vec<&'a str>,
    ) -> Health {
        let observed = self.checks.get(id).copied();
        let Some(config) = configs.get(id) else {
            return observed.unwrap_or(Health::Healthy);
        };
        if config.disabled {
            return Health::Healthy.inverted(config.inverted);
        }
        if above.contains(&id) {
            return Health::Healthy;
        }
        let observed = observed.unwrap_or_else(|| {
            if config.check_type != HealthCheckType::Calculated {
                return Health::Healthy;
            }
            above.push(id);
            let children = config.child_health_checks.iter();
            let healthy = children.filter(|child| self.status(child, configs, above).is_healthy()).count();
            above.pop();
            Health::from_bool(healthy >= usize::from(config.health_threshold.unwrap_or(0)))
        });
        observed.inverted(config.inverted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check_type: HealthCheckType) -> HealthCheckConfig {
        HealthCheckConfig::new(check_type)
    }

    fn world(unhealthy: &[&str]) -> WorldHealth {
        let checks = unhealthy.iter().map(|id| ((*id).to_owned(), Health::Unhealthy)).collect();
        WorldHealth { checks, ..WorldHealth::default() }
    }

    #[test]
    fn disabled_and_inverted_is_a_forced_failure() {
        let mut config = check(HealthCheckType::Tcp);
        config.disabled = true;
        let status = |config: &HealthCheckConfig, unhealthy: &[&str]| {
            world(unhealthy).check("a", &BTreeMap::from([("a".to_owned(), config.clone())]))
        };
        assert_eq!(status(&config, &["a"]), Health::Healthy);
        config.inverted = true;
        assert_eq!(status(&config, &[]), Health::Unhealthy);
        config.disabled = false;
        assert_eq!(status(&config, &[]), Health::Unhealthy);
        assert_eq!(status(&config, &["a"]), Health::Healthy);
    }

    #[test]
    fn calculated_checks_count_their_healthy_children() {
        let mut parent = check(HealthCheckType::Calculated);
        parent.child_health_checks = ["a", "b", "c"].map(str::to_owned).to_vec();
        parent.health_threshold = Some(2);
        let mut configs = BTreeMap::from([("p".to_owned(), parent)]);
        for id in ["a", "b", "c"] {
            configs.insert(id.to_owned(), check(HealthCheckType::Http));
        }
        assert_eq!(world(&["a"]).check("p", &configs), Health::Healthy);
        assert_eq!(world(&["a", "c"]).check("p", &configs), Health::Unhealthy);
        assert_eq!(world(&["p"]).check("p", &configs), Health::Unhealthy);
    }

    #[test]
    fn a_circle_of_calculated_checks_ends() {
        let mut parent = check(HealthCheckType::Calculated);
        parent.child_health_checks = vec!["p".to_owned()];
        parent.health_threshold = Some(1);
        assert_eq!(world(&[]).check("p", &BTreeMap::from([("p".to_owned(), parent)])), Health::Healthy);
    }
}
