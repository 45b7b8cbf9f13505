//! What a managed resource implements.
//!
//! Every operation gets its answer as `&mut`, filled with what is true if nothing happens: a resource records each
//! effect there as soon as it has happened, and an error, a cancellation or a panic afterwards loses nothing.

use async_trait::async_trait;

use crate::diagnostics::Diagnostics;
use crate::path::Path;
use crate::provider::Context;
use crate::schema::Schema;
use crate::value::{Node, Value};

/// The input of [`Resource::plan`].
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    /// Null when the object is to be made.
    pub prior: &'a Value,
    /// Null when the object is to be removed. Write-only values are present here, and only here.
    pub config: &'a Value,
    /// The private bytes that the last read or apply left; empty if none.
    pub private: &'a [u8],
}

/// The answer to [`Resource::plan`], prepared by the planning rule.
pub struct PlanResponse {
    /// The proposal with defaults, with write-only values nulled, and with computed attributes unknown if anything
    /// differs from prior (except those that keep their state). Null for a removal; leave it null then.
    pub planned: Value,
    /// Attributes whose change makes a new object, beyond those that the schema says, which are added afterwards.
    /// Starts empty; not looked at for a creation or a removal.
    pub requires_replace: Vec<Path>,
    /// Starts as the prior private bytes.
    pub private: Vec<u8>,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// The input of create, update and delete.
#[derive(Clone, Copy)]
pub struct ApplyRequest<'a> {
    /// Null on create.
    pub prior: &'a Value,
    /// Null on delete.
    pub planned: &'a Value,
    /// Null on delete. Write-only values are present here, and only here.
    pub config: &'a Value,
    /// The private bytes of the plan.
    pub private: &'a [u8],
}

/// The answer to create, update, delete and read.
pub struct StateResponse {
    /// What is stored. Starts as null on create, as prior state otherwise. After delete it becomes null by itself
    /// unless there are errors; after read, null means that the object is gone. Unknown values become null: without
    /// a word after an error or a cancellation, otherwise with an error. Write-only values become null.
    pub state: Value,
    /// Stored next to the state, invisible to users. Starts as what the request brought.
    pub private: Vec<u8>,
    /// Messages. An error on create with a non-null state marks the object as tainted; a warning does not.
    pub diagnostics: Diagnostics,
}

/// One object found by import.
pub struct Imported {
    /// As much of the state as is known; a read follows.
    pub state: Value,
    /// Private bytes.
    pub private: Vec<u8>,
}

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The type's full name: `multicluster_federation`.
    fn name(&self) -> &'static str;

    /// Its schema. Called once.
    fn schema(&self) -> Schema;

    /// Checks the configuration as a whole; the schema's validators have been run. Values may be unknown, and the
    /// provider is not configured.
    async fn validate(&self, _config: Node<'_>, _diagnostics: &mut Diagnostics) {}

    /// Refines the plan. Called on create, update and delete, and again at apply: what was known must be the same.
    async fn plan(&self, _context: &Context, _request: PlanRequest<'_>, _response: &mut PlanResponse) {}

    /// Makes the object.
    async fn create(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse);

    /// Changes the object in place. An error must leave in `response.state` the old values of what was not reached.
    async fn update(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse);

    /// Removes the object. That it is gone already is success.
    async fn delete(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse);

    /// Refreshes the state from reality. `response.state` starts as the stored state. What cannot be reached
    /// keeps its last known values, with a warning.
    async fn read(&self, context: &Context, response: &mut StateResponse);

    /// Finds the object that `id` names.
    async fn import(&self, _context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        diagnostics.error(
            "This resource cannot be imported",
            format!("{} has no import by id (`{id}`).", self.name()),
        );
        None
    }

    /// Turns a state of an older schema version, given as JSON, into the JSON of the current one.
    ///
    /// # Errors
    /// A sentence for the user if the state cannot be understood.
    fn upgrade(&self, version: i64, state: serde_json::Value) -> Result<serde_json::Value, String> {
        let _ = version;
        Ok(state)
    }
}
