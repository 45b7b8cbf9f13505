use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::names::ClusterName;
use multicluster_core::placement::{Labels, Placement, PlacementFacts, select};
use proptest::prelude::*;
use rstest::rstest;

fn cluster(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// `one` has no labels, `two` is an edge on aws, `three` an edge on gcp.
fn members() -> BTreeMap<ClusterName, Labels> {
    BTreeMap::from([
        (cluster("one"), labels(&[])),
        (cluster("two"), labels(&[("tier", "edge"), ("cloud", "aws")])),
        (cluster("three"), labels(&[("tier", "edge"), ("cloud", "gcp")])),
    ])
}

/// A list that is given, for tables.
fn given<T>(list: &[T]) -> Option<&[T]> {
    Some(list)
}

fn placement(clusters: Option<&[&str]>, match_labels: Option<&[(&str, &str)]>) -> Placement {
    Placement {
        clusters: clusters.map(|names| names.iter().map(|name| cluster(name)).collect()),
        match_labels: match_labels.map(labels),
        ..Placement::default()
    }
}

#[rstest]
#[case::nothing_said_is_everywhere(None, None, &["one", "three", "two"])]
#[case::by_name(given(&["one", "two"]), None, &["one", "two"])]
#[case::a_name_twice_is_one(given(&["one", "one"]), None, &["one"])]
#[case::no_names_is_nowhere(given(&[]), None, &[])]
#[case::no_names_win_over_labels(given(&[]), given(&[("tier", "edge")]), &[])]
#[case::names_win_over_labels(given(&["one"]), given(&[("tier", "edge")]), &["one"])]
#[case::empty_labels_match_all(None, given(&[]), &["one", "three", "two"])]
#[case::one_label(None, given(&[("tier", "edge")]), &["three", "two"])]
#[case::all_labels_must_match(None, given(&[("tier", "edge"), ("cloud", "gcp")]), &["three"])]
#[case::another_value_does_not_match(None, given(&[("tier", "core")]), &[])]
fn selected(
    #[case] clusters: Option<&[&str]>,
    #[case] match_labels: Option<&[(&str, &str)]>,
    #[case] expect: &[&str],
) {
    let found = select(&placement(clusters, match_labels), &members(), &PlacementFacts::default()).unwrap();
    assert_eq!(found.iter().map(ClusterName::as_str).collect::<Vec<_>>(), expect);
}

#[rstest]
#[case::one(&["two", "tow"], "`tow` is not a member of the federation; its members are `one`, `three`, `two`")]
#[case::several(
    &["x", "a", "x"], "`a`, `x` are not members of the federation; its members are `one`, `three`, `two`"
)]
fn unknown_names(#[case] names: &[&str], #[case] message: &str) {
    let error = select(&placement(Some(names), None), &members(), &PlacementFacts::default()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_federation_without_members_says_so() {
    let error =
        select(&placement(Some(&["aws"]), None), &BTreeMap::new(), &PlacementFacts::default()).unwrap_err();
    assert_eq!(error.to_string(), "`aws` is not a member of the federation; its members are none");
}

proptest! {
    #[test]
    fn more_labels_never_select_more(
        wanted in proptest::collection::btree_map("[ab]", "[xy]", 0..3),
        more in proptest::collection::btree_map("[ab]", "[xy]", 0..3),
        carried in proptest::collection::vec(proptest::collection::btree_map("[ab]", "[xy]", 0..3), 0..6),
    ) {
        let members: BTreeMap<ClusterName, Labels> =
            carried.into_iter().enumerate().map(|(index, labels)| (cluster(&format!("c{index}")), labels)).collect();
        let by = |labels: &Labels| -> BTreeSet<ClusterName> {
            select(&Placement { match_labels: Some(labels.clone()), ..Placement::default() }, &members, &PlacementFacts::default()).unwrap()
        };
        let mut both = more;
        both.extend(wanted.clone());
        prop_assert!(by(&both).is_subset(&by(&wanted)));
        prop_assert!(by(&wanted).iter().all(|name| members.contains_key(name)));
    }
}
