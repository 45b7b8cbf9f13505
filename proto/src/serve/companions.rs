//! The services of go-plugin beside the provider: the end of the process, output, and further connections.

use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::operations::Operations;
use crate::wire::plugin::grpc_broker_server::GrpcBroker;
use crate::wire::plugin::grpc_controller_server::GrpcController;
use crate::wire::plugin::grpc_stdio_server::GrpcStdio;
use crate::wire::plugin::{ConnInfo, Empty, StdioData};

/// Ends the process when the host says so.
///
/// A host calls Shutdown while an apply is under way if its user interrupts twice. It closes the connection as soon
/// as the call is answered, and kills the process two seconds later; but it waits for the answer as long as it
/// takes. So the answer is held back until the apply's reply, with the state in it, is out.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) operations: Operations,
    /// How long the answer may be held back.
    pub(super) limit: Duration,
    /// Cancelled when the answer is given.
    pub(super) answered: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host asked for the end");
        self.operations.end();
        if let Err(left) = self.operations.drain(self.limit).await {
            tracing::error!(error = &left as &dyn std::error::Error, "ending in the middle of operations");
        }
        self.answered.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// An output stream on which nothing ever comes: logs go to stderr, and the host would warn about anything here.
#[derive(Debug)]
pub(super) struct Stdio;

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::pending())))
    }
}

/// A negotiation of connections in which nothing is ever offered. Lasts until the host ends it.
#[derive(Debug)]
pub(super) struct Broker;

#[tonic::async_trait]
impl GrpcBroker for Broker {
    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        let nothing = request.into_inner().filter_map(|_offer| std::future::ready(None));
        Ok(Response::new(Box::pin(nothing)))
    }
}
