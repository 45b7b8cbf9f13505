//! `multicluster_federation`: clusters that belong together, and the objects that are kept on them; and
//! `multicluster_federated_object`: objects that a team keeps on the members of somebody else's federation. That is a
//! federation with one entry, whose members are found by the records of the federation that it names.

mod apply;
mod facts;
#[cfg(test)]
mod fixture;
mod import;
mod membership;
mod model;
mod plan;
mod preflight;
mod read;
mod record;
mod schema;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Diagnostics, Node};

pub(crate) use self::apply::run_until;
use self::model::Shape;
use crate::config::Clusters;

/// Either resource.
#[derive(Debug)]
pub(crate) struct Federation {
    clusters: Arc<Clusters>,
    shape: Shape,
}

impl Federation {
    /// `multicluster_federation`.
    pub(crate) fn whole(clusters: Arc<Clusters>) -> Self {
        Self { clusters, shape: Shape::Federation }
    }

    /// `multicluster_federated_object`.
    pub(crate) fn object(clusters: Arc<Clusters>) -> Self {
        Self { clusters, shape: Shape::Object }
    }
}

#[async_trait]
impl Resource for Federation {
    fn name(&self) -> &'static str {
        match self.shape {
            Shape::Federation => "multicluster_federation",
            Shape::Object => "multicluster_federated_object",
        }
    }

    fn schema(&self) -> Schema {
        match self.shape {
            Shape::Federation => schema::schema(),
            Shape::Object => schema::of_object(),
        }
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
        match self.shape {
            Shape::Federation => import::import(&self.clusters, id, diagnostics).await,
            Shape::Object => import::of_object(&self.clusters, id, diagnostics).await,
        }
    }
}
