//! The way back: what a release leads and has marked becomes plain again, and goes on serving.
//!
//! The colour that does not serve must have no pods before: afterwards the stable Service leads to all of them.

use json_patch::Patch;
use serde_json::Value;

use super::Adopted;
use crate::object::text;
use crate::release::identity::{
    ADOPTED_ANNOTATION, COLOR_LABEL, EPOCH_ANNOTATION, HEADERS_ANNOTATION, MINIMUM_ANNOTATION,
    POD_TEMPLATE_HASH, RELEASE_ID_ANNOTATION, RELEASE_LABEL, STEP_ANNOTATION, VERSION_LABEL,
    WEIGHTS_ANNOTATION,
};
use crate::release::traffic::ops::Ops;
use crate::release::traffic::{Lead, Refused, Role, TrafficSpec, fenced, mark, route, service};

/// The patch that makes an object that leads traffic plain again: a route leads to the stable Service as a whole, with the
/// share of its colours; the Service selects all pods of the workload. The release's annotations go.
///
/// The Service goes first, so that a route never leads to a Service without endpoints.
///
/// # Errors
/// [`Refused`] as for a switch.
pub fn traffic(lead: &Lead, role: Role, live: &Value, epoch: u64) -> Result<Patch, Refused> {
    fenced(&lead.release, live, epoch)?;
    let mut ops = Ops::default();
    match (role, &lead.spec) {
        (Role::Route, TrafficSpec::HttpRoute { .. } | TrafficSpec::VirtualService { .. }) => {
            route::orphan(lead, live, &mut ops)?;
        }
        _ => {
            let selector = service::open(service::selector_of(live)?);
            ops.set(live, &["spec", "selector"], selector.into());
        }
    }
    let of_release: Vec<String> =
        [EPOCH_ANNOTATION, RELEASE_ID_ANNOTATION, STEP_ANNOTATION, WEIGHTS_ANNOTATION, HEADERS_ANNOTATION]
            .into_iter()
            .map(|annotation| mark(&lead.release, annotation))
            .collect();
    let annotations = of_release.iter().map(String::as_str).chain([ADOPTED_ANNOTATION]);
    ops.metadata(live, "annotations", annotations.map(|annotation| (annotation, None)));
    ops.metadata(live, "labels", [(RELEASE_LABEL, None)]);
    ops.tied_to(live, &[&["metadata", "annotations", &mark(&lead.release, EPOCH_ANNOTATION)]])
}

/// The patch that makes an object of a colour plain again: its labels of the release go, an autoscaler gets its minimum
/// back, and a Deployment that was taken over rolls out again. Its pods, and what selects them, stay as they are; a
/// disruption budget that was narrowed gets its width back.
///
/// `adopted` is what [`Adopted::of`] said before the Service was made plain.
///
/// # Errors
/// [`Refused::Unreadable`] if it cannot be patched.
pub fn object(live: &Value, adopted: Option<&Adopted>) -> Result<Patch, Refused> {
    let mut ops = Ops::default();
    ops.metadata(live, "labels", [RELEASE_LABEL, COLOR_LABEL, VERSION_LABEL].map(|label| (label, None)));
    let name = text(live, "/metadata/name");
    match (text(live, "/kind"), adopted) {
        ("Deployment", Some(adopted)) if adopted.deployment == name => ops.unset(live, &["spec", "paused"]),
        ("PodDisruptionBudget", Some(adopted)) if adopted.budget.as_deref() == Some(name) => {
            ops.unset(live, &["spec", "selector", "matchLabels", POD_TEMPLATE_HASH]);
        }
        ("HorizontalPodAutoscaler", _) => {
            let noted = live.pointer("/metadata/annotations").and_then(|it| it.get(MINIMUM_ANNOTATION));
            let minimum = noted.and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok());
            if let Some(minimum) = minimum {
                ops.set(live, &["spec", "minReplicas"], minimum.into());
            }
            ops.metadata(live, "annotations", [(MINIMUM_ANNOTATION, None)]);
        }
        _ => {}
    }
    ops.tied_to(live, &[])
}
