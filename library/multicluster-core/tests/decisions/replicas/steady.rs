//! Divisions that keep what runs.

use std::collections::BTreeMap;

use multicluster_core::replicas::Mode::{Aggregated, Capacity, Duplicated, Weighted};
use multicluster_core::replicas::{Division, LARGEST_TOTAL, Mode, Party, Share, distribute, divide};
use proptest::prelude::*;
use rstest::rstest;

use super::distribution::{any_parties, any_total, bounded, had, parties, room, weight};
use super::{any_shares, oracle, range, share};

const STEADY_MODES: [Mode; 3] = [Weighted, Capacity, Aggregated];

fn steadily(mode: Mode, total: u64, parties: &BTreeMap<char, Party>) -> BTreeMap<char, u64> {
    distribute(&Division { mode, steady: true, total }, parties).unwrap()
}

#[rstest]
#[case::nothing_to_move(Weighted, 12, &[had(10, weight(1)), had(2, weight(1))], &[10, 2])]
#[case::further_ones_even_it_out(Weighted, 14, &[had(10, weight(1)), had(2, weight(1))], &[10, 4])]
#[case::further_ones_in_proportion(Weighted, 18, &[had(6, weight(2)), had(3, weight(1))], &[12, 6])]
#[case::fewer_in_proportion_to_what_runs(
    Weighted, 6, &[had(2, weight(9)), had(4, weight(1)), had(6, weight(1))], &[1, 2, 3]
)]
#[case::a_new_cluster_takes_none_away(Weighted, 12, &[had(12, weight(1)), weight(1)], &[12, 0])]
#[case::a_new_cluster_catches_up(Weighted, 20, &[had(12, weight(1)), weight(1)], &[12, 8])]
#[case::a_minimum_moves_no_more_than_it_must(
    Weighted, 12, &[had(12, weight(1)), Party { share: share(1, 3, None), ..weight(1) }], &[9, 3]
)]
#[case::a_maximum_moves_no_more_than_it_must(
    Weighted, 12, &[had(8, bounded(0, 0, Some(5))), had(2, weight(1)), had(2, weight(1))], &[5, 4, 3]
)]
#[case::a_cluster_that_left(Weighted, 12, &[had(4, weight(1)), had(4, weight(1))], &[6, 6])]
#[case::fewer_keeps_a_minimum(Weighted, 6, &[had(6, bounded(0, 5, None)), had(6, weight(1))], &[5, 1])]
#[case::weight_zero_keeps_what_it_has(Weighted, 12, &[had(4, weight(0)), had(4, weight(1))], &[4, 8])]
#[case::nothing_runs_yet(Weighted, 9, &[weight(2), had(0, weight(1))], &[6, 3])]
#[case::duplicated_has_nothing_to_keep(Duplicated, 3, &[had(9, weight(1)), weight(1)], &[3, 3])]
#[case::further_ones_go_where_room_is(Capacity, 10, &[had(4, room(4)), had(4, room(100))], &[4, 6])]
#[case::room_is_what_is_free(Capacity, 12, &[had(9, room(10)), room(2)], &[10, 2])]
#[case::what_runs_beyond_the_room_stays(Capacity, 10, &[had(8, room(3)), room(5)], &[8, 2])]
#[case::by_capacity_a_first_time_counts_minimums(Capacity, 6, &[bounded(10, 3, None), room(10)], &[3, 3])]
#[case::by_capacity_fewer(Capacity, 6, &[had(2, room(99)), had(4, room(9)), had(6, room(9))], &[1, 2, 3])]
#[case::aggregated_further_ones_stay(Aggregated, 8, &[had(3, room(8)), room(99)], &[8, 0])]
#[case::aggregated_further_ones_spill(Aggregated, 10, &[had(3, room(4)), room(50), room(60)], &[3, 0, 7])]
#[case::aggregated_fewer_on_the_largest(Aggregated, 6, &[had(4, room(99)), had(8, room(8))], &[0, 6])]
#[case::aggregated_fewer_on_who_must_run_some(
    Aggregated, 4, &[had(4, bounded(99, 1, None)), had(8, room(8))], &[4, 0]
)]
#[case::aggregated_fewer_on_all_that_are_needed(
    Aggregated, 6, &[had(4, bounded(99, 1, None)), had(8, room(8))], &[2, 4]
)]
fn divided(#[case] mode: Mode, #[case] total: u64, #[case] list: &[Party], #[case] expect: &[u64]) {
    let found: Vec<u64> = steadily(mode, total, &parties(list)).into_values().collect();
    assert_eq!(found, expect);
}

#[test]
fn room_that_is_lost_is_told_only_when_more_is_wanted() {
    let lost = parties(&[had(8, room(3)), had(2, room(2))]);
    let found = steadily(Capacity, 10, &lost);
    assert_eq!(found, BTreeMap::from([('a', 8), ('b', 2)]));
    let error = distribute(&Division { mode: Capacity, steady: true, total: 11 }, &lost).unwrap_err();
    assert_eq!(error.to_string(), "11 replicas do not fit: the clusters have room for 10");
}

/// The most that a party may run while what runs stays.
fn most(mode: Mode, party: &Party) -> u64 {
    let room = if mode == Weighted { 15 } else { party.capacity.unwrap().max(party.previous.unwrap_or(0)) };
    room.min(party.share.max.unwrap_or(u64::MAX))
}

fn moved(parties: &BTreeMap<char, Party>, counts: impl Iterator<Item = u64>) -> u64 {
    parties.values().zip(counts).map(|(party, count)| party.previous.unwrap_or(0).abs_diff(count)).sum()
}

/// The fewest moves of all divisions that the bounds allow, found by trying all of them.
fn fewest_moves(mode: Mode, total: u64, parties: &BTreeMap<char, Party>) -> u64 {
    let mut all: Vec<Vec<u64>> = vec![Vec::new()];
    for party in parties.values() {
        let range = party.share.min..=most(mode, party);
        all = all
            .into_iter()
            .flat_map(|before| range.clone().map(move |count| [&before[..], &[count]].concat()))
            .collect();
    }
    let fitting = all.into_iter().filter(|counts| counts.iter().sum::<u64>() == total);
    fitting.map(|counts| moved(parties, counts.into_iter())).min().unwrap()
}

/// The rules of the steady modes but aggregated, seat by seat.
fn slowly(mode: Mode, total: u64, parties: &BTreeMap<char, Party>) -> BTreeMap<char, u64> {
    let kept: BTreeMap<char, u64> = parties
        .iter()
        .map(|(name, it)| (*name, it.previous.unwrap_or(0).clamp(it.share.min, most(mode, it))))
        .collect();
    let kept_of_all: u64 = kept.values().sum();
    let shares = |of: &dyn Fn(&Party, u64) -> Share| -> BTreeMap<char, Share> {
        parties.iter().map(|(name, it)| (*name, of(it, kept[name]))).collect()
    };
    if total < kept_of_all {
        oracle(total, &shares(&|it, kept| share(it.previous.unwrap_or(0), it.share.min, Some(kept))))
    } else if mode == Weighted {
        oracle(total, &shares(&|it, kept| share(it.share.weight, kept, it.share.max)))
    } else {
        let free = |it: &Party, kept: u64| it.capacity.unwrap().saturating_sub(kept);
        let further = shares(&|it, kept| share(free(it, kept), 0, Some(most(mode, it) - kept)));
        let further = oracle(total - kept_of_all, &further);
        kept.into_iter().map(|(name, kept)| (name, kept + further[&name])).collect()
    }
}

fn any_mode() -> impl Strategy<Value = Mode> {
    proptest::sample::select(&STEADY_MODES[..])
}

fn something_runs(parties: &BTreeMap<char, Party>) -> bool {
    parties.values().any(|party| party.previous.is_some_and(|count| count > 0))
}

/// The parties after a division was carried out.
fn after(parties: &BTreeMap<char, Party>, counts: &BTreeMap<char, u64>) -> BTreeMap<char, Party> {
    parties.iter().map(|(name, party)| (*name, had(counts[name], *party))).collect()
}

proptest! {
    #[test]
    fn the_total_and_the_bounds_are_kept(mode in any_mode(), parties in any_parties(7), pick in any::<u64>()) {
        let total = any_total(&parties, pick, |party| party.capacity.unwrap().min(most(mode, party)));
        let found = steadily(mode, total, &parties);
        prop_assert_eq!(found.values().sum::<u64>(), total);
        for (name, count) in &found {
            let party = &parties[name];
            prop_assert!(*count >= party.share.min);
            let limit = if mode == Weighted { party.share.max.unwrap_or(total) } else { most(mode, party) };
            prop_assert!(*count <= limit);
        }
    }

    #[test]
    fn no_division_moves_fewer(mode in any_mode(), parties in any_parties(4), pick in any::<u64>()) {
        let total = any_total(&parties, pick, |party| most(mode, party));
        // Where nothing runs, what was measured is the room.
        prop_assume!(something_runs(&parties));
        let found = steadily(mode, total, &parties);
        prop_assert_eq!(moved(&parties, found.into_values()), fewest_moves(mode, total, &parties));
    }

    #[test]
    fn dividing_again_changes_nothing(mode in any_mode(), parties in any_parties(7), pick in any::<u64>()) {
        let total = any_total(&parties, pick, |party| party.capacity.unwrap().min(most(mode, party)));
        let found = steadily(mode, total, &parties);
        prop_assert_eq!(&steadily(mode, total, &after(&parties, &found)), &found);
    }

    #[test]
    fn a_fresh_division_is_kept(mode in any_mode(), parties in any_parties(7), pick in any::<u64>()) {
        let total = any_total(&parties, pick, |party| party.capacity.unwrap().min(most(mode, party)));
        let found = distribute(&Division { mode, steady: false, total }, &parties).unwrap();
        prop_assert_eq!(&steadily(mode, total, &after(&parties, &found)), &found);
    }

    #[test]
    fn equals_the_rules_taken_literally(
        mode in proptest::sample::select(&[Weighted, Capacity][..]),
        parties in any_parties(7),
        weights in proptest::collection::vec(0_u64..9, 7),
        pick in any::<u64>(),
    ) {
        let mut parties = parties;
        if mode == Weighted {
            for (party, weight) in parties.values_mut().zip(weights) {
                party.share.weight = weight;
            }
        }
        prop_assume!(something_runs(&parties));
        let total = any_total(&parties, pick, |party| most(mode, party));
        prop_assert_eq!(steadily(mode, total, &parties), slowly(mode, total, &parties));
    }

    #[test]
    fn where_nothing_runs_it_is_a_fresh_division(
        mode in any_mode(), mut parties in any_parties(7), pick in any::<u64>(),
    ) {
        for party in parties.values_mut() {
            party.previous = None;
        }
        let total = any_total(&parties, pick, |party| most(mode, party));
        let fresh = distribute(&Division { mode, steady: false, total }, &parties).unwrap();
        prop_assert_eq!(steadily(mode, total, &parties), fresh);
    }

    #[test]
    fn growing_in_steps_is_growing_at_once_when_weighted(shares in any_shares(), pick in any::<u64>()) {
        let (least, most) = range(&shares);
        let first = least + pick % (most - least + 1);
        let counts = divide(first, &shares).unwrap();
        let parties = shares
            .iter()
            .map(|(name, share)| (*name, had(counts[name], Party { share: *share, ..Party::default() })))
            .collect();
        for total in first..=most {
            prop_assert_eq!(steadily(Weighted, total, &parties), divide(total, &shares).unwrap());
        }
    }

    #[test]
    fn aggregated_uses_a_new_cluster_only_if_those_in_use_are_full(
        parties in any_parties(7), pick in any::<u64>(),
    ) {
        prop_assume!(something_runs(&parties));
        let total = any_total(&parties, pick, |party| most(Aggregated, party));
        let found = steadily(Aggregated, total, &parties);
        let in_use = |party: &Party| party.share.min > 0 || party.previous.is_some_and(|count| count > 0);
        let reach: u64 = parties.values().filter(|it| in_use(it)).map(|it| most(Aggregated, it)).sum();
        let new = found.iter().any(|(name, count)| *count > 0 && !in_use(&parties[name]));
        prop_assert!(!new || reach < total);
    }
}

#[test]
fn the_largest_total_over_a_thousand_clusters_takes_no_time() {
    // Seat by seat this would not end within a day.
    for mode in [Duplicated, Weighted, Capacity, Aggregated] {
        for steady in [false, true] {
            let party = |index: u64| Party {
                share: Share {
                    weight: if mode == Weighted { index * index } else { 1 },
                    max: (mode != Duplicated && index.is_multiple_of(3)).then_some(3_000_000 + index),
                    ..Share::default()
                },
                capacity: Some(4_000_000 + index * index),
                previous: (!index.is_multiple_of(5)).then_some(1000 * index),
            };
            let parties: BTreeMap<u64, Party> = (0..1000).map(|index| (index, party(index))).collect();
            for total in [LARGEST_TOTAL, 100_000_000] {
                let found = distribute(&Division { mode, steady, total }, &parties).unwrap();
                let times = if mode == Duplicated { 1000 } else { 1 };
                assert_eq!(found.values().sum::<u64>(), total * times);
            }
        }
    }
}
