//! From the sets that stand to the sets that shall stand, in batches that leave no gap.
//!
//! A change is one batch: every set that changes is deleted exactly as it stands and made anew, what points at others
//! going first and coming last, and the owner's mark is replaced by the next generation. So it succeeds only on what was
//! read, once, and as a whole. `UPSERT` is not used: it would overwrite what somebody else has written meanwhile, and
//! cannot change a policy.
//!
//! Only beyond the limits of a batch is a change cut (`split.rs`), each part valid on its own, so that whoever is answered
//! before and after is answered in between.
//!
//! Invariant: a set that nobody of us made is never touched without being asked for.

mod compose;
#[cfg(test)]
mod model;
mod refusal;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use self::refusal::{InvalidTakeover, Reason, Refusal, Takeover};
use crate::route53::change::Batch;
use crate::route53::compile::is_helper_of;
use crate::route53::describe::{SetChange, digest_of_sets};
use crate::route53::owner::{ClaimKind, OwnerId, OwnerMark, claims};
use crate::route53::record_set::{RecordName, RecordSet, RecordType, SetKey};

/// What shall stand.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The name.
    pub name: &'a RecordName,
    /// Its sets and those of its helpers, without the owner's mark. None gives the name up.
    pub sets: &'a [RecordSet],
    /// Who writes it.
    pub owner: &'a OwnerId,
    /// The name that it had before, which is given up in the same batch.
    pub renamed_from: Option<&'a RecordName>,
    /// Whose sets may be taken over.
    pub takeover: &'a BTreeSet<Takeover>,
}

/// How to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// To be carried out in order. None: nothing is to be done.
    pub batches: Vec<Batch>,
    /// What becomes of each set, ordered by key; owner's marks are not among them.
    pub changes: Vec<SetChange>,
    /// The generation after the last batch, or that which stands; 0 after the name is given up.
    pub generation: u64,
}

/// What becomes of the current sets of a zone, as far as they concern a name, so that the wanted ones stand.
///
/// The current ones are those at and below the name and the one that it had before, and at
/// [`claim_names`](crate::route53::owner::claim_names); more do no harm.
///
/// # Errors
/// [`Refusal`] with all sets that are in the way, who claims them, and what can be done.
pub fn plan(current: &[RecordSet], wanted: &Wanted<'_>) -> Result<Plan, Refusal> {
    let held = Held::of(current, wanted)?;
    let after: BTreeMap<&SetKey, &RecordSet> = wanted.sets.iter().map(|set| (&set.key, set)).collect();
    let before: BTreeMap<&SetKey, &RecordSet> = held.sets.iter().map(|set| (&set.key, *set)).collect();
    let keys: BTreeSet<&SetKey> = before.keys().chain(after.keys()).copied().collect();
    let changes: Vec<SetChange> = keys
        .into_iter()
        .filter_map(|key| SetChange::between(before.get(key).copied(), after.get(key).copied()))
        .collect();

    let digest = digest_of_sets(wanted.sets);
    let given_up = wanted.sets.is_empty();
    let marked = match &held.mark {
        Some(mark) => !given_up && mark.digest == digest,
        None => given_up,
    };
    if changes.is_empty() && marked && held.old_marks.is_empty() && held.taken.is_empty() {
        return Ok(Plan { batches: Vec::new(), changes, generation: held.generation });
    }
    let (batches, generation) = split::batches(&held, wanted, &digest)?;
    Ok(Plan { batches, changes, generation })
}

/// The current sets, by what they are to us.
#[derive(Debug)]
struct Held<'a> {
    /// Sets that answer for the name or the one it had before, or help to.
    sets: Vec<&'a RecordSet>,
    /// Our mark at the name.
    mark: Option<OwnerMark>,
    /// The set that stands at the mark's place: ours, or one that is taken over.
    mark_set: Option<&'a RecordSet>,
    /// Marks of the name that it had before.
    old_marks: Vec<&'a RecordSet>,
    /// external-dns' claims that are taken over.
    taken: Vec<&'a RecordSet>,
    /// The highest generation of all marks.
    generation: u64,
}

impl<'a> Held<'a> {
    fn of(current: &'a [RecordSet], wanted: &Wanted<'_>) -> Result<Self, Refusal> {
        let mut reasons = Vec::new();
        let mut held = Self {
            sets: Vec::new(),
            mark: None,
            mark_set: None,
            old_marks: Vec::new(),
            taken: Vec::new(),
            generation: 0,
        };
        let old = wanted.renamed_from.filter(|old| *old != wanted.name);
        for name in std::iter::once(wanted.name).chain(old) {
            held.read(current, name, wanted, &mut reasons);
        }
        if wanted.sets.iter().any(|set| set.key.r#type == RecordType::cname() && set.key.name == *wanted.name)
        {
            let beside =
                current.iter().filter(|set| set.key.name == *wanted.name && !answers(&set.key.r#type));
            let sets: Vec<SetKey> = beside.map(|set| set.key.clone()).collect();
            if !sets.is_empty() {
                reasons.push(Reason::BesideCname { sets });
            }
        }
        if reasons.is_empty() { Ok(held) } else { Err(Refusal { name: wanted.name.clone(), reasons }) }
    }

    fn read(
        &mut self,
        current: &'a [RecordSet],
        name: &RecordName,
        wanted: &Wanted<'_>,
        reasons: &mut Vec<Reason>,
    ) {
        let sets: Vec<&RecordSet> = current.iter().filter(|set| belongs(&set.key, name)).collect();
        let claims = claims(current, name, wanted.owner);
        let ours = claims.iter().any(|claim| matches!(claim.kind, ClaimKind::Ours(_)));
        // A stale word of another does no harm to what is ours; it goes when it is named.
        let mut allowed = ours;
        let mut refused = false;
        for claim in claims {
            let Some(set) = current.iter().find(|set| set.key == claim.set) else { continue };
            match claim.kind {
                ClaimKind::Ours(mark) => {
                    self.generation = self.generation.max(mark.generation);
                    if name == wanted.name {
                        self.mark = Some(mark);
                        self.mark_set = Some(set);
                    } else {
                        self.old_marks.push(set);
                    }
                }
                ClaimKind::Multicluster(mark) => {
                    let takeover = Takeover::Multicluster(mark.owner.clone());
                    if wanted.takeover.contains(&takeover) {
                        allowed = true;
                        self.generation = self.generation.max(mark.generation);
                        if name == wanted.name {
                            self.mark_set = Some(set);
                        } else {
                            self.old_marks.push(set);
                        }
                    } else {
                        refused = true;
                        reasons.push(Reason::Claimed { by: takeover, set: claim.set, resource: None });
                    }
                }
                ClaimKind::ExternalDns { owner, resource } => {
                    let takeover = Takeover::ExternalDns(owner);
                    if wanted.takeover.contains(&takeover) {
                        allowed = true;
                        self.taken.push(set);
                    } else if !ours {
                        refused = true;
                        reasons.push(Reason::Claimed { by: takeover, set: claim.set, resource });
                    }
                }
                ClaimKind::Unreadable => {
                    if !ours {
                        refused = true;
                        reasons.push(Reason::Unreadable { set: claim.set });
                    }
                }
            }
        }
        allowed |= wanted.takeover.contains(&Takeover::Unclaimed);
        if !allowed && !refused && !sets.is_empty() {
            reasons.push(Reason::Foreign { sets: sets.iter().map(|set| set.key.clone()).collect() });
        }
        self.sets.extend(sets);
    }
}

/// Whether a set answers for a name, or helps to.
fn belongs(key: &SetKey, name: &RecordName) -> bool {
    answers(&key.r#type) && (key.name == *name || is_helper_of(&key.name, name))
}

/// Whether sets of a type answer for a name in our sense.
fn answers(r#type: &RecordType) -> bool {
    [RecordType::a(), RecordType::aaaa(), RecordType::cname()].contains(r#type)
}
