//! The table of requests: which function answers which.

use tonic::{Request, Response, Status};

use super::{
    Service, apply, configure, data_source, ephemeral, functions, identity, import, metadata, moved, plan,
    read, upgrade, validate,
};
use crate::wire::tfplugin6 as wire;
use crate::wire::tfplugin6::provider_server::Provider;

type Answered<A> = Result<Response<A>, Status>;

#[tonic::async_trait]
impl Provider for Service {
    async fn get_metadata(
        &self,
        _request: Request<wire::get_metadata::Request>,
    ) -> Answered<wire::get_metadata::Response> {
        self.answer("GetMetadata", "", |call| async move { Ok(metadata::metadata(&call.catalogue)) }).await
    }

    async fn get_provider_schema(
        &self,
        _request: Request<wire::get_provider_schema::Request>,
    ) -> Answered<wire::get_provider_schema::Response> {
        self.answer("GetProviderSchema", "", |call| async move { Ok(metadata::schema(&call.catalogue)) })
            .await
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Answered<wire::get_resource_identity_schemas::Response> {
        self.answer("GetResourceIdentitySchemas", "", |_| async move {
            Ok(wire::get_resource_identity_schemas::Response::default())
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Answered<wire::validate_provider_config::Response> {
        let request = request.into_inner();
        self.answer(
            "ValidateProviderConfig",
            "",
            |call| async move { validate::provider(call, request).await },
        )
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Answered<wire::configure_provider::Response> {
        let request = request.into_inner();
        self.answer("ConfigureProvider", "", |call| async move { configure::configure(call, request).await })
            .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Answered<wire::validate_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer(
            "ValidateResourceConfig",
            &name,
            |call| async move { validate::resource(call, request).await },
        )
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Answered<wire::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("UpgradeResourceState", &name, |call| async move { upgrade::upgrade(&call, &request) })
            .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<wire::upgrade_resource_identity::Request>,
    ) -> Answered<wire::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("UpgradeResourceIdentity", &name, |_| async move { identity::upgrade(&request) }).await
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Answered<wire::move_resource_state::Response> {
        let request = request.into_inner();
        let name = request.target_type_name.clone();
        self.answer("MoveResourceState", &name, |call| async move { moved::move_state(&call, request) }).await
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Answered<wire::import_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ImportResourceState", &name, |call| async move { import::import(call, request).await })
            .await
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Answered<wire::read_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ReadResource", &name, |call| async move { read::read(call, request).await }).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Answered<wire::plan_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("PlanResourceChange", &name, |call| async move { plan::plan(call, request).await }).await
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Answered<wire::apply_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ApplyResourceChange", &name, |call| async move { apply::apply(call, request).await })
            .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Answered<wire::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ValidateDataResourceConfig", &name, |call| async move {
            validate::data_source(call, request).await
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Answered<wire::read_data_source::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ReadDataSource", &name, |call| async move { data_source::read(call, request).await })
            .await
    }

    async fn get_functions(
        &self,
        _request: Request<wire::get_functions::Request>,
    ) -> Answered<wire::get_functions::Response> {
        self.answer("GetFunctions", "", |call| async move { Ok(functions::functions(&call.catalogue)) }).await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<wire::validate_ephemeral_resource_config::Request>,
    ) -> Answered<wire::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ValidateEphemeralResourceConfig", &name, |_| async move {
            ephemeral::absent("ephemeral resource", &request.type_name)
        })
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<wire::open_ephemeral_resource::Request>,
    ) -> Answered<wire::open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("OpenEphemeralResource", &name, |_| async move {
            ephemeral::absent("ephemeral resource", &request.type_name)
        })
        .await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<wire::renew_ephemeral_resource::Request>,
    ) -> Answered<wire::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("RenewEphemeralResource", &name, |_| async move {
            ephemeral::absent("ephemeral resource", &request.type_name)
        })
        .await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<wire::close_ephemeral_resource::Request>,
    ) -> Answered<wire::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("CloseEphemeralResource", &name, |_| async move {
            ephemeral::absent("ephemeral resource", &request.type_name)
        })
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<wire::validate_list_resource_config::Request>,
    ) -> Answered<wire::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        self.answer("ValidateListResourceConfig", &name, |_| async move {
            ephemeral::absent("list resource", &request.type_name)
        })
        .await
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Answered<wire::call_function::Response> {
        let request = request.into_inner();
        self.answer("CallFunction", "", |call| async move { Ok(functions::call(&call, &request)) }).await
    }

    async fn stop_provider(
        &self,
        _request: Request<wire::stop_provider::Request>,
    ) -> Answered<wire::stop_provider::Response> {
        self.operations.stop();
        Ok(Response::new(wire::stop_provider::Response::default()))
    }
}
