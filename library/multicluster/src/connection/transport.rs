//! What stands between a [`kube::Client`] and the network: credentials that are renewed, bounded repetitions, and a
//! limit on silence.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Request, Response, header::RETRY_AFTER};
use http_body::{Body as HttpBody, Frame, SizeHint};
use jiff::{SignedDuration, Timestamp};
use kube::client::{Body, ClientBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::Mutex,
    time::{Instant, Sleep, sleep, timeout},
};
use tower::{BoxError, Service};

use super::{
    Connection, ConnectionError, CredentialError,
    exec::{Issued, IssuedSecret},
    retry::{self, Ended},
    target::{Source, Target},
};
use crate::clock::Clock;

/// How long before its end a credential is replaced, so that it does not end on its way to the server.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// How long the content of a token file is used; what client-go does.
const TOKEN_FILE_AGE: SignedDuration = SignedDuration::from_secs(60);

/// Makes a client of a target. Everything that can be wrong with its TLS settings is found here.
pub(super) fn client(target: Target, connection: &Connection) -> Result<kube::Client, ConnectionError> {
    let unusable = |error: &kube::Error| ConnectionError::Tls { reason: innermost(error) };
    let built = build(target.config.clone()).map_err(|error| unusable(&error))?;
    let current = match &target.source {
        Source::Fixed => Some(Current { client: built, expires: None, number: 0 }),
        Source::Helper(_) | Source::TokenFile(_) => None,
    };
    let shared = Shared {
        target,
        clock: connection.clock.clone(),
        silence: connection.request_timeout,
        current: Mutex::new((current, 0)),
    };
    Ok(kube::Client::new(Transport(Arc::new(shared)), "default"))
}

fn build(config: kube::Config) -> Result<kube::Client, kube::Error> {
    Ok(ClientBuilder::try_from(config)?.build())
}

/// The last error of a chain, which is the one that says what is wrong.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
    crate::member::cut(&last.to_string())
}

/// The service under a client.
struct Transport(Arc<Shared>);

struct Shared {
    target: Target,
    clock: Clock,
    silence: Duration,
    /// The client with today's credential, and how many there were. Locked while a helper runs, so that many requests
    /// start it once.
    current: Mutex<(Option<Current>, u64)>,
}

#[derive(Clone)]
struct Current {
    client: kube::Client,
    expires: Option<Timestamp>,
    number: u64,
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Heard>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.send(request).await })
    }
}

impl Shared {
    async fn send(&self, request: Request<Body>) -> Result<Response<Heard>, BoxError> {
        let (parts, body) = request.into_parts();
        let repeat = retry::repeat(&Request::from_parts(parts.clone(), ()));
        let mut next = body.try_clone();
        let mut body = body;
        let (mut repeated, mut renewed) = (0, false);
        loop {
            let current = self.current().await?;
            let attempt = current.client.send(Request::from_parts(parts.clone(), body));
            let result = timeout(self.silence, attempt).await.map_err(|_| silent())?;
            let ended = match &result {
                Ok(response) => answered(response),
                Err(error) if is_broken(error) => Ended::Broken,
                Err(_) => return Ok(self.heard(&parts, result?)),
            };
            // A body that cannot be cloned is sent once; ours all can.
            let Some(again) = next.take() else {
                return Ok(self.heard(&parts, result?));
            };
            if ended.is_unauthorized() && !renewed && self.can_renew() {
                // The server may know of a credential's end before we do.
                renewed = true;
                self.discard(current.number).await;
            } else if let Some(pause) = retry::pause(repeat, repeated, ended) {
                tracing::debug!(?ended, ?pause, "request is sent again");
                repeated += 1;
                sleep(pause).await;
            } else {
                return Ok(self.heard(&parts, result?));
            }
            next = again.try_clone();
            body = again;
        }
    }

    fn heard(&self, request: &http::request::Parts, response: Response<Body>) -> Response<Heard> {
        // A watch is silent while nothing happens; whoever watches has a limit for that.
        let watch =
            request.uri.query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
        let silence = (!watch).then_some(self.silence);
        response.map(|body| Heard { body, silence, alarm: None })
    }

    /// The client to use now, made anew if its credential is missing or about to end.
    async fn current(&self) -> Result<Current, CredentialError> {
        let mut state = self.current.lock().await;
        let now = self.clock.now();
        if let Some(current) = &state.0
            && current.expires.is_none_or(|expires| now < expires - RENEW_BEFORE)
        {
            return Ok(current.clone());
        }
        let issued = match &self.target.source {
            Source::Fixed => None,
            Source::Helper(helper) => Some(helper.issue().await?),
            Source::TokenFile(path) => {
                let token = tokio::fs::read_to_string(path).await.map_err(|error| {
                    CredentialError::TokenFile { path: path.clone(), reason: error.to_string() }
                })?;
                let secret = IssuedSecret::Token(SecretString::from(token.trim()));
                Some(Issued { secret, expires: Some(now + TOKEN_FILE_AGE + RENEW_BEFORE) })
            }
        };
        state.1 += 1;
        let expires = issued.as_ref().and_then(|issued| issued.expires);
        let client = build(self.with_credential(issued))
            .map_err(|error| CredentialError::Unusable { reason: innermost(&error) })?;
        let current = Current { client, expires, number: state.1 };
        state.0 = Some(current.clone());
        Ok(current)
    }

    /// Whether another credential can be had than the one that was refused.
    fn can_renew(&self) -> bool {
        !matches!(self.target.source, Source::Fixed)
    }

    /// Gives a credential up, unless that has happened already.
    async fn discard(&self, number: u64) {
        let mut state = self.current.lock().await;
        if state.0.as_ref().is_some_and(|current| current.number == number) {
            state.0 = None;
        }
    }

    fn with_credential(&self, issued: Option<Issued>) -> kube::Config {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let mut config = self.target.config.clone();
        match issued.map(|issued| issued.secret) {
            None => {}
            Some(IssuedSecret::Token(token)) => config.auth_info.token = Some(token),
            Some(IssuedSecret::Certificate { certificate, key }) => {
                config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate));
                config.auth_info.client_key_data =
                    Some(SecretString::from(STANDARD.encode(key.expose_secret())));
            }
        }
        config
    }
}

fn answered<B>(response: &Response<B>) -> Ended {
    let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let retry_after = after.and_then(|after| after.trim().parse().ok());
    Ended::Answered { status: response.status(), retry_after }
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// Whether a connection that was there broke, rather than never was.
fn is_broken(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return !error.is_connect();
        }
        cause = error.source();
    }
    false
}

/// An answer's body; too long a silence within it is an error.
struct Heard {
    body: Body,
    silence: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Heard {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some(silence) = this.silence else {
            return Poll::Pending;
        };
        let alarm =
            this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + silence)));
        match alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(silent().into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
