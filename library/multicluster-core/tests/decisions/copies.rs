use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use multicluster_core::copies::{NotPortable, portable, secret_data};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::values::value;

/// An object as a server answers it, with `rest` beside the metadata.
fn live(api_version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "5d2f", "resourceVersion": "17", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": "2026-01-02T00:00:00Z",
            "deletionGracePeriodSeconds": 30, "generateName": "w", "selfLink": "/x",
            "managedFields": [{ "manager": "kubectl", "operation": "Apply" }],
            "ownerReferences": [{ "apiVersion": "x.io/v1", "kind": "App", "name": "web", "uid": "1" }],
            "finalizers": ["x.io/guard"],
        },
        "status": { "phase": "Active" },
    });
    for (field, value) in rest.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

fn copy(api_version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "web", "namespace": "shop" } });
    for (field, value) in rest.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

#[rstest]
#[case::config_map("v1", "ConfigMap", json!({ "data": { "a": "1" } }), json!({ "data": { "a": "1" } }))]
#[case::secret(
    "v1", "Secret", json!({ "type": "kubernetes.io/dockerconfigjson", "data": { "a": "MQ==" }, "immutable": true }),
    json!({ "type": "kubernetes.io/dockerconfigjson", "data": { "a": "MQ==" }, "immutable": true })
)]
#[case::service(
    "v1", "Service",
    json!({ "spec": {
        "type": "LoadBalancer", "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "healthCheckNodePort": 30001,
        "ports": [{ "port": 80, "nodePort": 30080 }, { "port": 443, "nodePort": 30443 }],
    } }),
    json!({ "spec": { "type": "LoadBalancer", "ipFamilyPolicy": "SingleStack", "ports": [{ "port": 80 }, { "port": 443 }] } })
)]
#[case::headless_service(
    "v1", "Service", json!({ "spec": { "clusterIP": "None", "clusterIPs": ["None"] } }),
    json!({ "spec": { "clusterIP": "None" } })
)]
#[case::service_account(
    "v1", "ServiceAccount", json!({ "secrets": [{ "name": "web-token-x" }], "imagePullSecrets": [{ "name": "registry" }] }),
    json!({ "imagePullSecrets": [{ "name": "registry" }] })
)]
#[case::claim(
    "v1", "PersistentVolumeClaim", json!({ "spec": { "volumeName": "pvc-1", "storageClassName": "fast" } }),
    json!({ "spec": { "storageClassName": "fast" } })
)]
#[case::volume(
    "v1", "PersistentVolume", json!({ "spec": { "claimRef": { "name": "a", "uid": "1" }, "nfs": { "server": "s" } } }),
    json!({ "spec": { "nfs": { "server": "s" } } })
)]
#[case::namespace("v1", "Namespace", json!({ "spec": { "finalizers": ["kubernetes"] } }), json!({}))]
#[case::job(
    "batch/v1", "Job",
    json!({ "spec": {
        "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": "1" } },
        "template": {
            "metadata": { "creationTimestamp": null, "labels": {
                "controller-uid": "1", "job-name": "web", "batch.kubernetes.io/controller-uid": "1",
                "batch.kubernetes.io/job-name": "web", "app": "web",
            } },
            "spec": { "restartPolicy": "Never" },
        },
    } }),
    json!({ "spec": { "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "restartPolicy": "Never" } } } })
)]
#[case::job_without_labels_of_its_own(
    "batch/v1", "Job", json!({ "spec": { "template": { "metadata": { "labels": { "controller-uid": "1" } } } } }),
    json!({ "spec": { "template": { "metadata": {} } } })
)]
#[case::job_with_a_selector_of_its_author(
    "batch/v1", "Job", json!({ "spec": { "manualSelector": true, "selector": { "matchLabels": { "job-name": "x" } } } }),
    json!({ "spec": { "manualSelector": true, "selector": { "matchLabels": { "job-name": "x" } } } })
)]
#[case::stateful_set(
    "apps/v1", "StatefulSet",
    json!({ "spec": {
        "template": { "metadata": { "creationTimestamp": null } },
        "volumeClaimTemplates": [{ "metadata": { "name": "d", "creationTimestamp": null }, "status": { "phase": "Pending" } }],
    } }),
    json!({ "spec": { "template": { "metadata": {} }, "volumeClaimTemplates": [{ "metadata": { "name": "d" } }] } })
)]
#[case::cron_job(
    "batch/v1", "CronJob",
    json!({ "spec": { "jobTemplate": {
        "metadata": { "creationTimestamp": null }, "spec": { "template": { "metadata": { "creationTimestamp": null } } },
    } } }),
    json!({ "spec": { "jobTemplate": { "metadata": {}, "spec": { "template": { "metadata": {} } } } } })
)]
#[case::gateway(
    "gateway.networking.k8s.io/v1", "Gateway", json!({ "spec": { "addresses": [] } }), json!({ "spec": { "addresses": [] } })
)]
#[case::a_service_of_another_group(
    "serving.knative.dev/v1", "Service", json!({ "spec": { "clusterIP": "x" } }), json!({ "spec": { "clusterIP": "x" } })
)]
fn portable_objects(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] rest: Value,
    #[case] expect: Value,
) {
    assert_eq!(portable(&live(api_version, kind, &rest)).unwrap(), copy(api_version, kind, &expect));
}

#[test]
fn a_pod_of_nobody_is_as_it_was_written() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "uid": "1" },
        "spec": {
            "nodeName": "node-1", "priority": 0, "preemptionPolicy": "PreemptLowerPriority", "ephemeralContainers": [{}],
            "containers": [
                { "name": "a", "volumeMounts": [{ "name": "kube-api-access-x" }] },
                { "name": "b", "volumeMounts": [{ "name": "kube-api-access-x" }, { "name": "data" }] },
            ],
            "volumes": [{ "name": "data" }, { "name": "kube-api-access-x", "projected": {} }],
        },
    });
    let expect = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": {
            "containers": [{ "name": "a" }, { "name": "b", "volumeMounts": [{ "name": "data" }] }],
            "volumes": [{ "name": "data" }],
        },
    });
    assert_eq!(portable(&pod).unwrap(), expect);
}

#[rstest]
#[case::kept("app", "web", true)]
#[case::kept_with_a_domain("example.com/team", "x", true)]
#[case::installation("app.kubernetes.io/instance", "web", true)]
#[case::managed_by_somebody("app.kubernetes.io/managed-by", "me", true)]
#[case::what_argo_cd_is_configured_by("argocd.argoproj.io/secret-type", "repository", true)]
#[case::another_domain_that_ends_alike("notkarmada.io/managed", "true", true)]
#[case::a_key_without_a_domain("karmada.io", "true", true)]
#[case::client_side_apply("kubectl.kubernetes.io/last-applied-configuration", "{}", false)]
#[case::ours("multicluster.dev/federation", "world", false)]
#[case::an_apply_set("applyset.kubernetes.io/part-of", "applyset-x-v1", false)]
#[case::kubefed("kubefed.io/managed", "true", false)]
#[case::karmada("work.karmada.io/permanent-id", "1", false)]
#[case::open_cluster_management("work.open-cluster-management.io/manifestworkreplicaset", "x", false)]
#[case::kubefleet("kubernetes-fleet.io/parent-resource", "x", false)]
#[case::helm("meta.helm.sh/release-name", "web", false)]
#[case::helms_chart("helm.sh/chart", "web-1", false)]
#[case::managed_by_helm("app.kubernetes.io/managed-by", "Helm", false)]
#[case::argo_cd("argocd.argoproj.io/tracking-id", "web:x", false)]
#[case::flux("kustomize.toolkit.fluxcd.io/name", "x", false)]
#[case::revision("deployment.kubernetes.io/revision", "7", false)]
#[case::binding("pv.kubernetes.io/bind-completed", "yes", false)]
#[case::node_of_a_claim("volume.kubernetes.io/selected-node", "n", false)]
fn labels_and_annotations(#[case] key: &str, #[case] value: &str, #[case] stays: bool) {
    for field in ["labels", "annotations"] {
        let mut object = copy("apps/v1", "Deployment", &json!({}));
        object["metadata"][field] = json!({ key: value });
        let found = portable(&object).unwrap();
        let expect = if stays { object } else { copy("apps/v1", "Deployment", &json!({})) };
        assert_eq!(found, expect);
    }
}

#[test]
fn some_marks_are_marks_on_their_kind_only() {
    let labels =
        json!({ "kubernetes.io/metadata.name": "a", "job-name": "a", "app.kubernetes.io/instance": "a" });
    let kept = |mut object: Value, managers: Value| {
        object["metadata"]["labels"] = labels.clone();
        object["metadata"]["managedFields"] = managers;
        let found = portable(&object).unwrap();
        found["metadata"]["labels"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    let kubectl = json!([{ "manager": "kubectl" }]);
    let argo_cd = json!([{ "manager": "kubectl" }, { "manager": "argocd-controller" }]);
    let namespace = copy("v1", "Namespace", &json!({}));
    let job = copy("batch/v1", "Job", &json!({}));
    let map = copy("v1", "ConfigMap", &json!({}));
    assert_eq!(kept(namespace, kubectl.clone()), "app.kubernetes.io/instance job-name");
    assert_eq!(kept(job, kubectl.clone()), "app.kubernetes.io/instance kubernetes.io/metadata.name");
    assert_eq!(kept(map.clone(), kubectl), "app.kubernetes.io/instance job-name kubernetes.io/metadata.name");
    assert_eq!(kept(map, argo_cd), "job-name kubernetes.io/metadata.name");
}

fn secret_of(ty: &str) -> Value {
    copy("v1", "Secret", &json!({ "type": ty }))
}

fn named(api_version: &str, kind: &str, name: &str, namespace: &str) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": namespace } })
}

fn owned(api_version: &str, kind: &str, owner: &Value) -> Value {
    let mut object = copy(api_version, kind, &json!({}));
    object["metadata"]["ownerReferences"] = json!([owner]);
    object
}

#[rstest]
#[case::token(
    secret_of("kubernetes.io/service-account-token"),
    "it is a service account's token, which is valid on its own cluster only"
)]
#[case::bootstrap_token(
    secret_of("bootstrap.kubernetes.io/token"),
    "it is a token that joins nodes to its own cluster only"
)]
#[case::helm_release(
    secret_of("helm.sh/release.v1"),
    "it is Helm's record of what is installed on its own cluster"
)]
#[case::event(named("v1", "Event", "x", "shop"), "events tell what happened on their own cluster")]
#[case::new_event(
    named("events.k8s.io/v1", "Event", "x", "shop"),
    "events tell what happened on their own cluster"
)]
#[case::endpoints(
    named("v1", "Endpoints", "x", "shop"),
    "its addresses are of its own cluster; copy the Service instead"
)]
#[case::slices(
    named("discovery.k8s.io/v1", "EndpointSlice", "x", "shop"),
    "its addresses are of its own cluster; copy the Service instead"
)]
#[case::lease(
    named("coordination.k8s.io/v1", "Lease", "x", "shop"),
    "a lease is held by somebody on its own cluster"
)]
#[case::node(named("v1", "Node", "x", ""), "it describes the machines of its own cluster")]
#[case::certificate(named("v1", "ConfigMap", "kube-root-ca.crt", "shop"), "every cluster has its own")]
#[case::system_namespace(named("v1", "Namespace", "kube-system", ""), "every cluster has its own")]
#[case::the_api_server(named("v1", "Service", "kubernetes", "default"), "every cluster has its own")]
#[case::pod_of_a_set(owned("v1", "Pod", &json!({ "kind": "ReplicaSet", "name": "web-1" })), "ReplicaSet `web-1` makes it, copy that one instead")]
#[case::set_of_a_deployment(
    owned("apps/v1", "ReplicaSet", &json!({ "kind": "Deployment", "name": "web", "controller": true })),
    "Deployment `web` makes it, copy that one instead"
)]
#[case::job_of_a_cron_job(
    owned("batch/v1", "Job", &json!({ "kind": "CronJob", "name": "web", "controller": true })),
    "CronJob `web` makes it, copy that one instead"
)]
#[case::no_name(json!({ "apiVersion": "v1", "kind": "Secret" }), "`metadata.name` is missing or not text")]
fn what_is_not_portable(#[case] object: Value, #[case] reason: &str) {
    let error = portable(&object).unwrap_err();
    assert_eq!(error.to_string(), format!("it cannot be copied: {reason}"));
}

#[rstest]
#[case::secret_of_an_operator(owned("v1", "Secret", &json!({ "kind": "ExternalSecret", "name": "x", "controller": true })))]
#[case::job_that_somebody_owns(owned("batch/v1", "Job", &json!({ "kind": "App", "name": "x" })))]
#[case::service_of_that_name_elsewhere(named("v1", "Service", "kubernetes", "shop"))]
#[case::any_other_namespace(named("v1", "Namespace", "shop", ""))]
fn what_is_portable_after_all(#[case] object: Value) {
    assert!(portable(&object).is_ok());
}

#[test]
fn our_records_stay_where_they_are() {
    let mut record = copy("v1", "ConfigMap", &json!({}));
    record["metadata"]["labels"] = json!({ "multicluster.dev/record": "inventory" });
    assert!(matches!(portable(&record), Err(NotPortable::OfOneCluster { .. })));
}

#[rstest]
#[case::new_data(json!({ "stringData": { "a": "1" } }), json!({ "data": { "a": "MQ==" } }))]
#[case::it_wins(json!({ "data": { "a": "Mg==", "b": "Mg==" }, "stringData": { "a": "1" } }), json!({ "data": { "a": "MQ==", "b": "Mg==" } }))]
#[case::data_is_null(json!({ "data": null, "stringData": { "a": "" } }), json!({ "data": { "a": "" } }))]
#[case::nothing_in_it(json!({ "stringData": null }), json!({}))]
#[case::not_a_text(json!({ "stringData": { "a": 1 } }), json!({ "stringData": { "a": 1 } }))]
#[case::not_a_mapping(json!({ "stringData": "a" }), json!({ "stringData": "a" }))]
#[case::data_is_malformed(json!({ "data": [1], "stringData": { "a": "1" } }), json!({ "data": [1], "stringData": { "a": "1" } }))]
#[case::without(json!({ "data": { "a": "MQ==" } }), json!({ "data": { "a": "MQ==" } }))]
fn string_data(#[case] given: Value, #[case] expect: Value) {
    let mut secret = copy("v1", "Secret", &given);
    secret_data(&mut secret);
    assert_eq!(secret, copy("v1", "Secret", &expect));
}

#[test]
fn only_a_secret_has_string_data() {
    for other in [copy("v1", "ConfigMap", &json!({})), copy("x.io/v1", "Secret", &json!({}))] {
        let mut object = other;
        object["stringData"] = json!({ "a": "1" });
        let before = object.clone();
        secret_data(&mut object);
        assert_eq!(object, before);
    }
}

proptest! {
    #[test]
    fn a_copy_of_a_copy_is_the_copy(
        kind in "(Service|ServiceAccount|PersistentVolumeClaim|PersistentVolume|Namespace|Pod|ConfigMap|Secret)",
        spec in value(), labels in value(), list in proptest::collection::vec(value(), 0..3),
    ) {
        let mut object = live("v1", &kind, &json!({ "spec": spec, "secrets": list }));
        object["metadata"]["labels"] = labels;
        object["metadata"]["ownerReferences"] = Value::Null;
        let copy = portable(&object).unwrap();
        let metadata = copy["metadata"].as_object().unwrap();
        prop_assert!(metadata.keys().all(|it| ["name", "namespace", "labels", "annotations"].contains(&it.as_str())));
        prop_assert!(copy.get("status").is_none());
        prop_assert_eq!(portable(&copy).unwrap(), copy);
    }

    #[test]
    fn texts_are_read_back_as_written(texts in proptest::collection::btree_map(".{0,4}", ".{0,9}", 0..4)) {
        let mut secret = copy("v1", "Secret", &json!({ "stringData": texts }));
        secret_data(&mut secret);
        let data = secret.get("data").and_then(Value::as_object).into_iter().flatten();
        let read: std::collections::BTreeMap<String, String> = data
            .map(|(key, value)| (key.clone(), String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap()))
            .collect();
        prop_assert_eq!(read, texts);
        prop_assert!(secret.get("stringData").is_none());
    }

    #[test]
    fn nothing_that_is_read_breaks_it(any in value(), kind in "(Service|Pod|Secret|Namespace)") {
        let mut object = any.clone();
        let _ = portable(&object);
        secret_data(&mut object);
        let _ = portable(&json!({ "apiVersion": "v1", "kind": kind, "metadata": any.clone(), "spec": any }));
    }
}
