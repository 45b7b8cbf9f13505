//! A name goes: its records first, and what stands beside them when all servers know.

use std::collections::BTreeSet;

use multicluster::route53::{Freshness, Run, Zone};
use multicluster_core::route53::{OwnerId, RecordName, Takeover, Wanted, plan};
use tfplugin::resource::{ApplyRequest, StateResponse};
use tfplugin::{Context, Diagnostics, Node, Value};
use tokio::time::Instant;

use super::super::GeoDns;
use super::super::beside::{self, Asked};
use super::super::collection;
use super::super::health_checks;
use super::super::record::Record;
use super::super::state;
use super::super::zone::{self, Words};
use super::say::report;
use crate::validators::sentence;

pub(in super::super) async fn delete(
    shared: &GeoDns,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let said = &mut response.diagnostics;
    let (Some(name), Some(owner)) = (state::name_of(request.prior), owner_of(request.prior)) else { return };
    let zone_id = state::zone_of(request.prior);
    let Some(zone) = zone::of(&shared.route53, zone_id.as_deref()).await else {
        said.error("Cannot remove the records", "How Route 53 is reached is not known. Nothing was removed.");
        return;
    };
    let record = Record::parse(request.private);
    let run = zone::run(context, request.prior, "delete");
    let lock = shared.route53.lock(zone.id(), &name);
    let _guard = lock.lock().await;
    if remove_records(&zone, &name, &owner, &record, &run, said).await {
        remove_beside(shared, request.prior, &owner, &name, &record, &run, said).await;
    }
}

/// Removes the records. Whether what stands beside them may go, too.
async fn remove_records(
    zone: &Zone,
    name: &RecordName,
    owner: &OwnerId,
    record: &Record,
    run: &Run,
    said: &mut Diagnostics,
) -> bool {
    let freshness = Freshness::Since(Instant::now());
    let view = match zone::view(zone, record.zone(), &[name], Words::Ours, freshness, run).await {
        Ok(view) => view,
        Err(error) if error.code() == Some("NoSuchHostedZone") => return true,
        Err(error) => {
            said.error("Cannot remove the records", format!("{} Nothing was removed.", sentence(&error)));
            return false;
        }
    };
    let mark = zone::mark(&view.sets, name);
    if mark.as_ref().is_some_and(|mark| mark.owner != *owner) {
        // Another one writes the name by now; what was ours is not there any more.
        return true;
    }
    let mut takeover = BTreeSet::new();
    if mark.is_none() {
        let (seen, there) = (zone::answers(&record.sets(), name), zone::answers(&view.sets, name));
        if there.iter().all(|set| seen.contains(set)) {
            takeover.insert(Takeover::Unclaimed);
        }
    }
    let wanted = Wanted { name, sets: &[], owner, renamed_from: None, takeover: &takeover };
    let plan = match plan(&view.sets, &wanted) {
        Ok(plan) => plan,
        Err(refusal) => {
            let summary = format!("`{}` cannot be removed", name.as_written());
            said.error(summary, format!("{} Nothing was removed.", sentence(&refusal)));
            return false;
        }
    };
    let applied = zone.apply(&plan.batches, run).await;
    if let Some(error) = &applied.error {
        report(name, error, said);
        return false;
    }
    if let Some(why) = applied.not_in_sync() {
        // Health checks that servers still look at stay.
        said.error("The records are removed, but not everywhere yet", sentence(why));
        return false;
    }
    true
}

/// Removes health checks and ranges.
async fn remove_beside(
    shared: &GeoDns,
    prior: &Value,
    owner: &OwnerId,
    name: &RecordName,
    record: &Record,
    run: &Run,
    said: &mut Diagnostics,
) {
    let Some(client) = shared.route53.client().await else { return };
    let asked = Asked {
        checks: !Node::root(prior).attribute("health_checks").entries().is_empty()
            || !record.checks().is_empty(),
        ranges: record.collection().id.is_some(),
        named: None,
    };
    let standing = match beside::read(shared, owner, name, asked, run).await {
        Ok(standing) => standing,
        Err(error) => {
            said.error("Cannot remove the health checks", sentence(&error));
            return;
        }
    };
    let ids = health_checks::parents_first(&standing.checks);
    for (id, error) in client.delete_checks(&ids, run).await {
        said.error(format!("Cannot remove health check {}", id.0), sentence(&error));
    }
    for id in standing.collection.id.iter().chain(&standing.collection.left) {
        if let Err(error) = collection::remove(&client, id, run).await {
            said.error(format!("Cannot remove CIDR collection {id}"), sentence(&error));
        }
    }
}

fn owner_of(state: &Value) -> Option<OwnerId> {
    OwnerId::new(Node::root(state).attribute("owner").str()?).ok()
}
