//! Harms some requests and passes all others on: ends TLS here and begins it anew towards the API server.
//!
//! A bearer token passes through like any header. A client certificate does not: it stays behind with the TLS that it
//! came by, so a client of a proxy with this fault needs a token.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, WriteHalf, split},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::canned::{refusal, status};
use crate::{
    http1::{Request, json_answer, read_head, read_request, relay_body},
    lab::commands::file,
};

/// Which requests are harmed, how, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picked {
    /// The method; any when empty.
    pub method: &'static str,
    /// A text in the first line or the headers, such as a part of the path.
    pub contains: &'static str,
    /// A text that must not be there, such as `dryRun=All`; ignored when empty.
    pub unless: &'static str,
    /// So many requests are harmed; those after them pass.
    pub times: u32,
    /// What happens to them.
    pub harm: Harm,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Harm {
    /// It does not reach the server, and is answered with this status.
    Refused {
        /// Such as 429.
        status: u16,
        /// The `Retry-After` of the answer, in seconds.
        retry_after: Option<u32>,
    },
    /// It does not reach the server, and is answered with a page of a gateway instead of a `Status`.
    Page(u16),
    /// It does not reach the server, and is answered as by one that has a webhook with side effects.
    NoDryRun,
    /// The server carries it out; the connection is reset in the middle of the answer.
    HalfAnswered,
}

/// What a proxy needs to harm requests.
#[derive(Clone)]
pub(super) struct Picker {
    pub(super) acceptor: TlsAcceptor,
    pub(super) connector: TlsConnector,
    pub(super) upstream: SocketAddr,
    /// How many requests were harmed since the proxy was started.
    pub(super) harmed: Arc<AtomicU64>,
}

/// A client's TLS that trusts the cluster's CA.
pub(super) fn connector(directory: &Path) -> anyhow::Result<TlsConnector> {
    crate::install_crypto_provider();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(directory.join(file::CA)).context("cannot read a CA")?)?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The two ends of one connection.
struct Line {
    from_client: BufReader<tokio::io::ReadHalf<server::TlsStream<TcpStream>>>,
    to_client: WriteHalf<server::TlsStream<TcpStream>>,
    server: BufReader<client::TlsStream<TcpStream>>,
}

/// What comes after a request.
enum Next {
    Request,
    End,
    Reset,
}

impl Picker {
    /// Passes requests on, and harms those that are picked, until either side leaves.
    pub(super) async fn serve(&self, client: TcpStream, picked: Picked, left: &AtomicU32) {
        // An error is the end of the connection, as in any proxy.
        let _ = self.converse(client, picked, left).await;
    }

    async fn converse(&self, client: TcpStream, picked: Picked, left: &AtomicU32) -> io::Result<()> {
        let _ = client.set_nodelay(true);
        let client = self.acceptor.accept(client).await?;
        let server = TcpStream::connect(self.upstream).await?;
        let _ = server.set_nodelay(true);
        let server = self.connector.connect(ServerName::from(self.upstream.ip()), server).await?;
        let (from_client, to_client) = split(client);
        let mut line =
            Line { from_client: BufReader::new(from_client), to_client, server: BufReader::new(server) };
        while let Some(request) = read_request(&mut line.from_client).await? {
            let harm = picked.applies(&request, left).then_some(picked.harm);
            self.harmed.fetch_add(u64::from(harm.is_some()), Ordering::Relaxed);
            match line.answer(&request, harm).await? {
                Next::Request => {}
                Next::End => return Ok(()),
                Next::Reset => {
                    let stream = line.from_client.into_inner().unsplit(line.to_client);
                    return stream.get_ref().0.set_zero_linger();
                }
            }
        }
        Ok(())
    }
}

impl Picked {
    /// Whether a request is picked. Counts it, if so.
    fn applies(&self, request: &Request, left: &AtomicU32) -> bool {
        let excluded = !self.unless.is_empty() && request.head.contains(self.unless);
        let fits = request.head.starts_with(self.method) && request.head.contains(self.contains) && !excluded;
        let take = |left: u32| left.checked_sub(1);
        fits && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

impl Line {
    async fn answer(&mut self, request: &Request, harm: Option<Harm>) -> io::Result<Next> {
        let canned = match harm {
            Some(Harm::Refused { status, retry_after }) => refusal(status, retry_after),
            Some(Harm::Page(status)) => {
                let page = "<html><h1>upstream connect error</h1></html>";
                json_answer(status, "", page).replacen("application/json", "text/html", 1)
            }
            Some(Harm::NoDryRun) => {
                let words = "admission webhook \"old.example.com\" does not support dry run";
                json_answer(400, "", &status(400, "BadRequest", words))
            }
            Some(Harm::HalfAnswered) => return self.half_answer(request).await,
            None => return self.pass(request).await,
        };
        self.to_client.write_all(canned.as_bytes()).await?;
        self.to_client.flush().await?;
        Ok(Next::Request)
    }

    async fn pass(&mut self, request: &Request) -> io::Result<Next> {
        self.server.write_all(&request.raw).await?;
        self.server.flush().await?;
        // A watch ends when its client goes, which only a look at the other side tells.
        tokio::select! {
            passed = relay_answer(&mut self.server, &mut self.to_client) => {
                Ok(if passed? { Next::Request } else { Next::End })
            }
            () = closed(&mut self.from_client) => Ok(Next::End),
        }
    }

    async fn half_answer(&mut self, request: &Request) -> io::Result<Next> {
        self.server.write_all(&request.raw).await?;
        self.server.flush().await?;
        let mut answer = Vec::new();
        relay_answer(&mut self.server, &mut answer).await?;
        // More than the head, so that the client sees a success before the break.
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_default();
        let half = answer.get(..usize::midpoint(head, answer.len())).unwrap_or_default();
        self.to_client.write_all(half).await?;
        self.to_client.flush().await?;
        Ok(Next::Reset)
    }
}

/// Passes one answer on; `false` when there is none.
async fn relay_answer(
    server: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<bool> {
    let Some((head, framing)) = read_head(server).await? else { return Ok(false) };
    to.write_all(head.as_bytes()).await?;
    to.flush().await?;
    relay_body(server, to, framing).await?;
    Ok(true)
}

/// Returns when the client has gone.
async fn closed(client: &mut (impl AsyncBufRead + Unpin)) {
    if let Ok([_, ..]) = client.fill_buf().await {
        // A client that asks before it was answered is still there.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_is_counted() {
        let picked = Picked {
            method: "PATCH",
            contains: "/configmaps/settings",
            unless: "dryRun=All",
            times: 2,
            harm: Harm::Refused { status: 500, retry_after: None },
        };
        let request = |head: &str| Request { head: head.to_owned(), raw: Vec::new(), body: Vec::new() };
        let left = AtomicU32::new(picked.times);
        let fits = request("PATCH /api/v1/namespaces/a/configmaps/settings?x HTTP/1.1\r\n\r\n");
        assert!(!picked.applies(&request("GET /api/v1/namespaces/a/configmaps/settings HTTP/1.1"), &left));
        assert!(!picked.applies(&request("PATCH /api/v1/namespaces/a HTTP/1.1"), &left));
        assert!(!picked.applies(&request("PATCH /configmaps/settings?dryRun=All HTTP/1.1"), &left));
        let applied: Vec<bool> = (0..3).map(|_| picked.applies(&fits, &left)).collect();
        assert_eq!(applied, [true, true, false]);
    }
}
