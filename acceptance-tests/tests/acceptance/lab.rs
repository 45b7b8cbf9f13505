//! The lab itself, as far as nothing else would notice that it is wrong.

use acceptance_tests::route53::{Health, RecordType, ResponseCode, balancer_address};
use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::json;

use crate::world::World;

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("lab::answers_by_place_and_health", || World::run(answers_by_place_and_health))]
}

/// Europe by an address, the rest of the world by a load balancer, in a zone of its own.
async fn answers_by_place_and_health(world: &'static World) -> anyhow::Result<()> {
    let balancer = "lab.us-east-1.elb.amazonaws.com";
    let zone = world.lab.zone("lab").await?;
    let name = zone.within("www");
    let sets = json!([
        {
            "Name": name, "Type": "A", "SetIdentifier": "eu", "GeoLocation": {"ContinentCode": "EU"}, "TTL": 30,
            "HealthCheckId": zone.id, "ResourceRecords": [{"Value": "192.0.2.1"}],
        },
        {
            "Name": name, "Type": "A", "SetIdentifier": "rest", "GeoLocation": {"CountryCode": "*"},
            "AliasTarget": {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": balancer, "EvaluateTargetHealth": true},
        },
    ]);
    let route53 = world.lab.route53();
    route53.control().seed(&zone, &sets).await?;
    let ask = async |place: &str| {
        let answer = world.lab.dns().ask_as(place, &name, RecordType::A).await?;
        ensure!(answer.code == ResponseCode::NoError, "{answer}");
        Ok(answer.values.join(" "))
    };
    let elsewhere = balancer_address(balancer, RecordType::A)?;
    for (place, expected) in [("DE", "192.0.2.1"), ("US-TX", &elsewhere), ("BR", &elsewhere)] {
        let found = ask(place).await?;
        ensure!(found == expected, "{place} is answered {found}");
    }
    route53.control().set_health(&zone.id, Health::Unhealthy).await?;
    let found = ask("DE").await?;
    ensure!(found == elsewhere, "an unhealthy set answers: {found}");
    let env = world.lab.env();
    ensure!(env["LAB_ZONE_NAME"] == world.lab.ready_zone().name && env.contains_key("LAB_DNS"), "{env:?}");
    Ok(())
}
