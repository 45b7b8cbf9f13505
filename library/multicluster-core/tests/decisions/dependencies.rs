use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::dependencies::{Need, closure, references, scale_target};
use multicluster_core::object::{Manifest, ObjectKey};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::values::value;

/// `Secret shop/a`, and `Secret shop/b?` for one that may be absent.
fn words(object: &Value) -> Vec<String> {
    let mark = |need| if need == Need::Optional { "?" } else { "" };
    references(object).into_iter().map(|(key, need)| format!("{key}{}", mark(need))).collect()
}

fn object(api_version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": { "name": "web", "namespace": "shop" },
    });
    for (field, value) in rest.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

fn pod(spec: &Value) -> Value {
    object("v1", "Pod", &json!({ "spec": spec }))
}

fn container(container: &Value) -> Value {
    json!({ "containers": [container] })
}

fn volume(volume: &Value) -> Value {
    json!({ "volumes": [volume] })
}

#[rstest]
#[case::nothing(json!({ "containers": [{ "name": "web", "image": "nginx" }] }), &[])]
#[case::env_of_a_config_map(
    container(&json!({ "env": [{ "name": "A", "valueFrom": { "configMapKeyRef": { "name": "a", "key": "k" } } }] })),
    &["ConfigMap shop/a"]
)]
#[case::env_of_an_optional_secret(
    container(&json!({ "env": [{ "valueFrom": { "secretKeyRef": { "name": "a", "optional": true } } }] })),
    &["Secret shop/a?"]
)]
#[case::env_from(
    container(&json!({ "envFrom": [{ "configMapRef": { "name": "a" } }, { "secretRef": { "name": "b" } }] })),
    &["ConfigMap shop/a", "Secret shop/b"]
)]
#[case::init_and_ephemeral_containers(
    json!({
        "initContainers": [{ "envFrom": [{ "secretRef": { "name": "a" } }] }],
        "ephemeralContainers": [{ "envFrom": [{ "secretRef": { "name": "b", "optional": false } }] }],
    }),
    &["Secret shop/a", "Secret shop/b"]
)]
#[case::volumes(
    json!({ "volumes": [
        { "name": "a", "configMap": { "name": "a" } },
        { "name": "b", "secret": { "secretName": "b", "optional": true } },
        { "name": "c", "persistentVolumeClaim": { "claimName": "c" } },
    ] }),
    &["ConfigMap shop/a", "PersistentVolumeClaim shop/c", "Secret shop/b?"]
)]
#[case::a_projected_volume(
    volume(&json!({ "projected": { "sources": [
        { "configMap": { "name": "a" } }, { "secret": { "name": "b", "optional": true } },
        { "serviceAccountToken": { "path": "token" } }, { "downwardAPI": {} },
    ] } })),
    &["ConfigMap shop/a", "Secret shop/b?"]
)]
#[case::the_clusters_own_certificate(
    volume(&json!({ "projected": { "sources": [{ "configMap": { "name": "kube-root-ca.crt" } }] } })), &[]
)]
#[case::a_csi_driver(volume(&json!({ "csi": { "driver": "d", "nodePublishSecretRef": { "name": "a" } } })), &["Secret shop/a"])]
#[case::older_drivers(
    json!({ "volumes": [
        { "rbd": { "secretRef": { "name": "a" } } }, { "azureFile": { "secretName": "b" } },
        { "emptyDir": {} }, { "ephemeral": { "volumeClaimTemplate": { "spec": {} } } },
    ] }),
    &["Secret shop/a", "Secret shop/b"]
)]
#[case::pull_secrets(json!({ "imagePullSecrets": [{ "name": "a" }, { "name": "b" }] }), &["Secret shop/a", "Secret shop/b"])]
#[case::an_account(json!({ "serviceAccountName": "robot" }), &["ServiceAccount shop/robot"])]
#[case::an_account_by_its_older_name(json!({ "serviceAccount": "robot" }), &["ServiceAccount shop/robot"])]
#[case::the_default_account_is_everywhere(json!({ "serviceAccountName": "default" }), &[])]
#[case::required_once_is_required(
    json!({
        "volumes": [{ "secret": { "secretName": "a", "optional": true } }, { "secret": { "secretName": "a" } }],
        "containers": [{ "envFrom": [{ "secretRef": { "name": "a", "optional": true } }] }],
    }),
    &["Secret shop/a"]
)]
#[case::no_name_is_no_reference(volume(&json!({ "configMap": {} })), &[])]
#[case::malformed(json!({ "volumes": "x", "containers": [3, { "env": { "a": 1 } }], "serviceAccountName": 7 }), &[])]
fn of_a_pod(#[case] spec: Value, #[case] expect: &[&str]) {
    assert_eq!(words(&pod(&spec)), expect);
}

#[rstest]
#[case::deployment("apps/v1", "Deployment", "/spec/template")]
#[case::stateful_set("apps/v1", "StatefulSet", "/spec/template")]
#[case::daemon_set("apps/v1", "DaemonSet", "/spec/template")]
#[case::replica_set("apps/v1", "ReplicaSet", "/spec/template")]
#[case::replication_controller("v1", "ReplicationController", "/spec/template")]
#[case::job("batch/v1", "Job", "/spec/template")]
#[case::cron_job("batch/v1", "CronJob", "/spec/jobTemplate/spec/template")]
fn of_workloads(#[case] api_version: &str, #[case] kind: &str, #[case] template: &str) {
    let mut spec = json!({ "spec": { "imagePullSecrets": [{ "name": "registry" }] } });
    for field in template.trim_start_matches('/').rsplit('/') {
        spec = json!({ field: spec });
    }
    assert_eq!(words(&object(api_version, kind, &spec)), ["Secret shop/registry"]);
    assert_eq!(words(&object("example.com/v1", kind, &spec)), [""; 0], "the same kind of another group");
}

#[test]
fn what_a_stateful_set_makes_itself_is_no_reference() {
    let set = object(
        "apps/v1",
        "StatefulSet",
        &json!({ "spec": {
            "volumeClaimTemplates": [{ "metadata": { "name": "data" } }],
            "template": { "spec": { "volumes": [
                { "name": "data", "persistentVolumeClaim": { "claimName": "replaced" } },
                { "name": "more", "persistentVolumeClaim": { "claimName": "kept" } },
            ] } },
        } }),
    );
    assert_eq!(words(&set), ["PersistentVolumeClaim shop/kept"]);
}

#[rstest]
#[case::ingress(
    object("networking.k8s.io/v1", "Ingress", &json!({ "spec": { "tls": [{ "secretName": "a" }, { "hosts": ["x"] }] } })),
    &["Secret shop/a"]
)]
#[case::service_account(
    object("v1", "ServiceAccount", &json!({ "imagePullSecrets": [{ "name": "a" }], "secrets": [{ "name": "b" }] })),
    &["Secret shop/a", "Secret shop/b?"]
)]
#[case::claim(
    object("v1", "PersistentVolumeClaim", &json!({ "spec": { "volumeName": "pv", "storageClassName": "fast" } })), &[]
)]
#[case::role_binding(
    object("rbac.authorization.k8s.io/v1", "RoleBinding", &json!({
        "roleRef": { "kind": "Role", "name": "reader" },
        "subjects": [
            { "kind": "ServiceAccount", "name": "here" }, { "kind": "ServiceAccount", "name": "there", "namespace": "ci" },
            { "kind": "User", "name": "jane" }, { "kind": "Group", "name": "admins" },
        ],
    })),
    &["ServiceAccount ci/there", "ServiceAccount shop/here", "Role shop/reader"]
)]
#[case::role_binding_to_a_cluster_role(
    object("rbac.authorization.k8s.io/v1", "RoleBinding", &json!({ "roleRef": { "kind": "ClusterRole", "name": "own" } })),
    &["ClusterRole own"]
)]
#[case::role_binding_to_a_built_in_role(
    object("rbac.authorization.k8s.io/v1", "RoleBinding", &json!({ "roleRef": { "kind": "ClusterRole", "name": "view" } })),
    &[]
)]
#[case::cluster_role_binding(
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "x" },
        "roleRef": { "kind": "ClusterRole", "name": "own" },
        "subjects": [{ "kind": "ServiceAccount", "name": "robot", "namespace": "ci" }],
    }),
    &["ServiceAccount ci/robot", "ClusterRole own"]
)]
#[case::something_else(object("v1", "Service", &json!({ "spec": { "serviceAccountName": "x" } })), &[])]
fn of_other_kinds(#[case] object: Value, #[case] expect: &[&str]) {
    assert_eq!(words(&object), expect);
}

#[rstest]
#[case::version_1("autoscaling/v1", "HorizontalPodAutoscaler", json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db" }), Some("StatefulSet shop/db"))]
#[case::version_2("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }), Some("Deployment shop/web"))]
#[case::a_custom_kind("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "apiVersion": "x.io/v1", "kind": "Fleet", "name": "f" }), Some("Fleet.x.io shop/f"))]
#[case::no_kind("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "name": "web" }), None)]
#[case::no_name("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "apiVersion": "apps/v1", "kind": "Deployment" }), None)]
#[case::keda("keda.sh/v1alpha1", "ScaledObject", json!({ "name": "web" }), Some("Deployment shop/web"))]
#[case::keda_with_a_kind("keda.sh/v1alpha1", "ScaledObject", json!({ "kind": "StatefulSet", "name": "db" }), Some("StatefulSet shop/db"))]
#[case::another_kind("policy/v1", "PodDisruptionBudget", json!({ "kind": "Deployment", "name": "web" }), None)]
fn scale_targets(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] target: Value,
    #[case] expect: Option<&str>,
) {
    let found = scale_target(&object(api_version, kind, &json!({ "spec": { "scaleTargetRef": target } })));
    assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), expect);
    let group = found.map(|key| key.kind.group);
    assert!(group.is_none_or(|group| group == "apps" || group == "x.io"));
}

#[test]
fn what_is_needed_is_followed_and_what_is_not_there_is_named() {
    let deployment = object(
        "apps/v1",
        "Deployment",
        &json!({ "spec": { "template": { "spec": {
            "serviceAccountName": "robot",
            "volumes": [{ "configMap": { "name": "settings", "optional": true } }, { "secret": { "secretName": "tls" } }],
        } } } }),
    );
    let second = {
        let mut second = pod(&json!({ "volumes": [{ "configMap": { "name": "settings" } }] }));
        second["metadata"]["name"] = "second".into();
        second
    };
    let account = {
        let mut account =
            object("v1", "ServiceAccount", &json!({ "imagePullSecrets": [{ "name": "pull" }] }));
        account["metadata"]["name"] = "robot".into();
        account
    };
    let pull =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pull", "namespace": "shop" } });
    let mut asked = Vec::new();
    let needed = closure([&deployment, &second], |key| {
        asked.push(key.to_string());
        match key.to_string().as_str() {
            "ServiceAccount shop/robot" => Some(account.clone()),
            "Secret shop/pull" => Some(pull.clone()),
            _ => None,
        }
    });
    let words = |them: &BTreeMap<ObjectKey, multicluster_core::dependencies::Dependency>| -> Vec<String> {
        let by = |keys: &BTreeSet<ObjectKey>| {
            keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        };
        them.iter().map(|(key, it)| format!("{key} by {} {:?}", by(&it.needed_by), it.need)).collect()
    };
    assert_eq!(
        words(&needed.found),
        [
            "Secret shop/pull by ServiceAccount shop/robot Required",
            "ServiceAccount shop/robot by Deployment shop/web Required",
        ]
    );
    assert_eq!(
        words(&needed.missing),
        [
            "ConfigMap shop/settings by Pod shop/second and Deployment shop/web Required",
            "Secret shop/tls by Deployment shop/web Required",
        ]
    );
    let distinct: BTreeSet<&String> = asked.iter().collect();
    assert_eq!(distinct.len(), asked.len(), "asked once per object");
}

/// Some bindings to start from, and accounts that are there; both may name what is not.
fn world() -> impl Strategy<Value = (Vec<Value>, BTreeMap<ObjectKey, Value>)> {
    let account = (0_u8..6, proptest::collection::vec(0_u8..6, 0..3)).prop_map(|(name, secrets)| {
        let secrets: Vec<Value> = secrets.iter().map(|name| json!({ "name": format!("s{name}") })).collect();
        let mut account = object("v1", "ServiceAccount", &json!({ "imagePullSecrets": secrets }));
        account["metadata"]["name"] = format!("a{name}").into();
        account
    });
    let binding = proptest::collection::vec(0_u8..6, 0..4).prop_map(|accounts| {
        let subjects: Vec<Value> = accounts
            .iter()
            .map(|name| json!({ "kind": "ServiceAccount", "name": format!("a{name}") }))
            .collect();
        object("rbac.authorization.k8s.io/v1", "RoleBinding", &json!({ "subjects": subjects }))
    });
    (proptest::collection::vec(binding, 0..3), proptest::collection::vec(account, 0..6)).prop_map(
        |(roots, there)| {
            let there = there.into_iter().map(|it| (Manifest::new(it.clone()).unwrap().key(), it)).collect();
            (roots, there)
        },
    )
}

proptest! {
    #[test]
    fn a_closure_is_closed_and_holds_nothing_else((roots, there) in world()) {
        let needed = closure(&roots, |key| there.get(key).cloned());
        let inside = |key: &ObjectKey| needed.found.contains_key(key) || needed.missing.contains_key(key);
        for object in roots.iter().chain(needed.found.keys().map(|key| &there[key])) {
            prop_assert!(references(object).keys().all(inside));
        }
        for (key, dependency) in needed.found.iter().chain(&needed.missing) {
            prop_assert!(!dependency.needed_by.is_empty(), "{} is needed by nobody", key);
        }
        prop_assert!(needed.missing.keys().all(|key| !there.contains_key(key)));
        let mut turned = roots.clone();
        turned.reverse();
        prop_assert_eq!(closure(&turned, |key| there.get(key).cloned()), needed);
    }

    #[test]
    fn nothing_that_is_written_breaks_it(spec in value(), kind in "(Pod|ServiceAccount)") {
        let found = references(&object("v1", &kind, &json!({ "spec": spec.clone(), "secrets": spec })));
        prop_assert!(found.keys().all(|key| !key.name.is_empty()));
    }
}
