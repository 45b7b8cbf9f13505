//! Asks a member by dry runs what an apply would do. Never writes.

use std::collections::BTreeMap;

use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::observation::{self, Eye, Live, Observation, Status};
use multicluster_core::federation::plan::body;
use multicluster_core::federation::policy::{Adopt, Drift};
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::managed_fields::Owners;
use multicluster_core::object::{ObjectKey, text};
use multicluster_core::probe::{Adoption, Verdict, Why};
use serde_json::Value;
use tokio::time::Instant;

use super::concurrent::some_at_a_time;
use super::probe::{Before, Candidate, Probed, probe};
use crate::member::{Member, MemberError};

/// Asks what an apply would do to some wanted objects, of which the caller knows how they stand. What `observation` has
/// is not read again. Every object gets an answer.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn foresee(
    member: &Member,
    set: &FederationSet,
    wanted: &[(&ObjectKey, &Desired, Status)],
    observation: Option<&Observation>,
    deadline: Instant,
) -> BTreeMap<ObjectKey, Probed> {
    let candidates = wanted.iter().map(async |(key, desired, status)| {
        (*key, candidate(member, set, key, desired, status, observation).await)
    });
    let mut answers = BTreeMap::new();
    let mut candidates_found = Vec::new();
    for (key, candidate) in some_at_a_time(candidates.collect()).await {
        match candidate {
            Ok(candidate) => candidates_found.push(candidate),
            Err(error) => {
                let why = Verdict::Unknown(Why::Unreachable(error.to_string()));
                answers.insert(key.clone(), why.into());
            }
        }
    }
    answers.extend(probe(member, set, candidates_found, deadline).await);
    answers
}

async fn candidate(
    member: &Member,
    set: &FederationSet,
    key: &ObjectKey,
    desired: &Desired,
    status: &Status,
    observation: Option<&Observation>,
) -> Result<Candidate, MemberError> {
    let ty = member.resource_type(text(&desired.object, "/apiVersion"), &key.kind.kind).await?;
    let eye = Eye { set, key: None, hidden: desired.confidential, ignored: None };
    let live = match (observation, &ty) {
        (Some(observation), _) => observation.live.get(key).cloned(),
        (None, Some(ty)) => member
            .get(ty, key.namespace.as_deref(), &key.name)
            .await?
            .map(|object: Value| Live::of(object, eye, Some(desired))),
        (None, None) => None,
    };
    let foreign = matches!(status, Status::Foreign { .. });
    let corrects = matches!(status, Status::Drifted { .. }) && desired.policy.drift == Drift::Correct;
    Ok(Candidate {
        key: key.clone(),
        body: body(set, desired, live.as_ref(), status),
        ty,
        before: live.map_or(Before::Absent, |live| Before::There(live.object)),
        force: foreign || corrects,
        adopt_from: foreign.then(Owners::tools),
        confidential: desired.confidential,
    })
}

/// Finds out of every object that may be adopted only as it is whether anything would change, and notes it in the
/// observation.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn look_for_differences(
    member: &Member,
    set: &FederationSet,
    desired: &MemberDesired,
    observation: &mut Observation,
    deadline: Instant,
) {
    let recorded = observation.recorded();
    let wanted: Vec<(&ObjectKey, &Desired, Status)> = desired
        .iter()
        .filter(|(_, desired)| desired.policy.adopt == Adopt::IfNoDiff)
        .map(|(key, desired)| {
            let status = observation::status(recorded.get(key).copied(), observation.live.get(key));
            (key, desired, status)
        })
        .filter(|(_, _, status)| matches!(status, Status::Foreign { .. }))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let answers = foresee(member, set, &wanted, Some(observation), deadline).await;
    let differences = answers.into_iter().map(|(key, answer)| {
        let fields = match (answer.adoption, answer.verdict) {
            (Some(Adoption::NoDifference), _) => Vec::new(),
            (Some(Adoption::Differs(changes)), _) => changes.iter().map(ToString::to_string).collect(),
            (None, verdict) => vec![verdict.to_string()],
        };
        (key, fields)
    });
    observation.differences = differences.collect();
}
