//! PlanResourceChange.

use super::call::{Call, guarded, report_panic};
use super::{convert, settle};
use crate::check::check_plan;
use crate::diagnostics::Diagnostics;
use crate::planning::{Proposal, propose, required_replacements};
use crate::resource::{PlanRequest, PlanResponse};
use crate::value::Value;
use crate::wire::tfplugin6::plan_resource_change::{Request, Response};

pub(super) async fn plan(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let (schema, kind) = (&entry.shape.schema, &entry.shape.kind);
    let prior = convert::decode(kind, "prior state", request.prior_state.as_ref())?;
    let proposed = convert::decode(kind, "proposed state", request.proposed_new_state.as_ref())?;
    let config = convert::decode(kind, "configuration", request.config.as_ref())?;
    let is_removal = proposed.is_null();

    let mut response = PlanResponse {
        planned: propose(schema, Proposal { prior: &prior, proposed: &proposed, config: &config }),
        requires_replace: Vec::new(),
        private: request.prior_private.clone(),
        diagnostics: Diagnostics::new(),
    };
    let asked = PlanRequest { prior: &prior, config: &config, private: &request.prior_private };
    let refined = guarded(entry.implementation.plan(&call.context, asked, &mut response)).await;
    let PlanResponse { planned, mut requires_replace, private, mut diagnostics } = response;
    if let Err(message) = refined {
        report_panic(&message, &mut diagnostics);
    }

    // A removal is planned as null, whatever the resource made of it.
    let planned =
        if is_removal { Value::Null } else { settle::plan(&entry.shape, planned, &mut diagnostics) };
    if prior.is_null() || is_removal {
        requires_replace.clear();
    } else {
        requires_replace.extend(required_replacements(schema, &prior, &planned));
        requires_replace.sort();
        requires_replace.dedup();
    }
    if cfg!(debug_assertions) && !diagnostics.has_errors() {
        settle::report(&check_plan(schema, &prior, &config, &planned), &mut diagnostics);
    }
    Ok(Response {
        planned_state: Some(convert::encode(kind, &planned)?),
        requires_replace: requires_replace.iter().map(|path| convert::path(path, Some(kind))).collect(),
        planned_private: private,
        diagnostics: convert::diagnostics(&diagnostics, Some(kind)),
        ..Default::default()
    })
}
