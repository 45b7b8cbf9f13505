//! From the checks that are to the checks that shall be.
//!
//! Order of doing: children are made before the calculated check that looks at them; then all are updated; then the
//! record sets are switched; only then what is not needed any more is deleted, parents first. So no record set ever
//! names a check that is not there, and no calculated check a child that is not.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Budget;
use super::config::{DesiredCheck, HealthCheckConfig, HealthCheckType};
use super::identity::{CheckKey, CheckOwner, caller_reference, is_reference_of, key_by_reference};
use crate::dns::Problem;
use crate::route53::compile::HealthChecks;
use crate::route53::record_set::HealthCheckId;

/// A check that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentCheck {
    /// Its id.
    pub id: HealthCheckId,
    /// Its version, which an update must name.
    pub version: u64,
    /// What it was made with.
    pub caller_reference: String,
    /// What it is now.
    pub config: HealthCheckConfig,
    /// Which one it is by its tags ([`CheckOwner::key_of`]); none without tags.
    pub key: Option<CheckKey>,
}

/// What is done. Record sets are switched after `update` and before `delete_after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckPlan {
    /// Made, in this order.
    pub create: Vec<NewCheck>,
    /// Changed in place, in this order, after all are made.
    pub update: Vec<CheckUpdate>,
    /// As they shall be already.
    pub keep: BTreeMap<CheckKey, HealthCheckId>,
    /// Ours by their reference only: they lack the tags that say which they are.
    pub tag: BTreeMap<HealthCheckId, CheckKey>,
    /// Deleted, in this order, when no record set names them any more.
    pub delete_after: Vec<HealthCheckId>,
}

/// A check to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCheck {
    /// Which one.
    pub key: CheckKey,
    /// What it is; its children are in `children`.
    pub config: HealthCheckConfig,
    /// What it looks at, if it is a calculated one.
    pub children: Vec<ChildCheck>,
    /// The reference that makes it safe to ask twice.
    pub caller_reference: String,
}

/// A check to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckUpdate {
    /// Which one.
    pub key: CheckKey,
    /// Its id.
    pub id: HealthCheckId,
    /// The version that is changed; another one means that somebody else was quicker.
    pub version: u64,
    /// What it was.
    pub from: HealthCheckConfig,
    /// What it shall be; its children are in `children`.
    pub to: HealthCheckConfig,
    /// What it shall look at, if it is a calculated one.
    pub children: Vec<ChildCheck>,
}

/// A child of a calculated check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChildCheck {
    /// It is there.
    Existing(HealthCheckId),
    /// It is made before.
    New(CheckKey),
}

/// What becomes of the checks of a name.
///
/// A check is changed in place only in how it asks. One that asks something else, or whose type, interval or latency
/// measurement differs, which cannot be changed, is replaced: the new one is there before the old one goes.
///
/// # Errors
/// A [`Problem`] with the numbers if the account has no room for the new ones.
pub fn plan_checks(
    current: &[CurrentCheck],
    desired: &BTreeMap<CheckKey, DesiredCheck>,
    owner: &CheckOwner,
    generation: u64,
    budget: Budget,
) -> Result<CheckPlan, Problem> {
    let mut plan = CheckPlan::default();
    let mut leftover: Vec<&CurrentCheck> = Vec::new();
    let mut by_key: BTreeMap<&CheckKey, Vec<&CurrentCheck>> = BTreeMap::new();
    for check in current {
        let by_reference = || key_by_reference(&check.caller_reference, owner, desired.keys());
        match check.key.as_ref().or_else(by_reference) {
            Some(key) => by_key.entry(key).or_default().push(check),
            None if is_reference_of(&check.caller_reference, owner) => leftover.push(check),
            None => {}
        }
    }
    // Children first, so that it is known which of a calculated check's are new.
    let mut order: Vec<(&CheckKey, &DesiredCheck)> = desired.iter().collect();
    order.sort_by_key(|(key, check)| (!check.children.is_empty(), *key));
    let mut chosen: BTreeMap<&CheckKey, HealthCheckId> = BTreeMap::new();
    for (key, wanted) in order {
        let children: Vec<ChildCheck> = wanted
            .children
            .iter()
            .map(|child| {
                chosen
                    .get(child)
                    .map_or_else(|| ChildCheck::New(child.clone()), |id| ChildCheck::Existing(id.clone()))
            })
            .collect();
        let candidates = by_key.remove(key).unwrap_or_default();
        let exact = candidates.iter().find(|check| is_as_wanted(check, wanted, &children));
        let similar = || candidates.iter().find(|check| can_become(&check.config, &wanted.config));
        let found = exact.or_else(similar).copied();
        leftover.extend(candidates.iter().filter(|check| Some(&check.id) != found.map(|it| &it.id)));
        let Some(check) = found else {
            plan.create.push(NewCheck {
                key: key.clone(),
                config: wanted.config.clone(),
                children,
                caller_reference: caller_reference(owner, key, wanted, generation),
            });
            continue;
        };
        chosen.insert(key, check.id.clone());
        if check.key.is_none() {
            plan.tag.insert(check.id.clone(), key.clone());
        }
        if is_as_wanted(check, wanted, &children) {
            plan.keep.insert(key.clone(), check.id.clone());
        } else {
            plan.update.push(CheckUpdate {
                key: key.clone(),
                id: check.id.clone(),
                version: check.version,
                from: check.config.clone(),
                to: wanted.config.clone(),
                children,
            });
        }
    }
    leftover.extend(by_key.into_values().flatten());
    // Parents first: a check that another one looks at is not deleted before that one.
    leftover.sort_by_key(|check| (check.config.r#type != HealthCheckType::Calculated, &check.id));
    plan.delete_after = leftover.into_iter().map(|check| check.id.clone()).collect();
    budget.check(plan.create.len())?;
    Ok(plan)
}

fn is_as_wanted(check: &CurrentCheck, wanted: &DesiredCheck, children: &[ChildCheck]) -> bool {
    let ids: Option<BTreeSet<HealthCheckId>> = children
        .iter()
        .map(|child| match child {
            ChildCheck::Existing(id) => Some(id.clone()),
            ChildCheck::New(_) => None,
        })
        .collect();
    ids.is_some_and(|ids| {
        let wanted = HealthCheckConfig { child_health_checks: ids, ..wanted.config.clone() };
        check.config.normalised() == wanted.normalised()
    })
}

/// Whether a check may be changed to another one in place: the API has no change of type, interval and latency
/// measurement (UpdateHealthCheck). What is asked stays too, since record sets still lead clients to the old one.
fn can_become(from: &HealthCheckConfig, to: &HealthCheckConfig) -> bool {
    let (from, to) = (from.normalised(), to.normalised());
    let name = |config: &HealthCheckConfig| match config.ip_address {
        Some(_) => None,
        None => config.fully_qualified_domain_name.clone(),
    };
    from.r#type == to.r#type
        && from.request_interval == to.request_interval
        && from.measure_latency == to.measure_latency
        && from.ip_address == to.ip_address
        && name(&from) == name(&to)
}

impl CheckPlan {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { create, update, keep: _, tag, delete_after } = self;
        create.is_empty() && update.is_empty() && tag.is_empty() && delete_after.is_empty()
    }

    /// The ids that record sets name: of checks that are there, and of those that were made by now. One that is still to
    /// be made has a stand-in, `new:<endpoint>`, which is good enough for a plan.
    #[must_use]
    pub fn health_checks(&self, made: &BTreeMap<CheckKey, HealthCheckId>) -> HealthChecks {
        let kept = self.keep.iter().map(|(key, id)| (key, id.clone()));
        let updated = self.update.iter().map(|update| (&update.key, update.id.clone()));
        let new = self.create.iter().map(|check| {
            let stand_in = || HealthCheckId(format!("new:{}", check.key));
            (&check.key, made.get(&check.key).cloned().unwrap_or_else(stand_in))
        });
        let mut checks = HealthChecks::default();
        for (key, id) in kept.chain(updated).chain(new) {
            match key.address {
                None => checks.endpoints.insert(key.endpoint.clone(), id),
                Some(address) => checks.addresses.insert((key.endpoint.clone(), address), id),
            };
        }
        checks
    }
}
