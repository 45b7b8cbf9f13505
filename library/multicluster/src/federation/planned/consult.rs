//! Asks a member about the objects that would change, and puts its answers into the words of a forecast.

use std::time::Duration;

use multicluster_core::federation::forecast::{self, adopt, brings, create, foreign};
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::observation::{self, Observation, Status};
use multicluster_core::federation::policy::Adopt;
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::object::{ObjectKey, text};
use multicluster_core::probe::Verdict;
use multicluster_core::scope::defines;
use serde_json::Value;
use tokio::time::Instant;

use crate::federation::foresee::foresee;
use crate::federation::probe::Probed;
use crate::member::Member;

/// How long a plan waits for the dry runs of one member.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one member says of the objects that would change.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// For the forecast.
    pub(super) words: forecast::Probed,
    /// Objects that an apply would fail with, and why.
    pub(super) refused: Vec<(ObjectKey, String)>,
    /// Objects of which it cannot tell, and why.
    pub(super) unknown: Vec<(ObjectKey, String)>,
}

/// Asks by dry runs about every wanted object that is not as it is wanted.
pub(super) async fn consult(
    member: &Member,
    set: &FederationSet,
    desired: &MemberDesired,
    observation: &Observation,
) -> Answers {
    let recorded = observation.recorded();
    let wanted: Vec<(&ObjectKey, &Desired, Status)> = desired
        .iter()
        .filter_map(|(key, desired)| {
            let entry = recorded.get(key).copied();
            let status = observation::status(entry, observation.live.get(key));
            let current = entry.is_some_and(|entry| entry.desired == desired.digest);
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
    let (unasked, wanted): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(key, ..)| defines(redefined.iter().copied(), &key.kind));
    let mut answers = Answers::default();
    for (key, desired, status) in unasked {
        if let Status::Foreign { managers } = status {
            answers.words.insert(key.clone(), Some(foreign(desired, &managers)));
        }
    }
    if wanted.is_empty() {
        return answers;
    }
    let mut told = foresee(member, set, &wanted, Some(observation), Instant::now() + PATIENCE).await;
    for (key, wanted, status) in wanted {
        if let Some(mut answer) = told.remove(key) {
            if brings(desired, &answer.verdict, key) {
                answer.verdict = Verdict::Create;
            }
            answers.note(key, wanted, &status, answer);
        }
    }
    answers
}

impl Answers {
    fn note(&mut self, key: &ObjectKey, desired: &Desired, status: &Status, answer: Probed) {
        let verdict = match answer.verdict {
            Verdict::Update { .. } if desired.confidential => "update: its content is not shown".to_owned(),
            Verdict::Create => create(key, desired),
            Verdict::Replace { .. } if desired.policy.replace_on_immutable => answer.verdict.to_string(),
            Verdict::Unchanged | Verdict::Update { .. } => answer.verdict.to_string(),
            Verdict::Unknown(why) => {
                self.words.insert(key.clone(), None);
                self.unknown.push((key.clone(), why.to_string()));
                return;
            }
            Verdict::Replace { .. } => {
                let message = format!(
                    "{}; with `replace_on_immutable` the object is deleted and made anew",
                    answer.verdict
                );
                return self.refuse(key, message);
            }
            Verdict::Conflict { .. } => {
                let message = format!(
                    "{}; remove these fields from the manifest, or let the others go",
                    answer.verdict
                );
                return self.refuse(key, message);
            }
            refused => return self.refuse(key, refused.to_string()),
        };
        let text = match status {
            Status::Foreign { managers } => {
                let stays = desired.policy.adopt == Adopt::IfNoDiff;
                let gone = if stays { &[] } else { answer.left_over.as_slice() };
                adopt(managers, &verdict, gone)
            }
            _ => verdict,
        };
        self.words.insert(key.clone(), Some(text));
    }

    fn refuse(&mut self, key: &ObjectKey, message: String) {
        self.words.insert(key.clone(), None);
        self.refused.push((key.clone(), message));
    }
}
