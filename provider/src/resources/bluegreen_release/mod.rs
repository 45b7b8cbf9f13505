//! `multicluster_bluegreen_release`: a workload that is released over several clusters, in waves and steps, judged by metrics, and
//! taken back everywhere when it fails.

mod apply;
mod import;
mod look;
mod model;
mod plan;
mod ports;
mod read;
mod record;
mod schema;
mod state;
mod validators;

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Diagnostics, Node};

use crate::config::{Clusters, Metrics, Notify};

/// The resource.
#[derive(Debug)]
pub(crate) struct BluegreenRelease {
    clusters: Arc<Clusters>,
    metrics: Arc<Metrics>,
    notify: Arc<Notify>,
}

impl BluegreenRelease {
    pub(crate) fn new(clusters: Arc<Clusters>, metrics: Arc<Metrics>, notify: Arc<Notify>) -> Self {
        Self { clusters, metrics, notify }
    }
}

#[async_trait]
impl Resource for BluegreenRelease {
    fn name(&self) -> &'static str {
        "multicluster_bluegreen_release"
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
        plan::plan(self, context, request, response).await;
    }

    async fn create(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::create(self, context, request, response).await;
    }

    async fn update(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::update(self, context, request, response).await;
    }

    async fn delete(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        apply::delete(self, context, request, response).await;
    }

    async fn read(&self, context: &Context, response: &mut StateResponse) {
        read::read(self, context, response).await;
    }

    async fn import(&self, _context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        import::import(self, id, diagnostics).await
    }
}
