//! What is refused at plan, with the path of the attribute.

use super::stage::Stage;
use crate::world::World;

pub(crate) async fn at_plan_with_the_path(world: &'static World) -> anyhow::Result<()> {
    let stage = Stage::new(world, "t-refused", &["aws"]).await?;
    let service = "  traffic = { service = { name = \"web\" } }\n";
    let route = "  traffic = { http_route = { name = \"web\" } }\n";
    let good = stage.web("web:1", 1);
    let deployment = good.split("---").next().unwrap_or_default().to_owned();
    let metric = |rest: &str| {
        format!("{route}  analysis = {{ source = \"main\", metrics = {{ m = {{ {rest} }} }} }}\n")
    };
    let cases: [(&str, &str, &[&str]); 12] = [
        (
            &good,
            &format!("{service}  waves = [{{ name = \"a\", clusters = [\"mars\"] }}]\n"),
            &["no cluster `mars`"],
        ),
        (
            &good,
            &format!("{route}  steps = [{{ weight = 50 }}, {{ weight = 20 }}, {{ weight = 100 }}]\n"),
            &["must rise"],
        ),
        (&good, &format!("{route}  steps = [{{ weight = 50 }}]\n"), &["weight 100"]),
        (&good, &format!("{service}  steps = [{{ weight = 50 }}, {{ weight = 100 }}]\n"), &["steps"]),
        (&good, &metric("query = \"up\", success_condition = \"result[0] >=\""), &["does not parse"]),
        (&good, &metric("query = \"up\", success_condition = \"1 + 1\""), &["bool"]),
        (&good, &metric("query = \"\", success_condition = \"true\""), &["query"]),
        (
            &good,
            &metric("query = \"up\", failure_limit = -1, success_condition = \"result[0] > 0\""),
            &["failure_limit"],
        ),
        (&deployment.replace("selector:", "elector:"), service, &["selector"]),
        (&deployment, service, &["Service"]),
        (&good, "", &["traffic"]),
        (
            &good,
            &format!("{service}  freeze = [{{ cron = \"61 * * * *\", duration = \"1h\" }}]\n"),
            &["cron"],
        ),
    ];
    for (manifest, arguments, words) in cases {
        stage.refuses(&stage.config(manifest, arguments), words).await?;
    }
    Ok(())
}
