//! A client of the emulator's control endpoint.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use route53_emulator::model::Health;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt as _, BufReader, sink},
    net::TcpStream,
    time::timeout,
};

use super::Zone;
use crate::http1;

/// For one call. Generous: the machine may be compiling at the same time.
const LIMIT: Duration = Duration::from_secs(30);

/// A client of the control endpoint: what a test does to the world around Route 53.
#[derive(Debug, Clone, Copy)]
pub struct Control(SocketAddr);

/// One call of the API, as the emulator's log has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// When it arrived, in milliseconds since the emulator's start.
    pub at_ms: u64,
    /// Such as `ChangeResourceRecordSets`.
    pub operation: String,
    /// The id of the hosted zone that it names.
    pub zone: Option<String>,
    /// The HTTP status of the reply.
    pub status: u16,
    /// The number of changes of an accepted batch.
    pub changes: Option<usize>,
}

impl Control {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Decides what the checkers of a health check observe. It need not exist yet.
    ///
    /// # Errors
    /// This and all other calls fail when the emulator does not answer within 30 s, and with its reason when it
    /// refuses.
    pub async fn set_health(&self, health_check_id: &str, health: Health) -> anyhow::Result<()> {
        self.call("POST", "/health", Some(&json!({"checks": {health_check_id: health}}))).await.map(drop)
    }

    /// Decides the health of a resource outside the zones, such as a load balancer.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn set_target_health(&self, dns_name: &str, health: Health) -> anyhow::Result<()> {
        self.call("POST", "/health", Some(&json!({"targets": {dns_name: health}}))).await.map(drop)
    }

    /// Everything is healthy again.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn reset_health(&self) -> anyhow::Result<()> {
        self.call("DELETE", "/health", None).await.map(drop)
    }

    /// The calls of the API since the start or the last reset.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn calls(&self) -> anyhow::Result<Vec<Call>> {
        let calls = self.call("GET", "/calls", None).await?;
        serde_json::from_value(calls).context("cannot read the log of calls")
    }

    /// Empties the log of calls.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn reset_calls(&self) -> anyhow::Result<()> {
        self.call("DELETE", "/calls", None).await.map(drop)
    }

    /// Changes the faults and times that are named, such as `{"requests_per_second": 5}`.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn set_knobs(&self, knobs: &Value) -> anyhow::Result<()> {
        self.call("POST", "/knobs", Some(knobs)).await.map(drop)
    }

    /// Makes an end of all faults.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn reset_knobs(&self) -> anyhow::Result<()> {
        self.call("DELETE", "/knobs", None).await.map(drop)
    }

    /// Replaces the settings of the DNS front end.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn set_dns(&self, settings: &super::Settings) -> anyhow::Result<()> {
        self.call("PUT", "/dns", Some(&serde_json::to_value(settings)?)).await.map(drop)
    }

    /// The record sets of a zone in the form of the API.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn record_sets(&self, zone: &Zone) -> anyhow::Result<Vec<Value>> {
        let sets = self.call("GET", &format!("/zones/{}/record-sets", zone.id), None).await?;
        serde_json::from_value(sets).context("cannot read the record sets")
    }

    /// Puts record sets in the form of the API into a zone, past all rules, as somebody else would have.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn seed(&self, zone: &Zone, record_sets: &Value) -> anyhow::Result<()> {
        let body = json!({"record_sets": record_sets});
        self.call("POST", &format!("/zones/{}/record-sets", zone.id), Some(&body)).await.map(drop)
    }

    /// All that the emulator knows.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn state(&self) -> anyhow::Result<Value> {
        self.call("GET", "/state", None).await
    }

    /// Removes a zone with all that is in it, as somebody else would have.
    ///
    /// # Errors
    /// As [`Self::set_health`].
    pub async fn remove_zone(&self, zone: &Zone) -> anyhow::Result<()> {
        self.call("DELETE", &format!("/zones/{}", zone.id), None).await.map(drop)
    }

    pub(super) async fn create_zone(&self, name: &str) -> anyhow::Result<Value> {
        self.call("POST", "/zones", Some(&json!({"name": name}))).await
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        timeout(LIMIT, self.exchange(method, path, body))
            .await
            .unwrap_or_else(|_| bail!("no answer within {} s", LIMIT.as_secs()))
            .with_context(|| format!("the emulator's control endpoint, {method} {path}"))
    }

    async fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            self.0,
            body.len()
        );
        let mut stream = BufReader::new(TcpStream::connect(self.0).await?);
        stream.write_all(request.as_bytes()).await?;
        let (head, framing) = http1::read_head(&mut stream).await?.context("the connection broke off")?;
        let mut bytes = Vec::new();
        http1::pass_body(&mut stream, &mut sink(), &mut bytes, framing).await?;
        let answer: Value = serde_json::from_slice(&bytes).context("the answer is no JSON")?;
        if head.split(' ').nth(1) != Some("200") {
            bail!("refused: {}", answer["error"].as_str().unwrap_or("without a reason"));
        }
        Ok(answer)
    }
}
