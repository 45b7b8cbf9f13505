//! What a plan shows. Terraform plans twice, and the second plan must say the same: what is known of an existing name
//! comes from the record, and only of a new one is the zone read.

mod warn;

use std::collections::BTreeMap;

use multicluster::route53::Freshness;
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::ZoneFacts;
use multicluster_core::route53::{HealthChecks, RecordName, RecordSet, Target};
use tfplugin::resource::{PlanRequest, PlanResponse};
use tfplugin::{Context, Diagnostics, Node, Path, Value};

use super::GeoDns;
use super::beside::{self, Asked, Beside};
use super::decide::{Decision, Known, Standing, decide, way};
use super::health_checks;
use super::model::{self, Model};
use super::record::Record;
use super::state::{self, COMPUTED};
use super::targets::{self, Ask, Targets};
use super::zone::{self, View, Words};
use crate::validators::sentence;

pub(super) async fn plan(
    shared: &GeoDns,
    context: &Context,
    request: PlanRequest<'_>,
    response: &mut PlanResponse,
) {
    if response.planned.is_null() {
        return plan_removal(request, response);
    }
    // What it asks makes the future large; the caller's should not be.
    Box::pin(plan_change(shared, context, request, response)).await;
}

async fn plan_change(
    shared: &GeoDns,
    context: &Context,
    request: PlanRequest<'_>,
    response: &mut PlanResponse,
) {
    let said = &mut response.diagnostics;
    let Some(model) = model::model(&response.planned, said) else {
        let name = state::name_of(&response.planned);
        for attribute in COMPUTED {
            response.planned.set(attribute, Value::Unknown);
        }
        response.planned.set("fqdn", state::fqdn(name.as_ref()));
        return;
    };
    warn::of_news(request.prior, &model, said);
    let mut record = Record::parse(request.private);
    let before = record.clone();
    targets::refresh(&shared.clusters, &model, Ask::Unknown, &mut record, said).await;
    if record != before {
        // The apply compares with what this plan saw.
        response.private = record.to_private();
    }
    let targets = targets::targets(&model, &record, said);
    let prior = state::name_of(request.prior);
    let view = look(shared, context, &request, &model, &record, said).await;
    if said.has_errors() {
        return;
    }
    let there = standing(shared, context, &request, &model, &record, view.as_ref(), said).await;
    let planning = Planning { model: &model, targets: &targets, prior: prior.as_ref(), there };
    let outcome = planning.outcome(view.as_ref(), said);
    if said.has_errors() {
        return;
    }
    if let Some(view) = &view {
        warn::of_delegation(shared, view, said).await;
    }
    if let Some(beside) = &outcome.beside {
        refuse_beyond_limits(shared, context, &request, beside, said).await;
    }
    warn::of_departures(request.prior, &model, said);
    outcome.write(&request, &model, &targets, &mut response.planned);
}

/// What the zone holds of the name; none if it cannot be read yet.
async fn look(
    shared: &GeoDns,
    context: &Context,
    request: &PlanRequest<'_>,
    model: &Model,
    record: &Record,
    diagnostics: &mut Diagnostics,
) -> Option<View> {
    let name = model.name.as_ref()?;
    let known =
        record.zone().filter(|zone| model.zone_id.as_deref().map(state::zone_id) == Some(zone.id.as_str()));
    let prior = state::name_of(request.prior);
    if let (Some(zone), true) = (&known, prior.as_ref() == Some(name)) {
        return Some(View {
            zone: zone.clone(),
            name_servers: record.name_servers(),
            sets: record.sets(),
            opaque: Vec::new(),
        });
    }
    let Some(zone) = zone::of(&shared.route53, model.zone_id.as_deref()).await else {
        if model.zone_id.is_some() {
            diagnostics.warning(
                "Cannot look at Route 53 yet",
                "How it is reached (`route53` of the provider block) is known only after apply. So is what is there \
                 already, and what will change.",
            );
        }
        return None;
    };
    let run = zone::run(context, request.config, "read");
    let view = zone::view(&zone, known, &[name], Words::All, Freshness::Cached, &run).await;
    let mut view = match view {
        Ok(view) => view,
        Err(error) => {
            zone::cannot_read(&error, diagnostics);
            return None;
        }
    };
    // What goes with a new name is what was read of the old one.
    view.sets.extend(record.sets());
    Some(view)
}

/// What a name has beside its records: from the record, or for one that was made and then forgotten, as it is.
async fn standing(
    shared: &GeoDns,
    context: &Context,
    request: &PlanRequest<'_>,
    model: &Model,
    record: &Record,
    view: Option<&View>,
    diagnostics: &mut Diagnostics,
) -> beside::Standing {
    let (Some(name), Some(view)) = (&model.name, view) else { return beside::Standing::default() };
    if state::name_of(request.prior).as_ref() == Some(name) {
        return beside::Standing { checks: record.checks(), collection: record.collection() };
    }
    if zone::mark(&view.sets, name).is_none_or(|mark| mark.owner != model.owner) {
        return beside::Standing::default();
    }
    let asked = Asked::of(&view.sets);
    let run = zone::run(context, request.config, "read");
    match beside::read(shared, &model.owner, name, asked, &run).await {
        Ok(standing) => standing,
        Err(error) => {
            diagnostics.error("Cannot read the health checks", sentence(&error));
            beside::Standing::default()
        }
    }
}

struct Planning<'a> {
    model: &'a Model,
    targets: &'a Targets,
    /// The name so far, if there is one.
    prior: Option<&'a RecordName>,
    /// What it has beside its records.
    there: beside::Standing,
}

/// The planned values; none is unknown.
#[derive(Default)]
struct Outcome {
    sets: Option<(Vec<RecordSet>, ZoneFacts)>,
    beside: Option<Beside>,
    generation: Option<u64>,
    forecast: Option<BTreeMap<String, String>>,
}

impl Planning<'_> {
    fn outcome(&self, view: Option<&View>, diagnostics: &mut Diagnostics) -> Outcome {
        let (Some(view), Some(name)) = (view, &self.model.name) else { return Outcome::default() };
        let targets: Option<BTreeMap<EndpointName, Target>> =
            self.targets.iter().map(|(name, target)| Some((name.clone(), target.clone()?))).collect();
        let standing = self.prior.map_or(Standing::New, Standing::Ours);
        let (Some(targets), Some(_)) = (targets, &self.model.checks) else {
            // Whose the name is, is known already.
            let (targets, checks) = (BTreeMap::new(), HealthChecks::default());
            let known = Known { name, view, targets: &targets, checks: &checks, collection: None, standing };
            let _ = way(self.model, known, &[], diagnostics);
            return Outcome::default();
        };
        let next = zone::mark(&view.sets, name).map_or(0, |mark| mark.generation) + 1;
        let beside = match Beside::decide(self.model, name, &targets, self.there.clone(), next) {
            Ok(beside) => beside,
            Err(problems) => {
                model::report("Invalid health check", &problems, diagnostics);
                return Outcome::default();
            }
        };
        let checks = beside.ids(&BTreeMap::new());
        let collection = beside.collection();
        let collection = collection.as_deref();
        let known = Known { name, view, targets: &targets, checks: &checks, collection, standing };
        let Some(Decision { desired, plan }) = decide(self.model, known, diagnostics) else {
            return Outcome::default();
        };
        let mut forecast = state::forecast(&plan.changes);
        if plan.changes.is_empty() && !plan.batches.is_empty() {
            forecast.insert("owner".to_owned(), format!("written: {}", self.model.owner));
        }
        forecast.extend(beside.forecast());
        Outcome {
            sets: Some((desired, view.zone.clone())),
            beside: Some(beside),
            generation: Some(plan.generation),
            forecast: Some(forecast),
        }
    }
}

/// New health checks need room in the account.
async fn refuse_beyond_limits(
    shared: &GeoDns,
    context: &Context,
    request: &PlanRequest<'_>,
    beside: &Beside,
    diagnostics: &mut Diagnostics,
) {
    let Some(client) = shared.route53.client().await else { return };
    let run = zone::run(context, request.config, "read");
    match health_checks::room(&client, &beside.checks, &run).await {
        Ok(problem) => model::report("Too many health checks", problem.as_slice(), diagnostics),
        Err(error) => {
            diagnostics.warning("It is not known how many health checks there may be", sentence(&error));
        }
    }
}

impl Outcome {
    fn write(self, request: &PlanRequest<'_>, model: &Model, targets: &Targets, planned: &mut Value) {
        planned.set("id", state::id(model));
        planned.set("fqdn", state::fqdn(model.name.as_ref()));
        planned.set("routing", state::routing_of(model.tree.as_ref()));
        planned.set("targets", state::targets(targets));
        let checks = self.beside.as_ref().map(|beside| health_checks::ids(&beside.ids(&BTreeMap::new())));
        planned.set("health_checks", checks.unwrap_or(Value::Unknown));
        let generation = self.generation.and_then(|it| i64::try_from(it).ok());
        planned.set("generation", generation.map_or(Value::Unknown, Value::from));
        match (&self.sets, &self.beside) {
            (Some((sets, zone)), Some(beside)) => {
                planned.set("records", state::records(sets, zone));
                let open = state::has_stand_ins(sets);
                planned.set("sync", if open { Value::Unknown } else { beside.sync(sets).into() });
            }
            _ => {
                planned.set("records", Value::Unknown);
                planned.set("sync", Value::Unknown);
            }
        }
        let mut unchanged = planned.clone();
        unchanged.set("forecast", request.prior.get("forecast").cloned().unwrap_or(Value::Null));
        *planned = if unchanged == *request.prior {
            unchanged
        } else {
            planned.set("forecast", self.forecast.map_or(Value::Unknown, state::texts));
            std::mem::replace(planned, Value::Null)
        };
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
