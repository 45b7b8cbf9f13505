//! Autoscalers that do not shrink a colour that must be able to take all traffic.

use json_patch::Patch;
use serde_json::Value;

use super::Autoscaler;
use crate::release::identity::MINIMUM_ANNOTATION;
use crate::release::traffic::Refused;
use crate::release::traffic::ops::Ops;

/// The minimum where an autoscaler says none.
const DEFAULT_MINIMUM: u64 = 1;

/// The patch that keeps an autoscaler from going below a size, and notes what its minimum was. It is empty if it does
/// not.
///
/// # Errors
/// [`Refused::Unreadable`] if it is not as an autoscaler is.
pub fn hold(live: &Value, size: u32) -> Result<Patch, Refused> {
    let mut ops = Ops::default();
    let now = minimum(live);
    let held = held(live, size);
    if held > now {
        if noted(live).is_none() {
            ops.metadata(live, "annotations", [(MINIMUM_ANNOTATION, Some(now.to_string()))]);
        }
        ops.set(live, &["spec", "minReplicas"], held.into());
    }
    ops.tied_to(live, &[])
}

/// The patch that gives an autoscaler back the minimum that [`hold()`] has noted. It is empty if none is.
///
/// # Errors
/// [`Refused::Unreadable`] if it is not as an autoscaler is.
pub fn give_back(live: &Value) -> Result<Patch, Refused> {
    let mut ops = Ops::default();
    if let Some(noted) = noted(live) {
        ops.set(live, &["spec", "minReplicas"], noted.into());
        ops.metadata(live, "annotations", [(MINIMUM_ANNOTATION, None)]);
    }
    ops.tied_to(live, &[])
}

/// The autoscaler as it is rendered for a size.
pub(super) fn sized(written: &Value, size: u32, autoscaler: Autoscaler) -> Value {
    let mut object = written.clone();
    if autoscaler == Autoscaler::Held {
        let held = held(written, size);
        super::set(&mut object, &["spec", "minReplicas"], held.into());
    }
    object
}

/// The minimum that holds a size: never less than it was, and not above the maximum, which the server would refuse.
fn held(autoscaler: &Value, size: u32) -> u64 {
    let most = autoscaler.pointer("/spec/maxReplicas").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let now = minimum(autoscaler);
    u64::from(size).min(most).max(now)
}

fn minimum(autoscaler: &Value) -> u64 {
    autoscaler.pointer("/spec/minReplicas").and_then(Value::as_u64).unwrap_or(DEFAULT_MINIMUM)
}

fn noted(autoscaler: &Value) -> Option<u64> {
    autoscaler.pointer("/metadata/annotations")?.get(MINIMUM_ANNOTATION)?.as_str()?.parse().ok()
}
