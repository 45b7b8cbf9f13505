use multicluster_core::overrides::{Change, PROTECTED, apply_change, parse_merge_patch};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::values::value;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "labels": { "a": "x" } },
        "spec": { "replicas": 1, "template": { "containers": [{ "name": "web" }, { "name": "side" }] } }
    })
}

#[rstest]
#[case::replace(json!({ "spec": { "replicas": 3 } }), "/spec/replicas", Some(json!(3)))]
#[case::what_is_not_named_stays(json!({ "spec": { "replicas": 3 } }), "/spec/template/containers/1/name", Some(json!("side")))]
#[case::remove(json!({ "spec": { "replicas": null } }), "/spec/replicas", None)]
#[case::remove_what_is_not_there(json!({ "spec": { "paused": null } }), "/spec/paused", None)]
#[case::a_list_is_replaced_whole(
    json!({ "spec": { "template": { "containers": [{ "image": null }] } } }),
    "/spec/template/containers", Some(json!([{ "image": null }]))
)]
#[case::nulls_within_new_mappings_vanish(
    json!({ "spec": { "strategy": { "type": "Recreate", "rollingUpdate": null } } }),
    "/spec/strategy", Some(json!({ "type": "Recreate" }))
)]
#[case::a_mapping_replaces_a_number(json!({ "spec": { "replicas": { "a": 1 } } }), "/spec/replicas", Some(json!({ "a": 1 })))]
#[case::a_label(json!({ "metadata": { "labels": { "b": "y" } } }), "/metadata/labels", Some(json!({ "a": "x", "b": "y" })))]
#[case::all_labels(json!({ "metadata": { "labels": null } }), "/metadata/labels", None)]
#[case::owners(json!({ "metadata": { "ownerReferences": [] } }), "/metadata/ownerReferences", Some(json!([])))]
#[case::names_elsewhere(json!({ "spec": { "kind": "x", "status": "y" } }), "/spec/status", Some(json!("y")))]
#[case::nothing(json!({ "metadata": {} }), "/metadata/name", Some(json!("web")))]
fn applied(#[case] patch: Value, #[case] pointer: &str, #[case] expect: Option<Value>) {
    let mut object = deployment();
    apply_change(&mut object, &Change::MergePatch(parse_merge_patch(&patch.to_string()).unwrap())).unwrap();
    assert_eq!(object.pointer(pointer), expect.as_ref());
}

#[rstest]
#[case::not_json("{", "the patch is not valid JSON (line 1, column 1)")]
#[case::a_list(r#"["HUSH"]"#, "the merge patch must be a mapping, as in `{ spec = { replicas = 3 } }`")]
#[case::nothing("null", "the merge patch must be a mapping, as in `{ spec = { replicas = 3 } }`")]
#[case::kind(r#"{ "kind": "HUSH" }"#, "an override must not change `kind`")]
#[case::api_version(r#"{ "apiVersion": null }"#, "an override must not change `apiVersion`")]
#[case::name(r#"{ "metadata": { "name": "HUSH" } }"#, "an override must not change `metadata.name`")]
#[case::namespace(
    r#"{ "metadata": { "namespace": null } }"#,
    "an override must not change `metadata.namespace`"
)]
#[case::generate_name(
    r#"{ "metadata": { "generateName": "HUSH" } }"#,
    "an override must not change `metadata.generateName`"
)]
#[case::uid(r#"{ "metadata": { "uid": "HUSH" } }"#, "an override must not change `metadata.uid`")]
#[case::resource_version(
    r#"{ "metadata": { "resourceVersion": "HUSH" } }"#,
    "an override must not change `metadata.resourceVersion`"
)]
#[case::managed_fields(
    r#"{ "metadata": { "managedFields": [] } }"#,
    "an override must not change `metadata.managedFields`"
)]
#[case::status(r#"{ "status": { "replicas": 1 } }"#, "an override must not change `status`")]
#[case::all_metadata(r#"{ "metadata": null }"#, "an override must not change `metadata.name`")]
#[case::metadata_that_is_none(r#"{ "metadata": ["HUSH"] }"#, "an override must not change `metadata.name`")]
fn refused(#[case] text: &str, #[case] message: &str) {
    let error = parse_merge_patch(text).unwrap_err();
    assert_eq!(error.to_string(), message);
    if let Ok(patch) = serde_json::from_str(text) {
        let mut object = deployment();
        assert_eq!(apply_change(&mut object, &Change::MergePatch(patch)).unwrap_err(), error);
        assert_eq!(object, deployment(), "what failed changed the object");
    }
}

#[test]
fn reserved_labels_are_not_set() {
    let patch = json!({ "metadata": { "labels": { "multicluster.dev/federation": "HUSH" } }, "spec": { "replicas": 2 } });
    let mut object = deployment();
    let error = apply_change(&mut object, &Change::MergePatch(patch)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an override must not change `multicluster.dev/federation`, which a tool keeps for itself"
    );
    assert_eq!(object, deployment(), "what failed changed the object");
}

/// The definition of RFC 7386, section 2, word by word: what each field becomes, without changing anything in place.
fn merged(target: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let none = Map::new();
    let fields = target.and_then(Value::as_object).unwrap_or(&none);
    let kept = fields.iter().filter(|(name, _)| !changes.contains_key(*name));
    let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
    let new = changes.iter().filter(|(_, change)| !change.is_null());
    let new = new.map(|(name, change)| (name.clone(), merged(fields.get(name), change)));
    Value::Object(kept.chain(new).collect())
}

fn mapping() -> impl Strategy<Value = Value> {
    let fields = proptest::collection::btree_map("(spec|metadata|data|kind|status|a|b)", value(), 0..5);
    let name = "(name|namespace|labels|annotations|uid|a)";
    let metadata = proptest::collection::btree_map(name, value(), 0..4);
    (fields, proptest::option::of(metadata)).prop_map(|(fields, metadata)| {
        let mut object: Map<String, Value> = fields.into_iter().collect();
        if let Some(metadata) = metadata {
            object.insert("metadata".to_owned(), Value::Object(metadata.into_iter().collect()));
        }
        Value::Object(object)
    })
}

proptest! {
    #[test]
    fn merging_is_what_the_rfc_says(object in mapping(), patch in mapping()) {
        let mut changed = object.clone();
        match apply_change(&mut changed, &Change::MergePatch(patch.clone())) {
            Ok(()) => {
                prop_assert_eq!(&changed, &merged(Some(&object), &patch));
                // Once more is once: a merge patch says how it shall be.
                apply_change(&mut changed, &Change::MergePatch(patch.clone())).unwrap();
                prop_assert_eq!(&changed, &merged(Some(&object), &patch));
            }
            Err(_) => prop_assert_eq!(changed, object),
        }
    }

    #[test]
    fn no_merge_patch_makes_another_object(patch in mapping()) {
        let before = deployment();
        let mut object = before.clone();
        let applied = apply_change(&mut object, &Change::MergePatch(patch.clone()));
        for (identity, _) in PROTECTED {
            prop_assert_eq!(object.pointer(identity), before.pointer(identity));
        }
        // And what does not touch these is not refused.
        let touched = PROTECTED.iter().any(|(pointer, _)| patch.pointer(pointer).is_some())
            || patch.get("metadata").is_some_and(|metadata| !metadata.is_object());
        prop_assert_eq!(applied.is_err(), touched);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse_merge_patch(&text);
    }
}
