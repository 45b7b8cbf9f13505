//! ImportResourceState, by id.

use super::call::{Call, report_panic};
use super::settle::Unknowns;
use super::{call, convert, settle};
use crate::diagnostics::Diagnostics;
use crate::wire::tfplugin6::import_resource_state::{ImportedResource, Request, Response};

pub(super) async fn import(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let kind = &entry.shape.kind;
    let mut diagnostics = Diagnostics::new();
    if request.id.is_empty() {
        diagnostics.error(
            "Import needs an id",
            format!("`{}` is imported by `id`; it has no identity.", request.type_name),
        );
        return Err(diagnostics);
    }

    let mut imported = None;
    let searched = call::guarded(async {
        imported = entry.implementation.import(&call.context, &request.id, &mut diagnostics).await;
    })
    .await;
    if let Err(message) = searched {
        report_panic(&message, &mut diagnostics);
    }
    let found = imported.filter(|found| !found.state.is_null());
    let Some(found) = found.filter(|_| !diagnostics.has_errors()) else {
        if !diagnostics.has_errors() {
            diagnostics.error(
                "There is nothing to import",
                format!("No `{}` was found for the id `{}`.", request.type_name, request.id),
            );
        }
        return Err(diagnostics);
    };
    let state = settle::state(&entry.shape, found.state, Unknowns::Forgotten, &mut diagnostics);
    let resource = ImportedResource {
        type_name: request.type_name,
        state: Some(convert::encode(kind, &state)?),
        private: found.private,
        identity: None,
    };
    Ok(Response {
        imported_resources: vec![resource],
        diagnostics: convert::diagnostics(&diagnostics, Some(kind)),
        ..Default::default()
    })
}
