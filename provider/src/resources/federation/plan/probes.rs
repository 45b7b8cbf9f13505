//! What the members say of the objects that would change, in the words of a forecast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use multicluster::federation::{Probed, foresee};
use multicluster::member::Member;
use multicluster_core::federation::forecast::{self, adopt, brings, create, foreign};
use multicluster_core::federation::observation::{self, Observation, Seen, Status};
use multicluster_core::federation::plan::{Refusal, outlives};
use multicluster_core::federation::policy::Adopt;
use multicluster_core::federation::render::{Desired, MemberDesired};
use multicluster_core::names::ClusterName;
use multicluster_core::object::{ObjectKey, text};
use multicluster_core::probe::{Adoption, Verdict, Why};
use multicluster_core::scope::{self, defines};
use serde_json::Value;
use tfplugin::{Diagnostics, Path};
use tokio::time::Instant;

use super::super::model::Model;
use super::member_path;
use crate::validators::sentence;

/// How long a plan waits for the dry runs of one member.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const DEFINITION: &str = "CustomResourceDefinition";
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

/// Asks about the objects that would change. `makes` says that all of ours is to be made, possibly after it was destroyed
/// by the other half of a replacement. `observation` is what was read just now, `seen` what the last read saw.
pub(super) async fn ask(
    model: &Model,
    member: &Member,
    desired: &MemberDesired,
    seen: Option<&Seen>,
    observation: Option<&Observation>,
    makes: bool,
    asked: &Asked,
) -> Probes {
    let mut probes = Probes::default();
    let recorded = observation.map(Observation::recorded).unwrap_or_default();
    let status = |key: &ObjectKey| match (observation, seen) {
        (Some(observation), _) => {
            let entry = recorded.get(key).copied();
            let current = entry.map(|entry| entry.desired.as_str());
            (observation::status(entry, observation.live.get(key)), current)
        }
        (None, Some(seen)) => match seen.object(key) {
            Some(object) => (object.status.clone(), Some(object.desired.as_str())),
            None => (Status::Absent, None),
        },
        (None, None) => (Status::Absent, None),
    };
    // What the other half of a replacement has, under this name or another one.
    let replaced = |key: &ObjectKey| seen.filter(|_| makes)?.object(key);
    // It lets go of these, whatever becomes of them then.
    let remains = |key: &ObjectKey, desired: &Desired| {
        let here = recorded.get(key).map(|entry| entry.origin);
        let origin = here.or_else(|| replaced(key).map(|object| object.origin.unwrap_or_default()));
        let outlives = |origin| outlives(key, origin, model.options.leave);
        desired.policy.adopt != Adopt::Never && makes && origin.is_some_and(outlives)
    };
    for (key, _) in desired.iter().filter(|(key, desired)| remains(key, desired)) {
        probes.words.insert(key.clone(), None);
        probes.unknown.push((key.clone(), Why::LetGo.to_string()));
    }
    if !model.options.dry_run {
        let foreign =
            desired.iter().filter(|(key, desired)| !remains(key, desired)).filter_map(|(key, desired)| {
                let Status::Foreign { managers } = status(key).0 else { return None };
                Some((key.clone(), Some(foreign(desired, &managers))))
            });
        probes.words.extend(foreign);
        return probes;
    }
    let wanted: Vec<(&ObjectKey, &Desired, Status)> = desired
        .iter()
        .filter(|(key, desired)| !remains(key, desired))
        .filter_map(|(key, desired)| {
            let (status, current) = status(key);
            let asks = match &status {
                // Nothing is known of what is to be copied.
                _ if desired.confidential && !desired.copied && is_empty(desired) => false,
                Status::Absent if replaced(key).is_some() => false,
                Status::Foreign { managers } => desired.policy.may_adopt(managers),
                _ => current != Some(desired.digest.as_str()),
            };
            asks.then_some((key, desired, status))
        })
        .collect();
    // Against a definition that changes too, a server would judge by the old one.
    let redefined: Vec<&Value> = wanted
        .iter()
        .map(|(_, desired, _)| &desired.object)
        .filter(|it| text(it, "/kind") == DEFINITION)
        .collect();
    let (unasked, wanted): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(key, ..)| defines(redefined.iter().copied(), &key.kind));
    for (key, desired, status) in unasked {
        if let Status::Foreign { managers } = status {
            probes.words.insert(key.clone(), Some(foreign(desired, &managers)));
        }
    }
    // In a namespace that the apply makes, a dry run tells no more than whether an object fits its schema: once is enough
    // for all members.
    let live = |key: &ObjectKey| observation.is_some_and(|it| it.live.contains_key(key));
    let in_new_namespace = |key: &ObjectKey| {
        desired
            .keys()
            .any(|it| scope::is_namespace(&it.kind) && Some(&it.name) == key.namespace.as_ref() && !live(it))
    };
    let (known, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(key, desired, status)| {
        observation.is_some()
            && *status == Status::Absent
            && scope::scope(&key.kind).is_some()
            && in_new_namespace(key)
            && !asked.claim(&desired.digest)
    });
    for (key, desired, _) in known {
        probes.words.insert(key.clone(), Some(create(key, desired)));
    }
    if wanted.is_empty() {
        return probes;
    }
    let mut answers = foresee(member, &model.set, &wanted, observation, Instant::now() + PATIENCE).await;
    for (key, wanted, status) in wanted {
        let Some(mut answer) = answers.remove(key) else { continue };
        let made = makes && !matches!(status, Status::Foreign { .. });
        if brings(desired, &answer.verdict, key)
            || (made
                && matches!(
                    answer.verdict,
                    Verdict::Unchanged | Verdict::Update { .. } | Verdict::Replace { .. }
                ))
        {
            answer.verdict = Verdict::Create;
        }
        probes.note(key, wanted, &status, answer);
    }
    probes
}

/// Whether an object says no more than which one it is.
fn is_empty(desired: &Desired) -> bool {
    desired.object.as_object().is_none_or(|fields| fields.len() <= 3)
}

impl Probes {
    fn note(&mut self, key: &ObjectKey, desired: &Desired, status: &Status, answer: Probed) {
        if let (Status::Foreign { managers }, Some(Adoption::Differs(changes))) = (status, answer.adoption)
            && desired.policy.adopt == Adopt::IfNoDiff
        {
            let fields = changes.iter().map(ToString::to_string).collect();
            let refusal = Refusal::Differs { key: Box::new(key.clone()), fields, managers: managers.clone() };
            return self.refuse(key, desired, refusal.to_string());
        }
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
                    "{}; with `replace_on_immutable = true` the object is deleted and made anew",
                    answer.verdict
                );
                return self.refuse(key, desired, message);
            }
            Verdict::Conflict { .. } => {
                let message = format!(
                    "{}; remove these fields from the manifest, or leave them to others with `ignore_fields`",
                    answer.verdict
                );
                return self.refuse(key, desired, message);
            }
            refused => return self.refuse(key, desired, refused.to_string()),
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

    fn refuse(&mut self, key: &ObjectKey, desired: &Desired, message: String) {
        self.words.insert(key.clone(), None);
        self.refused.push(Refused { resource: desired.resource.clone(), key: key.clone(), message });
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
