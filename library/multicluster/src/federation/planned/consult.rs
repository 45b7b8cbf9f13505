//! Asks a member about the objects that would change, and puts its answers into the words of a forecast.

use std::time::Duration;

use multicluster_core::federation::forecast::{self, brings};
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::observation::{self, Observation};
use multicluster_core::federation::questions::{Judged, judge, questions};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::object::ObjectKey;
use multicluster_core::probe::Verdict;
use tokio::time::Instant;

use crate::federation::foresee::foresee;
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
    let questions = questions(desired.iter(), |key| {
        let entry = recorded.get(key).copied();
        let current =
            entry.is_some_and(|entry| desired.get(key).is_some_and(|it| it.digest == entry.desired));
        (observation::status(entry, observation.live.get(key)), current)
    });
    let mut answers = Answers::default();
    answers.words.extend(questions.told.into_iter().map(|(key, words)| (key.clone(), Some(words))));
    if questions.ask.is_empty() {
        return answers;
    }
    let mut told = foresee(member, set, &questions.ask, Some(observation), Instant::now() + PATIENCE).await;
    for (key, wanted, status) in questions.ask {
        let Some(mut answer) = told.remove(key) else { continue };
        if brings(desired, &answer.verdict, key) {
            answer.verdict = Verdict::Create;
        }
        let adoption = answer.adoption.as_ref();
        let words = match judge(key, wanted, &status, &answer.verdict, adoption, &answer.left_over) {
            Judged::Does(words) => Some(words),
            Judged::Unknown(why) => {
                answers.unknown.push((key.clone(), why));
                None
            }
            Judged::Refused(why) => {
                answers.refused.push((key.clone(), why));
                None
            }
        };
        answers.words.insert(key.clone(), words);
    }
    answers
}
