//! Route 53 answers its API, and DNS by where one is and what is healthy.

use std::time::Instant;

use acceptance_tests::{
    Lab,
    route53::{Health, RecordType, balancer_address},
};
use anyhow::ensure;
use serde_json::json;

/// The load balancer of the check.
const BALANCER: &str = "check.us-east-1.elb.amazonaws.com";

pub(super) async fn check(lab: &Lab) -> anyhow::Result<()> {
    let started = Instant::now();
    let zone = lab.zone("check").await?;
    let name = zone.within("www");
    let control = lab.route53().control();
    let sets = json!([
        {
            "Name": name, "Type": "A", "SetIdentifier": "eu", "GeoLocation": {"ContinentCode": "EU"}, "TTL": 30,
            "HealthCheckId": zone.id, "ResourceRecords": [{"Value": "192.0.2.1"}],
        },
        {
            "Name": name, "Type": "A", "SetIdentifier": "rest", "GeoLocation": {"CountryCode": "*"},
            "AliasTarget": {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": BALANCER, "EvaluateTargetHealth": true},
        },
    ]);
    control.seed(&zone, &sets).await?;
    let balancer = balancer_address(BALANCER, RecordType::A)?;
    let ask = async |place: &str| anyhow::Ok(lab.dns().ask_as(place, &name, RecordType::A).await?.values);
    ensure!(ask("DE").await? == ["192.0.2.1"], "Germany is not served by its own set");
    ensure!(ask("BR").await? == [balancer.clone()], "Brazil is not served by the default");
    control.set_health(&zone.id, Health::Unhealthy).await?;
    ensure!(ask("DE").await? == [balancer.clone()], "Germany is served by what is unhealthy");
    control.remove_zone(&zone).await?;
    println!("route53 {:3.1} s  zones, DNS by place, health", started.elapsed().as_secs_f64());
    Ok(())
}
