//! Where a division cannot be, and which attribute says so.

use rstest::rstest;

use super::{Field, Target, deployment, entry, name, object, patch, problem, rendered_of, replicas, spec};
use crate::federation::facts::{Facts, MemberFacts};
use crate::federation::render::render;
use crate::federation::spec::{Replicas, ResourceSpec};
use crate::placement::Placement;
use crate::replicas::{Mode, Share};

fn share(min: u64, max: Option<u64>) -> Share {
    Share { weight: 1, min, max, exact: None }
}

fn shared(total: u64, a: Share, b: Share) -> Replicas {
    Replicas { clusters: [(name("a"), a), (name("b"), b)].into(), ..replicas(Some(total)) }
}

fn target(kind: &str, name: &str) -> Option<Target> {
    Some(Target { kind: kind.to_owned(), name: name.to_owned() })
}

#[rstest]
#[case::too_many(shared(9, share(0, Some(2)), share(0, Some(3))), Field::ReplicasAt("total"), "at most 5")]
#[case::too_few(shared(3, share(2, None), share(2, None)), Field::ReplicasAt("total"), "at least 4")]
#[case::crossed(shared(3, share(0, None), share(3, Some(2))), Field::ReplicasOf(name("b")), "minimum of `b`")]
#[case::without_meaning(
    Replicas { mode: Mode::Duplicated, ..shared(3, share(0, None), share(1, None)) },
    Field::ReplicasOf(name("b")), "`min`, which means nothing"
)]
#[case::of_no_workload(
    Replicas { target: target("ConfigMap", "c"), ..replicas(Some(3)) },
    Field::ReplicasAt("target"), "a ConfigMap has no replicas"
)]
#[case::of_nothing(
    Replicas { target: target("Deployment", "wob"), ..replicas(Some(3)) },
    Field::ReplicasAt("target"), "no Deployment `wob`"
)]
fn contradictions_name_their_attribute(
    #[case] replicas: Replicas,
    #[case] field: Field,
    #[case] words: &str,
) {
    let resource =
        ResourceSpec { replicas: Some(replicas), ..entry(&[deployment(1), object("ConfigMap", "c")]) };
    let (at, message) = problem(&spec([("web", resource)]));
    assert_eq!(at, field);
    assert!(message.contains(words), "{message}");
}

#[test]
fn what_goes_nowhere_is_divided_over_nobody() {
    let nowhere = Placement { clusters: Some(Vec::new()), ..Placement::default() };
    let resource =
        ResourceSpec { placement: nowhere, replicas: Some(replicas(Some(5))), ..entry(&[deployment(1)]) };
    assert!(
        rendered_of(&spec([("web", resource)])).unwrap().values().all(std::collections::BTreeMap::is_empty)
    );
}

#[test]
fn who_is_missing_is_told_where_the_others_cannot_stand_in() {
    let placement = Placement { tolerate_unreachable: Some(false), ..Placement::default() };
    let of_web = shared(5, share(0, Some(3)), share(0, Some(3)));
    let resource = ResourceSpec { placement, replicas: Some(of_web), ..entry(&[deployment(1)]) };
    let silent = MemberFacts { unreachable: true, ..MemberFacts::default() };
    let facts = Facts { known: true, members: [(name("b"), silent)].into(), ..Facts::default() };
    let problems = render(&spec([("web", resource)]), &facts).unwrap_err();
    assert_eq!(problems[0].field, Field::ReplicasAt("total"));
    assert!(problems[0].message.ends_with("(without `b`, where nothing answers)"), "{problems:?}");
}

/// What is write-only is in no state, and a state is rendered too.
#[test]
fn what_a_state_does_not_have_is_no_problem() {
    let over = patch(r#"[{ "op": "add", "path": "/metadata/labels", "value": { "here": "yes" } }]"#);
    let hidden = ResourceSpec {
        confidential: Some("1".to_owned()),
        replicas: Some(replicas(Some(3))),
        overrides: vec![over],
        ..entry(&[])
    };
    assert!(rendered_of(&spec([("hidden", hidden)])).is_ok());
}

#[test]
fn the_same_mistake_on_several_members_is_told_once() {
    let over = patch(r#"[{ "op": "remove", "path": "/spec/paused" }]"#);
    let resource = ResourceSpec { overrides: vec![over], ..entry(&[deployment(1)]) };
    let (field, message) = problem(&spec([("web", resource)]));
    assert_eq!(field, Field::Override(0));
    assert!(message.contains("on `a`, `b`: "), "{message}");
}

/// Documents of KubeFed say themselves where they go, also when that is nowhere.
#[rstest]
#[case::placement(|it: &mut ResourceSpec| it.placement.clusters = Some(vec![name("a")]), Field::Placement)]
#[case::replicas(|it: &mut ResourceSpec| it.replicas = Some(replicas(Some(3))), Field::Replicas)]
#[case::overrides(|it: &mut ResourceSpec| it.overrides = vec![patch("[]")], Field::Override(0))]
fn documents_of_kubefed_take_nothing_from_their_entry(
    #[case] change: fn(&mut ResourceSpec),
    #[case] expected: Field,
    #[values("[{ name: a }]", "[]")] clusters: &str,
) {
    let text = format!(
        "
apiVersion: types.kubefed.io/v1beta1
kind: FederatedClusterRole
metadata: {{ name: reader }}
spec: {{ template: {{ rules: [] }}, placement: {{ clusters: {clusters} }} }}"
    );
    let mut resource = ResourceSpec::new(crate::manifest::parse(&text).unwrap());
    change(&mut resource);
    let (field, message) = problem(&spec([("roles", resource)]));
    assert_eq!(field, expected);
    assert!(message.contains("bring their own"), "{message}");
}
