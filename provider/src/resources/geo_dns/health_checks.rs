//! The health checks of a name: which there shall be, and how they come and go around a change of records.
//!
//! New ones are made before records name them, and old ones go after none does. One that was left by a run that was
//! killed is found by its reference or its tags, and used or removed.

use std::collections::{BTreeMap, BTreeSet};

use multicluster::route53::{CallError, Client, PreparedChecks, Run};
use multicluster_core::digest::digest_text;
use multicluster_core::dns::{EndpointName, Problem};
use multicluster_core::route53::health_check::{
    Budget, CheckKey, CheckOwner, CheckPlan, CurrentCheck, DesiredCheck, HealthCheckConfig, HealthCheckType,
    checks_of, is_reference_of, plan_checks,
};
use multicluster_core::route53::{HealthCheckId, HealthChecks, RecordName, Target};
use tfplugin::Value;
use tokio::time::Instant;

use super::model::Model;
use super::state;
use crate::config::Route53;

/// The checks that shall be.
pub(super) type Desired = BTreeMap<CheckKey, DesiredCheck>;

/// Whose checks they are.
pub(super) fn owner(model: &Model, name: &RecordName) -> CheckOwner {
    CheckOwner { owner: model.owner.clone(), name: name.clone() }
}

/// The checks that endpoints need which answer somebody.
pub(super) fn desired(
    model: &Model,
    name: &RecordName,
    targets: &BTreeMap<EndpointName, Target>,
) -> Result<Desired, Vec<Problem>> {
    let (mut desired, mut problems) = (Desired::new(), Vec::new());
    for (endpoint, check) in model.checks.iter().flatten() {
        let Some(target) = targets.get(endpoint) else { continue };
        match checks_of(endpoint, target, &check.spec, check.wish, name) {
            Ok(checks) => desired.extend(checks),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(desired) } else { Err(problems) }
}

/// What becomes of the checks. With more room than any account has; [`room`] knows better.
pub(super) fn way(
    current: &[CurrentCheck],
    desired: &Desired,
    owner: &CheckOwner,
    generation: u64,
) -> CheckPlan {
    let endless = Budget { limit: usize::MAX, in_use: 0 };
    plan_checks(current, desired, owner, generation, endless).unwrap_or_default()
}

/// Asks whether the account has room for new checks.
pub(super) async fn room(client: &Client, plan: &CheckPlan, run: &Run) -> Result<Option<Problem>, CallError> {
    if plan.create.is_empty() {
        return Ok(None);
    }
    let budget = client.health_check_budget(run).await?;
    Ok(budget.check(plan.create.len()).err())
}

/// The checks of a name as they are.
pub(super) async fn read(
    route53: &Route53,
    owner: &CheckOwner,
    since: Option<Instant>,
    run: &Run,
) -> Result<Vec<CurrentCheck>, CallError> {
    let all = route53.health_checks(since, run).await?;
    let ours = all.iter().filter(|check| {
        is_reference_of(&check.caller_reference, owner) || owner.key_of(&check.tags).is_some()
    });
    Ok(ours.map(|check| check.current(owner)).collect())
}

/// What was made on the way to a change of records.
#[derive(Default)]
pub(super) struct Made {
    /// Health checks.
    pub(super) prepared: PreparedChecks,
    /// The CIDR collection that records will name.
    pub(super) collection: Option<String>,
}

/// The ids of checks in an order in which all can be deleted: those that look at others first.
pub(super) fn parents_first(checks: &[CurrentCheck]) -> Vec<HealthCheckId> {
    let mut checks: Vec<&CurrentCheck> = checks.iter().collect();
    checks.sort_by_key(|check| check.config.child_health_checks.is_empty());
    checks.into_iter().map(|check| check.id.clone()).collect()
}

/// What is there after a plan was carried out: what was kept, and what was made or changed.
pub(super) fn after(current: &[CurrentCheck], plan: &CheckPlan, made: &Made) -> Vec<CurrentCheck> {
    let mut after = made.prepared.checks.clone();
    let kept = current.iter().filter(|check| plan.keep.values().any(|id| *id == check.id));
    after.extend(kept.cloned().map(|check| {
        let key = plan.keep.iter().find(|(_, id)| **id == check.id).map(|(key, _)| key.clone());
        CurrentCheck { key: check.key.clone().or(key), ..check }
    }));
    after.sort_by(|a, b| a.key.cmp(&b.key));
    after
}

/// A digest of what checks ask, whatever their ids; empty for none.
fn digest<'a>(checks: impl IntoIterator<Item = (Option<&'a CheckKey>, &'a HealthCheckConfig)>) -> String {
    let plain = |config: &HealthCheckConfig| HealthCheckConfig {
        child_health_checks: BTreeSet::new(),
        ..config.normalised()
    };
    // One that is there twice, or that nobody knows, was left by a run that was killed, and is a difference.
    let text = |(key, config): (Option<&CheckKey>, &HealthCheckConfig)| {
        (key.map_or_else(String::new, ToString::to_string), format!("{:?}", plain(config)))
    };
    let mut texts: Vec<(String, String)> = checks.into_iter().map(text).collect();
    texts.sort_unstable();
    if texts.is_empty() { String::new() } else { digest_text(&format!("{texts:?}")) }
}

/// The digest of the checks that are there.
pub(super) fn digest_of_current(checks: &[CurrentCheck]) -> String {
    digest(checks.iter().map(|check| (check.key.as_ref(), &check.config)))
}

/// The digest of the checks that shall be.
pub(super) fn digest_of_desired(desired: &Desired) -> String {
    digest(desired.iter().map(|(key, check)| (Some(key), &check.config)))
}

/// Their ids, by endpoint and address.
pub(super) fn ids(checks: &HealthChecks) -> Value {
    let whole = checks.endpoints.iter().map(|(name, id)| (name.to_string(), state::made(&id.0)));
    let single = checks
        .addresses
        .iter()
        .map(|((name, address), id)| (format!("{name} {address}"), state::made(&id.0)));
    Value::map(whole.chain(single))
}

/// The ids of those that are there.
pub(super) fn ids_of_current(checks: &[CurrentCheck]) -> Value {
    let ids =
        checks.iter().filter_map(|check| Some((check.key.as_ref()?.to_string(), check.id.0.as_str().into())));
    Value::map(ids)
}

/// What becomes of them, in words.
pub(super) fn forecast(current: &[CurrentCheck], plan: &CheckPlan) -> BTreeMap<String, String> {
    let title = |key: &CheckKey| format!("health check {key}");
    let mut forecast = BTreeMap::new();
    for id in &plan.delete_after {
        let check = current.iter().find(|check| check.id == *id);
        let key = check.and_then(|check| check.key.as_ref());
        let title = key.map_or_else(|| format!("health check {}", id.0), title);
        forecast.insert(title, "delete".to_owned());
    }
    for new in &plan.create {
        let replaced = forecast.contains_key(&title(&new.key));
        let verb = if replaced { "replace" } else { "create" };
        forecast.insert(title(&new.key), format!("{verb}: {}", words(&new.config)));
    }
    for update in &plan.update {
        let text = format!("update: {} → {}", words(&update.from), words(&update.to));
        forecast.insert(title(&update.key), text);
    }
    forecast
}

fn words(config: &HealthCheckConfig) -> String {
    let at = config.ip_address.map(|address| address.to_string());
    let host = config.fully_qualified_domain_name.clone();
    let mut words = vec![config.r#type.as_str().to_owned()];
    match &config.r#type {
        HealthCheckType::Calculated => {
            words.push(format!("{} of its addresses", config.health_threshold.unwrap_or(1)));
        }
        HealthCheckType::CloudWatchMetric => {
            words.extend(config.alarm.as_ref().map(|alarm| format!("{} in {}", alarm.name, alarm.region)));
        }
        _ => {
            let port = config.port.map(|port| format!(" port {port}")).unwrap_or_default();
            words.push(format!("{}{port}", at.or(host.clone()).unwrap_or_default()));
            words.extend(config.resource_path.clone());
            words.extend(config.search_string.as_ref().map(|text| format!("with {text:?}")));
            let interval = config.request_interval.unwrap_or(30);
            words.push(format!("every {interval} s, {} in a row", config.failure_threshold.unwrap_or(3)));
        }
    }
    if config.inverted {
        words.push("inverted".to_owned());
    }
    if config.disabled {
        words.push("disabled".to_owned());
    }
    words.join(" ")
}
