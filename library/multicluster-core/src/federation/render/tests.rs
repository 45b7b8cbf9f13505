mod divided;
mod silent;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::federation::spec::CopyFrom;
use crate::federation::spec::{OverrideSpec, Replicas, Target};
use crate::names::FederationName;
use crate::overrides::{Change, Scope};
use crate::placement::Placement;
use crate::replicas::Mode;
use crate::replicas::Share;

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

/// Without anything known of the members.
fn rendered_of(spec: &FederationSpec) -> Result<Rendered, Vec<Problem>> {
    render(spec, &Facts::default())
}

fn entry(objects: &[Value]) -> ResourceSpec {
    ResourceSpec::new(objects.iter().cloned().map(|object| Manifest::new(object).unwrap()).collect())
}

/// A federation of `a` (tier edge) and `b` with these entries of `resources`.
fn spec(resources: impl IntoIterator<Item = (&'static str, ResourceSpec)>) -> FederationSpec {
    let edge = Labels::from([("tier".to_owned(), "edge".to_owned())]);
    FederationSpec {
        name: FederationName::new("world").unwrap(),
        members: BTreeMap::from([(name("a"), edge), (name("b"), Labels::new())]),
        resources: resources.into_iter().map(|(name, it)| (name.to_owned(), it)).collect(),
    }
}

fn object(kind: &str, name: &str) -> Value {
    let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "shop" } })
}

fn deployment(replicas: u64) -> Value {
    let mut object = object("Deployment", "web");
    object["spec"] = json!({ "replicas": replicas });
    object
}

fn on(member: &str) -> Scope {
    Scope { clusters: Some(BTreeSet::from([name(member)])), selector: None }
}

fn patch(text: &str) -> OverrideSpec {
    OverrideSpec {
        target: None,
        scope: Scope::default(),
        changes: vec![Change::JsonPatch(overrides::parse_patch(text).unwrap())],
    }
}

fn replicas(total: Option<u64>) -> Replicas {
    Replicas { target: None, total, mode: Mode::Weighted, steady: false, clusters: BTreeMap::new() }
}

/// The objects of a member in short: `Deployment shop/web`.
fn listed(rendered: &Rendered, member: &str) -> Vec<String> {
    rendered[&name(member)].keys().map(ToString::to_string).collect()
}

fn problem(spec: &FederationSpec) -> (Field, String) {
    let mut problems = rendered_of(spec).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems.remove(0);
    (problem.field, problem.message)
}

#[test]
fn a_member_without_objects_has_an_entry() {
    let labelled =
        Placement { match_labels: Some([("tier".into(), "edge".into())].into()), ..Placement::default() };
    let spec = spec([("web", ResourceSpec { placement: labelled, ..entry(&[object("ConfigMap", "c")]) })]);
    let rendered = rendered_of(&spec).unwrap();
    assert_eq!(listed(&rendered, "a"), ["ConfigMap shop/c"]);
    assert_eq!(listed(&rendered, "b"), [""; 0]);
}

#[rstest]
#[case::namespaced_kind_without_namespace("ConfigMap", json!({ "name": "x" }), Some("default"))]
#[case::empty_namespace("ConfigMap", json!({ "name": "x", "namespace": "" }), Some("default"))]
#[case::cluster_kind_with_namespace("Namespace", json!({ "name": "x", "namespace": "shop" }), None)]
fn namespaces_are_completed(#[case] kind: &str, #[case] metadata: Value, #[case] expected: Option<&str>) {
    let object = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata });
    let rendered = rendered_of(&spec([("it", entry(&[object]))])).unwrap();
    let (key, desired) = rendered[&name("a")].first_key_value().unwrap();
    assert_eq!(key.namespace.as_deref(), expected);
    assert_eq!(desired.object.pointer("/metadata/namespace").and_then(Value::as_str), expected);
}

#[test]
fn replicas_are_divided_before_overrides_are_applied() {
    let over = OverrideSpec {
        scope: on("b"),
        ..patch(
            r#"[{ "op": "test", "path": "/spec/replicas", "value": 2 }, { "op": "replace", "path": "/spec/replicas", "value": 7 }]"#,
        )
    };
    let resource =
        ResourceSpec { replicas: Some(replicas(Some(5))), overrides: vec![over], ..entry(&[deployment(1)]) };
    let rendered = rendered_of(&spec([("web", resource)])).unwrap();
    let count =
        |member: &str| rendered[&name(member)].values().next().unwrap().object["spec"]["replicas"].clone();
    assert_eq!((count("a"), count("b")), (json!(3), json!(7)));
}

#[rstest]
#[case::total_of_the_manifest(Some(4), json!({ "replicas": 4 }))]
#[case::no_spec_means_one(None, Value::Null)]
#[case::no_replicas_means_one(None, json!({ "paused": true }))]
fn the_total_is_the_manifests_own(#[case] written: Option<u64>, #[case] of_spec: Value) {
    let mut web = object("Deployment", "web");
    if !of_spec.is_null() {
        web["spec"] = of_spec;
    }
    let resource = ResourceSpec { replicas: Some(replicas(None)), ..entry(&[web]) };
    let rendered = rendered_of(&spec([("web", resource)])).unwrap();
    let counts =
        rendered.values().flat_map(BTreeMap::values).map(|it| it.object["spec"]["replicas"].as_u64());
    assert_eq!(counts.sum::<Option<u64>>(), Some(written.unwrap_or(1)));
}

#[rstest]
#[case::text(json!("hello"))]
#[case::list(json!([1]))]
#[case::number(json!(1))]
fn a_spec_that_is_no_mapping_is_refused(#[case] spec_of_web: Value) {
    let mut web = object("Deployment", "web");
    web["spec"] = spec_of_web;
    let resource = ResourceSpec { replicas: Some(replicas(Some(2))), ..entry(&[web]) };
    let (field, message) = problem(&spec([("web", resource)]));
    assert_eq!(field, Field::Manifest);
    assert_eq!(message, "the `spec` of Deployment shop/web is not a mapping");
}

fn secret(field: &str, value: Value) -> Value {
    let mut object = object("Secret", "s");
    object[field] = value;
    object
}

fn with_metadata(field: &str, value: Value) -> Value {
    let mut object = object("ConfigMap", "c");
    object["metadata"][field] = value;
    object
}

#[rstest]
#[case::data(secret("data", json!({ "a": "Yg==" })), "Secret shop/s holds data")]
#[case::string_data(secret("stringData", json!({ "a": "b" })), "Secret shop/s holds data")]
#[case::data_that_is_text(secret("data", json!("hunter2")), "Secret shop/s holds data")]
#[case::status(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "d" }, "status": {} }), "has a `status`")]
#[case::uid(with_metadata("uid", json!("u")), "has a `metadata.uid`")]
#[case::revision(with_metadata("resourceVersion", json!("7")), "has a `metadata.resourceVersion`")]
#[case::managers(with_metadata("managedFields", json!([])), "has a `metadata.managedFields`")]
fn what_does_not_belong_in_a_manifest_is_refused(#[case] object: Value, #[case] expected: &str) {
    let (field, message) = problem(&spec([("it", entry(&[object]))]));
    assert_eq!(field, Field::Manifest);
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[rstest]
#[case::empty_secret(secret("data", json!({})))]
#[case::null_data(secret("data", Value::Null))]
#[case::generated_by_a_tool(with_metadata("creationTimestamp", Value::Null))]
fn what_is_empty_is_not_refused(#[case] object: Value) {
    assert!(rendered_of(&spec([("it", entry(&[object]))])).is_ok());
}

#[test]
fn an_override_cannot_bring_a_secret_in() {
    let over = patch(r#"[{ "op": "add", "path": "/stringData", "value": { "password": "hunter2" } }]"#);
    let resource = ResourceSpec { overrides: vec![over], ..entry(&[object("Secret", "s")]) };
    let problems = rendered_of(&spec([("it", resource)])).unwrap_err();
    assert!(problems.iter().all(|it| it.field == Field::Override(0)), "{problems:?}");
    assert!(problems[0].message.contains("Secret shop/s holds data"), "{problems:?}");
    assert!(!format!("{problems:?}").contains("hunter2"));
}

#[test]
fn an_object_has_one_owner() {
    let both = [("one", entry(&[object("ConfigMap", "c")])), ("two", entry(&[object("ConfigMap", "c")]))];
    let (field, message) = problem(&spec(both));
    assert_eq!(field, Field::Manifest);
    assert!(message.contains("ConfigMap shop/c stands in `one` as well"), "{message}");
}

#[rstest]
#[case::the_only_object(vec![object("ConfigMap", "c")], None, Ok("ConfigMap shop/c"))]
#[case::the_only_workload(vec![object("ConfigMap", "c"), deployment(1)], None, Ok("Deployment shop/web"))]
#[case::the_named_one(
    vec![object("ConfigMap", "c"), deployment(1)],
    Some(("ConfigMap", "c")),
    Ok("ConfigMap shop/c")
)]
#[case::several(vec![object("ConfigMap", "c"), object("ConfigMap", "d")], None, Err("name one with `target"))]
#[case::a_stranger(vec![object("ConfigMap", "c")], Some(("Service", "c")), Err("the manifest has no Service `c`"))]
#[case::no_object(vec![], None, Err("no object that the override could be for"))]
fn overrides_find_their_object(
    #[case] objects: Vec<Value>,
    #[case] named: Option<(&str, &str)>,
    #[case] expected: Result<&str, &str>,
) {
    let over = OverrideSpec {
        target: named.map(|(kind, name)| Target { kind: kind.to_owned(), name: name.to_owned() }),
        ..patch(r#"[{ "op": "add", "path": "/metadata/labels", "value": { "here": "yes" } }]"#)
    };
    let resource = ResourceSpec { overrides: vec![over], ..entry(&objects) };
    match (rendered_of(&spec([("it", resource)])), expected) {
        (Ok(rendered), Ok(expected)) => {
            let changed = rendered[&name("a")]
                .iter()
                .find(|(_, it)| it.object["metadata"]["labels"] == json!({ "here": "yes" }));
            assert_eq!(changed.unwrap().0.to_string(), expected);
        }
        (Err(problems), Err(expected)) => {
            let of_target = named.map(|_| Field::OverrideAt(0, "target"));
            assert_eq!(problems[0].field, of_target.unwrap_or(Field::Override(0)));
            assert!(problems[0].message.contains(expected), "{problems:?}");
        }
        (found, _) => panic!("{found:?}"),
    }
}

#[rstest]
#[case::its_namespace("v1", "Namespace", "multicluster-system", true)]
#[case::its_inventory("v1", "ConfigMap", "federation.world.default", true)]
#[case::its_lease("coordination.k8s.io/v1", "Lease", "federation.world", true)]
#[case::something_beside_them("v1", "ConfigMap", "settings", false)]
fn the_federations_own_records_are_not_federated(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] name: &str,
    #[case] refused: bool,
) {
    let metadata = json!({ "name": name, "namespace": "multicluster-system" });
    let object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
    let spec = spec([("it", entry(&[object]))]);
    let problems = in_the_way(&spec, &crate::federation::inventory::tests::set());
    assert_eq!(!problems.is_empty(), refused, "{problems:?}");
}

#[test]
fn strangers_are_named() {
    let share = Share { weight: 1, min: 0, max: None, exact: None };
    let of_replicas = Replicas { clusters: BTreeMap::from([(name("mars"), share)]), ..replicas(None) };
    let resource = ResourceSpec { replicas: Some(of_replicas), ..entry(&[deployment(1)]) };
    assert_eq!(problem(&spec([("web", resource)])).0, Field::ReplicasOf(name("mars")));
    let over = OverrideSpec { scope: on("mars"), ..patch("[]") };
    let resource = ResourceSpec { overrides: vec![over], ..entry(&[deployment(1)]) };
    let (field, message) = problem(&spec([("web", resource)]));
    assert_eq!(field, Field::OverrideAt(0, "clusters"));
    assert!(message.contains("`mars` is not a member"), "{message}");
}

#[test]
fn all_problems_are_told_at_once() {
    let mars = Placement { clusters: Some(vec![name("mars")]), ..Placement::default() };
    let resources = [
        ("one", entry(&[secret("data", json!({ "a": "Yg==" }))])),
        ("two", ResourceSpec { placement: mars, ..entry(&[deployment(1)]) }),
    ];
    let fields: Vec<_> = rendered_of(&spec(resources)).unwrap_err().into_iter().map(|it| it.field).collect();
    assert_eq!(fields, [Field::PlacementAt("clusters"), Field::Manifest]);
}

proptest::proptest! {
    #[test]
    fn any_json_under_spec_and_labels_is_rendered_or_refused(spec_of_web in any_json(), labels in any_json()) {
        let mut web = object("Deployment", "web");
        web["spec"] = spec_of_web;
        web["metadata"]["labels"] = labels;
        let resource = ResourceSpec { replicas: Some(replicas(Some(3))), ..entry(&[web]) };
        if let Ok(rendered) = rendered_of(&spec([("web", resource)])) {
            let counts = rendered.values().flat_map(BTreeMap::values);
            let total: u64 = counts.map(|it| it.object["spec"]["replicas"].as_u64().unwrap()).sum();
            proptest::prop_assert_eq!(total, 3);
        }
    }
}

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}|replicas", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A copy of a Deployment of `b`, with changes that fit it.
fn copy() -> ResourceSpec {
    let key = ObjectKey::of(&deployment(1)).unwrap();
    let from = CopyFrom { cluster: name("b"), api_version: "apps/v1".to_owned(), key };
    let over = patch(r#"[{ "op": "replace", "path": "/spec/paused", "value": true }]"#);
    ResourceSpec { copy: Some(from), overrides: vec![over], ..entry(&[object("Deployment", "web")]) }
}

#[test]
fn what_is_to_be_copied_is_changed_once_it_is_known() {
    let spec = spec([("web", copy())]);
    let one = |rendered: &Rendered| rendered[&name("a")].values().next().unwrap().clone();
    let unknown = rendered_of(&spec).unwrap();
    assert_eq!(listed(&unknown, "b"), [""; 0], "the original is not touched");
    assert!(one(&unknown).blank && !one(&unknown).copied);

    let mut source = deployment(1);
    source["spec"]["paused"] = json!(false);
    let facts = |source: Value| Facts { copies: [("web".to_owned(), source)].into(), ..Facts::default() };
    let known = render(&spec, &facts(source)).unwrap();
    assert!(!one(&known).blank && one(&known).copied);
    assert_eq!(one(&known).object["spec"], json!({ "replicas": 1, "paused": true }));
    assert_eq!(one(&known).digest, one(&unknown).digest, "both plans say the same");

    let problems = render(&spec, &facts(deployment(1))).unwrap_err();
    assert_eq!(problems[0].field, Field::Override(0), "{problems:?}");
}

#[rstest]
#[case::total_of_what_is_copied(None, Mode::Weighted, true)]
#[case::capacity_of_what_is_copied(Some(4), Mode::Capacity, true)]
#[case::total(Some(4), Mode::Duplicated, false)]
fn replicas_of_a_copy_are_divided_without_looking_at_it(
    #[case] total: Option<u64>,
    #[case] mode: Mode,
    #[case] refused: bool,
) {
    let resource = ResourceSpec {
        replicas: Some(Replicas { mode, ..replicas(total) }),
        overrides: Vec::new(),
        placement: Placement { clusters: Some(vec![name("a")]), ..Placement::default() },
        ..copy()
    };
    let rendered = rendered_of(&spec([("web", resource)]));
    assert_eq!(rendered.is_err_and(|problems| problems[0].field == Field::Replicas), refused);
}

#[test]
fn only_members_are_copied_from() {
    let mut resource = ResourceSpec { overrides: Vec::new(), ..copy() };
    resource.copy.as_mut().unwrap().cluster = name("c");
    let (field, message) = problem(&spec([("web", resource)]));
    assert_eq!((field, message.as_str()), (Field::CopyFrom, "`c` is not a member of the federation"));
}
