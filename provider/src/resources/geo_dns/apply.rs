//! From a plan to the zone, and back to a state that is true whatever happened.
//!
//! ```text
//! addresses ─▶ zone read anew ─▶ health checks, ranges made ─▶ records in one batch ─▶ old checks, ranges go
//! ```

mod finish;
mod prepare;
mod remove;
mod say;
mod verify;

use std::collections::BTreeMap;

use multicluster::member::Wait;
use multicluster::route53::{Effect, Freshness, Run, Zone};
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::{RecordName, Target, digest_of_sets};
use tfplugin::resource::{ApplyRequest, StateResponse};
use tfplugin::{Context, Diagnostics, Node};
use tokio::time::Instant;

use super::GeoDns;
use super::beside::{Beside, Standing};
use super::health_checks::Made;
use super::model::{self, Model};
use super::record::Record;
use super::state;
use super::targets;
use super::zone::{self, View, Words};

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
            say::report(&job.work.name, error, said);
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
                say::changed(before, "", diagnostics);
                return None;
            }
        }
        Some(view)
    }
}
