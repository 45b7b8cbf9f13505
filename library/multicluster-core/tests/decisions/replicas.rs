mod distribution;
mod kubefed;
mod steady;
mod vectors;

use std::collections::BTreeMap;

use multicluster_core::replicas::{DivisionError, LARGEST_TOTAL, Share, divide};
use proptest::prelude::*;
use rstest::rstest;

fn share(weight: u64, min: u64, max: Option<u64>) -> Share {
    Share { weight, min, max, exact: None }
}

/// Clusters `a`, `b`, … in the order given.
fn shares(list: &[Share]) -> BTreeMap<char, Share> {
    ('a'..).zip(list.iter().copied()).collect()
}

fn seats(total: u64, list: &[Share]) -> Result<Vec<u64>, DivisionError> {
    divide(total, &shares(list)).map(|divided| divided.into_values().collect())
}

#[rstest]
#[case::nothing_to_divide(0, &[share(1, 0, None), share(1, 0, None)], &[0, 0])]
#[case::no_clusters(0, &[], &[])]
#[case::weight_zero_gets_its_minimum(10, &[share(1, 0, None), share(0, 2, None)], &[8, 2])]
#[case::weight_zero_takes_what_no_other_may(10, &[share(1, 0, Some(4)), share(0, 1, None)], &[4, 6])]
#[case::only_weight_zero_is_even(5, &[share(0, 0, None), share(0, 0, None), share(0, 0, None)], &[2, 2, 1])]
#[case::weight_zero_is_filled_up_from_the_fewest(
    6, &[share(0, 3, None), share(0, 0, None), share(0, 0, Some(1))], &[3, 2, 1]
)]
#[case::no_ceiling_bias(10, &[share(1, 0, None); 7], &[2, 2, 2, 1, 1, 1, 1])]
#[case::all_full(7, &[share(9, 0, Some(3)), share(1, 0, Some(4))], &[3, 4])]
#[case::exact(10, &[Share { exact: Some(3), ..share(9, 0, None) }, share(1, 0, None)], &[3, 7])]
#[case::exact_within_its_bounds(10, &[Share { exact: Some(3), ..share(9, 3, Some(3)) }, share(1, 0, None)], &[3, 7])]
#[case::largest_weights(3, &[share(u64::MAX, 0, None), share(u64::MAX - 1, 0, None)], &[2, 1])]
#[case::far_apart(1000, &[share(u64::MAX, 0, None), share(1, 0, None)], &[1000, 0])]
#[case::largest_total(
    LARGEST_TOTAL, &[share(1, 0, None), share(1, 0, None)], &[1_073_741_824, 1_073_741_823]
)]
#[case::a_million(
    1_000_000, &[share(7, 0, None), share(2, 1, None), share(1, 0, Some(5)), share(0, 3, None)],
    &[777_772, 222_220, 5, 3]
)]
fn divided(#[case] total: u64, #[case] list: &[Share], #[case] expect: &[u64]) {
    assert_eq!(seats(total, list).unwrap(), expect);
}

#[rstest]
#[case::min_above_max(5, &[share(1, 3, Some(2))], "the minimum of `a` is 3 and its maximum 2")]
#[case::below_the_minimums(
    2, &[share(1, 1, Some(4)), share(1, 2, Some(4))],
    "2 replicas do not fit: the clusters take at least 3 and at most 8"
)]
#[case::above_the_maximums(
    9, &[share(1, 0, Some(4)), share(1, 0, Some(4))],
    "9 replicas do not fit: the clusters take at least 0 and at most 8"
)]
#[case::unbounded_above(1, &[share(1, 2, None)], "1 replicas do not fit: the clusters take at least 2")]
#[case::all_exact(5, &[share(1, 2, Some(2))], "5 replicas do not fit: the clusters take exactly 2")]
#[case::no_cluster_takes_any(1, &[], "1 replicas do not fit: the clusters take exactly 0")]
#[case::minimums_beyond_all_numbers(
    1, &[share(1, u64::MAX, None), share(1, u64::MAX, None)],
    "1 replicas do not fit: the clusters take at least 36893488147419103230"
)]
#[case::exact_below_the_minimum(
    3, &[Share { exact: Some(3), ..share(1, 4, None) }], "`a` is to run exactly 3, and at least 4"
)]
#[case::exact_above_the_maximum(
    3, &[Share { exact: Some(3), ..share(1, 0, Some(2)) }], "`a` is to run exactly 3, and at least 0 and at most 2"
)]
#[case::exact_and_no_more(
    4, &[Share { exact: Some(3), ..share(1, 0, None) }], "4 replicas do not fit: the clusters take exactly 3"
)]
#[case::more_than_kubernetes_counts(
    LARGEST_TOTAL + 1, &[share(1, 0, None)], "2147483648 replicas are more than Kubernetes can count (2147483647)"
)]
fn refused(#[case] total: u64, #[case] list: &[Share], #[case] message: &str) {
    assert_eq!(seats(total, list).unwrap_err().to_string(), message);
}

/// The rule word by word, one seat after the other, with fractions compared by cross-multiplication.
fn oracle(total: u64, shares: &BTreeMap<char, Share>) -> BTreeMap<char, u64> {
    let mut seats: BTreeMap<char, u64> = shares.iter().map(|(name, share)| (*name, share.min)).collect();
    while seats.values().sum::<u64>() < total {
        let mut best: Option<char> = None;
        for (name, share) in shares {
            if share.max.is_some_and(|max| seats[name] >= max) {
                continue;
            }
            best = match best {
                None => Some(*name),
                Some(known) => {
                    let mine = u128::from(share.weight) * u128::from(2 * seats[&known] + 1);
                    let theirs = u128::from(shares[&known].weight) * u128::from(2 * seats[name] + 1);
                    let better = mine > theirs || (mine == theirs && seats[name] < seats[&known]);
                    Some(if better { *name } else { known })
                }
            };
        }
        *seats.get_mut(&best.unwrap()).unwrap() += 1;
    }
    seats
}

prop_compose! {
    fn any_share()(
        weight in prop_oneof![0_u64..4, 0_u64..100, any::<u64>()],
        min in 0_u64..6,
        room in proptest::option::of(0_u64..20),
    ) -> Share {
        share(weight, min, room.map(|room| min + room))
    }
}

fn any_shares() -> impl Strategy<Value = BTreeMap<char, Share>> {
    proptest::collection::vec(any_share(), 1..8).prop_map(|list| shares(&list))
}

/// The smallest and the largest total that fits, the latter cut where nothing bounds it.
fn range(shares: &BTreeMap<char, Share>) -> (u64, u64) {
    let least = shares.values().map(|share| share.min).sum();
    let most = shares.values().map(|share| share.max).sum::<Option<u64>>();
    (least, most.unwrap_or(least + 150))
}

proptest! {
    #[test]
    fn equals_the_rule_taken_literally(shares in any_shares(), pick in any::<u64>()) {
        let (least, most) = range(&shares);
        let total = least + pick % (most - least + 1);
        let found = divide(total, &shares).unwrap();
        prop_assert_eq!(&found, &oracle(total, &shares));
        prop_assert_eq!(found.values().sum::<u64>(), total);
        for (name, seats) in &found {
            let share = shares[name];
            prop_assert!(*seats >= share.min && share.max.is_none_or(|max| *seats <= max));
        }
    }

    #[test]
    fn more_replicas_never_take_one_away(shares in any_shares()) {
        let (least, most) = range(&shares);
        let mut before = divide(least, &shares).unwrap();
        for total in least + 1..=most {
            let now = divide(total, &shares).unwrap();
            prop_assert!(before.iter().all(|(name, seats)| now[name] >= *seats));
            before = now;
        }
    }

    #[test]
    fn only_the_ratio_of_weights_counts(
        weights in proptest::collection::vec(0_u64..50, 1..6),
        factor in 1_u64..1_000_000_000,
        total in 0_u64..500,
    ) {
        let scaled = |factor: u64| {
            let list: Vec<Share> = weights.iter().map(|weight| share(weight * factor, 0, None)).collect();
            seats(total, &list).unwrap()
        };
        prop_assert_eq!(scaled(1), scaled(factor));
    }

    #[test]
    fn totals_are_refused_exactly_outside_of_the_bounds(shares in any_shares(), total in 0_u64..200) {
        let least: u64 = shares.values().map(|share| share.min).sum();
        let most = shares.values().map(|share| share.max).sum::<Option<u64>>();
        let fits = total >= least && most.is_none_or(|most| total <= most);
        prop_assert_eq!(divide(total, &shares).is_ok(), fits);
    }

    #[test]
    fn large_totals_keep_the_ratio(
        weights in proptest::collection::vec(1_u64..1000, 1..10),
        total in 0_u64..=LARGEST_TOTAL,
    ) {
        let list: Vec<Share> = weights.iter().map(|weight| share(*weight, 0, None)).collect();
        let found = seats(total, &list).unwrap();
        prop_assert_eq!(found.iter().sum::<u64>(), total);
        // No quotient that was given is smaller than one that was not.
        for (given, weight) in found.iter().zip(&weights).filter(|(given, _)| **given > 0) {
            for (other, other_weight) in found.iter().zip(&weights) {
                prop_assert!(
                    u128::from(*weight) * u128::from(2 * other + 1)
                        >= u128::from(*other_weight) * u128::from(2 * given - 1)
                );
            }
        }
    }
}

#[test]
fn the_largest_total_over_a_thousand_clusters_takes_no_time() {
    // Seat by seat this would not end within a day.
    let shares: BTreeMap<u64, Share> = (0..1000)
        .map(|index| (index, share(index * index, index % 7, (index % 3 == 0).then_some(1_000_000 + index))))
        .collect();
    let found = divide(LARGEST_TOTAL, &shares).unwrap();
    assert_eq!(found.values().sum::<u64>(), LARGEST_TOTAL);
}
