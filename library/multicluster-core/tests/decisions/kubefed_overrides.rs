//! KubeFed's overrides, held against what KubeFed's own patches do.

use multicluster_core::kubefed::Expanded;
use rstest::rstest;
use serde_json::{Value, json};

use crate::kubefed::{World, cluster, object, texts};

const TEMPLATE: &str = "
    metadata: { labels: { app: web } }
    spec: { replicas: 1, list: [a, b, c], empty: null, text: x }
";

/// A custom object with [`TEMPLATE`] on cluster1, and the overrides of that cluster.
fn expand(overrides: &str) -> Result<Expanded, Vec<String>> {
    expand_with(TEMPLATE, &format!("[{{ clusterName: cluster1, clusterOverrides: {overrides} }}]"))
}

fn expand_with(template: &str, overrides: &str) -> Result<Expanded, Vec<String>> {
    let text = format!(
        "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedWidget
metadata: {{ name: one }}
spec:
  template:
    apiVersion: example.com/v1
{template}
  placement: {{ clusters: [{{ name: cluster1 }}] }}
  overrides: {overrides}
"
    );
    World::two().expand(&text).map_err(|problems| texts(&problems))
}

fn spec(overrides: &str) -> Value {
    object(&expand(overrides).unwrap())["spec"].clone()
}

#[rstest]
#[case::replace_is_the_default("[{ path: /spec/replicas, value: 5 }]", "/spec/replicas", Some(json!(5)))]
#[case::an_empty_op_is_replace("[{ op: '', path: /spec/replicas, value: 5 }]", "/spec/replicas", Some(json!(5)))]
#[case::replace_sets_what_is_not_there("[{ path: /spec/new, value: 5 }]", "/spec/new", Some(json!(5)))]
#[case::add("[{ op: add, path: /spec/new, value: { a: b } }]", "/spec/new/a", Some(json!("b")))]
#[case::add_replaces("[{ op: add, path: /spec/text, value: z }]", "/spec/text", Some(json!("z")))]
#[case::remove("[{ op: remove, path: /spec/text }]", "/spec/text", None)]
#[case::replace_an_item("[{ path: /spec/list/1, value: x }]", "/spec/list", Some(json!(["a", "x", "c"])))]
#[case::insert_an_item("[{ op: add, path: /spec/list/1, value: x }]", "/spec/list", Some(json!(["a", "x", "b", "c"])))]
#[case::append("[{ op: add, path: /spec/list/-, value: x }]", "/spec/list", Some(json!(["a", "b", "c", "x"])))]
#[case::append_by_number("[{ op: add, path: /spec/list/3, value: x }]", "/spec/list", Some(json!(["a", "b", "c", "x"])))]
#[case::from_the_end("[{ path: /spec/list/-1, value: x }]", "/spec/list", Some(json!(["a", "b", "x"])))]
#[case::insert_from_the_end("[{ op: add, path: /spec/list/-1, value: x }]", "/spec/list", Some(json!(["a", "b", "c", "x"])))]
#[case::insert_before_the_last("[{ op: add, path: /spec/list/-2, value: x }]", "/spec/list", Some(json!(["a", "b", "x", "c"])))]
#[case::remove_from_the_end("[{ op: remove, path: /spec/list/-3 }]", "/spec/list", Some(json!(["b", "c"])))]
#[case::no_value_is_null("[{ path: /spec/text }]", "/spec/text", Some(Value::Null))]
#[case::escapes("[{ op: add, path: /spec/a~1b~0c, value: 1 }]", "/spec/a~1b~0c", Some(json!(1)))]
#[case::in_order("[{ op: add, path: /spec/new, value: {} }, { op: add, path: /spec/new/a, value: 1 }]", "/spec/new/a", Some(json!(1)))]
fn operations(#[case] overrides: &str, #[case] pointer: &str, #[case] expected: Option<Value>) {
    let found = json!({ "spec": spec(overrides) });
    assert_eq!(found.pointer(pointer), expected.as_ref());
}

const NOTHING_ABOVE: &str = "on `cluster1`: the object has nothing at the place above it";
const NO_ITEM: &str = "on `cluster1`: the list has no such item";
const NO_INDEX: &str =
    "on `cluster1`: an item of a list is named by its number, or by `-` for `add` at the end";

#[rstest]
#[case::nothing_above("[{ op: add, path: /spec/none/a, value: 1 }]", "", NOTHING_ABOVE)]
#[case::null_above("[{ op: add, path: /spec/empty/a, value: 1 }]", "", NOTHING_ABOVE)]
#[case::text_above("[{ op: add, path: /spec/text/a, value: 1 }]", "", NOTHING_ABOVE)]
#[case::nothing_to_remove(
    "[{ op: remove, path: /spec/none }]",
    "",
    "on `cluster1`: the object has no such field to remove"
)]
#[case::beyond_the_list("[{ path: /spec/list/3, value: x }]", "", NO_ITEM)]
#[case::far_beyond_the_list("[{ op: add, path: /spec/list/99999999999999999999, value: x }]", "", NO_ITEM)]
#[case::before_the_list("[{ op: remove, path: /spec/list/-4 }]", "", NO_ITEM)]
#[case::not_an_index("[{ path: /spec/list/x, value: x }]", "", NO_INDEX)]
#[case::replace_at_the_end("[{ path: /spec/list/-, value: x }]", "", NO_INDEX)]
#[case::unknown_op("[{ op: move, path: /spec/text }]", ".op", "it must be `add`, `remove` or `replace`")]
#[case::no_path("[{ op: add, value: 1 }]", ".path", "it is missing")]
#[case::the_whole("[{ path: '', value: {} }]", ".path", "it is missing")]
#[case::no_pointer(
    "[{ path: spec.replicas, value: 1 }]",
    ".path",
    "it must be a JSON pointer, such as `/spec/replicas`"
)]
#[case::name("[{ path: /metadata/name, value: x }]", ".path", "an override must not change `/metadata/name`")]
#[case::namespace(
    "[{ path: /metadata/namespace, value: x }]",
    ".path",
    "an override must not change `/metadata/namespace`"
)]
#[case::generated_name(
    "[{ path: /metadata/generateName, value: x }]",
    ".path",
    "an override must not change `/metadata/generateName`"
)]
#[case::kind("[{ path: /kind, value: x }]", ".path", "an override must not change `/kind`")]
#[case::all_of_metadata(
    "[{ path: /metadata, value: { name: other } }]",
    "",
    "on `cluster1` the overrides turn Widget.example.com one into another object"
)]
#[case::no_metadata(
    "[{ op: remove, path: /metadata }]",
    "",
    "on `cluster1` it makes no object: `metadata.name` is missing or not text"
)]
fn what_cannot_be_done_is_named(#[case] overrides: &str, #[case] field: &str, #[case] message: &str) {
    let expected = format!("FederatedWidget one: spec.overrides[0].clusterOverrides[0]{field}: {message}");
    assert_eq!(expand(overrides).unwrap_err(), [expected]);
}

#[test]
fn a_path_and_a_cluster_come_once() {
    let twice = "[{ clusterName: cluster1, clusterOverrides: [{ path: /spec/a, value: 1 }, { op: remove, path: /spec/a }] }, \
                 { clusterName: cluster1 }]";
    let expected = [
        "FederatedWidget one: spec.overrides[0].clusterOverrides[1].path: the path comes twice for this cluster",
        "FederatedWidget one: spec.overrides[1].clusterName: `cluster1` has overrides already: write them into one item",
    ];
    assert_eq!(expand_with(TEMPLATE, twice).unwrap_err(), expected);
}

#[test]
fn values_are_never_repeated() {
    let problems = expand("[{ op: add, path: /spec/none/password, value: hunter2 }]").unwrap_err();
    assert!(!problems[0].contains("hunter2"));
}

#[test]
fn the_version_may_be_overridden() {
    let expanded = expand("[{ path: /apiVersion, value: other.example.com/v1 }]").unwrap();
    assert_eq!(
        expanded.objects.keys().map(ToString::to_string).collect::<Vec<_>>(),
        ["Widget.other.example.com one"]
    );
}

#[rstest]
#[case::added_one_by_one("[{ op: add, path: /metadata/annotations/a, value: b }]", json!({ "a": "b" }))]
#[case::added_as_a_whole("[{ op: add, path: /metadata/annotations, value: { a: b } }]", json!({ "a": "b" }))]
#[case::taken_away("[{ op: remove, path: /metadata/annotations/theirs }]", Value::Null)]
fn annotations_are_those_of_the_member(#[case] overrides: &str, #[case] expected: Value) {
    let template = "    metadata: { annotations: { dropped: x }, finalizers: [dropped] }\n    spec: {}";
    let overrides = format!("[{{ clusterName: cluster1, clusterOverrides: {overrides} }}]");
    let expanded = expand_with(template, &overrides).unwrap();
    assert_eq!(object(&expanded)["metadata"]["annotations"], expected);
    assert_eq!(object(&expanded)["metadata"].get("finalizers"), None);
}

#[test]
fn finalizers_can_be_added() {
    let expanded = expand("[{ op: add, path: /metadata/finalizers/-, value: example.com/guard }]").unwrap();
    assert_eq!(object(&expanded)["metadata"]["finalizers"], json!(["example.com/guard"]));
}

#[test]
fn kubefeds_label_is_not_rendered_even_if_overridden() {
    let expanded =
        expand("[{ op: add, path: /metadata/labels/kubefed.io~1managed, value: 'true' }]").unwrap();
    assert_eq!(object(&expanded)["metadata"]["labels"], json!({ "app": "web" }));
    let only = expand_with("    metadata: { labels: { kubefed.io/managed: 'true' } }", "[]").unwrap();
    assert_eq!(object(&only)["metadata"], json!({ "name": "one" }));
}

#[test]
fn overrides_are_for_their_cluster_only() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedClusterRole
metadata: { name: reader }
spec:
  template: { rules: [] }
  placement: { clusterSelector: {} }
  overrides: [{ clusterName: cluster2, clusterOverrides: [{ op: remove, path: /rules }] }]
";
    let expanded = World::two().expand(text).unwrap();
    let objects = expanded.objects.values().next().unwrap();
    assert_eq!(objects[&cluster("cluster1")].get("rules"), Some(&json!([])));
    assert_eq!(objects[&cluster("cluster2")].get("rules"), None);
}

#[test]
fn overrides_for_clusters_without_the_object_are_not_tried() {
    let overrides = "[{ clusterName: cluster2, clusterOverrides: [{ op: remove, path: /none }] }]";
    assert!(expand_with(TEMPLATE, overrides).is_ok());
}

fn retained(expanded: &Expanded) -> Vec<&str> {
    expanded
        .retained
        .values()
        .flat_map(|members| &members[&cluster("cluster1")])
        .map(String::as_str)
        .collect()
}

#[test]
fn replicas_are_retained_unless_an_override_writes_them() {
    let retains = format!("{TEMPLATE}  retainReplicas: true");
    assert_eq!(retained(&expand_with(&retains, "[]").unwrap()), ["/spec/replicas"]);
    let over = "[{ clusterName: cluster1, clusterOverrides: [{ path: /spec/replicas, value: 2 }] }]";
    assert!(expand_with(&retains, over).unwrap().retained.is_empty());
    assert!(expand_with(TEMPLATE, "[]").unwrap().retained.is_empty());
    assert!(expand_with("    spec: {}\n  retainReplicas: true", "[]").unwrap().retained.is_empty());
}

#[test]
fn what_a_cluster_allocates_to_a_service_is_retained() {
    let text = "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedNamespace
metadata: { name: shop, namespace: shop }
spec: { placement: { clusterSelector: {} } }
---
apiVersion: types.kubefed.io/v1beta1
kind: FederatedService
metadata: { name: web, namespace: shop }
spec:
  template: { spec: { clusterIP: 10.0.0.1, ports: [{ port: 80 }, { port: 443, nodePort: 30443 }] } }
  placement: { clusters: [{ name: cluster1 }] }
";
    assert_eq!(retained(&World::two().expand(text).unwrap()), ["/spec/clusterIP", "/spec/ports/1/nodePort"]);
}
