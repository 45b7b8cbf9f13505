//! Findings that do not need to look at the whole world.

use std::collections::BTreeSet;

use crate::dns::answer::{Client, answer};
use crate::dns::findings::{Facts, Finding, FindingKind, countries_in_words};
use crate::dns::intent::{EndpointState, Intent, Policy, Slots, Within};
use crate::dns::place::{Country, Place};
use crate::dns::tree::Node;

/// The longest time to live, in seconds, with which failing over is quick; also that of load balancers' aliases.
const QUICK_TTL: u32 = 60;

/// Endpoints of weight zero beside others with more.
pub(super) fn zero_weights(intent: &Intent) -> Vec<Finding> {
    let by_weight = |policy| policy == Policy::Weighted || intent.within == Within::Weighted;
    if !by_weight(intent.policy) {
        return Vec::new();
    }
    let active = |name| intent.endpoints.get(name).filter(|it| it.state == EndpointState::Active);
    let mut found = BTreeSet::new();
    for (what, names) in Slots::of(intent).groups() {
        let heavy = names.iter().any(|name| active(name).is_some_and(|it| it.weight > 0));
        for name in names.iter().filter(|name| heavy && active(name).is_some_and(|it| it.weight == 0)) {
            found.insert(Finding {
                kind: FindingKind::ZeroWeight,
                path: vec!["endpoints".to_owned(), name.to_string(), "weight".to_owned()],
                text: format!(
                    "`{name}` has weight 0: for {what} it answers only while all others are unhealthy. `state = \"standby\"` says the same, `drained` keeps it out"
                ),
            });
        }
    }
    found.into_iter().collect()
}

pub(super) fn ttl(tree: &Node, facts: &Facts) -> Option<Finding> {
    let mut skewed = false;
    tree.visit(&mut |node| {
        if let Node::Weighted(_) = node {
            skewed |= node.endpoints().into_iter().any(|name| facts.load_balancers.contains(name));
        }
    });
    let text = if skewed && facts.ttl != QUICK_TTL {
        format!(
            "aliases of load balancers have a TTL of {QUICK_TTL} s of their own: beside them, weights hold only if `ttl` is {QUICK_TTL} too, and it is {}",
            facts.ttl
        )
    } else if facts.ttl > QUICK_TTL && !facts.health_checked.is_empty() {
        format!(
            "clients keep an answer for {} s, also that of an endpoint which has become unhealthy: with health checks, a `ttl` of {QUICK_TTL} or less is advised",
            facts.ttl
        )
    } else {
        return None;
    };
    Some(Finding { kind: FindingKind::Ttl, path: vec!["ttl".to_owned()], text })
}

pub(super) fn latency(tree: &Node) -> Option<Finding> {
    if !tree.depends_on_latency() {
        return None;
    }
    let ties: BTreeSet<Country> = Country::all()
        .filter(|country| answer(tree, &Client::at(Place::Country(*country)), &BTreeSet::new()).near_tie)
        .collect();
    let doubtful = if ties.is_empty() {
        String::new()
    } else {
        format!(" Two are about equally far from {}", countries_in_words(&ties))
    };
    Some(Finding {
        kind: FindingKind::LatencyEstimate,
        path: vec!["policy".to_owned()],
        text: format!(
            "who answers where is an estimate by distance: AWS measures latency, does not publish it, and it changes.{doubtful}"
        ),
    })
}
