//! The planner of KubeFed, for its `ReplicaSchedulingPreference`.
//!
//! It gives what KubeFed gave, so that whoever moves over keeps the replicas where they are: minimums first, then
//! what runs already, then rounds in which each cluster gets its part of the rest, rounded up. Order decides who meets
//! the rest while there is some: the larger weight, then the smaller FNV-1 hash of the cluster's name and a key.
//!
//! Invariant: what is planned and what is left over add up to the total. That some clusters get nothing where
//! Webster's method would give each a part (10 over seven equal ones: 2 2 2 2 2 0 0) is KubeFed's way and stays.
//!
//! [`divide`](super::divide) is the better method for everybody else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use crate::replicas::{DivisionError, LARGEST_TOTAL};

/// The entry of [`Schedule::preferences`] for clusters without one of their own.
pub const ALL_OTHERS: &str = "*";

/// What somebody prefers for one cluster, with the names and defaults of KubeFed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// It runs at least so many, as far as the total and its capacity allow.
    pub min: u64,
    /// It runs at most so many; absent: no limit. The minimum is not held against it.
    pub max: Option<u64>,
    /// Its part of what is above the minimums, relative to the others. 0: nothing but the minimum.
    pub weight: u64,
}

/// All that a plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a, K> {
    /// The replicas in all.
    pub total: u64,
    /// The clusters that can run some.
    pub clusters: &'a BTreeSet<K>,
    /// By name of the cluster, or [`ALL_OTHERS`]. A cluster that has neither entry gets 0.
    pub preferences: &'a BTreeMap<String, Preference>,
    /// What each cluster runs now. A cluster that is not named runs none.
    pub current: &'a BTreeMap<K, u64>,
    /// How many replicas each cluster has room for, those that run included. A cluster that is not named has room for
    /// all.
    pub capacity: &'a BTreeMap<K, u64>,
    /// Whether what runs may be moved to come nearer to the weights.
    pub rebalance: bool,
    /// What is hashed behind a cluster's name, so that not every workload prefers the same clusters. KubeFed uses
    /// `namespace/name` of the workload.
    pub key: &'a str,
}

/// What KubeFed would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubefedPlan<K> {
    /// What each cluster should be able to run.
    pub plan: BTreeMap<K, u64>,
    /// What is to be asked of clusters on top, in case that more fits than their capacity says.
    pub overflow: BTreeMap<K, u64>,
}

impl<K: Ord + Clone> KubefedPlan<K> {
    /// The number to write into each cluster's workload: plan and overflow together.
    pub fn counts(&self) -> BTreeMap<K, u64> {
        let count = |(cluster, planned): (&K, &u64)| {
            (cluster.clone(), planned + self.overflow.get(cluster).copied().unwrap_or(0))
        };
        self.plan.iter().map(count).collect()
    }
}

/// Plans as KubeFed does.
///
/// The keys' text is the cluster's name, both for the preferences and for the hash.
///
/// # Errors
/// [`DivisionError::TooMany`]. Whatever else does not fit is planned as far as it does.
///
/// # Examples
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use multicluster_core::replicas::kubefed::{plan, Preference, Schedule, ALL_OTHERS};
///
/// let planned = plan(&Schedule {
///     total: 50,
///     clusters: &BTreeSet::from(["A", "B", "C"]),
///     preferences: &BTreeMap::from([
///         (ALL_OTHERS.to_owned(), Preference { weight: 1, ..Preference::default() }),
///         ("C".to_owned(), Preference { weight: 1, max: Some(20), ..Preference::default() }),
///     ]),
///     current: &BTreeMap::new(),
///     capacity: &BTreeMap::new(),
///     rebalance: false,
///     key: "",
/// });
/// assert_eq!(planned.unwrap().plan, BTreeMap::from([("A", 16), ("B", 17), ("C", 17)]));
/// ```
pub fn plan<K: Ord + Clone + Display>(schedule: &Schedule<'_, K>) -> Result<KubefedPlan<K>, DivisionError> {
    let total = schedule.total;
    if total > LARGEST_TOTAL {
        return Err(DivisionError::TooMany { total });
    }
    let mut wishes = wishes(schedule);
    let mut rest = total;
    for wish in &mut wishes {
        wish.planned = wish.min.min(rest).min(wish.capacity);
        rest -= wish.planned;
    }
    if !schedule.rebalance {
        for wish in &mut wishes {
            let staying = wish.current.min(wish.max).min(wish.capacity);
            wish.reserved = staying.saturating_sub(wish.planned).min(rest);
            wish.planned += wish.reserved;
            rest -= wish.reserved;
        }
    }
    spread(wishes.iter_mut().collect(), &mut rest);
    // Where nothing is rebalanced, only what found no other place is asked for on top.
    let on_top = |over: u64| if schedule.rebalance { over } else { over.min(rest) };
    let overflow = wishes.iter().map(|wish| (wish.cluster.clone(), on_top(wish.overflow)));
    let overflow = overflow.filter(|(_, over)| *over > 0).collect();
    let mut plan: BTreeMap<K, u64> = schedule.clusters.iter().map(|cluster| (cluster.clone(), 0)).collect();
    plan.extend(wishes.iter().map(|wish| (wish.cluster.clone(), wish.planned)));
    Ok(KubefedPlan { plan, overflow })
}

/// One cluster that has a preference. A limit that it does not have is the largest number.
struct Wish<'a, K> {
    cluster: &'a K,
    weight: u64,
    min: u64,
    max: u64,
    capacity: u64,
    current: u64,
    planned: u64,
    /// The part of `planned` that is there because it runs, and that the rounds have not counted as given yet.
    reserved: u64,
    /// What the last round counted.
    counted: u64,
    overflow: u64,
    full: bool,
}

impl<K> Wish<'_, K> {
    /// Takes its part of a round, of which the replicas that it has already are not taken again.
    fn take(&mut self, part: u64, rest: &mut u64) {
        self.counted = part.min(self.reserved);
        self.reserved -= self.counted;
        let mut wanted = self.planned + (part - self.counted);
        if wanted > self.max {
            wanted = self.max;
            self.full = true;
        }
        if wanted > self.capacity {
            self.overflow = wanted - self.capacity;
            wanted = self.capacity;
            self.full = true;
        }
        // A minimum above the maximum is given back here, so the rest may grow.
        *rest = *rest + self.planned - wanted;
        self.planned = wanted;
    }
}

/// The clusters with a preference, in KubeFed's order.
fn wishes<'a, K: Ord + Display>(schedule: &Schedule<'a, K>) -> Vec<Wish<'a, K>> {
    let mut wishes = Vec::new();
    for cluster in schedule.clusters {
        let name = cluster.to_string();
        let own = schedule.preferences.get(&name);
        let Some(preference) = own.or_else(|| schedule.preferences.get(ALL_OTHERS)) else { continue };
        let wish = Wish {
            cluster,
            weight: preference.weight,
            min: preference.min,
            max: preference.max.unwrap_or(u64::MAX),
            capacity: schedule.capacity.get(cluster).copied().unwrap_or(u64::MAX),
            current: schedule.current.get(cluster).copied().unwrap_or(0),
            planned: 0,
            reserved: 0,
            counted: 0,
            overflow: 0,
            full: false,
        };
        wishes.push((Reverse(preference.weight), fnv1([name.as_str(), schedule.key]), wish));
    }
    // The sort is stable: equal hashes stay in the order of the keys.
    wishes.sort_by_key(|(weight, hash, _)| (*weight, *hash));
    wishes.into_iter().map(|(_, _, wish)| wish).collect()
}

/// Gives the rest in rounds, until there is none or nobody takes any.
fn spread<K>(mut open: Vec<&mut Wish<'_, K>>, rest: &mut u64) {
    while *rest > 0 {
        let weights: u128 = open.iter().map(|wish| u128::from(wish.weight)).sum();
        if weights == 0 {
            return;
        }
        let in_this_round = *rest;
        let mut changed = false;
        for wish in &mut open {
            let part = (u128::from(in_this_round) * u128::from(wish.weight)).div_ceil(weights);
            let before = wish.planned;
            wish.take(u64::try_from(part).map_or(*rest, |part| part.min(*rest)), rest);
            changed |= wish.counted > 0 || wish.planned > before;
        }
        if !changed {
            return;
        }
        let all = open.len();
        open.retain(|wish| !wish.full);
        if *rest == in_this_round && open.len() == all {
            pass_over(&mut open);
        }
    }
}

/// Goes through all rounds at once that are like the last one, which only counted replicas that run.
///
/// They are alike until one cluster has too few left to count, which may be as many rounds as there are replicas.
fn pass_over<K>(open: &mut [&mut Wish<'_, K>]) {
    let alike = open.iter().filter_map(|wish| wish.reserved.checked_div(wish.counted)).min().unwrap_or(0);
    for wish in open {
        wish.reserved -= alike * wish.counted;
    }
}

/// FNV-1 (not FNV-1a) of 32 bits over all texts.
fn fnv1<const N: usize>(texts: [&str; N]) -> u32 {
    texts
        .iter()
        .flat_map(|text| text.bytes())
        .fold(0x811c_9dc5, |hash: u32, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
}
