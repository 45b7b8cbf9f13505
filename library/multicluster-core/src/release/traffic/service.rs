//! The stable Service: its selector names one colour.

use serde_json::{Map, Value};

use super::ops::Ops;
use super::{Lead, Reading, Refused, TrafficSpec, Wanted, Weights, marked};
use crate::object::text;
use crate::release::adopt::Adopted;
use crate::release::color::Color;
use crate::release::identity::{COLOR_LABEL, POD_TEMPLATE_HASH};

/// What of a selector says to which pods of the workload it leads.
pub(in crate::release) const LED: [&str; 2] = [COLOR_LABEL, POD_TEMPLATE_HASH];

pub(super) fn read(lead: &Lead, live: &Value) -> Result<Reading, Refused> {
    let selector = selector_of(live)?;
    let weights = leads_to(selector, live).map(|color| match color {
        Color::Blue => Weights { blue: 100, green: 0 },
        Color::Green => Weights { blue: 0, green: 100 },
    });
    Ok(marked(lead, live, &summary(selector), weights))
}

/// Adds what leads to the wanted colour; returns how the selector then reads.
pub(super) fn shift(lead: &Lead, live: &Value, wanted: &Wanted, ops: &mut Ops) -> Result<String, Refused> {
    let color = match (&lead.spec, wanted.weight) {
        (_, 100) => wanted.color,
        (TrafficSpec::Service { .. }, weight) if weight > 0 => {
            return Err(Refused::Unsupported(format!(
                "a Service leads to one colour only, and {weight} % are wanted for {}",
                wanted.color
            )));
        }
        _ => wanted.color.other(),
    };
    if let TrafficSpec::Service { .. } = lead.spec
        && (!wanted.headers.is_empty() || wanted.mirror.is_some_and(|mirror| mirror > 0))
    {
        return Err(Refused::Unsupported("a Service does not see headers and does not mirror".to_owned()));
    }
    let mut selector = open(selector_of(live)?);
    let (key, value) = led_by(live, color);
    selector.insert(key, value);
    let left = summary(&selector);
    ops.set(live, &["spec", "selector"], Value::Object(selector));
    Ok(left)
}

/// Whether the stable Service beside a route leads to where it belongs: to the new colour if the route gives that
/// everything, else to the other one.
pub(super) fn follows(beside: Option<Weights>, new: Color, weight: u8) -> bool {
    let color = if weight == 100 { new } else { new.other() };
    beside.is_some_and(|weights| weights.of(color) == 100)
}

/// A selector without what says which pods of the workload it leads to.
pub(in crate::release) fn open(selector: &Map<String, Value>) -> Map<String, Value> {
    let kept = selector.iter().filter(|(key, _)| !LED.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What leads to a colour: its label, or the hash of the replica set of a workload that was taken over.
pub(in crate::release) fn led_by(service: &Value, color: Color) -> (String, Value) {
    match Adopted::of(service).filter(|_| color == Color::Blue) {
        Some(adopted) => (POD_TEMPLATE_HASH.to_owned(), adopted.hash.into()),
        None => (COLOR_LABEL.to_owned(), color.as_str().into()),
    }
}

pub(in crate::release) fn selector_of(live: &Value) -> Result<&Map<String, Value>, Refused> {
    match live.pointer("/spec/selector").and_then(Value::as_object) {
        Some(selector) if !selector.is_empty() => Ok(selector),
        _ => Err(Refused::Unreadable(format!(
            "Service `{}` has no selector, so that its endpoints are not the workload's",
            text(live, "/metadata/name")
        ))),
    }
}

/// The colour that a selector leads to, if it is exactly one of ours.
fn leads_to(selector: &Map<String, Value>, live: &Value) -> Option<Color> {
    let led: Map<String, Value> =
        LED.into_iter().filter_map(|key| Some((key.to_owned(), selector.get(key)?.clone()))).collect();
    Color::BOTH.into_iter().find(|color| {
        let (key, value) = led_by(live, *color);
        led.len() == 1 && led.get(&key) == Some(&value)
    })
}

/// `multicluster.dev/color=green`; `open` if it leads to all pods of the workload.
fn summary(selector: &Map<String, Value>) -> String {
    let led: Vec<String> = LED
        .into_iter()
        .filter_map(|key| Some(format!("{key}={}", selector.get(key)?.as_str().unwrap_or("?"))))
        .collect();
    if led.is_empty() { "open".to_owned() } else { led.join(",") }
}
