//! Carrying out what `multicluster_core` plans for the checks of a name.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::route53::{
    HealthCheckId,
    health_check::{
        Budget, CheckKey, CheckOwner, CheckPlan, ChildCheck, CurrentCheck, HealthCheckConfig, NewCheck,
        is_reference_of,
    },
};

use super::{
    super::{CallError, Client, Run},
    HealthCheck,
};

/// How many references are tried for one check. The first was used if a check of the same content was deleted since the
/// name was last written, which Route 53 remembers for days.
const REFERENCES: u32 = 5;

/// A plan for health checks that was not carried out to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("health check of endpoint `{endpoint}`: {error}")]
pub struct ChecksError {
    /// The endpoint, and the address of several.
    pub endpoint: CheckKey,
    /// Why not.
    pub error: CallError,
    /// Those that were made, so that they can be named or deleted.
    pub made: BTreeMap<CheckKey, HealthCheckId>,
}

impl Client {
    /// The health checks of an owner and name, found by their references, told apart by their tags.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn checks_of(&self, owner: &CheckOwner, run: &Run) -> Result<Vec<CurrentCheck>, CallError> {
        let found = self.health_checks(|reference| is_reference_of(reference, owner), run).await?;
        let current = |check: HealthCheck| CurrentCheck {
            key: owner.key_of(&check.tags),
            id: check.id,
            version: check.version,
            caller_reference: check.caller_reference,
            config: check.config,
        };
        Ok(found.into_iter().map(current).collect())
    }

    /// How many health checks the account may have, and has.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn health_check_budget(&self, run: &Run) -> Result<Budget, CallError> {
        let count = self.health_check_count(run).await?;
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Budget { limit: size(count.limit), in_use: size(count.count) })
    }

    /// Does what comes before record sets are switched: makes, tags and changes checks. The ids of those that are new.
    ///
    /// May be repeated: what was made before is made again as the same check.
    ///
    /// # Errors
    /// [`ChecksError`] at the first that fails. Checks that were made by then are found again by their references.
    ///
    /// # Cancel safety
    /// When the future is dropped some of it may have been done.
    pub async fn prepare_checks(
        &self,
        plan: &CheckPlan,
        owner: &CheckOwner,
        run: &Run,
    ) -> Result<BTreeMap<CheckKey, HealthCheckId>, ChecksError> {
        let mut made = BTreeMap::new();
        for new in &plan.create {
            let config = with_children(&new.config, &new.children, &made);
            match self.make(new, &config, owner, run).await {
                Ok(check) => made.insert(new.key.clone(), check.id),
                Err(error) => return Err(ChecksError { endpoint: new.key.clone(), error, made }),
            };
        }
        for (id, key) in &plan.tag {
            if let Err(error) = self.tag_health_check(id, &owner.tags(key), run).await {
                return Err(ChecksError { endpoint: key.clone(), error, made });
            }
        }
        for update in &plan.update {
            let check = HealthCheck {
                id: update.id.clone(),
                caller_reference: String::new(),
                version: update.version,
                config: update.from.clone(),
                tags: BTreeMap::new(),
            };
            let config = with_children(&update.to, &update.children, &made);
            if let Err(error) = self.update_health_check(&check, &config, run).await {
                return Err(ChecksError { endpoint: update.key.clone(), error, made });
            }
        }
        Ok(made)
    }

    async fn make(
        &self,
        new: &NewCheck,
        config: &HealthCheckConfig,
        owner: &CheckOwner,
        run: &Run,
    ) -> Result<HealthCheck, CallError> {
        let tags = owner.tags(&new.key);
        let mut made = self.create_health_check(&new.caller_reference, config, &tags, run).await;
        for number in 2..=REFERENCES {
            match &made {
                Err(error) if error.code() == Some("HealthCheckAlreadyExists") => {
                    let reference = format!("{}-{number}", new.caller_reference);
                    made = self.create_health_check(&reference, config, &tags, run).await;
                }
                _ => break,
            }
        }
        made
    }

    /// Deletes checks in order, once no record set names them and all servers know.
    ///
    /// # Errors
    /// [`CallError`] at the first that fails; the others are still there.
    ///
    /// # Cancel safety
    /// When the future is dropped some of them may have been deleted.
    pub async fn delete_checks(&self, checks: &[HealthCheckId], run: &Run) -> Result<(), CallError> {
        for check in checks {
            self.delete_health_check(check, run).await?;
        }
        Ok(())
    }
}

fn with_children(
    config: &HealthCheckConfig,
    children: &[ChildCheck],
    made: &BTreeMap<CheckKey, HealthCheckId>,
) -> HealthCheckConfig {
    // A plan makes children before what looks at them.
    let ids: BTreeSet<HealthCheckId> = children
        .iter()
        .filter_map(|child| match child {
            ChildCheck::Existing(id) => Some(id.clone()),
            ChildCheck::New(key) => made.get(key).cloned(),
        })
        .collect();
    HealthCheckConfig { child_health_checks: ids, ..config.clone() }
}
