use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::difference::Change;
use crate::federation::inventory::tests::entry;
use crate::federation::render::MemberDesired;
use crate::path::FieldPath;
use crate::probe::{Contested, Problem, Why};

fn key(kind: &str) -> ObjectKey {
    entry(kind, "it", "").key()
}

fn wanted(adopt: Adopt) -> Desired {
    let mut desired = Desired::new("shop", json!({ "kind": "ConfigMap", "data": { "a": "1" } }));
    desired.policy.adopt = adopt;
    desired
}

fn foreign_status() -> Status {
    Status::Foreign { managers: vec!["kubectl".to_owned()] }
}

fn change() -> Change {
    crate::difference::difference(&json!({ "data": { "a": "1" } }), &json!({ "data": { "a": "2" } }))
        .remove(0)
}

#[rstest]
#[case::as_it_was_applied(Adopt::Never, Status::InSync, true, false)]
#[case::something_else_is_wanted(Adopt::Never, Status::InSync, false, true)]
#[case::it_is_not_there(Adopt::Never, Status::Absent, false, true)]
#[case::foreign_and_never_adopted(Adopt::Never, foreign_status(), false, false)]
#[case::foreign_and_to_be_adopted(Adopt::Always, foreign_status(), true, true)]
fn only_what_may_change_is_asked_about(
    #[case] adopt: Adopt,
    #[case] status: Status,
    #[case] current: bool,
    #[case] asked: bool,
) {
    let desired: MemberDesired = [(key("ConfigMap"), wanted(adopt))].into();
    let questions = questions(desired.iter(), |_| (status.clone(), current));
    assert_eq!(!questions.ask.is_empty(), asked);
    assert!(questions.told.is_empty());
}

#[test]
fn a_server_is_not_asked_about_a_kind_whose_definition_changes_too() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": { "group": "example.com", "names": { "kind": "Widget", "plural": "widgets" } }
    });
    let mut widget = key("Widget");
    widget.kind.group = "example.com".to_owned();
    let desired: MemberDesired = [
        (key("CustomResourceDefinition"), Desired::new("shop", definition)),
        (widget.clone(), wanted(Adopt::Always)),
    ]
    .into();
    let states =
        BTreeMap::from([(key("CustomResourceDefinition"), Status::InSync), (widget, foreign_status())]);
    let questions = questions(desired.iter(), |key| (states[key].clone(), false));
    let asked: Vec<&str> = questions.ask.iter().map(|(key, ..)| key.kind.kind.as_str()).collect();
    assert_eq!(asked, ["CustomResourceDefinition"]);
    let told: Vec<&str> = questions.told.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(told, ["adopt (kept by kubectl)"]);
}

#[rstest]
#[case::made(Verdict::Create, Judged::Does("create".to_owned()))]
#[case::unchanged(Verdict::Unchanged, Judged::Does("unchanged".to_owned()))]
#[case::changed(Verdict::Update { changes: vec![change()] }, Judged::Does(format!("update: {}", change())))]
#[case::not_known(
    Verdict::Unknown(Why::KindMissing),
    Judged::Unknown(Why::KindMissing.to_string())
)]
fn an_answer_is_put_into_words(#[case] verdict: Verdict, #[case] expected: Judged) {
    let judged = judge(&key("ConfigMap"), &wanted(Adopt::Never), &Status::InSync, &verdict, None, &[]);
    assert_eq!(judged, expected);
}

#[rstest]
#[case::replaced(
    Verdict::Replace { fields: vec!["spec.selector".to_owned()], message: "immutable".to_owned() },
    "replace_on_immutable"
)]
#[case::contested(
    Verdict::Conflict { by: vec![Contested { manager: "helm".to_owned(), field: "data.a".to_owned() }] },
    "ignore_fields"
)]
#[case::wrong(
    Verdict::Refused { problems: vec![Problem { field: None, message: "no such field".to_owned() }] },
    "no such field"
)]
fn a_refusal_says_what_to_do(#[case] verdict: Verdict, #[case] advice: &str) {
    let judged = judge(&key("ConfigMap"), &wanted(Adopt::Never), &Status::InSync, &verdict, None, &[]);
    assert!(matches!(&judged, Judged::Refused(why) if why.contains(advice)), "{judged:?}");
}

#[test]
fn values_of_what_is_confidential_are_not_said() {
    let mut desired = wanted(Adopt::Never);
    desired.confidential = true;
    let verdict = Verdict::Update { changes: vec![change()] };
    let judged = judge(&key("ConfigMap"), &desired, &Status::InSync, &verdict, None, &[]);
    assert_eq!(judged, Judged::Does("update: its content is not shown".to_owned()));
}

#[rstest]
#[case::always(Adopt::Always, Judged::Does("adopt (kept by kubectl); no longer set: data.old".to_owned()))]
#[case::if_no_diff(Adopt::IfNoDiff, Judged::Does("adopt (kept by kubectl), unchanged".to_owned()))]
fn what_others_set_goes_only_where_all_is_adopted(#[case] adopt: Adopt, #[case] expected: Judged) {
    let gone = [FieldPath::fields(["data", "old"])];
    let judged =
        judge(&key("ConfigMap"), &wanted(adopt), &foreign_status(), &Verdict::Unchanged, None, &gone);
    assert_eq!(judged, expected);
}

#[test]
fn what_differs_is_not_adopted_unless_it_may() {
    let differs = Adoption::Differs(vec![change()]);
    let verdict = Verdict::Update { changes: vec![change()] };
    let judged =
        |adopt| judge(&key("ConfigMap"), &wanted(adopt), &foreign_status(), &verdict, Some(&differs), &[]);
    assert!(matches!(judged(Adopt::IfNoDiff), Judged::Refused(why) if why.contains("data.a")));
    assert!(matches!(judged(Adopt::Always), Judged::Does(_)));
}
