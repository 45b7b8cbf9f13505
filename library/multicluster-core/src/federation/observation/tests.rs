use rstest::rstest;
use serde_json::json;

use super::*;
use crate::federation::inventory::tests::{entry, inventory, set};
use crate::federation::render::Desired;

pub(in crate::federation) fn live(name: &str) -> Live {
    Live {
        uid: format!("uid-{name}"),
        labelled: true,
        owned: Some(format!("owned-{name}")),
        lost: vec![],
        scaled: false,
        autoscaled: false,
        content: None,
        managers: vec![],
        federation: None,
        terminating: false,
        object: Value::Null,
    }
}

fn phase(phase: Phase) -> Entry {
    Entry { phase, ..entry("Deployment", "web", "d") }
}

#[rstest]
#[case::nothing(None, None, Status::Absent)]
#[case::as_left(Some(phase(Phase::Applied)), Some(live("web")), Status::InSync)]
#[case::deleted_by_hand(Some(phase(Phase::Applied)), None, Status::Missing)]
#[case::never_came_to_be(Some(phase(Phase::Pending)), None, Status::Absent)]
#[case::applied_before_a_crash(Some(phase(Phase::Pending)), Some(live("web")), Status::Pending)]
#[case::deletion_finished(Some(phase(Phase::Removing)), None, Status::Absent)]
#[case::deletion_cut_short(Some(phase(Phase::Removing)), Some(live("web")), Status::Removing)]
#[case::unrecorded_but_labelled(None, Some(live("web")), Status::Pending)]
#[case::somebody_elses(
    None,
    Some(Live { labelled: false, managers: vec!["helm".to_owned()], ..live("web") }),
    Status::Foreign { managers: vec!["helm".to_owned()] }
)]
#[case::made_anew_by_somebody(
    Some(phase(Phase::Applied)),
    Some(Live { labelled: false, uid: "other".to_owned(), ..live("web") }),
    Status::Foreign { managers: vec![] }
)]
#[case::restored_from_backup(
    Some(phase(Phase::Applied)),
    Some(Live { uid: "other".to_owned(), ..live("web") }),
    Status::Pending
)]
#[case::field_taken(
    Some(phase(Phase::Applied)),
    Some(Live { owned: Some("less".to_owned()), lost: vec!["spec.replicas".to_owned()], ..live("web") }),
    Status::Drifted { fields: vec!["spec.replicas".to_owned()] }
)]
#[case::label_removed(
    Some(phase(Phase::Applied)),
    Some(Live { labelled: false, ..live("web") }),
    Status::Drifted { fields: vec!["our label is gone".to_owned()] }
)]
#[case::being_deleted_by_somebody(
    Some(phase(Phase::Applied)),
    Some(Live { terminating: true, ..live("web") }),
    Status::Drifted { fields: vec!["it is being deleted".to_owned()] }
)]
fn statuses(#[case] recorded: Option<Entry>, #[case] live: Option<Live>, #[case] expected: Status) {
    assert_eq!(status(recorded.as_ref(), live.as_ref()), expected);
}

fn observation(state: State, live: Option<Live>) -> Observation {
    let entry = entry("Deployment", "web", "d");
    let key = entry.key();
    Observation {
        cluster_uid: ClusterUid("u-1".to_owned()),
        inventory: Some(RecordedInventory {
            inventory: inventory(state, vec![entry]),
            resource_version: "7".to_owned(),
        }),
        live: live.into_iter().map(|live| (key.clone(), live)).collect(),
        differences: BTreeMap::new(),
    }
}

fn desired() -> MemberDesired {
    let desired = Desired { digest: "d".to_owned(), ..Desired::new("shop", json!({})) };
    BTreeMap::from([(entry("Deployment", "web", "d").key(), desired)])
}

#[test]
fn sync_equals_the_desired_one_only_when_all_is_there() {
    let wanted = desired_sync(&desired());
    let sync = |observation: Observation| observation.seen(&MemberDesired::new()).sync().unwrap();
    assert_eq!(sync(observation(State::Complete, Some(live("web")))), wanted);
    assert!(sync(observation(State::Incomplete, Some(live("web")))).starts_with("incomplete-"));
    assert!(sync(observation(State::Complete, None)).starts_with("drifted-"));
}

#[test]
fn drift_that_does_not_matter_is_kept_in_mind_and_in_sync() {
    let changed = Live { owned: Some("less".to_owned()), ..live("web") };
    let mut wanted = desired();
    let seen = |wanted: &MemberDesired| observation(State::Complete, Some(changed.clone())).seen(wanted);
    assert!(seen(&wanted).sync().unwrap().starts_with("drifted-"));
    wanted.values_mut().for_each(|it| it.policy.drift = Drift::Ignore);
    let ignored = seen(&wanted);
    assert_eq!(ignored.sync().unwrap(), desired_sync(&wanted));
    assert!(matches!(ignored.objects[0].status, Status::Drifted { .. }));
}

#[test]
fn without_a_record_there_is_no_sync() {
    let nothing = Observation {
        cluster_uid: ClusterUid("u".to_owned()),
        inventory: None,
        live: BTreeMap::new(),
        differences: BTreeMap::new(),
    };
    assert_eq!(nothing.seen(&MemberDesired::new()).sync(), None);
}

#[test]
fn a_live_object_is_ours_by_its_label() {
    let mut object = json!({ "metadata": { "uid": "u", "labels": { PART_OF_LABEL: set().applyset_id() } } });
    let set = set();
    let eye = Eye { set: &set, key: None, hidden: false, ignored: None };
    assert!(Live::of(object.clone(), eye, None).labelled);
    object["metadata"]["labels"][PART_OF_LABEL] = "applyset-other-v1".into();
    assert!(!Live::of(object, eye, None).labelled);
}

/// An object of a kind that is no secret, but of which the user keeps the content secret.
#[test]
fn what_is_hidden_is_told_apart_by_the_key_and_shows_no_value() {
    let set = set();
    let object = json!({ "kind": "ConfigMap", "data": { "a": "swordfish", "b": "1" }, "metadata": { "managedFields": [
        { "manager": set.field_manager(), "operation": "Apply", "fieldsV1": { "f:data": { "f:b": {} } } },
        { "manager": "kubectl", "operation": "Update", "fieldsV1": { "f:data": { "f:a": {} } } }
    ] } });
    let key = SecretDigest::new(b"key");
    let plain =
        Live::of(object.clone(), Eye { set: &set, key: Some(&key), hidden: false, ignored: None }, None);
    let eye = Eye { set: &set, key: Some(&key), hidden: true, ignored: None };
    let wanted = Desired {
        confidential: true,
        ..Desired::new("it", json!({ "kind": "ConfigMap", "data": { "a": "perch", "b": "1" } }))
    };
    let live = Live::of(object, eye, Some(&wanted));
    assert_eq!(live.owned, Some(key.of(&json!({ "data": { "b": "1" } }))));
    assert_ne!(live.owned, plain.owned);
    assert_eq!(live.lost, ["data.a (changed, set by kubectl)"]);
}

#[test]
fn what_is_left_to_others_is_no_drift_for_those_who_know_only_the_record() {
    let set = set();
    let manager = set.field_manager();
    let object = |other: &str| {
        json!({
            "metadata": { "managedFields": [{
                "manager": manager, "operation": "Apply",
                "fieldsV1": { "f:data": { "f:mine": {}, "f:other": {} } }
            }] },
            "data": { "mine": "1", "other": other }
        })
    };
    let ignored = BTreeSet::from(["/data/other".to_owned()]);
    let owned = |other: &str, ignored: Option<&BTreeSet<String>>| {
        Live::of(object(other), Eye { set: &set, key: None, hidden: false, ignored }, None).owned
    };
    assert_ne!(owned("ours", None), owned("theirs", None));
    assert_eq!(owned("ours", Some(&ignored)), owned("theirs", Some(&ignored)));
    // It is the digest that an apply noted, which knew what was wanted.
    let mut wanted = Desired::new("shop", json!({ "data": { "mine": "1", "other": "ours" } }));
    wanted.policy.ignore_fields = ignored.clone();
    let eye = Eye { set: &set, key: None, hidden: false, ignored: None };
    assert_eq!(owned_digest(&object("ours"), eye, Some(&wanted)), owned("theirs", Some(&ignored)));
}
