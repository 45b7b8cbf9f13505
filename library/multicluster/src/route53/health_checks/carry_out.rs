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
const REFERENCES: u32 = 8;

/// What was done of a plan for health checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreparedChecks {
    /// The ids of the new ones.
    pub ids: BTreeMap<CheckKey, HealthCheckId>,
    /// The new and the changed ones, as they are by now.
    pub checks: Vec<CurrentCheck>,
}

/// A plan for health checks that was not carried out to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("health check of endpoint `{endpoint}`: {error}")]
pub struct ChecksError {
    /// The endpoint, and the address of several.
    pub endpoint: CheckKey,
    /// Why not.
    pub error: CallError,
    /// What was done before, so that it can be named or undone.
    pub prepared: PreparedChecks,
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
        Ok(found.iter().map(|check| check.current(owner)).collect())
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

    /// Does what comes before record sets are switched: makes, tags and changes checks.
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
    ) -> Result<PreparedChecks, ChecksError> {
        let mut prepared = PreparedChecks::default();
        for new in &plan.create {
            let config = with_children(&new.config, &new.children, &prepared.ids);
            match self.make(new, &config, owner, run).await {
                Ok(check) => {
                    prepared.ids.insert(new.key.clone(), check.id.clone());
                    prepared.checks.push(check.current(owner));
                }
                Err(error) => return Err(ChecksError { endpoint: new.key.clone(), error, prepared }),
            }
        }
        for (id, key) in &plan.tag {
            if let Err(error) = self.tag_health_check(id, &owner.tags(key), run).await {
                return Err(ChecksError { endpoint: key.clone(), error, prepared });
            }
        }
        for update in &plan.update {
            let check = HealthCheck {
                id: update.id.clone(),
                caller_reference: String::new(),
                version: update.version,
                config: update.from.clone(),
                tags: owner.tags(&update.key),
            };
            let config = with_children(&update.to, &update.children, &prepared.ids);
            match self.update_health_check(&check, &config, run).await {
                Ok(check) => prepared.checks.push(check.current(owner)),
                Err(error) => return Err(ChecksError { endpoint: update.key.clone(), error, prepared }),
            }
        }
        Ok(prepared)
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

    /// Deletes checks in order, once no record set names them and all servers know. Returns those that are left, and
    /// why.
    ///
    /// # Cancel safety
    /// When the future is dropped some of them may have been deleted.
    pub async fn delete_checks(
        &self,
        checks: &[HealthCheckId],
        run: &Run,
    ) -> Vec<(HealthCheckId, CallError)> {
        let mut left = Vec::new();
        for check in checks {
            if let Err(error) = self.delete_health_check(check, run).await {
                left.push((check.clone(), error));
            }
        }
        left
    }
}

impl HealthCheck {
    /// The check as plans for an owner and name see it.
    #[must_use]
    pub fn current(&self, owner: &CheckOwner) -> CurrentCheck {
        CurrentCheck {
            id: self.id.clone(),
            version: self.version,
            caller_reference: self.caller_reference.clone(),
            config: self.config.clone(),
            key: owner.key_of(&self.tags),
        }
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
