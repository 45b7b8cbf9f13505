//! Who has an object, and who fights over it, by `managedFields` as tools really leave them.

use multicluster_core::provenance::{Fight, Owner, fights, owners};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const US: &str = "multicluster-world";
const APPLIED: &str = "2026-03-01T10:00:00Z";
const LATER: &str = "2026-03-01T10:03:00Z";
const EARLIER: &str = "2026-03-01T09:00:00Z";

/// A record of `managedFields` as `Update` makes it.
fn update(manager: &str, fields: Value) -> Value {
    record(manager, "Update", LATER, fields)
}

fn record(manager: &str, operation: &str, time: &str, fields: Value) -> Value {
    let mut record = json!({
        "manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": time, "fieldsType": "FieldsV1"
    });
    record["fieldsV1"] = fields;
    record
}

/// The fields that an object of these managers has: `spec.replicas`, nothing that matters.
fn spec() -> Value {
    json!({ "f:spec": { "f:replicas": {} } })
}

fn words(live: &Value) -> Vec<String> {
    owners(live).iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::kubefed(json!({
    "labels": { "kubefed.io/managed": "true" },
    "managedFields": [update("controller-manager", spec()), update("kube-controller-manager", json!({
        "f:metadata": { "f:annotations": { ".": {}, "f:deployment.kubernetes.io/revision": {} } },
        "f:status": { "f:replicas": {} }
    }))]
}), &["KubeFed"])]
#[case::kubefed_refused(json!({ "labels": { "kubefed.io/managed": "false" }, "managedFields": [update("controller-manager", spec())] }), &["`controller-manager`"])]
#[case::kubefed_under_its_own_name(json!({ "managedFields": [update("hyperfed", spec())] }), &["KubeFed"])]
#[case::karmada(json!({
    "labels": { "karmada.io/managed": "true" },
    "annotations": { "work.karmada.io/name": "web-687f7fb96f", "work.karmada.io/namespace": "karmada-es-member1" },
    "managedFields": [update("karmada-controller-manager", spec())]
}), &["Karmada work karmada-es-member1/web-687f7fb96f"])]
#[case::karmada_pull(json!({ "managedFields": [update("karmada-agent", spec())] }), &["Karmada"])]
#[case::open_cluster_management(json!({
    "ownerReferences": [{ "apiVersion": "work.open-cluster-management.io/v1", "kind": "AppliedManifestWork", "name": "a1b2-web", "uid": "1" }],
    "managedFields": [record("work-agent", "Apply", LATER, spec())]
}), &["Open Cluster Management work a1b2-web"])]
#[case::kubefleet(json!({
    "ownerReferences": [{ "apiVersion": "placement.kubernetes-fleet.io/v1", "kind": "AppliedWork", "name": "crp-work", "uid": "1" }],
    "managedFields": [record("work-api-agent", "Apply", LATER, spec())]
}), &["KubeFleet work crp-work"])]
#[case::rancher_fleet(json!({
    "labels": { "objectset.rio.cattle.io/hash": "0f" },
    "annotations": {
        "objectset.rio.cattle.io/id": "default-shop-web", "meta.helm.sh/release-name": "shop-web",
        "meta.helm.sh/release-namespace": "shop"
    },
    "managedFields": [update("fleetagent", spec())]
}), &["Rancher Fleet bundle default-shop-web", "Helm release shop/shop-web"])]
#[case::rancher_without_fleet(json!({ "annotations": { "objectset.rio.cattle.io/id": "x" }, "managedFields": [update("rancher", spec())] }), &["`rancher`"])]
#[case::argo_cd_by_annotation(json!({
    "annotations": { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    "managedFields": [update("argocd-controller", spec())]
}), &["Argo CD application web"])]
#[case::argo_cd_in_another_namespace(json!({ "annotations": { "argocd.argoproj.io/tracking-id": "team-a_web:apps/Deployment:shop/web" } }), &["Argo CD application team-a/web"])]
#[case::argo_cd_by_label(json!({ "labels": { "argocd.argoproj.io/instance": "web" } }), &["Argo CD application web"])]
#[case::argo_cd_by_the_usual_label(json!({
    "labels": { "app.kubernetes.io/instance": "web" }, "managedFields": [update("argocd-controller", spec())]
}), &["Argo CD application web"])]
#[case::the_usual_label_alone(json!({ "labels": { "app.kubernetes.io/instance": "web" } }), &[])]
#[case::argo_cd_by_manager(json!({ "managedFields": [update("argocd-application-controller", spec())] }), &["Argo CD"])]
#[case::argo_cd_with_helm_chart(json!({
    "labels": { "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web" },
    "annotations": { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web" },
    "managedFields": [update("argocd-controller", spec())]
}), &["Argo CD application web", "Helm"])]
#[case::flux_kustomization(json!({
    "labels": { "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" },
    "managedFields": [record("kustomize-controller", "Apply", LATER, spec())]
}), &["Flux Kustomization flux-system/apps"])]
#[case::flux_release(json!({
    "labels": { "helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop", "app.kubernetes.io/managed-by": "Helm" },
    "annotations": { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" },
    "managedFields": [update("helm-controller", spec())]
}), &["Flux HelmRelease shop/web", "Helm release shop/web"])]
#[case::helm(json!({
    "annotations": { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" },
    "managedFields": [update("helm", spec())]
}), &["Helm release shop/web"])]
#[case::helm_by_terraform(json!({
    "annotations": { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" },
    "managedFields": [update("terraform-provider-helm_v2.13.0_x5", spec())]
}), &["Helm release shop/web", "Terraform"])]
#[case::terraform(json!({ "managedFields": [update("HashiCorp", spec())] }), &["Terraform"])]
#[case::terraform_manifest(json!({ "managedFields": [record("Terraform", "Apply", LATER, spec())] }), &["Terraform"])]
#[case::kubectl_apply(json!({
    "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    "managedFields": [update("kubectl-client-side-apply", spec()), update("kubectl-edit", spec())]
}), &["kubectl"])]
#[case::kubectl_long_ago(json!({ "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}" } }), &["kubectl"])]
#[case::another_federation(json!({
    "labels": { "multicluster.dev/federation": "europe" },
    "managedFields": [record("multicluster-europe", "Apply", LATER, spec())]
}), &["federation `europe`"])]
#[case::another_federation_whose_label_is_gone(json!({ "managedFields": [record("multicluster-europe", "Apply", LATER, spec())] }), &["federation `europe`"])]
#[case::a_controller(json!({
    "ownerReferences": [{ "apiVersion": "example.com/v1", "kind": "Shop", "name": "main", "uid": "1", "controller": true }],
    "managedFields": [update("manager", spec())]
}), &["Shop main", "`manager`"])]
#[case::several(json!({
    "annotations": { "meta.helm.sh/release-name": "web" },
    "managedFields": [update("helm", spec()), update("kubectl-scale", spec()), update("node-fetch", spec())]
}), &["Helm release web", "kubectl", "`node-fetch`"])]
#[case::a_subresource_is_no_owner(json!({ "managedFields": [
    { "manager": "somebody", "operation": "Update", "subresource": "status", "fieldsV1": spec() }
] }), &[])]
#[case::annotations_and_finalizers_are_no_ownership(json!({ "managedFields": [
    update("aws-load-balancer-controller", json!({ "f:metadata": { "f:finalizers": { ".": {}, "v:\"x\"": {} } }, "f:status": {} }))
] }), &[])]
#[case::nobody(json!({}), &[])]
fn owners_in_words(#[case] metadata: Value, #[case] expected: &[&str]) {
    assert_eq!(words(&json!({ "metadata": metadata })), expected);
}

#[test]
fn other_owner_references_are_objects() {
    let live = json!({ "metadata": { "ownerReferences": [
        { "apiVersion": "v1", "kind": "Service", "name": "web" }, { "apiVersion": "v1" }, 3
    ] } });
    assert_eq!(owners(&live), [Owner::Object { kind: "Service".to_owned(), name: "web".to_owned() }]);
}

/// A Deployment that we applied at [`APPLIED`], of which another manager has `spec.replicas` since `time`.
fn contested(manager: &str, operation: &str, time: &str, labels: Value) -> Value {
    let mut live = json!({
        "metadata": { "managedFields": [
            record(US, "Apply", APPLIED, json!({
                "f:metadata": { "f:labels": { "f:multicluster.dev/federation": {} } },
                "f:spec": { "f:paused": {} }
            })),
            record(manager, operation, time, spec())
        ] },
        "spec": { "replicas": 5, "paused": false }
    });
    live["metadata"]["labels"] = labels;
    live
}

fn desired() -> Value {
    json!({
        "metadata": { "labels": { "multicluster.dev/federation": "world" } },
        "spec": { "replicas": 3, "paused": false }
    })
}

fn ours() -> Value {
    json!({ "multicluster.dev/federation": "world" })
}

#[rstest]
#[case::argo_cd_applies("argocd-controller", "Apply", LATER, json!({}), Some("Argo CD"))]
#[case::argo_cd_patches("argocd-application-controller", "Update", LATER, json!({}), Some("Argo CD"))]
#[case::argo_cd_by_name("argocd-controller", "Apply", LATER, json!({ "argocd.argoproj.io/instance": "web" }), Some("Argo CD application web"))]
#[case::in_the_same_second("argocd-controller", "Apply", APPLIED, json!({}), Some("Argo CD"))]
#[case::before_us("argocd-controller", "Apply", EARLIER, json!({}), None)]
#[case::at_no_time("argocd-controller", "Apply", "", json!({}), None)]
#[case::kubefed("controller-manager", "Update", LATER, json!({ "kubefed.io/managed": "true" }), Some("KubeFed"))]
#[case::some_controller_manager("controller-manager", "Update", LATER, json!({}), None)]
#[case::flux("kustomize-controller", "Apply", LATER, json!({}), Some("Flux"))]
#[case::karmada("karmada-controller-manager", "Update", LATER, json!({}), Some("Karmada"))]
#[case::a_person("kubectl-edit", "Update", LATER, json!({}), None)]
#[case::helm_waits_for_people("helm", "Update", LATER, json!({}), None)]
#[case::another_federation_waits_for_people("multicluster-europe", "Apply", LATER, json!({}), None)]
#[case::an_autoscaler("kube-controller-manager", "Update", LATER, json!({}), None)]
fn who_writes_against_us(
    #[case] manager: &str,
    #[case] operation: &str,
    #[case] time: &str,
    #[case] mut labels: Value,
    #[case] expected: Option<&str>,
) {
    labels["multicluster.dev/federation"] = "world".into();
    let found = fights(&contested(manager, operation, time, labels), US, &desired());
    assert_eq!(found.as_ref().map(|fight| fight.owner.to_string()).as_deref(), expected);
    if let Some(fight) = found {
        assert_eq!(fight.fields, ["spec.replicas"]);
    }
}

#[test]
fn fields_that_we_do_not_want_are_no_fight() {
    let live = contested("argocd-controller", "Apply", LATER, ours());
    let desired = json!({ "spec": { "paused": false } });
    assert_eq!(fights(&live, US, &desired), None);
}

#[test]
fn fields_that_both_apply_are_no_fight() {
    let mut live = contested("argocd-controller", "Apply", LATER, ours());
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"] = json!({});
    assert_eq!(fights(&live, US, &desired()), None);
}

#[test]
fn who_never_applied_does_not_fight() {
    let mut live = contested("argocd-controller", "Apply", LATER, ours());
    live["metadata"]["managedFields"][0]["manager"] = "somebody".into();
    assert_eq!(fights(&live, US, &desired()), None);
}

#[test]
fn kubefed_removes_our_labels_without_a_trace() {
    let live = json!({
        "metadata": {
            "labels": { "kubefed.io/managed": "true" },
            "managedFields": [
                record(US, "Apply", APPLIED, json!({ "f:spec": { "f:replicas": {}, "f:paused": {} } })),
                record("controller-manager", "Update", EARLIER, json!({ "f:metadata": { "f:labels": { "f:kubefed.io/managed": {} } } }))
            ]
        },
        "spec": { "replicas": 3, "paused": false }
    });
    let fight = Fight {
        owner: Owner::KubeFed,
        fields: vec!["metadata.labels[\"multicluster.dev/federation\"]".to_owned()],
    };
    assert_eq!(fights(&live, US, &desired()), Some(fight));
    let mut left = live;
    left["metadata"]["labels"] = json!({});
    assert_eq!(fights(&left, US, &desired()), None);
}

#[test]
fn the_one_who_took_most_is_named() {
    let mut live = contested("argocd-controller", "Apply", LATER, ours());
    live["spec"]["strategy"] = "x".into();
    live["spec"]["selector"] = "x".into();
    let more = json!({ "f:spec": { "f:strategy": {}, "f:selector": {} } });
    live["metadata"]["managedFields"].as_array_mut().unwrap().push(update("kustomize-controller", more));
    let mut desired = desired();
    desired["spec"]["strategy"] = "y".into();
    desired["spec"]["selector"] = "y".into();
    let fight = fights(&live, US, &desired).unwrap();
    assert_eq!((fight.owner.to_string().as_str(), fight.fields.len()), ("Flux", 2));
}

proptest! {
    #[test]
    fn foreign_objects_never_panic(metadata in any_value(), records in prop::collection::vec(any_value(), 0..3)) {
        for live in [
            metadata.clone(),
            json!({ "metadata": metadata }),
            json!({ "metadata": { "labels": metadata, "annotations": metadata, "ownerReferences": metadata } }),
            json!({ "metadata": { "managedFields": records, "ownerReferences": records } }),
        ] {
            let fight = fights(&live, US, &desired());
            prop_assert!(fight.is_none_or(|fight| fight.owner.is_controller() && !fight.fields.is_empty()));
            let found = owners(&live);
            let distinct: std::collections::BTreeSet<&Owner> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["Apply", US, "helm", "", ":", "_", APPLIED]).prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "manager",
        "operation",
        "time",
        "fieldsV1",
        "f:spec",
        "f:metadata",
        "apiVersion",
        "kind",
        "name",
        "metadata",
        "argocd.argoproj.io/tracking-id",
        "kubefed.io/managed",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..4).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}
