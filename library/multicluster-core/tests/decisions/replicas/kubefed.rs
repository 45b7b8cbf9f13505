//! The planner for those who come from KubeFed.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::replicas::kubefed::{ALL_OTHERS, KubefedPlan, Preference, Schedule, plan};
use multicluster_core::replicas::{DivisionError, LARGEST_TOTAL};
use proptest::prelude::*;
use rstest::rstest;

fn preference(min: u64, max: Option<u64>, weight: u64) -> Preference {
    Preference { min, max, weight }
}

/// A schedule that owns what it is made of.
#[derive(Clone, Debug)]
struct Case {
    total: u64,
    clusters: BTreeSet<String>,
    preferences: BTreeMap<String, Preference>,
    current: BTreeMap<String, u64>,
    capacity: BTreeMap<String, u64>,
    rebalance: bool,
    key: String,
}

impl Case {
    /// Clusters `A`, `B`, … without an entry of their own.
    fn equal(total: u64, clusters: usize) -> Self {
        Self {
            total,
            clusters: ('A'..).take(clusters).map(String::from).collect(),
            preferences: BTreeMap::from([(ALL_OTHERS.to_owned(), preference(0, None, 1))]),
            current: BTreeMap::new(),
            capacity: BTreeMap::new(),
            rebalance: false,
            key: String::new(),
        }
    }

    fn plan(&self) -> Result<KubefedPlan<String>, DivisionError> {
        plan(&Schedule {
            total: self.total,
            clusters: &self.clusters,
            preferences: &self.preferences,
            current: &self.current,
            capacity: &self.capacity,
            rebalance: self.rebalance,
            key: &self.key,
        })
    }

    fn counts(&self) -> Vec<u64> {
        self.plan().unwrap().plan.into_values().collect()
    }
}

#[rstest]
#[case::nothing("", 0x811c_9dc5)]
#[case::one("a", 0x050c_5d7e)]
#[case::several("foobar", 0x31f0_b262)]
fn the_known_hashes_of_fnv_1(#[case] text: &str, #[case] hash: u32) {
    assert_eq!(fnv1(text), hash);
}

#[test]
fn an_equal_division_starts_with_the_smallest_hash() {
    for key in ["", "default/web", "default/db", "shop/frontend"] {
        let case = Case { key: key.to_owned(), ..Case::equal(1, 5) };
        let first = case.clusters.iter().min_by_key(|name| fnv1(&format!("{name}{key}"))).unwrap();
        assert_eq!(case.plan().unwrap().plan[first], 1, "{key}");
    }
}

#[test]
fn rounding_up_leaves_the_last_ones_without_any() {
    let mut counts = Case::equal(10, 7).counts();
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 2, 2, 2, 2, 2]);
}

#[test]
fn an_own_entry_wins_and_who_has_none_gets_nothing() {
    let mut case = Case::equal(9, 3);
    case.preferences.insert("A".to_owned(), preference(0, Some(1), 1));
    assert_eq!(case.counts(), [1, 4, 4]);
    case.preferences.remove(ALL_OTHERS);
    assert_eq!(case.counts(), [1, 0, 0]);
}

#[test]
fn what_is_written_is_the_plan_and_the_overflow() {
    let mut case = Case::equal(50, 3);
    case.capacity.insert("C".to_owned(), 10);
    case.rebalance = true;
    let found = case.plan().unwrap();
    assert_eq!(found.plan.values().copied().collect::<Vec<_>>(), [20, 20, 10]);
    assert_eq!(found.overflow, BTreeMap::from([("C".to_owned(), 7)]));
    assert_eq!(found.counts().into_values().collect::<Vec<_>>(), [20, 20, 17]);
    // Without rebalance nothing is left that found no place.
    case.rebalance = false;
    assert_eq!(case.plan().unwrap().overflow, BTreeMap::new());
}

#[test]
fn a_minimum_above_the_maximum_is_given_back() {
    let mut case = Case::equal(10, 2);
    case.preferences.insert("A".to_owned(), preference(5, Some(2), 1));
    assert_eq!(case.counts(), [2, 8]);
}

#[test]
fn more_than_kubernetes_counts_is_refused() {
    let total = LARGEST_TOTAL + 1;
    assert_eq!(Case::equal(total, 2).plan(), Err(DivisionError::TooMany { total }));
}

#[test]
fn rounds_are_not_counted_one_by_one() {
    // A runs nearly all and B may run none, so every round would only count two of A's.
    let mut case = Case::equal(LARGEST_TOTAL, 2);
    case.preferences.insert("B".to_owned(), preference(0, Some(0), 1));
    case.current.insert("A".to_owned(), LARGEST_TOTAL - 2);
    assert_eq!(case.counts(), [LARGEST_TOTAL, 0]);
}

fn fnv1(text: &str) -> u32 {
    let mut hash: u64 = 2_166_136_261;
    for byte in text.bytes() {
        hash = (hash * 16_777_619) % (1 << 32);
        hash ^= u64::from(byte);
    }
    u32::try_from(hash).unwrap()
}

/// The planner as it is described, with signed numbers and every round gone through.
fn slowly(case: &Case) -> (BTreeMap<String, i128>, BTreeMap<String, i128>) {
    let number = |value: u64| i128::from(value);
    let mut plan: BTreeMap<String, i128> = case.clusters.iter().map(|name| (name.clone(), 0)).collect();
    let mut order: Vec<(&String, Preference)> = case
        .clusters
        .iter()
        .filter_map(|name| {
            case.preferences.get(name).or(case.preferences.get("*")).map(|preference| (name, *preference))
        })
        .collect();
    order.sort_by_key(|(name, it)| (u64::MAX - it.weight, fnv1(&format!("{name}{}", case.key))));
    let mut rest = number(case.total);
    for (name, it) in &order {
        let mut min = number(it.min).min(rest);
        if let Some(capacity) = case.capacity.get(*name) {
            min = min.min(number(*capacity));
        }
        plan.insert((*name).clone(), min);
        rest -= min;
    }
    let mut reserved: BTreeMap<String, i128> = BTreeMap::new();
    for (name, it) in &order {
        let current = case.current.get(*name).map_or(0, |current| number(*current));
        if case.rebalance || current <= plan[*name] {
            continue;
        }
        let mut target = current;
        if let Some(max) = it.max {
            target = target.min(number(max));
        }
        if let Some(capacity) = case.capacity.get(*name) {
            target = target.min(number(*capacity));
        }
        let extra = (target - plan[*name]).min(rest).max(0);
        rest -= extra;
        reserved.insert((*name).clone(), extra);
        *plan.get_mut(*name).unwrap() += extra;
    }
    let mut overflow: BTreeMap<String, i128> = BTreeMap::new();
    let mut modified = true;
    while modified && rest > 0 {
        modified = false;
        let weights: i128 = order.iter().map(|(_, it)| number(it.weight)).sum();
        if weights == 0 {
            break;
        }
        let in_this_round = rest;
        let mut next = Vec::new();
        for (name, it) in order {
            let start = plan[name];
            let mut extra = ((in_this_round * number(it.weight) + weights - 1) / weights).min(rest);
            let used = extra.min(reserved.get(name).copied().unwrap_or(0));
            *reserved.entry(name.clone()).or_default() -= used;
            extra -= used;
            modified |= used > 0;
            let mut wanted = start + extra;
            let mut full = false;
            if let Some(max) = it.max.map(number).filter(|max| wanted > *max) {
                (wanted, full) = (max, true);
            }
            if let Some(capacity) = case.capacity.get(name).map(|it| number(*it)).filter(|it| wanted > *it) {
                overflow.insert(name.clone(), wanted - capacity);
                (wanted, full) = (capacity, true);
            }
            if !full {
                next.push((name, it));
            }
            rest -= wanted - start;
            plan.insert(name.clone(), wanted);
            modified |= wanted > start;
        }
        order = next;
    }
    if !case.rebalance {
        for over in overflow.values_mut() {
            *over = (*over).min(rest);
        }
        overflow.retain(|_, over| *over > 0);
    }
    (plan, overflow)
}

prop_compose! {
    fn any_preference()(
        min in prop_oneof![Just(0_u64), 0_u64..20],
        max in proptest::option::of(0_u64..40),
        weight in prop_oneof![0_u64..4, 0_u64..10_000],
    ) -> Preference {
        Preference { min, max, weight }
    }
}

prop_compose! {
    fn any_case()(
        total in prop_oneof![0_u64..20, 0_u64..300],
        clusters in proptest::collection::btree_set("[A-G]", 0..7),
        preferences in proptest::collection::btree_map("[A-G*]", any_preference(), 0..6),
        current in proptest::collection::btree_map("[A-G]", 0_u64..100, 0..6),
        capacity in proptest::collection::btree_map("[A-G]", 0_u64..100, 0..4),
        rebalance in any::<bool>(),
        key in "[a-z]{0,3}",
    ) -> Case {
        Case { total, clusters, preferences, current, capacity, rebalance, key }
    }
}

proptest! {
    #[test]
    fn equals_the_planner_taken_literally(case in any_case()) {
        let found = case.plan().unwrap();
        let signed = |counts: BTreeMap<String, u64>| -> BTreeMap<String, i128> {
            counts.into_iter().map(|(name, count)| (name, i128::from(count))).collect()
        };
        prop_assert_eq!((signed(found.plan), signed(found.overflow)), slowly(&case));
    }

    #[test]
    fn no_more_than_the_total_is_planned_and_no_more_than_fits(case in any_case()) {
        let found = case.plan().unwrap();
        prop_assert!(found.plan.values().sum::<u64>() <= case.total);
        prop_assert_eq!(found.plan.keys().collect::<BTreeSet<_>>(), case.clusters.iter().collect());
        for (name, count) in &found.plan {
            prop_assert!(case.capacity.get(name).is_none_or(|capacity| count <= capacity));
        }
    }

    #[test]
    fn no_number_is_too_large(
        total in prop_oneof![0..=LARGEST_TOTAL, any::<u64>()],
        numbers in proptest::collection::vec(
            (any::<u64>(), proptest::option::of(any::<u64>()), any::<u64>(), any::<u64>(), any::<u64>()), 1..5,
        ),
        rebalance in any::<bool>(),
    ) {
        let mut case = Case { rebalance, ..Case::equal(total, numbers.len()) };
        for (name, (min, max, weight, current, capacity)) in case.clusters.iter().zip(numbers) {
            case.preferences.insert(name.clone(), preference(min, max, weight));
            case.current.insert(name.clone(), current);
            case.capacity.insert(name.clone(), capacity);
        }
        prop_assert_eq!(case.plan().is_ok(), total <= LARGEST_TOTAL);
    }
}
