//! Routes of both kinds, arbitrary ones: what a switch writes is read again, and nothing else is touched.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::release::Color;
use multicluster_core::release::adopt::orphan;
use multicluster_core::release::journal::ReleaseId;
use multicluster_core::release::traffic::{Lead, Role, RuleRef, TrafficSpec, Wanted, read, shift};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::objects::release;

/// How one kind of route is written, apart from the code under test.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Gateway,
    Istio,
}

impl Kind {
    fn rules(self) -> &'static str {
        if self == Self::Gateway { "/spec/rules" } else { "/spec/http" }
    }

    fn backends(self) -> &'static str {
        if self == Self::Gateway { "backendRefs" } else { "route" }
    }

    fn backend(self, name: &str, weight: u32) -> Value {
        match self {
            Self::Gateway => {
                json!({ "name": name, "port": 80, "weight": weight, "filters": [{ "type": "X" }] })
            }
            Self::Istio => {
                json!({ "destination": { "host": format!("{name}.guestbook.svc.cluster.local") }, "weight": weight })
            }
        }
    }

    fn name(self, backend: &Value) -> String {
        let pointer = if self == Self::Gateway { "/name" } else { "/destination/host" };
        backend.pointer(pointer).unwrap().as_str().unwrap().split('.').next().unwrap().to_owned()
    }

    fn lead(self, rule: Option<RuleRef>) -> Lead {
        let spec = match self {
            Self::Gateway => {
                TrafficSpec::HttpRoute { name: "shop".to_owned(), namespace: None, rule, service: None }
            }
            Self::Istio => TrafficSpec::VirtualService {
                name: "shop".to_owned(),
                namespace: None,
                route: rule,
                service: None,
            },
        };
        Lead { release: release(), spec, service: "frontend".to_owned() }
    }

    fn matches(self, header: bool) -> Value {
        match (self, header) {
            (Self::Gateway, false) => json!([{ "path": { "type": "PathPrefix", "value": "/shop" } }]),
            (Self::Gateway, true) => {
                json!([{ "headers": [{ "name": "x-tenant", "value": "a" }] }, { "path": { "value": "/" } }])
            }
            (Self::Istio, false) => json!([{ "uri": { "prefix": "/shop" } }]),
            (Self::Istio, true) => {
                json!([{ "headers": { "x-tenant": { "exact": "a" } } }, { "uri": { "exact": "/" } }])
            }
        }
    }
}

/// A route, and the place of the workload's rule in it.
#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    route: Value,
    at: usize,
    lead: Lead,
}

fn rule_of(
    kind: Kind,
    name: Option<String>,
    backends: Vec<Value>,
    matches: Option<bool>,
    filtered: bool,
) -> Value {
    let mut rule = Map::new();
    if let Some(name) = name {
        rule.insert("name".to_owned(), name.into());
    }
    if let Some(header) = matches {
        let field = if kind == Kind::Gateway { "matches" } else { "match" };
        rule.insert(field.to_owned(), kind.matches(header));
    }
    if filtered {
        let (field, value) = match kind {
            Kind::Gateway => (
                "filters",
                json!([
                    { "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "a", "value": "b" }] } },
                    { "type": "RequestMirror", "requestMirror": { "backendRef": { "name": "audit", "port": 80 } } }
                ]),
            ),
            Kind::Istio => ("rewrite", json!({ "uri": "/" })),
        };
        rule.insert(field.to_owned(), value);
        rule.insert("timeouts".to_owned(), json!({ "request": "10s" }));
    }
    rule.insert(kind.backends().to_owned(), backends.into());
    rule.into()
}

fn others(kind: Kind) -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(("(api|web|frontend-canary|audit)", 0_u32..500), 0..3)
        .prop_map(move |list| list.into_iter().map(|(name, weight)| kind.backend(&name, weight)).collect())
}

/// The workload's backends: not led yet, led, or led half-way.
fn ours(kind: Kind) -> impl Strategy<Value = Vec<Value>> {
    prop_oneof![
        (1_u32..300).prop_map(move |weight| vec![kind.backend("frontend", weight)]),
        (0_u32..=100).prop_map(move |green| {
            vec![kind.backend("frontend-blue", 100 - green), kind.backend("frontend-green", green)]
        }),
        Just(vec![kind.backend("frontend-blue", 100)]),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    prop_oneof![Just(Kind::Gateway), Just(Kind::Istio)].prop_flat_map(|kind| {
        let other_rule = (others(kind), proptest::option::of(any::<bool>()), any::<bool>())
            .prop_map(move |(backends, matches, filtered)| rule_of(kind, None, backends, matches, filtered));
        let own = (ours(kind), others(kind), proptest::option::of(any::<bool>()), any::<bool>(), any::<bool>());
        (proptest::collection::vec(other_rule, 0..4), own, any::<prop::sample::Index>(), 0..3_u8).prop_map(
            move |(mut rules, (ours, others, matches, filtered, last), at, by)| {
                let at = at.index(rules.len() + 1);
                let backends: Vec<Value> =
                    if last { others.into_iter().chain(ours).collect() } else { ours.into_iter().chain(others).collect() };
                let rule = match by {
                    0 => None,
                    1 => Some(RuleRef::Name("main".to_owned())),
                    _ => Some(RuleRef::Index(at)),
                };
                let name = (by == 1).then(|| "main".to_owned());
                rules.insert(at, rule_of(kind, name, backends, matches, filtered));
                let mut route = json!({
                    "metadata": { "name": "shop", "namespace": "guestbook", "resourceVersion": "1", "labels": { "a": "b" } },
                    "spec": { "hostnames": ["shop.example.com"] }
                });
                let spec = route.get_mut("spec").unwrap().as_object_mut().unwrap();
                spec.insert(kind.rules()[6..].to_owned(), rules.into());
                Case { kind, route, at, lead: kind.lead(rule) }
            },
        )
    })
}

fn headers() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop_oneof![
        Just(BTreeMap::new()),
        proptest::collection::btree_map("(X-Canary|x-user|Cookie)", "[a-z]{1,6}", 1..3)
    ]
}

fn wishes() -> impl Strategy<Value = Wanted> {
    let color = prop_oneof![Just(Color::Blue), Just(Color::Green)];
    (color, 0_u8..=100, headers(), proptest::option::of(0_u8..=100), proptest::option::of(0_usize..5))
        .prop_map(|(color, weight, headers, mirror, step)| Wanted {
            color,
            weight,
            headers,
            mirror,
            epoch: 3,
            release: ReleaseId("r-0123456789".to_owned()),
            step,
            services: Color::BOTH.into(),
        })
}

impl Case {
    fn shifted(&self, wanted: &Wanted) -> Option<Self> {
        let patch = match shift(&self.lead, Role::Route, &self.route, wanted) {
            Ok(patch) => patch,
            // The only reason there may be for these cases.
            Err(error) => {
                assert!(error.to_string().contains("weights up to 1000000"), "{error}");
                return None;
            }
        };
        let mut route = self.route.clone();
        json_patch::patch(&mut route, &patch).unwrap();
        Some(Self { route, ..self.clone() })
    }

    /// All rules but those that a step has added.
    fn rules(&self) -> Vec<Value> {
        let rules = self.route.pointer(self.kind.rules()).unwrap().as_array().unwrap();
        rules
            .iter()
            .filter(|rule| rule.get("name") != Some(&json!("multicluster-frontend")))
            .cloned()
            .collect()
    }

    /// The weights of the workload's rule: the sum of ours, and the others by place.
    fn weights(&self) -> (u64, Vec<(String, u64)>) {
        let rules = self.rules();
        let list = rules[self.at].get(self.kind.backends()).unwrap().as_array().unwrap();
        let mut ours = 0;
        let mut others = Vec::new();
        for backend in list {
            let name = self.kind.name(backend);
            let weight = backend.get("weight").unwrap().as_u64().unwrap();
            // Istio gives an only destination everything.
            let weight = if list.len() == 1 && self.kind == Kind::Istio { 100 } else { weight };
            match name.as_str() {
                "frontend" | "frontend-blue" | "frontend-green" => ours += weight,
                _ => others.push((name, weight)),
            }
        }
        (ours, others)
    }

    /// Everything that no switch may touch.
    fn outside(&self) -> Value {
        let mut route = self.route.clone();
        route.get_mut("metadata").unwrap().as_object_mut().unwrap().remove("annotations");
        let mut rules = self.rules();
        let own = rules[self.at].as_object_mut().unwrap();
        own.remove(self.kind.backends());
        own.remove("mirror");
        own.remove("mirrorPercentage");
        let is_ours = |filter: &Value| {
            let name = filter.pointer("/requestMirror/backendRef/name").and_then(Value::as_str);
            name.is_some_and(|name| name.starts_with("frontend-"))
        };
        if let Some(Value::Array(filters)) = own.get_mut("filters") {
            filters.retain(|filter| !is_ours(filter));
            if filters.is_empty() {
                own.remove("filters");
            }
        }
        *route.pointer_mut(self.kind.rules()).unwrap() = rules.into();
        route
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read(case in cases(), wanted in wishes()) {
        let Some(after) = case.shifted(&wanted) else { return Ok(()) };
        let reading = read(&after.lead, Role::Route, &after.route).unwrap();
        prop_assert_eq!(reading.weights.unwrap().of(wanted.color), wanted.weight);
        prop_assert_eq!(reading.weights.unwrap().of(wanted.color.other()), 100 - wanted.weight);
        let headers = (!wanted.headers.is_empty()).then(|| (wanted.color, wanted.headers.clone()));
        prop_assert_eq!(reading.headers, headers);
        let mirror = wanted.mirror.filter(|percent| *percent > 0).map(|percent| (wanted.color, percent));
        prop_assert_eq!(reading.mirror, mirror);
        prop_assert_eq!(reading.epoch, Some(3));
        prop_assert_eq!(reading.release, Some(wanted.release.clone()));
        prop_assert_eq!(reading.step, Some(wanted.step.map_or("all".to_owned(), |step| step.to_string())));
        prop_assert_eq!(reading.foreign, None);
    }

    #[test]
    fn a_second_time_there_is_nothing_to_do(case in cases(), first in wishes(), wanted in wishes()) {
        let Some(after) = case.shifted(&first).and_then(|case| case.shifted(&wanted)) else { return Ok(()) };
        prop_assert_eq!(shift(&after.lead, Role::Route, &after.route, &wanted).unwrap().0, vec![]);
    }

    #[test]
    fn the_way_to_a_wish_does_not_matter(case in cases(), first in wishes(), wanted in wishes()) {
        let (Some(straight), Some(detour)) =
            (case.shifted(&wanted), case.shifted(&first).and_then(|case| case.shifted(&wanted))) else { return Ok(()) };
        prop_assert_eq!(straight.route, detour.route);
    }

    #[test]
    fn nothing_outside_changes(case in cases(), wanted in wishes()) {
        let Some(after) = case.shifted(&wanted) else { return Ok(()) };
        prop_assert_eq!(case.outside(), after.outside());
        let ((ours, others), (ours_after, others_after)) = (case.weights(), after.weights());
        let names = |list: &[(String, u64)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(&others), names(&others_after));
        // Shares are equal as fractions, so that nothing is rounded.
        let sum = |ours: u64, list: &[(String, u64)]| ours + list.iter().map(|(_, weight)| weight).sum::<u64>();
        let (all, all_after) = (sum(ours, &others), sum(ours_after, &others_after));
        for ((_, before), (_, now)) in others.iter().zip(&others_after) {
            prop_assert_eq!(before * all_after, now * all);
        }
        if others.iter().all(|(_, weight)| *weight == 0) {
            prop_assert_eq!(ours_after, 100);
        }
    }

    #[test]
    fn what_others_change_is_seen(case in cases(), wanted in wishes(), place in any::<prop::sample::Index>(), add in any::<bool>()) {
        let Some(mut after) = case.shifted(&wanted) else { return Ok(()) };
        let at = read_rule(&after);
        let pointer = format!("{}/{at}/{}", after.kind.rules(), after.kind.backends());
        let list = after.route.pointer_mut(&pointer).unwrap().as_array_mut().unwrap();
        if add {
            list.push(after.kind.backend("intruder", 1));
        } else {
            let place = place.index(list.len());
            let weight = list[place].get("weight").unwrap().as_u64().unwrap();
            list[place].as_object_mut().unwrap().insert("weight".to_owned(), (weight + 1).into());
        }
        prop_assert!(read(&after.lead, Role::Route, &after.route).unwrap().foreign.is_some());
    }

    #[test]
    fn the_way_back_leads_to_the_stable_service(case in cases(), wanted in wishes()) {
        let Some(after) = case.shifted(&wanted) else { return Ok(()) };
        let mut route = after.route.clone();
        let patch = orphan::traffic(&after.lead, Role::Route, &route, 9).unwrap();
        json_patch::patch(&mut route, &patch).unwrap();
        let back = Case { route, ..after.clone() };
        prop_assert_eq!(back.outside(), case.outside());
        let rules = back.rules();
        prop_assert_eq!(rules.len(), back.route.pointer(back.kind.rules()).unwrap().as_array().unwrap().len());
        let list = rules[back.at].get(back.kind.backends()).unwrap().as_array().unwrap();
        let ours: BTreeSet<String> =
            list.iter().map(|it| back.kind.name(it)).filter(|name| ["frontend", "frontend-blue", "frontend-green"].contains(&name.as_str())).collect();
        prop_assert_eq!(ours, BTreeSet::from(["frontend".to_owned()]));
        let annotations = back.route.pointer("/metadata/annotations").cloned().unwrap_or(json!({}));
        prop_assert_eq!(annotations, json!({}));
        // And from there on again.
        prop_assert!(back.shifted(&wanted).is_some());
    }

    #[test]
    fn foreign_bytes_do_no_harm(route in crate::values::value(), wanted in wishes()) {
        for kind in [Kind::Gateway, Kind::Istio] {
            let mut object = json!({ "metadata": { "resourceVersion": "1" }, "spec": {} });
            object.get_mut("spec").unwrap().as_object_mut().unwrap().insert(kind.rules()[6..].to_owned(), route.clone());
            let lead = kind.lead(None);
            prop_assert!(read(&lead, Role::Route, &object).is_err());
            prop_assert!(shift(&lead, Role::Route, &object, &wanted).is_err());
            drop(read(&lead, Role::Route, &route));
        }
    }
}

/// The place of the workload's rule among all, header rules too.
fn read_rule(case: &Case) -> usize {
    let rules = case.route.pointer(case.kind.rules()).unwrap().as_array().unwrap();
    let own = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.get("name") != Some(&json!("multicluster-frontend")));
    own.map(|(at, _)| at).nth(case.at).unwrap()
}
