//! What is found out before a member joins: permissions and networks.

use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::hcl::{
    REQUIRED, config_map, deployment, federation, load_balancer, namespace, provider, provider_for, resource,
};
use super::look;
use crate::world::{Scenario, World, said};

/// An entry of `clusters` for a user without any rights of its own.
fn as_user(world: &World, name: &str, user: &str) -> anyhow::Result<String> {
    let cluster = world.lab.cluster(name);
    let (certificate, key) = cluster.client_certificate(user, "nobodies")?;
    Ok(format!(
        "{name} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n client_certificate = <<-EOT\n{certificate}\nEOT\n client_key = <<-EOT\n{key}\nEOT\n }}\n",
        cluster.host, cluster.ca_pem
    ))
}

/// Applies what `required_rbac` says as an administrator would, and binds it to the user.
async fn grant(world: &World, cluster: &str, yaml: &str, user: &str) -> anyhow::Result<()> {
    let client = world.lab.client(cluster).await?;
    let subject = json!([{ "kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io" }]);
    let parameters = PatchParams::apply("administrator").force();
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("no YAML")?;
    for document in documents {
        let name = document["metadata"]["name"].as_str().context("no name")?.to_owned();
        let namespace = document["metadata"]["namespace"].as_str().map(str::to_owned);
        let kind = document["kind"].as_str().context("no kind")?.to_owned();
        let reference = json!({ "kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io" });
        let binding = json!({ "metadata": { "name": name }, "subjects": subject, "roleRef": reference });
        let patch = Patch::Apply(&document);
        match (kind.as_str(), namespace) {
            ("Namespace", None) => {
                Api::<Namespace>::all(client.clone()).patch(&name, &parameters, &patch).await?;
            }
            ("ClusterRole", None) => {
                Api::<ClusterRole>::all(client.clone()).patch(&name, &parameters, &patch).await?;
                let binding: ClusterRoleBinding = serde_json::from_value(binding)?;
                Api::all(client.clone()).create(&PostParams::default(), &binding).await?;
            }
            ("Role", Some(namespace)) => {
                Api::<Role>::namespaced(client.clone(), &namespace).patch(&name, &parameters, &patch).await?;
                let binding: RoleBinding = serde_json::from_value(binding)?;
                Api::namespaced(client.clone(), &namespace).create(&PostParams::default(), &binding).await?;
            }
            other => anyhow::bail!("unexpected: {other:?}"),
        }
    }
    Ok(())
}

/// An identity that may do nothing is told what it lacks, and the roles that are named to it are enough.
pub(crate) async fn the_least_roles_are_enough(world: &'static World) -> anyhow::Result<()> {
    let (name, user) = ("t-least", "t-least-user");
    let text = |provider: &str, replicas: u32| {
        let resources = [
            namespace(name),
            resource("settings", &config_map(name, "settings", "one"), ""),
            resource("web", &deployment(name, "web", "web:1", replicas), ""),
            resource("front", &load_balancer(name, "web"), ""),
            resource(
                "reader",
                &format!(
                    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{ name: reader, namespace: {name} }}\nrules: [{{ apiGroups: [\"\"], resources: [secrets], verbs: [list] }}]\n\
                     ---\n\
                     apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{ name: reader, namespace: {name} }}\nroleRef: {{ kind: Role, name: reader, apiGroup: rbac.authorization.k8s.io }}\nsubjects: [{{ kind: ServiceAccount, name: default, namespace: {name} }}]"
                ),
                "",
            ),
        ];
        let arguments = "  inventory_namespace = \"t-least-records\"";
        format!("{REQUIRED}{provider}{}", federation(name, &["azure"], arguments, &resources.concat()))
    };
    let limited = provider(&[as_user(world, "azure", user)?]);
    let scenario = Scenario::new(world, &text(&limited, 1)).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for part in ["Cannot join", "On `azure` the identity may not:", "deployments.apps", "kube-system"] {
        ensure!(said(&plan).contains(part), "no `{part}` in {}", plan.stderr);
    }
    ensure!(!look::has_namespace(world, "azure", "t-least-records").await?, "something was written");

    scenario.write(&text(&provider_for(world, &["azure"]), 1))?;
    let plan = scenario.plan_json().await?;
    let yaml = plan["resource_changes"][0]["change"]["after"]["required_rbac"].as_str().context("no role")?;
    grant(world, "azure", yaml, user).await?;
    let apply = scenario.apply(&text(&limited, 1)).await?;
    ensure!(!apply.stdout.contains("Warning"), "{}", apply.stdout);
    ensure!(look::replicas(world, "azure", name, "web").await? == (1, 1), "it is not there");
    scenario.expect_no_changes().await?;
    let apply = scenario.apply(&text(&limited, 2)).await?;
    ensure!(!apply.stdout.contains("Warning"), "{}", apply.stdout);
    ensure!(look::replicas(world, "azure", name, "web").await? == (2, 2), "it was not changed");
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    let deployments = look::deployments(world, "azure", name).await?;
    ensure!(deployments.get_opt("web").await?.is_none(), "it was not destroyed");

    // What the administrator made is the administrator's to remove, and what could not be looked into was kept.
    let client = world.lab.client("azure").await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for left in ["t-least-records", name] {
        let _ = namespaces.delete(left, &DeleteParams::default()).await;
    }
    let role = "multicluster-t-least";
    Api::<ClusterRoleBinding>::all(client.clone()).delete(role, &DeleteParams::default()).await?;
    Api::<ClusterRole>::all(client).delete(role, &DeleteParams::default()).await?;
    Ok(())
}

/// A team that adds objects to a platform's federation needs the rights for these alone, and is told which.
pub(crate) async fn a_team_needs_rights_for_its_own_objects_alone(
    world: &'static World,
) -> anyhow::Result<()> {
    let (name, user) = ("t-least-team", "t-least-team-user");
    let admin = provider_for(world, &["azure"]);
    let platform = format!("{REQUIRED}{admin}{}", federation(name, &["azure"], "", &namespace(name)));
    let platform = Scenario::new(world, &platform).await?;
    platform.terraform.apply(None).await?.ok()?;

    let object = |provider: &str, set: &str, manifest: &str| {
        format!(
            "{REQUIRED}{provider}resource \"multicluster_federated_object\" \"it\" {{\n  federation = {name:?}\n  name = {set:?}\n  manifest = <<-EOT\n{manifest}\nEOT\n}}\n"
        )
    };
    let text = |provider: &str, value: &str| object(provider, "team", &config_map(name, "settings", value));
    let team = Scenario::new(world, &text(&admin, "one")).await?;
    let plan = team.plan_json().await?;
    let yaml = plan["resource_changes"][0]["change"]["after"]["required_rbac"].as_str().context("no role")?;
    ensure!(yaml.contains("configmaps") && !yaml.contains("deployments"), "{yaml}");

    let limited = provider(&[as_user(world, "azure", user)?]);
    team.write(&text(&limited, "one"))?;
    let plan = team.terraform.plan(None).await?;
    ensure!(plan.stdout.contains("not allowed: configmaps"), "{}\n{}", plan.stdout, plan.stderr);

    grant(world, "azure", yaml, user).await?;
    // These rights are for what the team has now, and for nothing else.
    team.write(&object(&limited, "more", &deployment(name, "web", "web:1", 1)))?;
    let plan = team.terraform.plan(None).await?;
    ensure!(plan.code == Some(1), "{}", plan.stdout);
    for part in ["Cannot join", "On `azure` the identity may not:", "deployments.apps"] {
        ensure!(said(&plan).contains(part), "no `{part}` in {}", plan.stderr);
    }
    for value in ["one", "two"] {
        let apply = team.apply(&text(&limited, value)).await?;
        ensure!(!apply.stdout.contains("Warning"), "{}", apply.stdout);
        team.expect_no_changes().await?;
    }
    team.terraform.destroy().await?.ok()?;
    platform.terraform.destroy().await?.ok()?;

    let client = world.lab.client("azure").await?;
    let role = "multicluster-t-least-team-team";
    Api::<ClusterRoleBinding>::all(client.clone()).delete(role, &DeleteParams::default()).await?;
    Api::<ClusterRole>::all(client.clone()).delete(role, &DeleteParams::default()).await?;
    let records = "multicluster-system";
    let _ =
        Api::<RoleBinding>::namespaced(client.clone(), records).delete(role, &DeleteParams::default()).await;
    let _ = Api::<Role>::namespaced(client, records).delete(role, &DeleteParams::default()).await;
    Ok(())
}

/// Networks that overlap are told, are an error, or are of no interest, as the user likes.
pub(crate) async fn networks_that_overlap_are_told(world: &'static World) -> anyhow::Result<()> {
    let name = "t-overlap";
    let text = |policy: &str, gcp: &str| {
        let members = format!(
            "    aws = {{ networking = {{ pod_cidrs = [\"10.0.0.0/16\"] }} }}\n    gcp = {{ networking = {{ pod_cidrs = [{gcp:?}] }} }}\n"
        );
        let whole = federation(name, &[], policy, &namespace(name));
        let whole = whole.replace("members = {\n", &format!("members = {{\n{members}"));
        format!("{REQUIRED}{}{whole}", provider_for(world, &["aws", "gcp"]))
    };
    let scenario = Scenario::new(world, &text("", "10.0.128.0/17")).await?;
    let shown = async |text: String| {
        scenario.write(&text)?;
        scenario.terraform.plan(None).await
    };
    let plan = shown(text("", "10.0.128.0/17")).await?;
    ensure!(plan.code == Some(2), "{}\n{}", plan.stdout, plan.stderr);
    ensure!(
        plan.stdout.contains("Networks overlap") && plan.stdout.contains("10.0.128.0/17"),
        "{}",
        plan.stdout
    );
    let plan = shown(text("  cidr_overlap = \"error\"", "10.0.128.0/17")).await?;
    ensure!(plan.code == Some(1) && said(&plan).contains("Networks overlap"), "{}", plan.stderr);
    for (policy, cidr) in [("ignore", "10.0.128.0/17"), ("error", "10.1.0.0/16")] {
        let plan = shown(text(&format!("  cidr_overlap = \"{policy}\""), cidr)).await?;
        ensure!(plan.code == Some(2) && !plan.stdout.contains("overlap:"), "{policy}: {}", plan.stdout);
    }
    let plan = shown(text("", "10.0.0.0/33")).await?;
    ensure!(
        plan.code == Some(1) && said(&plan).contains("members[\"gcp\"].networking.pod_cidrs"),
        "{}",
        plan.stderr
    );
    Ok(())
}
