//! Routes with weights.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dialect::{Dialect, Whose, weighted};
use super::ops::{Ops, pointer, same};
use super::{Lead, Reading, Refused, RuleRef, Wanted, Weights, annotation, mark, marked};
use crate::object::text;
use crate::release::color::Color;
use crate::release::identity::{HEADERS_ANNOTATION, colored};

/// The largest weight that Gateway API allows.
pub(super) const LARGEST_WEIGHT: u64 = 1_000_000;

/// The release's rule in a route, and the header rules that steps have added.
struct Found<'a> {
    dialect: Dialect<'a>,
    rules: &'a [Value],
    /// The release's rule.
    index: usize,
    rule: &'a Value,
    /// Header rules, ascending.
    special: Vec<usize>,
}

impl<'a> Found<'a> {
    fn of(lead: &'a Lead, live: &'a Value) -> Result<Self, Refused> {
        let dialect = Dialect::of(lead, live);
        let rules = live.get("spec").and_then(|spec| spec.get(dialect.rules()));
        let Some(rules) = rules.and_then(Value::as_array) else {
            return Err(Refused::Unreadable(format!("it has no list `spec.{}`", dialect.rules())));
        };
        let is_special = |rule: &Value| text(rule, "/name") == lead.release.rule_name();
        let ours = |rule: &Value| {
            backends(dialect, rule).iter().any(|backend| dialect.whose(backend) != Whose::Other)
        };
        let mut own = rules.iter().enumerate().filter(|(_, rule)| !is_special(rule));
        let not_led = |rule: String| Refused::NotLed {
            rule,
            service: lead.service.clone(),
            attribute: dialect.attribute(),
        };
        let (index, rule) = match dialect.rule() {
            Some(RuleRef::Name(name)) => own
                .find(|(_, rule)| text(rule, "/name") == name && ours(rule))
                .ok_or_else(|| not_led(format!("rule `{name}`")))?,
            Some(RuleRef::Index(index)) => own
                .nth(*index)
                .filter(|(_, rule)| ours(rule))
                .ok_or_else(|| not_led(format!("rule {index}")))?,
            None => {
                let candidates: Vec<_> = own.filter(|(_, rule)| ours(rule)).collect();
                match candidates.as_slice() {
                    [one] => *one,
                    [] => return Err(not_led("no rule".to_owned())),
                    several => {
                        return Err(Refused::Ambiguous {
                            count: several.len(),
                            service: lead.service.clone(),
                            attribute: dialect.attribute(),
                        });
                    }
                }
            }
        };
        let special =
            rules.iter().enumerate().filter(|(_, rule)| is_special(rule)).map(|(index, _)| index).collect();
        Ok(Self { dialect, rules, index, rule, special })
    }

    /// Sums of the weights: stable, blue, green, others.
    fn sums(&self) -> Result<Sums, Refused> {
        let list = backends(self.dialect, self.rule);
        let mut sums = Sums::default();
        for backend in list {
            let weight = self.dialect.weight(backend, list.len())?;
            *match self.dialect.whose(backend) {
                Whose::Stable => sums.stable.get_or_insert(0),
                Whose::Color(Color::Blue) => &mut sums.blue,
                Whose::Color(Color::Green) => &mut sums.green,
                Whose::Other => &mut sums.others,
            } += weight;
        }
        Ok(sums)
    }

    /// The rule's backends with the colours' weights as wanted.
    fn led(&self, lead: &Lead, wanted: &Wanted) -> Result<Vec<Value>, Refused> {
        let list = backends(self.dialect, self.rule);
        let sums = self.sums()?;
        let (ours, times, by) = self.scaled(&sums, lead)?;
        let mut led = Vec::new();
        let mut placed = false;
        for backend in list {
            if self.dialect.whose(backend) == Whose::Other {
                let weight = self.dialect.weight(backend, list.len())?;
                // A weight that need not change is not written.
                let same = times == 1 && by == 1;
                led.push(if same { backend.clone() } else { weighted(backend, weight / by * times) });
            } else if !std::mem::replace(&mut placed, true) {
                for color in Color::BOTH {
                    let share =
                        u64::from(if color == wanted.color { wanted.weight } else { 100 - wanted.weight });
                    if wanted.services.contains(&color) {
                        let like = self.like(color).unwrap_or(backend);
                        led.push(self.dialect.colored(like, color, ours / 100 * share)?);
                    } else if share > 0 {
                        return Err(Refused::Service { name: colored(&lead.service, color) });
                    }
                }
            }
        }
        Ok(led)
    }

    /// The sum of the colours' weights, a multiple of 100, and by what the others' weights are multiplied and divided.
    fn scaled(&self, sums: &Sums, lead: &Lead) -> Result<(u64, u64, u64), Refused> {
        let ours = sums.stable.unwrap_or(0) + sums.blue + sums.green;
        if sums.others == 0 {
            return Ok((100, 1, 1));
        }
        if ours == 0 {
            return Err(Refused::NoShare { service: lead.service.clone() });
        }
        if ours.is_multiple_of(100) {
            return Ok((ours, 1, 1));
        }
        let list = backends(self.dialect, self.rule);
        let mut by = ours;
        let mut largest = 0;
        for backend in list.iter().filter(|backend| self.dialect.whose(backend) == Whose::Other) {
            let weight = self.dialect.weight(backend, list.len())?;
            by = greatest_common_divisor(by, weight);
            largest = largest.max(weight);
        }
        let times = 100 / greatest_common_divisor(ours / by, 100);
        let (ours, largest) = (ours / by * times, largest / by * times);
        if ours > LARGEST_WEIGHT || largest > LARGEST_WEIGHT {
            Err(Refused::Weights)
        } else {
            Ok((ours, times, by))
        }
    }

    /// The backend that a colour's is made like: its own, else the other colour's or the stable Service's.
    fn like(&self, color: Color) -> Option<&'a Value> {
        let list = backends(self.dialect, self.rule);
        let rank = |backend: &&Value| match self.dialect.whose(backend) {
            Whose::Color(found) if found == color => 0,
            Whose::Color(_) => 1,
            Whose::Stable => 2,
            Whose::Other => 3,
        };
        list.iter().min_by_key(rank).filter(|backend| rank(backend) < 3)
    }

    /// The header rule that is wanted.
    fn header_rule(&self, lead: &Lead, wanted: &Wanted) -> Result<Option<Value>, Refused> {
        if wanted.headers.is_empty() {
            return Ok(None);
        }
        let like = self.mirrored(lead, wanted)?;
        self.dialect.header_rule(self.rule, &wanted.headers, wanted.color, like).map(Some)
    }

    /// The headers by which requests are led now. A header rule that is not as it would be written now, because the
    /// workload's rule or itself has changed since, leads nothing: it is written again.
    fn headers(&self, lead: &Lead, live: &Value) -> Headers {
        let left = annotation(live, &mark(&lead.release, HEADERS_ANNOTATION));
        let left: Option<BTreeMap<String, String>> = left.and_then(|text| serde_json::from_str(text).ok());
        let rule = self.special.first().and_then(|at| self.rules.get(*at));
        let (Some(rule), Some(headers)) = (rule, left) else {
            return if rule.is_some() { Headers::Foreign } else { Headers::None };
        };
        let color =
            backends(self.dialect, rule).iter().find_map(|backend| match self.dialect.whose(backend) {
                Whose::Color(color) => Some(color),
                Whose::Stable | Whose::Other => None,
            });
        let as_written = color.and_then(|color| {
            let rule = self.dialect.header_rule(self.rule, &headers, color, self.like(color)?).ok()?;
            self.is_in_place(Some(&rule)).then_some(color)
        });
        as_written.map_or(Headers::None, |color| Headers::Led(color, headers))
    }

    /// What what leads to the wanted colour is made like; that colour must exist.
    fn mirrored(&self, lead: &Lead, wanted: &Wanted) -> Result<&'a Value, Refused> {
        let missing = || Refused::Service { name: colored(&lead.service, wanted.color) };
        if !wanted.services.contains(&wanted.color) {
            return Err(missing());
        }
        self.like(wanted.color).ok_or_else(missing)
    }

    /// Whether the header rule is there as it should be and where it should be.
    fn is_in_place(&self, header_rule: Option<&Value>) -> bool {
        match (header_rule, self.special.as_slice()) {
            (None, []) => true,
            (Some(wanted), [at]) => {
                *at + 1 == self.index && self.rules.get(*at).is_some_and(|rule| same(rule, wanted))
            }
            _ => false,
        }
    }
}

enum Headers {
    None,
    Led(Color, BTreeMap<String, String>),
    Foreign,
}

#[derive(Default)]
struct Sums {
    stable: Option<u64>,
    blue: u64,
    green: u64,
    others: u64,
}

pub(super) fn read(lead: &Lead, live: &Value) -> Result<Reading, Refused> {
    let found = Found::of(lead, live)?;
    let sums = found.sums()?;
    let total = sums.blue + sums.green;
    let weights = (sums.stable.is_none() && total > 0).then(|| {
        // At most 100, since it is a part of the total.
        let green = u8::try_from(sums.green * 100 / total).unwrap_or(100);
        Weights { blue: 100 - green, green }
    });
    let now = summary(found.dialect, backends(found.dialect, found.rule))?;
    let mirror = found.dialect.mirror(found.rule).filter(|(_, percent)| *percent > 0);
    let mut reading = Reading { mirror, ..marked(lead, live, &now, weights) };
    match found.headers(lead, live) {
        Headers::None => {}
        Headers::Led(color, headers) => reading.headers = Some((color, headers)),
        Headers::Foreign => {
            reading.foreign.get_or_insert_with(|| {
                format!(
                    "rule `{}` is there, and the release did not leave it there",
                    lead.release.rule_name()
                )
            });
        }
    }
    Ok(reading)
}

/// Writes what is wanted; returns how the weights then read.
pub(super) fn shift(lead: &Lead, live: &Value, wanted: &Wanted, ops: &mut Ops) -> Result<String, Refused> {
    if wanted.weight > 100 || wanted.mirror.is_some_and(|mirror| mirror > 100) {
        return Err(Refused::Unsupported("weights and mirror are percentages, at most 100".to_owned()));
    }
    let found = Found::of(lead, live)?;
    let header_rule = found.header_rule(lead, wanted)?;
    let led = found.led(lead, wanted)?;
    let left = summary(found.dialect, &led)?;
    let (rules, index) = (found.dialect.rules(), found.index.to_string());
    for (field, value) in mirroring(&found, lead, wanted)? {
        match value {
            Some(value) => ops.set(live, &["spec", rules, &index, field], value),
            None => ops.unset(live, &["spec", rules, &index, field]),
        }
    }
    ops.set(live, &["spec", rules, &index, found.dialect.backends()], led.into());
    if !found.is_in_place(header_rule.as_ref()) {
        // From the last to the first, so that places stay what they are.
        for at in found.special.iter().rev() {
            ops.remove(pointer(&["spec", rules, &at.to_string()]));
        }
        if let Some(rule) = header_rule {
            let before = found.special.iter().filter(|at| **at < found.index).count();
            ops.add(pointer(&["spec", rules, &(found.index - before).to_string()]), rule);
        }
    }
    Ok(left)
}

/// Leads the rule to the stable Service again, with the share of the colours.
pub(in crate::release) fn orphan(lead: &Lead, live: &Value, ops: &mut Ops) -> Result<(), Refused> {
    let found = Found::of(lead, live)?;
    let (rules, index) = (found.dialect.rules(), found.index.to_string());
    let list = backends(found.dialect, found.rule);
    let sums = found.sums()?;
    let mut plain = Vec::new();
    let mut placed = false;
    for backend in list {
        if found.dialect.whose(backend) == Whose::Other {
            plain.push(backend.clone());
        } else if !std::mem::replace(&mut placed, true) {
            plain.push(found.dialect.stable(backend, sums.stable.unwrap_or(0) + sums.blue + sums.green));
        }
    }
    for (field, value) in found.dialect.mirroring(found.rule, None, &Value::Null)? {
        match value {
            Some(value) => ops.set(live, &["spec", rules, &index, field], value),
            None => ops.unset(live, &["spec", rules, &index, field]),
        }
    }
    if sums.blue + sums.green > 0 || sums.stable.is_none() {
        ops.set(live, &["spec", rules, &index, found.dialect.backends()], plain.into());
    }
    for at in found.special.iter().rev() {
        ops.remove(pointer(&["spec", rules, &at.to_string()]));
    }
    Ok(())
}

type Fields = Vec<(&'static str, Option<Value>)>;

fn mirroring(found: &Found<'_>, lead: &Lead, wanted: &Wanted) -> Result<Fields, Refused> {
    let to = wanted.mirror.filter(|percent| *percent > 0).map(|percent| (wanted.color, percent));
    let like = match to {
        Some(_) => found.mirrored(lead, wanted)?,
        None => &Value::Null,
    };
    found.dialect.mirroring(found.rule, to, like)
}

fn backends<'a>(dialect: Dialect<'_>, rule: &'a Value) -> &'a [Value] {
    rule.get(dialect.backends()).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `frontend-blue=80,frontend-green=20`
fn summary(dialect: Dialect<'_>, list: &[Value]) -> Result<String, Refused> {
    let parts: Vec<String> = list
        .iter()
        .map(|backend| Ok(format!("{}={}", dialect.name(backend), dialect.weight(backend, list.len())?)))
        .collect::<Result<_, Refused>>()?;
    Ok(parts.join(","))
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
