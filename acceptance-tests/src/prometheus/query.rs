//! As much of Prometheus' API as the lab itself needs.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, task::JoinSet};

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The samples of a vector, with their labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples(pub Vec<(BTreeMap<String, String>, f64)>);

impl Samples {
    /// The value, if there is exactly one.
    pub fn only(&self) -> Option<f64> {
        match self.0.as_slice() {
            [(_, value)] => Some(*value),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// An instant query whose result is a vector.
pub(super) async fn instant(address: SocketAddr, query: &str) -> anyhow::Result<Samples> {
    let request = Request::post("/api/v1/query")
        .header(header::HOST, address.to_string())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("query={}", encode(query)))))?;
    let (status, body) = exchange(address, request).await?;
    let text = || String::from_utf8_lossy(&body).into_owned();
    let envelope: Envelope =
        serde_json::from_slice(&body).with_context(|| format!("{status}: {}", text()))?;
    let Some(data) = envelope.data else { bail!("{query}: {}", envelope.error) };
    let samples = data.result.into_iter().map(|sample| {
        let value = sample.value.1.parse().with_context(|| format!("{} is no number", sample.value.1))?;
        Ok((sample.metric, value))
    });
    Ok(Samples(samples.collect::<anyhow::Result<_>>()?))
}

/// Sends one request on a connection of its own, and reads the whole answer.
pub(super) async fn exchange(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(http::StatusCode, Bytes)> {
    let (head, body) =
        tokio::time::timeout(PATIENCE, send(address, request)).await.context("no answer")??;
    Ok((head.status, body))
}

/// The same with the head of the answer.
pub(super) async fn send(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(http::response::Parts, Bytes)> {
    let stream = TcpStream::connect(address).await.context("cannot connect")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Carries the bytes, and ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        let _ = connection.await;
    });
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok((head, body.collect().await?.to_bytes()))
}

/// A value of a form.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_survives_a_form() {
        assert_eq!(encode("a{b=\"ä\"} + 1"), "a%7bb%3d%22%c3%a4%22%7d%20%2b%201");
    }
}
