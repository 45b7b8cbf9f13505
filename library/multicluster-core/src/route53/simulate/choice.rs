//! Which sets of one group are chosen for a client.
//!
//! A set is passed over while it is unhealthy and any other that is for the client is healthy.

use std::collections::BTreeMap;

use crate::dns::distance::{biased, kilometres};
use crate::dns::share::Share;
use crate::dns::{Coordinates, Place, regions};
use crate::networking::Cidr;
use crate::route53::record_set::{Data, Failover, Position, RecordSet, Routing};
use crate::route53::simulate::index::CidrCollections;
use crate::route53::simulate::{Borrowed, Certainty, Client};

/// The most sets that a multivalue answer has.
const MULTIVALUE_LIMIT: usize = 8;

/// What is chosen.
pub(super) struct Choice {
    /// Sets by their index, and how probable each is.
    pub(super) shares: Vec<(usize, Share)>,
    /// How sure that is.
    pub(super) certainty: Certainty,
    /// How many sets come together, if there are more.
    pub(super) at_most: Option<usize>,
    /// How many sets come together at most, if more than one can.
    pub(super) together: Option<usize>,
    /// Those among which was chosen.
    pub(super) candidates: Vec<usize>,
}

/// Chooses among the sets of one name and type.
pub(super) fn choose(
    sets: &[&RecordSet],
    healthy: &[bool],
    client: &Client,
    collections: &CidrCollections,
) -> Choice {
    let Some(first) = sets.first() else { return by_chance(&[], &[]) };
    let all: Vec<usize> = (0..sets.len()).collect();
    match &first.routing {
        Routing::Weighted(_) => {
            let weights: Vec<u64> = sets.iter().map(|set| weight(&set.routing)).collect();
            by_chance(&weights, &alive(&all, healthy))
        }
        Routing::Multivalue => together(alive(&all, healthy)),
        Routing::Simple | Routing::Failover(_) | Routing::Geolocation(_) | Routing::Cidr { .. } => {
            let ranks: Vec<_> =
                sets.iter().map(|set| place_rank(&set.routing, client, collections)).collect();
            nearest(&ranks, healthy, Certainty::Sure)
        }
        Routing::Geoproximity(_) => {
            let ranks: Vec<_> =
                sets.iter().map(|set| Some(distance_rank(&set.routing, client.position))).collect();
            nearest(&ranks, healthy, Certainty::Sure)
        }
        Routing::Latency(_) => {
            let certainty = if client.latencies.is_empty() { Certainty::Estimated } else { Certainty::Sure };
            let ranks: Vec<_> = sets.iter().map(|set| Some(latency_rank(&set.routing, client))).collect();
            nearest(&ranks, healthy, certainty)
        }
    }
}

/// Those of some sets that are healthy, or all if none is.
fn alive(candidates: &[usize], healthy: &[bool]) -> Vec<usize> {
    let is_healthy = |index: &usize| healthy.get(*index).copied().unwrap_or(true);
    let alive: Vec<usize> = candidates.iter().copied().filter(is_healthy).collect();
    if alive.is_empty() { candidates.to_vec() } else { alive }
}

fn weight(routing: &Routing) -> u64 {
    match routing {
        Routing::Weighted(weight) => u64::from(*weight),
        _ => 0,
    }
}

/// In proportion to weights; those without weight only if none has any, and then all alike.
fn by_chance(weights: &[u64], candidates: &[usize]) -> Choice {
    let weight = |index: &usize| weights.get(*index).copied().unwrap_or_default();
    let total: u64 = candidates.iter().map(weight).sum();
    let shares = if total == 0 {
        equally(candidates)
    } else {
        let share = |index: &usize| (*index, Share::of(weight(index), total));
        candidates.iter().map(share).filter(|(_, share)| *share != Share::ZERO).collect()
    };
    Choice {
        shares,
        certainty: Certainty::Sure,
        at_most: None,
        together: None,
        candidates: candidates.to_vec(),
    }
}

fn equally(candidates: &[usize]) -> Vec<(usize, Share)> {
    let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
    candidates.iter().map(|index| (*index, Share::of(1, count))).collect()
}

/// All, or eight at random.
fn together(candidates: Vec<usize>) -> Choice {
    let whole = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
    let limit = u64::try_from(MULTIVALUE_LIMIT).unwrap_or(u64::MAX);
    let share = Share::of(whole.min(limit), whole);
    Choice {
        shares: candidates.iter().map(|index| (*index, share)).collect(),
        certainty: Certainty::Sure,
        at_most: (candidates.len() > MULTIVALUE_LIMIT).then_some(MULTIVALUE_LIMIT),
        together: Some(MULTIVALUE_LIMIT),
        candidates,
    }
}

/// Sets the share of values that several sets of a multivalue answer have: one without that of none being drawn.
pub(super) fn correct_repeated<'a>(
    values: &mut BTreeMap<Borrowed<'a>, Share>,
    sets: &[&'a RecordSet],
    candidates: &[usize],
    limit: usize,
) {
    let mut counts: BTreeMap<Borrowed<'a>, u64> = BTreeMap::new();
    for set in candidates.iter().filter_map(|index| sets.get(*index)) {
        if let Data::Values { values, .. } = &set.data {
            for value in values {
                *counts.entry(Borrowed::Record(&set.key.r#type, value)).or_default() += 1;
            }
        }
    }
    let all = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
    let drawn = u64::try_from(limit.min(candidates.len())).unwrap_or(u64::MAX);
    // Of a hundred sets, the most that a group has, eight can be drawn in less than 2^64 ways.
    let ways = |among: u64| (0..drawn).try_fold(1_u64, |ways, it| ways.checked_mul(among.saturating_sub(it)));
    for (value, count) in counts.into_iter().filter(|(_, count)| *count > 1) {
        if let (Some(all), Some(without)) = (ways(all), ways(all - count)) {
            values.insert(value, Share::of(all - without, all));
        }
    }
}

/// The healthy sets with the least rank; sets without one are not for the client.
fn nearest(ranks: &[Option<f64>], healthy: &[bool], certainty: Certainty) -> Choice {
    let candidates: Vec<usize> =
        ranks.iter().enumerate().filter(|(_, rank)| rank.is_some()).map(|(index, _)| index).collect();
    let candidates = alive(&candidates, healthy);
    let rank = |index: &usize| ranks.get(*index).copied().flatten().unwrap_or(f64::INFINITY);
    let least = candidates.iter().map(rank).min_by(f64::total_cmp).unwrap_or(f64::INFINITY);
    let best: Vec<usize> = candidates.iter().copied().filter(|index| is_tied(rank(index), least)).collect();
    let certainty = if best.len() > 1 { Certainty::Tied } else { certainty };
    Choice { shares: equally(&best), certainty, at_most: None, together: None, candidates }
}

/// Whether two ranks differ by no more than what reckoning with floating point may make of equal ones.
fn is_tied(rank: f64, least: f64) -> bool {
    rank.total_cmp(&least).is_eq() || rank - least <= least.abs() * 1e-9
}

/// How near a place is: the smaller, the nearer.
fn place_rank(routing: &Routing, client: &Client, collections: &CidrCollections) -> Option<f64> {
    match routing {
        Routing::Failover(Failover::Secondary) => Some(1.0),
        Routing::Geolocation(place) => match place {
            Place::Everywhere => Some(3.0),
            _ if !client.places.contains(place) => None,
            Place::Continent(_) => Some(2.0),
            Place::Country(_) => Some(1.0),
            Place::Subdivision(_) => Some(0.0),
        },
        // The longest prefix is the nearest.
        Routing::Cidr { location, .. } if location == "*" => Some(0.0),
        Routing::Cidr { collection, location } => {
            let network = client.network?;
            let blocks = collections.get(collection)?.get(location)?;
            // A network that is larger than a block is not in it.
            let longest = blocks.iter().filter(|block| block.contains(&network)).map(Cidr::prefix).max()?;
            Some(-f64::from(longest))
        }
        _ => Some(0.0),
    }
}

/// Kilometres, as the bias stretches them. All are alike where the client or the set has no known position.
fn distance_rank(routing: &Routing, client: Option<Coordinates>) -> f64 {
    let Routing::Geoproximity(site) = routing else { return 0.0 };
    let position = match &site.position {
        Position::Region(region) => regions::position(region),
        Position::LocalZoneGroup(_) => None,
        Position::Coordinates(at) => Some(*at),
    };
    match (client, position) {
        (Some(client), Some(position)) => biased(kilometres(client, position), site.bias),
        (None, _) => 0.0,
        (Some(_), None) => f64::INFINITY,
    }
}

/// Milliseconds, or kilometres where the client gives none.
fn latency_rank(routing: &Routing, client: &Client) -> f64 {
    let Routing::Latency(region) = routing else { return 0.0 };
    if !client.latencies.is_empty() {
        return client.latencies.get(region).map_or(f64::INFINITY, |latency| f64::from(*latency));
    }
    match (client.position, regions::position(region)) {
        (Some(client), Some(position)) => kilometres(client, position),
        (None, _) => 0.0,
        (Some(_), None) => f64::INFINITY,
    }
}
