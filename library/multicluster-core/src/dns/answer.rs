//! Who answers a client, with some endpoints down.
//!
//! The rules are those of Route 53, where every leaf has a health check and every branch the health of what is below:
//! - a branch is healthy as long as one endpoint below it is; several values at once ([`Node::Simple`]) have no check of
//!   their own and are always healthy;
//! - among healthy branches the policy chooses; if none is healthy, all count as healthy, and it chooses again;
//! - by place, the smallest place with a healthy branch answers; without any branch for the client there is no answer;
//! - by weight, branches of weight zero count only while all others are unhealthy;
//! - by distance, which also stands for latency, those that are equally far share the answer.
//!
//! Invariant: the shares of an answer add up to one, or there are none.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::distance::{biased, kilometres};
use crate::dns::intent::{Coordinates, EndpointName};
use crate::dns::place::Place;
use crate::dns::regions;
use crate::dns::share::Share;
use crate::dns::tree::{At, Node, Site};
use crate::networking::Cidr;

/// The next best of a choice by distance is nearly as good if it is within this share of the best …
const NEAR_TIE_SHARE: f64 = 1.3;

/// … or within so many kilometres.
const NEAR_TIE_KM: f64 = 60.0;

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// The smallest place that is known of the client.
    pub place: Place,
    /// Where it is; none if that is not known. Then all that is told apart by distance shares the answer.
    pub position: Option<Coordinates>,
    /// Its address, or the network that its resolver tells of it.
    pub address: Option<Cidr>,
}

/// Endpoints with their parts of the clients.
pub type Shares = BTreeMap<EndpointName, Share>;

/// Who answers a client, and how sure that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The part of such clients that each endpoint serves; clients choose among several values at random. Empty: no
    /// answer.
    pub shares: Shares,
    /// Whether latency decided, of which only distance is known here.
    pub estimate: bool,
    /// Whether another branch is as near, or nearly.
    pub near_tie: bool,
}

impl Client {
    /// A client somewhere in a place, of which nothing else is known.
    #[must_use]
    pub fn at(place: Place) -> Self {
        Self { position: place.position(), place, address: None }
    }
}

/// Who answers a client while the endpoints `down` are unhealthy.
///
/// # Examples
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use multicluster_core::dns::{Client, Continent, Country, EndpointName, Node, Place, answer};
///
/// let name = |name: &str| EndpointName::new(name).unwrap();
/// let tree = Node::Geolocation(BTreeMap::from([
///     (Place::Continent(Continent::Europe), Node::Endpoint(name("azure"))),
///     (Place::Everywhere, Node::Endpoint(name("aws"))),
/// ]));
/// let germany = Client::at(Place::Country(Country::parse("DE")?));
/// let healthy = answer(&tree, &germany, &BTreeSet::new());
/// assert!(healthy.shares.keys().eq([&name("azure")]));
/// let failed = answer(&tree, &germany, &BTreeSet::from([name("azure")]));
/// assert!(failed.shares.keys().eq([&name("aws")]));
/// # Ok::<(), multicluster_core::dns::UnknownPlace>(())
/// ```
#[must_use]
pub fn answer(tree: &Node, client: &Client, down: &BTreeSet<EndpointName>) -> Answer {
    let mut asked = Asked { client, down, of: Counted::Clients, answer: Answer::default() };
    asked.choose(tree, Share::ONE);
    asked.answer
}

/// The probability with which each endpoint's value is in a response to a client. Where several values come at once
/// the sum is more than one.
#[must_use]
pub fn presence(tree: &Node, client: &Client, down: &BTreeSet<EndpointName>) -> Shares {
    let mut asked = Asked { client, down, of: Counted::Responses, answer: Answer::default() };
    asked.choose(tree, Share::ONE);
    asked.answer.shares
}

/// Whether a node counts as healthy.
#[must_use]
pub fn is_healthy(node: &Node, down: &BTreeSet<EndpointName>) -> bool {
    match node {
        Node::Endpoint(name) => !down.contains(name),
        Node::Multivalue(names) => names.iter().any(|name| !down.contains(name)),
        Node::Simple(_) => true,
        other => other.children().into_iter().any(|child| is_healthy(child, down)),
    }
}

/// Most values in a response of a multivalue policy.
const MOST_VALUES: u64 = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Clients,
    Responses,
}

/// A question on its way down the tree.
struct Asked<'a> {
    client: &'a Client,
    down: &'a BTreeSet<EndpointName>,
    of: Counted,
    answer: Answer,
}

impl Asked<'_> {
    /// Adds what `node` answers to this part of the questions.
    fn choose(&mut self, node: &Node, part: Share) {
        match node {
            Node::Endpoint(name) => self.add(name, part),
            Node::Simple(names) => self.several(&names.iter().collect::<Vec<_>>(), u64::MAX, part),
            Node::Multivalue(names) => {
                let healthy: Vec<&EndpointName> =
                    names.iter().filter(|name| !self.down.contains(*name)).collect();
                let chosen = if healthy.is_empty() { names.iter().collect() } else { healthy };
                self.several(&chosen, MOST_VALUES, part);
            }
            Node::Weighted(branches) => self.weighted(branches, part),
            Node::Failover(branches) => self.first_healthy(branches.iter(), part),
            Node::Geolocation(branches) => {
                let ancestry: Vec<Place> = self.client.place.ancestry().collect();
                self.first_healthy(ancestry.iter().filter_map(|place| branches.get(place)), part);
            }
            Node::IpBased { ranges, others } => {
                let matching = self.client.address.and_then(|address| matching(ranges, &address));
                self.first_healthy(matching.into_iter().chain(others.as_deref()), part);
            }
            Node::Latency(branches) => {
                self.answer.estimate = true;
                let away = |region| self.kilometres_to(regions::position(region));
                let branches: Vec<_> = branches.iter().map(|(region, node)| (away(region), node)).collect();
                self.nearest(&branches, part);
            }
            Node::Geoproximity(branches) => {
                let away = |site: &Site| biased(self.kilometres_to(stands(&site.at)), site.bias);
                let branches: Vec<_> = branches.iter().map(|(site, node)| (away(site), node)).collect();
                self.nearest(&branches, part);
            }
        }
    }

    /// How far the client is from a position. Everything is equally far from a client of whom no position is known;
    /// what has no known position itself is the farthest.
    fn kilometres_to(&self, position: Option<Coordinates>) -> f64 {
        match (self.client.position, position) {
            (Some(client), Some(position)) => kilometres(client, position),
            (None, _) => 0.0,
            (Some(_), None) => f64::INFINITY,
        }
    }

    fn add(&mut self, name: &EndpointName, part: Share) {
        if part.is_zero() {
            return;
        }
        let share = self.answer.shares.entry(name.clone()).or_insert(Share::ZERO);
        *share = share.plus(part);
    }

    /// Several values in one response, at most so many, each as likely as the others.
    fn several(&mut self, names: &[&EndpointName], most: u64, part: Share) {
        let count = u64::try_from(names.len()).unwrap_or(u64::MAX);
        let each = match self.of {
            Counted::Clients => Share::of(1, count),
            Counted::Responses => Share::of(count.min(most), count),
        };
        for name in names {
            self.add(name, part.times(each));
        }
    }

    fn weighted(&mut self, branches: &[(u8, Node)], part: Share) {
        let healthy: Vec<&(u8, Node)> =
            branches.iter().filter(|(_, node)| is_healthy(node, self.down)).collect();
        let candidates = if healthy.is_empty() { branches.iter().collect() } else { healthy };
        let sum: u64 = candidates.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        for (weight, node) in candidates {
            // Only zeros are left: they are equal.
            let share = if sum == 0 { Share::of(1, count) } else { Share::of(u64::from(*weight), sum) };
            if !share.is_zero() {
                self.choose(node, part.times(share));
            }
        }
    }

    /// The first healthy one; the first if none is; nothing without any.
    fn first_healthy<'a>(&mut self, mut nodes: impl Iterator<Item = &'a Node> + Clone, part: Share) {
        let healthy = nodes.clone().find(|node| is_healthy(node, self.down));
        if let Some(node) = healthy.or_else(|| nodes.next()) {
            self.choose(node, part);
        }
    }

    /// The healthy one that is least far, or the least far one if none is healthy. Those that are equally far share.
    fn nearest(&mut self, branches: &[(f64, &Node)], part: Share) {
        let healthy: Vec<&(f64, &Node)> =
            branches.iter().filter(|(_, node)| is_healthy(node, self.down)).collect();
        let candidates = if healthy.is_empty() { branches.iter().collect() } else { healthy };
        let least = candidates.iter().map(|(far, _)| *far).min_by(f64::total_cmp).unwrap_or_default();
        // More than floating point makes of equal distances is a difference.
        let equal = |far: f64| far.total_cmp(&least).is_eq() || far - least <= least.abs() * 1e-9;
        let near = |far: f64| far <= least * NEAR_TIE_SHARE || far <= least + NEAR_TIE_KM;
        self.answer.near_tie |= candidates.iter().filter(|(far, _)| near(*far)).count() > 1;
        let best: Vec<&Node> =
            candidates.into_iter().filter(|(far, _)| equal(*far)).map(|(_, node)| *node).collect();
        let count = u64::try_from(best.len()).unwrap_or(u64::MAX);
        for node in best {
            self.choose(node, part.times(Share::of(1, count)));
        }
    }
}

/// The branch with the smallest range that the address is in. A network that is only partly in a range is not in it.
fn matching<'a>(ranges: &'a BTreeMap<String, (Vec<Cidr>, Node)>, address: &Cidr) -> Option<&'a Node> {
    let within = |cidrs: &[Cidr]| cidrs.iter().filter(|it| it.contains(address)).map(Cidr::prefix).max();
    let fitting = ranges.values().filter_map(|(cidrs, node)| Some((within(cidrs)?, node)));
    fitting.max_by_key(|(prefix, _)| *prefix).map(|(_, node)| node)
}

fn stands(at: &At) -> Option<Coordinates> {
    match at {
        At::Coordinates(coordinates) => Some(*coordinates),
        At::Region(region) => regions::position(region),
    }
}

#[cfg(test)]
mod tests;
