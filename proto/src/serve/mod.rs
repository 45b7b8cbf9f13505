//! Serving a provider to the host that started this process.
//!
//! ```text
//! cookie ─▶ socket ─▶ certificate ─▶ handshake line ─▶ connection ─▶ requests ─▶ end
//!                                                                                ├ Shutdown  answered last
//!                                                                                ├ SIGTERM
//!                                                                                └ the connection is closed
//! ```
//!
//! Invariants: the handshake line is the only thing ever printed; no request is served to anyone but the host; and
//! whatever ends the process, running operations are cancelled and waited for first.
//!
//! Unix only: hosts on Windows speak TCP to their plugins, which is not built.

mod companions;
mod environment;
mod error;
mod handshake;
mod incoming;
mod mtls;
mod process;
mod replies;
mod signals;
mod socket;

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use futures::Stream;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::operations::Operations;
use crate::wire::plugin::grpc_broker_server::GrpcBrokerServer;
use crate::wire::plugin::grpc_controller_server::GrpcControllerServer;
use crate::wire::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::wire::tfplugin6::provider_server::{Provider, ProviderServer};
use companions::{Broker, Controller, Stdio};
use handshake::{Handshake, PROTOCOL_VERSION};
use incoming::{Connections, HostStream, incoming};
use mtls::Identity;
use replies::Counted;
use signals::Signals;
use socket::Socket;

pub use environment::HostEnvironment;
pub use error::ServeError;
pub use process::{exit_code, run};

/// The largest request that is taken, in bytes. Hosts set no limit of their own, and a manifest of some megabytes
/// exceeds the 4 MiB that gRPC libraries default to.
const MESSAGE_LIMIT: usize = 256 << 20;

/// The service that hosts ask for the health of.
const HEALTH_NAME: &str = "plugin";

/// How long the host gets to close the connection after Shutdown has been answered. It kills the process two
/// seconds after the answer.
const FAREWELL: Duration = Duration::from_millis(250);

/// How long things may take that nobody in this process controls.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the handshake line to the host's connection. A host connects within milliseconds; one that has not
    /// is dead.
    pub first_connection: Duration,
    /// From Shutdown to its answer, while operations end.
    pub shutdown: Duration,
    /// From SIGTERM, or from the loss of the host, to the end of the process, while operations end. Nobody
    /// waits then, but an operation that cannot be ended must not live for ever.
    pub alone: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_connection: Duration::from_secs(300),
            shutdown: Duration::from_secs(25),
            alone: Duration::from_secs(60),
        }
    }
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The operations of the service, which it shares with the server.
    pub operations: Operations,
    /// What the host says.
    pub environment: HostEnvironment,
    /// Time limits.
    pub limits: Limits,
}

impl Options {
    /// Those of a provider's process.
    #[must_use]
    pub fn of_process(operations: Operations) -> Self {
        Self { operations, environment: HostEnvironment::of_process(), limits: Limits::default() }
    }
}

/// Serves `service` until the host ends it or has gone. Prints the handshake line to stdout.
///
/// # Errors
/// If there is no host, or nothing can be offered to it. An operation's failure is no error here.
///
/// # Cancel safety
/// Not safe: running operations would be left to the end of the runtime.
pub async fn serve<S: Provider>(service: S, options: Options) -> Result<(), ServeError> {
    let Options { operations, environment, limits } = options;
    if !environment.has_cookie {
        return Err(ServeError::NoHost);
    }
    if !environment.protocol_versions.is_empty() && !environment.protocol_versions.contains(&PROTOCOL_VERSION)
    {
        // The host will say so to its user.
        tracing::error!(offered = ?environment.protocol_versions, "the host does not speak protocol 6");
    }
    let mut signals = Signals::install().map_err(ServeError::Signals)?;
    let identity = environment.client_certificate.as_deref().map(Identity::pinned_to).transpose()?;
    let Socket { listener, path } = Socket::open(&environment)?;
    Handshake {
        socket: &path,
        server_certificate: identity.as_ref().map(|identity| identity.certificate.as_ref()),
        decline_multiplexing: environment.asks_for_multiplexing,
    }
    .print(io::stdout().lock())
    .map_err(ServeError::Handshake)?;

    let connections = Connections::new();
    let acceptor = identity.map(|identity| identity.acceptor);
    let answered = CancellationToken::new();
    let controller =
        Controller { operations: operations.clone(), limit: limits.shutdown, answered: answered.clone() };
    let server = answer(service, controller, incoming(listener, acceptor, connections.clone()), &operations);
    tokio::select! {
        served = server => served?,
        () = answered.cancelled() => {
            // The answer is out when the host has reacted to it.
            let _ = tokio::time::timeout(FAREWELL, connections.all_gone()).await;
        }
        () = connections.all_gone() => wind_up(&operations, limits.alone, "the host has gone").await,
        () = signals.terminated() => wind_up(&operations, limits.alone, "SIGTERM").await,
        () = never_came(&connections, limits.first_connection) => {
            return Err(ServeError::Lonely { seconds: limits.first_connection.as_secs() });
        }
    }
    Ok(())
}

/// Serves `service` on a socket that somebody else has made, in plaintext and until the future is dropped: for
/// tests, and for a host that attaches to a process under a debugger. Connections come and go.
///
/// # Errors
/// If the server breaks.
///
/// # Cancel safety
/// Dropping it stops accepting; connections live on until the runtime ends.
pub async fn serve_listener<S: Provider>(
    listener: UnixListener,
    service: S,
    operations: Operations,
) -> Result<(), ServeError> {
    let controller = Controller {
        operations: operations.clone(),
        limit: Limits::default().shutdown,
        answered: CancellationToken::new(),
    };
    answer(service, controller, incoming(listener, None, Connections::new()), &operations).await
}

/// Answers requests.
async fn answer<S: Provider>(
    service: S,
    controller: Controller,
    incoming: impl Stream<Item = Result<HostStream, Infallible>> + Send,
    operations: &Operations,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status(HEALTH_NAME, tonic_health::ServingStatus::Serving).await;
    let provider = ProviderServer::new(service).max_decoding_message_size(MESSAGE_LIMIT);
    Server::builder()
        .add_service(Counted::new(provider, operations.clone()))
        .add_service(GrpcControllerServer::new(controller))
        .add_service(GrpcStdioServer::new(Stdio))
        .add_service(GrpcBrokerServer::new(Broker))
        .add_service(health_service)
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// Cancels what runs and waits for its end.
async fn wind_up(operations: &Operations, limit: Duration, reason: &'static str) {
    tracing::info!(reason, "ending");
    operations.end();
    if let Err(left) = operations.drain(limit).await {
        tracing::error!(error = &left as &dyn std::error::Error, "ending in the middle of operations");
    }
}

/// Returns if no connection has been let in within `limit`.
async fn never_came(connections: &Connections, limit: Duration) {
    if tokio::time::timeout(limit, connections.first()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}
