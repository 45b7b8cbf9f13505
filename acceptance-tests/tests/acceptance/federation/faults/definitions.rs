//! Definitions that come to nothing.

use std::time::Instant;

use anyhow::ensure;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use serde_json::json;

use super::super::hcl::resource;
use super::scene::{ILL, WELL, converges, destroyed, expect_failure, on_both, settings, value};
use crate::world::{Scenario, World};

/// A definition of a kind with this plural, and an object of it.
fn gizmo(group: &str, plural: &str) -> String {
    format!(
        "apiVersion: {group}/v1
kind: Gizmo
metadata: {{ name: one }}
spec: {{ size: 3 }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: {plural}.{group} }}
spec:
  group: {group}
  scope: Cluster
  names: {{ kind: Gizmo, plural: {plural}, singular: gizmo, listKind: GizmoList }}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {{ type: object, x-kubernetes-preserve-unknown-fields: true }}"
    )
}

/// Another definition has the kind's name already: the API server says so in a condition, and never establishes ours.
pub(crate) async fn a_definition_whose_names_are_taken_is_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-taken";
    let group = "t-taken.example.com";
    let definitions: Api<CustomResourceDefinition> = Api::all(world.lab.client(ILL).await?);
    let first = serde_json::from_value(json!({
        "metadata": { "name": format!("widgets.{group}") },
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": { "kind": "Gizmo", "plural": "widgets", "singular": "gizmo", "listKind": "GizmoList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    }))?;
    definitions.create(&PostParams::default(), &first).await?;
    let theirs = format!("widgets.{group}");
    await_condition(definitions.clone(), &theirs, conditions::is_crd_established()).await?;

    let scenario = Scenario::new(world, &on_both(world, name, "", &settings(name, "one"))).await?;
    scenario.terraform.apply(None).await?.ok()?;
    let mut more = settings(name, "two");
    more.push(resource("gizmo", &gizmo(group, "gizmos"), ""));
    scenario.write(&on_both(world, name, "", &more))?;
    let begun = Instant::now();
    let expected = [
        "Cluster `gcp` failed",
        "CustomResourceDefinition gizmos.t-taken.example.com",
        "is already in use",
        "Cluster `aws` is done",
    ];
    expect_failure(&scenario, &expected).await?;
    // The timeout is half an hour; the condition is there at once.
    ensure!(begun.elapsed().as_secs() < 60, "it took {:?}", begun.elapsed());
    ensure!(value(world, WELL, name).await?.as_deref() == Some("two"), "{WELL} was held up");

    definitions.delete(&theirs, &DeleteParams::default()).await?;
    await_condition(definitions.clone(), &theirs, conditions::is_deleted("")).await?;
    let ours = format!("gizmos.{group}");
    await_condition(definitions.clone(), &ours, conditions::is_crd_established()).await?;
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "not brought up to date");
    destroyed(world, &scenario, name).await?;
    ensure!(definitions.get_opt(&ours).await?.is_none(), "the definition is left");
    Ok(())
}
