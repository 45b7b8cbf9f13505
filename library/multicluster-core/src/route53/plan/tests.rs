use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::model::Zone;
use super::split::Splitter;
use super::*;
use crate::dns::{Country, Node, Place};
use crate::route53::change::{Action, Size};
use crate::route53::compile::differential;
use crate::route53::compile::testing::{
    Targets, addresses, checks, endpoint, failover, geolocation, leaf, naming, targets, tree, world,
};
use crate::route53::compile::{Naming, compile};
use crate::route53::record_set::{Data, Routing};
use crate::route53::simulate::{self, CidrCollections, Simulation};
use crate::route53::target::Target;
use crate::route53::txt;

fn name(text: &str) -> RecordName {
    RecordName::new(text).unwrap()
}

fn owner(text: &str) -> OwnerId {
    OwnerId::new(text).unwrap()
}

fn compiled(tree: &Node, at: &str, ttl: u32) -> Vec<RecordSet> {
    compile(tree, &Naming { ttl, ..naming(at) }, &world(), &checks(&world())).unwrap()
}

fn set(at: &str, r#type: RecordType, value: &str) -> RecordSet {
    RecordSet {
        key: SetKey { name: name(at), r#type, set_identifier: None },
        routing: Routing::Simple,
        data: Data::Values { ttl: 60, values: [value.to_owned()].into() },
        health_check_id: None,
    }
}

fn marked(sets: &[RecordSet], at: &str, by: &str, generation: u64) -> Vec<RecordSet> {
    let mark = OwnerMark { owner: owner(by), generation, digest: digest_of_sets(sets) };
    let mut sets = sets.to_vec();
    sets.push(mark.record_set(&name(at)).unwrap());
    sets
}

/// A plan for `app.example.com` by the owner `shop`.
fn planned(current: &[RecordSet], sets: &[RecordSet], takeover: &[&str]) -> Result<Plan, Refusal> {
    let takeover: BTreeSet<Takeover> = takeover.iter().map(|text| text.parse().unwrap()).collect();
    let wanted = Wanted {
        name: &name("app.example.com"),
        sets,
        owner: &owner("shop"),
        renamed_from: None,
        takeover: &takeover,
    };
    plan(current, &wanted)
}

fn carried_out(current: &[RecordSet], plan: &Plan) -> Zone {
    plan.batches.iter().fold(Zone::of(current.to_vec()), |zone, batch| zone.after(batch).expect("taken"))
}

fn said(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

fn europe_and_the_rest() -> Node {
    geolocation([
        ("continent/EU", Node::Weighted(vec![(7, leaf("one")), (3, leaf("dual"))])),
        ("*", leaf("two")),
    ])
}

#[test]
fn a_name_is_made_with_its_mark_in_one_batch() {
    let sets = compiled(&europe_and_the_rest(), "app.example.com", 60);
    let plan = planned(&[], &sets, &[]).unwrap();
    assert_eq!((plan.batches.len(), plan.generation, plan.changes.len()), (1, 1, sets.len()));
    let zone = carried_out(&[], &plan);
    assert_eq!(zone, Zone::of(marked(&sets, "app.example.com", "shop", 1)));
    let again = planned(&zone.sets(), &sets, &[]).unwrap();
    assert_eq!(again, Plan { batches: vec![], changes: vec![], generation: 1 });
}

#[test]
fn one_weight_touches_one_set_and_the_mark() {
    let before = compiled(&europe_and_the_rest(), "app.example.com", 60);
    let after = geolocation([
        ("continent/EU", Node::Weighted(vec![(5, leaf("one")), (3, leaf("dual"))])),
        ("*", leaf("two")),
    ]);
    let plan = planned(
        &marked(&before, "app.example.com", "shop", 7),
        &compiled(&after, "app.example.com", 60),
        &[],
    )
    .unwrap();
    let actions: Vec<(Action, String)> = plan.batches[0]
        .changes
        .iter()
        .map(|change| (change.action, change.set.key.r#type.to_string()))
        .collect();
    let pair = |action| [(action, "A".to_owned()), (action, "TXT".to_owned())];
    assert_eq!(actions, [pair(Action::Delete), pair(Action::Create)].concat());
    assert_eq!(plan.generation, 8);
    let changes = said(&plan);
    assert_eq!(changes.len(), 1);
    assert!(changes[0].ends_with("A one: weight 7 → 5"), "{changes:?}");
}

#[test]
fn an_unchanged_alias_never_points_at_nothing() {
    // All sets of the helper change, so that the alias to it goes and comes with them.
    let before = compiled(&europe_and_the_rest(), "app.example.com", 60);
    let after = geolocation([
        ("continent/EU", Node::Weighted(vec![(1, leaf("one")), (1, leaf("dual"))])),
        ("*", leaf("two")),
    ]);
    let current = marked(&before, "app.example.com", "shop", 1);
    let after = compiled(&after, "app.example.com", 60);
    let plan = planned(&current, &after, &[]).unwrap();
    assert_eq!(carried_out(&current, &plan), Zone::of(marked(&after, "app.example.com", "shop", 2)));
    assert_eq!(plan.changes.len(), 2, "the alias itself does not change: {:?}", said(&plan));
}

#[test]
fn a_switch_of_policy_is_one_batch() {
    let current =
        marked(&compiled(&europe_and_the_rest(), "app.example.com", 60), "app.example.com", "shop", 1);
    for tree in [
        leaf("one"),
        failover(leaf("one"), leaf("two")),
        Node::Multivalue(vec![endpoint("one"), endpoint("two")]),
    ] {
        let after = compiled(&tree, "app.example.com", 30);
        let plan = planned(&current, &after, &[]).unwrap();
        assert_eq!(plan.batches.len(), 1);
        assert_eq!(carried_out(&current, &plan), Zone::of(marked(&after, "app.example.com", "shop", 2)));
    }
}

#[test]
fn addresses_become_a_cname_and_back_in_one_batch() {
    let host = compile(
        &leaf("host"),
        &naming("app.example.com"),
        &targets([("host", Target::of_hostname("shop.example.net", None).unwrap())]),
        &Default::default(),
    )
    .unwrap();
    let flat = compiled(&leaf("dual"), "app.example.com", 60);
    for (before, after) in [(&flat, &host), (&host, &flat)] {
        let current = marked(before, "app.example.com", "shop", 1);
        let plan = planned(&current, after, &[]).unwrap();
        assert_eq!(plan.batches.len(), 1);
        assert_eq!(carried_out(&current, &plan), Zone::of(marked(after, "app.example.com", "shop", 2)));
    }
}

#[test]
fn a_renamed_name_moves_in_one_batch() {
    let tree = europe_and_the_rest();
    let current = marked(&compiled(&tree, "old.example.com", 60), "old.example.com", "shop", 4);
    let (new, old, by, nobody) =
        (name("new.example.com"), name("old.example.com"), owner("shop"), BTreeSet::new());
    let sets = compiled(&tree, "new.example.com", 60);
    let wanted = Wanted { name: &new, sets: &sets, owner: &by, renamed_from: Some(&old), takeover: &nobody };
    let plan = plan(&current, &wanted).unwrap();
    assert_eq!(plan.batches.len(), 1);
    let zone = carried_out(&current, &plan);
    assert_eq!(zone, Zone::of(marked(&sets, "new.example.com", "shop", 5)));
    // Asked again, with the old name still given: nothing is left to do.
    assert!(super::plan(&zone.sets(), &wanted).unwrap().batches.is_empty());
}

#[test]
fn a_name_is_given_up_with_its_mark_and_what_is_beside_it_stays() {
    let mut current =
        marked(&compiled(&europe_and_the_rest(), "app.example.com", 60), "app.example.com", "shop", 4);
    let beside = [
        set("app.example.com", RecordType::txt(), "\"v=spf1 -all\""),
        set("sub.app.example.com", RecordType::a(), "192.0.2.1"),
        set("_mc-owner.sub.app.example.com", RecordType::txt(), "\"x\""),
    ];
    current.extend(beside.clone());
    let plan = planned(&current, &[], &[]).unwrap();
    assert_eq!(plan.generation, 0);
    assert_eq!(carried_out(&current, &plan), Zone::of(beside.clone()));
    assert!(planned(&beside, &[], &[]).unwrap().batches.is_empty());
}

#[test]
fn what_was_edited_by_hand_is_deleted_as_it_stands() {
    let sets = compiled(&leaf("one"), "app.example.com", 60);
    let mut current = marked(&sets, "app.example.com", "shop", 1);
    current[0].data = Data::Values { ttl: 5, values: ["192.0.2.99".to_owned()].into() };
    current.push(set("app.example.com", RecordType::aaaa(), "2001:db8::99"));
    let plan = planned(&current, &sets, &[]).unwrap();
    assert_eq!(
        said(&plan),
        [
            "~ app.example.com A: ttl 5 → 60; values 192.0.2.99 → 203.0.113.1",
            "- app.example.com AAAA: ttl 60; values 2001:db8::99"
        ]
    );
    assert_eq!(carried_out(&current, &plan), Zone::of(marked(&sets, "app.example.com", "shop", 2)));
}

const EXTERNAL: &str = "heritage=external-dns,external-dns/owner=prod,external-dns/resource=service/shop/web";

#[rstest]
#[case::nobody_claims(vec![set("app.example.com", RecordType::a(), "192.0.2.1")], "aws_route53_record")]
#[case::external_dns(
    vec![
        set("app.example.com", RecordType::a(), "192.0.2.1"),
        set("a-app.example.com", RecordType::txt(), &txt::quote(EXTERNAL)),
    ],
    "external-dns:prod"
)]
#[case::another_configuration(
    marked(&[set("app.example.com", RecordType::a(), "192.0.2.1")], "app.example.com", "blog", 9),
    "multicluster:blog"
)]
fn what_is_not_ours_is_refused_and_taken_over_on_request(
    #[case] current: Vec<RecordSet>,
    #[case] takeover: &str,
) {
    let sets = compiled(&europe_and_the_rest(), "app.example.com", 60);
    let refusal = planned(&current, &sets, &[]).unwrap_err();
    let text = refusal.to_string();
    assert!(text.contains(&format!("takeover = [\"{takeover}\"]")), "{text}");
    assert!(planned(&current, &sets, &["external-dns:other", "multicluster:other"]).is_err());

    let plan = planned(&current, &sets, &[takeover]).unwrap();
    let zone = carried_out(&current, &plan);
    assert_eq!(plan.batches.len(), 1);
    assert_eq!(zone, Zone::of(marked(&sets, "app.example.com", "shop", plan.generation)));
    // The same configuration finds nothing more to take over.
    assert!(planned(&zone.sets(), &sets, &[takeover]).unwrap().batches.is_empty());
}

#[test]
fn the_old_name_is_not_touched_if_it_is_somebody_elses() {
    let current = [set("old.example.com", RecordType::a(), "192.0.2.1")];
    let (new, old, by, nobody) =
        (name("new.example.com"), name("old.example.com"), owner("shop"), BTreeSet::new());
    let sets = compiled(&leaf("one"), "new.example.com", 60);
    let wanted = Wanted { name: &new, sets: &sets, owner: &by, renamed_from: Some(&old), takeover: &nobody };
    let refusal = plan(&current, &wanted).unwrap_err();
    assert!(refusal.to_string().contains("`old.example.com A`"), "{refusal}");
}

#[test]
fn a_claim_that_cannot_be_read_is_refused() {
    let current = [set("_mc-owner.app.example.com", RecordType::txt(), "\"hello\"")];
    let refusal = planned(&current, &compiled(&leaf("one"), "app.example.com", 60), &["aws_route53_record"]);
    assert!(matches!(refusal.unwrap_err().reasons.as_slice(), [Reason::Unreadable { .. }]));
}

#[test]
fn nothing_may_stand_beside_a_cname() {
    let host = targets([("host", Target::of_hostname("shop.example.net", None).unwrap())]);
    let sets = compile(&leaf("host"), &naming("app.example.com"), &host, &Default::default()).unwrap();
    let current = [set("app.example.com", RecordType::txt(), "\"v=spf1 -all\"")];
    let refusal = planned(&current, &sets, &[]).unwrap_err().to_string();
    assert!(refusal.contains("`app.example.com TXT` is in the way"), "{refusal}");
    assert!(planned(&current, &compiled(&leaf("one"), "app.example.com", 60), &[]).is_ok());
}

#[test]
fn entries_of_takeover_are_read_and_written_alike() {
    for text in ["aws_route53_record", "external-dns:prod", "multicluster:team/shop"] {
        assert_eq!(text.parse::<Takeover>().unwrap().to_string(), text);
    }
    for text in ["", "external-dns", "external-dns:", "multicluster:a,b", "aws_route53_zone"] {
        assert!(text.parse::<Takeover>().is_err(), "{text}");
    }
}

#[test]
fn a_change_beyond_the_limits_takes_several_batches_each_with_the_token() {
    // 100 endpoints of 8 addresses each: 800 values before and after.
    let many: Vec<String> = (0..100).map(|it| format!("e{it}")).collect();
    let targets: Targets = many
        .iter()
        .enumerate()
        .map(|(index, it)| {
            let list: Vec<String> = (0..8).map(|value| format!("203.0.{index}.{value}")).collect();
            (endpoint(it), addresses(&list.iter().map(String::as_str).collect::<Vec<_>>()))
        })
        .collect();
    let countries = Country::all().take(100);
    let tree = Node::Geolocation(countries.map(Place::Country).zip(many.iter().map(|it| leaf(it))).collect());
    let sets = |ttl| {
        compile(&tree, &Naming { ttl, ..naming("app.example.com") }, &targets, &checks(&targets)).unwrap()
    };
    let current = marked(&sets(60), "app.example.com", "shop", 1);
    let after = sets(30);
    let plan = planned(&current, &after, &[]).unwrap();
    assert_eq!((plan.batches.len(), plan.generation), (2, 3));
    assert_eq!(carried_out(&current, &plan), Zone::of(marked(&after, "app.example.com", "shop", 3)));
    for batch in &plan.batches {
        let marks =
            batch.changes.iter().filter(|change| change.set.key.name.as_str().starts_with("_mc-owner."));
        assert_eq!(marks.count(), 2);
    }
    // By weight all sets have one TTL, which can only change at once.
    let group = |ttl| {
        let mut sets = sets(ttl);
        sets.iter_mut().for_each(|set| set.routing = Routing::Weighted(1));
        sets
    };
    let refusal = planned(&marked(&group(60), "app.example.com", "shop", 1), &group(30), &[]).unwrap_err();
    assert!(matches!(refusal.reasons.as_slice(), [Reason::TooLarge { .. }]), "{refusal}");
}

/// The batches of a change as they are with a smaller limit.
fn split(current: &[RecordSet], wanted: &Wanted<'_>, elements: usize) -> Result<Vec<Batch>, Refusal> {
    let held = Held::of(current, wanted)?;
    let digest = digest_of_sets(wanted.sets);
    let limit = Size { elements, ..Size::LIMIT };
    Ok(Splitter { held: &held, wanted, digest: &digest, limit }.batches()?.0)
}

/// Clients that both ends answer and a state between them does not.
fn unanswered_between(states: &[Zone], trees: &[&Node]) -> Vec<String> {
    let facts = differential::facts();
    // Locations of both ends are there before the sets change.
    let mut collections = CidrCollections::new();
    for tree in trees {
        for (id, locations) in differential::collections(tree) {
            collections.entry(id).or_default().extend(locations);
        }
    }
    let sets: Vec<Vec<RecordSet>> = states.iter().map(Zone::sets).collect();
    let zones: Vec<_> = sets.iter().map(|sets| simulate::Zone::new(&facts, sets, &collections)).collect();
    let health = simulate::Health::default();
    let simulations: Vec<Simulation<'_>> = zones.iter().map(|zone| Simulation::new(zone, &health)).collect();
    let mut unanswered = Vec::new();
    for (_, client) in differential::clients() {
        for r#type in [RecordType::a(), RecordType::aaaa()] {
            let query = differential::query(r#type, &client);
            let answered: Vec<bool> =
                simulations.iter().map(|it| !it.answer(&query).answered.is_zero()).collect();
            let ends = answered.first() == Some(&true) && answered.last() == Some(&true);
            if ends && answered.contains(&false) {
                unanswered.push(format!("{query:?}: {answered:?}"));
            }
        }
    }
    unanswered
}

#[test]
fn parts_of_a_change_come_in_an_order_that_answers_whoever_both_ends_answer() {
    let from = geolocation([
        ("DE", Node::Weighted(vec![(1, leaf("one")), (1, leaf("two"))])),
        ("JP", leaf("two")),
        ("US-TX", leaf("one")),
    ]);
    let to = geolocation([
        ("continent/EU", Node::Weighted(vec![(1, leaf("dual")), (1, leaf("both"))])),
        ("JP", leaf("one")),
        ("US", failover(leaf("one"), leaf("elb"))),
    ]);
    let current = marked(&compiled(&from, "app.example.com", 60), "app.example.com", "shop", 1);
    let after = compiled(&to, "app.example.com", 60);
    let (at, by, nobody) = (name("app.example.com"), owner("shop"), BTreeSet::new());
    let wanted = Wanted { name: &at, sets: &after, owner: &by, renamed_from: None, takeover: &nobody };
    for elements in 6..11 {
        let batches = split(&current, &wanted, elements).unwrap();
        assert!(batches.len() > 2, "{} batches of {elements}", batches.len());
        let mut states = vec![Zone::of(current.clone())];
        for batch in &batches {
            let last = states.last().expect("one at least");
            states.push(last.after(batch).unwrap());
        }
        assert_eq!(unanswered_between(&states, &[&from, &to]), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn batches_lead_from_any_sets_to_any_others(from in tree(), to in tree(), ttl in 30_u32..60) {
        let current = marked(&compiled(&from, "app.example.com", 60), "app.example.com", "shop", 1);
        let after = compiled(&to, "app.example.com", ttl);
        let plan = planned(&current, &after, &[]).unwrap();
        prop_assert!(plan.batches.len() <= 1);
        let zone = carried_out(&current, &plan);
        prop_assert_eq!(&zone, &Zone::of(marked(&after, "app.example.com", "shop", plan.generation)));
        prop_assert!(planned(&zone.sets(), &after, &[]).unwrap().batches.is_empty());
    }

    #[test]
    fn split_batches_lead_there_too(from in tree(), to in tree(), elements in 8_usize..24) {
        let current = marked(&compiled(&from, "app.example.com", 60), "app.example.com", "shop", 1);
        let after = compiled(&to, "app.example.com", 60);
        let (at, by, nobody) = (name("app.example.com"), owner("shop"), BTreeSet::new());
        let wanted = Wanted { name: &at, sets: &after, owner: &by, renamed_from: None, takeover: &nobody };
        // A group that cannot be changed in parts may be larger than so small a limit.
        if let Ok(batches) = split(&current, &wanted, elements) {
            let mut zone = Zone::of(current.clone());
            let mut states = vec![zone.clone()];
            for (index, batch) in batches.iter().enumerate() {
                prop_assert!(batch.size().elements <= elements);
                let next = zone.after(batch);
                prop_assert!(next.is_ok(), "batch {}: {:?}", index, next);
                zone = next.unwrap();
                states.push(zone.clone());
            }
            prop_assert_eq!(unanswered_between(&states, &[&from, &to]), Vec::<String>::new());
            let generation = 1 + u64::try_from(batches.len()).unwrap();
            prop_assert_eq!(zone, Zone::of(marked(&after, "app.example.com", "shop", generation)));
        }
    }

    #[test]
    fn a_renamed_name_leads_there_too(from in tree(), to in tree(), elements in 8_usize..200) {
        let current = marked(&compiled(&from, "old.example.com", 60), "old.example.com", "shop", 1);
        let after = compiled(&to, "app.example.com", 60);
        let (at, old, by, nobody) = (name("app.example.com"), name("old.example.com"), owner("shop"), BTreeSet::new());
        let wanted = Wanted { name: &at, sets: &after, owner: &by, renamed_from: Some(&old), takeover: &nobody };
        if let Ok(batches) = split(&current, &wanted, elements) {
            let mut zone = Zone::of(current.clone());
            for batch in &batches {
                let next = zone.after(batch);
                prop_assert!(next.is_ok(), "{:?}", next);
                zone = next.unwrap();
            }
            let generation = 1 + u64::try_from(batches.len()).unwrap();
            prop_assert_eq!(zone, Zone::of(marked(&after, "app.example.com", "shop", generation)));
        }
    }
}
