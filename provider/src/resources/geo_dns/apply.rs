//! From a plan to the zone, and back to a state that is true whatever happened.
//!
//! ```text
//! addresses ─▶ zone read anew ─▶ health checks, ranges made ─▶ records in one batch ─▶ old checks, ranges go
//! ```

mod remove;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use multicluster::member::Wait;
use multicluster::route53::{Applied, ApplyError, CallError, ChecksError, Effect, Freshness, Run, Zone};
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::health_check::CheckKey;
use multicluster_core::route53::{HealthCheckId, RecordName, Target, ZoneFacts, digest_of_sets};
use tfplugin::resource::{ApplyRequest, StateResponse};
use tfplugin::{Context, Diagnostics, Node, Path, Value};
use tokio::time::Instant;

use super::GeoDns;
use super::beside::{self, Asked, Beside, Standing};
use super::collection;
use super::decide::{self, Decision, Known, decide};
use super::health_checks::{self, Made};
use super::map;
use super::model::{self, Model};
use super::read;
use super::record::Record;
use super::state;
use super::targets;
use super::zone::{self, View, Words};
use crate::validators::sentence;

pub(super) use remove::delete;

pub(super) async fn create(
    shared: &GeoDns,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let run = zone::run(context, request.planned, "create");
    // Its values make the future large; the caller's should not be.
    Box::pin(Change { shared, request, run: &run, before: None }.carry_out(response)).await;
}

pub(super) async fn update(
    shared: &GeoDns,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let run = zone::run(context, request.planned, "update");
    let before = state::name_of(request.prior);
    Box::pin(Change { shared, request, run: &run, before }.carry_out(response)).await;
}

/// A create or an update.
struct Change<'a> {
    shared: &'a GeoDns,
    request: ApplyRequest<'a>,
    run: &'a Run,
    /// The name so far, if there is one.
    before: Option<RecordName>,
}

/// What is to be worked on.
struct Work {
    model: Model,
    name: RecordName,
    zone: Zone,
}

/// The same, with all that is known.
struct Job {
    work: Work,
    view: View,
    targets: BTreeMap<EndpointName, Target>,
    beside: Beside,
    /// What the name that it had before has beside its records.
    old: Standing,
}

/// How long removing may take what was made in vain.
const UNDO_LIMIT: Duration = Duration::from_secs(60);

impl Change<'_> {
    async fn carry_out(&self, response: &mut StateResponse) {
        let said = &mut response.diagnostics;
        let Some(work) = self.work(said).await else { return };
        let lock = self.shared.route53.lock(work.zone.id(), &work.name);
        let _guard = lock.lock().await;
        let mut record = Record::parse(self.request.private);
        let wait = Wait { cancelled: self.run.cancelled.clone(), deadline: self.run.deadline };
        let model = &work.model;
        let found = targets::wait(&self.shared.clusters, model, &mut record, &wait, said).await;
        if said.has_errors() {
            return;
        }
        let Some(view) = self.look(&work, &record, said).await else { return };
        let wanted =
            |attribute: &str| Node::root(self.request.planned).attribute(attribute).bool() == Some(true);
        if wanted("verify_endpoints") {
            verify::endpoints(&work.model, &work.name, &found, &wait, said).await;
            if said.has_errors() {
                return;
            }
        }
        let Some(job) = self.job(work, view, found, said).await else { return };
        let mut made = Made::default();
        let Some(decision) = self.prepare(&job, &mut made, said).await else {
            self.undo(&job, &made, said).await;
            return;
        };
        let applied = job.work.zone.apply(&decision.plan.batches, self.run).await;
        if let Some(error) = &applied.error {
            report(&job.work.name, error, said);
            if applied.done() == 0 && !applied.effects.contains(&Effect::Unknown) {
                self.undo(&job, &made, said).await;
                return;
            }
        }
        let standing = self.finish(&job, &made, &applied, said).await;
        if wanted("verify_answers") && applied.is_success() && applied.not_in_sync().is_none() {
            let Job { work, targets, .. } = &job;
            verify::answers(&work.zone, &work.model, &work.name, targets, self.run, said).await;
        }
        self.answer(&job, &decision, &applied, record, &standing, response).await;
    }

    /// What there is beside the records, and what shall be.
    async fn job(
        &self,
        work: Work,
        view: View,
        targets: BTreeMap<EndpointName, Target>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Job> {
        let standing = self.standing(&work, &view, &work.name, diagnostics).await?;
        let old = match &self.before {
            Some(before) if *before != work.name => self.standing(&work, &view, before, diagnostics).await?,
            _ => Standing::default(),
        };
        let generation = zone::mark(&view.sets, &work.name).map_or(0, |mark| mark.generation) + 1;
        let beside = Beside::decide(&work.model, &work.name, &targets, standing, generation);
        match beside {
            Ok(beside) => Some(Job { work, view, targets, beside, old }),
            Err(problems) => {
                model::report("Invalid health check", &problems, diagnostics);
                None
            }
        }
    }

    /// The health checks and ranges of a name as they are now.
    async fn standing(
        &self,
        work: &Work,
        view: &View,
        name: &RecordName,
        diagnostics: &mut Diagnostics,
    ) -> Option<Standing> {
        let prior = Node::root(self.request.prior).attribute("health_checks");
        let wanted = work.model.checks.as_ref().is_some_and(|checks| !checks.is_empty());
        let ranges = !collection::desired(&work.model).is_empty();
        let there = Asked::of(&view.sets);
        let asked = Asked {
            checks: there.checks || wanted || !prior.entries().is_empty(),
            ranges: there.ranges || ranges,
        };
        match beside::read(self.shared, &work.model.owner, name, asked, self.run).await {
            Ok(standing) => Some(standing),
            Err(error) => {
                let detail = format!("{} Nothing was changed.", sentence(&error));
                diagnostics.error("Cannot read health checks and ranges", detail);
                None
            }
        }
    }

    /// Makes what records will name: health checks and ranges. What was made stands in `made`, also if this fails.
    async fn prepare(&self, job: &Job, made: &mut Made, diagnostics: &mut Diagnostics) -> Option<Decision> {
        // With stand-ins first: what is refused is refused before anything was made.
        job.decide(self.before.as_ref(), &Made::default(), job.beside.collection().as_deref(), diagnostics)?;
        let client = self.shared.route53.client().await?;
        let beside = &job.beside;
        match client.prepare_checks(&beside.checks, &beside.owner, self.run).await {
            Ok(prepared) => made.prepared = prepared,
            Err(ChecksError { error, prepared, .. }) => {
                made.prepared = prepared;
                let detail = format!("{} The records were not changed.", sentence(&error));
                diagnostics.error("Cannot make the health checks", detail);
                return None;
            }
        }
        let mut collection = None;
        if !beside.blocks.is_empty() {
            let name = collection::name(job.work.model.owner.as_str(), &job.work.name);
            let ready =
                collection::prepare(&client, &name, &beside.standing.collection, &beside.ranges, self.run);
            match ready.await {
                Ok(id) => collection = Some(id),
                Err(error) => {
                    let detail = format!("{} The records were not changed.", sentence(&error));
                    diagnostics.error("Cannot set up the CIDR collection", detail);
                    return None;
                }
            }
        }
        made.collection.clone_from(&collection);
        job.decide(self.before.as_ref(), made, collection.as_deref(), diagnostics)
    }

    /// Removes what was made for records that were not changed after all. What cannot be removed is found again by the
    /// next apply.
    async fn undo(&self, job: &Job, made: &Made, diagnostics: &mut Diagnostics) {
        let Some(client) = self.shared.route53.client().await else { return };
        let new =
            made.prepared.checks.iter().filter(|check| made.prepared.ids.values().any(|id| *id == check.id));
        let ids = health_checks::parents_first(&new.cloned().collect::<Vec<_>>());
        let run = Run::within(UNDO_LIMIT);
        for (id, error) in client.delete_checks(&ids, &run).await {
            let detail = format!(
                "Health check {} is left, and will be used or removed by the next apply. {}",
                id.0,
                sentence(&error)
            );
            diagnostics.warning("Something is left", detail);
        }
        if let (Some(id), None) = (&made.collection, &job.beside.standing.collection.id) {
            let nothing = collection::desired_nothing(&job.beside.blocks);
            if let Err(error) = collection::finish(&client, id, &nothing, false, &run).await {
                let detail = format!(
                    "CIDR collection {id} is left, and will be used by the next apply. {}",
                    sentence(&error)
                );
                diagnostics.warning("Something is left", detail);
            }
        }
    }

    /// Removes what no record names any more, and says what is there now. While not all servers know of the change,
    /// nothing is removed: the next apply does it.
    async fn finish(
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
        let mut collection = collection::Current {
            id: made.collection.clone().or_else(|| beside.standing.collection.id.clone()),
            blocks: beside.blocks.clone(),
        };
        let left =
            beside.standing.checks.iter().filter(|check| beside.checks.delete_after.contains(&check.id));
        let (Some(client), true) = (self.shared.route53.client().await, known) else {
            checks.extend(left.cloned());
            return Standing { checks, collection };
        };
        let stayed = client.delete_checks(&going, self.run).await;
        checks.extend(left.filter(|check| stayed.iter().any(|(id, _)| *id == check.id)).cloned());
        for (id, error) in &stayed {
            let detail =
                format!("The records are as planned, but health check {} is left. {}", id.0, sentence(error));
            diagnostics.warning("A health check is left", detail);
        }
        let needed = !beside.blocks.is_empty();
        let mut ends = Vec::new();
        if let (Some(id), true) = (collection.id.clone(), beside.changes_ranges()) {
            ends.push((id, beside.ranges.clone(), needed));
        }
        if let Some(id) = job.old.collection.id.clone() {
            ends.push((id, collection::desired_nothing(&job.old.collection.blocks), false));
        }
        for (id, plan, needed) in ends {
            if let Err(error) = collection::finish(&client, &id, &plan, needed, self.run).await {
                let detail = format!(
                    "The records are as planned, but CIDR collection {id} is not. {}",
                    sentence(&error)
                );
                diagnostics.warning("Ranges are left", detail);
            }
        }
        if !needed {
            collection.id = None;
        }
        Standing { checks, collection }
    }

    /// What the plan asks for. It is wholly known by now.
    async fn work(&self, diagnostics: &mut Diagnostics) -> Option<Work> {
        let model = model::model(self.request.planned, diagnostics);
        let zone = match &model {
            Some(model) => zone::of(&self.shared.route53, model.zone_id.as_deref()).await,
            None => None,
        };
        if diagnostics.has_errors() {
            return None;
        }
        let work = model.zip(zone).and_then(|(model, zone)| {
            let name = model.name.clone()?;
            Some(Work { model, name, zone })
        });
        if work.is_none() {
            diagnostics.error(
                "Nothing to work on",
                "What decides what is to be done, or how Route 53 is reached, is not known even now.",
            );
        }
        work
    }

    /// Reads what stands, and holds it against what the plan saw.
    async fn look(&self, work: &Work, record: &Record, diagnostics: &mut Diagnostics) -> Option<View> {
        let names: Vec<&RecordName> = std::iter::once(&work.name).chain(&self.before).collect();
        let words = if self.before.as_ref() == Some(&work.name) { Words::Ours } else { Words::All };
        let freshness = Freshness::Since(Instant::now());
        let view = zone::view(&work.zone, record.zone(), &names, words, freshness, self.run).await;
        let view = match view {
            Ok(view) => view,
            Err(error) => {
                zone::cannot_read(&error, diagnostics);
                return None;
            }
        };
        if let Some(before) = &self.before {
            let part = |sets: &[_]| {
                let sets: Vec<_> = sets.iter().filter(|set| zone::is_part(set, before)).cloned().collect();
                digest_of_sets(&sets)
            };
            let drained = || {
                let answers = digest_of_sets(&zone::answers(&view.sets, before));
                self.shared.route53.has_withdrawn(work.zone.id(), before, &answers)
            };
            if part(&record.sets()) != part(&view.sets) && !drained() {
                changed(before, "", diagnostics);
                return None;
            }
        }
        Some(view)
    }

    /// What is true afterwards.
    async fn answer(
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
    async fn reread(&self, work: &Work, zone: &ZoneFacts) -> Option<View> {
        let names = [&work.name];
        zone::view(&work.zone, Some(zone.clone()), &names, Words::Ours, Freshness::Cached, self.run)
            .await
            .ok()
    }
}

impl Job {
    /// What the zone shall hold, with the ids of what was made.
    fn decide(
        &self,
        before: Option<&RecordName>,
        made: &Made,
        collection: Option<&str>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Decision> {
        let checks = self.beside.ids(&made.prepared.ids);
        let known = Known {
            name: &self.work.name,
            view: &self.view,
            targets: &self.targets,
            checks: &checks,
            collection,
            standing: before.map_or(decide::Standing::New, decide::Standing::Ours),
        };
        decide(&self.work.model, known, diagnostics)
    }

    /// The ids of the checks that are there.
    fn made(&self, standing: &Standing) -> Vec<(CheckKey, HealthCheckId)> {
        let ids = standing.checks.iter().filter(|check| !self.beside.checks.delete_after.contains(&check.id));
        ids.filter_map(|check| Some((check.key.clone()?, check.id.clone()))).collect()
    }
}

/// Says why records were not changed.
fn report(name: &RecordName, error: &ApplyError, diagnostics: &mut Diagnostics) {
    match error {
        ApplyError::Changed(why) => changed(name, &format!(" {}", sentence(why)), diagnostics),
        ApplyError::Call(why) if why.is_interruption() => {
            diagnostics.error("Interrupted", "The records were not changed, or not all of them.");
        }
        _ => diagnostics
            .error(format!("Cannot change the records of `{}`", name.as_written()), sentence(error)),
    }
}

fn changed(name: &RecordName, why: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        Path::root().attribute("name"),
        format!("The records of `{}` have changed since the plan", name.as_written()),
        format!("Nothing was changed. Plan again to see what is there now.{why}"),
    );
}

fn not_in_sync(why: &CallError, diagnostics: &mut Diagnostics) {
    let detail = format!(
        "The change is made, and all servers of Route 53 will know of it within about a minute; that was not waited for: \
         {}",
        sentence(why)
    );
    diagnostics.warning("Not known to all servers yet", detail);
}
