//! Health checks that records name, as users would have written them.

use std::collections::BTreeMap;

use multicluster::route53::{CallError, Client, Run};
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::health_check::{HealthCheckConfig, HealthCheckType, InsufficientData};
use multicluster_core::route53::import::Imported;
use multicluster_core::route53::{HealthCheckId, RecordName};
use tfplugin::Value;

/// The checks of endpoints, each as a block. Of an endpoint with several addresses, that of one of them.
pub(super) async fn blocks(
    client: &Client,
    found: &Imported,
    name: &RecordName,
    run: &Run,
) -> Result<BTreeMap<EndpointName, Value>, CallError> {
    let mut blocks = BTreeMap::new();
    for (endpoint, id) in &found.health_checks.endpoints {
        let Some(mut config) = config(client, id, run).await? else { continue };
        if config.r#type == HealthCheckType::Calculated {
            let Some(child) = config.child_health_checks.first().cloned() else { continue };
            match self::config(client, &child, run).await? {
                Some(child) => config = child,
                None => continue,
            }
        }
        blocks.extend(block(&config, name).map(|block| (endpoint.clone(), block)));
    }
    Ok(blocks)
}

async fn config(
    client: &Client,
    id: &HealthCheckId,
    run: &Run,
) -> Result<Option<HealthCheckConfig>, CallError> {
    Ok(client.health_check(id, run).await?.map(|check| check.config.normalised()))
}

/// A check as users write it; none for one that they cannot.
fn block(config: &HealthCheckConfig, name: &RecordName) -> Option<Value> {
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    let protocol = match &config.r#type {
        HealthCheckType::Http | HealthCheckType::HttpStrMatch => Some("HTTP"),
        HealthCheckType::Https | HealthCheckType::HttpsStrMatch => Some("HTTPS"),
        HealthCheckType::Tcp => Some("TCP"),
        HealthCheckType::CloudWatchMetric => None,
        HealthCheckType::Calculated | HealthCheckType::Other(_) => return None,
    };
    if let Some(alarm) = &config.alarm {
        let mut fields =
            vec![("name", Value::from(alarm.name.as_str())), ("region", Value::from(alarm.region.as_str()))];
        match alarm.insufficient_data {
            InsufficientData::Healthy => fields.push(("insufficient_data", "Healthy".into())),
            InsufficientData::Unhealthy => fields.push(("insufficient_data", "Unhealthy".into())),
            InsufficientData::LastKnownStatus => {}
        }
        values.insert("alarm", Value::map(fields));
    }
    let usual = match protocol {
        Some("HTTP") => Some(80),
        Some("HTTPS") => Some(443),
        _ => None,
    };
    let host = config.fully_qualified_domain_name.as_deref();
    // Without an address the host is the endpoint itself, and with one it is the record's name unless it is said.
    let host = host.filter(|host| config.ip_address.is_some() && RecordName::new(host).as_ref() != Ok(name));
    let text = |text: Option<&str>| text.map(Value::from);
    let number = |number: Option<i64>| number.map(Value::from);
    let flag = |flag: bool| flag.then(|| Value::from(true));
    let regions = config.regions.iter().map(|region| Value::from(region.as_str())).collect::<Vec<_>>();
    let fields = [
        ("protocol", text(protocol)),
        ("port", number(config.port.filter(|port| Some(*port) != usual).map(i64::from))),
        ("path", text(config.resource_path.as_deref().filter(|path| *path != "/"))),
        ("search_string", text(config.search_string.as_deref())),
        ("host", text(host)),
        ("interval", number(config.request_interval.filter(|it| *it != 30).map(i64::from))),
        ("failure_threshold", number(config.failure_threshold.filter(|it| *it != 3).map(i64::from))),
        ("regions", (!regions.is_empty()).then_some(Value::List(regions))),
        ("measure_latency", flag(config.measure_latency)),
        ("inverted", flag(config.inverted)),
        ("disabled", flag(config.disabled)),
    ];
    values.extend(fields.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Some(Value::map(values))
}

/// Writes blocks into a state: for all at once where they are all alike, and the others need none.
pub(super) fn write(state: &mut Value, blocks: BTreeMap<EndpointName, Value>) {
    let mut all = blocks.values();
    let first = all.next().cloned();
    if let Some(first) = first.filter(|first| all.all(|block| block == first)) {
        state.set("health_check", first);
        return;
    }
    let Some(Value::Map(mut endpoints)) = state.get("endpoints").cloned() else { return };
    for (name, block) in blocks {
        if let Some(endpoint) = endpoints.get_mut(name.as_str()) {
            endpoint.set("health_check", block);
        }
    }
    state.set("endpoints", Value::Map(endpoints));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn check(r#type: HealthCheckType) -> HealthCheckConfig {
        HealthCheckConfig {
            ip_address: "203.0.113.7".parse().ok(),
            port: Some(80),
            resource_path: Some("/healthz".to_owned()),
            fully_qualified_domain_name: Some("shop.example.com".to_owned()),
            request_interval: Some(10),
            failure_threshold: Some(3),
            ..HealthCheckConfig::of(r#type)
        }
    }

    #[rstest]
    #[case::usual(check(HealthCheckType::Http), &[("protocol", "HTTP".into()), ("path", "/healthz".into()), ("interval", 10.into())])]
    #[case::another_host(
        HealthCheckConfig { fully_qualified_domain_name: Some("x.example.com".to_owned()), resource_path: None, request_interval: Some(30), ..check(HealthCheckType::Http) },
        &[("protocol", "HTTP".into()), ("host", "x.example.com".into())]
    )]
    #[case::another_port(
        HealthCheckConfig { port: Some(22), resource_path: None, fully_qualified_domain_name: None, inverted: true, ..check(HealthCheckType::Tcp) },
        &[("protocol", "TCP".into()), ("port", 22.into()), ("interval", 10.into()), ("inverted", true.into())]
    )]
    fn what_is_usual_is_left_out(#[case] config: HealthCheckConfig, #[case] expected: &[(&str, Value)]) {
        let name = RecordName::new("shop.example.com").unwrap();
        let expected = Value::map(expected.iter().map(|(name, value)| (*name, value.clone())));
        assert!(block(&config, &name) == Some(expected));
    }
}
