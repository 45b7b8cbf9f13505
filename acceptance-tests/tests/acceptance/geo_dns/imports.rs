//! What stands in a zone becomes a configuration, and changes hands.

use anyhow::ensure;
use serde_json::{Value, json};

use super::stage::{ENDPOINTS, Stage, plain};
use crate::world::said;

const GEOLOCATION: &str = "  policy = \"geolocation\"\n  default = \"aws\"\n  owner = \"team\"";

pub(crate) async fn bring_back_what_was_written() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(GEOLOCATION, &ENDPOINTS.replace(", on_unhealthy = [\"aws\"]", ""));
    stage.apply(&shop).await?;
    let id = format!("{}/{}", stage.zone.id, stage.name());
    stage.terraform.run(&["state", "rm", "multicluster_geo_dns.shop"]).await?.ok()?;
    stage.terraform.run(&["import", "-input=false", "multicluster_geo_dns.shop", &id]).await?.ok()?;
    let state = stage.state("shop").await?;
    ensure!(state["owner"] == "team" && state["policy"] == "geolocation", "{state:#}");
    ensure!(state["endpoints"]["azure"]["values"] == json!(["20.50.2.3"]), "{state:#}");
    stage.control().reset_calls().await?;
    stage.apply(&shop).await?;
    ensure!(
        !stage.calls().await?.contains(&"ChangeResourceRecordSets".to_owned()),
        "{:?}",
        stage.calls().await?
    );
    stage.expect_no_changes().await?;
    // What is not there, or is no id, is said.
    let other = stage.named("other", &stage.zone.within("other"), GEOLOCATION, ENDPOINTS);
    stage.write(&[shop, other].concat())?;
    let cases = [
        ("nonsense".to_owned(), "Invalid import id"),
        (format!("{}/none.{}", stage.zone.id, stage.zone.name), "There is no `none."),
        (format!("ZNOSUCHZONE/{}", stage.name()), "There is no such zone"),
    ];
    for (id, words) in cases {
        let run = stage.terraform.run(&["import", "-input=false", "multicluster_geo_dns.other", &id]).await?;
        ensure!(run.code == Some(1) && said(&run).contains(words), "{id}: {}", run.stderr);
    }
    Ok(())
}

fn weighted(name: &str, identifier: &str, weight: u8, value: &str) -> Value {
    json!({
        "Name": name, "Type": "A", "SetIdentifier": identifier, "Weight": weight, "TTL": 60,
        "ResourceRecords": [{ "Value": value }],
    })
}

/// As `-generate-config-out` writes it.
pub(crate) async fn of_what_others_wrote_become_a_configuration() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let name = stage.name();
    let sets = json!([weighted(&name, "blue", 90, "192.0.2.1"), weighted(&name, "green", 10, "192.0.2.2")]);
    stage.control().seed(&stage.zone, &sets).await?;
    let id = format!("{}/{name}", stage.zone.id);
    stage.write(&format!("import {{\n  to = multicluster_geo_dns.shop\n  id = {id:?}\n}}\n"))?;
    let plan = stage.terraform.run(&["plan", "-input=false", "-generate-config-out=shop.tf"]).await?;
    ensure!(plan.code == Some(0), "{}\n{}", plan.stdout, plan.stderr);
    let written = std::fs::read_to_string(stage.directory.path().join("shop.tf"))?;
    ensure!(written.contains("\"weighted\"") && written.contains("192.0.2.2"), "{written}");
    // Nobody has claimed the records, so that they are taken only if that is said.
    let run = stage.terraform.apply(None).await?;
    ensure!(run.code == Some(0) || said(&run).contains("takeover"), "{}", run.stderr);
    Ok(())
}

pub(crate) async fn take_over_from_external_dns() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let name = stage.name();
    let (label, parent) = name.split_once('.').unwrap_or_default();
    let txt = format!("a-{label}.{parent}");
    let word = "\"heritage=external-dns,external-dns/owner=prod,external-dns/resource=service/shop/web\"";
    let sets = json!([plain(&name, "A", "192.0.2.1"), plain(&txt, "TXT", word)]);
    stage.control().seed(&stage.zone, &sets).await?;
    let endpoints = ENDPOINTS.replace(", on_unhealthy = [\"aws\"]", "");
    let refused = stage.shop(GEOLOCATION, &endpoints);
    stage.refuses(&refused, &["external-dns with the owner id `prod`", "takeover"]).await?;
    let taken = stage.shop(&format!("{GEOLOCATION}\n  takeover = [\"external-dns:prod\"]"), &endpoints);
    stage.apply(&taken).await?;
    ensure!(stage.ask("DE").await? == ["20.50.2.3"]);
    let left = stage.sets().await?;
    ensure!(!left.iter().any(|set| set.starts_with("a-")), "{left:#?}");
    stage.expect_no_changes().await
}
