//! Contradictions in an intent, all at once.
//!
//! What is refused depends on what was written, never on which endpoints are drained at the moment (but for the last
//! one): draining must not bring up problems in a configuration that was accepted before.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::intent::groups::check_groups;
use crate::dns::intent::slots::{Slots, site};
use crate::dns::intent::{Endpoint, EndpointName, EndpointState, Intent, Policy, Within};
use crate::dns::place::Place;
use crate::dns::problem::Problem;
use crate::dns::regions;
use crate::dns::suggest::{hint, nearest};
use crate::networking::Cidr;

/// How many blocks one CIDR collection of Route 53 has by default.
const MOST_BLOCKS: usize = 1000;

/// All contradictions of an intent; none if it can be carried out.
///
/// Everybody drained is one of them; whoever allows that asks [`answers_nobody`](crate::dns::tree::answers_nobody) first.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use multicluster_core::dns::{intent, Intent, Policy, Within};
///
/// let intent = Intent {
///     policy: Policy::Weighted,
///     within: Within::Weighted,
///     default: None,
///     endpoints: BTreeMap::new(),
/// };
/// assert_eq!(intent::check(&intent).len(), 1);
/// ```
#[must_use]
pub fn check(intent: &Intent) -> Vec<Problem> {
    let mut problems = Vec::new();
    if intent.endpoints.is_empty() {
        problems.push(Problem::at(["endpoints"], "at least one endpoint is needed"));
        return problems;
    }
    check_default(intent, &mut problems);
    for (name, endpoint) in &intent.endpoints {
        Check { intent, name, endpoint, problems: &mut problems }.all();
    }
    check_unused_in_common(intent, &mut problems);
    check_overlaps(intent, &mut problems);
    check_groups(intent, &Slots::of(intent), &mut problems);
    if intent.is_drained() {
        problems.push(Problem::at(
            ["endpoints"],
            "all endpoints are drained, so that nobody would answer: keep one `active` or `standby`, or set `allow_empty`",
        ));
    }
    problems.sort();
    problems.dedup();
    problems
}

/// `there is no endpoint `x``, with what was probably meant.
pub(crate) fn no_such_endpoint(intent: &Intent, name: &EndpointName) -> String {
    let known = intent.endpoints.keys().map(EndpointName::as_str);
    let suggestion = hint(nearest(name.as_str(), known));
    if suggestion.is_empty() {
        let all: Vec<String> = intent.endpoints.keys().map(|name| format!("`{name}`")).collect();
        return format!("there is no endpoint `{name}`: `endpoints` has {}", all.join(", "));
    }
    format!("there is no endpoint `{name}`{suggestion}")
}

fn check_default(intent: &Intent, problems: &mut Vec<Problem>) {
    let Some(default) = &intent.default else { return };
    if !intent.endpoints.contains_key(default) {
        problems.push(Problem::at(["default"], no_such_endpoint(intent, default)));
    }
    if !matches!(intent.policy, Policy::Geolocation | Policy::IpBased) {
        problems.push(Problem::at(
            ["default"],
            format!(
                "policy `{}` has an endpoint for every client, so that `default` means nothing",
                intent.policy.name()
            ),
        ));
    }
    let everywhere = intent.endpoints.iter().find(|(_, endpoint)| {
        intent.policy == Policy::Geolocation && endpoint.places.contains(&Place::Everywhere)
    });
    if let Some((name, _)) = everywhere {
        problems.push(Problem::at(["default"], format!("endpoint `{name}` answers everywhere else already")));
    }
}

/// One endpoint of an intent, and the problems found so far.
struct Check<'a> {
    intent: &'a Intent,
    name: &'a EndpointName,
    endpoint: &'a Endpoint,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn all(&mut self) {
        self.ranges();
        self.unused();
        self.missing();
        self.fallbacks();
        self.cidrs();
    }

    fn problem(&mut self, attribute: &str, text: impl Into<String>) {
        self.problems.push(Problem::at(["endpoints", self.name.as_str(), attribute], text));
    }

    fn ranges(&mut self) {
        let endpoint = self.endpoint;
        if !(-99..=99).contains(&endpoint.bias) {
            self.problem("bias", format!("must be from -99 to 99, and is {}", endpoint.bias));
        }
        if endpoint.coordinates.is_some_and(|at| !at.is_on_globe()) {
            self.problem("coordinates", "latitude must be from -90 to 90 and longitude from -180 to 180");
        }
        if let Some(Err(error)) = endpoint.latency_region.as_ref().map(|it| regions::latency_region(&it.0)) {
            self.problem("latency_region", error.to_string());
        }
    }

    /// What the policy does not look at.
    fn unused(&mut self) {
        let (policy, endpoint) = (self.intent.policy, self.endpoint);
        let says = |what: &str| format!("policy `{}` does not look at {what}", policy.name());
        if policy != Policy::Geolocation {
            let kinds: BTreeSet<&str> = endpoint
                .places
                .iter()
                .map(|place| match place {
                    Place::Everywhere | Place::Continent(_) => "continents",
                    Place::Country(_) => "countries",
                    Place::Subdivision(_) => "subdivisions",
                })
                .collect();
            for kind in kinds {
                self.problem(kind, says("places: they are for policy `geolocation`"));
            }
        }
        if policy != Policy::Geoproximity {
            if endpoint.coordinates.is_some() {
                self.problem("coordinates", says("positions: they are for policy `geoproximity`"));
            }
            if endpoint.bias != 0 {
                self.problem("bias", says("bias: it is for policy `geoproximity`"));
            }
        }
        let by_latency = matches!(policy, Policy::Latency) || self.intent.within == Within::Latency;
        let stands_for_position = policy == Policy::Geoproximity && endpoint.coordinates.is_none();
        if endpoint.latency_region.is_some() && !by_latency && !stands_for_position {
            self.problem("latency_region", says("latency, nor does `within`"));
        }
        if policy == Policy::Simple && endpoint.state == EndpointState::Standby {
            self.problem(
                "state",
                says("health, so that a standby would never answer: use `failover` or `weighted`"),
            );
        }
        if policy == Policy::Simple && !endpoint.on_unhealthy.is_empty() {
            self.problem("on_unhealthy", says("health: use `failover`"));
        }
    }

    /// What the policy needs: an endpoint that nobody can reach is a mistake.
    fn missing(&mut self) {
        let (intent, endpoint) = (self.intent, self.endpoint);
        let referred = (intent.default.as_ref() == Some(self.name)
            && matches!(intent.policy, Policy::Geolocation | Policy::IpBased))
            || intent
                .endpoints
                .iter()
                .any(|(name, other)| name != self.name && other.on_unhealthy.contains(self.name));
        if referred || !endpoint.cidrs.is_empty() {
            return;
        }
        match intent.policy {
            Policy::Geolocation if endpoint.places.is_empty() => self.problems.push(Problem::at(
                ["endpoints", self.name.as_str()],
                "answers nobody: give it `continents`, `countries` or `subdivisions`, or name it in `default` or in `on_unhealthy` of another endpoint",
            )),
            Policy::Latency if endpoint.latency_region.is_none() => self.problem(
                "latency_region",
                "policy `latency` needs the region of AWS that stands for the endpoint: give `latency_region` or `location`",
            ),
            Policy::Geoproximity if site(endpoint).is_none() => self.problem(
                "coordinates",
                "policy `geoproximity` needs the endpoint's position: give `coordinates` or `location`",
            ),
            Policy::IpBased => self.problem(
                "cidrs",
                "policy `ip_based` needs the ranges of addresses that the endpoint answers, or it must be the `default`",
            ),
            _ => {}
        }
    }

    fn fallbacks(&mut self) {
        let mut seen = BTreeSet::new();
        for other in &self.endpoint.on_unhealthy {
            if other == self.name {
                self.problem("on_unhealthy", "an endpoint cannot answer in its own place");
            } else if !self.intent.endpoints.contains_key(other) {
                self.problem("on_unhealthy", no_such_endpoint(self.intent, other));
            } else if !seen.insert(other) {
                self.problem("on_unhealthy", format!("names `{other}` twice"));
            }
        }
    }

    fn cidrs(&mut self) {
        for cidr in &self.endpoint.cidrs {
            let longest = if cidr.is_ipv6() { 48 } else { 24 };
            if !(1..=longest).contains(&cidr.prefix()) {
                let family = if cidr.is_ipv6() { "IPv6" } else { "IPv4" };
                self.problem("cidrs", format!("`{cidr}`: ranges of {family} must be from /1 to /{longest}"));
            }
        }
    }
}

/// Weights and priorities that differ although nothing looks at them. Equal ones may be defaults.
fn check_unused_in_common(intent: &Intent, problems: &mut Vec<Problem>) {
    let mut differ = |attribute: &str, values: BTreeMap<&EndpointName, u32>, why: String| {
        if let Some(least) = values.values().copied().min() {
            for (name, _) in values.iter().filter(|(_, value)| **value != least) {
                problems.push(Problem::at(["endpoints", name.as_str(), attribute], why.clone()));
            }
        }
    };
    if intent.policy != Policy::Failover {
        let priorities = intent.endpoints.iter().map(|(name, endpoint)| (name, endpoint.priority)).collect();
        differ(
            "priority",
            priorities,
            format!(
                "policy `{}` does not look at priorities: use `failover`, or `on_unhealthy`",
                intent.policy.name()
            ),
        );
    }
    let weighted = match intent.policy {
        Policy::Weighted => true,
        Policy::Simple | Policy::Multivalue => intent.endpoints.values().any(|it| !it.cidrs.is_empty()),
        _ => intent.within != Within::Multivalue,
    };
    if !weighted {
        let weights = intent.endpoints.iter().map(|(name, endpoint)| (name, endpoint.weight)).collect();
        differ(
            "weight",
            weights,
            format!(
                "nothing looks at weights with policy `{}` and within `{}`",
                intent.policy.name(),
                intent.within.name()
            ),
        );
    }
}

/// Ranges of different endpoints that share addresses without being the same.
fn check_overlaps(intent: &Intent, problems: &mut Vec<Problem>) {
    let blocks: BTreeSet<Cidr> = intent.endpoints.values().flat_map(|it| it.cidrs.iter().copied()).collect();
    if blocks.len() > MOST_BLOCKS {
        problems.push(Problem::at(
            ["endpoints"],
            format!("`cidrs` have {} ranges in all; a CIDR collection takes {MOST_BLOCKS}", blocks.len()),
        ));
        return;
    }
    let slots = Slots::of(intent);
    let groups: Vec<(&BTreeSet<Cidr>, &EndpointName)> =
        slots.ranges.iter().filter_map(|(ranges, names)| Some((ranges, names.first()?))).collect();
    for (index, (ranges, name)) in groups.iter().enumerate() {
        for (others, other) in groups.iter().skip(index + 1) {
            let shared = ranges.iter().find_map(|a| Some((a, others.iter().find(|b| a.overlaps(b))?)));
            if let Some((a, b)) = shared {
                let (mine, theirs) = if name < other { (a, b) } else { (b, a) };
                let (first, second) = if name < other { (name, other) } else { (other, name) };
                problems.push(Problem::at(
                    ["endpoints", second.as_str(), "cidrs"],
                    format!("`{theirs}` overlaps `{mine}` of endpoint `{first}`: ranges are either the same or apart"),
                ));
            }
        }
    }
}
