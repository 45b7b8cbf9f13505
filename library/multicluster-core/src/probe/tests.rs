use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const US: &str = "multicluster-world";

/// An object in which these records say who owns what.
fn object(fields: Value, records: &[(&str, Value)]) -> Value {
    let mut object = fields;
    object["metadata"]["uid"] = "u".into();
    object["metadata"]["resourceVersion"] = "7".into();
    let records = records.iter().map(|(manager, fields)| {
        let operation = if *manager == US { "Apply" } else { "Update" };
        json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields })
    });
    object["metadata"]["managedFields"] = records.collect();
    object
}

fn config_map(data: Value, records: &[(&str, Value)]) -> Value {
    let mut map = json!({ "kind": "ConfigMap", "metadata": { "name": "web" } });
    map["data"] = data;
    object(map, records)
}

fn owns(names: &[&str]) -> Value {
    let fields: serde_json::Map<String, Value> =
        names.iter().map(|name| (format!("f:{name}"), json!({}))).collect();
    json!({ "f:data": fields })
}

fn check(live: &Value, result: &Value, expected: &str) {
    assert_eq!(compare(Some(live), result, US).to_string(), expected);
}

#[rstest]
#[case::a_field_that_changes(json!({ "a": "1" }), &["a"], json!({ "a": "2" }), &["a"], r#"update: data.a "1" → "2""#)]
#[case::a_field_that_comes(json!({}), &[], json!({ "a": "2" }), &["a"], r#"update: data.a added "2""#)]
#[case::a_field_that_goes(json!({ "a": "1", "b": "2" }), &["a", "b"], json!({ "a": "1" }), &["a"], "update: data.b removed")]
#[case::a_field_that_is_let_go_and_stays(json!({ "a": "1", "b": "2" }), &["a", "b"], json!({ "a": "1", "b": "2" }), &["a"], "unchanged")]
#[case::what_somebody_else_adds(json!({ "a": "1" }), &["a"], json!({ "a": "1", "injected": "x" }), &["a"], "unchanged")]
#[case::a_field_that_only_gets_an_owner(json!({ "a": "1" }), &[], json!({ "a": "1" }), &["a"], "unchanged")]
#[case::what_a_webhook_makes_of_it(json!({ "a": "1" }), &["a"], json!({ "a": "mutated" }), &["a"], r#"update: data.a "1" → "mutated""#)]
fn only_our_fields_count(
    #[case] before: Value,
    #[case] ours_before: &[&str],
    #[case] after: Value,
    #[case] ours_after: &[&str],
    #[case] expected: &str,
) {
    let live = config_map(before, &[("kubectl", owns(&["a", "b"])), (US, owns(ours_before))]);
    let result = config_map(after, &[("kubectl", owns(&["a", "b"])), (US, owns(ours_after))]);
    check(&live, &result, expected);
}

#[test]
fn at_most_six_fields_are_named() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all: Value = names.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
    let result = config_map(all, &[(US, owns(&names))]);
    let live = config_map(json!({}), &[]);
    check(
        &live,
        &result,
        r#"update: data.a added "x", data.b added "x", data.c added "x", data.d added "x", data.e added "x", data.f added "x" and 2 more"#,
    );
}

#[test]
fn what_the_server_writes_never_counts() {
    let live = config_map(json!({ "a": "1" }), &[(US, owns(&["a"]))]);
    let mut result = live.clone();
    result["metadata"]["generation"] = 9.into();
    result["metadata"]["managedFields"][0]["time"] = "later".into();
    result["status"] = json!({ "ready": true });
    result["metadata"]["managedFields"][0]["fieldsV1"]["f:status"] = json!({ "f:ready": {} });
    check(&live, &result, "unchanged");
}

#[test]
fn our_labels_are_no_change() {
    let live = config_map(json!({ "a": "1" }), &[("kubectl", owns(&["a"]))]);
    let mut fields = owns(&["a"]);
    fields["f:metadata"] = json!({ "f:labels": { "f:multicluster.dev/federation": {} } });
    let mut result = config_map(json!({ "a": "1" }), &[(US, fields)]);
    result["metadata"]["labels"] = json!({ "multicluster.dev/federation": "world" });
    check(&live, &result, "unchanged");
}

#[test]
fn without_a_record_of_ours_every_field_counts() {
    let live = config_map(json!({ "a": "1" }), &[]);
    let mut result = config_map(json!({ "a": "2" }), &[]);
    result["metadata"]["generation"] = 9.into();
    check(&live, &result, r#"update: data.a "1" → "2""#);
}

#[rstest]
#[case::being_deleted("/metadata/deletionTimestamp", "2026-01-01T00:00:00Z")]
#[case::another_one_by_now("/metadata/uid", "v")]
fn what_goes_is_made_again(#[case] pointer: &str, #[case] value: &str) {
    let result = config_map(json!({ "a": "1" }), &[(US, owns(&["a"]))]);
    let mut live = result.clone();
    live["metadata"][pointer.rsplit('/').next().unwrap()] = value.into();
    check(&live, &result, "create");
}

/// As an API server answers it: what was applied as text is recorded as text, and kept as data.
fn secret(data: Value) -> Value {
    let fields = json!({ "f:data": { "f:b": {} }, "f:stringData": { "f:a": {} } });
    let mut secret = object(json!({ "kind": "Secret", "metadata": { "name": "s" } }), &[(US, fields)]);
    secret["data"] = data;
    secret
}

#[test]
fn a_secret_is_looked_at_where_it_is_kept_and_not_shown() {
    let live = secret(json!({ "a": "MQ==", "b": "Mg==" }));
    let result = secret(json!({ "a": "aHVudGVyMg==", "b": "Mg==" }));
    let verdict = compare(Some(&live), &result, US);
    assert_eq!(verdict.to_string(), "update: data.a changed");
    assert!(!format!("{verdict:?}").contains("aHVudGVyMg=="));
    check(&live, &live, "unchanged");
    let Adoption::Differs(changes) = adoption(&live, &result) else { panic!("there is a difference") };
    assert!(!format!("{changes:?}").contains("aHVudGVyMg=="), "{changes:?}");
}

#[test]
fn lists_are_matched_by_their_keys() {
    let record = |names: &[&str]| {
        let items: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| {
                let key = format!("k:{}", json!({ "name": name }));
                (key, json!({ ".": {}, "f:name": {}, "f:image": {} }))
            })
            .collect();
        json!({ "f:spec": { "f:containers": items } })
    };
    let of = |containers: Value, names: &[&str]| {
        object(
            json!({ "kind": "Deployment", "metadata": {}, "spec": { "containers": containers } }),
            &[(US, record(names))],
        )
    };
    let live = of(
        json!([{ "name": "old", "image": "o" }, { "name": "web", "image": "a", "imagePullPolicy": "Always" }, { "name": "injected", "image": "i" }]),
        &["old", "web"],
    );
    let result = of(
        json!([{ "name": "web", "image": "b", "imagePullPolicy": "Always" }, { "name": "injected", "image": "i" }]),
        &["web"],
    );
    check(
        &live,
        &result,
        r#"update: spec.containers[name=old] removed, spec.containers[name=web].image "a" → "b""#,
    );
}

#[rstest]
#[case::our_labels(json!({ "labels": { "applyset.kubernetes.io/part-of": "x", "multicluster.dev/federation": "world" } }), json!({ "a": "1" }), 0)]
#[case::a_label_of_the_manifest(json!({ "labels": { "tier": "web" } }), json!({ "a": "1" }), 1)]
#[case::a_value(json!({}), json!({ "a": "2" }), 1)]
#[case::what_nobody_owns(json!({}), json!({ "a": "1", "injected": "x" }), 1)]
#[case::who_owns_what(json!({ "managedFields": [], "generation": 3 }), json!({ "a": "1" }), 0)]
fn adopting(#[case] metadata: Value, #[case] data: Value, #[case] differences: usize) {
    let live = config_map(json!({ "a": "1" }), &[("kubectl", owns(&["a"]))]);
    let mut forced = live.clone();
    forced["data"] = data;
    for (name, value) in metadata.as_object().unwrap() {
        forced["metadata"][name] = value.clone();
    }
    let found = match adoption(&live, &forced) {
        Adoption::NoDifference => 0,
        Adoption::Differs(changes) => changes.len(),
    };
    assert_eq!(found, differences);
}

/// The words of Kubernetes 1.36.
const STATEFUL_SET: &str = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

#[rstest]
#[case::stateful_set("spec", STATEFUL_SET, json!({ "spec": { "replicas": 2, "serviceName": "b" } }), &["spec.serviceName"])]
#[case::job("spec.template", "field is immutable", json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": "b" }] } } } }), &["spec.template.spec.containers[name=c].image"])]
#[case::exactly_that_field("spec.selector", "field is immutable", json!({ "spec": { "selector": { "matchLabels": { "app": "b" } } } }), &["spec.selector.matchLabels.app"])]
#[case::a_field_that_the_body_does_not_have("spec.clusterIPs[0]", "may not change once set", json!({ "spec": { "replicas": 2 } }), &["spec.clusterIPs[0]"])]
#[case::a_longer_name_is_another_field("spec.selector", "field is immutable", json!({ "spec": { "selectorPolicy": 2 } }), &["spec.selector"])]
#[case::a_field_that_comes("spec", STATEFUL_SET, json!({ "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "d" } }] } }), &["spec.volumeClaimTemplates"])]
fn what_cannot_be_changed_is_named(
    #[case] field: &str,
    #[case] message: &str,
    #[case] body: Value,
    #[case] expected: &[&str],
) {
    let live = json!({
        "spec": {
            "replicas": 1,
            "serviceName": "a",
            "podManagementPolicy": "OrderedReady",
            "selector": { "matchLabels": { "app": "a" } },
            "template": { "spec": { "containers": [{ "name": "c", "image": "a", "imagePullPolicy": "Always" }], "dnsPolicy": "Default" } }
        }
    });
    assert_eq!(narrowed(&[field.to_owned()], message, &live, &body), expected);
}

#[rstest]
#[case::create(Verdict::Create, "create")]
#[case::unchanged(Verdict::Unchanged, "unchanged")]
#[case::replace(Verdict::Replace { fields: vec!["spec.selector".into(), "spec.x".into()], message: "field is immutable".into() }, "replace: spec.selector, spec.x cannot be changed")]
#[case::conflict(Verdict::Conflict { by: vec![Contested { manager: "kubectl".into(), field: "spec.replicas".into() }] }, "conflict: spec.replicas is owned by kubectl")]
#[case::refused(Verdict::Refused { problems: vec![Problem { field: Some("spec.x".into()), message: "unknown field".into() }, Problem { field: None, message: "no".into() }] }, "refused: `spec.x`: unknown field, no")]
#[case::namespace(Verdict::Unknown(Why::NamespaceMissing("shop".into())), "unknown: namespace `shop` does not exist yet")]
#[case::leaving_namespace(Verdict::Unknown(Why::NamespaceTerminating("shop".into())), "unknown: namespace `shop` is being deleted")]
#[case::kind(Verdict::Unknown(Why::KindMissing), "unknown: the cluster does not serve its kind yet")]
#[case::dry(Verdict::Unknown(Why::WebhookWithoutDryRun("x.example.com".into())), "unknown: admission webhook `x.example.com` takes no part in dry runs")]
#[case::down(Verdict::Unknown(Why::WebhookDown("refused".into())), "unknown: an admission webhook cannot be asked: refused")]
#[case::not_allowed(Verdict::Unknown(Why::NotAllowed("no".into())), "unknown: not allowed: no")]
#[case::quota(Verdict::Unknown(Why::ForNow("exceeded quota".into())), "unknown: refused as things are now: exceeded quota")]
#[case::let_go(
    Verdict::Unknown(Why::LetGo),
    "unknown: it is let go of first, and may then be adopted as it is"
)]
#[case::unreachable(Verdict::Unknown(Why::Unreachable("no answer in time".into())), "unknown: the API server cannot be reached: no answer in time")]
#[case::failed(Verdict::Unknown(Why::Failed("oops".into())), "unknown: the API server could not tell: oops")]
fn the_words_of_a_forecast(#[case] verdict: Verdict, #[case] expected: &str) {
    assert_eq!(verdict.to_string(), expected);
}

fn data() -> impl Strategy<Value = Vec<(String, String)>> {
    let entries = prop::collection::btree_map("[a-d]", "[xy]", 0..4);
    entries.prop_map(|entries| entries.into_iter().collect())
}

fn object_of(data: &[(String, String)]) -> Value {
    data.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

proptest! {
    /// The oracle: a name that is ours before or after is a change if its values differ.
    #[test]
    fn a_change_is_an_unequal_value_of_ours(
        before in data(), after in data(),
        ours_before in prop::collection::btree_set("[a-d]", 0..4), ours_after in prop::collection::btree_set("[a-d]", 1..4),
    ) {
        let names = |set: &std::collections::BTreeSet<String>| owns(&set.iter().map(String::as_str).collect::<Vec<_>>());
        let (old, new) = (object_of(&before), object_of(&after));
        let live = config_map(old.clone(), &[(US, names(&ours_before))]);
        let result = config_map(new.clone(), &[(US, names(&ours_after))]);
        let expected = ours_before.union(&ours_after).filter(|name| old.get(name) != new.get(name)).count();
        let found = match compare(Some(&live), &result, US) {
            Verdict::Unchanged => 0,
            Verdict::Update { changes } => changes.len(),
            other => panic!("{other}"),
        };
        prop_assert_eq!(found, expected);
    }

    /// Foreign answers never panic, and an object is like itself.
    #[test]
    fn anything_can_be_compared(text in "\\PC{0,40}", fields in prop::collection::vec("[f:kvi.\\{\\}\"a]{0,8}", 0..5)) {
        let record: Value = fields.iter().map(|step| (step.clone(), json!({ "f:a": {} }))).collect();
        let object = object(json!({ "metadata": {}, "a": text, "data": [text] }), &[(US, record)]);
        prop_assert_eq!(compare(Some(&object), &object, US), Verdict::Unchanged);
        prop_assert_eq!(adoption(&object, &object), Adoption::NoDifference);
    }
}
