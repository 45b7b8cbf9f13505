use rstest::rstest;
use serde_json::{Value as Json, json};

use super::super::fixture::{SETTINGS, UNKNOWN, WEB, federation, said, value};
use super::*;

fn modelled(members: &Json, resources: &Json) -> (Option<Model>, Vec<String>) {
    let mut diagnostics = Diagnostics::new();
    let value = federation(members, resources);
    let model = model(&value, Some(&value), &Facts::default(), &mut diagnostics);
    (model, said(&diagnostics))
}

fn two() -> Json {
    json!({ "aws": { "labels": { "tier": "edge" } }, "gcp": { "labels": null } })
}

/// Where each object is: `aws ConfigMap shop/settings`.
fn places(model: &Model) -> Vec<String> {
    let places = model
        .rendered
        .iter()
        .flat_map(|(name, objects)| objects.keys().map(move |key| format!("{name} {key}")));
    places.collect()
}

#[rstest]
#[case::no_placement(json!(null), &["aws", "gcp"])]
#[case::empty_placement(json!({ "clusters": null, "match_labels": null }), &["aws", "gcp"])]
#[case::by_name(json!({ "clusters": ["gcp"], "match_labels": null }), &["gcp"])]
#[case::no_name(json!({ "clusters": [], "match_labels": null }), &[])]
#[case::by_label(json!({ "clusters": null, "match_labels": { "tier": "edge" } }), &["aws"])]
#[case::no_label(json!({ "clusters": null, "match_labels": {} }), &["aws", "gcp"])]
fn null_and_empty_are_not_the_same(#[case] placement: Json, #[case] expected: &[&str]) {
    let resources = json!({ "settings": { "manifest": SETTINGS, "placement": placement, "replicas": null, "overrides": null } });
    let (model, said) = modelled(&two(), &resources);
    assert_eq!(said, [""; 0]);
    let expected: Vec<String> =
        expected.iter().map(|name| format!("{name} ConfigMap shop/settings")).collect();
    assert_eq!(places(&model.unwrap()), expected);
}

#[rstest]
#[case::no_members(json!({}), json!({ "settings": { "manifest": SETTINGS } }))]
#[case::no_resources(two(), json!(null))]
#[case::empty_resources(two(), json!({}))]
fn nothing_is_a_federation_too(#[case] members: Json, #[case] resources: Json) {
    let (model, said) = modelled(&members, &resources);
    assert_eq!(said, [""; 0]);
    assert_eq!(places(&model.unwrap()), [""; 0]);
}

#[test]
fn replicas_and_overrides_are_read() {
    let resources = json!({ "web": {
        "manifest": WEB,
        "replicas": { "total": null, "target": null, "clusters": { "aws": { "weight": 3, "min": null, "max": null }, "gcp": null } },
        "overrides": [{ "clusters": ["gcp"], "target": null, "patch": r#"[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]"# }],
    } });
    let (model, said) = modelled(&two(), &resources);
    assert_eq!(said, [""; 0]);
    let model = model.unwrap();
    let objects: Vec<_> = model.rendered.values().flat_map(BTreeMap::values).map(|it| &it.object).collect();
    assert_eq!(
        objects.iter().map(|it| it["spec"]["replicas"].as_u64()).collect::<Vec<_>>(),
        [Some(3), Some(1)]
    );
    assert_eq!(
        objects.iter().map(|it| it["metadata"]["labels"]["a"].as_str()).collect::<Vec<_>>(),
        [None, Some("b")]
    );
    assert!(model.rendered.values().flat_map(BTreeMap::values).all(|it| it.policy.wait.rollout));
}

#[rstest]
#[case::a_null_entry(two(), json!({ "it": null }), &[r#"resources["it"]: Missing value"#])]
#[case::no_manifest(two(), json!({ "it": { "manifest": null } }), &[r#"resources["it"]: Missing or conflicting objects"#])]
#[case::a_null_selector(
    two(),
    json!({ "it": { "manifest": SETTINGS, "placement": { "match_labels": { "tier": null } } } }),
    &[r#"resources["it"].placement.match_labels["tier"]: Missing value"#]
)]
#[case::a_null_label(
    json!({ "aws": { "labels": { "tier": null } } }), json!({}),
    &[r#"members["aws"].labels["tier"]: Missing value"#]
)]
#[case::a_null_cluster(
    two(), json!({ "it": { "manifest": SETTINGS, "placement": { "clusters": [null] } } }),
    &[r#"resources["it"].placement.clusters[0]: An element is null"#]
)]
#[case::a_null_override(
    two(), json!({ "it": { "manifest": SETTINGS, "overrides": [null] } }),
    &[r#"resources["it"].overrides[0]: The override changes nothing"#]
)]
#[case::every_entry(
    two(), json!({ "a": { "manifest": "[" }, "b": { "manifest": "[" } }),
    &[r#"resources["a"].manifest: Invalid manifest"#, r#"resources["b"].manifest: Invalid manifest"#]
)]
#[case::beside_an_unknown(
    two(), json!({ "a": { "manifest": UNKNOWN }, "b": { "manifest": "[" } }),
    &[r#"resources["b"].manifest: Invalid manifest"#]
)]
#[case::a_spec_that_is_none(
    two(),
    json!({ "it": { "manifest": "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: hello", "replicas": { "total": 2 } } }),
    &[r#"resources["it"].manifest: Invalid federation"#]
)]
#[case::the_namespace_of_the_records(
    two(),
    json!({ "it": { "manifest": "apiVersion: v1\nkind: Namespace\nmetadata: { name: multicluster-system }" } }),
    &[r#"resources["it"].manifest: Invalid federation"#]
)]
fn what_is_wrong_is_said_with_its_path(
    #[case] members: Json,
    #[case] resources: Json,
    #[case] expected: &[&str],
) {
    let (model, said) = modelled(&members, &resources);
    assert!(model.is_none());
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[rstest]
#[case::members(json!(UNKNOWN), json!({}))]
#[case::a_member(json!({ "aws": UNKNOWN }), json!({}))]
#[case::a_label(json!({ "aws": { "labels": { "tier": UNKNOWN } } }), json!({}))]
#[case::resources(two(), json!(UNKNOWN))]
#[case::an_entry(two(), json!({ "it": UNKNOWN }))]
#[case::a_manifest(two(), json!({ "it": { "manifest": UNKNOWN } }))]
#[case::a_cluster_of_a_placement(two(), json!({ "it": { "manifest": SETTINGS, "placement": { "clusters": [UNKNOWN] } } }))]
#[case::a_weight(two(), json!({ "it": { "manifest": WEB, "replicas": { "clusters": { "aws": { "weight": UNKNOWN } } } } }))]
#[case::a_patch(two(), json!({ "it": { "manifest": WEB, "overrides": [{ "patch": UNKNOWN }] } }))]
fn what_is_unknown_at_any_depth_is_neither_guessed_nor_wrong(#[case] members: Json, #[case] resources: Json) {
    assert!(!inputs_known(&federation(&members, &resources), None));
    let (model, said) = modelled(&members, &resources);
    assert!(model.is_none());
    assert_eq!(said, [""; 0]);
}

const LIVE: &str =
    r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"shop","uid":"u-1"}}"#;

#[rstest]
#[case::manifest(json!({ "manifest": LIVE }), "manifest: ")]
#[case::write_only(json!({ "manifest_wo": LIVE, "manifest_wo_version": 1 }), "manifest_wo: ")]
#[case::copy(
    json!({ "copy_from": { "cluster": "lab", "api_version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "c" } }),
    "copy_from: "
)]
fn a_problem_is_shown_at_the_attribute_that_has_it(#[case] entry: Json, #[case] expected: &str) {
    let (model, said) = modelled(&two(), &json!({ "it": entry }));
    assert!(model.is_none());
    assert!(said[0].starts_with(&format!(r#"resources["it"].{expected}"#)), "{said:?}");
}

#[test]
fn the_members_of_an_object_that_stands_alone_are_not_judged_before_they_are_known() {
    let over = json!([{ "clusters": ["aws"], "labels": { "a": "b" } }]);
    let mut object =
        json!({ "federation": "world", "name": "settings", "members": null, "manifest": SETTINGS });
    object["overrides"] = over;
    let mut diagnostics = Diagnostics::new();
    validate(&value(&object), &mut diagnostics);
    assert_eq!(said(&diagnostics), [""; 0]);
}
