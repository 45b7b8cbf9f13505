//! GetProviderSchema and GetMetadata.

use super::catalogue::Catalogue;
use super::functions;
use crate::schema::Role;
use crate::wire::tfplugin6::{ServerCapabilities, get_metadata, get_provider_schema};

/// What we can do beyond the minimum.
fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        // Resources see removals at plan, to refuse or to warn.
        plan_destroy: true,
        // The schema is the same in every process, so the host need not ask each of them.
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

pub(super) fn schema(catalogue: &Catalogue) -> get_provider_schema::Response {
    let name = |name: &&'static str| (*name).to_owned();
    get_provider_schema::Response {
        provider: Some(catalogue.config.schema.to_wire(Role::Provider)),
        resource_schemas: catalogue
            .resources
            .iter()
            .map(|(resource, entry)| (name(resource), entry.shape.schema.to_wire(Role::Resource)))
            .collect(),
        data_source_schemas: catalogue
            .data_sources
            .iter()
            .map(|(source, entry)| (name(source), entry.shape.schema.to_wire(Role::DataSource)))
            .collect(),
        functions: functions::functions(catalogue).functions,
        server_capabilities: Some(capabilities()),
        ..Default::default()
    }
}

pub(super) fn metadata(catalogue: &Catalogue) -> get_metadata::Response {
    let resource = |name: &&'static str| get_metadata::ResourceMetadata { type_name: (*name).to_owned() };
    let source = |name: &&'static str| get_metadata::DataSourceMetadata { type_name: (*name).to_owned() };
    let function = |name: &&'static str| get_metadata::FunctionMetadata { name: (*name).to_owned() };
    get_metadata::Response {
        server_capabilities: Some(capabilities()),
        resources: catalogue.resources.keys().map(resource).collect(),
        data_sources: catalogue.data_sources.keys().map(source).collect(),
        functions: catalogue.functions.keys().map(function).collect(),
        ..Default::default()
    }
}
