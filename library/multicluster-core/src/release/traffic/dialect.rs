//! The two ways in which routes are written.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Lead, Refused, RuleRef, TrafficSpec};
use crate::object::text;
use crate::release::color::Color;
use crate::release::identity::colored;

/// A kind of route, for one release.
#[derive(Clone, Copy)]
pub(super) struct Dialect<'a> {
    lead: &'a Lead,
    kind: Kind,
    /// The route's own namespace: names without one are in it.
    namespace: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gateway,
    Istio,
}

/// To whom a backend of a rule belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Stable,
    Color(Color),
    Other,
}

impl<'a> Dialect<'a> {
    pub(super) fn of(lead: &'a Lead, live: &'a Value) -> Self {
        let kind = match lead.spec {
            TrafficSpec::VirtualService { .. } => Kind::Istio,
            TrafficSpec::HttpRoute { .. } | TrafficSpec::Service { .. } => Kind::Gateway,
        };
        let namespace = match text(live, "/metadata/namespace") {
            "" => lead.release.namespace.as_str(),
            namespace => namespace,
        };
        Self { lead, kind, namespace }
    }

    /// The attribute that names a rule.
    pub(super) fn attribute(self) -> &'static str {
        match self.kind {
            Kind::Gateway => "traffic.http_route.rule",
            Kind::Istio => "traffic.virtual_service.route",
        }
    }

    /// The rule that the user names.
    pub(super) fn rule(self) -> Option<&'a RuleRef> {
        match &self.lead.spec {
            TrafficSpec::HttpRoute { rule, .. } => rule.as_ref(),
            TrafficSpec::VirtualService { route, .. } => route.as_ref(),
            TrafficSpec::Service { .. } => None,
        }
    }

    /// The field of the spec with the rules.
    pub(super) fn rules(self) -> &'static str {
        match self.kind {
            Kind::Gateway => "rules",
            Kind::Istio => "http",
        }
    }

    /// The field of a rule with its backends.
    pub(super) fn backends(self) -> &'static str {
        match self.kind {
            Kind::Gateway => "backendRefs",
            Kind::Istio => "route",
        }
    }

    pub(super) fn whose(self, backend: &Value) -> Whose {
        let Some(name) = self.service(backend) else { return Whose::Other };
        let service = self.lead.service.as_str();
        if name == service {
            return Whose::Stable;
        }
        Color::BOTH
            .into_iter()
            .find(|color| name == colored(service, *color))
            .map_or(Whose::Other, Whose::Color)
    }

    /// The Service of the workload's namespace that a backend is.
    fn service(self, backend: &Value) -> Option<&str> {
        let own = self.lead.release.namespace.as_str();
        match self.kind {
            Kind::Gateway => {
                let or = |field, default| match text(backend, field) {
                    "" => default,
                    given => given,
                };
                let is_service = text(backend, "/group").is_empty() && or("/kind", "Service") == "Service";
                (is_service && or("/namespace", self.namespace) == own).then(|| text(backend, "/name"))
            }
            Kind::Istio => {
                // `frontend`, `frontend.guestbook`, `frontend.guestbook.svc`, and with the cluster's domain.
                let mut parts = text(backend, "/destination/host").splitn(3, '.');
                let name = parts.next()?;
                let namespace = parts.next().unwrap_or(self.namespace);
                let is_service = parts.next().is_none_or(|rest| rest == "svc" || rest.starts_with("svc."));
                (is_service && namespace == own).then_some(name)
            }
        }
    }

    /// How a backend is called in words.
    pub(super) fn name(self, backend: &Value) -> &str {
        text(
            backend,
            match self.kind {
                Kind::Gateway => "/name",
                Kind::Istio => "/destination/host",
            },
        )
    }

    /// The weight of one of a rule's `count` backends.
    pub(super) fn weight(self, backend: &Value, count: usize) -> Result<u64, Refused> {
        match (self.kind, backend.get("weight")) {
            // Istio does not look at the weight of an only destination.
            (Kind::Istio, _) if count == 1 => Ok(100),
            (Kind::Gateway, None | Some(Value::Null)) => Ok(1),
            (Kind::Istio, None | Some(Value::Null)) => Ok(0),
            (_, Some(weight)) => {
                let bounded = weight.as_u64().filter(|weight| *weight <= super::route::LARGEST_WEIGHT);
                bounded.ok_or_else(|| Refused::Unreadable(format!("the weight of `{}`", self.name(backend))))
            }
        }
    }

    /// A backend of the workload with another colour and weight.
    pub(super) fn colored(self, backend: &Value, color: Color, weight: u64) -> Result<Value, Refused> {
        if let Some(subset) = backend.pointer("/destination/subset").filter(|it| !it.is_null()) {
            return Err(Refused::Unsupported(format!(
                "the rule leads to subset {subset} of Service `{}`: subsets are pods by labels, and so are colours, each \
                 with a Service of its own; remove it",
                self.lead.service
            )));
        }
        Ok(self.renamed(backend, &colored(&self.lead.service, color), weight))
    }

    /// A backend of the workload as that of the stable Service.
    pub(super) fn stable(self, backend: &Value, weight: u64) -> Value {
        self.renamed(backend, &self.lead.service, weight)
    }

    fn renamed(self, backend: &Value, name: &str, weight: u64) -> Value {
        let mut backend = weighted(backend, weight);
        match self.kind {
            Kind::Gateway => set(&mut backend, "name", name.into()),
            Kind::Istio => {
                let host = text(&backend, "/destination/host");
                let domain =
                    host.split_once('.').map_or_else(String::new, |(_, domain)| format!(".{domain}"));
                if let Some(destination) = backend.get_mut("destination") {
                    set(destination, "host", format!("{name}{domain}").into());
                }
            }
        }
        backend
    }

    /// What a rule mirrors to a colour, in percent.
    pub(super) fn mirror(self, rule: &Value) -> Option<(Color, u8)> {
        match self.kind {
            Kind::Gateway => filters(rule).iter().find_map(|filter| self.mirror_filter(filter)),
            Kind::Istio => {
                let mirror = json!({ "destination": rule.get("mirror")? });
                let Whose::Color(color) = self.whose(&mirror) else { return None };
                let percent = rule.pointer("/mirrorPercentage/value").map_or(Some(100.0), Value::as_f64)?;
                Some((color, whole(percent)?))
            }
        }
    }

    fn mirror_filter(self, filter: &Value) -> Option<(Color, u8)> {
        let mirror = filter.get("requestMirror").filter(|_| text(filter, "/type") == "RequestMirror")?;
        let Whose::Color(color) = self.whose(mirror.get("backendRef")?) else { return None };
        let fraction = mirror.get("fraction").filter(|it| !it.is_null()).map(|fraction| {
            let part = |field, default| fraction.get(field).map_or(Some(default), Value::as_f64);
            let (numerator, denominator) = part("numerator", 0.0).zip(part("denominator", 100.0))?;
            whole(100.0 * numerator / denominator)
        });
        let percent = || match mirror.get("percent") {
            None | Some(Value::Null) => Some(100),
            Some(percent) => whole(percent.as_f64()?),
        };
        Some((color, fraction.unwrap_or_else(percent)?))
    }

    /// The fields of a rule that say what it mirrors, as they shall be; `None` for one that shall be absent.
    pub(super) fn mirroring(
        self,
        rule: &Value,
        to: Option<(Color, u8)>,
        like: &Value,
    ) -> Result<Vec<(&'static str, Option<Value>)>, Refused> {
        let to = to.filter(|(_, percent)| *percent > 0);
        match self.kind {
            Kind::Gateway => {
                let before = filters(rule);
                let at =
                    before.iter().position(|it| self.mirror_filter(it).is_some()).unwrap_or(before.len());
                let mut after: Vec<Value> =
                    before.iter().filter(|it| self.mirror_filter(it).is_none()).cloned().collect();
                if let Some((color, percent)) = to {
                    let mut backend = self.colored(like, color, 0)?;
                    let fields = ["group", "kind", "namespace", "name", "port"];
                    retain(&mut backend, |field| fields.contains(&field));
                    let mut mirror = json!({ "backendRef": backend });
                    // Gateways that know no percentage mirror everything.
                    if percent < 100 {
                        set(&mut mirror, "percent", percent.into());
                    }
                    after.insert(at, json!({ "type": "RequestMirror", "requestMirror": mirror }));
                }
                if after.as_slice() == before {
                    return Ok(Vec::new());
                }
                Ok(vec![("filters", (!after.is_empty()).then(|| after.into()))])
            }
            Kind::Istio => {
                let other =
                    rule.get("mirror").is_some_and(|mirror| !mirror.is_null()) && self.mirror(rule).is_none();
                match to {
                    Some(_) if other || rule.get("mirrors").is_some() => Err(Refused::Unsupported(
                        "the rule mirrors to somewhere else already: leave `mirror` out of the steps"
                            .to_owned(),
                    )),
                    Some((color, percent)) => {
                        let backend = self.colored(like, color, 0)?;
                        let destination = backend.get("destination").cloned();
                        Ok(vec![
                            ("mirror", destination),
                            ("mirrorPercentage", Some(json!({ "value": percent }))),
                        ])
                    }
                    None if other => Ok(Vec::new()),
                    None if rule.get("mirror").is_none() => Ok(Vec::new()),
                    None => Ok(vec![("mirror", None), ("mirrorPercentage", None)]),
                }
            }
        }
    }

    /// The rule before the workload's own that leads requests with some headers to one colour: as the workload's rule
    /// otherwise.
    pub(super) fn header_rule(
        self,
        rule: &Value,
        headers: &BTreeMap<String, String>,
        color: Color,
        like: &Value,
    ) -> Result<Value, Refused> {
        let mut special = rule.clone();
        for (field, value) in self.mirroring(rule, None, like)? {
            match value {
                Some(value) => set(&mut special, field, value),
                None => retain(&mut special, |name| name != field),
            }
        }
        set(&mut special, "name", self.lead.release.rule_name().into());
        set(&mut special, self.backends(), json!([self.colored(like, color, 100)?]));
        let field = self.matches();
        let all = match self.kind {
            Kind::Gateway => json!({ "path": { "type": "PathPrefix", "value": "/" } }),
            Kind::Istio => json!({}),
        };
        let matches = match rule.get(field).and_then(Value::as_array) {
            Some(matches) if !matches.is_empty() => matches.clone(),
            _ => vec![all],
        };
        let matches: Vec<Value> = matches.iter().filter_map(|it| self.with_headers(it, headers)).collect();
        if matches.is_empty() {
            let names: Vec<String> = headers.keys().map(|name| format!("`{name}`")).collect();
            return Err(Refused::Unsupported(format!(
                "the rule itself matches by {}, so that no request of it could have the step's headers",
                names.join(", ")
            )));
        }
        set(&mut special, field, matches.into());
        Ok(special)
    }

    fn matches(self) -> &'static str {
        match self.kind {
            Kind::Gateway => "matches",
            Kind::Istio => "match",
        }
    }

    /// A match that asks for some headers too; `None` if it asks for something else of one of them.
    fn with_headers(self, it: &Value, headers: &BTreeMap<String, String>) -> Option<Value> {
        let mut narrowed = it.clone();
        let own = self.headers_of(it);
        for (name, value) in headers {
            match own.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
                Some((_, Some(own))) if *own == value.as_str() => {}
                Some(_) => return None,
                None => match self.kind {
                    Kind::Gateway => {
                        let header = json!({ "type": "Exact", "name": name, "value": value });
                        match narrowed.get_mut("headers").and_then(Value::as_array_mut) {
                            Some(list) => list.push(header),
                            None => set(&mut narrowed, "headers", json!([header])),
                        }
                    }
                    Kind::Istio => {
                        // Envoy compares names in lower case, and Istio asks for them so.
                        let (name, header) = (name.to_ascii_lowercase(), json!({ "exact": value }));
                        match narrowed.get_mut("headers") {
                            Some(map @ Value::Object(_)) => set(map, &name, header),
                            _ => set(&mut narrowed, "headers", json!({ name: header })),
                        }
                    }
                },
            }
        }
        Some(narrowed)
    }

    /// The headers of a match, with their values where they must be equal to something.
    fn headers_of(self, it: &Value) -> Vec<(&str, Option<&str>)> {
        match (self.kind, it.get("headers")) {
            (Kind::Gateway, Some(Value::Array(list))) => {
                let exact = |header| ["", "Exact"].contains(&text(header, "/type"));
                list.iter()
                    .map(|header| {
                        (text(header, "/name"), Some(text(header, "/value")).filter(|_| exact(header)))
                    })
                    .collect()
            }
            (Kind::Istio, Some(Value::Object(map))) => map
                .iter()
                .map(|(name, value)| (name.as_str(), value.get("exact").and_then(Value::as_str)))
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn filters(rule: &Value) -> &[Value] {
    rule.get("filters").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn weighted(backend: &Value, weight: u64) -> Value {
    let mut backend = backend.clone();
    set(&mut backend, "weight", weight.into());
    backend
}

fn set(value: &mut Value, field: &str, to: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(field.to_owned(), to);
    }
}

fn retain(value: &mut Value, mut keep: impl FnMut(&str) -> bool) {
    if let Some(fields) = value.as_object_mut() {
        let kept: Map<String, Value> =
            std::mem::take(fields).into_iter().filter(|(field, _)| keep(field)).collect();
        *fields = kept;
    }
}

/// A percentage without its fraction.
fn whole(percent: f64) -> Option<u8> {
    // The text of a whole float is an integer, so this avoids a narrowing cast.
    (0.0..=100.0).contains(&percent).then(|| format!("{:.0}", percent.floor()).parse().ok()).flatten()
}
