//! `multicluster_federation`: clusters that belong together, and the objects that are kept on them.

pub(super) mod apply;
mod facts;
#[cfg(test)]
mod fixture;
pub(super) mod import;
mod membership;
pub(super) mod model;
pub(super) mod plan;
mod preflight;
pub(super) mod read;
mod record;
pub(super) mod schema;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Diagnostics, Node};

use crate::config::Clusters;

/// The resource.
#[derive(Debug)]
pub(crate) struct Federation {
    clusters: Arc<Clusters>,
}

impl Federation {
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }
}

#[async_trait]
impl Resource for Federation {
    fn name(&self) -> &'static str {
        "multicluster_federation"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, config: Node<'_>, diagnostics: &mut Diagnostics) {
        // Parts that are wrong are reported, once; parts that are not known yet are looked at again at plan.
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
        import::import(&self.clusters, id, diagnostics).await
    }
}
