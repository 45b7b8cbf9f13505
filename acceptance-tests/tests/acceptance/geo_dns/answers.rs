//! Who is answered by whom: at plan, by DNS, and when something is down.

use std::net::SocketAddr;

use acceptance_tests::route53::{Alone, Health, Knobs, Settings, network_of};
use acceptance_tests::terraform::Output;
use anyhow::{Context as _, ensure};
use serde_json::json;

use super::stage::{ARGUMENTS, BALANCER, ENDPOINTS, Stage, balancer};
use crate::world::said;

const AZURE: &str = "20.50.2.3";
const GCP: &str = "34.116.0.9";

/// The main case: Germany, Canada, Japan and Brazil, healthy and with each cluster down.
pub(crate) async fn as_the_plan_says() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let change = stage.plan(&stage.shop(ARGUMENTS, ENDPOINTS)).await?;
    let first = |key: &str| change["after"]["routing"][key]["endpoints"][0]["name"].clone();
    ensure!(
        first("*") == "aws" && first("continent/EU") == "azure" && first("continent/AS") == "gcp",
        "{change:#}"
    );
    ensure!(change["after"]["routing"]["continent/AS"]["fallback"][0] == "aws", "{change:#}");
    let forecast = &change["after"]["forecast"];
    let name = stage.name();
    let europe = forecast[format!("{name} A azure-eu")].as_str().context("nothing is said of azure")?;
    ensure!(europe.starts_with("create: location continent/EU") && europe.contains(AZURE), "{forecast:#}");
    stage.terraform.apply(Some("saved.plan")).await?.ok()?;
    stage.expect_no_changes().await?;

    let aws = balancer()?;
    let expect = async |when: &str, expected: [&str; 4]| {
        for (place, expected) in ["DE", "CA", "JP", "BR"].into_iter().zip(expected) {
            let answered = stage.ask(place).await?;
            ensure!(answered == [expected], "{when}, {place} is answered by {answered:?}, not {expected}");
        }
        anyhow::Ok(())
    };
    expect("healthy", [AZURE, &aws, GCP, &aws]).await?;
    let state = stage.state("shop").await?;
    let check = |endpoint: &str| state["health_checks"][endpoint].as_str().unwrap_or_default().to_owned();
    ensure!(!check("azure").is_empty() && !check("gcp").is_empty(), "{state:#}");
    stage.control().set_health(&check("azure"), Health::Unhealthy).await?;
    expect("without azure", [&aws, &aws, GCP, &aws]).await?;
    stage.control().reset_health().await?;
    stage.control().set_health(&check("gcp"), Health::Unhealthy).await?;
    expect("without gcp", [AZURE, &aws, &aws, &aws]).await?;
    stage.control().reset_health().await?;
    stage.control().set_target_health(BALANCER, Health::Unhealthy).await?;
    expect("without aws", [AZURE, &aws, GCP, &aws]).await?;

    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// Places, and the addresses that they are answered with.
type Answers = &'static [(&'static str, &'static [&'static str])];

/// Arguments, endpoints, and who answers where.
const POLICIES: [(&str, &str, &str, Answers); 7] = [
    (
        "simple",
        "  policy = \"simple\"",
        "    aws = { values = [\"192.0.2.1\", \"192.0.2.2\"] }",
        &[("DE", &["192.0.2.1", "192.0.2.2"])],
    ),
    (
        "multivalue",
        "  policy = \"multivalue\"",
        "    aws = { values = [\"192.0.2.1\"] }\n    gcp = { values = [\"192.0.2.2\"] }",
        &[("DE", &["192.0.2.1", "192.0.2.2"])],
    ),
    (
        "failover",
        "  policy = \"failover\"\n  health_check = { protocol = \"TCP\", port = 443 }",
        "    aws = { values = [\"20.0.0.1\"], priority = 1 }\n    gcp = { values = [\"20.0.0.2\"], priority = 2 }\n    azure = { values = [\"20.0.0.3\"], priority = 3 }",
        &[("DE", &["20.0.0.1"]), ("JP", &["20.0.0.1"])],
    ),
    (
        "latency",
        "  policy = \"latency\"",
        "    aws = { values = [\"192.0.2.1\"], latency_region = \"us-east-1\" }\n    azure = { values = [\"192.0.2.2\"], location = { cloud = \"azure\", region = \"germanywestcentral\" } }",
        &[("US", &["192.0.2.1"]), ("DE", &["192.0.2.2"])],
    ),
    (
        "geoproximity",
        "  policy = \"geoproximity\"",
        "    aws = { values = [\"192.0.2.1\"], coordinates = { latitude = -23.55, longitude = -46.63 } }\n    azure = { values = [\"192.0.2.2\"], location = { cloud = \"azure\", region = \"westeurope\" } }",
        &[("BR", &["192.0.2.1"]), ("DE", &["192.0.2.2"])],
    ),
    (
        "geolocation",
        "  policy = \"geolocation\"",
        "    texas = { values = [\"192.0.2.1\"], subdivisions = [\"Texas\"] }\n    africa = { values = [\"192.0.2.2\"], continents = [\"Africa\"] }\n    home = { values = [\"192.0.2.3\"], countries = [\"Saudi Arabia\"], continents = [\"South America\"] }",
        &[("US-TX", &["192.0.2.1"]), ("EG", &["192.0.2.2"]), ("SA", &["192.0.2.3"]), ("BR", &["192.0.2.3"])],
    ),
    (
        "ip_based",
        "  policy = \"ip_based\"\n  default = \"aws\"",
        "    aws = { values = [\"192.0.2.1\"] }\n    partner = { values = [\"192.0.2.2\"], cidrs = [\"10.53.0.0/17\"] }",
        &[],
    ),
];

pub(crate) async fn of_every_policy() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    for (policy, arguments, endpoints, expected) in POLICIES {
        stage.apply(&stage.shop(arguments, endpoints)).await.with_context(|| policy.to_owned())?;
        stage.expect_no_changes().await.with_context(|| policy.to_owned())?;
        for (place, values) in expected {
            let answered = stage.ask(place).await?;
            ensure!(answered == **values, "{policy}: {place} is answered by {answered:?}, not {values:?}");
        }
    }
    let state = stage.control().state().await?;
    ensure!(state["collections"].to_string().contains("10.53.0.0/17"), "{state:#}");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await?;
    let state = stage.control().state().await?;
    ensure!(!state["collections"].to_string().contains("10.53"), "{state:#}");
    Ok(())
}

pub(crate) async fn are_asked_by_function_and_data_source() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    stage.apply(&shop).await?;
    let look = |name: &str, arguments: &str| {
        format!(
            "data \"multicluster_geo_dns_answer\" \"{name}\" {{\n  zone_id = multicluster_geo_dns.shop.zone_id\n  name = multicluster_geo_dns.shop.name\n{arguments}\n}}\n"
        )
    };
    let questions = [
        shop,
        look("germany", "  place = \"DE\""),
        look("germany_without", "  place = \"DE\"\n  down = [\"azure\"]"),
        "output \"answers\" {\n  value = { for place in [\"DE\", \"CA\", \"JP\", \"BR\"] : place => provider::multicluster::answer(multicluster_geo_dns.shop.routing, place).endpoints[0].name }\n}\n".to_owned(),
        "output \"germany\" { value = data.multicluster_geo_dns_answer.germany }\n".to_owned(),
        "output \"germany_without\" { value = data.multicluster_geo_dns_answer.germany_without.endpoints[0].name }\n"
            .to_owned(),
    ];
    stage.apply(&questions.concat()).await?;
    let state = stage.terraform.show_json(None).await?;
    let outputs = &state["values"]["outputs"];
    let expected = json!({ "DE": "azure", "CA": "aws", "JP": "gcp", "BR": "aws" });
    ensure!(outputs["answers"]["value"] == expected, "{outputs:#}");
    let germany = &outputs["germany"]["value"];
    ensure!(germany["endpoints"] == json!([{ "name": "azure", "share": 1 }]), "{germany:#}");
    ensure!(germany["values"] == json!([AZURE]) && germany["estimate"] == false, "{germany:#}");
    ensure!(outputs["germany_without"]["value"] == "aws", "{outputs:#}");

    let atlantis = questions.concat().replace("[\"DE\", \"CA\"", "[\"XX\", \"CA\"");
    stage.refuses(&atlantis, &["`XX`"]).await
}

pub(crate) async fn are_verified_and_drawn_on_request() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let arguments =
        "  policy = \"ip_based\"\n  default = \"aws\"\n  verify_answers = true\n  map_file = \"world.svg\"";
    let endpoints = "    aws = { values = [\"192.0.2.1\"] }\n    partner = { values = [\"192.0.2.2\"], cidrs = [\"198.51.100.0/24\"] }";
    stage.control().reset_calls().await?;
    let apply = stage.apply(&stage.shop(arguments, endpoints)).await?;
    ensure!(!apply.stdout.contains("not as planned"), "{}", apply.stdout);
    let asked = stage.calls().await?.into_iter().filter(|it| it == "TestDNSAnswer").count();
    ensure!(asked == 2, "it was asked {asked} times");
    let map = std::fs::read_to_string(stage.directory.path().join("world.svg"))?;
    ensure!(map.starts_with("<svg ") && map.contains(&stage.name()), "{map:.200}");
    stage.terraform.destroy().await?.ok()?;

    // Nobody answers at an address of a documentation range, and nothing is published that does not answer.
    let checked = "  policy = \"simple\"\n  verify_endpoints = true\n  health_check = { protocol = \"TCP\", port = 443 }\n  timeouts = { create = \"3s\" }";
    let silent = stage.shop(checked, "    aws = { values = [\"192.0.2.1\"] }");
    stage.write(&silent)?;
    let apply = stage.terraform.apply(None).await?;
    let words = said(&apply);
    ensure!(
        apply.code == Some(1) && words.contains("Endpoint `aws` does not answer as it should"),
        "{words}"
    );
    let unasked = silent.replace("  health_check = { protocol = \"TCP\", port = 443 }\n", "");
    stage.refuses(&unasked, &["Nothing to verify", "`aws`"]).await?;
    stage.expect_nothing().await
}

/// What nobody is sent to answers nobody, which a plan says, and says again until it is mended; it never stops one.
pub(crate) async fn need_a_zone_that_is_delegated() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let parent = Alone::start(Knobs::default(), Settings::default()).await?;
    parent.create_zone("example.com").await?;
    let unheard = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let shop = stage.shop("  policy = \"simple\"", "    aws = { values = [\"192.0.2.1\"] }");
    let warning = "The zone is not found by everybody";
    let said_with = async |setting: String| {
        stage.write_with(&setting, &shop)?;
        let plan = stage.terraform.plan(None).await?;
        ensure!(plan.code != Some(1), "{}", plan.stderr);
        // Warnings of a plan stand on standard output.
        anyhow::Ok(said(&Output { stderr: plan.stdout.clone(), ..plan }))
    };
    let resolver = |at: SocketAddr| format!(", resolver = \"{at}\"");

    let own = resolver(stage.route53.dns);
    let found = said_with(own.clone()).await?;
    ensure!(!found.contains(warning), "{found}");
    let lost = said_with(resolver(parent.dns)).await?;
    ensure!(lost.contains(warning) && lost.contains("is not delegated, so that nobody"), "{lost}");
    let off = said_with(resolver(parent.dns) + ", delegation_check = false").await?;
    ensure!(!off.contains(warning), "{off}");
    let silent = said_with(resolver(unheard.local_addr()?)).await?;
    ensure!(!silent.contains(warning), "{silent}");

    stage.apply(&shop).await?;
    let servers = json!([{ "Value": "ns-1.example.net." }, { "Value": "ns-2.example.net." }]);
    let elsewhere =
        json!([{ "Name": stage.zone.name, "Type": "NS", "TTL": 300, "ResourceRecords": servers }]);
    stage.control().seed(&stage.zone, &elsewhere).await?;
    stage.control().reset_calls().await?;
    let lost = said_with(own).await?;
    ensure!(lost.contains("is delegated to ns-1.example.net, ns-2.example.net"), "{lost}");
    ensure!(lost.contains("No changes."), "{lost}");
    ensure!(stage.calls().await? == ["ListResourceRecordSets"], "{:?}", stage.calls().await?);
    Ok(())
}

pub(crate) async fn are_verified_for_clients_of_places() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let client = |country: &str| {
        let network = network_of(country, None).map(|network| network.to_string());
        network.and_then(|it| Some(it.strip_suffix(".0/24")?.to_owned() + ".7")).context("no such country")
    };
    let (germany, japan) = (client("DE")?, client("JP")?);
    let endpoints = ENDPOINTS.replace(&format!("hostname = \"{BALANCER}\""), "values = [\"192.0.2.1\"]");
    let shop = |germans: &str| {
        let from = format!(
            "  verify_answers = true\n  verify_answers_from = {{ DE = {germans:?}, JP = {japan:?}, BR = {:?} }}\n",
            client("BR")?
        );
        anyhow::Ok(stage.shop(&format!("{ARGUMENTS}{from}"), &endpoints))
    };
    stage.control().reset_calls().await?;
    let apply = stage.apply(&shop(&germany)?).await?;
    ensure!(!apply.stdout.contains("not as planned"), "{}", apply.stdout);
    let asked = stage.calls().await?.into_iter().filter(|it| it == "TestDNSAnswer").count();
    ensure!(asked == 4, "it was asked {asked} times");

    let wrong = stage.apply(&shop(&japan)?).await?;
    let words = wrong.stdout.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = format!("Route 53 answers {japan} (DE) with {GCP}, and not with {AZURE}.");
    ensure!(words.contains(&expected) && words.contains("`aws` stands in"), "{words}");
    stage.terraform.destroy().await?.ok()?;
    stage.refuses(&shop("nowhere")?, &["verify_answers_from[\"DE\"]", "`nowhere`"]).await?;
    stage.expect_nothing().await
}
