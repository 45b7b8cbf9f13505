//! ReadDataSource.

use super::call::{Call, guarded, report_panic};
use super::settle::Unknowns;
use super::{convert, settle};
use crate::diagnostics::Diagnostics;
use crate::wire::tfplugin6::read_data_source::{Request, Response};

pub(super) async fn read(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.data_source(&request.type_name)?;
    let (schema, kind) = (&entry.shape.schema, &entry.shape.kind);
    let config = convert::decode(kind, "configuration", request.config.as_ref())?;
    let config = schema.with_defaults(&config);
    let mut diagnostics = Diagnostics::new();
    let mut state = config.clone();
    let source = &entry.implementation;
    let done = guarded(source.read(&call.context, &config, &mut state, &mut diagnostics)).await;
    if let Err(message) = done {
        report_panic(&message, &mut diagnostics);
    }
    let unknowns = if diagnostics.has_errors() { Unknowns::NotReached } else { Unknowns::Forgotten };
    let state = settle::state(&entry.shape, state, unknowns, &mut diagnostics);
    Ok(Response {
        state: Some(convert::encode(kind, &state)?),
        diagnostics: convert::diagnostics(&diagnostics, Some(kind)),
        deferred: None,
    })
}
