//! Leading traffic to a colour: what an object says now, and the one conditional patch that makes it say something else.
//!
//! Invariants:
//! - a patch begins with tests of `metadata.resourceVersion` and of the epoch that was read, so that it is refused if
//!   anybody wrote in between;
//! - it writes to the release's part of one rule, to rules that an earlier patch has added, and to the release's own
//!   annotations, and to nothing else;
//! - a Service that does not exist is never referred to: Gateway API answers with errors for its share.
//!
//! | | weights | headers | mirror |
//! |---|---|---|---|
//! | Service | the selector's colour: all or nothing | – | – |
//! | HTTPRoute | `backendRefs` of one rule | a rule before it, named after the release | a `RequestMirror` filter |
//! | VirtualService | `route` of one entry of `http` | an entry before it, named after the release | `mirror` |
//!
//! Weights of the two colours have the sum 100. Where a rule leads to other backends too, those keep their share of all
//! requests exactly: the weights are multiplied until the colours' sum is a multiple of 100.
//!
//! What others change afterwards is seen by an annotation that repeats the weights as they were left.

mod conditions;
mod dialect;
pub(in crate::release) mod ops;
pub(in crate::release) mod route;
pub(in crate::release) mod service;
mod spec;
mod warning;

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::{Value, json};

pub use self::conditions::accepted;
use self::ops::Ops;
pub use self::spec::{Lead, Role, RuleRef, Target, TrafficSpec, check};
pub use self::warning::lb_warning;
use super::color::Color;
use super::identity::{
    EPOCH_ANNOTATION, HEADERS_ANNOTATION, RELEASE_ID_ANNOTATION, ReleaseIdentity, STEP_ANNOTATION,
    WEIGHTS_ANNOTATION,
};
use super::journal::ReleaseId;
use super::observed::TrafficView;
use crate::digest::canonical;
use crate::object::text;

/// How traffic shall be led on one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The colour that `weight`, `headers` and `mirror` are about. The other one gets the rest.
    pub color: Color,
    /// Its share, 0 to 100.
    pub weight: u8,
    /// Requests with *all* of these headers go to it whatever the weight.
    pub headers: BTreeMap<String, String>,
    /// The share of requests that are also sent to it. 0 to 100.
    pub mirror: Option<u8>,
    /// The epoch of the apply that writes.
    pub epoch: u64,
    /// The release that it writes for.
    pub release: ReleaseId,
    /// The step that this is; `None` where no step is shown and all traffic goes to `color`.
    pub step: Option<usize>,
    /// The colours whose own Services exist on the cluster.
    pub services: BTreeSet<Color>,
}

/// What an object says about a release's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The shares of the colours; `None` while it leads to the stable Service as a whole, whichever pods that has.
    pub weights: Option<Weights>,
    /// Requests that go to a colour by headers.
    pub headers: Option<(Color, BTreeMap<String, String>)>,
    /// Requests that are also sent to a colour, in percent.
    pub mirror: Option<(Color, u8)>,
    /// Of whoever wrote last.
    pub epoch: Option<u64>,
    /// The release that was written for last.
    pub release: Option<ReleaseId>,
    /// The step that was written last, as the annotation has it.
    pub step: Option<String>,
    /// What somebody else has changed since, in words.
    pub foreign: Option<String>,
}

/// The shares of the two colours in percent, whose sum is 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Of blue.
    pub blue: u8,
    /// Of green.
    pub green: u8,
}

impl Weights {
    /// The share of a colour.
    #[must_use]
    pub fn of(self, color: Color) -> u8 {
        match color {
            Color::Blue => self.blue,
            Color::Green => self.green,
        }
    }
}

/// Why traffic is not led as wanted. None of these goes away by trying again, but for [`Refused::Service`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The object is not as such an object is.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// No rule leads to the workload, or not the one that is named.
    #[error(
        "{rule} does not lead to Service `{service}`, nor to its colours: name the rule that does (`{attribute}`)"
    )]
    NotLed {
        /// The rule.
        rule: String,
        /// The stable Service.
        service: String,
        /// The attribute that names a rule.
        attribute: &'static str,
    },
    /// Several rules lead to the workload.
    #[error("{count} rules lead to Service `{service}`: say which one is the release's (`{attribute}`)")]
    Ambiguous {
        /// How many.
        count: usize,
        /// The stable Service.
        service: String,
        /// The attribute that names a rule.
        attribute: &'static str,
    },
    /// Another apply has taken over.
    #[error("an apply of epoch {found} has taken over, this one is of epoch {ours}")]
    Superseded {
        /// The epoch on the object.
        found: u64,
        /// The epoch of who wants to write.
        ours: u64,
    },
    /// The colour's own Service is not there.
    #[error("Service `{name}` does not exist, and nothing is led to what does not exist")]
    Service {
        /// The Service.
        name: String,
    },
    /// The rule leads to other backends only.
    #[error("the rule leads to other backends than Service `{service}` only (weight 0): give it a weight")]
    NoShare {
        /// The stable Service.
        service: String,
    },
    /// No whole numbers in the range of weights keep the other backends' share.
    #[error(
        "no weights up to 1000000 keep the share of the rule's other backends: give them simpler weights"
    )]
    Weights,
    /// Something else is there already, or cannot be had.
    #[error("{0}")]
    Unsupported(String),
}

/// What an object says.
///
/// # Errors
/// [`Refused`] if it does not lead to the workload, or is not such an object at all.
pub fn read(lead: &Lead, role: Role, live: &Value) -> Result<Reading, Refused> {
    match (role, &lead.spec) {
        (Role::Route, TrafficSpec::HttpRoute { .. } | TrafficSpec::VirtualService { .. }) => {
            route::read(lead, live)
        }
        _ => service::read(lead, live),
    }
}

/// The patch that leads traffic as wanted. It is empty if nothing is to be done.
///
/// The first time it makes the route lead to the colours instead of the stable Service.
///
/// # Errors
/// [`Refused`] says why it is not done.
///
/// # Examples
/// ```
/// use multicluster_core::names::ReleaseName;
/// use multicluster_core::release::journal::ReleaseId;
/// use multicluster_core::release::traffic::{Lead, Role, TrafficSpec, Wanted, read, shift};
/// use multicluster_core::release::{Color, identity::ReleaseIdentity};
/// use serde_json::json;
///
/// let lead = Lead {
///     release: ReleaseIdentity::new(ReleaseName::new("frontend").unwrap(), "guestbook"),
///     spec: TrafficSpec::HttpRoute { name: "frontend".into(), namespace: None, rule: None, service: None },
///     service: "frontend".into(),
/// };
/// let mut route = json!({
///     "metadata": { "name": "frontend", "namespace": "guestbook", "resourceVersion": "7" },
///     "spec": { "rules": [{ "backendRefs": [{ "name": "frontend", "port": 80 }] }] }
/// });
/// let wanted = Wanted {
///     color: Color::Green, weight: 20, headers: [].into(), mirror: None,
///     epoch: 1, release: ReleaseId("r-0123456789".into()), step: Some(0), services: Color::BOTH.into(),
/// };
/// let patch = shift(&lead, Role::Route, &route, &wanted).unwrap();
/// json_patch::patch(&mut route, &patch).unwrap();
/// assert_eq!(
///     route.pointer("/spec/rules/0/backendRefs"),
///     Some(&json!([
///         { "name": "frontend-blue", "port": 80, "weight": 80 },
///         { "name": "frontend-green", "port": 80, "weight": 20 }
///     ]))
/// );
/// assert_eq!(read(&lead, Role::Route, &route).unwrap().weights.unwrap().green, 20);
/// ```
pub fn shift(lead: &Lead, role: Role, live: &Value, wanted: &Wanted) -> Result<Patch, Refused> {
    fenced(&lead.release, live, wanted.epoch)?;
    let mut ops = Ops::default();
    let left = match (role, &lead.spec) {
        (Role::Route, TrafficSpec::HttpRoute { .. } | TrafficSpec::VirtualService { .. }) => {
            route::shift(lead, live, wanted, &mut ops)?
        }
        _ => service::shift(lead, live, wanted, &mut ops)?,
    };
    let mark = |annotation| mark(&lead.release, annotation);
    let headers_left =
        (role == Role::Route && !wanted.headers.is_empty()).then(|| canonical(&json!(wanted.headers)));
    let headers = mark(HEADERS_ANNOTATION);
    let step = wanted.step.map_or_else(|| "all".to_owned(), |step| step.to_string());
    let (epoch, id, at, weights) = (
        mark(EPOCH_ANNOTATION),
        mark(RELEASE_ID_ANNOTATION),
        mark(STEP_ANNOTATION),
        mark(WEIGHTS_ANNOTATION),
    );
    ops.metadata(
        live,
        "annotations",
        [
            (epoch.as_str(), Some(wanted.epoch.to_string())),
            (id.as_str(), Some(wanted.release.0.clone())),
            (at.as_str(), Some(step)),
            (weights.as_str(), Some(left)),
            (headers.as_str(), headers_left),
        ],
    );
    ops.tied_to(live, &[&["metadata", "annotations", &epoch]])
}

/// The patch of a takeover: the epoch alone, so that no switch of an earlier one is accepted from then on. It is empty
/// where the epoch stands already.
///
/// # Errors
/// [`Refused::Superseded`] if a later epoch stands there.
pub fn raise_epoch(lead: &Lead, live: &Value, epoch: u64) -> Result<Patch, Refused> {
    fenced(&lead.release, live, epoch)?;
    let mark = mark(&lead.release, EPOCH_ANNOTATION);
    let mut ops = Ops::default();
    ops.metadata(live, "annotations", [(mark.as_str(), Some(epoch.to_string()))]);
    ops.tied_to(live, &[&["metadata", "annotations", &mark]])
}

/// How traffic is led, as the state machine looks at it. `new` is the colour of the release, `epoch` that of the apply
/// that looks; `objects` are those that [`Lead::targets`] names, in that order, `None` for one that is not there.
///
/// A stable Service that does not follow its route counts as not accepted, so that the switch is carried out again.
///
/// `None` if the object with the weights is not there, cannot be read or does not lead to the workload.
#[must_use]
pub fn view(lead: &Lead, objects: &[Option<&Value>], new: Color, epoch: u64) -> Option<TrafficView> {
    let targets = lead.targets();
    let (target, live) = targets.first().zip(objects.first().copied().flatten())?;
    let reading = read(lead, target.role, live).ok()?;
    let superseded = reading.epoch.filter(|found| *found > epoch);
    let superseded = superseded.map(|found| Refused::Superseded { found, ours: epoch }.to_string());
    let weight = reading.weights.map_or(0, |weights| weights.of(new));
    let mut view = TrafficView {
        weight,
        headers: of_color(reading.headers, new).unwrap_or_default(),
        mirror: of_color(reading.mirror, new),
        accepted: accepted(live).is_ok(),
        foreign: superseded.or(reading.foreign),
    };
    for (target, live) in targets.iter().zip(objects).skip(1) {
        let Some(live) = live else { continue };
        match read(lead, target.role, live) {
            Ok(beside) => {
                view.accepted &= service::follows(beside.weights, new, weight);
                view.foreign = view.foreign.or(beside.foreign);
            }
            Err(error) => view.foreign = view.foreign.or_else(|| Some(format!("{}: {error}", target.key))),
        }
    }
    Some(view)
}

fn of_color<T>(of: Option<(Color, T)>, color: Color) -> Option<T> {
    of.filter(|(of, _)| *of == color).map(|(_, it)| it)
}

/// An annotation of one release. A route may lead the traffic of several, each by a rule of its own, so that the
/// release's name is part of the key: `frontend.multicluster.dev/epoch`.
#[must_use]
pub fn mark(release: &ReleaseIdentity, annotation: &str) -> String {
    format!("{}.{annotation}", release.name)
}

/// Refuses to write where a later epoch has written.
pub(super) fn fenced(release: &ReleaseIdentity, live: &Value, ours: u64) -> Result<(), Refused> {
    match epoch_of(release, live) {
        Some(found) if found > ours => Err(Refused::Superseded { found, ours }),
        _ => Ok(()),
    }
}

/// The epoch on an object that leads a release's traffic. An annotation that is no number counts as none: the test in
/// the patch still holds it to what was read.
#[must_use]
pub fn epoch_of(release: &ReleaseIdentity, live: &Value) -> Option<u64> {
    annotation(live, &mark(release, EPOCH_ANNOTATION))?.parse().ok()
}

fn annotation<'a>(live: &'a Value, key: &str) -> Option<&'a str> {
    live.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// What every kind of object says by annotations. `now` is the weights as they are.
fn marked(lead: &Lead, live: &Value, now: &str, weights: Option<Weights>) -> Reading {
    let of = |name| annotation(live, &mark(&lead.release, name));
    let foreign = of(WEIGHTS_ANNOTATION)
        .filter(|left| *left != now)
        .map(|left| format!("{} was left with `{left}` and has `{now}` now", text(live, "/metadata/name")));
    Reading {
        weights,
        headers: None,
        mirror: None,
        epoch: epoch_of(&lead.release, live),
        release: of(RELEASE_ID_ANNOTATION).map(|id| ReleaseId(id.to_owned())),
        step: of(STEP_ANNOTATION).map(str::to_owned),
        foreign,
    }
}
