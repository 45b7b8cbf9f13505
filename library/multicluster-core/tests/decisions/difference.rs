use multicluster_core::difference::{Change, difference, difference_of_secret};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::values::value;

fn shown(from: &Value, to: &Value) -> Vec<String> {
    difference(from, to).iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::nothing(json!({ "a": 1 }), json!({ "a": 1 }), &[])]
#[case::a_value(json!({ "spec": { "replicas": 3 } }), json!({ "spec": { "replicas": 5 } }), &["spec.replicas 3 → 5"])]
#[case::another_type(json!({ "a": "1" }), json!({ "a": 1 }), &[r#"a "1" → 1"#])]
#[case::added(json!({ "a": {} }), json!({ "a": { "b": "web" } }), &[r#"a.b added "web""#])]
#[case::removed(json!({ "a": { "b": "web" } }), json!({ "a": {} }), &["a.b removed"])]
#[case::added_with_its_leaves(
    json!({}), json!({ "limits": { "cpu": "1", "memory": "1Gi" } }),
    &[r#"limits.cpu added "1""#, r#"limits.memory added "1Gi""#]
)]
#[case::an_empty_mapping(json!({}), json!({ "emptyDir": {} }), &["emptyDir added {}"])]
#[case::null_is_a_value(json!({ "a": null }), json!({}), &["a removed"])]
#[case::null_to_value(json!({ "a": null }), json!({ "a": 1 }), &["a null → 1"])]
#[case::mapping_to_list(json!({ "a": { "b": 1 } }), json!({ "a": [1] }), &[r#"a {"b":1} → [1]"#])]
#[case::the_whole(json!(1), json!(2), &["(all) 1 → 2"])]
#[case::a_name_with_dots(
    json!({ "labels": { "app.kubernetes.io/name": "a" } }), json!({ "labels": { "app.kubernetes.io/name": "b" } }),
    &[r#"labels["app.kubernetes.io/name"] "a" → "b""#]
)]
#[case::items_by_name(
    json!({ "containers": [{ "name": "web", "image": "a:1" }, { "name": "side", "image": "b" }] }),
    json!({ "containers": [{ "name": "side", "image": "b" }, { "name": "web", "image": "a:2" }] }),
    &[r#"containers[name=web].image "a:1" → "a:2""#]
)]
#[case::items_come_and_go(
    json!({ "env": [{ "name": "A", "value": "1" }] }), json!({ "env": [{ "name": "B", "value": "1" }] }),
    &["env[name=A] removed", r#"env[name=B] added {"name":"B","value":"1"}"#]
)]
#[case::ports_of_two_protocols(
    json!([{ "port": 53, "protocol": "TCP", "x": 1 }, { "port": 53, "protocol": "UDP", "x": 1 }]),
    json!([{ "port": 53, "protocol": "TCP", "x": 1 }, { "port": 53, "protocol": "UDP", "x": 2 }]),
    &["[port=53,protocol=UDP].x 1 → 2"]
)]
#[case::volumes_mounted_twice(
    json!([{ "name": "v", "mountPath": "/a" }, { "name": "v", "mountPath": "/b" }]),
    json!([{ "name": "v", "mountPath": "/a" }, { "name": "v", "mountPath": "/b", "readOnly": true }]),
    &["[mountPath=/b].readOnly added true"]
)]
#[case::items_without_a_key_by_place(
    json!([{ "cidr": "10.0.0.0/8" }]), json!([{ "cidr": "10.0.0.0/9" }, { "cidr": "::/0" }]),
    &[r#"[0].cidr "10.0.0.0/8" → "10.0.0.0/9""#, r#"[1] added {"cidr":"::/0"}"#]
)]
#[case::names_that_are_not_unique_by_place(
    json!([{ "name": "a" }, { "name": "a" }]), json!([{ "name": "a" }, { "name": "b" }]), &[r#"[1].name "a" → "b""#]
)]
#[case::plain_items(json!({ "args": ["a", "b"] }), json!({ "args": ["a"] }), &["args[1] removed"])]
#[case::only_the_order(
    json!({ "env": [{ "name": "A" }, { "name": "B" }] }), json!({ "env": [{ "name": "B" }, { "name": "A" }] }),
    &[r#"env ["A","B"] → ["B","A"]"#]
)]
#[case::long_values_are_cut(
    json!({ "a": 1 }), json!({ "a": "ä".repeat(80) }), &["a 1 → \"AA…"]
)]
#[case::values_of_sixty_are_not(
    json!({ "a": 1 }), json!({ "a": "ä".repeat(58) }), &["a 1 → \"AA\""]
)]
fn differences(#[case] from: Value, #[case] to: Value, #[case] expect: &[&str]) {
    // `AA` stands for 58 of a letter of two bytes.
    let expect: Vec<String> = expect.iter().map(|text| text.replace("AA", &"ä".repeat(58))).collect();
    assert_eq!(shown(&from, &to), expect);
}

#[test]
fn a_secret_shows_no_values_whatever_field_they_are_in() {
    let secret = |data: Value, note: &str| json!({ "kind": "Secret", "metadata": { "annotations": { "last": note } }, "data": data });
    let from = secret(json!({ "password": "SFVTSA==", "old": "SFVTSA==" }), "HUSH");
    let to = secret(json!({ "password": "SFVTSDI=", "new": "SFVTSA==" }), "HUSH2");
    let changes = difference(&from, &to);
    assert_eq!(
        changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["data.new added", "data.old removed", "data.password changed", "metadata.annotations.last changed"]
    );
    let said = format!("{changes:?}");
    assert!(!said.contains("HUSH") && !said.contains("SFVT"), "{said}");
    // Parts of a secret do not say what they are parts of.
    let said = format!("{:?}", difference_of_secret(&from["data"], &to["data"]));
    assert!(!said.contains("SFVT"), "{said}");
}

#[test]
fn changes_can_be_made_by_hand() {
    assert_eq!(Change::new("a", None, None).to_string(), "a unchanged");
    assert_eq!(Change::new("a", Some(json!(1)), None).to_string(), "a removed");
}

proptest! {
    #[test]
    fn there_is_a_difference_if_and_only_if_values_are_unequal(from in value(), to in value()) {
        prop_assert_eq!(difference(&from, &to).is_empty(), from == to);
        prop_assert_eq!(difference(&from, &from), vec![]);
    }

    #[test]
    fn a_difference_read_backwards_has_the_same_paths(from in value(), to in value()) {
        let paths = |changes: Vec<Change>| {
            changes.into_iter().map(|change| change.path).collect::<std::collections::BTreeSet<_>>()
        };
        prop_assert_eq!(paths(difference(&from, &to)), paths(difference(&to, &from)));
    }

    #[test]
    fn a_secret_never_shows(secret in "[A-Z]{8}", at in value(), other in value()) {
        let from = json!({ "kind": "Secret", "data": { "key": secret, "list": [{ "value": secret }], "at": at } });
        let to = json!({ "kind": "Secret", "data": other });
        for change in difference(&from, &to).into_iter().chain(difference(&to, &from)) {
            let said = format!("{change} {change:?}");
            prop_assert!(!said.contains(&secret));
        }
    }
}
