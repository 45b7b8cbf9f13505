//! Questions and answers.

use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION},
};
use jiff::Timestamp;
use multicluster_core::analysis::Value;
use reqwest::{Body, Response, Url};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    Warnings,
    credential::{self, Who},
    envelope,
    error::{QueryError, SettingsError},
    settings::Settings,
    sigv4::ToSign,
    transport::Way,
};
use crate::web::{self, BodyError, Scrub};

/// How much of an answer is read. A query whose answer is longer judges nothing.
const ANSWER: usize = 16 << 20;

/// How much of an error is read.
const ERROR: usize = 64 << 10;

/// What is asked, by the API's names.
type Form = Vec<(&'static str, String)>;

/// A metrics service, as one set of credentials sees it. Cheap to clone: clones share connections and tokens.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    way: Way,
    who: Who,
    headers: HeaderMap,
    scrub: Scrub,
    timeout: Duration,
    warnings: Warnings,
    partial_response: bool,
    dedup: Option<bool>,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// In PromQL, complete.
    pub text: String,
    /// The moment that is asked about; the service's own now without it. Not used with `range`.
    pub at: Option<Timestamp>,
    /// Values over time instead of the value at a moment.
    pub range: Option<QueryRange>,
    /// Instead of the settings' limit, if shorter.
    pub timeout: Option<Duration>,
    /// Whether warnings are taken for this query alone. The settings can take them for all.
    pub warnings: Warnings,
}

/// From when to when, both included, and how far apart the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryRange {
    /// The first value's time.
    pub start: Timestamp,
    /// The last value's time at the latest.
    pub end: Timestamp,
    /// The time between two values.
    pub step: Duration,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was measured. Series come in the service's order; NaN and the infinities are kept.
    pub value: Value,
    /// What the service warned of, where the caller takes warnings: at most ten, each on one line.
    pub warnings: Vec<String>,
    /// What the service remarked about the query: at most ten, each on one line.
    pub infos: Vec<String>,
}

/// A service that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says of its version; clouds' services do not.
    pub version: Option<String>,
}

impl Query {
    /// A question about now.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), at: None, range: None, timeout: None, warnings: Warnings::Error }
    }
}

impl Client {
    /// Makes a client. Nothing is sent, no credential is obtained, and no program is started before the first query.
    ///
    /// # Errors
    /// [`SettingsError`] for whatever can be known to be wrong without connecting.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let scrub = credential::secrets(settings);
        Ok(Self(Arc::new(Inner {
            way: Way::new(settings, &scrub)?,
            who: Who::new(settings)?,
            headers: credential::fixed(settings)?,
            scrub,
            timeout: settings.timeout,
            warnings: settings.warnings,
            partial_response: settings.partial_response,
            dedup: settings.dedup,
        })))
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`QueryError`] if there is no whole answer. Warnings are one, unless the query or the settings take them.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect but an answer that nobody reads.
    pub async fn query(&self, query: &Query) -> Result<Answer, QueryError> {
        let limit = query.timeout.map_or(self.0.timeout, |own| own.min(self.0.timeout));
        let (path, form) = self.form(query, limit);
        let answer = within(limit, self.0.ask(path, Some(form))).await?;
        let ignore = query.warnings == Warnings::Ignore || self.0.warnings == Warnings::Ignore;
        let answer = envelope::open(&answer).ok_or_else(not_json)?.answer(&self.0.scrub)?;
        if !ignore && !answer.warnings.is_empty() {
            return Err(QueryError::Warnings { warnings: answer.warnings });
        }
        Ok(answer)
    }

    /// Whether the service is there and takes the credentials, by the cheapest query there is, and what it says of
    /// its version.
    ///
    /// # Errors
    /// [`QueryError`] if it could not answer any query.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn probe(&self) -> Result<Found, QueryError> {
        self.query(&Query { warnings: Warnings::Ignore, ..Query::new("vector(1)") }).await?;
        let body = within(self.0.timeout, self.0.ask("api/v1/status/buildinfo", None)).await;
        // Only some services tell.
        Ok(Found { version: body.ok().and_then(|body| version(&body, &self.0.scrub)) })
    }

    /// Where a query goes, and what stands in its form.
    fn form(&self, query: &Query, limit: Duration) -> (&'static str, Form) {
        let mut form = Vec::from([("query", query.text.clone())]);
        let path = match &query.range {
            None => {
                form.extend(query.at.map(|at| ("time", seconds(at))));
                "api/v1/query"
            }
            Some(range) => {
                form.extend([("start", seconds(range.start)), ("end", seconds(range.end))]);
                form.push(("step", range.step.as_secs_f64().to_string()));
                "api/v1/query_range"
            }
        };
        form.push(("timeout", format!("{}ms", limit.as_millis().max(1))));
        // Services that do not know these pass over them.
        form.push(("partial_response", self.0.partial_response.to_string()));
        form.extend(self.0.dedup.map(|dedup| ("dedup", dedup.to_string())));
        (path, form)
    }
}

impl Inner {
    /// The body of a successful answer. Without a form it is read, with one it is asked.
    async fn ask(&self, path: &str, form: Option<Form>) -> Result<Vec<u8>, QueryError> {
        let (mut response, token) = self.send(path, form.as_ref()).await?;
        // The service may know of a token's end before we do.
        if response.status() == StatusCode::UNAUTHORIZED && self.who.renew(token).await {
            response = self.send(path, form.as_ref()).await?.0;
        }
        self.read(response).await
    }

    async fn send(
        &self,
        path: &str,
        form: Option<&Form>,
    ) -> Result<(Response, Option<SecretString>), QueryError> {
        let (real, dialled) = self.way.endpoint(path);
        let builder = match form {
            Some(form) => self.way.http.post(dialled).form(form),
            None => self.way.http.get(dialled),
        };
        let mut request = builder.build().map_err(|error| self.no_answer(error))?;
        let content = request.headers().get(CONTENT_TYPE).and_then(|content| content.to_str().ok());
        let signed: Vec<_> = content.map(|content| (CONTENT_TYPE.as_str(), content)).into_iter().collect();
        let sign = ToSign {
            method: request.method().as_str(),
            url: real.as_str(),
            host: real.host_str().unwrap_or_default(),
            headers: &signed,
            body: request.body().and_then(Body::as_bytes).unwrap_or_default(),
        };
        let (credentials, token) = self.who.headers(&sign, &self.scrub).await?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.way.host.clone().map(|host| (HOST, host)));
        headers.extend(self.headers.clone());
        headers.extend(credentials);
        let response = self.way.http.execute(request).await.map_err(|error| self.no_answer(error))?;
        Ok((response, token))
    }

    fn no_answer(&self, error: reqwest::Error) -> QueryError {
        QueryError::NoAnswer { reason: web::reason(error, &self.scrub) }
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, QueryError> {
        let status = response.status();
        if status.is_redirection() {
            return Err(QueryError::Redirected { to: redirected(&response) });
        }
        let content = web::content_type(&response);
        let limit = if status.is_success() { ANSWER } else { ERROR };
        let body = web::body(response, limit).await.map_err(|error| match error {
            BodyError::TooLong if status.is_success() => QueryError::TooLong { limit },
            BodyError::TooLong => not_prometheus(status, &content, ""),
            BodyError::Broken(error) => self.no_answer(error),
        })?;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let message = self.words(&body, &content);
            return Err(QueryError::Denied { status: status.as_u16(), message });
        }
        match envelope::open(&body) {
            // An error says more than the status that comes with it.
            Some(envelope) => envelope.success(&self.scrub)?,
            None => return Err(not_prometheus(status, &content, &self.words(&body, &content))),
        };
        if status.is_success() { Ok(body) } else { Err(not_prometheus(status, &content, "")) }
    }

    /// What an answer that is none says to people: the text of a proxy, or the message in the JSON of a cloud. Never
    /// the text of a page.
    fn words(&self, body: &[u8], content: &str) -> String {
        #[derive(Deserialize)]
        struct Said {
            #[serde(alias = "Message", alias = "error")]
            message: String,
        }
        match serde_json::from_slice::<Said>(body) {
            Ok(said) => self.scrub.line(&said.message),
            Err(_) if content == "text/plain" => self.scrub.line(&String::from_utf8_lossy(body)),
            Err(_) => String::new(),
        }
    }
}

fn not_json() -> QueryError {
    QueryError::Unreadable { problem: "it is not the API's JSON".to_owned() }
}

async fn within<T>(
    limit: Duration,
    asking: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    let over = QueryError::TimedOut { seconds: limit.as_secs_f64() };
    timeout(limit, asking).await.unwrap_or(Err(over))
}

fn not_prometheus(status: StatusCode, content: &str, words: &str) -> QueryError {
    let hint = match status.as_u16() {
        _ if !words.is_empty() => words,
        404 => "the address may lack a path, such as `/prometheus`",
        429 => "too many questions are asked",
        502..=504 => "the service is starting, or a proxy before it cannot reach it",
        200..=299 => "a login page, or a page of the service itself, is at this address",
        _ => "",
    };
    let content = if content.is_empty() { "nothing" } else { content };
    QueryError::NotPrometheus { status: status.as_u16(), content: content.to_owned(), hint: hint.to_owned() }
}

/// Where a redirect leads, without what could be a secret in it.
fn redirected(response: &Response) -> String {
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    match location.map(Url::parse) {
        Some(Ok(url)) if url.origin().is_tuple() => {
            format!("`{}`", crate::member::cut(&url.origin().ascii_serialization()))
        }
        Some(_) => "another path of the same host".to_owned(),
        None => "nowhere".to_owned(),
    }
}

fn version(body: &[u8], scrub: &Scrub) -> Option<String> {
    #[derive(Deserialize)]
    struct BuildInfo {
        version: String,
    }
    let data = envelope::open(body)?.data?;
    let info: BuildInfo = serde_json::from_str(data.get()).ok()?;
    Some(scrub.line(&info.version)).filter(|version| !version.is_empty())
}

fn seconds(at: Timestamp) -> String {
    let milliseconds = at.as_millisecond();
    format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
