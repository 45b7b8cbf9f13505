use rstest::rstest;
use serde_json::json;

use super::*;
use crate::federation::facts::MemberFacts;
use crate::federation::inventory::tests::{entry, inventory, set};
use crate::federation::inventory::{Inventory, State};
use crate::federation::observation::{Eye, RecordedInventory};
use crate::federation::render::render;
use crate::federation::spec::ResourceSpec;
use crate::names::{ClusterUid, FederationName};
use crate::object::Manifest;
use crate::placement::{Labels, Placement};

const APPLIED: &str = "2026-03-01T10:00:00Z";
const LATER: &str = "2026-03-01T10:05:00Z";

fn key() -> ObjectKey {
    entry("Deployment", "web", "d").key()
}

/// A Deployment as the federation made it.
fn made() -> Value {
    let id = set().applyset_id();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "uid-web",
            "labels": { "applyset.kubernetes.io/part-of": id, "multicluster.dev/federation": "world" },
            "managedFields": [
                { "manager": "multicluster-world", "operation": "Apply", "time": APPLIED,
                  "fieldsV1": { "f:metadata": { "f:labels": { ".": {} } }, "f:spec": { "f:paused": {} } } },
                { "manager": "kube-controller-manager", "operation": "Update", "time": LATER,
                  "fieldsV1": { "f:metadata": { "f:annotations": { "f:deployment.kubernetes.io/revision": {} } } } },
            ],
        },
        "spec": { "replicas": 2, "paused": false },
        "status": {
            "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [
                { "type": "Available", "status": "True" },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            ],
        },
    })
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = made();
    change(&mut object);
    object
}

fn also_written_by(manager: &str, time: &str, fields: Value) -> Value {
    with(|object| {
        let mut record = json!({ "manager": manager, "operation": "Update", "time": time });
        record["fieldsV1"] = fields;
        object["metadata"]["managedFields"].as_array_mut().unwrap().push(record);
    })
}

/// A member whose record was written when the object was as it was made.
fn member(record: Option<Inventory>, object: Option<Value>) -> Observation {
    let set = set();
    let eye = Eye { set: &set, key: None, hidden: false, ignored: None };
    let owned = Live::of(made(), eye, None).owned;
    let record = record.map(|mut inventory| {
        for entry in &mut inventory.objects {
            entry.owned.clone_from(&owned);
        }
        RecordedInventory { inventory, resource_version: "7".to_owned() }
    });
    let live = object.map(|object| (key(), Live::of(object, eye, None)));
    Observation {
        cluster_uid: ClusterUid("u-1".to_owned()),
        inventory: record,
        live: live.into_iter().collect(),
        differences: BTreeMap::new(),
    }
}

fn recorded() -> Option<Inventory> {
    Some(inventory(State::Complete, vec![entry("Deployment", "web", "d")]))
}

fn recorded_as(change: impl FnOnce(&mut Entry)) -> Option<Inventory> {
    let mut changed = entry("Deployment", "web", "d");
    change(&mut changed);
    Some(inventory(State::Complete, vec![changed]))
}

fn empty_record() -> Option<Inventory> {
    Some(inventory(State::Complete, vec![]))
}

/// What is said of a member, by one who knows no more.
fn said(observation: &Observation) -> Explanation {
    let set = set();
    explain(&Question {
        set: &set,
        key: &key(),
        observation,
        served: true,
        wanted: None,
        elsewhere: &BTreeMap::new(),
        pods: &[],
        events: &[],
    })
}

#[rstest]
#[case::as_it_was_left(recorded(), Some(made()), true, "there, kept by entry `shop`: in sync")]
#[case::deleted(recorded(), None, false, "not there, kept by entry `shop`: somebody has deleted it")]
#[case::not_reached(
    recorded_as(|it| it.phase = Phase::Pending),
    None,
    false,
    "not there yet, kept by entry `shop`: the last apply did not get to it"
)]
#[case::cut_short(
    recorded_as(|it| it.phase = Phase::Pending),
    Some(made()),
    false,
    "there, kept by entry `shop`: not finished"
)]
#[case::leaving(
    recorded_as(|it| it.phase = Phase::Removing),
    Some(made()),
    false,
    "there, kept by entry `shop`: being removed"
)]
#[case::left(
    recorded_as(|it| it.phase = Phase::Removing),
    None,
    false,
    "gone: the federation was removing it"
)]
#[case::changed(
    recorded(),
    Some(with(|it| it["spec"]["paused"] = json!(true))),
    false,
    "there, kept by entry `shop`: changed by somebody"
)]
#[case::replaced_by_hand(
    recorded(),
    Some(with(|it| {
        it["metadata"]["uid"] = json!("another");
        it["metadata"]["labels"] = json!({});
    })),
    false,
    "there, kept by entry `shop`, but it is not the one that the federation made"
)]
#[case::record_lost(
    empty_record(),
    Some(made()),
    false,
    "there, with the federation's marks, but not in its record"
)]
#[case::never_ours(
    empty_record(),
    Some(with(|it| it["metadata"] = json!({ "name": "web", "uid": "u" }))),
    false,
    "there, but not of this federation"
)]
#[case::not_kept(empty_record(), None, true, "not there: the federation does not keep it here")]
#[case::no_federation(None, None, true, "not there: the federation has nothing on this cluster")]
fn headlines(
    #[case] record: Option<Inventory>,
    #[case] object: Option<Value>,
    #[case] well: bool,
    #[case] expected: &str,
) {
    let said = said(&member(record, object));
    assert_eq!((said.headline().as_str(), said.is_well()), (expected, well));
}

#[rstest]
#[case::on_record(recorded(), Some(made()), &[("record", "applied, made by the federation")])]
#[case::adopted(
    recorded_as(|it| it.origin = Origin::Adopted),
    Some(made()),
    &[("record", "applied, adopted")]
)]
#[case::divided(
    recorded_as(|it| it.replicas = Some(2)),
    Some(made()),
    &[("record", "applied, made by the federation"), ("replicas", "2 given")]
)]
#[case::somebody_scales(
    recorded_as(|it| it.replicas = Some(3)),
    Some(made()),
    &[("record", "applied, made by the federation"), ("replicas", "3 given, 2 now")]
)]
#[case::held(
    recorded(),
    Some(with(|it| {
        it["metadata"]["deletionTimestamp"] = json!(LATER);
        it["metadata"]["finalizers"] = json!(["example.com/guard"]);
    })),
    &[("record", "applied, made by the federation"), ("deletion", "held by finalizers example.com/guard")]
)]
#[case::of_helm(
    empty_record(),
    Some(with(|it| it["metadata"] = json!({ "name": "web", "annotations": {
        "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" } }))),
    &[("owners", "Helm release shop/web")]
)]
#[case::edited_by_hand(
    recorded(),
    Some(also_written_by("kubectl-edit", LATER, json!({ "f:spec": { "f:replicas": {} } }))),
    &[
        ("record", "applied, made by the federation"),
        ("owners", "kubectl"),
        ("written", "kubectl-edit at 2026-03-01T10:05:00Z: spec.replicas"),
    ]
)]
#[case::edited_before_us(
    recorded(),
    Some(also_written_by("kubectl-edit", "2026-02-01T10:00:00Z", json!({ "f:spec": { "f:replicas": {} } }))),
    &[("record", "applied, made by the federation"), ("owners", "kubectl")]
)]
#[case::not_ready(
    recorded(),
    Some(with(|it| it["status"]["availableReplicas"] = json!(1))),
    &[("record", "applied, made by the federation"), ("not ready", "1 of 2 replicas available")]
)]
fn details(
    #[case] record: Option<Inventory>,
    #[case] object: Option<Value>,
    #[case] expected: &[(&'static str, &str)],
) {
    let details = said(&member(record, object)).details();
    let details: Vec<_> = details.iter().map(|(about, words)| (*about, words.as_str())).collect();
    assert_eq!(details, expected);
}

#[test]
fn a_workload_with_other_replicas_than_it_was_given_is_not_well_unless_an_autoscaler_says_so() {
    let record = || recorded_as(|it| it.replicas = Some(3));
    assert!(!said(&member(record(), Some(made()))).is_well());
    let scaled = with(|object| {
        object["metadata"]["managedFields"].as_array_mut().unwrap().push(json!({
            "manager": "kube-controller-manager", "operation": "Update", "subresource": "scale", "time": LATER,
            "fieldsV1": { "f:spec": { "f:replicas": {} } } }));
    });
    assert!(said(&member(record(), Some(scaled))).is_well());
}

#[test]
fn what_a_writer_wrote_is_named_down_to_the_item() {
    let fields = json!({ "f:spec": {
        "f:template": { "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": { ".": {}, "f:image": {} } } } },
        "f:a": {}, "f:b": {}, "f:c": {}, "f:d": {}, "f:e": {} },
        "f:metadata": { "f:finalizers": { "v:\"example.com/guard\"": {} } } });
    let said = said(&member(recorded(), Some(also_written_by("team-b", LATER, fields))));
    assert_eq!(said.written_since.len(), 1);
    let mut fields = said.written_since[0].fields.clone();
    assert_eq!(fields.pop().unwrap(), "2 more");
    assert_eq!(
        fields,
        ["metadata.finalizers[\"example.com/guard\"]", "spec.a", "spec.b", "spec.c", "spec.d"]
    );
}

#[rstest]
#[case::no_list(json!({ "metadata": { "managedFields": 7 } }))]
#[case::no_records(json!({ "metadata": { "managedFields": [7, {}, { "manager": "multicluster-world", "operation": "Apply", "time": "a" }] } }))]
#[case::strange_steps(json!({ "metadata": { "managedFields": [
    { "manager": "multicluster-world", "operation": "Apply", "time": "a" },
    { "manager": "x", "time": "b", "fieldsV1": { "f:data": { "k:": {}, "k:[": {}, "k:7": {}, "v:": {}, "i:x": {}, "?": 7 } } },
    { "manager": "y", "time": "b", "fieldsV1": [1] },
] } }))]
fn strange_records_do_no_harm(#[case] object: Value) {
    let said = since::written_since(&object, "multicluster-world");
    assert!(said.iter().all(|writing| writing.fields == ["data"]), "{said:?}");
}

fn pod(name: &str, status: Value) -> Value {
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name } });
    pod["status"] = status;
    pod
}

#[test]
fn pods_and_events_say_why_it_is_not_ready() {
    let waiting = json!({ "containerStatuses": [{ "name": "main", "state": { "waiting": { "reason": "ErrImagePull" } } }] });
    let pods = [
        pod("web-1", json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] })),
        pod("web-2", json!({ "phase": "Pending" })),
        pod("web-3", waiting),
    ];
    let event = |kind: &str, reason: &str, time: &str| json!({ "type": kind, "reason": reason, "message": "no room \n", "lastTimestamp": time });
    let events = [
        event("Warning", "FailedScheduling", "2026-03-01T10:01:00Z"),
        event("Warning", "FailedScheduling", "2026-03-01T10:03:00Z"),
        event("Normal", "ScalingReplicaSet", "2026-03-01T10:04:00Z"),
        json!({ "type": "Warning", "reason": "Failed", "message": "x".repeat(400) }),
    ];
    let troubles = trouble::troubles(&pods, &events);
    assert_eq!(
        troubles[..3],
        [
            "container `main` of pod `web-3`: ErrImagePull",
            "pod `web-2`: it is starting",
            "event FailedScheduling: no room (2026-03-01T10:03:00Z)",
        ]
    );
    assert!(troubles[3].starts_with("event Failed: xxx") && troubles[3].ends_with("x…"), "{troubles:?}");
    assert_eq!(troubles.len(), 4);
}

#[test]
fn events_of_what_is_ready_are_not_told() {
    let set = set();
    let observation = member(recorded(), Some(made()));
    let event = json!({ "type": "Warning", "reason": "Unhealthy", "message": "a while ago" });
    let question = Question {
        set: &set,
        key: &key(),
        observation: &observation,
        served: true,
        wanted: None,
        elsewhere: &BTreeMap::new(),
        pods: &[],
        events: &[event],
    };
    assert_eq!(explain(&question).troubles, Vec::<String>::new());
}

fn edge() -> Labels {
    Labels::from([("tier".to_owned(), "edge".to_owned())])
}

fn spec(placement: Placement) -> FederationSpec {
    let mut object = made();
    object["metadata"] = json!({ "name": "web", "namespace": "shop" });
    object.as_object_mut().unwrap().remove("status");
    let resource = ResourceSpec { placement, ..ResourceSpec::new(vec![Manifest::new(object).unwrap()]) };
    FederationSpec {
        name: FederationName::new("world").unwrap(),
        members: BTreeMap::from([(name("aws"), edge()), (name("gcp"), Labels::new())]),
        resources: BTreeMap::from([("web".to_owned(), resource)]),
    }
}

fn name(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

fn said_by_configuration(
    placement: Placement,
    member_name: &str,
    observation: &Observation,
    facts: &Facts,
) -> Explanation {
    let (set, spec, cluster) = (set(), spec(placement), name(member_name));
    let rendered = render(&spec, facts).unwrap();
    explain(&Question {
        set: &set,
        key: &key(),
        observation,
        served: true,
        wanted: Some(Wanted { spec: &spec, facts, member: &cluster, desired: &rendered[&cluster] }),
        elsewhere: &BTreeMap::new(),
        pods: &[],
        events: &[],
    })
}

#[rstest]
#[case::by_label("gcp", Placement { match_labels: Some(edge()), ..Placement::default() },
    "entry `web` does not place it here: it has no label `tier`, which must be `edge`", true)]
#[case::by_name("gcp", Placement { clusters: Some(vec![name("aws")]), ..Placement::default() },
    "entry `web` does not place it here: it is not named in `clusters`", true)]
#[case::everywhere(
    "gcp",
    Placement::default(),
    "entry `web` places it here: every member is selected",
    false
)]
#[case::unreachable("aws", Placement { tolerate_unreachable: Some(false), ..Placement::default() },
    "entry `web` does not place it here: it cannot be reached, and `tolerate_unreachable` is false", true)]
fn the_configuration_says_why_it_is_not_there(
    #[case] cluster: &str,
    #[case] placement: Placement,
    #[case] expected: &str,
    #[case] well: bool,
) {
    let silent = MemberFacts { unreachable: true, ..MemberFacts::default() };
    let facts =
        Facts { known: true, members: BTreeMap::from([(name("aws"), silent)]), copies: BTreeMap::new() };
    let said = said_by_configuration(placement, cluster, &member(empty_record(), None), &facts);
    assert_eq!((said.placement.as_deref(), said.is_well()), (Some(expected), well));
}

#[test]
fn what_no_apply_has_done_yet_is_said() {
    let said = said_by_configuration(Placement::default(), "gcp", &member(None, None), &Facts::default());
    assert_eq!(said.headline(), "not there: the configuration places it here, and no apply has done so yet");
}

#[test]
fn the_other_members_say_why_it_is_not_there() {
    let mut record = empty_record();
    record.as_mut().unwrap().labels = Labels::from([("tier".to_owned(), "core".to_owned())]);
    let observation = member(record, None);
    let elsewhere = BTreeMap::from([("aws".to_owned(), "web".to_owned())]);
    let set = set();
    let question = Question {
        set: &set,
        key: &key(),
        observation: &observation,
        served: true,
        wanted: None,
        elsewhere: &elsewhere,
        pods: &[],
        events: &[],
    };
    assert_eq!(
        explain(&question).to_string(),
        "not there: the federation does not keep it here\n  \
         placement  entry `web` places it on `aws` and not here (this member has tier=core)"
    );
    let unserved = Question { served: false, ..question };
    assert_eq!(explain(&unserved).headline(), "not there: the cluster does not serve its kind");
}

#[test]
fn drifted_fields_are_named_where_the_manifest_is_known() {
    let set = set();
    let mut observation = member(recorded(), None);
    let object = with(|object| {
        object["spec"]["paused"] = json!(true);
        let records = object["metadata"]["managedFields"].as_array_mut().unwrap();
        records[0]["fieldsV1"] = json!({ "f:spec": { "f:replicas": {} } });
        records.push(json!({ "manager": "kubectl-edit", "operation": "Update", "time": LATER,
            "fieldsV1": { "f:spec": { "f:paused": {} } } }));
    });
    let wanted = crate::federation::render::Desired::new("web", json!({ "spec": { "paused": false } }));
    let live = Live::of(object, Eye { set: &set, key: None, hidden: false, ignored: None }, Some(&wanted));
    observation.live.insert(key(), live);
    assert_eq!(
        said(&observation).headline(),
        "there, kept by entry `shop`: changed by somebody: spec.paused (now true, set by kubectl-edit)"
    );
}

#[test]
fn an_explanation_is_data_as_well() {
    let said = serde_json::to_value(said(&member(recorded(), Some(made())))).unwrap();
    assert_eq!(said["standing"], json!({ "as": "recorded", "status": { "is": "in_sync" } }));
    assert_eq!(said["phase"], "applied");
}
