//! ConfigureProvider.

use super::call::{Call, guarded, report_panic};
use super::convert;
use crate::diagnostics::Diagnostics;
use crate::provider::ClientInfo;
use crate::wire::tfplugin6::configure_provider::{Request, Response};

pub(super) async fn configure(call: Call, request: Request) -> Result<Response, Diagnostics> {
    let shape = &call.catalogue.config;
    let config = convert::decode(&shape.kind, "provider's configuration", request.config.as_ref())?;
    let config = shape.schema.with_defaults(&config);
    let client = ClientInfo { terraform_version: request.terraform_version };
    let mut diagnostics = Diagnostics::new();
    let provider = &call.catalogue.provider;
    let configured = guarded(provider.configure(&call.context, &config, &client, &mut diagnostics)).await;
    if let Err(message) = configured {
        report_panic(&message, &mut diagnostics);
    }
    Ok(Response { diagnostics: convert::diagnostics(&diagnostics, Some(&shape.kind)) })
}
