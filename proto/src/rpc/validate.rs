//! ValidateProviderConfig, ValidateResourceConfig and ValidateDataResourceConfig.
//!
//! They run on a provider that is not configured, and any value may be unknown.

use super::call::{Call, guarded, report_panic};
use super::catalogue::Shape;
use super::convert;
use crate::diagnostics::Diagnostics;
use crate::path::Path;
use crate::schema::write_only;
use crate::value::{Node, Value};
use crate::wire::tfplugin6::{
    validate_data_resource_config as data_source, validate_provider_config as provider,
    validate_resource_config as resource,
};

pub(super) async fn provider(
    call: Call,
    request: provider::Request,
) -> Result<provider::Response, Diagnostics> {
    let shape = &call.catalogue.config;
    let config = convert::decode(&shape.kind, "provider's configuration", request.config.as_ref())?;
    let mut found = by_schema(shape, &config);
    let checked = guarded(call.catalogue.provider.validate(Node::root(&config), &mut found)).await;
    Ok(provider::Response { diagnostics: finished(shape, found, checked) })
}

pub(super) async fn resource(
    call: Call,
    request: resource::Request,
) -> Result<resource::Response, Diagnostics> {
    let entry = call.catalogue.resource(&request.type_name)?;
    let shape = &entry.shape;
    let config = convert::decode(&shape.kind, "configuration", request.config.as_ref())?;
    let mut found = by_schema(shape, &config);
    if !request.client_capabilities.is_some_and(|client| client.write_only_attributes_allowed) {
        refuse_write_only(shape, &config, &mut found);
    }
    let checked = guarded(entry.implementation.validate(Node::root(&config), &mut found)).await;
    Ok(resource::Response { diagnostics: finished(shape, found, checked) })
}

pub(super) async fn data_source(
    call: Call,
    request: data_source::Request,
) -> Result<data_source::Response, Diagnostics> {
    let entry = call.catalogue.data_source(&request.type_name)?;
    let shape = &entry.shape;
    let config = convert::decode(&shape.kind, "configuration", request.config.as_ref())?;
    let mut found = by_schema(shape, &config);
    let checked = guarded(entry.implementation.validate(Node::root(&config), &mut found)).await;
    Ok(data_source::Response { diagnostics: finished(shape, found, checked) })
}

fn by_schema(shape: &Shape, config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    shape.schema.validate(&Node::root(config), &mut found);
    found
}

fn finished(
    shape: &Shape,
    mut found: Diagnostics,
    checked: Result<(), String>,
) -> Vec<crate::wire::tfplugin6::Diagnostic> {
    if let Err(message) = checked {
        report_panic(&message, &mut found);
    }
    convert::diagnostics(&found, Some(&shape.kind))
}

/// A host that does not know write-only attributes would store their values.
fn refuse_write_only(shape: &Shape, config: &Value, found: &mut Diagnostics) {
    let mut paths = Vec::new();
    write_only::written(&shape.schema.attributes, config, &Path::root(), &mut paths);
    for path in paths {
        found.error_at(
            path.clone(),
            "Write-only attributes need a newer Terraform",
            format!(
                "`{path}` must never be stored, but this version of Terraform would store it. Use Terraform or \
                 OpenTofu 1.11 or newer."
            ),
        );
    }
}
