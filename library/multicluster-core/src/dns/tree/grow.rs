//! From what a user says to the tree that carries it out.
//!
//! Invariants: the same intent gives the same tree, whatever order it was written in; the tree is as flat as the rules
//! allow; a drained endpoint stands in no leaf; a tree that was grown has an answer for somebody.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::digest_text;
use crate::dns::findings::{Finding, FindingKind};
use crate::dns::intent::{self, EndpointName, EndpointState, Intent, Policy, Slots, Within};
use crate::dns::place::{Country, Place};
use crate::dns::problem::Problem;
use crate::dns::tree::chain::chain;
use crate::dns::tree::group::Groups;
use crate::dns::tree::{Node, Site};

/// How long the name of a CIDR location may be.
const LONGEST_LOCATION: usize = 16;

/// A tree, and what was decided on the way that the user may want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Grown {
    /// The tree.
    pub node: Node,
    /// What was decided.
    pub findings: Vec<Finding>,
}

/// Makes the tree that carries out an intent.
///
/// # Errors
/// All contradictions of the intent, as [`intent::check`] finds them. Nothing else is an error, except that nobody is
/// left to answer once drained endpoints are out; whoever allows that asks [`answers_nobody`] first.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::dns::{Endpoint, EndpointName, Intent, Node, Policy, Within, tree};
///
/// let endpoint = |weight| Endpoint { weight, ..Endpoint::default() };
/// let name = |name: &str| EndpointName::new(name).unwrap();
/// let intent = Intent {
///     policy: Policy::Weighted,
///     within: Within::Weighted,
///     default: None,
///     endpoints: BTreeMap::from([(name("aws"), endpoint(95)), (name("gcp"), endpoint(5))]),
/// };
/// let grown = tree::grow(&intent).unwrap();
/// assert_eq!(
///     grown.node,
///     Node::Weighted(vec![(95, Node::Endpoint(name("aws"))), (5, Node::Endpoint(name("gcp")))])
/// );
/// ```
pub fn grow(intent: &Intent) -> Result<Grown, Vec<Problem>> {
    let problems = intent::check(intent);
    if !problems.is_empty() {
        return Err(problems);
    }
    let nobody = || {
        vec![Problem::at(
            ["endpoints"],
            "with the drained endpoints left out nobody would answer anybody: keep one that has a place, name another one in `on_unhealthy`, or set `allow_empty`",
        )]
    };
    without_check(intent).ok_or_else(nobody)
}

/// Whether nobody is left to answer once drained endpoints are out: the one thing that a user may allow. Then there is
/// no tree, and no record to be held.
#[must_use]
pub fn answers_nobody(intent: &Intent) -> bool {
    without_check(intent).is_none()
}

fn without_check(intent: &Intent) -> Option<Grown> {
    let slots = Slots::of(intent);
    let mut grower = Grower { intent, slots: &slots, groups: Groups { intent, findings: Vec::new() } };
    let policy = grower.policy();
    let node = grower.by_ranges(policy)?;
    Some(Grown { node, findings: grower.groups.findings })
}

struct Grower<'a> {
    intent: &'a Intent,
    slots: &'a Slots,
    groups: Groups<'a>,
}

impl Grower<'_> {
    /// The tree for all clients whose addresses are in no range.
    fn policy(&mut self) -> Option<Node> {
        match self.intent.policy {
            Policy::Simple => self.simple(),
            Policy::Multivalue => self.groups.group(&self.slots.all, Within::Multivalue),
            Policy::Weighted => self.groups.group(&self.slots.all, Within::Weighted),
            Policy::Failover => self.failover(),
            Policy::Latency => self.latency(),
            Policy::Geolocation => self.geolocation(),
            Policy::Geoproximity => self.geoproximity(),
            Policy::IpBased => {
                let default: Vec<EndpointName> = self.intent.default.iter().cloned().collect();
                self.groups.group(&default, self.intent.within)
            }
        }
    }

    /// Puts ranges before the other clients.
    fn by_ranges(&mut self, others: Option<Node>) -> Option<Node> {
        let mut ranges = BTreeMap::new();
        for (cidrs, names) in &self.slots.ranges {
            let node = self.groups.group(names, self.intent.within);
            if let (Some(node), Some(first)) = (node, names.first()) {
                ranges.insert(location_name(first), (cidrs.iter().copied().collect(), node));
            }
        }
        if ranges.is_empty() {
            return others;
        }
        Some(Node::IpBased { ranges, others: others.map(Box::new) })
    }

    fn simple(&mut self) -> Option<Node> {
        let mut names = self.groups.in_state(&self.slots.all, EndpointState::Active);
        match names.len() {
            0 => None,
            1 => names.pop().map(Node::Endpoint),
            _ => Some(Node::Simple(names)),
        }
    }

    fn failover(&mut self) -> Option<Node> {
        let mut turns = Vec::new();
        for names in self.slots.priorities.values() {
            let active = self.groups.in_state(names, EndpointState::Active);
            let standby = self.groups.in_state(names, EndpointState::Standby);
            if active.is_empty() && standby.is_empty() {
                turns.extend(self.groups.group(names, self.intent.within));
                continue;
            }
            for names in [active, standby].into_iter().filter(|names| !names.is_empty()) {
                turns.extend(self.groups.group(&names, self.intent.within));
            }
        }
        chain(turns)
    }

    fn latency(&mut self) -> Option<Node> {
        let mut branches = BTreeMap::new();
        for (region, names) in &self.slots.regions {
            if let Some(node) = self.groups.group(names, self.intent.within) {
                branches.insert(region.clone(), node);
            }
        }
        if branches.len() < 2 {
            return branches.into_values().next();
        }
        Some(Node::Latency(branches))
    }

    fn geoproximity(&mut self) -> Option<Node> {
        let mut branches = Vec::new();
        for (at, names) in &self.slots.sites {
            let first = names.first().and_then(|name| self.intent.endpoints.get(name));
            let bias = first.map_or(0, |endpoint| endpoint.bias);
            if let Some(node) = self.groups.group(names, self.intent.within) {
                branches.push((Site { at: at.clone(), bias }, node));
            }
        }
        if branches.len() < 2 {
            return branches.pop().map(|(_, node)| node);
        }
        Some(Node::Geoproximity(branches))
    }

    fn geolocation(&mut self) -> Option<Node> {
        let mut branches = BTreeMap::new();
        for (place, names) in &self.slots.places {
            if let Some(node) = self.groups.group(names, self.intent.within) {
                branches.insert(place.clone(), node);
            }
        }
        if !branches.contains_key(&Place::Everywhere)
            && let Some(node) = self.default(&branches)
        {
            branches.insert(Place::Everywhere, node);
        }
        if branches.len() == 1 && branches.contains_key(&Place::Everywhere) {
            return branches.into_values().next();
        }
        (!branches.is_empty()).then_some(Node::Geolocation(branches))
    }

    /// Who answers where nobody was named.
    fn default(&mut self, branches: &BTreeMap<Place, Node>) -> Option<Node> {
        let named = self.intent.default.as_slice();
        if let Some(node) = self.groups.group(named, self.intent.within) {
            return Some(node);
        }
        let chosen = self.widest(branches)?;
        let drained = named.first().map(|name| format!("`{name}` is drained; ")).unwrap_or_default();
        let text = format!(
            "{drained}`{chosen}` answers where no endpoint is named, since it answers most places. Set `default` to choose"
        );
        self.groups.findings.push(Finding {
            kind: FindingKind::DefaultChosen,
            path: vec!["default".to_owned()],
            text,
        });
        self.groups.group(&[chosen], self.intent.within)
    }

    /// The endpoint that answers most countries; active ones before standbys, then by name.
    fn widest(&self, branches: &BTreeMap<Place, Node>) -> Option<EndpointName> {
        let mut answered: BTreeMap<&EndpointName, usize> = BTreeMap::new();
        for country in Country::all().map(Place::Country) {
            let most_specific = country.ancestry().find(|place| branches.contains_key(place));
            let names = most_specific.and_then(|place| self.slots.places.get(&place));
            for name in names.into_iter().flatten() {
                *answered.entry(name).or_default() += 1;
            }
        }
        let state = |name: &EndpointName| self.intent.endpoints.get(name).map(|endpoint| endpoint.state);
        let left: BTreeSet<&EndpointName> =
            self.intent.endpoints.keys().filter(|name| state(name) != Some(EndpointState::Drained)).collect();
        left.into_iter()
            .rev()
            .max_by_key(|name| {
                let active = state(name) == Some(EndpointState::Active);
                (active, answered.get(name).copied().unwrap_or_default())
            })
            .cloned()
    }
}

/// The name of the CIDR location of an endpoint or group: its own if that fits, else its beginning and a digest.
fn location_name(name: &EndpointName) -> String {
    let text = name.as_str();
    if text.len() <= LONGEST_LOCATION {
        return text.to_owned();
    }
    let begin: String = text.chars().take(LONGEST_LOCATION - 7).collect();
    let digest: String = digest_text(text).chars().take(6).collect();
    format!("{begin}-{digest}")
}
