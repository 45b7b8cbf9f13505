//! Many names in one apply, and a zone that holds much besides.

use anyhow::ensure;
use serde_json::{Value, json};

use super::stage::{Stage, plain};

/// A configuration of so many names, each with two endpoints.
fn names(stage: &Stage, count: usize, address: &str) -> String {
    let arguments = "  policy = \"geolocation\"\n  default = \"aws\"";
    let mut text = String::new();
    for number in 0..count {
        let endpoints = format!(
            "    aws = {{ values = [\"{address}\"] }}\n    gcp = {{ values = [\"34.116.0.9\"], continents = [\"Asia\"] }}"
        );
        let name = stage.zone.within(&format!("shop-{number}"));
        text.push_str(&stage.named(&format!("shop_{number}"), &name, arguments, &endpoints));
    }
    text
}

/// How often an operation was called.
async fn calls(stage: &Stage, operation: &str) -> anyhow::Result<usize> {
    Ok(stage.calls().await?.iter().filter(|it| *it == operation).count())
}

/// A resource per record set would call `ChangeResourceRecordSets` twenty times, and wait for each.
pub(crate) async fn many_names_share_calls() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.apply(&names(&stage, 10, "192.0.2.1")).await?;
    let changes = calls(&stage, "ChangeResourceRecordSets").await?;
    ensure!(changes <= 5, "{changes} calls change the records of ten names");
    stage.control().reset_calls().await?;
    stage.expect_no_changes().await?;
    let all = stage.calls().await?;
    ensure!(all.iter().all(|it| it == "ListResourceRecordSets") && all.len() <= 10, "{all:?}");
    let one = names(&stage, 10, "192.0.2.1").replacen("192.0.2.1", "192.0.2.2", 1);
    stage.plan(&one).await?;
    stage.control().reset_calls().await?;
    stage.terraform.apply(Some("saved.plan")).await?.ok()?;
    let all = stage.calls().await?;
    ensure!(all.len() <= 4, "{all:?}");
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// Ten thousand sets, which is as many as a zone may have: those of others are not read for one name.
pub(crate) async fn a_full_zone_is_not_read_for_one_name() -> anyhow::Result<()> {
    const OTHERS: usize = 9_000;
    let stage = Stage::new().await?;
    let others: Vec<Value> = (0..OTHERS)
        .map(|number| plain(&stage.zone.within(&format!("other-{number}")), "A", "198.51.100.1"))
        .collect();
    stage.control().seed(&stage.zone, &json!(others)).await?;
    stage.apply(&names(&stage, 1, "192.0.2.1")).await?;
    stage.control().reset_calls().await?;
    stage.expect_no_changes().await?;
    let all = stage.calls().await?;
    // How large the zone is decides whether it is read as a whole; of this one, what is at and below the name.
    let pages = all.iter().filter(|it| *it == "ListResourceRecordSets").count();
    ensure!(pages <= 2 && all.len() <= pages + 1, "{all:?}");
    stage.terraform.destroy().await?.ok()?;
    let left = stage.sets().await?.len();
    ensure!(left == OTHERS, "{left} of {OTHERS} are left");
    Ok(())
}
