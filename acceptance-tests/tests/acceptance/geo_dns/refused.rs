//! What cannot be is said at plan, with the attribute.

use anyhow::Context as _;
use serde_json::json;

use super::stage::{ARGUMENTS, ENDPOINTS, Stage, plain};

/// Arguments, endpoints, and what is said.
const CASES: &[(&str, &str, &[&str])] = &[
    ("  policy = \"round_robin\"", ENDPOINTS, &["Not one of the possible values"]),
    (ARGUMENTS, "    aws = { continents = [\"EU\"] }", &["Missing target"]),
    (
        ARGUMENTS,
        "    aws = { values = [\"192.0.2.1\"], hostname = \"x.example.net\", continents = [\"EU\"] }",
        &["Conflicting targets"],
    ),
    (ARGUMENTS, "    aws = { values = [\"shop.example.net\"], continents = [\"EU\"] }", &["Invalid address"]),
    (
        ARGUMENTS,
        "    aws = { values = [\"192.0.2.1\"], continents = [\"Atlantis\"] }",
        &["Unknown continent", "Atlantis"],
    ),
    (
        ARGUMENTS,
        "    aws = { values = [\"192.0.2.1\"], countries = [\"Germny\"] }",
        &["Unknown country", "Germany"],
    ),
    (
        ARGUMENTS,
        "    aws = { values = [\"192.0.2.1\"], subdivisions = [\"Ontario\"] }",
        &["Unknown subdivision", "province of Canada"],
    ),
    (ARGUMENTS, "    aws = { values = [\"10.0.0.7\"], continents = [\"EU\"] }", &["10.0.0.7"]),
    (
        "  policy = \"geolocation\"\n  default = \"mars\"",
        "    aws = { values = [\"192.0.2.1\"], continents = [\"EU\"] }",
        &["`mars`"],
    ),
    (
        "  policy = \"geoproximity\"",
        "    aws = { values = [\"192.0.2.1\"], coordinates = { latitude = 40.7128, longitude = 8 } }",
        &["Invalid coordinate", "two decimals"],
    ),
    (
        "  policy = \"geoproximity\"",
        "    aws = { values = [\"192.0.2.1\"], location = { cloud = \"azure\", region = \"westeuropa\" } }",
        &["Unknown region", "westeurope"],
    ),
    (
        "  policy = \"failover\"",
        "    aws = { values = [\"192.0.2.1\"], priority = 1 }\n    gcp = { values = [\"192.0.2.2\"], priority = 2 }",
        &["health_check", "`aws`"],
    ),
    (
        "  policy = \"weighted\"",
        "    aws = { values = [\"192.0.2.1\"], weight = 0 }\n    gcp = { values = [\"192.0.2.2\"], weight = 0 }",
        &["weight"],
    ),
    (
        "  policy = \"ip_based\"",
        "    aws = { values = [\"192.0.2.1\"], cidrs = [\"198.51.100.0/25\"] }",
        &["cidrs"],
    ),
    (
        "  policy = \"geolocation\"\n  default = \"aws\"\n  must_answer = { DE = [\"azure\"] }\n  health_check = { protocol = \"TCP\", port = 443 }",
        ENDPOINTS,
        &["must_answer[\"DE\"]", "While `azure` is unhealthy, `aws` would answer"],
    ),
    (
        "  policy = \"simple\"\n  health_check = { protocol = \"HTTP\", interval = 20 }",
        "    aws = { values = [\"192.0.2.1\"] }",
        &["Invalid interval"],
    ),
    (
        "  policy = \"simple\"\n  health_check = { protocol = \"HTTP\", regions = [\"us-east-1\"] }",
        "    aws = { values = [\"192.0.2.1\"] }",
        &["three regions"],
    ),
    (
        "  policy = \"simple\"",
        "    aws = { values = [\"192.0.2.1\"], state = \"drained\" }",
        &["allow_empty"],
    ),
    (
        "  policy = \"simple\"\n  takeover = [\"everything\"]",
        "    aws = { values = [\"192.0.2.1\"] }",
        &["Invalid takeover"],
    ),
];

pub(crate) async fn at_plan_with_the_path() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    for (arguments, endpoints, words) in CASES {
        let shop = stage.shop(arguments, endpoints);
        stage.refuses(&shop, words).await.with_context(|| format!("{arguments}\n{endpoints}"))?;
    }
    let outside = stage.named("shop", "www.example.org", ARGUMENTS, ENDPOINTS);
    stage.refuses(&outside, &["is not within the zone"]).await?;
    let apex = stage.named(
        "shop",
        &stage.zone.name,
        "  policy = \"simple\"",
        "    aws = { hostname = \"shop.azurefd.net\" }",
    );
    stage.refuses(&apex, &["CNAME"]).await?;
    let nowhere = stage.shop(ARGUMENTS, ENDPOINTS).replace(&stage.zone.id, "ZNOSUCHZONE");
    stage.refuses(&nowhere, &["There is no such zone"]).await?;
    stage.expect_nothing().await
}

pub(crate) async fn what_another_owner_has() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let simple = "  policy = \"simple\"\n  owner = \"blog\"";
    let endpoint = "    aws = { values = [\"192.0.2.1\"] }";
    stage.apply(&stage.shop(simple, endpoint)).await?;
    // The same zone, seen by another configuration.
    let two = [
        stage.shop(simple, endpoint),
        stage.named("other", &stage.name(), "  policy = \"simple\"\n  owner = \"team\"", endpoint),
    ];
    stage.refuses(&two.concat(), &["the owner `blog`", "takeover = [\"multicluster:blog\"]"]).await?;
    let same = [
        stage.shop(simple, endpoint),
        stage.named("other", &stage.name(), simple, &endpoint.replace("192.0.2.1", "192.0.2.9")),
    ];
    stage.refuses(&same.concat(), &["exists already"]).await?;
    // Records of nobody.
    let free = stage.zone.within("free");
    stage.control().seed(&stage.zone, &json!([plain(&free, "A", "192.0.2.7")])).await?;
    let foreign = [stage.shop(simple, endpoint), stage.named("free", &free, simple, endpoint)];
    stage.refuses(&foreign.concat(), &["aws_route53_record", &free]).await
}
