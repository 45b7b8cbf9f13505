//! One delivery: time limit, repetitions, and what went wrong in words.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode, header::RETRY_AFTER, redirect::Policy};
use tokio::time::{sleep, timeout};

use super::{notifier::Timing, service::InvalidService};
use crate::web::{self, Scrub};

/// How often a delivery is repeated.
const REPETITIONS: u32 = 3;

/// How much of an answer is read.
const ANSWER: usize = 64 << 10;

/// The longest answer that is a word or a sentence, and no page.
const WORDS: usize = 200;

/// Takes messages to one service.
pub(super) struct Courier {
    pub(super) http: reqwest::Client,
    pub(super) scrub: Scrub,
    timing: Timing,
}

/// How an attempt ended that brought nothing.
enum Failed {
    /// For good.
    Refused(String),
    /// It may do if it is tried again, after the pause that the service asks for.
    Later(String, Option<Duration>),
}

impl Courier {
    /// Redirects are not followed: what is sent is for nobody else.
    pub(super) fn new(scrub: Scrub, loopback: bool, timing: Timing) -> Result<Self, InvalidService> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("terraform-provider-multicluster/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(Policy::none());
        if loopback {
            builder = builder.no_proxy();
        }
        let problem = "cannot be used: TLS cannot be set up on this machine";
        let http = builder.build().map_err(|_| InvalidService { field: "notify", problem })?;
        Ok(Self { http, scrub, timing })
    }

    /// Sends what `request` makes until the service takes it, at most four times. The body of its answer, or why it
    /// did not take it.
    pub(super) async fn deliver(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, String> {
        let mut pause = self.timing.first_pause;
        let mut repeated = 0;
        loop {
            let (reason, wish) = match self.attempt(request()).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Refused(reason)) => return Err(reason),
                Err(Failed::Later(reason, wish)) => (reason, wish),
            };
            // A service that asks for more than it is waited for would only refuse again.
            if repeated == REPETITIONS || wish.is_some_and(|wish| wish > self.timing.longest_pause) {
                return Err(reason);
            }
            repeated += 1;
            tracing::debug!(%reason, repeated, "a message is sent again");
            sleep(wish.unwrap_or(pause)).await;
            pause = pause.saturating_mul(2);
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Vec<u8>, Failed> {
        let answer = timeout(self.timing.attempt, async {
            let response = request.send().await?;
            let (status, wish) = (response.status(), wish(&response));
            let body = web::body(response, ANSWER).await.unwrap_or_default();
            Ok::<_, reqwest::Error>((status, wish, body))
        });
        let (status, wish, body) = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failed::Later(web::reason(error, &self.scrub), None)),
            Err(_) => {
                let reason = format!("no answer within {} s", self.timing.attempt.as_secs_f64());
                return Err(Failed::Later(reason, None));
            }
        };
        if status.is_success() {
            return Ok(body);
        }
        let reason = self.words(status, &body);
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            Err(Failed::Later(reason, wish))
        } else {
            Err(Failed::Refused(reason))
        }
    }

    /// The status, and what the service says if that is a word or a sentence.
    fn words(&self, status: StatusCode, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let text = self.scrub.line(&text);
        if text.is_empty() || text.contains('<') || text.chars().count() > WORDS {
            format!("HTTP {status}")
        } else {
            format!("HTTP {status}: {text}")
        }
    }
}

/// The pause that a service asks for, in seconds. The other form, a date, is not used by chats.
fn wish(response: &Response) -> Option<Duration> {
    let after = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    after.trim().parse().ok().map(Duration::from_secs)
}
