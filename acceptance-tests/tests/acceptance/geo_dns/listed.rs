//! What others read of what the provider wrote: the AWS CLI, and programs that know external-dns' ownership records.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::stage::{ARGUMENTS, BALANCER, ENDPOINTS, Stage};
use crate::python;

/// The CLI takes a second or two to start, more on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
/// The hosted zone of load balancers in sa-east-1, from AWS' table.
const SAO_PAULO: &str = "Z2P70J7HTTTPLU";

/// What `aws route53 …` says.
async fn aws(stage: &Stage, arguments: &[&str]) -> anyhow::Result<Value> {
    let programs = tokio::task::spawn_blocking(|| python::programs("awscli")).await?;
    let run = Command::new(programs.join("aws"))
        .arg("route53")
        .args(arguments)
        .env_clear()
        .env("HOME", stage.directory.path())
        .envs(stage.route53.env())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .kill_on_drop(true)
        .output();
    let output = timeout(LIMIT, run).await.context("the CLI does not end")??;
    ensure!(output.status.success(), "aws {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("the CLI says something else than JSON")
}

/// The record sets that the CLI lists, page by page, but those of the zone itself.
async fn list(stage: &Stage) -> anyhow::Result<Vec<Value>> {
    let arguments = ["list-resource-record-sets", "--hosted-zone-id", &stage.zone.id, "--page-size", "2"];
    let mut sets = aws(stage, &arguments).await?["ResourceRecordSets"].take();
    let sets = sets.as_array_mut().context("no list")?;
    sets.retain(|set| set["Type"] != "NS" && set["Type"] != "SOA");
    Ok(std::mem::take(sets))
}

fn values<const N: usize>(values: [&str; N]) -> Value {
    values.iter().map(|value| json!({ "Value": value })).collect()
}

/// Which sets there are, and every field of each.
pub(crate) async fn by_the_aws_cli() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let endpoints = ENDPOINTS
        .replace(", on_unhealthy = [\"aws\"]", "")
        .replace("[\"20.50.2.3\"]", "[\"20.50.2.3\", \"2603:1030::3\"]")
        .replace("[\"34.116.0.9\"]", "[\"34.116.0.9\", \"34.116.0.10\", \"2600:1901::9\"]");
    stage.apply(&stage.shop(&format!("{ARGUMENTS}\n  ttl = 30"), &endpoints)).await?;
    let state = stage.state("shop").await?;
    let check = |endpoint: &str| state["health_checks"][endpoint].clone();
    let name = format!("{}.", stage.name());
    let alias = |identifier: &str, place: Value, r#type: &str| {
        json!({
            "Name": name, "Type": r#type, "SetIdentifier": identifier, "GeoLocation": place,
            "AliasTarget": { "HostedZoneId": SAO_PAULO, "DNSName": format!("{BALANCER}."), "EvaluateTargetHealth": true },
        })
    };
    let by_value = |identifier: &str, continent: &str, r#type: &str, check: Value, values: Value| {
        json!({
            "Name": name, "Type": r#type, "SetIdentifier": identifier, "TTL": 30, "ResourceRecords": values,
            "GeoLocation": { "ContinentCode": continent }, "HealthCheckId": check,
        })
    };
    let (america, world) = (json!({ "ContinentCode": "NA" }), json!({ "CountryCode": "*" }));
    let mut asked_for = vec![
        alias("aws-na", america.clone(), "A"),
        alias("aws-default", world.clone(), "A"),
        alias("aws-na", america, "AAAA"),
        alias("aws-default", world, "AAAA"),
        by_value("azure-eu", "EU", "A", check("azure"), values(["20.50.2.3"])),
        by_value("azure-eu", "EU", "AAAA", check("azure"), values(["2603:1030::3"])),
        by_value("gcp-as", "AS", "A", check("gcp"), values(["34.116.0.10", "34.116.0.9"])),
        by_value("gcp-as", "AS", "AAAA", check("gcp"), values(["2600:1901::9"])),
    ];
    let mut listed = list(&stage).await?;
    listed.retain(|set| set["Type"] != "TXT");
    let key = |set: &Value| format!("{} {}", set["Type"], set["SetIdentifier"]);
    for sets in [&mut asked_for, &mut listed] {
        sets.sort_by_key(key);
    }
    ensure!(listed == asked_for, "listed are {listed:#?}\nasked for {asked_for:#?}");

    // The health checks are those that were asked for, too, and say whose they are.
    let checks = aws(&stage, &["list-health-checks"]).await?;
    let mut checks = checks["HealthChecks"].as_array().into_iter().flatten();
    let azure = checks.find(|it| it["HealthCheckConfig"]["IPAddress"] == "20.50.2.3");
    let azure = azure.context("the address has no health check")?;
    let config = &azure["HealthCheckConfig"];
    let wanted = [
        ("Type", json!("HTTP")),
        ("ResourcePath", json!("/healthz")),
        ("RequestInterval", json!(10)),
        ("FullyQualifiedDomainName", json!(stage.name())),
    ];
    for (field, value) in wanted {
        ensure!(config[field] == value, "{field} is not {value}: {config:#}");
    }
    let id = azure["Id"].as_str().unwrap_or_default();
    let tags = ["list-tags-for-resource", "--resource-type", "healthcheck", "--resource-id", id];
    let tags = aws(&stage, &tags).await?;
    ensure!(tags.to_string().contains(&stage.name()), "{tags:#}");
    stage.terraform.destroy().await?.ok()?;
    ensure!(list(&stage).await?.is_empty());
    stage.expect_nothing().await
}

/// Labels by key, as external-dns reads them from a TXT value (its `NewLabelsFromString`, restated): a value of another
/// heritage is none of its own, and left alone.
fn labels_of(heritage: &str, value: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let unquoted = value.trim_matches('"');
    let (mut labels, mut found) = (BTreeMap::new(), false);
    for token in unquoted.split(',') {
        let parts: Vec<&str> = token.split('=').collect();
        let [key, value] = parts[..] else { continue };
        if key == "heritage" {
            ensure!(value == heritage, "the heritage is {value}");
            found = true;
        } else if let Some(key) = key.strip_prefix(heritage) {
            labels.insert(key.trim_start_matches('/').to_owned(), value.to_owned());
        }
    }
    if !found {
        bail!("there is no heritage");
    }
    Ok(labels)
}

/// The mark of a name is read as external-dns reads its own, and external-dns does not take it for its own.
pub(crate) async fn by_the_rules_of_external_dns() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let arguments = format!("{ARGUMENTS}\n  owner = \"team/shop-1\"");
    let shop = stage.shop(&arguments, ENDPOINTS);
    let mut digests = Vec::new();
    for (generation, text) in [("1", shop.clone()), ("2", shop.replace("20.50.2.3", "20.50.2.4"))] {
        stage.apply(&text).await?;
        let sets = list(&stage).await?;
        let marks: Vec<&Value> = sets.iter().filter(|set| set["Type"] == "TXT").collect();
        let [mark] = marks[..] else { bail!("there are {} TXT sets: {marks:#?}", marks.len()) };
        ensure!(mark["Name"] == format!("_mc-owner.{}.", stage.name()), "{mark:#}");
        // A policy of its own would need health checks of its own.
        ensure!(
            mark["SetIdentifier"].is_null() && mark["ResourceRecords"].as_array().map(Vec::len) == Some(1)
        );
        let value = mark["ResourceRecords"][0]["Value"].as_str().context("the mark has no value")?;
        let labels = labels_of("multicluster", value)?;
        ensure!(labels["owner"] == "team/shop-1" && labels["generation"] == generation, "{labels:?}");
        ensure!(labels_of("external-dns", value).is_err(), "external-dns would take it for its own: {value}");
        let tokens: Vec<&str> = value.trim_matches('"').split(',').skip(1).collect();
        ensure!(tokens.is_sorted(), "its writers sort the keys: {value}");
        digests.push(labels["digest"].clone());
    }
    ensure!(digests[0] != digests[1], "the digest says nothing: {digests:?}");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}
