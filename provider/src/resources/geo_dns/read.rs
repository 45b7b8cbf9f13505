//! The state as it really is.

use multicluster::route53::{CallError, Freshness, Run};
use multicluster_core::route53::health_check::CheckOwner;
use multicluster_core::route53::{OwnerId, RecordName};
use tfplugin::resource::StateResponse;
use tfplugin::{Context, Diagnostics, Node, Value};

use super::GeoDns;
use super::beside::Standing;
use super::collection;
use super::health_checks;
use super::record::Record;
use super::state;
use super::targets::{self, Ask};
use super::zone::{self, View, Words};
use crate::validators::sentence;

pub(super) async fn read(shared: &GeoDns, context: &Context, response: &mut StateResponse) {
    let (Some(name), Some(zone_id)) = (state::name_of(&response.state), state::zone_of(&response.state))
    else {
        return;
    };
    let mut record = Record::parse(&response.private);
    let Some(zone) = zone::of(&shared.route53, Some(&zone_id)).await else {
        keep("How Route 53 is reached is known only after apply.", &mut response.diagnostics);
        return;
    };
    let run = zone::run(context, &response.state, "read");
    let view = zone::view(&zone, record.zone(), &[&name], Words::Ours, Freshness::Cached, &run).await;
    let view = match view {
        Ok(view) => view,
        Err(error) if error.code() == Some("NoSuchHostedZone") => {
            if has_checks(&response.state) {
                // They are removed with the name.
                response.state.set("records", Value::map::<String>([]));
            } else {
                response.state = Value::Null;
            }
            return;
        }
        Err(error) => {
            keep(&sentence(&error), &mut response.diagnostics);
            return;
        }
    };
    if is_gone(&view, &name, &response.state, &mut response.diagnostics) {
        response.state = Value::Null;
        return;
    }
    record.see(&view);
    let standing = match standing(shared, &response.state, &view, &name, &record, &run).await {
        Ok(standing) => standing,
        Err(error) => {
            keep(&sentence(&error), &mut response.diagnostics);
            return;
        }
    };
    record.see_checks(&standing.checks);
    record.see_collection(&standing.collection);
    if let Some(model) = state::quiet_model(&response.state) {
        targets::refresh(&shared.clusters, &model, Ask::All, &mut record, &mut response.diagnostics).await;
        let found = targets::targets(&model, &record, &mut Diagnostics::new());
        let known = found.into_iter().filter(|(_, target)| target.is_some()).collect();
        response.state.set("targets", state::targets(&known));
    }
    fill(&mut response.state, &view, &standing, &name);
    response.private = record.to_private();
}

/// The health checks and ranges of a name. Where neither the state nor the zone knows of any, nobody is asked.
async fn standing(
    shared: &GeoDns,
    state: &Value,
    view: &View,
    name: &RecordName,
    record: &Record,
    run: &Run,
) -> Result<Standing, CallError> {
    let node = Node::root(state);
    let Some(client) = shared.route53.client().await else { return Ok(Standing::default()) };
    let owner = node.attribute("owner").str().and_then(|owner| OwnerId::new(owner).ok());
    let mut standing = Standing::default();
    let known = !node.attribute("health_checks").entries().is_empty();
    let named = view.sets.iter().any(|set| set.health_check_id.is_some());
    if let (true, Some(owner)) = (known || named, &owner) {
        let owner = CheckOwner { owner: owner.clone(), name: name.clone() };
        standing.checks = health_checks::read(&shared.route53, &owner, None, run).await?;
    }
    let by_ranges = collection::named(&view.sets);
    if let (true, Some(owner)) = (record.collection().id.is_some() || by_ranges.is_some(), owner) {
        let names = collection::Names::of(&owner, name);
        standing.collection = collection::read(&client, &names, by_ranges, run).await?;
    }
    Ok(standing)
}

/// Writes what a zone holds of a name into a state.
pub(super) fn fill(state: &mut Value, view: &View, standing: &Standing, name: &RecordName) {
    let sets = zone::answers(&view.sets, name);
    state.set("records", state::records(&sets, &view.zone));
    state.set("sync", standing.sync(&sets).into());
    state.set("health_checks", health_checks::ids_of_current(&standing.checks));
    if let Some(mark) = zone::mark(&view.sets, name) {
        let generation = i64::try_from(mark.generation).unwrap_or(i64::MAX);
        state.set("generation", generation.into());
    }
}

/// Whether nothing of the name is left, or another one has it by now.
fn is_gone(view: &View, name: &RecordName, state: &Value, diagnostics: &mut Diagnostics) -> bool {
    let owner = Node::root(state).attribute("owner").str().unwrap_or_default();
    match zone::mark(&view.sets, name) {
        Some(mark) if mark.owner.as_str() == owner => false,
        Some(mark) => {
            diagnostics.warning(
                format!("`{}` belongs to another owner", name.as_written()),
                format!("It is written by the owner `{}` by now, and left alone from here on.", mark.owner),
            );
            true
        }
        None => {
            // A name that answers nobody has no records at all.
            let was_empty = Node::root(state).attribute("records").entries().is_empty();
            // What it has besides would be forgotten.
            zone::answers(&view.sets, name).is_empty() && !was_empty && !has_checks(state)
        }
    }
}

fn has_checks(state: &Value) -> bool {
    !Node::root(state).attribute("health_checks").entries().is_empty()
}

fn keep(why: &str, diagnostics: &mut Diagnostics) {
    diagnostics.warning("Cannot read the records", format!("{why} What was last known of them is kept."));
}
