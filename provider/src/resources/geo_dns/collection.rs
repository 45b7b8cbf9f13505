//! The CIDR collection of a name whose clients are told apart by their addresses.
//!
//! It is found by its name, made before records name it, and goes after none does. Ranges that are new, or move, are there
//! before the records are switched.

use std::collections::{BTreeMap, BTreeSet};

use multicluster::federation::new_instance;
use multicluster::route53::{CallError, CidrCollection, Client, Run};
use multicluster_core::digest::digest_text;
use multicluster_core::dns::Problem;
use multicluster_core::route53::RecordName;
use multicluster_core::route53::cidr::{Blocks, CidrChange, CollectionPlan, blocks, plan_collection};

use super::model::Model;

/// A collection as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Current {
    /// None if there is no collection.
    pub(super) id: Option<String>,
    pub(super) blocks: Blocks,
}

/// The ranges that shall be told apart.
pub(super) fn desired(model: &Model) -> Blocks {
    model.tree.as_ref().map(blocks).unwrap_or_default()
}

/// What becomes of the ranges.
pub(super) fn way(current: &Current, desired: &Blocks) -> Result<CollectionPlan, Problem> {
    plan_collection(&current.blocks, desired)
}

/// How ranges go, with all that there are.
pub(super) fn desired_nothing(current: &Blocks) -> CollectionPlan {
    plan_collection(current, &Blocks::new()).unwrap_or_default()
}

/// The collection's name in the account: at most 64 letters, digits, `-` and `_`.
pub(super) fn name(model_owner: &str, record: &RecordName) -> String {
    let digest: String = digest_text(&format!("{model_owner}\n{record}")).chars().take(24).collect();
    format!("multicluster-{digest}")
}

/// The collection of this name, with its ranges.
pub(super) async fn read(client: &Client, name: &str, run: &Run) -> Result<Current, CallError> {
    let collections = client.cidr_collections(run).await?;
    let Some(found) = collections.into_iter().find(|it| it.name == name) else {
        return Ok(Current::default());
    };
    let blocks = client.cidr_blocks(&found.id, run).await?;
    Ok(Current { id: Some(found.id), blocks })
}

/// Makes the collection if there is none, and all changes that come before the records are switched.
pub(super) async fn prepare(
    client: &Client,
    name: &str,
    current: &Current,
    plan: &CollectionPlan,
    run: &Run,
) -> Result<String, CallError> {
    let id = match &current.id {
        Some(id) => id.clone(),
        None => create(client, name, run).await?.id,
    };
    change(client, &id, &plan.before, run).await?;
    Ok(id)
}

async fn create(client: &Client, name: &str, run: &Run) -> Result<CidrCollection, CallError> {
    // A reference makes the same collection again, and a name may come back after it went; so each has its own.
    let reference = new_instance();
    match client.create_cidr_collection(name, &reference, run).await {
        Err(error) if error.code() == Some("CidrCollectionAlreadyExistsException") => {
            let found = client.cidr_collections(run).await?.into_iter().find(|it| it.name == name);
            found.ok_or(error)
        }
        made => made,
    }
}

/// Makes what comes after the switch: ranges go that are not needed any more, and with the last one the collection.
pub(super) async fn finish(
    client: &Client,
    id: &str,
    plan: &CollectionPlan,
    needed: bool,
    run: &Run,
) -> Result<(), CallError> {
    change(client, id, &plan.after, run).await?;
    if needed { Ok(()) } else { client.delete_cidr_collection(id, run).await }
}

async fn change(client: &Client, id: &str, calls: &[Vec<CidrChange>], run: &Run) -> Result<(), CallError> {
    for call in calls {
        // Each call makes a new version.
        let collections = client.cidr_collections(run).await?;
        let Some(collection) = collections.into_iter().find(|it| it.id == id) else { return Ok(()) };
        let change = client.change_cidr_collection(&collection, call, run).await?;
        client.wait_in_sync(&change, run).await?;
    }
    Ok(())
}

/// What becomes of the ranges, in words.
pub(super) fn forecast(
    current: &Current,
    plan: &CollectionPlan,
    desired: &Blocks,
) -> BTreeMap<String, String> {
    let key = || "CIDR collection".to_owned();
    let list = |blocks: &Blocks| {
        let one = |(location, it): (&String, &BTreeSet<_>)| {
            let ranges: Vec<String> = it.iter().map(ToString::to_string).collect();
            format!("{location}: {}", ranges.join(", "))
        };
        blocks.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let text = match (&current.id, desired.is_empty()) {
        (None, true) => return BTreeMap::new(),
        (Some(_), true) => "delete".to_owned(),
        (None, false) => format!("create: {}", list(desired)),
        (Some(_), false) if plan.before.is_empty() && plan.after.is_empty() => return BTreeMap::new(),
        (Some(_), false) => format!("update: {} → {}", list(&current.blocks), list(desired)),
    };
    BTreeMap::from([(key(), text)])
}

/// A digest of ranges; empty for none.
pub(super) fn digest(blocks: &Blocks) -> String {
    if blocks.is_empty() { String::new() } else { digest_text(&format!("{blocks:?}")) }
}
