use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::names::ClusterName;
use multicluster_core::placement::{Labels, Placement, PlacementFacts, Reason, Spread, explain, select};
use multicluster_core::selector::{Operator, Requirement};
use proptest::prelude::*;
use rstest::rstest;

fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

fn clusters(names: &str) -> BTreeSet<ClusterName> {
    names.split_whitespace().map(cluster).collect()
}

/// Two members in `eu`, three in `us`, one in `ap`, one nobody knows where.
fn members() -> BTreeMap<ClusterName, Labels> {
    let regions = [
        ("ap1", "ap"),
        ("eu1", "eu"),
        ("eu2", "eu"),
        ("lab", ""),
        ("us1", "us"),
        ("us2", "us"),
        ("us3", "us"),
    ];
    let labels = |region: &str| {
        (!region.is_empty()).then(|| ("region".to_owned(), region.to_owned())).into_iter().collect()
    };
    regions.into_iter().map(|(name, region)| (cluster(name), labels(region))).collect()
}

fn spread(min_groups: u64, max_groups: u64, max_clusters: u64) -> Spread {
    let given = |limit: u64| (limit > 0).then_some(limit);
    let (min_groups, max_groups, max_clusters) = (given(min_groups), given(max_groups), given(max_clusters));
    Spread { by: "region".to_owned(), min_groups, max_groups, max_clusters }
}

fn over(spread: Spread) -> Placement {
    Placement { spread: Some(spread), ..Placement::default() }
}

/// What is selected, with members that do not answer and members that were used before.
fn selected(placement: &Placement, unreachable: &str, previous: &str) -> Result<String, String> {
    let (unreachable, previous) = (clusters(unreachable), clusters(previous));
    let facts = PlacementFacts { unreachable: &unreachable, previous: &previous };
    let names = select(placement, &members(), &facts).map_err(|error| error.to_string())?;
    Ok(names.iter().map(ClusterName::as_str).collect::<Vec<_>>().join(" "))
}

#[rstest]
#[case::no_limits_leave_out_who_has_no_label((0, 0, 0), "", "ap1 eu1 eu2 us1 us2 us3")]
#[case::enough_groups((3, 0, 0), "", "ap1 eu1 eu2 us1 us2 us3")]
#[case::larger_groups_first((0, 2, 0), "", "eu1 eu2 us1 us2 us3")]
#[case::the_largest_group((0, 1, 0), "", "us1 us2 us3")]
#[case::more_groups_allowed_than_there_are((0, 9, 0), "", "ap1 eu1 eu2 us1 us2 us3")]
#[case::used_groups_before_larger_ones((0, 1, 0), "ap1", "ap1")]
#[case::a_used_group_is_used_as_a_whole((0, 1, 0), "eu2", "eu1 eu2")]
#[case::most_used_groups_first((0, 1, 0), "ap1 eu1 eu2", "eu1 eu2")]
#[case::who_was_used_and_is_no_member_does_not_count((0, 1, 0), "gone", "us1 us2 us3")]
#[case::one_of_each_group_first((0, 0, 3), "", "ap1 eu1 us1")]
#[case::then_by_turns((0, 0, 5), "", "ap1 eu1 eu2 us1 us2")]
#[case::fewer_clusters_than_groups((0, 0, 2), "", "eu1 us1")]
#[case::used_clusters_before_others((0, 0, 3), "us3 eu2", "ap1 eu2 us3")]
#[case::a_new_group_takes_only_one_from_the_used((0, 2, 3), "us1 us2 us3", "eu1 us1 us2")]
#[case::groups_and_clusters((2, 2, 4), "", "eu1 eu2 us1 us2")]
fn choices(#[case] limits: (u64, u64, u64), #[case] previous: &str, #[case] expect: &str) {
    let (min_groups, max_groups, max_clusters) = limits;
    let placement = over(spread(min_groups, max_groups, max_clusters));
    assert_eq!(selected(&placement, "", previous).unwrap(), expect);
}

#[rstest]
#[case::more_groups_than_there_are(
    over(spread(4, 0, 0)),
    "spread: `min_groups` is 4, and label `region` of the selected members has 3 values (`ap`, `eu`, `us`); `lab` has \
     no such label"
)]
#[case::only_the_selected_count(
    Placement { clusters: Some(vec![cluster("eu1"), cluster("eu2")]), ..over(spread(2, 0, 0)) },
    "spread: `min_groups` is 2, and label `region` of the selected members has one value (`eu`)"
)]
#[case::nobody_is_selected(
    Placement { clusters: Some(Vec::new()), ..over(spread(1, 0, 0)) },
    "spread: `min_groups` is 1, and label `region` of the selected members has no value"
)]
#[case::nobody_has_the_label(
    over(Spread { by: "zone".to_owned(), ..spread(1, 0, 0) }),
    "spread: `min_groups` is 1, and label `zone` of the selected members has no value; `ap1`, `eu1`, `eu2`, `lab`, \
     `us1`, `us2`, `us3` have no such label"
)]
#[case::less_allowed_than_needed(
    over(spread(3, 2, 0)),
    "spread: `min_groups` is 3, more than `max_groups`, which is 2"
)]
#[case::fewer_clusters_than_groups_needed(
    over(spread(3, 0, 2)),
    "spread: `min_groups` is 3, more than `max_clusters`, which is 2"
)]
#[case::no_groups(
    over(Spread { max_groups: Some(0), ..spread(0, 0, 0) }),
    "spread: `max_groups` is 0; to place an object on no member, set `clusters = []`"
)]
#[case::no_clusters(
    over(Spread { max_clusters: Some(0), ..spread(0, 0, 0) }),
    "spread: `max_clusters` is 0; to place an object on no member, set `clusters = []`"
)]
fn refused(#[case] placement: Placement, #[case] message: &str) {
    assert_eq!(selected(&placement, "", "").unwrap_err(), message);
    let reason = explain(&placement, &members(), &PlacementFacts::default(), &cluster("us1"));
    assert!(!reason.is_selected(), "{reason}");
}

#[rstest]
#[case::tolerated_unless_said(None, "us1 us2", "us1 us2 us3")]
#[case::tolerated(Some(true), "us1 us2", "us1 us2 us3")]
#[case::left_out_before_the_choice(Some(false), "us1 us2", "eu1 eu2")]
#[case::one_of_a_group(Some(false), "us3", "us1 us2")]
fn unreachable_members(#[case] tolerate: Option<bool>, #[case] unreachable: &str, #[case] expect: &str) {
    let placement = Placement { tolerate_unreachable: tolerate, ..over(spread(0, 1, 0)) };
    // What was used before decides among equals only when it can be reached.
    let previous = if tolerate == Some(false) && expect.starts_with("us") { "us1" } else { "" };
    assert_eq!(selected(&placement, unreachable, previous).unwrap(), expect);
}

#[test]
fn unreachable_members_are_left_out_of_names_too() {
    let names = Some(vec![cluster("eu1"), cluster("us1")]);
    let placement = Placement { clusters: names, tolerate_unreachable: Some(false), ..Placement::default() };
    assert_eq!(selected(&placement, "us1 us2", "").unwrap(), "eu1");
    assert_eq!(selected(&placement, "us1 eu1", "").unwrap(), "", "nothing selected is for the plan to judge");
}

#[rstest]
#[case::in_europe(Operator::In, &["eu"], "eu1 eu2")]
#[case::not_in_europe_takes_who_has_no_region(Operator::NotIn, &["eu"], "ap1 lab us1 us2 us3")]
#[case::with_a_region(Operator::Exists, &[], "ap1 eu1 eu2 us1 us2 us3")]
#[case::without_a_region(Operator::DoesNotExist, &[], "lab")]
fn expressions(#[case] operator: Operator, #[case] values: &[&str], #[case] expect: &str) {
    let requirement = Requirement::new("region", operator, values.iter().copied()).unwrap();
    let placement = Placement { match_expressions: vec![requirement.clone()], ..Placement::default() };
    assert_eq!(selected(&placement, "", "").unwrap(), expect);
    let named = Placement { clusters: Some(vec![cluster("lab"), cluster("eu1")]), ..placement.clone() };
    assert_eq!(selected(&named, "", "").unwrap(), "eu1 lab", "names decide alone");
    let labels = Labels::from([("region".to_owned(), "eu".to_owned())]);
    let both = Placement { match_labels: Some(labels), ..placement };
    let expect = if expect.contains("eu1") { "eu1 eu2" } else { "" };
    assert_eq!(selected(&both, "", "").unwrap(), expect, "labels and expressions must both hold");
}

#[rstest]
#[case::everywhere(Placement::default(), "lab", "every member is selected", true)]
#[case::no_member(Placement::default(), "mars", "it is not a member of the federation", false)]
#[case::named(by_name("eu1"), "eu1", "it is named in `clusters`", true)]
#[case::not_named(by_name("eu1"), "eu2", "it is not named in `clusters`", false)]
#[case::labels_match(by_label("eu"), "eu2", "its labels match", true)]
#[case::label_missing(by_label("eu"), "lab", "it has no label `region`, which must be `eu`", false)]
#[case::label_differs(by_label("eu"), "us1", "its label `region` is `us` and must be `eu`", false)]
#[case::expression(by_expression(), "us1", "its labels do not meet `region in (ap,eu)`", false)]
#[case::unreachable(
    Placement { tolerate_unreachable: Some(false), ..Placement::default() }, "ap1",
    "it cannot be reached, and `tolerate_unreachable` is false", false
)]
#[case::not_meant_before_unreachable(
    Placement { tolerate_unreachable: Some(false), ..by_label("eu") }, "ap1",
    "its label `region` is `ap` and must be `eu`", false
)]
#[case::no_group(
    over(spread(0, 2, 0)),
    "lab",
    "it has no label `region`, by which the spread forms groups",
    false
)]
#[case::another_group(
    over(spread(0, 2, 0)),
    "ap1",
    "its `region` is `ap`, and the spread chose `us`, `eu`",
    false
)]
#[case::another_cluster(
    over(spread(0, 0, 3)),
    "us2",
    "the spread takes 3 of the members, and others came first",
    false
)]
#[case::chosen(over(spread(0, 2, 0)), "us2", "every member is selected", true)]
#[case::refused(
    by_name("eu1 mars"),
    "eu1",
    "the placement cannot be carried out: `mars` is not a member of the federation; its members are `ap1`, `eu1`, `eu2`, \
     `lab`, `us1`, `us2`, `us3`",
    false
)]
fn explained(
    #[case] placement: Placement,
    #[case] name: &str,
    #[case] message: &str,
    #[case] is_selected: bool,
) {
    let (unreachable, previous) = (clusters("ap1"), BTreeSet::new());
    let facts = PlacementFacts { unreachable: &unreachable, previous: &previous };
    let reason = explain(&placement, &members(), &facts, &cluster(name));
    assert_eq!((reason.to_string(), reason.is_selected()), (message.to_owned(), is_selected));
}

fn by_name(names: &str) -> Placement {
    Placement { clusters: Some(clusters(names).into_iter().collect()), ..Placement::default() }
}

fn by_label(region: &str) -> Placement {
    let labels = Labels::from([("region".to_owned(), region.to_owned())]);
    Placement { match_labels: Some(labels), ..Placement::default() }
}

fn by_expression() -> Placement {
    let requirement = Requirement::new("region", Operator::In, ["eu", "ap"]).unwrap();
    Placement { match_expressions: vec![requirement], ..Placement::default() }
}

/// A federation of up to ten members in up to four regions, and some of them.
type World = (BTreeMap<ClusterName, Labels>, BTreeSet<ClusterName>, BTreeSet<ClusterName>);

fn world() -> impl Strategy<Value = World> {
    let member = (proptest::option::weighted(0.9, "[abcd]"), any::<bool>(), any::<bool>());
    proptest::collection::vec(member, 0..10).prop_map(|drawn| {
        let mut world = World::default();
        for (index, (region, unreachable, previous)) in drawn.into_iter().enumerate() {
            let name = cluster(&format!("c{index}"));
            let labels = region.map(|region| ("region".to_owned(), region)).into_iter().collect();
            world.0.insert(name.clone(), labels);
            world.1.extend(unreachable.then(|| name.clone()));
            world.2.extend(previous.then_some(name));
        }
        world
    })
}

fn any_placement() -> impl Strategy<Value = Placement> {
    let limits = (0_u64..4, 0_u64..4, 0_u64..7);
    let spread = limits.prop_map(|(min, groups, clusters)| spread(min, groups, clusters));
    let region = proptest::option::weighted(0.3, "[abcd]");
    let names = proptest::option::weighted(0.2, proptest::collection::vec(0_usize..11, 0..6));
    (proptest::option::weighted(0.8, spread), region, names, proptest::option::of(any::<bool>())).prop_map(
        |(spread, region, names, tolerate_unreachable)| {
            let other = |region| Requirement::new("region", Operator::NotIn, [region]).unwrap();
            Placement {
                clusters: names
                    .map(|names| names.iter().map(|index| cluster(&format!("c{index}"))).collect()),
                match_labels: None,
                match_expressions: region.map(other).into_iter().collect(),
                spread,
                tolerate_unreachable,
            }
        },
    )
}

fn regions<'a>(
    names: impl IntoIterator<Item = &'a ClusterName>,
    members: &'a BTreeMap<ClusterName, Labels>,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for region in names.into_iter().filter_map(|name| members.get(name)?.get("region")) {
        *counts.entry(region.as_str()).or_default() += 1;
    }
    counts
}

proptest! {
    #[test]
    fn limits_hold_and_nothing_is_left_out_without_need((members, unreachable, previous) in world(), placement in any_placement()) {
        let facts = PlacementFacts { unreachable: &unreachable, previous: &previous };
        let plain = Placement { spread: None, ..placement.clone() };
        if let (Ok(chosen), Ok(all)) = (select(&placement, &members, &facts), select(&plain, &members, &facts)) {
            prop_assert!(chosen.is_subset(&all));
            let Some(spread) = &placement.spread else { return Ok(()) };
            let (of_chosen, of_all) = (regions(&chosen, &members), regions(&all, &members));
            let bounded = |limit: Option<u64>| usize::try_from(limit.unwrap_or(100)).unwrap();
            let groups = of_all.len().min(bounded(spread.max_groups)).min(bounded(spread.max_clusters));
            prop_assert_eq!(of_chosen.len(), groups);
            prop_assert!(of_chosen.len() >= bounded(spread.min_groups.or(Some(0))));
            match spread.max_clusters {
                None => prop_assert!(of_chosen.iter().all(|(region, count)| of_all.get(region) == Some(count))),
                Some(most) => prop_assert!(chosen.len() <= usize::try_from(most).unwrap()),
            }
        }
    }

    #[test]
    fn a_choice_that_was_made_is_made_again((members, unreachable, previous) in world(), placement in any_placement()) {
        let facts = PlacementFacts { unreachable: &unreachable, previous: &previous };
        if let Ok(chosen) = select(&placement, &members, &facts) {
            let again = select(&placement, &members, &PlacementFacts { previous: &chosen, ..facts });
            prop_assert_eq!(again, Ok(chosen));
        }
    }

    #[test]
    fn explain_and_select_agree((members, unreachable, previous) in world(), placement in any_placement()) {
        let facts = PlacementFacts { unreachable: &unreachable, previous: &previous };
        let chosen = select(&placement, &members, &facts);
        for name in members.keys() {
            let reason = explain(&placement, &members, &facts, name);
            let expect = chosen.as_ref().is_ok_and(|chosen| chosen.contains(name));
            prop_assert_eq!(reason.is_selected(), expect, "{}", reason);
        }
        let stranger = explain(&placement, &members, &facts, &cluster("stranger"));
        prop_assert_eq!(stranger, Reason::NotAMember);
    }
}
