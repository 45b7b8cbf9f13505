//! A small HTTP/1.1 server on loopback inside this process, for what tests steer.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::lab::ports;

/// Why a connection ends without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection is broken off on purpose")]
pub(crate) struct Broken;

/// An answer, or none.
pub(crate) type Answer = Result<Response<Full<Bytes>>, Broken>;

/// A running server; dropping it closes its port and all connections.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: SocketAddr,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl HttpServer {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn start<H, F>(handler: H) -> anyhow::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let reserved = ports::reserve(1)?.pop().context("no free port")?.into_listener();
        reserved.set_nonblocking(true)?;
        let listener = TcpListener::from_std(reserved).context("cannot listen")?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, handler));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // No more files to open, which takes a moment to change, or a client that is gone already.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // Answers are small; waiting for more to send would cost 40 ms each.
                let _ = stream.set_nodelay(true);
                let service = service_fn(handler.clone());
                connections.spawn(async move {
                    // Errors are those of the client, or a connection that a test wants broken.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// An answer with a body.
pub(crate) fn answer(
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
