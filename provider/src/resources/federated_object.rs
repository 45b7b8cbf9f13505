//! `multicluster_federated_object`: objects that a team keeps on the members of somebody else's federation.
//!
//! It is a federation with one entry whose members are found by the records of the federation that it names. All that is
//! done is done by the modules of that resource.

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Diagnostics, Node};

use super::federation::{apply, import, model, plan, read, schema};
use crate::config::Clusters;

/// The resource.
#[derive(Debug)]
pub(crate) struct FederatedObject {
    clusters: Arc<Clusters>,
}

impl FederatedObject {
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }
}

#[async_trait]
impl Resource for FederatedObject {
    fn name(&self) -> &'static str {
        "multicluster_federated_object"
    }

    fn schema(&self) -> Schema {
        schema::of_object()
    }

    async fn validate(&self, config: Node<'_>, diagnostics: &mut Diagnostics) {
        if diagnostics.has_errors() {
            return;
        }
        model::validate(config.value(), diagnostics);
    }

    async fn plan(&self, context: &Context, request: PlanRequest<'_>, response: &mut PlanResponse) {
        plan::plan(&self.clusters, context, request, response).await;
    }

    async fn create(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::create(&self.clusters, context, request, response).await;
    }

    async fn update(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::update(&self.clusters, context, request, response).await;
    }

    async fn delete(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::delete(&self.clusters, context, request, response).await;
    }

    async fn read(&self, context: &Context, response: &mut StateResponse) {
        read::read(&self.clusters, context, response).await;
    }

    async fn import(&self, _context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        import::of_object(&self.clusters, id, diagnostics).await
    }
}
