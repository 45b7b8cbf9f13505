//! A name in DNS: what is asked for changes from round to round, and each apply is disturbed.
//!
//! The provider dies at some point, the whole of Terraform is killed or interrupted at some moment, Route 53 refuses calls
//! or does not answer them. Then one apply is left alone. After that the plan must be empty, what was made beside the
//! records must be in use, and of those who ask all the time nobody may have missed an answer that there was before and
//! after.

use std::collections::BTreeSet;
use std::time::Duration;

use acceptance_tests::terraform::Output;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::stage::Stage;
use crate::watch::{self, Answers, Question};

/// Who asks.
const PLACES: [&str; 5] = ["DE", "JP", "BR", "US", "ZA"];
/// The names that it can have.
const NAMES: [&str; 2] = ["www", "store"];
/// Where the provider can be made to die; a point that an apply does not pass does no harm.
const POINTS: [&str; 16] = [
    "route53-health-check-create-before",
    "route53-health-check-create-after",
    "route53-health-check-tag-before",
    "route53-health-check-tag-after",
    "route53-health-check-update-before",
    "route53-health-check-update-after",
    "route53-health-check-delete-before",
    "route53-health-check-delete-after",
    "route53-cidr-create-before",
    "route53-cidr-create-after",
    "route53-cidr-change-before",
    "route53-cidr-change-after",
    "route53-cidr-delete-before",
    "route53-cidr-delete-after",
    "route53-change-before",
    "route53-change-after",
];
/// What Route 53 refuses, and how.
const REFUSALS: [(&str, u16); 4] = [
    ("Throttling", 400),
    ("PriorRequestNotComplete", 400),
    ("ServiceUnavailable", 503),
    ("InternalFailure", 500),
];
/// The operations that fail, or are carried out without an answer.
const OPERATIONS: [&str; 7] = [
    "ListResourceRecordSets",
    "ChangeResourceRecordSets",
    "GetChange",
    "CreateHealthCheck",
    "DeleteHealthCheck",
    "UpdateHealthCheck",
    "ChangeCidrCollection",
];

/// A number of rounds.
pub(crate) async fn soak(rounds: usize, mut dice: Dice) -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let questions: Vec<Question> = NAMES
        .iter()
        .flat_map(|name| PLACES.iter().map(|place| ((*place).to_owned(), stage.zone.within(name))))
        .collect();
    let mut asked = 0;
    for round in 1..=rounds {
        let verb = if dice.once_in(8) { "destroy" } else { "apply" };
        let wish = if verb == "apply" { Some(wish(&stage, &mut dice)) } else { None };
        if let Some((text, _)) = &wish {
            stage.write(text)?;
        }
        let what = wish.as_ref().map_or("nothing", |(_, what)| what.as_str());
        let before = possible(&stage, &questions).await?;
        let work = async {
            let trouble = disturb(&stage, verb, &mut dice).await?;
            println!("soak: round {round}: {verb} {what}, {trouble}");
            let settled = async {
                stage.control().reset_knobs().await?;
                stage.terraform.run(&[verb, "-input=false", "-auto-approve"]).await?.ok()
            };
            settled.await.with_context(|| format!("{what}, {trouble}"))?;
            Ok(trouble)
        };
        let (trouble, seen) =
            watch::during(stage.dns(), &questions, work).await.with_context(|| format!("round {round}"))?;
        let after = possible(&stage, &questions).await?;
        let check = async {
            seen.between(&before, &after)?;
            if verb == "destroy" {
                return stage.expect_nothing().await;
            }
            stage.expect_no_changes().await?;
            nothing_leaks(&stage).await
        };
        check.await.with_context(|| format!("round {round}: {verb} {what}, {trouble}"))?;
        asked += seen.asked;
    }
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await?;
    println!(
        "soak: {rounds} rounds of geo DNS are as asked; {asked} questions in between, none without an answer"
    );
    Ok(())
}

/// All that each question can be answered with now. Weights are written in 255ths, so that it takes long until the last
/// value has had its turn: where there are some, the record sets tell.
async fn possible(stage: &Stage, questions: &[Question]) -> anyhow::Result<Answers> {
    let mut answers = watch::all(stage.dns(), questions).await?;
    let sets = stage.control().record_sets(&stage.zone).await?;
    for ((_, name), values) in &mut answers {
        let of_name = |set: &&Value| {
            let at = set["Name"].as_str().unwrap_or_default().trim_end_matches('.');
            set["Type"] == "A" && (at == name || at.ends_with(&format!(".{name}")))
        };
        let here: Vec<&Value> = sets.iter().filter(of_name).collect();
        if here.iter().any(|set| set["Weight"].is_number()) {
            let records = here.iter().flat_map(|set| set["ResourceRecords"].as_array().into_iter().flatten());
            values.extend(records.filter_map(|it| it["Value"].as_str().map(str::to_owned)));
        }
    }
    Ok(answers)
}

/// What is asked for: a configuration, and the same in a few words.
fn wish(stage: &Stage, dice: &mut Dice) -> (String, String) {
    let name = if dice.once_in(6) { NAMES[1] } else { NAMES[0] };
    let policy = dice.one(&[
        "simple",
        "multivalue",
        "weighted",
        "failover",
        "latency",
        "geoproximity",
        "geolocation",
        "geolocation",
        "ip_based",
    ]);
    let checked = policy == "failover" || dice.below(2) == 0;
    let mut arguments = format!("  policy = {policy:?}\n  ttl = {}\n", dice.one(&[30, 60]));
    if checked {
        let (path, interval) = (dice.one(&["/healthz", "/ready"]), dice.one(&[10, 30]));
        arguments.push_str(&format!(
            "  health_check = {{ protocol = \"HTTP\", path = {path:?}, interval = {interval} }}\n"
        ));
    }
    if matches!(policy, "geolocation" | "ip_based") {
        arguments.push_str("  default = \"aws\"\n");
    }
    let count = if policy == "simple" { 1 } else { 1 + dice.below(3) };
    let endpoints: String = (0..count).map(|index| endpoint(policy, checked, index, dice)).collect();
    let text = stage.named("shop", &stage.zone.within(name), &arguments, &endpoints);
    (text, format!("{name} {policy} of {count}{}", if checked { ", checked" } else { "" }))
}

/// One of the endpoints. The first is in every wish.
fn endpoint(policy: &str, checked: bool, index: usize, dice: &mut Dice) -> String {
    let key = ["aws", "azure", "gcp"][index];
    let mut values = vec![format!("\"20.{index}.0.{}\"", 1 + dice.below(3))];
    if dice.once_in(4) {
        values.push(format!("\"20.{index}.1.1\""));
    }
    let place = match policy {
        "weighted" => format!("weight = {}", 1 + dice.below(3)),
        "failover" => format!("priority = {}", 1 + index),
        "latency" => {
            format!("latency_region = {:?}", ["us-east-1", "eu-central-1", "ap-northeast-1"][index])
        }
        "geoproximity" => {
            format!(
                "location = {{ cloud = \"aws\", region = {:?} }}",
                ["us-east-1", "eu-central-1", "ap-northeast-1"][index]
            )
        }
        "geolocation" => {
            let places = [
                "continents = [\"North America\"]",
                dice.one(&[
                    "continents = [\"Europe\"]",
                    "continents = [\"Europe\"], countries = [\"Brazil\"]",
                ]),
                dice.one(&[
                    "continents = [\"Asia\"]",
                    "continents = [\"Europe\"]",
                    "countries = [\"Japan\"]",
                ]),
            ];
            places[index].to_owned()
        }
        "ip_based" if index > 0 => {
            let ranges = dice.some(&["\"198.51.100.0/24\"", "\"203.0.113.0/24\"", "\"192.0.2.0/24\""]);
            let first = format!("\"100.{}.0.0/16\"", 64 + index);
            // No two endpoints have the same.
            let ranges = ranges.into_iter().filter(|_| index == 1).map(str::to_owned);
            format!("cidrs = [{}]", std::iter::once(first).chain(ranges).collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    };
    let stands_in = index == 2 && checked && policy == "geolocation" && dice.below(2) == 0;
    let stands_in = if stands_in { ", on_unhealthy = [\"aws\"]" } else { "" };
    let state =
        if index == 1 && policy != "failover" && dice.once_in(5) { ", state = \"drained\"" } else { "" };
    let comma = if place.is_empty() { "" } else { ", " };
    format!("    {key} = {{ values = [{}]{comma}{place}{stands_in}{state} }}\n", values.join(", "))
}

/// One apply or destroy that something happens to. How it ends does not matter.
async fn disturb(stage: &Stage, verb: &str, dice: &mut Dice) -> anyhow::Result<String> {
    let arguments = [verb, "-input=false", "-auto-approve"];
    let moment = Duration::from_millis(u64::try_from(dice.below(2500))?);
    stage
        .control()
        .set_knobs(&json!({ "insync_after_ms": dice.below(800), "page_size": 1 + dice.below(5) }))
        .await?;
    match dice.below(6) {
        0 | 1 => {
            let point = format!("{}#{}", dice.one(&POINTS), 1 + dice.below(2));
            let run = stage.doomed(&point).run(&arguments).await?;
            Ok(format!("killed at {point}: {}", outcome(&run)))
        }
        2 => {
            let interrupted = dice.below(2) == 0;
            let run = stage.terraform.spawn(&arguments)?;
            tokio::time::sleep(moment).await;
            // It may have ended already.
            let _ = if interrupted { run.interrupt() } else { run.kill() };
            let run = run.wait().await?;
            // What a killed Terraform leaves behind on its own disk.
            let lock = stage.terraform.directory().join(".terraform.tfstate.lock.info");
            let _ = std::fs::remove_file(lock);
            let how = if interrupted { "interrupted" } else { "Terraform killed" };
            Ok(format!("{how} after {moment:?}: {}", outcome(&run)))
        }
        3 => {
            let failures: Vec<Value> = (0..=dice.below(3))
                .map(|_| {
                    let (code, status) = dice.one(&REFUSALS);
                    json!({
                        "operation": dice.one(&OPERATIONS), "code": code, "status": status, "message": "Rate exceeded",
                        "count": 1 + dice.below(3),
                    })
                })
                .collect();
            stage.control().set_knobs(&json!({ "failures": failures })).await?;
            let named: Vec<String> = failures
                .iter()
                .map(|it| format!("{} {} {}", it["count"], it["operation"], it["code"]))
                .collect();
            let run = stage.terraform.run(&arguments).await?;
            Ok(format!("refused {}: {}", named.join(", "), outcome(&run)))
        }
        4 => {
            let operation = dice.one(&OPERATIONS);
            stage.control().set_knobs(&json!({ "drops": [{ "operation": operation }] })).await?;
            let run = stage.terraform.run(&arguments).await?;
            Ok(format!("no answer to {operation}: {}", outcome(&run)))
        }
        _ => Ok(format!("undisturbed: {}", outcome(&stage.terraform.run(&arguments).await?))),
    }
}

fn outcome(run: &Output) -> &'static str {
    if run.code == Some(0) { "went well" } else { "failed" }
}

/// Health checks and collections are named by the state or by records, or stand below those that are: a simple set has
/// no health check, so that of its endpoint is only for those who look at it.
async fn nothing_leaks(stage: &Stage) -> anyhow::Result<()> {
    let state = stage.control().state().await?;
    let list = |field: &str| state[field].as_array().cloned().unwrap_or_default();
    let sets = stage.control().record_sets(&stage.zone).await?;
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let known = stage.state("shop").await?["health_checks"].clone();
    let mut used: BTreeSet<String> =
        known.as_object().into_iter().flatten().map(|(_, id)| words(id)).collect();
    used.extend(sets.iter().map(|set| words(&set["HealthCheckId"])));
    used.extend(sets.iter().map(|set| words(&set["CidrRoutingConfig"]["CollectionId"])));
    let checks = list("health_checks");
    let (above, others): (Vec<&Value>, Vec<&Value>) = checks.iter().partition(|it| used.contains(id_of(it)));
    let below = |it: &&Value| above.iter().any(|check| check.to_string().contains(id_of(it)));
    used.extend(others.into_iter().filter(below).map(|it| id_of(it).to_owned()));
    let made = checks.iter().chain(&list("collections")).map(|it| id_of(it).to_owned()).collect::<Vec<_>>();
    let left: Vec<&String> = made.iter().filter(|id| !used.contains(*id)).collect();
    ensure!(left.is_empty(), "nothing uses {left:?}: {checks:#?}");
    Ok(())
}

fn id_of(value: &Value) -> &str {
    value["id"].as_str().or(value["Id"].as_str()).unwrap_or("without an id")
}
