//! What the members say of the objects that would change, in the words of a forecast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use multicluster::federation::{Probed, foresee};
use multicluster::member::Member;
use multicluster_core::federation::forecast::{self, brings, create, foreign};
use multicluster_core::federation::inventory::Entry;
use multicluster_core::federation::observation::{self, Observation, Seen, SeenObject, Status};
use multicluster_core::federation::plan::outlives;
use multicluster_core::federation::policy::Adopt;
use multicluster_core::federation::questions::{Judged, judge, questions};
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::names::ClusterName;
use multicluster_core::object::ObjectKey;
use multicluster_core::probe::{Verdict, Why};
use multicluster_core::scope;
use tfplugin::{Diagnostics, Path};
use tokio::time::Instant;

use super::super::model::Model;
use super::member_path;
use crate::validators::sentence;

/// How long a plan waits for the dry runs of one member.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Questions that a member takes at a time from those that are put to one member for all.
const AT_A_TIME: usize = 16;
/// Objects that are named in one message.
const NAMED: usize = 5;

/// The objects, by their digests, whose schema some member was asked about in this plan.
#[derive(Default)]
pub(super) struct Asked(Mutex<BTreeSet<String>>);

impl Asked {
    /// Whether nobody has asked yet; from now on somebody has.
    fn claim(&self, digest: &str) -> bool {
        self.0.lock().is_ok_and(|mut asked| asked.insert(digest.to_owned()))
    }
}

/// The answers of one member.
#[derive(Default)]
pub(super) struct Probes {
    /// For the forecast.
    pub(super) words: forecast::Probed,
    /// What an apply would fail with.
    refused: Vec<Refused>,
    /// What could not be found out, and why.
    unknown: Vec<(ObjectKey, String)>,
}

/// An object that an apply would fail with.
struct Refused {
    resource: String,
    key: ObjectKey,
    message: String,
}

/// What is asked of one member.
pub(super) struct Inquiry<'a> {
    /// What is wanted on all members.
    pub(super) model: &'a Model,
    /// What is wanted on this one.
    pub(super) desired: &'a MemberDesired,
    /// What the last read saw.
    pub(super) seen: Option<&'a Seen>,
    /// What was read just now.
    pub(super) observation: Option<&'a Observation>,
    /// Whether all of ours is to be made, possibly after it was destroyed by the other half of a replacement.
    pub(super) makes: bool,
    /// What other members were asked.
    pub(super) asked: &'a Asked,
}

impl Inquiry<'_> {
    /// Asks about the objects that would change.
    pub(super) async fn ask(&self, member: &Member) -> Probes {
        let mut probes = Probes::default();
        let recorded = self.observation.map(Observation::recorded).unwrap_or_default();
        let (remaining, others): (Vec<_>, Vec<_>) =
            self.desired.iter().partition(|(key, desired)| self.remains(&recorded, key, desired));
        for (key, _) in remaining {
            probes.words.insert(key.clone(), None);
            probes.unknown.push((key.clone(), Why::LetGo.to_string()));
        }
        let status = |key: &ObjectKey| self.status(&recorded, key);
        if !self.model.options.dry_run {
            let foreign = others.into_iter().filter_map(|(key, desired)| {
                let Status::Foreign { managers } = status(key).0 else { return None };
                Some((key.clone(), Some(foreign(desired, &managers))))
            });
            probes.words.extend(foreign);
            return probes;
        }
        let open = others.into_iter().filter(|(key, desired)| {
            // Nothing is known of what is to be copied.
            let nothing_known = desired.confidential && !desired.copied && is_empty(desired);
            let replaced = || self.replaced(key).is_some() && status(key).0 == Status::Absent;
            !nothing_known && !replaced()
        });
        let questions = questions(open, status);
        probes.words.extend(questions.told.into_iter().map(|(key, words)| (key.clone(), Some(words))));
        let (shared, own): (Vec<_>, Vec<_>) =
            questions.ask.into_iter().partition(|(key, _, status)| self.tells_for_all(key, status));
        self.put(member, own, &mut probes).await;
        // Each member takes some of these at a time, so that they share the work.
        let mut shared = shared.into_iter();
        loop {
            let mut some = Vec::new();
            while some.len() < AT_A_TIME
                && let Some((key, desired, status)) = shared.next()
            {
                if self.asked.claim(&desired.digest) {
                    some.push((key, desired, status));
                } else {
                    probes.words.insert(key.clone(), Some(create(key, desired)));
                }
            }
            if some.is_empty() {
                return probes;
            }
            self.put(member, some, &mut probes).await;
        }
    }

    /// Puts some questions to the member.
    async fn put(
        &self,
        member: &Member,
        questions: Vec<(&ObjectKey, &Desired, Status)>,
        probes: &mut Probes,
    ) {
        if questions.is_empty() {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let mut answers = foresee(member, &self.model.set, &questions, self.observation, deadline).await;
        for (key, wanted, status) in questions {
            let Some(mut answer) = answers.remove(key) else { continue };
            if self.is_made(key, &status, &answer.verdict) {
                answer.verdict = Verdict::Create;
            }
            probes.note(key, wanted, &status, &answer);
        }
    }

    /// How an object stands, and whether what was last applied to it is what is wanted now.
    fn status(&self, recorded: &BTreeMap<ObjectKey, &Entry>, key: &ObjectKey) -> (Status, bool) {
        let wanted = self.desired.get(key).map(|desired| desired.digest.as_str());
        match (self.observation, self.seen) {
            (Some(observation), _) => {
                let entry = recorded.get(key).copied();
                let current = entry.is_some_and(|entry| wanted == Some(entry.desired.as_str()));
                (observation::status(entry, observation.live.get(key)), current)
            }
            (None, Some(seen)) => match seen.object(key) {
                Some(object) => (object.status.clone(), wanted == Some(object.desired.as_str())),
                None => (Status::Absent, false),
            },
            (None, None) => (Status::Absent, false),
        }
    }

    /// What the other half of a replacement has, under this name or another one.
    fn replaced(&self, key: &ObjectKey) -> Option<&SeenObject> {
        self.seen.filter(|_| self.makes)?.object(key)
    }

    /// Whether the other half of a replacement lets go of an object that is to be adopted: whatever becomes of it then.
    fn remains(&self, recorded: &BTreeMap<ObjectKey, &Entry>, key: &ObjectKey, desired: &Desired) -> bool {
        let here = recorded.get(key).map(|entry| entry.origin);
        let origin = here.or_else(|| self.replaced(key).map(|object| object.origin.unwrap_or_default()));
        let outlives = |origin| outlives(key, origin, self.model.options.leave);
        desired.policy.adopt != Adopt::Never && self.makes && origin.is_some_and(outlives)
    }

    /// Whether what one member says of an object, all would say: in a namespace that the apply makes, a dry run tells no
    /// more than whether an object fits its schema.
    fn tells_for_all(&self, key: &ObjectKey, status: &Status) -> bool {
        let Some(observation) = self.observation else { return false };
        let in_new_namespace = self.desired.keys().any(|it| {
            scope::is_namespace(&it.kind)
                && Some(&it.name) == key.namespace.as_ref()
                && !observation.live.contains_key(it)
        });
        *status == Status::Absent && scope::scope(&key.kind).is_some() && in_new_namespace
    }

    /// Whether an object is made, although the dry run found it, or found that what it needs is missing.
    fn is_made(&self, key: &ObjectKey, status: &Status, verdict: &Verdict) -> bool {
        let there = matches!(verdict, Verdict::Unchanged | Verdict::Update { .. } | Verdict::Replace { .. });
        let ours = !matches!(status, Status::Foreign { .. });
        brings(self.desired, verdict, key) || (self.makes && ours && there)
    }
}

/// Whether an object says no more than which one it is.
fn is_empty(desired: &Desired) -> bool {
    desired.object.as_object().is_none_or(|fields| fields.len() <= 3)
}

impl Probes {
    fn note(&mut self, key: &ObjectKey, desired: &Desired, status: &Status, answer: &Probed) {
        let adoption = answer.adoption.as_ref();
        let words = match judge(key, desired, status, &answer.verdict, adoption, &answer.left_over) {
            Judged::Does(words) => Some(words),
            Judged::Unknown(why) => {
                self.unknown.push((key.clone(), why));
                None
            }
            Judged::Refused(message) => {
                let resource = desired.resource.clone();
                self.refused.push(Refused { resource, key: key.clone(), message });
                None
            }
        };
        self.words.insert(key.clone(), words);
    }
}

/// Says what was found out on all members: the same of several members only once.
pub(super) fn report(
    probes: &BTreeMap<ClusterName, Probes>,
    entry: impl Fn(&str) -> Path,
    diagnostics: &mut Diagnostics,
) {
    let mut refused: BTreeMap<(&str, &ObjectKey, &str), BTreeSet<&ClusterName>> = BTreeMap::new();
    for (name, probes) in probes {
        for it in &probes.refused {
            refused.entry((&it.resource, &it.key, &it.message)).or_default().insert(name);
        }
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (key, why) in &probes.unknown {
            reasons.entry(why).or_default().push(key.to_string());
        }
        for (why, objects) in reasons {
            let title = format!("Cannot foresee all changes on cluster `{name}`");
            let detail =
                format!("{}: {} What happens to it is known after apply.", listed(&objects), sentence(&why));
            diagnostics.warning_at(member_path(name), title, detail);
        }
    }
    for ((resource, key, message), members) in refused {
        let members: Vec<String> = members.into_iter().map(|name| format!("`{name}`")).collect();
        let detail = format!("{key} on {}: {}", members.join(", "), sentence(&message));
        diagnostics.error_at(entry(resource), "The apply would fail", detail);
    }
}

fn listed(items: &[String]) -> String {
    let named = items.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
