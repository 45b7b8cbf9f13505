//! Which objects a member is asked about by dry runs, and what is made of its answers.
//!
//! Invariant: an object that is as it was last applied is not asked about, so that an unchanged federation is planned
//! without a dry run.

use serde_json::Value;

use crate::federation::forecast::{adopt, create, foreign};
use crate::federation::observation::Status;
use crate::federation::plan::Refusal;
use crate::federation::policy::Adopt;
use crate::federation::render::Desired;
use crate::object::{ObjectKey, text};
use crate::path::FieldPath;
use crate::probe::{Adoption, Verdict};
use crate::scope::defines;

/// What is known of the wanted objects of one member.
#[derive(Debug, Default)]
pub struct Questions<'a> {
    /// To be asked about, with how they stand.
    pub ask: Vec<(&'a ObjectKey, &'a Desired, Status)>,
    /// Not to be asked about, with the words for a forecast.
    pub told: Vec<(&'a ObjectKey, String)>,
}

/// Chooses what a member is asked about. `state` says how an object stands, and whether what was last applied to it is
/// what is wanted now.
pub fn questions<'a>(
    desired: impl Iterator<Item = (&'a ObjectKey, &'a Desired)>,
    state: impl Fn(&ObjectKey) -> (Status, bool),
) -> Questions<'a> {
    let wanted: Vec<(&ObjectKey, &Desired, Status)> = desired
        .filter_map(|(key, desired)| {
            let (status, current) = state(key);
            let asks = match &status {
                Status::Foreign { managers } => desired.policy.may_adopt(managers),
                _ => !current,
            };
            asks.then_some((key, desired, status))
        })
        .collect();
    // Against a definition that changes too, a server would judge by the old one.
    let redefined: Vec<&Value> = wanted
        .iter()
        .map(|(_, desired, _)| &desired.object)
        .filter(|object| text(object, "/kind") == "CustomResourceDefinition")
        .collect();
    let (unasked, ask): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(key, ..)| defines(redefined.iter().copied(), &key.kind));
    let told = unasked.into_iter().filter_map(|(key, desired, status)| match status {
        Status::Foreign { managers } => Some((key, foreign(desired, &managers))),
        _ => None,
    });
    Questions { ask, told: told.collect() }
}

/// What an answer means for the apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It will do this: the words for a forecast.
    Does(String),
    /// It is known only then, and why.
    Unknown(String),
    /// It would fail, and why.
    Refused(String),
}

/// Judges the answer to a question. `left_over` are the fields that go when the object is adopted.
#[must_use]
pub fn judge(
    key: &ObjectKey,
    desired: &Desired,
    status: &Status,
    verdict: &Verdict,
    adoption: Option<&Adoption>,
    left_over: &[FieldPath],
) -> Judged {
    if let (Status::Foreign { managers }, Some(Adoption::Differs(changes))) = (status, adoption)
        && desired.policy.adopt == Adopt::IfNoDiff
    {
        let fields = changes.iter().map(ToString::to_string).collect();
        let refusal = Refusal::Differs { key: Box::new(key.clone()), fields, managers: managers.clone() };
        return Judged::Refused(refusal.to_string());
    }
    let change = match verdict {
        Verdict::Update { .. } if desired.confidential => "update: its content is not shown".to_owned(),
        Verdict::Create => create(key, desired),
        Verdict::Unchanged | Verdict::Update { .. } => verdict.to_string(),
        Verdict::Replace { .. } if desired.policy.replace_on_immutable => verdict.to_string(),
        Verdict::Unknown(why) => return Judged::Unknown(why.to_string()),
        Verdict::Replace { .. } => {
            return Judged::Refused(format!(
                "{verdict}; with `replace_on_immutable = true` the object is deleted and made anew"
            ));
        }
        Verdict::Conflict { .. } => {
            return Judged::Refused(format!(
                "{verdict}; remove these fields from the manifest, or leave them to others with `ignore_fields`"
            ));
        }
        Verdict::Refused { .. } => return Judged::Refused(verdict.to_string()),
    };
    Judged::Does(match status {
        Status::Foreign { managers } => {
            let stays = desired.policy.adopt == Adopt::IfNoDiff;
            adopt(managers, &change, if stays { &[] } else { left_over })
        }
        _ => change,
    })
}

#[cfg(test)]
mod tests;
