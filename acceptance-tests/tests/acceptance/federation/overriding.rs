//! What is different from member to member.

use anyhow::ensure;
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, load_balancer, namespace, provider_for, resource};
use super::look;
use super::refused::{self, Refused};
use crate::world::{Scenario, World};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

fn shop(world: &World, name: &str, overrides: &str) -> String {
    let web = deployment(name, "web", "shop/web:1", 1)
        .replace("metadata: { name: web,", "metadata: { annotations: { owner: shop, note: old }, name: web,")
        .replace("          ports:", "          env: [{ name: REGION, value: nowhere }, { name: DEBUG, value: \"1\" }]\n          ports:");
    let objects = format!("{web}\n---\n{}", load_balancer(name, "web"));
    let resources = [namespace(name), resource("web", &objects, overrides)].concat();
    format!(
        "{REQUIRED}{}resource \"multicluster_federation\" \"it\" {{
  name    = {name:?}
  members = {{
    aws   = {{ labels = {{ tier = \"edge\", region = \"sa\" }} }}
    azure = {{ labels = {{ tier = \"edge\", region = \"eu\" }} }}
    gcp   = {{ labels = {{ region = \"au\" }} }}
  }}
  resources = {{
{resources}  }}
}}
",
        provider_for(world, &ALL)
    )
}

async fn live(world: &World, cluster: &str, name: &str) -> anyhow::Result<(Value, Value)> {
    let web = look::deployments(world, cluster, name).await?.get("web").await?;
    let service = look::services(world, cluster, name).await?.get("web").await?;
    Ok((serde_json::to_value(web)?, serde_json::to_value(service)?))
}

const EVERY_KIND: &str = r#"
      overrides = [
        {
          match_labels = { tier = "edge" }
          images       = [{ registry = "mirror.example.com" }, { container = "main", tag = "2" }]
          labels       = { tier = "edge" }
          annotations  = { note = null, owner = "edge" }
        },
        {
          match_expressions = [{ key = "region", operator = "NotIn", values = ["au"] }]
          env               = { values = { REGION = "here", DEBUG = null } }
        },
        {
          clusters    = ["gcp"]
          merge_patch = jsonencode({ spec = { paused = null, minReadySeconds = 2 }, metadata = { annotations = { note = null } } })
        },
        {
          clusters = ["gcp"]
          target   = { kind = "Service", name = "web" }
          patch    = jsonencode([{ op = "add", path = "/spec/externalTrafficPolicy", value = "Local" }])
        },
      ]
"#;

/// Every kind of override, by names, labels and expressions, and back again.
pub(crate) async fn every_kind_of_override_is_carried_out(world: &'static World) -> anyhow::Result<()> {
    let name = "t-overriding";
    let scenario = Scenario::new(world, &shop(world, name, EVERY_KIND)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    for cluster in ["aws", "azure"] {
        let (web, service) = live(world, cluster, name).await?;
        let container = &web["spec"]["template"]["spec"]["containers"][0];
        ensure!(container["image"] == "mirror.example.com/shop/web:2", "{container:#}");
        ensure!(container["env"] == json!([{ "name": "REGION", "value": "here" }]), "{container:#}");
        ensure!(web["metadata"]["labels"]["tier"] == "edge", "{web:#}");
        ensure!(web["metadata"]["annotations"]["owner"] == "edge", "{web:#}");
        ensure!(web["metadata"]["annotations"]["note"].is_null(), "{web:#}");
        ensure!(service["spec"]["externalTrafficPolicy"] == "Cluster", "{service:#}");
    }
    let (web, service) = live(world, "gcp", name).await?;
    ensure!(web["spec"]["minReadySeconds"] == 2, "{web:#}");
    ensure!(web["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:1", "{web:#}");
    ensure!(web["metadata"]["annotations"]["owner"] == "shop", "{web:#}");
    ensure!(web["metadata"]["annotations"]["note"].is_null(), "{web:#}");
    ensure!(service["spec"]["externalTrafficPolicy"] == "Local", "{service:#}");
    scenario.expect_no_changes().await?;

    // Without overrides all members are alike, and what an override had added is gone.
    scenario.write(&shop(world, name, ""))?;
    let plan = scenario.plan_json().await?;
    let said =
        plan["resource_changes"][0]["change"]["after"]["forecast"]["gcp"]["Deployment t-overriding/web"]
            .clone();
    ensure!(
        said.as_str().is_some_and(|it| it.contains("minReadySeconds") && it.contains("note")),
        "the plan says {said}"
    );
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    for cluster in ALL {
        let (web, service) = live(world, cluster, name).await?;
        let container = &web["spec"]["template"]["spec"]["containers"][0];
        ensure!(
            container["image"] == "shop/web:1" && container["env"][1]["name"] == "DEBUG",
            "{container:#}"
        );
        ensure!(web["metadata"]["labels"]["tier"].is_null(), "{web:#}");
        ensure!(web["metadata"]["annotations"]["note"] == "old", "{web:#}");
        ensure!(web["spec"]["minReadySeconds"].as_i64().unwrap_or(0) == 0, "{web:#}");
        ensure!(service["spec"]["externalTrafficPolicy"] == "Cluster", "{service:#}");
    }
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// An override of what only the configuration of the apply has, since it is write-only, survives reads.
pub(crate) async fn overrides_of_what_is_write_only_do_not_look_like_drift(
    world: &'static World,
) -> anyhow::Result<()> {
    let name = "t-hidden-override";
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: password, namespace: {name} }}\nstringData: {{ password: swordfish }}"
    );
    let entry = format!(
        "    password = {{
      manifest_wo         = <<-EOT\n{secret}\nEOT
      manifest_wo_version = 1
      overrides           = [{{ clusters = [\"gcp\"], labels = {{ here = \"gcp\" }} }}]
    }}\n"
    );
    let text = format!(
        "{REQUIRED}{}{}",
        provider_for(world, &["aws", "gcp"]),
        super::hcl::federation(name, &["aws", "gcp"], "", &[namespace(name), entry].concat())
    );
    let scenario = Scenario::new(world, &text).await?;
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.expect_no_changes().await?;
    let state = scenario.terraform.show_json(None).await?.to_string();
    ensure!(!state.contains("swordfish") && !state.contains("c3dvcmRmaXNo"), "the secret is in the state");
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// What an override must not or cannot do is an error of the plan, once, at the attribute that says it.
pub(crate) async fn what_cannot_be_is_refused(world: &'static World) -> anyhow::Result<()> {
    let web = || deployment("t-overrides", "web", "web:1", 1);
    let two =
        format!("{}\n---\n{}", config_map("t-overrides", "one", "a"), config_map("t-overrides", "two", "b"));
    let case = |name, arguments, path, words| Refused { name, entry: (web(), arguments), path, words };
    let mut cases = vec![
        case(
            "rename",
            "overrides = [{ patch = jsonencode([{ op = \"replace\", path = \"/metadata/name\", value = \"x\" }]) }]",
            "overrides[0].patch",
            "must not change `metadata.name`",
        ),
        case(
            "turn",
            "overrides = [{ labels = { a = \"b\" } }, { merge_patch = jsonencode({ kind = \"DaemonSet\" }) }]",
            "overrides[1].merge_patch",
            "must not change `kind`",
        ),
        case(
            "move",
            "overrides = [{ merge_patch = jsonencode({ metadata = { namespace = \"x\" } }) }]",
            "overrides[0].merge_patch",
            "must not change `metadata.namespace`",
        ),
        case(
            "absent",
            "overrides = [{ patch = jsonencode([{ op = \"remove\", path = \"/spec/paused\" }]) }]",
            "overrides[0]",
            "on `aws`, `azure`, `gcp`: operation 0",
        ),
        case(
            "sidecar",
            "overrides = [{ clusters = [\"gcp\"], images = [{ container = \"side\", tag = \"2\" }] }]",
            "overrides[0]",
            "there is no container `side`; there are `main`",
        ),
        case("tag", "overrides = [{ images = [{ tag = \"a b\" }] }]", "overrides[0].images", "`tag`"),
        case("label", "overrides = [{ labels = { \"a b\" = \"x\" } }]", "overrides[0].labels", "Label `a b`"),
        case(
            "theirs",
            "overrides = [{ labels = { \"multicluster.dev/federation\" = \"x\" } }]",
            "overrides[0].labels",
            "keeps for itself",
        ),
        case("env", "overrides = [{ env = { values = { \"A=B\" = \"x\" } } }]", "overrides[0].env", "A=B"),
        case(
            "target",
            "overrides = [{ target = { kind = \"Service\", name = \"web\" }, labels = { a = \"b\" } }]",
            "overrides[0].target",
            "no Service `web`",
        ),
        case(
            "mars",
            "overrides = [{ clusters = [\"mars\"], labels = { a = \"b\" } }]",
            "overrides[0].clusters",
            "`mars` is not a member",
        ),
        case(
            "null-name",
            "overrides = [{ clusters = [null], labels = { a = \"b\" } }]",
            "overrides[0].clusters[0]",
            "null",
        ),
        case("nothing", "overrides = [{ clusters = [\"aws\"] }]", "overrides[0]", "Give it `patch`"),
    ];
    cases.push(Refused {
        name: "which",
        entry: (two, "overrides = [{ labels = { a = \"b\" } }]"),
        path: "overrides[0]",
        words: "name one with `target",
    });
    refused::all_at_plan(world, &cases).await
}
