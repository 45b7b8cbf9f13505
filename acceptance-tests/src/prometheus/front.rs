//! A front before a Prometheus that answers as a test wants: with warnings as Thanos has them when a store does not
//! answer, with a gateway's page, late, or not at all. It keeps what was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, header, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::query::{exchange, send};
use crate::http_server::{Answer, Broken, HttpServer, answer};

/// Bytes of a request that are passed on.
const BODY_MAX: usize = 1 << 20;

/// What the front does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answering {
    /// Passes everything through.
    #[default]
    Faithfully,
    /// Adds warnings to every answer, as Thanos does to a partial one.
    WithWarnings(Vec<String>),
    /// Answers with this status and this page, as a gateway does.
    Page(u16, String),
    /// Answers this text as JSON with this status.
    Json(u16, String),
    /// Passes everything through after this time.
    Late(Duration),
    /// Ends every connection without an answer.
    Broken,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Path and query.
    pub target: String,
    /// Names in lower case, with their values. Credentials of a test are among them.
    pub headers: Vec<(String, String)>,
    /// What it carried: the form of a query.
    pub body: String,
}

/// A running front; dropping it closes its port.
#[derive(Debug)]
pub struct Front {
    server: HttpServer,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    answering: Answering,
    seen: Vec<Seen>,
}

impl Front {
    pub(super) fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let book: Arc<Mutex<Book>> = Arc::default();
        let shared = Arc::clone(&book);
        let server = HttpServer::start(move |request| pass(upstream, Arc::clone(&shared), request))?;
        Ok(Self { server, book })
    }

    /// The URL to use instead of Prometheus' own.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What a client gets for a path: status and body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let request = Request::get(path)
            .header(header::HOST, self.server.address().to_string())
            .body(Full::default())
            .context("invalid path")?;
        let (status, body) = exchange(self.server.address(), request).await?;
        Ok((status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
    }

    /// Switches to another behaviour.
    pub fn set(&self, answering: Answering) {
        lock(&self.book).answering = answering;
    }

    /// All requests that came since it was started.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.book).seen.clone()
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(upstream: SocketAddr, book: Arc<Mutex<Book>>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(|_| Broken)?.to_bytes();
    let answering = {
        let mut book = lock(&book);
        book.seen.push(Seen::new(&head, &body));
        book.answering.clone()
    };
    match answering {
        Answering::Faithfully => relay(upstream, head, body, &[]).await,
        Answering::WithWarnings(warnings) => relay(upstream, head, body, &warnings).await,
        Answering::Page(status, page) => Ok(answer(status, "text/html", page)),
        Answering::Json(status, text) => Ok(answer(status, "application/json", text)),
        Answering::Late(delay) => {
            tokio::time::sleep(delay).await;
            relay(upstream, head, body, &[]).await
        }
        Answering::Broken => Err(Broken),
    }
}

async fn relay(upstream: SocketAddr, head: Parts, body: Bytes, warnings: &[String]) -> Answer {
    let mut request = Request::from_parts(head, Full::new(body));
    // The body is read by now; how it was framed, and in which coding an answer may come, is between us and upstream.
    for name in [header::TRANSFER_ENCODING, header::ACCEPT_ENCODING, header::CONNECTION] {
        request.headers_mut().remove(name);
    }
    let Ok((head, body)) = send(upstream, request).await else {
        return Ok(answer(502, "text/html", "<html><body>Bad Gateway</body></html>"));
    };
    let json = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let kind = if json { "application/json" } else { "text/plain" };
    Ok(answer(head.status.as_u16(), kind, with_warnings(body, warnings)))
}

/// The answer with more warnings in its envelope; unchanged if it is none.
fn with_warnings(body: Bytes, warnings: &[String]) -> Bytes {
    if warnings.is_empty() {
        return body;
    }
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice(&body) else { return body };
    let mut all = envelope.get("warnings").and_then(Value::as_array).cloned().unwrap_or_default();
    all.extend(warnings.iter().map(|warning| Value::from(warning.as_str())));
    envelope.insert("warnings".to_owned(), all.into());
    Bytes::from(Value::Object(envelope).to_string())
}

impl Seen {
    fn new(head: &Parts, body: &Bytes) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            target: head.uri.to_string(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: text(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stand_beside_the_data() {
        let add = |body: &'static str| {
            let added = with_warnings(Bytes::from_static(body.as_bytes()), &["store is gone".to_owned()]);
            String::from_utf8(added.to_vec()).unwrap()
        };
        assert_eq!(add(r#"{"status":"success"}"#), r#"{"status":"success","warnings":["store is gone"]}"#);
        assert_eq!(add(r#"{"warnings":["a"]}"#), r#"{"warnings":["a","store is gone"]}"#);
        assert_eq!(add("not found"), "not found");
    }
}
