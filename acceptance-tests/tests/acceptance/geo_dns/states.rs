//! Endpoints that answer, stand by, or answer nobody.

use acceptance_tests::route53::Health;
use anyhow::ensure;
use serde_json::json;

use super::stage::Stage;
use super::watch;

const AZURE: &str = "20.50.2.3";
const GCP: &str = "34.116.0.9";
const AWS: &str = "20.0.0.1";

/// Two endpoints in Europe and one for the rest, in these states.
fn shop(stage: &Stage, azure: &str, gcp: &str, more: &str) -> String {
    let arguments = format!(
        "  policy = \"geolocation\"\n  default = \"aws\"\n  health_check = {{ protocol = \"TCP\", port = 443 }}\n{more}"
    );
    let endpoints = format!(
        "    azure = {{ values = [{AZURE:?}], continents = [\"Europe\"], state = {azure:?} }}\n    gcp = {{ values = \
         [{GCP:?}], continents = [\"Europe\"], state = {gcp:?} }}\n    aws = {{ values = [{AWS:?}], continents = \
         [\"North America\"] }}"
    );
    stage.shop(&arguments, &endpoints)
}

/// The states of azure and gcp; who answers Germany then, and who without one of them; how many health checks there are.
type Step =
    (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)], usize);

/// Marks the health check of an endpoint, and says who answers Germany then.
async fn without(stage: &Stage, endpoint: &str) -> anyhow::Result<Vec<String>> {
    let checks = stage.state("shop").await?["health_checks"].clone();
    let check = checks[endpoint].as_str().unwrap_or_default().to_owned();
    ensure!(!check.is_empty(), "{endpoint} has no health check: {checks}");
    stage.control().set_health(&check, Health::Unhealthy).await?;
    let answered = germany(stage).await?;
    stage.control().reset_health().await?;
    Ok(answered)
}

/// All that Germany is answered with.
async fn germany(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let questions = [("DE".to_owned(), stage.name())];
    let answers = watch::all(stage.dns(), &questions).await?;
    Ok(answers.into_values().flatten().collect())
}

/// From one state to the next without a gap, and each does what it says.
pub(crate) async fn lead_from_active_over_standby_to_drained() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.apply(&shop(&stage, "active", "active", "")).await?;
    ensure!(germany(&stage).await? == [AZURE, GCP]);

    let steps: [Step; 4] = [
        ("active", "standby", &[AZURE], &[("azure", GCP), ("gcp", AZURE)], 3),
        ("drained", "standby", &[GCP], &[("gcp", AWS)], 2),
        ("drained", "drained", &[AWS], &[], 1),
        ("standby", "active", &[GCP], &[("gcp", AZURE)], 3),
    ];
    let questions = [("DE".to_owned(), stage.name()), ("US".to_owned(), stage.name())];
    for (azure, gcp, answered, failures, checks) in steps {
        let before = watch::all(stage.dns(), &questions).await?;
        let configuration = shop(&stage, azure, gcp, "");
        let ((), seen) =
            watch::during(stage.dns(), &questions, async { stage.apply(&configuration).await.map(drop) })
                .await?;
        let after = watch::all(stage.dns(), &questions).await?;
        seen.between(&before, &after)?;
        ensure!(seen.asked > 5, "{azure}, {gcp}: it was over after {} questions", seen.asked);
        let found = germany(&stage).await?;
        ensure!(found == answered, "{azure}, {gcp}: Germany is answered by {found:?}, not {answered:?}");
        for (down, instead) in failures {
            let found = without(&stage, down).await?;
            ensure!(found == [*instead], "{azure}, {gcp}: without {down} Germany is answered by {found:?}");
        }
        ensure!(stage.health_checks().await? == checks, "{azure}, {gcp}: {}", stage.health_checks().await?);
        stage.expect_no_changes().await?;
    }
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}

/// Nobody is left who answers: only for those who say so.
pub(crate) async fn leave_somebody_who_answers() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let text = |state: &str, more: &str| {
        let arguments = format!("  policy = \"failover\"\n{more}");
        let endpoints = format!("    aws = {{ values = [{AWS:?}], priority = 1, state = {state:?} }}");
        stage.shop(&arguments, &endpoints)
    };
    stage.apply(&text("active", "")).await?;
    stage.refuses(&text("drained", ""), &["allow_empty"]).await?;
    ensure!(stage.ask("DE").await? == [AWS]);
    let change = stage.plan(&text("drained", "  allow_empty = true")).await?;
    ensure!(change["after"]["routing"] == json!({}), "{change:#}");
    stage.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(stage.ask("DE").await?.is_empty(), "it is answered by {:?}", stage.ask("DE").await?);
    stage.expect_no_changes().await?;
    stage.apply(&text("active", "  allow_empty = true")).await?;
    ensure!(stage.ask("DE").await? == [AWS]);
    stage.terraform.destroy().await?.ok()?;
    stage.expect_nothing().await
}
