//! From a plan to the clusters, and back to a state that is true whatever happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use multicluster::federation::{Run, new_instance};
use multicluster::release::{self as engine, Engine, Layout, Outcome, Place};
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::Ended;
use multicluster_core::release::journal::{Failure, Journal, Phase};
use multicluster_core::release::spec::ReleaseSpec;
use tfplugin::resource::{ApplyRequest, StateResponse};
use tfplugin::{Context, Diagnostics, Node, Path, Value, timeouts};
use tokio::time::Instant;

use super::BluegreenRelease;
use super::look;
use super::model::{self, Model};
use super::ports;
use super::record::Record;
use super::state;
use crate::config::clock;
use crate::validators::sentence;

/// How long a lease holds without a sign of life, as controllers of Kubernetes itself have it.
const LEASE_DURATION: Duration = Duration::from_secs(15);
/// Unless `timeouts` says otherwise. The same as the schema's descriptions say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// The same for a destroy.
const DELETE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

pub(super) async fn create(
    shared: &BluegreenRelease,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let instance = new_instance();
    let change = Change { shared, request, instance: &instance, operation: "create" };
    let Some((model, outcome)) = change.carry_out(context, &mut response.diagnostics).await else { return };
    let said = &mut response.diagnostics;
    warn(&outcome, said);
    match &outcome.ended {
        Err(error) => {
            said.error("The release cannot begin", sentence(error));
            // What has been made is in the journal, and the next create goes on with it.
        }
        Ok(Ended::Failed) => {
            say_failed(&model.spec, outcome.journal.as_ref(), said);
            // Nothing served before: of what was made nothing is to stay, so that the next create begins anew.
            let job = change.removal(&model, engine::DeletionPolicy::Delete).await;
            let left = engine::remove(&job, &change.run(context)).await;
            if left.is_success() {
                return;
            }
            say_left(&left, said);
            change.answer(context, &model, &outcome, request.planned, response).await;
        }
        Ok(Ended::Interrupted) => {
            said.warning("Interrupted", "The release is not complete. The next apply goes on with it.");
            change.answer(context, &model, &outcome, request.planned, response).await;
        }
        Ok(_) => change.answer(context, &model, &outcome, request.planned, response).await,
    }
}

pub(super) async fn update(
    shared: &BluegreenRelease,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let instance = Node::root(request.prior).attribute("uid").str().unwrap_or_default().to_owned();
    let change = Change { shared, request, instance: &instance, operation: "update" };
    let Some((model, outcome)) = change.carry_out(context, &mut response.diagnostics).await else { return };
    let said = &mut response.diagnostics;
    warn(&outcome, said);
    let base = match &outcome.ended {
        Ok(Ended::Completed | Ended::Waiting | Ended::Again) => {
            change.check_foretold(&outcome, said);
            request.planned
        }
        Ok(Ended::Failed) => {
            say_failed(&model.spec, outcome.journal.as_ref(), said);
            request.prior
        }
        Ok(Ended::Interrupted) => {
            said.error("Interrupted", "The release is not complete. The next apply goes on with it.");
            request.prior
        }
        Err(error) => {
            said.error("The release cannot go on", sentence(error));
            request.prior
        }
    };
    // With an error, what was asked for is not what is there: the old values stay, and the next plan shows the difference.
    let base = if said.has_errors() { request.prior } else { base };
    change.answer(context, &model, &outcome, base, response).await;
}

pub(super) async fn delete(
    shared: &BluegreenRelease,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let Some(model) = model::model(request.prior, &mut response.diagnostics) else { return };
    let instance = Node::root(request.prior).attribute("uid").str().unwrap_or_default().to_owned();
    let change = Change { shared, request, instance: &instance, operation: "delete" };
    let lock = shared.clusters.lock(&model.identity.journal_name());
    let _guard = lock.lock().await;
    let job = change.removal(&model, policy(request.prior)).await;
    let left = engine::remove(&job, &change.run(context)).await;
    if !left.is_success() {
        say_left(&left, &mut response.diagnostics);
    }
}

/// What a destroy leaves.
fn policy(state: &Value) -> engine::DeletionPolicy {
    match Node::root(state).attribute("deletion_policy").str() {
        Some("keep_active") => engine::DeletionPolicy::KeepActive,
        Some("orphan") => engine::DeletionPolicy::Orphan,
        _ => engine::DeletionPolicy::Delete,
    }
}

/// One operation.
struct Change<'a> {
    shared: &'a BluegreenRelease,
    request: ApplyRequest<'a>,
    instance: &'a str,
    operation: &'a str,
}

impl Change<'_> {
    fn config(&self) -> &Value {
        if self.request.planned.is_null() { self.request.prior } else { self.request.planned }
    }

    fn run(&self, context: &Context) -> Run {
        let otherwise = if self.operation == "delete" { DELETE_TIMEOUT } else { DEFAULT_TIMEOUT };
        let timeouts = Node::root(self.config()).attribute("timeouts");
        Run {
            cancelled: context.cancelled.clone(),
            deadline: Instant::now() + timeouts::get(&timeouts, self.operation).unwrap_or(otherwise),
            holder: new_instance(),
            lease_duration: LEASE_DURATION,
            clock: clock(),
        }
    }

    /// Carries the change out. `None` if nothing could be begun; nothing was done then.
    async fn carry_out(&self, context: &Context, diagnostics: &mut Diagnostics) -> Option<(Model, Outcome)> {
        let Some(model) = model::model(self.request.planned, diagnostics) else {
            if !diagnostics.has_errors() {
                diagnostics
                    .error("Nothing to work on", "What decides what is to be done is not known even now.");
            }
            return None;
        };
        let record = Record::parse(self.request.private);
        let places = self.places(&model, &record, diagnostics).await?;
        let told = ports::Told::new(self.shared, self.request.planned, &model, &record, diagnostics)?;
        let engine = Arc::new(Engine {
            layout: Layout::of(&model.identity, &model.workload),
            instance: Some(self.instance.to_owned()),
            spec: model.spec.clone(),
            version: model.version.clone(),
            places,
            adopt: model.adopt,
            metrics: ports::metrics(self.shared),
            dns: None,
            progress: Arc::clone(&told) as Arc<dyn engine::Progress>,
        });
        let lock = self.shared.clusters.lock(&model.identity.journal_name());
        let _guard = lock.lock().await;
        let run = self.run(context);
        self.leave(&model, &run, diagnostics).await;
        let outcome = engine::apply(&engine, &run).await;
        told.close(diagnostics).await;
        Some((model, outcome))
    }

    async fn places(
        &self,
        model: &Model,
        record: &Record,
        diagnostics: &mut Diagnostics,
    ) -> Option<BTreeMap<ClusterName, Place>> {
        let known = state::uids(record);
        let mut places = BTreeMap::new();
        for (name, workload) in &model.on {
            match self.shared.clusters.member(name, record.reference(name)).await {
                Ok(member) => {
                    let (uid, workload) = (known.get(name).cloned(), workload.clone());
                    places.insert(name.clone(), Place { member, uid, workload });
                }
                Err(error) => diagnostics.error_at(
                    Path::root().attribute("clusters"),
                    format!("Cannot connect to cluster `{name}`"),
                    format!("{} Nothing was changed anywhere.", sentence(&error)),
                ),
            }
        }
        (!diagnostics.has_errors()).then_some(places)
    }

    /// Clusters that the release no longer has.
    async fn leave(&self, model: &Model, run: &Run, diagnostics: &mut Diagnostics) {
        if self.request.prior.is_null() {
            return;
        }
        let mut gone = model::clusters(self.request.prior);
        gone.retain(|name, _| !model.on.contains_key(name));
        if gone.is_empty() {
            return;
        }
        let mut job = self.removal_of(model, gone.into_keys(), policy(self.request.planned)).await;
        job.instance = self.instance.to_owned();
        let left = engine::remove(&job, run).await;
        if !left.is_success() {
            say_left(&left, diagnostics);
        }
    }

    async fn removal(&self, model: &Model, policy: engine::DeletionPolicy) -> engine::RemoveJob {
        self.removal_of(model, model.on.keys().cloned(), policy).await
    }

    async fn removal_of(
        &self,
        model: &Model,
        clusters: impl IntoIterator<Item = ClusterName>,
        policy: engine::DeletionPolicy,
    ) -> engine::RemoveJob {
        let record = Record::parse(self.request.private);
        let known = state::uids(&record);
        let mut members = BTreeMap::new();
        let mut missing = BTreeMap::new();
        for name in clusters {
            match self.shared.clusters.member(&name, record.reference(&name)).await {
                Ok(member) => {
                    members.insert(name.clone(), (member, known.get(&name).cloned()));
                }
                Err(error) => {
                    missing.insert(name, sentence(&error));
                }
            }
        }
        engine::RemoveJob {
            layout: Layout::of(&model.identity, &model.workload),
            instance: self.instance.to_owned(),
            policy,
            members,
            missing,
        }
    }

    /// An apply that ends well must have come to what the plan has shown.
    fn check_foretold(&self, outcome: &Outcome, diagnostics: &mut Diagnostics) {
        let phase = outcome.journal.as_ref().and_then(|journal| journal.release.as_ref()).map(|it| it.phase);
        let foretold = Node::root(self.request.planned).attribute("phase");
        if let (Some(phase), Some(foretold)) = (phase, foretold.str())
            && phase.as_str() != foretold
        {
            diagnostics.error(
                "The release came to another end",
                format!(
                    "It is `{}`, and the plan had foreseen `{foretold}`. What is true is in the state; plan again.",
                    phase.as_str()
                ),
            );
        }
    }

    /// What is true after an operation, on top of the values that are asked for or were before.
    async fn answer(
        &self,
        context: &Context,
        model: &Model,
        outcome: &Outcome,
        base: &Value,
        response: &mut StateResponse,
    ) {
        let mut record = Record::parse(self.request.private);
        let mut quiet = Diagnostics::new();
        let engine = look::engine(self.shared, model, &record, &mut quiet).await;
        look::look(self.shared, &engine, &look::run(context, self.config()), &mut record, &mut quiet).await;
        if outcome.journal.is_some() {
            record.journal.clone_from(&outcome.journal);
        }
        let mut after = base.clone();
        after.set("uid", self.instance.into());
        state::fill(&mut after, &record);
        if std::ptr::eq(base, self.request.planned) {
            // What was known at plan is said as it was shown.
            for attribute in ["active_color", "active_version", "phase"] {
                let shown = Node::root(self.request.planned).attribute(attribute);
                if shown.is_wholly_known() && !shown.is_null() {
                    after.set(attribute, shown.value().clone());
                }
            }
        }
        response.state = after;
        response.private = record.to_private();
    }
}

fn warn(outcome: &Outcome, diagnostics: &mut Diagnostics) {
    if !outcome.warnings.is_empty() {
        diagnostics.warning("While it was released", outcome.warnings.join("\n"));
    }
    let Some(release) = outcome.journal.as_ref().and_then(|journal| journal.release.as_ref()) else { return };
    if !matches!(outcome.ended, Ok(Ended::Completed)) {
        return;
    }
    for (name, cluster) in &release.clusters {
        if let Some(failure) = &cluster.failure {
            diagnostics.warning(
                format!("Cluster `{name}` does not have the new version"),
                format!("{failure}\nIt was taken back alone, within `max_failures`. The next plan shows it."),
            );
        }
    }
}

fn say_failed(spec: &ReleaseSpec, journal: Option<&Journal>, diagnostics: &mut Diagnostics) {
    let Some(release) = journal.and_then(|journal| journal.release.as_ref()) else {
        diagnostics.error("The release failed", "Nothing more is known of it.");
        return;
    };
    let summary = match release.phase {
        Phase::Halted => "The release failed and was halted",
        Phase::PartiallyRolledBack => "The release failed and was taken back in part",
        _ => "The release failed and was taken back",
    };
    let why = release.failure.as_ref().map(|failure: &Failure| failure.message.clone()).unwrap_or_default();
    let wave = spec.waves.get(release.wave.index).filter(|_| spec.waves.len() > 1);
    let wave = wave.map(|wave| format!(" failed in wave `{}`", wave.name)).unwrap_or_default();
    let mut detail =
        vec![format!("Release {} of version {}{wave}: {}", release.id.0, release.version.0, sentence(&why))];
    for (name, cluster) in &release.clusters {
        if let Some(failure) = cluster.failure.as_ref().filter(|failure| **failure != why) {
            detail.push(format!("`{name}`: {}", sentence(failure)));
        }
    }
    detail.push(match release.phase {
        Phase::Halted => {
            "Traffic stays as it is. Apply the version before to take it back, another one to go on with \
                          that, or change `retry_token` to go on with this one."
                .to_owned()
        }
        Phase::PartiallyRolledBack => {
            "What could not be taken back is named above; the next apply goes on.".to_owned()
        }
        _ => "The version before serves on all clusters.".to_owned(),
    });
    diagnostics.error(summary, detail.join("\n"));
}

fn say_left(left: &engine::Removed, diagnostics: &mut Diagnostics) {
    for (name, why) in &left.failed {
        diagnostics.error(
            format!("Cannot remove the release from cluster `{name}`"),
            format!("{} The next attempt goes on.", sentence(why)),
        );
    }
}
