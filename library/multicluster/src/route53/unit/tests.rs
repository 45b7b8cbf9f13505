use multicluster_core::route53::{Data, RecordName, Routing};
use rstest::rstest;

use super::*;

fn set(name: &str, r#type: RecordType, value: &str) -> RecordSet {
    RecordSet {
        key: SetKey { name: RecordName::new(name).unwrap(), r#type, set_identifier: None },
        routing: Routing::Simple,
        data: Data::Values { ttl: 60, values: [value.to_owned()].into() },
        health_check_id: None,
    }
}

fn a(name: &str, value: &str) -> RecordSet {
    set(name, RecordType::a(), value)
}

fn txt(name: &str, value: &str) -> RecordSet {
    set(name, RecordType::txt(), value)
}

fn unit(changes: impl IntoIterator<Item = (Action, RecordSet)>) -> Batch {
    let changes = changes.into_iter().map(|(action, set)| Change { action, set });
    Batch { changes: changes.collect(), comment: String::new() }
}

fn count(names: &[&str]) -> usize {
    let units: Vec<_> = names.iter().map(|name| unit([(Action::Create, a(name, "192.0.2.1"))])).collect();
    together(&units.iter().collect::<Vec<_>>())
}

#[test]
fn units_of_different_names_go_together() {
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&["a.example.com", "b.example.com", "c.example.com"]), 3);
    assert_eq!(count(&["a.example.com", "b.example.com", "A.example.com"]), 2, "the same set");
}

#[test]
fn a_request_is_filled_to_the_limit_and_not_beyond() {
    let large = |name: &str, count: usize| {
        unit((0..count).map(|n| (Action::Create, a(&format!("{n}.{name}"), "192.0.2.1"))))
    };
    let (six, four, one) = (large("x.com", 600), large("y.com", 400), large("z.com", 1));
    assert_eq!(together(&[&six, &four, &one]), 2);
    assert_eq!(together(&[&one, &six, &four]), 2);
    let too_large = large("w.com", 1001);
    assert_eq!(together(&[&too_large, &one]), 1, "the service shall say what is wrong with it");
}

#[rstest]
#[case::quoted("Tried to create resource record set [name='a.example.com.', type='A'] but it already exists", &[0])]
#[case::in_a_sentence("RRSet with DNS name b.example.com., type A cannot be created", &[1])]
#[case::nothing("Something else", &[])]
#[case::a_longer_name("RRSet with DNS name xa.example.com., type A cannot be created", &[])]
#[case::one_below("RRSet with DNS name x.a.example.com., type A cannot be created", &[])]
fn refusals_are_about_the_units_that_they_name(#[case] message: &str, #[case] expected: &[usize]) {
    let units = [
        unit([(Action::Create, a("a.example.com", "1"))]),
        unit([(Action::Create, a("b.example.com", "1"))]),
    ];
    let found = suspects(&units.iter().collect::<Vec<_>>(), &[message.to_owned()]);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_owners_mark_tells_whether_a_unit_took_effect() {
    let (old, new) = (txt("_mc-owner.app.com", "\"1\""), txt("_mc-owner.app.com", "\"2\""));
    let change = unit([
        (Action::Delete, a("app.com", "192.0.2.1")),
        (Action::Create, a("app.com", "192.0.2.2")),
        (Action::Delete, old.clone()),
        (Action::Create, new.clone()),
    ]);
    let evidence = Evidence::of(&change).unwrap();
    assert_eq!(evidence.key, &new.key);
    assert_eq!(evidence.judge(Some(&new)), Verdict::Done);
    assert_eq!(evidence.judge(Some(&old)), Verdict::NotDone);
    assert_eq!(evidence.judge(Some(&txt("_mc-owner.app.com", "\"3\""))), Verdict::Overtaken);
    assert_eq!(evidence.judge(None), Verdict::Overtaken);
}

#[test]
fn without_a_mark_another_set_tells() {
    let made = a("app.com", "192.0.2.1");
    let create = unit([(Action::Create, made.clone())]);
    assert_eq!(Evidence::of(&create).unwrap().judge(None), Verdict::NotDone);
    assert_eq!(Evidence::of(&create).unwrap().judge(Some(&made)), Verdict::Done);

    let delete = unit([(Action::Delete, made.clone())]);
    assert_eq!(Evidence::of(&delete).unwrap().judge(None), Verdict::Done);
    assert_eq!(Evidence::of(&delete).unwrap().judge(Some(&made)), Verdict::NotDone);

    let upsert = unit([(Action::Upsert, made.clone())]);
    assert_eq!(Evidence::of(&upsert).unwrap().judge(Some(&made)), Verdict::Done);
    assert_eq!(Evidence::of(&upsert).unwrap().judge(Some(&a("app.com", "192.0.2.9"))), Verdict::NotDone);

    let nothing = unit([(Action::Delete, made.clone()), (Action::Create, made)]);
    assert_eq!(Evidence::of(&nothing), None, "it leaves no trace");
}

#[test]
fn a_zone_that_moved_is_told_from_a_set_that_breaks_a_rule() {
    let moved = "Tried to delete resource record set [name='a.', type='A'] but the values provided do not match the current values";
    assert!(says_changed(&[String::new(), moved.to_owned()]));
    assert!(!says_changed(&[
        "RRSet of type CNAME with DNS name X is not permitted at apex in zone Y.".to_owned()
    ]));
}
