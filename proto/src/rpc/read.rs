//! ReadResource.

use super::call::{Call, guarded, report_panic};
use super::settle::Unknowns;
use super::{convert, settle};
use crate::diagnostics::Diagnostics;
use crate::resource::StateResponse;
use crate::wire::tfplugin6::read_resource::{Request, Response};

pub(super) async fn read(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let kind = &entry.shape.kind;
    let state = convert::decode(kind, "state", request.current_state.as_ref())?;
    let was_there = !state.is_null();

    let mut response = StateResponse { state, private: request.private, diagnostics: Diagnostics::new() };
    if was_there && let Err(message) = guarded(entry.implementation.read(&call.context, &mut response)).await
    {
        report_panic(&message, &mut response.diagnostics);
    }
    let StateResponse { state, private, mut diagnostics } = response;
    let unknowns = if diagnostics.has_errors() { Unknowns::NotReached } else { Unknowns::Forgotten };
    let state = settle::state(&entry.shape, state, unknowns, &mut diagnostics);
    Ok(Response {
        new_state: Some(convert::encode(kind, &state)?),
        private,
        diagnostics: convert::diagnostics(&diagnostics, Some(kind)),
        ..Default::default()
    })
}
