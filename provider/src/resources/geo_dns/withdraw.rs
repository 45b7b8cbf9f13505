//! Takes one endpoint out of a name by what the zone holds, for those who know nothing but the name: its cluster is about
//! to go.

use std::collections::BTreeSet;
use std::time::Duration;

use multicluster::route53::{ApplyError, CallError, Freshness, Run, Zone};
use multicluster_core::dns::{EndpointName, EndpointState, tree};
use multicluster_core::route53::import::{Imported, Scope, import};
use multicluster_core::route53::{
    Data, Naming, RecordName, RecordSet, Refusal, Wanted, compile, digest_of_sets, plan,
};
use tokio::time::Instant;

use super::id::{Id, NotAnId};
use super::lookup;
use super::zone::{self, View, Words};
use crate::config::Route53;

/// How often the records are read again because another one changed them at the same time: those who drain other
/// clusters do so.
const TRIES: usize = 8;
/// Seconds for which resolvers may keep the answer of an alias.
const ALIAS_TTL: u32 = 60;

/// Why an endpoint could not be withdrawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WithdrawError {
    /// The id is none.
    #[error("`{0}` is not the id of a name, which is the zone's id, `/`, and the name: {1}")]
    Id(String, NotAnId),
    /// The provider block is not known.
    #[error("how Route 53 is reached is not known")]
    Unknown,
    /// Route 53 could not be asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The records do not say who answers whom.
    #[error("the records cannot be understood: {0}")]
    Unclear(String),
    /// They may not be changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// They were not changed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Withdraws an endpoint from a name, given by its id, so that nobody is answered by it any more; others stand in as if
/// its `state` were `drained`. If it is the last one, the name answers nobody.
///
/// Returns for how long resolvers may still know it; none if it was not there.
///
/// # Errors
/// [`WithdrawError`]; the records are then as they were.
pub(crate) async fn withdraw_endpoint(
    route53: &Route53,
    id: &str,
    endpoint: &EndpointName,
    run: &Run,
) -> Result<Option<Duration>, WithdrawError> {
    let Id { zone, name, .. } = Id::parse(id).map_err(|why| WithdrawError::Id(id.to_owned(), why))?;
    let zone = zone::of(route53, Some(zone)).await.ok_or(WithdrawError::Unknown)?;
    let lock = route53.lock(zone.id(), &name);
    let _guard = lock.lock().await;
    let mut tries = 1;
    loop {
        match try_withdraw(route53, &zone, &name, endpoint, run).await {
            Err(WithdrawError::Apply(ApplyError::Changed(_))) if tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn try_withdraw(
    route53: &Route53,
    zone: &Zone,
    name: &RecordName,
    endpoint: &EndpointName,
    run: &Run,
) -> Result<Option<Duration>, WithdrawError> {
    let fresh = Freshness::Since(Instant::now());
    let view = match zone::view(zone, None, &[name], Words::Ours, fresh, run).await {
        Ok(view) => view,
        // With the zone all answers are gone.
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(mark) = zone::mark(&view.sets, name) else { return Ok(None) };
    let answers = zone::answers(&view.sets, name);
    if answers.is_empty() {
        return Ok(None);
    }
    let client = route53.client().await.ok_or(WithdrawError::Unknown)?;
    let collections = lookup::collections(&client, &answers, run).await?;
    let scope = Scope { zone: &view.zone, name, r#type: None, collections: &collections };
    let imported = import(scope, &answers).map_err(|obstacles| unclear(&obstacles))?;
    let ttl = longest_ttl(&answers);
    let Some(desired) = without(imported, &view, name, endpoint)? else { return Ok(None) };
    let wanted =
        Wanted { name, sets: &desired, owner: &mark.owner, renamed_from: None, takeover: &BTreeSet::new() };
    let plan = plan(&view.sets, &wanted)?;
    let applied = zone.apply(&plan.batches, run).await;
    if let Some(error) = applied.error {
        return Err(error.into());
    }
    // Those who have planned before the cluster was withdrawn may go on from here.
    route53.note_withdrawn(zone.id(), name, digest_of_sets(&desired));
    Ok(Some(ttl))
}

/// The sets without the endpoint; none if it is not there.
fn without(
    imported: Imported,
    view: &View,
    name: &RecordName,
    endpoint: &EndpointName,
) -> Result<Option<Vec<RecordSet>>, WithdrawError> {
    let Imported { mut intent, mut targets, health_checks, ttl, cidr_collection, .. } = imported;
    let Some(leaving) = intent.endpoints.get_mut(endpoint) else { return Ok(None) };
    leaving.state = EndpointState::Drained;
    if intent.is_drained() {
        return Ok(Some(Vec::new()));
    }
    let grown = tree::grow(&intent).map_err(|problems| unclear(&problems))?;
    targets.remove(endpoint);
    let naming = Naming {
        zone_id: view.zone.id.clone(),
        zone: view.zone.name.clone(),
        name: name.clone(),
        ttl: ttl.unwrap_or(ALIAS_TTL),
        cidr_collection,
    };
    compile(&grown.node, &naming, &targets, &health_checks).map(Some).map_err(|problems| unclear(&problems))
}

fn longest_ttl(sets: &[RecordSet]) -> Duration {
    let ttl = |set: &RecordSet| match &set.data {
        Data::Values { ttl, .. } => *ttl,
        Data::Alias(_) => ALIAS_TTL,
    };
    Duration::from_secs(sets.iter().map(ttl).max().unwrap_or_default().into())
}

fn unclear<T: std::fmt::Display>(reasons: &[T]) -> WithdrawError {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    WithdrawError::Unclear(reasons.join("; "))
}
