//! Contradictions between endpoints that share a place.

use std::collections::BTreeSet;

use crate::dns::intent::slots::{Names, Slots};
use crate::dns::intent::{Endpoint, EndpointName, EndpointState, Intent, Policy, Within};
use crate::dns::problem::Problem;

/// How many sets of one name and type Route 53 takes by default, for all policies but geoproximity.
const MOST_SETS: usize = 100;

/// How many sets of one name and type geoproximity takes.
const MOST_SITES: usize = 30;

pub(super) fn check_groups(intent: &Intent, slots: &Slots, problems: &mut Vec<Problem>) {
    for (what, names) in slots.groups() {
        if names.len() > 1 {
            Group { intent, what: &what, names, problems }.all();
        }
    }
    check_sites(intent, slots, problems);
    check_ranks(intent, slots, problems);
    let default = usize::from(intent.policy == Policy::Geolocation);
    for (count, what) in
        [(slots.places.len() + default, "places"), (slots.ranges.len() + 1, "groups of `cidrs`")]
    {
        if count > MOST_SETS {
            problems.push(too_many(count, what, MOST_SETS));
        }
    }
    if slots.sites.len() > MOST_SITES {
        problems.push(too_many(slots.sites.len(), "positions", MOST_SITES));
    }
}

fn too_many(count: usize, what: &str, most: usize) -> Problem {
    Problem::at(
        ["endpoints"],
        format!("{count} {what} are too many: Route 53 takes {most} sets of a name and type"),
    )
}

/// What endpoints that share something are told apart by.
fn told_apart_by(intent: &Intent, sharing_ranges: bool) -> Within {
    match intent.policy {
        Policy::Multivalue if !sharing_ranges => Within::Multivalue,
        Policy::Weighted if !sharing_ranges => Within::Weighted,
        _ => intent.within,
    }
}

struct Group<'a> {
    intent: &'a Intent,
    what: &'a str,
    names: &'a Names,
    problems: &'a mut Vec<Problem>,
}

impl Group<'_> {
    fn endpoints(&self) -> impl Iterator<Item = (&EndpointName, &Endpoint)> {
        self.names.iter().filter_map(|name| Some((name, self.intent.endpoints.get(name)?)))
    }

    fn all(&mut self) {
        if self.names.len() > MOST_SETS {
            let text = format!("for {}", self.what);
            self.problems.push(too_many(self.names.len(), &format!("endpoints {text}"), MOST_SETS));
        }
        let by_ranges = self.what == "the same ranges of addresses";
        if self.intent.policy == Policy::Simple && !by_ranges {
            return;
        }
        match told_apart_by(self.intent, by_ranges) {
            Within::Weighted => self.weights(),
            Within::Multivalue => self.fallbacks(),
            Within::Latency => self.regions(),
        }
    }

    fn weights(&mut self) {
        let active = self.endpoints().any(|(_, endpoint)| endpoint.state == EndpointState::Active);
        if active && self.endpoints().all(|(_, endpoint)| endpoint.weight == 0) {
            let first = self.names.first().map_or("", EndpointName::as_str);
            self.problems.push(Problem::at(
                ["endpoints", first, "weight"],
                format!("all endpoints for {} have weight 0: give at least one of them more", self.what),
            ));
        }
    }

    fn fallbacks(&mut self) {
        let different: BTreeSet<&Vec<EndpointName>> =
            self.endpoints().map(|(_, it)| &it.on_unhealthy).collect();
        if different.len() > 1 {
            let first = self.names.first().map_or("", EndpointName::as_str);
            self.problems.push(Problem::at(
                ["endpoints", first, "on_unhealthy"],
                format!(
                    "endpoints for {} answer together, so that they need the same `on_unhealthy`, or `within = \"weighted\"`",
                    self.what
                ),
            ));
        }
    }

    fn regions(&mut self) {
        let missing: Vec<EndpointName> = self
            .endpoints()
            .filter(|(_, endpoint)| endpoint.latency_region.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        for name in missing {
            self.problems.push(Problem::at(
                ["endpoints", name.as_str(), "latency_region"],
                format!(
                    "endpoints for {} are told apart by latency: give `latency_region` or `location`",
                    self.what
                ),
            ));
        }
    }
}

/// Endpoints at one position with different bias: the larger one would always win.
fn check_sites(intent: &Intent, slots: &Slots, problems: &mut Vec<Problem>) {
    for names in slots.sites.values() {
        let bias = |name: &EndpointName| intent.endpoints.get(name).map(|endpoint| endpoint.bias);
        let Some(first) = names.first() else { continue };
        for name in names.iter().filter(|name| bias(name) != bias(first)) {
            problems.push(Problem::at(
                ["endpoints", name.as_str(), "bias"],
                format!("must be that of `{first}`, which has the same position: use `weight` to divide the clients"),
            ));
        }
    }
}

/// Failover without an order.
fn check_ranks(intent: &Intent, slots: &Slots, problems: &mut Vec<Problem>) {
    let [names] = slots.priorities.values().collect::<Vec<_>>()[..] else { return };
    // One that is drained may have been the standby.
    let apart = |it: &Endpoint| it.state != EndpointState::Active || !it.on_unhealthy.is_empty();
    let any_order = intent.endpoints.values().any(apart);
    if names.len() > 1 && !any_order {
        for name in names {
            problems.push(Problem::at(
                ["endpoints", name.as_str(), "priority"],
                "policy `failover` needs an order: give the endpoints different priorities, the lowest to the one that answers first",
            ));
        }
    }
}
