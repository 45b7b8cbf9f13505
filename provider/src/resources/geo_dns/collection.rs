//! The CIDR collection of a name whose clients are told apart by their addresses.
//!
//! It is found by its name, made before records name it, and goes after none does. It has one of two names: a change that
//! would disturb somebody in between makes a new one under the other name, and removes the old one after the switch. One that
//! no record names was left by a run that was cut short.

use std::collections::{BTreeMap, BTreeSet};

use multicluster::federation::new_instance;
use multicluster::route53::{CallError, CidrCollection, Client, Run};
use multicluster_core::digest::digest_text;
use multicluster_core::dns::Problem;
use multicluster_core::route53::cidr::{
    Blocks, CidrChange, CollectionPlan, CollectionWay, blocks, plan_collection,
};
use multicluster_core::route53::{OwnerId, RecordName, RecordSet, Routing};

use super::model::Model;

/// A collection as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Current {
    /// None if there is no collection.
    pub(super) id: Option<String>,
    pub(super) blocks: Blocks,
    /// Another one of ours, that no record names.
    pub(super) left: Option<String>,
}

/// The two names of a collection in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names([String; 2]);

impl Names {
    /// Those of a record's collection: at most 64 letters, digits, `-` and `_`.
    pub(super) fn of(owner: &OwnerId, record: &RecordName) -> Self {
        let digest: String = digest_text(&format!("{owner}\n{record}")).chars().take(24).collect();
        Self([format!("multicluster-{digest}"), format!("multicluster-{digest}-2")])
    }

    /// The name that one does not have.
    fn other(&self, taken: Option<&str>) -> &str {
        let [first, second] = &self.0;
        if taken == Some(first) { second } else { first }
    }
}

/// The ranges that shall be told apart.
pub(super) fn desired(model: &Model) -> Blocks {
    model.tree.as_ref().map(blocks).unwrap_or_default()
}

/// What becomes of the ranges.
pub(super) fn way(current: &Current, desired: &Blocks) -> Result<CollectionPlan, Problem> {
    plan_collection(&current.blocks, desired)
}

/// The collection that records name.
pub(super) fn named(sets: &[RecordSet]) -> Option<&str> {
    sets.iter().find_map(|set| match &set.routing {
        Routing::Cidr { collection, .. } => Some(collection.as_str()),
        _ => None,
    })
}

/// The collection that records name, with its ranges, and one that was left.
pub(super) async fn read(
    client: &Client,
    names: &Names,
    named: Option<&str>,
    run: &Run,
) -> Result<Current, CallError> {
    let mut ours: Vec<CidrCollection> = client.cidr_collections(run).await?;
    ours.retain(|it| names.0.contains(&it.name));
    // Without records any will do; that of the first name comes first.
    ours.sort_by_key(|it| (Some(it.id.as_str()) != named, it.name.clone()));
    let mut ours = ours.into_iter().map(|it| it.id);
    let Some(id) = ours.next() else { return Ok(Current::default()) };
    let blocks = client.cidr_blocks(&id, run).await?;
    Ok(Current { id: Some(id), blocks, left: ours.next() })
}

/// The id of the collection that records shall name: a new one if there is none, or another one is needed.
pub(super) async fn obtain(
    client: &Client,
    names: &Names,
    current: &Current,
    way: CollectionWay,
    run: &Run,
) -> Result<String, CallError> {
    let Some(id) = &current.id else { return Ok(create(client, names.other(None), run).await?.id) };
    if way == CollectionWay::InPlace {
        return Ok(id.clone());
    }
    let all = client.cidr_collections(run).await?;
    let taken = all.iter().find(|it| it.id == *id).map(|it| it.name.as_str());
    let name = names.other(taken);
    if let Some(left) = all.iter().find(|it| it.name == name) {
        remove(client, &left.id, run).await?;
    }
    Ok(create(client, name, run).await?.id)
}

/// Makes all changes that come before the records are switched.
pub(super) async fn fill(
    client: &Client,
    id: &str,
    plan: &CollectionPlan,
    run: &Run,
) -> Result<(), CallError> {
    change(client, id, &plan.before, Numbers::Needed, run).await
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

/// Makes what comes after the switch, in the collection that records named before and name still.
pub(super) async fn finish(
    client: &Client,
    id: &str,
    plan: &CollectionPlan,
    run: &Run,
) -> Result<(), CallError> {
    change(client, id, &plan.after, Numbers::Unused, run).await
}

/// Removes a collection that no record names, with all that is in it.
pub(super) async fn remove(client: &Client, id: &str, run: &Run) -> Result<(), CallError> {
    let blocks = match client.cidr_blocks(id, run).await {
        Err(error) if error.is_not_found() => return Ok(()),
        blocks => blocks?,
    };
    // To nothing there is always a way.
    let plan = plan_collection(&blocks, &Blocks::new()).unwrap_or_default();
    change(client, id, &plan.after, Numbers::Unused, run).await?;
    client.delete_cidr_collection(id, run).await
}

/// Whether somebody has to wait until all servers know of a change, which is asked by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Needed,
    Unused,
}

async fn change(
    client: &Client,
    id: &str,
    calls: &[Vec<CidrChange>],
    numbers: Numbers,
    run: &Run,
) -> Result<(), CallError> {
    for call in calls {
        // Each call makes a new version.
        let Some(collection) = find(client, id, run).await? else { return Ok(()) };
        match client.change_cidr_collection(&collection, call, run).await {
            Ok(change) if numbers == Numbers::Needed => client.wait_in_sync(&change, run).await?,
            Ok(_) => {}
            // The answer was lost: the version tells whether it took effect.
            Err(error) if error.may_be_done() && numbers == Numbers::Unused => {
                let now = find(client, id, run).await?;
                if now.is_some_and(|now| now.version == collection.version) {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn find(client: &Client, id: &str, run: &Run) -> Result<Option<CidrCollection>, CallError> {
    Ok(client.cidr_collections(run).await?.into_iter().find(|it| it.id == id))
}

/// What becomes of the ranges, in words.
pub(super) fn forecast(
    current: &Current,
    plan: &CollectionPlan,
    desired: &Blocks,
) -> BTreeMap<String, String> {
    const TITLE: &str = "CIDR collection";
    let list = |blocks: &Blocks| {
        let one = |(location, it): (&String, &BTreeSet<_>)| {
            let ranges: Vec<String> = it.iter().map(ToString::to_string).collect();
            format!("{location}: {}", ranges.join(", "))
        };
        blocks.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let mut words = BTreeMap::new();
    if current.left.is_some() {
        words.insert(format!("{TITLE} that was left"), "delete".to_owned());
    }
    let text = match (&current.id, desired.is_empty()) {
        (None, true) => None,
        (Some(_), true) => Some("delete".to_owned()),
        (None, false) => Some(format!("create: {}", list(desired))),
        (Some(_), false) if plan.before.is_empty() && plan.after.is_empty() => None,
        (Some(_), false) => {
            let verb = if plan.way == CollectionWay::Anew { "replace" } else { "update" };
            Some(format!("{verb}: {} → {}", list(&current.blocks), list(desired)))
        }
    };
    words.extend(text.map(|text| (TITLE.to_owned(), text)));
    words
}

/// The digest of ranges that shall be; empty for none.
pub(super) fn digest(blocks: &Blocks) -> String {
    if blocks.is_empty() { String::new() } else { digest_text(&format!("{blocks:?}")) }
}

/// The digest of ranges that are there. A collection that was left is a difference.
pub(super) fn digest_of_current(current: &Current) -> String {
    let digest = digest(&current.blocks);
    if current.left.is_some() { format!("{digest} and one that was left") } else { digest }
}
