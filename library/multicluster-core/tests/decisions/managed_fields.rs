use multicluster_core::managed_fields::{LostField, lost, owned, owners};
use multicluster_core::path::{FieldPath, Step};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::values::value;

const US: &str = "multicluster/world";

/// A Deployment as it is rendered and applied.
fn desired() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "guestbook",
            "labels": { "app.kubernetes.io/name": "web" },
            "annotations": {},
            "finalizers": ["example.com/guard"]
        },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" }, "creationTimestamp": null },
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "image": "nginx:1",
                            "args": ["-v"],
                            "env": [{ "name": "MODE", "value": "on" }],
                            "ports": [{ "containerPort": 80 }, { "containerPort": 80, "protocol": "UDP" }],
                            "resources": { "limits": { "cpu": "1000m" }, "requests": {} }
                        },
                        { "name": "side", "image": "side:1" }
                    ],
                    "imagePullSecrets": [{ "name": "registry" }, { "name": "mirror" }],
                    "tolerations": [{ "key": "edge", "operator": "Exists" }],
                    "volumes": [{ "name": "tmp", "emptyDir": {} }]
                }
            }
        }
    })
}

/// The same as a server keeps it: defaulted, normalised, with an injected container and the records of who wrote what.
fn live() -> Value {
    json!({
           "apiVersion": "apps/v1",
           "kind": "Deployment",
           "metadata": {
               "name": "web",
               "namespace": "guestbook",
               "uid": "u",
               "generation": 2,
               "labels": { "app.kubernetes.io/name": "web", "team": "a" },
               "annotations": { "deployment.kubernetes.io/revision": "1" },
               "finalizers": ["foreign.io/f", "example.com/guard"],
               "managedFields": [
                   {
                       "manager": US, "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                       "fieldsV1": {
                           "f:metadata": {
                               "f:labels": { "f:app.kubernetes.io/name": {} },
                               "f:finalizers": { "v:\"example.com/guard\"": {} }
                           },
                           "f:spec": {
                               "f:replicas": {},
                               "f:selector": {},
                               "f:template": {
                                   "f:metadata": { "f:labels": { "f:app": {} } },
                                   "f:spec": {
                                       "f:containers": {
                                           "k:{\"name\":\"side\"}": { ".": {}, "f:image": {}, "f:name": {} },
                                           "k:{\"name\":\"web\"}": {
                                               ".": {},
                                               "f:args": {},
                                               "f:env": { "k:{\"name\":\"MODE\"}": { ".": {}, "f:name": {}, "f:value": {} } },
                                               "f:image": {},
                                               "f:name": {},
                                               "f:ports": {
                                                   "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:containerPort": {} },
                                                   "k:{\"containerPort\":80,\"protocol\":\"UDP\"}": {
                                                       ".": {}, "f:containerPort": {}, "f:protocol": {}
                                                   }
                                               },
                                               "f:resources": { "f:limits": { "f:cpu": {} }, "f:requests": {} }
                                           }
                                       },
                                       "f:imagePullSecrets": {
    "k:{\"name\":\"mirror\"}": {}, "k:{\"name\":\"registry\"}": {} },
                                       "f:tolerations": {},
                                       "f:volumes": { "k:{\"name\":\"tmp\"}": { ".": {}, "f:emptyDir": {}, "f:name": {} } }
                                   }
                               }
                           }
                       }
                   },
                   {
                       "manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                       "fieldsV1": {
                           "f:metadata": {
                               "f:labels": { "f:team": {} },
                               "f:finalizers": { ".": {}, "v:\"foreign.io/f\"": {} }
                           },
                           "f:spec": { "f:template": { "f:spec": { "f:containers": {
                               "k:{\"name\":\"injected\"}": { ".": {}, "f:name": {}, "f:image": {} },
                               "k:{\"name\":\"web\"}": { "f:resources": { "f:requests": { "f:memory": {} } } }
                           } } } }
                       }
                   },
                   {
                       "manager": US, "operation": "Apply", "apiVersion": "apps/v1", "subresource": "status",
                       "fieldsV1": { "f:status": { "f:note": {} } }
                   },
                   {
                       "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
                       "subresource": "status",
                       "fieldsV1": {
                           "f:metadata": { "f:annotations": { ".": {}, "f:deployment.kubernetes.io/revision": {} } },
                           "f:status": { "f:replicas": {} }
                       }
                   }
               ]
           },
           "spec": {
               "progressDeadlineSeconds": 600,
               "replicas": 3,
               "selector": { "matchLabels": { "app": "web" } },
               "template": {
                   "metadata": { "labels": { "app": "web" } },
                   "spec": {
                       "containers": [
                           { "name": "injected", "image": "proxy" },
                           { "name": "web", "image": "nginx:1", "args": ["-v"], "imagePullPolicy": "IfNotPresent",
                             "env": [{ "name": "MODE", "value": "on" }],
                             "ports": [
                                 { "containerPort": 80, "protocol": "TCP" }, { "containerPort": 80, "protocol": "UDP" }
                             ],
                             "resources": { "limits": { "cpu": "1" }, "requests": { "memory": "1Gi" } } },
                           { "name": "side", "image": "side:1" }
                       ],
                       "imagePullSecrets": [{ "name": "registry" }, { "name": "mirror" }],
                       "restartPolicy": "Always",
                       "tolerations": [{ "key": "edge", "operator": "Exists" }],
                       "volumes": [{ "name": "tmp", "emptyDir": {} }]
                   }
               }
           },
           "status": { "replicas": 3, "note": "x" }
       })
}

const CONTAINERS: &str = "/f:spec/f:template/f:spec/f:containers";

/// What a manager owns in the live object; `place` is the record's.
fn fields<'a>(live: &'a mut Value, place: usize, pointer: &str) -> &'a mut Map<String, Value> {
    live.pointer_mut(&format!("/metadata/managedFields/{place}/fieldsV1{pointer}"))
        .unwrap()
        .as_object_mut()
        .unwrap()
}

fn web(live: &mut Value) -> &mut Map<String, Value> {
    fields(live, 0, CONTAINERS)["k:{\"name\":\"web\"}"].as_object_mut().unwrap()
}

fn paths(lost: &[LostField]) -> Vec<&str> {
    lost.iter().map(|field| field.path.as_str()).collect()
}

#[test]
fn what_is_owned_is_the_applied_part_in_live_order() {
    let expect = json!({
        "metadata": { "labels": { "app.kubernetes.io/name": "web" }, "finalizers": ["example.com/guard"] },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "containers": [
                        {
                            "name": "web", "image": "nginx:1", "args": ["-v"],
                            "env": [{ "name": "MODE", "value": "on" }],
                            "ports": [{ "containerPort": 80 }, { "containerPort": 80, "protocol": "UDP" }],
                            // Applied empty; the memory in it is somebody else's.
                            "resources": { "limits": { "cpu": "1" }, "requests": {} }
                        },
                        { "name": "side", "image": "side:1" }
                    ],
                    "imagePullSecrets": [{ "name": "registry" }, { "name": "mirror" }],
                    "tolerations": [{ "key": "edge", "operator": "Exists" }],
                    "volumes": [{ "name": "tmp", "emptyDir": {} }]
                }
            }
        }
    });
    assert_eq!(owned(&live(), US), Some(expect));
}

#[test]
fn updates_and_subresources_are_not_applied() {
    assert_eq!(owned(&live(), "kubectl"), None);
    assert_eq!(owned(&live(), "kube-controller-manager"), None);
    assert_eq!(owned(&live(), "nobody"), None);
}

#[test]
fn records_of_two_versions_are_one() {
    let live = json!({
        "metadata": { "managedFields": [
            { "manager": US, "operation": "Apply", "apiVersion": "x/v1", "fieldsV1": { "f:a": { "f:x": {} } } },
            { "manager": US, "operation": "Apply", "apiVersion": "x/v2", "fieldsV1": { "f:a": { "f:y": {} }, "f:b": {} } }
        ] },
        "a": { "x": 1, "y": 2, "z": 3 }, "b": [1]
    });
    assert_eq!(owned(&live, US), Some(json!({ "a": { "x": 1, "y": 2 }, "b": [1] })));
}

#[test]
fn defaults_and_normalised_values_are_no_loss() {
    assert_eq!(lost(&desired(), &live(), US), []);
}

#[test]
fn data_of_a_config_map() {
    let desired = json!({ "kind": "ConfigMap", "data": { "kept": "1", "taken": "1", "removed": "1" } });
    let live = json!({
        "kind": "ConfigMap",
        "metadata": { "managedFields": [
            { "manager": US, "operation": "Apply", "fieldsV1": { "f:data": { "f:kept": {} } } },
            { "manager": "editor", "operation": "Update", "fieldsV1": { "f:data": { "f:taken": {} } } }
        ] },
        "data": { "kept": "1", "taken": "2" }
    });
    let lost = lost(&desired, &live, US);
    assert_eq!(paths(&lost), ["data.removed", "data.taken"]);
    assert_eq!((&lost[0].live, lost[0].owners.as_slice()), (&None, &[][..]));
    assert_eq!((&lost[1].live, lost[1].owners.as_slice()), (&Some(json!("2")), &["editor".to_owned()][..]));
    assert_eq!(owned(&live, US), Some(json!({ "data": { "kept": "1" } })));
}

#[test]
fn a_secret_does_not_show_what_it_holds_now() {
    let desired = json!({ "kind": "Secret", "data": { "password": "SFVTSA==" } });
    let live = json!({ "kind": "Secret", "data": { "password": "T1RIRVI=" } });
    let lost = lost(&desired, &live, US);
    assert_eq!(paths(&lost), ["data.password"]);
    assert_eq!(lost[0].live, Some(Value::Null));
}

#[test]
fn scaled_by_somebody_else() {
    let mut live = live();
    fields(&mut live, 0, "/f:spec").remove("f:replicas");
    fields(&mut live, 1, "/f:spec").insert("f:replicas".into(), json!({}));
    live["spec"]["replicas"] = json!(7);
    let found = lost(&desired(), &live, US);
    assert_eq!(paths(&found), ["spec.replicas"]);
    assert_eq!(
        (found[0].live.clone(), found[0].owners.clone()),
        (Some(json!(7)), vec!["kubectl".to_owned()])
    );
    assert_eq!(owned(&live, US).unwrap().pointer("/spec/replicas"), None);
}

#[test]
fn another_image_in_one_container() {
    let mut live = live();
    web(&mut live).remove("f:image");
    fields(&mut live, 1, CONTAINERS)["k:{\"name\":\"web\"}"]["f:image"] = json!({});
    let found = lost(&desired(), &live, US);
    assert_eq!(paths(&found), ["spec.template.spec.containers[name=web].image"]);
    assert_eq!(found[0].owners, ["kubectl"]);
}

#[test]
fn a_container_that_was_removed() {
    let mut live = live();
    fields(&mut live, 0, CONTAINERS).remove("k:{\"name\":\"side\"}");
    live["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().remove(2);
    let found = lost(&desired(), &live, US);
    assert_eq!(paths(&found), ["spec.template.spec.containers[name=side]"]);
    assert_eq!((found[0].live.clone(), found[0].owners.len()), (None, 0));
}

#[test]
fn a_port_whose_protocol_was_left_to_the_default() {
    let mut live = live();
    let ports = web(&mut live)["f:ports"].as_object_mut().unwrap();
    ports.remove("k:{\"containerPort\":80,\"protocol\":\"TCP\"}");
    // The UDP port is the second one's, though the first one would fit it.
    assert_eq!(paths(&lost(&desired(), &live, US)), ["spec.template.spec.containers[name=web].ports[0]"]);
}

#[test]
fn a_port_without_a_protocol_is_the_one_for_tcp() {
    let live = json!({ "metadata": { "managedFields": [{ "manager": US, "operation": "Apply", "fieldsV1": { "f:ports": {
        "k:{\"port\":53,\"protocol\":\"SCTP\"}": { ".": {}, "f:port": {}, "f:protocol": {} },
        "k:{\"port\":53,\"protocol\":\"TCP\"}": { ".": {}, "f:port": {}, "f:name": {} },
        "k:{\"port\":53,\"protocol\":\"UDP\"}": { ".": {}, "f:port": {}, "f:protocol": {} }
    } } }] } });
    assert_eq!(lost(&json!({ "ports": [{ "port": 53, "name": "dns" }] }), &live, US), []);
}

#[rstest]
#[case::a_finalizer(
    "/f:metadata/f:finalizers",
    "v:\"example.com/guard\"",
    "metadata.finalizers[\"example.com/guard\"]"
)]
#[case::all_finalizers("/f:metadata", "f:finalizers", "metadata.finalizers")]
#[case::a_label(
    "/f:metadata/f:labels",
    "f:app.kubernetes.io/name",
    "metadata.labels[\"app.kubernetes.io/name\"]"
)]
#[case::an_atomic_list("/f:spec/f:template/f:spec", "f:tolerations", "spec.template.spec.tolerations")]
#[case::an_atomic_mapping("/f:spec", "f:selector", "spec.selector.matchLabels.app")]
#[case::an_item_owned_as_a_whole(
    "/f:spec/f:template/f:spec/f:imagePullSecrets",
    "k:{\"name\":\"registry\"}",
    "spec.template.spec.imagePullSecrets[name=registry]"
)]
fn lost_fields(#[case] pointer: &str, #[case] key: &str, #[case] expect: &str) {
    let mut live = live();
    fields(&mut live, 0, pointer).remove(key).unwrap();
    assert_eq!(paths(&lost(&desired(), &live, US)), [expect]);
}

#[test]
fn an_empty_mapping_is_lost_only_to_somebody() {
    let mut live = live();
    let volume = "/f:spec/f:template/f:spec/f:volumes/k:{\"name\":\"tmp\"}";
    fields(&mut live, 0, volume).remove("f:emptyDir");
    assert_eq!(lost(&desired(), &live, US), [], "servers drop empty mappings");
    fields(&mut live, 1, "/f:spec/f:template/f:spec")
        .insert("f:volumes".into(), json!({ "k:{\"name\":\"tmp\"}": { "f:emptyDir": {} } }));
    assert_eq!(paths(&lost(&desired(), &live, US)), ["spec.template.spec.volumes[name=tmp].emptyDir"]);
}

#[test]
fn whoever_took_fields_of_a_mapping_owns_them_though_the_mapping_is_ours() {
    let live = json!({
        "metadata": { "managedFields": [
            { "manager": US, "operation": "Apply", "fieldsV1": { "f:data": {} } },
            { "manager": "editor", "operation": "Update", "fieldsV1": { "f:data": { "f:taken": {} } } }
        ] },
        "data": { "taken": "2" }
    });
    assert_eq!(owned(&live, US), Some(json!({ "data": {} })));
    assert_eq!(paths(&lost(&json!({ "data": { "taken": "1" } }), &live, US)), ["data.taken"]);
    assert_eq!(lost(&json!({ "data": {} }), &live, US), []);
}

#[test]
fn an_object_that_was_never_applied_lost_all() {
    let live = json!({ "kind": "ConfigMap", "data": { "a": "1" } });
    let desired = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "b", "labels": { "c": "d" } },
        "data": { "a": "1" }, "list": [{ "name": "x" }], "none": null, "status": { "a": 1 }
    });
    assert_eq!(paths(&lost(&desired, &live, US)), ["data.a", "list", "metadata.labels.c"]);
}

#[rstest]
#[case::field(FieldPath::fields(["spec", "replicas"]), &[US])]
#[case::not_owned(FieldPath::fields(["spec", "progressDeadlineSeconds"]), &[])]
#[case::within_an_atomic_field(FieldPath::fields(["spec", "selector", "matchLabels", "app"]), &[US])]
#[case::of_a_subresource(FieldPath::fields(["status", "replicas"]), &["kube-controller-manager"])]
#[case::shared_item(
    FieldPath::fields(["spec", "template", "spec", "containers"])
        .with(Step::Key(vec![("name".into(), json!("web"))])).with(Step::Field("resources".into()))
        .with(Step::Field("requests".into())).with(Step::Field("memory".into())),
    &["kubectl"]
)]
#[case::item_by_some_of_its_key(
    FieldPath::fields(["spec", "template", "spec", "containers"])
        .with(Step::Key(vec![("name".into(), json!("web"))])).with(Step::Field("ports".into()))
        .with(Step::Key(vec![("containerPort".into(), json!(80))])).with(Step::Field("containerPort".into())),
    &[US]
)]
#[case::item_by_place(
    FieldPath::fields(["spec", "template", "spec", "containers"]).with(Step::Index(0)).with(Step::Field("image".into())),
    &["kubectl"]
)]
#[case::item_of_a_set(
    FieldPath::fields(["metadata", "finalizers"]).with(Step::Value(json!("foreign.io/f"))), &["kubectl"]
)]
#[case::no_such_item(
    FieldPath::fields(["metadata", "finalizers"]).with(Step::Value(json!("absent"))), &[]
)]
fn owners_of(#[case] path: FieldPath, #[case] expect: &[&str]) {
    assert_eq!(owners(&live(), &path), expect);
}

#[rstest]
#[case::not_a_list(json!({ "metadata": { "managedFields": "x" } }))]
#[case::not_records(json!({ "metadata": { "managedFields": [1, null, {}, { "manager": US }] } }))]
#[case::not_fields(json!({ "metadata": { "managedFields": [
    { "manager": US, "operation": "Apply", "fieldsV1": [{ "f:a": {} }] }
] }, "a": 1 }))]
#[case::not_steps(json!({ "metadata": { "managedFields": [
    { "manager": US, "operation": "Apply", "fieldsV1": { "a": {}, "x:a": {}, "k:a": {}, "k:[1]": {}, "v:": {}, "i:-1": {}, "": {} } }
] }, "a": 1 }))]
#[case::nothing_in_it(json!({ "metadata": { "managedFields": [
    { "manager": US, "operation": "Apply", "fieldsV1": {} }
] }, "a": 1 }))]
fn malformed_records_own_nothing(#[case] live: Value) {
    assert_eq!(owned(&live, US), None);
    assert_eq!(paths(&lost(&json!({ "a": 1 }), &live, US)), ["a"]);
}

#[test]
fn deep_records_do_not_exhaust_the_stack() {
    let mut tree = json!({});
    let mut live = json!(1);
    for _ in 0..500 {
        tree = json!({ "f:a": tree });
        live = json!({ "a": live });
    }
    let record = json!({ "manager": US, "operation": "Apply", "fieldsV1": tree });
    live["metadata"] = json!({ "managedFields": [record] });
    assert_eq!(owned(&live, US), Some(json!({})), "what is too deep is owned by nobody");
}

/// The record of who applied a value, by the rules of types that this test makes up: lists whose items all have names
/// are keyed by them, other lists are atomic.
fn record(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (format!("f:{name}"), record(field)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) if keyed(items) => items
            .iter()
            .map(|item| {
                let mut below = record(item);
                below["."] = json!({});
                (format!("k:{}", json!({ "name": item["name"] })), below)
            })
            .collect::<Map<_, _>>()
            .into(),
        _ => json!({}),
    }
}

fn keyed(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get("name").is_some())
}

/// An object of mappings, keyed lists and plain values, none of them empty.
fn applied() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(json!([1, 2]))
    ];
    let below = leaf.prop_recursive(4, 40, 5, |inner| {
        let mapping = proptest::collection::btree_map("[a-f./]{1,3}", inner, 1..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()));
        prop_oneof![
            mapping.clone(),
            proptest::collection::btree_map("[a-z]{1,3}", mapping, 1..3).prop_map(|items| items
                .into_iter()
                .map(|(name, mut item)| {
                    item["name"] = name.into();
                    item
                })
                .collect()),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,3}", below, 1..4)
        .prop_map(|fields| json!({ "spec": fields.into_iter().collect::<Map<_, _>>() }))
}

fn recorded(mut live: Value, fields: &Value) -> Value {
    live["metadata"] =
        json!({ "managedFields": [{ "manager": US, "operation": "Apply", "fieldsV1": fields }] });
    live
}

/// Adds fields that nobody applied to every mapping.
fn defaulted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), defaulted(field))).collect();
            fields.insert("defaulted".into(), json!(1));
            fields.into()
        }
        Value::Array(items) if keyed(items) => items.iter().map(defaulted).collect(),
        other => other.clone(),
    }
}

/// The pointers of all leaves of a record.
fn leaves(record: &Value, at: &str, found: &mut Vec<String>) {
    for (step, below) in record.as_object().into_iter().flatten() {
        let pointer = format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"));
        if below.as_object().is_some_and(Map::is_empty) {
            if step != "." {
                found.push(pointer);
            }
        } else {
            leaves(below, &pointer, found);
        }
    }
}

proptest! {
    #[test]
    fn what_was_applied_is_owned_and_not_lost(applied in applied()) {
        let live = recorded(defaulted(&applied), &record(&applied));
        prop_assert_eq!(owned(&live, US), Some(applied.clone()));
        prop_assert_eq!(lost(&applied, &live, US), vec![]);
    }

    #[test]
    fn each_leaf_that_was_taken_is_the_one_lost(applied in applied(), pick in any::<proptest::sample::Index>()) {
        let mut fields = record(&applied);
        let mut all = Vec::new();
        leaves(&fields, "", &mut all);
        let taken = pick.get(&all);
        let (parent, step) = taken.rsplit_once('/').unwrap();
        let step = step.replace("~1", "/").replace("~0", "~");
        fields.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&step);
        // A record has no mapping that lost all; an item keeps itself.
        let mut above = parent.to_owned();
        while let Some((up, step)) = above.clone().rsplit_once('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            if fields.pointer(&above).unwrap().as_object().unwrap().is_empty() {
                fields.pointer_mut(up).unwrap().as_object_mut().unwrap().remove(&step);
            }
            above = up.to_owned();
        }
        let live = recorded(applied.clone(), &fields);
        let found = lost(&applied, &live, US);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        prop_assert!(found[0].live.is_some() && found[0].owners.is_empty());
    }

    #[test]
    fn no_record_panics(fields in value(), live in value(), desired in value()) {
        let mut live = json!({ "a": live, "b": live });
        live["metadata"] = json!({ "managedFields": [
            { "manager": US, "operation": "Apply", "fieldsV1": fields },
            { "manager": US, "operation": "Apply", "fieldsV1": { "f:a": fields, "f:b": record(&live["b"]) } }
        ] });
        let _ = owned(&live, US);
        let _ = lost(&desired, &live, US);
        let _ = lost(&json!({ "a": desired, "b": desired }), &live, US);
        let _ = owners(&live, &FieldPath::fields(["a", "b"]));
    }
}
