use multicluster_core::names::ClusterName;
use multicluster_core::overrides::{
    Change, OverrideError, PROTECTED, Scope, apply, apply_change, parse_patch,
};
use multicluster_core::selector::{Labels, Selector};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::values::value;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "labels": { "a/b": "x" } },
        "spec": { "replicas": 1, "template": { "containers": [{ "name": "web" }, { "name": "side" }] } }
    })
}

#[rstest]
#[case::replace(json!([{ "op": "replace", "path": "/spec/replicas", "value": 3 }]), "/spec/replicas", json!(3))]
#[case::add_a_field(json!([{ "op": "add", "path": "/spec/paused", "value": true }]), "/spec/paused", json!(true))]
#[case::add_null(json!([{ "op": "add", "path": "/spec/paused", "value": null }]), "/spec/paused", json!(null))]
#[case::append(
    json!([{ "op": "add", "path": "/spec/template/containers/-", "value": { "name": "third" } }]),
    "/spec/template/containers/2/name", json!("third")
)]
#[case::insert(
    json!([{ "op": "add", "path": "/spec/template/containers/0", "value": { "name": "first" } }]),
    "/spec/template/containers/1/name", json!("web")
)]
#[case::remove_an_item(
    json!([{ "op": "remove", "path": "/spec/template/containers/0" }]), "/spec/template/containers/0/name", json!("side")
)]
#[case::copy_the_name(
    json!([{ "op": "copy", "from": "/metadata/name", "path": "/metadata/labels/app" }]), "/metadata/labels/app", json!("web")
)]
#[case::move_a_field(
    json!([{ "op": "move", "from": "/spec/replicas", "path": "/spec/count" }]), "/spec/count", json!(1)
)]
#[case::a_slash_in_a_name(
    json!([{ "op": "replace", "path": "/metadata/labels/a~1b", "value": "y" }]), "/metadata/labels/a~1b", json!("y")
)]
#[case::a_test_of_what_must_not_change(
    json!([{ "op": "test", "path": "/kind", "value": "Deployment" }, { "op": "add", "path": "/spec/x", "value": 1 }]),
    "/spec/x", json!(1)
)]
#[case::names_that_begin_like_protected_ones(
    json!([{ "op": "add", "path": "/metadata/namesake", "value": 1 }]), "/metadata/namesake", json!(1)
)]
#[case::a_name_elsewhere(
    json!([{ "op": "add", "path": "/spec/metadata", "value": { "name": 1 } }]), "/spec/metadata/name", json!(1)
)]
fn applied(#[case] patch: Value, #[case] pointer: &str, #[case] expect: Value) {
    let mut object = deployment();
    apply(&mut object, &parse_patch(&patch.to_string()).unwrap()).unwrap();
    assert_eq!(object.pointer(pointer), Some(&expect));
}

#[rstest]
#[case::not_json("[{", "the patch is not valid JSON (line 1, column 2)")]
#[case::not_a_list(
    "{}", r#"the patch must be a list of operations, as in `[{ op = "replace", path = "/spec/replicas", value = 3 }]`"#
)]
#[case::not_an_operation("[3]", "operation 0: it is not an object")]
#[case::no_op(
    r#"[{ "path": "/a" }]"#,
    "operation 0: `op` must be one of `add`, `remove`, `replace`, `move`, `copy`, `test`"
)]
#[case::unknown_op(
    r#"[{ "op": "HUSH" }]"#,
    "operation 0: `op` must be one of `add`, `remove`, `replace`, `move`, `copy`, `test`"
)]
#[case::no_path(r#"[{ "op": "remove" }]"#, "operation 0: `path` is missing")]
#[case::no_value(
    r#"[{ "op": "test", "path": "/a", "value": 1 }, { "op": "add", "path": "/a" }]"#,
    "operation 1: `value` is missing"
)]
#[case::no_from(r#"[{ "op": "copy", "path": "/a" }]"#, "operation 0: `from` is missing")]
#[case::not_a_pointer(
    r#"[{ "op": "remove", "path": "spec.replicas" }]"#,
    "operation 0: `path` must be a JSON pointer, such as `/spec/replicas` (`~1` stands for `/` within a name, `~0` for `~`)"
)]
#[case::a_wrong_escape(
    r#"[{ "op": "copy", "from": "/a~2", "path": "/a" }]"#,
    "operation 0: `from` must be a JSON pointer, such as `/spec/replicas` (`~1` stands for `/` within a name, `~0` for `~`)"
)]
#[case::kind(
    r#"[{ "op": "replace", "path": "/kind", "value": "HUSH" }]"#,
    "operation 0 (replace /kind): an override must not change `kind`"
)]
#[case::api_version(
    r#"[{ "op": "remove", "path": "/apiVersion" }]"#,
    "operation 0 (remove /apiVersion): an override must not change `apiVersion`"
)]
#[case::name(
    r#"[{ "op": "replace", "path": "/metadata/name", "value": "b" }]"#,
    "operation 0 (replace /metadata/name): an override must not change `metadata.name`"
)]
#[case::namespace(
    r#"[{ "op": "add", "path": "/metadata/namespace", "value": "b" }]"#,
    "operation 0 (add /metadata/namespace): an override must not change `metadata.namespace`"
)]
#[case::generate_name(
    r#"[{ "op": "add", "path": "/metadata/generateName", "value": "b" }]"#,
    "operation 0 (add /metadata/generateName): an override must not change `metadata.generateName`"
)]
#[case::uid(
    r#"[{ "op": "add", "path": "/metadata/uid", "value": "HUSH" }]"#,
    "operation 0 (add /metadata/uid): an override must not change `metadata.uid`"
)]
#[case::resource_version(
    r#"[{ "op": "add", "path": "/metadata/resourceVersion", "value": "HUSH" }]"#,
    "operation 0 (add /metadata/resourceVersion): an override must not change `metadata.resourceVersion`"
)]
#[case::within_managed_fields(
    r#"[{ "op": "remove", "path": "/metadata/managedFields/0" }]"#,
    "operation 0 (remove /metadata/managedFields/0): an override must not change `metadata.managedFields`"
)]
#[case::within_status(
    r#"[{ "op": "add", "path": "/status/replicas", "value": 1 }]"#,
    "operation 0 (add /status/replicas): an override must not change `status`"
)]
#[case::all_metadata(
    r#"[{ "op": "replace", "path": "/metadata", "value": {} }]"#,
    "operation 0 (replace /metadata): an override must not change `metadata.name`"
)]
#[case::the_whole_object(
    r#"[{ "op": "add", "path": "", "value": {} }]"#,
    "operation 0 (add ): an override must not change `apiVersion`"
)]
#[case::moved_away(
    r#"[{ "op": "move", "from": "/metadata/name", "path": "/spec/x" }]"#,
    "operation 0 (move /metadata/name): an override must not change `metadata.name`"
)]
#[case::moved_onto(
    r#"[{ "op": "move", "from": "/spec", "path": "/metadata" }]"#,
    "operation 0 (move /metadata): an override must not change `metadata.name`"
)]
fn refused(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse_patch(text).unwrap_err().to_string(), message);
}

#[rstest]
#[case::no_such_path(
    json!([{ "op": "replace", "path": "/spec/absent", "value": "HUSH" }]),
    "operation 0 (replace /spec/absent): the path does not exist in the object"
)]
#[case::no_such_parent(
    json!([{ "op": "add", "path": "/spec/strategy/type", "value": 1 }]),
    "operation 0 (add /spec/strategy/type): the path does not exist in the object"
)]
#[case::beyond_the_list(
    json!([{ "op": "remove", "path": "/spec/template/containers/2" }]),
    "operation 0 (remove /spec/template/containers/2): the path does not exist in the object"
)]
#[case::into_a_number(
    json!([{ "op": "add", "path": "/spec/replicas/x", "value": 1 }]),
    "operation 0 (add /spec/replicas/x): the path does not exist in the object"
)]
#[case::no_such_source(
    json!([{ "op": "copy", "from": "/absent", "path": "/spec/x" }]),
    "operation 0 (copy /spec/x): its `from` does not exist in the object"
)]
#[case::another_value(
    json!([{ "op": "test", "path": "/spec/replicas", "value": "HUSH" }]),
    "operation 0 (test /spec/replicas): the object has another value there"
)]
#[case::into_itself(
    json!([{ "op": "move", "from": "/spec", "path": "/spec/x" }]),
    "operation 0 (move /spec/x): a value cannot be moved into itself"
)]
#[case::after_one_that_worked(
    json!([{ "op": "remove", "path": "/spec/replicas" }, { "op": "remove", "path": "/spec/replicas" }]),
    "operation 1 (remove /spec/replicas): the path does not exist in the object"
)]
#[case::doubling((0..40).map(|index| json!({ "op": "copy", "from": "/spec", "path": format!("/spec/x{index}") })).collect(),
    "operation 14 (copy /spec/x14): the object would grow beyond 200000 values"
)]
fn failed(#[case] patch: Value, #[case] message: &str) {
    let mut object = deployment();
    let error = apply(&mut object, &parse_patch(&patch.to_string()).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(object, deployment(), "what failed changed the object");
}

#[test]
fn a_patch_that_was_built_elsewhere_is_checked_too() {
    let patch = serde_json::from_value(json!([{ "op": "remove", "path": "/kind" }])).unwrap();
    assert!(apply(&mut deployment(), &patch).is_err());
}

#[test]
fn long_patches_are_refused() {
    let operation = r#"{ "op": "remove", "path": "/a" }"#;
    let text = format!("[{}]", vec![operation; 1001].join(","));
    assert_eq!(
        parse_patch(&text).unwrap_err().to_string(),
        "the patch has 1001 operations, at most 1000 are allowed"
    );
}

#[rstest]
#[case::a_label(json!([{ "op": "add", "path": "/metadata/labels/multicluster.dev~1federation", "value": "HUSH" }]))]
#[case::all_labels(
    json!([{ "op": "add", "path": "/metadata/labels", "value": { "applyset.kubernetes.io/part-of": "HUSH" } }])
)]
#[case::an_annotation(json!([
    { "op": "add", "path": "/metadata/annotations", "value": {} },
    { "op": "copy", "from": "/kind", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration" },
]))]
fn reserved_keys_are_not_set(#[case] patch: Value) {
    let mut object = deployment();
    let patch = parse_patch(&patch.to_string()).unwrap();
    let error = apply(&mut object, &patch).unwrap_err();
    assert!(matches!(error, OverrideError::Reserved { .. }), "{error}");
    assert!(!error.to_string().contains("HUSH"));
    assert_eq!(error, apply_change(&mut object, &Change::JsonPatch(patch)).unwrap_err());
    assert_eq!(object, deployment(), "what failed changed the object");
}

#[test]
fn owner_references_may_be_set() {
    let owners = json!([{ "op": "add", "path": "/metadata/ownerReferences", "value": [{ "name": "it" }] }]);
    let mut object = deployment();
    apply(&mut object, &parse_patch(&owners.to_string()).unwrap()).unwrap();
    assert_eq!(object["metadata"]["ownerReferences"][0]["name"], "it");
}

#[rstest]
#[case::nothing_said(None, None, true)]
#[case::named(Some("aws"), None, true)]
#[case::named_with_others(Some("gcp aws"), None, true)]
#[case::not_named(Some("gcp"), None, false)]
#[case::nobody(Some(""), None, false)]
#[case::selected(None, Some("edge"), true)]
#[case::not_selected(None, Some("core"), false)]
#[case::named_and_selected(Some("aws"), Some("edge"), true)]
#[case::named_and_not_selected(Some("aws"), Some("core"), false)]
#[case::selected_and_not_named(Some("gcp"), Some("edge"), false)]
fn overrides_concern_clusters(
    #[case] clusters: Option<&str>,
    #[case] tier: Option<&str>,
    #[case] expect: bool,
) {
    let cluster = |name: &str| ClusterName::new(name).unwrap();
    let tiers = |tier: &str| Labels::from([("tier".to_owned(), tier.to_owned())]);
    let scope = Scope {
        clusters: clusters.map(|names| names.split_whitespace().map(cluster).collect()),
        selector: tier.map(|tier| Selector::new(tiers(tier), Vec::new()).unwrap()),
    };
    assert_eq!(scope.concerns(&cluster("aws"), &tiers("edge")), expect);
}

fn pointer() -> impl Strategy<Value = String> {
    let part = "(metadata|name|namespace|kind|apiVersion|spec|0|-|~0|~1|a)";
    proptest::collection::vec(part, 0..4)
        .prop_map(|parts| parts.iter().map(|part| format!("/{part}")).collect())
}

proptest! {
    #[test]
    fn no_patch_makes_another_object(
        operations in proptest::collection::vec(
            (proptest::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]), pointer(), pointer(), value()),
            0..6,
        ),
    ) {
        let patch: Value = operations
            .into_iter()
            .map(|(op, path, from, value)| json!({ "op": op, "path": path, "from": from, "value": value }))
            .collect();
        let mut object = deployment();
        if let Ok(patch) = parse_patch(&patch.to_string()) {
            let before = object.clone();
            let done = apply(&mut object, &patch);
            for (identity, _) in PROTECTED {
                prop_assert_eq!(object.pointer(identity), before.pointer(identity));
            }
            prop_assert!(done.is_ok() || object == before);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse_patch(&text);
    }
}
