//! A data plane for one namespace of one cluster: a proxy that follows Services, EndpointSlices and routes, and the
//! servers behind it.
//!
//! ```text
//! request ─▶ host ─▶ HTTPRoute | VirtualService ─▶ weights ─▶ Service ─▶ ready endpoint ─▶ pod: version, colour
//! ```
//!
//! What the API says takes effect after a delay, as with a real one. Pods of the lab have no processes, so the proxy
//! answers in their names, and knows of each whether it would: a pod that is gone, or whose containers do not run,
//! refuses the connection, and the request is lost with 502.
//!
//! Weights are kept exactly over any run of requests instead of being drawn, so that tests need not count on chance.
//! Deliberately absent: TLS, gateways with addresses and listeners of their own, sessions, retries.

mod answer;
mod backends;
mod behavior;
mod collection;
mod counters;
mod http_route;
mod plan;
mod state;
mod status;
mod table;
mod text_match;
mod virtual_service;
mod watch;

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{sync::watch as signal, task::JoinSet};

pub use behavior::{Behavior, Who};
pub use counters::{BUCKETS, Counted, Counters, Tally};
pub use status::{CONTROLLER, RouteStatus};

use crate::{
    http_server::HttpServer,
    lab::{Cluster, wait},
};
use state::State;

/// How long a cluster may take to list what is in a namespace.
const LIMIT: Duration = Duration::from_secs(30);

/// How a data plane behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPlaneOptions {
    /// From a change in the API to its effect.
    pub propagation: Duration,
    /// What is said of routes in their status.
    pub status: RouteStatus,
}

impl Default for DataPlaneOptions {
    /// Fifty milliseconds for each.
    fn default() -> Self {
        let delay = Duration::from_millis(50);
        Self { propagation: delay, status: RouteStatus::Accepted(delay) }
    }
}

/// A running data plane; dropping it closes its port.
pub struct DataPlane {
    state: State,
    server: HttpServer,
    propagation: signal::Sender<Duration>,
    status: signal::Sender<RouteStatus>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl DataPlane {
    /// Starts a data plane, and returns when it knows all that is in the namespace. It follows the kinds of routes that
    /// the cluster serves by then.
    ///
    /// # Errors
    /// When the cluster does not answer, or no port is free.
    ///
    /// # Cancel safety
    /// May be dropped: nothing is left.
    pub async fn start(
        cluster: &Cluster,
        namespace: &str,
        options: DataPlaneOptions,
    ) -> anyhow::Result<Self> {
        let client = cluster.client().await?;
        let state = State::new(&cluster.context, namespace);
        let (propagation, delay) = signal::channel(options.propagation);
        let (status, wanted) = signal::channel(options.status);
        let mut tasks = JoinSet::new();
        let kinds = watch::start(&client, &state, delay, &mut tasks).await?;
        wait::until("the data plane knows all objects", LIMIT, async || {
            Ok((state.kinds_listed() >= kinds && state.pods_listed()).then_some(()))
        })
        .await
        .with_context(|| format!("cluster {}", cluster.context))?;
        tasks.spawn(status::write(client, state.clone(), wanted));
        let served = state.clone();
        let server = HttpServer::start(move |request| answer::request(served.clone(), request))?;
        Ok(Self { state, server, propagation, status, _tasks: tasks })
    }

    /// Where requests go. The `Host` decides what they reach: a hostname of a route, or a Service's name, alone or
    /// with its namespace.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The name of its cluster.
    pub fn cluster(&self) -> &str {
        &self.state.cluster
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.state.namespace
    }

    /// What was answered since it was started.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.state.counters
    }

    /// Says how some pods behave from now on. Of several words about a pod the last one counts.
    pub fn behave(&self, who: Who, behavior: Behavior) {
        let mut rules = self.state.rules();
        rules.retain(|(known, _)| *known != who);
        rules.push((who, behavior));
    }

    /// Changes the time from a change in the API to its effect, also for what is waiting for its effect now.
    pub fn set_propagation(&self, delay: Duration) {
        self.propagation.send_replace(delay);
    }

    /// Changes what is said of routes.
    pub fn set_route_status(&self, status: RouteStatus) {
        self.status.send_replace(status);
    }
}

impl std::fmt::Debug for DataPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataPlane")
            .field("cluster", &self.state.cluster)
            .field("namespace", &self.state.namespace)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
