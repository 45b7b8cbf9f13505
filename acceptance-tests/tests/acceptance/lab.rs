//! The lab itself, as far as nothing else would notice that it is wrong.

mod data_plane;
mod metrics;
mod shop;

use acceptance_tests::route53::{Health, RecordType, ResponseCode, balancer_address};
use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::json;

use crate::world::World;

/// Makes trials of this module's tests, named `lab::FUNCTION`.
macro_rules! trials {
    ($($module:ident :: $function:ident),* $(,)?) => {
        vec![$(Trial::test(concat!("lab::", stringify!($function)), || World::run($module::$function))),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials =
        vec![Trial::test("lab::answers_by_place_and_health", || World::run(answers_by_place_and_health))];
    trials.extend(trials![
        data_plane::weights_of_a_route_are_kept,
        data_plane::weights_of_a_virtual_service_are_kept,
        data_plane::what_is_not_ready_gets_nothing,
        data_plane::a_change_takes_effect_after_its_delay,
        data_plane::pods_that_end_lose_nothing_if_they_wait,
        data_plane::servers_fail_as_they_are_told,
        data_plane::a_route_has_the_status_of_a_controller,
        metrics::prometheus_answers_what_was_steered,
        metrics::prometheus_sees_what_the_data_plane_answers,
        metrics::the_front_answers_as_it_is_told,
        metrics::prometheus_ends_with_its_leash,
    ]);
    trials
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
