use rstest::rstest;
use serde_json::json;

use super::*;
use crate::federation::inventory::Phase;
use crate::federation::inventory::tests::{entry, inventory};
use crate::federation::inventory::{Entry, State};

fn key(kind: &str, name: &str) -> ObjectKey {
    entry(kind, name, "").key()
}

fn desired(objects: &[(&str, &str, Value)]) -> MemberDesired {
    let desired =
        |(kind, name, object): &(&str, &str, Value)| (key(kind, name), Desired::new("shop", object.clone()));
    objects.iter().map(desired).collect()
}

fn web(replicas: u64) -> MemberDesired {
    desired(&[("Deployment", "web", json!({ "spec": { "replicas": replicas } }))])
}

/// A member as an apply of `desired` left it.
fn left(desired: &MemberDesired) -> Seen {
    let entries = desired.iter().map(|(key, desired)| Entry {
        desired: desired.digest.clone(),
        ..entry(&key.kind.kind, &key.name, "")
    });
    Seen::as_left(&inventory(State::Complete, entries.collect()))
}

fn uid(text: &str) -> ClusterUid {
    ClusterUid(text.to_owned())
}

/// What is foretold, without what stays as it is.
fn said(outlook: &Outlook<'_>) -> Vec<String> {
    let forecast = forecast(outlook);
    assert!(forecast.contains_key(MEMBER));
    for key in outlook.desired.into_iter().flat_map(BTreeMap::keys) {
        assert!(forecast.contains_key(&key.to_string()), "nothing is said of {key}");
    }
    let told = forecast.into_iter().map(|(key, text)| (key, text.unwrap_or_else(|| "?".to_owned())));
    let changes = told.filter(|(_, text)| text != UNCHANGED);
    changes.map(|(key, text)| format!("{key}: {text}")).collect()
}

const NOTHING: Outlook<'static> = Outlook {
    prior: None,
    desired: None,
    seen: None,
    known_as: None,
    probed: None,
    leave: Leave::Delete,
    renamed: None,
};

#[test]
fn a_member_that_joins() {
    let desired = web(3);
    assert_eq!(
        said(&Outlook { desired: Some(&desired), ..NOTHING }),
        ["Deployment shop/web: create, 3 replicas", "member: join"]
    );
    let one = web(1);
    assert_eq!(
        said(&Outlook { desired: Some(&one), ..NOTHING })[0],
        "Deployment shop/web: create, 1 replica"
    );
}

#[test]
fn a_member_to_which_nothing_happens() {
    let (desired, known) = (web(3), uid("u-1"));
    let seen = left(&desired);
    let outlook = Outlook {
        prior: Some(&desired),
        desired: Some(&desired),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    assert_eq!(said(&outlook), [""; 0]);
}

#[test]
fn a_member_that_leaves() {
    let (prior, known) = (web(3), uid("u-1"));
    let seen = left(&prior);
    let outlook = Outlook { prior: Some(&prior), seen: Some(&seen), known_as: Some(&known), ..NOTHING };
    assert_eq!(said(&outlook), ["Deployment shop/web: delete", "member: leave"]);
}

#[test]
fn a_member_that_is_renamed() {
    let (prior, desired, known) = (web(3), web(4), uid("u-1"));
    let seen = left(&prior);
    let (old, new) = (ClusterName::new("old").unwrap(), ClusterName::new("new").unwrap());
    let under_the_new = Outlook {
        prior: Some(&prior),
        desired: Some(&desired),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: Some(&old),
        ..NOTHING
    };
    assert_eq!(
        said(&under_the_new),
        ["Deployment shop/web: update: spec.replicas 3 → 4", "member: renamed from `old`"]
    );
    let under_the_old = Outlook { desired: None, renamed: Some(&new), ..under_the_new };
    assert_eq!(said(&under_the_old), ["member: renamed to `new`"]);
}

#[test]
fn another_cluster_under_the_name() {
    let (desired, known) = (web(3), uid("u-0"));
    let seen = Seen::nothing_on(uid("u-1"));
    let stays = Outlook {
        prior: Some(&desired),
        desired: Some(&desired),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    let member = "member: another cluster: kube-system has UID u-1, was u-0; the old one is forgotten";
    assert_eq!(said(&stays), ["Deployment shop/web: create, 3 replicas", member]);
    // What is on the new cluster is not touched by leaving the old one.
    let seen = left(&desired);
    assert_eq!(said(&Outlook { desired: None, seen: Some(&seen), ..stays }), [member]);
}

#[test]
fn an_apply_that_was_cut_short() {
    let (desired, known) = (web(3), uid("u-1"));
    let seen = Seen { complete: false, ..left(&desired) };
    let outlook = Outlook {
        prior: Some(&desired),
        desired: Some(&desired),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    assert_eq!(said(&outlook), ["member: resume: the last apply did not come to its end here"]);
}

fn fields(names: &[&str]) -> Status {
    Status::Drifted { fields: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[rstest]
#[case::as_left(Status::InSync, false, None, None)]
#[case::changed_by_us(Status::InSync, true, None, Some("update: spec.replicas 3 → 4"))]
#[case::changed_by_others(fields(&["spec.a (gone)"]), false, None, Some("correct: spec.a (gone)"))]
#[case::changed_by_others_somehow(fields(&[]), false, None, Some("correct"))]
#[case::changed_by_both(
    fields(&["spec.a (gone)"]), true, None,
    Some("correct: spec.a (gone); update: spec.replicas 3 → 4")
)]
#[case::cut_short(Status::Pending, false, None, Some("apply again"))]
#[case::cut_short_and_changed(Status::Pending, true, None, Some("update: spec.replicas 3 → 4"))]
#[case::never_came(Status::Absent, false, None, Some("create, 3 replicas"))]
#[case::deleted(Status::Missing, false, None, Some("create again: it was deleted"))]
#[case::going(fields(&[]), false, Some(true), Some("create again: it is being deleted"))]
#[case::was_to_be_removed(Status::Removing, false, None, Some("apply again"))]
#[case::foreign(
    Status::Foreign { managers: vec!["helm".to_owned()] }, false, None,
    Some("conflict: it is there, and not ours (kept by helm)")
)]
#[case::foreign_of_nobody(
    Status::Foreign { managers: vec![] }, false, None, Some("conflict: it is there, and not ours")
)]
#[case::more_than_six_fields(
    fields(&["a", "b", "c", "d", "e", "f", "g", "h"]), false, None,
    Some("correct: a, b, c, d, e, f and 2 more")
)]
fn an_object_that_stays(
    #[case] status: Status,
    #[case] changed: bool,
    #[case] terminating: Option<bool>,
    #[case] expected: Option<&str>,
) {
    let (prior, known) = (web(3), uid("u-1"));
    let desired = if changed { web(4) } else { web(3) };
    let mut seen = left(&prior);
    seen.objects[0].status = status;
    seen.objects[0].terminating = terminating.unwrap_or(false);
    let outlook = Outlook {
        prior: Some(&prior),
        desired: Some(&desired),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    let expected: Vec<String> =
        expected.into_iter().map(|text| format!("Deployment shop/web: {text}")).collect();
    assert_eq!(said(&outlook), expected);
}

#[rstest]
#[case::there(Status::InSync, false, Some("delete"))]
#[case::half_made(Status::Pending, false, Some("delete"))]
#[case::half_deleted(Status::Removing, false, Some("delete"))]
#[case::gone(Status::Missing, false, None)]
#[case::never_made(Status::Absent, false, None)]
#[case::without_our_label(fields(&[]), true, Some("forget: it is no longer ours"))]
#[case::foreign(Status::Foreign { managers: vec![] }, true, Some("forget: it is no longer ours"))]
fn an_object_that_goes(#[case] status: Status, #[case] kept: bool, #[case] expected: Option<&str>) {
    let (prior, nothing, known) = (web(3), MemberDesired::new(), uid("u-1"));
    let mut seen = left(&prior);
    (seen.objects[0].status, seen.objects[0].kept) = (status, kept);
    let outlook = Outlook {
        prior: Some(&prior),
        desired: Some(&nothing),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    let expected: Vec<String> =
        expected.into_iter().map(|text| format!("Deployment shop/web: {text}")).collect();
    assert_eq!(said(&outlook), expected);
}

#[test]
fn a_namespace_and_what_is_in_it() {
    let both = desired(&[("Namespace", "shop", json!({})), ("ConfigMap", "c", json!({}))]);
    let only_inside = desired(&[("ConfigMap", "c", json!({}))]);
    let known = uid("u-1");
    let seen = left(&both);
    let mut going = seen.clone();
    let outlook = Outlook {
        prior: Some(&both),
        desired: Some(&only_inside),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    assert_eq!(said(&outlook), ["Namespace shop: keep: other objects of the federation are in it"]);

    let namespace = going.objects.iter_mut().find(|object| object.kind == "Namespace").unwrap();
    (namespace.status, namespace.terminating) = (fields(&[]), true);
    assert_eq!(
        said(&Outlook { desired: Some(&both), seen: Some(&going), ..outlook }),
        [
            "ConfigMap shop/c: create again: its namespace is being deleted",
            "Namespace shop: create again: it is being deleted"
        ]
    );
}

#[test]
fn values_of_secrets_are_not_told() {
    let secret = |label: &str| json!({ "kind": "Secret", "metadata": { "annotations": { "last": label } }, "type": "Opaque" });
    let (prior, wanted) = (
        desired(&[("ConfigMap", "c", secret("hunter1"))]),
        desired(&[("ConfigMap", "c", secret("hunter2"))]),
    );
    let (seen, known) = (left(&prior), uid("u-1"));
    let outlook = Outlook {
        prior: Some(&prior),
        desired: Some(&wanted),
        seen: Some(&seen),
        known_as: Some(&known),
        renamed: None,
        ..NOTHING
    };
    assert_eq!(said(&outlook), ["ConfigMap shop/c: update: metadata.annotations.last changed"]);
}

#[test]
fn phases_of_a_record_become_what_is_foretold() {
    let wanted = web(3);
    let digest = wanted.values().next().unwrap().digest.clone();
    for (phase, expected) in [
        (Phase::Applied, Some(UNCHANGED)),
        (Phase::Pending, Some("apply again")),
        (Phase::Removing, Some("apply again")),
    ] {
        let entry = Entry { phase, desired: digest.clone(), ..entry("Deployment", "web", "") };
        let seen = Seen::as_left(&inventory(State::Complete, vec![entry]));
        let known = uid("u-1");
        let outlook = Outlook {
            prior: Some(&wanted),
            desired: Some(&wanted),
            seen: Some(&seen),
            known_as: Some(&known),
            renamed: None,
            ..NOTHING
        };
        assert_eq!(forecast(&outlook).get("Deployment shop/web").and_then(Option::as_deref), expected);
    }
}

#[rstest]
#[case::as_it_is(&["kubectl"], UNCHANGED, &[], "adopt (kept by kubectl), unchanged")]
#[case::of_nobody(&[], UNCHANGED, &[], "adopt, unchanged")]
#[case::a_field_goes(&["Helm"], UNCHANGED, &["old"], "adopt (kept by Helm); no longer set: data.old")]
#[case::all(
    &["Helm", "kubectl"], "update: data.a 1 → 2", &["b", "c"],
    "adopt (kept by Helm, kubectl), update: data.a 1 → 2; no longer set: data.b, data.c"
)]
fn an_adoption_says_from_whom_and_what_changes(
    #[case] managers: &[&str],
    #[case] change: &str,
    #[case] gone: &[&str],
    #[case] expected: &str,
) {
    let managers: Vec<String> = managers.iter().map(|&it| it.to_owned()).collect();
    let gone: Vec<FieldPath> = gone.iter().map(|name| FieldPath::fields(["data", name])).collect();
    assert_eq!(adopt(&managers, change, &gone), expected);
}

#[rstest]
#[case::never(Adopt::Never, "conflict: it is there, and not ours (kept by Helm)")]
#[case::always(Adopt::Always, "adopt (kept by Helm)")]
#[case::if_so(Adopt::IfNoDiff, "adopt (kept by Helm) if nothing differs")]
fn what_is_not_looked_into_says_who_keeps_it(#[case] adopt: Adopt, #[case] expected: &str) {
    let mut wanted = Desired::new("shop", json!({}));
    wanted.policy.adopt = adopt;
    assert_eq!(foreign(&wanted, &["Helm".to_owned()]), expected);
}

#[rstest]
#[case::corrected(Drift::Correct, false, "correct: spec.replicas")]
#[case::shown(Drift::Detect, false, "drifted, left as it is: spec.replicas")]
#[case::ignored(Drift::Ignore, false, UNCHANGED)]
#[case::corrected_with_a_change(Drift::Correct, true, "correct: spec.replicas; update: x")]
#[case::shown_with_a_change(Drift::Detect, true, "drifted, left as it is: spec.replicas; update: x")]
#[case::ignored_with_a_change(Drift::Ignore, true, "update: x")]
fn drift_is_told_by_the_new_policy(#[case] drift: Drift, #[case] changes: bool, #[case] expected: &str) {
    let mut desired = web(3);
    // The last read was told to ignore it; that is the policy of then.
    let mut seen = left(&desired);
    (seen.objects[0].status, seen.objects[0].ignored) =
        (Status::Drifted { fields: vec!["spec.replicas".to_owned()] }, true);
    desired.values_mut().for_each(|it| it.policy.drift = drift);
    let key = desired.keys().next().unwrap().clone();
    let probed = Probed::from([(key.clone(), Some("update: x".to_owned()))]);
    if changes {
        desired.values_mut().for_each(|it| it.digest = "other".to_owned());
    }
    let probed = Some(&probed).filter(|_| changes);
    let told = forecast(&Outlook { desired: Some(&desired), seen: Some(&seen), probed, ..NOTHING });
    assert_eq!(told[&key.to_string()].as_deref(), Some(expected));
}

#[rstest]
#[case::corrected(Drift::Correct, "create again: it was deleted")]
#[case::shown(Drift::Detect, "drifted, left as it is: it was deleted")]
#[case::ignored(Drift::Ignore, UNCHANGED)]
fn what_was_deleted_is_told_by_the_new_policy(#[case] drift: Drift, #[case] expected: &str) {
    let mut desired = web(3);
    let mut seen = left(&desired);
    seen.objects[0].status = Status::Missing;
    desired.values_mut().for_each(|it| it.policy.drift = drift);
    let told = forecast(&Outlook { desired: Some(&desired), seen: Some(&seen), ..NOTHING });
    let key = desired.keys().next().unwrap().to_string();
    assert_eq!(told[&key].as_deref(), Some(expected));
}
