//! All that a member shows of one object, for the question why it is there or not.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::federation::explain::{Explanation, Question, Wanted, explain, not_ready};
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::federation::observation::Observation;
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::object::{ObjectKey, text};
use multicluster_core::scope;
use serde_json::{Value, json};

use crate::federation::error::FederationError;
use crate::federation::observe::observe;
use crate::member::{Member, MemberError, ResourceType};

/// What one member shows of one object.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The member, with the object in it if it is there.
    pub observation: Observation,
    /// Whether the member serves the object's kind.
    pub served: bool,
    /// What belongs to it and tells why it is not ready.
    around: Around,
}

#[derive(Clone, Default)]
struct Around {
    pods: Vec<Value>,
    events: Vec<Value>,
    /// What could not be read, in words.
    gaps: Vec<String>,
}

/// Looks at one object on one member, whoever's it is. `desired` is what is wanted there, as far as that is known: with
/// the object's manifest in it, fields that were changed are told by name.
///
/// # Errors
/// [`FederationError`]; that pods or events cannot be read is no error.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn look_at(
    member: &Member,
    set: &FederationSet,
    key: &ObjectKey,
    api_version: &str,
    desired: &MemberDesired,
) -> Result<Sight, FederationError> {
    let mut asked = desired.clone();
    asked.entry(key.clone()).or_insert_with(|| Desired::new("", stub(key, api_version)));
    let observed = observe(member, set, &asked).await?;
    let served =
        !observed.unknown_kinds.iter().any(|(found, kind)| found == api_version && *kind == key.kind.kind);
    let object = observed.observation.live.get(key).map(|live| &live.object);
    let around = match object.filter(|object| not_ready(object).is_some()) {
        Some(object) => around(member, key, object).await,
        None => Around::default(),
    };
    Ok(Sight { observation: observed.observation, served, around })
}

/// An object that says no more than which one it is.
fn stub(key: &ObjectKey, api_version: &str) -> Value {
    let mut stub =
        json!({ "apiVersion": api_version, "kind": key.kind.kind, "metadata": { "name": key.name } });
    if let Some(namespace) = &key.namespace {
        stub["metadata"]["namespace"] = namespace.as_str().into();
    }
    stub
}

/// The pods and events of an object that is not ready.
async fn around(member: &Member, key: &ObjectKey, object: &Value) -> Around {
    let mut around = Around::default();
    let Some(namespace) = &key.namespace else { return around };
    let mut uids: BTreeSet<String> = BTreeSet::from([text(object, "/metadata/uid").to_owned()]);
    let runs_pods = scope::has_pods(&key.kind) || (key.kind.group == "batch" && key.kind.kind == "Job");
    if runs_pods {
        if key.kind.kind == "Deployment" {
            let sets = member.list_namespace(&ResourceType::replica_set(), namespace).await;
            for set in around.read("replica sets", sets).iter().filter(|set| is_owned_by(set, &uids)) {
                around.pods.push(set.clone());
            }
            uids.extend(around.pods.drain(..).map(|set| text(&set, "/metadata/uid").to_owned()));
        }
        let pods = member.list_namespace(&ResourceType::pod(), namespace).await;
        let mut pods = around.read("pods", pods);
        pods.retain(|pod| is_owned_by(pod, &uids));
        uids.extend(pods.iter().map(|pod| text(pod, "/metadata/uid").to_owned()));
        around.pods = pods;
    }
    let events = member.list_namespace(&events(), namespace).await;
    around.events = around.read("events", events);
    around.events.retain(|event| uids.contains(text(event, "/involvedObject/uid")));
    around
}

impl Around {
    fn read(&mut self, what: &str, answer: Result<Vec<Value>, MemberError>) -> Vec<Value> {
        answer.unwrap_or_else(|error| {
            self.gaps.push(format!("its {what} cannot be read: {error}"));
            Vec::new()
        })
    }
}

fn is_owned_by(object: &Value, uids: &BTreeSet<String>) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| uids.contains(text(owner, "/uid")))
}

fn events() -> ResourceType {
    ResourceType {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
        namespaced: true,
    }
}

/// What several members show of an object, put into words. What one of them has tells why another has it not.
#[must_use]
pub fn explain_all<'a, N: Ord + Clone + ToString>(
    set: &FederationSet,
    key: &ObjectKey,
    sights: BTreeMap<N, Result<Sight, FederationError>>,
    wanted: impl Fn(&N) -> Option<Wanted<'a>>,
) -> BTreeMap<N, Result<Explanation, FederationError>> {
    let recorded = sights.iter().filter_map(|(name, sight)| {
        let record = &sight.as_ref().ok()?.observation.inventory.as_ref()?.inventory;
        Some((name.to_string(), record.entry(key)?.resource.clone()))
    });
    let elsewhere: BTreeMap<String, String> = recorded.collect();
    let explained = sights.into_iter().map(|(name, sight)| {
        let explanation = sight.map(|sight| {
            let mut explanation = explain(&Question {
                set,
                key,
                observation: &sight.observation,
                served: sight.served,
                wanted: wanted(&name),
                elsewhere: &elsewhere,
                pods: &sight.around.pods,
                events: &sight.around.events,
            });
            explanation.troubles.extend(sight.around.gaps);
            explanation
        });
        (name, explanation)
    });
    explained.collect()
}

/// Pods and events may quote what is secret.
impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around")
            .field("pods", &self.pods.len())
            .field("events", &self.events.len())
            .field("gaps", &self.gaps)
            .finish()
    }
}
