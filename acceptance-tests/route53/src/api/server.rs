//! The API over HTTP/1.1.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::dispatch::{Request, Service};

/// Bytes of a request body. The largest batch that the service takes has 32,000 characters of values in a thousand
/// elements, far below this.
const BODY_MAX: usize = 8 << 20;

/// A future of a response; an error ends the connection without one.
pub(crate) type Served = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Broken>> + Send>>;

/// The connection ends here.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was dropped on request")
    }
}

impl std::error::Error for Broken {}

/// Serves HTTP on a listener until the token is cancelled, each connection in a task of the tracker.
pub(crate) async fn serve<H>(listener: TcpListener, tasks: TaskTracker, token: CancellationToken, handler: H)
where
    H: Fn(http::Request<Incoming>) -> Served + Clone + Send + Sync + 'static,
{
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _peer)) = accepted else {
            // The client is gone already, or there are no more files to open, which takes a moment to change.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tasks.spawn(connection(stream, token.clone(), handler.clone()));
    }
}

async fn connection<H>(stream: TcpStream, token: CancellationToken, handler: H)
where
    H: Fn(http::Request<Incoming>) -> Served + Send + Sync + 'static,
{
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handler));
    tokio::select! {
        () = token.cancelled() => {}
        // Errors are those of the client, or a drop that a test asked for.
        _ended = served => {}
    }
}

/// The handler of the API.
pub(crate) fn handler(
    service: Arc<Service>,
) -> impl Fn(http::Request<Incoming>) -> Served + Clone + Send + Sync {
    move |request| {
        let service = Arc::clone(&service);
        Box::pin(async move { answer(&service, request).await })
    }
}

async fn answer(
    service: &Service,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(refused) => return Ok(status(refused)),
    };
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request = Request {
        authorization: text("authorization"),
        date: text("x-amz-date"),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        method: head.method,
        body: body.to_vec(),
    };
    let outcome = service.handle(&request);
    tokio::time::sleep(outcome.delay).await;
    if outcome.dropped {
        return Err(Broken);
    }
    let mut response = Response::builder()
        .status(outcome.reply.status)
        .header(header::CONTENT_TYPE, "text/xml")
        .header("x-amzn-requestid", outcome.request_id);
    if let Some(location) = outcome.reply.location {
        response = response.header(header::LOCATION, location);
    }
    let response = response.body(Full::new(Bytes::from(outcome.reply.body)));
    Ok(response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)))
}

/// A response of nothing but a status.
pub(crate) fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The whole body.
///
/// # Errors
/// The status to answer with when it is too long or breaks off.
pub(crate) async fn read_body(body: Incoming) -> Result<Bytes, StatusCode> {
    let body = Limited::new(body, BODY_MAX).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}
