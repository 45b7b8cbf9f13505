//! What comes after the records: what none of them names any more goes, and the state says what is there.

use std::collections::BTreeMap;

use multicluster::route53::{Applied, Freshness};
use multicluster_core::route53::cidr::CollectionWay;
use multicluster_core::route53::health_check::CheckKey;
use multicluster_core::route53::{HealthCheckId, ZoneFacts};
use tfplugin::resource::StateResponse;
use tfplugin::{Diagnostics, Node, Value};

use super::super::beside::Standing;
use super::super::collection;
use super::super::decide::Decision;
use super::super::health_checks::{self, Made};
use super::super::map;
use super::super::read;
use super::super::record::Record;
use super::super::state;
use super::super::zone::{self, View, Words};
use super::say::not_in_sync;
use super::{Change, Job, Work};
use crate::validators::sentence;

impl Change<'_> {
    /// Removes what no record names any more, and says what is there now. While not all servers know of the change,
    /// nothing is removed: the next apply does it.
    pub(super) async fn finish(
        &self,
        job: &Job,
        made: &Made,
        applied: &Applied,
        diagnostics: &mut Diagnostics,
    ) -> Standing {
        let beside = &job.beside;
        let mut checks = health_checks::after(&beside.standing.checks, &beside.checks, made);
        let mut going = beside.checks.delete_after.clone();
        going.extend(health_checks::parents_first(&job.old.checks));
        let known = applied.is_success() && applied.not_in_sync().is_none();
        let named = made.collection.clone().or_else(|| beside.standing.collection.id.clone());
        let named = named.filter(|_| !beside.blocks.is_empty());
        let to_go = beside.collections_to_go(named.as_deref());
        let ranges = |left: &[String]| {
            let mut ids = named.iter().chain(left).cloned();
            collection::Current { id: ids.next(), blocks: beside.blocks.clone(), left: ids.next() }
        };
        let replaced =
            beside.standing.checks.iter().filter(|check| beside.checks.delete_after.contains(&check.id));
        let (Some(client), true) = (self.shared.route53.client().await, known) else {
            checks.extend(replaced.cloned());
            return Standing { checks, collection: ranges(&to_go) };
        };
        let stayed = client.delete_checks(&going, self.run).await;
        checks.extend(replaced.filter(|check| stayed.iter().any(|(id, _)| *id == check.id)).cloned());
        for (id, error) in &stayed {
            let detail =
                format!("The records are as planned, but health check {} is left. {}", id.0, sentence(error));
            diagnostics.warning("A health check is left", detail);
        }
        let (mut ends, mut left) = (Vec::new(), Vec::new());
        if let (Some(id), CollectionWay::InPlace) = (&named, beside.ranges.way) {
            ends.push((id.clone(), collection::finish(&client, id, &beside.ranges, self.run).await));
        }
        for id in &to_go {
            let end = collection::remove(&client, id, self.run).await;
            left.extend(end.is_err().then(|| id.clone()));
            ends.push((id.clone(), end));
        }
        let old = &job.old.collection;
        for id in old.id.iter().chain(&old.left) {
            ends.push((id.clone(), collection::remove(&client, id, self.run).await));
        }
        for (id, end) in ends {
            if let Err(error) = end {
                let detail = format!(
                    "The records are as planned, but CIDR collection {id} is not. {}",
                    sentence(&error)
                );
                diagnostics.warning("Ranges are left", detail);
            }
        }
        Standing { checks, collection: ranges(&left) }
    }

    /// What is true afterwards.
    pub(super) async fn answer(
        &self,
        job: &Job,
        decision: &Decision,
        applied: &Applied,
        mut record: Record,
        standing: &Standing,
        response: &mut StateResponse,
    ) {
        let said = &mut response.diagnostics;
        let Job { work, view, .. } = job;
        let mut state = self.request.planned.clone();
        // What is kept is what the next plan works on: the answers, and the mark besides.
        let after = self.reread(work, &view.zone).await;
        let sets = after.map_or_else(|| decision.desired.clone(), |after| after.sets);
        let after = View { sets, ..view.clone() };
        if let Some(why) = applied.not_in_sync() {
            not_in_sync(why, said);
        }
        record.see(&after);
        record.see_checks(&standing.checks);
        record.see_collection(&standing.collection);
        read::fill(&mut state, &after, standing, &work.name);
        if applied.is_success() {
            state.set("records", state::records(&decision.desired, &after.zone));
            // One that was known at plan stays as it was shown, also if a drain came between: the next read corrects it.
            let generation = Node::root(self.request.planned).attribute("generation").i64();
            let generation =
                generation.or_else(|| i64::try_from(decision.plan.generation).ok()).unwrap_or(i64::MAX);
            state.set("generation", generation.into());
            let planned = Node::root(self.request.planned).attribute("sync");
            let sync = planned.str().map_or_else(|| job.beside.sync(&decision.desired), str::to_owned);
            state.set("sync", sync.into());
            let ids = BTreeMap::from_iter(job.made(standing));
            state.set("health_checks", health_checks::ids(&job.beside.ids(&ids)));
            let found = job.targets.iter().map(|(name, target)| (name.clone(), Some(target.clone())));
            state.set("targets", state::targets(&found.collect()));
            map::write(&work.model, &state, said).await;
        }
        if state.get("forecast").is_some_and(Value::is_unknown) {
            let mut forecast = state::forecast(&decision.plan.changes);
            forecast.extend(job.beside.forecast());
            state.set("forecast", state::texts(forecast));
        }
        response.state = state;
        response.private = record.to_private();
    }

    /// What stands now: known from what was read and written, mostly.
    pub(super) async fn reread(&self, work: &Work, zone: &ZoneFacts) -> Option<View> {
        let names = [&work.name];
        zone::view(&work.zone, Some(zone.clone()), &names, Words::Ours, Freshness::Cached, self.run)
            .await
            .ok()
    }
}

impl Job {
    /// The ids of the checks that are there.
    fn made(&self, standing: &Standing) -> Vec<(CheckKey, HealthCheckId)> {
        let ids = standing.checks.iter().filter(|check| !self.beside.checks.delete_after.contains(&check.id));
        ids.filter_map(|check| Some((check.key.clone()?, check.id.clone()))).collect()
    }
}
