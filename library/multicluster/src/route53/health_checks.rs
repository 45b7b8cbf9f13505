//! Health checks of the account: found, made, changed, deleted.
//!
//! `multicluster_core::route53::health_check` decides which there shall be. A new one is made before record sets name
//! it, and an old one is deleted when all servers know that none does; the order is the caller's.

mod carry_out;
mod convert;

use std::collections::BTreeMap;

use aws_sdk_route53::types::{self, AccountLimitType, Tag, TagResourceType};
use multicluster_core::route53::{HealthCheckId, health_check::HealthCheckConfig};

use super::{Client, Run, call::Operation, error::CallError};
use crate::failpoint;

pub use self::carry_out::{ChecksError, PreparedChecks};

/// How many checks a page of a listing has at most.
const PAGE: i32 = 100;

/// How many resources are asked for their tags at once.
const TAGGED: usize = 10;

/// A health check as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Its id.
    pub id: HealthCheckId,
    /// By what it was made; unique for ever.
    pub caller_reference: String,
    /// Grows with each change; a change names the version that it was made for.
    pub version: u64,
    /// What it does.
    pub config: HealthCheckConfig,
    /// Its tags, if they were asked for.
    pub tags: BTreeMap<String, String>,
}

/// How many health checks the account has, and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheckCount {
    /// How many there are, of anybody.
    pub count: u64,
    /// How many there may be.
    pub limit: u64,
}

impl Client {
    /// The health checks whose caller reference is one that is looked for, with their tags.
    ///
    /// All are listed, a hundred at a time; only those that are looked for are asked for their tags, ten at a time. One
    /// without tags was not finished: its reference tells what it was to become.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn health_checks(
        &self,
        is_wanted: impl Fn(&str) -> bool + Send,
        run: &Run,
    ) -> Result<Vec<HealthCheck>, CallError> {
        let operation = Operation::general("ListHealthChecks");
        let (mut found, mut marker) = (Vec::new(), None::<String>);
        loop {
            let answer = self
                .call(operation, run, |sdk| {
                    sdk.list_health_checks().max_items(PAGE).set_marker(marker.clone()).send()
                })
                .await?;
            for check in &answer.health_checks {
                if is_wanted(&check.caller_reference) {
                    found.push(read(operation, check)?);
                }
            }
            let next = answer.next_marker.filter(|_| answer.is_truncated);
            marker = super::cidr::further(operation, marker.as_ref(), next)?;
            if marker.is_none() {
                break;
            }
        }
        for some in found.chunks_mut(TAGGED) {
            self.tag_sets(some, run).await?;
        }
        Ok(found)
    }

    async fn tag_sets(&self, checks: &mut [HealthCheck], run: &Run) -> Result<(), CallError> {
        let operation = Operation::general("ListTagsForResources");
        let ids: Vec<String> = checks.iter().map(|check| check.id.0.clone()).collect();
        let answer = self.call(operation, run, |sdk| {
            sdk.list_tags_for_resources()
                .resource_type(TagResourceType::Healthcheck)
                .set_resource_ids(Some(ids.clone()))
                .send()
        });
        for set in answer.await?.resource_tag_sets {
            let check = checks.iter_mut().find(|check| Some(&check.id.0) == set.resource_id.as_ref());
            if let Some(check) = check {
                let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
                check.tags = set.tags.unwrap_or_default().into_iter().filter_map(pair).collect();
            }
        }
        Ok(())
    }

    /// How many health checks the account has, and may have.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn health_check_count(&self, run: &Run) -> Result<HealthCheckCount, CallError> {
        let operation = Operation::general("GetAccountLimit");
        let answer = self.call(operation, run, |sdk| {
            sdk.get_account_limit().r#type(AccountLimitType::MaxHealthChecksByOwner).send()
        });
        let answer = answer.await?;
        let limit = answer.limit.and_then(|limit| u64::try_from(limit.value).ok());
        let limit = limit.ok_or_else(|| operation.unintelligible("the limit is missing"))?;
        Ok(HealthCheckCount { count: u64::try_from(answer.count).unwrap_or(0), limit })
    }

    /// Makes a health check and gives it its tags. The same reference and configuration make the same check again, so
    /// that a call that was cut short is repeated without harm.
    ///
    /// # Errors
    /// [`CallError`], with the code `HealthCheckAlreadyExists` if the reference was used for another configuration or
    /// for a check that was deleted, and `TooManyHealthChecks`.
    ///
    /// # Cancel safety
    /// When the future is dropped the check may or may not have been made, or made without its tags.
    pub async fn create_health_check(
        &self,
        caller_reference: &str,
        config: &HealthCheckConfig,
        tags: &BTreeMap<String, String>,
        run: &Run,
    ) -> Result<HealthCheck, CallError> {
        let operation = Operation::harmless("CreateHealthCheck", caller_reference);
        let sent = convert::sent(config)
            .map_err(|_| operation.unintelligible("the check lacks a field (a bug of this program)"))?;
        failpoint::hit("route53-health-check-create-before");
        let answer = self.call(operation, run, |sdk| {
            sdk.create_health_check()
                .caller_reference(caller_reference)
                .health_check_config(sent.clone())
                .send()
        });
        let made = answer.await?.health_check;
        failpoint::hit("route53-health-check-create-after");
        let made = made.ok_or_else(|| operation.unintelligible("the check is missing"))?;
        let mut check = read(operation, &made)?;
        self.tag_health_check(&check.id, tags, run).await?;
        check.tags.clone_from(tags);
        Ok(check)
    }

    /// Gives a health check tags, beside those that it has.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// When the future is dropped the check may or may not have the tags.
    pub async fn tag_health_check(
        &self,
        check: &HealthCheckId,
        tags: &BTreeMap<String, String>,
        run: &Run,
    ) -> Result<(), CallError> {
        if tags.is_empty() {
            return Ok(());
        }
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags: Vec<Tag> = tags.iter().map(tag).collect();
        let operation = Operation::harmless("ChangeTagsForResource", &check.0);
        failpoint::hit("route53-health-check-tag-before");
        let answer = self.call(operation, run, |sdk| {
            sdk.change_tags_for_resource()
                .resource_type(TagResourceType::Healthcheck)
                .resource_id(&check.0)
                .set_add_tags(Some(tags.clone()))
                .send()
        });
        answer.await?;
        failpoint::hit("route53-health-check-tag-after");
        Ok(())
    }

    /// Changes what of a health check can be changed, if it is still the version that was read. What the new
    /// configuration does not give is set back.
    ///
    /// After a lost answer the check is read: with the new configuration the change took effect.
    ///
    /// # Errors
    /// [`CallError`], with the code `HealthCheckVersionMismatch` if somebody else has changed it.
    ///
    /// # Cancel safety
    /// When the future is dropped the change may or may not take effect.
    pub async fn update_health_check(
        &self,
        check: &HealthCheck,
        config: &HealthCheckConfig,
        run: &Run,
    ) -> Result<HealthCheck, CallError> {
        let operation = Operation::once("UpdateHealthCheck", &check.id.0);
        let version = i64::try_from(check.version).unwrap_or(i64::MAX);
        failpoint::hit("route53-health-check-update-before");
        let answer = self.call(operation, run, |sdk| {
            let update = sdk.update_health_check();
            let update = update.health_check_id(&check.id.0).health_check_version(version);
            convert::update(update, &check.config, config).send()
        });
        let answer = answer.await;
        failpoint::hit("route53-health-check-update-after");
        let tags = check.tags.clone();
        match answer {
            Ok(answer) => {
                let changed =
                    answer.health_check.ok_or_else(|| operation.unintelligible("the check is missing"))?;
                Ok(HealthCheck { tags, ..read(operation, &changed)? })
            }
            Err(error) if error.may_be_done() => {
                let is_done = |now: &HealthCheck| now.config.normalised() == config.normalised();
                let now = self.health_check(&check.id, run).await?.filter(is_done);
                now.map(|now| HealthCheck { tags, ..now }).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// A health check by its id, without its tags; none if it does not exist.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn health_check(
        &self,
        check: &HealthCheckId,
        run: &Run,
    ) -> Result<Option<HealthCheck>, CallError> {
        let operation = Operation::harmless("GetHealthCheck", &check.0);
        let answer =
            self.call(operation, run, |sdk| sdk.get_health_check().health_check_id(&check.0).send()).await;
        match answer {
            Ok(answer) => answer.health_check.map(|check| read(operation, &check)).transpose(),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a health check. One that is not there is deleted.
    ///
    /// Route 53 also deletes a check that record sets still name, and then treats them as it likes: delete only when
    /// none does any more, and all servers know.
    ///
    /// # Errors
    /// [`CallError`], with the code `HealthCheckInUse` while a calculated one looks at it.
    ///
    /// # Cancel safety
    /// When the future is dropped the check may or may not have been deleted.
    pub async fn delete_health_check(&self, check: &HealthCheckId, run: &Run) -> Result<(), CallError> {
        let operation = Operation::harmless("DeleteHealthCheck", &check.0);
        failpoint::hit("route53-health-check-delete-before");
        let answer =
            self.call(operation, run, |sdk| sdk.delete_health_check().health_check_id(&check.0).send()).await;
        failpoint::hit("route53-health-check-delete-after");
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            answer => answer.map(drop),
        }
    }
}

fn read(operation: Operation<'_>, check: &types::HealthCheck) -> Result<HealthCheck, CallError> {
    let config = check.health_check_config.as_ref();
    let config = config.ok_or_else(|| operation.unintelligible("a check lacks its configuration"))?;
    Ok(HealthCheck {
        id: HealthCheckId(check.id.clone()),
        caller_reference: check.caller_reference.clone(),
        version: u64::try_from(check.health_check_version).unwrap_or(0),
        config: convert::read(config),
        tags: BTreeMap::new(),
    })
}
