//! Fresh divisions in all modes.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::replicas::Mode::{Aggregated, Capacity, Duplicated, Weighted};
use multicluster_core::replicas::{
    Division, DivisionError, LARGEST_TOTAL, Mode, Party, Share, distribute, divide, webster_from,
};
use proptest::prelude::*;
use rstest::rstest;

use super::{any_shares, oracle, range, share};

pub(super) const MODES: [Mode; 4] = [Duplicated, Weighted, Capacity, Aggregated];

/// A party that nothing is said about, with this room.
pub(super) fn room(capacity: u64) -> Party {
    Party { capacity: Some(capacity), ..Party::default() }
}

pub(super) fn bounded(capacity: u64, min: u64, max: Option<u64>) -> Party {
    Party { share: share(1, min, max), ..room(capacity) }
}

/// The same party, that was given so many last.
pub(super) fn had(previous: u64, party: Party) -> Party {
    Party { previous: Some(previous), ..party }
}

pub(super) fn weight(weight: u64) -> Party {
    Party { share: share(weight, 0, None), ..Party::default() }
}

/// Clusters `a`, `b`, … in the order given.
pub(super) fn parties(list: &[Party]) -> BTreeMap<char, Party> {
    ('a'..).zip(list.iter().copied()).collect()
}

fn fresh(mode: Mode, total: u64, list: &[Party]) -> Result<Vec<u64>, DivisionError> {
    let division = Division { mode, steady: false, total };
    distribute(&division, &parties(list)).map(|counts| counts.into_values().collect())
}

#[rstest]
#[case::duplicated(Duplicated, 3, &[room(1), Party::default(), had(7, room(0))], &[3, 3, 3])]
#[case::duplicated_over_nothing(Duplicated, 3, &[], &[])]
#[case::duplicated_zero(Duplicated, 0, &[Party::default()], &[0])]
#[case::weighted_does_not_look_at_capacity(Weighted, 9, &[weight(2), room(0)], &[6, 3])]
#[case::weighted_does_not_look_at_what_was(Weighted, 9, &[weight(2), had(9, weight(1))], &[6, 3])]
#[case::by_capacity(Capacity, 12, &[room(18), room(12), room(6)], &[6, 4, 2])]
#[case::by_capacity_when_all_is_taken(Capacity, 9, &[room(5), room(0), room(4)], &[5, 0, 4])]
#[case::by_capacity_above_a_minimum(Capacity, 6, &[bounded(10, 3, None), room(10)], &[3, 3])]
#[case::by_capacity_below_a_maximum(Capacity, 10, &[bounded(90, 0, Some(2)), room(10)], &[2, 8])]
#[case::by_capacity_a_minimum_leaves_no_more_than_fits(
    Capacity, 10, &[bounded(4, 4, None), room(2), room(5)], &[4, 2, 4]
)]
#[case::by_capacity_exact(
    Capacity, 10, &[Party { share: Share { exact: Some(1), ..Share::default() }, ..room(100) }, room(5), room(5)],
    &[1, 5, 4]
)]
#[case::largest_capacities(Capacity, 5, &[room(u64::MAX), room(u64::MAX)], &[3, 2])]
#[case::aggregated_takes_the_largest(Aggregated, 8, &[room(5), room(9), room(8)], &[0, 8, 0])]
#[case::aggregated_takes_as_many_as_needed(Aggregated, 12, &[room(6), room(8), room(10)], &[0, 5, 7])]
#[case::aggregated_stays_where_it_was(Aggregated, 8, &[had(1, room(8)), room(99)], &[8, 0])]
#[case::aggregated_given_nothing_is_not_used(Aggregated, 8, &[had(0, room(8)), room(99)], &[0, 8])]
#[case::aggregated_goes_on_to_the_largest(Aggregated, 9, &[had(1, room(8)), room(2), room(92)], &[1, 0, 8])]
#[case::aggregated_keeps_a_minimum(Aggregated, 9, &[bounded(9, 2, Some(3)), room(9)], &[3, 6])]
#[case::aggregated_fills_who_must_run_some(Aggregated, 9, &[bounded(9, 1, None), room(99)], &[9, 0])]
#[case::aggregated_knows_a_maximum(Aggregated, 9, &[bounded(100, 0, Some(5)), room(7), room(9)], &[0, 0, 9])]
#[case::aggregated_equal_rooms_go_by_name(Aggregated, 3, &[room(4), room(4)], &[3, 0])]
#[case::aggregated_zero(Aggregated, 0, &[room(4), room(4)], &[0, 0])]
#[case::aggregated_all_exact(Aggregated, 4, &[bounded(4, 3, Some(3)), bounded(4, 1, Some(1))], &[3, 1])]
fn divided(#[case] mode: Mode, #[case] total: u64, #[case] list: &[Party], #[case] expect: &[u64]) {
    assert_eq!(fresh(mode, total, list).unwrap(), expect);
}

#[rstest]
#[case::weight(weight(2), "`a` has a value for `weight`, which means nothing in mode `duplicated`")]
#[case::min(bounded(1, 1, None), "`a` has a value for `min`, which means nothing in mode `duplicated`")]
#[case::max(bounded(1, 0, Some(1)), "`a` has a value for `max`, which means nothing in mode `duplicated`")]
#[case::exact(
    Party { share: Share { exact: Some(1), ..Share::default() }, ..Party::default() },
    "`a` has a value for `exact`, which means nothing in mode `duplicated`"
)]
fn duplicated_is_contradicted_by(#[case] party: Party, #[case] message: &str) {
    assert_eq!(fresh(Duplicated, 1, &[party]).unwrap_err().to_string(), message);
}

#[rstest]
#[case::weight_by_capacity(
    Capacity, 1, &[room(1), weight(0)], "`b` has a value for `weight`, which means nothing in mode `capacity`"
)]
#[case::weight_aggregated(
    Aggregated, 1, &[weight(2)], "`a` has a value for `weight`, which means nothing in mode `aggregated`"
)]
#[case::unknown_capacity(
    Capacity, 1, &[room(9), Party::default()], "it is not known how many replicas `b` has room for"
)]
#[case::unknown_capacity_aggregated(
    Aggregated, 0, &[Party::default()], "it is not known how many replicas `a` has room for"
)]
#[case::too_little_room(
    Capacity, 10, &[room(3), bounded(9, 0, Some(5))], "10 replicas do not fit: the clusters have room for 8"
)]
#[case::too_little_room_aggregated(
    Aggregated, 12, &[room(3), room(3), room(3)], "12 replicas do not fit: the clusters have room for 9"
)]
#[case::beyond_the_maximums_whatever_the_room(
    Capacity, 10, &[bounded(3, 0, Some(4)), bounded(9, 0, Some(5))],
    "10 replicas do not fit: the clusters take at least 0 and at most 9"
)]
#[case::below_the_minimums(
    Aggregated, 2, &[bounded(9, 3, None)], "2 replicas do not fit: the clusters take at least 3"
)]
#[case::a_minimum_without_room(
    Capacity, 10, &[bounded(3, 5, None), room(99)], "`a` must run at least 5 replicas and has room for 3"
)]
#[case::exact_without_room(
    Aggregated, 10, &[Party { share: Share { exact: Some(4), ..Share::default() }, ..room(3) }, room(99)],
    "`a` must run at least 4 replicas and has room for 3"
)]
#[case::no_cluster(Capacity, 1, &[], "1 replicas do not fit: the clusters take exactly 0")]
#[case::bounds_are_checked_in_all_modes(
    Capacity, 1, &[bounded(9, 3, Some(2))], "the minimum of `a` is 3 and its maximum 2"
)]
fn refused(#[case] mode: Mode, #[case] total: u64, #[case] list: &[Party], #[case] message: &str) {
    assert_eq!(fresh(mode, total, list).unwrap_err().to_string(), message);
}

#[test]
fn more_than_kubernetes_counts_is_refused_in_every_mode() {
    for mode in MODES {
        let error = fresh(mode, LARGEST_TOTAL + 1, &[room(u64::MAX)]).unwrap_err();
        assert_eq!(error, DivisionError::TooMany { total: LARGEST_TOTAL + 1 });
    }
}

#[test]
fn further_seats_need_a_party_and_must_be_countable() {
    let none: BTreeMap<char, u64> = BTreeMap::new();
    let tie = multicluster_core::replicas::Tie::NameAscending;
    assert_eq!(webster_from(&none, 0, &none, tie), Ok(BTreeMap::new()));
    assert!(matches!(webster_from(&none, 1, &none, tie), Err(DivisionError::OutOfBounds { .. })));
    let most = BTreeMap::from([('a', u64::MAX), ('b', u64::MAX)]);
    assert_eq!(webster_from(&most, 1, &most, tie), Err(DivisionError::TooMany { total: u64::MAX }));
    assert_eq!(webster_from(&none, 3, &most, tie), Ok(BTreeMap::from([('a', 2), ('b', 1)])));
}

prop_compose! {
    pub(super) fn any_party()(
        capacity in 0_u64..12,
        below in 0_u64..4,
        above in proptest::option::of(0_u64..14),
        previous in proptest::option::of(0_u64..14),
    ) -> Party {
        let min = below.min(capacity).saturating_sub(1);
        Party { share: share(1, min, above.map(|above| min + above)), capacity: Some(capacity), previous }
    }
}

pub(super) fn any_parties(most: usize) -> impl Strategy<Value = BTreeMap<char, Party>> {
    proptest::collection::vec(any_party(), 1..=most).prop_map(|list| parties(&list))
}

/// The most that a party may run: its maximum, or its capacity if that is less.
fn most(party: &Party) -> u64 {
    party.capacity.unwrap().min(party.share.max.unwrap_or(u64::MAX))
}

/// A total that fits.
pub(super) fn any_total(parties: &BTreeMap<char, Party>, pick: u64, most: impl Fn(&Party) -> u64) -> u64 {
    let least: u64 = parties.values().map(|party| party.share.min).sum();
    least + pick % (parties.values().map(most).sum::<u64>() - least + 1)
}

/// The size of the smallest set of clusters that could run the total, among all sets.
fn fewest(total: u64, parties: &BTreeMap<char, Party>) -> u32 {
    let all: Vec<&Party> = parties.values().collect();
    (0..1_u32 << all.len())
        .filter(|set| {
            let is_in = |index: &usize| set & (1 << index) != 0;
            let must = (0..all.len()).filter(|index| !is_in(index)).all(|index| all[index].share.min == 0);
            must && (0..all.len()).filter(is_in).map(|index| most(all[index])).sum::<u64>() >= total
        })
        .map(u32::count_ones)
        .min()
        .unwrap()
}

proptest! {
    #[test]
    fn weighted_is_the_division_by_weights(shares in any_shares(), pick in any::<u64>()) {
        let (least, most) = range(&shares);
        let total = least + pick % (most - least + 1);
        let parties = shares.iter().map(|(name, share)| (*name, Party { share: *share, ..Party::default() }));
        let found = distribute(&Division { mode: Weighted, steady: false, total }, &parties.collect());
        prop_assert_eq!(found, divide(total, &shares));
    }

    #[test]
    fn by_capacity_is_the_rule_with_capacities_as_weights(parties in any_parties(7), pick in any::<u64>()) {
        let total = any_total(&parties, pick, most);
        let shares =
            parties.iter().map(|(name, it)| (*name, share(it.capacity.unwrap(), it.share.min, Some(most(it)))));
        let found = distribute(&Division { mode: Capacity, steady: false, total }, &parties).unwrap();
        prop_assert_eq!(found, oracle(total, &shares.collect()));
    }

    #[test]
    fn aggregated_keeps_the_total_and_the_bounds(parties in any_parties(7), pick in any::<u64>()) {
        let total = any_total(&parties, pick, most);
        let found = distribute(&Division { mode: Aggregated, steady: false, total }, &parties).unwrap();
        prop_assert_eq!(found.values().sum::<u64>(), total);
        for (name, count) in &found {
            prop_assert!(*count >= parties[name].share.min && *count <= most(&parties[name]));
        }
    }

    #[test]
    fn aggregated_uses_the_fewest_clusters(mut parties in any_parties(7), pick in any::<u64>()) {
        for party in parties.values_mut() {
            party.previous = None;
        }
        let total = any_total(&parties, pick, most);
        let found = distribute(&Division { mode: Aggregated, steady: false, total }, &parties).unwrap();
        let used = found.values().filter(|count| **count > 0).count();
        prop_assert_eq!(used, fewest(total, &parties) as usize);
    }

    #[test]
    fn aggregated_goes_elsewhere_only_if_those_in_use_are_too_small(
        parties in any_parties(7), pick in any::<u64>(),
    ) {
        let total = any_total(&parties, pick, most);
        let found = distribute(&Division { mode: Aggregated, steady: false, total }, &parties).unwrap();
        let in_use = |party: &Party| party.share.min > 0 || party.previous.is_some_and(|count| count > 0);
        let reach: u64 = parties.values().filter(|party| in_use(party)).map(most).sum();
        if reach >= total {
            prop_assert!(found.iter().all(|(name, count)| *count == 0 || in_use(&parties[name])));
        }
    }

    #[test]
    fn other_names_change_nothing_but_the_names(
        numbers in proptest::collection::btree_set((1_u64..1000).prop_map(|it| it * 7), 1..8)
            .prop_flat_map(|set| Just(set.into_iter().collect::<Vec<u64>>()).prop_shuffle()),
        total in 0_u64..7,
        steady in any::<bool>(),
        previous in any::<bool>(),
        mode in proptest::sample::select(&MODES[..]),
    ) {
        // Numbers that differ leave no tie to the names.
        let party = |number: u64| Party {
            share: share(if mode == Weighted { number } else { 1 }, 0, None),
            capacity: Some(2 * number),
            previous: previous.then_some(number),
        };
        let division = Division { mode, steady, total };
        let named: BTreeMap<usize, Party> = numbers.iter().map(|number| party(*number)).enumerate().collect();
        let sorted: BTreeMap<u64, Party> = numbers.iter().map(|number| (*number, party(*number))).collect();
        let by_name = distribute(&division, &named).unwrap();
        let by_number = distribute(&division, &sorted).unwrap();
        for (name, count) in by_name {
            prop_assert_eq!(count, by_number[&numbers[name]]);
        }
    }

    #[test]
    fn no_number_is_too_large(
        list in proptest::collection::vec(any_numbers(), 0..5),
        total in prop_oneof![0_u64..100, 0..=LARGEST_TOTAL, any::<u64>()],
        steady in any::<bool>(),
        mode in proptest::sample::select(&MODES[..]),
    ) {
        let parties = parties(&list);
        if let Ok(found) = distribute(&Division { mode, steady, total }, &parties) {
            let each = if mode == Duplicated { parties.len() as u64 } else { 1 };
            prop_assert_eq!(found.values().sum::<u64>(), total * each);
            prop_assert_eq!(found.keys().collect::<BTreeSet<_>>(), parties.keys().collect());
        }
    }
}

fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..3, 0_u64..1 << 32, any::<u64>(), Just(u64::MAX)]
}

prop_compose! {
    /// Anything that fits into the type, contradictions included.
    fn any_numbers()(
        weight in prop_oneof![Just(1_u64), any_number()],
        min in prop_oneof![Just(0_u64), any_number()],
        max in proptest::option::of(any_number()),
        exact in proptest::option::weighted(0.1, any_number()),
        capacity in proptest::option::weighted(0.9, any_number()),
        previous in proptest::option::of(any_number()),
    ) -> Party {
        Party { share: Share { weight, min, max, exact }, capacity, previous }
    }
}
