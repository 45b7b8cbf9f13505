//! The CIDR collection of a name: which ranges of addresses are in which of its locations, and how that is changed.
//!
//! Sets name a location, and locations hold blocks. A collection is changed by calls of its own, apart from batches, so
//! that a change has two parts: what must be there before the sets are switched, and what may go only after.
//!
//! Invariant: no block is in two locations, at any time. One that moves does so within one call.

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

/// The calls that change a collection, each of at most [`BLOCK_LIMIT`] blocks, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionPlan {
    /// To be made before the sets are switched.
    pub before: Vec<Vec<CidrChange>>,
    /// To be made when no set needs the old blocks any more.
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
/// Blocks that are new come before the switch of the sets, and so do those that move to another location: theirs is the
/// one moment in which clients are answered by the other end already. Blocks that are needed no more go after it.
///
/// # Errors
/// A [`Problem`] if there would be more blocks than a collection holds, the old ones beside the new.
pub fn plan_collection(current: &Blocks, desired: &Blocks) -> Result<CollectionPlan, Problem> {
    let wanted = owners(desired);
    let held = owners(current);
    let both: BTreeSet<&Cidr> = wanted.keys().chain(held.keys()).copied().collect();
    if both.len() > BLOCK_LIMIT {
        let text = format!(
            "{} ranges of client addresses are needed while they change ({} now, {} then), and a CIDR collection holds \
             {BLOCK_LIMIT}: give larger ranges, or change fewer at once",
            both.len(),
            held.len(),
            wanted.len(),
        );
        return Err(Problem::at(["endpoints"], text));
    }
    // For each block: what happens to it. A moved one is deleted and put in the same call.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for block in both {
        match (held.get(block), wanted.get(block)) {
            (Some(from), Some(to)) if from == to => {}
            (Some(from), Some(to)) => before.push(vec![
                (CidrAction::DeleteIfExists, (*from).clone(), *block),
                (CidrAction::Put, (*to).clone(), *block),
            ]),
            (None, Some(to)) => before.push(vec![(CidrAction::Put, (*to).clone(), *block)]),
            (Some(from), None) => after.push(vec![(CidrAction::DeleteIfExists, (*from).clone(), *block)]),
            (None, None) => {}
        }
    }
    Ok(CollectionPlan { before: calls(before), after: calls(after) })
}

fn owners(blocks: &Blocks) -> BTreeMap<&Cidr, &String> {
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::EndpointName;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn of(locations: &[(&str, &[&str])]) -> Blocks {
        let blocks = |texts: &[&str]| texts.iter().map(|text| cidr(text)).collect();
        locations.iter().map(|(location, texts)| ((*location).to_owned(), blocks(texts))).collect()
    }

    /// What the service holds after a call; it refuses a block that is in another location.
    fn called(blocks: &Blocks, call: &[CidrChange]) -> Result<Blocks, String> {
        let mut blocks = blocks.clone();
        if call.iter().map(|change| change.blocks.len()).sum::<usize>() > BLOCK_LIMIT {
            return Err("too many".to_owned());
        }
        for CidrChange { action, location, blocks: changed } in call {
            for block in changed {
                match action {
                    CidrAction::DeleteIfExists => {
                        if let Some(held) = blocks.get_mut(location) {
                            held.remove(block);
                        }
                    }
                    CidrAction::Put if blocks.values().any(|held| held.contains(block)) => {
                        return Err(format!("{block} is in use"));
                    }
                    CidrAction::Put => {
                        blocks.entry(location.clone()).or_default().insert(*block);
                    }
                }
            }
        }
        blocks.retain(|_, held| !held.is_empty());
        Ok(blocks)
    }

    #[test]
    fn ranges_are_merged_but_never_to_everything() {
        let leaf = Node::Endpoint(EndpointName::new("a").unwrap());
        let ranges = [
            (
                "half".to_owned(),
                (vec![cidr("0.0.0.0/1"), cidr("128.0.0.0/1"), cidr("10.0.0.0/24")], leaf.clone()),
            ),
            ("six".to_owned(), (vec![cidr("::/1"), cidr("8000::/1")], leaf)),
        ];
        let tree = Node::IpBased { ranges: ranges.into(), others: None };
        assert_eq!(
            blocks(&tree),
            of(&[("half", &["0.0.0.0/1", "128.0.0.0/1"]), ("six", &["::/1", "8000::/1"])])
        );
    }

    #[test]
    fn new_and_moved_blocks_come_before_and_old_ones_go_after() {
        let current = of(&[("a", &["192.0.2.0/24", "198.51.100.0/24"]), ("b", &["203.0.113.0/24"])]);
        let desired = of(&[("a", &["192.0.2.0/24"]), ("b", &["198.51.100.0/24", "10.0.0.0/8"])]);
        let plan = plan_collection(&current, &desired).unwrap();
        let change = |action, location: &str, blocks: &[&str]| CidrChange {
            action,
            location: location.to_owned(),
            blocks: blocks.iter().map(|text| cidr(text)).collect(),
        };
        assert_eq!(
            plan.before,
            [[
                change(CidrAction::DeleteIfExists, "a", &["198.51.100.0/24"]),
                change(CidrAction::Put, "b", &["198.51.100.0/24", "10.0.0.0/8"]),
            ]]
        );
        assert_eq!(plan.after, [[change(CidrAction::DeleteIfExists, "b", &["203.0.113.0/24"])]]);
        assert_eq!(plan_collection(&desired, &desired).unwrap(), CollectionPlan::default());
    }

    #[test]
    fn more_than_a_collection_holds_is_refused_with_the_count() {
        let many = |count: u32, first: u8| -> Blocks {
            let blocks = (0..count).map(|it| cidr(&format!("{first}.{}.{}.0/24", it / 256, it % 256)));
            [("a".to_owned(), blocks.collect())].into()
        };
        assert_eq!(plan_collection(&Blocks::new(), &many(1000, 10)).unwrap().before.len(), 1);
        let problem = plan_collection(&many(600, 10), &many(600, 11)).unwrap_err();
        assert!(problem.text.starts_with("1200 ranges"), "{problem}");
    }

    fn some_blocks() -> impl Strategy<Value = Blocks> {
        prop::collection::btree_map(0_u8..40, prop::sample::select(vec!["a", "b", "c"]), 0..40).prop_map(
            |blocks| {
                let mut by_location = Blocks::new();
                for (third, location) in blocks {
                    by_location
                        .entry(location.to_owned())
                        .or_default()
                        .insert(cidr(&format!("10.0.{third}.0/24")));
                }
                by_location
            },
        )
    }

    proptest! {
        #[test]
        fn calls_lead_from_any_blocks_to_any_others(current in some_blocks(), desired in some_blocks()) {
            let plan = plan_collection(&current, &desired).unwrap();
            let mut blocks = current;
            for call in &plan.before {
                blocks = called(&blocks, call).unwrap();
            }
            for (location, wanted) in &desired {
                prop_assert!(wanted.is_subset(&blocks[location]), "all is there before the switch");
            }
            for call in &plan.after {
                blocks = called(&blocks, call).unwrap();
            }
            prop_assert_eq!(blocks, desired);
        }
    }
}
