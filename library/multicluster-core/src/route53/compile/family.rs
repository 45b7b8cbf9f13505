//! What of a tree is answered with IPv4, and what with IPv6 addresses.
//!
//! A client asks for both, and connects to what it likes better, mostly IPv6. So a client must never get an IPv6
//! address of another endpoint than the one that it gets by IPv4: it would be led past the policy, and past the health
//! of the endpoint that it belongs to. Route 53 cannot answer "nobody" for one place of a group that has a set for a
//! larger one. The rule is therefore:
//!
//! > A client is answered in a family only if all endpoints that may ever answer it have that family; else it gets
//! > nothing there (NODATA), and uses the other.
//!
//! All endpoints have one of the two families in common (or the tree is refused): its part is the whole tree. In the
//! other one
//! - a choice by chance, latency, distance or health is there whole or not at all;
//! - a place is left out with an endpoint that lacks the family, and so is every larger place around it, up to the
//!   default, since those would answer in its stead;
//! - a place that stays while the larger ones around it go takes over, as a failover, what they would have answered.
//!
//! No client is lost by this: who has no answer in one family has one in the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Seen, World};
use crate::dns::{EndpointName, Node, Place};
use crate::route53::target::{Family, Target};

/// The endpoints of a tree that have no address of a family, so that clients are not sent by it everywhere.
///
/// Those without a target are not among them.
#[must_use]
pub fn lacking(
    tree: &Node,
    family: Family,
    targets: &BTreeMap<EndpointName, Target>,
) -> BTreeSet<EndpointName> {
    let lacks = |name: &&EndpointName| targets.get(*name).is_some_and(|target| !target.has(family));
    tree.endpoints().into_iter().filter(lacks).cloned().collect()
}

/// The part of a tree that is answered in a family.
pub(super) fn part(node: &Node, family: Family, world: &World<'_>) -> Option<Node> {
    let part = Part { family, world };
    if part.is_full(node) {
        return Some(node.clone());
    }
    match node {
        Node::Geolocation(places) => part.of_places(places),
        // Not all ranges and the others have the family, so the others go: they would answer for a range that lacks it.
        Node::IpBased { ranges, others } => {
            let kept: BTreeMap<_, _> = ranges
                .iter()
                .filter_map(|(location, (blocks, child))| {
                    Some((location.clone(), (blocks.clone(), part.chain(child, others.as_deref())?)))
                })
                .collect();
            (!kept.is_empty()).then_some(Node::IpBased { ranges: kept, others: None })
        }
        _ => None,
    }
}

struct Part<'a> {
    family: Family,
    world: &'a World<'a>,
}

impl Part<'_> {
    /// Whether all endpoints of a branch have the family.
    fn is_full(&self, node: &Node) -> bool {
        let has = |name: &EndpointName| self.world.targets.get(name).is_some_and(|it| it.has(self.family));
        match node {
            Node::Endpoint(name) => has(name),
            Node::Multivalue(names) | Node::Simple(names) => names.iter().all(has),
            _ => node.children().into_iter().all(|child| self.is_full(child)),
        }
    }

    /// A branch followed by those that would be asked if it were unhealthy, nearest first. None if one that may get
    /// to answer lacks the family.
    fn chain<'a>(&self, first: &'a Node, around: impl IntoIterator<Item = &'a Node>) -> Option<Node> {
        if !self.is_full(first) {
            return None;
        }
        let mut chain = vec![first];
        let mut seen = first.endpoints();
        for next in around {
            if chain.last().is_some_and(|last| !self.world.can_fail(last, Seen::ByAlias)) {
                break;
            }
            let new = next.endpoints();
            if new.is_subset(&seen) {
                // All of these are down when this one is asked.
                continue;
            }
            if !self.is_full(next) {
                return None;
            }
            seen.extend(new);
            chain.push(next);
        }
        let failover = |rest: Node, before: &Node| Node::Failover(Box::new([before.clone(), rest]));
        let last = chain.pop()?.clone();
        Some(chain.into_iter().rev().fold(last, failover))
    }

    fn of_places(&self, places: &BTreeMap<Place, Node>) -> Option<Node> {
        // A place goes with any place within it.
        let gone: BTreeSet<Place> = places
            .iter()
            .filter(|(_, child)| !self.is_full(child))
            .flat_map(|(place, _)| std::iter::once(place.clone()).chain(larger(place)))
            .collect();
        let mut kept = BTreeMap::new();
        // Larger places come first, so that it is known whether the next larger one is there to fall to.
        for (place, child) in places.iter().filter(|(place, _)| !gone.contains(*place)) {
            let around: Vec<Place> = larger(place).filter(|it| places.contains_key(it)).collect();
            let branch = match around.first() {
                Some(nearest) if kept.contains_key(nearest) => Some(child.clone()),
                _ => self.chain(child, around.iter().filter_map(|it| places.get(it))),
            };
            if let Some(branch) = branch {
                kept.insert(place.clone(), branch);
            }
        }
        (!kept.is_empty()).then_some(Node::Geolocation(kept))
    }
}

/// The places around a place, the nearest first.
fn larger(place: &Place) -> impl Iterator<Item = Place> {
    std::iter::successors(place.parent(), Place::parent)
}
