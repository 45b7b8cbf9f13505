//! CIDR collections: the ranges of client addresses that IP-based routing tells apart.

use aws_sdk_route53::types::{CidrCollectionChange, CidrCollectionChangeAction};
use multicluster_core::route53::cidr::{Blocks, CidrAction, CidrChange};

use super::{Client, Run, call::Operation, error::CallError, insync::ChangeId};
use crate::failpoint;

/// A collection of the account, without its ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CidrCollection {
    /// Its id, a UUID.
    pub id: String,
    /// Its name, unique in the account.
    pub name: String,
    /// Grows with each change; a change names the version that it was made for.
    pub version: i64,
}

impl Client {
    /// The collections of the account.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn cidr_collections(&self, run: &Run) -> Result<Vec<CidrCollection>, CallError> {
        let operation = Operation::general("ListCidrCollections");
        let (mut collections, mut next) = (Vec::new(), None);
        loop {
            let answer = self
                .call(operation, run, |sdk| sdk.list_cidr_collections().set_next_token(next.clone()).send())
                .await?;
            for it in answer.cidr_collections.unwrap_or_default() {
                let (Some(id), Some(name), Some(version)) = (it.id, it.name, it.version) else {
                    return Err(operation.unintelligible("a collection lacks its id, name or version"));
                };
                collections.push(CidrCollection { id, name, version });
            }
            next = further(operation, next.as_ref(), answer.next_token)?;
            if next.is_none() {
                return Ok(collections);
            }
        }
    }

    /// The ranges of a collection, by location.
    ///
    /// # Errors
    /// [`CallError`], with [`CallError::is_not_found`] if there is no such collection.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn cidr_blocks(&self, collection: &str, run: &Run) -> Result<Blocks, CallError> {
        let operation = Operation::harmless("ListCidrBlocks", collection);
        let (mut locations, mut next) = (Blocks::new(), None);
        loop {
            let answer = self
                .call(operation, run, |sdk| {
                    sdk.list_cidr_blocks().collection_id(collection).set_next_token(next.clone()).send()
                })
                .await?;
            for it in answer.cidr_blocks.unwrap_or_default() {
                let block = it.cidr_block.as_deref().and_then(|text| text.parse().ok());
                let (Some(location), Some(block)) = (it.location_name, block) else {
                    return Err(operation.unintelligible("a range is not one"));
                };
                locations.entry(location).or_default().insert(block);
            }
            next = further(operation, next.as_ref(), answer.next_token)?;
            if next.is_none() {
                return Ok(locations);
            }
        }
    }

    /// Makes a collection. The same reference makes the same collection again.
    ///
    /// # Errors
    /// [`CallError`], with the code `CidrCollectionAlreadyExistsException` if another one has the name.
    ///
    /// # Cancel safety
    /// When the future is dropped the collection may or may not have been made.
    pub async fn create_cidr_collection(
        &self,
        name: &str,
        caller_reference: &str,
        run: &Run,
    ) -> Result<CidrCollection, CallError> {
        let operation = Operation::harmless("CreateCidrCollection", name);
        failpoint::hit("route53-cidr-create-before");
        let answer = self.call(operation, run, |sdk| {
            sdk.create_cidr_collection().name(name).caller_reference(caller_reference).send()
        });
        let made = answer.await?.collection;
        failpoint::hit("route53-cidr-create-after");
        let made =
            made.and_then(|it| Some(CidrCollection { id: it.id?, name: it.name?, version: it.version? }));
        made.ok_or_else(|| operation.unintelligible("the collection is missing"))
    }

    /// Changes a collection, if it is still in this version. What is done when is told by
    /// [`Client::wait_in_sync`].
    ///
    /// After a lost answer the collection has to be read again: in the next version the change took effect.
    ///
    /// # Errors
    /// [`CallError`], with the code `CidrCollectionVersionMismatchException` if somebody else has changed it.
    ///
    /// # Cancel safety
    /// When the future is dropped the change may or may not take effect.
    pub async fn change_cidr_collection(
        &self,
        collection: &CidrCollection,
        changes: &[CidrChange],
        run: &Run,
    ) -> Result<ChangeId, CallError> {
        let operation = Operation::once("ChangeCidrCollection", &collection.id);
        let changes: Result<Vec<_>, _> = changes.iter().map(sent).collect();
        let changes = changes
            .map_err(|_| operation.unintelligible("a change lacks a field (a bug of this program)"))?;
        failpoint::hit("route53-cidr-change-before");
        let answer = self.call(operation, run, |sdk| {
            sdk.change_cidr_collection()
                .id(&collection.id)
                .collection_version(collection.version)
                .set_changes(Some(changes.clone()))
                .send()
        });
        let answer = answer.await?;
        failpoint::hit("route53-cidr-change-after");
        Ok(ChangeId(answer.id.trim_start_matches("/change/").to_owned()))
    }

    /// Deletes a collection that has no ranges and that no record set uses. One that is not there is deleted.
    ///
    /// # Errors
    /// [`CallError`], with the code `CidrCollectionInUseException` if it is not empty or still used.
    ///
    /// # Cancel safety
    /// When the future is dropped the collection may or may not have been deleted.
    pub async fn delete_cidr_collection(&self, collection: &str, run: &Run) -> Result<(), CallError> {
        let operation = Operation::harmless("DeleteCidrCollection", collection);
        failpoint::hit("route53-cidr-delete-before");
        let answer =
            self.call(operation, run, |sdk| sdk.delete_cidr_collection().id(collection).send()).await;
        failpoint::hit("route53-cidr-delete-after");
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            answer => answer.map(drop),
        }
    }
}

fn sent(change: &CidrChange) -> Result<CidrCollectionChange, aws_sdk_route53::error::BuildError> {
    CidrCollectionChange::builder()
        .location_name(&change.location)
        .action(match change.action {
            CidrAction::Put => CidrCollectionChangeAction::Put,
            CidrAction::DeleteIfExists => CidrCollectionChangeAction::DeleteIfExists,
        })
        .set_cidr_list(Some(change.blocks.iter().map(ToString::to_string).collect()))
        .build()
}

/// The next page's token, if there is one and it is another than this page's.
pub(super) fn further(
    operation: Operation<'_>,
    last: Option<&String>,
    next: Option<String>,
) -> Result<Option<String>, CallError> {
    if next.is_some() && next.as_ref() == last {
        return Err(operation.unintelligible("the listing does not go on"));
    }
    Ok(next.filter(|token| !token.is_empty()))
}
