//! Why an object is, or is not, on a member: what the federation's record, the object itself and, where it is at hand,
//! the configuration say, put together.
//!
//! Invariant: it says what was seen and no more. What cannot be told without the configuration is left out rather than
//! guessed, and no value of a secret is in it.

mod since;
mod trouble;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use self::since::Writing;
pub use self::words::status_words;
use crate::federation::facts::Facts;
use crate::federation::identity::FederationSet;
use crate::federation::inventory::{Entry, Origin, Phase};
use crate::federation::observation::{self, Live, Observation, Status};
use crate::federation::render::{MemberDesired, key_of};
use crate::federation::spec::FederationSpec;
use crate::names::ClusterName;
use crate::object::ObjectKey;
use crate::placement::{self, PlacementFacts};
use crate::provenance::owners;
use crate::readiness::{Readiness, readiness};

/// What is asked about one object on one member, and all that was found out about it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whose object it may be.
    pub set: &'a FederationSet,
    /// Which object.
    pub key: &'a ObjectKey,
    /// The member as it was found. If the object is there, it has to be in it, whether it is ours or not.
    pub observation: &'a Observation,
    /// Whether the member serves the object's kind.
    pub served: bool,
    /// What is asked for, where that is known.
    pub wanted: Option<Wanted<'a>>,
    /// The members that have the object by their records, and the entry of `resources` that keeps it there.
    pub elsewhere: &'a BTreeMap<String, String>,
    /// Pods that the object runs.
    pub pods: &'a [Value],
    /// Events about it, its pods and what stands between them.
    pub events: &'a [Value],
}

/// The configuration, as far as it decides where the object goes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The federation.
    pub spec: &'a FederationSpec,
    /// What the members told when it was rendered.
    pub facts: &'a Facts,
    /// The member in question.
    pub member: &'a ClusterName,
    /// What was rendered for it.
    pub desired: &'a MemberDesired,
}

/// Why an object is, or is not, on a member. As text: a sentence, then a line for each thing that is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// How it stands there.
    pub standing: Standing,
    /// The entry of `resources` that keeps it there, by the record.
    pub resource: Option<String>,
    /// How far the federation is with it.
    pub phase: Option<Phase>,
    /// How it became the federation's.
    pub origin: Option<Origin>,
    /// Its replicas, where the federation divides them.
    pub replicas: Option<Replicas>,
    /// What the configuration says of this member.
    pub placement: Option<String>,
    /// Who else has it, in words, the most telling first.
    pub owners: Vec<String>,
    /// Who wrote it since the federation did.
    pub written_since: Vec<Writing>,
    /// What has to let go of it before it is gone, if it is being deleted.
    pub finalizers: Option<Vec<String>>,
    /// Why it is not ready, if it is there and is not.
    pub not_ready: Option<String>,
    /// What its pods and its events say about that.
    pub troubles: Vec<String>,
}

/// How an object stands on a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "as")]
pub enum Standing {
    /// The record has it.
    Recorded {
        /// How it is.
        status: Status,
    },
    /// It carries the federation's marks, and the record does not have it.
    Unrecorded,
    /// It is there, and not the federation's.
    Foreign,
    /// It is not there, and nobody says that it should be.
    Absent {
        /// Why.
        because: Absence,
    },
}

/// Why an object that is not recorded is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The federation has nothing on the cluster.
    NoRecord,
    /// The federation is on the cluster, and does not keep it there.
    NotKept,
    /// The configuration places it there, and no apply has done so.
    NotApplied,
    /// The cluster does not serve its kind.
    NotServed,
}

/// The replicas of a workload that is divided over members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Replicas {
    /// As many as the last apply gave it.
    pub given: u64,
    /// As many as it asks for now, if it is there.
    pub now: Option<u64>,
    /// Whether an autoscaler says how many.
    pub autoscaled: bool,
}

/// Puts together why an object is, or is not, on a member.
#[must_use]
pub fn explain(question: &Question<'_>) -> Explanation {
    let Question { key, observation, .. } = question;
    let entry = observation.inventory.as_ref().and_then(|it| it.inventory.entry(key));
    let live = observation.live.get(key);
    let object = live.map(|live| &live.object);
    let not_ready = object.and_then(not_ready);
    Explanation {
        standing: standing(question, entry, live),
        resource: entry.map(|entry| entry.resource.clone()),
        phase: entry.map(|entry| entry.phase),
        origin: entry.map(|entry| entry.origin),
        replicas: entry.and_then(|entry| replicas(entry, live)),
        placement: question.wanted.and_then(|wanted| placed(&wanted, key)).or_else(|| left_out(question)),
        owners: object.map(|object| others(object, question.set)).unwrap_or_default(),
        written_since: object
            .map(|object| since::written_since(object, &question.set.field_manager()))
            .unwrap_or_default(),
        finalizers: live.filter(|live| live.terminating).map(|live| finalizers(&live.object)),
        troubles: match not_ready {
            Some(_) => trouble::troubles(question.pods, question.events),
            None => Vec::new(),
        },
        not_ready,
    }
}

impl Explanation {
    /// Whether everything is as the federation means it to be: the object is there as it left it, or it has no business
    /// there and is not.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let divided = self.replicas.is_none_or(|it| it.is_as_given());
        match &self.standing {
            Standing::Recorded { status } => *status == Status::InSync && divided && self.not_ready.is_none(),
            Standing::Absent { because } => *because != Absence::NotApplied,
            Standing::Unrecorded | Standing::Foreign => false,
        }
    }
}

impl Replicas {
    /// Whether nobody has changed them.
    #[must_use]
    pub fn is_as_given(&self) -> bool {
        self.autoscaled || self.now.is_none_or(|now| now == self.given)
    }
}

fn standing(question: &Question<'_>, entry: Option<&Entry>, live: Option<&Live>) -> Standing {
    let because = |because| Standing::Absent { because };
    let wanted = question.wanted.is_some_and(|wanted| wanted.desired.contains_key(question.key));
    match (observation::status(entry, live), entry) {
        (status, Some(_)) => Standing::Recorded { status },
        (Status::Foreign { .. }, None) => Standing::Foreign,
        (_, None) if live.is_some() => Standing::Unrecorded,
        _ if !question.served => because(Absence::NotServed),
        _ if wanted => because(Absence::NotApplied),
        _ if question.observation.inventory.is_none() => because(Absence::NoRecord),
        _ => because(Absence::NotKept),
    }
}

/// The replicas that an object was given, and has.
#[must_use]
pub fn replicas(entry: &Entry, live: Option<&Live>) -> Option<Replicas> {
    let now = live.and_then(|live| live.object.pointer("/spec/replicas")).and_then(Value::as_u64);
    let autoscaled = live.is_some_and(|live| live.autoscaled);
    entry.replicas.map(|given| Replicas { given, now, autoscaled })
}

/// Everybody who has an object but the federation itself.
#[must_use]
pub fn others(object: &Value, set: &FederationSet) -> Vec<String> {
    let ours = crate::provenance::Owner::Federation(set.federation.to_string());
    owners(object).iter().filter(|owner| **owner != ours).map(ToString::to_string).collect()
}

/// Why an object is not ready, if it is not.
#[must_use]
pub fn not_ready(object: &Value) -> Option<String> {
    match readiness(object) {
        Readiness::Current | Readiness::Terminating => None,
        Readiness::InProgress(words) | Readiness::Failed(words) => Some(words),
    }
}

fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What the configuration says of the member; `None` if it does not name the object.
fn placed(wanted: &Wanted<'_>, key: &ObjectKey) -> Option<String> {
    let Wanted { spec, facts, member, desired } = wanted;
    let (name, resource) = spec
        .resources
        .iter()
        .find(|(_, resource)| resource.manifests.iter().any(|manifest| key_of(manifest) == *key))?;
    if resource.copy.as_ref().is_some_and(|copy| copy.cluster == **member) {
        return Some(format!("entry `{name}` copies it from here"));
    }
    let unreachable = facts.unreachable();
    let previous = facts.hosts_of(&resource.manifests.iter().map(key_of).collect::<Vec<_>>());
    let known = PlacementFacts { unreachable: &unreachable, previous: &previous };
    let reason = placement::explain(&resource.placement, &spec.members, &known, member);
    let words = match (reason.is_selected(), desired.contains_key(key)) {
        (true, _) => "places it here",
        (false, true) => "does not place it here, but a workload that refers to it comes here",
        (false, false) => "does not place it here",
    };
    Some(format!("entry `{name}` {words}: {reason}"))
}

/// What follows from other members for one whose record does not have the object.
fn left_out(question: &Question<'_>) -> Option<String> {
    let recorded = question.observation.inventory.as_ref()?;
    let resource = question.elsewhere.values().next()?;
    if recorded.inventory.entry(question.key).is_some() {
        return None;
    }
    let members: Vec<String> = question.elsewhere.keys().map(|name| format!("`{name}`")).collect();
    let labels: Vec<String> =
        recorded.inventory.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let labels = if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ") };
    Some(format!(
        "entry `{resource}` places it on {} and not here (this member has {labels})",
        members.join(", ")
    ))
}

#[cfg(test)]
mod tests;
