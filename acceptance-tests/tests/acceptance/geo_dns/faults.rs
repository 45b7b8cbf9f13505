//! What goes wrong between us and Route 53, and what it leaves.

use acceptance_tests::terraform::Output;
use anyhow::ensure;
use serde_json::json;

use super::stage::{ARGUMENTS, ENDPOINTS, Stage};
use crate::world::said;

pub(crate) async fn of_the_service_are_waited_out() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let failure = |operation: &str, code: &str, count: u32| json!({ "operation": operation, "code": code, "status": 400, "message": "Rate exceeded", "count": count });
    let knobs = json!({
        "requests_per_second": 5.0,
        "prior_request_ms": 300,
        "insync_after_ms": 1500,
        "page_size": 2,
        "failures": [
            failure("ListResourceRecordSets", "Throttling", 2),
            failure("ChangeResourceRecordSets", "PriorRequestNotComplete", 2),
            failure("CreateHealthCheck", "Throttling", 1),
            failure("GetChange", "Throttling", 1),
        ],
    });
    stage.control().set_knobs(&knobs).await?;
    stage.apply(&stage.shop(ARGUMENTS, ENDPOINTS)).await?;
    stage.expect_no_changes().await?;
    ensure!(stage.ask("DE").await? == ["20.50.2.3"], "all servers should know of it");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

pub(crate) async fn a_lost_answer_is_looked_for() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    let drops = |operation: &str| json!({ "drops": [{ "operation": operation }] });
    stage.control().set_knobs(&drops("ChangeResourceRecordSets")).await?;
    stage.apply(&shop).await?;
    stage.expect_no_changes().await?;
    ensure!(stage.state("shop").await?["generation"] == 1, "it was written twice");
    stage.control().set_knobs(&drops("CreateHealthCheck")).await?;
    stage.apply(&shop.replace("interval = 10", "interval = 30")).await?;
    ensure!(stage.health_checks().await? == 2, "{} health checks", stage.health_checks().await?);
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// A name with health checks and ranges.
const RANGES: &str =
    "  policy = \"ip_based\"\n  default = \"aws\"\n  health_check = { protocol = \"TCP\", port = 443 }";
const RANGED: &str = r#"
    aws     = { values = ["192.0.2.1"] }
    partner = { values = ["192.0.2.2"], cidrs = ["10.53.0.0/17"] }
    other   = { values = ["192.0.2.3"], cidrs = ["198.51.100.0/24"] }
"#;
/// The same, with a range that moves to an endpoint that had none.
const MOVED: &str = r#"
    aws     = { values = ["192.0.2.1"], cidrs = ["10.53.0.0/17"] }
    partner = { values = ["192.0.2.2"], cidrs = ["203.0.113.0/24"] }
    other   = { values = ["192.0.2.3"], cidrs = ["198.51.100.0/24"] }
"#;

async fn collections(stage: &Stage) -> anyhow::Result<usize> {
    let state = stage.control().state().await?;
    let collections = &state["collections"];
    Ok(collections
        .as_array()
        .map_or_else(|| collections.as_object().map_or(0, serde_json::Map::len), Vec::len))
}

/// Whatever answer is lost, a removal finds out what it did and comes to its end, or the next one does.
pub(crate) async fn a_lost_answer_does_not_stop_a_removal() -> anyhow::Result<()> {
    const LOST: [(&str, u32); 5] = [
        ("ChangeResourceRecordSets", 1),
        ("DeleteHealthCheck", 1),
        ("ChangeCidrCollection", 1),
        ("DeleteCidrCollection", 1),
        // That of the change, and that of what is sent to learn when all servers know of it.
        ("ChangeResourceRecordSets", 2),
    ];
    let stage = Stage::new().await?;
    for (operation, count) in LOST {
        stage.apply(&stage.shop(RANGES, RANGED)).await?;
        stage.control().set_knobs(&json!({ "drops": [{ "operation": operation, "count": count }] })).await?;
        let destroy = stage.terraform.destroy().await?;
        if count > 1 {
            ensure!(
                destroy.code == Some(1) && said(&destroy).contains("not everywhere yet"),
                "{}",
                said(&destroy)
            );
            ensure!(stage.ask("DE").await?.is_empty(), "the records should be gone");
            stage.terraform.destroy().await?.ok()?;
        } else {
            ensure!(destroy.code == Some(0), "{operation}: {}", said(&destroy));
        }
        stage.expect_nothing().await?;
        ensure!(collections(&stage).await? == 0, "{operation}: a collection is left");
    }
    Ok(())
}

/// Before and after each write of a change for which a new collection takes the place of the old one.
pub(crate) async fn killed_anywhere_while_ranges_move() -> anyhow::Result<()> {
    const POINTS: [&str; 7] = [
        "route53-cidr-create-after",
        "route53-cidr-change-before",
        "route53-cidr-change-after",
        "route53-change-before",
        "route53-change-after",
        "route53-cidr-delete-before",
        "route53-cidr-delete-after",
    ];
    let stage = Stage::new().await?;
    for point in POINTS {
        stage.apply(&stage.shop(RANGES, RANGED)).await?;
        let moved = stage.shop(RANGES, MOVED);
        stage.write(&moved)?;
        killed(point, &stage.doomed(point).apply(None).await?)?;
        let answered = stage.ask("DE").await?;
        ensure!(answered == ["192.0.2.2"] || answered == ["192.0.2.1"], "{point}: {answered:?}");
        stage.apply(&moved).await?;
        stage.expect_no_changes().await?;
        ensure!(stage.ask("DE").await? == ["192.0.2.1"], "{point}");
        ensure!(collections(&stage).await? == 1, "{point}: {} collections", collections(&stage).await?);
        stage.terraform.destroy().await?.ok()?;
        stage.expect_nothing().await?;
        ensure!(collections(&stage).await? == 0, "{point}: a collection is left");
    }
    Ok(())
}

/// The run ended where it was to die.
fn killed(point: &str, run: &Output) -> anyhow::Result<()> {
    ensure!(run.code != Some(0), "{point} was not reached:\n{}", run.stdout);
    Ok(())
}

/// The next apply comes to its end, and a destroy leaves nothing.
async fn ends_well(stage: &Stage, point: &str, shop: &str, europe: &str) -> anyhow::Result<()> {
    stage.apply(shop).await?;
    stage.expect_no_changes().await?;
    ensure!(stage.health_checks().await? == 2, "{point}: {} health checks", stage.health_checks().await?);
    ensure!(stage.ask("DE").await? == [europe], "{point}");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// Before and after each write of a create: whatever is left, the next apply goes on with it, and nothing leaks.
pub(crate) async fn killed_anywhere_in_a_create() -> anyhow::Result<()> {
    const POINTS: [&str; 6] = [
        "route53-health-check-create-before",
        "route53-health-check-create-after",
        "route53-health-check-tag-before",
        "route53-health-check-create-after#2",
        "route53-change-before",
        "route53-change-after",
    ];
    for point in POINTS {
        let stage = Stage::new().await?;
        let shop = stage.shop(ARGUMENTS, ENDPOINTS);
        stage.write(&shop)?;
        killed(point, &stage.doomed(point).apply(None).await?)?;
        ends_well(&stage, point, &shop, "20.50.2.3").await?;
    }
    Ok(())
}

/// Before and after each write of a change of records and checks.
pub(crate) async fn killed_anywhere_in_a_change() -> anyhow::Result<()> {
    const POINTS: [&str; 6] = [
        "route53-health-check-create-before",
        "route53-health-check-create-after",
        "route53-change-before",
        "route53-change-after",
        "route53-health-check-delete-before",
        "route53-health-check-delete-after",
    ];
    for point in POINTS {
        let stage = Stage::new().await?;
        let shop = stage.shop(ARGUMENTS, ENDPOINTS);
        stage.apply(&shop).await?;
        // Other addresses, and an interval that no check can be given later.
        let changed = shop.replace("interval = 10", "interval = 30").replace("20.50.2.3", "20.50.2.4");
        stage.write(&changed)?;
        killed(point, &stage.doomed(point).apply(None).await?)?;
        ensure!(!stage.ask("DE").await?.is_empty(), "{point}: nobody answers");
        ends_well(&stage, point, &changed, "20.50.2.4").await?;
    }
    Ok(())
}

/// Before and after each write of a removal.
pub(crate) async fn killed_anywhere_in_a_removal() -> anyhow::Result<()> {
    const POINTS: [&str; 4] = [
        "route53-change-before",
        "route53-change-after",
        "route53-health-check-delete-before",
        "route53-health-check-delete-after",
    ];
    for point in POINTS {
        let stage = Stage::new().await?;
        stage.apply(&stage.shop(ARGUMENTS, ENDPOINTS)).await?;
        killed(point, &stage.doomed(point).destroy().await?)?;
        stage.terraform.destroy().await?.ok()?;
        stage.expect_nothing().await?;
    }
    Ok(())
}

pub(crate) async fn a_zone_that_is_gone_takes_all_along() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let shop = stage.shop(ARGUMENTS, ENDPOINTS);
    stage.apply(&shop).await?;
    stage.control().remove_zone(&stage.zone).await?;
    stage.terraform.destroy().await?.ok()?;
    ensure!(stage.health_checks().await? == 0, "{} health checks are left", stage.health_checks().await?);
    Ok(())
}
