use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::dns::EndpointName;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn of(locations: &[(&str, &[&str])]) -> Blocks {
    let blocks = |texts: &[&str]| texts.iter().map(|text| cidr(text)).collect();
    locations.iter().map(|(location, texts)| ((*location).to_owned(), blocks(texts))).collect()
}

/// `a 10.0.0.0/8 192.0.2.0/24; b …`
fn said(text: &str) -> Blocks {
    let location = |text: &str| {
        let mut words = text.split_whitespace();
        Some((words.next()?.to_owned(), words.map(cidr).collect()))
    };
    text.split(';').filter_map(location).collect()
}

/// What the service holds after a call; it refuses a block that is in another location.
fn called(blocks: &Blocks, call: &[CidrChange]) -> Result<Blocks, String> {
    let mut blocks = blocks.clone();
    if call.iter().map(|change| change.blocks.len()).sum::<usize>() > BLOCK_LIMIT {
        return Err("too many".to_owned());
    }
    for CidrChange { action, location, blocks: changed } in call {
        for block in changed {
            match action {
                CidrAction::DeleteIfExists => {
                    if let Some(held) = blocks.get_mut(location) {
                        held.remove(block);
                    }
                }
                CidrAction::Put if blocks.values().any(|held| held.contains(block)) => {
                    return Err(format!("{block} is in use"));
                }
                CidrAction::Put => {
                    blocks.entry(location.clone()).or_default().insert(*block);
                }
            }
        }
    }
    blocks.retain(|_, held| !held.is_empty());
    Ok(blocks)
}

#[test]
fn ranges_are_merged_but_never_to_everything() {
    let leaf = Node::Endpoint(EndpointName::new("a").unwrap());
    let ranges = [
        (
            "half".to_owned(),
            (vec![cidr("0.0.0.0/1"), cidr("128.0.0.0/1"), cidr("10.0.0.0/24")], leaf.clone()),
        ),
        ("six".to_owned(), (vec![cidr("::/1"), cidr("8000::/1")], leaf)),
    ];
    let tree = Node::IpBased { ranges: ranges.into(), others: None };
    assert_eq!(blocks(&tree), of(&[("half", &["0.0.0.0/1", "128.0.0.0/1"]), ("six", &["::/1", "8000::/1"])]));
}

fn change(action: CidrAction, location: &str, blocks: &[&str]) -> CidrChange {
    let blocks = blocks.iter().map(|text| cidr(text)).collect();
    CidrChange { action, location: location.to_owned(), blocks }
}

#[test]
fn new_and_moved_blocks_come_before_and_old_ones_go_after() {
    let current = of(&[("a", &["192.0.2.0/24", "198.51.100.0/24"]), ("b", &["203.0.113.0/24"])]);
    let desired = of(&[("a", &["192.0.2.0/24"]), ("b", &["198.51.100.0/24", "10.0.0.0/8"])]);
    let plan = plan_collection(&current, &desired).unwrap();
    assert_eq!(plan.way, CollectionWay::InPlace);
    assert_eq!(
        plan.before,
        [[
            change(CidrAction::DeleteIfExists, "a", &["198.51.100.0/24"]),
            change(CidrAction::Put, "b", &["198.51.100.0/24", "10.0.0.0/8"]),
        ]]
    );
    assert_eq!(plan.after, [[change(CidrAction::DeleteIfExists, "b", &["203.0.113.0/24"])]]);
    assert_eq!(plan_collection(&desired, &desired).unwrap(), CollectionPlan::default());
}

#[rstest]
#[case::to_a_location_that_no_set_names("a 10.0.0.0/9 192.0.2.0/24", "a 192.0.2.0/24; b 10.0.0.0/9")]
#[case::all_of_a_location("a 10.0.0.0/9; b 192.0.2.0/24", "b 10.0.0.0/9 192.0.2.0/24")]
#[case::a_part_to_a_new_one("a 10.0.0.0/8", "a 10.0.0.0/8; b 10.1.0.0/16")]
#[case::a_part_comes_back("a 10.0.0.0/8; b 10.1.0.0/16", "a 10.0.0.0/8")]
fn who_would_fall_to_all_others_gets_a_new_collection(#[case] current: &str, #[case] desired: &str) {
    let plan = plan_collection(&said(current), &said(desired)).unwrap();
    assert_eq!(plan.way, CollectionWay::Anew, "{plan:?}");
    let mut made = Blocks::new();
    plan.before.iter().for_each(|call| carry_out(&mut made, call));
    assert_eq!(made, said(desired));
}

#[rstest]
#[case::the_first("", "a 10.0.0.0/8")]
#[case::a_location_more("a 10.0.0.0/8", "a 10.0.0.0/8; b 192.0.2.0/24")]
#[case::a_location_less("a 10.0.0.0/8; b 192.0.2.0/24", "a 10.0.0.0/8")]
#[case::a_block_that_grows("a 10.0.0.0/9", "a 10.0.0.0/8")]
#[case::each_to_the_other("a 10.0.0.0/9; b 192.0.2.0/24", "b 10.0.0.0/9; a 192.0.2.0/24")]
#[case::the_last("a 10.0.0.0/8", "")]
fn what_disturbs_nobody_is_done_in_place(#[case] current: &str, #[case] desired: &str) {
    assert_eq!(plan_collection(&said(current), &said(desired)).unwrap().way, CollectionWay::InPlace);
}

#[test]
fn more_than_a_collection_holds_is_refused_with_the_count() {
    let many = |count: u32, first: u8| -> Blocks {
        let blocks = (0..count).map(|it| cidr(&format!("{first}.{}.{}.0/24", it / 256, it % 256)));
        [("a".to_owned(), blocks.collect())].into()
    };
    assert_eq!(plan_collection(&Blocks::new(), &many(1000, 10)).unwrap().before.len(), 1);
    let problem = plan_collection(&Blocks::new(), &many(1001, 10)).unwrap_err();
    assert!(problem.text.starts_with("1001 ranges"), "{problem}");
    let plan = plan_collection(&many(600, 10), &many(600, 11)).unwrap();
    assert_eq!(plan.way, CollectionWay::Anew, "both do not fit into one");
}

/// Blocks within 10.0.0.0/18, some within others.
fn some_blocks() -> impl Strategy<Value = Blocks> {
    let block = (20_u8..=24, 0_u8..64).prop_map(|(prefix, third)| {
        let within = third - third % (1 << (24 - prefix));
        cidr(&format!("10.0.{within}.0/{prefix}"))
    });
    let locations = prop::sample::select(vec!["a", "b", "c"]);
    prop::collection::btree_map(block, locations, 0..8).prop_map(|blocks| {
        let mut by_location = Blocks::new();
        for (block, location) in blocks {
            by_location.entry(location.to_owned()).or_default().insert(block);
        }
        by_location
    })
}

/// Who answers an address: the set of the location that it is in, or that of all others.
fn answer(blocks: &Blocks, named: &Blocks, address: &Cidr) -> String {
    let around = |(location, held): (&String, &BTreeSet<Cidr>)| {
        held.iter().filter(|it| it.contains(address)).map(|it| (it.prefix(), location.clone())).max()
    };
    let location = blocks.iter().filter_map(around).max().map(|(_, location)| location);
    location.filter(|it| named.contains_key(it)).unwrap_or_else(|| "*".to_owned())
}

proptest! {
    /// Whatever changes, each address is answered by one of both ends at each moment, and the service refuses nothing.
    #[test]
    fn calls_lead_from_any_blocks_to_any_others_without_a_gap(current in some_blocks(), desired in some_blocks()) {
        let plan = plan_collection(&current, &desired).unwrap();
        let mut old = current.clone();
        let mut new = if plan.way == CollectionWay::Anew { Blocks::new() } else { current.clone() };
        let addresses: Vec<Cidr> = (0_u8..64).map(|it| cidr(&format!("10.0.{it}.7/32"))).collect();
        let check = |held: &Blocks, named: &Blocks| {
            for address in &addresses {
                let ends = [answer(&current, &current, address), answer(&desired, &desired, address)];
                let now = answer(held, named, address);
                prop_assert!(ends.contains(&now), "{address} is answered by {now}, not by one of {ends:?}");
            }
            prop_assert!(named.keys().all(|it| held.contains_key(it)), "a location is named and empty");
            Ok(())
        };
        for call in &plan.before {
            new = called(&new, call).unwrap();
            if plan.way == CollectionWay::InPlace {
                old = new.clone();
            }
            check(&old, &current)?;
        }
        check(&new, &desired)?;
        for call in &plan.after {
            match plan.way {
                CollectionWay::InPlace => {
                    new = called(&new, call).unwrap();
                    check(&new, &desired)?;
                }
                CollectionWay::Anew => old = called(&old, call).unwrap(),
            }
        }
        prop_assert_eq!(new, desired);
        prop_assert!(plan.way == CollectionWay::InPlace || old.is_empty());
    }
}
