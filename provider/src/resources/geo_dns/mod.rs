//! `multicluster_geo_dns`: a name whose clients are answered by the cluster that shall serve them.

mod apply;
mod beside;
mod collection;
mod decide;
#[cfg(test)]
mod fixture;
mod health_checks;
mod id;
mod import;
pub(crate) mod lookup;
mod map;
mod model;
mod plan;
mod read;
mod record;
mod schema;
mod state;
mod targets;
mod validators;
mod withdraw;
mod zone;

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Diagnostics, Node};

use crate::config::{Clusters, Route53};

pub(crate) use self::withdraw::withdraw_endpoint;
pub(crate) use schema::routing as routing_type;

/// The resource.
#[derive(Debug)]
pub(crate) struct GeoDns {
    clusters: Arc<Clusters>,
    route53: Arc<Route53>,
}

impl GeoDns {
    pub(crate) fn new(clusters: Arc<Clusters>, route53: Arc<Route53>) -> Self {
        Self { clusters, route53 }
    }
}

#[async_trait]
impl Resource for GeoDns {
    fn name(&self) -> &'static str {
        "multicluster_geo_dns"
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

    async fn import(&self, context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        import::import(self, context, id, diagnostics).await
    }
}
