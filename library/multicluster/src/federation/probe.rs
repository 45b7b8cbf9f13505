//! Asks a member what an apply would do, object by object, without doing it.

use std::collections::BTreeMap;
use std::fmt;

use multicluster_core::difference::Change;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::managed_fields::{Owners, left_over, removal, resets};
use multicluster_core::object::ObjectKey;
use multicluster_core::path::FieldPath;
use multicluster_core::probe::{Adoption, Verdict, Why, adoption, compare, narrowed};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::concurrent::some_at_a_time;
use super::refusals::verdict_of;
use crate::member::{ApplyOptions, Member, MemberError, ResourceType};

/// How often a dry run is made again that met a change of the object by somebody else.
const TRIES: usize = 3;

/// An object of which it is asked what an apply would do.
#[derive(Clone, PartialEq)]
pub struct Candidate {
    /// Which.
    pub key: ObjectKey,
    /// The body, as it would be applied: with our labels.
    pub body: Value,
    /// How its kind is served; `None` if it is not.
    pub ty: Option<ResourceType>,
    /// What is there now.
    pub before: Before,
    /// Whether fields would be taken from others.
    pub force: bool,
    /// If it is to be adopted: whose part of it would become ours. Then `force` should be set, or the answer may be
    /// a conflict only.
    pub adopt_from: Option<Owners>,
    /// Whether its content must not be shown, whatever its kind: then no value, and none of the server's words.
    pub confidential: bool,
}

/// What is there before an apply.
#[derive(Clone, PartialEq)]
pub enum Before {
    /// Nothing.
    Absent,
    /// This object.
    There(Value),
    /// Not known: it is read.
    Unread,
}

/// What a dry run says of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// What would happen.
    pub verdict: Verdict,
    /// Of an object that is there and would be adopted: whether anything would change.
    pub adoption: Option<Adoption>,
    /// Of such an object: the fields that only those before us own, that the body does not have, and that are not but
    /// defaults.
    pub left_over: Vec<FieldPath>,
}

impl From<Verdict> for Probed {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, adoption: None, left_over: Vec::new() }
    }
}

/// Makes a server-side dry run of each apply, some at a time, and compares it with what is there.
///
/// One GET and one dry run per candidate that is [`Before::Unread`], else only the dry run. What is wrong with an
/// object's schema is found also where its namespace is missing, since the server looks at the schema first: the
/// verdict is then [`Verdict::Refused`] and not [`Why::NamespaceMissing`].
///
/// Every candidate gets an answer: what is not known at `deadline` is [`Why::Unreachable`]. Nothing is written.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn probe(
    member: &Member,
    set: &FederationSet,
    candidates: Vec<Candidate>,
    deadline: Instant,
) -> BTreeMap<ObjectKey, Probed> {
    let manager = set.field_manager();
    let probes = candidates.into_iter().map(|candidate| {
        let manager = manager.as_str();
        async move {
            let probed = timeout_at(deadline, probe_one(member, manager, &candidate)).await;
            let late = |_| Verdict::Unknown(Why::Unreachable("no answer in time".to_owned())).into();
            (candidate.key, probed.unwrap_or_else(late))
        }
    });
    some_at_a_time(probes.collect()).await.into_iter().collect()
}

async fn probe_one(member: &Member, manager: &str, candidate: &Candidate) -> Probed {
    let Some(ty) = &candidate.ty else { return Verdict::Unknown(Why::KindMissing).into() };
    let mut before = candidate.before.clone();
    let mut tries = 1;
    loop {
        let live = match read(member, ty, &candidate.key, before).await {
            Ok(live) => live,
            Err(error) => return verdict_of(&candidate.key, error).into(),
        };
        let options = ApplyOptions {
            field_manager: manager.to_owned(),
            force: candidate.force,
            dry_run: true,
            confidential: candidate.confidential,
        };
        match member.apply(ty, &candidate.body, options).await {
            Ok(result) => {
                let mut probed = judge(candidate, live.as_ref(), &result, manager);
                if let Some(live) = live.filter(|_| !probed.left_over.is_empty()) {
                    drop_defaults(member, ty, manager, &live, &result, &mut probed.left_over).await;
                }
                return probed;
            }
            // Somebody else was at it at that very moment.
            Err(MemberError::Changed | MemberError::AlreadyExists) if tries < TRIES => {
                (before, tries) = (Before::Unread, tries + 1);
            }
            Err(error) => {
                let mut verdict = verdict_of(&candidate.key, error);
                if let (Verdict::Replace { fields, message }, Some(live)) = (&mut verdict, &live) {
                    *fields = narrowed(fields, message, live, &candidate.body);
                }
                return verdict.into();
            }
        }
    }
}

/// Drops the fields that the server resets to what they are if nobody sets them. If that cannot be found out, all stay.
async fn drop_defaults(
    member: &Member,
    ty: &ResourceType,
    manager: &str,
    live: &Value,
    result: &Value,
    left_over: &mut Vec<FieldPath>,
) {
    let metadata =
        |name| live.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str);
    let patch = removal(result, left_over);
    let without = member.try_patch_json(
        ty,
        metadata("namespace"),
        metadata("name").unwrap_or_default(),
        &patch,
        manager,
    );
    match without.await {
        Ok(without) => left_over.retain(|path| !resets(live, &without, path)),
        Err(error) => tracing::debug!(cluster = %member.name, %error, "cannot tell what is but defaulted"),
    }
}

async fn read(
    member: &Member,
    ty: &ResourceType,
    key: &ObjectKey,
    before: Before,
) -> Result<Option<Value>, MemberError> {
    match before {
        Before::Absent => Ok(None),
        Before::There(live) => Ok(Some(live)),
        Before::Unread => member.get(ty, key.namespace.as_deref(), &key.name).await,
    }
}

fn judge(candidate: &Candidate, live: Option<&Value>, result: &Value, manager: &str) -> Probed {
    let verdict = compare(live, result, manager);
    let mut probed = match (&candidate.adopt_from, live) {
        (Some(from), Some(live)) if verdict != Verdict::Create => Probed {
            verdict,
            adoption: Some(adoption(live, result)),
            left_over: left_over(result, manager, from),
        },
        _ => verdict.into(),
    };
    if candidate.confidential {
        hide(&mut probed);
    }
    probed
}

/// Takes all values out of an answer.
fn hide(probed: &mut Probed) {
    if let Verdict::Update { changes } = &mut probed.verdict {
        changes.iter_mut().for_each(Change::hide);
    }
    if let Some(Adoption::Differs(changes)) = &mut probed.adoption {
        changes.iter_mut().for_each(Change::hide);
    }
}

/// Objects may hold secrets.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("key", &self.key)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

/// Objects may hold secrets.
impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::There(_) => "There",
            Self::Unread => "Unread",
        })
    }
}
