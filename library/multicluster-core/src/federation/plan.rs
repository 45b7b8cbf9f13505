//! What is to be done on one member, in order and without a choice left open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::federation::identity::{FEDERATION_LABEL, FederationSet, PART_OF_LABEL};
use crate::federation::inventory::{Entry, Inventory, Origin, Phase, State};
use crate::federation::observation::{self, Live, Observation, Status};
use crate::federation::policy::{self, Adopt, Drift, REPLICAS, Wait};
use crate::federation::render::{Desired, MemberDesired};
use crate::kubefed;
use crate::managed_fields::{self, Rest};
use crate::object::ObjectKey;
use crate::path::FieldPath;
use crate::placement::Labels;
use crate::provenance::{self, Owner};
use crate::scope;
use crate::waves;

/// An object to be applied.
#[derive(Clone, PartialEq)]
pub struct Apply {
    /// Which.
    pub key: ObjectKey,
    /// The entry of `resources` that asks for it.
    pub resource: String,
    /// The whole object, with our labels: the body of a server-side apply.
    pub body: Value,
    /// The digest of the object as rendered.
    pub digest: String,
    /// Whether fields are taken back from others. Only for drift, which a plan has shown: a field that was never
    /// ours is not taken from anybody.
    pub force: bool,
    /// Whether fields that others have changed stay as they are, so that it is drifted afterwards as it was before.
    pub leaves_drift: bool,
    /// The UID of the object of this name that is being deleted, and has to be gone before: what is applied to it would
    /// vanish with it.
    pub after: Option<String>,
    /// Set if it is there and not ours.
    pub adopt: Option<Takeover>,
    /// The UID of the object that may be deleted and made anew, if the server says that it cannot be changed so.
    pub replace: Option<String>,
    /// What decides how its drift is told afterwards.
    pub desired: Desired,
}

/// What is sent may be secret.
impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Apply")
            .field("key", &self.key)
            .field("resource", &self.resource)
            .field("digest", &self.digest)
            .field("force", &self.force)
            .field("after", &self.after)
            .field("adopt", &self.adopt)
            .field("replace", &self.replace)
            .finish_non_exhaustive()
    }
}

/// How an object of somebody else becomes ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// The UID that it must have.
    pub uid: String,
    /// What becomes of the fields of whoever made it that are not in the body.
    pub rest: Rest,
}

/// An object to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Which.
    pub key: ObjectKey,
    /// The UID that it must have.
    pub uid: String,
    /// What must hold besides.
    pub only_if: OnlyIf,
}

/// A condition of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlyIf {
    /// None.
    Always,
    /// The namespace holds nothing that is not ours; otherwise it is left, and said.
    NamespaceIsOurs,
    /// There is no object of the kind that the definition defines; otherwise it is left, and said.
    DefinitionIsUnused,
}

/// All that is to be done on one member.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPlan {
    /// The record to be written before anything else: `incomplete`, with every object that will be touched.
    pub inventory: Inventory,
    /// The revision of the record that it replaces; absent if there is none yet.
    pub replaces: Option<String>,
    /// Objects to be applied, wave after wave; those of one wave in any order.
    pub waves: Vec<Vec<Apply>>,
    /// Objects that are waited for before the apply is complete, and what for.
    pub awaited: BTreeMap<ObjectKey, Wait>,
    /// Objects to be deleted, rank after rank, each to be gone before the next.
    pub deletions: Vec<Vec<Deletion>>,
    /// Objects that leave the federation and stay on the cluster: our labels are taken from them.
    pub release: Vec<Release>,
    /// Entries to be dropped from the record without touching an object.
    pub forget: Vec<Forgotten>,
}

/// An object that is let go of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Which.
    pub key: ObjectKey,
    /// Why it stays.
    pub why: Stays,
}

/// Why an object outlives its part in the federation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// Other objects of the federation are in it.
    HoldsWanted,
    /// It was there before us, and the apply that was to adopt it did not come to its end; or it holds other objects, and
    /// we did not make it.
    WasThere,
    /// The user wants objects to stay.
    Orphaned,
}

/// What happens to the objects of a member that leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leave {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay, without our labels.
    Orphan,
}

/// An entry of the record that is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Which object.
    pub key: ObjectKey,
    /// Whether such an object is there, but does not show that it is ours: that has to be said.
    pub exists: bool,
}

impl MemberPlan {
    /// Whether the member is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waves.is_empty()
            && self.deletions.is_empty()
            && self.awaited.is_empty()
            && self.release.is_empty()
            && self.forget.is_empty()
            && self.inventory.state == State::Complete
    }
}

/// Why nothing may be done on a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The object exists and is not ours.
    Foreign {
        /// Which.
        key: ObjectKey,
        /// Who has written to it.
        managers: Vec<String>,
    },
    /// The object exists, is not ours, and is not as we want it, so that it is not adopted.
    Differs {
        /// Which.
        key: Box<ObjectKey>,
        /// What is different, in words.
        fields: Vec<String>,
        /// Who has written to it.
        managers: Vec<String>,
    },
    /// The object exists, and is not adopted whatever is asked for.
    Taken {
        /// Which.
        key: ObjectKey,
        /// Why, in words.
        why: String,
    },
    /// The record belongs to another instance of the federation, which is, or may be, alive.
    Exists,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { key, managers } if managers.is_empty() => {
                write!(f, "{key} exists already and does not belong to this federation")
            }
            Self::Foreign { key, managers } => write!(
                f,
                "{key} exists already and does not belong to this federation (written by {})",
                managers.join(", ")
            ),
            Self::Differs { key, fields, managers } => {
                write!(f, "{key} exists already")?;
                if !managers.is_empty() {
                    write!(f, " (written by {})", managers.join(", "))?;
                }
                write!(f, " and differs from what is wanted: {}", fields.join(", "))
            }
            Self::Taken { key, why } => write!(f, "{key} exists already and cannot be adopted: {why}"),
            Self::Exists => f.write_str("a federation of this name exists already, made by somebody else"),
        }
    }
}

/// What is being done with the federation, by its instance. It tells whose record may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim<'a> {
    /// It is made. A record of another instance that is not complete is one of a create that was cut short, and this
    /// one goes on with it.
    Make(&'a str),
    /// It is changed. Its record names this instance and no other.
    Change(&'a str),
}

impl<'a> Claim<'a> {
    fn instance(self) -> &'a str {
        let (Self::Make(instance) | Self::Change(instance)) = self;
        instance
    }

    fn permits(self, found: &Inventory) -> bool {
        let cut_short = found.state == State::Incomplete && !found.changed;
        found.instance == self.instance() || (matches!(self, Self::Make(_)) && cut_short)
    }
}

/// Plans one member of `set`.
///
/// # Errors
/// Every [`Refusal`] at once; then nothing may be written on any member.
pub fn plan(
    set: &FederationSet,
    claim: Claim<'_>,
    labels: &Labels,
    desired: &MemberDesired,
    observed: &Observation,
) -> Result<MemberPlan, Vec<Refusal>> {
    let record = observed.inventory.as_ref();
    let mut refusals = Vec::new();
    if record.is_some_and(|it| !claim.permits(&it.inventory)) {
        refusals.push(Refusal::Exists);
    }
    let instance = claim.instance();
    let new = || Inventory::new(set, instance, observed.cluster_uid.clone(), labels.clone());
    let mut inventory = record.map_or_else(new, |it| it.inventory.clone());
    let was_complete =
        inventory.state == State::Complete && inventory.labels == *labels && inventory.instance == instance;
    inventory.instance = instance.to_owned();
    inventory.changed |= matches!(claim, Claim::Change(_));
    inventory.cluster_uid = observed.cluster_uid.clone();
    inventory.labels = labels.clone();

    let recorded = observed.recorded();
    let doomed = doomed_namespaces(desired, observed);
    let mut waves: BTreeMap<waves::Wave, Vec<Apply>> = BTreeMap::new();
    let mut awaited = BTreeMap::new();
    for (key, desired) in desired.iter().filter(|(_, desired)| !desired.held) {
        let (entry, live) = (recorded.get(key).copied(), observed.live.get(key));
        let status = observation::status(entry, live);
        let vanishes = key.namespace.as_deref().is_some_and(|namespace| doomed.contains(namespace));
        let apply = match action(set, key, desired, entry, &status, observed) {
            Err(refusal) => {
                refusals.push(refusal);
                continue;
            }
            Ok(Action::Leave) if !vanishes || desired.blank => None,
            Ok(action) => Some(action),
        };
        if let Some(action) = apply {
            let after = live.filter(|live| live.terminating || vanishes).map(|live| live.uid.clone());
            let there = live.filter(|_| after.is_none());
            waves.entry(waves::wave(&key.kind)).or_default().push(Apply {
                key: key.clone(),
                resource: desired.resource.clone(),
                body: body(set, desired, there, &status),
                digest: desired.digest.clone(),
                force: matches!(action, Action::Correct | Action::Adopt),
                leaves_drift: there.is_some_and(|live| !live.lost.is_empty())
                    && desired.policy.drift != Drift::Correct
                    && matches!(status, Status::Drifted { .. }),
                adopt: there.filter(|_| action == Action::Adopt).map(|live| Takeover {
                    uid: live.uid.clone(),
                    rest: if desired.policy.adopt == Adopt::IfNoDiff { Rest::Nobodys } else { Rest::Ours },
                }),
                replace: there
                    .filter(|_| desired.policy.replace_on_immutable && only_if(key) == OnlyIf::Always)
                    .map(|live| live.uid.clone()),
                after,
                desired: desired.clone(),
            });
        }
        if (apply.is_some() || !was_complete) && desired.policy.wait.concerns(&key.kind) {
            awaited.insert(key.clone(), desired.policy.wait.clone());
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let leaving = leaving(&mut inventory, observed, desired, Leave::Delete);
    let mut plan = MemberPlan {
        replaces: record.map(|it| it.resource_version.clone()),
        waves: waves.into_values().collect(),
        awaited,
        deletions: leaving.deletions,
        release: leaving.release,
        forget: leaving.forget,
        inventory,
    };
    let nothing = was_complete && plan.is_empty();
    plan.inventory.state = if nothing { State::Complete } else { State::Incomplete };
    Ok(plan)
}

/// What is to be done with a wanted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Nothing.
    Leave,
    /// It is applied.
    Apply,
    /// It is applied, and fields are taken back.
    Correct,
    /// It becomes ours.
    Adopt,
}

fn action(
    set: &FederationSet,
    key: &ObjectKey,
    desired: &Desired,
    entry: Option<&Entry>,
    status: &Status,
    observed: &Observation,
) -> Result<Action, Refusal> {
    let current = entry.is_some_and(|entry| entry.desired == desired.digest);
    let unless_current = |action| if current { Action::Leave } else { action };
    Ok(match (status, desired.policy.drift) {
        (Status::Foreign { managers }, _) => return adoption(set, key, desired, managers, observed),
        _ if desired.blank => Action::Leave,
        (Status::InSync, _) => unless_current(Action::Apply),
        (Status::Drifted { .. }, Drift::Correct) => Action::Correct,
        (Status::Drifted { .. } | Status::Missing, Drift::Detect | Drift::Ignore) => {
            unless_current(Action::Apply)
        }
        _ => Action::Apply,
    })
}

/// Whether an object that is not ours becomes ours.
fn adoption(
    set: &FederationSet,
    key: &ObjectKey,
    desired: &Desired,
    managers: &[String],
    observed: &Observation,
) -> Result<Action, Refusal> {
    let managers = managers.to_vec();
    let live = observed.live.get(key);
    let taken = live.and_then(|live| match &live.federation {
        Some(other) if *other == set.federation.as_str() => {
            Some(format!("federation `{other}` keeps it in another set"))
        }
        Some(other) => Some(format!("federation `{other}` keeps it")),
        None if kubefed::refuses(&live.object) => {
            Some("its label `kubefed.io/managed: \"false\"` says that no federation may have it".to_owned())
        }
        None => None,
    });
    if let Some(why) = taken {
        return Err(Refusal::Taken { key: key.clone(), why });
    }
    let by_kubefed = |live: &Live| provenance::owners(&live.object).contains(&Owner::KubeFed);
    match desired.policy.adopt {
        _ if desired.policy.from_kubefed && live.is_some_and(by_kubefed) => Ok(Action::Adopt),
        Adopt::Always => Ok(Action::Adopt),
        Adopt::IfNoDiff => match observed.differences.get(key) {
            Some(fields) if fields.is_empty() => Ok(Action::Adopt),
            Some(fields) => {
                Err(Refusal::Differs { key: Box::new(key.clone()), fields: fields.clone(), managers })
            }
            None => Err(Refusal::Foreign { key: key.clone(), managers }),
        },
        Adopt::Never => Err(Refusal::Foreign { key: key.clone(), managers }),
    }
}

/// The object as it is sent to a member where `live` is: with the labels by which it is found again, and without the
/// fields that are left to others.
#[must_use]
pub fn body(set: &FederationSet, desired: &Desired, live: Option<&Live>, status: &Status) -> Value {
    let body = labelled(set, desired);
    let Some(live) = live else { return body };
    let mut left = policy::ignored_paths(&desired.policy.ignore_fields, &desired.object);
    if live.autoscaled && !desired.policy.ignore_fields.contains(REPLICAS) {
        left.push(FieldPath::fields(["spec", "replicas"]));
    }
    if matches!(status, Status::Drifted { .. }) && desired.policy.drift != Drift::Correct {
        left.extend(
            managed_fields::lost(&desired.object, &live.object, &set.field_manager())
                .into_iter()
                .map(|lost| lost.at),
        );
    }
    if left.is_empty() {
        body
    } else {
        policy::leave_to_others(&body, &live.object, &left, &set.field_manager())
    }
}

/// The wanted namespaces that are being deleted. All that is in them goes with them and has to be made again.
fn doomed_namespaces<'a>(desired: &'a MemberDesired, observed: &Observation) -> BTreeSet<&'a str> {
    let doomed = |key: &&ObjectKey| {
        scope::is_namespace(&key.kind) && observed.live.get(*key).is_some_and(|live| live.terminating)
    };
    desired.keys().filter(doomed).map(|key| key.name.as_str()).collect()
}

/// Plans the end of a set on one member: everything that is ours is deleted. `None` if there is no record, or one of
/// another instance, which a delete of this one must not touch.
#[must_use]
pub fn plan_removal(instance: &str, leave: Leave, observed: &Observation) -> Option<MemberPlan> {
    let recorded = observed.inventory.as_ref().filter(|it| it.inventory.instance == instance)?;
    let mut inventory = recorded.inventory.clone();
    inventory.state = State::Incomplete;
    let leaving = leaving(&mut inventory, observed, &MemberDesired::new(), leave);
    Some(MemberPlan {
        inventory,
        replaces: Some(recorded.resource_version.clone()),
        waves: Vec::new(),
        awaited: BTreeMap::new(),
        deletions: leaving.deletions,
        release: leaving.release,
        forget: leaving.forget,
    })
}

/// What becomes of recorded objects that are not wanted any more.
struct Leaving {
    deletions: Vec<Vec<Deletion>>,
    release: Vec<Release>,
    forget: Vec<Forgotten>,
}

/// The recorded objects that have to go: ours by label, and by their UID or because an apply of ours was under way.
fn leaving(
    inventory: &mut Inventory,
    observed: &Observation,
    desired: &MemberDesired,
    leave: Leave,
) -> Leaving {
    let mut ranks: BTreeMap<_, Vec<Deletion>> = BTreeMap::new();
    let (mut release, mut forget) = (Vec::new(), Vec::new());
    for entry in &mut inventory.objects {
        let key = entry.key();
        if desired.contains_key(&key) {
            continue;
        }
        let live = observed.live.get(&key);
        match live.filter(|live| observation::deletable(entry, live)) {
            Some(live) => {
                entry.phase = Phase::Removing;
                entry.uid = Some(live.uid.clone());
                if let Some(why) = stays(&key, entry.origin, desired, leave) {
                    release.push(Release { key, why });
                    continue;
                }
                let only_if = only_if(&key);
                let deletion = Deletion { uid: live.uid.clone(), only_if, key };
                ranks.entry(waves::delete_rank(&deletion.key.kind)).or_default().push(deletion);
            }
            None => forget.push(Forgotten { key, exists: live.is_some() }),
        }
    }
    Leaving { deletions: ranks.into_values().collect(), release, forget }
}

/// Why an object that is not wanted any more stays, if it does.
pub(super) fn stays(key: &ObjectKey, origin: Origin, desired: &MemberDesired, leave: Leave) -> Option<Stays> {
    let holds_others = only_if(key) != OnlyIf::Always;
    if leave == Leave::Orphan {
        return Some(Stays::Orphaned);
    }
    if holds_wanted(key, desired) {
        return Some(Stays::HoldsWanted);
    }
    match origin {
        Origin::Orphan => Some(Stays::Orphaned),
        Origin::Adopting => Some(Stays::WasThere),
        Origin::Adopted if holds_others => Some(Stays::WasThere),
        _ => None,
    }
}

/// Whether an object may still be there, as nobody's, when a federation was removed.
#[must_use]
pub fn outlives(key: &ObjectKey, origin: Origin, leave: Leave) -> bool {
    stays(key, origin, &MemberDesired::new(), leave).is_some() || only_if(key) != OnlyIf::Always
}

/// Whether an object is a namespace that holds something that is wanted, which would go with it.
fn holds_wanted(key: &ObjectKey, desired: &MemberDesired) -> bool {
    scope::is_namespace(&key.kind)
        && desired.keys().any(|wanted| wanted.namespace.as_deref() == Some(key.name.as_str()))
}

fn only_if(key: &ObjectKey) -> OnlyIf {
    match (key.kind.group.as_str(), key.kind.kind.as_str()) {
        ("", "Namespace") => OnlyIf::NamespaceIsOurs,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => OnlyIf::DefinitionIsUnused,
        _ => OnlyIf::Always,
    }
}

/// The object as it is sent: with the labels by which it is found again.
pub(super) fn labelled(set: &FederationSet, desired: &Desired) -> Value {
    let mut object = desired.object.clone();
    if !object["metadata"]["labels"].is_object() {
        object["metadata"]["labels"] = Value::Object(serde_json::Map::new());
    }
    object["metadata"]["labels"][PART_OF_LABEL] = set.applyset_id().into();
    object["metadata"]["labels"][FEDERATION_LABEL] = set.federation.as_str().into();
    object
}

#[cfg(test)]
mod tests;
