//! The CIDR collection of a name: which ranges of addresses are in which of its locations, and how that is changed.
//!
//! Sets name a location, and locations hold blocks. A collection is changed by calls of its own, apart from batches, so
//! that a change has two parts: what must be there before the sets are switched, and what may go only after.
//!
//! Invariant: no block is in two locations, at any time; at each moment the clients of a block are answered as they were
//! or as they shall be; and no location that sets name is without blocks, which the service refuses.
//!
//! Where changing the collection cannot keep that (a block that moves to a location which no set names yet would be answered
//! as if it were in none), a new collection is filled, and one batch leads all sets to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::dns::{Node, Problem};
use crate::networking::{Cidr, merged};

/// The most blocks that a call changes, and that a collection holds (API model, ChangeCidrCollection; Developer Guide,
/// "Quotas").
pub const BLOCK_LIMIT: usize = 1000;

/// Blocks by location.
pub type Blocks = BTreeMap<String, BTreeSet<Cidr>>;

/// What is done with blocks of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CidrAction {
    /// They are removed, as far as they are there: `DELETE_IF_EXISTS`. First in the order, so that a block that moves
    /// is free when it is put elsewhere.
    DeleteIfExists,
    /// They are added: `PUT`.
    Put,
}

/// A change of one location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CidrChange {
    /// What is done.
    pub action: CidrAction,
    /// The location.
    pub location: String,
    /// The blocks; at least one.
    pub blocks: BTreeSet<Cidr>,
}

/// Which collection sets name after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CollectionWay {
    /// The same as before.
    #[default]
    InPlace,
    /// A new one, which is filled before the switch. The old one goes after it.
    Anew,
}

/// The calls that change a collection, each of at most [`BLOCK_LIMIT`] blocks, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionPlan {
    /// Which collection sets name afterwards.
    pub way: CollectionWay,
    /// To be made before the sets are switched, to the collection that they name afterwards.
    pub before: Vec<Vec<CidrChange>>,
    /// To be made when no set needs the old blocks any more, to the collection that they named before.
    pub after: Vec<Vec<CidrChange>>,
}

/// The blocks that the IP-based branches of a tree need, by location, in as few as possible.
///
/// # Examples
/// ```
/// use multicluster_core::dns::{EndpointName, Node};
/// use multicluster_core::route53::cidr::blocks;
///
/// let cidr = |text: &str| text.parse().unwrap();
/// let gcp = Node::Endpoint(EndpointName::new("gcp").unwrap());
/// let ranges = [("gcp".to_owned(), (vec![cidr("198.51.100.0/25"), cidr("198.51.100.128/25")], gcp))];
/// let tree = Node::IpBased { ranges: ranges.into(), others: None };
/// assert!(blocks(&tree)["gcp"].iter().eq([&cidr("198.51.100.0/24")]));
/// ```
#[must_use]
pub fn blocks(tree: &Node) -> Blocks {
    // By construction, ranges of addresses stand above all other policies.
    let Node::IpBased { ranges, .. } = tree else { return Blocks::new() };
    ranges
        .iter()
        .map(|(location, (blocks, _))| {
            (location.clone(), merged(blocks.iter().copied()).into_iter().flat_map(not_everything).collect())
        })
        .filter(|(_, blocks): &(String, BTreeSet<Cidr>)| !blocks.is_empty())
        .collect()
}

/// A block of all addresses is written as its two halves: the least prefix is 1.
fn not_everything(block: Cidr) -> Vec<Cidr> {
    if block.prefix() > 0 {
        return vec![block];
    }
    let halves: [IpAddr; 2] = if block.is_ipv6() {
        [[0_u16, 0, 0, 0, 0, 0, 0, 0].into(), [0x8000_u16, 0, 0, 0, 0, 0, 0, 0].into()]
    } else {
        [[0_u8, 0, 0, 0].into(), [128_u8, 0, 0, 0].into()]
    };
    halves.iter().filter_map(|half| format!("{half}/1").parse().ok()).collect()
}

/// How a collection becomes what it shall be.
///
/// In place, blocks that are new come before the switch of the sets, and so do those that move to another location: they
/// are answered by the other end already for a moment. Blocks that are needed no more go after it. If somebody would be
/// answered otherwise than now and then meanwhile, all is made anew.
///
/// # Errors
/// A [`Problem`] if there shall be more blocks than a collection holds.
pub fn plan_collection(current: &Blocks, desired: &Blocks) -> Result<CollectionPlan, Problem> {
    let (held, wanted) = (owners(current), owners(desired));
    if wanted.len() > BLOCK_LIMIT {
        let text = format!(
            "{} ranges of client addresses are needed, and a CIDR collection holds {BLOCK_LIMIT}: give larger ranges",
            wanted.len(),
        );
        return Err(Problem::at(["endpoints"], text));
    }
    let plan = in_place(&held, &wanted);
    if is_smooth(current, desired, &plan) { Ok(plan) } else { Ok(anew(&held, &wanted)) }
}

type Owners<'a> = BTreeMap<&'a Cidr, &'a String>;

fn in_place(held: &Owners<'_>, wanted: &Owners<'_>) -> CollectionPlan {
    let both: BTreeSet<&Cidr> = wanted.keys().chain(held.keys()).copied().collect();
    // For each block: what happens to it. A moved one is deleted and put in the same call.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for block in both {
        match (held.get(block), wanted.get(block)) {
            (Some(from), Some(to)) if from == to => {}
            (Some(from), Some(to)) => before.push(vec![delete(from, block), put(to, block)]),
            (None, Some(to)) => before.push(vec![put(to, block)]),
            (Some(from), None) => after.push(vec![delete(from, block)]),
            (None, None) => {}
        }
    }
    CollectionPlan { way: CollectionWay::InPlace, before: calls(before), after: calls(after) }
}

fn anew(held: &Owners<'_>, wanted: &Owners<'_>) -> CollectionPlan {
    let before = wanted.iter().map(|(block, to)| vec![put(to, block)]).collect();
    let after = held.iter().map(|(block, from)| vec![delete(from, block)]).collect();
    CollectionPlan { way: CollectionWay::Anew, before: calls(before), after: calls(after) }
}

/// Whether a change in place keeps what this module promises, at each moment.
fn is_smooth(current: &Blocks, desired: &Blocks, plan: &CollectionPlan) -> bool {
    let blocks: BTreeSet<&Cidr> = current.values().chain(desired.values()).flatten().collect();
    let ends: Vec<[Option<&str>; 2]> =
        blocks.iter().map(|block| [location_of(current, block), location_of(desired, block)]).collect();
    // What is held at a moment, while sets name the locations of one end.
    let keeps = |held: &Blocks, end: &Blocks| {
        let answered = |block: &Cidr| location_of(held, block).filter(|it| end.contains_key(*it));
        end.keys().all(|location| held.contains_key(location))
            && held.values().map(BTreeSet::len).sum::<usize>() <= BLOCK_LIMIT
            && blocks.iter().zip(&ends).all(|(block, ends)| ends.contains(&answered(block)))
    };
    let mut held = current.clone();
    let before = plan.before.iter().all(|call| {
        carry_out(&mut held, call);
        keeps(&held, current)
    });
    before
        && keeps(&held, desired)
        && plan.after.iter().all(|call| {
            carry_out(&mut held, call);
            keeps(&held, desired)
        })
}

/// The location that a client of a block is in: that of the smallest block around it.
fn location_of<'a>(blocks: &'a Blocks, client: &Cidr) -> Option<&'a str> {
    let around = blocks.iter().filter_map(|(location, blocks)| {
        let smallest =
            blocks.iter().filter(|block| block.contains(client)).max_by_key(|block| block.prefix());
        Some((smallest?.prefix(), location.as_str()))
    });
    around.max().map(|(_, location)| location)
}

fn carry_out(blocks: &mut Blocks, call: &[CidrChange]) {
    for CidrChange { action, location, blocks: changed } in call {
        let held = blocks.entry(location.clone()).or_default();
        match action {
            CidrAction::DeleteIfExists => held.retain(|block| !changed.contains(block)),
            CidrAction::Put => held.extend(changed),
        }
    }
    blocks.retain(|_, held| !held.is_empty());
}

fn put(location: &str, block: &Cidr) -> (CidrAction, String, Cidr) {
    (CidrAction::Put, location.to_owned(), *block)
}

fn delete(location: &str, block: &Cidr) -> (CidrAction, String, Cidr) {
    (CidrAction::DeleteIfExists, location.to_owned(), *block)
}

fn owners(blocks: &Blocks) -> Owners<'_> {
    blocks.iter().flat_map(|(location, blocks)| blocks.iter().map(move |block| (block, location))).collect()
}

/// Calls of whole groups of changes, in order.
fn calls(groups: Vec<Vec<(CidrAction, String, Cidr)>>) -> Vec<Vec<CidrChange>> {
    let mut calls: Vec<Vec<(CidrAction, String, Cidr)>> = Vec::new();
    for group in groups {
        match calls.last_mut() {
            Some(call) if call.len() + group.len() <= BLOCK_LIMIT => call.extend(group),
            _ => calls.push(group),
        }
    }
    calls.into_iter().map(by_location).collect()
}

fn by_location(changes: Vec<(CidrAction, String, Cidr)>) -> Vec<CidrChange> {
    let mut grouped: BTreeMap<(CidrAction, String), BTreeSet<Cidr>> = BTreeMap::new();
    for (action, location, block) in changes {
        grouped.entry((action, location)).or_default().insert(block);
    }
    let change = |((action, location), blocks)| CidrChange { action, location, blocks };
    grouped.into_iter().map(change).collect()
}

#[cfg(test)]
mod tests;
