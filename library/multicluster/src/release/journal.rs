//! The journal of a release on the clusters: one ConfigMap beside the federation's records on each of them.
//!
//! Every cluster holds all of it. Of several the one with the highest `(epoch, seq)` counts, so that a cluster that was
//! away while others went on has no say. What cannot be understood is an error and never an absence: going on without
//! it could switch traffic a second time.

use futures::future::join_all;
use multicluster_core::federation::identity::RECORD_LABEL;
use multicluster_core::names::ClusterName;
use multicluster_core::object::text;
use multicluster_core::release::identity::{RELEASE_LABEL, ReleaseIdentity};
use multicluster_core::release::journal::{Journal, VERSION};
use serde_json::{Value, json};

use crate::failpoint;
use crate::member::{Member, MemberError, Propagation, ResourceType};

/// The key of the journal in its ConfigMap.
const DATA_KEY: &str = "journal.json";
/// The value of the label by which the record is known.
const RECORD: &str = "journal";
/// The longest journal that is written. Servers take a little more than a MiB; ten releases over a hundred clusters
/// need a tenth of it.
const LIMIT: usize = 900 << 10;
/// How often a journal that changes under our hands is read again.
const ATTEMPTS: u32 = 4;

/// A journal cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The server refused or did not answer.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// It cannot be understood.
    #[error(
        "it is damaged ({0}); restore it from another cluster, or delete it if the release is to begin anew"
    )]
    Damaged(String),
    /// A later version of this program wrote it.
    #[error("it was written by a later version of the provider (journal version {found}); use that version")]
    Newer {
        /// The version that it says.
        found: u64,
    },
    /// There is something else under its name.
    #[error("ConfigMap `{0}` is there and is not the journal of this release; delete or rename it")]
    Foreign(String),
    /// It says more than a server takes.
    #[error("it would be longer than {LIMIT} bytes (a bug of this program)")]
    TooLong,
    /// A later epoch is written there.
    #[error("another apply has taken this release over")]
    Superseded,
}

/// A journal as a cluster has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What it says.
    pub journal: Journal,
    /// The revision of the object.
    pub(super) revision: String,
}

/// Reads the journal of one cluster; `None` if it has none.
///
/// # Errors
/// [`JournalError`].
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn read_one(member: &Member, identity: &ReleaseIdentity) -> Result<Option<Stored>, JournalError> {
    let name = identity.journal_name();
    let found = member.get(&ResourceType::config_map(), Some(&identity.records), &name).await?;
    found.map(|object| parse(identity, &object)).transpose()
}

/// Reads the journals of several clusters at once.
pub(super) async fn read_all<'a>(
    members: impl IntoIterator<Item = &'a Member>,
    identity: &ReleaseIdentity,
) -> Vec<(ClusterName, Result<Option<Stored>, JournalError>)> {
    let reads =
        members.into_iter().map(async |member| (member.name.clone(), read_one(member, identity).await));
    join_all(reads).await
}

/// The journal that counts: of those of `instance`, if there are any, otherwise of all, the one that was written last.
#[must_use]
pub fn choose<'a>(
    journals: impl IntoIterator<Item = &'a Journal> + Clone,
    instance: Option<&str>,
) -> Option<&'a Journal> {
    let last = |journal: &&Journal| (journal.epoch, journal.seq);
    let ours = journals.clone().into_iter().filter(|journal| instance == Some(journal.instance.as_str()));
    ours.max_by_key(last).or_else(|| journals.into_iter().max_by_key(last))
}

/// Writes the journal to one cluster and returns the new revision of the object. What is there is replaced, unless it
/// says a later epoch.
pub(super) async fn write_one(
    member: &Member,
    identity: &ReleaseIdentity,
    journal: &Journal,
    known: Option<&str>,
) -> Result<String, JournalError> {
    let written = serde_json::to_string(journal).map_err(|error| JournalError::Damaged(error.to_string()))?;
    if written.len() > LIMIT {
        return Err(JournalError::TooLong);
    }
    let ty = ResourceType::config_map();
    let manager = identity.field_manager();
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": identity.journal_name(),
            "namespace": identity.records,
            "labels": { RECORD_LABEL: RECORD, RELEASE_LABEL: identity.name.as_str() },
        },
        "data": { DATA_KEY: written },
    });
    let mut known = known.map(str::to_owned);
    let mut answer = Err(MemberError::Changed);
    failpoint::hit("journal-write-before");
    for _ in 0..ATTEMPTS {
        answer = match &known {
            Some(revision) => {
                object["metadata"]["resourceVersion"] = revision.as_str().into();
                member.replace(&ty, &object, &manager).await
            }
            None => member.create(&ty, &object, &manager).await,
        };
        if !matches!(answer, Err(MemberError::Changed | MemberError::AlreadyExists)) {
            break;
        }
        // An answer of ours went astray, somebody touched or deleted it, or another apply has written.
        let live = read_one(member, identity).await?;
        if live.as_ref().is_some_and(|live| live.journal.epoch > journal.epoch) {
            return Err(JournalError::Superseded);
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        known = live.map(|live| live.revision);
    }
    failpoint::hit("journal-write-after");
    Ok(text(&answer?, "/metadata/resourceVersion").to_owned())
}

/// Deletes the journal of one cluster, if it is there.
pub(super) async fn remove_one(member: &Member, identity: &ReleaseIdentity) -> Result<(), MemberError> {
    let (ty, name) = (ResourceType::config_map(), identity.journal_name());
    let Some(object) = member.get(&ty, Some(&identity.records), &name).await? else { return Ok(()) };
    failpoint::hit("journal-delete-before");
    let uid = text(&object, "/metadata/uid");
    member.delete(&ty, Some(&identity.records), &name, uid, Propagation::Background).await?;
    failpoint::hit("journal-delete-after");
    Ok(())
}

fn parse(identity: &ReleaseIdentity, object: &Value) -> Result<Stored, JournalError> {
    let label = |name: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(name)?.as_str());
    if label(RECORD_LABEL) != Some(RECORD) || label(RELEASE_LABEL) != Some(identity.name.as_str()) {
        return Err(JournalError::Foreign(identity.journal_name()));
    }
    let written = object.pointer("/data").and_then(|data| data.get(DATA_KEY)?.as_str());
    let written = written.ok_or_else(|| JournalError::Damaged(format!("it has no `{DATA_KEY}`")))?;
    let value: Value =
        serde_json::from_str(written).map_err(|error| JournalError::Damaged(error.to_string()))?;
    // Read before the rest, which a later version may write in another shape.
    match value.pointer("/version").and_then(Value::as_u64) {
        Some(version) if version > u64::from(VERSION) => return Err(JournalError::Newer { found: version }),
        Some(_) => {}
        None => return Err(JournalError::Damaged("it says no version".to_owned())),
    }
    let journal = serde_json::from_value(value).map_err(|error| JournalError::Damaged(error.to_string()))?;
    Ok(Stored { journal, revision: text(object, "/metadata/resourceVersion").to_owned() })
}
