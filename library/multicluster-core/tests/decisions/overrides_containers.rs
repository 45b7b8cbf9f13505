use std::collections::BTreeMap;

use multicluster_core::overrides::{Change, apply_change, is_reserved};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::values::value;

/// What is to be set, or removed where there is no value.
fn changes(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(ToOwned::to_owned))).collect()
}

fn env(container: Option<&str>, pairs: &[(&str, Option<&str>)]) -> Change {
    Change::Env { container: container.map(ToOwned::to_owned), values: changes(pairs) }
}

fn pod(containers: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" }, "spec": { "containers": containers } })
}

#[rstest]
#[case::pod("v1", "Pod", "/spec")]
#[case::deployment("apps/v1", "Deployment", "/spec/template/spec")]
#[case::stateful_set("apps/v1", "StatefulSet", "/spec/template/spec")]
#[case::daemon_set("apps/v1", "DaemonSet", "/spec/template/spec")]
#[case::replica_set("apps/v1", "ReplicaSet", "/spec/template/spec")]
#[case::replication_controller("v1", "ReplicationController", "/spec/template/spec")]
#[case::job("batch/v1", "Job", "/spec/template/spec")]
#[case::cron_job("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec")]
#[case::pod_template("v1", "PodTemplate", "/template/spec")]
#[case::a_kind_of_others("argoproj.io/v1alpha1", "Rollout", "/spec/template/spec")]
#[case::a_pod_of_others("example.com/v1", "Pod", "/spec/template/spec")]
#[case::a_cron_job_of_others("example.com/v1", "CronJob", "/spec/template/spec")]
fn containers_of_all_kinds(#[case] api_version: &str, #[case] kind: &str, #[case] pointer: &str) {
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let named = |name: &str| json!([{ "name": name }]);
    let mut object: Value = lists.iter().map(|list| ((*list).to_owned(), named(list))).collect();
    for field in pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev() {
        object = json!({ field: object });
    }
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"] = json!({ "name": "web" });
    apply_change(&mut object, &env(None, &[("A", Some("1"))])).unwrap();
    apply_change(&mut object, &env(Some("initContainers"), &[("B", Some("2"))])).unwrap();
    let spec = object.pointer(pointer).unwrap();
    assert_eq!(spec["containers"][0]["env"], json!([{ "name": "A", "value": "1" }]));
    assert_eq!(spec["ephemeralContainers"][0]["env"], json!([{ "name": "A", "value": "1" }]));
    let both = json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }]);
    assert_eq!(spec["initContainers"][0]["env"], both);
}

#[rstest]
#[case::added_in_order(
    json!(null), &[("B", Some("2")), ("A", Some(""))],
    json!([{ "name": "A", "value": "" }, { "name": "B", "value": "2" }])
)]
#[case::replaced_in_place(
    json!([{ "name": "Z", "value": "0" }, { "name": "A", "value": "1" }]), &[("Z", Some("9")), ("B", Some("2"))],
    json!([{ "name": "Z", "value": "9" }, { "name": "A", "value": "1" }, { "name": "B", "value": "2" }])
)]
#[case::a_source_is_replaced(
    json!([{ "name": "A", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }]), &[("A", Some("1"))],
    json!([{ "name": "A", "value": "1" }])
)]
#[case::a_source_that_is_not_named_stays(
    json!([{ "name": "A", "valueFrom": { "x": 1 } }]), &[("B", Some("1"))],
    json!([{ "name": "A", "valueFrom": { "x": 1 } }, { "name": "B", "value": "1" }])
)]
#[case::removed(
    json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }]), &[("A", None)],
    json!([{ "name": "B", "value": "2" }])
)]
#[case::the_last_one_removed(json!([{ "name": "A", "value": "1" }]), &[("A", None)], json!(null))]
#[case::removed_where_there_is_none(json!([{ "name": "A", "value": "1" }]), &[("B", None)], json!([{ "name": "A", "value": "1" }]))]
#[case::twice_becomes_once(
    json!([{ "name": "A", "value": "1" }, { "name": "B" }, { "name": "A", "value": "2" }]), &[("A", Some("3"))],
    json!([{ "name": "A", "value": "3" }, { "name": "B" }])
)]
#[case::twice_is_removed_twice(json!([{ "name": "A" }, { "name": "A" }]), &[("A", None)], json!(null))]
fn environment(#[case] before: Value, #[case] pairs: &[(&str, Option<&str>)], #[case] expect: Value) {
    let mut object = pod(&json!([{ "name": "web", "env": before }]));
    apply_change(&mut object, &env(Some("web"), pairs)).unwrap();
    assert_eq!(object["spec"]["containers"][0]["env"], expect);
}

#[test]
fn only_the_named_container_changes() {
    let mut object = pod(&json!([{ "name": "web" }, { "name": "side" }]));
    apply_change(&mut object, &env(Some("side"), &[("A", Some("1"))])).unwrap();
    assert_eq!(object["spec"]["containers"][0], json!({ "name": "web" }));
    assert_eq!(object["spec"]["containers"][1]["env"][0]["name"], "A");
}

#[rstest]
#[case::no_such_container(pod(&json!([{ "name": "web" }, { "name": "side" }])), "there is no container `db`; there are `web`, `side`")]
#[case::no_containers(pod(&json!([])), "the object's pod template has no containers")]
#[case::nothing_that_runs_pods(
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" }, "data": { "A": "HUSH" } }),
    "the object has no pod template, and so no containers"
)]
#[case::a_spec_of_text(
    json!({ "apiVersion": "v1", "kind": "Pod", "spec": "HUSH" }), "the object has no pod template, and so no containers"
)]
#[case::containers_of_text(pod(&json!("HUSH")), "`spec.containers` of the object is not a list")]
#[case::a_container_of_text(pod(&json!([{ "name": "web" }, "HUSH"])), "`spec.containers[1]` of the object is not a mapping")]
#[case::variables_of_text(
    pod(&json!([{ "name": "db", "env": "HUSH" }])), "`spec.containers[0].env` of the object is not a list"
)]
#[case::a_variable_of_text(
    pod(&json!([{ "name": "db", "env": [{ "name": "A" }, "HUSH"] }])),
    "`spec.containers[0].env[1]` of the object is not a mapping"
)]
fn refused(#[case] object: Value, #[case] message: &str) {
    let mut changed = object.clone();
    let error = apply_change(&mut changed, &env(Some("db"), &[("A", Some("HUSH"))])).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(changed, object, "what failed changed the object");
}

#[rstest]
#[case::word("A_B", true)]
#[case::dots("a.b-c", true)]
#[case::a_digit_first("1", true)]
#[case::a_space("A B", true)]
#[case::equals("A=B", false)]
#[case::empty("", false)]
#[case::a_tab("A\tB", false)]
#[case::not_ascii("GRÜN", false)]
fn names_of_variables(#[case] name: &str, #[case] expect: bool) {
    assert_eq!(env(None, &[(name, Some("HUSH"))]).check().is_ok(), expect);
}

fn labelled(labels: &Value) -> Value {
    let metadata = json!({ "name": "c", "labels": labels, "annotations": labels });
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata })
}

#[rstest]
#[case::added(json!({ "a": "1" }), &[("example.com/b", Some("2"))], json!({ "a": "1", "example.com/b": "2" }))]
#[case::added_where_there_are_none(json!(null), &[("b", Some(""))], json!({ "b": "" }))]
#[case::replaced(json!({ "a": "1" }), &[("a", Some("2"))], json!({ "a": "2" }))]
#[case::removed(json!({ "a": "1", "b": "2" }), &[("a", None)], json!({ "b": "2" }))]
#[case::the_last_one_removed(json!({ "a": "1" }), &[("a", None)], json!(null))]
#[case::removed_where_there_is_none(json!({ "a": "1" }), &[("b", None)], json!({ "a": "1" }))]
fn labels_and_annotations(
    #[case] before: Value,
    #[case] pairs: &[(&str, Option<&str>)],
    #[case] expect: Value,
) {
    let mut object = labelled(&before);
    apply_change(&mut object, &Change::Labels(changes(pairs))).unwrap();
    assert_eq!(object["metadata"]["labels"], expect);
    assert_eq!(object["metadata"]["annotations"], before);
    apply_change(&mut object, &Change::Annotations(changes(pairs))).unwrap();
    assert_eq!(object["metadata"]["annotations"], expect);
    assert_eq!(object["metadata"]["name"], "c");
}

#[test]
fn annotations_take_any_text() {
    let mut object = labelled(&json!({}));
    let text = "any text:\nof several lines, and longer than labels may be ".repeat(10);
    apply_change(&mut object, &Change::Annotations(changes(&[("a", Some(&text))]))).unwrap();
    assert_eq!(object["metadata"]["annotations"]["a"], text);
}

#[rstest]
#[case::a_key(
    Change::Labels(changes(&[("-a", Some("HUSH"))])),
    "label `-a`: it must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit"
)]
#[case::a_value(
    Change::Labels(changes(&[("a", Some("HUSH HUSH"))])),
    "label `a`: it must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit"
)]
#[case::an_annotation(Change::Annotations(changes(&[("a/b/c", Some("HUSH"))])), "annotation `a/b/c`: there may be one `/` only")]
#[case::ours(
    Change::Labels(changes(&[("multicluster.dev/federation", Some("HUSH"))])),
    "an override must not change `multicluster.dev/federation`, which a tool keeps for itself"
)]
#[case::ours_removed(
    Change::Labels(changes(&[("applyset.kubernetes.io/part-of", None)])),
    "an override must not change `applyset.kubernetes.io/part-of`, which a tool keeps for itself"
)]
#[case::of_kubectl(
    Change::Annotations(changes(&[("kubectl.kubernetes.io/last-applied-configuration", Some("HUSH"))])),
    "an override must not change `kubectl.kubernetes.io/last-applied-configuration`, which a tool keeps for itself"
)]
fn refused_labels(#[case] change: Change, #[case] message: &str) {
    let mut object = labelled(&json!({}));
    let error = apply_change(&mut object, &change).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error, change.check().unwrap_err());
    assert_eq!(object, labelled(&json!({})), "what failed changed the object");
}

#[test]
fn labels_that_are_none_are_refused() {
    let mut object = labelled(&json!("HUSH"));
    let error = apply_change(&mut object, &Change::Labels(changes(&[("a", Some("1"))]))).unwrap_err();
    assert_eq!(error.to_string(), "`metadata.labels` of the object is not a mapping");
}

#[rstest]
#[case::ours("multicluster.dev/federation", true)]
#[case::below_ours("records.multicluster.dev/x", true)]
#[case::of_apply_sets("applyset.kubernetes.io/id", true)]
#[case::of_kubectl("kubectl.kubernetes.io/last-applied-configuration", true)]
#[case::restarted_by_kubectl("kubectl.kubernetes.io/restartedAt", false)]
#[case::ends_like_ours("notmulticluster.dev/x", false)]
#[case::a_name_like_ours("multicluster.dev", false)]
#[case::common("app.kubernetes.io/name", false)]
fn reserved(#[case] key: &str, #[case] expect: bool) {
    assert_eq!(is_reserved(key), expect);
}

#[test]
fn a_value_stands_for_each_change() {
    let all = [
        env(None, &[("a", Some("1"))]),
        env(Some("web"), &[("a", Some("1"))]),
        env(None, &[("a", None)]),
        Change::Labels(changes(&[("a", Some("1"))])),
        Change::Annotations(changes(&[("a", Some("1"))])),
        Change::MergePatch(json!({ "a": "1" })),
        Change::JsonPatch(serde_json::from_value(json!([{ "op": "remove", "path": "/a" }])).unwrap()),
        Change::Images(Vec::new()),
    ];
    for (index, change) in all.iter().enumerate() {
        assert!(!change.to_value().is_null());
        assert!(all.iter().skip(index + 1).all(|other| other.to_value() != change.to_value()), "{change:?}");
    }
}

/// What a container sees at last of the variables with plain values: for a name that stands twice, the last one.
fn seen(env: &Value) -> BTreeMap<String, Option<String>> {
    let text = |item: &Value, field: &str| item.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
    let items = env.as_array().into_iter().flatten();
    items.map(|item| (text(item, "name").unwrap(), text(item, "value"))).collect()
}

proptest! {
    #[test]
    fn a_container_sees_what_was_set(
        before in proptest::collection::vec(("[A-D]", "[xyz]"), 0..6),
        values in proptest::collection::btree_map("[A-D]", proptest::option::of("[xyz]"), 0..4),
    ) {
        let before: Value = before.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let mut expect = seen(&before);
        for (name, value) in &values {
            match value {
                Some(_) => drop(expect.insert(name.clone(), value.clone())),
                None => drop(expect.remove(name)),
            }
        }
        let mut object = pod(&json!([{ "name": "web", "env": before }]));
        let change = Change::Env { container: None, values };
        apply_change(&mut object, &change).unwrap();
        prop_assert_eq!(seen(&object["spec"]["containers"][0]["env"]), expect);
        let once = object.clone();
        apply_change(&mut object, &change).unwrap();
        prop_assert_eq!(object, once);
    }

    #[test]
    fn no_object_panics(spec in value(), containers in value(), labels in value()) {
        let objects = [
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": labels, "spec": spec }),
            json!({ "metadata": { "labels": labels }, "spec": { "template": { "spec": { "containers": containers } } } }),
            labels,
        ];
        let all = [
            env(None, &[("A", Some("1")), ("B", None)]),
            Change::Labels(changes(&[("a", Some("1"))])),
            Change::Images(vec![multicluster_core::overrides::ImageChange {
                tag: Some("1".to_owned()),
                ..Default::default()
            }]),
        ];
        for (object, change) in objects.iter().flat_map(|object| all.iter().map(move |change| (object, change))) {
            let mut changed = object.clone();
            let done = apply_change(&mut changed, change);
            prop_assert!(done.is_ok() || changed == *object);
        }
    }
}
