//! What a plan shows. Terraform plans twice, and the second plan must say the same: what decides comes from the configuration and
//! from what was read last.

use std::collections::BTreeMap;

use multicluster::federation::Run;
use multicluster::release::{self as engine, Engine, Severity};
use multicluster_core::names::ClusterName;
use multicluster_core::release::begin::{Desired, Occasion, Refused};
use multicluster_core::release::forecast::{Forecast, forecast};
use multicluster_core::release::journal::{Journal, Phase, ReleaseId};
use multicluster_core::release::{Color, begin};
use tfplugin::resource::{PlanRequest, PlanResponse};
use tfplugin::{Context, Diagnostics, Node, Path, Value};

use super::BluegreenRelease;
use super::look;
use super::model::{self, Model};
use super::ports;
use super::record::Record;
use super::state::{self, COMPUTED, OBSERVED};
use crate::config::clock;
use crate::validators::sentence;

pub(super) async fn plan(
    shared: &BluegreenRelease,
    context: &Context,
    request: PlanRequest<'_>,
    response: &mut PlanResponse,
) {
    if response.planned.is_null() {
        return plan_removal(request, response);
    }
    let said = &mut response.diagnostics;
    let Some(model) = model::model(&response.planned, said) else {
        for attribute in COMPUTED {
            response.planned.set(attribute, Value::Unknown);
        }
        response.planned.set("id", state::id(&response.planned));
        return;
    };
    ports::check(shared, &response.planned, &model, said);
    let mut record = Record::parse(request.private);
    let engine = look::engine(shared, &model, &record, said).await;
    if said.has_errors() {
        return;
    }
    // The refresh has looked already, unless there was nothing to refresh, or a cluster has come since.
    let unseen = model.on.keys().any(|name| !record.clusters.contains_key(name));
    if unseen {
        let run = look::run(context, request.config);
        let plain = look::look(shared, &engine, &run, &mut record, said).await;
        refuse_plain(&model, &plain, said);
        response.private = record.to_private();
    }
    if request.prior.is_null() {
        refuse_existing(record.journal.as_ref(), said);
    }
    if said.has_errors() {
        return;
    }
    let Some(foreseen) = foresee(&model, &record, &request, said) else { return };
    if !foreseen.forecast.nothing && model.dry_run {
        ask(&engine, &look::run(context, request.config), said).await;
    }
    if !said.has_errors() {
        write(&model, &record, &foreseen, &request, &mut response.planned);
    }
}

/// Asks the clusters what they would say to the apply.
async fn ask(engine: &Engine, run: &Run, diagnostics: &mut Diagnostics) {
    for finding in engine::preflight(engine, run).await {
        let path = Path::root().attribute("clusters");
        let title = format!("`{}`: {}", finding.cluster, finding.title);
        match finding.severity {
            Severity::Error => diagnostics.error_at(path, title, sentence(&finding.detail)),
            Severity::Warning => diagnostics.warning_at(path, title, sentence(&finding.detail)),
        }
    }
}

/// What the apply will do.
struct Foreseen {
    /// The release that it begins or goes on with.
    release: Option<ReleaseId>,
    forecast: Forecast,
}

/// What the apply will do, by what was read last. `None` if it may not begin, which is said.
fn foresee(
    model: &Model,
    record: &Record,
    request: &PlanRequest<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Foreseen> {
    let standing = record.standing(model.on.keys());
    let desired = Desired {
        version: model.version.clone(),
        instance: Node::root(request.prior).attribute("uid").str().unwrap_or_default().to_owned(),
        replicas: model.on.iter().map(|(name, workload)| (name.clone(), workload.replicas())).collect(),
        occasion: Occasion::Apply,
    };
    let begun = begin(record.journal.as_ref(), &model.spec, &desired, &standing, clock().now());
    match begun {
        Ok(journal) => {
            let name = model.workload.main().name();
            let mut forecast = forecast(&model.spec, &journal, &desired, &standing, name);
            forecast.nothing |= still_waits(record, &journal, &forecast);
            Some(Foreseen { release: journal.release.map(|release| release.id), forecast })
        }
        Err(refused) => {
            let path = match &refused {
                Refused::StaleApproval { .. } => Path::root().attribute("approved_release"),
                Refused::FailedBefore { .. } | Refused::Halted { .. } => {
                    Path::root().attribute("retry_token")
                }
                _ => Path::root().attribute("manifest"),
            };
            diagnostics.error_at(path, "The release may not begin", sentence(&refused));
            None
        }
    }
}

/// Whether a release waits for a human, who has not said anything yet.
fn still_waits(record: &Record, begun: &Journal, forecast: &Forecast) -> bool {
    let known = record.journal.as_ref().and_then(|journal| journal.release.as_ref());
    let waits = known.filter(|it| matches!(it.phase, Phase::AwaitingPromotion | Phase::AwaitingApproval));
    waits.is_some_and(|known| {
        let same = begun.release.as_ref().is_some_and(|release| release.id == known.id);
        same && forecast.phase == known.phase
    })
}

/// A workload that runs under the name already, and is not ours.
fn refuse_plain(model: &Model, plain: &BTreeMap<ClusterName, String>, diagnostics: &mut Diagnostics) {
    if model.adopt || plain.is_empty() {
        return;
    }
    let names: Vec<String> =
        plain.iter().map(|(cluster, workload)| format!("{workload} on `{cluster}`")).collect();
    diagnostics.error_at(
        Path::root().attribute("adopt"),
        "It runs already",
        format!(
            "There is {}, which no release has made. With `adopt = \"always\"` it becomes the colour that serves, without a \
             restart; or give the workload of `manifest` another name.",
            names.join(", ")
        ),
    );
}

/// A create that meets a release of its name.
fn refuse_existing(journal: Option<&Journal>, diagnostics: &mut Diagnostics) {
    let complete = journal.is_some_and(|journal| !journal.history.is_empty() || journal.active.is_some());
    if complete {
        diagnostics.error_at(
            Path::root().attribute("name"),
            "The release exists already",
            "The clusters hold the journal of a release of this name. Import it (`terraform import ADDRESS NAMESPACE/NAME`), or \
             choose another name.",
        );
    }
}

fn write(
    model: &Model,
    record: &Record,
    foreseen: &Foreseen,
    request: &PlanRequest<'_>,
    planned: &mut Value,
) {
    planned.set("id", state::id(planned));
    planned.set("version", model.version.0.as_str().into());
    let service = model.workload.service().unwrap_or_else(|| model.workload.main().name());
    planned.set("services", state::services(model.on.keys(), &model.identity.namespace, service));
    let journal = record.journal.as_ref();
    let active_release = journal.and_then(|journal| journal.active.as_ref()).map(|active| &active.release);
    let release = foreseen.release.as_ref().or(active_release);
    planned.set("release_id", state::optional(release.map(|id| id.0.as_str())));
    let foreseen = &foreseen.forecast;
    if foreseen.nothing {
        state::fill(planned, record);
        // What has gone is told by the next read: until then it is as it was.
        for attribute in OBSERVED {
            if let Some(known) = request.prior.get(attribute) {
                planned.set(attribute, known.clone());
            }
        }
        planned.set("forecast", request.prior.get("forecast").cloned().unwrap_or_else(|| state::texts([])));
        return;
    }
    planned.set("forecast", state::texts(foreseen.lines.iter().cloned()));
    for attribute in OBSERVED {
        planned.set(attribute, Value::Unknown);
    }
    let active = foreseen.active.as_ref();
    planned.set("active_color", state::optional(active.map(|it| it.color).map(Color::as_str)));
    planned.set("active_version", state::optional(active.map(|it| it.version.0.as_str())));
    // What depends on the time of day is not foretold.
    let open = !model.spec.freeze.is_empty() && model.spec.freeze_override.is_none();
    let phase = if open { Value::Unknown } else { Phase::as_str(foreseen.phase).into() };
    planned.set("phase", phase);
    if open || request.prior.is_null() && journal.is_some() {
        planned.set("active_color", Value::Unknown);
        planned.set("active_version", Value::Unknown);
    }
}

fn plan_removal(request: PlanRequest<'_>, response: &mut PlanResponse) {
    let prior = Node::root(request.prior);
    if prior.attribute("deletion_protection").bool() == Some(true) {
        response.diagnostics.error_at(
            Path::root().attribute("deletion_protection"),
            "It is protected",
            "It would be removed, but `deletion_protection` is true. Set it to false and apply that first.",
        );
    }
}
