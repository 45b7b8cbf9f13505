//! Endpoints that share a place.

use std::collections::BTreeMap;

use crate::dns::findings::{Finding, FindingKind};
use crate::dns::intent::{Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Within};
use crate::dns::share::Share;
use crate::dns::tree::Node;
use crate::dns::tree::chain::chain;
use crate::dns::tree::weights::scaled;

/// Makes nodes of endpoints that share something, and remembers what was worth telling.
pub(super) struct Groups<'a> {
    pub(super) intent: &'a Intent,
    pub(super) findings: Vec<Finding>,
}

type Names = Vec<EndpointName>;

impl<'a> Groups<'a> {
    fn get(&self, name: &EndpointName) -> Option<&'a Endpoint> {
        self.intent.endpoints.get(name)
    }

    pub(super) fn in_state(&self, names: &[EndpointName], state: EndpointState) -> Names {
        names.iter().filter(|name| self.get(name).is_some_and(|it| it.state == state)).cloned().collect()
    }

    /// Those who answer in the place of an endpoint: itself, or if it is drained those that it names, and so on.
    fn stand_ins(&self, name: &EndpointName) -> Names {
        let mut found = Names::new();
        self.collect_stand_ins(name, &mut Names::new(), &mut found);
        found
    }

    fn collect_stand_ins(&self, name: &EndpointName, asked: &mut Names, found: &mut Names) {
        let Some(endpoint) = self.get(name) else { return };
        if asked.contains(name) {
            return;
        }
        asked.push(name.clone());
        if endpoint.state != EndpointState::Drained {
            found.push(name.clone());
            return;
        }
        for other in &endpoint.on_unhealthy {
            self.collect_stand_ins(other, asked, found);
        }
    }

    /// Who answers while an endpoint is unhealthy, without those that are drained.
    fn fallbacks(&self, name: &EndpointName) -> Vec<Node> {
        let others = self.get(name).map(|endpoint| endpoint.on_unhealthy.as_slice()).unwrap_or_default();
        others.iter().flat_map(|other| self.stand_ins(other)).map(Node::Endpoint).collect()
    }

    /// An endpoint with those that answer while it is unhealthy.
    fn member(&self, name: &EndpointName) -> Node {
        let alone = Node::Endpoint(name.clone());
        chain(std::iter::once(alone.clone()).chain(self.fallbacks(name))).unwrap_or(alone)
    }

    /// Endpoints that share something, as one node. None if all are drained and name nobody.
    pub(super) fn group(&mut self, names: &[EndpointName], within: Within) -> Option<Node> {
        let mut active = self.in_state(names, EndpointState::Active);
        let mut standby = self.in_state(names, EndpointState::Standby);
        if active.is_empty() {
            active = std::mem::take(&mut standby);
        }
        if active.is_empty() {
            return self.inherited(names);
        }
        match within {
            Within::Weighted => self.weighted(&active, &standby),
            Within::Multivalue => {
                let nodes = [self.multivalue(&active), self.multivalue(&standby)].into_iter().flatten();
                let shared = active.first().map(|name| self.fallbacks(name)).unwrap_or_default();
                chain(nodes.chain(shared))
            }
            Within::Latency => {
                let nodes = [self.latency(&active), self.latency(&standby)];
                chain(nodes.into_iter().flatten())
            }
        }
    }

    /// What is left of a place whose endpoints are all drained: each leaves its part to those that it names.
    fn inherited(&mut self, names: &[EndpointName]) -> Option<Node> {
        let mut heirs: Vec<(u32, Node)> = Vec::new();
        for name in names {
            let weight = self.get(name).map_or(0, |endpoint| endpoint.weight);
            let Some(node) = chain(self.stand_ins(name).into_iter().map(Node::Endpoint)) else { continue };
            match heirs.iter_mut().find(|(_, known)| *known == node) {
                Some((sum, _)) => *sum = sum.saturating_add(weight),
                None => heirs.push((weight, node)),
            }
        }
        self.share_out(heirs, Vec::new())
    }

    fn weighted(&mut self, active: &[EndpointName], standby: &[EndpointName]) -> Option<Node> {
        if let ([only], [_, ..]) = (active, standby)
            && !self.fallbacks(only).is_empty()
        {
            // Beside it in its own place somebody stands by, who comes before those that it names elsewhere.
            let beside = self.weighted(standby, &[]);
            let nodes = std::iter::once(Node::Endpoint(only.clone())).chain(beside);
            return chain(nodes.chain(self.fallbacks(only)));
        }
        let weight = |name: &EndpointName| self.get(name).map_or(0, |endpoint| endpoint.weight);
        let active = active.iter().map(|name| (weight(name), self.member(name))).collect();
        let standby = standby.iter().map(|name| self.member(name)).collect();
        self.share_out(active, standby)
    }

    /// Nodes in proportion to weights, and others that answer while none of these is healthy.
    fn share_out(&mut self, mut active: Vec<(u32, Node)>, standby: Vec<Node>) -> Option<Node> {
        if standby.is_empty() && active.len() < 2 {
            return active.pop().map(|(_, node)| node);
        }
        if active.iter().all(|(weight, _)| *weight == 0) {
            // Beside a standby's zero, theirs would be no more than a standby's.
            for (weight, _) in &mut active {
                *weight = 1;
            }
        }
        let given: Vec<u32> = active.iter().map(|(weight, _)| *weight).collect();
        let (made, exact) = scaled(&given);
        if !exact {
            self.findings.push(rounding(&active, &given, &made));
        }
        let branches = made.into_iter().zip(active).map(|(weight, (_, node))| (weight, node));
        Some(Node::Weighted(branches.chain(standby.into_iter().map(|node| (0, node))).collect()))
    }

    fn multivalue(&self, names: &[EndpointName]) -> Option<Node> {
        match names {
            [] => None,
            [name] => Some(Node::Endpoint(name.clone())),
            _ => Some(Node::Multivalue(names.to_vec())),
        }
    }

    fn latency(&mut self, names: &[EndpointName]) -> Option<Node> {
        let mut regions: BTreeMap<Option<LatencyRegion>, Names> = BTreeMap::new();
        for name in names {
            let region = self.get(name).and_then(|endpoint| endpoint.latency_region.clone());
            regions.entry(region).or_default().push(name.clone());
        }
        if regions.len() == 1 {
            return self.weighted(names, &[]);
        }
        let mut branches = BTreeMap::new();
        for (region, names) in regions {
            if let (Some(region), Some(node)) = (region, self.weighted(&names, &[])) {
                branches.insert(region, node);
            }
        }
        Some(Node::Latency(branches))
    }
}

/// How shares differ from those that were asked for.
fn rounding(nodes: &[(u32, Node)], given: &[u32], made: &[u8]) -> Finding {
    let (asked, sum) =
        (given.iter().copied().map(u64::from).sum::<u64>(), made.iter().copied().map(u64::from).sum::<u64>());
    let parts = nodes.iter().zip(given.iter().zip(made)).map(|((_, node), (given, made))| {
        format!(
            "`{}` {made} ({} instead of {})",
            first_of(node).map(EndpointName::as_str).unwrap_or_default(),
            Share::of(u64::from(*made), sum),
            Share::of(u64::from(*given), asked)
        )
    });
    Finding {
        kind: FindingKind::Rounding,
        path: vec!["endpoints".to_owned()],
        text: format!("weights are rounded to 0 to 255: {}", parts.collect::<Vec<_>>().join(", ")),
    }
}

/// The endpoint that a node is about: the first of a chain.
fn first_of(node: &Node) -> Option<&EndpointName> {
    match node {
        Node::Endpoint(name) => Some(name),
        other => other.children().first().and_then(|node| first_of(node)),
    }
}
