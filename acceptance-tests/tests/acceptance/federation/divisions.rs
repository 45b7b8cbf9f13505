//! How many replicas each member runs.

use anyhow::ensure;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, config_map, deployment, federation, namespace, provider_for, resource};
use super::look;
use super::refused::{self, Refused};
use crate::world::{Scenario, World};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

fn web(world: &World, name: &str, before: &str, manifest: &str, arguments: &str) -> String {
    let resources = [namespace(name), resource("web", manifest, arguments)].concat();
    format!("{REQUIRED}{before}{}{}", provider_for(world, &ALL), federation(name, &ALL, "", &resources))
}

async fn counts(world: &World, name: &str) -> anyhow::Result<[i32; 3]> {
    let mut counts = [0; 3];
    for (place, cluster) in ALL.into_iter().enumerate() {
        counts[place] = look::replicas(world, cluster, name, "web").await?.0;
    }
    Ok(counts)
}

/// The sentences of a plan about the workload, by member.
fn foretold(plan: &Value, object: &str) -> Vec<Value> {
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let change = changes.into_iter().find(|it| it["type"] == "multicluster_federation").unwrap_or_default();
    ALL.map(|cluster| change["change"]["after"]["forecast"][cluster][object].clone()).to_vec()
}

/// A total that grows and shrinks moves as few replicas as it can, and every plan says beforehand who gets how many.
pub(crate) async fn move_little_as_totals_change(world: &'static World) -> anyhow::Result<()> {
    let name = "t-steady";
    let replicas = |total: &str| {
        let shares =
            "clusters = { aws = { weight = 3 }, azure = { min = 2, max = 3 }, gcp = { weight = 0 } }";
        let arguments = format!("replicas = {{ {total} steady = true, {shares} }}");
        web(world, name, "", &deployment(name, "web", "web:1", 4), &arguments)
    };
    // Without a total it is the manifest's.
    let scenario = Scenario::new(world, &replicas("")).await?;
    let plan = scenario.plan_json().await?;
    let said = foretold(&plan, "Deployment t-steady/web");
    ensure!(
        said == [json!("create, 2 replicas"), json!("create, 2 replicas"), json!("create, 0 replicas")],
        "{said:?}"
    );
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(counts(world, name).await? == [2, 2, 0], "{:?}", counts(world, name).await?);
    scenario.expect_no_changes().await?;

    for (total, expected) in [(10, [7, 3, 0]), (5, [3, 2, 0]), (6, [4, 2, 0])] {
        scenario.write(&replicas(&format!("total = {total},")))?;
        let plan = scenario.plan_json().await?;
        let said = foretold(&plan, "Deployment t-steady/web");
        for (said, count) in said.iter().zip(expected) {
            let said = said.as_str().unwrap_or_default();
            ensure!(said == "unchanged" || said.ends_with(&format!("→ {count}")), "{total}: {said}");
        }
        scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
        ensure!(counts(world, name).await? == expected, "{total}: {:?}", counts(world, name).await?);
        scenario.expect_no_changes().await?;
    }
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A total that another resource tells is planned as unknown, and both plans of the apply agree.
pub(crate) async fn of_a_total_that_is_not_known_yet(world: &'static World) -> anyhow::Result<()> {
    let name = "t-later";
    let made = "resource \"terraform_data\" \"total\" {\n  input = 5\n}\n";
    let manifest = deployment(name, "web", "web:1", 1);
    let text = web(world, name, made, &manifest, "replicas = { total = terraform_data.total.output }");
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.plan_json().await?;
    let changes = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let change =
        changes.iter().find(|it| it["type"] == "multicluster_federation").cloned().unwrap_or_default();
    ensure!(change["change"]["after_unknown"]["forecast"] == true, "{change:#}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(counts(world, name).await? == [2, 2, 1], "{:?}", counts(world, name).await?);
    scenario.expect_no_changes().await?;

    // By a plain apply the same.
    scenario.apply(&text.replace("input = 5", "input = 7")).await?;
    ensure!(counts(world, name).await? == [3, 2, 2], "{:?}", counts(world, name).await?);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Nodes for the trial's own pods: so many on each cluster, with room for two of them each.
async fn add_nodes(world: &World, name: &str) -> anyhow::Result<()> {
    for (count, cluster) in (1..).zip(ALL) {
        let api: Api<Node> = Api::all(world.lab.client(cluster).await?);
        let size = json!({ "cpu": "2500m", "memory": "64Gi", "pods": "100" });
        for number in 0..count {
            let node = json!({
                "metadata": { "name": format!("{name}-{number}"), "labels": { "pool": name } },
                "spec": { "taints": [{ "key": "pool", "value": name, "effect": "NoSchedule" }] },
                "status": { "capacity": size, "allocatable": size },
            });
            api.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
        }
        let ready = async || {
            let nodes = api.list(&kube::api::ListParams::default().labels(&format!("pool={name}"))).await?;
            let is_ready = |node: &Node| {
                let conditions = node.status.iter().flat_map(|it| it.conditions.iter().flatten());
                conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True")
                    && node.spec.iter().flat_map(|it| it.taints.iter().flatten()).count() == 1
            };
            Ok((nodes.items.len() == count && nodes.items.iter().all(is_ready)).then_some(()))
        };
        let limit = std::time::Duration::from_secs(60);
        acceptance_tests::lab::wait::until("its nodes are ready", limit, ready).await?;
    }
    Ok(())
}

async fn remove_nodes(world: &World, name: &str) -> anyhow::Result<()> {
    for (count, cluster) in (1..).zip(ALL) {
        let api: Api<Node> = Api::all(world.lab.client(cluster).await?);
        for number in 0..count {
            api.delete(&format!("{name}-{number}"), &DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// By what fits on the nodes that the pods may run on: in proportion to it, or on as few members as possible.
pub(crate) async fn by_what_fits(world: &'static World) -> anyhow::Result<()> {
    let name = "t-capacity";
    add_nodes(world, name).await?;
    let manifest = deployment(name, "web", "web:1", 6).replace(
        "    spec:\n      containers:",
        &format!(
            "    spec:\n      nodeSelector: {{ pool: {name} }}\n      tolerations: [{{ key: pool, operator: Exists }}]\n      containers:"
        ),
    );
    let manifest = format!("{manifest}\n          resources: {{ requests: {{ cpu: \"1\" }} }}");
    let text = |replicas: &str| web(world, name, "", &manifest, &format!("replicas = {{ {replicas} }}"));

    let scenario = Scenario::new(world, &text("mode = \"capacity\"")).await?;
    let plan = scenario.plan_json().await?;
    let said = foretold(&plan, "Deployment t-capacity/web");
    ensure!(
        said == [json!("create, 1 replica"), json!("create, 2 replicas"), json!("create, 3 replicas")],
        "{said:?}"
    );
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(look::replicas(world, "gcp", name, "web").await? == (3, 3), "not where the room is");
    scenario.expect_no_changes().await?;

    // On as few as possible, and then on those that have some.
    scenario.apply(&text("mode = \"aggregated\", total = 5")).await?;
    ensure!(counts(world, name).await? == [0, 0, 5], "{:?}", counts(world, name).await?);
    scenario.apply(&text("mode = \"aggregated\", total = 8, steady = true")).await?;
    let spread = counts(world, name).await?;
    ensure!(spread[0] == 0 && spread[2] >= 5 && spread.iter().sum::<i32>() == 8, "{spread:?}");
    scenario.expect_no_changes().await?;

    // More than there is room for is refused, with the room that there is.
    scenario.write(&text("mode = \"capacity\", total = 13"))?;
    let plan = scenario.terraform.plan(None).await?;
    let said = crate::world::said(&plan);
    ensure!(plan.code == Some(1) && said.contains("replicas.total: 13 replicas do not fit"), "{said}");
    ensure!(said.contains("have room for 12"), "{said}");
    // Terraform plans before it destroys.
    scenario.write(&text("mode = \"capacity\""))?;
    scenario.terraform.destroy().await?.ok()?;
    remove_nodes(world, name).await
}

/// The total on each, and nobody where there is no member.
pub(crate) async fn duplicated_and_nowhere(world: &'static World) -> anyhow::Result<()> {
    let name = "t-duplicated";
    let manifest = deployment(name, "web", "web:1", 1);
    let text = |arguments: &str| web(world, name, "", &manifest, arguments);
    let scenario = Scenario::new(world, &text("replicas = { total = 2, mode = \"duplicated\" }")).await?;
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(counts(world, name).await? == [2, 2, 2], "{:?}", counts(world, name).await?);
    scenario.write(&text("placement = { clusters = [] }\nreplicas = { total = 2 }"))?;
    let plan = scenario.plan_json().await?;
    let said = foretold(&plan, "Deployment t-duplicated/web");
    ensure!(said.iter().all(|it| *it == "delete"), "{said:?}");
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// Contradictions are errors of the plan, each at the attribute that it is about.
pub(crate) async fn that_cannot_be_are_refused(world: &'static World) -> anyhow::Result<()> {
    let web = || deployment("t-divisions", "web", "web:1", 3);
    let both = format!("{}\n---\n{}", web(), config_map("t-divisions", "settings", "one"));
    let case = |name, arguments, path, words| Refused { name, entry: (web(), arguments), path, words };
    let mut cases = vec![
        case(
            "exact",
            "replicas = { total = 9, clusters = { aws = { exact = 2 }, azure = { exact = 2 }, gcp = { exact = 2 } } }",
            "replicas.total",
            "exactly 6",
        ),
        case(
            "least",
            "replicas = { total = 2, clusters = { aws = { min = 2 }, azure = { min = 2 } } }",
            "replicas.total",
            "at least 4",
        ),
        case(
            "crossed",
            "replicas = { clusters = { aws = { min = 3, max = 2 } } }",
            "replicas.clusters[\"aws\"]",
            "its maximum 2",
        ),
        case(
            "meaningless",
            "replicas = { mode = \"duplicated\", clusters = { aws = { min = 3 } } }",
            "replicas.clusters[\"aws\"]",
            "`min`",
        ),
        case(
            "nobody",
            "replicas = { clusters = { for name in [\"aws\", \"azure\", \"gcp\"] : name => { weight = 0 } } }",
            "replicas",
            "All weights are 0",
        ),
        case(
            "elsewhere",
            "placement = { clusters = [\"aws\"] }\nreplicas = { clusters = { gcp = { min = 3 } } }",
            "replicas.clusters[\"gcp\"]",
            "not placed there",
        ),
        case("half", "replicas = { total = 5.5 }", "replicas.total", "whole number"),
        case("null-share", "replicas = { clusters = { aws = null } }", "replicas.clusters[\"aws\"]", "null"),
        case(
            "lost",
            "replicas = { target = { kind = \"Deployment\", name = \"wob\" } }",
            "replicas.target",
            "no Deployment `wob`",
        ),
    ];
    cases.push(Refused {
        name: "settings",
        entry: (both, "replicas = { target = { kind = \"ConfigMap\", name = \"settings\" } }"),
        path: "replicas.target",
        words: "has no replicas",
    });
    refused::all_at_plan(world, &cases).await
}
