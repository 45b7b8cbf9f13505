//! ChangeResourceRecordSets: what becomes of a zone, or why a batch is refused. Pure.
//!
//! The invariant: the outcome is either all changes or none. The checks run in the order of the service: the
//! XML schema, then what each change means on its own, then the limits of a batch, then health checks, then the
//! changes one by one against the zone as the earlier ones left it. The last step reports everything that is
//! wrong, the earlier ones end the request.
//!
//! ```text
//! RawChange ── schema ── request ── limits ──> Change ── batch (placement, values, group, alias) ──> RecordSets
//!              InvalidInput        InvalidChangeBatch    InvalidChangeBatch [m1, m2]
//! ```

mod alias;
mod batch;
mod group;
mod limits;
mod placement;
mod request;
mod schema;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{ErrorCode, ServiceError},
    model::{CidrCollection, Name, RawRecordSet, RawSetError, RecordSet, RecordSetKey, RecordSets},
};

pub(crate) use limits::SETS_PER_ZONE;

/// What a batch is judged against.
#[derive(Debug, Clone)]
pub struct ZoneContext {
    /// The id of the zone, without prefix. Aliases with this id point into the zone.
    pub id: String,
    /// The apex.
    pub name: Name,
    /// Whether the zone is private.
    pub private: bool,
    /// The sets before the batch, with those of changes that are PENDING.
    pub record_sets: Arc<RecordSets>,
    /// The health checks that exist.
    pub health_checks: BTreeSet<String>,
    /// The CIDR collections that exist, by id.
    pub collections: BTreeMap<String, Arc<CidrCollection>>,
}

/// `Change` of the API, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RawChange {
    /// `CREATE`, `DELETE` or `UPSERT`.
    pub action: String,
    /// The set.
    pub resource_record_set: RawRecordSet,
}

/// What is done to a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Delete,
    Upsert,
}

impl Action {
    const ALL: [(&str, Self); 3] =
        [("CREATE", Self::Create), ("DELETE", Self::Delete), ("UPSERT", Self::Upsert)];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, action)| *action)
    }
}

/// One change whose set is valid on its own.
#[derive(Debug, Clone)]
struct Change {
    action: Action,
    set: RecordSet,
}

/// Applies a batch to the sets of a zone and returns the sets after it.
///
/// # Errors
/// `InvalidInput` when a change is malformed, `NoSuchHealthCheck` when a set that is written names a check that
/// does not exist, else `InvalidChangeBatch` with the list of what is wrong.
pub fn apply(context: &ZoneContext, raw: &[RawChange]) -> Result<RecordSets, ServiceError> {
    if raw.is_empty() {
        return Err(crate::facets::incomplete("Changes", "Change"));
    }
    for change in raw {
        schema::check(change)?;
    }
    let problems: Vec<String> = raw.iter().flat_map(|change| request::problems(change, context)).collect();
    if !problems.is_empty() {
        return Err(ServiceError::invalid_request(problems.join(", ")));
    }
    let problems = limits::problems(raw);
    if !problems.is_empty() {
        return Err(ServiceError::invalid_change_batch(&problems));
    }
    let changes = read(raw)?;
    check_health_checks(context, &changes)?;
    batch::run(context, &changes)
}

fn read(raw: &[RawChange]) -> Result<Vec<Change>, ServiceError> {
    let mut changes = Vec::with_capacity(raw.len());
    let mut problems = Vec::new();
    for change in raw {
        let action = Action::parse(&change.action).ok_or_else(|| {
            ServiceError::invalid_request(format_args!("unknown action in {}", about(change)))
        })?;
        match RecordSet::from_raw(&change.resource_record_set) {
            Ok(set) => changes.push(Change { action, set }),
            Err(error @ RawSetError::Name(_)) => problems.push(error.to_string()),
            // The checks before this one are stricter; what they let through is reported all the same.
            Err(error) => {
                return Err(ServiceError::invalid_request(format_args!("{error} in {}", about(change))));
            }
        }
    }
    if problems.is_empty() { Ok(changes) } else { Err(ServiceError::invalid_change_batch(&problems)) }
}

/// Sets that are deleted may name a check that is gone, because a check may be deleted before them.
fn check_health_checks(context: &ZoneContext, changes: &[Change]) -> Result<(), ServiceError> {
    let written = changes.iter().filter(|change| change.action != Action::Delete);
    for id in written.filter_map(|change| change.set.health_check_id.as_ref()) {
        if !context.health_checks.contains(id) {
            return Err(ServiceError::new(
                ErrorCode::NoSuchHealthCheck,
                format!("No health check exists with the specified ID: {id}"),
            ));
        }
    }
    Ok(())
}

/// How messages name a change: with the fields as the client wrote them.
fn about(change: &RawChange) -> impl fmt::Display + '_ {
    struct About<'a>(&'a RawChange);
    impl fmt::Display for About<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let set = &self.0.resource_record_set;
            let identifier = set.set_identifier.as_deref().unwrap_or("null");
            write!(
                f,
                "Change with [Action={}, Name={}, Type={}, SetIdentifier={identifier}]",
                self.0.action, set.name, set.r#type
            )
        }
    }
    About(change)
}

/// How messages name a set that is created or deleted.
fn quoted(key: &RecordSetKey) -> String {
    let identifier = key.set_identifier.as_ref().map(|id| format!(", set-identifier='{id}'"));
    format!(
        "resource record set [name='{}', type='{}'{}]",
        key.name,
        key.record_type,
        identifier.unwrap_or_default()
    )
}

/// How messages name a set that cannot live beside others.
fn rrset(set: &RecordSet) -> String {
    let identifier = set.set_identifier.as_ref().map(|id| format!(", SetIdentifier {id}"));
    format!("RRSet with DNS name {}, type {}{}", set.name, set.record_type, identifier.unwrap_or_default())
}
