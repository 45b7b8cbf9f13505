//! ApplyResourceChange: create, update and delete.

use super::call::{Call, guarded, report_panic};
use super::catalogue::Entry;
use super::settle::Unknowns;
use super::{convert, settle};
use crate::check::check_apply;
use crate::diagnostics::Diagnostics;
use crate::resource::{ApplyRequest, Resource, StateResponse};
use crate::value::Value;
use crate::wire::tfplugin6::apply_resource_change::{Request, Response};

pub(super) async fn apply(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let kind = &entry.shape.kind;
    let prior = convert::decode(kind, "prior state", request.prior_state.as_ref())?;
    let planned = convert::decode(kind, "planned state", request.planned_state.as_ref())?;
    let config = convert::decode(kind, "configuration", request.config.as_ref())?;
    let asked =
        ApplyRequest { prior: &prior, planned: &planned, config: &config, private: &request.planned_private };

    let StateResponse { state, private, mut diagnostics } = carry_out(&call, entry, asked).await;
    let unknowns = if diagnostics.has_errors() || call.context.cancelled.is_cancelled() {
        Unknowns::NotReached
    } else {
        Unknowns::Forgotten
    };
    let state = settle::state(&entry.shape, state, unknowns, &mut diagnostics);
    if cfg!(debug_assertions) && !diagnostics.has_errors() {
        settle::report(&check_apply(&entry.shape.schema, &planned, &state), &mut diagnostics);
    }
    Ok(Response {
        new_state: Some(convert::encode(kind, &state)?),
        private,
        diagnostics: convert::diagnostics(&diagnostics, Some(kind)),
        ..Default::default()
    })
}

/// Calls the resource. From here on there may be effects, so that nothing returns without what it recorded.
async fn carry_out(call: &Call, entry: &Entry<dyn Resource>, asked: ApplyRequest<'_>) -> StateResponse {
    let mut response = StateResponse {
        state: asked.prior.clone(),
        private: asked.private.to_vec(),
        diagnostics: Diagnostics::new(),
    };
    let (resource, context) = (&entry.implementation, &call.context);
    let done = match (asked.prior, asked.planned) {
        (Value::Null, Value::Null) => Ok(()),
        (Value::Null, _) => guarded(resource.create(context, asked, &mut response)).await,
        (_, Value::Null) => guarded(resource.delete(context, asked, &mut response)).await,
        _ => guarded(resource.update(context, asked, &mut response)).await,
    };
    if let Err(message) = done {
        report_panic(&message, &mut response.diagnostics);
    }
    if response.diagnostics.has_errors() {
        return response;
    }
    if asked.planned.is_null() {
        response.state = Value::Null;
    } else if response.state.is_null() {
        response.diagnostics.error(
            "The provider lost an object",
            format!(
                "The operation on `{}` ended without an error and without a state. This is a bug of the provider; \
                 please report it, and look for an object that is not in the state.",
                resource.name()
            ),
        );
    }
    response
}
