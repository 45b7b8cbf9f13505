//! Everything federates: one of each kind that people keep on all their clusters, in one apply.

use anyhow::{Context as _, ensure};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use super::hcl::{REQUIRED, federation, provider_for};
use crate::world::{Scenario, World};

const MEMBERS: [&str; 3] = ["aws", "azure", "gcp"];
const NAME: &str = "t-kinds";
/// Their group is the trial's own, since a definition is there once per cluster.
const GROUP: &str = "t-kinds.example.com";

/// One object: its kind, whether it lives in the namespace, and what it says, in a first and a second version.
type Kind = (&'static str, &'static str, bool, fn(u32) -> Value);

fn subjects() -> Value {
    json!([{ "kind": "ServiceAccount", "name": NAME, "namespace": NAME }])
}

fn role_ref(kind: &str) -> Value {
    json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME })
}

fn rules(version: u32) -> Value {
    let verbs = if version == 1 { json!(["get"]) } else { json!(["get", "list"]) };
    json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs }])
}

/// In an order that would not do: what others need comes last.
const KINDS: [Kind; 18] = [
    (GROUP, "Gear", true, |version| json!({ "spec": { "size": version } })),
    (
        "policy",
        "PodDisruptionBudget",
        true,
        |version| json!({ "spec": { "minAvailable": version, "selector": { "matchLabels": { "app": "web" } } } }),
    ),
    ("autoscaling", "HorizontalPodAutoscaler", true, |version| {
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
        json!({ "spec": { "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2 + version } })
    }),
    ("batch", "CronJob", true, |version| {
        let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "main", "image": "job:1" }] });
        let template = json!({ "spec": { "template": { "spec": pod } } });
        json!({ "spec": { "schedule": format!("{version} 4 * * *"), "suspend": true, "jobTemplate": template } })
    }),
    ("networking.k8s.io", "NetworkPolicy", true, |version| {
        let port = json!({ "ports": [{ "port": 8000 + version }] });
        json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [port] } })
    }),
    ("networking.k8s.io", "Ingress", true, |version| {
        let backend = json!({ "service": { "name": NAME, "port": { "number": 80 } } });
        let paths = json!([{ "path": "/", "pathType": "Prefix", "backend": backend }]);
        json!({ "spec": { "rules": [{ "host": format!("v{version}.example.com"), "http": { "paths": paths } }] } })
    }),
    (
        "",
        "Service",
        true,
        |version| json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8000 + version }] } }),
    ),
    ("", "PersistentVolumeClaim", true, |version| {
        json!({
            "metadata": { "labels": { "version": format!("v{version}") } },
            "spec": {
                "storageClassName": "", "volumeName": NAME, "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
            },
        })
    }),
    ("", "PersistentVolume", false, |version| {
        json!({
            "metadata": { "labels": { "version": format!("v{version}") } },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" },
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": { "path": "/t-kinds" },
            },
        })
    }),
    ("", "ConfigMap", true, |version| json!({ "data": { "version": format!("v{version}") } })),
    ("", "ServiceAccount", true, |version| json!({ "automountServiceAccountToken": version == 1 })),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        true,
        |_| json!({ "roleRef": role_ref("Role"), "subjects": subjects() }),
    ),
    ("rbac.authorization.k8s.io", "Role", true, |version| json!({ "rules": rules(version) })),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        false,
        |_| json!({ "roleRef": role_ref("ClusterRole"), "subjects": subjects() }),
    ),
    ("rbac.authorization.k8s.io", "ClusterRole", false, |version| json!({ "rules": rules(version) })),
    (
        "scheduling.k8s.io",
        "PriorityClass",
        false,
        |version| json!({ "value": 1000, "description": format!("the {version}. of them") }),
    ),
    (
        "",
        "Namespace",
        false,
        |version| json!({ "metadata": { "labels": { "version": format!("v{version}") } } }),
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition", false, |version| {
        let schema = json!({ "type": "object", "properties": { "spec": {
            "type": "object", "description": format!("the {version}. of them"),
            "properties": { "size": { "type": "integer" } },
        } } });
        json!({ "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": { "kind": "Gear", "plural": "gears", "singular": "gear", "listKind": "GearList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        } })
    }),
];

fn resource_of(group: &str, kind: &str) -> ApiResource {
    let version = if group == "autoscaling" { "v2" } else { "v1" };
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// The name of the one object of a kind: that of a definition follows from its kind.
fn name_of(kind: &str) -> String {
    if kind == "CustomResourceDefinition" { format!("gears.{GROUP}") } else { NAME.to_owned() }
}

fn configuration(world: &World, version: u32) -> String {
    let entry = |(group, kind, namespaced, says): &Kind| {
        let mut object = says(version);
        object["apiVersion"] = resource_of(group, kind).api_version.into();
        object["kind"] = (*kind).into();
        object["metadata"]["name"] = name_of(kind).into();
        if *namespaced {
            object["metadata"]["namespace"] = NAME.into();
        }
        format!("    {} = {{ manifest = {:?} }}\n", kind.to_lowercase(), object.to_string())
    };
    let resources: String = KINDS.iter().map(entry).collect();
    format!("{REQUIRED}{}{}", provider_for(world, &MEMBERS), federation(NAME, &MEMBERS, "", &resources))
}

/// What is on a cluster of one kind.
async fn live(world: &World, cluster: &str, kind: &Kind) -> anyhow::Result<Option<DynamicObject>> {
    let (group, kind, namespaced, _) = *kind;
    let (client, ty) = (world.lab.client(cluster).await?, resource_of(group, kind));
    let api: Api<DynamicObject> =
        if namespaced { Api::namespaced_with(client, NAME, &ty) } else { Api::all_with(client, &ty) };
    match api.get_opt(&name_of(kind)).await {
        // Without its definition there is no object of a kind, and no `Status` that says so.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        found => found.with_context(|| format!("{kind} on {cluster}")),
    }
}

/// Whether everything that is wanted is there; the server may have added to it.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| live.get(name).is_some_and(|live| holds(live, wanted)))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| holds(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

async fn check(world: &World, version: u32) -> anyhow::Result<()> {
    for cluster in MEMBERS {
        for kind in &KINDS {
            let live =
                live(world, cluster, kind).await?.with_context(|| format!("{} on {cluster}", kind.1))?;
            let live = serde_json::to_value(live)?;
            let wanted = (kind.3)(version);
            ensure!(holds(&live, &wanted), "{} on {cluster} is {live:#}\ninstead of {wanted:#}", kind.1);
        }
    }
    Ok(())
}

pub(crate) async fn of_every_sort_are_applied_changed_and_destroyed(
    world: &'static World,
) -> anyhow::Result<()> {
    let scenario = Scenario::new(world, &configuration(world, 1)).await?;
    scenario.terraform.apply(None).await?.ok()?;
    check(world, 1).await?;
    scenario.expect_no_changes().await?;
    scenario.apply(&configuration(world, 2)).await?;
    check(world, 2).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    for cluster in MEMBERS {
        for kind in &KINDS {
            ensure!(live(world, cluster, kind).await?.is_none(), "{} is left on {cluster}", kind.1);
        }
    }
    Ok(())
}
