//! MoveResourceState: the state of the same type of resource, also from another address of the provider.

use super::call::Call;
use super::{convert, upgrade};
use crate::diagnostics::Diagnostics;
use crate::wire::tfplugin6::move_resource_state::{Request, Response};

pub(super) fn move_state(call: &Call, request: Request) -> Result<Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.target_type_name)?;
    let mut diagnostics = Diagnostics::new();
    if request.source_type_name != request.target_type_name {
        diagnostics.error(
            "The object cannot become another type of resource",
            format!(
                "`{}` cannot be moved to `{}`; import it instead.",
                request.source_type_name, request.target_type_name
            ),
        );
        return Err(diagnostics);
    }
    let raw = request.source_state.as_ref();
    let state = upgrade::stored(entry, request.source_schema_version, raw, &mut diagnostics)?;
    Ok(Response {
        target_state: Some(convert::encode(&entry.shape.kind, &state)?),
        target_private: request.source_private,
        diagnostics: convert::diagnostics(&diagnostics, Some(&entry.shape.kind)),
        target_identity: None,
    })
}
