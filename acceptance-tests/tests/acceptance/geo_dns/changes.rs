//! From one configuration to another: what is called, what is answered meanwhile, and what somebody else did.

use acceptance_tests::route53::Control;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::stage::{ARGUMENTS, ENDPOINTS, Stage, plain};
use crate::world::said;

fn count(calls: &[String], operation: &str) -> usize {
    calls.iter().filter(|it| *it == operation).count()
}

/// The calls of what `work` does.
async fn during(
    control: Control,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Vec<String>> {
    control.reset_calls().await?;
    work.await?;
    Ok(control.calls().await?.into_iter().map(|call| call.operation).collect())
}

pub(crate) async fn one_batch_each_and_none_without_need() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let plain = "  policy = \"geolocation\"\n  default = \"aws\"";
    let endpoints = ENDPOINTS.replace(", on_unhealthy = [\"aws\"]", "");
    let shop = stage.shop(plain, &endpoints);
    let create = during(stage.control(), async { stage.apply(&shop).await.map(drop) }).await?;
    ensure!(count(&create, "ChangeResourceRecordSets") == 1, "{create:?}");
    let nothing = during(stage.control(), stage.expect_no_changes()).await?;
    ensure!(nothing == ["ListResourceRecordSets"], "a plan without changes calls {nothing:?}");

    let changed = shop.replace("20.50.2.3", "20.50.2.4");
    let change = stage.plan(&changed).await?;
    let text = change["after"]["forecast"][format!("{} A azure-eu", stage.name())].clone();
    ensure!(text == "update: values 20.50.2.3 → 20.50.2.4", "{:#}", change["after"]["forecast"]);
    ensure!(change["after"]["generation"] == 2, "{change:#}");
    let update =
        during(stage.control(), async { stage.terraform.apply(Some("saved.plan")).await?.ok().map(drop) });
    let update = update.await?;
    ensure!(update.len() <= 4 && count(&update, "ChangeResourceRecordSets") == 1, "{update:?}");
    ensure!(stage.ask("DE").await? == ["20.50.2.4"]);
    let destroy = during(stage.control(), async { stage.terraform.destroy().await?.ok().map(drop) }).await?;
    ensure!(count(&destroy, "ChangeResourceRecordSets") == 1, "{destroy:?}");
    stage.expect_nothing().await
}

/// Somebody asks all the time, and always gets an answer.
async fn answered_throughout(
    stage: &Stage,
    names: &[String],
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    answered_rightly(stage, names, |answers| !answers.is_empty(), work).await
}

/// Somebody asks all the time, and always gets an answer that is right.
async fn answered_rightly(
    stage: &Stage,
    names: &[String],
    is_right: impl Fn(&[String]) -> bool,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut work = std::pin::pin!(work);
    let mut asked = 0_u32;
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                ensure!(asked > 5, "it was over after {asked} questions");
                return done;
            }
            answers = async {
                let mut answers = Vec::new();
                for name in names {
                    answers.extend(stage.ask_for("DE", name).await?);
                }
                anyhow::Ok(answers)
            } => {
                let answers = answers?;
                ensure!(is_right(&answers), "after {asked} questions the answer is {answers:?}");
                asked += 1;
            }
        }
    }
}

pub(crate) async fn of_the_policy_leave_no_gap() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.apply(&stage.shop(ARGUMENTS, ENDPOINTS)).await?;
    let weighted = stage.shop(
        "  policy = \"weighted\"",
        "    azure = { values = [\"20.50.2.3\"], weight = 3 }\n    gcp = { values = [\"34.116.0.9\"] }",
    );
    let simple = stage.shop("  policy = \"simple\"", "    azure = { values = [\"20.50.2.3\"] }");
    let names = [stage.name()];
    for configuration in [&weighted, &simple, &stage.shop(ARGUMENTS, ENDPOINTS)] {
        answered_throughout(&stage, &names, async { stage.apply(configuration).await.map(drop) }).await?;
        stage.expect_no_changes().await?;
    }
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

pub(crate) async fn of_the_name_move_it() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.apply(&stage.shop(ARGUMENTS, ENDPOINTS)).await?;
    let other = stage.zone.within("store");
    let renamed = stage.named("shop", &other, ARGUMENTS, ENDPOINTS);
    let change = stage.plan(&renamed).await?;
    ensure!(change["actions"] == json!(["update"]), "{change:#}");
    let names = [stage.name(), other.clone()];
    let apply = async { stage.terraform.apply(Some("saved.plan")).await?.ok().map(drop) };
    answered_throughout(&stage, &names, apply).await?;
    ensure!(stage.ask("DE").await?.is_empty(), "the old name is answered");
    ensure!(stage.ask_for("DE", &other).await? == ["20.50.2.3"]);
    stage.expect_no_changes().await?;
    ensure!(stage.health_checks().await? == 2, "{} health checks", stage.health_checks().await?);
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

fn set_of(sets: &[Value], identifier: &str) -> anyhow::Result<Value> {
    let found = sets.iter().find(|set| set["SetIdentifier"] == identifier);
    found.cloned().with_context(|| format!("there is no set `{identifier}`"))
}

pub(crate) async fn by_hand_are_drift() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    stage.apply(&shop).await?;
    let sets = stage.control().record_sets(&stage.zone).await?;
    let mut edited = set_of(&sets, "azure-eu")?;
    edited["ResourceRecords"] = json!([{ "Value": "198.51.100.66" }]);
    stage.control().seed(&stage.zone, &json!([edited])).await?;
    ensure!(stage.ask("DE").await? == ["198.51.100.66"], "the edit has no effect");
    let change = stage.plan(&shop).await?;
    let text = change["after"]["forecast"][format!("{} A azure-eu", stage.name())].clone();
    ensure!(text == "update: values 198.51.100.66 → 20.50.2.3", "{:#}", change["after"]["forecast"]);
    stage.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(stage.ask("DE").await? == ["20.50.2.3"]);
    stage.expect_no_changes().await
}

pub(crate) async fn of_health_checks_replace_before_they_delete() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    stage.apply(&shop).await?;
    let before = stage.state("shop").await?["health_checks"]["azure"].clone();
    // Changed in place.
    stage.apply(&shop.replace("/healthz", "/ready")).await?;
    ensure!(stage.state("shop").await?["health_checks"]["azure"] == before, "it was replaced");
    stage.expect_no_changes().await?;
    // The interval of a check cannot be changed.
    let slower = shop.replace("interval = 10", "interval = 30");
    let change = stage.plan(&slower).await?;
    let text = change["after"]["forecast"]["health check azure"].as_str().unwrap_or_default().to_owned();
    ensure!(text.starts_with("replace: ") && text.contains("every 30 s"), "{change:#}");
    stage.terraform.apply(Some("saved.plan")).await?.ok()?;
    let after = stage.state("shop").await?["health_checks"]["azure"].clone();
    ensure!(after != before && after.is_string(), "it was not replaced");
    ensure!(stage.health_checks().await? == 2, "{} health checks", stage.health_checks().await?);
    stage.expect_no_changes().await?;
    // An endpoint with several addresses has one for each, and one above them.
    let several = shop.replace("[\"20.50.2.3\"]", "[\"20.50.2.3\", \"20.50.2.4\"]");
    stage.apply(&several).await?;
    ensure!(stage.health_checks().await? == 4, "{} health checks", stage.health_checks().await?);
    stage.expect_no_changes().await?;
    let without =
        several.replace("  health_check = { protocol = \"HTTP\", path = \"/healthz\", interval = 10 }\n", "");
    stage.apply(&without.replace(", on_unhealthy = [\"aws\"]", "")).await?;
    ensure!(stage.health_checks().await? == 0, "{} health checks", stage.health_checks().await?);
    stage.expect_no_changes().await?;
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

pub(crate) async fn since_the_plan_stop_the_apply() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    stage.apply(&shop).await?;
    stage.plan(&shop.replace("20.50.2.3", "20.50.2.4")).await?;
    let sets = stage.control().record_sets(&stage.zone).await?;
    let mut edited = set_of(&sets, "gcp")?;
    if edited["ResourceRecords"].is_null() {
        // It stands behind a helper.
        edited = set_of(&sets, "azure-eu")?;
    }
    edited["TTL"] = json!(7);
    stage.control().seed(&stage.zone, &json!([edited])).await?;
    let before = stage.control().record_sets(&stage.zone).await?;
    let apply = stage.terraform.apply(Some("saved.plan")).await?;
    ensure!(
        apply.code == Some(1) && said(&apply).contains("have changed since the plan"),
        "{}",
        apply.stderr
    );
    ensure!(stage.control().record_sets(&stage.zone).await? == before, "something was changed");
    // A name that somebody else takes between plan and apply of its creation.
    let other = Stage::new().await?;
    other.plan(&other.shop(ARGUMENTS, ENDPOINTS)).await?;
    other.control().seed(&other.zone, &json!([plain(&other.name(), "A", "192.0.2.1")])).await?;
    let apply = other.terraform.apply(Some("saved.plan")).await?;
    ensure!(apply.code == Some(1) && said(&apply).contains("cannot be written"), "{}", apply.stderr);
    ensure!(other.ask("DE").await? == ["192.0.2.1"]);
    ensure!(other.health_checks().await? == 0);
    Ok(())
}

/// Clients of a range that moves are answered by the one or the other end, and never as if they were in no range.
pub(crate) async fn of_ranges_leave_no_gap() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    // Long enough for somebody to see what is so in between.
    stage.control().set_knobs(&json!({ "insync_after_ms": 300 })).await?;
    let arguments = "  policy = \"ip_based\"\n  default = \"aws\"";
    let aws = "    aws = { values = [\"192.0.2.1\"] }\n";
    let partner = |address: u8, cidrs: &str| {
        format!("    partner-{address} = {{ values = [\"192.0.2.{address}\"], cidrs = [{cidrs}] }}\n")
    };
    let germany = "\"10.53.0.0/17\"";
    let steps = [
        [partner(2, germany), partner(3, "\"198.51.100.0/24\"")],
        // To an endpoint that had no ranges, and all of them of one that is gone.
        [partner(4, germany), partner(3, "\"198.51.100.0/24\"")],
        // To one that has others already.
        [partner(4, "\"203.0.113.0/24\""), partner(3, &format!("\"198.51.100.0/24\", {germany}"))],
        // One of its halves to somebody else.
        [partner(2, "\"10.53.0.0/18\""), partner(3, "\"10.53.64.0/18\"")],
        // And back again, as a whole.
        [partner(3, germany), String::new()],
    ];
    let names = [stage.name()];
    for (number, endpoints) in steps.iter().enumerate() {
        let shop = stage.shop(arguments, &(aws.to_owned() + &endpoints.concat()));
        let apply = async { stage.apply(&shop).await.map(drop) };
        if number == 0 {
            apply.await?;
        } else {
            let right = |answers: &[String]| matches!(answers, [one] if one != "192.0.2.1");
            let change = answered_rightly(&stage, &names, right, apply).await;
            change.with_context(|| format!("step {number}"))?;
        }
        stage.expect_no_changes().await.with_context(|| format!("step {number}"))?;
    }
    let state = stage.control().state().await?;
    let collections = state["collections"].as_array().map_or(0, Vec::len)
        + state["collections"].as_object().map_or(0, serde_json::Map::len);
    ensure!(collections == 1, "{state:#}");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// Advice is given when a name is made or others answer, and problems whenever there are any.
pub(crate) async fn alone_bring_advice() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    let advice = |text: &str| text.contains("Answers from outside a continent");
    let create = stage.apply(&shop).await?;
    ensure!(advice(&create.stdout), "{}", create.stdout);
    let nothing = stage.terraform.plan(None).await?;
    ensure!(nothing.code == Some(0) && !nothing.stdout.contains("Warning:"), "{}", nothing.stdout);
    // Nobody else answers.
    let protected = shop.replace("  policy ", "  deletion_protection = true\n  policy ");
    let other = stage.apply(&protected).await?;
    ensure!(!other.stdout.contains("Warning:"), "{}", other.stdout);
    let slow = shop.replace("  policy ", "  ttl = 300\n  policy ");
    let slow = stage.apply(&slow).await?;
    ensure!(slow.stdout.contains("The TTL does not fit"), "{}", slow.stdout);
    // What was changed by hand is a difference, and no news.
    let sets = stage.control().record_sets(&stage.zone).await?;
    let mut edited = set_of(&sets, "azure-eu")?;
    edited["TTL"] = json!(7);
    stage.control().seed(&stage.zone, &json!([edited])).await?;
    let drift = stage.terraform.plan(None).await?;
    ensure!(drift.code == Some(2) && !advice(&drift.stdout), "{}", drift.stdout);
    let moved = stage.apply(&shop.replace("\"Asia\"", "\"Oceania\"")).await?;
    ensure!(advice(&moved.stdout), "{}", moved.stdout);
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}
