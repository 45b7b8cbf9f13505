//! The provider: its block, its resources, and the clusters that they share.

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::schema::Schema;
use tfplugin::{ClientInfo, Context, DataSource, Diagnostics, Function, Node, Provider, Resource, Value};

use crate::config::{self, Clusters, Metrics, Notify, Route53};
use crate::data_sources::cluster::Cluster;
use crate::data_sources::geo_dns_answer::GeoDnsAnswer;
use crate::functions::answer::Answer;
use crate::resources::bluegreen_release::BluegreenRelease;
use crate::resources::drain::Drain;
use crate::resources::federation::Federation;
use crate::resources::geo_dns::GeoDns;

/// The provider. One per provider block and phase; resources run at the same time.
#[derive(Debug)]
pub struct MulticlusterProvider {
    clusters: Arc<Clusters>,
    route53: Arc<Route53>,
    metrics: Arc<Metrics>,
    notify: Arc<Notify>,
}

impl MulticlusterProvider {
    /// A provider without a configuration yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clusters: Arc::new(Clusters::default()),
            route53: Arc::new(Route53::default()),
            metrics: Arc::new(Metrics::default()),
            notify: Arc::new(Notify::default()),
        }
    }
}

impl Default for MulticlusterProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for MulticlusterProvider {
    fn schema(&self) -> Schema {
        config::schema::schema()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        let clusters = || Arc::clone(&self.clusters);
        vec![
            Arc::new(Federation::whole(clusters())),
            Arc::new(Federation::object(clusters())),
            Arc::new(GeoDns::new(clusters(), Arc::clone(&self.route53))),
            Arc::new(Drain::new(clusters(), Arc::clone(&self.route53))),
            Arc::new(BluegreenRelease::new(clusters(), Arc::clone(&self.metrics), Arc::clone(&self.notify))),
        ]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Answer)]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![
            Arc::new(Cluster::new(Arc::clone(&self.clusters))),
            Arc::new(GeoDnsAnswer::new(Arc::clone(&self.route53))),
        ]
    }

    async fn configure(
        &self,
        _context: &Context,
        config: &Value,
        _client: &ClientInfo,
        _diagnostics: &mut Diagnostics,
    ) {
        let config = Node::root(config);
        self.clusters.configure(&config.attribute("clusters"));
        self.route53.configure(&config.attribute("route53"));
        self.metrics.configure(&config.attribute("metrics"));
        self.notify.configure(&config.attribute("notify"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_accept_the_schemas() {
        let problems = tfplugin::rpc::schema_problems(Arc::new(MulticlusterProvider::new()));
        assert_eq!(problems, Vec::<String>::new());
    }
}
