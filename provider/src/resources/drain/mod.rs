//! `multicluster_drain`: what stands between a cluster and those who still use it.
//!
//! Terraform destroys a resource before those that it depends on, and before it updates any that referred to it. So a
//! resource that depends on the cluster goes first when the cluster does; it takes the cluster out of the DNS names and
//! takes away what federations keep there, and only then does its removal succeed. Its creation only records.

mod carry_out;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;
use multicluster::connection::ConnectionReference;
use multicluster_core::names::ClusterName;
use tfplugin::resource::{ApplyRequest, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::Schema;
use tfplugin::{Context, Node, Value};

use crate::config::{Clusters, Route53};

/// The resource.
#[derive(Debug)]
pub(crate) struct Drain {
    clusters: Arc<Clusters>,
    route53: Arc<Route53>,
}

impl Drain {
    pub(crate) fn new(clusters: Arc<Clusters>, route53: Arc<Route53>) -> Self {
        Self { clusters, route53 }
    }

    /// Keeps what the cluster can be reached by when the provider block no longer names it; what was kept before, where
    /// nothing can be told.
    fn keep_reference(&self, state: &Value, private: &mut Vec<u8>) {
        let reference = cluster_of(state).and_then(|name| self.clusters.reference(&name));
        if let Some(reference) = reference {
            *private = serde_json::to_vec(&reference).unwrap_or_default();
        }
    }
}

/// The cluster that a state or plan names.
fn cluster_of(value: &Value) -> Option<ClusterName> {
    ClusterName::new(Node::root(value).attribute("cluster").str()?).ok()
}

/// What was kept.
fn reference_of(private: &[u8]) -> Option<ConnectionReference> {
    serde_json::from_slice(private).ok()
}

#[async_trait]
impl Resource for Drain {
    fn name(&self) -> &'static str {
        "multicluster_drain"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn plan(&self, _context: &Context, _request: PlanRequest<'_>, response: &mut PlanResponse) {
        if !response.planned.is_null() {
            let id = response.planned.get("cluster").cloned().unwrap_or(Value::Unknown);
            response.planned.set("id", id);
        }
    }

    async fn create(&self, _context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        response.state = request.planned.clone();
        self.keep_reference(request.planned, &mut response.private);
    }

    async fn update(&self, _context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        response.state = request.planned.clone();
        self.keep_reference(request.planned, &mut response.private);
    }

    async fn delete(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        carry_out::carry_out(self, context, request, &mut response.diagnostics).await;
    }

    async fn read(&self, _context: &Context, response: &mut StateResponse) {
        let state = response.state.clone();
        self.keep_reference(&state, &mut response.private);
    }
}
