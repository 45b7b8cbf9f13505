//! Divisions in all modes, fresh or steady.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use crate::replicas::aggregate::aggregate;
use crate::replicas::share::claims;
use crate::replicas::webster::{Claim, webster};
use crate::replicas::{DivisionError, LARGEST_TOTAL, Share, Tie};

/// How a total is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Every cluster runs the total. A share may not say anything.
    Duplicated,
    /// By [`Share::weight`], within the bounds of the shares. Capacities are not looked at.
    Weighted,
    /// By [`Party::capacity`], within the bounds of the shares and with the capacity as a further maximum. A share
    /// may not have a weight but 1.
    Capacity,
    /// As few clusters as possible, within the same bounds: those that must run some first, then those that
    /// [were given](Party::previous) some, then the others, each by how many they may run, falling. The shortest
    /// prefix that has room divides the total by capacity. A share may not have a weight but 1.
    Aggregated,
}

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicated => "duplicated",
            Self::Weighted => "weighted",
            Self::Capacity => "capacity",
            Self::Aggregated => "aggregated",
        })
    }
}

/// What is divided, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// How the total is divided.
    pub mode: Mode,
    /// Whether what runs stays where it is, as far as the total and the bounds allow.
    pub steady: bool,
    /// The replicas in all, or in each cluster if they are duplicated.
    pub total: u64,
}

/// All that counts of one cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// What somebody wrote about it.
    pub share: Share,
    /// The replicas that fit, those that run already included; absent: not known.
    pub capacity: Option<u64>,
    /// What it was given last; absent: nothing.
    pub previous: Option<u64>,
}

/// Divides a total over clusters.
///
/// A *steady* division first brings what each cluster was given last within its bounds. If that is too little, only
/// the difference is given; if it is too much, only the difference is taken. So no other division moves fewer
/// replicas, and dividing once more with the result as the previous numbers changes nothing. Where nothing runs yet
/// it is a fresh division. Otherwise:
///
/// | mode | further replicas are given | replicas are taken |
/// |---|---|---|
/// | weighted | by Webster's method, on top of the previous ones | in proportion to the previous ones |
/// | capacity | in proportion to the free room, `capacity − previous` | the same |
/// | aggregated | the same, to as few clusters as possible | the same, and stay on as few clusters as possible |
///
/// A cluster that runs more than its capacity keeps what it runs in a steady division; it is given no more.
///
/// The keys' order breaks the last ties. The work grows with the number of clusters and the logarithm of the total.
///
/// # Errors
/// [`DivisionError`] when shares contradict themselves, the mode or the total, when a capacity is needed and not known,
/// or when there is not enough room.
///
/// # Examples
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use multicluster_core::replicas::{distribute, Division, Mode, Party};
///
/// let room = |capacity| Party { capacity: Some(capacity), ..Party::default() };
/// let mut parties = BTreeMap::from([("aws", room(10)), ("azure", room(20)), ("gcp", room(30))]);
/// let by_capacity = Division { mode: Mode::Capacity, steady: true, total: 12 };
/// let given = distribute(&by_capacity, &parties).unwrap();
/// assert_eq!(given, BTreeMap::from([("aws", 2), ("azure", 4), ("gcp", 6)]));
///
/// // A cluster joins, and two more replicas are wanted: nobody loses any.
/// for (name, party) in &mut parties {
///     party.previous = given.get(name).copied();
/// }
/// parties.insert("on-site", room(100));
/// let given = distribute(&Division { total: 14, ..by_capacity }, &parties).unwrap();
/// assert_eq!(given, BTreeMap::from([("aws", 2), ("azure", 4), ("gcp", 6), ("on-site", 2)]));
/// ```
pub fn distribute<K: Ord + Clone + Display>(
    division: &Division,
    parties: &BTreeMap<K, Party>,
) -> Result<BTreeMap<K, u64>, DivisionError> {
    let Division { mode, steady, total } = *division;
    check_meaning(mode, parties)?;
    if mode == Mode::Duplicated {
        if total > LARGEST_TOTAL {
            return Err(DivisionError::TooMany { total });
        }
        return Ok(parties.keys().map(|key| (key.clone(), total)).collect());
    }
    let mut candidates: Vec<Candidate<'_, K>> =
        claims(total, parties.iter().map(|(key, party)| (key, &party.share)))?
            .into_iter()
            .zip(parties.values())
            .map(|(claim, party)| Candidate { claim, previous: party.previous.unwrap_or(0) })
            .collect();
    let steady = steady && candidates.iter().any(|candidate| candidate.previous > 0);
    if mode != Mode::Weighted {
        make_room(total, steady, &mut candidates, parties.values())?;
    }
    Ok(if steady { move_little(mode, total, &candidates) } else { afresh(mode, total, &candidates) })
}

/// What a share says and its mode ignores was meant otherwise.
fn check_meaning<K: Display>(mode: Mode, parties: &BTreeMap<K, Party>) -> Result<(), DivisionError> {
    let nothing = Share::default();
    for (key, Party { share, .. }) in parties {
        let by_mode = [
            ("weight", mode != Mode::Weighted && share.weight != nothing.weight),
            ("min", mode == Mode::Duplicated && share.min != nothing.min),
            ("max", mode == Mode::Duplicated && share.max != nothing.max),
            ("exact", mode == Mode::Duplicated && share.exact != nothing.exact),
        ];
        if let Some((attribute, _)) = by_mode.into_iter().find(|(_, meaningless)| *meaningless) {
            return Err(DivisionError::Meaningless { cluster: key.to_string(), attribute, mode });
        }
    }
    Ok(())
}

/// One cluster in a division whose shares do not contradict the total.
struct Candidate<'a, K> {
    claim: Claim<'a, K>,
    previous: u64,
}

/// Makes capacities the weights, and the maximums of those that have no lower one.
fn make_room<'a, K: Display>(
    total: u64,
    steady: bool,
    candidates: &mut [Candidate<'_, K>],
    parties: impl Iterator<Item = &'a Party>,
) -> Result<(), DivisionError> {
    let mut fits = 0_u128;
    for (candidate, party) in candidates.iter_mut().zip(parties) {
        let claim = &mut candidate.claim;
        let cluster = || claim.key.to_string();
        let capacity = party.capacity.ok_or_else(|| DivisionError::UnknownCapacity { cluster: cluster() })?;
        // What runs has found its room, whatever was measured since.
        let room = if steady { capacity.max(candidate.previous) } else { capacity };
        if claim.least > room {
            return Err(DivisionError::NoRoom { cluster: cluster(), min: claim.least, capacity: room });
        }
        claim.weight = capacity;
        claim.most = claim.most.min(room);
        fits += u128::from(claim.most);
    }
    if u128::from(total) > fits { Err(DivisionError::Unschedulable { total, fits }) } else { Ok(()) }
}

fn afresh<K: Ord + Clone>(mode: Mode, total: u64, candidates: &[Candidate<'_, K>]) -> BTreeMap<K, u64> {
    let claims: Vec<Claim<'_, K>> = candidates.iter().map(|candidate| candidate.claim).collect();
    let used = candidates.iter().filter(|candidate| candidate.previous > 0);
    give(mode, total, &claims, &used.map(|candidate| candidate.claim.key).collect())
}

/// The division that moves the fewest replicas.
fn move_little<K: Ord + Clone>(mode: Mode, total: u64, candidates: &[Candidate<'_, K>]) -> BTreeMap<K, u64> {
    // A previous number outside of the bounds has to move to the nearest one within them. From there on, all ways of
    // only giving or only taking move the same number; the mode chooses among them.
    let kept: Vec<(Claim<'_, K>, u64)> = candidates
        .iter()
        .map(|Candidate { claim, previous }| (*claim, (*previous).clamp(claim.least, claim.most)))
        .collect();
    let used = kept.iter().filter(|(_, kept)| *kept > 0).map(|(claim, _)| claim.key).collect();
    let all: u128 = kept.iter().map(|(_, kept)| u128::from(*kept)).sum();
    match u128::from(total).checked_sub(all).and_then(|missing| u64::try_from(missing).ok()) {
        None => {
            let fewer = candidates.iter().zip(&kept).map(|(candidate, (claim, kept))| Claim {
                weight: candidate.previous,
                most: *kept,
                ..*claim
            });
            give(mode, total, &fewer.collect::<Vec<_>>(), &used)
        }
        Some(_) if mode == Mode::Weighted => {
            let more = kept.iter().map(|(claim, kept)| Claim { least: *kept, ..*claim });
            give(mode, total, &more.collect::<Vec<_>>(), &used)
        }
        Some(missing) => {
            let further = kept.iter().map(|(claim, kept)| Claim {
                weight: claim.weight.saturating_sub(*kept),
                least: 0,
                most: claim.most - kept,
                ..*claim
            });
            let mut result = give(mode, missing, &further.collect::<Vec<_>>(), &used);
            for (claim, kept) in &kept {
                *result.entry(claim.key.clone()).or_default() += kept;
            }
            result
        }
    }
}

fn give<K: Ord + Clone>(
    mode: Mode,
    total: u64,
    claims: &[Claim<'_, K>],
    used: &BTreeSet<&K>,
) -> BTreeMap<K, u64> {
    match mode {
        Mode::Aggregated => aggregate(total, claims, used),
        Mode::Duplicated | Mode::Weighted | Mode::Capacity => webster(total, claims, Tie::NameAscending),
    }
}
