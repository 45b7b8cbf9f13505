//! Plans, and what is true after they were carried out: by a small cluster that does what a plan says.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::digest::digest;
use crate::federation::inventory::Entry;
use crate::federation::inventory::tests::{entry, inventory, set};
use crate::federation::observation::tests::live;
use crate::federation::observation::{Live, RecordedInventory};
use crate::names::ClusterUid;

const INSTANCE: &str = "i-1";

fn observed(recorded: Option<Inventory>, live: impl IntoIterator<Item = (ObjectKey, Live)>) -> Observation {
    Observation {
        cluster_uid: ClusterUid("u-1".to_owned()),
        inventory: recorded
            .map(|inventory| RecordedInventory { inventory, resource_version: "7".to_owned() }),
        live: live.into_iter().collect(),
        differences: BTreeMap::new(),
    }
}

fn key(kind: &str, name: &str) -> ObjectKey {
    entry(kind, name, "").key()
}

fn wanted(objects: &[(&str, &str, &str)]) -> MemberDesired {
    let desired = |(kind, name, digest): &(&str, &str, &str)| {
        let object = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
        let desired = Desired { digest: (*digest).to_owned(), ..Desired::new("shop", object) };
        (key(kind, name), desired)
    };
    objects.iter().map(desired).collect()
}

fn planned(desired: &MemberDesired, observed: &Observation) -> MemberPlan {
    plan(&set(), Claim::Change(INSTANCE), &Labels::new(), desired, observed).unwrap()
}

/// What a plan does, in short.
fn said(plan: &MemberPlan) -> Vec<String> {
    let mut said = Vec::new();
    for apply in plan.waves.iter().flatten() {
        let force = if apply.force { " by force" } else { "" };
        let after = apply.after.as_ref().map_or(String::new(), |uid| format!(" after {uid}"));
        said.push(format!("apply {}{force}{after}", apply.key));
    }
    said.extend(plan.awaited.keys().map(|key| format!("await {key}")));
    said.extend(plan.deletions.iter().flatten().map(|it| format!("delete {} {}", it.key, it.uid)));
    said.extend(plan.release.iter().map(|it| format!("release {}", it.key)));
    let left = |it: &Forgotten| if it.exists { " (it is there)" } else { "" };
    said.extend(plan.forget.iter().map(|it| format!("forget {}{}", it.key, left(it))));
    said
}

fn recorded(phase: Phase) -> Entry {
    Entry { phase, ..entry("ConfigMap", "c", "d") }
}

fn taken() -> Live {
    Live { owned: Some("less".to_owned()), lost: vec!["data.a".to_owned()], ..live("c") }
}

#[rstest]
#[case::new(None, None, &["apply ConfigMap shop/c"])]
#[case::as_wanted(Some(recorded(Phase::Applied)), Some(live("c")), &[])]
#[case::other_content(
    Some(Entry { desired: "old".to_owned(), ..recorded(Phase::Applied) }), Some(live("c")),
    &["apply ConfigMap shop/c"]
)]
#[case::deleted_by_hand(Some(recorded(Phase::Applied)), None, &["apply ConfigMap shop/c"])]
#[case::drifted(Some(recorded(Phase::Applied)), Some(taken()), &["apply ConfigMap shop/c by force"])]
#[case::correction_cut_short(Some(recorded(Phase::Pending)), Some(taken()), &["apply ConfigMap shop/c by force"])]
#[case::first_apply_cut_short(
    Some(Entry { uid: None, owned: None, ..recorded(Phase::Pending) }), Some(taken()),
    &["apply ConfigMap shop/c"]
)]
#[case::update_cut_short(Some(recorded(Phase::Pending)), Some(live("c")), &["apply ConfigMap shop/c"])]
#[case::update_came_through(
    Some(recorded(Phase::Pending)), Some(Live { owned: Some("more".to_owned()), ..live("c") }),
    &["apply ConfigMap shop/c"]
)]
#[case::being_deleted(
    Some(recorded(Phase::Applied)), Some(Live { terminating: true, ..live("c") }),
    &["apply ConfigMap shop/c by force after uid-c"]
)]
#[case::our_own_deletion_cut_short(
    Some(recorded(Phase::Removing)), Some(Live { terminating: true, ..live("c") }),
    &["apply ConfigMap shop/c after uid-c"]
)]
#[case::our_own_deletion_not_begun(
    Some(recorded(Phase::Removing)), Some(live("c")), &["apply ConfigMap shop/c"]
)]
fn one_object_is_brought_to_what_is_wanted(
    #[case] recorded: Option<Entry>,
    #[case] live: Option<Live>,
    #[case] expected: &[&str],
) {
    let record = inventory(State::Complete, recorded.into_iter().collect());
    let observed = observed(Some(record), live.map(|live| (key("ConfigMap", "c"), live)));
    assert_eq!(said(&planned(&wanted(&[("ConfigMap", "c", "d")]), &observed)), expected);
}

#[rstest]
#[case::ours(recorded(Phase::Applied), Some(live("c")), &["delete ConfigMap shop/c uid-c"])]
#[case::gone(recorded(Phase::Applied), None, &["forget ConfigMap shop/c"])]
#[case::never_made(recorded(Phase::Pending), None, &["forget ConfigMap shop/c"])]
#[case::half_made(
    Entry { uid: None, ..recorded(Phase::Pending) }, Some(live("c")), &["delete ConfigMap shop/c uid-c"]
)]
#[case::deletion_cut_short(recorded(Phase::Removing), Some(live("c")), &["delete ConfigMap shop/c uid-c"])]
#[case::label_gone(
    recorded(Phase::Applied), Some(Live { labelled: false, ..live("c") }),
    &["forget ConfigMap shop/c (it is there)"]
)]
#[case::made_anew_with_our_label(
    recorded(Phase::Applied), Some(Live { uid: "other".to_owned(), ..live("c") }),
    &["forget ConfigMap shop/c (it is there)"]
)]
#[case::half_made_by_somebody_else(
    Entry { uid: None, ..recorded(Phase::Pending) }, Some(Live { owned: None, ..live("c") }),
    &["forget ConfigMap shop/c (it is there)"]
)]
fn one_object_is_taken_away_only_if_it_is_ours(
    #[case] recorded: Entry,
    #[case] live: Option<Live>,
    #[case] expected: &[&str],
) {
    let record = inventory(State::Complete, vec![recorded]);
    let observed = observed(Some(record), live.map(|live| (key("ConfigMap", "c"), live)));
    assert_eq!(said(&planned(&MemberDesired::new(), &observed)), expected);
    assert_eq!(said(&plan_removal(INSTANCE, Leave::Delete, &observed).unwrap()), expected);
}

#[rstest]
#[case::no_label(Live { labelled: false, ..live("c") }, None, false)]
#[case::a_copy_of_ours(Live { owned: None, ..live("c") }, None, false)]
#[case::ours_without_record(live("c"), None, true)]
#[case::made_anew_by_somebody(
    Live { labelled: false, uid: "other".to_owned(), ..live("c") }, Some(recorded(Phase::Applied)), false
)]
#[case::restored(Live { uid: "other".to_owned(), ..live("c") }, Some(recorded(Phase::Applied)), true)]
fn an_object_that_is_not_ours_stops_the_member(
    #[case] live: Live,
    #[case] recorded: Option<Entry>,
    #[case] allowed: bool,
) {
    let record = inventory(State::Complete, recorded.into_iter().collect());
    let observed = observed(Some(record), [(key("ConfigMap", "c"), live)]);
    let desired = wanted(&[("ConfigMap", "c", "new"), ("Service", "s", "d")]);
    let plan = plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &desired, &observed);
    assert_eq!(plan.is_ok(), allowed, "{plan:?}");
}

#[rstest]
#[case::none(None, true, true)]
#[case::ours(Some((INSTANCE, State::Complete, true)), true, true)]
#[case::ours_unfinished(Some((INSTANCE, State::Incomplete, true)), true, true)]
#[case::a_create_cut_short(Some(("i-2", State::Incomplete, false)), true, false)]
#[case::an_update_cut_short(Some(("i-2", State::Incomplete, true)), false, false)]
#[case::another_that_lives(Some(("i-2", State::Complete, false)), false, false)]
fn another_instance_is_taken_over_only_by_a_create_that_goes_on(
    #[case] found: Option<(&str, State, bool)>,
    #[case] by_create: bool,
    #[case] by_update: bool,
) {
    let record = found.map(|(instance, state, changed)| Inventory {
        instance: instance.to_owned(),
        changed,
        ..inventory(state, vec![])
    });
    let observed = observed(record, []);
    for (claim, allowed) in [(Claim::Make(INSTANCE), by_create), (Claim::Change(INSTANCE), by_update)] {
        match plan(&set(), claim, &Labels::new(), &MemberDesired::new(), &observed) {
            Ok(plan) => assert!(allowed && plan.inventory.instance == INSTANCE, "{claim:?}"),
            Err(refusals) => assert!(!allowed && refusals == [Refusal::Exists], "{claim:?}"),
        }
    }
}

#[test]
fn a_record_tells_that_the_federation_was_changed() {
    let desired = wanted(&[("ConfigMap", "c", "d")]);
    let made = plan(&set(), Claim::Make(INSTANCE), &Labels::new(), &desired, &observed(None, [])).unwrap();
    assert!(!made.inventory.changed);
    let changed = planned(&desired, &observed(Some(made.inventory), []));
    assert!(changed.inventory.changed);
    let resumed =
        plan(&set(), Claim::Make(INSTANCE), &Labels::new(), &desired, &observed(Some(changed.inventory), []));
    assert!(resumed.unwrap().inventory.changed, "it is not forgotten");
}

#[test]
fn only_the_own_instance_is_removed() {
    let record = inventory(State::Complete, vec![recorded(Phase::Applied)]);
    let observed = observed(Some(record), [(key("ConfigMap", "c"), live("c"))]);
    assert!(plan_removal("i-2", Leave::Delete, &observed).is_none());
    assert_eq!(plan_removal(INSTANCE, Leave::Delete, &observed).unwrap().inventory.state, State::Incomplete);
}

#[test]
fn a_namespace_is_not_taken_from_under_what_stays_in_it() {
    let objects = vec![entry("Namespace", "shop", "n"), recorded(Phase::Applied)];
    let found = [(key("Namespace", "shop"), live("shop")), (key("ConfigMap", "c"), live("c"))];
    let observed = observed(Some(inventory(State::Complete, objects)), found);
    let plan = planned(&wanted(&[("ConfigMap", "c", "d")]), &observed);
    assert_eq!(said(&plan), ["release Namespace shop"]);
    let plan = planned(&MemberDesired::new(), &observed);
    assert_eq!(said(&plan), ["delete ConfigMap shop/c uid-c", "delete Namespace shop uid-shop"]);
    assert_eq!(plan.deletions[1][0].only_if, OnlyIf::NamespaceIsOurs);
}

#[test]
fn what_goes_with_its_namespace_is_made_again() {
    let objects = vec![entry("Namespace", "shop", "n"), recorded(Phase::Applied)];
    let going = Live { terminating: true, ..live("shop") };
    let found = [(key("Namespace", "shop"), going), (key("ConfigMap", "c"), live("c"))];
    let observed = observed(Some(inventory(State::Complete, objects)), found);
    let plan = planned(&wanted(&[("ConfigMap", "c", "d"), ("Namespace", "shop", "n")]), &observed);
    assert_eq!(
        said(&plan),
        ["apply Namespace shop by force after uid-shop", "apply ConfigMap shop/c after uid-c"]
    );
}

#[test]
fn waves_go_up_and_deletions_go_down() {
    let kinds = ["Deployment", "ConfigMap", "Namespace", "Service"];
    let new: Vec<_> = kinds.iter().map(|kind| (*kind, "new", "d")).collect();
    let old = kinds.iter().map(|kind| entry(kind, "old", "d")).collect();
    let found = kinds.iter().map(|kind| (key(kind, "old"), live("old")));
    let observed = observed(Some(inventory(State::Complete, old)), found);
    let plan = planned(&wanted(&new), &observed);
    let order = |keys: Vec<&ObjectKey>| keys.iter().map(|key| key.kind.kind.clone()).collect::<Vec<_>>();
    let up = order(plan.waves.iter().flatten().map(|it| &it.key).collect());
    let down = order(plan.deletions.iter().flatten().map(|it| &it.key).collect());
    assert_eq!(up, ["Namespace", "ConfigMap", "Service", "Deployment"]);
    assert_eq!(down, ["Deployment", "Service", "ConfigMap", "Namespace"]);
    assert_eq!(plan.waves.len(), 4, "each kind has its wave");
    assert_eq!(plan.inventory.state, State::Incomplete);
    assert_eq!(plan.replaces.as_deref(), Some("7"));
}

#[test]
fn bodies_carry_our_labels_whatever_labels_they_had() {
    let mut desired = wanted(&[("ConfigMap", "c", "d")]);
    for labels in [json!(null), json!("text"), json!({ "app": "web", PART_OF_LABEL: "forged" })] {
        desired.get_mut(&key("ConfigMap", "c")).unwrap().object["metadata"]["labels"] = labels.clone();
        let plan = planned(&desired, &observed(None, []));
        let body = &plan.waves[0][0].body["metadata"]["labels"];
        assert_eq!(body[PART_OF_LABEL], json!(set().applyset_id()));
        assert_eq!(body[FEDERATION_LABEL], json!("world"));
        assert_eq!(body.get("app"), labels.get("app"));
    }
}

/// Another field of it changes; the drift is left, and is not forgotten.
#[rstest]
#[case::corrected(Drift::Correct, taken(), true, false)]
#[case::shown(Drift::Detect, taken(), false, true)]
#[case::ignored(Drift::Ignore, taken(), false, true)]
#[case::nothing_to_leave(Drift::Detect, Live { lost: vec![], ..taken() }, false, false)]
#[case::none(Drift::Detect, live("c"), false, false)]
fn drift_that_is_left_stays_drift(
    #[case] drift: Drift,
    #[case] found: Live,
    #[case] force: bool,
    #[case] leaves: bool,
) {
    let mut wanted = wanted(&[("ConfigMap", "c", "e")]);
    wanted.values_mut().for_each(|desired| desired.policy.drift = drift);
    let record = inventory(State::Complete, vec![recorded(Phase::Applied)]);
    let plan = planned(&wanted, &observed(Some(record), [(key("ConfigMap", "c"), found)]));
    let apply = &plan.waves[0][0];
    assert_eq!((apply.force, apply.leaves_drift), (force, leaves));
}

#[rstest]
#[case::made("ConfigMap", Origin::Made, Leave::Delete, false)]
#[case::adopted("ConfigMap", Origin::Adopted, Leave::Delete, false)]
#[case::half_adopted("ConfigMap", Origin::Adopting, Leave::Delete, true)]
#[case::orphaned("ConfigMap", Origin::Made, Leave::Orphan, true)]
#[case::may_hold_what_is_not_ours("Namespace", Origin::Made, Leave::Delete, true)]
fn what_may_outlive_the_federation(
    #[case] kind: &str,
    #[case] origin: Origin,
    #[case] leave: Leave,
    #[case] expected: bool,
) {
    assert_eq!(outlives(&key(kind, "c"), origin, leave), expected);
}

#[rstest]
#[case::another_federation(Live { federation: Some("rival".to_owned()), ..live("c") }, "federation `rival` keeps it")]
#[case::another_set(
    Live { federation: Some(set().federation.to_string()), ..live("c") },
    "keeps it in another set"
)]
#[case::by_label(
    Live { object: json!({ "metadata": { "labels": { "kubefed.io/managed": "false" } } }), ..live("c") },
    "no federation may have it"
)]
fn what_must_not_be_adopted_never_is(#[case] live: Live, #[case] why: &str) {
    let theirs = Live { labelled: false, owned: None, ..live };
    let mut wanted = wanted(&[("ConfigMap", "c", "d")]);
    for adopt in [Adopt::Never, Adopt::IfNoDiff, Adopt::Always] {
        wanted.values_mut().for_each(|desired| desired.policy.adopt = adopt);
        let mut observed = observed(None, [(key("ConfigMap", "c"), theirs.clone())]);
        observed.differences.insert(key("ConfigMap", "c"), Vec::new());
        let refusals = plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &wanted, &observed).unwrap_err();
        assert!(refusals.len() == 1 && refusals[0].to_string().contains(why), "{refusals:?}");
    }
}

#[test]
fn a_member_that_is_not_complete_awaits_all_its_workloads() {
    let desired = wanted(&[("Deployment", "web", "d"), ("ConfigMap", "c", "d")]);
    let objects = vec![entry("Deployment", "web", "d"), recorded(Phase::Applied)];
    let found = || [(key("Deployment", "web"), live("web")), (key("ConfigMap", "c"), live("c"))];
    let plan = planned(&desired, &observed(Some(inventory(State::Incomplete, objects.clone())), found()));
    assert_eq!(said(&plan), ["await Deployment shop/web"]);
    let plan = planned(&desired, &observed(Some(inventory(State::Complete, objects)), found()));
    assert!(plan.is_empty() && plan.inventory.state == State::Complete);
}

#[test]
fn changed_labels_of_the_member_are_recorded() {
    let labels = Labels::from([("tier".to_owned(), "edge".to_owned())]);
    let observed = observed(Some(inventory(State::Complete, vec![])), []);
    let plan = plan(&set(), Claim::Change(INSTANCE), &labels, &MemberDesired::new(), &observed).unwrap();
    assert!(!plan.is_empty());
    assert_eq!(plan.inventory.labels, labels);
}

/// A cluster that does what a plan says, and whose record says so.
fn carried_out(plan: &MemberPlan, observed: &Observation) -> Observation {
    let mut record = plan.inventory.clone();
    let mut live_after = observed.live.clone();
    for apply in plan.waves.iter().flatten() {
        let anew = apply.after.is_some() || !live_after.contains_key(&apply.key);
        let uid = if anew { format!("anew-{}", apply.key) } else { live_after[&apply.key].uid.clone() };
        let owned = Some(digest(&apply.body));
        record.put(Entry {
            uid: Some(uid.clone()),
            desired: apply.digest.clone(),
            owned: owned.clone(),
            phase: Phase::Applied,
            ..entry(&apply.key.kind.kind, &apply.key.name, "")
        });
        live_after.insert(apply.key.clone(), Live { uid, owned, ..live(&apply.key.name) });
    }
    for deletion in plan.deletions.iter().flatten() {
        record.remove(&deletion.key);
        live_after.remove(&deletion.key);
    }
    for released in &plan.release {
        record.remove(&released.key);
        live_after.get_mut(&released.key).unwrap().labelled = false;
    }
    for forgotten in &plan.forget {
        record.remove(&forgotten.key);
    }
    record.state = State::Complete;
    Observation {
        inventory: Some(RecordedInventory { inventory: record, resource_version: "8".to_owned() }),
        live: live_after,
        ..observed.clone()
    }
}

const KINDS: [&str; 4] = ["Namespace", "ConfigMap", "Service", "Deployment"];
const NAMES: [&str; 2] = ["shop", "web"];

fn any_key() -> impl Strategy<Value = (&'static str, &'static str)> {
    (proptest::sample::select(&KINDS[..]), proptest::sample::select(&NAMES[..]))
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let phase = prop_oneof![Just(Phase::Applied), Just(Phase::Pending), Just(Phase::Removing)];
    (any_key(), phase, "[de]", any::<bool>()).prop_map(|((kind, name), phase, desired, seen)| {
        let entry = entry(kind, name, &desired);
        let (uid, owned) = if seen { (entry.uid.clone(), entry.owned.clone()) } else { (None, None) };
        Entry { phase, uid, owned, ..entry }
    })
}

fn any_live() -> impl Strategy<Value = (ObjectKey, Live)> {
    let facts = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (any_key(), facts).prop_map(|((kind, name), (same, labelled, owned, changed, terminating))| {
        let before = live(name);
        let uid = if same { before.uid } else { "other".to_owned() };
        let lost = if changed { vec!["data.a".to_owned()] } else { vec![] };
        let whose = if changed { Some("less".to_owned()) } else { before.owned };
        let live = Live { uid, labelled, owned: whose.filter(|_| owned), lost, terminating, ..live(name) };
        (key(kind, name), live)
    })
}

fn any_observed() -> impl Strategy<Value = Observation> {
    let record = proptest::option::of((any::<bool>(), proptest::collection::vec(any_entry(), 0..6)));
    let found = proptest::collection::btree_map(any_key(), any_live(), 0..8);
    (record, found).prop_map(|(record, found)| {
        let record = record.map(|(complete, entries)| {
            let mut record = inventory(if complete { State::Complete } else { State::Incomplete }, vec![]);
            entries.into_iter().for_each(|entry| record.put(entry));
            record
        });
        observed(record, found.into_values())
    })
}

fn any_desired() -> impl Strategy<Value = MemberDesired> {
    proptest::collection::vec((any_key(), "[de]"), 0..6).prop_map(|objects| {
        let objects: Vec<_> =
            objects.iter().map(|((kind, name), digest)| (*kind, *name, digest.as_str())).collect();
        wanted(&objects)
    })
}

proptest! {
    #[test]
    fn what_was_carried_out_needs_nothing_more(desired in any_desired(), observed in any_observed()) {
        if let Ok(first) = plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &desired, &observed) {
            let after = carried_out(&first, &observed);
            let second = plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &desired, &after);
            prop_assert_eq!(second.as_ref().map(said), Ok(vec![]));
            prop_assert!(second.unwrap().is_empty());
            let sync = observation::desired_sync(&desired);
            prop_assert_eq!(after.seen(&MemberDesired::new()).sync(), Some(sync));
        }
    }

    #[test]
    fn nothing_without_our_label_is_ever_deleted(desired in any_desired(), observed in any_observed()) {
        let plans = [
            plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &desired, &observed).ok(),
            plan_removal(INSTANCE, Leave::Delete, &observed),
        ];
        for plan in plans.into_iter().flatten() {
            for deletion in plan.deletions.iter().flatten() {
                let live = &observed.live[&deletion.key];
                prop_assert!(live.labelled && live.uid == deletion.uid);
                prop_assert!(live.uid != "other" || live.owned.is_some());
                prop_assert!(observed.recorded().contains_key(&deletion.key));
            }
        }
    }

    #[test]
    fn what_is_wanted_is_not_deleted_nor_what_holds_it(desired in any_desired(), observed in any_observed()) {
        if let Ok(plan) = plan(&set(), Claim::Change(INSTANCE), &Labels::new(), &desired, &observed) {
            for deletion in plan.deletions.iter().flatten() {
                prop_assert!(!desired.contains_key(&deletion.key));
                prop_assert!(!holds_wanted(&deletion.key, &desired));
            }
        }
    }

    #[test]
    fn every_record_that_goes_is_accounted_for(observed in any_observed()) {
        if let Some(plan) = plan_removal(INSTANCE, Leave::Delete, &observed) {
            let said = plan.deletions.iter().flatten().map(|it| &it.key).chain(plan.forget.iter().map(|it| &it.key));
            let mut said: Vec<_> = said.cloned().collect();
            said.sort();
            prop_assert_eq!(said, observed.recorded().into_keys().collect::<Vec<_>>());
        }
    }
}

/// Of a copy whose original cannot be read nothing is sent, whatever has become of it.
#[rstest]
#[case::new(None, None)]
#[case::drifted(Some(recorded(Phase::Applied)), Some(taken()))]
#[case::other_original(Some(Entry { desired: "old".to_owned(), ..recorded(Phase::Applied) }), Some(live("c")))]
fn what_is_blank_is_never_sent(#[case] entry: Option<Entry>, #[case] found: Option<Live>) {
    let mut desired = wanted(&[("ConfigMap", "c", "d")]);
    desired.values_mut().for_each(|desired| desired.blank = true);
    let record = inventory(State::Complete, entry.into_iter().collect());
    let plan = planned(&desired, &observed(Some(record), found.map(|it| (key("ConfigMap", "c"), it))));
    assert_eq!(said(&plan), [""; 0]);
}

#[test]
fn what_is_sent_does_not_show_in_debug_output() {
    let mut desired = wanted(&[("ConfigMap", "c", "d")]);
    desired.values_mut().for_each(|desired| desired.object["data"] = json!({ "a": "hunter2" }));
    let plan = planned(&desired, &observed(None, None));
    assert!(format!("{plan:?}").contains("ConfigMap") && !format!("{plan:?}").contains("hunter2"));
}

#[rstest]
#[case::as_it_was(live("c"), "d")]
#[case::changed_by_others(taken(), "d")]
#[case::not_recorded_as_it_is(live("c"), "other")]
fn what_is_held_is_neither_applied_nor_deleted(#[case] found: Live, #[case] digest: &str) {
    let mut desired = wanted(&[("ConfigMap", "c", digest)]);
    desired.values_mut().for_each(|desired| desired.held = true);
    let there = [(key("ConfigMap", "c"), found)];
    let observed = observed(Some(inventory(State::Complete, vec![recorded(Phase::Applied)])), there);
    let plan = planned(&desired, &observed);
    assert_eq!(said(&plan), [""; 0]);
    assert!(plan.inventory.entry(&key("ConfigMap", "c")).is_some());
}

/// `kubefed.io/orphan`: the object stays when its document goes, and goes when the document selects other members.
#[rstest]
#[case::the_document_is_gone(false, "release ConfigMap shop/c")]
#[case::the_document_selects_others(true, "delete ConfigMap shop/c uid-c")]
fn what_outlives_its_document_is_deleted_where_that_does_not_select(
    #[case] unselected: bool,
    #[case] expected: &str,
) {
    let orphan = Entry { origin: Origin::Orphan, ..recorded(Phase::Applied) };
    let there = [(key("ConfigMap", "c"), live("c"))];
    let mut observed = observed(Some(inventory(State::Complete, vec![orphan])), there);
    if unselected {
        observed.unselect(&BTreeSet::from([key("ConfigMap", "c")]));
    }
    assert_eq!(said(&planned(&wanted(&[]), &observed)), [expected]);
}
