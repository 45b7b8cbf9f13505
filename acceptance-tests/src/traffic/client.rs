//! One user: asks, and tells what came of it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, task::JoinSet};

use super::{Outcome, Target};

/// Bytes of an answer that are read.
const BODY_MAX: usize = 1 << 20;

/// What a user does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connections {
    Kept,
    Fresh,
}

pub(super) struct Client {
    address: SocketAddr,
    path: String,
    headers: BTreeMap<String, String>,
    connections: Connections,
    patience: Duration,
    open: Option<Open>,
}

/// An open connection.
struct Open {
    sender: SendRequest<Empty<Bytes>>,
    /// Carries its bytes; aborted when dropped.
    _driver: JoinSet<()>,
}

/// What the servers of the lab say of themselves.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    version: String,
    color: String,
}

impl Client {
    pub(super) fn new(target: &Target, connections: Connections, patience: Duration) -> Self {
        let mut headers = target.headers.clone();
        headers.insert(header::HOST.to_string(), target.host.clone());
        if connections == Connections::Fresh {
            headers.insert(header::CONNECTION.to_string(), "close".to_owned());
        }
        Self {
            address: target.address,
            path: target.path.clone(),
            headers,
            connections,
            patience,
            open: None,
        }
    }

    /// Sends one request and reads its answer.
    pub(super) async fn ask(&mut self) -> Outcome {
        let asked = tokio::time::timeout(self.patience, self.exchange()).await;
        let outcome = match asked {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Broken(format!("{error:#}")),
            Err(_) => Outcome::Broken(format!("no answer within {} s", self.patience.as_secs_f64())),
        };
        if self.connections == Connections::Fresh || matches!(outcome, Outcome::Broken(_)) {
            self.open = None;
        }
        outcome
    }

    async fn exchange(&mut self) -> anyhow::Result<Outcome> {
        let mut request = Request::get(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Empty::new()).context("invalid request")?;
        if self.open.as_ref().is_none_or(|open| open.sender.is_closed()) {
            self.open = Some(Open::new(self.address).await?);
        }
        let sender = &mut self.open.as_mut().context("the connection is open")?.sender;
        sender.ready().await.context("the connection ended")?;
        let (head, body) = sender.send_request(request).await.context("no answer")?.into_parts();
        let body = Limited::new(body, BODY_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
        if !head.status.is_success() {
            return Ok(Outcome::Failed(head.status.as_u16()));
        }
        let said: Said = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Outcome::Answered { version: said.version, color: said.color })
    }
}

impl Open {
    async fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Whoever sends hears of the error.
            let _ = connection.await;
        });
        Ok(Self { sender, _driver: driver })
    }
}
